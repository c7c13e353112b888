"""The span of a report: presets in a time zone, and the parts that its bars are for: hours, days, weeks or months."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from pingmon_gui.domain.error import InvalidInput

HOUR_MS = 3_600_000
DAY_MS = 86_400_000
#: At most so many bars, so that each can be seen on a page.
MOST_BARS = 130
_CALENDAR = re.compile(r"(19[789][0-9]|2[0-9]{3})(?:-(0[1-9]|1[0-2]))?", re.ASCII)


class Preset(StrEnum):
    """Spans that people ask for. The value is the word for `--period`."""

    LAST_24_HOURS = "24h"
    LAST_7_DAYS = "7d"
    LAST_30_DAYS = "30d"
    THIS_MONTH = "this-month"
    LAST_MONTH = "last-month"


class Unit(StrEnum):
    """What one bar is for."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True)
class Bars:
    """The parts of a span: `edges_ms` has one more element than there are bars; the outer two are those of the span."""

    unit: Unit
    edges_ms: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.edges_ms) - 1


def preset_span(preset: Preset, now_ms: int, zone: tzinfo) -> tuple[int, int]:
    """Return (from_ms, to_ms) of a preset: the last hours and days up to now, months as the calendar has them."""
    match preset:
        case Preset.LAST_24_HOURS:
            return now_ms - DAY_MS, now_ms
        case Preset.LAST_7_DAYS:
            return now_ms - 7 * DAY_MS, now_ms
        case Preset.LAST_30_DAYS:
            return now_ms - 30 * DAY_MS, now_ms
    first = datetime.fromtimestamp(now_ms / 1000, zone).date().replace(day=1)
    if preset is Preset.THIS_MONTH:
        return day_start_ms(first, zone), now_ms
    return day_start_ms((first - timedelta(days=1)).replace(day=1), zone), day_start_ms(first, zone)


def parse_period(text: str, now_ms: int, zone: tzinfo) -> tuple[int, int]:
    """Return the span of a word for a preset, of a month like `2026-11`, or of a year. Raises InvalidInput."""
    word = text.strip().lower()
    if word in list(Preset):
        return preset_span(Preset(word), now_ms, zone)
    match = _CALENDAR.fullmatch(word)
    if match is None:
        raise InvalidInput(f"“{text[:40]}” is no period.", f"Periods are {', '.join(Preset)}, 2026-11 or 2026.")
    try:
        year, month = int(match[1]), int(match[2] or 1)
        first = date(year, month, 1)
        last = _following_day(first, Unit.MONTH) if match[2] else date(year + 1, 1, 1)
        return day_start_ms(first, zone), day_start_ms(last, zone)
    except (ValueError, OverflowError) as exc:
        raise InvalidInput(f"“{text[:40]}” is no month or year.") from exc


def day_start_ms(day: date, zone: tzinfo) -> int:
    """Return when a day begins: at midnight, or when the clocks have jumped over it."""
    return round(datetime.combine(day, time(), zone).timestamp()) * 1000


def bars_of(from_ms: int, to_ms: int, zone: tzinfo) -> Bars:
    """Return the parts of [from_ms, to_ms) by the calendar of a zone; those at the ends may be cut."""
    span_ms = to_ms - from_ms
    if span_ms <= 3 * DAY_MS:
        return Bars(Unit.HOUR, _edges(from_ms, to_ms, _hour_floor(from_ms, zone), lambda at_ms: at_ms + HOUR_MS))
    first = datetime.fromtimestamp(from_ms / 1000, zone).date()
    if span_ms <= (MOST_BARS - 1) * DAY_MS:
        unit, day = Unit.DAY, first
    elif span_ms <= (MOST_BARS - 1) * 7 * DAY_MS:
        unit, day = Unit.WEEK, first - timedelta(days=first.weekday())
    else:
        unit, day = Unit.MONTH, first.replace(day=1)

    def following(at_ms: int) -> int:
        # From the middle of the day: its start may have been skipped.
        today = datetime.fromtimestamp(at_ms / 1000 + 12 * 3600, zone).date()
        return day_start_ms(_following_day(today, unit), zone)

    return Bars(unit, _edges(from_ms, to_ms, day_start_ms(day, zone), following))


def _following_day(day: date, unit: Unit) -> date:
    match unit:
        case Unit.WEEK:
            return day + timedelta(days=7)
        case Unit.MONTH:
            return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return day + timedelta(days=1)


def _hour_floor(at_ms: int, zone: tzinfo) -> int:
    """Return the start of the hour, as the clocks of a zone show it: some are half an hour off."""
    at = datetime.fromtimestamp(at_ms // 1000, zone)
    return at_ms // 1000 * 1000 - (at.minute * 60 + at.second) * 1000


def _edges(from_ms: int, to_ms: int, first_ms: int, following: Callable[[int], int]) -> tuple[int, ...]:
    edges = [from_ms]
    edge_ms = following(first_ms)
    while edge_ms < to_ms:
        if edge_ms > edges[-1]:
            edges.append(edge_ms)
        edge_ms = following(edge_ms)
    return (*edges, to_ms)


def iso(at_ms: int) -> str:
    """Return a time for machines: ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
