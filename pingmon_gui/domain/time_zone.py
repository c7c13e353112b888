"""Time zones: this computer's own, and others by name. Days and months are those of a zone; all else is UTC."""

from __future__ import annotations

import difflib
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import tzlocal

from pingmon_gui.domain.error import InvalidInput


def local_zone() -> tzinfo:
    """Return this computer's time zone, with its name where that can be told."""
    try:
        return tzlocal.get_localzone()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return datetime.now(UTC).astimezone().tzinfo or UTC


def local_zone_name() -> str:
    """Return the name of this computer's time zone in the IANA database, UTC where it has none."""
    name = str(getattr(local_zone(), "key", ""))
    try:
        return str(zone_of(name).key)
    except InvalidInput:
        return "UTC"


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its name in the IANA database. Raises InvalidInput."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError) as exc:
        close = difflib.get_close_matches(str(name), available_timezones(), 1)
        hint = f"Is “{close[0]}” meant?" if close else "Zones are named like “Europe/Berlin”."
        raise InvalidInput(f"There is no time zone “{str(name)[:60]}”.", hint) from exc
