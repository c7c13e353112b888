"""Two series of one monitor and probe: kept apart in every form of history, whatever order results arrive in."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pingmon_gui.domain.family import EACH
from pingmon_gui.domain.history import DAY_MS, HOUR_MS, ROLLUP_BUCKETS_MS
from pingmon_gui.domain.monitor import Monitor, MonitorDraft, MonitorSettings
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId, ResultBatch
from pingmon_gui.domain.status import Status
from pingmon_gui.store.store import Store
from tests.store.helper import START_MS, Clock, Measured, batch, compact, open_store, run
from tests.store.test_history_model import DEEDS, ROWS, Model, Row

FROM_MS, TO_MS = START_MS - DAY_MS, START_MS + 3 * DAY_MS


async def add_each(store: Store, family: int = EACH) -> Monitor:
    (one,) = await store.add_monitors([MonitorDraft("https://shop.example/", settings=MonitorSettings(family=family))])
    await store.save_probe(Probe(ProbeId(1), "fra", Region.EU))
    return one


def over(family: int, rows: list[Measured], first_seq: int) -> ResultBatch:
    made = batch(rows, first_seq=first_seq)
    return replace(made, family=np.full(made.count, family, dtype=np.int8))


@given(ROWS, DEEDS, st.integers(1, 9))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_both_series_match_the_model_for_any_order_of_arrival(rows: list[Row], deeds: list[str], size: int) -> None:
    """Of the model's two probes one is IPv4 here and the other IPv6."""
    rows = [row for row in rows if FROM_MS <= row[0] < TO_MS]
    models = {family: Model([row for row in rows if row[4] == number]) for number, family in ((1, 4), (2, 6))}

    async def main(path: Path) -> None:
        clock = Clock()
        store = open_store(path, clock)
        one = await add_each(store)
        await store.change_preferences({"keep_raw_days": 400, "keep_5min_days": 4000, "keep_hour_days": 4000})
        seq = 1
        for number, start in enumerate(range(0, len(rows), size)):
            for of, family in ((1, 4), (2, 6)):
                part = [
                    Measured(one.id, *row[:1], *row[2:4], row[1]) for row in rows[start : start + size] if row[4] == of
                ]
                if part:
                    store.append(over(family, part, seq))
                    seq += len(part)
            await store.flush()
            if deeds[number] == "compact":
                await compact(store, clock, START_MS + (number * 7 + 4) % 30 * HOUR_MS)
        histories = await store.results(one.id, FROM_MS, TO_MS)
        assert {(h.series.family, h.series.is_second) for h in histories} <= {(4, False), (6, True)}
        found = {h.series.family: list(zip(h.at_ms.tolist(), h.status.tolist(), strict=True)) for h in histories}
        wanted = {family: [(row[0], int(row[2])) for row in model.rows] for family, model in models.items()}
        assert found == {family: told for family, told in wanted.items() if told}
        for bucket_ms in ROLLUP_BUCKETS_MS:
            for rollup in await store.rollups(one.id, FROM_MS, TO_MS, bucket_ms):
                sums = models[rollup.series.family].buckets(bucket_ms)
                numbers = zip(
                    rollup.count.tolist(), rollup.known_ms.tolist(), rollup.available_ms.tolist(), strict=True
                )
                told = dict(zip(rollup.start_ms.tolist(), numbers, strict=True))
                assert told == {start: (row[0], row[4], row[5]) for start, row in sums.items() if start < TO_MS}
        spans = (await store.span_times([one.id], FROM_MS, TO_MS, HOUR_MS))[one.id]
        for time in spans:
            hours = models[6 if time.is_second else 4].buckets(HOUR_MS)
            assert (time.known_ms, time.available_ms) == tuple(
                sum(row[place] for start, row in hours.items() if start < TO_MS) for place in (4, 5)
            )
        await store.close()

    with tempfile.TemporaryDirectory() as folder:
        run(main(Path(folder)))


def test_everything_that_is_read_tells_the_two_apart(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock(START_MS + HOUR_MS)
        store = open_store(tmp_path, clock)
        one = await add_each(store)
        store.append(over(4, [Measured(one.id, START_MS + 1_000), Measured(one.id, START_MS + 11_000)], 1))
        store.append(over(6, [Measured(one.id, START_MS + 6_000, Status.OFFLINE)], 3))
        await store.flush()
        latest = await store.latest(one.id)
        assert [(result.family, result.started_at_ms, status) for _probe, result, status in latest] == [
            (4, START_MS + 11_000, Status.ONLINE),
            (6, START_MS + 6_000, Status.OFFLINE),
        ]
        first, second = (await store.tracks([one.id], START_MS, START_MS + HOUR_MS))[one.id]
        assert (first.is_second, first.at_ms.tolist()) == (False, [START_MS + 1_000, START_MS + 11_000])
        assert (second.is_second, second.at_ms.tolist()) == (True, [START_MS + 6_000])
        then = await store.results_at(one.id, START_MS + 12_000)
        assert [(result.family, status) for _probe, result, status in then] == [
            (4, Status.ONLINE),
            (6, Status.OFFLINE),
        ]
        (recent,) = store.recent(START_MS)
        assert recent.family.tolist() == [4, 6, 4]
        setup = await store.past_setup()
        assert setup is not None
        assert sorted((s.family, s.is_second) for s in setup.series.values()) == [(4, False), (6, True)]
        await store.close()

    run(main())


@pytest.mark.parametrize(
    ("settings_then", "families", "seconds"),
    [
        ((0, EACH, 0), [0, 4, 6], [6]),
        ((6, EACH, 6), [4, 6], [6]),
        ((4, EACH), [4, 6], [6]),
        ((0, 6), [0, 6], []),  # never each: all of a probe is one voice
        ((EACH, 4), [4, 6], [6]),
    ],
)
def test_series_go_on_under_their_family_whatever_was_set_before(
    tmp_path: Path, settings_then: tuple[int, ...], families: list[int], seconds: list[int]
) -> None:
    async def main() -> None:
        store = open_store(tmp_path, Clock(START_MS + HOUR_MS))
        one = await add_each(store, settings_then[0])
        seq = 1
        for place, family in enumerate(settings_then):
            if place:
                (one,) = await store.change_monitors([replace(one, settings=MonitorSettings(family=family))])
            for checked in (4, 6) if family == EACH else (family or 6,):
                row = Measured(one.id, START_MS + seq * 10_000, version=one.version)
                store.append(over(checked, [row], seq))
                seq += 1
        await store.flush()
        histories = await store.results(one.id, START_MS, START_MS + HOUR_MS)
        assert sorted(h.series.family for h in histories) == families
        assert [h.series.family for h in histories if h.series.is_second] == seconds
        assert len((await store.tracks([one.id], START_MS, START_MS + HOUR_MS))[one.id]) == 1 + len(seconds)
        await store.close()

    run(main())
