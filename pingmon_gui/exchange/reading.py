"""What every reader of a file hands back: one item per monitor it asks for, taken or not, with the reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pingmon_gui.domain.alert_channel import Channel
from pingmon_gui.domain.book_change import RuleWish
from pingmon_gui.domain.change import WindowWish
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorDraft
from pingmon_gui.domain.preference import Value
from pingmon_gui.exchange.kind import Kind

#: More monitors than this are not read from one file.
MAX_ITEMS = 10_000
#: Tables within tables of an alert rule or a maintenance window.
_DEEPEST = 4


@dataclass(frozen=True)
class Item:
    """One monitor that a file asks for.

    Attributes:
        number: its place in the file, from 1.
        line: its line, None where the file has no lines.
        text: what the file calls it: address or name, from outside and shown as such.
        draft: what would be added; None if it is not taken.
        notes: sentences about what will be different from the file.
        reason: the sentence why it is not taken.
        is_wrong: whether the file is at fault; else it is beyond what Pingmon can do.
    """

    number: int
    line: int | None
    text: str
    draft: MonitorDraft | None = None
    notes: tuple[str, ...] = ()
    reason: str = ""
    is_wrong: bool = False


@dataclass(frozen=True)
class NamedProbe:
    """A probe that an export tells of. Its keys are not in there, so it cannot be taken over from it."""

    name: str
    region: str
    host: str


@dataclass(frozen=True)
class NamedBook:
    """Alert rules and channels of a file. Ids are its own: they join rules to channels, and mean nothing else."""

    rules: tuple[RuleWish, ...] = ()
    channels: tuple[Channel, ...] = ()


@dataclass(frozen=True)
class Reading:
    """A whole file. `notes` are sentences about the file; `preferences` what it wants changed."""

    kind: Kind
    items: tuple[Item, ...]
    preferences: Mapping[str, Value] = field(default_factory=dict)
    probes: tuple[NamedProbe, ...] = ()
    alerts: NamedBook = field(default_factory=NamedBook)
    windows: tuple[WindowWish, ...] = ()
    notes: tuple[str, ...] = ()


class LeftOut(InvalidInput):
    """Pingmon cannot do what the file asks for; the file itself is fine."""


def cleaned_text(text: object) -> str:
    """Return a text of another product as one line without control characters and invisible marks."""
    folded = " ".join(str(text if text is not None else "")[:2_000].split())
    return "".join(letter for letter in folded if letter.isprintable())


def require_room(count: int) -> None:
    """Raise InvalidInput if a file asks for more monitors than are read at once."""
    if count > MAX_ITEMS:
        raise InvalidInput(
            f"The file holds {count:,} monitors; at most {MAX_ITEMS:,} can be read at once.", "Import it in parts."
        )


def listed(value: Any) -> Sequence[Any]:
    """Return a list as it is, and nothing for what is none."""
    return value if isinstance(value, list) else ()


def mapped(value: Any) -> Mapping[Any, Any]:
    """Return a mapping as it is, and an empty one for what is none."""
    return value if isinstance(value, dict) else {}


def require_plain(value: Any, depth: int = 0) -> None:
    """Raise InvalidInput for values that are none of ours; what they say is checked where they are read."""
    for key, part in value.items() if isinstance(value, dict) else enumerate(listed(value)):
        is_half = isinstance(part, str) and any("\ud800" <= letter <= "\udfff" for letter in part)
        if (
            depth > _DEEPEST
            or is_half
            or isinstance(part, float)
            or (key == "is_enabled" and not isinstance(part, bool))
        ):
            raise InvalidInput("It is described in a way that cannot be read.")
        require_plain(part, depth + 1)
