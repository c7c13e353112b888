"""Alert rules and channels in an export: domains by their address, channels without what opens them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pingmon_gui.domain.alert_channel import Channel
from pingmon_gui.domain.alert_rule import AlertBook, AlertRule
from pingmon_gui.domain.book_change import RuleWish
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.exchange.named_scope import read_scope, scope_json
from pingmon_gui.exchange.reading import NamedBook, cleaned_text, listed, mapped, require_plain

_MOST = 500


def book_json(book: AlertBook, urls: Mapping[MonitorId, str]) -> dict[str, Any]:
    """Return rules and channels; a pause of all alerts belongs to the moment, and is left out."""
    return {
        "channels": [channel.to_json() for channel in book.channels.values()],
        "rules": [_rule_json(rule, urls) for rule in book.rules],
    }


def read_book(document: Any) -> tuple[NamedBook, tuple[str, ...]]:
    """Return what can be read, and a sentence for each that cannot."""
    notes: list[str] = []
    channels: list[Channel] = []
    rules: list[RuleWish] = []
    for value in listed(mapped(document).get("channels"))[:_MOST]:
        try:
            channels.append(_read_channel(value))
        except InvalidInput as exc:
            notes.append(f"The channel “{_name(value)}” is left out. {exc.message}")
    for value in listed(mapped(document).get("rules"))[:_MOST]:
        try:
            rules.append(_read_rule(value))
        except InvalidInput as exc:
            notes.append(f"The alert rule “{_name(value)}” is left out. {exc.message}")
    return NamedBook(tuple(rules), tuple(channels)), tuple(notes)


def _rule_json(rule: AlertRule, urls: Mapping[MonitorId, str]) -> dict[str, Any]:
    return {**rule.to_json(), "scope": scope_json(rule.scope, urls)}


def _read_channel(value: Any) -> Channel:
    require_plain(value)
    return Channel.from_json(value)


def _read_rule(value: Any) -> RuleWish:
    require_plain(value)
    scope, urls = read_scope(mapped(value).get("scope", {"all": True}))
    return RuleWish(AlertRule.from_json({**mapped(value), "scope": scope.to_json()}), urls)


def _name(value: Any) -> str:
    return cleaned_text(mapped(value).get("name"))[:60] or "?"
