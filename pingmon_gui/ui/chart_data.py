"""From history to what a chart draws: curves with their gaps, failures, and at most two points a pixel. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain.availability import hold_ms
from pingmon_gui.domain.history import SeriesHistory
from pingmon_gui.domain.status import Status

Floats = npt.NDArray[np.float64]


@dataclass
class Points:
    """Results of one probe, ordered by time; NaN totals where there is nothing to draw. One element a result."""

    at_ms: npt.NDArray[np.int64]
    total_ms: Floats
    is_offline: npt.NDArray[np.bool_]
    hold_ms: npt.NDArray[np.int64]
    #: Where another address began to be measured, Unix ms.
    changed_at_ms: tuple[int, ...] = ()

    @classmethod
    def of(cls, histories: Sequence[SeriesHistory], from_ms: int) -> Points:
        """Join the series of one probe (one an address) from `from_ms` on."""
        parts = sorted((h for h in histories if len(h.at_ms)), key=lambda h: int(h.at_ms[0]))
        urls = {part.series.url for part in parts}
        changed = tuple(int(part.at_ms[0]) for part in parts[1:]) if len(urls) > 1 else ()
        at = np.concatenate([part.at_ms for part in parts]) if parts else np.zeros(0, dtype=np.int64)
        status = np.concatenate([part.status for part in parts]) if parts else np.zeros(0, dtype=np.int8)
        total = np.concatenate([part.total_ms for part in parts]) if parts else np.zeros(0)
        interval = np.concatenate([part.interval_ms for part in parts]) if parts else np.zeros(0, dtype=np.int64)
        order = np.argsort(at, kind="stable")
        order = order[at[order] >= from_ms]
        good = (status == Status.ONLINE) | (status == Status.SLOW)
        return cls(
            at[order],
            np.where(good, total, np.nan)[order],
            (status == Status.OFFLINE)[order],
            hold_ms(interval)[order],
            tuple(at_ms for at_ms in changed if at_ms >= from_ms),
        )

    def with_result(self, at_ms: int, total_ms: float | None, status: Status, interval_ms: int) -> Points:
        """Return the points and one newer result."""
        good = status in (Status.ONLINE, Status.SLOW) and total_ms is not None
        return Points(
            np.append(self.at_ms, at_ms),
            np.append(self.total_ms, total_ms if good and total_ms is not None else np.nan),
            np.append(self.is_offline, status is Status.OFFLINE),
            np.append(self.hold_ms, interval_ms * 5 // 2),
            self.changed_at_ms,
        )

    def curve(self, from_ms: int, to_ms: int, buckets: int) -> tuple[Floats, Floats]:
        """Return (times in s, latencies in ms), at most 2 points a bucket besides the breaks.

        A NaN breaks the line wherever the next result came later than the last one speaks for, and
        where a result had no latency: a line is never drawn across what is not known.
        """
        inside = (self.at_ms >= from_ms) & (self.at_ms <= to_ms)
        at, total, hold = self.at_ms[inside], self.total_ms[inside], self.hold_ms[inside]
        breaks = np.zeros(len(at), dtype=np.bool_)
        breaks[1:] = np.diff(at) > hold[:-1]
        return thinned(at, total, breaks | np.isnan(total), from_ms, to_ms, buckets)

    def failures_s(self, from_ms: int, to_ms: int) -> Floats:
        """Return the times of offline results, in seconds."""
        inside = (self.at_ms >= from_ms) & (self.at_ms <= to_ms) & self.is_offline
        times: Floats = self.at_ms[inside] / 1000.0
        return times

    def nearest(self, at_ms: float) -> int | None:
        """Return the place of the result that speaks for a moment, None where nothing is known of it."""
        place = int(np.searchsorted(self.at_ms, at_ms, side="right")) - 1
        if place < 0 or at_ms > self.at_ms[place] + self.hold_ms[place]:
            return None
        return place


def thinned(
    at_ms: npt.NDArray[Any], values: Floats, breaks: npt.NDArray[np.bool_], from_ms: int, to_ms: int, buckets: int
) -> tuple[Floats, Floats]:
    """Return (times in s, values) with at most 2 points a bucket, the extremes, and NaN where a line breaks.

    A line begins anew at `breaks`; what is NaN is left out. Stretches between breaks are thinned by themselves, so
    that no gap is lost by it.
    """
    run = np.cumsum(breaks, dtype=np.int64)
    place = ((at_ms - from_ms) * max(1, buckets) // max(1, to_ms - from_ms)).astype(np.int64)
    known = np.flatnonzero(~np.isnan(values))
    chosen = known[_extremes(run[known], place[known], values[known])]
    x, y, runs = at_ms[chosen] / 1000.0, values[chosen], run[chosen]
    gaps = np.flatnonzero(np.diff(runs) > 0) + 1
    return np.insert(x, gaps, x[gaps - 1] if len(gaps) else 0.0), np.insert(y, gaps, np.nan)


def _extremes(run: npt.NDArray[np.int64], place: npt.NDArray[np.int64], values: Floats) -> npt.NDArray[np.intp]:
    """Return, in order, the places of the smallest and the largest value of each bucket of each run."""
    if len(run) == 0:
        return np.zeros(0, dtype=np.intp)
    is_first = np.append(True, (np.diff(run) != 0) | (np.diff(place) != 0))
    starts = np.flatnonzero(is_first)
    by_value = np.lexsort((values, np.cumsum(is_first)))
    ends = np.append(starts[1:], len(run)) - 1
    return np.unique(np.concatenate([by_value[starts], by_value[ends]]))
