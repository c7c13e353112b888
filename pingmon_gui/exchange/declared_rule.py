"""An alert rule in a `pingmon.toml`, a `[[rule]]`: its keys, how they are read, how they are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pingmon_gui.domain.alert_channel import Channel, ChannelId
from pingmon_gui.domain.alert_rule import (
    RULE_KINDS,
    AlertKind,
    AlertRule,
    Escalation,
    Flapping,
    QuietEnd,
    RuleId,
    SlowCondition,
    SlowUnit,
)
from pingmon_gui.domain.book_change import RuleWish
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.quiet_hours import QuietSpan
from pingmon_gui.exchange.declared_field import (
    Field,
    read_flag,
    read_length,
    read_number,
    read_table,
    read_text,
    read_texts,
    read_word,
)
from pingmon_gui.exchange.duration import duration_text
from pingmon_gui.exchange.named_scope import SCOPE_FIELDS, declared_scope, scope_pairs

#: The id of a rule that is not there yet, or whose id the file does not know.
NO_ID = RuleId(0)


@dataclass(frozen=True)
class DeclaredRule:
    """A rule as the file wants it; where it does not say whether it is on, it stays as it is (None)."""

    wish: RuleWish
    is_enabled: bool | None


def declared_rule(values: Mapping[str, Any]) -> DeclaredRule:
    """Return what a table says; `values` are by our names. Raises InvalidInput."""
    scope, urls = declared_scope(values)
    is_enabled = values.get("is_enabled")
    of_rule = {key: value for key, value in values.items() if key not in ("tags", "urls", "is_enabled")}
    rule = AlertRule(id=NO_ID, scope=scope, is_enabled=is_enabled is not False, **of_rule)
    return DeclaredRule(RuleWish(rule, urls), is_enabled)


def rule_pairs(wish: RuleWish, channels: Mapping[ChannelId, Channel], urls: Mapping[MonitorId, str]) -> dict[str, Any]:
    """Return what a file says of a rule: its name and what differs from the default."""
    rule, usual = wish.rule, AlertRule(NO_ID, "-", frozenset((AlertKind.OFFLINE,)))
    pairs: dict[str, Any] = {"name": rule.name, "tell_of": [kind.value for kind in AlertKind if kind in rule.kinds]}
    if rule.channels:
        pairs["channels"] = _names(rule.channels, channels)
    pairs |= scope_pairs(rule.scope, wish.urls, urls)
    if rule.after_ms:
        pairs["after"] = duration_text(rule.after_ms)
    if rule.slow != usual.slow:
        pairs["slow"] = {"count": rule.slow.count, "of": rule.slow.of, "unit": rule.slow.unit.value}
    if rule.expiry_days != usual.expiry_days:
        pairs["days_before"] = list(rule.expiry_days)
    if rule.remind_ms:
        pairs["remind"] = duration_text(rule.remind_ms)
    if rule.quiet:
        pairs["quiet"] = [span.to_json() for span in rule.quiet]
    if rule.quiet_end != usual.quiet_end:
        pairs["quiet_end"] = rule.quiet_end.value
    if rule.escalation is not None:
        names = _names(rule.escalation.channels, channels)
        pairs["escalate"] = {"after": duration_text(rule.escalation.after_ms), "channels": names}
    if rule.flapping != usual.flapping:
        flapping = rule.flapping
        within, stable = duration_text(flapping.within_ms), duration_text(flapping.stable_ms)
        pairs["flapping"] = {"count": flapping.count, "within": within, "stable": stable}
    if rule.cool_down_ms:
        pairs["silent"] = duration_text(rule.cool_down_ms)
    if not rule.is_enabled:
        pairs["enabled"] = False
    return pairs


def rule_fields(channels: Mapping[ChannelId, Channel]) -> dict[str, Field]:
    """Return the keys of a `[[rule]]`; `channels` are those that it can name."""
    ids: dict[str, ChannelId] = {}
    for id_, channel in channels.items():
        ids.setdefault(channel.name.casefold(), id_)

    def read_channels(value: Any) -> tuple[ChannelId, ...]:
        names = read_texts(value)
        for name in names:
            if name.casefold() not in ids:
                known = ", ".join(f"“{channel.name}”" for channel in channels.values()) or "none"
                raise InvalidInput(
                    f"There is no channel “{name[:60]}”.", f"Declare it as [[channel]]. There are: {known[:300]}."
                )
        return tuple(dict.fromkeys(ids[name.casefold()] for name in names))

    def read_escalation(value: Any) -> Escalation:
        values = read_table(value, {"after": ("after_ms", read_length), "channels": ("channels", read_channels)})
        if len(values) < 2:
            raise InvalidInput("It needs both after and channels.")
        return Escalation(**values)

    return {
        "name": ("name", _read_name),
        "tell_of": ("kinds", _read_kinds),
        "channels": ("channels", read_channels),
        **SCOPE_FIELDS,
        "after": ("after_ms", lambda value: _some(after_ms=read_length(value)).after_ms),
        "slow": ("slow", lambda value: SlowCondition(**read_table(value, _SLOW))),
        "days_before": ("expiry_days", _read_days),
        "remind": ("remind_ms", lambda value: _some(remind_ms=read_length(value)).remind_ms),
        "quiet": ("quiet", _read_quiet),
        "quiet_end": ("quiet_end", lambda value: read_word(value, QuietEnd)),
        "escalate": ("escalation", read_escalation),
        "flapping": ("flapping", lambda value: Flapping(**read_table(value, _FLAPPING))),
        "silent": ("cool_down_ms", lambda value: _some(cool_down_ms=read_length(value)).cool_down_ms),
        "enabled": ("is_enabled", read_flag),
    }


def _names(ids: tuple[ChannelId, ...], channels: Mapping[ChannelId, Channel]) -> list[str]:
    return [channels[id_].name for id_ in ids if id_ in channels]


def _read_name(value: Any) -> str:
    return _some(name=" ".join(read_text(value).split())).name


def _read_kinds(value: Any) -> frozenset[AlertKind]:
    kinds = frozenset(AlertKind(word) for word in read_texts(value) if word in set(RULE_KINDS))
    if not kinds or len(kinds) != len(set(value)):
        raise InvalidInput(f"It must be a list of: {', '.join(RULE_KINDS)}.")
    return kinds


def _read_days(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise InvalidInput("It must be a list of days, like [14, 7, 1].")
    return _some(expiry_days=tuple(read_number(day) for day in value)).expiry_days


def _read_quiet(value: Any) -> tuple[QuietSpan, ...]:
    if not isinstance(value, list):
        raise InvalidInput('It must be a list of spans: [{ days = ["sat", "sun"], from = "22:00", to = "07:00" }].')
    return _some(quiet=tuple(QuietSpan.from_json(read_table(span, _QUIET)) for span in value)).quiet


def _some(**values: Any) -> AlertRule:
    """Return some rule with one value in it: the rule's own check has the sentence for what does not fit."""
    return AlertRule(**{"id": NO_ID, "name": "-", "kinds": frozenset((AlertKind.OFFLINE,)), **values})


_SLOW: dict[str, Field] = {
    "count": ("count", read_number),
    "of": ("of", read_number),
    "unit": ("unit", lambda value: read_word(value, SlowUnit)),
}
_FLAPPING: dict[str, Field] = {
    "count": ("count", read_number),
    "within": ("within_ms", read_length),
    "stable": ("stable_ms", read_length),
}
_QUIET: dict[str, Field] = {"days": ("days", read_texts), "from": ("from", read_text), "to": ("to", read_text)}
