"""The engine: joins scheduler, collector and board for every probe, lets time pass, starts and stops in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from pingmon_gui.domain.availability import last_hour
from pingmon_gui.domain.error import StorageError
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.probe import ProbeHealth
from pingmon_gui.domain.region import REGIONS
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Status
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.clock import Clock, clock_error_ms
from pingmon_gui.engine.collector import Collector
from pingmon_gui.engine.command import Commands
from pingmon_gui.engine.desk import ProbeDesk
from pingmon_gui.engine.event import (
    Event,
    EventHub,
    MaintenanceChanged,
    Notice,
    ProbeChanged,
    ProbeRemoved,
    StorageProblem,
    TimePassed,
)
from pingmon_gui.engine.incident_tracker import IncidentTracker
from pingmon_gui.engine.link import ProbeLink, ProbeStatus
from pingmon_gui.engine.port import CursorPort, StorePort
from pingmon_gui.engine.scheduler import Scheduler
from pingmon_gui.engine.standing_book import StandingBook
from pingmon_gui.engine.version_table import VersionTable
from pingmon_gui.nap import Nap

_log = logging.getLogger(__name__)

#: A tick that comes this much later than it should was held up by sleep, not by work.
GAP_S = 10.0
#: When the clock was set back by more than this, what the board counted no longer fits the time of day.
SET_BACK_MS = 60_000
#: Monitors measured more rarely than this are measured at once when a probe is reached, instead of in their slot.
PATIENCE_MS = 30_000
#: So few unknown monitors are measured at once whatever their interval: at the default pace that takes 2 s.
FEW = 200
#: The warm start reads results this much older than the hour, for those whose hold reaches in.
CARRY_IN_MS = 150_000
RECOUNT_TRIES = 5
#: What is known of this computer's clock changes by more than this before it is told.
CLOCK_NEWS_MS = 1_000.0


@dataclass
class _Room:
    """Everything of one probe. `tasks` run while the engine does."""

    link: ProbeLink
    desk: ProbeDesk
    scheduler: Scheduler
    collector: Collector
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


class Engine:
    """`start` returns when the board shows what the store knows; probes are reached after that.

    `commands` exists from `start` on. Everything runs on the loop that called `start`.

    Attributes:
        tick_s: how often time is let pass.
        repair_s: how long a probe's task that failed by a bug is left alone.
    """

    commands: Commands
    tick_s = 1.0
    repair_s = 5.0

    def __init__(self, store: StorePort, links: Sequence[ProbeLink], clock: Clock, hub: EventHub | None = None) -> None:
        self._store = store
        self._links = list(links)
        self._clock = clock
        self._rooms: list[_Room] = []
        self._main: asyncio.Task[None] | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._recounts: dict[tuple[MonitorId, ProbeId], int] = {}
        self._plan_turn = asyncio.Lock()
        self._storage_problem: str | None = None
        self._clock_problem: str | None = None
        self.hub = hub or EventHub()
        self.board = Board(clock)
        self.standings = StandingBook(store, self.board, self.hub, clock)
        self.incidents = IncidentTracker(store, self.board, self.standings, self.hub, clock)
        self._unsubscribe: Callable[[], None] = lambda: None

    async def start(self) -> None:
        """Read the configuration, warm the board, begin to work. Raises StorageError."""
        configuration = await asyncio.to_thread(self._store.configuration)
        self._versions = VersionTable(configuration.versions)
        self._versions.add(configuration.monitors)
        self.board.set_probes([ProbeHealth(link.probe) for link in self._links])
        self.board.put_monitors(configuration.monitors)
        self.commands = Commands(
            self._store,
            self.board,
            self._versions,
            self.hub,
            lambda: [room.scheduler for room in self._rooms],
            configuration.preferences,
            self.standings,
        )
        self._rooms = [self._room(link, configuration.cursors.get(link.probe.id)) for link in self._links]
        known_from_ms = await self._warm(is_shown=False)
        await self.standings.start(configuration.windows)
        await self.incidents.start(known_from_ms)
        self._unsubscribe = self.hub.subscribe(self._on_event)
        loop = asyncio.get_running_loop()
        self._store.on_problem = lambda error: _call_from_thread(loop, self._storage_told, error)
        self._storage_told(self._store.problem)
        self._main = asyncio.create_task(self._run(), name="engine")
        self._main.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Cancel, await, close the links, then see to it that everything collected is in the database."""
        self._store.on_problem = None
        if self._main is not None:
            self._main.cancel()
            await asyncio.gather(self._main, return_exceptions=True)
            self._main = None
        rooms, self._rooms = self._rooms, []
        for room in rooms:
            room.desk.stopped()
        await asyncio.gather(*(_close(room.link) for room in rooms))
        await self._store.flush()
        await self.incidents.stop()
        self.standings.stop()
        self._unsubscribe()

    async def add_link(self, link: ProbeLink) -> None:
        """Measure with one more probe from now on; it replaces the one with its id. Reads the store for its cursor.

        Every probe gets a new plan where regions take their turns anew. Raises StorageError.
        """
        configuration = await asyncio.to_thread(self._store.configuration)
        await self.remove_link(link.probe.id)
        self.board.set_probes([*self.board.probes.values(), ProbeHealth(link.probe)])
        room = self._room(link, configuration.cursors.get(link.probe.id))
        self._rooms.append(room)
        self._recounts.update(((monitor, link.probe.id), RECOUNT_TRIES) for monitor in self.board.ids)
        if self._tasks is not None:
            self._begin(room)
        self._regions_changed()
        self.hub.publish(ProbeChanged(self.board.probes[link.probe.id]))

    async def remove_link(self, id_: ProbeId) -> None:
        """Stop measuring with a probe; its column empties, what it measured stays. Harmless if it is not here."""
        room = next((room for room in self._rooms if room.link.probe.id == id_), None)
        if room is None:
            return
        self._rooms.remove(room)
        for task in room.tasks:
            task.cancel()
        await asyncio.gather(*room.tasks, return_exceptions=True)
        await _close(room.link)
        self.board.set_probes(health for health in self.board.probes.values() if health.probe.id != id_)
        self._regions_changed()
        self.hub.publish(ProbeRemoved(room.link.probe))

    def link(self, id_: ProbeId) -> ProbeLink:
        """Return a probe's link. Raises KeyError."""
        return self._room_of(id_).link

    def hurry(self, id_: ProbeId) -> None:
        """Try a probe at once instead of when its turn comes. Raises KeyError."""
        self._room_of(id_).collector.hurry()

    def take_over(self, id_: ProbeId) -> None:
        """Send the plan with the user's word that the probe's present owner gives way. Raises KeyError."""
        self._room_of(id_).scheduler.take_over()

    def _room_of(self, id_: ProbeId) -> _Room:
        for room in self._rooms:
            if room.link.probe.id == id_:
                return room
        raise KeyError(id_)

    def _regions_changed(self) -> None:
        for room in self._rooms:
            room.scheduler.changed()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                tasks.create_task(self._tick_for_ever(), name="tick")
                tasks.create_task(self._recount_for_ever(), name="recount")
                tasks.create_task(self.incidents.run(), name="incidents")
                for room in self._rooms:
                    self._begin(room)
                await asyncio.Event().wait()
            finally:
                self._tasks = None

    def _begin(self, room: _Room) -> None:
        assert self._tasks is not None
        name = room.link.probe.name
        for word, run in (("collect", room.collector.run), ("schedule", room.scheduler.run)):
            task = self._tasks.create_task(_guarded(run, room.desk, self.repair_s), name=f"{word}:{name}")
            room.tasks.append(task)

    def _ended(self, main: asyncio.Task[None]) -> None:
        """Say so if the engine ended without being asked to: a window that stands still must not look healthy."""
        if not main.cancelled() and (cause := main.exception()) is not None:
            _log.critical("the engine ended by a fault of its own", exc_info=cause)
            sentence = "Pingmon has stopped measuring because of a fault of its own."
            self.board.set_problem(sentence)
            self.hub.publish(Notice(sentence, "Start it again; the log has the details."))

    def _room(self, link: ProbeLink, cursor: CursorPort | None) -> _Room:
        desk = ProbeDesk(link, self.board, self.hub, self._clock)
        scheduler = Scheduler(
            link, desk, self.board, self._store.owner, lambda: self.commands.preferences, Nap(), self._plan_turn
        )

        def on_connected(status: ProbeStatus) -> None:
            scheduler.connected(status)
            scheduler.check_now(self._waiting_for(link))

        collector = Collector(
            link,
            desk,
            self._store,
            self.board,
            self._versions,
            self.standings,
            self._clock,
            cursor,
            on_connected=on_connected,
            on_revision=scheduler.revision_heard,
            on_catching_up=lambda: scheduler.check_now(self.board.ids),
            on_results=self.incidents.wake,
            nap=Nap(),
        )
        return _Room(link, desk, scheduler, collector)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, MaintenanceChanged):
            # Seldom measured ones would speak for the other side of the window's edge for long.
            known = (self.board.monitors.get(monitor) for monitor in event.monitors)
            seldom = [monitor.id for monitor in known if monitor and monitor.settings.interval_ms > PATIENCE_MS]
            for room in self._rooms:
                room.scheduler.check_now(seldom)

    def _waiting_for(self, link: ProbeLink) -> list[MonitorId]:
        """Return monitors that would stay unknown for long: measured rarely, or few enough to be measured at once."""
        column = REGIONS.index(link.probe.region)
        unknown = np.flatnonzero(self.board.state[:, column] == Status.UNKNOWN).tolist()
        ids = [self.board.ids[row] for row in unknown]
        if len(ids) <= FEW:
            return ids
        return [monitor for monitor in ids if self.board.monitors[monitor].settings.interval_ms > PATIENCE_MS]

    # Time

    async def _tick_for_ever(self) -> None:
        wall_ms, steady_s = self._clock.now_ms(), self._clock.monotonic_s()
        while True:
            await asyncio.sleep(self.tick_s)
            before_ms, before_s = wall_ms, steady_s
            wall_ms, steady_s = self._clock.now_ms(), self._clock.monotonic_s()
            await self.tick((wall_ms - before_ms) / 1000, steady_s - before_s)

    async def tick(self, wall_s: float, steady_s: float) -> None:
        """Let time pass. `wall_s` and `steady_s` say by how much the two clocks advanced since the last tick.

        Where they differ, or both made a leap, the computer slept or its clock was set: a gap, in which
        nobody measured from here. Nothing is concluded from it; what probes elsewhere measured is collected.
        """
        if wall_s * 1000 < -SET_BACK_MS:
            _log.warning("the clock was set back by %.0f s: reading the last hour anew", -wall_s)
            self.board.forget_results()
            await self._warm(is_shown=True)
            self.standings.tell_all()
        is_gap = abs(wall_s - steady_s) > GAP_S or max(wall_s, steady_s) > GAP_S + self.tick_s
        if is_gap:
            _log.info("a gap of %.0f s (%.0f s by the steady clock): asleep, or the clock was set", wall_s, steady_s)
            self.board.close_streaks()
            for room in self._rooms:
                room.collector.hurry()
        self._judge_clock()
        self.standings.advance()
        self.board.tick(self._clock.now_ms())
        self.incidents.wake()
        self._recounts.update((pair, RECOUNT_TRIES) for pair in self.board.take_late())
        for monitor in self.commands.take_restored():
            self._recounts.update(((monitor, probe), RECOUNT_TRIES) for probe in self.board.probes)
        self.hub.publish(TimePassed(is_gap))

    def _judge_clock(self) -> None:
        """Where most probes agree on another time than this computer's, theirs is used, and it is said."""
        ahead = [
            room.desk.ahead_ms
            for room in self._rooms
            if room.link.probe.access is not None and room.desk.is_reached and room.desk.ahead_ms is not None
        ]
        error_ms = clock_error_ms(ahead)
        if error_ms is None or abs(error_ms - self._clock.error_ms) <= CLOCK_NEWS_MS:
            return
        self._clock.error_ms = error_ms
        for room in self._rooms:
            room.desk.clock_corrected()
            room.collector.renew()
        sentence: str | None = None
        if error_ms:
            seconds, way = f"{abs(error_ms) / 1000:,.0f}", "ahead of" if error_ms > 0 else "behind"
            sentence = f"This computer's clock is {seconds} s {way} that of most probes; theirs is used."
            _log.warning("%s", sentence)
            self.hub.publish(Notice(sentence, "Set this computer's clock."))
        else:
            _log.info("this computer's clock agrees with most probes again")
        self._clock_problem = sentence
        self._tell_problem()

    # History

    async def _warm(self, *, is_shown: bool) -> int:
        """Bring the last hour from the store to the board; return from when on it knows every result."""
        since_ms = last_hour(self._clock.now_ms())[0] - CARRY_IN_MS
        if is_shown:
            for batch in await asyncio.to_thread(lambda: list(self._store.recent(since_ms))):
                self.board.warm(batch)
        else:
            # Nobody looks at the board yet, so the thread that reads may fill it as it goes.
            await asyncio.to_thread(self._read_into_board, since_ms)
        self.board.tick(self._clock.now_ms())
        # Their last result may lie further back than what was read.
        for monitor in self.board.monitors.values():
            if monitor.settings.holding_interval_ms * 5 // 2 > CARRY_IN_MS:
                self._recounts.update(((monitor.id, probe), RECOUNT_TRIES) for probe in self.board.probes)
        self.board.remember_from(since_ms)
        return since_ms

    def _read_into_board(self, since_ms: int) -> None:
        for batch in self._store.recent(since_ms):
            self.board.warm(batch)

    async def _recount_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self.tick_s)
            if self._recounts:
                await self.recount()

    async def recount(self) -> None:
        """Count the hour of every series with late results anew from the store."""
        work, self._recounts = self._recounts, {}
        try:
            await self._store.flush()
            for (monitor, probe), tries in work.items():
                now_ms = self._clock.now_ms()
                histories = await self._store.results(monitor, last_hour(now_ms)[0], now_ms + 1, [probe])
                if not self.board.recount(monitor, probe, histories) and tries > 1:
                    self._recounts.setdefault((monitor, probe), tries - 1)
        except StorageError as exc:
            _log.warning("the last hour of %d series could not be counted anew: %s", len(work), exc)

    async def recall(self, monitor: MonitorId) -> None:
        """Tell the board all about the newest results of a monitor that came from the store. Raises StorageError."""
        for probe, result, _status in await self._store.latest(monitor):
            self.board.put_detail(monitor, probe, result)

    def _storage_told(self, error: StorageError | None) -> None:
        message = None if error is None else error.message
        if message != self._storage_problem:
            self._storage_problem = message
            self._tell_problem()
            self.hub.publish(StorageProblem(error))

    def _tell_problem(self) -> None:
        self.board.set_problem(self._storage_problem or self._clock_problem)


async def _close(link: ProbeLink) -> None:
    try:
        await link.close()
    except Exception:
        _log.exception("the probe %s was not closed cleanly", link.probe.name)


async def _guarded(run: Callable[[], Awaitable[None]], desk: ProbeDesk, repair_s: float) -> None:
    """Run one probe's task; a bug in it is logged and holds up neither the other probes nor, for long, this one."""
    while True:
        try:
            await run()
        except Exception:
            _log.exception("a task of the probe %s failed", desk.health.probe.name)
            desk.unreached("Pingmon has a fault of its own here: the log has the details.")
        await asyncio.sleep(repair_s)


def _call_from_thread(
    loop: asyncio.AbstractEventLoop, told: Callable[[StorageError | None], None], error: StorageError | None
) -> None:
    try:
        loop.call_soon_threadsafe(told, error)
    except RuntimeError:
        # The loop is closed: nobody is left to be told, and the log has it.
        _log.warning("storage: %s", error)
