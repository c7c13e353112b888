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

from pingmon_gui.domain.availability import hold_ms
from pingmon_gui.domain.error import InvalidInput, StorageError
from pingmon_gui.domain.incident import Evidence, Incident, IncidentId, Outage, noted, outages, remarked
from pingmon_gui.domain.judgement import Judgement
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.probe import ProbeState
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.timeline import (
    Standing,
    Track,
    VerdictSpan,
    fresh_moments,
    sure_from_ms,
    verdict_spans,
)
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.case import Case, compare, cut_noted, is_corrected, is_worse, reaches, withdrawn_by
from pingmon_gui.engine.clock import Clock
from pingmon_gui.engine.event import (
    Event,
    EventHub,
    IncidentChanged,
    IncidentOpened,
    IncidentResolved,
    IncidentsCorrected,
    MonitorsChanged,
    ProbeRemoved,
)
from pingmon_gui.engine.port import StorePort
from pingmon_gui.engine.standing_book import StandingBook

_log = logging.getLogger(__name__)

_NO_MORE = "The domain is watched no more."

#: Turned verdicts are gathered for so long, so that one cause is judged once.
GATHER_S = 0.1
#: How often the settled time is noted although nothing happens: what a crash has to judge again.
SETTLE_S = 60.0
#: The past is judged anew when no probe is catching up any more, at the latest after so long.
PATIENCE_S = 30.0
#: So long verdicts are judged at a time.
SLICE_S = 0.004
#: So many monitors of the past are read at once.
PORTION = 200
#: What is read of the past begins so much before the first late result; further before where that does not say
#: what was confirmed by then, up to LOOK_BACK_MS and so many intervals.
LOOK_BACK_INTERVALS = 12
MOST_BACK_INTERVALS = 96
LOOK_BACK_MS = 86_400_000
_MAX_ID = 1 << 53


class IncidentTracker:
    """`start` reads what is open; `run` never ends by itself. Everything is on the loop's thread."""

    def __init__(self, store: StorePort, board: Board, book: StandingBook, hub: EventHub, clock: Clock) -> None:
        self._store = store
        self._board = board
        self._book = book
        self._hub = hub
        self._clock = clock
        self._cases: dict[MonitorId, Case] = {}
        self._news = asyncio.Event()
        self._turn = asyncio.Lock()
        self._settled_s = self._past_since_s = clock.monotonic_s()
        self._gone: set[MonitorId] = set()
        self._each: set[MonitorId] = set()
        self._waiting: dict[MonitorId, int] = {}
        self._unsaved: list[Judgement] = []
        self._looked_ms = clock.now_ms()
        #: What the board says otherwise than the kept verdicts: since when, and when to look again.
        self._unlike: dict[MonitorId, tuple[int, float]] = {}
        self._told_problem = ""
        self._unsubscribe: Callable[[], None] = lambda: None

    async def start(self, known_from_ms: int) -> None:
        """Take over what the present may still change, and have everything since the last time judged.

        The board knows every result since `known_from_ms`.
        """
        now_ms = self._clock.now_ms()
        judged_until_ms = await self._store.judged_until_ms()
        for monitor in self._board.monitors.values():
            self._cases[monitor.id] = Case(max(known_from_ms, monitor.created_at_ms))
        self._note_families(self._board.monitors)
        for incident in await self._store.incidents(known_from_ms, now_ms + 1):
            if not incident.is_withdrawn and incident.monitor in self._cases:
                self._cases[incident.monitor].put([incident])
        for case in self._cases.values():
            case.judged_anew([VerdictSpan(one.start_ms, one.end_ms or now_ms, one.kind) for one in case.incidents])
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
        self._book.advance()
        if self._book.has_unsaved:
            await self._book.save()
        await self._close_gone()
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
        at_ms = self._clock.now_ms() if is_acknowledged else None
        return await self._change(id_, lambda incident: replace(incident, acknowledged_at_ms=at_ms))

    async def add_note(self, id_: IncidentId, text: str) -> Incident:
        """Write a line about it. Raises InvalidInput, StorageError."""
        return await self._change(id_, lambda incident: noted(incident, self._clock.now_ms(), text))

    async def _change(self, id_: IncidentId, change: Callable[[Incident], Incident]) -> Incident:
        # What is judged meanwhile must neither lose this nor be lost by it.
        async with self._turn:
            incident = change(await self._incident(id_))
            await self._record([Judgement(incident.monitor, (), (incident,))])
            case = self._cases.get(incident.monitor)
            if case is not None and any(one.id == id_ for one in case.incidents):
                case.put([incident])
        self._hub.publish(IncidentChanged(incident))
        return incident

    async def _incident(self, id_: IncidentId) -> Incident:
        for case in self._cases.values():
            for incident in case.incidents:
                if incident.id == id_:
                    return incident
        found = await self._store.incident(id_)
        if found is None:
            raise InvalidInput("There is no such incident.")
        return found

    # What is watched

    def _on_event(self, event: Event) -> None:
        if isinstance(event, MonitorsChanged):
            self._note_families((*event.added, *event.changed))
            self._gone |= set(event.removed)
            self._gone -= set(event.added)
            for id_ in event.added:
                standings = self._book.standings(id_)
                if len(standings) > 1:
                    # Brought back: what came meanwhile, of whatever time, was passed over.
                    self._board.put_past({id_: standings[-2].from_ms - LOOK_BACK_MS})
                # The last thing asked begins with it: when it was made, or brought back.
                self._cases.setdefault(id_, Case(standings[-1].from_ms))
            self.wake()
        elif isinstance(event, ProbeRemoved):
            # Its results are gone from the board, and with them what they said of the time before.
            for case in self._cases.values():
                case.forget_before(max(case.from_ms, self._clock.now_ms()))

    def _note_families(self, monitors: Iterable[MonitorId]) -> None:
        """Note which monitors are measured over each family: of one that is not any more IPv6 is forgotten."""
        for id_ in monitors:
            monitor = self._board.monitors.get(id_)
            if monitor is not None and monitor.has_each_family:
                self._each.add(id_)
            elif id_ in self._each:
                self._each.discard(id_)
                case = self._case(id_)
                case.forget_before(max(case.from_ms, self._clock.now_ms()))

    async def _close_gone(self) -> None:
        """End what is open of monitors that are watched no more."""
        now_ms = self._clock.now_ms()
        gone, self._gone = self._gone, set()
        judgements: list[Judgement] = []
        for id_ in gone:
            case = self._cases.pop(id_, None)
            ended = [] if case is None or case.open is None else [case.open]
            closed = [remarked(replace(one, end_ms=now_ms, is_cut=True), now_ms, _NO_MORE) for one in ended]
            judgements.append(Judgement(id_, (VerdictSpan(now_ms, now_ms + 1, Verdict.PAUSED),), tuple(closed)))
        if judgements:
            async with self._turn:
                await self._record(judgements)
            for judgement in judgements:
                for one in judgement.incidents:
                    self._hub.publish(IncidentResolved(one))

    # The present

    async def _look(self) -> None:
        now_s, looked_ms = self._clock.monotonic_s(), self._looked_ms
        again = [monitor for monitor, (_since_ms, due_s) in self._unlike.items() if due_s <= now_s]
        turned = dict.fromkeys([*self._board.take_turned(), *again])
        self._looked_ms = self._clock.now_ms()
        events: list[Event] = []
        async with self._turn:
            until_s = time.perf_counter() + SLICE_S
            for monitor in turned:
                since_ms, _due_s = self._unlike.pop(monitor, (looked_ms, 0.0))
                if monitor not in self._board.row_of:
                    continue
                judgement = self._judge_now(monitor, min(since_ms, looked_ms), events)
                if judgement is not None:
                    self._unsaved.append(judgement)
                if time.perf_counter() > until_s:
                    await asyncio.sleep(0)  # many turned at once: the window comes in between
                    until_s = time.perf_counter() + SLICE_S
            # Told first: a disk that fails must not hold up an alert.
            for event in events:
                self._hub.publish(event)
            if self._unsaved:
                await self._record(())

    def _judge_now(self, monitor: MonitorId, since_ms: int, events: list[Event]) -> Judgement | None:
        """Judge anew what the newest results say; None where the store is asked instead.

        That is where they do not reach back, or are still on their way from a probe that catches up.
        All was well known until `since_ms`. What turned it may be two results that go back for twice their hold.
        """
        case, now_ms = self._case(monitor), self._clock.now_ms()
        trails, standings = self._board.trails(monitor), self._book.standings(monitor)
        turned_ms = max(since_ms - 2 * self._hold_ms(monitor), self._board.monitors[monitor].created_at_ms)
        sure_ms = self._sure_from_ms(monitor, trails, standings, turned_ms)
        if sure_ms is None or case.from_ms > turned_ms or self._is_half_told(trails, now_ms):
            self._board.put_past({monitor: turned_ms})
            return None
        cut_ms = min(now_ms, max(sure_ms, case.from_ms))
        tracks = [track for track, _ in trails]
        spans = verdict_spans(tracks, standings, cut_ms, now_ms + 1)
        self._compare_with_board(monitor, spans)
        case.forget_before(cut_ms)
        news = compare(case.incidents, outages([*case.before(), *spans]), tracks, standings, cut_ms, now_ms)
        case.spans = spans
        opened = [
            self._opened(monitor, outage, regions, self._evidence_now(monitor), now_ms)
            for outage, regions in news.opened
        ]
        withdrawn = [withdrawn_by(one, news.kept, now_ms) for one in news.withdrawn]
        changed = []
        for before, after in news.changed:
            changed.append(cut_noted(before, after, standings, now_ms))
            if is_worse(before, after):
                changed[-1] = replace(changed[-1], evidence=self._evidence_now(monitor))
            events.append(_event_of(before, changed[-1]))
        events += [IncidentOpened(incident) for incident in opened if incident.is_open]
        if over := tuple(incident for incident in opened if not incident.is_open):
            events.append(IncidentsCorrected(over))
        for before, after in zip(news.withdrawn, withdrawn, strict=True):
            if before.is_open:
                events.append(IncidentResolved(after, is_late=True))
        incidents = [*changed, *opened, *withdrawn]
        case.put(incidents)
        return Judgement(monitor, tuple(spans), tuple(incidents))

    def _is_half_told(self, trails: Sequence[tuple[Track, int]], now_ms: int) -> bool:
        """Return whether a probe's backlog has come to results that speak for now, but not to its newest."""
        return any(
            self._board.probes[track.probe].state is ProbeState.CATCHING_UP
            and (track.at_ms + hold_ms(track.interval_ms)).max(initial=0) > now_ms
            for track, _ in trails
        )

    def _sure_from_ms(
        self, monitor: MonitorId, trails: Sequence[tuple[Track, int]], standings: Sequence[Standing], wanted_ms: int
    ) -> int | None:
        """Return from when on these results alone say what all results say; None if only after `wanted_ms`."""
        created_ms, fresh_ms = self._board.monitors[monitor].created_at_ms, fresh_moments(standings)
        found = created_ms
        for track, whole_from_ms in trails:
            if whole_from_ms <= created_ms:
                continue
            sure_ms = sure_from_ms(track, whole_from_ms, whole_from_ms + self._hold_ms(monitor), fresh_ms)
            if sure_ms is None or max(sure_ms, whole_from_ms) > wanted_ms:
                return None
            found = max(found, sure_ms, whole_from_ms)
        return found

    def _compare_with_board(self, monitor: MonitorId, spans: Sequence[VerdictSpan]) -> None:
        """Look again soon where the board says something else.

        It knows that a probe is not reached, while its last results speak a little longer; and of what was read from
        the store it may know newer results.
        """
        if spans[-1].verdict != self._board.verdict[self._board.row_of[monitor]]:
            since_ms, _due_s = self._unlike.get(monitor, (self._clock.now_ms(), 0.0))
            self._unlike[monitor] = since_ms, self._clock.monotonic_s() + self._hold_ms(monitor) / 1000

    def _evidence_now(self, monitor: MonitorId) -> tuple[Evidence, ...]:
        """Return what each probe sees that has a vote: one that is not reached is no witness."""
        return tuple(
            Evidence.of(latest.probe, latest.result, latest.status, latest.family)
            for latest in self._board.speaking(monitor)
        )

    def _opened(
        self,
        monitor: MonitorId,
        outage: Outage,
        regions: tuple[Region, ...],
        evidence: tuple[Evidence, ...],
        now_ms: int,
    ) -> Incident:
        incident = Incident(
            id=IncidentId(1 + secrets.randbelow(_MAX_ID - 1)),
            monitor=monitor,
            kind=outage.kind,
            start_ms=outage.start_ms,
            end_ms=None,
            confirmed_at_ms=now_ms,
            regions=regions,
            evidence=evidence,
        )
        whole = replace(incident, end_ms=outage.end_ms, is_cut=outage.is_cut)
        return cut_noted(incident, whole, self._book.standings(monitor), now_ms)

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
            # After a start that is thousands: who goes offline meanwhile does not wait for them.
            await self._look()

    async def _judge_again(self, past: Mapping[MonitorId, int]) -> None:
        async with self._turn:
            word = _Word()
            judgements = await self._judged_past(past, word)
            for monitor in past:
                del self._waiting[monitor]
            try:
                await self._record(judgements)
            except StorageError:
                self._waiting |= past
                raise
        if word.corrected:
            self._hub.publish(IncidentsCorrected(tuple(word.corrected)))
        for event in word.events:
            self._hub.publish(event)

    async def _judged_past(self, past: Mapping[MonitorId, int], word: _Word) -> list[Judgement]:
        now_ms = self._clock.now_ms()
        from_ms = min(past.values())
        tracks = await self._tracks(past, now_ms)
        unkept = {one.id: one for judgement in self._unsaved for one in judgement.incidents}
        kept = {one.id: one for one in await self._store.incidents(from_ms, now_ms + 1, list(past))}
        incidents = [one for one in (kept | unkept).values() if not one.is_withdrawn]
        judgements: list[Judgement] = []
        until_s = time.perf_counter() + SLICE_S
        for monitor, late_ms in past.items():
            if monitor in self._board.row_of:
                mine = [one for one in incidents if one.monitor == monitor and reaches(one, late_ms)]
                live = [one for one in self._case(monitor).incidents if not one.is_withdrawn]
                known = list({one.id: one for one in (*live, *mine)}.values())
                judgements.append(await self._judge_past_of(monitor, late_ms, tracks[monitor], known, word))
            if time.perf_counter() > until_s:
                await asyncio.sleep(0)
                until_s = time.perf_counter() + SLICE_S
        return judgements

    async def _tracks(self, past: Mapping[MonitorId, int], now_ms: int) -> dict[MonitorId, list[Track]]:
        """Return what the store has of monitors since a little before each one's time: enough to say what held then."""
        found: dict[MonitorId, list[Track]] = {}
        intervals, missing = LOOK_BACK_INTERVALS, list(past)
        while missing:
            longest_ms = max(self._interval_ms(monitor) for monitor in missing)
            is_last = intervals >= MOST_BACK_INTERVALS
            back_ms = max(LOOK_BACK_MS if is_last else 0, intervals * longest_ms)
            since_ms = min(past[monitor] for monitor in missing) - back_ms
            found |= await self._store.tracks(missing, since_ms, now_ms + 1)
            if is_last:
                break
            missing = [one for one in missing if not self._says_enough(one, found[one], since_ms, past[one])]
            intervals = MOST_BACK_INTERVALS
        return found

    def _says_enough(self, monitor: MonitorId, tracks: Sequence[Track], since_ms: int, from_ms: int) -> bool:
        if monitor not in self._board.row_of:
            return True
        trails = [(track, since_ms) for track in tracks]
        return self._sure_from_ms(monitor, trails, self._book.standings(monitor), from_ms) is not None

    async def _judge_past_of(
        self, monitor: MonitorId, from_ms: int, tracks: Sequence[Track], known: Sequence[Incident], word: _Word
    ) -> Judgement:
        case, now_ms, standings = self._case(monitor), self._clock.now_ms(), self._book.standings(monitor)
        # A clock that was set back may have left a time that is still to come.
        from_ms = min(from_ms, now_ms)
        spans = verdict_spans(tracks, standings, from_ms, now_ms + 1)
        self._compare_with_board(monitor, spans)
        since_ms = min([from_ms, *(one.start_ms for one in known)])
        earlier: list[VerdictSpan] = []
        if since_ms < from_ms:
            earlier = (await self._store.verdict_spans([monitor], since_ms, from_ms, is_settled=False))[monitor]
        news = compare(known, outages([*earlier, *spans]), tracks, standings, from_ms, now_ms)
        changed: list[Incident] = []
        for before, seen in news.changed:
            after = cut_noted(before, seen, standings, now_ms)
            if is_worse(before, after):
                after = replace(after, evidence=self._evidence_now(monitor))
            if is_corrected(before, after):
                after = remarked(after, now_ms, "Corrected by results that arrived later.")
                word.corrected.append(after)
            if before.is_open != after.is_open or not is_corrected(before, after):
                word.events.append(_event_of(before, after, is_late=self._is_late(after)))
            changed.append(after)
        for outage, regions in news.opened:
            evidence = await self._evidence_then(monitor, outage)
            changed.append(self._opened(monitor, outage, regions, evidence, now_ms))
            if changed[-1].is_open:
                word.events.append(IncidentOpened(changed[-1]))
            else:
                word.corrected.append(changed[-1])
        for one in news.withdrawn:
            changed.append(withdrawn_by(one, news.kept, now_ms))
            word.corrected.append(changed[-1])
            if one.is_open:
                word.events.append(IncidentResolved(changed[-1], is_late=True))
        case.put(changed)
        case.judged_anew([*earlier, *spans])
        case.forget_before(case.from_ms)
        return Judgement(monitor, tuple(spans), tuple(changed))

    def _is_late(self, incident: Incident) -> bool:
        """Return whether it was over for so long that nobody waits for the word any more."""
        over_ms = self._clock.now_ms() - 2 * self._hold_ms(incident.monitor) - PATIENCE_S * 1000
        return incident.end_ms is not None and incident.end_ms < over_ms

    async def _evidence_then(self, monitor: MonitorId, outage: Outage) -> tuple[Evidence, ...]:
        """Return what each probe saw when every one had had its turn, and what failed was tried again."""
        end_ms = self._clock.now_ms() if outage.end_ms is None else outage.end_ms
        seen_ms = min(end_ms - 1, outage.start_ms + self._interval_ms(monitor) * 3 // 2)
        seen = await self._store.results_at(monitor, seen_ms)
        has_two = len({probe.id for probe, _result, _status in seen}) < len(seen)
        return tuple(
            Evidence.of(probe, result, status, (result.family or 0) if has_two else 0)
            for probe, result, status in seen
            if status <= Status.OFFLINE
        )

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
        await self._book.save()
        async with self._turn:
            await self._record(())

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except StorageError as exc:
            # It is tried again every second: a disk that stays full is told of once.
            if self._told_problem != str(exc):
                self._told_problem = str(exc)
                _log.warning("verdicts and incidents could not be kept: %s", exc)

    def _case(self, monitor: MonitorId) -> Case:
        return self._cases.setdefault(monitor, Case(self._clock.now_ms()))

    def _hold_ms(self, monitor: MonitorId) -> int:
        return self._interval_ms(monitor) * 5 // 2

    def _interval_ms(self, monitor: MonitorId) -> int:
        known = self._board.monitors.get(monitor)
        return 10_000 if known is None else known.settings.holding_interval_ms


@dataclass
class _Word:
    """What listeners are to hear of the past when it is kept."""

    corrected: list[Incident] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


def _event_of(before: Incident, after: Incident, *, is_late: bool = False) -> Event:
    """Return how listeners hear of a change."""
    if before.is_open == after.is_open:
        return IncidentChanged(after)
    return IncidentOpened(after) if after.is_open else IncidentResolved(after, is_late)
