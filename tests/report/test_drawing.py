"""Pictures of reports: everything lies within them, no outage is too small to see, and no line crosses a gap."""

from __future__ import annotations

from datetime import UTC
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.domain.availability import Availability
from pingmon_gui.domain.verdict_time import VerdictTime
from pingmon_gui.report.drawing import Area, Box, Drawing, Ink, Label, Line, latency_chart, strip
from pingmon_gui.report.gather import Latency
from pingmon_gui.report.span import HOUR_MS, bars_of
from pingmon_gui.report.svg import svg

TIMES = st.builds(
    lambda up, down, regional, paused, unknown: VerdictTime(
        Availability(up + regional, up + regional + down, up + regional + down + unknown), regional, paused
    ),
    *[st.integers(0, HOUR_MS)] * 5,
)
LATENCIES: st.SearchStrategy[Latency] = st.just((None, None, None)) | st.lists(
    st.floats(0.1, 60_000), min_size=3, max_size=3
).map(lambda values: tuple(sorted(values)))


def bars(number: int):  # type: ignore[no-untyped-def]
    return bars_of(0, number * HOUR_MS, UTC)


def inside(drawing: Drawing) -> bool:
    points: list[tuple[float, float]] = []
    for shape in drawing.shapes:
        match shape:
            case Box(x, y, width, height):
                points += [(x, y), (x + width, y + height)]
            case Line(more) | Area(more):
                points += more
            case Label(x, y):
                points.append((x, y))
    return all(-0.01 <= x <= drawing.width + 0.01 and -0.01 <= y <= drawing.height + 0.01 for x, y in points)


@given(st.lists(TIMES, min_size=1, max_size=60), st.booleans())
def test_strip_has_whole_bars_within_its_edges(times: list[VerdictTime], with_axis: bool) -> None:
    drawing = strip(times, bars(len(times)), UTC, 300, 20, with_axis=with_axis)
    assert inside(drawing)
    heights: dict[float, float] = {}
    for shape in drawing.shapes:
        if isinstance(shape, Box):
            heights[shape.x] = heights.get(shape.x, 0) + shape.height
    assert list(heights.values()) == [pytest.approx(20)] * len(times)
    ElementTree.fromstring(svg(drawing, is_fluid=with_axis))


def test_second_of_outage_in_a_month_can_be_seen() -> None:
    month = 30 * 24 * HOUR_MS
    time = VerdictTime(Availability(month - 1_000, month, month), 0, 0)
    [bad, good] = [
        shape for shape in strip([time], bars(1), UTC, 10, 26, with_axis=False).shapes if isinstance(shape, Box)
    ]
    assert (bad.ink, good.ink) == (Ink.BAD, Ink.GOOD)
    assert bad.height == pytest.approx(2)
    assert bad.y + bad.height == pytest.approx(26)
    assert "1 s offline" in bad.hint.replace("\u00a0", " ")


@given(st.lists(LATENCIES, min_size=1, max_size=40))
def test_chart_lies_within_its_edges_and_breaks_at_gaps(latencies: list[Latency]) -> None:
    drawing = latency_chart(latencies, bars(len(latencies)), UTC, 500, 96)
    assert inside(drawing)
    medians = [shape for shape in drawing.shapes if isinstance(shape, Line) and shape.ink is Ink.MEDIAN]
    runs = "".join("." if row[0] is None else "x" for row in latencies).split(".")
    assert len(medians) == sum(bool(run) for run in runs)
    assert [len(line.points) for line in medians] == [max(2, len(run)) for run in runs if run]
    ElementTree.fromstring(svg(drawing, is_fluid=True))
