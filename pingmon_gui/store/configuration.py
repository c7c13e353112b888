"""Monitors, probes and preferences: reading them, and the commands that change them, each inside one transaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import peewee

from pingmon_gui.domain.alert_rule import AlertBook, first_book
from pingmon_gui.domain.book_change import BookChange, changed_book
from pingmon_gui.domain.change import AppliedChange, ConfigurationChange, WindowWish
from pingmon_gui.domain.error import InvalidInput, SettingsError
from pingmon_gui.domain.maintenance import MaintenanceDraft, MaintenanceWindow
from pingmon_gui.domain.monitor import Monitor, MonitorDraft, MonitorId, MonitorSettings, new_monitor_id
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.domain.probe import Probe, ProbeAccess, Transport
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.scope import Scope
from pingmon_gui.store.alert import read_book, write_book
from pingmon_gui.store.chunk import damaged
from pingmon_gui.store.maintenance_window import add_windows, end_windows, read_windows
from pingmon_gui.store.table import CursorRow, Meta, MonitorRow, ProbeRow, Setting

_ROWS_PER_STATEMENT = 500


@dataclass(frozen=True)
class Cursor:
    """How far the results of a probe's spool are kept: `seq` is the last one."""

    spool: str
    seq: int


@dataclass(frozen=True)
class VersionRow:
    """One version of a monitor's settings, as far as judging and charts need it."""

    url: str
    family: int
    interval_ms: int
    timeout_ms: int
    slow_ms: int


@dataclass(frozen=True)
class Configuration:
    """What the store holds besides results. `monitors` are in the order they were added, deleted ones left out.

    `versions` also has those of deleted monitors that can still be restored; `windows` are those that hold.
    """

    monitors: tuple[Monitor, ...]
    probes: tuple[Probe, ...]
    preferences: Preferences
    cursors: Mapping[ProbeId, Cursor]
    versions: Mapping[tuple[MonitorId, int], VersionRow]
    windows: tuple[MaintenanceWindow, ...] = ()


def read_configuration(database: peewee.SqliteDatabase) -> Configuration:
    """Return everything that is configured, from one moment. Raises StorageCorrupt for rows that make no sense."""
    with database.atomic():
        probe_rows = ProbeRow.select().where(ProbeRow.forgotten_at_ms.is_null()).order_by(ProbeRow.id)
        try:
            return Configuration(
                monitors=tuple(_monitors(database, MonitorRow.deleted_at_ms.is_null())),
                probes=tuple(
                    Probe(ProbeId(row.id), row.name, Region(row.region), Transport(row.transport), _access(row.access))
                    for row in probe_rows.execute(database)
                ),
                preferences=read_preferences(database),
                cursors={
                    ProbeId(row.probe): Cursor(row.spool, row.seq) for row in CursorRow.select().execute(database)
                },
                versions={
                    (MonitorId(monitor), version): VersionRow(*rest)
                    for monitor, version, *rest in database.execute_sql(
                        "SELECT monitor, version, url, family, interval_ms, timeout_ms, slow_ms FROM monitor_version"
                    )
                },
                windows=read_windows(database),
            )
        except (ValueError, TypeError, KeyError, InvalidInput) as exc:
            raise damaged(exc) from exc


def owner_of(database: peewee.SqliteDatabase) -> str:
    """Return the file's random id, by which probes know whose plan they hold."""
    return str(Meta.select().where(Meta.key == "owner").execute(database)[0].value)


def read_preferences(database: peewee.SqliteDatabase) -> Preferences:
    """Return the preferences; what an older version left and this one does not accept is at its default."""
    preferences = Preferences({})
    for row in Setting.select().execute(database):
        try:
            preferences = preferences.with_values({row.key: json.loads(row.value)})
        except SettingsError:
            continue
    return preferences


def change_preferences(database: peewee.SqliteDatabase, values: Mapping[str, object]) -> Preferences:
    """Keep other values; return all preferences. Raises SettingsError; then nothing was changed."""
    preferences = read_preferences(database).with_values(values)
    Setting.delete().execute(database)
    for key, value in preferences.changed.items():
        Setting.insert(key=key, value=json.dumps(value)).execute(database)
    return preferences


def add_monitors(
    database: peewee.SqliteDatabase,
    drafts: Sequence[MonitorDraft],
    now_ms: int,
    new_id: Callable[[], MonitorId] = new_monitor_id,
) -> list[Monitor]:
    """Add one monitor per draft, in order; the same address twice is the front ends' business."""
    monitors = [
        Monitor(
            id=new_id(),
            version=1,
            url=draft.url,
            name=draft.name,
            settings=draft.settings,
            created_at_ms=now_ms,
            tags=draft.tags,
            is_paused=draft.is_paused,
            regions=draft.regions,
        )
        for draft in drafts
    ]
    connection = database.connection()
    connection.executemany(
        "INSERT INTO monitor (id, version, url, name, settings, created_at_ms, is_paused, regions)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (m.id, m.version, m.url, m.name, _settings_text(m), m.created_at_ms, m.is_paused, _regions_text(m))
            for m in monitors
        ],
    )
    _write_versions(database, monitors)
    _write_tags(database, monitors)
    return monitors


def change_monitors(database: peewee.SqliteDatabase, monitors: Sequence[Monitor]) -> list[Monitor]:
    """Replace monitors by id; a new version is made only where url or settings differ.

    Returns them as they are now, in the order given, without those that do not exist (any more).
    """
    known = {monitor.id: monitor for monitor in monitors_of(database, [monitor.id for monitor in monitors])}
    changed: list[Monitor] = []
    newer: list[Monitor] = []
    for monitor in monitors:
        before = known.get(monitor.id)
        if before is None:
            continue
        is_newer = (monitor.url, monitor.settings) != (before.url, before.settings)
        after = replace(monitor, version=before.version + is_newer, created_at_ms=before.created_at_ms)
        known[monitor.id] = after
        changed.append(after)
        if is_newer:
            newer.append(after)
    database.connection().executemany(
        "UPDATE monitor SET version = ?, url = ?, name = ?, settings = ?, is_paused = ?, regions = ? WHERE id = ?",
        [(m.version, m.url, m.name, _settings_text(m), m.is_paused, _regions_text(m), m.id) for m in changed],
    )
    _write_versions(database, newer)
    database.connection().executemany("DELETE FROM tag WHERE monitor = ?", [(m.id,) for m in changed])
    _write_tags(database, list({m.id: m for m in changed}.values()))
    return changed


def apply_change(database: peewee.SqliteDatabase, change: ConfigurationChange, now_ms: int) -> AppliedChange:
    """Carry a change out as a whole; then nothing is kept if it raises.

    Raises SettingsError for a preference that does not fit, InvalidInput for an alert rule that is for no domain or for
    too many maintenance windows.
    """
    preferences = change_preferences(database, change.preferences)
    delete_monitors(database, change.removed, now_ms)
    # Between its preview and now somebody else may have added the same.
    watched = {url for (url,) in database.execute_sql("SELECT url FROM monitor WHERE deleted_at_ms IS NULL")}
    fresh = [draft for draft in change.added if draft.url not in watched]
    added = tuple(add_monitors(database, fresh, now_ms))
    changed = tuple(change_monitors(database, change.changed))
    end_windows(database, change.windows_ended, now_ms)
    add_windows(database, [_with_ids(database, wish) for wish in change.windows_added], now_ms)
    book = _change_book(database, change.alerts)
    return AppliedChange(added, changed, preferences, book, read_windows(database))


def _change_book(database: peewee.SqliteDatabase, change: BookChange) -> AlertBook | None:
    """Return rules and channels as they are then, None if they stay as they were."""
    if change.is_empty:
        return None
    book = changed_book(read_book(database) or first_book(), change, _watched(database))
    write_book(database, book)
    return book


def _with_ids(database: peewee.SqliteDatabase, wish: WindowWish) -> MaintenanceDraft:
    """Return the draft with the domains that were named by their address. Raises InvalidInput if none is watched."""
    if not wish.urls:
        return wish.draft
    watched, scope = _watched(database), wish.draft.scope
    chosen = scope.monitors | {watched[url] for url in wish.urls if url in watched}
    if not chosen and not scope.tags:
        raise InvalidInput(f"None of the domains of the maintenance window “{wish.draft.name}” is watched.")
    return replace(wish.draft, scope=Scope(False, scope.tags, chosen))


def _watched(database: peewee.SqliteDatabase) -> dict[str, MonitorId]:
    """Return what is watched by its address; of two with one address the first."""
    rows = database.execute_sql("SELECT url, id FROM monitor WHERE deleted_at_ms IS NULL ORDER BY place DESC")
    return {url: MonitorId(id_) for url, id_ in rows}


def delete_monitors(database: peewee.SqliteDatabase, ids: Sequence[MonitorId], now_ms: int) -> None:
    """Mark monitors as deleted; history stays until retention purges it."""
    database.connection().executemany(
        "UPDATE monitor SET deleted_at_ms = ? WHERE id = ? AND deleted_at_ms IS NULL", [(now_ms, id_) for id_ in ids]
    )


def restore_monitors(database: peewee.SqliteDatabase, ids: Sequence[MonitorId]) -> list[Monitor]:
    """Undo deletions; return those that are there now, in the order given. Purged ones cannot come back."""
    database.connection().executemany("UPDATE monitor SET deleted_at_ms = NULL WHERE id = ?", [(id_,) for id_ in ids])
    return monitors_of(database, ids)


def monitors_of(database: peewee.SqliteDatabase, ids: Sequence[MonitorId]) -> list[Monitor]:
    """Return the monitors with these ids that are not deleted, in the order given."""
    found: dict[MonitorId, Monitor] = {}
    for start in range(0, len(ids), _ROWS_PER_STATEMENT):
        some = list(ids[start : start + _ROWS_PER_STATEMENT])
        condition = MonitorRow.deleted_at_ms.is_null() & MonitorRow.id.in_(some)
        found |= {monitor.id: monitor for monitor in _monitors(database, condition)}
    return [found[id_] for id_ in ids if id_ in found]


def monitors_ever(database: peewee.SqliteDatabase) -> list[tuple[Monitor, int | None]]:
    """Return every monitor whose history is kept, with the time of its deletion. Raises StorageCorrupt."""
    deleted = dict(database.execute_sql("SELECT id, deleted_at_ms FROM monitor").fetchall())
    try:
        return [(monitor, deleted[monitor.id]) for monitor in _monitors(database, MonitorRow.id.is_null(False))]
    except (ValueError, TypeError, KeyError, InvalidInput) as exc:
        raise damaged(exc) from exc


def probes_ever(database: peewee.SqliteDatabase) -> list[tuple[Probe, int | None]]:
    """Return every probe that ever was, with the time when it was forgotten. Raises StorageCorrupt."""
    try:
        return [
            (
                Probe(ProbeId(row.id), row.name, Region(row.region), Transport(row.transport), _access(row.access)),
                row.forgotten_at_ms,
            )
            for row in ProbeRow.select().order_by(ProbeRow.id).execute(database)
        ]
    except (ValueError, TypeError, KeyError) as exc:
        raise damaged(exc) from exc


def save_probe(database: peewee.SqliteDatabase, probe: Probe) -> None:
    """Add a probe or replace the one with its id."""
    ProbeRow.replace(
        id=probe.id,
        name=probe.name,
        region=probe.region.value,
        transport=probe.transport.value,
        access=None if probe.access is None else json.dumps(probe.access.to_json()),
    ).execute(database)


def forget_probe(database: peewee.SqliteDatabase, id_: ProbeId, now_ms: int) -> None:
    """Forget how a probe is reached and how far it was read; what it measured stays, with its name and region."""
    ProbeRow.update(access=None, forgotten_at_ms=now_ms).where(ProbeRow.id == id_).execute(database)
    CursorRow.delete().where(CursorRow.probe == id_).execute(database)


def _access(text: str | None) -> ProbeAccess | None:
    return None if text is None else ProbeAccess.from_json(json.loads(text))


def _monitors(database: peewee.SqliteDatabase, condition: peewee.Expression) -> list[Monitor]:
    tags: dict[int, list[str]] = {}
    for monitor, name in database.execute_sql("SELECT monitor, name FROM tag ORDER BY monitor, place"):
        tags.setdefault(monitor, []).append(name)
    rows = MonitorRow.select().where(condition).order_by(MonitorRow.place).namedtuples().execute(database)
    return [
        Monitor(
            id=MonitorId(row.id),
            version=row.version,
            url=row.url,
            name=row.name,
            settings=MonitorSettings.from_json(json.loads(row.settings)),
            created_at_ms=row.created_at_ms,
            tags=tuple(tags.get(row.id, ())),
            is_paused=bool(row.is_paused),
            regions=None if row.regions is None else tuple(Region(word) for word in json.loads(row.regions)),
        )
        for row in rows
    ]


def _settings_text(monitor: Monitor) -> str:
    return json.dumps(monitor.settings.to_json(), ensure_ascii=False)


def _regions_text(monitor: Monitor) -> str | None:
    return None if monitor.regions is None else json.dumps([region.value for region in monitor.regions])


def _write_versions(database: peewee.SqliteDatabase, monitors: Sequence[Monitor]) -> None:
    database.connection().executemany(
        "INSERT OR REPLACE INTO monitor_version (monitor, version, url, family, interval_ms, timeout_ms, slow_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (m.id, m.version, m.url, m.settings.family, s.interval_ms, s.timeout_ms, s.slow_ms)
            for m in monitors
            for s in (m.settings,)
        ],
    )


def _write_tags(database: peewee.SqliteDatabase, monitors: Sequence[Monitor]) -> None:
    database.connection().executemany(
        "INSERT INTO tag (monitor, place, name) VALUES (?, ?, ?)",
        [(m.id, place, name) for m in monitors for place, name in enumerate(m.tags)],
    )
