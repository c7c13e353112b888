"""What a report says, gathered from the store: pure figures, no words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain.asked_time import asked_time
from pingmon_gui.domain.availability import Availability
from pingmon_gui.domain.history import DAY_MS, FIVE_MINUTES_MS, HISTOGRAM_BUCKETS, HOUR_MS, SeriesRollup, percentile
from pingmon_gui.domain.incident import Incident
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.strip import bar_length_ms, region_bars
from pingmon_gui.domain.timeline import Standing, VerdictSpan
from pingmon_gui.domain.verdict_time import VerdictTime, verdict_time

SHARES = (0.5, 0.95, 0.99)
#: Latency comes from buckets of five minutes up to this span, above from buckets of an hour.
_FINE_SPAN_MS = 7 * DAY_MS


class ReportStore(Protocol):
    """What a report reads."""

    async def judged_until_ms(self) -> int | None: ...

    async def verdict_spans(
        self, monitors: Collection[MonitorId], from_ms: int, to_ms: int
    ) -> dict[MonitorId, list[VerdictSpan]]: ...

    async def incidents(
        self, from_ms: int, to_ms: int, monitors: Collection[MonitorId] | None = None
    ) -> list[Incident]: ...

    async def rollups(
        self, monitor: MonitorId, from_ms: int, to_ms: int, bucket_ms: int, now_ms: int | None = None
    ) -> list[SeriesRollup]: ...

    async def standings(self, monitors: Collection[MonitorId] | None = None) -> dict[MonitorId, list[Standing]]: ...

    async def all_probes(self) -> dict[ProbeId, Probe]: ...


@dataclass(frozen=True)
class RegionReport:
    """One region of a monitor: availability of its results, and latency at SHARES of the good ones (None: none)."""

    region: Region
    availability: Availability
    results: int
    latency_ms: tuple[float | None, ...]


@dataclass(frozen=True)
class MonitorReport:
    """One monitor. `bars` are the times of equal parts of the span, first to last; incidents are oldest first."""

    monitor: Monitor
    time: VerdictTime
    regions: tuple[RegionReport, ...]
    latency_ms: tuple[float | None, ...]
    incidents: tuple[Incident, ...]
    bars: tuple[VerdictTime, ...]

    def longest_outage_ms(self, until_ms: int) -> int:
        """Return how long the longest incident lasted; 0 without any."""
        return max((one.duration_ms(until_ms) for one in self.incidents), default=0)


@dataclass(frozen=True)
class Report:
    """[from_ms, to_ms), made at `made_at_ms`; monitors in the order asked for."""

    from_ms: int
    to_ms: int
    made_at_ms: int
    bar_ms: int
    monitors: tuple[MonitorReport, ...]

    @property
    def time(self) -> VerdictTime:
        """The sum over all monitors."""
        return sum((one.time for one in self.monitors), VerdictTime())


async def gather(store: ReportStore, monitors: Sequence[Monitor], from_ms: int, to_ms: int, now_ms: int) -> Report:
    """Return the report of some monitors; it ends where results are judged at the latest. Raises StorageError."""
    judged_until_ms = await store.judged_until_ms()
    end_ms = max(from_ms + 1, min(to_ms, now_ms, now_ms if judged_until_ms is None else judged_until_ms))
    ids = [monitor.id for monitor in monitors]
    spans = await store.verdict_spans(ids, from_ms, end_ms)
    probes = await store.all_probes()
    standings = await store.standings(ids)
    by_monitor: dict[MonitorId, list[Incident]] = {}
    for incident in reversed(await store.incidents(from_ms, end_ms, ids)):
        if not incident.is_withdrawn:
            by_monitor.setdefault(incident.monitor, []).append(incident)
    bar_ms = bar_length_ms(end_ms - from_ms)
    bucket_ms = FIVE_MINUTES_MS if end_ms - from_ms <= _FINE_SPAN_MS else HOUR_MS
    reports = []
    for monitor in monitors:
        rollups = await store.rollups(monitor.id, from_ms, end_ms, bucket_ms, now_ms)
        regions = _regions(rollups, probes, standings.get(monitor.id, ()), from_ms, end_ms)
        starts = range(from_ms, max(from_ms + 1, end_ms), bar_ms)
        reports.append(
            MonitorReport(
                monitor,
                verdict_time(spans[monitor.id], from_ms, end_ms, monitor.created_at_ms),
                regions,
                _latency([rollup.histogram for rollup in rollups]),
                tuple(by_monitor.get(monitor.id, ())),
                tuple(
                    verdict_time(spans[monitor.id], start, min(start + bar_ms, end_ms), monitor.created_at_ms)
                    for start in starts
                ),
            )
        )
    return Report(from_ms, end_ms, now_ms, bar_ms, tuple(reports))


def _regions(
    rollups: Sequence[SeriesRollup],
    probes: Mapping[ProbeId, Probe],
    standings: Sequence[Standing],
    from_ms: int,
    to_ms: int,
) -> tuple[RegionReport, ...]:
    found = []
    for region in REGIONS:
        mine = [one for one in rollups if (probe := probes.get(one.series.probe)) and probe.region is region]
        if not mine:
            continue
        first_ms = min(from_ms, *(int(one.start_ms[0]) for one in mine))
        (whole,) = region_bars(mine, asked_time(standings, region, from_ms, to_ms), np.array([first_ms, to_ms]))
        found.append(
            RegionReport(
                region,
                whole.time,
                sum(int(one.count.sum()) for one in mine),
                _latency([one.histogram for one in mine]),
            )
        )
    return tuple(found)


def _latency(histograms: Sequence[npt.NDArray[np.uint32]]) -> tuple[float | None, ...]:
    counts = np.zeros(HISTOGRAM_BUCKETS, dtype=np.uint64)
    for one in histograms:
        counts += one.sum(axis=0, dtype=np.uint64)
    if not counts.any():
        return (None,) * len(SHARES)
    return tuple(float(percentile(counts[None, :], share)[0]) for share in SHARES)
