"""From what is known of a region to what a chart draws of it: lines, areas and marks, with their gaps. No Qt.

Times go in as ms and come out as seconds, as pyqtgraph has them. No curve has more than two points a pixel, besides
its breaks; no line is drawn across a stretch of which less than half is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain.availability import held_until_ms, is_available, is_known
from pingmon_gui.domain.history import DAY_MS, SeriesHistory
from pingmon_gui.domain.span import Ints, Spans, merged
from pingmon_gui.domain.status import Status
from pingmon_gui.report.history_view import HistoryView, RegionHistory
from pingmon_gui.ui.chart_data import Floats, Points, thinned


class Kind(Enum):
    """What a chart shows."""

    LATENCY = auto()
    PERCENTILES = auto()
    PHASES = auto()


@dataclass(frozen=True)
class Line:
    """A line with NaN where it breaks. `is_pale`: it is that of IPv6 beside one of IPv4."""

    x_s: Floats
    y_ms: Floats
    is_pale: bool = False


@dataclass(frozen=True)
class Layers:
    """Areas upon each other: `tops_ms` (layers, points), each above the one before it; NaN where they break."""

    x_s: Floats
    tops_ms: Floats


_NOTHING = np.zeros(0)
#: The slowest result of a stretch is marked from so many times what that usually is.
_STANDS_OUT = 2.0


def middles_ms(view: HistoryView, region: RegionHistory) -> Floats:
    """Return where a stretch's value is drawn: its middle, of the running one that of what is over."""
    start = region.buckets.start_ms
    middle: Floats = start + np.minimum(view.shown_ms, np.maximum(1, view.now_ms - start)) / 2
    return middle


def breaks(view: HistoryView, region: RegionHistory, values: Floats) -> npt.NDArray[np.bool_]:
    """Return at which stretches a line begins anew: after a hole, beside one of which less than half is known."""
    start, known = region.buckets.start_ms, region.buckets.known_ms
    over = np.minimum(view.shown_ms, np.maximum(1, view.now_ms - start))
    is_alone = known * 2 < over
    begins = np.append(True, np.diff(start) > view.shown_ms)[: len(start)]
    begins[1:] |= is_alone[1:] | is_alone[:-1]
    fresh: npt.NDArray[np.bool_] = begins | np.isnan(values)
    return fresh


def latency_lines(view: HistoryView, region: RegionHistory, from_ms: int, to_ms: int, pixels: int) -> list[Line]:
    """Return the region's latency: every result, a line per probe, or the medians of stretches."""
    if view.is_raw:
        found = probe_points(region.results, view.from_ms)
        return [
            Line(*points.curve(from_ms, to_ms, pixels), is_pale=is_second and region.has_two_families)
            for (_probe, is_second), points in found.items()
        ]
    return [bucket_line(view, region, region.buckets.median_ms, from_ms, to_ms, pixels)]


def probe_points(results: Sequence[SeriesHistory], from_ms: int) -> dict[tuple[int, bool], Points]:
    """Return the results of each probe, its addresses joined; those of its two families apart."""
    by_voice: dict[tuple[int, bool], list[SeriesHistory]] = {}
    for one in results:
        by_voice.setdefault(one.series.voice, []).append(one)
    return {voice: Points.of(histories, from_ms) for voice, histories in by_voice.items()}


def bucket_line(
    view: HistoryView, region: RegionHistory, values: Floats, from_ms: int, to_ms: int, pixels: int
) -> Line:
    """Return a value per stretch as a line; a stretch before and one after what is shown are in it."""
    at = middles_ms(view, region)
    inside = _with_neighbours(at, from_ms, to_ms)
    fresh = breaks(view, region, values)
    return Line(*thinned(at[inside], values[inside], fresh[inside], from_ms, to_ms, pixels))


def normal_line(view: HistoryView, region: RegionHistory, from_ms: int, to_ms: int) -> Line:
    """Return what is normal for the region as steps of a day."""
    first, last = max(from_ms, view.from_ms) // DAY_MS, (min(to_ms, view.to_ms) - 1) // DAY_MS
    if last < first:
        return Line(_NOTHING, _NOTHING)
    days = np.arange(first, last + 1, dtype=np.int64) * DAY_MS
    usual = region.normal.at(region.normal.median_ms, days)
    x = np.stack((days, days + DAY_MS), axis=1).ravel().clip(from_ms, to_ms)
    return Line(x / 1000, np.repeat(usual, 2))


def percentile_layers(view: HistoryView, region: RegionHistory, from_ms: int, to_ms: int, pixels: int) -> Layers:
    """Return the median, the 95th and the 99th percentile."""
    return _layers(view, region, region.buckets.percentiles_ms, from_ms, to_ms, pixels)


def phase_layers(view: HistoryView, region: RegionHistory, from_ms: int, to_ms: int, pixels: int) -> Layers:
    """Return the phases upon each other, in their order: the highest is the mean of the whole."""
    return _layers(view, region, np.cumsum(region.buckets.phases_ms.T, axis=0), from_ms, to_ms, pixels)


def _layers(view: HistoryView, region: RegionHistory, tops: Floats, from_ms: int, to_ms: int, pixels: int) -> Layers:
    at = middles_ms(view, region)
    inside = _with_neighbours(at, from_ms, to_ms)
    fresh = breaks(view, region, tops[-1])[inside]
    at, tops = at[inside], tops[:, inside]
    if len(at) > 2 * pixels:
        # The highest of each pixel stands for it.
        pixel = ((at - from_ms) * pixels // max(1, to_ms - from_ms)).astype(np.int64)
        run = np.cumsum(fresh)
        order = np.lexsort((np.nan_to_num(tops[-1]), pixel, run))
        is_last = np.append((np.diff(pixel[order]) != 0) | (np.diff(run[order]) != 0), True)
        chosen = np.sort(order[is_last])
        at, tops = at[chosen], tops[:, chosen]
        fresh = np.append(True, np.diff(run[chosen]) > 0)
    # What stands alone is as wide as its stretch.
    gaps = np.flatnonzero(fresh[1:]) + 1
    x, y = np.insert(at, gaps, at[gaps]), np.insert(tops, gaps, np.nan, axis=1)
    return Layers(x / 1000, y)


def failures(view: HistoryView, region: RegionHistory, from_ms: int, to_ms: int) -> tuple[Floats, Floats]:
    """Return where failed results are marked, and what share of all they are there.

    Each of them, or the stretches that hold any.
    """
    if view.is_raw:
        parts = [one.at_ms[(one.status == Status.OFFLINE) & (one.at_ms >= view.from_ms)] for one in region.results]
        at: Floats = np.concatenate(parts).astype(np.float64) if parts else _NOTHING
        share = np.ones(len(at))
    else:
        has_any = region.buckets.offline > 0
        at = middles_ms(view, region)[has_any]
        share = region.buckets.offline[has_any] / region.buckets.count[has_any]
    inside = (at >= from_ms) & (at <= to_ms)
    return at[inside] / 1000, share[inside]


def strays(view: HistoryView, region: RegionHistory, from_ms: int, to_ms: int) -> Line:
    """Return results that took far longer than is normal: each of them, or the slowest of a stretch.

    Nearly every long stretch holds a slow result. So that of a stretch also has to stand out from the others: it took
    twice as long as theirs usually do.
    """
    if view.is_raw:
        nothing = np.zeros(0, dtype=np.int64)
        at = np.concatenate([one.at_ms for one in region.results] or [nothing])
        took = np.concatenate(
            [np.where(is_available(one.status), one.total_ms, np.nan) for one in region.results] or [_NOTHING]
        )
    else:
        at, took = middles_ms(view, region).astype(np.int64), region.buckets.slowest_ms
        if not np.isnan(took).all():
            took = np.where(took > _STANDS_OUT * np.nanmedian(took), took, np.nan)
    with np.errstate(invalid="ignore"):
        chosen = (at >= from_ms) & (at <= to_ms) & (took > region.normal.at(region.normal.stray_ms, at))
    return Line(at[chosen] / 1000, took[chosen])


def unknown_spans(view: HistoryView, regions: Sequence[RegionHistory]) -> Spans:
    """Return when nothing is known from any of the regions, within what was asked of them."""
    asked = Spans.of(pair for one in regions for pair in one.asked.asked).within(view.from_ms, view.now_ms)
    known = Spans.of(pair for one in regions for pair in known_spans(view, one))
    return asked.without(known)


def known_spans(view: HistoryView, region: RegionHistory) -> Spans:
    """Return when something is known of a region; of stretches, those of which any is."""
    if view.is_raw:
        parts = [_spoken(one) for one in region.results]
        return Spans.of(pair for part in parts for pair in part)
    start: Ints = region.buckets.start_ms[region.buckets.known_ms > 0]
    return merged(start, start + view.shown_ms)


def _spoken(one: SeriesHistory) -> Spans:
    chosen = is_known(one.status)
    return merged(one.at_ms[chosen], held_until_ms(one.at_ms, one.interval_ms)[chosen])


def _with_neighbours(at: Floats, from_ms: int, to_ms: int) -> slice:
    first, last = np.searchsorted(at, [from_ms, to_ms], side="left").tolist()
    return slice(max(0, first - 1), last + 1)
