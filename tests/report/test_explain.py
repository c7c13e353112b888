"""A figure of roll-ups and its explanation from results are one: for any history, kept whole or purged in part."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pingmon_gui.domain.asked_time import asked_time
from pingmon_gui.domain.availability import Availability
from pingmon_gui.domain.explanation import AVAILABLE, KNOWN, Explanation, Held, Reason
from pingmon_gui.domain.history import DAY_MS, HOUR_MS
from pingmon_gui.domain.judgement import Judgement
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.strip import region_bars
from pingmon_gui.domain.timeline import Standing, VerdictSpan
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.report.explain import explained_domain, explained_region
from pingmon_gui.store.store import Store
from tests.store.helper import START_MS, Clock, Measured, add, batch, compact, open_store, run, settle

EU = frozenset({Region.EU})
ROWS = st.lists(
    st.tuples(
        st.integers(0, 60 * 60).map(lambda minute: START_MS + minute * 60_000),
        st.sampled_from([60_000, 600_000, 3_600_000]),
        st.sampled_from([Status.ONLINE, Status.SLOW, Status.OFFLINE, Status.UNKNOWN, Status.PAUSED]),
        st.sampled_from([1, 2]),
        st.sampled_from([1, 2]),
    ),
    max_size=40,
)
STANDINGS = st.lists(st.tuples(st.integers(0, 60), st.booleans(), st.booleans()), max_size=3)


async def fill(store: Store, monitor: MonitorId, rows: list[tuple[int, int, Status, int, int]]) -> None:
    """Keep results by two probes in Europe, of two versions at different addresses; probe 3 is elsewhere."""
    for number, region in ((1, Region.EU), (2, Region.EU), (3, Region.OC)):
        await store.save_probe(Probe(ProbeId(number), f"probe {number}", region))
    for probe in (1, 2, 3):
        mine = [
            Measured(monitor, at_ms, status, 50_000, interval_ms, version)
            for at_ms, interval_ms, status, of, version in sorted(rows)
            if probe in (of, 3)
        ]
        if mine:
            store.append(batch(mine, probe=probe))
    await store.flush()


def assert_sums(found: Explanation) -> None:
    assert found.total_ms(*AVAILABLE) == found.time.available_ms
    assert found.total_ms(*KNOWN) == found.time.known_ms
    assert found.time.known_ms + found.total_ms(Held.UNKNOWN) - found.beyond_ms == found.time.asked_ms
    assert found.beyond_ms >= 0


@given(ROWS, STANDINGS, st.integers(0, 61), st.integers(0, 61), st.integers(0, 59))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_figure_and_explanation_are_one(
    rows: list[tuple[int, int, Status, int, int]],
    stood: list[tuple[int, bool, bool]],
    first: int,
    last: int,
    minute: int,
) -> None:
    async def main(path: Path) -> None:
        clock = Clock(START_MS + 60 * HOUR_MS + minute * 60_000)
        now_ms = clock.ms
        store = open_store(path, clock)
        (one,) = await add(store, 1)
        (moved,) = await store.change_monitors([replace_url(one)])
        await fill(store, moved.id, [row for row in rows if row[0] < now_ms])
        standings = [
            Standing(START_MS + hour * HOUR_MS, EU if is_watched else frozenset(), is_paused)
            for hour, is_watched, is_paused in sorted(stood)
        ]
        await store.save_standings([(one.id, standing) for standing in standings])
        from_ms = START_MS + min(first, last) * HOUR_MS
        to_ms = min(now_ms, START_MS + max(first, last) * HOUR_MS)
        kept = (await store.standings([one.id])).get(one.id, [])
        for purge in ("nothing", "all but the last day"):
            if purge != "nothing":
                await store.change_preferences({"keep_raw_days": 1})
                await settle(store)
            found = await explained_region(store, one.id, Region.EU, from_ms, max(from_ms, to_ms), now_ms)
            assert_sums(found)
            rollups = [
                rollup
                for rollup in await store.rollups(one.id, from_ms, to_ms, HOUR_MS, now_ms)
                if rollup.series.probe in (1, 2)
            ]
            edges = np.array([from_ms, max(from_ms, to_ms)])
            asked = asked_time(kept, Region.EU, from_ms, max(from_ms, to_ms))
            assert found.time == region_bars(rollups, asked, edges)[0].time
        await store.close()

    with tempfile.TemporaryDirectory() as folder:
        run(main(Path(folder)))


def replace_url(monitor: Monitor) -> Monitor:

    return replace(monitor, url="https://elsewhere.example/")


def test_what_is_purged_is_explained_by_its_sums(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        store = open_store(tmp_path, clock)
        (one,) = await add(store, 1)
        await store.save_probe(Probe(ProbeId(1), "Frankfurt", Region.EU))
        await store.save_standings([(one.id, Standing(START_MS, EU))])
        bad = {90, 91, 92, 200}
        rows = [
            Measured(one.id, START_MS + n * 600_000, Status.OFFLINE if n in bad else Status.ONLINE, interval_ms=600_000)
            for n in range(3 * 144)
        ]
        store.append(batch(rows))
        await store.flush()
        await compact(store, clock, START_MS + 3 * DAY_MS + HOUR_MS // 2)
        await store.change_preferences({"keep_raw_days": 1})
        await settle(store)
        found = await explained_region(store, one.id, Region.EU, START_MS, START_MS + 3 * DAY_MS, clock.ms)
        assert_sums(found)
        assert found.time == Availability(3 * DAY_MS - 4 * 600_000, 3 * DAY_MS, 3 * DAY_MS)
        offline = [i for i in found.intervals if i.held is Held.OFFLINE]
        # All of them lie before the results that are kept: an hour or a few buckets know how much of them it was.
        assert {interval.reason for interval in offline} == {Reason.SUMS}
        assert sum(interval.length_ms for interval in offline) == 4 * 600_000
        assert found.intervals[-1].reason is Reason.RESULTS
        await store.close()

    run(main())


def test_domain_is_explained_by_its_verdicts(tmp_path: Path) -> None:
    async def main() -> None:
        store = open_store(tmp_path)
        (one,) = await add(store, 1)
        spans = (
            VerdictSpan(START_MS, START_MS + HOUR_MS, Verdict.ONLINE),
            VerdictSpan(START_MS + HOUR_MS, START_MS + 2 * HOUR_MS, Verdict.OFFLINE),
        )
        await store.record([Judgement(one.id, spans, ())], START_MS + 2 * HOUR_MS)
        found = await explained_domain(store, one.id, START_MS, START_MS + 3 * HOUR_MS)
        assert [(i.held, i.length_ms) for i in found.intervals] == [
            (Held.ONLINE, HOUR_MS),
            (Held.OFFLINE, HOUR_MS),
            (Held.UNKNOWN, HOUR_MS),
        ]
        assert found.time.ratio == pytest.approx(0.5)
        await store.close()

    run(main())
