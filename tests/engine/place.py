"""A store, a board, a book of standings and an incident tracker on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from pingmon_gui.domain.family import IPV6
from pingmon_gui.domain.incident import Incident
from pingmon_gui.domain.maintenance import MaintenanceChange, MaintenanceDraft, MaintenanceWindow, Once
from pingmon_gui.domain.monitor import Monitor, MonitorDraft, MonitorSettings
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.timeline import VerdictSpan
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.event import Event, EventHub, MonitorsChanged, ProbeChanged, ProbeRemoved
from pingmon_gui.engine.incident_tracker import IncidentTracker
from pingmon_gui.engine.standing_book import StandingBook
from pingmon_gui.store.store import Store
from tests.engine.fakes import START_MS, FakeClock, batch, probe, voting

STEP_MS = 10_000
LETTERS = {".": Status.ONLINE, "s": Status.SLOW, "x": Status.OFFLINE, "?": Status.UNKNOWN}
REGIONS = {1: Region.LOCAL, 2: Region.EU, 3: Region.NA}


class Place:
    """A store, a board and a tracker on a clock that the test moves; results come when the test says so."""

    def __init__(self, folder: Path, probes: int = 3, family: int = 0) -> None:
        self.draft = MonitorDraft("https://shop.example/", settings=MonitorSettings(family=family))
        self.clock = FakeClock()
        self.folder = folder
        self.probes = [probe(number, REGIONS[number]) for number in range(1, probes + 1)]
        self.seq = dict.fromkeys(REGIONS, 1)
        self.events: list[Event] = []

    async def open(self) -> None:
        self.store = Store.open(self.folder / "pingmon.db", now_ms=self.clock.now_ms)
        configuration = self.store.configuration()
        if not configuration.monitors:
            await self.store.add_monitors([self.draft])
            for one in self.probes:
                await self.store.save_probe(one)
        self.monitor: Monitor = self.store.configuration().monitors[0]
        await self.start()

    async def start(self) -> None:
        self.board, self.hub = Board(self.clock), EventHub()
        self.board.set_probes(voting(one.id, one.region) for one in self.probes)
        self.board.put_monitors([self.monitor])
        known_from_ms = self.clock.now_ms() - 3_600_000
        for recent in self.store.recent(known_from_ms):
            self.board.warm(recent)
        self.board.tick(self.clock.now_ms())
        self.board.remember_from(known_from_ms)
        self.book = StandingBook(self.store, self.board, self.hub, self.clock)
        await self.book.start(self.store.configuration().windows)
        self.hub.subscribe(self.events.append)
        self.tracker = IncidentTracker(self.store, self.board, self.book, self.hub, self.clock)
        await self.tracker.start(known_from_ms)

    async def close(self) -> None:
        await self.store.flush()
        await self.tracker.stop()
        self.book.stop()
        await self.store.close()

    def take(self, number: int, *rows: tuple[int, Status], over: int = 4) -> None:
        """Results of a probe arrive: (step, status). Those over IPv6 are half a step later."""
        late_ms = STEP_MS // 2 if over == IPV6 else 0
        results = [(self.monitor.id, START_MS + step * STEP_MS + late_ms, int(status)) for step, status in rows]
        one = batch(results, probe=number, first_seq=self.seq[number], family=over)
        one.version[:] = self.monitor.version
        one.status[self.book.is_resting(one.monitor, one.started_at_ms)] = Status.PAUSED
        self.seq[number] += len(rows)
        self.store.append(one)
        self.board.apply(one, np.full(one.count, over == IPV6))

    async def step(self) -> None:
        self.board.tick(self.clock.now_ms())
        await self.tracker.step()

    async def play(self, texts: dict[int, str], start: int = 0) -> None:
        """One letter a step and probe, live; a space is no result."""
        for step in range(max(len(text) for text in texts.values())):
            for number, text in texts.items():
                if text[step : step + 1].strip():
                    self.take(number, (start + step, LETTERS[text[step]]))
            await self.step()
            self.clock.advance(STEP_MS)

    # What a person does

    async def change(self, **values: object) -> None:
        """Change the monitor, as a command does."""
        before = self.monitor
        (self.monitor,) = await self.store.change_monitors([replace(before, **values)])  # type: ignore[arg-type]
        self.board.put_monitors([self.monitor])
        self.hub.publish(MonitorsChanged(changed=(self.monitor.id,)))
        if self.monitor.url != before.url:
            self.board.restart_series([self.monitor.id])

    def delete(self) -> None:
        self.board.remove_monitors([self.monitor.id])
        self.hub.publish(MonitorsChanged(removed=(self.monitor.id,)))

    def restore(self) -> None:
        self.board.put_monitors([self.monitor])
        self.hub.publish(MonitorsChanged(added=(self.monitor.id,)))

    def rename_probe(self, number: int) -> None:
        """Take a probe off the board and put it there again, as a rename does: its results are forgotten there."""
        others = [one for one in self.probes if one.id != number]
        self.board.set_probes(voting(one.id, one.region) for one in others)
        self.hub.publish(ProbeRemoved(self.probes[number - 1]))
        self.board.set_probes(voting(one.id, one.region) for one in self.probes)
        self.hub.publish(ProbeChanged(voting(number, REGIONS[number])))

    async def maintain(self, start_ms: int, end_ms: int) -> MaintenanceWindow:
        """Make a window over everything."""
        before = set(self.book.windows)
        draft = MaintenanceDraft("Deploy", Once(start_ms, end_ms))
        (window,) = set(await self.book.change_windows(MaintenanceChange(added=(draft,)))) - before
        return window

    # What came of it

    async def spans(self) -> list[VerdictSpan]:
        """Return the kept verdicts from the start until now."""
        found = await self.store.verdict_spans([self.monitor.id], START_MS, self.clock.now_ms())
        return found[self.monitor.id]

    async def incidents(self) -> list[Incident]:
        return await self.store.incidents(0, self.clock.now_ms() + 1)

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


def at(step: int) -> int:
    return START_MS + step * STEP_MS


def placed(tmp_path: Path, check: Callable[[Place], Awaitable[None]], probes: int = 3, family: int = 0) -> None:
    async def main() -> None:
        place = Place(tmp_path, probes, family)
        await place.open()
        try:
            await check(place)
        finally:
            await place.close()

    asyncio.run(main())
