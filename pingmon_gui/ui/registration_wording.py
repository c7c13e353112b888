"""What is known of the registration of a domain's name, as a line of the detail pane."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from pingmon_gui.domain.registration import DAY_MS, Registration
from pingmon_gui.ui import wording

translate = QCoreApplication.translate


def registration_line(known: Registration, now_ms: int) -> str:
    """Return until when a name is registered and who says so, or why that is not known."""
    problem = wording.plain(translate("Sentence", known.problem), 300) if known.problem else ""
    if known.expires_at_ms is None:
        if not problem:
            return translate("Detail", "Registration: not asked for yet")
        return translate("Detail", "Registration: end not known. %1").replace("%1", problem)
    days = abs(known.expires_at_ms - now_ms) // DAY_MS
    if known.expires_at_ms > now_ms:
        text = translate("Detail", "Registration: ends %1 (in %2), according to %3")
    else:
        text = translate("Detail", "Registration: ended %1 (%2 ago), according to %3")
    span = wording.counted(translate("Detail", "%n day(s)", None, days), days)
    text = text.replace("%3", wording.plain(known.registry, 100)).replace("%2", span)
    text = text.replace("%1", wording.date(known.expires_at_ms))
    if known.registrar:
        text += translate("Detail", "; registrar: %1").replace("%1", wording.plain(known.registrar, 80))
    if problem:
        last = translate("Detail", ". Last heard on %1: %2").replace("%2", problem)
        text += last.replace("%1", wording.date(known.answered_at_ms))
    return text
