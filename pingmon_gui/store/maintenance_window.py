"""Maintenance windows in the database. A row is never changed but for its end: what replaces it is another row."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from typing import Any

import peewee

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.maintenance import (
    MAX_WINDOWS,
    MaintenanceChange,
    MaintenanceDraft,
    MaintenanceWindow,
    WindowId,
    schedule_from_json,
    schedule_json,
)
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.scope import Scope
from pingmon_gui.store.table import MaintenanceRow

_log = logging.getLogger(__name__)


def read_windows(database: peewee.SqliteDatabase, *, is_ended: bool = False) -> tuple[MaintenanceWindow, ...]:
    """Return the windows that hold, or those that ended and may still be needed.

    One that cannot be read stays where it is and is left out: a zone may be missing on this computer alone.
    """
    condition = MaintenanceRow.until_ms.is_null(not is_ended)
    found = []
    for row in MaintenanceRow.select().where(condition).order_by(MaintenanceRow.id).execute(database):
        try:
            found.append(_window(row))
        except (InvalidInput, TypeError, ValueError) as exc:
            _log.warning("the maintenance window %d cannot be read: %s", row.id, exc)
    return tuple(found)


def _window(row: Any) -> MaintenanceWindow:
    tags = frozenset(json.loads(row.tags))
    chosen = frozenset(MonitorId(id_) for id_ in json.loads(row.monitors or "[]"))
    return MaintenanceWindow(
        id=WindowId(row.id),
        name=row.name,
        schedule=schedule_from_json(json.loads(row.schedule)),
        scope=Scope(row.monitors is None and not tags, tags, chosen),
        since_ms=row.since_ms,
        until_ms=row.until_ms,
    )


def change_windows(
    database: peewee.SqliteDatabase, change: MaintenanceChange, now_ms: int
) -> tuple[MaintenanceWindow, ...]:
    """End windows and add others; return all that hold then. Raises InvalidInput if there would be too many."""
    end_windows(database, change.ended, now_ms)
    add_windows(database, change.added, max(now_ms, change.since_ms or 0))
    return read_windows(database)


def end_windows(database: peewee.SqliteDatabase, ids: Iterable[WindowId], now_ms: int) -> None:
    """Let windows hold no longer; ids that do not are passed over."""
    wanted = list(ids)
    condition = MaintenanceRow.id.in_(wanted) & MaintenanceRow.until_ms.is_null()
    MaintenanceRow.delete().where(condition & (MaintenanceRow.since_ms >= now_ms)).execute(database)
    MaintenanceRow.update(until_ms=now_ms).where(condition).execute(database)


def add_windows(database: peewee.SqliteDatabase, drafts: Sequence[MaintenanceDraft], since_ms: int) -> None:
    """Let windows hold from a time on. Raises InvalidInput if there would be too many."""
    there = MaintenanceRow.select().where(MaintenanceRow.until_ms.is_null()).count(database)
    if drafts and there + len(drafts) > MAX_WINDOWS:
        raise InvalidInput(f"At most {MAX_WINDOWS} maintenance windows are possible.", "Remove some first.")
    for draft in drafts:
        scope = draft.scope
        MaintenanceRow.insert(
            name=draft.name,
            schedule=json.dumps(schedule_json(draft.schedule)),
            monitors=None if scope.is_all else json.dumps(sorted(scope.monitors)),
            tags=json.dumps(sorted(scope.tags), ensure_ascii=False),
            since_ms=since_ms,
        ).execute(database)


def forget_ended(database: peewee.SqliteDatabase, before_ms: int) -> None:
    """Delete windows that ended: what they said of the time until then is kept with the monitors' standings."""
    condition = MaintenanceRow.until_ms.is_null(False) & (MaintenanceRow.until_ms <= before_ms)
    MaintenanceRow.delete().where(condition).execute(database)
