"""What is normal, and what is slower: counted by hand, and that the rule bends to nothing it should not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.domain.baseline import LEAST_DAYS, NORMAL_DAYS, Baseline, baseline, slow_stretches
from pingmon_gui.domain.history import DAY_MS, FIVE_MINUTES_MS, histogram

FIRST = 20_000


def of_days(*latencies_ms: list[float], first: int = FIRST) -> tuple[np.ndarray, np.ndarray]:
    """Return (start_ms, histogram) of days that follow each other."""
    start = (first + np.arange(len(latencies_ms))) * DAY_MS
    return start, np.stack([histogram(np.array(each, dtype=np.float64)) for each in latencies_ms])


def usual(days: int, ms: float = 80.0) -> list[list[float]]:
    """Return days on which one result in ten takes half as long again."""
    return [[ms] * 90 + [ms * 1.5] * 10] * days


def test_normal_is_the_median_of_the_days_before_and_the_limit_lies_above_what_nearly_all_took() -> None:
    start, counts = of_days(*usual(14))
    found = baseline(start, counts, FIRST + 14, FIRST + 14)
    assert found.median_ms[0] == pytest.approx(80, rel=0.08)
    assert 120 < found.limit_ms[0] < 160
    assert found.stray_ms[0] >= found.limit_ms[0]


def test_day_itself_does_not_count_for_its_normal() -> None:
    start, counts = of_days(*usual(14), *usual(1, ms=900))
    found = baseline(start, counts, FIRST + 14, FIRST + 15)
    assert found.median_ms[0] == pytest.approx(80, rel=0.08)
    assert found.median_ms[1] == pytest.approx(80, rel=0.08)


def test_too_few_days_or_results_are_no_normal() -> None:
    start, counts = of_days(*usual(LEAST_DAYS - 1))
    assert np.isnan(baseline(start, counts, FIRST + 5, FIRST + 5).limit_ms).all()
    start, counts = of_days([80.0] * 5, [80.0] * 5, [80.0] * 5)
    assert np.isnan(baseline(start, counts, FIRST + 5, FIRST + 5).median_ms).all()
    start, counts = of_days(*usual(LEAST_DAYS))
    assert not np.isnan(baseline(start, counts, FIRST + 5, FIRST + 5).median_ms).any()


def test_what_is_slow_for_good_becomes_normal_within_a_fortnight() -> None:
    start, counts = of_days(*usual(14), *usual(14, ms=300))
    found = baseline(start, counts, FIRST + 14, FIRST + 28)
    assert found.limit_ms[0] < 300 < found.limit_ms[-1]


def test_outside_of_its_days_nothing_is_known() -> None:
    start, counts = of_days(*usual(14))
    found = baseline(start, counts, FIRST + 14, FIRST + 15)
    times = np.array([FIRST + 13, FIRST + 14, FIRST + 15, FIRST + 16]) * DAY_MS
    assert np.isnan(found.at(found.median_ms, times)).tolist() == [True, False, False, True]


def buckets(medians: list[float]) -> tuple[np.ndarray, np.ndarray]:
    return FIRST * DAY_MS + FIVE_MINUTES_MS * np.arange(len(medians)), np.array(medians)


NORMAL = Baseline(FIRST, np.array([80.0]), np.array([130.0]), np.array([200.0]))


def test_stretches_above_the_limit_are_told_with_their_worst_and_what_was_normal() -> None:
    start, medians = buckets([80, 140, 250, 140, 80, np.nan, 131, 130])
    found = slow_stretches(start, FIVE_MINUTES_MS, medians, np.full(8, 30), NORMAL)
    assert [(one.start_ms, one.end_ms) for one in found] == [
        (int(start[1]), int(start[4])),
        (int(start[6]), int(start[7])),
    ]
    assert [(one.median_ms, one.normal_ms) for one in found] == [(250, 80), (131, 80)]


def test_buckets_of_few_results_and_a_hole_between_buckets_join_nothing() -> None:
    start, medians = buckets([140, 140, 140])
    assert slow_stretches(start, FIVE_MINUTES_MS, medians, np.array([2, 2, 2]), NORMAL) == []
    found = slow_stretches(start[[0, 2]], FIVE_MINUTES_MS, medians[[0, 2]], np.array([30, 30]), NORMAL)
    assert len(found) == 2


def test_without_a_normal_nothing_is_slower() -> None:
    start, medians = buckets([9_000])
    unknown = np.array([np.nan])
    assert (
        slow_stretches(start, FIVE_MINUTES_MS, medians, np.array([30]), Baseline(FIRST, unknown, unknown, unknown))
        == []
    )


@given(st.lists(st.lists(st.floats(0.2, 20_000), min_size=1, max_size=40), min_size=NORMAL_DAYS, max_size=NORMAL_DAYS))
def test_limit_is_above_the_median_and_a_day_like_those_before_is_not_slower(days: list[list[float]]) -> None:
    start, counts = of_days(*days)
    found = baseline(start, counts, FIRST + NORMAL_DAYS, FIRST + NORMAL_DAYS)
    if np.isnan(found.median_ms[0]):
        assert sum(map(len, days)) < 60
        return
    assert found.limit_ms[0] >= found.median_ms[0] + 5
    at = np.array([(FIRST + NORMAL_DAYS) * DAY_MS])
    assert slow_stretches(at, DAY_MS, found.median_ms, np.array([100]), found) == []
