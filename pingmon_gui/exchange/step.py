"""One line of a difference between a file and what is configured."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What happens. The value is the word in JSON."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"
    SETTING = "setting"


class What(StrEnum):
    """What it happens to. The value is the word in JSON and on the terminal."""

    DOMAIN = "domain"
    SETTING = "setting"
    RULE = "alert rule"
    CHANNEL = "channel"
    WINDOW = "maintenance window"


@dataclass(frozen=True)
class FieldChange:
    """One field before and after, as the file writes it; a log-in is never shown."""

    field: str
    before: str
    after: str


@dataclass(frozen=True)
class Step:
    """One line of the difference. `subject` is an address, the key of a setting, or the name of another thing."""

    action: Action
    subject: str
    name: str = ""
    fields: tuple[FieldChange, ...] = ()
    what: What = What.DOMAIN


def field_changes(before: dict[str, str], after: dict[str, str]) -> tuple[FieldChange, ...]:
    """Return the fields that differ; one that is missing on a side is empty there."""
    keys = dict.fromkeys([*before, *after])
    pairs = ((key, before.get(key, ""), after.get(key, "")) for key in keys)
    return tuple(FieldChange(key, old, new) for key, old, new in pairs if old != new)
