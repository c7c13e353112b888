"""Retention: what goes, what stays, and that deleted monitors take everything with them after a day."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import peewee

from pingmon_gui.domain.history import DAY_MS, FIVE_MINUTES_MS, HOUR_MS
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.resolution import Kept
from pingmon_gui.store.retention import used_bytes
from pingmon_gui.store.store import Store
from tests.store.helper import START_MS, Clock, Measured, add, batch, open_store, run, settle


async def measured_days(store: Store, clock: Clock, days: int, monitors: int = 1) -> list[MonitorId]:
    """Measure every ten minutes for some days, compacting each day; return the monitors' ids."""
    ids = [monitor.id for monitor in await add(store, monitors)]
    seq = 0
    for day in range(days):
        rows = [
            Measured(id_, START_MS + day * DAY_MS + n * 600_000, interval_ms=600_000) for n in range(144) for id_ in ids
        ]
        store.append(batch(rows, first_seq=seq + 1))
        seq += len(rows)
        await store.flush()
        clock.ms = START_MS + (day + 1) * DAY_MS + HOUR_MS // 2
        await settle(store)
    return ids


async def buckets(store: Store, id_: MonitorId, bucket_ms: int) -> int:
    return sum(len(one.count) for one in await store.rollups(id_, START_MS, START_MS + 100 * DAY_MS, bucket_ms))


def test_each_kind_is_kept_for_as_long_as_its_setting_says(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        store = open_store(tmp_path, clock)
        await store.change_preferences({"keep_raw_days": 1, "keep_5min_days": 2, "keep_hour_days": 3})
        (id_,) = await measured_days(store, clock, 6)
        now_ms = clock.ms
        (raw,) = await store.results(id_, START_MS, now_ms)
        assert int(raw.at_ms[0]) == (now_ms - DAY_MS) // HOUR_MS * HOUR_MS
        (fine,) = await store.rollups(id_, START_MS, now_ms, FIVE_MINUTES_MS)
        assert int(fine.start_ms[0]) == (now_ms - 2 * DAY_MS) // HOUR_MS * HOUR_MS
        (hours,) = await store.rollups(id_, START_MS, now_ms, HOUR_MS)
        assert int(hours.start_ms[0]) == (now_ms - 3 * DAY_MS) // DAY_MS * DAY_MS
        (days,) = await store.rollups(id_, START_MS, now_ms, DAY_MS)
        assert days.count.tolist()[:6] == [144] * 6
        # The last result's hold reaches a little beyond the sixth day.
        assert days.known_ms.tolist()[:6] == [DAY_MS] * 6
        size = await store.size()
        assert (size.raw_results, size.oldest_at_ms) == (len(raw.at_ms), int(raw.at_ms[0]))
        await store.close()

    run(main())


def test_late_results_for_purged_hours_do_not_spoil_their_rollups(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        store = open_store(tmp_path, clock)
        await store.change_preferences({"keep_raw_days": 1})
        (id_,) = await measured_days(store, clock, 4)
        before = await store.rollups(id_, START_MS, START_MS + DAY_MS, HOUR_MS)
        store.append(batch([Measured(id_, START_MS + 5 * HOUR_MS + 1)], probe=1, spool="late"))
        await store.flush()
        for _ in range(2):
            (after,) = await store.rollups(id_, START_MS, START_MS + DAY_MS, HOUR_MS)
            assert after.count.tolist() == before[0].count.tolist()
            assert after.known_ms.tolist() == before[0].known_ms.tolist()
            clock.ms += 2 * HOUR_MS
            await settle(store)
        await store.close()

    run(main())


def test_deleted_monitor_is_whole_for_a_day_and_then_gone_without_a_trace(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        store = open_store(tmp_path, clock)
        kept, deleted = await measured_days(store, clock, 2, monitors=2)
        await store.delete_monitors([deleted])
        clock.ms += DAY_MS - HOUR_MS
        await settle(store)
        assert await buckets(store, deleted, HOUR_MS) >= 48
        assert [one.id for one in await store.restore_monitors([deleted])] == [deleted]
        await store.delete_monitors([deleted])
        clock.ms += DAY_MS + HOUR_MS
        await settle(store)
        assert await store.restore_monitors([deleted]) == []
        assert await buckets(store, deleted, DAY_MS) == 0
        assert await buckets(store, kept, DAY_MS) >= 2
        assert (await store.size()).raw_results == 288
        store.append(batch([Measured(deleted, clock.ms)], spool="late"))
        await store.close()

    run(main())
    with sqlite3.connect(tmp_path / "pingmon.db") as connection:
        (series,) = connection.execute("SELECT id FROM series").fetchone()
        for table, shift in (("chunk", 0), ("rollup_5min", 0), ("rollup_hour", 5), ("rollup_day", 0)):
            found = connection.execute(f"SELECT DISTINCT (id >> {shift}) & 0xffffffff FROM {table}").fetchall()
            assert found == [(series,)]
    connection.close()


async def measured_hours(store: Store, clock: Clock, id_: MonitorId, hours: int, first_seq: int) -> int:
    """Measure once an hour, each hour compacted; return the next seq."""
    for seq in range(first_seq, first_seq + hours):
        store.append(batch([Measured(id_, clock.ms, interval_ms=3_600_000)], first_seq=seq))
        await store.flush()
        clock.ms += HOUR_MS
        await settle(store)
    return first_seq + hours


def test_clock_that_is_years_ahead_lets_nothing_go_until_results_bear_it_out(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        store = open_store(tmp_path, clock)
        (id_,) = await measured_days(store, clock, 2)
        right_ms = clock.ms
        before = await store.size()
        clock.ms += 3650 * DAY_MS
        seq = await measured_hours(store, clock, id_, 10, 289)
        assert (await store.size()).raw_results == before.raw_results + 10
        assert await buckets(store, id_, HOUR_MS) >= 48
        # Set right again, what was measured meanwhile waits in the future and hurts nobody.
        clock.ms = right_ms
        seq = await measured_hours(store, clock, id_, 3, seq)
        (history,) = await store.results(id_, right_ms, clock.ms)
        assert len(history.at_ms) == 4
        assert sum(len(part.at_ms) for part in store.recent(right_ms)) == 13
        ((_probe, latest, _status),) = await store.latest(id_)
        assert latest.started_at_ms > clock.ms + 3000 * DAY_MS
        # A clock that stays there is right in the end.
        clock.ms = right_ms + 3650 * DAY_MS + 11 * HOUR_MS
        await measured_hours(store, clock, id_, 20, seq)
        assert (await store.size()).oldest_at_ms == (right_ms + 3650 * DAY_MS) // HOUR_MS * HOUR_MS
        await store.close()

    run(main())


def test_details_that_nobody_uses_go_and_come_back_when_needed(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        store = open_store(tmp_path, clock)
        await store.change_preferences({"keep_raw_days": 1})
        (id_,) = await measured_days(store, clock, 1)
        clock.ms += 9 * DAY_MS
        seq = await measured_hours(store, clock, id_, 13, 145)
        await settle(store)
        store.append(batch([Measured(id_, clock.ms)], first_seq=seq))
        await store.flush()
        (history,) = await store.results(id_, clock.ms, clock.ms + 1)
        assert history.detail[0]["address"] == "192.0.2.0"
        await store.close()

    run(main())
    with sqlite3.connect(tmp_path / "pingmon.db") as connection:
        assert connection.execute("SELECT count(*) FROM detail").fetchone() == (1,)
    connection.close()


def test_kept_says_since_when_there_is_what(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        store = open_store(tmp_path, clock)
        assert await store.kept_since() == Kept(None, None, None, None)
        await store.change_preferences({"keep_raw_days": 1, "keep_5min_days": 2, "keep_hour_days": 3})
        await measured_days(store, clock, 6)
        kept = await store.kept_since()
        assert kept.raw_ms == (clock.ms - DAY_MS) // HOUR_MS * HOUR_MS
        assert kept.five_minutes_ms == (clock.ms - 2 * DAY_MS) // HOUR_MS * HOUR_MS
        assert (kept.hour_ms, kept.day_ms) == (START_MS + 3 * DAY_MS, START_MS)
        await store.close()

    run(main())


def test_kept_of_what_was_just_measured_begins_with_it(tmp_path: Path) -> None:
    async def main() -> None:
        store = open_store(tmp_path)
        (one,) = await add(store, 1)
        store.append(batch([Measured(one.id, START_MS + HOUR_MS)]))
        await store.flush()
        assert await store.kept_since() == Kept(*[START_MS + HOUR_MS] * 4)
        await store.close()

    run(main())


def test_largest_size_lets_the_oldest_results_go_and_is_told_once(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        store = open_store(tmp_path, clock)
        await store.change_preferences({"size_cap_mb": 50, "keep_raw_days": 400})
        ids = await measured_days(store, clock, 2, monitors=3)
        assert store.take_cut() is None
        before = await store.rollups(ids[0], START_MS, clock.ms, HOUR_MS)
        # No test fills 50 MB with results: a table that is not cut takes the room.
        await fill_up(store, 50_000_000)
        clock.ms += HOUR_MS
        await settle(store)
        since_ms = store.take_cut()
        assert since_ms is not None and START_MS < since_ms < clock.ms - HOUR_MS
        assert store.take_cut() is None
        assert (await store.size()).oldest_at_ms == since_ms
        after = await store.rollups(ids[0], START_MS, clock.ms, HOUR_MS)
        assert after[0].count.tolist()[: len(before[0].count)] == before[0].count.tolist()
        await store.close()

    run(main())


async def fill_up(store: Store, used: int) -> None:
    """Let a little more than so many bytes of the file be in use."""

    def work(database: peewee.SqliteDatabase) -> None:
        size_bytes = used - 200_000
        while used_bytes(database) <= used:
            database.execute_sql(
                "INSERT INTO detail (digest, used_day, value) VALUES (randomblob(16), 1 << 40, hex(zeroblob(?)))",
                ((size_bytes - used_bytes(database)) // 2 if size_bytes > used_bytes(database) else 1_500,),
            )

    await store._write(work)
