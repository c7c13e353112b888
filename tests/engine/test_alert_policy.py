"""The policy between engine and store: what a full disk, a restart in the middle and a fast thousand do to alerts."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from pingmon_gui.domain.alert import AlertEvent
from pingmon_gui.domain.alert_change import AlertChange
from pingmon_gui.domain.alert_rule import (
    DAY_MS,
    AlertBook,
    AlertKind,
    AlertRule,
    RuleId,
    SlowCondition,
    SlowUnit,
    first_book,
)
from pingmon_gui.domain.error import StorageFull
from pingmon_gui.domain.status import Status
from pingmon_gui.engine.alert_policy import AlertPolicy
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.event import AlertsChanged, Event, EventHub, IncidentOpened, TimePassed
from tests.conftest import ExpectLog
from tests.domain.alert_play import incident
from tests.engine.alert_world import World, ids, live, watched
from tests.engine.fakes import FakeClock, FakeStore, batch, monitor, voting
from tests.engine.simulation import VirtualClock, VirtualLoop


class FullStore(FakeStore):
    """A store whose disk is full while `is_full`."""

    is_full = True

    async def record_alerts(self, change: AlertChange) -> None:
        if self.is_full:
            raise StorageFull("The disk is full.")
        await super().record_alerts(change)


def down(store: FakeStore, board: Board, hub: EventHub, *numbers: int) -> None:
    now_ms = board._clock.now_ms()
    board.apply(batch([(n, now_ms - 5_000, Status.OFFLINE) for n in numbers], first_seq=1))
    board.apply(batch([(n, now_ms - 1_000, Status.OFFLINE) for n in numbers], first_seq=1 + len(numbers)))
    for number in numbers:
        hub.publish(IncidentOpened(incident(number, now_ms - 5_000)))


def test_full_disk_keeps_no_alert_from_being_told_and_it_is_kept_later(expect_log: ExpectLog) -> None:
    expect_log("alerts could not be kept, and are told all the same: The disk is full.")

    async def main() -> None:
        clock, hub, told, shown = FakeClock(), EventHub(), [], []
        monitors = [monitor(n) for n in (2, 3)]
        store, board = FullStore(*monitors), Board(clock)
        board.set_probes([voting()])
        board.put_monitors(monitors)
        policy = AlertPolicy(store, board, hub, clock, told.extend)
        await policy.start()

        def hear(event: Event) -> None:
            if isinstance(event, AlertsChanged):
                shown.extend(event.alerts)

        hub.subscribe(hear)
        down(store, board, hub, 2)
        await policy.step()
        assert [post.event for post in told] == [AlertEvent.TRIGGERED]
        assert len(shown) == 1 and store.changes == []
        store.is_full = False
        hub.publish(TimePassed())
        await policy.step()
        assert [post.key for change in store.changes for post in change.posts] == [told[0].key]
        assert [alert.id for alert in await store.alerts(0, 1 << 60)] == [shown[0].id]

    asyncio.run(main())


def test_thousand_at_once_are_decided_in_turns(expect_log: ExpectLog) -> None:
    async def main() -> None:
        clock, hub, told = FakeClock(), EventHub(), []
        monitors = [monitor(2 + n) for n in range(1_000)]
        store, board = FakeStore(*monitors), Board(clock)
        board.set_probes([voting()])
        board.put_monitors(monitors)
        policy = AlertPolicy(store, board, hub, clock, told.extend)
        await policy.start()
        await policy.step()
        turns = 0

        async def count_turns() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count_turns())
        down(store, board, hub, *(one.id for one in monitors))
        await policy.step()
        counting.cancel()
        (alert,) = policy.live
        assert len(alert.items) == 1_000 and turns >= 10
        assert len(told) == 1
        clock.advance(2_000)
        hub.publish(TimePassed())
        await policy.step()
        assert [(post.event, post.count) for post in told] == [(AlertEvent.TRIGGERED, 100), (AlertEvent.JOINED, 1_000)]

    asyncio.run(main())


@pytest.mark.parametrize("slow", [SlowCondition(SlowUnit.RESULTS, 3, 5), SlowCondition(SlowUnit.MINUTES, 2, 4)])
def test_slow_domain_is_told_by_its_rule_and_over_when_it_is_fast_again(slow: SlowCondition) -> None:
    rule = AlertRule(RuleId(20), "Slow", frozenset((AlertKind.SLOW,)), tuple(first_book().channels), slow=slow)

    async def main() -> None:
        clock, hub, told = FakeClock(), EventHub(), []
        store, board = FakeStore(monitor(2)), Board(clock)
        store.book = AlertBook((rule,), first_book().channels)
        board.set_probes([voting()])
        board.put_monitors([monitor(2, name="shop")])
        policy = AlertPolicy(store, board, hub, clock, told.extend)
        await policy.start()
        for step in range(80):
            status = Status.SLOW if 10 <= step < 40 else Status.ONLINE
            board.apply(batch([(2, clock.now_ms(), status)], first_seq=1 + step))
            board.tick(clock.now_ms())
            hub.publish(TimePassed())
            await policy.step()
            clock.advance(10_000)
        begun, ended = told
        assert (begun.event, ended.event) == (AlertEvent.TRIGGERED, AlertEvent.RESOLVED)
        unit = "results" if slow.unit is SlowUnit.RESULTS else "minutes"
        assert begun.items[0].text == f"shop is slow: in {slow.count} of the last {slow.of} {unit}"
        begun_step = (begun.at_ms - told[0].items[0].since_ms) // 10_000
        assert begun_step == 0 and 100_000 < begun.at_ms - 1_700_000_000_000 < 240_000

    asyncio.run(main())


def test_alert_that_is_acknowledged_in_one_life_is_so_in_the_next() -> None:
    async def check(world: World) -> None:
        await world.pass_s(120)
        assert world.policy is not None
        (alert,) = world.policy.live
        world.policy.acknowledge(alert.id)
        await world.pass_s(1)
        await world.stop()
        await world.pass_s(60)
        await world.start()
        await world.pass_s(60)
        assert world.policy is not None
        assert [one.is_acknowledged for one in world.policy.live] == [True]

    def truth(monitor_id: int, _place: int, at_s: float) -> str | None:
        return "connect_refused" if monitor_id == 2 and at_s > 60 else None

    world = live(check, truth=truth, probes=2, monitors=watched(2))
    assert ids(world.alarms()) == {2}
    assert DAY_MS == 86_400_000


def test_what_joins_is_told_when_it_is_due_and_not_when_time_next_passes() -> None:
    loop = VirtualLoop()

    async def main() -> None:
        clock, hub, told = VirtualClock(loop), EventHub(), []
        monitors = [monitor(n) for n in (2, 3)]
        store, board = FakeStore(*monitors), Board(clock)
        board.set_probes([voting()])
        board.put_monitors(monitors)
        policy = AlertPolicy(store, board, hub, clock, told.extend)
        await policy.start()
        running = asyncio.create_task(policy.run())
        for number in (2, 3):
            down(store, board, hub, number)
            await asyncio.sleep(0.1)
        assert [(post.event, post.count) for post in told] == [(AlertEvent.TRIGGERED, 1)]
        await asyncio.sleep(0.8 + 0.01)
        assert [(post.event, post.count) for post in told] == [(AlertEvent.TRIGGERED, 1), (AlertEvent.JOINED, 2)]
        running.cancel()
        await policy.stop()

    with contextlib.closing(loop):
        loop.run_until_complete(main())
