"""One moment of the past, whole: which monitors and probes there were, and what every cell showed.

Made from a tape where every result is kept, else from roll-ups and the verdicts that are kept for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain.availability import last_hour
from pingmon_gui.domain.history import FIVE_MINUTES_MS, HOUR_MS
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.past import PastBuckets, PastMonitor, PastSetup
from pingmon_gui.domain.probe import ProbeHealth, ProbeState
from pingmon_gui.domain.region import REGIONS
from pingmon_gui.domain.resolution import Kept
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import NO_FAILURE, Codes, Status
from pingmon_gui.domain.verdict import Verdict, verdicts
from pingmon_gui.engine.cells import Cells, visible_cells, with_seconds
from pingmon_gui.engine.hour import Flags, Ints
from pingmon_gui.engine.layout import Layout
from pingmon_gui.engine.move import Places
from pingmon_gui.engine.strip import CODE, NOTHING_KNOWN, RANK, SLOT_MS, SLOTS
from pingmon_gui.engine.tape import PairsAt, looked_up

#: A moment that is known from every result.
EXACT = 0


@dataclass(frozen=True)
class Pairs:
    """Every monitor and probe that ever had a series together: `place` is the pair's, by (monitor, probe, is second).

    Of the monitors that are, or were, measured over each family (`each`) a probe has two, that over IPv6 is the second.
    `pair_of` and `url_of` give for the number of a series its pair (-1: none) and a number of its address.
    """

    place: Mapping[tuple[MonitorId, ProbeId, bool], int]
    pair_of: Ints
    url_of: Ints
    each: frozenset[MonitorId]

    @classmethod
    def of(cls, setup: PastSetup) -> Pairs:
        top = max(setup.series, default=0) + 1
        pair_of, url_of = np.full(top, -1, dtype=np.int64), np.zeros(top, dtype=np.int64)
        place: dict[tuple[MonitorId, ProbeId, bool], int] = {}
        urls: dict[str, int] = {}
        for number, series in setup.series.items():
            pair_of[number] = place.setdefault((series.monitor, *series.voice), len(place))
            url_of[number] = urls.setdefault(series.url, len(urls))
        each = {one.monitor.id for one in setup.monitors if one.monitor.has_each_family}
        each |= {series.monitor for series in setup.series.values() if series.is_second}
        return cls(place, pair_of, url_of, frozenset(each))


@dataclass(frozen=True)
class Frame:
    """See the module. `exact_ms` is how long a moment stands for: EXACT, or the roll-ups' length.

    `times` are known, available and asked ms of the last hour, (rows, columns) each; `by_series` what is known of
    every series of the layout, with `speaks` for those that told something then. `paused` are all that rested then,
    `in_maintenance` those of them that a maintenance window was on for.
    """

    at_ms: int
    exact_ms: int
    layout: Layout
    monitors: Mapping[MonitorId, Monitor]
    probes: Mapping[ProbeId, ProbeHealth]
    cells: Cells
    assigned: Flags
    paused: Flags
    in_maintenance: Flags
    verdict: Codes
    strip: npt.NDArray[np.uint8]
    times: tuple[Ints, Ints, Ints]
    by_series: SeriesThen


@dataclass(frozen=True)
class SeriesThen:
    """Arrays with an element per series of a layout."""

    confirmed: Codes
    is_checking: Flags
    speaks: Flags
    at_ms: Ints
    total_ms: npt.NDArray[np.float64]
    failure: Codes
    known_ms: Ints
    available_ms: Ints
    strip: npt.NDArray[np.uint8]

    @classmethod
    def nothing(cls, count: int) -> SeriesThen:
        return cls(
            confirmed=np.full(count, Status.UNKNOWN, dtype=np.int8),
            is_checking=np.zeros(count, dtype=np.bool_),
            speaks=np.zeros(count, dtype=np.bool_),
            at_ms=np.zeros(count, dtype=np.int64),
            total_ms=np.full(count, np.nan),
            failure=np.full(count, NO_FAILURE, dtype=np.int8),
            known_ms=np.zeros(count, dtype=np.int64),
            available_ms=np.zeros(count, dtype=np.int64),
            strip=np.full((count, SLOTS), NOTHING_KNOWN, dtype=np.uint8),
        )


class Stage:
    """What there was at a moment, before anything is known of how it did."""

    def __init__(self, setup: PastSetup, pairs: Pairs, at_ms: int) -> None:
        self.at_ms = at_ms
        self.there = [one for one in setup.monitors if one.is_there(at_ms)]
        self.probes = [one.probe for one in setup.probes if one.is_there(at_ms)]
        self.layout = Layout([one.monitor.id for one in self.there], self.probes, pairs.each)
        standings = [one.standing(at_ms) for one in self.there]
        self.paused = np.array([one is not None and one.is_paused for one in standings], dtype=np.bool_)
        self.in_maintenance = np.array([one is not None and one.is_in_maintenance for one in standings], dtype=np.bool_)
        asked = [[one is not None and region in one.regions for region in REGIONS] for one in standings]
        has_probe = self.layout.probe_count > 0
        self.assigned = np.array(asked, dtype=np.bool_).reshape(len(self.there), len(REGIONS)) & has_probe
        voices = [*((m, False) for m in self.layout.ids), *((m, True) for m in self.layout.each)]
        wanted = [pairs.place.get((m, p, is_second), -1) for m, is_second in voices for p in self.layout.probes]
        # By monitor, second ones after all first ones, and probe: the pair behind each series that is no empty slot.
        self.pair = np.array(wanted, dtype=np.int64).reshape(len(voices), len(self.probes))

    def series(self) -> Ints:
        """Return the place in the layout of each pair of `pair`."""
        rows = np.arange(len(self.pair))[:, None] * self.layout.width
        return rows + np.arange(len(self.probes))

    def frame(self, then: SeriesThen, exact_ms: int, start_ms: int, end_ms: int, verdict: Codes | None) -> Frame:
        """Return the frame; the last hour is [start_ms, end_ms). Without a `verdict` it follows from the cells."""
        rows, columns = np.arange(len(self.there)), np.arange(len(REGIONS))
        series = self.layout.series_by_region(rows, columns)
        # Of those that are measured over each family, what IPv6 said besides.
        has_two = self.layout.rows(self.layout.each)
        over_6 = self.layout.series_by_region(self.layout.second_rows(has_two), columns)
        times = self._times(then, series, has_two, over_6, start_ms, end_ms)
        cells = visible_cells(then, series, then.speaks[series], self.assigned, self.paused, times)
        # Of several probes of a region the worst.
        rank = RANK[then.strip[series]].max(axis=2)
        if len(has_two):
            both = (times[0][has_two], times[1][has_two], times[2][has_two])
            rest = self.assigned[has_two], self.paused[has_two]
            cells = with_seconds(cells, visible_cells(then, over_6, then.speaks[over_6], *rest, both), has_two)
            rank[has_two] = np.maximum(rank[has_two], RANK[then.strip[over_6]].max(axis=2))
        strip = CODE[rank]
        if verdict is None:
            verdict = verdicts(cells.state, self.assigned, self.paused)
        told = {self.probes[slot].id: then.speaks[self.series()[:, slot]].any() for slot in range(len(self.probes))}
        return Frame(
            at_ms=self.at_ms,
            exact_ms=exact_ms,
            layout=self.layout,
            monitors={one.monitor.id: one.monitor for one in self.there},
            probes={
                probe.id: ProbeHealth(probe, ProbeState.CONNECTED, votes=bool(told[probe.id])) for probe in self.probes
            },
            cells=cells,
            assigned=self.assigned,
            paused=self.paused,
            in_maintenance=self.in_maintenance,
            verdict=verdict,
            strip=strip,
            times=times,
            by_series=then,
        )

    def _times(
        self, then: SeriesThen, series: Places, has_two: Places, over_6: Places, start_ms: int, end_ms: int
    ) -> tuple[Ints, Ints, Ints]:
        known, available = then.known_ms[series].sum(axis=-1), then.available_ms[series].sum(axis=-1)
        known[has_two] += then.known_ms[over_6].sum(axis=-1)
        available[has_two] += then.available_ms[over_6].sum(axis=-1)
        paused = np.array([_overlap(one, start_ms, end_ms) for one in self.there], dtype=np.int64)
        created = np.array([one.monitor.created_at_ms for one in self.there], dtype=np.int64)
        asked = np.maximum(0, end_ms - np.maximum(start_ms, created) - paused)
        # It is asked for both families if it is now: what was asked then nobody kept.
        checks = np.array([one.monitor.check_count for one in self.there], dtype=np.int64)
        return known, available, np.maximum(known, (asked * checks)[:, None] * self.layout.probe_count)


def empty_frame() -> Frame:
    """Return a moment in which there was nothing."""
    setup = PastSetup((), (), {}, (), Kept(None, None, None, None), 0, 0)
    stage = Stage(setup, Pairs.of(setup), 0)
    return stage.frame(SeriesThen.nothing(stage.layout.count), EXACT, 0, 0, None)


def exact_frame(stage: Stage, pairs: PairsAt) -> Frame:
    """Return the frame of a moment of which every result is kept."""
    then = SeriesThen.nothing(stage.layout.count)
    is_known = stage.pair >= 0
    series, pair = stage.series()[is_known], stage.pair[is_known]
    for field in fields(SeriesThen):
        getattr(then, field.name)[series] = getattr(pairs, field.name)[pair]
    start_ms, end_ms = last_hour(stage.at_ms)
    return stage.frame(then, EXACT, start_ms, end_ms, None)


def hour_of_buckets(at_ms: int, bucket_ms: int) -> tuple[int, int]:
    """Return the hour that ends with the bucket of a moment; a longer bucket stands for itself."""
    end_ms = at_ms // bucket_ms * bucket_ms + bucket_ms
    return end_ms - max(HOUR_MS, bucket_ms), end_ms


def rolled_frame(stage: Stage, pairs: Pairs, buckets: PastBuckets, bucket_ms: int) -> Frame:
    """Return the frame of a moment of which roll-ups are kept: its bucket, the hour up to its end, and its verdicts.

    A region is what most of its known time in the bucket was; offline where the verdict says that something was out
    at that moment, and the region had failures in the bucket.
    """
    verdict = np.array([one.verdicts.at(stage.at_ms) for one in stage.there], dtype=np.int8)
    start_ms, end_ms = hour_of_buckets(stage.at_ms, bucket_ms)
    then = SeriesThen.nothing(stage.layout.count)
    series_of_pair = np.full(max(len(pairs.place), 1), -1, dtype=np.int64)
    is_pair = stage.pair >= 0
    series_of_pair[stage.pair[is_pair]] = stage.series()[is_pair]
    pair = looked_up(pairs.pair_of, buckets.series)
    series = np.where(pair >= 0, series_of_pair[pair], -1)
    kept = (series >= 0) & (buckets.start_ms >= start_ms) & (buckets.start_ms < end_ms)
    series, start = series[kept], buckets.start_ms[kept]
    columns = {field.name: getattr(buckets, field.name)[kept] for field in fields(PastBuckets)}
    np.add.at(then.known_ms, series, columns["known_ms"])
    np.add.at(then.available_ms, series, columns["available_ms"])
    row = stage.layout.rows_of_series(series)
    is_out = np.isin(verdict[row], (Verdict.OFFLINE, Verdict.REGIONAL)) if len(row) else np.zeros(0, dtype=np.bool_)
    state = _state_of(columns, np.zeros(len(row), dtype=np.bool_))
    _mark(then.strip, series, start, state if bucket_ms > FIVE_MINUTES_MS else _worst_of(columns), bucket_ms, end_ms)
    now = (start == end_ms - bucket_ms) & (columns["known_ms"] > 0)
    at = series[now]
    then.confirmed[at] = _state_of(columns, is_out)[now]
    then.speaks[at] = True
    good, total = columns["good"][now], columns["total_sum_ms"][now]
    then.total_ms[at] = np.where(good > 0, total / np.maximum(good, 1), np.nan)
    shown = np.where(stage.paused, Verdict.PAUSED, verdict).astype(np.int8)
    return stage.frame(then, bucket_ms, start_ms, end_ms, shown)


def _state_of(columns: Mapping[str, npt.NDArray[Any]], is_out: Flags) -> Codes:
    known, available = columns["known_ms"], columns["available_ms"]
    is_offline = (available * 2 < known) | (is_out & (columns["offline"] > 0))
    is_slow = columns["slow"] * 2 >= np.maximum(columns["good"], 1)
    return np.where(is_offline, Status.OFFLINE, np.where(is_slow, Status.SLOW, Status.ONLINE)).astype(np.int8)


def _worst_of(columns: Mapping[str, npt.NDArray[Any]]) -> Codes:
    worst = np.where(columns["slow"] > 0, Status.SLOW, Status.ONLINE)
    return np.where(columns["offline"] > 0, Status.OFFLINE, worst).astype(np.int8)


def _mark(
    strip: npt.NDArray[np.uint8], series: Ints, start_ms: Ints, state: Codes, bucket_ms: int, end_ms: int
) -> None:
    """Let each bucket speak for the two minutes that begin in it; the strip's last ones are those before `end_ms`."""
    first = (start_ms - (end_ms - SLOTS * SLOT_MS)) / SLOT_MS
    for slot in range(SLOTS):
        covers = (first <= slot) & (slot < first + bucket_ms / SLOT_MS)
        strip[series[covers], slot] = state[covers]


def _overlap(one: PastMonitor, start_ms: int, end_ms: int) -> int:
    spans = one.pauses(end_ms)
    return sum(max(0, min(end, end_ms) - max(begin, start_ms)) for begin, end in spans)
