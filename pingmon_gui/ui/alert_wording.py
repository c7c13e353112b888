"""Alerts in the user's language: titles and states of alerts, rules and channels in a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from PySide6.QtCore import QCoreApplication

from pingmon_gui.domain.alert import Alert
from pingmon_gui.domain.alert_channel import Channel, ChannelId, ChannelKind
from pingmon_gui.domain.alert_rule import AlertKind, AlertRule, SlowUnit
from pingmon_gui.domain.alert_words import AlertText, alert_text, summary
from pingmon_gui.domain.delivery import Delivery, DeliveryState
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.ui import wording

translate = QCoreApplication.translate


def say(phrase: str) -> str:
    """Return a phrase of the domain in the user's language."""
    return translate("Alert", phrase)


def alert_words(alert: Alert, now_ms: int) -> AlertText:
    """Return what an alert comes to now: what lasts of it, or how it ended."""
    words = alert_text(summary(alert, now_ms), now_ms, say=say)
    return AlertText(wording.plain(words.title, 200), "\n".join(wording.plain(line) for line in words.text.split("\n")))


def alert_state(alert: Alert, now_ms: int) -> str:
    """Return how an alert stands, in a word or two."""
    if not alert.is_open:
        return translate("Alerts", "over")
    if alert.is_acknowledged:
        return translate("Alerts", "looked after")
    if alert.snoozed_until_ms > now_ms:
        return translate("Alerts", "snoozed until %1").replace("%1", wording.clock_time(alert.snoozed_until_ms))
    return translate("Alerts", "lasts")


def verdict_of(kind: AlertKind) -> Verdict:
    """Return the sign that stands for a kind of alert."""
    match kind:
        case AlertKind.OFFLINE:
            return Verdict.OFFLINE
        case AlertKind.REGIONAL | AlertKind.FLAPPING:
            return Verdict.REGIONAL
        case AlertKind.SLOW | AlertKind.CERTIFICATE | AlertKind.REGISTRATION | AlertKind.CHANNEL:
            return Verdict.SLOW
        case AlertKind.PROBE_LOST | AlertKind.OWN_NETWORK:
            return Verdict.UNKNOWN


def kind_name(kind: AlertKind) -> str:
    """Return what a rule can be about, as a choice."""
    return {
        AlertKind.OFFLINE: translate("Alerts", "Offline"),
        AlertKind.REGIONAL: translate("Alerts", "Regional problem"),
        AlertKind.SLOW: translate("Alerts", "Slow"),
        AlertKind.CERTIFICATE: translate("Alerts", "Certificate ends"),
        AlertKind.REGISTRATION: translate("Alerts", "Registration ends"),
        AlertKind.PROBE_LOST: translate("Alerts", "Probe lost"),
        AlertKind.OWN_NETWORK: translate("Alerts", "Own network down"),
        AlertKind.FLAPPING: translate("Alerts", "Flapping"),
        AlertKind.CHANNEL: translate("Alerts", "Channel fails"),
    }[kind]


def rule_name(rule: AlertRule) -> str:
    """Return a rule's name; those of a first start are named in the user's language."""
    return wording.plain(say(rule.name), 80)


def channel_name(channel: Channel) -> str:
    return wording.plain(say(channel.name) if channel.kind is ChannelKind.DESKTOP else channel.name, 60)


def channel_kind(channel: Channel) -> str:
    match channel.kind:
        case ChannelKind.DESKTOP:
            return translate("Alerts", "Notifications of the desktop")
        case ChannelKind.WEBHOOK:
            return translate("Alerts", "Webhook, %1").replace("%1", wording.plain(channel.shown, 80))
        case ChannelKind.APPRISE:
            return wording.plain(channel.shown, 80)


def channel_names(ids: Iterable[ChannelId], channels: Mapping[ChannelId, Channel]) -> str:
    """Return the names of channels in a line; where there is none, that only the list is told."""
    names = [channel_name(channels[id_]) for id_ in ids if id_ in channels]
    return ", ".join(names) if names else translate("Alerts", "only this list")


def rule_what(rule: AlertRule) -> str:
    """Return what a rule tells of, and after how long."""
    text = wording.joined(kind_name(kind) for kind in AlertKind if kind in rule.kinds)
    if rule.after_ms:
        text = translate("Alerts", "%1; after %2").replace("%1", text).replace("%2", wording.duration(rule.after_ms))
    return text


def rule_where(rule: AlertRule) -> str:
    """Return which domains a rule is about."""
    if not any(kind.is_of_domain for kind in rule.kinds):
        return ""
    if rule.scope.is_all:
        return translate("Alerts", "all domains")
    parts = [wording.plain(tag, 50) for tag in sorted(rule.scope.tags)]
    if rule.scope.monitors:
        parts.append(wording.monitors_counted(len(rule.scope.monitors)))
    return ", ".join(parts)


def slow_unit(unit: SlowUnit) -> str:
    return translate("Alerts", "results") if unit is SlowUnit.RESULTS else translate("Alerts", "minutes")


def delivery_state(delivery: Delivery) -> str:
    """Return what has become of a message, in a word or two."""
    match delivery.state:
        case DeliveryState.WAITING if delivery.tries:
            return translate("Alerts", "tried %1 times, goes on").replace("%1", wording.number(delivery.tries))
        case DeliveryState.WAITING:
            return translate("Alerts", "waiting")
        case DeliveryState.SENT:
            return translate("Alerts", "delivered")
        case DeliveryState.FOLDED:
            return translate("Alerts", "told with a later one")
        case DeliveryState.REFUSED:
            return translate("Alerts", "refused")
        case DeliveryState.EXPIRED:
            return translate("Alerts", "given up after a day")
        case DeliveryState.DROPPED:
            return translate("Alerts", "dropped")
