"""The latency histogram: every total is counted once, and percentiles are right within a bucket's width."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.domain.history import EDGES_MS, HISTOGRAM_BUCKETS, Series, SeriesRollup, histogram, percentile
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.result import ProbeId

TOTALS = st.lists(st.floats(0.0, 100_000.0), min_size=1, max_size=200)


@given(TOTALS, st.integers(0, 5))
def test_every_total_is_in_the_bucket_around_it_and_nan_in_none(totals: list[float], unknown: int) -> None:
    counts = histogram(np.array([*totals, *[np.nan] * unknown]))
    assert counts.shape == (HISTOGRAM_BUCKETS,) and int(counts.sum()) == len(totals)
    for place in range(1, HISTOGRAM_BUCKETS - 1):
        assert counts[place] == sum(EDGES_MS[place] <= total < EDGES_MS[place + 1] for total in totals)
    assert counts[0] == sum(total < EDGES_MS[1] for total in totals)


@given(TOTALS, TOTALS)
def test_histograms_add_up(one: list[float], other: list[float]) -> None:
    both = histogram(np.array(one)) + histogram(np.array(other))
    assert both.tolist() == histogram(np.array(one + other)).tolist()


@given(st.lists(st.floats(0.1, 60_000.0), min_size=1, max_size=300), st.floats(0.01, 1.0))
def test_percentile_is_within_a_bucket_of_the_true_one(totals: list[float], share: float) -> None:
    true = sorted(totals)[max(0, int(np.ceil(share * len(totals) - 1e-9)) - 1)]
    (found,) = percentile(histogram(np.array(totals)), share)
    assert true / 1.1501 <= found <= true * 1.1501


def test_percentiles_come_per_row_and_nan_where_nothing_was_counted() -> None:
    counts = np.stack([histogram(np.array([10.0] * 9)), np.zeros(HISTOGRAM_BUCKETS, dtype=np.uint32)])
    found = percentile(counts, 0.95)
    assert found[0] == pytest.approx(10.0, rel=0.15) and np.isnan(found[1])


def test_range_covers_60_seconds() -> None:
    assert EDGES_MS[0] == pytest.approx(0.1)
    assert EDGES_MS[-1] > 60_000


def test_availability_of_a_rollup_is_a_sum() -> None:
    numbers = np.array([3, 4], dtype=np.int64)
    empty = np.zeros((2, HISTOGRAM_BUCKETS), dtype=np.uint32)
    series = Series(MonitorId(2), ProbeId(1), 0, "https://a.example/")
    sums = np.zeros((2, 5))
    one = SeriesRollup(
        series, 300_000, numbers, numbers, numbers, numbers, numbers, numbers * 2, numbers, sums[:, 0], numbers, sums,
        empty,
    )  # fmt: skip
    assert (one.availability(20).available_ms, one.availability(20).known_ms) == (7, 14)
    assert one.availability(20).asked_ms == 20
    assert one.availability(5).asked_ms == 14
