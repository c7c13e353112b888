"""What is normal for a monitor seen from a region, and when it was slower than that.

Normal for a day is what the good results of the fourteen days before it were. A stretch of time is slower than normal
when half of its results took longer than all but one in twenty of those, by a margin: the measure of how far results
stray is each region's own. A single result strays when it took longer than all but one in a thousand, by the same
margin, and twice as long as the median. So what is slow for good becomes normal within a fortnight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain.history import DAY_MS, HISTOGRAM_BUCKETS, percentile
from pingmon_gui.domain.span import Ints, runs

Floats = npt.NDArray[np.float64]

NORMAL_DAYS = 14
#: Fewer days with results, or fewer results, say nothing about what is normal.
LEAST_DAYS = 3
LEAST_RESULTS = 60
#: A bucket with fewer good results has no median to speak of.
LEAST_IN_BUCKET = 3
#: The margins: a place of the histogram (its percentiles are no more exact), above the median, and in ms.
ABOVE_SHARE, ABOVE_MEDIAN, ABOVE_MS = 1.15, 1.3, 5.0
#: A single result strays from so many times the median on.
STRAY_MEDIAN = 2.0


@dataclass(frozen=True)
class Baseline:
    """What is normal on each of some days (UTC), which follow each other; NaN where too little is known.

    `limit_ms` is what the median of a stretch has to exceed to be slower than normal, `stray_ms` the same for a
    single result.
    """

    first_day: int
    median_ms: Floats
    limit_ms: Floats
    stray_ms: Floats

    def at(self, column: Floats, times_ms: Ints) -> Floats:
        """Return what one of the columns is at each moment, NaN outside of the days."""
        day = times_ms // DAY_MS - self.first_day
        inside = (day >= 0) & (day < len(column))
        return np.where(inside, np.append(column, np.nan)[np.where(inside, day, -1)], np.nan)


@dataclass(frozen=True)
class SlowStretch:
    """A stretch of buckets slower than normal: the highest of their medians, and what was normal then."""

    start_ms: int
    end_ms: int
    median_ms: float
    normal_ms: float


def baseline(start_ms: Ints, histogram: npt.NDArray[np.uint32], first_day: int, last_day: int) -> Baseline:
    """Return what is normal on the days from `first_day` to `last_day`, from the histograms of days before.

    `start_ms` and `histogram` (days, 96) are the region's good results by day, in any order; a day may come twice.
    """
    days = np.arange(first_day - NORMAL_DAYS, last_day + 1)
    place = start_ms // DAY_MS - days[0]
    inside = (place >= 0) & (place < len(days))
    counts = np.zeros((len(days), HISTOGRAM_BUCKETS), dtype=np.int64)
    np.add.at(counts, place[inside], histogram[inside].astype(np.int64))
    # The sum over the days before each day, as the difference of two running sums.
    before = np.concatenate((np.zeros((1, HISTOGRAM_BUCKETS), dtype=np.int64), np.cumsum(counts, axis=0)))
    window = before[NORMAL_DAYS : NORMAL_DAYS + last_day - first_day + 1] - before[: last_day - first_day + 1]
    has_any = np.concatenate(([0], np.cumsum(counts.any(axis=1))))
    number = has_any[NORMAL_DAYS : NORMAL_DAYS + len(window)] - has_any[: len(window)]
    is_known = (number >= LEAST_DAYS) & (window.sum(axis=1) >= LEAST_RESULTS)
    median, high, highest = (np.where(is_known, percentile(window, share), np.nan) for share in (0.5, 0.95, 0.999))
    least = np.maximum(median * ABOVE_MEDIAN, median + ABOVE_MS)
    limit = np.maximum(high * ABOVE_SHARE, least)
    stray = np.maximum(highest * ABOVE_SHARE, np.maximum(median * STRAY_MEDIAN, least))
    return Baseline(first_day, median, limit, stray)


def slow_stretches(
    start_ms: Ints, bucket_ms: int, median_ms: Floats, good: Ints, normal: Baseline
) -> list[SlowStretch]:
    """Return the stretches slower than normal, from buckets by time with their medians and numbers of good results."""
    usual, limit = normal.at(normal.median_ms, start_ms), normal.at(normal.limit_ms, start_ms)
    with np.errstate(invalid="ignore"):
        is_slow = (good >= LEAST_IN_BUCKET) & (median_ms > limit)
    places = np.flatnonzero(is_slow)
    found = []
    for first, last in zip(*runs(np.diff(start_ms[places]) <= bucket_ms, len(places)), strict=True):
        stretch = places[first : last + 1]
        worst = stretch[int(np.argmax(median_ms[stretch]))]
        found.append(
            SlowStretch(
                int(start_ms[stretch[0]]),
                int(start_ms[stretch[-1]]) + bucket_ms,
                float(median_ms[worst]),
                float(usual[worst]),
            )
        )
    return found
