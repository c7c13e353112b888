"""What results came to: standings, verdicts and incidents, each function inside one transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
import peewee
from pingmon_probe.protocol import CheckResult

from pingmon_gui.domain.availability import hold_ms
from pingmon_gui.domain.history import HOUR_MS
from pingmon_gui.domain.incident import Evidence, Incident, IncidentId, IncidentNote
from pingmon_gui.domain.judgement import Judgement
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.probe import Probe, Transport
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.timeline import Standing, Track, VerdictSpan, joined_spans
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.store.chunk import damaged, take
from pingmon_gui.store.history import MAX_HOLD_MS, all_series, raw, result_of, series_of
from pingmon_gui.store.maintenance_window import forget_ended
from pingmon_gui.store.table import IncidentNoteRow, IncidentRow, ProbeRow

_IDS_PER_QUERY = 500
_SERIES_PER_READ = 200


def record(database: peewee.SqliteDatabase, judgements: Sequence[Judgement], judged_until_ms: int) -> None:
    """Keep what monitors' results come to: each judgement replaces the verdicts from its start on."""
    connection = database.connection()
    for judgement in judgements:
        _replace_verdicts(database, judgement.monitor, judgement.spans)
    incidents = [incident for judgement in judgements for incident in judgement.incidents]
    connection.executemany(
        "INSERT OR REPLACE INTO incident (id, monitor, kind, start_ms, end_ms, confirmed_at_ms, regions, evidence,"
        " acknowledged_at_ms, is_withdrawn, is_cut) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                one.id,
                one.monitor,
                int(one.kind),
                one.start_ms,
                one.end_ms,
                one.confirmed_at_ms,
                _regions_text(one.regions),
                json.dumps([part.to_json() for part in one.evidence], ensure_ascii=False),
                one.acknowledged_at_ms,
                one.is_withdrawn,
                one.is_cut,
            )
            for one in incidents
        ],
    )
    connection.executemany("DELETE FROM incident_note WHERE incident = ?", [(one.id,) for one in incidents])
    connection.executemany(
        "INSERT INTO incident_note (incident, at_ms, text) VALUES (?, ?, ?)",
        [(one.id, note.at_ms, note.text) for one in incidents for note in one.notes],
    )
    _write_time(database, "judged_until_ms", judged_until_ms)


def _replace_verdicts(database: peewee.SqliteDatabase, monitor: MonitorId, spans: Sequence[VerdictSpan]) -> None:
    if not spans:
        return
    start_ms = spans[0].start_ms
    database.execute_sql("DELETE FROM verdict WHERE monitor = ? AND start_ms >= ?", (monitor, start_ms))
    before = database.execute_sql(
        "SELECT verdict FROM verdict WHERE monitor = ? AND start_ms < ? ORDER BY start_ms DESC LIMIT 1",
        (monitor, start_ms),
    ).fetchone()
    joined = joined_spans(spans)
    if before is not None and before[0] == joined[0].verdict:
        joined = joined[1:]
    database.connection().executemany(
        "INSERT INTO verdict (monitor, start_ms, verdict) VALUES (?, ?, ?)",
        [(monitor, span.start_ms, int(span.verdict)) for span in joined],
    )


def judged_until_ms(database: peewee.SqliteDatabase) -> int | None:
    """Return up to when verdicts and incidents are settled; None where nothing was ever judged."""
    return _read_time(database, "judged_until_ms")


def verdict_spans(
    database: peewee.SqliteDatabase,
    monitors: Collection[MonitorId],
    from_ms: int,
    to_ms: int,
    *,
    is_settled: bool = True,
) -> dict[MonitorId, list[VerdictSpan]]:
    """Return the verdicts of monitors in [from_ms, to_ms) as far as they were judged; none where nothing is known.

    Not `is_settled`: the last verdict goes on until `to_ms`, whether or not that is settled.
    """
    until_ms = min(to_ms, judged_until_ms(database) or 0) if is_settled else to_ms
    found: dict[MonitorId, list[VerdictSpan]] = {}
    for monitor in monitors:
        rows = database.execute_sql(
            "SELECT start_ms, verdict FROM verdict WHERE monitor = ? AND start_ms < ? AND start_ms >="
            " coalesce((SELECT max(start_ms) FROM verdict WHERE monitor = ? AND start_ms <= ?), 0) ORDER BY start_ms",
            (monitor, until_ms, monitor, from_ms),
        ).fetchall()
        starts = [max(from_ms, start) for start, _ in rows]
        ends = [*starts[1:], until_ms][: len(starts)]
        spans = [
            VerdictSpan(start, end, Verdict(verdict))
            for (_, verdict), start, end in zip(rows, starts, ends, strict=True)
            if end > start
        ]
        found[monitor] = spans
    return found


def incidents(
    database: peewee.SqliteDatabase,
    from_ms: int,
    to_ms: int,
    monitors: Collection[MonitorId] | None = None,
) -> list[Incident]:
    """Return the incidents that overlap [from_ms, to_ms), newest first. Raises StorageCorrupt."""
    condition = (IncidentRow.start_ms < to_ms) & (IncidentRow.end_ms.is_null() | (IncidentRow.end_ms >= from_ms))
    rows = IncidentRow.select().where(condition).order_by(IncidentRow.start_ms.desc(), IncidentRow.id)
    chosen = [row for row in rows.execute(database) if monitors is None or row.monitor in monitors]
    return _incidents(database, chosen)


def open_incidents(database: peewee.SqliteDatabase) -> list[Incident]:
    """Return the incidents that have no end, newest first. Raises StorageCorrupt."""
    condition = IncidentRow.end_ms.is_null() & (IncidentRow.is_withdrawn == 0)
    return _incidents(database, list(IncidentRow.select().where(condition).execute(database)))


def incident(database: peewee.SqliteDatabase, id_: IncidentId) -> Incident | None:
    """Return one incident, None where there is none with this id."""
    found = _incidents(database, list(IncidentRow.select().where(IncidentRow.id == id_).execute(database)))
    return found[0] if found else None


def _incidents(database: peewee.SqliteDatabase, rows: Sequence[Any]) -> list[Incident]:
    notes: dict[int, list[IncidentNote]] = {}
    ids = [row.id for row in rows]
    for start in range(0, len(ids), _IDS_PER_QUERY):
        some = ids[start : start + _IDS_PER_QUERY]
        query = IncidentNoteRow.select().where(IncidentNoteRow.incident.in_(some)).order_by(IncidentNoteRow.id)
        for note in query.execute(database):
            notes.setdefault(note.incident, []).append(IncidentNote(note.at_ms, note.text))
    try:
        return [
            Incident(
                id=IncidentId(row.id),
                monitor=MonitorId(row.monitor),
                kind=Verdict(row.kind),
                start_ms=row.start_ms,
                end_ms=row.end_ms,
                confirmed_at_ms=row.confirmed_at_ms,
                regions=tuple(Region(word) for word in json.loads(row.regions)),
                evidence=tuple(Evidence.from_json(part) for part in json.loads(row.evidence)),
                acknowledged_at_ms=row.acknowledged_at_ms,
                notes=tuple(notes.get(row.id, ())),
                is_withdrawn=bool(row.is_withdrawn),
                is_cut=bool(row.is_cut),
            )
            for row in rows
        ]
    except (ValueError, TypeError, KeyError) as exc:
        raise damaged(exc) from exc


def write_standings(
    database: peewee.SqliteDatabase,
    standings: Iterable[tuple[MonitorId, Standing]],
    stood_until_ms: int | None = None,
) -> None:
    """Keep what is asked of monitors from a moment on; up to `stood_until_ms` all of it is known, if that is told."""
    database.connection().executemany(
        "INSERT OR REPLACE INTO standing (monitor, from_ms, regions, is_paused, is_in_maintenance, starts_anew)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [
            (monitor, one.from_ms, _regions_text(one.regions), one.is_paused, one.is_in_maintenance, one.starts_anew)
            for monitor, one in standings
        ],
    )
    if stood_until_ms is not None:
        _write_time(database, "stood_until_ms", stood_until_ms)
        forget_ended(database, stood_until_ms)


def stood_until_ms(database: peewee.SqliteDatabase) -> int | None:
    """Return up to when standings have what maintenance windows said; None where none was ever written."""
    return _read_time(database, "stood_until_ms")


def standings_of(
    database: peewee.SqliteDatabase, monitors: Collection[MonitorId] | None = None, since_ms: int = 0
) -> dict[MonitorId, list[Standing]]:
    """Return what was asked of monitors (None = all) since a time, beginning with what was asked then, by time.

    Raises StorageCorrupt.
    """
    found: dict[MonitorId, list[Standing]] = {}
    rows = database.execute_sql(
        "SELECT monitor, from_ms, regions, is_paused, is_in_maintenance, starts_anew FROM standing AS s"
        " WHERE from_ms >= coalesce((SELECT max(from_ms) FROM standing WHERE monitor = s.monitor AND from_ms <= ?), 0)"
        " ORDER BY monitor, from_ms",
        (since_ms,),
    )
    regions_of: dict[str, frozenset[Region]] = {}
    try:
        for monitor, from_ms, text, *flags in rows:
            if monitors is None or monitor in monitors:
                if text not in regions_of:
                    regions_of[text] = frozenset(Region(word) for word in json.loads(text))
                standing = Standing(from_ms, regions_of[text], *(bool(flag) for flag in flags))
                found.setdefault(MonitorId(monitor), []).append(standing)
    except (ValueError, TypeError) as exc:
        raise damaged(exc) from exc
    return found


def _read_time(database: peewee.SqliteDatabase, key: str) -> int | None:
    found = database.execute_sql("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if found is None else int(found[0])


def _write_time(database: peewee.SqliteDatabase, key: str, at_ms: int) -> None:
    database.execute_sql(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, str(at_ms)),
    )


def all_probes(database: peewee.SqliteDatabase) -> dict[ProbeId, Probe]:
    """Return every probe that ever measured, forgotten ones included, by id."""
    return {
        ProbeId(row.id): Probe(ProbeId(row.id), row.name, Region(row.region), Transport(row.transport))
        for row in ProbeRow.select().execute(database)
    }


def tracks(
    database: peewee.SqliteDatabase, monitors: Collection[MonitorId], from_ms: int, to_ms: int
) -> dict[MonitorId, list[Track]]:
    """Return the results in [from_ms, to_ms) of each probe that measured a monitor, addresses and families joined.

    Those over IPv6 of a monitor that is, or was, measured over each family are a track of their own.
    """
    probes = all_probes(database)
    wanted = list(monitors)
    series = all_series(database, wanted)
    owners = {id_: (one.monitor, *one.voice) for id_, one in series.items() if one.probe in probes}
    parts: dict[tuple[MonitorId, ProbeId, bool], list[dict[str, Any]]] = {}
    ids = sorted(owners)
    for start in range(0, len(ids), _SERIES_PER_READ):
        found = raw(database, ids[start : start + _SERIES_PER_READ], from_ms // HOUR_MS, (to_ms - 1) // HOUR_MS)
        for id_, columns in found.items():
            if len(columns["at_ms"]):
                parts.setdefault(owners[id_], []).append(columns)
    result: dict[MonitorId, list[Track]] = {monitor: [] for monitor in wanted}
    for (monitor, probe, is_second), columns_list in parts.items():
        at_ms, interval_ms, status = (
            np.concatenate([columns[name] for columns in columns_list]) for name in ("at_ms", "interval_ms", "status")
        )
        chosen = np.flatnonzero((at_ms >= from_ms) & (at_ms < to_ms))
        order = chosen[np.argsort(at_ms[chosen], kind="stable")]
        if len(order):
            told = at_ms[order], interval_ms[order], status[order].astype(np.int8)
            result[monitor].append(Track(probe, probes[probe].region, *told, is_second))
    return result


def results_at(
    database: peewee.SqliteDatabase, monitor: MonitorId, at_ms: int
) -> list[tuple[Probe, CheckResult, Status]]:
    """Return what each probe knew at a moment: its newest result by then (of each family), where it still spoke."""
    probes = all_probes(database)
    series = series_of(database, monitor)
    everything = raw(database, list(series), (at_ms - MAX_HOLD_MS) // HOUR_MS, at_ms // HOUR_MS)
    newest: dict[tuple[ProbeId, bool], tuple[int, CheckResult, Status]] = {}
    for id_, one in series.items():
        columns = everything[id_]
        place = int(np.searchsorted(columns["at_ms"], at_ms, side="right")) - 1
        if place < 0 or one.probe not in probes:
            continue
        last = take(columns, slice(place, place + 1))
        started_at_ms = int(last["at_ms"][0])
        if started_at_ms + int(hold_ms(last["interval_ms"])[0]) < at_ms:
            continue
        if one.voice not in newest or newest[one.voice][0] < started_at_ms:
            status = Status(int(last["status"][0]))
            newest[one.voice] = (started_at_ms, result_of(database, one, last), status)
    return [(probes[probe], result, status) for (probe, _second), (_at_ms, result, status) in newest.items()]


def _regions_text(regions: Collection[Region]) -> str:
    return json.dumps([region.value for region in REGIONS if region in regions])
