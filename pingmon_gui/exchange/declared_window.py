"""A maintenance window in a `pingmon.toml`, a `[[maintenance]]`: its keys, how they are read, how they are written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pingmon_gui.domain.change import WindowWish
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.maintenance import (
    Cron,
    MaintenanceDraft,
    Once,
    Schedule,
    Weekly,
    checked,
    parse_expression,
    parse_weekdays,
    parse_window_name,
)
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.quiet_hours import WEEKDAYS, clock_minute
from pingmon_gui.domain.time_zone import local_zone_name, zone_of
from pingmon_gui.exchange.declared_field import Field, KeyWrong, read_length, read_text, read_texts
from pingmon_gui.exchange.duration import duration_text
from pingmon_gui.exchange.named_scope import SCOPE_FIELDS, declared_scope, scope_pairs

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: What says when it is on, and the keys that go with it.
_WAYS: dict[str, tuple[str, ...]] = {"days": ("at", "for", "zone"), "cron": ("for", "zone"), "from": ("to", "zone")}


def declared_window(values: Mapping[str, Any]) -> WindowWish:
    """Return what a table says; `values` are by our names. Raises InvalidInput."""
    scope, urls = declared_scope(values)
    return WindowWish(checked(MaintenanceDraft(values["name"], _schedule(values), scope), 0), urls)


def window_pairs(wish: WindowWish, urls: Mapping[MonitorId, str]) -> dict[str, Any]:
    """Return what a file says of a window."""
    pairs: dict[str, Any] = {"name": wish.draft.name, **_schedule_pairs(wish.draft.schedule)}
    return pairs | scope_pairs(wish.draft.scope, wish.urls, urls)


def _schedule(values: Mapping[str, Any]) -> Schedule:
    ways = [way for way in _WAYS if way in values]
    if len(ways) != 1:
        raise InvalidInput("It needs one of days, cron and from, which say when it is on.")
    [way] = ways
    for key in ("at", "for", "to", "zone"):
        if key in values and key not in _WAYS[way]:
            raise KeyWrong(key, f"It does not go with {way}.")
        if key not in values and key in _WAYS[way] and key != "zone":
            raise InvalidInput(f"It has no {key}.")
    zone = values.get("zone") or local_zone_name()
    if way == "from":
        return Once(_moment_ms(values["from"], zone), _moment_ms(values["to"], zone))
    if way == "cron":
        return Cron(values["cron"], values["for"], zone)
    return Weekly(values["days"], values["at"], values["for"], zone)


def _schedule_pairs(schedule: Schedule) -> dict[str, Any]:
    if isinstance(schedule, Once):
        return {"from": _moment_text(schedule.start_ms), "to": _moment_text(schedule.end_ms)}
    rest = {"for": duration_text(schedule.length_ms), "zone": schedule.zone}
    if isinstance(schedule, Cron):
        return {"cron": schedule.expression, **rest}
    return {"days": [WEEKDAYS[day] for day in schedule.weekdays], "at": schedule.clock, **rest}


def _moment_ms(moment: datetime, zone: str) -> int:
    local = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone_of(zone))
    return (local - _EPOCH) // timedelta(milliseconds=1)


def _moment_text(at_ms: int) -> str:
    moment = (_EPOCH + timedelta(milliseconds=at_ms)).replace(tzinfo=None)
    return f"{moment.isoformat(timespec='milliseconds' if at_ms % 1000 else 'seconds')}Z"


def _read_moment(value: Any) -> datetime:
    if isinstance(value, datetime):  # TOML has a kind of its own for them
        return value
    try:
        return datetime.fromisoformat(read_text(value))
    except (ValueError, OverflowError) as exc:
        raise InvalidInput("It must be a date and time like “2026-12-01T22:00”.") from exc


WINDOW_FIELDS: dict[str, Field] = {
    "name": ("name", lambda value: parse_window_name(read_text(value))),
    "days": ("days", lambda value: parse_weekdays(read_texts(value))),
    "at": ("at", lambda value: clock_minute(read_text(value))),
    "cron": ("cron", lambda value: parse_expression(read_text(value))),
    "for": ("for", read_length),
    "zone": ("zone", lambda value: zone_of(read_text(value)).key),
    "from": ("from", _read_moment),
    "to": ("to", _read_moment),
    **SCOPE_FIELDS,
}
