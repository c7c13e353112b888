"""Maintenance windows: when they are on, told once more minute by minute; what cannot be one, and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.maintenance import (
    DAY_MS,
    MINUTE_MS,
    Cron,
    MaintenanceChange,
    MaintenanceDraft,
    MaintenanceWindow,
    Once,
    Schedule,
    Span,
    Weekly,
    WindowId,
    checked,
    next_spans,
    next_turn_ms,
    on_until_ms,
    parse_expression,
    parse_weekdays,
    parse_window_name,
    schedule_from_json,
    schedule_json,
    spans,
    starts,
    way_back,
    without_what_is_on,
)
from pingmon_gui.domain.quiet_hours import clock_minute
from pingmon_gui.domain.scope import Scope

HOUR_MS = 60 * MINUTE_MS
#: Zones whose clocks jump by an hour, by half an hour, at midnight, and not at all.
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "UTC")
#: Around the changes of 2026 in these zones, and days like any other.
DAYS = (
    (2026, 3, 7), (2026, 3, 28), (2026, 4, 4), (2026, 6, 9), (2026, 9, 5), (2026, 10, 3), (2026, 10, 24), (2026, 10, 31)
)  # fmt: skip


def ms(*parts: int, zone: str = "UTC") -> int:
    return round(datetime(*parts, tzinfo=ZoneInfo(zone)).timestamp() * 1000)  # type: ignore[misc, arg-type]


def window(schedule: Schedule, since_ms: int = 0, until_ms: int | None = None) -> MaintenanceWindow:
    return MaintenanceWindow(WindowId(1), "Deploy", schedule, Scope(), since_ms, until_ms)


def minutes(zone: str, from_ms: int, to_ms: int) -> Iterator[tuple[int, datetime]]:
    """Yield every minute in [from, to), with what a clock on the wall shows."""
    for at_ms in range(from_ms, to_ms, MINUTE_MS):
        yield at_ms, datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone))


def naive_starts(schedule: Weekly, from_ms: int, to_ms: int) -> list[int]:
    """Look at the clock every minute: it shows the time for the first time that day, or has jumped over it."""
    found = []
    shown: datetime | None = None
    for at_ms, wall in minutes(schedule.zone, from_ms - 2 * HOUR_MS, to_ms):
        now = wall.replace(tzinfo=None, fold=0)
        if shown is None or now > shown:
            # Minutes that the clock jumped over are shown now.
            passed = (
                [now]
                if shown is None
                else [shown + timedelta(minutes=n + 1) for n in range((now - shown).seconds // 60)]
            )
            due = [
                m
                for m in passed
                if m.hour * 60 + m.minute == schedule.start_minute and m.weekday() in schedule.weekdays
            ]
            if due and at_ms >= from_ms:
                found.append(at_ms)
            shown = now
    return found


weekly = st.builds(
    Weekly,
    st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
    st.one_of(st.integers(0, 24 * 60 - 1), st.integers(0, 4 * 60)),
    st.sampled_from([MINUTE_MS, 90 * MINUTE_MS, 5 * HOUR_MS]),
    st.sampled_from(ZONES),
)


@settings(max_examples=120, deadline=None)
@given(weekly, st.sampled_from(DAYS), st.integers(0, 24 * 60))
def test_weekly_starts_are_those_that_a_clock_on_the_wall_shows(
    schedule: Weekly, day: tuple[int, int, int], offset: int
) -> None:
    from_ms = ms(*day) + offset * MINUTE_MS
    to_ms = from_ms + 36 * HOUR_MS
    assert list(starts(schedule, from_ms, to_ms)) == naive_starts(schedule, from_ms, to_ms)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(weekly, st.integers(0, 40), st.integers(0, 90)), max_size=3), st.sampled_from(DAYS))
def test_windows_together_are_on_when_one_of_them_is(
    rows: list[tuple[Weekly, int, int]], day: tuple[int, int, int]
) -> None:
    from_ms = ms(*day)
    to_ms = from_ms + 2 * DAY_MS
    windows = [
        window(schedule, from_ms + since * HOUR_MS, from_ms + (since + held) * HOUR_MS)
        for schedule, since, held in rows
    ]
    found = spans(windows, from_ms, to_ms)
    assert all(one.start_ms < one.end_ms for one in found)
    assert all(one.end_ms < other.start_ms for one, other in pairwise(found))
    begun = [(w, list(starts(w.schedule, from_ms - DAY_MS, to_ms))) for w in windows]
    for at_ms in range(from_ms, to_ms, 30 * MINUTE_MS):
        is_on = any(
            w.since_ms <= at_ms
            and (w.until_ms is None or at_ms < w.until_ms)
            and any(start <= at_ms < start + w.schedule.length_ms for start in mine)
            for w, mine in begun
        )
        assert any(one.start_ms <= at_ms < one.end_ms for one in found) == is_on
        until_ms = on_until_ms(windows, at_ms)
        assert (until_ms is not None) == is_on
        if until_ms is not None:
            assert spans(windows, until_ms, until_ms + 1) == []
            assert spans(windows, at_ms, until_ms) == [Span(at_ms, until_ms)]
        turn_ms = next_turn_ms(windows, at_ms)
        assert at_ms < turn_ms <= at_ms + DAY_MS
        # Nothing happens before it: each window is on all the time, or not at all.
        for one in windows:
            assert spans([one], at_ms, turn_ms) in ([], [Span(at_ms, turn_ms)])


@pytest.mark.parametrize(
    ("zone", "clock", "day", "expected"),
    [
        # The hour from 2 to 3 is skipped: it begins as soon as the clock has jumped.
        ("Europe/Berlin", "02:30", (2026, 3, 29), (2026, 3, 29, 1, 0)),
        # That hour is there twice: the first one counts.
        ("Europe/Berlin", "02:30", (2026, 10, 25), (2026, 10, 25, 0, 30)),
        ("Europe/Berlin", "02:30", (2026, 6, 10), (2026, 6, 10, 0, 30)),
        ("America/Santiago", "00:00", (2026, 9, 6), (2026, 9, 6, 4, 0)),
    ],
)
def test_start_in_an_hour_that_is_skipped_or_there_twice(
    zone: str, clock: str, day: tuple[int, int, int], expected: tuple[int, ...]
) -> None:
    schedule = Weekly(tuple(range(7)), clock_minute(clock), HOUR_MS, zone)
    from_ms = ms(*day, zone=zone)
    assert list(starts(schedule, from_ms, from_ms + 20 * HOUR_MS)) == [ms(*expected)]
    # A length is time that passes: two hours over the jump are two hours.
    (span,) = next_spans(schedule, from_ms, 1)
    assert span.end_ms - span.start_ms == HOUR_MS


def test_cron_follows_the_same_rules() -> None:
    berlin = "Europe/Berlin"
    every = Cron("30 2 * * *", HOUR_MS, berlin)
    assert list(starts(every, ms(2026, 3, 29), ms(2026, 3, 30))) == [ms(2026, 3, 29, 1)]
    assert list(starts(every, ms(2026, 10, 25, 0, 45), ms(2026, 10, 25, 12))) == []  # the second 2:30 is none
    saturdays = Cron("0 3 * * SAT#1", HOUR_MS, berlin)
    assert [span.start_ms for span in next_spans(saturdays, ms(2026, 11, 1), 2)] == [
        ms(2026, 11, 7, 3, zone=berlin),
        ms(2026, 12, 5, 3, zone=berlin),
    ]


def test_once() -> None:
    one = window(Once(100 * MINUTE_MS, 160 * MINUTE_MS), since_ms=120 * MINUTE_MS)
    assert spans([one], 0, DAY_MS) == [Span(120 * MINUTE_MS, 160 * MINUTE_MS)]  # made while it would have been on
    assert next_spans(one.schedule, 0, 3) == [Span(100 * MINUTE_MS, 160 * MINUTE_MS)]
    assert not one.is_over(159 * MINUTE_MS) and one.is_over(160 * MINUTE_MS)
    assert on_until_ms([one], 119 * MINUTE_MS) is None
    assert on_until_ms([one], 120 * MINUTE_MS) == 160 * MINUTE_MS


def test_long_windows_end_when_they_end() -> None:
    now_ms = ms(2026, 11, 28)
    assert on_until_ms([window(Once(now_ms, now_ms + 300 * DAY_MS))], now_ms) == now_ms + 300 * DAY_MS
    first, second = Once(now_ms, now_ms + 5 * HOUR_MS), Once(now_ms + 4 * HOUR_MS, now_ms + 30 * HOUR_MS)
    assert on_until_ms([window(first), window(second)], now_ms) == now_ms + 30 * HOUR_MS


NOW_MS = ms(2026, 11, 28, 12)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Once(5, 5), "must come after"),
        (lambda: Once(0, 400 * DAY_MS), "a year at most"),
        (lambda: Weekly((), 60, HOUR_MS, "UTC"), "at least one day"),
        (lambda: Weekly((0,), 60, 1_000, "UTC"), "from 1 minute to 31 days"),
        (lambda: Weekly((0,), 60, HOUR_MS, "Europe/Berlim"), "no time zone"),
        (lambda: Cron("0 3 * *", HOUR_MS, "UTC"), "five fields"),
        (lambda: Cron("0 3 * * * *", HOUR_MS, "UTC"), "five fields"),
        (lambda: Cron("61 3 * * *", HOUR_MS, "UTC"), "the minute is wrong"),
        (lambda: Cron("0 3 * * 9", HOUR_MS, "UTC"), "the day of the week is wrong"),
        (lambda: Cron("0 0 30 2 *", HOUR_MS, "UTC"), "the day of the month is wrong"),
        (lambda: clock_minute("25:00"), "no time of the day"),
        (lambda: parse_weekdays(["mon", "someday"]), "no day of the week"),
        (lambda: parse_window_name("  "), "Give the window a name"),
        (lambda: checked(MaintenanceDraft("a", Once(NOW_MS - 1, NOW_MS)), NOW_MS), "over already"),
        (lambda: checked(MaintenanceDraft("a", Cron("0 * * * *", 90 * MINUTE_MS, "UTC")), NOW_MS), "never be off"),
        (lambda: checked(MaintenanceDraft("a", Cron("0 0 * * *", DAY_MS, "UTC")), NOW_MS), "never be off"),
        (
            lambda: checked(MaintenanceDraft("a", Weekly((0, 1), 60, 25 * HOUR_MS, "UTC")), NOW_MS),
            "begins again before it has ended: 24 hours",
        ),
    ],
)  # fmt: skip
def test_what_is_no_window_is_told_in_a_sentence(make: object, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        make()  # type: ignore[operator]


@pytest.mark.parametrize(
    "schedule",
    [
        Weekly((5, 6), 0, DAY_MS, "Europe/Berlin"),  # a whole weekend
        Weekly(tuple(range(7)), 22 * 60, 8 * HOUR_MS, "Europe/Berlin"),
        Cron("*/10 * * * *", 5 * MINUTE_MS, "UTC"),
        Cron("0 3 29 2 *", 31 * DAY_MS, "UTC"),
        Once(NOW_MS - DAY_MS, NOW_MS + 1),
    ],
)
def test_what_is_a_window_is_kept(schedule: Schedule) -> None:
    draft = MaintenanceDraft("Deploy", schedule)
    assert checked(draft, NOW_MS) is draft
    assert schedule_from_json(schedule_json(schedule)) == schedule


def test_what_people_type_is_read() -> None:
    assert parse_weekdays(["Sunday", "mon", "MON"]) == (0, 6)
    assert parse_expression(" 0  3 * *   mon ") == "0 3 * * mon"


FIELDS = st.text("0123456789*/,-L#", min_size=1, max_size=6)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40) | st.lists(FIELDS, min_size=5, max_size=5).map(" ".join))
def test_any_text_is_a_cron_expression_or_told_why_not(text: str) -> None:
    try:
        schedule = Cron(parse_expression(text), MINUTE_MS, "Europe/Berlin")
        checked(MaintenanceDraft("a", schedule), NOW_MS)
    except InvalidInput:
        return
    found = next_spans(schedule, NOW_MS, 3)
    assert all(span.start_ms >= NOW_MS for span in found)
    assert found == sorted(found, key=lambda span: span.start_ms)


KEYS = st.sampled_from(["kind", "start_at_ms", "end_at_ms", "weekdays", "start", "length_ms", "zone", "expression"])
VALUES = st.none() | st.booleans() | st.integers() | st.sampled_from(["once", "weekly", "cron"]) | st.text(max_size=8)


@given(st.dictionaries(KEYS, VALUES | st.lists(VALUES)) | VALUES | st.lists(VALUES))
def test_any_json_is_a_schedule_or_told_why_not(document: object) -> None:
    try:
        schedule_from_json(document)
    except InvalidInput as exc:
        assert exc.message


def test_early_end_leaves_what_is_repeated_to_come_again() -> None:
    at_ms = ms(2026, 6, 9, 3, 20)
    nightly = window(Weekly(tuple(range(7)), 180, HOUR_MS, "UTC"))
    assert without_what_is_on(nightly, at_ms) == MaintenanceChange(
        (WindowId(1),), (nightly.draft,), since_ms=at_ms + 40 * MINUTE_MS
    )
    assert without_what_is_on(window(Once(at_ms, at_ms + 1)), at_ms) == MaintenanceChange((WindowId(1),))
    assert without_what_is_on(nightly, at_ms + HOUR_MS) is None


def test_way_back_ends_what_came_and_brings_back_what_still_means_something() -> None:
    kept, gone, over = (
        MaintenanceWindow(WindowId(id_), f"W{id_}", schedule, Scope(), 0)
        for id_, schedule in ((1, Once(5, 900)), (2, Once(5, 901)), (3, Once(5, 10)))
    )
    came = MaintenanceWindow(WindowId(4), "W4", Once(5, 902), Scope(), 50)
    assert way_back([kept, gone, over], [kept, came], 100) == MaintenanceChange((WindowId(4),), (gone.draft,))
