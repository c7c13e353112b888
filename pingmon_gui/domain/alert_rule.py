"""Alert rules: what a person wants to be told, after how long, when not, and by which channels.

Rules are data; `alert_decision.decide` carries them out, live and in the preview alike.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NewType

from pingmon_gui.domain.alert_channel import DESKTOP, Channel, ChannelId, desktop_channel
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.quiet_hours import MAX_SPANS, QuietSpan
from pingmon_gui.domain.scope import EVERYTHING, Scope

RuleId = NewType("RuleId", int)

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
MAX_WAIT_MS = 7 * DAY_MS
MAX_NAME_CHARACTERS = 80
EXPIRY_DAYS = (30, 14, 7, 3, 1)


class AlertKind(StrEnum):
    """What can be wrong. The value is the word in the database, in JSON and in webhooks."""

    OFFLINE = "offline"
    REGIONAL = "regional"
    SLOW = "slow"
    CERTIFICATE = "certificate"
    REGISTRATION = "registration"  # of a domain's name; its registry is asked only while a rule tells of it
    PROBE_LOST = "probe_lost"
    OWN_NETWORK = "own_network"
    FLAPPING = "flapping"  # of Pingmon's own making: a rule fired too often
    CHANNEL = "channel"  # of Pingmon's own making: alerts cannot be delivered

    @property
    def is_outage(self) -> bool:
        return self in (AlertKind.OFFLINE, AlertKind.REGIONAL)

    @property
    def is_of_domain(self) -> bool:
        """Whether it is about domains, so that a rule's scope says which."""
        return self not in (AlertKind.PROBE_LOST, AlertKind.OWN_NETWORK, AlertKind.CHANNEL)


#: What a rule can be about, in the order in which people are shown it.
RULE_KINDS = tuple(kind for kind in AlertKind if kind not in (AlertKind.FLAPPING, AlertKind.CHANNEL))


class SlowUnit(StrEnum):
    RESULTS = "results"
    MINUTES = "minutes"


def _check_span(what: str, ms: int, least_ms: int = 0, *, may_be_none: bool = False) -> None:
    if not isinstance(ms, int) or isinstance(ms, bool):
        raise InvalidInput(f"{what} must be a number.")
    if not (least_ms <= ms <= MAX_WAIT_MS or (may_be_none and ms == 0)):
        least = f"{least_ms // MINUTE_MS} minute" if least_ms else "0"
        raise InvalidInput(f"{what} must be from {least} to 7 days.")


@dataclass(frozen=True)
class SlowCondition:
    """Slow in `count` of the last `of` results of at least half of the voting regions, or minutes by the verdict."""

    unit: SlowUnit = SlowUnit.MINUTES
    count: int = 5
    of: int = 10

    def __post_init__(self) -> None:
        most = 12 if self.unit is SlowUnit.RESULTS else 24 * 60
        if not 1 <= self.count <= self.of <= most:
            raise InvalidInput(f"Slow in how many of how many {self.unit.value}: from 1 of 1 to {most} of {most}.")


@dataclass(frozen=True)
class Flapping:
    """A rule that fired `count` times for one domain within `within_ms` says so once, then holds until it is stable.

    Stable is what did not turn for `stable_ms`. A count of 0 turns this off.
    """

    count: int = 4
    within_ms: int = 30 * MINUTE_MS
    stable_ms: int = 15 * MINUTE_MS

    def __post_init__(self) -> None:
        if self.count and not 2 <= self.count <= 100:
            raise InvalidInput("Flapping begins with 2 to 100 alerts; 0 turns it off.")
        _check_span("The time in which alerts are counted", self.within_ms, MINUTE_MS)
        _check_span("The time after which it is stable", self.stable_ms, MINUTE_MS)


@dataclass(frozen=True)
class Escalation:
    """Whom to tell besides if nobody acknowledges within `after_ms`."""

    after_ms: int
    channels: tuple[ChannelId, ...]

    def __post_init__(self) -> None:
        _check_span("The time until the alert goes on to others", self.after_ms, MINUTE_MS)
        if not self.channels:
            raise InvalidInput("An alert that goes on to others needs a channel for it.")


class QuietEnd(StrEnum):
    """What becomes of an alert that fell into quiet hours and is over when they end."""

    LATE = "late"  # it is told afterwards, worded as late
    DROP = "drop"  # only the list in the window has it


@dataclass(frozen=True)
class AlertRule:
    """One rule. `after_ms` counts from the first failing result; without channels only the window's list is told.

    `remind_ms` 0 is never. After an alert about a domain the rule is silent for `cool_down_ms` about the same domain.
    """

    id: RuleId
    name: str
    kinds: frozenset[AlertKind]
    channels: tuple[ChannelId, ...] = ()
    scope: Scope = EVERYTHING
    after_ms: int = 0
    slow: SlowCondition = SlowCondition()
    expiry_days: tuple[int, ...] = EXPIRY_DAYS
    remind_ms: int = 0
    quiet: tuple[QuietSpan, ...] = ()
    quiet_end: QuietEnd = QuietEnd.LATE
    escalation: Escalation | None = None
    flapping: Flapping = Flapping()
    cool_down_ms: int = 0
    is_enabled: bool = True

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > MAX_NAME_CHARACTERS or not self.name.isprintable():
            raise InvalidInput(f"A rule needs a name of at most {MAX_NAME_CHARACTERS} characters.")
        if not self.kinds or not self.kinds <= set(AlertKind):
            raise InvalidInput("A rule needs something to tell of: an outage, slowness, a certificate or a probe.")
        _check_span("The time before the alert", self.after_ms)
        _check_span("The time between reminders", self.remind_ms, MINUTE_MS, may_be_none=True)
        _check_span("The pause after an alert", self.cool_down_ms)
        if len(self.quiet) > MAX_SPANS:
            raise InvalidInput(f"A rule can have at most {MAX_SPANS} spans of quiet hours.")
        if not all(1 <= day <= 365 for day in self.expiry_days) or len(self.expiry_days) > 20:
            raise InvalidInput("Alerts before the end of a certificate or a registration come 1 to 365 days ahead.")
        if self.kinds & {AlertKind.CERTIFICATE, AlertKind.REGISTRATION} and not self.expiry_days:
            raise InvalidInput("Say how many days ahead the end is told.")

    def to_json(self) -> dict[str, Any]:
        """Return everything, defaults included: a later version may have other defaults."""
        return {
            "id": self.id,
            "name": self.name,
            "kinds": [kind.value for kind in AlertKind if kind in self.kinds],
            "channels": list(self.channels),
            "scope": self.scope.to_json(),
            "after_ms": self.after_ms,
            "slow": {"unit": self.slow.unit.value, "count": self.slow.count, "of": self.slow.of},
            "expiry_days": list(self.expiry_days),
            "remind_ms": self.remind_ms,
            "quiet": [span.to_json() for span in self.quiet],
            "quiet_end": self.quiet_end.value,
            "escalation": None
            if self.escalation is None
            else {"after_ms": self.escalation.after_ms, "channels": list(self.escalation.channels)},
            "flapping": {
                "count": self.flapping.count,
                "within_ms": self.flapping.within_ms,
                "stable_ms": self.flapping.stable_ms,
            },
            "cool_down_ms": self.cool_down_ms,
            "is_enabled": self.is_enabled,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> AlertRule:
        """Read what `to_json` wrote; what is missing is at its default. Raises InvalidInput with a sentence."""
        try:
            values = dict(document)
            scope, slow = values.pop("scope", {"all": True}), values.pop("slow", None)
            escalation, flapping = values.pop("escalation", None), values.pop("flapping", None)
            return cls(
                **{
                    **values,
                    "id": RuleId(int(values["id"])),
                    "kinds": frozenset(AlertKind(word) for word in values["kinds"]),
                    "channels": _channels(values.get("channels", ())),
                    "scope": Scope.from_json(scope),
                    "expiry_days": tuple(int(day) for day in values.get("expiry_days", EXPIRY_DAYS)),
                    "quiet": tuple(QuietSpan.from_json(span) for span in values.get("quiet", ())),
                    "quiet_end": QuietEnd(values.get("quiet_end", QuietEnd.LATE)),
                    "slow": SlowCondition()
                    if slow is None
                    else SlowCondition(SlowUnit(slow["unit"]), int(slow["count"]), int(slow["of"])),
                    "escalation": None
                    if escalation is None
                    else Escalation(int(escalation["after_ms"]), _channels(escalation["channels"])),
                    "flapping": Flapping() if flapping is None else Flapping(**flapping),
                }
            )
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise InvalidInput("A rule is described in a way that cannot be read.") from exc

    def without_channel(self, channel: ChannelId) -> AlertRule:
        """Return the rule as it is when a channel is gone."""
        escalation = self.escalation
        if escalation is not None:
            others = tuple(one for one in escalation.channels if one != channel)
            escalation = replace(escalation, channels=others) if others else None
        return replace(self, channels=tuple(one for one in self.channels if one != channel), escalation=escalation)


def new_rule_id() -> RuleId:
    """Return a random id: 1 to 2**53 - 1; those up to 9 are for the rules of a first start."""
    return RuleId(10 + secrets.randbelow(2**53 - 10))


def first_rules() -> tuple[AlertRule, ...]:
    """Return the rules of a first start: outages on the desktop at once, what concerns Pingmon itself in the window."""
    outages = frozenset((AlertKind.OFFLINE, AlertKind.REGIONAL))
    own = frozenset((AlertKind.PROBE_LOST, AlertKind.OWN_NETWORK))
    return (
        AlertRule(RuleId(1), "Outages", outages, (DESKTOP,)),
        AlertRule(RuleId(2), "Probes and own network", own, (), after_ms=2 * MINUTE_MS),
        AlertRule(
            RuleId(3),
            "Certificates that end soon",
            frozenset((AlertKind.CERTIFICATE,)),
            (DESKTOP,),
            # Those that renew themselves do so a month ahead.
            expiry_days=(14, 7, 3, 1),
        ),
    )


@dataclass(frozen=True)
class AlertBook:
    """Everything a person decided about alerts. Until `paused_until_ms` nothing is sent anywhere."""

    rules: tuple[AlertRule, ...] = ()
    channels: Mapping[ChannelId, Channel] = field(default_factory=dict)
    paused_until_ms: int = 0


def first_book() -> AlertBook:
    """Return the rules and the channel of a first start."""
    desktop = desktop_channel()
    return AlertBook(first_rules(), {desktop.id: desktop})


def _channels(values: Any) -> tuple[ChannelId, ...]:
    return tuple(dict.fromkeys(ChannelId(int(value)) for value in values))
