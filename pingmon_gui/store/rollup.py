"""Roll-ups: what the results of one series come to per bucket of time, and how that is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

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
    Series,
    SeriesRollup,
)
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.span import runs, time_in
from pingmon_gui.domain.status import Status
from pingmon_gui.store.chunk import PHASES_US, Columns, Ints, joined, ordered, take
from pingmon_gui.store.history import CARRY_HOURS, chunks_of, journal_of, series_of
from pingmon_gui.store.rollup_row import FIELDS, Buckets, decode, decode_all, joined_buckets, made_of

HOURS_PER_DAY = 24
_IDS_PER_QUERY = 500


def roll_up(columns: Columns, start_ms: int, end_ms: int, bucket_ms: int) -> Buckets:
    """Return the buckets of [start_ms, end_ms) that have a result or known time.

    `columns` are the results of one series by time, beginning with the last one before `start_ms` whose
    hold can reach in.
    """
    at_ms, status = columns["at_ms"], columns["status"].astype(np.int8)
    number = (end_ms - start_ms) // bucket_ms
    edges = start_ms + bucket_ms * np.arange(number + 1, dtype=np.int64)
    until = held_until_ms(at_ms, columns["interval_ms"])
    known, available = is_known(status), is_available(status)
    is_inside = (at_ms >= start_ms) & (at_ms < end_ms)
    place = (at_ms[is_inside] - start_ms) // bucket_ms
    inside = status[is_inside]
    is_good = is_available(inside) & (columns["total_us"][is_inside] >= 0)
    good_us = columns["total_us"][is_inside][is_good]
    good_place = place[is_good]
    latency = np.clip(np.searchsorted(EDGES_MS, good_us / 1000, side="right") - 1, 0, HISTOGRAM_BUCKETS - 1)
    total_us = np.zeros(number, dtype=np.int64)
    np.add.at(total_us, good_place, good_us)
    phases_us = np.zeros((number, len(PHASES_US)), dtype=np.int64)
    good_phases_us = np.stack([columns[name][is_inside][is_good] for name in PHASES_US], axis=1)
    np.add.at(phases_us, good_place, np.maximum(good_phases_us, 0))
    counted = np.bincount(good_place * HISTOGRAM_BUCKETS + latency, minlength=number * HISTOGRAM_BUCKETS)
    buckets = Buckets(
        start_ms=edges[:-1],
        count=_counts(place, number),
        online=_counts(place[inside == Status.ONLINE], number),
        slow=_counts(place[inside == Status.SLOW], number),
        offline=_counts(place[inside == Status.OFFLINE], number),
        known_ms=time_in(at_ms[known], until[known], edges),
        available_ms=time_in(at_ms[available], until[available], edges),
        total_us=total_us,
        phased=_counts(good_place, number),
        phases_us=phases_us,
        histogram=counted.reshape(number, HISTOGRAM_BUCKETS).astype(np.uint32),
    )
    return buckets.at((buckets.count > 0) | (buckets.known_ms > 0))


def regroup(buckets: Buckets, bucket_ms: int) -> Buckets:
    """Return the sums over larger buckets; a roll-up of roll-ups is the roll-up of the results."""
    start_ms = buckets.start_ms // bucket_ms * bucket_ms
    is_first = np.append(True, start_ms[1:] != start_ms[:-1])[: len(start_ms)]
    if is_first.all():
        return replace(buckets, start_ms=start_ms)
    first = np.flatnonzero(is_first)
    sums = (np.add.reduceat(getattr(buckets, name), first, axis=0) for name in FIELDS[1:])
    return made_of([start_ms[first], *sums])


def hour_row_id(hour: int, series: int) -> int:
    """Return the id of an hour's row in `rollup_hour`."""
    day, hour_of_day = divmod(hour, HOURS_PER_DAY)
    return (day << 32 | series) << 5 | hour_of_day


def stored(database: peewee.SqliteDatabase, table: str, ids: Iterable[int]) -> dict[int, bytes]:
    """Return the rows of a roll-up table that are there, by id; `decode_all` reads them."""
    wanted = list(ids)
    found: dict[int, bytes] = {}
    for start in range(0, len(wanted), _IDS_PER_QUERY):
        some = wanted[start : start + _IDS_PER_QUERY]
        rows = database.execute_sql(f"SELECT id, data FROM {table} WHERE id IN ({','.join('?' * len(some))})", some)
        found.update(rows)
    return found


def _stored_hours(database: peewee.SqliteDatabase, series: int, hours: Sequence[int]) -> list[bytes]:
    """Return the rows of `rollup_hour` that are there of some hours, which ascend: one look-up for each day."""
    day, hour_of_day = np.divmod(np.array(hours, dtype=np.int64), HOURS_PER_DAY)
    ids = (day << 32 | series) << 5 | hour_of_day
    first, last = runs(np.diff(ids) == 1, len(ids))
    bounds = np.stack((ids[first], ids[last]), axis=1).tolist()
    found: list[bytes] = []
    for start in range(0, len(bounds), _IDS_PER_QUERY // 2):
        some = bounds[start : start + _IDS_PER_QUERY // 2]
        rows = database.execute_sql(
            f"WITH run(first, last) AS (VALUES {','.join(['(?, ?)'] * len(some))})"
            " SELECT data FROM run CROSS JOIN rollup_hour WHERE id BETWEEN first AND last",
            [bound for run in some for bound in run],
        )
        found += (data for (data,) in rows)
    return found


def frozen_hours(database: peewee.SqliteDatabase, series: int, hours: Iterable[int], chunks: set[int]) -> set[int]:
    """Return those hours whose results are purged while their roll-up stands: what comes late for them is lost."""
    ids = {hour_row_id(hour, series): hour for hour in hours if hour not in chunks}
    rows = stored(database, "rollup_hour", ids)
    return {ids[id_] for id_, data in rows.items() if int(decode(data).count.sum()) > 0}


def rollups(
    database: peewee.SqliteDatabase,
    monitor: MonitorId,
    from_ms: int,
    to_ms: int,
    bucket_ms: int,
    now_ms: int | None = None,
) -> list[SeriesRollup]:
    """Return the buckets that overlap [from_ms, to_ms) of each series of a monitor that has any.

    A result speaks for a while after it; with `now_ms`, before which all results began, none speaks for the time
    after that. Raises ValueError for a
    `bucket_ms` that is neither a multiple of five minutes that divides a day nor a multiple of a day.
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
        reader = RollupReader(database, id_, journal[id_])
        buckets = regroup(reader.read(first, last, bucket_ms), bucket_ms)
        start_ms = from_ms // bucket_ms * bucket_ms
        buckets = buckets.at((buckets.start_ms >= start_ms) & (buckets.start_ms < to_ms))
        if now_ms is not None:
            buckets = reader.until(now_ms, buckets, bucket_ms)
        if len(buckets):
            found.append(_told(one, buckets, bucket_ms))
    return found


def _told(series: Series, buckets: Buckets, bucket_ms: int) -> SeriesRollup:
    return SeriesRollup(
        series=series,
        bucket_ms=bucket_ms,
        start_ms=buckets.start_ms,
        count=buckets.count,
        online=buckets.online,
        slow=buckets.slow,
        offline=buckets.offline,
        known_ms=buckets.known_ms,
        available_ms=buckets.available_ms,
        total_sum_ms=buckets.total_us / 1000,
        phased=buckets.phased,
        phase_sums_ms=buckets.phases_us / 1000,
        histogram=buckets.histogram,
    )


class RollupReader:
    """Reads the roll-ups of one series; hours that the journal has a say in are computed from the results."""

    def __init__(self, database: peewee.SqliteDatabase, series: int, journal: Columns) -> None:
        self._database = database
        self._series = series
        self._columns = journal
        hours = np.unique(self._columns["at_ms"] // HOUR_MS).tolist()
        self._stale = {hour + later for hour in hours for later in range(CARRY_HOURS + 1)}
        self._read: set[int] = {hour - earlier for hour in self._stale for earlier in range(CARRY_HOURS + 1)}
        if hours:
            chunks = chunks_of(database, [series], sorted(self._read))[series]
            frozen = frozen_hours(
                database, series, self._stale, {int(chunk["at_ms"][0]) // HOUR_MS for chunk in chunks}
            )
            self._stale -= frozen
            kept = ~np.isin(self._columns["at_ms"] // HOUR_MS, sorted(frozen))
            self._columns = ordered(joined([*chunks, take(self._columns, kept)]))

    def read(self, first: int, last: int, bucket_ms: int) -> Buckets:
        """Return the finest buckets that are needed for `bucket_ms`, of whole hours or days around the span."""
        if bucket_ms % HOUR_MS:
            return self._hours(range(first, last + 1), FIVE_MINUTES_MS)
        if bucket_ms % DAY_MS:
            return self._hours(range(first, last + 1), HOUR_MS)
        return self._days(first // HOURS_PER_DAY, last // HOURS_PER_DAY)

    def until(self, now_ms: int, buckets: Buckets, bucket_ms: int) -> Buckets:
        """Return the buckets without the time after `now_ms`."""
        is_running = buckets.start_ms + bucket_ms > now_ms
        if not is_running.any():
            return buckets
        unread = {now_ms // HOUR_MS - earlier for earlier in range(CARRY_HOURS + 1)} - self._read
        chunks = chunks_of(self._database, [self._series], sorted(unread))[self._series]
        columns = ordered(joined([*chunks, self._columns]))
        begin = np.maximum(columns["at_ms"], now_ms)
        until = held_until_ms(columns["at_ms"], columns["interval_ms"])
        status = columns["status"].astype(np.int8)
        starts = buckets.start_ms[is_running]
        edges = np.stack((starts, starts + bucket_ms), axis=1).ravel()

        def beyond(wanted: npt.NDArray[np.bool_]) -> Ints:
            found = np.zeros(len(buckets), dtype=np.int64)
            chosen = wanted & (begin < until)
            found[is_running] = time_in(begin[chosen], until[chosen], edges)[::2]
            return found

        return replace(
            buckets,
            known_ms=buckets.known_ms - beyond(is_known(status)),
            available_ms=buckets.available_ms - beyond(is_available(status)),
        )

    def _hours(self, hours: Iterable[int], bucket_ms: int) -> Buckets:
        """Return the buckets of some hours, which ascend."""
        parts = []
        wanted = []
        for hour in hours:
            if hour in self._stale:
                parts.append(roll_up(self._columns, hour * HOUR_MS, (hour + 1) * HOUR_MS, bucket_ms))
            else:
                wanted.append(hour)
        if bucket_ms == HOUR_MS:
            rows: Iterable[bytes] = _stored_hours(self._database, self._series, wanted)
        else:
            rows = stored(self._database, "rollup_5min", [hour << 32 | self._series for hour in wanted]).values()
        return joined_buckets([*parts, decode_all(rows)])

    def _days(self, first: int, last: int) -> Buckets:
        stale = {hour // HOURS_PER_DAY for hour in self._stale}
        ids = {day << 32 | self._series: day for day in range(first, last + 1) if day not in stale}
        rows = stored(self._database, "rollup_day", ids)
        done = {ids[id_] for id_ in rows}
        # A day is rolled up when all its hours are, and only then.
        open_hours = [
            day * HOURS_PER_DAY + hour
            for day in range(first, last + 1)
            if day not in done
            for hour in range(HOURS_PER_DAY)
        ]
        return joined_buckets([decode_all(rows.values()), regroup(self._hours(open_hours, HOUR_MS), DAY_MS)])


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
