"""Retention: what is older than the user's limits goes, oldest first; space is given back a little at a time."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator

import peewee

from pingmon_gui.domain.history import DAY_MS, HOUR_MS
from pingmon_gui.domain.preference import BYTES_PER_MB, Preferences
from pingmon_gui.store import failure_evidence
from pingmon_gui.store.alert import forget_old
from pingmon_gui.store.compaction import roll_up_day
from pingmon_gui.store.configuration import read_preferences
from pingmon_gui.store.journal import Journal

_log = logging.getLogger(__name__)

#: A deleted monitor can be restored for so long.
UNDO_MS = DAY_MS
#: Alerts and what became of their messages are listed for so long.
ALERTS_MS = 400 * DAY_MS
#: The present is believed so far beyond the last of so many hours that have results.
_BORNE_OUT_HOURS, _BELIEVED_MS = 12, DAY_MS
_ROWS_PER_STEP = 100
_PAGES_PER_STEP = 100
#: Free pages up to this share of the file are left for what comes.
_FREE_SHARE = 0.1
_FREE_PAGES = 2_000
_LOW = (1 << 32) - 1


def retain(
    database: peewee.SqliteDatabase, journal: Journal, now_ms: int, on_cut: Callable[[int], None] = lambda _hour: None
) -> Iterator[None]:
    """Do one round, a few milliseconds between two yields.

    `on_cut` is told the first hour of which every result is kept, where the largest size made younger ones go than age.
    """
    preferences = read_preferences(database)
    yield from _purge_monitors(database, journal, now_ms)
    now_ms = believed_now_ms(database, now_ms)
    yield from _delete_chunks(database, _cut(preferences, "keep_raw_days", now_ms) // HOUR_MS << 32)
    yield from _delete_front(database, "rollup_5min", _cut(preferences, "keep_5min_days", now_ms) // HOUR_MS << 32)
    yield from _delete_hours(database, _cut(preferences, "keep_hour_days", now_ms) // DAY_MS)
    cap_bytes = preferences.integer("size_cap_mb") * BYTES_PER_MB
    yield from _keep_size(database, cap_bytes, lambda hour: on_cut(now_ms // HOUR_MS if hour is None else hour))
    yield from failure_evidence.retain(database, now_ms, cap_bytes)
    yield from _forget_details(database, journal, _cut(preferences, "keep_raw_days", now_ms) // DAY_MS - 1)
    yield from _forget_alerts(database, now_ms - ALERTS_MS)
    yield from _give_back(database)


def believed_now_ms(database: peewee.SqliteDatabase, now_ms: int) -> int:
    """Return the time by which things are old: at most a day later than what results of a dozen hours bear out.

    A clock that was set years ahead would let all of the history go at once.
    """
    in_journal = database.execute_sql("SELECT DISTINCT hour FROM journal").fetchall()
    until_hour = now_ms // HOUR_MS
    rolled_up = itertools.dropwhile(lambda hour: hour > until_hour, _periods(database, "rollup_5min", 32))
    hours = {hour for (hour,) in in_journal if hour <= until_hour}
    hours.update(itertools.islice(rolled_up, _BORNE_OUT_HOURS))
    if len(hours) < _BORNE_OUT_HOURS:
        return now_ms
    borne_out: int = sorted(hours, reverse=True)[_BORNE_OUT_HOURS - 1]
    return min(now_ms, (borne_out + 1) * HOUR_MS + _BELIEVED_MS)


def used_bytes(database: peewee.SqliteDatabase) -> int:
    """Return how much of the file is in use."""
    return (_pragma(database, "page_count") - _pragma(database, "freelist_count")) * _pragma(database, "page_size")


def _cut(preferences: Preferences, key: str, now_ms: int) -> int:
    return now_ms - preferences.integer(key) * DAY_MS


def _pragma(database: peewee.SqliteDatabase, name: str) -> int:
    return int(database.execute_sql(f"PRAGMA {name}").fetchone()[0])


def _delete_chunks(database: peewee.SqliteDatabase, below: int) -> Iterator[None]:
    """Delete the chunks with ids below a bound and keep count."""
    while True:
        with database.atomic("IMMEDIATE"):
            deleted = database.execute_sql(
                "SELECT id, count FROM chunk WHERE id < ? ORDER BY id LIMIT ?", (below, _ROWS_PER_STEP)
            ).fetchall()
            _drop_chunks(database, deleted)
        if len(deleted) < _ROWS_PER_STEP:
            return
        yield


def _drop_chunks(database: peewee.SqliteDatabase, rows: list[tuple[int, int]]) -> None:
    if rows:
        database.connection().executemany("DELETE FROM chunk WHERE id = ?", [(id_,) for id_, _count in rows])
        gone = sum(count for _id, count in rows)
        database.execute_sql("UPDATE meta SET value = value - ? WHERE key = 'chunk_results'", (gone,))


def _delete_front(database: peewee.SqliteDatabase, table: str, below: int) -> Iterator[None]:
    while True:
        with database.atomic("IMMEDIATE"):
            deleted = database.execute_sql(
                f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE id < ? ORDER BY id LIMIT ?)",
                (below, _ROWS_PER_STEP),
            ).rowcount
        if deleted < _ROWS_PER_STEP:
            return
        yield


def _delete_hours(database: peewee.SqliteDatabase, below_day: int) -> Iterator[None]:
    """Delete hourly roll-ups of days before a day; each of these days is rolled up first."""
    while True:
        with database.atomic("IMMEDIATE"):
            found = database.execute_sql(
                "SELECT id >> 5 FROM rollup_hour WHERE id < ? ORDER BY id LIMIT 1", (below_day << 37,)
            ).fetchone()
            if found is None:
                return
            (day_and_series,) = found
            roll_up_day(database, day_and_series & _LOW, day_and_series >> 32)
            database.execute_sql(
                "DELETE FROM rollup_hour WHERE id >= ? AND id < ?", (day_and_series << 5, (day_and_series + 1) << 5)
            )
        yield


def _keep_size(database: peewee.SqliteDatabase, cap_bytes: int, on_cut: Callable[[int | None], None]) -> Iterator[None]:
    """Delete the oldest chunks while the file is larger than the user wants; tell which hour is the first one left."""
    is_cut = False
    while used_bytes(database) > cap_bytes:
        with database.atomic("IMMEDIATE"):
            rows = database.execute_sql("SELECT id, count FROM chunk ORDER BY id LIMIT ?", (_ROWS_PER_STEP,)).fetchall()
            if not rows:
                break
            _drop_chunks(database, rows)
        is_cut = True
        yield
    if is_cut:
        (first_hour,) = database.execute_sql("SELECT min(id) >> 32 FROM chunk").fetchone()
        _log.info("the database has reached its largest size: the oldest results went")
        on_cut(first_hour)


def _purge_monitors(database: peewee.SqliteDatabase, journal: Journal, now_ms: int) -> Iterator[None]:
    """Remove monitors that were deleted more than a day ago, with everything that was measured for them."""
    gone = database.execute_sql("SELECT id FROM monitor WHERE deleted_at_ms < ?", (now_ms - UNDO_MS,)).fetchall()
    for (monitor,) in gone:
        series = database.execute_sql("SELECT id FROM series WHERE monitor = ?", (monitor,)).fetchall()
        for (id_,) in series:
            yield from _purge_series(database, id_)
        with database.atomic("IMMEDIATE"):
            database.execute_sql(
                "DELETE FROM incident_note WHERE incident IN (SELECT id FROM incident WHERE monitor = ?)", (monitor,)
            )
            for table in ("monitor_version", "tag", "series", "standing", "verdict", "incident", "failure_evidence"):
                database.execute_sql(f"DELETE FROM {table} WHERE monitor = ?", (monitor,))
            database.execute_sql("DELETE FROM monitor WHERE id = ?", (monitor,))
        journal.forget()
        yield


def _purge_series(database: peewee.SqliteDatabase, series: int) -> Iterator[None]:
    for table in ("chunk", "rollup_5min", "rollup_hour", "rollup_day"):
        shift = 5 if table == "rollup_hour" else 0
        for periods in _portions(_periods(database, table, 32 + shift)):
            ids = [period << 32 | series for period in periods]
            with database.atomic("IMMEDIATE"):
                if table == "chunk":
                    found = database.execute_sql(
                        f"SELECT id, count FROM chunk WHERE id IN ({','.join('?' * len(ids))})", ids
                    ).fetchall()
                    _drop_chunks(database, found)
                else:
                    database.connection().executemany(
                        f"DELETE FROM {table} WHERE id >= ? AND id < ?",
                        [(id_ << shift, (id_ + 1) << shift) for id_ in ids],
                    )
            yield


def _periods(database: peewee.SqliteDatabase, table: str, shift: int) -> Iterator[int]:
    """Yield the periods that a table has any row of, the newest first."""
    below = 1 << 62
    while True:
        (found,) = database.execute_sql(f"SELECT max(id) >> {shift} FROM {table} WHERE id < ?", (below,)).fetchone()
        if found is None:
            return
        yield int(found)
        below = int(found) << shift


def _portions(values: Iterator[int]) -> Iterator[list[int]]:
    while some := list(itertools.islice(values, _ROWS_PER_STEP)):
        yield some


def _forget_details(database: peewee.SqliteDatabase, journal: Journal, before_day: int) -> Iterator[None]:
    """Delete details that no result that is still kept can refer to."""
    while True:
        with database.atomic("IMMEDIATE"):
            deleted = database.execute_sql(
                "DELETE FROM detail WHERE id IN (SELECT id FROM detail WHERE used_day < ? LIMIT ?)",
                (before_day, _ROWS_PER_STEP),
            ).rowcount
        if deleted:
            journal.forget()
        if deleted < _ROWS_PER_STEP:
            return
        yield


def _forget_alerts(database: peewee.SqliteDatabase, before_ms: int) -> Iterator[None]:
    while True:
        with database.atomic("IMMEDIATE"):
            deleted = forget_old(database, before_ms, _ROWS_PER_STEP)
        if deleted < _ROWS_PER_STEP:
            return
        yield


def _give_back(database: peewee.SqliteDatabase) -> Iterator[None]:
    """Shrink the file when much of it is free."""
    while True:
        free, pages = _pragma(database, "freelist_count"), _pragma(database, "page_count")
        if free <= max(_FREE_PAGES, pages * _FREE_SHARE):
            return
        database.execute_sql(f"PRAGMA incremental_vacuum({_PAGES_PER_STEP})").fetchall()
        yield
