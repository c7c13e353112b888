"""The board: the live state of every monitor in memory, as arrays with a row per monitor and a column per region.

Only the engine writes it, on the loop's thread; views read its arrays and ask `take_changes()` once a
frame. Everything is done for a whole batch at once: no Python call per result.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pingmon_probe.protocol import CheckResult

from pingmon_gui.domain.availability import Availability, hold_ms
from pingmon_gui.domain.history import SeriesHistory
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.probe import Probe, ProbeHealth, ProbeState
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.result import ProbeId, ResultBatch
from pingmon_gui.domain.status import NO_FAILURE, Codes, Confirmation, Status, failure_name
from pingmon_gui.domain.verdict import Verdict, region_state, verdicts
from pingmon_gui.engine.cards import GOOD, Cards, health_sentence
from pingmon_gui.engine.clock import Clock
from pingmon_gui.engine.hour import Flags, Ints, Places, RollingHour
from pingmon_gui.engine.port import RecentPort
from pingmon_gui.engine.strip import HistoryStrip

#: A result from further ahead than this comes from a clock nobody believes: it is kept, but not shown as live.
MAX_AHEAD_MS = 60_000
#: Monitors measured more rarely than this also mark the slots of the strip that their last result reaches into.
RARE_INTERVAL_MS = 60_000
ROWS_PER_TICK = 1_000


@dataclass(frozen=True)
class Changes:
    """Rows with changed cells since the last call; after a change of `generation` read everything anew."""

    generation: int
    rows: npt.NDArray[np.intp]
    probes_changed: bool


@dataclass(frozen=True)
class LatestResult:
    probe: Probe
    result: CheckResult
    status: Status


@dataclass
class _Columns:
    """One element per series (flat: row x slots + slot): the newest result, and which batch it came in."""

    at_ms: Ints
    until_ms: Ints
    voted_until_ms: Ints
    interval_ms: Ints
    status: Codes
    failure: Codes
    total_ms: npt.NDArray[np.float64]
    batch: Ints
    place: Ints

    @classmethod
    def fresh(cls, count: int) -> _Columns:
        def zeros() -> Ints:
            return np.zeros(count, dtype=np.int64)

        return cls(
            at_ms=zeros(),
            until_ms=zeros(),
            voted_until_ms=zeros(),
            interval_ms=zeros(),
            status=np.full(count, Status.UNKNOWN, dtype=np.int8),
            failure=np.full(count, NO_FAILURE, dtype=np.int8),
            total_ms=np.full(count, np.nan),
            batch=zeros(),
            place=zeros(),
        )

    def moved(self, old_places: Places) -> _Columns:
        new = _Columns.fresh(len(old_places))
        kept = np.flatnonzero(old_places >= 0)
        for name in vars(new):
            getattr(new, name)[kept] = getattr(self, name)[old_places[kept]]
        return new


class Board:
    """See the module. Arrays are replaced when `generation` grows; never keep one across that.

    Every row has one slot per probe and a last one that stays empty, so that regions without (or with
    fewer) probes can be read like the others.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._now_ms = clock.now_ms()
        self.generation = 0
        self.ids: list[MonitorId] = []
        self.row_of: dict[MonitorId, int] = {}
        self.monitors: dict[MonitorId, Monitor] = {}
        self.probes: dict[ProbeId, ProbeHealth] = {}
        self.left_out: dict[ProbeId, dict[MonitorId, str]] = {}
        self.problem: str | None = None
        self._slot_of: dict[ProbeId, int] = {}
        self._series = _Columns.fresh(0)
        self._confirmation = Confirmation.fresh(0)
        self._hour = RollingHour(0, self._now_ms)
        self._strip = HistoryStrip(0, len(REGIONS), self._now_ms)
        self._pauses = RollingHour(0, self._now_ms)
        self._changed = np.zeros(0, dtype=np.bool_)
        self._probes_changed = False
        self._late: set[tuple[MonitorId, ProbeId]] = set()
        self._batches: dict[int, ResultBatch] = {}
        self._references: dict[int, int] = {}
        self._next_batch = 1
        self._turn = 0
        self._swept_ms = self._now_ms
        self._shape((), ())

    # What views read

    def take_changes(self) -> Changes:
        rows = np.flatnonzero(self._changed)
        self._changed[rows] = False
        probes_changed, self._probes_changed = self._probes_changed, False
        return Changes(self.generation, rows, probes_changed)

    def latest(self, monitor: MonitorId, region: Region) -> list[LatestResult]:
        """Return the newest result of each probe of the region that has one.

        What was read from the store at the start has no details until the next result replaces it.
        """
        found = []
        for probe_id, slot in self._slot_of.items():
            place = self.row_of[monitor] * self._width + slot
            probe = self.probes[probe_id].probe
            if probe.region is region and self._series.at_ms[place]:
                status = Status(int(self._series.status[place]))
                found.append(LatestResult(probe, self._result(self.monitors[monitor], place), status))
        return found

    def availability_of(self, monitor: MonitorId, region: Region) -> Availability:
        """Return the exact times of the rolling hour behind `availability` and `coverage`."""
        row, column = self.row_of[monitor], REGIONS.index(region)
        known, available, asked = self._times(np.array([row]), np.array([column]), self._now_ms)
        return Availability(int(available[0, 0]), int(known[0, 0]), int(asked[0, 0]))

    def cards(self) -> Cards:
        not_paused = ~self.paused
        regions = {health.probe.region for health in self.probes.values()}
        active = {health.probe.region for health in self.probes.values() if self._may_vote(health)}
        online = ((self.verdict == Verdict.ONLINE) | (self.verdict == Verdict.SLOW)) & not_paused
        reachable = ((self.state == Status.ONLINE) | (self.state == Status.SLOW)).any(axis=1) & not_paused
        health = health_sentence(self.probes.values(), self.problem)
        return Cards(
            total=len(self.ids),
            paused=int(self.paused.sum()),
            active_regions=len(active),
            regions_with_probe=len(regions),
            online=int(online.sum()),
            reachable_somewhere=int(reachable.sum()),
            not_paused=int(not_paused.sum()),
            health=health,
            healthy=health == GOOD,
        )

    # What the engine tells it

    def set_probes(self, probes: Iterable[ProbeHealth]) -> None:
        """Replace the set of probes; what is known of those that stay is kept."""
        new = {health.probe.id: health for health in probes}
        old_slots = [self._slot_of.get(probe, -1) for probe in new]
        self.probes = new
        self._slot_of = {probe: slot for slot, probe in enumerate(new)}
        self._probes_changed = True
        self._shape(range(len(self.ids)), old_slots)

    def set_health(self, health: ProbeHealth) -> None:
        """Take note of how a known probe does; its region's states follow at once."""
        before = self.probes[health.probe.id]
        self.probes[health.probe.id] = health
        self._probes_changed = True
        if self._may_vote(before) != self._may_vote(health):
            self._votes[self._slot_of[health.probe.id]] = self._may_vote(health)
            self._refresh_all()

    def set_left_out(self, probe: ProbeId, reasons: dict[MonitorId, str]) -> None:
        """Take note of the monitors that a probe cannot serve, each with the sentence that says why."""
        self.left_out[probe] = reasons

    def set_problem(self, sentence: str | None) -> None:
        """Take note of what is wrong with Pingmon itself, apart from its probes: the store above all."""
        self.problem = sentence
        self._probes_changed = True

    def put_monitors(self, monitors: Sequence[Monitor]) -> None:
        """Add monitors or replace those with the same id; new ones come last, in the order given."""
        added = [monitor.id for monitor in monitors if monitor.id not in self.row_of]
        resumed = [m.id for m in monitors if m.id in self.row_of and self.monitors[m.id].is_paused and not m.is_paused]
        paused = [m.id for m in monitors if m.id in self.row_of and m.is_paused and not self.monitors[m.id].is_paused]
        self._advance(max(self._now_ms, self._clock.now_ms()))
        self.monitors.update((monitor.id, monitor) for monitor in monitors)
        if added:
            old_rows = [*range(len(self.ids)), *(-1 for _ in added)]
            self.ids = self.ids + added
            self._shape(old_rows, range(len(self._slot_of)))
        if paused:
            self._hour.close(self._series_of(self._rows(paused)), self._now_ms)
            self._pauses.open(self._rows(paused), self._now_ms)
        if resumed:
            self._pauses.close(self._rows(resumed), self._now_ms)
            self._confirmation.is_checking[self._series_of(self._rows(resumed))] = False
        # How long a monitor that comes paused has been so is not known: none of the hour was asked for.
        came_paused = [monitor for monitor in added if self.monitors[monitor].is_paused]
        self._pauses.open(self._rows(came_paused), self._hour.start_ms)
        self._describe(self._rows([monitor.id for monitor in monitors]))

    def remove_monitors(self, ids: Collection[MonitorId]) -> None:
        gone = set(ids) & set(self.row_of)
        if not gone:
            return
        old_rows = [row for row, monitor in enumerate(self.ids) if monitor not in gone]
        self.ids = [monitor for monitor in self.ids if monitor not in gone]
        for monitor in gone:
            del self.monitors[monitor]
        self._shape(old_rows, range(len(self._slot_of)))

    def apply(self, batch: ResultBatch) -> None:
        """Take in judged results of one probe, in the order of its spool.

        Results of monitors or probes that are not on the board are passed over. One that started
        before another that is known of its series changes neither dot nor hour: see `take_late`.
        """
        slot = self._slot_of.get(batch.probe)
        if slot is None or batch.count == 0:
            return
        self._advance(max(self._now_ms, self._clock.now_ms()))
        rows = self._rows_of(batch.monitor)
        kept = (rows >= 0) & (batch.started_at_ms <= self._now_ms + MAX_AHEAD_MS)
        places = np.flatnonzero(kept)
        number, self._next_batch = self._next_batch, self._next_batch + 1
        self._batches[number] = batch
        self._references[number] = 0
        touched = self._take(
            rows[places] * self._width + slot,
            batch.started_at_ms[places],
            batch.interval_ms[places],
            batch.status[places],
            batch.failure[places],
            batch.total_ms[places],
            number,
            places,
        )
        if self._references[number] == 0:
            del self._batches[number], self._references[number]
        self._refresh(touched, np.array([self._column_of_slot[slot]]))

    def warm(self, recent: RecentPort) -> None:
        """Take in what the store knows of the last hour. `tick` has to follow before views see it."""
        slots = np.full(len(recent.monitor), -1, dtype=np.intp)
        for probe, slot in self._slot_of.items():
            slots[recent.probe == probe] = slot
        rows = self._rows_of(recent.monitor)
        places = np.flatnonzero((rows >= 0) & (slots >= 0) & (recent.at_ms <= self._now_ms + MAX_AHEAD_MS))
        self._take(
            rows[places] * self._width + slots[places],
            recent.at_ms[places],
            recent.interval_ms[places],
            recent.status[places],
            recent.failure[places],
            recent.total_ms[places],
            0,
            places,
        )

    def take_late(self) -> list[tuple[MonitorId, ProbeId]]:
        """Return the series whose hour has to be counted again from the store, each once, and forget them."""
        late, self._late = self._late, set()
        return sorted(late)

    def recount(self, monitor: MonitorId, probe: ProbeId, histories: Sequence[SeriesHistory]) -> bool:
        """Count the hour of one series anew from its stored results (the carry-in first).

        Returns False, and does nothing, if the board knows a newer result than `histories` do.
        """
        if monitor not in self.row_of or probe not in self._slot_of:
            return True
        row, slot = self.row_of[monitor], self._slot_of[probe]
        place = row * self._width + slot
        series = np.array([place])
        at_ms = np.concatenate([history.at_ms for history in histories] or [np.zeros(0, dtype=np.int64)])
        known_at = int(self._series.at_ms[place])
        if known_at and (len(at_ms) == 0 or at_ms.max() < known_at):
            return False
        if len(at_ms) == 0:
            return True
        order = np.argsort(at_ms, kind="stable")
        order = order[at_ms[order] <= (known_at or self._now_ms + MAX_AHEAD_MS)]
        at_ms = at_ms[order]
        interval_ms = np.concatenate([history.interval_ms for history in histories])[order]
        status = np.concatenate([history.status for history in histories])[order]
        repeated = np.repeat(series, len(order))
        self._hour.forget(series)
        if known_at:
            is_first = np.arange(len(order)) == 0
            self._hour.take(repeated, is_first, at_ms, interval_ms, status)
            if self.monitors[monitor].is_paused:
                self._hour.close(series, self._now_ms)
        else:
            failure = np.concatenate([history.failure for history in histories])[order]
            total_ms = np.concatenate([history.total_ms for history in histories])[order]
            self._take(repeated, at_ms, interval_ms, status, failure, total_ms, 0, order)
        self._refresh(np.array([row]), np.array([self._column_of_slot[slot]]))
        return True

    def tick(self, now_ms: int) -> None:
        """Let time pass: results age, the hour and the strip roll on. To be called about once a second.

        What no longer holds is told at once; the shares of rows without new results are counted anew
        for ROWS_PER_TICK rows at a time, so that a tick stays short however many monitors there are.
        """
        before, self._swept_ms = self._swept_ms, now_ms
        self._advance(now_ms)
        voted_until_ms = self._series.voted_until_ms
        aged = np.flatnonzero((voted_until_ms > before) & (voted_until_ms <= now_ms)) // self._width
        turn = np.arange(self._turn, min(self._turn + ROWS_PER_TICK, len(self.ids)))
        self._turn = self._turn + ROWS_PER_TICK if self._turn + ROWS_PER_TICK < len(self.ids) else 0
        self._refresh(np.union1d(aged, turn), np.flatnonzero(self.has_probe))

    def restart_series(self, ids: Iterable[MonitorId]) -> None:
        """Forget the confirmed states of monitors that point elsewhere now; their hour stays."""
        series = self._series_of(self._rows(ids))
        self._series.voted_until_ms[series] = 0
        self._confirmation.confirmed[series] = Status.UNKNOWN
        self._confirmation.is_checking[series] = False
        self._confirmation.slow_bits[series] = 0
        self._refresh(np.unique(series // self._width), np.arange(len(REGIONS)))

    def close_streaks(self) -> None:
        """After a gap (sleep, a jump of the clock): a result before it confirms none after it."""
        self._confirmation.is_checking[:] = False
        self._refresh_all()

    def forget_results(self) -> None:
        """Forget every result, for a clock that was set back: `warm` brings back what the store knows."""
        self._now_ms = self._clock.now_ms()
        self._series = _Columns.fresh(len(self._series.at_ms))
        self._confirmation = Confirmation.fresh(len(self._series.at_ms))
        self._hour = RollingHour(len(self._series.at_ms), self._now_ms)
        self._strip = HistoryStrip(len(self.ids), len(REGIONS), self._now_ms)
        self.strip = self._strip.cells
        self._pauses = RollingHour(len(self.ids), self._now_ms)
        self._pauses.open(np.flatnonzero(self.paused), self._hour.start_ms)
        self._batches, self._references = {}, {}
        self._refresh_all()

    # How it is done

    def _advance(self, now_ms: int) -> None:
        self._now_ms = now_ms
        self._hour.roll(now_ms)
        self._pauses.roll(now_ms)
        if self._strip.roll(now_ms):
            rare = np.flatnonzero((self._series.interval_ms > RARE_INTERVAL_MS) & (self._series.until_ms > now_ms))
            rare = rare[~self.paused[rare // self._width]]
            self._mark(rare, np.full(len(rare), now_ms), self._series.status[rare])
            self._changed[:] = True

    def _take(
        self,
        series: Places,
        at_ms: Ints,
        interval_ms: Ints,
        status: Codes,
        failure: Codes,
        total_ms: npt.NDArray[np.float64],
        batch: int,
        places: Places,
    ) -> Places:
        """Take in results in the order of a spool; return the rows that changed, each once."""
        order = np.argsort(series, kind="stable")
        series, at_ms = series[order], at_ms[order]
        self._mark(series, at_ms, status[order])
        late = _started_before_an_earlier_one(series, at_ms, self._series.at_ms[series])
        if late.any():
            self._note_late(series[late])
            order, series, at_ms = order[~late], series[~late], at_ms[~late]
        if len(order) == 0:
            return np.zeros(0, dtype=np.intp)
        interval_ms, status = interval_ms[order], status[order]
        is_first = np.append(True, series[1:] != series[:-1])
        is_last = np.append(is_first[1:], True)
        until_ms = at_ms + hold_ms(interval_ms)
        before = np.where(is_first, self._series.until_ms[series], np.append(0, until_ms[:-1]))
        self._mark_rare(series, is_first, at_ms)
        self._hour.take(series, is_first, at_ms, interval_ms, status)
        self._confirm(series, is_first, status, is_after_gap=at_ms > before)

        last, newest = series[is_last], order[is_last]
        self._refer(last, batch)
        self._series.at_ms[last] = at_ms[is_last]
        self._series.until_ms[last] = until_ms[is_last]
        self._series.interval_ms[last] = interval_ms[is_last]
        self._series.status[last] = status[is_last]
        self._series.failure[last] = failure[newest]
        self._series.total_ms[last] = total_ms[newest]
        self._series.place[last] = places[newest]
        # In order of time within a series, so the newest result with a vote is written last.
        voting = status <= Status.OFFLINE
        self._series.voted_until_ms[series[voting]] = until_ms[voting]
        return np.unique(last // self._width)

    def _confirm(self, series: Places, is_first: Flags, status: Codes, is_after_gap: Flags) -> None:
        start = np.flatnonzero(is_first)
        turn = np.arange(len(series)) - np.repeat(start, np.diff(np.append(start, len(series))))
        if not turn.any():
            self._confirmation.is_checking[series[is_after_gap]] = False
            self._confirmation.apply(series, status)
            return
        by_turn = np.argsort(turn, kind="stable")
        for now in np.split(by_turn, np.cumsum(np.bincount(turn))[:-1]):
            self._confirmation.is_checking[series[now[is_after_gap[now]]]] = False
            self._confirmation.apply(series[now], status[now])

    def _mark(self, series: Places, at_ms: Ints, status: Codes) -> None:
        self._strip.mark(series // self._width, self._column_of_slot[series % self._width], at_ms, status)

    def _mark_rare(self, series: Places, is_first: Flags, at_ms: Ints) -> None:
        """Mark the strip's slots that the result before each of these, if it is a rare monitor's, reaches into."""
        begin = np.where(is_first, self._series.at_ms[series], np.append(0, at_ms[:-1]))
        until = np.where(is_first, np.minimum(self._series.until_ms[series], at_ms), at_ms)
        rare = is_first & (begin > 0) & (until - begin > RARE_INTERVAL_MS)
        series, begin, until = series[rare], begin[rare], until[rare]
        status = self._series.status[series]
        while len(series):
            begin = begin + RARE_INTERVAL_MS
            more = begin < until
            series, begin, until, status = series[more], begin[more], until[more], status[more]
            self._mark(series, begin, status)

    def _note_late(self, series: Places) -> None:
        probes = list(self._slot_of)
        self._late.update((self.ids[int(s) // self._width], probes[int(s) % self._width]) for s in np.unique(series))

    def _refer(self, series: Places, batch: int) -> None:
        """Let these series point to `batch`; let go of batches that nothing points to any more."""
        numbers, counts = np.unique(self._series.batch[series], return_counts=True)
        for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
            if number:
                self._references[number] -= count
                if self._references[number] == 0 and number != batch:
                    del self._batches[number], self._references[number]
        self._series.batch[series] = batch
        if batch:
            self._references[batch] += len(series)

    def _result(self, monitor: Monitor, place: int) -> CheckResult:
        number = int(self._series.batch[place])
        if number:
            return self._batches[number].result(int(self._series.place[place]))
        total = float(self._series.total_ms[place])
        return CheckResult(
            url=monitor.url,
            monitor=monitor.id,
            version=monitor.version,
            started_at_ms=int(self._series.at_ms[place]),
            failure=failure_name(int(self._series.failure[place])),
            total_ms=None if np.isnan(total) else total,
        )

    def _shape(self, old_rows: Iterable[int], old_slots: Iterable[int]) -> None:
        """Make every array fit the present ids and probes; -1 stands for one that was not there before."""
        rows = np.fromiter(old_rows, dtype=np.intp)
        slots = np.append(np.fromiter(old_slots, dtype=np.intp), -1)
        old_width = getattr(self, "_width", 1)
        moved = np.where((rows[:, None] >= 0) & (slots >= 0), rows[:, None] * old_width + slots, -1).reshape(-1)
        count, columns = len(rows), len(REGIONS)
        self.generation += 1
        self.row_of = {monitor: row for row, monitor in enumerate(self.ids)}
        self._sorted_ids = np.array(self.ids, dtype=np.int64)
        self._row_by_id = np.argsort(self._sorted_ids)
        self._sorted_ids = self._sorted_ids[self._row_by_id]
        self._width = len(slots)
        self._series = self._series.moved(moved)
        self._confirmation = _moved(self._confirmation, moved)
        self._hour = self._hour.moved(moved)
        self._pauses = self._pauses.moved(rows)
        strip, kept = HistoryStrip(count, columns, self._strip.slot * 120_000), rows >= 0
        strip.cells[kept] = self._strip.cells[rows[kept]]
        self._strip, self.strip = strip, strip.cells
        numbers, counts = np.unique(self._series.batch, return_counts=True)
        self._references = {int(n): int(c) for n, c in zip(numbers, counts, strict=True) if n}
        self._batches = {number: self._batches[number] for number in self._references}

        self.state = np.full((count, columns), Status.UNKNOWN, dtype=np.int8)
        self.is_checking = np.zeros((count, columns), dtype=np.bool_)
        self.total_ms = np.full((count, columns), np.nan)
        self.failure = np.full((count, columns), NO_FAILURE, dtype=np.int8)
        self.at_ms = np.zeros((count, columns), dtype=np.int64)
        self.availability = np.full((count, columns), np.nan)
        self.coverage = np.full((count, columns), np.nan)
        self.verdict = np.full(count, Verdict.UNKNOWN, dtype=np.int8)
        self.paused = np.zeros(count, dtype=np.bool_)
        self.assigned = np.zeros((count, columns), dtype=np.bool_)
        self._created_at = np.zeros(count, dtype=np.int64)
        self._changed = np.ones(count, dtype=np.bool_)
        self._shape_regions()
        self._describe(np.arange(count))

    def _shape_regions(self) -> None:
        by_column: list[list[int]] = [[] for _ in REGIONS]
        for probe, slot in self._slot_of.items():
            by_column[REGIONS.index(self.probes[probe].probe.region)].append(slot)
        widest = max(1, *(len(slots) for slots in by_column))
        empty = self._width - 1
        self._slots = np.array([slots + [empty] * (widest - len(slots)) for slots in by_column])
        self._probe_count = np.array([len(slots) for slots in by_column])
        self._column_of_slot = np.zeros(self._width, dtype=np.intp)
        for column, slots in enumerate(by_column):
            self._column_of_slot[slots] = column
        self.has_probe = self._probe_count > 0
        self._votes = np.array([*(self._may_vote(health) for health in self.probes.values()), False])

    def _describe(self, rows: Places) -> None:
        """Take over what the configuration says of these rows."""
        monitors = [self.monitors[self.ids[row]] for row in rows.tolist()]
        self.paused[rows] = [monitor.is_paused for monitor in monitors]
        self._created_at[rows] = [monitor.created_at_ms for monitor in monitors]
        watched = [[monitor.watched_from(region) for region in REGIONS] for monitor in monitors]
        self.assigned[rows] = np.array(watched, dtype=np.bool_).reshape(len(monitors), len(REGIONS)) & self.has_probe
        self._changed[rows] = True
        self._refresh(rows, np.arange(len(REGIONS)))

    def _refresh_all(self) -> None:
        self._refresh(np.arange(len(self.ids)), np.arange(len(REGIONS)))

    def _refresh(self, rows: Places, columns: Places) -> None:
        """Compute the visible cells anew and note the rows in which one changed."""
        if len(rows) == 0:
            return
        slots = self._slots[columns]
        places = rows[:, None, None] * self._width + slots
        votes = self._votes[slots] & (self._series.voted_until_ms[places] > self._now_ms)
        assigned, paused = self.assigned[np.ix_(rows, columns)], self.paused[rows]
        state = region_state(self._confirmation.confirmed[places], votes)
        state = np.where(assigned, np.where(paused[:, None], Status.PAUSED, state), Status.UNKNOWN).astype(np.int8)
        is_checking = (self._confirmation.is_checking[places] & votes).any(axis=-1) & assigned & ~paused[:, None]
        at_ms = self._series.at_ms[places]
        newest = np.take_along_axis(places, at_ms.argmax(axis=-1)[..., None], axis=-1)[..., 0]
        known, available, asked = self._times(rows, columns, self._now_ms)
        with np.errstate(divide="ignore", invalid="ignore"):
            availability = np.where(assigned & (known > 0), available / known, np.nan)
            coverage = np.where(assigned & (asked > 0), known / asked, np.nan)
        changed = np.zeros(len(rows), dtype=np.bool_)
        for name, new in (
            ("state", state),
            ("is_checking", is_checking),
            ("total_ms", np.where(assigned, self._series.total_ms[newest], np.nan)),
            ("failure", np.where(assigned, self._series.failure[newest], NO_FAILURE)),
            ("at_ms", np.where(assigned, self._series.at_ms[newest], 0)),
            ("availability", availability),
            ("coverage", coverage),
        ):
            array = getattr(self, name)
            where = np.ix_(rows, columns)
            changed |= _differs(array[where], new)
            array[where] = new
        verdict = verdicts(self.state[rows], self.assigned[rows], paused)
        changed |= self.verdict[rows] != verdict
        self.verdict[rows] = verdict
        self._changed[rows[changed]] = True

    def _times(self, rows: Places, columns: Places, now_ms: int) -> tuple[Ints, Ints, Ints]:
        """Return known, available and asked ms of the rolling hour, each (rows, columns), over a region's probes."""
        places = rows[:, None, None] * self._width + self._slots[columns]
        known, available = (times.sum(axis=-1) for times in self._hour.times(places, now_ms))
        paused, _ = self._pauses.times(rows, now_ms)
        asked = np.maximum(0, now_ms - np.maximum(self._hour.start_ms, self._created_at[rows]) - paused)
        return known, available, np.maximum(known, asked[:, None] * self._probe_count[columns])

    def _rows(self, ids: Iterable[MonitorId]) -> Places:
        return np.array([self.row_of[monitor] for monitor in ids], dtype=np.intp)

    def _series_of(self, rows: Places) -> Places:
        return (rows[:, None] * self._width + np.arange(self._width - 1)).reshape(-1)

    def _rows_of(self, monitors: Ints) -> Places:
        """Return the row of each monitor, -1 for those that are not on the board."""
        if not self.ids:
            return np.full(len(monitors), -1, dtype=np.intp)
        found = np.minimum(np.searchsorted(self._sorted_ids, monitors), len(self.ids) - 1)
        return np.where(self._sorted_ids[found] == monitors, self._row_by_id[found], -1)

    @staticmethod
    def _may_vote(health: ProbeHealth) -> bool:
        return health.votes and health.state is ProbeState.CONNECTED


def _started_before_an_earlier_one(series: Places, at_ms: Ints, known_at_ms: Ints) -> Flags:
    """Return where a result started before one that came earlier in its series; ordered by series."""
    if len(series) == 0:
        return np.zeros(0, dtype=np.bool_)
    group = np.cumsum(np.append(0, series[1:] != series[:-1]))
    newest = np.maximum(at_ms, known_at_ms)
    shift = group * (int(newest.max()) + 1)
    late: Flags = at_ms < np.maximum.accumulate(newest + shift) - shift
    return late


def _moved(confirmation: Confirmation, old_places: Places) -> Confirmation:
    new = Confirmation.fresh(len(old_places))
    kept = np.flatnonzero(old_places >= 0)
    for name in ("confirmed", "is_checking", "slow_bits"):
        getattr(new, name)[kept] = getattr(confirmation, name)[old_places[kept]]
    return new


def _differs(old: npt.NDArray[Any], new: npt.NDArray[Any]) -> Flags:
    """Return the rows in which a person would see a difference; shares are shown with four digits at most."""
    differs = old != new
    if new.dtype.kind == "f":
        differs = (np.rint(old * 10_000) != np.rint(new * 10_000)) & ~(np.isnan(old) & np.isnan(new))
    rows: Flags = differs.any(axis=1)
    return rows
