"""History of one series as columns: raw results, and roll-ups with a mergeable latency histogram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain.availability import Availability
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.result import ProbeId, Shared
from pingmon_gui.domain.status import Codes

FIVE_MINUTES_MS = 300_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
ROLLUP_BUCKETS_MS = (FIVE_MINUTES_MS, HOUR_MS, DAY_MS)

#: Latency histogram: bucket i holds totals from EDGES_MS[i] (inclusive) to EDGES_MS[i + 1]; the first also
#: everything below, the last everything above. 96 buckets from 0.1 ms with ratio 1.15 reach 60 s.
HISTOGRAM_BUCKETS = 96
EDGES_MS = 0.1 * 1.15 ** np.arange(HISTOGRAM_BUCKETS + 1)


@dataclass(frozen=True)
class Series:
    """What a series is: one monitor measured by one probe over one family at one address.

    `family` is 4, 6 or 0 for what is found first. It `is_second` where it speaks for IPv6 of a monitor that is, or was,
    measured over each family: what it says is confirmed apart from what the probe's other series say.
    """

    monitor: MonitorId
    probe: ProbeId
    family: int
    url: str
    is_second: bool = False

    @property
    def voice(self) -> tuple[ProbeId, bool]:
        """What is confirmed by its own results in a row: the probe, or one of its two families."""
        return self.probe, self.is_second


@dataclass(frozen=True)
class SeriesHistory:
    """Raw results of one series, ordered by `at_ms`; every array has one element per result.

    NaN where a phase did not happen. `detail` shares dicts `{"message", "address", "hops",
    "certificate"}` and, where its kind has some, "facts"; a hop is kept without its times.
    """

    series: Series
    at_ms: npt.NDArray[np.int64]
    interval_ms: npt.NDArray[np.int64]
    status: Codes
    failure: Codes
    http_status: npt.NDArray[np.int16]
    total_ms: npt.NDArray[np.float64]
    phases_ms: npt.NDArray[np.float64]
    queue_ms: npt.NDArray[np.float64]
    recheck: npt.NDArray[np.bool_]
    low_confidence: npt.NDArray[np.bool_]
    detail: Shared


@dataclass(frozen=True)
class SeriesRollup:
    """Roll-up of one series: one element per bucket that has any result or known time, ordered.

    `total_sum_ms` adds the totals of good (online or slow) results, `histogram` (buckets, 96) counts them;
    `phase_sums_ms` (buckets, phases) adds the phases of `phased` of them (0 where a phase did not happen): fewer than
    all where roll-ups are from before phases were kept. Known and available ms are exact and include the carry-in of
    the last result before.
    """

    series: Series
    bucket_ms: int
    start_ms: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]
    online: npt.NDArray[np.int64]
    slow: npt.NDArray[np.int64]
    offline: npt.NDArray[np.int64]
    known_ms: npt.NDArray[np.int64]
    available_ms: npt.NDArray[np.int64]
    total_sum_ms: npt.NDArray[np.float64]
    phased: npt.NDArray[np.int64]
    phase_sums_ms: npt.NDArray[np.float64]
    histogram: npt.NDArray[np.uint32]

    def availability(self, asked_ms: int) -> Availability:
        """Return the availability over all the buckets; `asked_ms` is the time asked for in them."""
        known = int(self.known_ms.sum())
        return Availability(int(self.available_ms.sum()), known, max(asked_ms, known))


@dataclass(frozen=True)
class SeriesTime:
    """What the results of a monitor of one probe, of either family, come to in a span of any edges.

    Latencies are counted in parts of the span: `middle_ms` (parts), not ordered, and `histograms` (parts, 96).
    Results and latencies are those of whole buckets where the results themselves are kept no longer.
    """

    probe: ProbeId
    is_second: bool
    available_ms: int
    known_ms: int
    results: int
    middle_ms: npt.NDArray[np.int64]
    histograms: npt.NDArray[np.uint32]

    @property
    def histogram(self) -> npt.NDArray[np.int64]:
        """Counts of the whole span, shape (96,)."""
        counts: npt.NDArray[np.int64] = self.histograms.sum(axis=0, dtype=np.int64)
        return counts


def histogram(total_ms: npt.NDArray[np.float64]) -> npt.NDArray[np.uint32]:
    """Return the counts of each histogram bucket, shape (96,); NaN is left out."""
    known = total_ms[~np.isnan(total_ms)]
    place = np.clip(np.searchsorted(EDGES_MS, known, side="right") - 1, 0, HISTOGRAM_BUCKETS - 1)
    return np.bincount(place, minlength=HISTOGRAM_BUCKETS).astype(np.uint32)


def percentile(counts: npt.NDArray[np.integer[Any]], share: float) -> npt.NDArray[np.float64]:
    """Return the latency in ms below which `share` of the counted results lie, for each row of (n, 96).

    Interpolated within the bucket on the log scale: off by at most the bucket's width (15 %). NaN
    where nothing was counted.
    """
    weights = np.atleast_2d(counts).astype(np.float64)
    cumulated = weights.cumsum(axis=1)
    everything = cumulated[:, -1]
    wanted = everything * share
    place = np.minimum((cumulated < wanted[:, None]).sum(axis=1), HISTOGRAM_BUCKETS - 1)
    rows = np.arange(len(weights))
    below = cumulated[rows, place] - weights[rows, place]
    with np.errstate(divide="ignore", invalid="ignore"):
        within = np.where(weights[rows, place] > 0, (wanted - below) / weights[rows, place], 0.0)
    return np.where(everything > 0, EDGES_MS[place] * 1.15**within, np.nan)
