from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PySide6.QtCore import QDateTime, QTimeZone

from pingmon_gui.domain.history import DAY_MS, HOUR_MS
from pingmon_gui.ui.time_grid import STEPS, Step, Unit, edges, label, moments, step_for, step_of

ZONES = {name: QTimeZone(name.encode()) for name in ("UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns")}
BERLIN = ZONES["Europe/Berlin"]


def at(text: str, zone: QTimeZone = BERLIN) -> int:
    when = QDateTime.fromString(text, "yyyy-MM-dd HH:mm")
    when.setTimeZone(zone)
    return when.toMSecsSinceEpoch()


def told(found: list[int], zone: QTimeZone = BERLIN) -> list[str]:
    return [QDateTime.fromMSecsSinceEpoch(ms, zone).toString("MM-dd HH:mm") for ms in found]


def test_days_are_those_of_the_calendar_where_clocks_change() -> None:
    found = moments(at("2026-10-24 00:00"), at("2026-10-27 00:00"), Step(Unit.DAY, 1), BERLIN)
    assert told(found) == ["10-24 00:00", "10-25 00:00", "10-26 00:00", "10-27 00:00"]
    assert [(b - a) // HOUR_MS for a, b in itertools.pairwise(found)] == [24, 25, 24]


def test_quarters_of_a_day_follow_the_clock_on_the_wall() -> None:
    found = moments(at("2026-03-29 00:00"), at("2026-03-30 00:00"), Step(Unit.CLOCK, 6 * HOUR_MS), BERLIN)
    assert told(found) == ["03-29 00:00", "03-29 06:00", "03-29 12:00", "03-29 18:00", "03-30 00:00"]


def test_hours_of_a_long_day_are_all_there() -> None:
    found = moments(at("2026-10-25 00:00"), at("2026-10-26 00:00"), Step(Unit.CLOCK, HOUR_MS), BERLIN)
    assert len(found) == 26
    assert {b - a for a, b in itertools.pairwise(found)} == {HOUR_MS}


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    span = at("2026-11-04 12:00"), at("2026-12-04 00:00")
    assert told(moments(*span, Step(Unit.WEEK, 1), BERLIN)) == [
        "11-09 00:00",
        "11-16 00:00",
        "11-23 00:00",
        "11-30 00:00",
    ]
    assert told(moments(*span, Step(Unit.MONTH, 1), BERLIN)) == ["12-01 00:00"]
    assert told(edges(*span, Step(Unit.MONTH, 1), BERLIN)) == ["11-01 00:00", "12-01 00:00", "01-01 00:00"]


def test_half_hour_zones_have_their_own_hours() -> None:
    zone = ZONES["Asia/Kolkata"]
    found = edges(at("2026-11-04 12:10", zone), at("2026-11-04 13:20", zone), Step(Unit.CLOCK, HOUR_MS), zone)
    assert told(found, zone) == ["11-04 12:00", "11-04 13:00", "11-04 14:00"]


@given(
    st.integers(1_600_000_000_000, 1_800_000_000_000),
    st.integers(0, 400 * DAY_MS),
    st.sampled_from(STEPS),
    st.sampled_from(sorted(ZONES)),
)
@example(1_767_205_800_000, 0, Step(Unit.MONTH, 12), "Asia/Kolkata")
def test_edges_hold_the_span_and_go_up(from_ms: int, span_ms: int, step: Step, name: str) -> None:
    span_ms = min(span_ms, 200 * step.about_ms)
    found = edges(from_ms, from_ms + span_ms, step, ZONES[name])
    assert found[0] <= from_ms and found[-1] >= from_ms + span_ms
    assert found[1] > from_ms or span_ms == 0
    assert all(a < b for a, b in itertools.pairwise(found))
    assert found[1:-1] == [
        ms for ms in moments(from_ms + 1, from_ms + span_ms - 1, step, ZONES[name]) if ms < found[-1]
    ]


def test_step_for_a_span_is_the_smallest_with_room() -> None:
    assert step_for(HOUR_MS, 6) == Step(Unit.CLOCK, 10 * 60_000)
    assert step_for(30 * DAY_MS, 8) == Step(Unit.WEEK, 1)
    assert step_for(365 * DAY_MS, 12).unit is Unit.MONTH
    assert step_for(100_000 * DAY_MS, 3) == STEPS[-1]


@pytest.mark.parametrize(
    ("length_ms", "step"),
    [
        (5 * 60_000, Step(Unit.CLOCK, 5 * 60_000)),
        (6 * HOUR_MS, Step(Unit.CLOCK, 6 * HOUR_MS)),
        (DAY_MS, Step(Unit.DAY, 1)),
        (7 * DAY_MS, Step(Unit.WEEK, 1)),
        (30 * DAY_MS, Step(Unit.MONTH, 1)),
    ],
)
def test_lengths_of_bars_are_steps_of_the_calendar(length_ms: int, step: Step) -> None:
    assert step_of(length_ms) == step


def test_labels_say_the_day_at_midnight() -> None:
    hour = Step(Unit.CLOCK, HOUR_MS)
    assert label(at("2026-11-04 00:00"), hour, BERLIN) == "4 Nov"
    assert "13:00" in label(at("2026-11-04 13:00"), hour, BERLIN) or "1:00" in label(
        at("2026-11-04 13:00"), hour, BERLIN
    )
    assert label(at("2026-11-04 00:00"), Step(Unit.MONTH, 1), BERLIN) == "Nov 2026"
    assert label(at("2026-11-04 13:00") + 5_000, Step(Unit.CLOCK, 5_000), BERLIN).count(":") == 2
