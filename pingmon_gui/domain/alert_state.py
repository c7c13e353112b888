"""What goes into a decision about alerts and what comes out: news, state, surroundings, messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from pingmon_gui.domain.alert import Alert, AlertId, AlertItem, Matter, MatterKey, Post
from pingmon_gui.domain.alert_rule import AlertBook, RuleId
from pingmon_gui.domain.cause import Cause
from pingmon_gui.domain.monitor import MonitorId


@dataclass(frozen=True)
class MatterNews:
    """A matter is so from now on; with an end it is over. `rule` where it is the matter of one rule alone.

    `is_certain`: it is known to be so just now, which a `Certainty` may change later. Before `settles_at_ms` it may
    turn out to be worse than it looks.
    """

    item: AlertItem
    cause: Cause
    rule: RuleId | None = None
    is_certain: bool = True
    settles_at_ms: int = 0


@dataclass(frozen=True)
class Certainty:
    """Which matters are known to be so just now. One that nobody can measure just now fires no rule."""

    certain: Mapping[MatterKey, bool]


@dataclass(frozen=True)
class AlertAcknowledged:
    """Somebody looks after an alert; None takes it back."""

    alert: AlertId
    at_ms: int | None


@dataclass(frozen=True)
class AlertSnoozed:
    """No reminder comes and nobody else is told before a time; then a reminder, if it still lasts."""

    alert: AlertId
    until_ms: int


News = MatterNews | Certainty | AlertAcknowledged | AlertSnoozed


@dataclass(frozen=True)
class Habit:
    """What one rule did about one domain lately: when it fired, and when the domain last turned."""

    fired_at_ms: tuple[int, ...] = ()
    moved_at_ms: int = 0

    def to_json(self) -> dict[str, Any]:
        return {"fired_at_ms": list(self.fired_at_ms), "moved_at_ms": self.moved_at_ms}


HabitKey = tuple[RuleId, MonitorId]


@dataclass(frozen=True)
class AlertState:
    """Everything between two decisions. The mappings are never changed in place."""

    matters: Mapping[MatterKey, Matter] = field(default_factory=dict)
    alerts: Mapping[AlertId, Alert] = field(default_factory=dict)
    habits: Mapping[HabitKey, Habit] = field(default_factory=dict)


@dataclass(frozen=True)
class Surroundings:
    """What a decision depends on besides: the book, the tags of monitors (case folded), the zone of quiet hours."""

    book: AlertBook
    tags: Mapping[MonitorId, frozenset[str]] = field(default_factory=dict)
    zone: tzinfo | None = None


@dataclass(frozen=True)
class Decision:
    """`alerts` are those that changed, also those that are told to the end and no longer in the state.

    `next_at_ms` is when time alone may change something, None for never.
    """

    state: AlertState
    posts: tuple[Post, ...]
    alerts: tuple[Alert, ...]
    next_at_ms: int | None
