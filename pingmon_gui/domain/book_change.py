"""A change of alert rules and channels, as an import or an applied file wants it, and how it is taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pingmon_gui.domain.alert_channel import Channel, ChannelId
from pingmon_gui.domain.alert_rule import AlertBook, AlertRule, RuleId
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.scope import Scope


@dataclass(frozen=True)
class RuleWish:
    """A rule that is to be. `urls` are domains it is meant for besides, which may come with the same change.

    Where there are any it is for them and for what its scope names, never for all: a scope cannot be empty.
    """

    rule: AlertRule
    urls: tuple[str, ...] = ()


@dataclass(frozen=True)
class BookChange:
    """What is to be different; a rule or a channel whose id is there already takes its place."""

    rules: tuple[RuleWish, ...] = ()
    channels: tuple[Channel, ...] = ()
    rules_removed: tuple[RuleId, ...] = ()
    channels_removed: tuple[ChannelId, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.rules or self.channels or self.rules_removed or self.channels_removed)

    def to_json(self) -> dict[str, Any]:
        return {
            "rules": [{"rule": wish.rule.to_json(), "urls": list(wish.urls)} for wish in self.rules],
            "channels": [channel.to_json() for channel in self.channels],
            "rules_removed": list(self.rules_removed),
            "channels_removed": list(self.channels_removed),
        }

    @classmethod
    def from_json(cls, document: Any) -> BookChange:
        """Read what `to_json` wrote. Raises InvalidInput."""
        try:
            return cls(
                tuple(
                    RuleWish(AlertRule.from_json(wish["rule"]), tuple(str(url) for url in wish["urls"]))
                    for wish in document["rules"]
                ),
                tuple(Channel.from_json(channel) for channel in document["channels"]),
                tuple(RuleId(int(id_)) for id_ in document["rules_removed"]),
                tuple(ChannelId(int(id_)) for id_ in document["channels_removed"]),
            )
        except (KeyError, TypeError, ValueError) as exc:
            raise InvalidInput("The request describes alert rules in a way that cannot be read.") from exc


def changed_book(book: AlertBook, change: BookChange, ids: Mapping[str, MonitorId]) -> AlertBook:
    """Return the book as a change makes it; `ids` are the watched domains by address.

    Raises InvalidInput for a rule that would be for no domain any more.
    """
    channels = {id_: channel for id_, channel in book.channels.items() if id_ not in change.channels_removed}
    channels |= {channel.id: channel for channel in change.channels}
    rules = {rule.id: rule for rule in book.rules if rule.id not in change.rules_removed}
    rules |= {wish.rule.id: _with_domains(wish, ids) for wish in change.rules}
    return replace(book, rules=tuple(_with_known(rule, channels) for rule in rules.values()), channels=channels)


def way_back(before: AlertBook, after: AlertBook) -> BookChange:
    """Return the change that makes `before` of `after` again."""
    rules = {rule.id: rule for rule in after.rules}
    kept = {rule.id for rule in before.rules}
    return BookChange(
        tuple(RuleWish(rule) for rule in before.rules if rules.get(rule.id) != rule),
        tuple(channel for id_, channel in before.channels.items() if after.channels.get(id_) != channel),
        tuple(id_ for id_ in rules if id_ not in kept),
        tuple(id_ for id_ in after.channels if id_ not in before.channels),
    )


def _with_domains(wish: RuleWish, ids: Mapping[str, MonitorId]) -> AlertRule:
    if not wish.urls:
        return wish.rule
    scope = wish.rule.scope
    monitors = scope.monitors | {ids[url] for url in wish.urls if url in ids}
    if not scope.tags and not monitors:
        raise InvalidInput(f"The alert rule “{wish.rule.name}” is for domains that are not watched any more.")
    return replace(wish.rule, scope=Scope(False, scope.tags, monitors))


def _with_known(rule: AlertRule, channels: Mapping[ChannelId, Channel]) -> AlertRule:
    """Return the rule without channels that are not there: one may have been removed since the change was made."""
    named = {*rule.channels, *(rule.escalation.channels if rule.escalation is not None else ())}
    for channel in named - channels.keys():
        rule = rule.without_channel(channel)
    return rule
