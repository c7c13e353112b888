"""Roll-ups: what the results of one series come to per bucket of time, how that is kept, and how it is read.

Rows hold format 1: byte 1, then a zlib stream of the number of buckets (u32) and, for each column, the buckets'
values as int64, then the histograms as planes of bytes. Empty buckets are left out.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import peewee

from pingmon_gui.domain.availability import held_until_ms, is_available, is_known
from pingmon_gui.domain.history import (
    DAY_MS,
    EDGES_MS,
    FIVE_MINUTES_MS,
    HISTOGRAM_BUCKETS,
    HOUR_MS,
    SeriesRollup,
)
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.status import Status
from pingmon_gui.store.chunk import Columns, Ints, damaged, joined, ordered, take
from pingmon_gui.store.history import CARRY_HOURS, chunks_of, journal_of, series_of

FORMAT = 1
HOURS_PER_DAY = 24
_COUNT = struct.Struct("<I")
_IDS_PER_QUERY = 500


@dataclass(frozen=True)
class Buckets:
    """Roll-up of one series: one element per bucket, by time. `total_us` adds totals of good results."""

    start_ms: Ints
    count: Ints
    online: Ints
    slow: Ints
    offline: Ints
    known_ms: Ints
    available_ms: Ints
    total_us: Ints
    histogram: npt.NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.start_ms)

    def at(self, places: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Buckets:
        return _made([getattr(self, name)[places] for name in _FIELDS])


_FIELDS = tuple(field.name for field in fields(Buckets))


def _made(columns: Iterable[npt.NDArray[Any]]) -> Buckets:
    """Return buckets of columns in the order of the fields."""
    return Buckets(**dict(zip(_FIELDS, columns, strict=True)))


NO_BUCKETS = _made(
    [*(np.zeros(0, dtype=np.int64) for _ in _FIELDS[:-1]), np.zeros((0, HISTOGRAM_BUCKETS), dtype=np.uint32)]
)


def roll_up(columns: Columns, start_ms: int, end_ms: int, bucket_ms: int) -> Buckets:
    """Return the buckets of [start_ms, end_ms) that have a result or known time.

    `columns` are the results of one series by time, beginning with the last one before `start_ms` whose
    hold can reach in.
    """
    at_ms, status = columns["at_ms"], columns["status"].astype(np.int8)
    number = (end_ms - start_ms) // bucket_ms
    edges = start_ms + bucket_ms * np.arange(number + 1, dtype=np.int64)
    until = held_until_ms(at_ms, columns["interval_ms"])
    is_inside = (at_ms >= start_ms) & (at_ms < end_ms)
    place = (at_ms[is_inside] - start_ms) // bucket_ms
    inside = status[is_inside]
    is_good = is_available(inside) & (columns["total_us"][is_inside] >= 0)
    good_us = columns["total_us"][is_inside][is_good]
    good_place = place[is_good]
    latency = np.clip(np.searchsorted(EDGES_MS, good_us / 1000, side="right") - 1, 0, HISTOGRAM_BUCKETS - 1)
    total_us = np.zeros(number, dtype=np.int64)
    np.add.at(total_us, good_place, good_us)
    counted = np.bincount(good_place * HISTOGRAM_BUCKETS + latency, minlength=number * HISTOGRAM_BUCKETS)
    buckets = Buckets(
        start_ms=edges[:-1],
        count=_counts(place, number),
        online=_counts(place[inside == Status.ONLINE], number),
        slow=_counts(place[inside == Status.SLOW], number),
        offline=_counts(place[inside == Status.OFFLINE], number),
        known_ms=_time_in(at_ms, until, is_known(status), edges),
        available_ms=_time_in(at_ms, until, is_available(status), edges),
        total_us=total_us,
        histogram=counted.reshape(number, HISTOGRAM_BUCKETS).astype(np.uint32),
    )
    return buckets.at((buckets.count > 0) | (buckets.known_ms > 0))


def regroup(buckets: Buckets, bucket_ms: int) -> Buckets:
    """Return the sums over larger buckets; a roll-up of roll-ups is the roll-up of the results."""
    if len(buckets) == 0:
        return buckets
    start_ms, place = np.unique(buckets.start_ms // bucket_ms * bucket_ms, return_inverse=True)
    summed = []
    for name in _FIELDS[1:]:
        values = getattr(buckets, name)
        sums = np.zeros((len(start_ms), *values.shape[1:]), dtype=values.dtype)
        np.add.at(sums, place, values)
        summed.append(sums)
    return _made([start_ms, *summed])


def joined_buckets(parts: Sequence[Buckets]) -> Buckets:
    """Return the buckets of disjoint spans, by time."""
    parts = [part for part in parts if len(part)]
    if not parts:
        return NO_BUCKETS
    everything = _made(np.concatenate([getattr(part, name) for part in parts]) for name in _FIELDS)
    return everything.at(np.argsort(everything.start_ms, kind="stable"))


def encode(buckets: Buckets) -> bytes:
    """Return the compressed form."""
    numbers = b"".join(getattr(buckets, name).astype("<i8").tobytes() for name in _FIELDS[:-1])
    planes = np.ascontiguousarray(buckets.histogram.astype("<u4")).view(np.uint8).reshape(-1, 4).T.tobytes()
    return bytes((FORMAT,)) + zlib.compress(_COUNT.pack(len(buckets)) + numbers + planes)


def decode(data: bytes) -> Buckets:
    """Return what `encode` made. Raises StorageCorrupt."""
    try:
        if data[0] != FORMAT:
            raise ValueError(f"format {data[0]}")
        raw = zlib.decompress(data[1:])
        (count,) = _COUNT.unpack_from(raw)
        columns = len(_FIELDS) - 1
        numbers = np.frombuffer(raw, "<i8", columns * count, _COUNT.size).reshape(columns, count).astype(np.int64)
        place = _COUNT.size + columns * count * 8
        planes = np.frombuffer(raw, np.uint8, 4 * count * HISTOGRAM_BUCKETS, place).reshape(4, -1)
        histogram = np.ascontiguousarray(planes.T).view("<u4").reshape(count, HISTOGRAM_BUCKETS).astype(np.uint32)
    except (ValueError, IndexError, zlib.error, struct.error) as exc:
        raise damaged(exc) from exc
    return _made([*numbers, histogram])


def hour_row_id(hour: int, series: int) -> int:
    """Return the id of an hour's row in `rollup_hour`."""
    day, hour_of_day = divmod(hour, HOURS_PER_DAY)
    return (day << 32 | series) << 5 | hour_of_day


def stored(database: peewee.SqliteDatabase, table: str, ids: Iterable[int]) -> dict[int, Buckets]:
    """Return the rows of a roll-up table that are there, by id."""
    wanted = list(ids)
    found: dict[int, Buckets] = {}
    for start in range(0, len(wanted), _IDS_PER_QUERY):
        some = wanted[start : start + _IDS_PER_QUERY]
        rows = database.execute_sql(f"SELECT id, data FROM {table} WHERE id IN ({','.join('?' * len(some))})", some)
        found.update((id_, decode(data)) for id_, data in rows)
    return found


def frozen_hours(database: peewee.SqliteDatabase, series: int, hours: Iterable[int], chunks: set[int]) -> set[int]:
    """Return those hours whose results are purged while their roll-up stands: what comes late for them is lost."""
    ids = {hour_row_id(hour, series): hour for hour in hours if hour not in chunks}
    return {ids[id_] for id_, buckets in stored(database, "rollup_hour", ids).items() if int(buckets.count.sum()) > 0}


def rollups(
    database: peewee.SqliteDatabase, monitor: MonitorId, from_ms: int, to_ms: int, bucket_ms: int
) -> list[SeriesRollup]:
    """Return the buckets that overlap [from_ms, to_ms) of each series of a monitor that has any.

    Raises ValueError for a `bucket_ms` that is neither a multiple of five minutes that divides a day
    nor a multiple of a day.
    """
    if bucket_ms <= 0 or bucket_ms % FIVE_MINUTES_MS or (bucket_ms % DAY_MS and DAY_MS % bucket_ms):
        raise ValueError(f"there are no buckets of {bucket_ms} ms")
    known = _hours_with_anything(database)
    if known is None:
        return []
    first = max(from_ms // bucket_ms * bucket_ms // HOUR_MS, known[0])
    last = min((-(-to_ms // bucket_ms) * bucket_ms - 1) // HOUR_MS, known[1])
    series = series_of(database, monitor)
    journal = journal_of(database, list(series), first - CARRY_HOURS, last)
    found = []
    for id_, one in series.items():
        reader = _Reader(database, id_, journal[id_])
        buckets = regroup(reader.read(first, last, bucket_ms), bucket_ms)
        start_ms = from_ms // bucket_ms * bucket_ms
        buckets = buckets.at((buckets.start_ms >= start_ms) & (buckets.start_ms < to_ms))
        if len(buckets):
            found.append(
                SeriesRollup(
                    series=one,
                    bucket_ms=bucket_ms,
                    start_ms=buckets.start_ms,
                    count=buckets.count,
                    online=buckets.online,
                    slow=buckets.slow,
                    offline=buckets.offline,
                    known_ms=buckets.known_ms,
                    available_ms=buckets.available_ms,
                    total_sum_ms=buckets.total_us / 1000,
                    histogram=buckets.histogram,
                )
            )
    return found


class _Reader:
    """Reads the roll-ups of one series; hours that the journal has a say in are computed from the results."""

    def __init__(self, database: peewee.SqliteDatabase, series: int, journal: list[Columns]) -> None:
        self._database = database
        self._series = series
        self._columns = joined(journal)
        hours = np.unique(self._columns["at_ms"] // HOUR_MS).tolist()
        self._stale = {hour + later for hour in hours for later in range(CARRY_HOURS + 1)}
        self._chunks: set[int] = set()
        if hours:
            needed = sorted({hour - earlier for hour in self._stale for earlier in range(CARRY_HOURS + 1)})
            chunks = chunks_of(database, [series], needed)[series]
            self._chunks = {int(chunk["at_ms"][0]) // HOUR_MS for chunk in chunks}
            frozen = frozen_hours(database, series, self._stale, self._chunks)
            self._stale -= frozen
            kept = ~np.isin(self._columns["at_ms"] // HOUR_MS, sorted(frozen))
            self._columns = ordered(joined([*chunks, take(self._columns, kept)]))

    def read(self, first: int, last: int, bucket_ms: int) -> Buckets:
        """Return the finest buckets that are needed for `bucket_ms`, of whole hours or days around the span."""
        if bucket_ms % HOUR_MS:
            return self._hours(first, last, "rollup_5min", FIVE_MINUTES_MS)
        if bucket_ms % DAY_MS:
            return self._hours(first, last, "rollup_hour", HOUR_MS)
        return self._days(first // HOURS_PER_DAY, last // HOURS_PER_DAY)

    def _hours(self, first: int, last: int, table: str, bucket_ms: int) -> Buckets:
        parts = []
        wanted = []
        for hour in range(first, last + 1):
            if hour in self._stale:
                parts.append(roll_up(self._columns, hour * HOUR_MS, (hour + 1) * HOUR_MS, bucket_ms))
            else:
                wanted.append(hour_row_id(hour, self._series) if bucket_ms == HOUR_MS else hour << 32 | self._series)
        parts += stored(self._database, table, wanted).values()
        return joined_buckets(parts)

    def _days(self, first: int, last: int) -> Buckets:
        stale = {hour // HOURS_PER_DAY for hour in self._stale}
        ids = {day << 32 | self._series: day for day in range(first, last + 1) if day not in stale}
        rows = stored(self._database, "rollup_day", ids)
        parts = list(rows.values())
        done = {ids[id_] for id_ in rows}
        for day in range(first, last + 1):
            if day not in done:
                hours = self._hours(day * HOURS_PER_DAY, (day + 1) * HOURS_PER_DAY - 1, "rollup_hour", HOUR_MS)
                parts.append(regroup(hours, DAY_MS))
        return joined_buckets(parts)


def _hours_with_anything(database: peewee.SqliteDatabase) -> tuple[int, int] | None:
    """Return the first and last hour that any roll-up or result can be in."""
    found = database.execute_sql(
        "SELECT (SELECT min(id) >> 32 FROM rollup_5min), (SELECT max(id) >> 32 FROM rollup_5min),"
        " (SELECT (min(id) >> 37) * 24 FROM rollup_hour), (SELECT (max(id) >> 37) * 24 + 23 FROM rollup_hour),"
        " (SELECT (min(id) >> 32) * 24 FROM rollup_day), (SELECT (max(id) >> 32) * 24 + 23 FROM rollup_day),"
        " (SELECT min(hour) FROM journal), (SELECT max(hour) FROM journal)"
    ).fetchone()
    known = [hour for hour in found if hour is not None]
    return (min(known), max(known) + CARRY_HOURS) if known else None


def _counts(place: Ints, number: int) -> Ints:
    return np.bincount(place, minlength=number).astype(np.int64)


def _time_in(at_ms: Ints, until_ms: Ints, wanted: npt.NDArray[np.bool_], edges_ms: Ints) -> Ints:
    """Return the ms of the wanted results' spans in each bucket; spans are disjoint and by time."""
    begin, end = at_ms[wanted], until_ms[wanted]
    if len(begin) == 0:
        return np.zeros(len(edges_ms) - 1, dtype=np.int64)
    before = np.concatenate(([0], np.cumsum(end - begin)))
    place = np.searchsorted(begin, edges_ms, side="right") - 1
    partial = np.where(place >= 0, np.minimum(edges_ms, end[place]) - begin[place], 0)
    spent: Ints = np.diff(before[np.maximum(place, 0)] + partial)
    return spent
