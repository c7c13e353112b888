"""Rules and channels as a file wants them: without what opens channels, and with addresses in place of ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pingmon_gui.domain.alert_channel import Channel, ChannelId, ChannelKind, new_channel_id
from pingmon_gui.domain.alert_rule import AlertBook, AlertRule, RuleId, Scope, new_rule_id
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorId


@dataclass(frozen=True)
class AlertWish:
    """`urls` are the addresses that a rule is about, by the rule's id here. Ids are those of the file.

    `is_whole`: the wish takes the place of everything there is, as it is; else it is merged by name.
    """

    rules: tuple[AlertRule, ...] = ()
    channels: tuple[Channel, ...] = ()
    urls: Mapping[RuleId, tuple[str, ...]] = field(default_factory=dict)
    is_whole: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "rules": [{**rule.to_json(), "urls": list(self.urls.get(rule.id, ()))} for rule in self.rules],
            "channels": [channel.to_json() for channel in self.channels],
            "is_whole": self.is_whole,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> AlertWish:
        """Read what `to_json` wrote. Raises InvalidInput."""
        try:
            rules, urls = [], {}
            for value in document["rules"]:
                values = dict(value)
                addresses = tuple(str(url) for url in values.pop("urls", ()))
                rule = AlertRule.from_json(values)
                rules.append(rule)
                urls[rule.id] = addresses
            channels = tuple(Channel.from_json(value) for value in document["channels"])
            return cls(tuple(rules), channels, urls, document.get("is_whole") is True)
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise InvalidInput("The alerts are described in a way that cannot be read.") from exc


def wish_of(book: AlertBook, url_of: Mapping[MonitorId, str]) -> AlertWish:
    """Return rules and channels as a file carries them. Domains that are gone are left out."""
    urls = {rule.id: tuple(url_of[id_] for id_ in sorted(rule.scope.monitors) if id_ in url_of) for rule in book.rules}
    rules = tuple(
        # Domains are told by their addresses; a rule that has lost all of them goes along switched off.
        rule if rule.scope.is_all or rule.scope.tags or urls[rule.id] else replace(rule, is_enabled=False)
        for rule in book.rules
    )
    return AlertWish(rules, tuple(book.channels.values()), urls)


def merged(book: AlertBook, wish: AlertWish, id_of: Mapping[str, MonitorId]) -> AlertBook:
    """Return a book with a wish in it. Channels and rules are known by their names.

    A known channel keeps what opens it; a new one is off until its address is entered. A known rule is replaced.
    """
    if wish.is_whole:
        return replace(book, rules=wish.rules, channels={one.id: one for one in wish.channels})
    channels = dict(book.channels)
    ids: dict[ChannelId, ChannelId] = {}
    for wanted in wish.channels:
        known = _known_channel(channels, wanted)
        if known is None:
            is_desktop = wanted.kind is ChannelKind.DESKTOP
            id_ = wanted.id if is_desktop else new_channel_id()
            known = replace(wanted, id=id_, shown="", is_enabled=wanted.is_enabled and is_desktop)
        ids[wanted.id] = known.id
        channels[known.id] = replace(
            known, gather_s=wanted.gather_s, template=wanted.template, content_type=wanted.content_type
        )
    rules = {rule.name.casefold(): rule for rule in book.rules}
    for rule in wish.rules:
        before = rules.get(rule.name.casefold())
        rules[rule.name.casefold()] = _with_ids(rule, new_rule_id() if before is None else before.id, wish, ids, id_of)
    return replace(book, rules=tuple(rules.values()), channels=channels)


def _known_channel(channels: Mapping[ChannelId, Channel], wanted: Channel) -> Channel | None:
    for one in channels.values():
        is_same = one.kind is wanted.kind and one.name.casefold() == wanted.name.casefold()
        if is_same or (one.kind is ChannelKind.DESKTOP and wanted.kind is ChannelKind.DESKTOP):
            return one
    return None


def _with_ids(
    rule: AlertRule,
    id_: RuleId,
    wish: AlertWish,
    channels: Mapping[ChannelId, ChannelId],
    id_of: Mapping[str, MonitorId],
) -> AlertRule:
    monitors = frozenset(id_of[url] for url in wish.urls.get(rule.id, ()) if url in id_of)
    scope, is_enabled = rule.scope, rule.is_enabled
    if not scope.is_all:
        if monitors or scope.tags:
            scope = Scope(is_all=False, tags=scope.tags, monitors=monitors)
        else:
            scope, is_enabled = Scope(), False  # none of its domains is here
    escalation = rule.escalation
    if escalation is not None:
        others = tuple(channels[one] for one in escalation.channels if one in channels)
        escalation = replace(escalation, channels=others) if others else None
    return replace(
        rule,
        id=id_,
        channels=tuple(channels[one] for one in rule.channels if one in channels),
        scope=scope,
        escalation=escalation,
        is_enabled=is_enabled,
    )
