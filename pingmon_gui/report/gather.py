"""What a report says, gathered from the store: pure figures, no words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain.asked_time import asked_time, maintenance_time, region_availability
from pingmon_gui.domain.availability import Availability
from pingmon_gui.domain.history import DAY_MS, HISTOGRAM_BUCKETS, HOUR_MS, SeriesTime, percentile
from pingmon_gui.domain.incident import Incident
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.span import Spans
from pingmon_gui.domain.timeline import Standing, VerdictSpan
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.domain.verdict_time import VerdictTime, verdict_time, verdict_times
from pingmon_gui.report.span import Bars, bars_of

SHARES = (0.5, 0.95, 0.99)
Counts = npt.NDArray[np.int64]
#: Latency at each of SHARES; None: no good result.
Latency = tuple[float | None, ...]
#: Called with how many monitors are done, and of how many; may raise to end the work.
Progress = Callable[[int, int], None]
#: Up to this span latencies are read by the hour, above by the day (of UTC): there would be too many hours.
_FINE_SPAN_MS = 40 * DAY_MS
#: So many monitors are read at a time: the journal is looked through once for all of them.
_TOGETHER = 10


class ReportStore(Protocol):
    """What a report reads."""

    async def judged_until_ms(self) -> int | None: ...

    async def verdict_spans(
        self, monitors: Collection[MonitorId], from_ms: int, to_ms: int
    ) -> dict[MonitorId, list[VerdictSpan]]: ...

    async def incidents(
        self, from_ms: int, to_ms: int, monitors: Collection[MonitorId] | None = None
    ) -> list[Incident]: ...

    async def standings(self, monitors: Collection[MonitorId] | None = None) -> dict[MonitorId, list[Standing]]: ...

    async def span_times(
        self, monitors: Collection[MonitorId], from_ms: int, to_ms: int, bucket_ms: int
    ) -> dict[MonitorId, list[SeriesTime]]: ...

    async def all_probes(self) -> dict[ProbeId, Probe]: ...


@dataclass(frozen=True)
class RegionReport:
    """One region of a monitor: availability of its results, and the latency of the good ones."""

    region: Region
    availability: Availability
    results: int
    latency_ms: Latency


@dataclass(frozen=True)
class Rest:
    """A time that did not count: by hand, or because a maintenance window was on."""

    start_ms: int
    end_ms: int
    is_maintenance: bool


@dataclass(frozen=True)
class MonitorReport:
    """One monitor.

    Attributes:
        bars: its times in each of the report's bars.
        latency_bars: the latency of all its regions in each of them.
        incidents: those that overlap the span, oldest first.
        longest_outage_ms: how long it was offline in a row at most, within the span; `longest_at_ms` is when it began.
        rests: when it was paused or in maintenance, within the span.
        counts: how many good results took how long (the histogram of `domain.history`).
    """

    monitor: Monitor
    time: VerdictTime
    regions: tuple[RegionReport, ...]
    bars: tuple[VerdictTime, ...]
    latency_bars: tuple[Latency, ...]
    incidents: tuple[Incident, ...]
    longest_outage_ms: int
    longest_at_ms: int | None
    rests: tuple[Rest, ...]
    counts: Counts

    @property
    def latency_ms(self) -> Latency:
        return latency_of(self.counts)

    @property
    def outages(self) -> int:
        """How many of the incidents were outages: offline, and not for some regions only."""
        return sum(one.kind is Verdict.OFFLINE for one in self.incidents)

    @property
    def regional_problems(self) -> int:
        return len(self.incidents) - self.outages


@dataclass(frozen=True)
class Report:
    """[from_ms, to_ms) in a time zone, made at `made_at_ms`; monitors in the order asked for.

    It ends before `asked_to_ms` where nothing was judged any more.
    """

    from_ms: int
    to_ms: int
    asked_to_ms: int
    made_at_ms: int
    zone: tzinfo
    bars: Bars
    monitors: tuple[MonitorReport, ...]

    @property
    def has_days_of_utc(self) -> bool:
        """Whether the latency in a bar is that of days in UTC, whatever the zone."""
        return self.to_ms - self.from_ms > _FINE_SPAN_MS

    @property
    def time(self) -> VerdictTime:
        """The sum over all monitors."""
        return sum((one.time for one in self.monitors), VerdictTime())

    @property
    def latency_ms(self) -> Latency:
        """The latency of all good results of all monitors."""
        counts = np.zeros(HISTOGRAM_BUCKETS, dtype=np.int64)
        for one in self.monitors:
            counts += one.counts
        return latency_of(counts)

    @property
    def worst(self) -> MonitorReport | None:
        """The monitor with the longest outage, None if none was offline."""
        longest = max(self.monitors, key=lambda one: one.longest_outage_ms, default=None)
        return longest if longest is not None and longest.longest_outage_ms else None


def empty_report(from_ms: int, to_ms: int, now_ms: int, zone: tzinfo) -> Report:
    """Return a report of no monitors at all."""
    return Report(from_ms, to_ms, to_ms, now_ms, zone, bars_of(from_ms, to_ms, zone), ())


async def gather(
    store: ReportStore,
    monitors: Sequence[Monitor],
    from_ms: int,
    to_ms: int,
    now_ms: int,
    zone: tzinfo,
    progress: Progress = lambda _done, _of: None,
) -> Report:
    """Return the report of some monitors; it ends where results are judged at the latest. Raises StorageError."""
    progress(0, len(monitors))
    judged_until_ms = await store.judged_until_ms()
    asked_to_ms = min(to_ms, now_ms)
    end_ms = max(from_ms + 1, min(asked_to_ms, asked_to_ms if judged_until_ms is None else judged_until_ms))
    bars = bars_of(from_ms, end_ms, zone)
    bucket_ms = HOUR_MS if end_ms - from_ms <= _FINE_SPAN_MS else DAY_MS
    probes = await store.all_probes()
    by_monitor: dict[MonitorId, list[Incident]] = {}
    for incident in reversed(await store.incidents(from_ms, end_ms, {monitor.id for monitor in monitors})):
        if not incident.is_withdrawn:
            by_monitor.setdefault(incident.monitor, []).append(incident)
    reports: list[MonitorReport] = []
    for start in range(0, len(monitors), _TOGETHER):
        some = monitors[start : start + _TOGETHER]
        ids = [monitor.id for monitor in some]
        spans = await store.verdict_spans(ids, from_ms, end_ms)
        times = await store.span_times(ids, from_ms, end_ms, bucket_ms)
        standings = await store.standings(ids)
        for monitor in some:
            stood = standings.get(monitor.id, ())
            regions = _regions(times[monitor.id], probes, stood, from_ms, end_ms)
            known = by_monitor.get(monitor.id, ())
            rests = _rests(spans[monitor.id], maintenance_time(stood, from_ms, end_ms))
            reports.append(_report(monitor, bars, spans[monitor.id], known, regions, times[monitor.id], rests))
            progress(len(reports), len(monitors))
    return Report(from_ms, end_ms, asked_to_ms, now_ms, zone, bars, tuple(reports))


def latency_of(counts: Counts) -> Latency:
    """Return the latency at each of SHARES of what a histogram counts."""
    if not counts.any():
        return (None,) * len(SHARES)
    return tuple(float(percentile(counts[None, :], share)[0]) for share in SHARES)


def _report(
    monitor: Monitor,
    bars: Bars,
    spans: Sequence[VerdictSpan],
    incidents: Sequence[Incident],
    regions: tuple[RegionReport, ...],
    times: Sequence[SeriesTime],
    rests: tuple[Rest, ...],
) -> MonitorReport:
    from_ms, to_ms = bars.edges_ms[0], bars.edges_ms[-1]
    offline = [span for span in spans if span.verdict is Verdict.OFFLINE]
    longest = max(offline, key=lambda span: span.end_ms - span.start_ms, default=None)
    counts = _counts_by_bar(times, bars)
    return MonitorReport(
        monitor=monitor,
        time=verdict_time(spans, from_ms, to_ms, monitor.created_at_ms),
        regions=regions,
        bars=tuple(verdict_times(spans, np.array(bars.edges_ms, dtype=np.int64), monitor.created_at_ms)),
        latency_bars=_latencies(counts),
        incidents=tuple(incidents),
        longest_outage_ms=0 if longest is None else longest.end_ms - longest.start_ms,
        longest_at_ms=None if longest is None else longest.start_ms,
        rests=rests,
        counts=counts.sum(axis=0),
    )


def _rests(spans: Sequence[VerdictSpan], maintenance: Spans) -> tuple[Rest, ...]:
    """Return when it rested, cut where pause and maintenance meet: the verdict is one for both."""
    paused = Spans.of((span.start_ms, span.end_ms) for span in spans if span.verdict is Verdict.PAUSED)
    found = [Rest(begin, end, True) for begin, end in paused.common(maintenance)]
    found += [Rest(begin, end, False) for begin, end in paused.without(maintenance)]
    return tuple(sorted(found, key=lambda one: one.start_ms))


def _regions(
    times: Sequence[SeriesTime],
    probes: Mapping[ProbeId, Probe],
    standings: Sequence[Standing],
    from_ms: int,
    to_ms: int,
) -> tuple[RegionReport, ...]:
    found = []
    for region in REGIONS:
        mine = [one for one in times if (probe := probes.get(one.probe)) and probe.region is region]
        if not mine:
            continue
        asked_ms = asked_time(standings, region, from_ms, to_ms).asked.total_ms
        found.append(
            RegionReport(
                region,
                region_availability(
                    sum(one.available_ms for one in mine), sum(one.known_ms for one in mine), asked_ms, len(mine)
                ),
                sum(one.results for one in mine),
                latency_of(np.sum([one.histogram for one in mine], axis=0, dtype=np.int64)),
            )
        )
    return tuple(found)


def _counts_by_bar(times: Sequence[SeriesTime], bars: Bars) -> Counts:
    """Return the histogram of each bar; a part of a span belongs to the bar that its middle lies in."""
    counts = np.zeros((len(bars), HISTOGRAM_BUCKETS), dtype=np.int64)
    for one in times:
        place = np.searchsorted(bars.edges_ms, one.middle_ms, side="right") - 1
        np.add.at(counts, np.clip(place, 0, len(bars) - 1), one.histograms)
    return counts


def _latencies(counts: Counts) -> tuple[Latency, ...]:
    """Return the latency of each row of counts."""
    columns = [percentile(counts, share) for share in SHARES]
    return tuple(
        tuple(None if np.isnan(value) else float(value) for value in row) for row in np.stack(columns, axis=1).tolist()
    )
