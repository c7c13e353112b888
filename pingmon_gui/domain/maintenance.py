"""Maintenance windows: when checks go on but nothing counts. Which domains, and when: pure rules of time.

What the clocks of a zone skip or show twice is taken as Debian's cron takes it: a start that is skipped comes when
the clock has jumped, one that is there twice counts the first time. A length is time that passes, not clock time.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NewType

from cronsim import CronSim, CronSimError

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import parse_name, parse_tags
from pingmon_gui.domain.quiet_hours import WEEKDAYS, clock_minute, clock_text
from pingmon_gui.domain.scope import EVERYTHING, Scope
from pingmon_gui.domain.time_zone import zone_of

WindowId = NewType("WindowId", int)

MINUTE_MS = 60_000
DAY_MS = 86_400_000
MIN_LENGTH_MS = MINUTE_MS
MAX_LENGTH_MS = 31 * DAY_MS
MAX_ONCE_MS = 366 * DAY_MS
MAX_WINDOWS = 200
MAX_EXPRESSION_CHARACTERS = 200
#: No start is looked for further ahead.
_FAR_MS = 50 * 366 * DAY_MS
#: In the year 9964: a calendar ends with 9999.
_LAST_MS = 8_000 * 365 * DAY_MS
#: So many starts are looked at to say that a window never begins again before it has ended.
_LOOKED_AT = 400
_LAST_YEAR = 2100
#: How far ahead the end of what is on is looked for, step by step.
_LOOK_AHEAD_DAYS = (1, 8, 64, 512)
#: Where cron begins to count when only its rhythm is asked for: a clock that skips nothing.
_ANY_DAY = datetime(2026, 1, 1)  # noqa: DTZ001
#: The longest time that a clock shows twice.
_TWICE_AT_MOST = timedelta(hours=3)
_CRON_HINT = "“0 3 * * 1” is every Monday at 3:00."


@dataclass(frozen=True)
class Span:
    """From `start_ms` (inclusive) to `end_ms`."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class Once:
    """One span, not repeated."""

    start_ms: int
    end_ms: int

    def __post_init__(self) -> None:
        if not 0 <= self.start_ms < self.end_ms:
            raise InvalidInput("The end must come after the start.")
        if self.end_ms > _LAST_MS:
            raise InvalidInput("That is too far in the future.")
        if self.end_ms - self.start_ms > MAX_ONCE_MS:
            raise InvalidInput("A window lasts a year at most.", "Pause the domains instead.")

    @property
    def length_ms(self) -> int:
        return self.end_ms - self.start_ms


@dataclass(frozen=True)
class Weekly:
    """Certain days of every week; `weekdays` are 0 (Monday) to 6, `start_minute` counts from local midnight."""

    weekdays: tuple[int, ...]
    start_minute: int
    length_ms: int
    zone: str

    def __post_init__(self) -> None:
        if not self.weekdays:
            raise InvalidInput("Choose at least one day of the week.")
        if not set(self.weekdays) <= set(range(7)) or not 0 <= self.start_minute < 24 * 60:
            raise InvalidInput("There is no such day or time of day.")
        _check_length(self.length_ms)
        zone_of(self.zone)

    @property
    def expression(self) -> str:
        """The same as a cron expression: both kinds of repetition follow one rule."""
        hour, minute = divmod(self.start_minute, 60)
        return f"{minute} {hour} * * {','.join(str((day + 1) % 7) for day in self.weekdays)}"

    @property
    def clock(self) -> str:
        return clock_text(self.start_minute)


@dataclass(frozen=True)
class Cron:
    """Starts by a cron expression of five fields."""

    expression: str
    length_ms: int
    zone: str

    def __post_init__(self) -> None:
        parse_expression(self.expression)
        _check_length(self.length_ms)
        zone_of(self.zone)


Schedule = Once | Weekly | Cron


@dataclass(frozen=True)
class MaintenanceDraft:
    """A window that is about to be made."""

    name: str
    schedule: Schedule
    scope: Scope = EVERYTHING


@dataclass(frozen=True)
class MaintenanceWindow:
    """A window as it is kept. It says nothing of the time before `since_ms` and from `until_ms` on (None: for ever).

    One that is changed ends and another takes its place, so that nothing rewrites the past.
    """

    id: WindowId
    name: str
    schedule: Schedule
    scope: Scope
    since_ms: int
    until_ms: int | None = None

    @property
    def draft(self) -> MaintenanceDraft:
        return MaintenanceDraft(self.name, self.schedule, self.scope)

    def is_over(self, at_ms: int) -> bool:
        """Return whether it never comes again."""
        return (self.until_ms is not None and self.until_ms <= at_ms) or (
            isinstance(self.schedule, Once) and self.schedule.end_ms <= at_ms
        )


@dataclass(frozen=True)
class MaintenanceChange:
    """Windows that end now and others that begin to hold now: how one is added, removed or replaced."""

    ended: tuple[WindowId, ...] = ()
    added: tuple[MaintenanceDraft, ...] = ()
    #: When the added ones begin to hold at the earliest: later than now where the rest of a span is skipped.
    since_ms: int | None = None


@dataclass(frozen=True)
class Outlook:
    """How a window stands at a moment: on until `until_ms`, and `coming` is its next span; over where both are None."""

    until_ms: int | None
    coming: Span | None

    @property
    def is_over(self) -> bool:
        return self.until_ms is None and self.coming is None

    @property
    def place(self) -> tuple[int, int]:
        """Orders windows: what is on, what comes, what is over."""
        if self.until_ms is not None:
            return 0, self.until_ms
        return (2, 0) if self.coming is None else (1, self.coming.start_ms)


def outlook(window: MaintenanceWindow, now_ms: int) -> Outlook:
    if window.is_over(now_ms):
        return Outlook(None, None)
    coming = next_spans(window.schedule, max(now_ms, window.since_ms), 1)
    return Outlook(on_until_ms([window], now_ms), coming[0] if coming else None)


def without_what_is_on(window: MaintenanceWindow, now_ms: int) -> MaintenanceChange | None:
    """Return what ends the span that is on now; one that is repeated comes again. None where it is not on."""
    until_ms = on_until_ms([window], now_ms)
    if until_ms is None:
        return None
    if isinstance(window.schedule, Once):
        return MaintenanceChange(ended=(window.id,))
    return MaintenanceChange(ended=(window.id,), added=(window.draft,), since_ms=until_ms)


def way_back(before: Sequence[MaintenanceWindow], after: Sequence[MaintenanceWindow], now_ms: int) -> MaintenanceChange:
    """Return what undoes a change of the windows that hold; what they meant until now stays as it was."""
    old, new = ({window.id for window in windows} for windows in (before, after))
    return MaintenanceChange(
        ended=tuple(window.id for window in after if window.id not in old),
        added=tuple(window.draft for window in before if window.id not in new and not window.is_over(now_ms)),
    )


# What was typed


def parse_window_name(text: str) -> str:
    """Return the name of a window. Raises InvalidInput."""
    name = parse_name(text)
    if not name:
        raise InvalidInput("Give the window a name.", "Like “Nightly backup”.")
    return name


def parse_weekdays(words: Iterable[str]) -> tuple[int, ...]:
    """Return the days of words like `mon` or `Monday`, in the order of the week, each once. Raises InvalidInput."""
    days = set()
    for word in words:
        short = word.strip().lower()
        day = next((n for n, name in enumerate(_DAY_NAMES) if len(short) >= 3 and name.startswith(short)), None)
        if day is None:
            raise InvalidInput(f"“{word[:40]}” is no day of the week.", f"Days are {', '.join(WEEKDAYS)}.")
        days.add(day)
    return tuple(sorted(days))


_DAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def parse_expression(text: str) -> str:
    """Return a cron expression that can be read and comes at some time. Raises InvalidInput with what is wrong."""
    folded = " ".join(text.split())
    if len(folded) > MAX_EXPRESSION_CHARACTERS or len(folded.split()) != 5:
        raise InvalidInput(
            "A cron expression has five fields: minute, hour, day of the month, month, day of the week.", _CRON_HINT
        )
    try:
        comes = next(CronSim(folded, _ANY_DAY), None)
    except (CronSimError, AssertionError, ValueError, TypeError) as exc:
        field = str(exc).removeprefix("Bad ").replace("day-of-", "day of the ")
        where = f": the {field} is wrong" if str(exc).startswith("Bad ") else ""
        raise InvalidInput(
            f"The cron expression cannot be read{where}.", "“0 3 * * 1” is every Monday at 3:00."
        ) from exc
    if comes is None:
        raise InvalidInput("There is no day on which this comes.")
    return folded


def checked(draft: MaintenanceDraft, now_ms: int) -> MaintenanceDraft:
    """Return the draft if it can be kept from now on. Raises InvalidInput."""
    parse_window_name(draft.name)
    parse_tags(",".join(draft.scope.tags))
    schedule = draft.schedule
    if isinstance(schedule, Once):
        if schedule.end_ms <= now_ms:
            raise InvalidInput("It would be over already: a window cannot change the past.")
        return draft
    # By a clock that skips nothing: the hour that is lost once a year is no reason to refuse a window of 24 hours.
    moments = itertools.islice(CronSim(schedule.expression, _ANY_DAY), _LOOKED_AT)
    nominal = itertools.takewhile(lambda moment: moment.year < _LAST_YEAR, moments)
    gaps = [(after - before) // timedelta(milliseconds=1) for before, after in itertools.pairwise(nominal)]
    if gaps and schedule.length_ms >= max(gaps):
        raise InvalidInput("It would never be off.", "Pause the domains instead, or make it shorter.")
    if gaps and schedule.length_ms > min(gaps):
        minutes = min(gaps) // MINUTE_MS
        most = f"{minutes // 60} hours" if minutes % 60 == 0 and minutes > 60 else f"{minutes} minutes"
        raise InvalidInput(f"It begins again before it has ended: {most} are possible.")
    return draft


def _check_length(length_ms: int) -> None:
    if not MIN_LENGTH_MS <= length_ms <= MAX_LENGTH_MS:
        raise InvalidInput("A window lasts from 1 minute to 31 days.")


# When it is on


def starts(schedule: Schedule, from_ms: int, to_ms: int) -> Iterator[int]:
    """Yield the starts in [from_ms, to_ms), in order."""
    if isinstance(schedule, Once):
        if from_ms <= schedule.start_ms < to_ms:
            yield schedule.start_ms
        return
    # From a little earlier: an hour that is there twice is entered the first time.
    begin = datetime.fromtimestamp(from_ms / 1000, zone_of(schedule.zone)) - _TWICE_AT_MOST
    for moment in CronSim(schedule.expression, begin):
        start_ms = _ms(moment)
        if start_ms >= to_ms:
            return
        if start_ms >= from_ms:
            yield start_ms


def next_spans(schedule: Schedule, after_ms: int, count: int) -> list[Span]:
    """Return the next spans that begin at `after_ms` or later; fewer where there are no more."""
    coming = starts(schedule, after_ms, after_ms + _FAR_MS)
    return [Span(start_ms, start_ms + schedule.length_ms) for start_ms in itertools.islice(coming, count)]


def spans(windows: Sequence[MaintenanceWindow], from_ms: int, to_ms: int) -> list[Span]:
    """Return when at least one of the windows is on, within [from_ms, to_ms): in order, never touching."""
    found: list[Span] = []
    for window in windows:
        begin_ms = max(from_ms, window.since_ms)
        end_ms = to_ms if window.until_ms is None else min(to_ms, window.until_ms)
        length_ms = window.schedule.length_ms
        for start_ms in starts(window.schedule, begin_ms - length_ms + 1, end_ms):
            found.append(Span(max(start_ms, begin_ms), min(start_ms + length_ms, end_ms)))
    joined: list[Span] = []
    for span in sorted(found, key=lambda one: one.start_ms):
        if joined and span.start_ms <= joined[-1].end_ms:
            joined[-1] = Span(joined[-1].start_ms, max(joined[-1].end_ms, span.end_ms))
        elif span.end_ms > span.start_ms:
            joined.append(span)
    return joined


def on_until_ms(windows: Sequence[MaintenanceWindow], at_ms: int) -> int | None:
    """Return when the windows that are on at a moment, and those that follow without a pause, end; None if none is."""
    end_ms = at_ms
    for days in _LOOK_AHEAD_DAYS:
        horizon_ms = at_ms + days * DAY_MS
        found = spans(windows, at_ms, horizon_ms)
        if not found or found[0].start_ms > at_ms:
            return None
        end_ms = found[0].end_ms
        if end_ms < horizon_ms:
            break
    return end_ms


def next_turn_ms(windows: Sequence[MaintenanceWindow], after_ms: int) -> int:
    """Return when one of the windows begins or ends next; where nothing does for a day, when to ask again."""
    horizon_ms = after_ms + DAY_MS
    turns = [horizon_ms]
    for window in windows:
        for span in spans([window], after_ms, horizon_ms)[:1]:
            turns.append(span.start_ms if span.start_ms > after_ms else span.end_ms)
    return min(turns)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


# As JSON: in the database, between processes, in exports


def schedule_json(schedule: Schedule) -> dict[str, Any]:
    """Return a schedule with all its values; `kind` says which it is."""
    if isinstance(schedule, Once):
        return {"kind": "once", "start_at_ms": schedule.start_ms, "end_at_ms": schedule.end_ms}
    repeated = {"length_ms": schedule.length_ms, "zone": schedule.zone}
    if isinstance(schedule, Weekly):
        weekdays = [WEEKDAYS[day] for day in schedule.weekdays]
        return {"kind": "weekly", "weekdays": weekdays, "start": schedule.clock, **repeated}
    return {"kind": "cron", "expression": schedule.expression, **repeated}


def schedule_from_json(document: Any) -> Schedule:
    """Read what `schedule_json` wrote. Raises InvalidInput."""
    try:
        kind = document["kind"]
        if kind == "once":
            return Once(_whole(document["start_at_ms"]), _whole(document["end_at_ms"]))
        length_ms, zone = _whole(document["length_ms"]), str(document["zone"])
        if kind == "weekly":
            return Weekly(parse_weekdays(document["weekdays"]), clock_minute(document["start"]), length_ms, zone)
        if kind == "cron":
            return Cron(parse_expression(document["expression"]), length_ms, zone)
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise InvalidInput("The times of a maintenance window cannot be read.") from exc
    raise InvalidInput(f"There are no maintenance windows of the kind “{str(kind)[:40]}”.")


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("a whole number is needed")
    return value
