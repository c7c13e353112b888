"""Spans of reports by the calendar of a zone, with clocks that jump."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.report.span import DAY_MS, HOUR_MS, MOST_BARS, Preset, Unit, bars_of, iso, parse_period, preset_span

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Sao_Paulo", "Pacific/Apia")]


def ms(text: str, zone: ZoneInfo = BERLIN) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


NOW_MS = ms("2026-03-30T09:30:00")


@pytest.mark.parametrize(
    ("period", "from_", "to"),
    [
        ("24h", "2026-03-29T09:30", "2026-03-30T09:30"),
        ("this-month", "2026-03-01", "2026-03-30T09:30"),
        ("Last-Month", "2026-02-01", "2026-03-01"),
        ("2026-02", "2026-02-01", "2026-03-01"),
        ("2025-12", "2025-12-01", "2026-01-01"),
        ("2025", "2025-01-01", "2026-01-01"),
    ],
)
def test_period_is_that_of_the_calendar(period: str, from_: str, to: str) -> None:
    assert parse_period(period, NOW_MS, BERLIN) == (ms(from_), ms(to))


def test_last_days_are_whole_days_of_time_though_the_clocks_jumped() -> None:
    assert preset_span(Preset.LAST_7_DAYS, NOW_MS, BERLIN) == (ms("2026-03-23T08:30"), NOW_MS)


@pytest.mark.parametrize("text", ["", "soon", "2026-13", "26-01", "2026-1", "31d", "9999-12-01", "1969"])
def test_what_is_no_period_is_a_sentence(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_period(text, NOW_MS, BERLIN)


@pytest.mark.parametrize(
    ("days", "unit", "number"),
    [(1, Unit.HOUR, 25), (3, Unit.HOUR, 73), (7, Unit.DAY, 8), (30, Unit.DAY, 31), (365, Unit.WEEK, 54),
     (1_000, Unit.MONTH, 33)],
)  # fmt: skip
def test_bars_are_hours_days_weeks_or_months(days: int, unit: Unit, number: int) -> None:
    bars = bars_of(NOW_MS - days * DAY_MS, NOW_MS, BERLIN)
    assert (bars.unit, len(bars)) == (unit, number)


def test_day_on_which_the_clocks_jump_is_an_hour_shorter() -> None:
    bars = bars_of(ms("2026-03-25"), ms("2026-03-31"), BERLIN)
    lengths = [after - before for before, after in zip(bars.edges_ms, bars.edges_ms[1:], strict=False)]
    assert lengths == [DAY_MS] * 4 + [DAY_MS - HOUR_MS, DAY_MS]


@given(st.sampled_from(ZONES), st.integers(0, 2**41), st.integers(1, 2_000 * DAY_MS))
def test_bars_are_few_and_fill_the_span(zone: ZoneInfo, from_ms: int, length_ms: int) -> None:
    bars = bars_of(from_ms, from_ms + length_ms, zone)
    assert (bars.edges_ms[0], bars.edges_ms[-1]) == (from_ms, from_ms + length_ms)
    assert all(before < after for before, after in zip(bars.edges_ms, bars.edges_ms[1:], strict=False))
    assert len(bars) <= MOST_BARS
    for edge_ms in bars.edges_ms[1:-1]:
        at = datetime.fromtimestamp(edge_ms / 1000, zone)
        assert (at.minute, at.second, at.microsecond) == (0, 0, 0)
        assert bars.unit is Unit.HOUR or at.hour in (0, 1)  # midnight, unless the clocks jumped over it


def test_time_for_machines() -> None:
    assert iso(ms("2026-03-30T09:30")) == "2026-03-30T07:30:00Z"
