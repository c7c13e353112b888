from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.domain.history import Series, SeriesHistory
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.result import ProbeId, Shared
from pingmon_gui.domain.status import Status
from pingmon_gui.ui.chart_data import Points

SECOND = 1_000
START = 1_700_000_000_000


def history(
    at_s: list[float], total_ms: list[float], status: list[int] | None = None, url: str = "https://a.example/"
) -> SeriesHistory:
    count = len(at_s)
    return SeriesHistory(
        series=Series(MonitorId(2), ProbeId(1), 0, url),
        at_ms=np.array([START + round(at * SECOND) for at in at_s], dtype=np.int64),
        interval_ms=np.full(count, 10 * SECOND, dtype=np.int64),
        status=np.array(status or [Status.ONLINE] * count, dtype=np.int8),
        failure=np.full(count, -1, dtype=np.int8),
        http_status=np.full(count, 200, dtype=np.int16),
        total_ms=np.array(total_ms, dtype=np.float64),
        phases_ms=np.full((count, 5), np.nan),
        queue_ms=np.zeros(count),
        recheck=np.zeros(count, dtype=np.bool_),
        low_confidence=np.zeros(count, dtype=np.bool_),
        detail=Shared([{}], np.zeros(count, dtype=np.int64)),
    )


def test_curve_breaks_where_nothing_is_known_for_longer_than_a_result_speaks() -> None:
    points = Points.of([history([0, 10, 20, 60, 70], [1, 2, 3, 4, 5])], START)
    _, y = points.curve(START, START + 80 * SECOND, 1_000)
    assert np.array_equal(y, [1, 2, 3, np.nan, 4, 5], equal_nan=True)


def test_curve_joins_results_within_two_and_a_half_intervals() -> None:
    points = Points.of([history([0, 25], [1, 2])], START)
    _, y = points.curve(START, START + 80 * SECOND, 1_000)
    assert list(y) == [1, 2]


def test_curve_breaks_at_a_failure_and_marks_it() -> None:
    points = Points.of([history([0, 10, 20], [1, 5_000, 3], [Status.ONLINE, Status.OFFLINE, Status.SLOW])], START)
    _, y = points.curve(START, START + 80 * SECOND, 1_000)
    assert np.array_equal(y, [1, np.nan, 3], equal_nan=True)
    assert list(points.failures_s(START, START + 80 * SECOND)) == [(START + 10 * SECOND) / 1000]


def test_points_leave_out_what_lies_before() -> None:
    points = Points.of([history([-100, 0], [9, 1])], START)
    assert list(points.total_ms) == [1]


def test_another_address_is_marked_where_it_begins() -> None:
    old, new = history([0, 10], [1, 1]), history([20, 30], [2, 2], url="https://b.example/")
    assert Points.of([new, old], START).changed_at_ms == (START + 20 * SECOND,)
    assert Points.of([old], START).changed_at_ms == ()


def test_a_live_result_extends_the_points() -> None:
    points = Points.of([history([0], [1])], START).with_result(START + 10 * SECOND, 7.0, Status.ONLINE, 10 * SECOND)
    assert list(points.curve(START, START + 20 * SECOND, 100)[1]) == [1, 7]
    failed = points.with_result(START + 20 * SECOND, 5_000.0, Status.OFFLINE, 10 * SECOND)
    assert len(failed.failures_s(START, START + 30 * SECOND)) == 1


def test_nearest_says_nothing_where_nothing_is_known() -> None:
    points = Points.of([history([0, 10], [1, 2])], START)
    assert points.nearest(START + 14 * SECOND) == 1
    assert points.nearest(START + 36 * SECOND) is None
    assert points.nearest(START - 1) is None


@given(
    totals=st.lists(st.floats(0.1, 10_000), min_size=1, max_size=400),
    buckets=st.integers(1, 60),
)
def test_thinning_keeps_the_extremes_and_the_bound(totals: list[float], buckets: int) -> None:
    at = [place * 10.0 for place in range(len(totals))]
    points = Points.of([history(at, totals)], START)
    x, y = points.curve(START, START + round(at[-1] * SECOND) + 1, buckets)
    assert (np.nanmin(y), np.nanmax(y)) == (min(totals), max(totals))
    assert not np.isnan(y).any()
    assert len(y) <= 2 * (buckets + 1)
    assert (np.diff(x) > 0).all()


@given(holes=st.lists(st.booleans(), min_size=2, max_size=120))
def test_thinning_loses_no_gap(holes: list[bool]) -> None:
    at, now = [], 0.0
    for is_hole in holes:
        now += 100.0 if is_hole else 10.0
        at.append(now)
    points = Points.of([history(at, [1.0] * len(at))], START)
    _, y = points.curve(START, START + round(now * SECOND), 5)
    assert int(np.isnan(y).sum()) == sum(holes[1:])
