"""Alerts: what is wrong (`Matter`), what is told about it as one (`Alert`), and each message of it (`Post`).

A matter is one incident, one lost probe, one certificate. Matters of one cause make one alert. What an alert still has
to say on a channel, and what it said there, is its `Thread`. All of it is frozen and can be kept as JSON.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NewType

from pingmon_gui.domain.alert_channel import ChannelId
from pingmon_gui.domain.alert_rule import AlertKind, RuleId
from pingmon_gui.domain.cause import Cause
from pingmon_gui.domain.incident import IncidentId
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.result import ProbeId

AlertId = NewType("AlertId", int)
MatterKey = NewType("MatterKey", str)

#: A message names so many; how many more there are is told.
MAX_NAMED = 50


def new_alert_id() -> AlertId:
    return AlertId(1 + secrets.randbelow(2**53 - 1))


class Closing(StrEnum):
    """Why a matter is over."""

    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"  # later results show no problem
    PAUSED = "paused"  # nobody measures any more: a pause, a maintenance window
    REMOVED = "removed"  # the domain or the probe is there no longer
    RENEWED = "renewed"  # another certificate has taken its place, or the name is registered for longer
    STABLE = "stable"  # it turned no more for a while


class AlertEvent(StrEnum):
    """What a message says. The value is the word in webhooks."""

    TRIGGERED = "triggered"
    JOINED = "joined"  # more of the same cause
    WORSENED = "worsened"  # a regional problem became an outage
    REMINDER = "reminder"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    TEST = "test"


@dataclass(frozen=True)
class AlertItem:
    """One matter as people are told of it. `text` says what is, `past_text` what was, both without a full stop.

    `level` is the days that are left at the alert of an expiry, `until_ms` when it ends, else 0.
    """

    key: MatterKey
    kind: AlertKind
    subject: str
    since_ms: int
    text: str
    past_text: str
    end_ms: int | None = None
    closing: Closing | None = None
    monitors: tuple[MonitorId, ...] = ()
    url: str = ""
    incident: IncidentId | None = None
    probe: ProbeId | None = None
    channel: ChannelId | None = None
    regions: tuple[str, ...] = ()
    failure: str | None = None
    level: int = 0
    until_ms: int = 0
    acknowledged_at_ms: int | None = None

    @property
    def is_over(self) -> bool:
        return self.end_ms is not None

    def duration_ms(self, now_ms: int) -> int:
        return max(0, (now_ms if self.end_ms is None else self.end_ms) - self.since_ms)

    def to_json(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "kind": self.kind.value,
            "subject": self.subject,
            "since_ms": self.since_ms,
            "text": self.text,
            "past_text": self.past_text,
            "end_ms": self.end_ms,
            "closing": None if self.closing is None else self.closing.value,
            "monitors": list(self.monitors),
            "url": self.url,
            "incident": self.incident,
            "probe": self.probe,
            "channel": self.channel,
            "regions": list(self.regions),
            "failure": self.failure,
            "level": self.level,
            "until_ms": self.until_ms,
            "acknowledged_at_ms": self.acknowledged_at_ms,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> AlertItem:
        """Read what `to_json` wrote. Raises KeyError, TypeError, ValueError."""
        closing = document["closing"]
        return cls(
            **{
                **document,
                "kind": AlertKind(document["kind"]),
                "closing": None if closing is None else Closing(closing),
                "monitors": tuple(document["monitors"]),
                "regions": tuple(document["regions"]),
            }
        )


@dataclass(frozen=True)
class Course:
    """How far one rule is with one matter: when it fired, at which level, whether it went on to others."""

    fired_at_ms: int
    level: int = 0
    is_escalated: bool = False


@dataclass(frozen=True)
class Matter:
    """One thing that is wrong, or was and is not told to the end. `is_certain`: it is so just now, as far as is known.

    `kind_since_ms` is since when it is of this kind; `rule` is set where it is the matter of one rule alone. Before
    `settles_at_ms` it is not told: it may turn out to be worse than it looks.
    """

    item: AlertItem
    cause: Cause
    kind_since_ms: int
    is_certain: bool = True
    rule: RuleId | None = None
    courses: Mapping[RuleId, Course] = field(default_factory=dict)
    alert: AlertId | None = None
    settles_at_ms: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "item": self.item.to_json(),
            "cause": self.cause.to_json(),
            "kind_since_ms": self.kind_since_ms,
            "rule": self.rule,
            "courses": [
                [rule, course.fired_at_ms, course.level, course.is_escalated] for rule, course in self.courses.items()
            ],
            "alert": self.alert,
            "settles_at_ms": self.settles_at_ms,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Matter:
        """Read what `to_json` wrote; whether it is so still has to be found out. Raises KeyError and the like."""
        return cls(
            AlertItem.from_json(document["item"]),
            Cause.from_json(document["cause"]),
            document["kind_since_ms"],
            False,
            document["rule"],
            {RuleId(rule): Course(*rest) for rule, *rest in document["courses"]},
            document["alert"],
            document.get("settles_at_ms", 0),
        )


@dataclass(frozen=True)
class Want:
    """A rule wants a matter told on a channel, not before a time; dropped or told late where it is over by then."""

    not_before_ms: int
    event: AlertEvent
    is_dropped_if_over: bool = False


@dataclass(frozen=True)
class Thread:
    """An alert on one channel: what is to be told, what was told as lasting and as over.

    `gather_until_ms` is how long what is to be told waits for more; `count` numbers the messages.
    """

    rules: frozenset[RuleId] = frozenset()
    wanted: Mapping[MatterKey, Want] = field(default_factory=dict)
    said: frozenset[MatterKey] = frozenset()
    over: frozenset[MatterKey] = frozenset()
    gather_until_ms: int | None = None
    spoke_at_ms: int = 0
    count: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "rules": sorted(self.rules),
            "wanted": [
                [key, want.not_before_ms, want.event.value, want.is_dropped_if_over]
                for key, want in self.wanted.items()
            ],
            "said": sorted(self.said),
            "over": sorted(self.over),
            "gather_until_ms": self.gather_until_ms,
            "spoke_at_ms": self.spoke_at_ms,
            "count": self.count,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Thread:
        """Read what `to_json` wrote. Raises KeyError, TypeError, ValueError."""
        return cls(
            frozenset(document["rules"]),
            {key: Want(at_ms, AlertEvent(event), drop) for key, at_ms, event, drop in document["wanted"]},
            frozenset(document["said"]),
            frozenset(document["over"]),
            document["gather_until_ms"],
            document["spoke_at_ms"],
            document["count"],
        )


@dataclass(frozen=True)
class Alert:
    """What is told as one. Its matters are `items`, by key, in the order in which they came.

    `closed_at_ms` is when the last of them was over.
    """

    id: AlertId
    opened_at_ms: int
    cause: Cause
    items: Mapping[MatterKey, AlertItem]
    threads: Mapping[ChannelId, Thread] = field(default_factory=dict)
    acknowledged_at_ms: int | None = None
    snoozed_until_ms: int = 0
    closed_at_ms: int | None = None

    @property
    def kind(self) -> AlertKind:
        """The worst of its matters."""
        kinds = {item.kind for item in self.items.values()}
        return next(kind for kind in AlertKind if kind in kinds)

    @property
    def is_open(self) -> bool:
        return self.closed_at_ms is None

    @property
    def is_acknowledged(self) -> bool:
        """Whether somebody looks after all of it that lasts."""
        lasting = [item for item in self.items.values() if not item.is_over]
        return self.acknowledged_at_ms is not None or (
            bool(lasting) and all(item.acknowledged_at_ms is not None for item in lasting)
        )

    def head_json(self) -> dict[str, Any]:
        """Return everything but the items, which are kept one by one."""
        return {
            "cause": self.cause.to_json(),
            "threads": [[channel, thread.to_json()] for channel, thread in self.threads.items()],
            "acknowledged_at_ms": self.acknowledged_at_ms,
            "snoozed_until_ms": self.snoozed_until_ms,
        }

    @classmethod
    def from_rows(
        cls,
        id_: AlertId,
        opened_at_ms: int,
        closed_at_ms: int | None,
        head: Mapping[str, Any],
        items: Sequence[AlertItem],
    ) -> Alert:
        """Put an alert together again. Raises KeyError, TypeError, ValueError."""
        return cls(
            id_,
            opened_at_ms,
            Cause.from_json(head["cause"]),
            {item.key: item for item in items},
            {ChannelId(channel): Thread.from_json(thread) for channel, thread in head["threads"]},
            head["acknowledged_at_ms"],
            head["snoozed_until_ms"],
            closed_at_ms,
        )


@dataclass(frozen=True)
class Post:
    """One message of an alert on one channel; the `number`-th there.

    `items` are what it is about, at most MAX_NAMED of `count`; `lasting` and `over` count all of the alert that this
    channel was ever told. `is_first_word`: what it says is over was never told here as lasting. On a channel that can
    replace, items are all of the alert that this channel knows.
    """

    alert: AlertId
    channel: ChannelId
    number: int
    event: AlertEvent
    kind: AlertKind
    at_ms: int
    items: tuple[AlertItem, ...]
    count: int
    lasting: int
    over: int = 0
    is_first_word: bool = False

    @property
    def key(self) -> str:
        """The same for every try to deliver it, different from every other message's."""
        return f"{self.alert:x}-{self.channel:x}-{self.number}"

    @property
    def since_ms(self) -> int:
        return min((item.since_ms for item in self.items), default=self.at_ms)

    @property
    def end_ms(self) -> int | None:
        """When the last of its items was over, None while one lasts."""
        ends = [item.end_ms for item in self.items]
        return None if not ends or any(end is None for end in ends) else max(end for end in ends if end is not None)

    def to_json(self) -> dict[str, Any]:
        return {
            "alert": self.alert,
            "channel": self.channel,
            "number": self.number,
            "event": self.event.value,
            "kind": self.kind.value,
            "at_ms": self.at_ms,
            "items": [item.to_json() for item in self.items],
            "count": self.count,
            "lasting": self.lasting,
            "over": self.over,
            "is_first_word": self.is_first_word,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Post:
        """Read what `to_json` wrote. Raises KeyError, TypeError, ValueError."""
        return cls(
            **{
                **document,
                "event": AlertEvent(document["event"]),
                "kind": AlertKind(document["kind"]),
                "items": tuple(AlertItem.from_json(item) for item in document["items"]),
            }
        )
