"""Compaction: moves closed hours of the journal into one chunk per series and hour, and rolls them up.

A job takes all blocks there are of hours that are over. It works through their series in ascending order; the mark
in the table `compaction` says up to which series the job has come and moves in the transaction that writes the
chunks, so a result is always seen exactly once: in its block or in its chunk. When all series are done the blocks go.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import peewee

from pingmon_gui.domain.availability import hold_ms
from pingmon_gui.domain.history import DAY_MS, FIVE_MINUTES_MS, HOUR_MS
from pingmon_gui.store.chunk import Columns, Ints, count_of, decode, decode_series, encode, joined, ordered, take
from pingmon_gui.store.history import CARRY_HOURS, Mark, read_mark
from pingmon_gui.store.rollup import HOURS_PER_DAY, frozen_hours, hour_row_id, regroup, roll_up, stored
from pingmon_gui.store.rollup_row import Buckets, decode_all
from pingmon_gui.store.rollup_row import encode as encode_buckets

#: An hour is closed so long after its end: what is on its way then still comes in time.
GRACE_MS = 3 * 60_000
#: Results that lie so far ahead of now do not wait for their hour to end.
AHEAD_HOURS = 48
_NEVER = 1 << 40
#: A transaction of a turn ends after so long.
TRANSACTION_S = 0.010
#: At most so many results are in memory at once (about 150 bytes each).
_GATHERED_RESULTS = 300_000
_BLOCKS_PER_DELETE = 20


def compact(database: peewee.SqliteDatabase, now_ms: int) -> Iterator[None]:
    """Do one job, a few milliseconds between two yields; nothing happens when no hour has closed."""
    mark = _begin(database, now_ms)
    if mark is None:
        return
    counts: dict[int, int] = {}
    blocks: list[int] = []
    rows = database.execute_sql(
        "SELECT id FROM journal WHERE id <= ? AND hour < ?", (mark.last_block, mark.before_hour)
    ).fetchall()
    for (block,) in rows:
        series = _block(database, block)[0]
        ids, numbers = np.unique(series[series > mark.done_series], return_counts=True)
        for id_, number in zip(ids.tolist(), numbers.tolist(), strict=True):
            counts[id_] = counts.get(id_, 0) + number
        blocks.append(block)
        yield
    for first, last in _ranges(counts):
        parts: list[Columns] = []
        for block in blocks:
            series, data = _block(database, block)
            begin, end = np.searchsorted(series, [first, last + 1], side="left").tolist()
            if begin < end:
                columns = decode(data)
                columns["series"] = series
                parts.append(take(columns, slice(begin, end)))
            yield
        gathered = joined(parts)
        del parts
        yield
        gathered = take(gathered, np.argsort(gathered["series"], kind="stable"))
        yield
        for done in _write(database, gathered, mark, min(mark.before_hour, (now_ms - GRACE_MS) // HOUR_MS)):
            mark = done
            yield
    yield from _finish(database, mark)


def _begin(database: peewee.SqliteDatabase, now_ms: int) -> Mark | None:
    """Return the mark of a job that was left unfinished, or of a new one, or None."""
    mark = read_mark(database)
    boundary = (now_ms - GRACE_MS) // HOUR_MS
    count = "SELECT count(*), max(id) FROM journal WHERE "
    (left, _last) = database.execute_sql(count + "id <= ? AND hour < ?", (mark.last_block, mark.before_hour)).fetchone()
    if left:
        return mark
    (new, last_block) = database.execute_sql(count + "hour < ?", (boundary,)).fetchone()
    if not new:
        # A clock that is ahead for good: its hours would never be over.
        (new, last_block) = database.execute_sql(count + "hour > ?", (boundary + AHEAD_HOURS,)).fetchone()
        boundary = _NEVER
    if not new:
        return None
    with database.atomic("IMMEDIATE"):
        return _move(database, Mark(last_block, boundary, 0))


def _block(database: peewee.SqliteDatabase, block: int) -> tuple[Ints, bytes]:
    found = database.execute_sql("SELECT series, data FROM journal WHERE id = ?", (block,)).fetchone()
    if found is None:  # Another process has just finished the same job.
        return np.zeros(0, dtype=np.int64), b""
    return decode_series(found[0]), found[1]


def _ranges(counts: dict[int, int]) -> Iterator[tuple[int, int]]:
    """Yield (first, last) series of portions that fit into memory, ascending."""
    first: int | None = None
    last, size = 0, 0
    for series in sorted(counts):
        if first is not None and size + counts[series] > _GATHERED_RESULTS:
            yield first, last
            first, size = None, 0
        first = series if first is None else first
        last, size = series, size + counts[series]
    if first is not None:
        yield first, last


def _write(database: peewee.SqliteDatabase, gathered: Columns, mark: Mark, closed_before_hour: int) -> Iterator[Mark]:
    """Write the results of a portion, ordered by series, a few series per transaction; yield the mark after each."""
    series = gathered.pop("series")
    ids, starts = np.unique(series, return_index=True)
    bounds = [*starts.tolist(), len(series)]
    place = 0
    while place < len(ids):
        until_s = time.perf_counter() + TRANSACTION_S
        with database.atomic("IMMEDIATE"):
            if read_mark(database) != mark:
                return  # Another process does this job.
            added = 0
            while True:
                id_ = int(ids[place])
                columns = take(gathered, slice(bounds[place], bounds[place + 1]))
                added += compact_series(database, id_, columns, closed_before_hour)
                place += 1
                if place == len(ids) or time.perf_counter() > until_s:
                    break
            database.execute_sql("UPDATE meta SET value = value + ? WHERE key = 'chunk_results'", (added,))
            mark = _move(database, mark._replace(done_series=id_))
        yield mark


def _finish(database: peewee.SqliteDatabase, mark: Mark) -> Iterator[None]:
    """Mark all series as done and delete the blocks, a few at a time."""
    with database.atomic("IMMEDIATE"):
        if read_mark(database) != mark:
            return
        mark = _move(database, mark._replace(done_series=1 << 40))
    yield
    while True:
        with database.atomic("IMMEDIATE"):
            if read_mark(database) != mark:
                return
            deleted = database.execute_sql(
                "DELETE FROM journal WHERE id IN (SELECT id FROM journal WHERE id <= ? AND hour < ? LIMIT ?)",
                (mark.last_block, mark.before_hour, _BLOCKS_PER_DELETE),
            ).rowcount
        if deleted < _BLOCKS_PER_DELETE:
            return
        yield


def _move(database: peewee.SqliteDatabase, mark: Mark) -> Mark:
    database.execute_sql("UPDATE compaction SET last_block = ?, before_hour = ?, done_series = ? WHERE id = 1", mark)
    return mark


def compact_series(database: peewee.SqliteDatabase, series: int, new: Columns, closed_before_hour: int) -> int:
    """Merge results of one series into their chunks and roll up what they touch, inside a transaction.

    Returns how many results there are more in chunks.
    """
    if database.execute_sql("SELECT 1 FROM series WHERE id = ?", (series,)).fetchone() is None:
        return 0
    hour = new["at_ms"] // HOUR_MS
    hours = np.unique(hour).tolist()
    chunks = Chunks(database, series)
    existing = {one for one in hours if chunks.get(one) is not None}
    frozen = frozen_hours(database, series, hours, existing)
    added = 0
    touched: set[int] = set()
    for one in hours:
        if one in frozen:
            continue
        part = take(new, hour == one)
        before = chunks.get(one)
        merged = ordered(part if before is None else joined([before, part]))
        chunks.put(one, merged)
        added += count_of(merged) - (0 if before is None else count_of(before))
        reach = int((merged["at_ms"] + hold_ms(merged["interval_ms"])).max())
        touched.update(range(one, min(one + CARRY_HOURS, reach // HOUR_MS) + 1))
    touched -= frozen_hours(database, series, touched, {one for one in touched if chunks.get(one) is not None})
    for one in sorted(touched):
        _roll_up_hour(database, series, one, chunks)
    for day in sorted({one // HOURS_PER_DAY for one in touched}):
        # Where the clock was set back, a day that is not over by now may have been rolled up before.
        is_over = (day + 1) * HOURS_PER_DAY <= closed_before_hour
        if is_over or stored(database, "rollup_day", [day << 32 | series]):
            roll_up_day(database, series, day)
    return added


def roll_up_day(database: peewee.SqliteDatabase, series: int, day: int) -> None:
    """Write a day's roll-up from its hours."""
    ids = [hour_row_id(day * HOURS_PER_DAY + hour, series) for hour in range(HOURS_PER_DAY)]
    buckets = regroup(decode_all(stored(database, "rollup_hour", ids).values()), DAY_MS)
    _put(database, "rollup_day", day << 32 | series, buckets)


def hour_buckets(hour: int, chunks: Chunks) -> Buckets:
    """Return what the results of an hour come to, in buckets of five minutes."""
    parts = [one for one in (chunks.before(hour), chunks.get(hour)) if one is not None]
    return roll_up(joined(parts), hour * HOUR_MS, (hour + 1) * HOUR_MS, FIVE_MINUTES_MS)


def _roll_up_hour(database: peewee.SqliteDatabase, series: int, hour: int, chunks: Chunks) -> None:
    buckets = hour_buckets(hour, chunks)
    _put(database, "rollup_5min", hour << 32 | series, buckets)
    _put(database, "rollup_hour", hour_row_id(hour, series), regroup(buckets, HOUR_MS))


def _put(database: peewee.SqliteDatabase, table: str, id_: int, buckets: Buckets) -> None:
    if len(buckets):
        row = (id_, encode_buckets(buckets))
        database.execute_sql(f"INSERT OR REPLACE INTO {table} (id, data) VALUES (?, ?)", row)
    else:
        database.execute_sql(f"DELETE FROM {table} WHERE id = ?", (id_,))


class Chunks:
    """The chunks of one series, each read at most once."""

    def __init__(self, database: peewee.SqliteDatabase, series: int) -> None:
        self._database = database
        self._series = series
        self._known: dict[int, Columns | None] = {}

    def get(self, hour: int) -> Columns | None:
        if hour not in self._known:
            id_ = hour << 32 | self._series
            found = self._database.execute_sql("SELECT data FROM chunk WHERE id = ?", (id_,)).fetchone()
            self._known[hour] = None if found is None else decode(found[0])
        return self._known[hour]

    def put(self, hour: int, columns: Columns) -> None:
        self._known[hour] = columns
        row = (hour << 32 | self._series, count_of(columns), encode(columns))
        self._database.execute_sql("INSERT OR REPLACE INTO chunk (id, count, data) VALUES (?, ?, ?)", row)

    def before(self, hour: int) -> Columns | None:
        """Return the last result before an hour, if it can reach in."""
        for earlier in range(hour - 1, hour - 1 - CARRY_HOURS, -1):
            found = self.get(earlier)
            if found is not None:
                return take(found, slice(-1, None))
        return None
