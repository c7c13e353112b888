"""What a decision about alerts changed, ready to be kept in one transaction, and what was kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pingmon_gui.domain.alert import Alert, AlertId, AlertItem, Matter, MatterKey, Post
from pingmon_gui.domain.alert_rule import AlertBook
from pingmon_gui.domain.alert_state import AlertState, Decision, Habit, HabitKey
from pingmon_gui.domain.delivery import Delivery

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True)
class AlertChange:
    """Rows that are different now; None is one that is gone. `alerts` are kept whole but for their unchanged items."""

    matters: Mapping[MatterKey, Matter | None] = field(default_factory=dict)
    habits: Mapping[HabitKey, Habit | None] = field(default_factory=dict)
    alerts: Sequence[Alert] = ()
    items: Mapping[AlertId, Sequence[AlertItem]] = field(default_factory=dict)
    gone_items: Mapping[AlertId, Sequence[MatterKey]] = field(default_factory=dict)
    posts: Sequence[Post] = ()
    live: Collection[AlertId] = ()

    def is_live(self, alert: Alert) -> bool:
        """Whether later decisions still need an alert."""
        return alert.id in self.live

    @property
    def is_empty(self) -> bool:
        return not (self.matters or self.habits or self.alerts or self.posts)


@dataclass(frozen=True)
class AlertMemory:
    """What is kept of alerts: the book (None before the first start), the state, what still waits to be sent."""

    book: AlertBook | None
    state: AlertState
    waiting: Sequence[Delivery]


def change_of(before: AlertState, decision: Decision) -> AlertChange:
    """Return what a decision made different. Unchanged parts are the same objects, so this looks at identities only."""
    after = decision.state
    items: dict[AlertId, list[AlertItem]] = {}
    gone: dict[AlertId, list[MatterKey]] = {}
    for alert in decision.alerts:
        old = before.alerts.get(alert.id)
        known = {} if old is None else old.items
        items[alert.id] = [item for key, item in alert.items.items() if known.get(key) is not item]
        gone[alert.id] = [key for key in known if key not in alert.items]
    return AlertChange(
        matters=_different(before.matters, after.matters),
        habits=_different(before.habits, after.habits),
        alerts=decision.alerts,
        items=items,
        gone_items=gone,
        posts=decision.posts,
        live=after.alerts.keys(),
    )


def _different(old: Mapping[Key, Value], new: Mapping[Key, Value]) -> dict[Key, Value | None]:
    changed: dict[Key, Value | None] = {key: value for key, value in new.items() if old.get(key) is not value}
    return changed | {key: None for key in old if key not in new}
