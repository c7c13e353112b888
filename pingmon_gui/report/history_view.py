"""What the charts of one domain show of a span of time: read from the store, merged by region, ready to be drawn."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from pingmon_probe.protocol import PHASES

from pingmon_gui.domain.asked_time import AskedTime, asked_from_ms, asked_time, maintenance_time, standing_spans
from pingmon_gui.domain.baseline import NORMAL_DAYS, Baseline, SlowStretch, baseline, slow_stretches
from pingmon_gui.domain.family import AUTOMATIC, IPV6
from pingmon_gui.domain.history import (
    DAY_MS,
    EDGES_MS,
    HISTOGRAM_BUCKETS,
    SeriesHistory,
    SeriesRollup,
    percentile,
)
from pingmon_gui.domain.incident import Incident
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.resolution import Kept, bucket_length_ms, shown_length_ms, shows_results
from pingmon_gui.domain.span import Ints, Spans
from pingmon_gui.domain.timeline import VerdictSpan
from pingmon_gui.report.explain import HistoryStore
from pingmon_gui.report.gather import SHARES

Floats = npt.NDArray[np.float64]
OfSeries = TypeVar("OfSeries", SeriesRollup, SeriesHistory)
#: What the highest place of a histogram that is not empty stands for.
_PLACE_MS = np.sqrt(EDGES_MS[:-1] * EDGES_MS[1:])


@dataclass(frozen=True)
class RegionBuckets:
    """Stretches of `shown_ms` of a region over all its probes and addresses, by time; empty ones are absent.

    Latencies are NaN without good results. `percentiles_ms` (SHARES, buckets), `mean_ms`, `slowest_ms` (exact to the
    histogram's 15 %); `phases_ms` (buckets, phases) are means over the good results whose phases are known.
    """

    start_ms: Ints
    count: Ints
    good: Ints
    offline: Ints
    known_ms: Ints
    percentiles_ms: Floats
    mean_ms: Floats
    slowest_ms: Floats
    phases_ms: Floats
    histogram: Ints

    @property
    def median_ms(self) -> Floats:
        median: Floats = self.percentiles_ms[0]
        return median


@dataclass(frozen=True)
class RegionHistory:
    """One region. `results` is empty unless single results are shown; `rollups` are what `buckets` are made of.

    A probe counts twice in `voices` where it measures each family.
    """

    region: Region
    voices: int
    results: tuple[SeriesHistory, ...]
    rollups: tuple[SeriesRollup, ...]
    buckets: RegionBuckets
    normal: Baseline
    slower: tuple[SlowStretch, ...]
    asked: AskedTime

    @property
    def has_two_families(self) -> bool:
        """Whether single results of both families are in it."""
        return len({one.series.is_second for one in self.results}) > 1


@dataclass(frozen=True)
class HistoryView:
    """[from_ms, to_ms) of a domain as charts show it. `address_changes_ms` are when other addresses began.

    Availability is counted in buckets of `bucket_ms`, latency drawn in stretches of `shown_ms`, or result by result
    where it `is_raw`. `maintenance` is the part of `paused` that maintenance windows were on in. Where it
    `has_families` there is something of each, and regions show both together or the one that was asked for.
    """

    monitor: MonitorId
    from_ms: int
    to_ms: int
    now_ms: int
    bucket_ms: int
    shown_ms: int
    is_raw: bool
    kept: Kept
    asked_from_ms: int
    judged_until_ms: int
    regions: tuple[RegionHistory, ...]
    verdicts: tuple[VerdictSpan, ...]
    incidents: tuple[Incident, ...]
    paused: Spans
    maintenance: Spans
    address_changes_ms: tuple[int, ...]
    has_families: bool = False

    def region(self, region: Region) -> RegionHistory | None:
        return next((one for one in self.regions if one.region is region), None)


async def read_history(
    store: HistoryStore,
    monitor: MonitorId,
    from_ms: int,
    to_ms: int,
    span_ms: int,
    now_ms: int,
    family: int = AUTOMATIC,
) -> HistoryView:
    """Return what charts show of [from_ms, to_ms) where one looks at `span_ms` at a time. Raises StorageError.

    The detail follows from that. Nothing is known of the time after `now_ms`. Where each family is measured, `family`
    says which of them regions show; AUTOMATIC is both.
    """
    kept = await store.kept_since()
    bucket_ms = bucket_length_ms(from_ms, from_ms + span_ms, kept)
    shown_ms = shown_length_ms(span_ms, bucket_ms)
    is_raw = shows_results(from_ms, from_ms + span_ms, kept)
    first_ms = from_ms // bucket_ms * bucket_ms
    last_ms = max(first_ms + bucket_ms, min(to_ms, now_ms))
    rollups = await store.rollups(monitor, first_ms, last_ms, bucket_ms, now_ms)
    results = await store.results(monitor, first_ms, last_ms) if is_raw else []
    days_from_ms = (first_ms // DAY_MS - NORMAL_DAYS) * DAY_MS
    days = await store.rollups(monitor, days_from_ms, last_ms, DAY_MS)
    has_families = any(one.series.is_second for one in (*rollups, *days))
    if has_families and family:
        rollups, days = _of_family(rollups, family), _of_family(days, family)
        results = _of_family(results, family)
    probes = await store.all_probes()
    standings = (await store.standings([monitor])).get(monitor, [])
    judged_until_ms = await store.judged_until_ms()
    verdicts = (await store.verdict_spans([monitor], first_ms, last_ms))[monitor]
    incidents = await store.incidents(first_ms, last_ms, [monitor])

    def build() -> HistoryView:
        by_region = {id_: probe.region for id_, probe in probes.items()}
        watched = {region for standing in standings for region in standing.regions}

        def region_of(one: SeriesRollup | SeriesHistory) -> Region | None:
            return by_region.get(one.series.probe)

        found = []
        for region in REGIONS:
            mine = tuple(one for one in rollups if region_of(one) is region)
            if not mine and region not in watched:
                continue
            found.append(
                _region_history(
                    region,
                    tuple(one for one in results if region_of(one) is region),
                    mine,
                    [one for one in days if region_of(one) is region],
                    asked_time(standings, region, first_ms, last_ms),
                    (first_ms, last_ms, shown_ms),
                )
            )
        return HistoryView(
            monitor=monitor,
            from_ms=first_ms,
            to_ms=last_ms,
            now_ms=now_ms,
            bucket_ms=bucket_ms,
            shown_ms=shown_ms,
            is_raw=is_raw,
            kept=kept,
            asked_from_ms=asked_from_ms(standings),
            judged_until_ms=0 if judged_until_ms is None else min(judged_until_ms, now_ms),
            regions=tuple(found),
            verdicts=tuple(verdicts),
            incidents=tuple(one for one in incidents if not one.is_withdrawn),
            paused=standing_spans(standings, last_ms, lambda one: one.is_paused).within(first_ms, last_ms),
            maintenance=maintenance_time(standings, first_ms, last_ms),
            address_changes_ms=_address_changes(rollups, results),
            has_families=has_families,
        )

    return await asyncio.to_thread(build)


def _of_family(some: Sequence[OfSeries], family: int) -> list[OfSeries]:
    return [one for one in some if one.series.is_second == (family == IPV6)]


def merged_buckets(rollups: Sequence[SeriesRollup], shown_ms: int) -> RegionBuckets:
    """Return the buckets of several series as one, by time, in stretches of `shown_ms`."""
    starts = [one.start_ms // shown_ms * shown_ms for one in rollups]
    start_ms, place = np.unique(np.concatenate(starts) if starts else np.zeros(0, dtype=np.int64), return_inverse=True)

    def summed(name: str, shape: tuple[int, ...] = (), kind: type = np.int64) -> npt.NDArray[np.generic]:
        total: npt.NDArray[np.generic] = np.zeros((len(start_ms), *shape), dtype=kind)
        if starts:
            np.add.at(total, place, np.concatenate([getattr(one, name) for one in rollups]))
        return total

    histogram = summed("histogram", (HISTOGRAM_BUCKETS,)).astype(np.int64)
    good = histogram.sum(axis=1)
    phased = summed("phased").astype(np.int64)
    highest = HISTOGRAM_BUCKETS - 1 - np.argmax(histogram[:, ::-1] > 0, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_ms = np.where(good > 0, summed("total_sum_ms", kind=np.float64).astype(np.float64) / good, np.nan)
        phases_ms = summed("phase_sums_ms", (len(PHASES),), np.float64).astype(np.float64) / phased[:, None]
    return RegionBuckets(
        start_ms=start_ms,
        count=summed("count").astype(np.int64),
        good=good,
        offline=summed("offline").astype(np.int64),
        known_ms=summed("known_ms").astype(np.int64),
        percentiles_ms=np.stack([percentile(histogram, share) for share in SHARES]),
        mean_ms=mean_ms,
        slowest_ms=np.where(good > 0, _PLACE_MS[highest], np.nan),
        phases_ms=np.where(phased[:, None] > 0, phases_ms, np.nan),
        histogram=histogram,
    )


def _region_history(
    region: Region,
    results: tuple[SeriesHistory, ...],
    rollups: tuple[SeriesRollup, ...],
    days: Sequence[SeriesRollup],
    asked: AskedTime,
    span: tuple[int, int, int],
) -> RegionHistory:
    first_ms, last_ms, shown_ms = span
    buckets = merged_buckets(rollups, shown_ms)
    day_starts = [one.start_ms for one in days] or [np.zeros(0, dtype=np.int64)]
    histograms = [one.histogram for one in days] or [np.zeros((0, HISTOGRAM_BUCKETS), dtype=np.uint32)]
    normal = baseline(
        np.concatenate(day_starts), np.concatenate(histograms), first_ms // DAY_MS, (last_ms - 1) // DAY_MS
    )
    slower = slow_stretches(buckets.start_ms, shown_ms, buckets.median_ms, buckets.good, normal)
    voices = len({one.series.voice for one in rollups})
    return RegionHistory(region, voices, results, rollups, buckets, normal, tuple(slower), asked)


def _address_changes(rollups: Sequence[SeriesRollup], results: Sequence[SeriesHistory]) -> tuple[int, ...]:
    """Return when another address than before began to be measured, to the bucket or the result."""
    urls = {one.series.url for one in rollups}
    if len(urls) < 2:
        return ()
    measured: dict[int, set[str]] = {}
    for one in rollups:
        for start_ms in one.start_ms[one.count > 0].tolist():
            measured.setdefault(start_ms, set()).add(one.series.url)
    found = []
    present: str | None = None
    for start_ms, there in sorted(measured.items()):
        others = sorted(there - {present})
        if not others:
            continue
        if present is not None:
            exact = [
                each for one in results if one.series.url == others[0] for each in one.at_ms[one.at_ms >= start_ms][:1]
            ]
            found.append(int(min(exact, default=start_ms)))
        present = others[0]
    return tuple(found)
