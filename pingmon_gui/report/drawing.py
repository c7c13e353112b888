"""Pictures of reports as plain shapes, so that a page of HTML and a page of paper show the same.

Sizes are in points; y grows downwards. Who draws them decides how an ink looks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum

from pingmon_gui.domain.verdict_time import VerdictTime
from pingmon_gui.report.gather import Latency
from pingmon_gui.report.span import Bars, Unit
from pingmon_gui.report.words import bar_date, latency, length, share

Point = tuple[float, float]
_AXIS_HEIGHT = 13.0
_LEAST_PART = 2.0


class Ink(StrEnum):
    """What a shape means."""

    GOOD = "good"
    REGIONAL = "regional"
    BAD = "bad"
    UNKNOWN = "unknown"
    RESTED = "rested"
    BAND = "band"
    MEDIAN = "median"
    TAIL = "tail"
    GRID = "grid"
    WORDS = "words"


@dataclass(frozen=True)
class Box:
    x: float
    y: float
    width: float
    height: float
    ink: Ink
    hint: str = ""


@dataclass(frozen=True)
class Line:
    points: tuple[Point, ...]
    ink: Ink


@dataclass(frozen=True)
class Area:
    points: tuple[Point, ...]
    ink: Ink


@dataclass(frozen=True)
class Label:
    """A short text; `anchor` is which of its ends lies at x: "start", "middle" or "end"."""

    x: float
    y: float
    text: str
    anchor: str = "start"


Shape = Box | Line | Area | Label


@dataclass(frozen=True)
class Drawing:
    """A picture, and the sentence for those who do not see it."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    words: str


def strip(
    times: Sequence[VerdictTime], bars: Bars, zone: tzinfo, width: float, height: float, *, with_axis: bool
) -> Drawing:
    """Return a bar for each part of the span: from the bottom up offline, regional, unknown, and the rest good.

    A part that is there is at least two points high, so that no outage is too short to be seen.
    """
    step = width / max(1, len(times))
    gap = min(1.0, step / 4)
    shapes: list[Shape] = []
    with_time = bars.unit is Unit.HOUR
    for place, time in enumerate(times):
        y = height
        begin = bar_date(bars.edges_ms[place], zone, with_time=with_time)
        for ink, part in _parts(time, height):
            y -= part
            shapes.append(Box(place * step, y, step - gap, part, ink, f"{begin}: {_told(time)}"))
    whole = height
    if with_axis:
        whole += _AXIS_HEIGHT
        shapes += _dates(bars, zone, width, whole - 2)
    troubled = sum(time.offline_ms > 0 for time in times)
    words = f"{len(times)} {bars.unit}s, {troubled} of them with time offline"
    return Drawing(width, whole, tuple(shapes), words)


def latency_chart(latencies: Sequence[Latency], bars: Bars, zone: tzinfo, width: float, height: float) -> Drawing:
    """Return the median as a line, the band up to 95 % and 99 % as a thin line; nothing where nothing was measured."""
    known = [value for row in latencies for value in row if value is not None]
    left = 44.0
    top = _ceiling(max(known, default=1.0))
    inner, floor = width - left, height - _AXIS_HEIGHT
    step = inner / max(1, len(latencies))

    def at(place: int, value: float) -> Point:
        return left + (place + 0.5) * step, floor - value / top * (floor - 4)

    shapes: list[Shape] = []
    for part in range(3):
        value = top * part / 2
        y = at(0, value)[1]
        shapes.append(Line(((left, y), (width, y)), Ink.GRID))
        shapes.append(Label(left - 5, y + 3, latency(value) if value else "0", "end"))
    for run in _runs(latencies):
        middle = [at(place, row[0] or 0) for place, row in run]
        upper = [at(place, row[1] or 0) for place, row in run]
        tail = [at(place, row[2] or 0) for place, row in run]
        if len(run) == 1:  # a line of one point would not be seen
            middle, upper, tail = (_widened(points[0], step) for points in (middle, upper, tail))
        shapes.append(Area((*middle, *reversed(upper)), Ink.BAND))
        shapes.append(Line(tuple(tail), Ink.TAIL))
        shapes.append(Line(tuple(middle), Ink.MEDIAN))
    shapes += _dates(bars, zone, inner, height - 2, left)
    medians = [row[0] for row in latencies if row[0] is not None]
    words = f"median from {latency(min(medians))} to {latency(max(medians))}" if medians else "nothing was measured"
    return Drawing(width, height, tuple(shapes), f"Latency by {bars.unit}: {words}")


def _parts(time: VerdictTime, height: float) -> list[tuple[Ink, float]]:
    """Return what a bar is made of, from the bottom up; together as high as the bar."""
    known = time.availability.known_ms
    unknown = time.availability.asked_ms - known
    whole = known + unknown + time.paused_ms
    if whole <= 0:
        return [(Ink.RESTED, height)]
    wanted = (
        (Ink.BAD, time.offline_ms),
        (Ink.REGIONAL, time.regional_ms),
        (Ink.UNKNOWN, unknown),
        (Ink.RESTED, time.paused_ms),
    )
    parts = [(ink, max(_LEAST_PART, height * ms / whole)) for ink, ms in wanted if ms > 0]
    good = time.availability.available_ms - time.regional_ms
    if good > 0:
        parts.append((Ink.GOOD, max(_LEAST_PART, height - sum(part for _, part in parts))))
    scale = height / sum(part for _, part in parts)
    return [(ink, part * scale) for ink, part in parts]


def _told(time: VerdictTime) -> str:
    parts = [share(time.availability.ratio)]
    if time.offline_ms:
        parts.append(f"{length(time.offline_ms)} offline")
    if time.regional_ms:
        parts.append(f"{length(time.regional_ms)} regional")
    if time.paused_ms:
        parts.append(f"{length(time.paused_ms)} paused")
    return ", ".join(parts)


def _dates(bars: Bars, zone: tzinfo, width: float, y: float, left: float = 0.0) -> list[Shape]:
    """Return the dates of the first bar, of one in the middle, and of the last."""
    with_time = bars.unit is Unit.HOUR
    last = len(bars) - 1
    places = [(0, "start"), (last, "end")] if last < 6 else [(0, "start"), (last // 2, "middle"), (last, "end")]
    step = width / len(bars)
    ends = {"start": 0.0, "middle": step / 2, "end": step}
    return [
        Label(left + place * step + ends[anchor], y, bar_date(bars.edges_ms[place], zone, with_time=with_time), anchor)
        for place, anchor in places[: 1 if last == 0 else None]
    ]


def _runs(latencies: Sequence[Latency]) -> list[list[tuple[int, Latency]]]:
    """Return the stretches in which something was measured: no line is drawn across a gap."""
    runs: list[list[tuple[int, Latency]]] = []
    for place, row in enumerate(latencies):
        if row[0] is None:
            continue
        if not runs or runs[-1][-1][0] != place - 1:
            runs.append([])
        runs[-1].append((place, row))
    return runs


def _widened(point: Point, step: float) -> list[Point]:
    return [(point[0] - step / 3, point[1]), (point[0] + step / 3, point[1])]


def _ceiling(value: float) -> float:
    """Return the next of 1, 2, 4, 5, 10, 20 ... above a value: halves of them are as round."""
    size = 10 ** math.floor(math.log10(max(value, 1e-3)))
    return float(next(size * step for step in (1, 2, 4, 5, 8, 10, 20) if size * step >= value))
