"""What a file would change about alerts, in a sentence each."""

from __future__ import annotations

from pingmon_gui.domain.alert_channel import ChannelKind
from pingmon_gui.domain.alert_rule import AlertRule, first_book
from pingmon_gui.domain.alert_wish import AlertWish, wish_of


def alert_notes(wish: AlertWish, kept: AlertWish | None) -> list[str]:
    """Return a sentence for each rule and channel that would be new or different.

    `kept` is what there is, as a file would carry it; None is what a first start has.
    """
    known = kept or wish_of(first_book(), {})
    notes = []
    channels = {(one.kind, one.name.casefold()): one for one in known.channels}
    for channel in wish.channels:
        before = channels.get((channel.kind, channel.name.casefold()))
        if before is None and channel.kind is not ChannelKind.DESKTOP:
            notes.append(
                f"The channel “{channel.name}” is added, turned off: its address is in no export. "
                "Enter it under Alerts."
            )
        elif before is not None and (before.gather_s, before.template) != (channel.gather_s, channel.template):
            notes.append(f"The channel “{channel.name}” is changed; its address stays.")
    rules = {rule.name.casefold(): rule for rule in known.rules}
    for rule in wish.rules:
        mine = rules.get(rule.name.casefold())
        if mine is None:
            notes.append(f"The alert rule “{rule.name}” is added.")
        elif _compared(mine, known) != _compared(rule, wish):
            notes.append(f"The alert rule “{rule.name}” is changed.")
    return notes


def _compared(rule: AlertRule, wish: AlertWish) -> dict[str, object]:
    """Return a rule as it can be compared with one of another wish: names and addresses for ids."""
    names = {channel.id: channel.name.casefold() for channel in wish.channels}
    values: dict[str, object] = rule.to_json()
    values["channels"] = sorted(names[one] for one in rule.channels if one in names)
    values["scope"] = (rule.scope.is_all, sorted(rule.scope.tags), sorted(wish.urls.get(rule.id, ())))
    if rule.escalation is not None:
        others = sorted(names[one] for one in rule.escalation.channels if one in names)
        values["escalation"] = (rule.escalation.after_ms, others)
    del values["id"]
    return values
