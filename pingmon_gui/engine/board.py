"""The board: the live state of every monitor in memory, as arrays with a row per monitor and a column per region.

Only the engine writes it, on the loop's thread; views read its arrays and ask `take_changes()` once a
frame. Everything is done for a whole batch at once: no Python call per result.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pingmon_probe.protocol import CheckResult

from pingmon_gui.domain.availability import Availability, held_until_ms, hold_ms
from pingmon_gui.domain.family import IPV4, IPV6
from pingmon_gui.domain.history import SeriesHistory
from pingmon_gui.domain.maintenance import Span
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.probe import ProbeHealth, ProbeState
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.result import ProbeId, ResultBatch
from pingmon_gui.domain.status import NO_FAILURE, Codes, Status, failure_name
from pingmon_gui.domain.timeline import Track
from pingmon_gui.domain.verdict import Verdict, verdicts
from pingmon_gui.engine.board_view import BoardView, Changes, FamilyCell, LatestResult, ProbeStates
from pingmon_gui.engine.cells import CELL_ARRAYS, Cells, visible_cells, with_seconds
from pingmon_gui.engine.clock import Clock
from pingmon_gui.engine.hour import Flags, Ints, RollingHour
from pingmon_gui.engine.layout import Layout
from pingmon_gui.engine.move import Places
from pingmon_gui.engine.port import RecentPort
from pingmon_gui.engine.series import Incoming, SeriesState
from pingmon_gui.engine.strip import SLOT_MS, SLOTS, HistoryStrip

#: A result from further ahead than this comes from a clock nobody believes: it is kept, but not shown as live.
MAX_AHEAD_MS = 60_000
#: Monitors measured more rarely than this also mark the slots of the strip that their last result reaches into.
RARE_INTERVAL_MS = 60_000
#: So many rows are counted anew in each tick whether or not anything happened to them.
ROWS_PER_TICK = 1_000

#: No result of the monitor's past has come.
NOTHING_PAST = np.iinfo(np.int64).max

_ALL_COLUMNS = np.arange(len(REGIONS))
#: The arrays with an element or more per row, and what is in them of a row about which nothing is known.
_BY_ROW: dict[str, object] = {
    "state": Status.UNKNOWN,
    "is_checking": False,
    "assigned": False,
    "total_ms": np.nan,
    "failure": NO_FAILURE,
    "at_ms": 0,
    "availability": np.nan,
    "coverage": np.nan,
    "verdict": Verdict.UNKNOWN,
    "paused": False,
    "_maintenance_until": 0,
    "_asked_from": 0,
    "_created_at": 0,
    "_changed": True,
    "_judged": Verdict.UNKNOWN,
    "_has_turned": True,
    "_past_from": NOTHING_PAST,
}


class Board(BoardView):
    """The live state; see `BoardView` for what its arrays hold."""

    monitors: dict[MonitorId, Monitor]
    probes: dict[ProbeId, ProbeHealth]

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._now_ms = clock.now_ms()
        self.generation = 0
        self.monitors = {}
        self.probes = {}
        self._each: set[MonitorId] = set()
        self.left_out: dict[ProbeId, dict[MonitorId, str]] = {}
        self.problem = None
        self._layout = Layout((), ())
        self._series = SeriesState(0, self._now_ms)
        self._pauses = RollingHour(0, self._now_ms)
        self._strip = HistoryStrip(0, len(REGIONS), self._now_ms)
        self._late: set[tuple[MonitorId, ProbeId]] = set()
        self._details: dict[tuple[MonitorId, ProbeId, bool], CheckResult] = {}
        self._probes_changed = False
        self._swept_ms = self._now_ms
        self._next_row = 0
        shape = (0, len(REGIONS))
        self.state = np.zeros(shape, dtype=np.int8)
        self.is_checking = np.zeros(shape, dtype=np.bool_)
        self.assigned = np.zeros(shape, dtype=np.bool_)
        self.total_ms = np.zeros(shape)
        self.failure = np.zeros(shape, dtype=np.int8)
        self.at_ms = np.zeros(shape, dtype=np.int64)
        self.availability = np.zeros(shape)
        self.coverage = np.zeros(shape)
        self.verdict = np.zeros(0, dtype=np.int8)
        self.paused = np.zeros(0, dtype=np.bool_)
        self._maintenance_until = np.zeros(0, dtype=np.int64)
        self._asked_from = np.zeros(0, dtype=np.int64)
        self._created_at = np.zeros(0, dtype=np.int64)
        self._changed = np.zeros(0, dtype=np.bool_)
        self._judged = np.zeros(0, dtype=np.int8)
        self._has_turned = np.zeros(0, dtype=np.bool_)
        self._past_from = np.zeros(0, dtype=np.int64)
        self._lay_out(self._layout)

    # What views read

    def take_changes(self) -> Changes:
        rows = np.flatnonzero(self._changed)
        self._changed[rows] = False
        probes_changed, self._probes_changed = self._probes_changed, False
        return Changes(self.generation, rows, probes_changed)

    def latest(self, monitor: MonitorId, region: Region) -> list[LatestResult]:
        """Return the newest result of each probe of the region that has one, of each family where it has two.

        What was read from the store at the start has no details until the next result replaces it, or
        `put_detail` tells them.
        """
        return self._latest(monitor, [id_ for id_ in self.probes if self.probes[id_].probe.region is region])

    def newest(self, monitor: MonitorId) -> list[LatestResult]:
        """Return the newest result of each probe that has one, as `latest` does."""
        return self._latest(monitor, self.probes)

    def _latest(
        self, monitor: MonitorId, probes: Iterable[ProbeId], *, is_speaking: bool = False
    ) -> list[LatestResult]:
        found = []
        for probe_id in probes:
            for family, series in self._layout.series_by_family(monitor, probe_id):
                if self._series.at_ms[series] and (self._speaks(series) or not is_speaking):
                    probe = self.probes[probe_id].probe
                    status = Status(int(self._series.status[series]))
                    whole = self._whole_result(series)
                    result = whole or self._bare_result(self.monitors[monitor], series)
                    found.append(LatestResult(probe, result, status, is_whole=whole is not None, family=family))
        return found

    def speaking(self, monitor: MonitorId) -> list[LatestResult]:
        """Return the newest result of each probe that has a vote just now, in the order of REGIONS."""
        probes = sorted(self.probes, key=lambda id_: REGIONS.index(self.probes[id_].probe.region))
        found = self._latest(monitor, probes, is_speaking=True)
        return [latest for latest in found if latest.status <= Status.OFFLINE]

    def _speaks(self, series: int) -> bool:
        return bool(self._votes[series % self._layout.width] and self._series.until_ms[series] > self._now_ms)

    def by_family(self, monitor: MonitorId, region: Region) -> list[FamilyCell]:
        row, column = np.array([self.row_of[monitor]]), np.array([REGIONS.index(region)])
        second = self._layout.second_rows(row)
        if second[0] < 0:
            return []
        resting = self._resting(row)
        return [
            FamilyCell.of(family, self._seen(one, row, column, resting, self._times_of(one, row, column)))
            for family, one in ((IPV4, row), (IPV6, second))
        ]

    @property
    def in_maintenance(self) -> Flags:
        found: Flags = self._maintenance_until > 0
        return found

    def maintenance_until_ms(self, monitor: MonitorId) -> int | None:
        row = self.row_of.get(monitor)
        return None if row is None else int(self._maintenance_until[row]) or None

    def availability_of(self, monitor: MonitorId, region: Region) -> Availability:
        known, available, asked = self._times(self._layout.rows([monitor]), np.array([REGIONS.index(region)]))
        return Availability(int(available[0, 0]), int(known[0, 0]), int(asked[0, 0]))

    def by_probe(self, rows: Places) -> ProbeStates:
        slots = np.arange(self._layout.width - 1)

        def told(rows: Places, series_rows: Places) -> ProbeStates:
            series = series_rows[:, None] * self._layout.width + slots
            votes = self._votes[slots] & (self._series.voted_until_ms[series] > self._now_ms)
            assigned = self.assigned[rows][:, self._layout.column_of_slot[slots]]
            resting = self._resting(rows)[:, None]
            state = np.where(votes & assigned, self._series.confirmation.confirmed[series], Status.UNKNOWN)
            return ProbeStates(
                probes=tuple(self._layout.probes),
                state=np.where(resting & assigned, Status.PAUSED, state).astype(np.int8),
                is_checking=self._series.confirmation.is_checking[series] & votes & assigned & ~resting,
                assigned=assigned,
                total_ms=np.where(assigned, self._series.total_ms[series], np.nan),
                at_ms=np.where(assigned, self._series.at_ms[series], 0),
            )

        second, found = self._layout.second_rows(rows), told(rows, rows)
        has_two = np.flatnonzero(second >= 0)
        return found.with_seconds(told(rows[has_two], second[has_two]), has_two) if len(has_two) else found

    # What the engine tells it

    def set_probes(self, probes: Iterable[ProbeHealth]) -> None:
        """Replace the set of probes; what is known of those that stay is kept."""
        self.probes = {health.probe.id: health for health in probes}
        self._probes_changed = True
        self._lay_out(self._layout_of(self.ids))
        self._describe(np.arange(len(self.ids)))

    def set_health(self, health: ProbeHealth) -> None:
        """Take note of how a known probe does; its region's states follow at once."""
        before = self.probes[health.probe.id]
        self.probes[health.probe.id] = health
        self._probes_changed = True
        if _may_vote(before) != _may_vote(health):
            self._votes[self._layout.slot_of[health.probe.id]] = _may_vote(health)
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
        turned = [m for m in monitors if m.id in self.row_of and m.is_paused != self.monitors[m.id].is_paused]
        self._advance(max(self._now_ms, self._clock.now_ms()))
        self.monitors.update((monitor.id, monitor) for monitor in monitors)
        each = {monitor.id for monitor in monitors if monitor.has_each_family}
        each |= self._each - {monitor.id for monitor in monitors}
        if added or each != self._each:
            self._each = each
            self._lay_out(self._layout_of([*self.ids, *added]))
        paused = self._layout.rows(monitor.id for monitor in turned if monitor.is_paused)
        resumed = self._layout.rows(monitor.id for monitor in turned if not monitor.is_paused)
        self._series.hour.close(self._layout.series_of_rows(paused), self._now_ms)
        self._series.forget_states(self._layout.series_of_rows(resumed))
        self._describe(self._layout.rows(monitor.id for monitor in monitors))

    def remove_monitors(self, ids: Collection[MonitorId]) -> None:
        """Remove monitors; ids that are not here are passed over."""
        gone = set(ids) & set(self.row_of)
        for monitor in gone:
            del self.monitors[monitor]
        if gone:
            kept = [monitor for monitor in self.ids if monitor not in gone]
            self._each -= gone
            self._lay_out(self._layout_of(kept))

    def put_rest(
        self,
        monitors: Collection[MonitorId],
        spans: Sequence[Span],
        maintenance_until_ms: int = 0,
        asked_from_ms: int = 0,
    ) -> None:
        """Say when monitors rested in the last hour: that time is not asked for. All before is forgotten.

        A span that is not over yet goes on until this is called again. `maintenance_until_ms` is not 0 while a
        maintenance window is on; when it was and is no more, what was confirmed before begins anew. What is asked now
        is so since `asked_from_ms`: results from before it belong to the past.
        """
        self._advance(max(self._now_ms, self._clock.now_ms()))
        rows = self._layout.rows(monitor for monitor in monitors if monitor in self.row_of)
        if not maintenance_until_ms:
            ended = rows[self._maintenance_until[rows] > 0]
            self._series.forget_states(self._layout.series_of_rows(ended))
        self._maintenance_until[rows], self._asked_from[rows] = maintenance_until_ms, asked_from_ms
        self._pauses.forget(rows)
        for span in spans:
            self._pauses.open(rows, span.start_ms)
            if span.end_ms <= self._now_ms:
                self._pauses.close(rows, span.end_ms)
        self._changed[rows] = True
        self._refresh(rows, _ALL_COLUMNS)

    def remember_from(self, since_ms: int) -> None:
        """Take note that every result since a time was taken in: `warm` told what the store knows."""
        self._series.trail.since_ms[:] = since_ms

    def restart_series(self, ids: Iterable[MonitorId]) -> None:
        """Forget the confirmed states of monitors that point elsewhere now; their hour stays."""
        rows = self._layout.rows(ids)
        self._series.forget_states(self._layout.series_of_rows(rows))
        self._refresh(rows, _ALL_COLUMNS)

    def close_streaks(self) -> None:
        """After a gap (sleep, a jump of the clock): a result before it confirms none after it."""
        self._series.close_streaks(slice(None))
        self._refresh_all()

    def apply(self, batch: ResultBatch, are_second: Flags | None = None) -> None:
        """Take in judged results of one probe, in the order of its spool; some are of second series.

        Results of monitors or probes that are not on the board are passed over. One that started
        before another that is known of its series changes neither dot nor hour: see `take_late`.
        """
        slot = self._layout.slot_of.get(batch.probe)
        if slot is None:
            return
        self._advance(max(self._now_ms, self._clock.now_ms()))
        rows = self._layout.rows_of_results(batch.monitor, are_second)
        place = np.flatnonzero((rows >= 0) & (batch.started_at_ms <= self._now_ms + MAX_AHEAD_MS))
        if len(place):
            series = rows[place] * self._layout.width + slot
            incoming = _incoming(series, batch.started_at_ms, batch, place)
            self._note_past(incoming)
            went_on = self._take(incoming, batch)
            rows = self._layout.rows_of_series(went_on)
            # A batch is one probe's, so only a row with two series for it can occur twice.
            rows = np.unique(rows) if self._layout.each else rows
            self._refresh(rows, self._layout.column_of_slot[slot : slot + 1])

    def warm(self, recent: RecentPort) -> None:
        """Take in what the store knows of the last hour. `tick` has to follow before views see it."""
        slots = np.full(len(recent.monitor), -1, dtype=np.intp)
        for probe, slot in self._layout.slot_of.items():
            slots[recent.probe == probe] = slot
        rows = self._layout.rows_of_results(recent.monitor, recent.family == IPV6)
        place = np.flatnonzero((rows >= 0) & (slots >= 0) & (recent.at_ms <= self._now_ms + MAX_AHEAD_MS))
        if len(place):
            series = rows[place] * self._layout.width + slots[place]
            self._take(_incoming(series, recent.at_ms, recent, place), None)

    def put_detail(self, monitor: MonitorId, probe: ProbeId, result: CheckResult) -> None:
        """Tell all about a newest result that came from the store; any other result is passed over."""
        self._details[monitor, probe, monitor in self._each and result.family == IPV6] = result

    def take_turned(self) -> list[MonitorId]:
        """Return the monitors whose verdict was another than at the last call, if only for a moment; new ones, too."""
        rows = np.flatnonzero(self._has_turned)
        self._has_turned[rows] = False
        self._judged[rows] = self.verdict[rows]
        return [self.ids[row] for row in rows.tolist()]

    def newest_slow(self) -> set[MonitorId]:
        """Return the monitors of which some probe's newest result was slow."""
        rows = np.unique(self._layout.rows_of_series(np.flatnonzero(self._series.status == Status.SLOW)))
        return {self.ids[row] for row in rows.tolist()}

    def trails(self, monitor: MonitorId) -> list[tuple[Track, int]]:
        """Return the newest few results of each probe of a monitor, and from when on none of them is missing."""
        trail = self._series.trail
        return [
            (trail.track(series, probe, self.probes[probe].probe.region, family == IPV6), trail.whole_from_ms(series))
            for probe in self._layout.probes
            for family, series in self._layout.series_by_family(monitor, probe)
        ]

    def tracks(self, monitor: MonitorId) -> list[Track]:
        """Return the newest few results of each probe that has some of a monitor."""
        return [track for track, _ in self.trails(monitor) if len(track.at_ms)]

    def assigned_regions(self, monitor: MonitorId) -> frozenset[Region]:
        """Return the regions that watch a monitor: asked for, and with a probe."""
        return frozenset(REGIONS[column] for column in np.flatnonzero(self.assigned[self.row_of[monitor]]).tolist())

    def take_past(self) -> dict[MonitorId, int]:
        """Return the monitors that have to be judged anew, each from when on.

        Results of theirs came out of order, when they spoke for the present no longer, or when something else is asked.
        """
        rows = np.flatnonzero(self._past_from < NOTHING_PAST)
        found = {self.ids[row]: int(self._past_from[row]) for row in rows.tolist()}
        self._past_from[rows] = NOTHING_PAST
        return found

    @property
    def past_from_ms(self) -> int:
        """From when on something has to be judged anew that nobody has taken yet; NOTHING_PAST if nothing has."""
        return int(self._past_from.min(initial=NOTHING_PAST))

    def put_past(self, past: Mapping[MonitorId, int]) -> None:
        """Note that monitors have to be judged anew from a time on."""
        rows = self._layout.rows(monitor for monitor in past if monitor in self.row_of)
        times = np.array([at_ms for monitor, at_ms in past.items() if monitor in self.row_of], dtype=np.int64)
        self._past_from[rows] = np.minimum(self._past_from[rows], times)

    def take_late(self) -> list[tuple[MonitorId, ProbeId]]:
        """Return the series whose hour has to be counted again from the store, each once, and forget them."""
        late, self._late = self._late, set()
        return sorted(late)

    def recount(self, monitor: MonitorId, probe: ProbeId, histories: Sequence[SeriesHistory]) -> bool:
        """Count the hour of one series anew from its stored results (the carry-in first).

        Returns False, and does nothing, if the board knows a newer result than `histories` do.
        """
        if monitor not in self.row_of or probe not in self._layout.slot_of:
            return True
        whole = True
        for family, series in self._layout.series_by_family(monitor, probe):
            mine = [one for one in histories if not family or one.series.is_second == (family == IPV6)]
            whole &= self._recount(np.array([series]), mine)
        return whole

    def _recount(self, series: Places, histories: Sequence[SeriesHistory]) -> bool:
        row, slot = self._layout.rows_of_series(series), int(series[0]) % self._layout.width
        known_at_ms = int(self._series.at_ms[series[0]])
        stored = _merged(histories, int(series[0]), known_at_ms or self._now_ms + MAX_AHEAD_MS)
        if stored is None or stored.at_ms[-1] < known_at_ms:
            return known_at_ms == 0
        self._series.hour.forget(series)
        if known_at_ms:
            is_first = np.arange(len(stored.at_ms)) == 0
            self._series.hour.take(stored.series, is_first, stored.at_ms, stored.interval_ms, stored.status)
            if self.paused[row[0]]:
                self._series.hour.close(series, self._now_ms)
            self._mark(stored)
        else:
            self._take(stored, None)
        self._mark_rare(stored)
        self._refresh(row, self._layout.column_of_slot[slot : slot + 1])
        return True

    def tick(self, now_ms: int) -> None:
        """Let time pass: results age, the hour and the strip roll on. To be called about once a second.

        What no longer holds is told at once; the shares of rows without new results are counted anew
        for ROWS_PER_TICK rows at a time, so that a tick stays short however many monitors there are.
        """
        before, self._swept_ms = self._swept_ms, now_ms
        self._advance(now_ms)
        until_ms = self._series.voted_until_ms
        aged = self._layout.rows_of_series(np.flatnonzero((until_ms > before) & (until_ms <= now_ms)))
        turn = np.arange(self._next_row, min(self._next_row + ROWS_PER_TICK, len(self.ids)))
        self._next_row = self._next_row + ROWS_PER_TICK if self._next_row + ROWS_PER_TICK < len(self.ids) else 0
        self._refresh(np.union1d(aged, turn), np.flatnonzero(self.has_probe))

    def forget_results(self) -> None:
        """Forget every result, for a clock that was set back: `warm` brings back what the store knows."""
        self._now_ms = self._swept_ms = self._clock.now_ms()
        self._series = SeriesState(self._layout.count, self._now_ms)
        self._strip = HistoryStrip(len(self.ids), len(REGIONS), self._now_ms)
        self.strip = self._strip.cells
        self._pauses = RollingHour(len(self.ids), self._now_ms)
        self._changed[:] = True
        self._refresh_all()

    # How it is done

    def _advance(self, now_ms: int) -> None:
        self._now_ms = now_ms
        self._series.hour.roll(now_ms)
        self._pauses.roll(now_ms)
        if self._strip.roll(now_ms):
            rare = (self._series.interval_ms > RARE_INTERVAL_MS) & (self._series.until_ms > now_ms)
            series = np.flatnonzero(rare & (self._series.status <= Status.OFFLINE))
            series = series[~self._resting(self._layout.rows_of_series(series))]
            self._mark_at(series, np.full(len(series), now_ms), self._series.status[series])
            self._changed[:] = True

    def _note_past(self, results: Incoming) -> None:
        at_ms, hold = results.at_ms, hold_ms(results.interval_ms)
        rows, slots = self._layout.rows_of_series(results.series), results.series % self._layout.width
        is_past = at_ms + hold < self._now_ms
        is_past |= (at_ms < self._series.at_ms[results.series]) | (at_ms < self._asked_from[rows])
        # Of a region that was taken off: it may confirm what was seen while that was still asked.
        is_past |= ~self.assigned[rows, self._layout.column_of_slot[slots]]
        if is_past.any():
            # Together with the result before it, it may confirm a change that counts from that one on.
            np.minimum.at(self._past_from, rows[is_past], at_ms[is_past] - hold[is_past])

    def _take(self, incoming: Incoming, batch: ResultBatch | None) -> Places:
        self._mark(incoming)
        went_on, late, after_gap = self._series.take(incoming, batch)
        # What held in the gap may have been another verdict, though nobody looked then.
        self._has_turned[self._layout.rows_of_series(after_gap)] = True
        self._late.update(self._layout.owner(series)[:2] for series in late.tolist())
        return went_on

    def _mark(self, results: Incoming) -> None:
        self._mark_at(results.series, results.at_ms, results.status)

    def _mark_at(self, series: Places, at_ms: Ints, status: Codes) -> None:
        rows, slots = self._layout.rows_of_series(series), series % self._layout.width
        self._strip.mark(rows, self._layout.column_of_slot[slots], at_ms, status)

    def _mark_rare(self, results: Incoming) -> None:
        """Mark the slots that the results of a rarely measured monitor reach into; one series, ordered by time."""
        until_ms = held_until_ms(results.at_ms, results.interval_ms)
        rare = (results.interval_ms > RARE_INTERVAL_MS) & (results.status <= Status.OFFLINE)
        for slots in range(1, SLOTS + 1):
            start_ms = (results.at_ms // SLOT_MS + slots) * SLOT_MS
            reaching = rare & (start_ms < until_ms) & (start_ms <= self._now_ms)
            self._mark_at(results.series[reaching], start_ms[reaching], results.status[reaching])

    def _whole_result(self, series: int) -> CheckResult | None:
        """Return the newest result of a series with all that was measured, None where nobody told."""
        found = self._series.detail(series) or self._details.get(self._layout.owner(series))
        return found if found is not None and found.started_at_ms == int(self._series.at_ms[series]) else None

    def _bare_result(self, monitor: Monitor, series: int) -> CheckResult:
        """Return the newest result of a series, as far as the arrays know it."""
        total = float(self._series.total_ms[series])
        return CheckResult(
            url=monitor.url,
            monitor=monitor.id,
            version=monitor.version,
            started_at_ms=int(self._series.at_ms[series]),
            failure=failure_name(int(self._series.failure[series])),
            total_ms=None if np.isnan(total) else total,
        )

    def _layout_of(self, ids: Sequence[MonitorId]) -> Layout:
        return Layout(ids, [health.probe for health in self.probes.values()], self._each)

    def _lay_out(self, layout: Layout) -> None:
        """Make every array fit the present monitors and probes, keeping what is known; new rows are to be described."""
        rows, series = layout.moved_from(self._layout)
        self._layout = layout
        self.generation += 1
        self._series.move(series, self._clock.now_ms())
        self._pauses.move(rows)
        self._strip.move(rows)
        self.strip = self._strip.cells
        self._votes = np.array([*(_may_vote(health) for health in self.probes.values()), False])
        self.has_probe = layout.probe_count > 0
        for name, nothing in _BY_ROW.items():
            setattr(self, name, rows.carried(getattr(self, name), nothing))

    def _describe(self, rows: Places) -> None:
        """Take over what the configuration says of these rows."""
        monitors = [self.monitors[self.ids[row]] for row in rows.tolist()]
        self.paused[rows] = [monitor.is_paused for monitor in monitors]
        self._created_at[rows] = [monitor.created_at_ms for monitor in monitors]
        everywhere = (True,) * len(REGIONS)
        watched = [everywhere if m.regions is None else tuple(m.watched_from(r) for r in REGIONS) for m in monitors]
        self.assigned[rows] = np.array(watched, dtype=np.bool_).reshape(len(monitors), len(REGIONS)) & self.has_probe
        self._changed[rows] = True
        self._refresh(rows, _ALL_COLUMNS)

    def _resting(self, rows: Places) -> Flags:
        resting: Flags = self.paused[rows] | (self._maintenance_until[rows] > 0)
        return resting

    def _refresh_all(self) -> None:
        self._refresh(np.arange(len(self.ids)), _ALL_COLUMNS)

    def _refresh(self, rows: Places, columns: Places) -> None:
        """Compute the visible cells anew and note the rows in which one changed."""
        if len(rows) == 0 or len(columns) == 0:
            return
        cells = np.ix_(rows, columns)
        resting, times = self._resting(rows), self._times(rows, columns)
        seen = self._seen(rows, rows, columns, resting, times)
        if self._layout.each and len(has_two := np.flatnonzero(self._layout.second_rows(rows) >= 0)):
            second, both = self._layout.second_rows(rows[has_two]), tuple(one[has_two] for one in times)
            over_6 = self._seen(second, rows[has_two], columns, resting[has_two], (both[0], both[1], both[2]))
            seen = with_seconds(seen, over_6, has_two)
        changed = np.zeros(len(rows), dtype=np.bool_)
        for name in CELL_ARRAYS:
            array, new = getattr(self, name), getattr(seen, name)
            changed |= _differs(array[cells], new)
            array[cells] = new
        verdict = verdicts(self.state[rows], self.assigned[rows], resting)
        changed |= self.verdict[rows] != verdict
        self.verdict[rows] = verdict
        self._has_turned[rows] |= verdict != self._judged[rows]
        self._changed[rows[changed]] = True

    def _seen(
        self, series_rows: Places, rows: Places, columns: Places, resting: Flags, times: tuple[Ints, Ints, Ints]
    ) -> Cells:
        """Return what cells of some rows show, by the series of these rows or of their second ones."""
        series = self._layout.series_by_region(series_rows, columns)
        votes = self._votes[self._layout.slots[columns]] & (self._series.voted_until_ms[series] > self._now_ms)
        return visible_cells(self._series, series, votes, self.assigned[np.ix_(rows, columns)], resting, times)

    def _times(self, rows: Places, columns: Places) -> tuple[Ints, Ints, Ints]:
        """Return known, available and asked ms of the rolling hour, each (rows, columns), over a region's probes.

        Where each family is measured it is the sum of both.
        """
        known, available, asked = self._times_of(rows, rows, columns)
        if self._layout.each and len(has_two := np.flatnonzero(self._layout.second_rows(rows) >= 0)):
            second = self._times_of(self._layout.second_rows(rows[has_two]), rows[has_two], columns)
            for times, more in zip((known, available, asked), second, strict=True):
                times[has_two] += more
        return known, available, asked

    def _times_of(self, series_rows: Places, rows: Places, columns: Places) -> tuple[Ints, Ints, Ints]:
        """Return the times of some rows by the series of these rows or of their second ones."""
        series = self._layout.series_by_region(series_rows, columns)
        known, available = (times.sum(axis=-1) for times in self._series.hour.times(series, self._now_ms))
        paused, _ = self._pauses.times(rows, self._now_ms)
        begin = np.maximum(self._pauses.start_ms, self._created_at[rows])
        asked = np.maximum(0, self._now_ms - begin - paused)
        return known, available, np.maximum(known, asked[:, None] * self._layout.probe_count[columns])


def _may_vote(health: ProbeHealth) -> bool:
    return health.votes and health.state is ProbeState.CONNECTED


def _incoming(series: Places, at_ms: Ints, source: ResultBatch | RecentPort, place: Places) -> Incoming:
    return Incoming(
        series=series,
        at_ms=at_ms[place],
        interval_ms=source.interval_ms[place],
        status=source.status[place],
        failure=source.failure[place],
        total_ms=source.total_ms[place],
        place=place,
    )


def _merged(histories: Sequence[SeriesHistory], series: int, last_ms: int) -> Incoming | None:
    """Return all results until `last_ms` as one column ordered by time, None if there are none."""
    if not histories:
        return None

    def column(name: str) -> npt.NDArray[Any]:
        return np.concatenate([getattr(history, name) for history in histories])

    at_ms = column("at_ms")
    order = np.argsort(at_ms, kind="stable")
    order = order[at_ms[order] <= last_ms]
    if len(order) == 0:
        return None
    return Incoming(
        series=np.full(len(order), series),
        at_ms=at_ms[order],
        interval_ms=column("interval_ms")[order],
        status=column("status")[order],
        failure=column("failure")[order],
        total_ms=column("total_ms")[order],
        place=order,
    )


def _differs(old: npt.NDArray[Any], new: npt.NDArray[Any]) -> Flags:
    """Return the rows in which a person would see a difference; numbers are shown with four decimals at most."""
    differs = old != new
    if new.dtype.kind == "f":
        differs = (np.rint(old * 10_000) != np.rint(new * 10_000)) & ~(np.isnan(old) & np.isnan(new))
    rows: Flags = differs.any(axis=1)
    return rows
