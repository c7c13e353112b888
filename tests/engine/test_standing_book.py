"""The book of standings: what windows, pauses and regions come to, live and for the time in which nothing ran."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import numpy as np
import pytest

from pingmon_gui.domain.availability import last_hour
from pingmon_gui.domain.error import InvalidInput, StorageError
from pingmon_gui.domain.maintenance import (
    MINUTE_MS,
    MaintenanceChange,
    MaintenanceDraft,
    MaintenanceWindow,
    Once,
    Weekly,
)
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.scope import EVERYTHING, Scope
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.timeline import Standing
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.event import Event, EventHub, MaintenanceChanged, MonitorsChanged
from pingmon_gui.engine.standing_book import StandingBook
from tests.engine.fakes import START_MS, FakeClock, FakeStore, batch, monitor, voting

HOUR_MS = 60 * MINUTE_MS
LOCAL = frozenset({Region.LOCAL})


class Desk:
    """A board with a book on a store in memory, or on a file between two lives."""

    def __init__(self, *monitors: Monitor) -> None:
        self.clock = FakeClock()
        self.store = FakeStore(*monitors)
        self.events: list[Event] = []

    async def open(self) -> None:
        self.board, self.hub = Board(self.clock), EventHub()
        self.board.set_probes([voting()])
        self.board.put_monitors(self.store.kept.monitors)
        self.book = StandingBook(self.store, self.board, self.hub, self.clock)
        await self.book.start(self.store.kept.windows)
        self.hub.subscribe(self.events.append)

    def close(self) -> None:
        self.book.stop()

    def put(self, changed: Monitor) -> None:
        self.board.put_monitors([changed])
        self.hub.publish(MonitorsChanged(changed=(changed.id,)))

    async def add(self, schedule: object, scope: Scope = EVERYTHING, since_ms: int | None = None) -> MaintenanceWindow:
        before = {window.id for window in self.book.windows}
        draft = MaintenanceDraft("Deploy", schedule, scope)  # type: ignore[arg-type]
        found = await self.book.change_windows(MaintenanceChange(added=(draft,), since_ms=since_ms))
        return next(window for window in found if window.id not in before)

    def rests(self, number: int) -> list[tuple[int, bool]]:
        """Return (minutes since the start, whether it rests) of a monitor's standings, without what was before."""
        return [
            ((one.from_ms - START_MS) // MINUTE_MS, one.is_paused)
            for one in self.book.standings(MonitorId(number))
            if one.from_ms >= START_MS
        ]


def run(check: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(check())  # type: ignore[arg-type]


def later(minutes: float) -> int:
    return START_MS + round(minutes * MINUTE_MS)


def test_window_begins_and_ends_at_its_own_times_however_late_anybody_looks() -> None:
    async def check() -> None:
        desk = Desk(monitor(2), monitor(3))
        await desk.open()
        window = await desk.add(Once(later(10), later(40)), Scope(False, monitors=frozenset((MonitorId(2),))))
        assert desk.book.windows == (window,)
        desk.clock.advance(15 * MINUTE_MS)
        desk.book.advance()
        assert desk.rests(2) == [(10, True)]
        assert desk.rests(3) == []
        assert desk.board.maintenance_until_ms(MonitorId(2)) == later(40)
        assert desk.board.maintenance_until_ms(MonitorId(3)) is None
        assert [Verdict(v) for v in desk.board.verdict] == [Verdict.PAUSED, Verdict.UNKNOWN]
        desk.clock.advance(50 * MINUTE_MS)
        desk.book.advance()
        assert desk.rests(2) == [(10, True), (40, False)]
        assert desk.board.maintenance_until_ms(MonitorId(2)) is None
        changed = [event for event in desk.events if isinstance(event, MaintenanceChanged)]
        assert [event.monitors for event in changed] == [(), (2,), (2,)]

    run(check)


def test_time_of_a_window_is_not_asked_for_and_its_results_do_not_count() -> None:
    async def check() -> None:
        desk = Desk(monitor(2))
        await desk.open()
        desk.clock.advance(HOUR_MS)
        await desk.add(Once(later(70), later(80)))
        desk.clock.advance(15 * MINUTE_MS)
        at_ms = np.array([later(69), later(70), later(74), later(70)])
        assert desk.book.is_resting(np.array([2, 2, 2, 3]), at_ms).tolist() == [False, True, True, False]
        times = desk.board.availability_of(MonitorId(2), Region.LOCAL)
        start_ms, end_ms = last_hour(desk.clock.now_ms())
        assert times.asked_ms == end_ms - start_ms - 5 * MINUTE_MS
        desk.clock.advance(15 * MINUTE_MS)
        desk.book.advance()
        times = desk.board.availability_of(MonitorId(2), Region.LOCAL)
        start_ms, end_ms = last_hour(desk.clock.now_ms())
        assert times.asked_ms == end_ms - start_ms - 10 * MINUTE_MS

    run(check)


def test_windows_that_passed_while_nothing_ran_are_entered_when_it_runs_again() -> None:
    async def check() -> None:
        desk = Desk(monitor(2), monitor(3, is_paused=True))
        await desk.open()
        await desk.add(Once(later(10), later(20)))
        await desk.add(Once(later(30), later(100)))
        desk.clock.advance(15 * MINUTE_MS)
        desk.book.advance()
        await desk.book.save()
        desk.close()
        desk.clock.advance(25 * MINUTE_MS)
        await desk.open()
        assert desk.rests(2) == [(10, True), (20, False), (30, True)]
        assert desk.board.maintenance_until_ms(MonitorId(2)) == later(100)
        assert all(one.is_paused for one in desk.book.standings(MonitorId(3)))
        asked_ms = desk.board.availability_of(MonitorId(2), Region.LOCAL).asked_ms
        start_ms, end_ms = last_hour(desk.clock.now_ms())
        assert asked_ms == end_ms - start_ms - 20 * MINUTE_MS
        assert desk.board.availability_of(MonitorId(3), Region.LOCAL).asked_ms == 0  # it was paused all the time

    run(check)


def test_window_that_was_removed_while_nothing_ran_holds_until_then() -> None:
    async def check() -> None:
        desk = Desk(monitor(2))
        await desk.open()
        window = await desk.add(Once(later(10), later(100)))
        desk.close()
        desk.clock.advance(30 * MINUTE_MS)
        await desk.store.change_windows(MaintenanceChange(ended=(window.id,)), desk.clock.now_ms())  # by a command
        desk.clock.advance(30 * MINUTE_MS)
        await desk.open()
        assert desk.rests(2) == [(10, True), (30, False)]

    run(check)


def test_change_of_a_window_leaves_the_past_as_it_was() -> None:
    async def check() -> None:
        desk = Desk(monitor(2))
        await desk.open()
        window = await desk.add(Once(START_MS, later(60)))
        desk.clock.advance(20 * MINUTE_MS)
        await desk.book.change_windows(MaintenanceChange(ended=(window.id,)))
        desk.clock.advance(20 * MINUTE_MS)
        await desk.add(Once(START_MS, later(60)))
        assert desk.rests(2) == [(0, True), (20, False), (40, True)]
        at_ms = np.array([later(n) for n in (5, 25, 45)])
        assert desk.book.is_resting(np.full(3, 2), at_ms).tolist() == [True, False, True]

    run(check)


def test_rest_of_a_span_can_be_skipped() -> None:
    async def check() -> None:
        desk = Desk(monitor(2))
        await desk.open()
        window = await desk.add(Weekly(tuple(range(7)), 22 * 60 + 13, HOUR_MS, "UTC"))  # START_MS is 22:13:20
        desk.clock.advance(10 * MINUTE_MS)
        until_ms = desk.board.maintenance_until_ms(MonitorId(2))
        assert until_ms is not None
        change = MaintenanceChange(ended=(window.id,), added=(window.draft,), since_ms=until_ms)
        await desk.book.change_windows(change)
        assert desk.rests(2) == [(0, True), (10, False)]
        desk.clock.advance(24 * HOUR_MS)
        desk.book.advance()
        assert desk.rests(2)[2:] == [(24 * 60 - 1, True)]

    run(check)


def test_tag_takes_a_domain_into_a_window_from_then_on() -> None:
    async def check() -> None:
        desk = Desk(monitor(2))
        await desk.open()
        await desk.add(Once(START_MS, later(60)), Scope(False, frozenset(("shop",))))
        desk.clock.advance(10 * MINUTE_MS)
        desk.book.advance()
        desk.put(replace(desk.board.monitors[MonitorId(2)], tags=("Shop",)))
        desk.clock.advance(10 * MINUTE_MS)
        desk.put(replace(desk.board.monitors[MonitorId(2)], tags=()))
        assert desk.rests(2) == [(10, True), (20, False)]

    run(check)


def test_pause_within_a_window_goes_on_after_it() -> None:
    async def check() -> None:
        desk = Desk(monitor(2))
        await desk.open()
        await desk.add(Once(START_MS, later(30)))
        desk.clock.advance(10 * MINUTE_MS)
        desk.put(replace(desk.board.monitors[MonitorId(2)], is_paused=True))
        desk.clock.advance(30 * MINUTE_MS)
        desk.book.advance()
        found = [(one.is_paused, one.is_in_maintenance) for one in desk.book.standings(MonitorId(2))]
        assert found[1:] == [(True, True), (True, False)]
        assert desk.board.verdict[0] == Verdict.PAUSED
        assert desk.board.cards().paused == 1

    run(check)


def test_first_result_after_a_window_counts_for_itself() -> None:
    """It was offline before, and its end is not an outage that goes on until two good results have come."""

    async def check() -> None:
        desk = Desk(monitor(2))
        await desk.open()
        await desk.add(Once(later(1), later(3)))

        def measured(minutes: float, status: Status, seq: int) -> None:
            desk.clock.wall_ms = later(minutes)
            desk.book.advance()
            desk.board.apply(batch([(2, later(minutes), int(status))], first_seq=seq))

        measured(0.5, Status.OFFLINE, 1)
        measured(0.6, Status.OFFLINE, 2)
        assert desk.board.verdict[0] == Verdict.OFFLINE
        measured(2, Status.PAUSED, 3)
        assert desk.board.verdict[0] == Verdict.PAUSED
        measured(3.1, Status.ONLINE, 4)
        assert desk.board.verdict[0] == Verdict.ONLINE

    run(check)


def test_what_could_not_be_kept_is_kept_later() -> None:
    async def check() -> None:
        desk = Desk(monitor(2))
        await desk.open()
        await desk.add(Once(later(1), later(3)))
        save = desk.store.save_standings

        async def fail(*_: object) -> None:
            raise StorageError("The disk is full.")

        desk.clock.advance(2 * MINUTE_MS)
        desk.book.advance()
        desk.store.save_standings = fail  # type: ignore[method-assign]
        with pytest.raises(StorageError):
            await desk.book.save()
        assert desk.book.has_unsaved
        desk.store.save_standings = save  # type: ignore[method-assign]
        await desk.book.save()
        assert desk.store.stood[MonitorId(2)][-1] == Standing(later(1), LOCAL, is_paused=True, is_in_maintenance=True)
        assert desk.store.stood_until == later(2)

    run(check)


def test_clock_that_is_set_back_leaves_standings_in_order() -> None:
    async def check() -> None:
        desk = Desk(monitor(2))
        await desk.open()
        desk.put(replace(desk.board.monitors[MonitorId(2)], is_paused=True))
        desk.clock.wall_ms -= HOUR_MS
        desk.put(replace(desk.board.monitors[MonitorId(2)], is_paused=False))
        moments = [one.from_ms for one in desk.book.standings(MonitorId(2))]
        assert moments == sorted(set(moments))
        assert not desk.book.standings(MonitorId(2))[-1].is_paused

    run(check)


def test_window_in_the_past_is_refused_and_nothing_changes() -> None:
    async def check() -> None:
        desk = Desk(monitor(2))
        await desk.open()
        with pytest.raises(InvalidInput, match="over already"):
            await desk.add(Once(START_MS - HOUR_MS, START_MS))
        assert desk.book.windows == ()

    run(check)


def test_window_that_is_over_is_forgotten_after_a_day() -> None:
    async def check() -> None:
        desk = Desk(monitor(2))
        await desk.open()
        await desk.add(Once(START_MS, later(60)))
        for hours, count in ((24, 1), (26, 0)):
            desk.close()
            desk.clock.wall_ms = START_MS + hours * HOUR_MS
            await desk.open()
            assert len(desk.book.windows) == count
        await desk.add(Once(later(27 * 60), later(28 * 60)))
        desk.clock.wall_ms += 48 * HOUR_MS
        await desk.add(Once(later(80 * 60), later(81 * 60)))
        assert len(desk.book.windows) == 1

    run(check)
