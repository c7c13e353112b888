"""Alert rules and channels in a `pingmon.toml`: `[[rule]]` and `[[channel]]`, channels and domains by their names."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pingmon_gui.domain.alert_channel import DESKTOP, Channel, ChannelId, ChannelKind, desktop_channel
from pingmon_gui.domain.alert_rule import AlertRule, Flapping, RuleId
from pingmon_gui.domain.alert_wish import AlertWish
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.target import parse_target
from pingmon_gui.exchange.duration import duration_ms, duration_text

#: Called with the name of a key, like `rule[2].after`, and a sentence.
Complain = Callable[[str, str], None]

_CHANNEL_KEYS = ("name", "kind", "wait", "template", "content_type", "enabled")
_RULE_KEYS = (
    "name",
    "tell_of",
    "channels",
    "tags",
    "domains",
    "after",
    "slow",
    "days_before",
    "remind",
    "quiet",
    "quiet_end",
    "escalate",
    "flapping",
    "silent",
    "enabled",
)


def read(rules: Any, channels: Any, complain: Complain) -> AlertWish:
    """Read the tables of both kinds; what is wrong is complained about and left out."""
    made: list[Channel] = []
    for number, table in enumerate(_tables("channel", channels, complain), 1):
        name = f"channel[{number}]"
        if _has_known_keys(name, table, _CHANNEL_KEYS, complain):
            _collect(made, lambda table=table, number=number: _channel(table, number), name, complain)  # type: ignore[misc]
    if all(channel.id != DESKTOP for channel in made):
        made.append(desktop_channel())  # it is there without being declared
    ids = {channel.name.casefold(): channel.id for channel in made}
    found: list[AlertRule] = []
    urls: dict[RuleId, tuple[str, ...]] = {}
    for number, table in enumerate(_tables("rule", rules, complain), 1):
        name = f"rule[{number}]"
        if not _has_known_keys(name, table, _RULE_KEYS, complain):
            continue
        id_ = RuleId(number)

        def make(table: Mapping[str, Any] = table, id_: RuleId = id_) -> AlertRule:
            urls[id_] = tuple(parse_target(str(url)).url for url in _list(table.get("domains", []), "domains"))
            return _rule(table, id_, ids, has_domains=bool(urls[id_]))

        _collect(found, make, name, complain)
    return AlertWish(tuple(found), tuple(made), urls)


def lines_of(wish: AlertWish) -> list[str]:
    """Return the lines that declare rules and channels; what opens a channel is in no file."""
    names = {channel.id: channel.name for channel in wish.channels}
    lines: list[str] = []
    for channel in wish.channels:
        pairs: list[tuple[str, Any]] = [("name", channel.name), ("kind", channel.kind.value)]
        if not channel.kind.can_replace:
            pairs.append(("wait", duration_text(channel.gather_s * 1000)))
        if channel.template:
            pairs += [("template", channel.template), ("content_type", channel.content_type)]
        lines += ["[[channel]]", *_written(pairs), ""]
    for rule in wish.rules:
        lines += ["[[rule]]", *_written(_rule_pairs(rule, names, wish.urls.get(rule.id, ()))), ""]
    return lines


def _rule_pairs(rule: AlertRule, names: Mapping[ChannelId, str], urls: Sequence[str]) -> list[tuple[str, Any]]:
    default = AlertRule(rule.id, rule.name, rule.kinds)
    document = rule.to_json()
    pairs: list[tuple[str, Any]] = [("name", rule.name), ("tell_of", document["kinds"])]
    pairs.append(("channels", [names[one] for one in rule.channels if one in names]))
    if rule.scope.tags:
        pairs.append(("tags", sorted(rule.scope.tags)))
    if urls:
        pairs.append(("domains", list(urls)))
    if rule.after_ms:
        pairs.append(("after", duration_text(rule.after_ms)))
    if rule.slow != default.slow:
        pairs.append(("slow", document["slow"]))
    if rule.expiry_days != default.expiry_days:
        pairs.append(("days_before", list(rule.expiry_days)))
    if rule.remind_ms:
        pairs.append(("remind", duration_text(rule.remind_ms)))
    if rule.quiet:
        pairs += [("quiet", document["quiet"]), ("quiet_end", rule.quiet_end.value)]
    if rule.escalation is not None:
        others = [names[one] for one in rule.escalation.channels if one in names]
        pairs.append(("escalate", {"after": duration_text(rule.escalation.after_ms), "channels": others}))
    if rule.flapping != default.flapping:
        flapping = rule.flapping
        spans = {"within": duration_text(flapping.within_ms), "stable": duration_text(flapping.stable_ms)}
        pairs.append(("flapping", {"count": flapping.count, **spans}))
    if rule.cool_down_ms:
        pairs.append(("silent", duration_text(rule.cool_down_ms)))
    if not rule.is_enabled:
        pairs.append(("enabled", False))
    return pairs


def _channel(table: Mapping[str, Any], number: int) -> Channel:
    try:
        kind = ChannelKind(_text(table, "kind"))
    except ValueError as exc:
        raise InvalidInput(f"A channel's kind is {', '.join(ChannelKind)}.") from exc
    wait_ms = _span(table, "wait", 10_000)
    return Channel(
        id=DESKTOP if kind is ChannelKind.DESKTOP else ChannelId(100 + number),
        kind=kind,
        name=_text(table, "name"),
        gather_s=round(wait_ms / 1000),
        template=_text(table, "template", ""),
        content_type=_text(table, "content_type", "application/json"),
        is_enabled=_flag(table, "enabled"),
    )


def _rule(table: Mapping[str, Any], id_: RuleId, ids: Mapping[str, ChannelId], *, has_domains: bool) -> AlertRule:
    tags = _list(table.get("tags", []), "tags")
    document: dict[str, Any] = {
        "id": id_,
        "name": _text(table, "name"),
        "kinds": _list(table.get("tell_of"), "tell_of"),
        "channels": _channels(table.get("channels", []), ids),
        # The domains get their ids when they are known; until then one stands for all of them.
        "scope": {"all": not tags and not has_domains, "tags": tags, "monitors": [1] if has_domains else []},
        "after_ms": _span(table, "after", 0),
        "remind_ms": _span(table, "remind", 0),
        "cool_down_ms": _span(table, "silent", 0),
        "quiet": _list(table.get("quiet", []), "quiet"),
        "quiet_end": table.get("quiet_end", "late"),
        "is_enabled": _flag(table, "enabled"),
    }
    if "slow" in table:
        document["slow"] = _mapping(table["slow"], "slow")
    if "days_before" in table:
        document["expiry_days"] = _list(table["days_before"], "days_before")
    if "escalate" in table:
        escalate = _mapping(table["escalate"], "escalate")
        others = _channels(escalate.get("channels", []), ids)
        document["escalation"] = {"after_ms": _span(escalate, "after", 0), "channels": others}
    if "flapping" in table:
        flapping, usual = _mapping(table["flapping"], "flapping"), Flapping()
        document["flapping"] = {
            "count": flapping.get("count", usual.count),
            "within_ms": _span(flapping, "within", usual.within_ms),
            "stable_ms": _span(flapping, "stable", usual.stable_ms),
        }
    return AlertRule.from_json(document)


def _channels(value: Any, ids: Mapping[str, ChannelId]) -> list[ChannelId]:
    found = []
    for name in _list(value, "channels"):
        id_ = ids.get(str(name).casefold())
        if id_ is None:
            raise InvalidInput(f"There is no channel “{str(name)[:60]}” in the file.", "Declare it as [[channel]].")
        found.append(id_)
    return found


def _tables(word: str, value: Any, complain: Complain) -> list[Mapping[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        complain(word, f"They are tables of their own: [[{word}]].")
        return []
    return value


def _has_known_keys(name: str, table: Mapping[str, Any], known: Sequence[str], complain: Complain) -> bool:
    unknown = [key for key in table if key not in known]
    for key in unknown[:20]:
        complain(f"{name}.{key[:40]}", f"“{key[:40]}” is not known. Known are {', '.join(known)}.")
    return not unknown


def _collect(found: list[Any], make: Callable[[], Any], name: str, complain: Complain) -> None:
    try:
        found.append(make())
    except InvalidInput as exc:
        complain(name, exc.message if exc.hint is None else f"{exc.message} {exc.hint}")


def _text(table: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = table.get(key, default)
    if not isinstance(value, str):
        raise InvalidInput(f"“{key}” must be a text in quotes.")
    return value


def _flag(table: Mapping[str, Any], key: str) -> bool:
    value = table.get(key, True)
    if not isinstance(value, bool):
        raise InvalidInput(f"“{key}” must be true or false.")
    return value


def _span(table: Mapping[str, Any], key: str, default_ms: int) -> int:
    value = table.get(key)
    if value is None:
        return default_ms
    if not isinstance(value, str):
        raise InvalidInput(f"“{key}” must be a length of time like “10s”.")
    return duration_ms(value)


def _list(value: Any, key: str) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidInput(f"“{key}” must be a list.")
    return value


def _mapping(value: Any, key: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidInput(f"“{key}” must be a table in braces.")
    return value


def _written(pairs: Sequence[tuple[str, Any]]) -> list[str]:
    return [f"{key} = {_toml(value)}" for key, value in pairs]


def _toml(value: Any) -> str:
    if isinstance(value, str):
        # JSON's escapes are TOML's; only DEL must be escaped here and not there.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return f"[{', '.join(_toml(part) for part in value)}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_toml(part)}' for key, part in value.items())} }}"
    return json.dumps(value)
