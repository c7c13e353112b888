"""Maintenance windows in the user's language: when they are on, for which domains, how they stand."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale, QTime

from pingmon_gui.domain.maintenance import Cron, MaintenanceWindow, Once, Outlook, Schedule, Span, outlook
from pingmon_gui.domain.scope import Scope
from pingmon_gui.ui import wording

translate = QCoreApplication.translate


def schedule_words(schedule: Schedule, own_zone: str) -> str:
    """Return when a window is on; a zone is named where it is not this computer's."""
    if isinstance(schedule, Once):
        return translate("Maintenance", "once, %1").replace("%1", span_words(Span(schedule.start_ms, schedule.end_ms)))
    if isinstance(schedule, Cron):
        text = translate("Maintenance", "cron %1 for %2").replace("%1", wording.isolated(schedule.expression))
    else:
        hour, minute = divmod(schedule.start_minute, 60)
        at = QLocale().toString(QTime(hour, minute), QLocale.FormatType.ShortFormat)
        text = translate("Maintenance", "%1 at %3 for %2").replace("%3", at).replace("%1", _days(schedule.weekdays))
    text = text.replace("%2", wording.duration(schedule.length_ms))
    return text if schedule.zone == own_zone else f"{text} ({wording.plain(schedule.zone, 60)})"


def _days(days: Sequence[int]) -> str:
    if len(days) == 7:
        return translate("Maintenance", "every day")
    names = [QLocale().standaloneDayName(day + 1, QLocale.FormatType.ShortFormat) for day in days]
    return ", ".join(names)


def scope_words(scope: Scope) -> str:
    """Return for which domains something is: all, by tag, how many chosen."""
    if scope.is_all:
        return translate("Maintenance", "all domains")
    parts = [f"#{wording.plain(tag, 50)}" for tag in sorted(scope.tags)]
    if scope.monitors:
        parts.append(wording.monitors_counted(len(scope.monitors)))
    return ", ".join(parts)


def state_words(window: MaintenanceWindow, now_ms: int) -> str:
    """Return how a window stands: on and until when, or when it comes."""
    return outlook_words(outlook(window, now_ms))


def outlook_words(stands: Outlook) -> str:
    if stands.until_ms is not None:
        return translate("Maintenance", "on until %1").replace("%1", wording.moment_soon(stands.until_ms))
    if stands.coming is None:
        return translate("Maintenance", "over")
    return translate("Maintenance", "next %1").replace("%1", wording.moment_soon(stands.coming.start_ms))


def span_words(span: Span) -> str:
    """Return a span, its end by the clock alone where that is on the same day."""
    first, last = (QDateTime.fromMSecsSinceEpoch(at_ms).date() for at_ms in (span.start_ms, span.end_ms))
    end = wording.time_of_day(span.end_ms) if first == last else wording.moment_soon(span.end_ms)
    return f"{wording.moment_soon(span.start_ms)} – {end}"
