"""Maintenance windows in an export: domains by their address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pingmon_gui.domain.change import WindowWish
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.maintenance import (
    MAX_WINDOWS,
    MaintenanceDraft,
    MaintenanceWindow,
    checked,
    parse_window_name,
    schedule_from_json,
    schedule_json,
)
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.exchange.named_scope import read_scope, scope_json
from pingmon_gui.exchange.reading import cleaned_text, listed, mapped, require_plain


def windows_json(windows: Iterable[MaintenanceWindow], urls: Mapping[MonitorId, str]) -> list[dict[str, Any]]:
    return [
        {"name": one.name, "schedule": schedule_json(one.schedule), "scope": scope_json(one.scope, urls)}
        for one in windows
    ]


def read_windows(document: Any) -> tuple[tuple[WindowWish, ...], tuple[str, ...]]:
    """Return what can be read, and a sentence for each that cannot."""
    wishes: list[WindowWish] = []
    notes: list[str] = []
    for value in listed(document)[:MAX_WINDOWS]:
        try:
            wishes.append(_read_window(value))
        except InvalidInput as exc:
            name = cleaned_text(mapped(value).get("name"))[:60] or "?"
            notes.append(f"The maintenance window “{name}” is left out. {exc.message}")
    return tuple(wishes), tuple(notes)


def _read_window(value: Any) -> WindowWish:
    require_plain(value)
    name = mapped(value).get("name")
    if not isinstance(name, str):
        raise InvalidInput("It has no name.")
    scope, urls = read_scope(value.get("scope"))
    draft = MaintenanceDraft(parse_window_name(name), schedule_from_json(value.get("schedule")), scope)
    return WindowWish(checked(draft, 0), urls)
