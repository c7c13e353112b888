"""The incident tracker: keeps verdicts and incidents as results come, and judges again what late results change.

Live, it looks at the board's newest results (`trail`); for the past it reads the store. Both go through the same
pure functions (`domain.timeline`, `domain.incident`), so what is kept depends on the results alone.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pingmon_gui.domain.error import InvalidInput, StorageError
from pingmon_gui.domain.incident import Evidence, Incident, IncidentId, Outage, noted, outages, reconcile
from pingmon_gui.domain.judgement import Judgement
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.probe import ProbeState
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.timeline import Standing, Track, VerdictSpan, offline_regions, verdict_spans
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.clock import Clock
from pingmon_gui.engine.event import (
    Event,
    EventHub,
    IncidentChanged,
    IncidentOpened,
    IncidentResolved,
    IncidentsCorrected,
    MonitorsChanged,
    ProbeChanged,
    ProbeRemoved,
)
from pingmon_gui.engine.port import StorePort
from pingmon_gui.engine.trail import LENGTH

_log = logging.getLogger(__name__)

#: Turned verdicts are gathered for so long, so that one cause is judged once.
GATHER_S = 0.1
#: How often the settled time is noted although nothing happens: what a crash has to judge again.
SETTLE_S = 60.0
#: The past is judged anew when no probe is catching up any more, at the latest after so long.
PATIENCE_S = 30.0
#: So long verdicts are judged at a time.
SLICE_S = 0.004
#: So many monitors of the past are read at once.
PORTION = 50
#: Judging the past begins so much before the first late result: two results in a row of each probe lie in it.
LOOK_BACK_INTERVALS = 12
_MAX_ID = 1 << 53


@dataclass
class _Case:
    """What is known of one monitor. `incidents` are those that the present may still change, by their start."""

    incidents: list[Incident] = field(default_factory=list)
    standings: list[Standing] = field(default_factory=list)

    @property
    def open(self) -> Incident | None:
        return next((incident for incident in self.incidents if incident.is_open), None)

    def put(self, incidents: Iterable[Incident]) -> None:
        """Replace incidents by id, add new ones."""
        by_id = {one.id: one for one in self.incidents} | {one.id: one for one in incidents}
        self.incidents = sorted(by_id.values(), key=lambda one: one.start_ms)

    def drop_before(self, time_ms: int) -> None:
        """Forget what was over before a time."""
        self.incidents = [one for one in self.incidents if one.end_ms is None or one.end_ms >= time_ms]


class IncidentTracker:
    """`start` reads what is open; `run` never ends by itself. Everything is on the loop's thread."""

    def __init__(self, store: StorePort, board: Board, hub: EventHub, clock: Clock) -> None:
        self._store = store
        self._board = board
        self._hub = hub
        self._clock = clock
        self._cases: dict[MonitorId, _Case] = {}
        self._news = asyncio.Event()
        self._settled_s = self._past_since_s = clock.monotonic_s()
        self._started_ms = 0
        self._regions: frozenset[Region] = frozenset()
        self._wanted: set[MonitorId] = set()
        self._waiting: dict[MonitorId, int] = {}
        self._unsaved: list[Judgement] = []
        self._unlike: dict[MonitorId, float] = {}
        self._told_problem = ""
        self._unsubscribe: Callable[[], None] = lambda: None

    async def start(self) -> None:
        """Take over what is open, note what is asked for, and have everything since the last time judged."""
        now_ms = self._clock.now_ms()
        judged_until_ms = await self._store.judged_until_ms()
        for monitor, standings in (await self._store.standings()).items():
            self._cases[monitor] = _Case(standings=standings)
        for incident in await self._store.open_incidents():
            self._case(incident.monitor).put([incident])
        self._started_ms = now_ms
        self._regions = frozenset(health.probe.region for health in self._board.probes.values())
        await self._note_standings(self._board.ids)
        begun = {
            monitor.id: monitor.created_at_ms if judged_until_ms is None else min(judged_until_ms, now_ms)
            for monitor in self._board.monitors.values()
        }
        self._board.put_past(begun)
        self._unsubscribe = self._hub.subscribe(self._on_event)

    async def stop(self) -> None:
        """Settle what can be settled."""
        self._unsubscribe()
        await self._guarded(self._look)
        await self._guarded(self._settle)

    def wake(self) -> None:
        """Results came, or time passed: verdicts may have turned."""
        self._news.set()

    async def run(self) -> None:
        while True:
            await self._news.wait()
            await asyncio.sleep(GATHER_S)
            self._news.clear()
            await self._guarded(self.step)

    async def step(self) -> None:
        """Do all that is due. Raises StorageError; it is tried again with the next step."""
        await self._follow_configuration()
        await self._look()
        now_s = self._clock.monotonic_s()
        is_catching_up = any(health.state is ProbeState.CATCHING_UP for health in self._board.probes.values())
        if not is_catching_up or now_s - self._past_since_s >= PATIENCE_S:
            self._past_since_s = now_s
            await self._judge_past()
        if now_s - self._settled_s >= SETTLE_S:
            await self._settle()

    # What a person does with incidents

    async def acknowledge(self, id_: IncidentId, is_acknowledged: bool = True) -> Incident:
        """Say that somebody looks after it, or take that back. Raises InvalidInput, StorageError."""
        incident = await self._incident(id_)
        at_ms = self._clock.now_ms() if is_acknowledged else None
        return await self._save(replace(incident, acknowledged_at_ms=at_ms))

    async def add_note(self, id_: IncidentId, text: str) -> Incident:
        """Write a line about it. Raises InvalidInput, StorageError."""
        return await self._save(noted(await self._incident(id_), self._clock.now_ms(), text))

    async def _incident(self, id_: IncidentId) -> Incident:
        for case in self._cases.values():
            if case.open is not None and case.open.id == id_:
                return case.open
        incident = await self._store.incident(id_)
        if incident is None:
            raise InvalidInput("There is no such incident.")
        return incident

    async def _save(self, incident: Incident) -> Incident:
        await self._record([Judgement(incident.monitor, (), (incident,))])
        if incident.is_open:
            self._case(incident.monitor).put([incident])
        self._hub.publish(IncidentChanged(incident))
        return incident

    # What is asked for

    def _on_event(self, event: Event) -> None:
        if isinstance(event, MonitorsChanged):
            self._wanted |= {*event.added, *event.changed, *event.removed}
            self.wake()
        elif isinstance(event, ProbeRemoved | ProbeChanged):
            regions = frozenset(health.probe.region for health in self._board.probes.values())
            if regions != self._regions:
                self._regions = regions
                self._wanted |= set(self._board.ids)
                self.wake()

    async def _follow_configuration(self) -> None:
        wanted, self._wanted = self._wanted, set()
        if not wanted:
            return
        try:
            await self._note_standings(wanted & set(self._board.row_of))
            await self._close_gone(wanted - set(self._board.row_of))
        except StorageError:
            self._wanted |= wanted
            raise

    async def _note_standings(self, monitors: Iterable[MonitorId]) -> None:
        now_ms = self._clock.now_ms()
        changed: list[tuple[MonitorId, Standing]] = []
        for id_ in monitors:
            known = self._case(id_).standings
            from_ms = now_ms if known else self._board.monitors[id_].created_at_ms
            regions, is_paused = self._board.assigned_regions(id_), bool(self._board.paused[self._board.row_of[id_]])
            if not known or (known[-1].regions, known[-1].is_paused) != (regions, is_paused):
                changed.append((id_, Standing(from_ms, regions, is_paused)))
        if changed:
            await self._store.save_standings(changed)
            for id_, standing in changed:
                self._case(id_).standings.append(standing)

    async def _close_gone(self, monitors: Iterable[MonitorId]) -> None:
        """End what is open of monitors that are watched no more."""
        now_ms = self._clock.now_ms()
        closed: list[Incident] = []
        for id_ in monitors:
            case = self._cases.pop(id_, None)
            if case is not None and case.open is not None:
                closed.append(noted(replace(case.open, end_ms=now_ms), now_ms, "The domain is watched no more."))
        if closed:
            await self._record([Judgement(one.monitor, (), (one,)) for one in closed])
            for one in closed:
                self._hub.publish(IncidentResolved(one))

    # The present

    async def _look(self) -> None:
        now_s = self._clock.monotonic_s()
        again = [monitor for monitor, due_s in self._unlike.items() if due_s <= now_s]
        turned = dict.fromkeys([*self._board.take_turned(), *again])
        events: list[Event] = []
        until_s = time.perf_counter() + SLICE_S
        for monitor in turned:
            self._unlike.pop(monitor, None)
            if monitor not in self._board.row_of:
                continue
            self._unsaved.append(self._judge_now(monitor, events))
            if time.perf_counter() > until_s:
                await asyncio.sleep(0)  # many turned at once: the window comes in between
                until_s = time.perf_counter() + SLICE_S
        # Told first: a disk that fails must not hold up an alert.
        for event in events:
            self._hub.publish(event)
        if self._unsaved:
            await self._record(())

    def _judge_now(self, monitor: MonitorId, events: list[Event]) -> Judgement:
        case, now_ms = self._case(monitor), self._clock.now_ms()
        tracks = self._board.tracks(monitor)
        # Where the trail is cut off, its first results have none before them that could tell what was confirmed.
        reaches_ms = [int(track.at_ms[2]) for track in tracks if len(track.at_ms) == LENGTH]
        cut_ms = min(now_ms, max([self._board.monitors[monitor].created_at_ms, self._started_ms, *reaches_ms]))
        spans = verdict_spans(tracks, case.standings, cut_ms, now_ms + 1)
        if spans[-1].verdict != self._board.verdict[self._board.row_of[monitor]]:
            # The board knows that a probe is not reached; its last results speak a little longer.
            self._unlike[monitor] = self._clock.monotonic_s() + self._interval_ms(monitor) * 2.5 / 1000
        case.drop_before(cut_ms)
        earlier = [VerdictSpan(one.start_ms, cut_ms, one.kind) for one in case.incidents if one.start_ms < cut_ms]
        news = _compare(case.incidents, outages([*earlier, *spans]), tracks, case.standings, now_ms)
        opened = [
            self._opened(monitor, outage, regions, self._evidence_now(monitor), now_ms)
            for outage, regions in news.opened
        ]
        withdrawn = [_withdrawn(one, now_ms) for one in news.withdrawn]
        changed = [
            (before, replace(after, evidence=self._evidence_now(monitor)) if _is_worse(before, after) else after)
            for before, after in news.changed
        ]
        for before, after in changed:
            events.append(IncidentChanged(after) if after.is_open == before.is_open else IncidentResolved(after))
        for incident in opened:
            events.append(IncidentOpened(incident))
            if not incident.is_open:
                events.append(IncidentResolved(incident))
        events += [IncidentResolved(one, is_late=True) for one in withdrawn if case.open and case.open.id == one.id]
        incidents = [*(after for _before, after in changed), *opened, *withdrawn]
        case.put(incidents)
        return Judgement(monitor, tuple(spans), tuple(incidents))

    def _evidence_now(self, monitor: MonitorId) -> tuple[Evidence, ...]:
        return tuple(
            Evidence.of(latest.probe, latest.result, latest.status)
            for region in REGIONS
            for latest in self._board.latest(monitor, region)
            if latest.status is not Status.UNKNOWN
        )

    def _opened(
        self,
        monitor: MonitorId,
        outage: Outage,
        regions: tuple[Region, ...],
        evidence: tuple[Evidence, ...],
        confirmed_at_ms: int,
    ) -> Incident:
        return Incident(
            id=IncidentId(1 + secrets.randbelow(_MAX_ID - 1)),
            monitor=monitor,
            kind=outage.kind,
            start_ms=outage.start_ms,
            end_ms=outage.end_ms,
            confirmed_at_ms=confirmed_at_ms,
            regions=regions,
            evidence=evidence,
        )

    # The past

    async def _judge_past(self) -> None:
        for monitor, from_ms in self._board.take_past().items():
            self._waiting[monitor] = min(from_ms, self._waiting.get(monitor, from_ms))
        if not self._waiting:
            return
        await self._store.flush()
        ids = sorted(self._waiting, key=lambda monitor: self._waiting[monitor])
        for start in range(0, len(ids), PORTION):
            await self._judge_again({monitor: self._waiting[monitor] for monitor in ids[start : start + PORTION]})

    async def _judge_again(self, past: Mapping[MonitorId, int]) -> None:
        now_ms = self._clock.now_ms()
        from_ms = min(past.values())
        longest_ms = max(self._interval_ms(monitor) for monitor in past)
        tracks = await self._store.tracks(list(past), from_ms - LOOK_BACK_INTERVALS * longest_ms, now_ms + 1)
        incidents = await self._store.incidents(from_ms, now_ms + 1, list(past))
        judgements: list[Judgement] = []
        events: list[Event] = []
        until_s = time.perf_counter() + SLICE_S
        for monitor, late_ms in past.items():
            if monitor in self._board.row_of:
                known = [one for one in incidents if one.monitor == monitor and not one.is_withdrawn]
                judgements.append(await self._judge_past_of(monitor, late_ms, tracks[monitor], known, events))
            if time.perf_counter() > until_s:
                await asyncio.sleep(0)
                until_s = time.perf_counter() + SLICE_S
        for monitor in past:
            del self._waiting[monitor]
        try:
            await self._record(judgements)
        except StorageError:
            self._waiting |= past
            raise
        corrected = tuple(one for judgement in judgements for one in judgement.incidents)
        if corrected:
            self._hub.publish(IncidentsCorrected(corrected))
        for event in events:
            self._hub.publish(event)

    async def _judge_past_of(
        self,
        monitor: MonitorId,
        from_ms: int,
        tracks: Sequence[Track],
        known: Sequence[Incident],
        events: list[Event],
    ) -> Judgement:
        case, now_ms = self._case(monitor), self._clock.now_ms()
        spans = verdict_spans(tracks, case.standings, from_ms, now_ms + 1)
        since_ms = min([from_ms, *(one.start_ms for one in known)])
        earlier = (await self._store.verdict_spans([monitor], since_ms, from_ms))[monitor] if since_ms < from_ms else []
        news = _compare(known, outages([*earlier, *spans]), tracks, case.standings, now_ms)
        changed: list[Incident] = []
        for before, after in news.changed:
            changed.append(noted(after, now_ms, "Corrected by results that arrived later."))
            if before.is_open and not after.is_open:
                events.append(IncidentResolved(changed[-1], is_late=True))
        for outage, regions in news.opened:
            evidence = await self._evidence_then(monitor, outage)
            changed.append(self._opened(monitor, outage, regions, evidence, now_ms))
            if changed[-1].is_open:
                events.append(IncidentOpened(changed[-1]))
        for one in news.withdrawn:
            changed.append(_withdrawn(one, now_ms))
            if one.is_open:
                events.append(IncidentResolved(changed[-1], is_late=True))
        case.put(changed)
        return Judgement(monitor, tuple(spans), tuple(changed))

    async def _evidence_then(self, monitor: MonitorId, outage: Outage) -> tuple[Evidence, ...]:
        """Return what each probe saw when every one had had its turn, and what failed was tried again."""
        end_ms = self._clock.now_ms() if outage.end_ms is None else outage.end_ms
        seen_ms = min(end_ms - 1, outage.start_ms + self._interval_ms(monitor) * 3 // 2)
        seen = await self._store.results_at(monitor, seen_ms)
        return tuple(Evidence.of(*one) for one in seen if one[2] is not Status.UNKNOWN)

    # Settling

    def _settled_ms(self) -> int:
        """Return up to when everything that came is judged."""
        return min([self._clock.now_ms(), self._board.past_from_ms, *self._waiting.values()])

    async def _record(self, judgements: Iterable[Judgement]) -> None:
        """Keep judgements, and before them what could not be kept earlier."""
        unsaved = [*self._unsaved, *judgements]
        self._unsaved = []
        try:
            await self._store.record(unsaved, self._settled_ms())
            self._told_problem = ""
        except StorageError:
            self._unsaved = unsaved + self._unsaved
            raise

    async def _settle(self) -> None:
        self._settled_s = self._clock.monotonic_s()
        await self._record(())

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except StorageError as exc:
            # It is tried again every second: a disk that stays full is told of once.
            if self._told_problem != str(exc):
                self._told_problem = str(exc)
                _log.warning("verdicts and incidents could not be kept: %s", exc)

    def _case(self, monitor: MonitorId) -> _Case:
        return self._cases.setdefault(monitor, _Case())

    def _interval_ms(self, monitor: MonitorId) -> int:
        known = self._board.monitors.get(monitor)
        return 10_000 if known is None else known.settings.interval_ms


@dataclass(frozen=True)
class _News:
    """What is different about incidents: pairs (before, after), new ones with their regions, and what was none."""

    changed: tuple[tuple[Incident, Incident], ...]
    opened: tuple[tuple[Outage, tuple[Region, ...]], ...]
    withdrawn: tuple[Incident, ...]


def _compare(
    known: Sequence[Incident],
    found: Sequence[Outage],
    tracks: Sequence[Track],
    standings: Sequence[Standing],
    now_ms: int,
) -> _News:
    matched = reconcile([one for one in known if not one.is_withdrawn], found)

    def regions_of(start_ms: int, end_ms: int | None) -> tuple[Region, ...]:
        return offline_regions(tracks, standings, start_ms, now_ms + 1 if end_ms is None else end_ms)

    changed = []
    for before, after in matched.kept:
        regions = {*before.regions, *regions_of(after.start_ms, after.end_ms)}
        whole = replace(after, regions=tuple(region for region in REGIONS if region in regions))
        if whole != before:
            changed.append((before, whole))
    opened = tuple((outage, regions_of(outage.start_ms, outage.end_ms)) for outage in matched.opened)
    return _News(tuple(changed), opened, matched.withdrawn)


def _is_worse(before: Incident, after: Incident) -> bool:
    """Return whether it lasts and has spread, so that what was seen at its start says no longer what it is."""
    return after.is_open and (after.regions != before.regions or after.kind != before.kind)


def _withdrawn(incident: Incident, now_ms: int) -> Incident:
    gone = replace(incident, is_withdrawn=True, end_ms=incident.start_ms)
    return noted(gone, now_ms, "Withdrawn: results that arrived later show no problem.")
