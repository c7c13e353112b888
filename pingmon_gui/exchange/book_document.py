"""Alert rules and channels in an export: domains by their address, channels without what opens them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pingmon_gui.domain.alert_channel import Channel
from pingmon_gui.domain.alert_rule import AlertBook, AlertRule
from pingmon_gui.domain.book_change import RuleWish
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import MonitorId, parse_tags
from pingmon_gui.domain.target import parse_target
from pingmon_gui.exchange.reading import NamedBook, cleaned_text, listed, mapped

_MOST = 500
#: Tables within tables of a rule.
_DEEPEST = 4


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
    document = rule.to_json()
    del document["scope"]["monitors"]
    document["scope"]["domains"] = sorted(urls[id_] for id_ in rule.scope.monitors if id_ in urls)
    return document


def _read_channel(value: Any) -> Channel:
    _check_values(value)
    return Channel.from_json(value)


def _read_rule(value: Any) -> RuleWish:
    _check_values(value)
    scope = mapped(mapped(value).get("scope", {"all": True}))
    is_all = scope.get("all") is True
    tags = parse_tags(",".join(str(tag) for tag in listed(scope.get("tags"))))
    urls = () if is_all else tuple(parse_target(str(url)).url for url in listed(scope.get("domains")))
    if not is_all and not tags and not urls:
        raise InvalidInput("It is for no domain.")
    return RuleWish(
        AlertRule.from_json({**mapped(value), "scope": {"all": is_all or not tags, "tags": list(tags)}}), urls
    )


def _check_values(value: Any, depth: int = 0) -> None:
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
        _check_values(part, depth + 1)


def _name(value: Any) -> str:
    return cleaned_text(mapped(value).get("name"))[:60] or "?"
