"""What is asked of every monitor over time: the regions that watch, pauses, maintenance windows.

The one place that knows when a monitor rests. Told at once (the collector asks before it judges a result), kept by
the store soon after. What was entered stays: a window that changes says nothing of the past.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from pingmon_gui.domain.availability import last_hour
from pingmon_gui.domain.error import StorageError
from pingmon_gui.domain.maintenance import (
    DAY_MS,
    MaintenanceChange,
    MaintenanceWindow,
    Span,
    WindowId,
    checked,
    next_turn_ms,
    on_until_ms,
    spans,
)
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.timeline import Standing, rests
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.clock import Clock
from pingmon_gui.engine.event import (
    Event,
    EventHub,
    MaintenanceChanged,
    MonitorsChanged,
    ProbeChanged,
    ProbeRemoved,
)
from pingmon_gui.engine.hour import Flags, Ints
from pingmon_gui.engine.port import StorePort
from pingmon_gui.engine.rest_table import RestTable

#: No probe spools for longer: results that are older do not come.
OLDEST_RESULT_MS = 9 * DAY_MS
#: A window that is over for good is listed for so long.
KEEP_OVER_MS = DAY_MS
#: What is entered this much later than it happened may have been judged already, without it.
LATE_MS = 2_000

Windows = tuple[MaintenanceWindow, ...]


class StandingBook:
    """Everything is on the loop's thread. Coroutines use the store, all else is at once.

    Attributes:
        windows: the maintenance windows that hold.
    """

    def __init__(self, store: StorePort, board: Board, hub: EventHub, clock: Clock) -> None:
        self._store = store
        self._board = board
        self._hub = hub
        self._clock = clock
        self._standings: dict[MonitorId, list[Standing]] = {}
        #: The address of each monitor, and whether the user paused it, as it was entered last.
        self._known: dict[MonitorId, tuple[str, bool]] = {}
        self._windows_of: dict[MonitorId, Windows] = {}
        self._unsaved: list[tuple[MonitorId, Standing]] = []
        self._rests: RestTable | None = None
        self._entered_ms = self._turn_ms = clock.now_ms()
        self._unsubscribe: Callable[[], None] = lambda: None
        self.windows: Windows = ()

    async def read(self, windows: Sequence[MaintenanceWindow]) -> None:
        """Take over what is known, and enter what happened since: windows that passed while nothing ran, too.

        Tells the board, and keeps nothing.
        """
        now_ms = self._clock.now_ms()
        ended = await self._store.ended_windows()
        judged_until_ms, stood_until_ms = await self._store.judged_until_ms(), await self._store.stood_until_ms()
        self._standings = await self._store.standings(None, min(now_ms - OLDEST_RESULT_MS, judged_until_ms or now_ms))
        for id_, monitor in self._board.monitors.items():
            self._known[id_] = monitor.url, monitor.is_paused
            if id_ not in self._standings:
                self._enter(id_, Standing(monitor.created_at_ms, self._board.assigned_regions(id_), monitor.is_paused))
        self._entered_ms = now_ms if stood_until_ms is None else min(stood_until_ms, now_ms)
        self._hold((*windows, *ended))
        self._enter_windows(now_ms)
        self._hold(windows)
        self._note(self._board.ids, now_ms)
        self._tell_board(self._board.ids)

    async def start(self, windows: Sequence[MaintenanceWindow]) -> None:
        """Read, keep what was entered, and follow what happens from now on."""
        await self.read(windows)
        await self.save()
        self._unsubscribe = self._hub.subscribe(self._on_event)
        if self._long_over():
            await self.change_windows(MaintenanceChange())

    def stop(self) -> None:
        self._unsubscribe()

    # What is known

    def standings(self, monitor: MonitorId) -> Sequence[Standing]:
        """Return what was asked of a monitor in the last days, by time."""
        return self._standings.get(monitor, ())

    def is_resting(self, monitor: Ints, at_ms: Ints) -> Flags:
        """Return for each result, of a monitor at a time, whether it does not count: pause or maintenance."""
        self.advance()
        if self._rests is None:
            since_ms = self._clock.now_ms() - OLDEST_RESULT_MS
            self._rests = RestTable(
                (id_, span) for id_, standings in self._standings.items() for span in rests(standings, since_ms)
            )
        return self._rests.covers(monitor, at_ms)

    # What happens

    def advance(self) -> None:
        """Let time pass: windows that began or ended since the last call are entered with their true times."""
        now_ms = self._clock.now_ms()
        if now_ms < self._turn_ms:
            self._entered_ms = max(self._entered_ms, now_ms)
        elif turned := self._enter_windows(now_ms):
            self._tell_board(turned)
            self._hub.publish(MaintenanceChanged(tuple(turned)))

    async def change_windows(self, change: MaintenanceChange) -> Windows:
        """End windows and add others; return all that hold. Raises InvalidInput, StorageError; then nothing changed."""
        now_ms = self._clock.now_ms()
        for draft in change.added:
            checked(draft, now_ms)
        change = replace(change, ended=(*change.ended, *self._long_over()))
        self.take_over(await self._store.change_windows(change, now_ms))
        return self.windows

    def take_over(self, windows: Sequence[MaintenanceWindow]) -> None:
        """Let these windows hold from now on, and no others."""
        self.advance()
        self._hold(windows)
        turned = self._note(self._board.ids, self._clock.now_ms())
        # What is on may end at another time than before.
        self._tell_board({*turned, *(id_ for id_, mine in self._windows_of.items() if mine)})
        self._hub.publish(MaintenanceChanged(tuple(turned)))

    def _long_over(self) -> list[WindowId]:
        before_ms = self._clock.now_ms() - KEEP_OVER_MS
        return [window.id for window in self.windows if window.is_over(before_ms)]

    def tell_all(self) -> None:
        """Tell the board everything again: it has forgotten it."""
        self._tell_board(self._board.ids)

    async def save(self) -> None:
        """Keep what was entered. Raises StorageError; it is tried again with the next call."""
        unsaved, self._unsaved = self._unsaved, []
        try:
            await self._store.save_standings(unsaved, self._entered_ms)
        except StorageError:
            self._unsaved = unsaved + self._unsaved
            raise

    @property
    def has_unsaved(self) -> bool:
        return bool(self._unsaved)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, MonitorsChanged):
            self.advance()
            now_ms = self._clock.now_ms()
            for id_ in event.removed:
                self._windows_of.pop(id_, None)
                if before := self._standings.get(id_):
                    self._enter(id_, replace(before[-1], from_ms=now_ms, is_paused=True, starts_anew=False))
            touched = [id_ for id_ in (*event.added, *event.changed) if id_ in self._board.row_of]
            self._place(touched)
            self._note(touched, now_ms)
            self._tell_board(touched)
        elif isinstance(event, ProbeRemoved | ProbeChanged):
            self.advance()
            self._tell_board(self._note(self._board.ids, self._clock.now_ms()))

    # How it is done

    def _hold(self, windows: Sequence[MaintenanceWindow]) -> None:
        self.windows = tuple(windows)
        self._place(self._board.ids)
        self._turn_ms = next_turn_ms(self.windows, self._entered_ms)

    def _place(self, monitors: Iterable[MonitorId]) -> None:
        """Find out which windows monitors are in."""
        for id_ in monitors:
            monitor = self._board.monitors[id_]
            self._windows_of[id_] = tuple(window for window in self.windows if window.scope.covers(monitor))

    def _enter_windows(self, now_ms: int) -> list[MonitorId]:
        """Enter what windows did since the last time; return the monitors to which something happened."""
        turned: dict[MonitorId, int] = {}
        groups: dict[Windows, list[MonitorId]] = {}
        for id_, mine in self._windows_of.items():
            groups.setdefault(mine, []).append(id_)
        for windows, monitors in groups.items():
            for span in spans(windows, self._entered_ms, now_ms + 1):
                for at_ms, is_on in ((span.start_ms, True), (span.end_ms, False)):
                    if self._entered_ms < at_ms <= now_ms:
                        for id_ in monitors:
                            is_paused, regions = is_on or self._known[id_][1], self._standings[id_][-1].regions
                            if self._enter(id_, Standing(at_ms, regions, is_paused, is_on)):
                                turned.setdefault(id_, at_ms)
        self._entered_ms = now_ms
        self._turn_ms = next_turn_ms(self.windows, now_ms)
        self._board.put_past({id_: at_ms for id_, at_ms in turned.items() if at_ms < now_ms - LATE_MS})
        return list(turned)

    def _note(self, monitors: Iterable[MonitorId], now_ms: int) -> list[MonitorId]:
        """Enter what is asked of monitors now; return those of which it is something else than before."""
        is_on: dict[Windows, bool] = {}
        turned = []
        for id_ in monitors:
            monitor, mine = self._board.monitors[id_], self._windows_of[id_]
            if mine not in is_on:
                is_on[mine] = bool(spans(mine, now_ms, now_ms + 1))
            standing = Standing(
                from_ms=now_ms if id_ in self._standings else monitor.created_at_ms,
                regions=self._board.assigned_regions(id_),
                is_paused=monitor.is_paused or is_on[mine],
                is_in_maintenance=is_on[mine],
                starts_anew=self._known.get(id_, (monitor.url, False))[0] != monitor.url,
            )
            self._known[id_] = monitor.url, monitor.is_paused
            if self._enter(id_, standing):
                turned.append(id_)
        return turned

    def _enter(self, id_: MonitorId, standing: Standing) -> bool:
        """Enter a standing if it says something new."""
        known = self._standings.setdefault(id_, [])
        if known and not standing.starts_anew and standing.asks_as(known[-1]):
            return False
        if known and standing.from_ms <= known[-1].from_ms:
            # At one moment, or by a clock that was set back: the last word counts.
            last = known.pop()
            standing = replace(standing, from_ms=last.from_ms, starts_anew=standing.starts_anew or last.starts_anew)
        known.append(standing)
        self._unsaved.append((id_, standing))
        self._rests = None
        return True

    def _tell_board(self, monitors: Iterable[MonitorId]) -> None:
        """Tell when monitors rested in the last hour, and until when maintenance lasts."""
        now_ms = self._clock.now_ms()
        since_ms = last_hour(now_ms)[0]
        until_ms: dict[Windows, int] = {}
        alike: dict[tuple[tuple[Span, ...], int, int], list[MonitorId]] = {}
        for id_ in monitors:
            standings, mine, until = self._standings[id_], self._windows_of[id_], 0
            if standings[-1].is_in_maintenance:
                if mine not in until_ms:
                    until_ms[mine] = on_until_ms(mine, now_ms) or now_ms
                until = until_ms[mine]
            told = tuple(rests(standings, since_ms)), until, standings[-1].from_ms
            alike.setdefault(told, []).append(id_)
        for told, ids in alike.items():
            self._board.put_rest(ids, *told)
