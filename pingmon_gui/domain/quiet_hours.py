"""Quiet hours: when an alert waits, by weekday and local time of day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import Any

from pingmon_gui.domain.error import InvalidInput

MINUTES_A_DAY = 24 * 60
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_SPANS = 20
#: Spans that follow each other are one; no more than so many are looked at.
_MOST_JOINED = 16


@dataclass(frozen=True)
class QuietSpan:
    """On these days (0 = Monday) from one minute of the day to another; an end at or before it is the next day's."""

    days: frozenset[int]
    from_minute: int
    to_minute: int

    def __post_init__(self) -> None:
        if not self.days or not self.days <= set(range(7)):
            raise InvalidInput("Quiet hours need at least one weekday.")
        if not (0 <= self.from_minute < MINUTES_A_DAY and 0 <= self.to_minute < MINUTES_A_DAY):
            raise InvalidInput("Quiet hours are times of the day, from 0:00 to 23:59.")

    def to_json(self) -> dict[str, Any]:
        return {
            "days": [WEEKDAYS[day] for day in sorted(self.days)],
            "from": clock_text(self.from_minute),
            "to": clock_text(self.to_minute),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> QuietSpan:
        """Read what `to_json` wrote. Raises InvalidInput."""
        try:
            days = frozenset(WEEKDAYS.index(day) for day in document["days"])
            return cls(days, clock_minute(document["from"]), clock_minute(document["to"]))
        except (KeyError, TypeError, ValueError) as exc:
            raise InvalidInput("Quiet hours have days (mon to sun), a start and an end like 22:00.") from exc


def clock_text(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def clock_minute(text: str) -> int:
    """Return the minute of the day of `22:00`. Raises InvalidInput."""
    hour, colon, minute = str(text).partition(":")
    if colon and hour.isdecimal() and minute.isdecimal() and int(hour) < 24 and int(minute) < 60:
        return int(hour) * 60 + int(minute)
    raise InvalidInput(f"“{str(text)[:20]}” is no time of the day.", "Write it like 22:00.")


def quiet_until_ms(spans: Sequence[QuietSpan], now_ms: int, zone: tzinfo | None = None) -> int | None:
    """Return when the quiet that holds now ends, None if it does not hold.

    `zone` None is this computer's. Where clocks change, a span ends at its time of day by the new clock.
    """
    until_ms: int | None = None
    at_ms = now_ms
    for _ in range(_MOST_JOINED):
        end_ms = _end_of_span(spans, at_ms, zone)
        if end_ms is None:
            break
        until_ms = at_ms = end_ms
    return until_ms


def next_morning_ms(now_ms: int, zone: tzinfo | None = None) -> int:
    """Return 8 o'clock of the next day: until when a pause "until tomorrow" lasts."""
    day = datetime.fromtimestamp(now_ms / 1000, zone).astimezone(zone).date() + timedelta(days=1)
    return _moment_ms(datetime.combine(day, time(8)), zone)


def _end_of_span(spans: Sequence[QuietSpan], at_ms: int, zone: tzinfo | None) -> int | None:
    """Return the latest end of the spans that hold at a moment."""
    now = datetime.fromtimestamp(at_ms / 1000, zone).astimezone(zone)
    ends: list[int] = []
    for span in spans:
        for back in (0, 1):
            day = now.date() - timedelta(days=back)
            if day.weekday() not in span.days:
                continue
            is_over_midnight = span.to_minute <= span.from_minute
            start_ms = _moment_ms(datetime.combine(day, _time(span.from_minute)), zone)
            end_day = day + timedelta(days=1) if is_over_midnight else day
            end_ms = _moment_ms(datetime.combine(end_day, _time(span.to_minute)), zone)
            if start_ms <= at_ms < end_ms:
                ends.append(end_ms)
    return max(ends, default=None)


def _moment_ms(local: datetime, zone: tzinfo | None) -> int:
    # Without a zone Python takes it for this computer's time.
    return round((local.replace(tzinfo=zone) if zone is not None else local).timestamp() * 1000)


def _time(minute: int) -> time:
    return time(minute // 60, minute % 60)
