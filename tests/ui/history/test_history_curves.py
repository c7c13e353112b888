"""What charts draw of a history: no line across a gap, no more points than can be seen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pingmon_gui.domain.history import DAY_MS, HOUR_MS
from pingmon_gui.domain.region import Region
from pingmon_gui.report.history_view import HistoryView, RegionHistory
from pingmon_gui.ui import history_curves as curves
from tests.report.story import MINUTE_MS, NOW_MS, day

ViewOf = Callable[[int, int], HistoryView]


def region_of(view: HistoryView, region: Region = Region.EU) -> RegionHistory:
    found = view.region(region)
    assert found is not None
    return found


def drawn_ms(line: curves.Line) -> list[tuple[int, int]]:
    """Return the stretches of time that a line is drawn across without a break."""
    is_there = ~np.isnan(line.y_ms)
    ends = np.flatnonzero(np.diff(np.concatenate(([False], is_there, [False])).astype(np.int8)))
    times = np.round(line.x_s * 1000).astype(np.int64)
    return [(int(times[a]), int(times[b - 1])) for a, b in zip(ends[::2], ends[1::2], strict=True)]


@pytest.mark.parametrize("hours", [5, 24, 3 * 24])
def test_no_line_is_drawn_across_an_outage_or_a_gap(view_of: ViewOf, hours: int) -> None:
    middle = day(3, 10)
    view = view_of(middle - hours * HOUR_MS // 2, middle + hours * HOUR_MS // 2)
    for line in curves.latency_lines(view, region_of(view), view.from_ms, view.to_ms, 800):
        for begin, end in drawn_ms(line):
            for bad_from, bad_to in ((day(3, 6), day(3, 6.5)), (day(3, 10.1), day(3, 12)), (day(3, 14.1), day(3, 15))):
                assert not (begin < bad_from and end > bad_to)


@pytest.mark.parametrize("pixels", [50, 300, 900])
@pytest.mark.parametrize("hours", [1, 6, 24, 100])
def test_no_curve_has_more_than_two_points_a_pixel(view_of: ViewOf, hours: int, pixels: int) -> None:
    view = view_of(NOW_MS - hours * HOUR_MS, NOW_MS)
    for one in view.regions:
        lines = curves.latency_lines(view, one, view.from_ms, view.to_ms, pixels)
        for line in lines:
            assert int((~np.isnan(line.y_ms)).sum()) <= 2 * (pixels + 2)
        for layers in (
            curves.percentile_layers(view, one, view.from_ms, view.to_ms, pixels),
            curves.phase_layers(view, one, view.from_ms, view.to_ms, pixels),
        ):
            assert int((~np.isnan(layers.tops_ms[-1])).sum()) <= 2 * (pixels + 2)


def test_layers_lie_upon_each_other_and_break_where_nothing_was_measured(view_of: ViewOf) -> None:
    view = view_of(day(3), day(4))
    one = region_of(view)
    for layers in (
        curves.percentile_layers(view, one, view.from_ms, view.to_ms, 800),
        curves.phase_layers(view, one, view.from_ms, view.to_ms, 800),
    ):
        known = ~np.isnan(layers.tops_ms[-1])
        assert (np.diff(layers.tops_ms[:, known], axis=0) >= 0).all()
        assert not known.all()
    phases = curves.phase_layers(view, one, view.from_ms, view.to_ms, 800)
    assert np.nanmax(np.abs(phases.tops_ms[-1] - 80)) < 0.01


def test_failures_are_marked_with_their_share(view_of: ViewOf) -> None:
    view = view_of(day(3, 5), day(3, 8))
    at, share = curves.failures(view, region_of(view), view.from_ms, view.to_ms)
    assert len(at) == 30 and (share == 1).all()
    assert at[0] * 1000 == day(3, 6)
    view = view_of(day(3), day(4))
    at, share = curves.failures(view, region_of(view), view.from_ms, view.to_ms)
    assert len(at) == 6 and (share == 1).all()
    assert curves.failures(view, region_of(view, Region.NA), view.from_ms, view.to_ms)[0].tolist() == []


def test_result_that_took_far_longer_than_normal_strays_alone(view_of: ViewOf) -> None:
    view = view_of(day(4, 10), day(4, 14))
    stray = curves.strays(view, region_of(view), view.from_ms, view.to_ms)
    assert (stray.x_s * 1000).tolist() == [day(4, 12)] and stray.y_ms.tolist() == [5_000]
    view = view_of(day(4), day(4, 15))
    stray = curves.strays(view, region_of(view), view.from_ms, view.to_ms)
    assert len(stray.x_s) == 1 and stray.y_ms[0] == pytest.approx(5_000, rel=0.08)
    assert len(curves.strays(view, region_of(view, Region.NA), view.from_ms, view.to_ms).x_s) == 0


def test_unknown_is_what_no_region_knows_of_the_time_it_was_asked_for(view_of: ViewOf) -> None:
    view = view_of(day(3, 9), day(3, 13))
    found = list(curves.unknown_spans(view, view.regions))
    # The last results before speak for 2.5 minutes.
    assert found == [(day(3, 10) + MINUTE_MS * 3 // 2, day(3, 12))]
    view = view_of(day(3), day(4))
    (begin, end), *rest = curves.unknown_spans(view, view.regions)
    assert day(3, 10) <= begin <= day(3, 10.1) and end == day(3, 12) and rest == []


def test_normal_is_drawn_for_the_days_that_have_one(view_of: ViewOf) -> None:
    view = view_of(day(2), NOW_MS)
    line = curves.normal_line(view, region_of(view), view.from_ms, view.to_ms)
    assert (np.diff(line.x_s) >= 0).all()
    assert np.isnan(line.y_ms[:2]).all()
    assert line.y_ms[-1] == pytest.approx(80, rel=0.08)


def test_running_stretch_is_drawn_in_the_middle_of_what_is_over(view_of: ViewOf) -> None:
    view = view_of(NOW_MS - DAY_MS, NOW_MS)
    middles = curves.middles_ms(view, region_of(view))
    assert middles[-1] < NOW_MS
    assert (np.diff(middles) > 0).all()
