"""Times of a span whose edges lie anywhere, where results and fine roll-ups are kept for some of it only."""

from __future__ import annotations

from pathlib import Path

from pingmon_gui.domain.history import DAY_MS, HOUR_MS, SeriesTime
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.store.store import Store
from tests.store.helper import START_MS, Clock, Measured, batch, compact, open_store, run
from tests.store.test_retention import measured_days

MINUTE_MS = 60_000


async def of(store: Store, id_: MonitorId, from_ms: int, to_ms: int, bucket_ms: int = DAY_MS) -> SeriesTime:
    [one] = (await store.span_times([id_], START_MS + from_ms, START_MS + to_ms, bucket_ms))[id_]
    return one


def test_edges_are_exact_where_results_are_kept_and_shares_where_they_are_not(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        store = open_store(tmp_path, clock)
        await store.change_preferences({"keep_raw_days": 1, "keep_5min_days": 2, "keep_hour_days": 3})
        (id_,) = await measured_days(store, clock, 6)  # a result every ten minutes
        # Only days are kept: a share of each, and the whole one between them.
        old = await of(store, id_, DAY_MS // 2, 2 * DAY_MS + 6 * HOUR_MS)
        assert (old.known_ms, old.available_ms) == (42 * HOUR_MS, 42 * HOUR_MS)
        assert old.results == 144 + 144  # none is counted by halves
        # Hours are kept; of the half hour at the end, a share.
        middle = await of(store, id_, 3 * DAY_MS + HOUR_MS, 3 * DAY_MS + 3 * HOUR_MS + 30 * MINUTE_MS)
        assert (middle.known_ms, middle.results) == (150 * MINUTE_MS, 12 + 6)
        # Results are kept: to the millisecond.
        new = await of(store, id_, 5 * DAY_MS + 12 * HOUR_MS + 1, 5 * DAY_MS + 12 * HOUR_MS + 25 * MINUTE_MS)
        assert (new.known_ms, new.results) == (25 * MINUTE_MS - 1, 2)
        assert int(new.histogram.sum()) == 2
        everything = await of(store, id_, 0, 6 * DAY_MS)
        assert (everything.known_ms, everything.results) == (6 * DAY_MS, 6 * 144)
        await store.close()

    run(main())


def test_several_monitors_and_probes_are_told_apart(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        store = open_store(tmp_path, clock)
        one, two = await measured_days(store, clock, 1, monitors=2)
        store.append(batch([Measured(one, START_MS + HOUR_MS)], probe=2))
        await store.flush()
        found = await store.span_times([one, two, MonitorId(99)], START_MS, START_MS + DAY_MS, DAY_MS)
        assert {id_: [(time.probe, time.results) for time in times] for id_, times in found.items()} == {
            one: [(1, 144), (2, 1)],
            two: [(1, 144)],
            99: [],
        }
        assert found[one][1].known_ms == 25_000
        await store.close()

    run(main())


def test_nothing_measured_is_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        store = open_store(tmp_path)
        assert await store.span_times([MonitorId(5)], 0, START_MS, DAY_MS) == {5: []}
        await store.close()

    run(main())


def test_day_that_was_rolled_up_stays_whole_when_the_clock_is_set_back(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        store = open_store(tmp_path, clock)
        (id_,) = await measured_days(store, clock, 2)
        clock.ms = START_MS + DAY_MS
        store.append(batch([Measured(id_, START_MS + DAY_MS + HOUR_MS + 5)], probe=1, first_seq=2 * 144 + 1))
        await store.flush()
        await compact(store, clock, START_MS + DAY_MS + 4 * HOUR_MS)
        [days] = await store.rollups(id_, START_MS + DAY_MS, START_MS + 2 * DAY_MS, DAY_MS)
        [hours] = await store.rollups(id_, START_MS + DAY_MS, START_MS + 2 * DAY_MS, HOUR_MS)
        assert days.count.tolist() == [145] == [int(hours.count.sum())]
        await store.close()

    run(main())
