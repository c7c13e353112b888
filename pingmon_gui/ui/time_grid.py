"""Local time in steps: where the marks of a time axis stand and what they say, and where the bars of a strip begin.

Days, weeks and months are those of the user's calendar, also where clocks change: some days have 23 or 25 hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from PySide6.QtCore import QDate, QDateTime, QLocale, QTime, QTimeZone

from pingmon_gui.domain.history import DAY_MS, HOUR_MS

_SECOND_MS, _MINUTE_MS = 1_000, 60_000


class Unit(Enum):
    CLOCK = auto()  # a step of a fixed length, counted from midnight
    DAY = auto()
    WEEK = auto()
    MONTH = auto()


@dataclass(frozen=True)
class Step:
    """`count` of a unit; of CLOCK, so many ms. `about_ms` is its length, roughly where months differ."""

    unit: Unit
    count: int

    @property
    def about_ms(self) -> int:
        return self.count * {Unit.CLOCK: 1, Unit.DAY: DAY_MS, Unit.WEEK: 7 * DAY_MS, Unit.MONTH: 30 * DAY_MS}[self.unit]


_CLOCK_MS = (
    *(seconds * _SECOND_MS for seconds in (1, 2, 5, 10, 15, 30)),
    *(minutes * _MINUTE_MS for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * HOUR_MS for hours in (1, 2, 3, 6, 12)),
)
STEPS = (
    *(Step(Unit.CLOCK, ms) for ms in _CLOCK_MS),
    *(Step(Unit.DAY, days) for days in (1, 2)),
    *(Step(Unit.WEEK, weeks) for weeks in (1, 2)),
    *(Step(Unit.MONTH, months) for months in (1, 2, 3, 6, 12)),
)


def step_for(span_ms: float, most: int) -> Step:
    """Return the smallest step of which at most `most` fit into a span."""
    return next((step for step in STEPS if span_ms <= step.about_ms * max(1, most)), STEPS[-1])


def step_of(length_ms: int) -> Step:
    """Return the step of the calendar that is about so long: of 24 hours a day, of 30 days a month."""
    return next(step for step in STEPS if step.about_ms >= length_ms)


def moments(from_ms: int, to_ms: int, step: Step, zone: QTimeZone | None = None) -> list[int]:
    """Return the moments in [from_ms, to_ms] at which a step begins, by time."""
    zone = zone or QTimeZone.systemTimeZone()
    day = QDateTime.fromMSecsSinceEpoch(int(from_ms), zone).date()
    found: list[int] = []
    day = _first_day(day, step)
    while (begin_ms := _midnight_ms(day, zone)) <= to_ms:
        if step.unit is Unit.CLOCK:
            found += _of_day(day, begin_ms, from_ms, to_ms, step.count, zone)
        elif begin_ms >= from_ms:
            found.append(begin_ms)
        day = _next_day(day, step)
    return found


def edges(from_ms: int, to_ms: int, step: Step, zone: QTimeZone | None = None) -> list[int]:
    """Return the bounds of the steps that [from_ms, to_ms) touches: the first one begins by then, the last ends after.

    There are at least two.
    """
    # Longer than any such step is: a year has 366 days, a day 25 hours.
    reach_ms = step.about_ms + 2 * HOUR_MS if step.unit is Unit.CLOCK else step.about_ms * 11 // 10 + 2 * DAY_MS
    around = moments(from_ms - reach_ms, to_ms + reach_ms, step, zone)
    first = max(place for place, at_ms in enumerate(around) if at_ms <= from_ms)
    last = next(place for place, at_ms in enumerate(around) if at_ms >= to_ms and place > first)
    return around[first : last + 1]


def label(at_ms: int, step: Step, zone: QTimeZone | None = None) -> str:
    """Return what stands at a mark: the time of day, at midnight and for longer steps the date."""
    when = QDateTime.fromMSecsSinceEpoch(int(at_ms), zone or QTimeZone.systemTimeZone())
    locale = QLocale()
    if step.unit is Unit.MONTH:
        return locale.toString(when.date(), "MMM yyyy")
    if step.unit is not Unit.CLOCK or when.time() == QTime(0, 0):
        return locale.toString(when.date(), "d MMM")
    pattern = locale.timeFormat(QLocale.FormatType.ShortFormat)
    if step.count < _MINUTE_MS and "s" not in pattern:
        pattern = pattern.replace("mm", "mm:ss")
    return locale.toString(when.time(), pattern)


def midnight_ms(at_ms: int, zone: QTimeZone | None = None) -> int:
    """Return when the day of a moment began."""
    zone = zone or QTimeZone.systemTimeZone()
    return _midnight_ms(QDateTime.fromMSecsSinceEpoch(int(at_ms), zone).date(), zone)


def _midnight_ms(day: QDate, zone: QTimeZone) -> int:
    return day.startOfDay(zone).toMSecsSinceEpoch()


def _first_day(day: QDate, step: Step) -> QDate:
    """Return the first day of the step that a day lies in."""
    match step.unit:
        case Unit.WEEK:
            monday = day.addDays(1 - day.dayOfWeek())
            return monday.addDays(-7 * (monday.toJulianDay() // 7 % step.count))
        case Unit.MONTH:
            return QDate(day.year(), (day.month() - 1) // step.count * step.count + 1, 1)
        case Unit.DAY:
            return day.addDays(-(day.toJulianDay() % step.count))
    return day


def _next_day(day: QDate, step: Step) -> QDate:
    match step.unit:
        case Unit.MONTH:
            return day.addMonths(step.count)
        case Unit.WEEK:
            return day.addDays(7 * step.count)
        case Unit.DAY:
            return day.addDays(step.count)
    return day.addDays(1)


def _of_day(day: QDate, begin_ms: int, from_ms: int, to_ms: int, length_ms: int, zone: QTimeZone) -> list[int]:
    """Return the steps of a day: up to an hour they follow each other evenly, longer ones by the clock on the wall."""
    next_ms = _midnight_ms(day.addDays(1), zone)
    if length_ms <= HOUR_MS:
        first = begin_ms + -(-max(0, from_ms - begin_ms) // length_ms) * length_ms
        return list(range(first, min(next_ms, to_ms + 1), length_ms))
    found: list[int] = []
    for hour in range(0, 24, length_ms // HOUR_MS):
        at_ms = begin_ms if hour == 0 else QDateTime(day, QTime(hour, 0), zone).toMSecsSinceEpoch()
        if from_ms <= at_ms <= to_ms and (not found or at_ms > found[-1]):
            found.append(at_ms)
    return found
