"""Reading history: the one place that sees chunks and journal together.

Every function takes a connected database and is called inside one read transaction, on a thread that may block.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import peewee
from pingmon_probe.protocol import MAX_INTERVAL_MS, PHASES, CheckResult

from pingmon_gui.domain.family import EACH, IPV6
from pingmon_gui.domain.history import DAY_MS, HOUR_MS, Series, SeriesHistory
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.resolution import Kept
from pingmon_gui.domain.result import ProbeId, Shared
from pingmon_gui.domain.status import Codes, Status, failure_name
from pingmon_gui.store import chunk
from pingmon_gui.store.chunk import (
    NAMES,
    PHASES_US,
    Columns,
    Ints,
    decode,
    decode_series,
    joined,
    milliseconds,
    numbers_of,
    ordered,
    take,
)
from pingmon_gui.store.configuration import read_preferences

#: A result speaks for at most 2.5 of its own intervals, so nothing older reaches into a span.
MAX_HOLD_MS = MAX_INTERVAL_MS * 5 // 2
#: So many hours before an hour can reach into it.
CARRY_HOURS = -(-MAX_HOLD_MS // HOUR_MS)
_IDS_PER_QUERY = 500
#: After every hour that a clock can say.
_LAST_HOUR = 1 << 29
_LOW = (1 << 32) - 1


class Mark(NamedTuple):
    """How far compaction is: see `table.CompactionMark`."""

    last_block: int
    before_hour: int
    done_series: int


@dataclass(frozen=True)
class RecentBatch:
    """Judged results of many series, ordered by time; one element per result. `family` is that of its series."""

    monitor: npt.NDArray[np.int64]
    probe: npt.NDArray[np.int64]
    at_ms: npt.NDArray[np.int64]
    interval_ms: npt.NDArray[np.int64]
    status: Codes
    failure: Codes
    total_ms: npt.NDArray[np.float64]
    family: Codes


def read_mark(database: peewee.SqliteDatabase) -> Mark:
    return Mark(
        *database.execute_sql("SELECT last_block, before_hour, done_series FROM compaction WHERE id = 1").fetchone()
    )


def series_of(
    database: peewee.SqliteDatabase, monitor: MonitorId, probes: Collection[ProbeId] | None = None
) -> dict[int, Series]:
    """Return the series of a monitor by their ids, in order of their birth."""
    found = all_series(database, [monitor])
    return {id_: one for id_, one in found.items() if probes is None or one.probe in probes}


def all_series(database: peewee.SqliteDatabase, monitors: Collection[MonitorId] | None = None) -> dict[int, Series]:
    """Return the series of some monitors (None = all) by their ids, in order of their birth."""
    rows: list[tuple[int, int, int, int, str]] = []
    of_each: set[int] = set()
    for where, some in _conditions(monitors):
        rows += database.execute_sql(f"SELECT id, monitor, probe, family, url FROM series{where}", some).fetchall()
        each = f"SELECT DISTINCT monitor FROM monitor_version{where}{' AND' if where else ' WHERE'} family = {EACH}"
        of_each |= {monitor for (monitor,) in database.execute_sql(each, some)}
    return {
        id_: Series(MonitorId(monitor), ProbeId(probe), family, url, family == IPV6 and monitor in of_each)
        for id_, monitor, probe, family, url in sorted(rows)
    }


def _conditions(monitors: Collection[MonitorId] | None) -> Iterator[tuple[str, list[MonitorId]]]:
    """Yield the WHERE of queries for some monitors, each with its values."""
    if monitors is None:
        yield "", []
        return
    wanted = list(monitors)
    for start in range(0, len(wanted), _IDS_PER_QUERY):
        some = wanted[start : start + _IDS_PER_QUERY]
        yield f" WHERE monitor IN ({','.join('?' * len(some))})", some


def hours_with_results(database: peewee.SqliteDatabase) -> tuple[int, int] | None:
    """Return the first and the last hour that has any raw result, None where there is none."""
    found = database.execute_sql(
        "SELECT (SELECT min(id) >> 32 FROM chunk), (SELECT max(id) >> 32 FROM chunk),"
        " (SELECT min(hour) FROM journal), (SELECT max(hour) FROM journal)"
    ).fetchone()
    known = [hour for hour in found if hour is not None]
    return (min(known), max(known)) if known else None


def kept(database: peewee.SqliteDatabase, now_ms: int) -> Kept:
    """Return since when results and roll-ups are kept. What is only in the journal yet is rolled up when read."""
    (*found, journal) = database.execute_sql(
        "SELECT (SELECT min(id) >> 32 FROM chunk), (SELECT min(id) >> 32 FROM rollup_5min),"
        " (SELECT (min(id) >> 37) * 24 FROM rollup_hour), (SELECT (min(id) >> 32) * 24 FROM rollup_day),"
        " (SELECT min(hour) FROM journal)"
    ).fetchone()
    hours = [journal if hour is None else hour for hour in found]
    raw, *rolled_up = (None if hour is None else hour * HOUR_MS for hour in hours)
    # A probe that was away for long may have brought results that are older than what is kept of others.
    oldest_ms = (now_ms - read_preferences(database).integer("keep_raw_days") * DAY_MS) // HOUR_MS * HOUR_MS
    return Kept(None if raw is None else max(raw, oldest_ms), *rolled_up)


def chunk_hours(database: peewee.SqliteDatabase, first_hour: int = 0, last_hour: int = _LAST_HOUR) -> Iterator[int]:
    """Yield the hours in a span (both inclusive) that have chunks, the newest first.

    They are looked up one by one: where clocks were wrong, a span reaches from 1970 to 2100, nearly all of it empty.
    """
    below = (min(last_hour, _LAST_HOUR) + 1) << 32
    while True:
        (hour,) = database.execute_sql("SELECT max(id) >> 32 FROM chunk WHERE id < ?", (below,)).fetchone()
        if hour is None or hour < first_hour:
            return
        yield int(hour)
        below = int(hour) << 32


def journal_rows(
    database: peewee.SqliteDatabase, first_hour: int, last_hour: int
) -> Iterator[tuple[int, int, Ints, bytes, int]]:
    """Yield (block id, hour, series of each result, data, from which place on results are not in chunks yet)."""
    mark = read_mark(database)
    rows = database.execute_sql(
        "SELECT id, hour, series, data FROM journal WHERE hour BETWEEN ? AND ? ORDER BY id", (first_hour, last_hour)
    )
    for id_, hour, series_data, data in rows:
        series = decode_series(series_data)
        start = 0
        if id_ <= mark.last_block and hour < mark.before_hour:
            start = int(np.searchsorted(series, mark.done_series, side="right"))
        if start < len(series):
            yield id_, hour, series, data, start


def result_count(database: peewee.SqliteDatabase) -> int:
    """Return how many raw results there are."""
    (count,) = database.execute_sql(
        "SELECT (SELECT value FROM meta WHERE key = 'chunk_results') + (SELECT total(count) FROM journal)"
    ).fetchone()
    return int(count) - _compacted_in_journal(database)


def _compacted_in_journal(database: peewee.SqliteDatabase) -> int:
    """Return how many results of the journal lie in chunks already."""
    mark = read_mark(database)
    rows = database.execute_sql(
        "SELECT series FROM journal WHERE id <= ? AND hour < ?", (mark.last_block, mark.before_hour)
    )
    return sum(int(np.searchsorted(decode_series(data), mark.done_series, side="right")) for (data,) in rows)


def journal_of(
    database: peewee.SqliteDatabase, series_ids: Sequence[int], first_hour: int, last_hour: int
) -> dict[int, Columns]:
    """Return by series what the journal holds of some series in some hours, in order of arrival."""
    is_wanted = np.zeros(max(series_ids, default=0) + 2, dtype=np.bool_)
    is_wanted[list(series_ids)] = True
    parts: list[Ints] = [np.zeros((len(NAMES), 0), dtype=np.int64)]
    owners: list[Ints] = [np.zeros(0, dtype=np.int64)]
    for _id, _hour, series, data, start in journal_rows(database, first_hour, last_hour):
        places = start + is_wanted[np.minimum(series[start:], len(is_wanted) - 1)].nonzero()[0]
        if len(places):
            first = int(places[0])
            numbers = numbers_of(data, slice(first, int(places[-1]) + 1))
            parts.append(numbers[:, places - first])
            owners.append(series[places])
    owner = np.concatenate(owners)
    order = np.argsort(owner, kind="stable")
    everything, owner = np.concatenate(parts, axis=1)[:, order], owner[order]
    found: dict[int, Columns] = {}
    for id_ in series_ids:
        begin, end = np.searchsorted(owner, [id_, id_ + 1]).tolist()
        found[id_] = dict(zip(NAMES, everything[:, begin:end], strict=True))
    return found


def chunks_of(
    database: peewee.SqliteDatabase, series_ids: Sequence[int], hours: Sequence[int]
) -> dict[int, list[Columns]]:
    """Return by series the chunks of some hours, in order of time."""
    found: dict[int, list[Columns]] = {id_: [] for id_ in series_ids}
    ids = [hour << 32 | id_ for hour in hours for id_ in series_ids]
    for start in range(0, len(ids), _IDS_PER_QUERY):
        some = ids[start : start + _IDS_PER_QUERY]
        places = ",".join("?" * len(some))
        rows = database.execute_sql(f"SELECT id, data FROM chunk WHERE id IN ({places}) ORDER BY id", some)
        for id_, data in rows:
            found[id_ & _LOW].append(decode(data))
    return found


def raw(
    database: peewee.SqliteDatabase, series_ids: Sequence[int], first_hour: int, last_hour: int
) -> dict[int, Columns]:
    """Return all results of some series in some hours (both inclusive), chunks and journal, each ordered by time."""
    chunks = chunks_of(database, series_ids, sorted(chunk_hours(database, first_hour, last_hour)))
    journal = journal_of(database, series_ids, first_hour, last_hour)
    return {id_: ordered(joined([*chunks[id_], journal[id_]])) for id_ in series_ids}


def results(
    database: peewee.SqliteDatabase,
    monitor: MonitorId,
    from_ms: int,
    to_ms: int,
    probes: Collection[ProbeId] | None = None,
) -> list[SeriesHistory]:
    """Return the raw results in [from_ms, to_ms) of each series of a monitor that has any.

    The last result before `from_ms` comes first where there is one whose hold can reach in.
    """
    series = series_of(database, monitor, probes)
    everything = raw(database, list(series), (from_ms - MAX_HOLD_MS) // HOUR_MS, (to_ms - 1) // HOUR_MS)
    histories = []
    for id_, one in series.items():
        columns = everything[id_]
        at_ms = columns["at_ms"]
        begin, end = np.searchsorted(at_ms, [from_ms, to_ms], side="left").tolist()
        if begin > 0 and at_ms[begin - 1] >= from_ms - MAX_HOLD_MS:
            begin -= 1
        if begin < end:
            histories.append(_history(database, one, take(columns, slice(begin, end))))
    return histories


def recent(database: peewee.SqliteDatabase, since_ms: int) -> Iterator[RecentBatch]:
    """Yield the results of all series since a time, ordered by time, an hour at a time."""
    places = database.execute_sql("SELECT id, monitor, probe, family FROM series ORDER BY id").fetchall()
    if not places:
        return
    ids, monitor, probe, family = (np.array(column, dtype=np.int64) for column in zip(*places, strict=True))
    since_hour = since_ms // HOUR_MS
    in_journal = database.execute_sql("SELECT DISTINCT hour FROM journal WHERE hour >= ?", (since_hour,)).fetchall()
    for hour in sorted({*chunk_hours(database, since_hour), *(hour for (hour,) in in_journal)}):
        parts: list[Columns] = []
        for id_, data in database.execute_sql(
            "SELECT id, data FROM chunk WHERE id >= ? AND id < ? ORDER BY id", (hour << 32, (hour + 1) << 32)
        ):
            columns = decode(data)
            columns["series"] = np.full(len(columns["at_ms"]), id_ & _LOW, dtype=np.int64)
            parts.append(columns)
        for _id, _hour, series, data, start in journal_rows(database, hour, hour):
            columns = decode(data)
            columns["series"] = series
            parts.append(take(columns, slice(start, None)))
        if not parts:
            continue
        columns = joined(parts)
        columns = take(columns, (columns["at_ms"] >= since_ms) & np.isin(columns["series"], ids))
        columns = take(columns, np.argsort(columns["at_ms"], kind="stable"))
        place = np.searchsorted(ids, columns["series"])
        yield RecentBatch(
            monitor[place],
            probe[place],
            columns["at_ms"],
            columns["interval_ms"],
            columns["status"].astype(np.int8),
            columns["failure"].astype(np.int8),
            milliseconds(columns["total_us"]),
            family[place].astype(np.int8),
        )


def latest(database: peewee.SqliteDatabase, monitor: MonitorId) -> list[tuple[ProbeId, CheckResult, Status]]:
    """Return the newest result of each probe that ever measured the monitor and whose results are still kept.

    Of a monitor that is, or was, measured over each family there may be one over IPv6 besides: its `family` says so.
    """
    series = series_of(database, monitor)
    newest: dict[tuple[ProbeId, bool], tuple[int, Series, Columns]] = {}
    journal = journal_of(database, list(series), 0, _LAST_HOUR)
    hours = list(chunk_hours(database))
    for id_, one in series.items():
        parts = [journal[id_], *_last_chunk(database, id_, hours)]
        columns = ordered(joined(parts))
        if len(columns["at_ms"]):
            at_ms = int(columns["at_ms"][-1])
            if one.voice not in newest or newest[one.voice][0] < at_ms:
                newest[one.voice] = (at_ms, one, take(columns, slice(-1, None)))
    return [(one.probe, result_of(database, one, last), _status(last)) for _at, one, last in newest.values()]


def _last_chunk(database: peewee.SqliteDatabase, series: int, hours: Sequence[int]) -> list[Columns]:
    for start in range(0, len(hours), _IDS_PER_QUERY):
        some = [hour << 32 | series for hour in hours[start : start + _IDS_PER_QUERY]]
        found = database.execute_sql(
            f"SELECT data FROM chunk WHERE id IN ({','.join('?' * len(some))}) ORDER BY id DESC LIMIT 1", some
        ).fetchone()
        if found is not None:
            return [decode(found[0])]
    return []


def _history(database: peewee.SqliteDatabase, series: Series, columns: Columns) -> SeriesHistory:
    flags = columns["flags"]
    return SeriesHistory(
        series=series,
        at_ms=columns["at_ms"],
        interval_ms=columns["interval_ms"],
        status=columns["status"].astype(np.int8),
        failure=columns["failure"].astype(np.int8),
        http_status=columns["http_status"].astype(np.int16),
        total_ms=milliseconds(columns["total_us"]),
        phases_ms=np.stack([milliseconds(columns[name]) for name in PHASES_US], axis=1),
        queue_ms=columns["queue_us"] / 1000,
        recheck=(flags & chunk.RECHECK) != 0,
        low_confidence=(flags & chunk.LOW_CONFIDENCE) != 0,
        detail=_details(database, columns["detail"]),
    )


def _details(database: peewee.SqliteDatabase, ids: Ints) -> Shared:
    unique, index = np.unique(ids, return_inverse=True)
    values: dict[int, dict[str, Any]] = {}
    wanted = unique.tolist()
    for start in range(0, len(wanted), _IDS_PER_QUERY):
        some = wanted[start : start + _IDS_PER_QUERY]
        rows = database.execute_sql(f"SELECT id, value FROM detail WHERE id IN ({','.join('?' * len(some))})", some)
        values.update((id_, json.loads(text)) for id_, text in rows)
    lost: dict[str, Any] = {"message": "", "address": None, "hops": [], "certificate": None}
    return Shared([values.get(id_, lost) for id_ in wanted], index.astype(np.int64))


def _status(columns: Columns) -> Status:
    return Status(int(columns["status"][0]))


def result_of(database: peewee.SqliteDatabase, series: Series, columns: Columns) -> CheckResult:
    """Return the one result that these columns hold, with its details."""
    one = {name: int(values[0]) for name, values in columns.items()}
    detail = _details(database, columns["detail"])[0]
    flags = one["flags"]
    phases = {name: _ms(one[place]) for name, place in zip(PHASES, PHASES_US, strict=True)}
    return CheckResult(
        url=series.url,
        monitor=series.monitor,
        version=one["version"],
        started_at_ms=one["at_ms"],
        failure=failure_name(one["failure"]),
        message=detail["message"],
        http_status=one["http_status"] or None,
        total_ms=_ms(one["total_us"]),
        late_ms=one["late"] / 10,
        queue_ms=one["queue_us"] / 1000,
        clock="kernel" if flags & chunk.KERNEL_CLOCK else "user",
        low_confidence=bool(flags & chunk.LOW_CONFIDENCE),
        address=detail["address"],
        family=4 if flags & chunk.FAMILY_4 else 6 if flags & chunk.FAMILY_6 else series.family or None,
        hops=tuple(detail["hops"]),
        body_bytes=one["body_bytes"],
        certificate=detail["certificate"],
        facts=detail.get("facts"),
        recheck=bool(flags & chunk.RECHECK),
        on_demand=bool(flags & chunk.ON_DEMAND),
        own_network=bool(flags & chunk.OWN_NETWORK),
        dns_ms=phases["dns_ms"],
        connect_ms=phases["connect_ms"],
        tls_ms=phases["tls_ms"],
        request_ms=phases["request_ms"],
        transfer_ms=phases["transfer_ms"],
    )


def _ms(us: int) -> float | None:
    return None if us < 0 else us / 1000
