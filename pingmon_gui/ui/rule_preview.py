"""What a rule would have told lately, as the text below its form."""

from __future__ import annotations

from pingmon_gui.domain.alert_replay import Replay
from pingmon_gui.domain.alert_rule import AlertKind, AlertRule
from pingmon_gui.domain.alert_words import alert_text
from pingmon_gui.ui import alert_wording, wording

_SHOWN = 6


def preview_text(rule: AlertRule, found: Replay) -> str:
    """Return what a rule would have told lately, with the newest few by name, and of what nothing is known."""
    translate = alert_wording.translate
    count = len(found.alerts)
    days = max(1, round((found.to_ms - found.from_ms) / 86_400_000))
    span = wording.counted(translate("Alerts", "the last %n day(s)", None, days), days)
    if count:
        text = wording.counted(
            translate("Alerts", "In %1 this rule would have alerted %n time[|s]:", None, count), count
        )
    else:
        text = translate("Alerts", "In %1 this rule would not have alerted.")
    lines = [text.replace("%n", wording.number(count)).replace("%1", span)] if rule.kinds - {*found.not_kept} else []
    for post in found.alerts[::-1][:_SHOWN]:
        words = alert_text(post, post.at_ms, say=alert_wording.say)
        lines.append(f"  {wording.date_time(post.at_ms)}  {wording.plain(words.title, 120)}")
    if count > _SHOWN:
        lines.append("  …")
    if kept_nowhere := [kind for kind in found.not_kept if kind is not AlertKind.REGISTRATION]:
        names = wording.joined(alert_wording.kind_name(kind) for kind in kept_nowhere)
        lines.append(translate("Alerts", "Not kept, so not replayed: %1.").replace("%1", names))
    if AlertKind.REGISTRATION in found.not_kept:
        name = alert_wording.kind_name(AlertKind.REGISTRATION)
        text = translate("Alerts", "Not known yet, so not replayed: %1. Registries are asked while a rule tells of it.")
        lines.append(text.replace("%1", name))
    return "\n".join(lines)
