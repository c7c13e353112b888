"""Reading the past of everything at once, for the time machine: what there was, hours of results, roll-ups.

Every function is called inside one read transaction, on a thread that may block.
"""

from __future__ import annotations

import numpy as np
import peewee

from pingmon_gui.domain.history import DAY_MS, FIVE_MINUTES_MS, HOUR_MS
from pingmon_gui.domain.incident import IncidentId
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.past import (
    IncidentMark,
    PastBuckets,
    PastMonitor,
    PastProbe,
    PastResults,
    PastSetup,
    VerdictLine,
)
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.store.chunk import Columns, joined, milliseconds, some_of, take
from pingmon_gui.store.configuration import monitors_ever, probes_ever
from pingmon_gui.store.history import all_series, journal_rows, kept
from pingmon_gui.store.judgement import standings_of
from pingmon_gui.store.rollup import HOURS_PER_DAY, hour_row_id
from pingmon_gui.store.rollup_row import decode_owned

_NAMES = ("at_ms", "interval_ms", "status", "failure", "total_us")
_LOW = (1 << 32) - 1


def setup(database: peewee.SqliteDatabase, now_ms: int) -> PastSetup | None:
    """Return what there was to measure and what it came to; None where nothing is kept. Raises StorageCorrupt."""
    known = kept(database, now_ms)
    first_ms = known.first_ms
    if first_ms is None:
        return None
    standings, verdicts = standings_of(database), _verdict_lines(database)
    nothing = VerdictLine(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int8))
    monitors = tuple(
        PastMonitor(monitor, deleted_at_ms, tuple(standings.get(monitor.id, ())), verdicts.get(monitor.id, nothing))
        for monitor, deleted_at_ms in monitors_ever(database)
    )
    series = all_series(database)
    measured = {one.probe for one in series.values()}
    probes = tuple(
        PastProbe(probe, _since_ms(probe, first_ms), forgotten_at_ms)
        for probe, forgotten_at_ms in probes_ever(database)
        if forgotten_at_ms is None or probe.id in measured
    )
    return PastSetup(monitors, probes, series, _incident_marks(database), known, first_ms, _rolled_until_ms(database))


def _rolled_until_ms(database: peewee.SqliteDatabase) -> int:
    (hour,) = database.execute_sql("SELECT max(id) >> 32 FROM rollup_5min").fetchone()
    return 0 if hour is None else (int(hour) + 1) * HOUR_MS


def _since_ms(probe: Probe, first_ms: int) -> int:
    """Return from when on a probe measured, as far as that is kept: of a forgotten one it is not."""
    return first_ms if probe.access is None else max(first_ms, probe.access.installed_at_ms)


def _verdict_lines(database: peewee.SqliteDatabase) -> dict[MonitorId, VerdictLine]:
    rows = database.execute_sql("SELECT monitor, start_ms, verdict FROM verdict ORDER BY monitor, start_ms").fetchall()
    if not rows:
        return {}
    monitor, start_ms, verdict = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    ids, first = np.unique(monitor, return_index=True)
    bounds = np.append(first, len(monitor)).tolist()
    return {
        MonitorId(id_): VerdictLine(start_ms[begin:end], verdict[begin:end].astype(np.int8))
        for id_, begin, end in zip(ids.tolist(), bounds, bounds[1:], strict=False)
    }


def _incident_marks(database: peewee.SqliteDatabase) -> tuple[IncidentMark, ...]:
    rows = database.execute_sql(
        "SELECT id, monitor, kind, start_ms, end_ms, confirmed_at_ms FROM incident WHERE is_withdrawn = 0"
        " ORDER BY start_ms, id"
    )
    return tuple(
        IncidentMark(IncidentId(id_), MonitorId(monitor), Verdict(kind), start_ms, end_ms, confirmed_ms)
        for id_, monitor, kind, start_ms, end_ms, confirmed_ms in rows
    )


def hour_results(database: peewee.SqliteDatabase, hour: int, at_most: int | None = None) -> PastResults:
    """Return an hour's results of all series, or of those that have `at_most` so many. Raises StorageCorrupt."""
    parts: dict[int, list[Columns]] = {}
    rows = database.execute_sql(
        "SELECT id, data FROM chunk WHERE id >= ? AND id < ? AND count <= ? ORDER BY id",
        (hour << 32, (hour + 1) << 32, _LOW if at_most is None else at_most),
    )
    for id_, data in rows:
        parts[id_ & _LOW] = [some_of(data, _NAMES)]
    for _id, _hour, series, data, start in journal_rows(database, hour, hour):
        columns = some_of(data, _NAMES)
        ids, first = np.unique(series[start:], return_index=True)
        bounds = np.append(first + start, len(series)).tolist()
        for id_, begin, end in zip(ids.tolist(), bounds, bounds[1:], strict=False):
            parts.setdefault(id_, []).append(take(columns, slice(begin, end)))
    found = {id_: _by_time(some) for id_, some in sorted(parts.items())}
    counts = {id_: len(columns["at_ms"]) for id_, columns in found.items()}
    kept = [id_ for id_, count in counts.items() if at_most is None or count <= at_most]
    everything = joined([found[id_] for id_ in kept])
    return PastResults(
        series=np.repeat(np.array(kept, dtype=np.int64), [counts[id_] for id_ in kept]),
        at_ms=everything["at_ms"],
        interval_ms=everything["interval_ms"],
        status=everything["status"].astype(np.int8),
        failure=everything["failure"].astype(np.int8),
        total_ms=milliseconds(everything["total_us"]),
    )


def _by_time(parts: list[Columns]) -> Columns:
    columns = joined(parts)
    return columns if len(parts) == 1 else take(columns, np.argsort(columns["at_ms"], kind="stable"))


def buckets(database: peewee.SqliteDatabase, from_ms: int, to_ms: int, bucket_ms: int) -> PastBuckets:
    """Return the roll-ups of all series that begin in [from_ms, to_ms), as they are kept. Raises StorageCorrupt."""
    first, last = from_ms // HOUR_MS, (to_ms - 1) // HOUR_MS
    rows: list[tuple[int, bytes]] = []
    if bucket_ms == FIVE_MINUTES_MS:
        rows = [(id_ & _LOW, data) for id_, data in _rows(database, "rollup_5min", first << 32, (last + 1) << 32)]
    elif bucket_ms == HOUR_MS:
        # A day of all series lies together; of each series every hour.
        low, high = hour_row_id(first // HOURS_PER_DAY * HOURS_PER_DAY, 0), hour_row_id(last + HOURS_PER_DAY, 0)
        wanted = {hour % HOURS_PER_DAY for hour in range(first, last + 1)}
        hours = _rows(database, "rollup_hour", low, high)
        rows = [(id_ >> 5 & _LOW, data) for id_, data in hours if id_ & 31 in wanted]
    elif bucket_ms == DAY_MS:
        low, high = first // HOURS_PER_DAY << 32, (last // HOURS_PER_DAY + 1) << 32
        rows = [(id_ & _LOW, data) for id_, data in _rows(database, "rollup_day", low, high)]
    else:
        raise ValueError(f"there are no roll-ups of {bucket_ms} ms")
    found, owner = decode_owned(data for _series, data in rows)
    series = np.array([series for series, _data in rows], dtype=np.int64)[owner]
    kept = (found.start_ms >= from_ms) & (found.start_ms < to_ms)
    return PastBuckets(
        series=series[kept],
        start_ms=found.start_ms[kept],
        slow=found.slow[kept],
        offline=found.offline[kept],
        good=found.good[kept],
        known_ms=found.known_ms[kept],
        available_ms=found.available_ms[kept],
        total_sum_ms=found.total_us[kept] / 1000,
    )


def _rows(database: peewee.SqliteDatabase, table: str, low: int, high: int) -> list[tuple[int, bytes]]:
    """Return the rows with ids in [low, high)."""
    sql = f"SELECT id, data FROM {table} WHERE id >= ? AND id < ? ORDER BY id"
    rows: list[tuple[int, bytes]] = database.execute_sql(sql, (low, high)).fetchall()
    return rows
