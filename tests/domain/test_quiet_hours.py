"""Quiet hours by weekday and local time, over midnight and over changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.quiet_hours import QuietSpan, clock_minute, quiet_until_ms

BERLIN = ZoneInfo("Europe/Berlin")
WEEKDAYS, WEEKEND = frozenset(range(5)), frozenset((5, 6))


def ms(text: str, zone: ZoneInfo = BERLIN) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def span(days: frozenset[int], start: str, end: str) -> QuietSpan:
    return QuietSpan(days, clock_minute(start), clock_minute(end))


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-24 21:59", None),  # Tuesday
        ("2026-11-24 22:00", "2026-11-25 07:00"),
        ("2026-11-25 06:59", "2026-11-25 07:00"),
        ("2026-11-25 07:00", None),
        ("2026-11-27 23:00", "2026-11-30 07:00"),  # Friday's night joins the weekend, and that Sunday's
        ("2026-11-28 12:00", "2026-11-30 07:00"),
    ],
)
def test_spans_hold_over_midnight_and_join(now: str, until: str | None) -> None:
    spans = [span(frozenset(range(7)), "22:00", "07:00"), span(WEEKEND, "00:00", "00:00")]
    assert quiet_until_ms(spans, ms(now), BERLIN) == (None if until is None else ms(until))


def test_end_is_its_time_of_day_when_clocks_change() -> None:
    night = [span(frozenset(range(7)), "22:00", "07:00")]
    assert quiet_until_ms(night, ms("2026-10-24 23:00"), BERLIN) == ms("2026-10-25 07:00")
    assert ms("2026-10-25 07:00") - ms("2026-10-24 22:00") == 10 * 3_600_000


def test_always_quiet_ends_somewhere() -> None:
    always = [span(frozenset(range(7)), "00:00", "00:00")]
    assert quiet_until_ms(always, ms("2026-11-24 12:00"), BERLIN) == ms("2026-12-10 00:00")


def test_zone_of_this_computer_is_used_where_none_is_given() -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    minute = now.astimezone().hour * 60 + now.astimezone().minute
    spans = [QuietSpan(frozenset(range(7)), minute, (minute + 30) % 1440)]
    assert quiet_until_ms(spans, round(now.timestamp() * 1000)) == round(now.timestamp() * 1000) + 1_800_000


@pytest.mark.parametrize("wrong", ["", "24:00", "12", "1:60", "-1:00", "noon", "٣:٠٠"])
def test_time_that_is_none_is_said_to_be(wrong: str) -> None:
    if wrong == "٣:٠٠":
        assert clock_minute(wrong) == 180  # digits of any script
    else:
        with pytest.raises(InvalidInput, match="no time of the day"):
            clock_minute(wrong)


def test_json_is_read_back() -> None:
    one = span(WEEKDAYS, "22:00", "07:30")
    assert one.to_json() == {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "22:00", "to": "07:30"}
    assert QuietSpan.from_json(one.to_json()) == one
    with pytest.raises(InvalidInput):
        QuietSpan.from_json({"days": ["someday"], "from": "1:00", "to": "2:00"})
