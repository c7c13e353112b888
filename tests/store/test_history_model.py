"""Property tests: whatever the order of arrival, and compacted or not, the store says what a naive model says."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pingmon_gui.domain.history import (
    DAY_MS,
    FIVE_MINUTES_MS,
    HISTOGRAM_BUCKETS,
    HOUR_MS,
    ROLLUP_BUCKETS_MS,
    SeriesTime,
    histogram,
)
from pingmon_gui.domain.status import Status
from pingmon_gui.store import rollup
from pingmon_gui.store.chunk import PHASES_US
from pingmon_gui.store.rollup_row import decode, encode
from pingmon_gui.store.store import Store
from tests.store.helper import START_MS, Clock, Measured, add, batch, compact, open_store, phases_us, run

SPAN_MS = 30 * HOUR_MS
#: What is read of roll-ups.
FROM_MS, TO_MS = START_MS - DAY_MS, START_MS + 3 * DAY_MS
GOOD = (Status.ONLINE, Status.SLOW)
Row = tuple[int, int, Status, int, int]  # at_ms, interval_ms, status, total_us, probe


class Model:
    """Results of one monitor in plain lists, and what follows from them millisecond by millisecond."""

    def __init__(self, rows: list[Row]) -> None:
        # One that is there twice in every number is one that came twice.
        self.rows = sorted(set(rows), key=lambda row: (row[0], row[2], row[3], row[1]))

    def spans(self) -> Iterator[tuple[int, int, Status]]:
        for place, (at_ms, interval_ms, status, _total, _probe) in enumerate(self.rows):
            until_ms = at_ms + interval_ms * 5 // 2
            if place + 1 < len(self.rows):
                until_ms = min(until_ms, self.rows[place + 1][0])
            yield at_ms, until_ms, status

    def buckets(self, bucket_ms: int) -> dict[int, tuple[int, ...]]:
        """Return start -> (count, online, slow, offline, known_ms, available_ms, total_us, phased, *phases_us)."""
        found: dict[int, list[int]] = {}
        for at_ms, _interval, status, total_us, _probe in self.rows:
            bucket = found.setdefault(at_ms // bucket_ms * bucket_ms, [0] * 13)
            bucket[0] += 1
            if status in (Status.ONLINE, Status.SLOW, Status.OFFLINE):
                bucket[1 + status] += 1
            if status in GOOD:
                bucket[6] += total_us
                bucket[7] += 1
                for place, us in enumerate(phases_us(total_us)):
                    bucket[8 + place] += max(0, us)
        for begin_ms, until_ms, status in self.spans():
            start_ms = begin_ms // bucket_ms * bucket_ms
            while start_ms < until_ms:
                part = min(until_ms, start_ms + bucket_ms) - max(begin_ms, start_ms)
                if part > 0 and status != Status.UNKNOWN:
                    bucket = found.setdefault(start_ms, [0] * 13)
                    bucket[4] += part
                    bucket[5] += part if status in GOOD else 0
                start_ms += bucket_ms
        return {start: tuple(values) for start, values in sorted(found.items())}

    def histograms(self, bucket_ms: int) -> dict[int, list[int]]:
        found: dict[int, list[float]] = {}
        for at_ms, _interval, status, total_us, _probe in self.rows:
            if status in GOOD:
                found.setdefault(at_ms // bucket_ms * bucket_ms, []).append(total_us / 1000)
        return {start: histogram(np.array(totals)).tolist() for start, totals in found.items()}


#: A clock was set wrongly, behind or ahead, and then is right again.
STRANGE_MS = (START_MS - 200 * DAY_MS, START_MS - 9 * DAY_MS + 7, 2_000_000_000_000, 4_102_444_799_000)
TIMES = st.integers(0, SPAN_MS - 1).map(lambda ms: START_MS - 3 * HOUR_MS + ms // 500 * 500)
ROWS = st.lists(
    st.tuples(
        st.one_of(TIMES, TIMES, TIMES, st.sampled_from(STRANGE_MS)),
        st.sampled_from([5_000, 10_000, 60_000, 3_600_000]),
        st.sampled_from([Status.ONLINE, Status.SLOW, Status.OFFLINE, Status.UNKNOWN]),
        st.integers(1, 60_000_000),
        st.sampled_from([1, 2]),
    ),
    max_size=60,
    # A probe measures a target once in a millisecond; twice, and which of the two speaks is a matter of taste.
    unique_by=lambda row: (row[0], row[4]),
)
#: After which batch what happens: nothing, a commit, or a compaction of what is then over.
DEEDS = st.lists(st.sampled_from(["wait", "flush", "compact"]), min_size=60, max_size=60)


async def feed(store: Store, clock: Clock, monitor: int, rows: list[Row], deeds: list[str], size: int) -> None:
    """Send the rows in the order given, some of them twice, as a collector does that starts again at its cursor."""
    seqs = {1: 0, 2: 0}
    sent: dict[int, list[Measured]] = {1: [], 2: []}
    for number, start in enumerate(range(0, len(rows), size)):
        for probe in (1, 2):
            part = [
                Measured(monitor, at_ms, status, total_us, interval_ms)
                for at_ms, interval_ms, status, total_us, of in rows[start : start + size]
                if of == probe
            ]
            if not part:
                continue
            again = sent[probe][-(number % 3) :] if number % 3 else []
            store.append(batch([*again, *part], probe=probe, first_seq=seqs[probe] + 1 - len(again)))
            seqs[probe] += len(part)
            sent[probe] += part
        if deeds[number] == "flush":
            await store.flush()
        elif deeds[number] == "compact":
            await store.flush()
            await compact(store, clock, START_MS + (number * 7 + 4) % 30 * HOUR_MS)
    await store.flush()


def models(rows: list[Row]) -> dict[int, Model]:
    return {probe: Model([row for row in rows if row[4] == probe]) for probe in (1, 2)}


@given(ROWS, DEEDS, st.integers(1, 9), st.integers(0, SPAN_MS), st.integers(0, SPAN_MS))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_history_matches_the_model_for_any_order_of_arrival(
    rows: list[Row], deeds: list[str], size: int, from_ms: int, to_ms: int
) -> None:
    async def main(path: Path) -> None:
        clock = Clock()
        store = open_store(path, clock)
        (one,) = await add(store, 1)
        await store.change_preferences({"keep_raw_days": 400, "keep_5min_days": 4000, "keep_hour_days": 4000})
        await feed(store, clock, one.id, rows, deeds, size)
        expected = models(rows)
        for _ in ("as it is", "all compacted"):
            await assert_same_results(store, one.id, expected, START_MS - 4 * HOUR_MS, START_MS + SPAN_MS)
            await assert_same_results(store, one.id, expected, 0, STRANGE_MS[-1] + 1)
            first, last = sorted((START_MS - 3 * HOUR_MS + from_ms, START_MS - 3 * HOUR_MS + to_ms))
            await assert_same_results(store, one.id, expected, first, last)
            await assert_same_times(store, one.id, expected, first, last)
            await assert_same_rollups(store, one.id, expected)
            now_ms = max([START_MS, *(row[0] for row in rows)]) + from_ms % (3 * HOUR_MS)
            await assert_nothing_is_known_after(store, one.id, expected, now_ms)
            await compact(store, clock, START_MS + 2 * SPAN_MS)
        assert (await store.size()).raw_results == len(set(rows))
        await store.close()

    with tempfile.TemporaryDirectory() as folder:
        run(main(Path(folder)))


async def assert_same_results(
    store: Store, monitor: int, expected: dict[int, Model], first_ms: int, last_ms: int
) -> None:
    histories = {int(h.series.probe): h for h in await store.results(monitor, first_ms, last_ms)}  # type: ignore[arg-type]
    for probe, model in expected.items():
        inside = [row for row in model.rows if first_ms <= row[0] < last_ms]
        before = [row for row in model.rows if first_ms - 9_000_000 <= row[0] < first_ms]
        wanted = before[-1:] + inside
        if not wanted:
            assert probe not in histories
            continue
        history = histories[probe]
        assert history.at_ms.tolist() == [row[0] for row in wanted]
        assert history.interval_ms.tolist() == [row[1] for row in wanted]
        assert history.status.tolist() == [row[2] for row in wanted]
        assert history.total_ms.tolist() == [row[3] / 1000 for row in wanted]


async def assert_same_times(
    store: Store, monitor: int, expected: dict[int, Model], first_ms: int, last_ms: int
) -> None:
    for bucket_ms in ROLLUP_BUCKETS_MS:
        times = await store.span_times([monitor], first_ms, last_ms, bucket_ms)  # type: ignore[list-item]
        assert_same_time({int(one.probe): one for one in times[monitor]}, expected, first_ms, last_ms)  # type: ignore[index]


def assert_same_time(found: dict[int, SeriesTime], expected: dict[int, Model], first_ms: int, last_ms: int) -> None:
    for probe, model in expected.items():
        inside = [row for row in model.rows if first_ms <= row[0] < last_ms]
        parts = [
            (max(0, min(until_ms, last_ms) - max(begin_ms, first_ms)), status)
            for begin_ms, until_ms, status in model.spans()
        ]
        known = sum(ms for ms, status in parts if status != Status.UNKNOWN)
        if not inside and not known:
            assert probe not in found or found[probe].known_ms == found[probe].results == 0
            continue
        one = found[probe]
        assert (one.results, one.known_ms) == (len(inside), known)
        assert one.available_ms == sum(ms for ms, status in parts if status in GOOD)
        totals = [row[3] / 1000 for row in inside if row[2] in GOOD]
        assert one.histogram.tolist() == histogram(np.array(totals, dtype=np.float64)).tolist()


async def assert_same_rollups(store: Store, monitor: int, expected: dict[int, Model]) -> None:
    for bucket_ms in (*ROLLUP_BUCKETS_MS, 15 * 60_000, 2 * DAY_MS):
        found = await store.rollups(monitor, FROM_MS, TO_MS, bucket_ms)  # type: ignore[arg-type]
        by_probe = {int(one.series.probe): one for one in found}
        for probe, model in expected.items():
            first_ms = FROM_MS // bucket_ms * bucket_ms
            wanted = {start: of for start, of in model.buckets(bucket_ms).items() if first_ms <= start < TO_MS}
            if not wanted:
                assert probe not in by_probe
                continue
            one = by_probe[probe]
            total_us = np.rint(one.total_sum_ms * 1000).astype(np.int64)
            spent_us = np.rint(one.phase_sums_ms * 1000).astype(np.int64)
            columns = (
                one.count, one.online, one.slow, one.offline, one.known_ms, one.available_ms, total_us, one.phased,
                *spent_us.T,
            )  # fmt: skip
            got = dict(zip(one.start_ms.tolist(), zip(*(c.tolist() for c in columns), strict=True), strict=True))
            assert got == wanted
            histograms = model.histograms(bucket_ms)
            for start_ms, counts in zip(one.start_ms.tolist(), one.histogram.tolist(), strict=True):
                assert counts == histograms.get(start_ms, [0] * HISTOGRAM_BUCKETS)


async def assert_nothing_is_known_after(store: Store, monitor: int, expected: dict[int, Model], now_ms: int) -> None:
    for bucket_ms in (FIVE_MINUTES_MS, HOUR_MS, DAY_MS):
        found = await store.rollups(monitor, FROM_MS, TO_MS, bucket_ms, now_ms)  # type: ignore[arg-type]
        by_probe = {int(one.series.probe): one for one in found}
        for probe, model in expected.items():
            spoken = [(begin, min(until, now_ms), s) for begin, until, s in model.spans() if FROM_MS <= begin < TO_MS]
            known = sum(until - begin for begin, until, status in spoken if status != Status.UNKNOWN)
            available = sum(until - begin for begin, until, status in spoken if status in GOOD)
            one = by_probe.get(probe)
            assert (known, available) == (
                (0, 0) if one is None else (int(one.known_ms.sum()), int(one.available_ms.sum()))
            )


@given(ROWS)
@settings(max_examples=50, deadline=None)
def test_rollup_of_rollups_is_the_rollup_of_results(rows: list[Row]) -> None:
    model = Model(rows)
    columns = {
        name: np.array([row[place] for row in model.rows], dtype=np.int64)
        for place, name in enumerate(("at_ms", "interval_ms", "status", "total_us"))
    }
    for place, name in enumerate(PHASES_US):
        columns[name] = np.array([phases_us(row[3])[place] for row in model.rows], dtype=np.int64)
    start_ms, end_ms = FROM_MS, TO_MS
    fine = rollup.roll_up(columns, start_ms, end_ms, FIVE_MINUTES_MS)
    for bucket_ms in (HOUR_MS, DAY_MS):
        whole = rollup.roll_up(columns, start_ms, end_ms, bucket_ms)
        again = decode(encode(rollup.regroup(rollup.regroup(fine, HOUR_MS), bucket_ms)))
        for name, value in vars(whole).items():
            assert np.array_equal(getattr(again, name), value), name


@pytest.mark.parametrize("bucket_ms", [0, -300_000, 1, 60_000, 7 * 300_000, 36 * HOUR_MS])
def test_buckets_that_do_not_fit_a_day_are_refused(tmp_path: Path, bucket_ms: int) -> None:
    async def main() -> None:
        store = open_store(tmp_path)
        with pytest.raises(ValueError, match="no buckets"):
            await store.rollups(2, 0, 1, bucket_ms)  # type: ignore[arg-type]
        await store.close()

    run(main())
