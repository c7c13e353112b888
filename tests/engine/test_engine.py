"""The whole engine with a probe, a store and a clock that the test holds in its hands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace

from pingmon_gui.domain.availability import last_hour
from pingmon_gui.domain.error import ProbeOwned, ProbeUnreachable, RevisionTooLow, StorageFull
from pingmon_gui.domain.monitor import MonitorDraft, MonitorId, MonitorSettings
from pingmon_gui.domain.probe import EMBEDDED_PROBE, ProbeState
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.engine import FEW, Engine
from pingmon_gui.engine.event import Event, MonitorsChanged, Notice, ProbeChanged, ProbeRemoved, StorageProblem
from pingmon_gui.engine.link import StreamHeader
from tests.conftest import ExpectLog
from tests.engine.fakes import (
    START_MS,
    FakeClock,
    FakeCursor,
    FakeLink,
    FakeStore,
    batch,
    heartbeat,
    monitor,
    probe,
    until,
)

ON, SLOW, OFF, UNKNOWN = Status.ONLINE, Status.SLOW, Status.OFFLINE, Status.UNKNOWN


class Bench:
    """An engine that runs on fakes."""

    def __init__(self, *monitors: object) -> None:
        self.clock = FakeClock()
        self.store = FakeStore(*monitors)  # type: ignore[arg-type]
        self.link = FakeLink(probe(), self.clock)
        self.engine = Engine(self.store, [self.link], self.clock)
        self.events: list[Event] = []
        self.engine.hub.subscribe(self.events.append)

    @property
    def board(self):  # type: ignore[no-untyped-def]
        return self.engine.board

    def state(self, number: int = 2) -> Status:
        return Status(int(self.board.state[self.board.row_of[MonitorId(number)], 0]))

    def health(self) -> ProbeState:
        return self.board.probes[1].state

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Bench]:
        await self.engine.start()
        try:
            yield self
        finally:
            await self.engine.stop()

    async def connected(self) -> None:
        await until(lambda: self.health() is ProbeState.CONNECTED and bool(self.link.plans))


def run(test: Callable[[], Coroutine[object, object, None]]) -> None:
    asyncio.run(test())


def test_engine_that_starts_assigns_a_plan_and_collects() -> None:
    async def check() -> None:
        bench = Bench(monitor(2), monitor(3))
        async with bench.running():
            await bench.connected()
            assert [spec.monitor for spec in bench.link.plans[0].checks] == [2, 3]
            assert bench.link.plans[0].owner == "owner"
            bench.link.feed(batch([(2, START_MS, ON), (3, START_MS, SLOW)], judged=False))
            await until(lambda: len(bench.store.batches) == 1)
            assert bench.store.rows() == [(2, START_MS, ON), (3, START_MS, SLOW)]
            assert (bench.state(2), bench.state(3)) == (ON, SLOW)
            assert bench.board.verdict.tolist() == [Verdict.ONLINE, Verdict.SLOW]
        assert bench.link.is_closed
        assert bench.store.flushes == 1

    run(check)


def test_added_monitor_is_assigned_and_then_run_at_once() -> None:
    async def check() -> None:
        bench = Bench()
        async with bench.running():
            await bench.connected()
            (added,) = await bench.engine.commands.add([MonitorDraft("https://new.example/")])
            await until(lambda: bool(bench.link.checked))
            assert [spec.monitor for spec in bench.link.plans[-1].checks] == [added.id]
            assert [(spec.monitor, spec.version) for spec in bench.link.checked] == [(added.id, 1)]
            assert MonitorsChanged(added=(added.id,)) in bench.events

    run(check)


def test_ten_thousand_added_monitors_are_run_in_slices_that_a_probe_takes() -> None:
    async def check() -> None:
        bench = Bench()
        sizes: list[int] = []
        original = bench.link.run_checks
        bench.link.run_checks = lambda specs: sizes.append(len(specs)) or original(specs)  # type: ignore[method-assign, func-returns-value]
        async with bench.running():
            await bench.connected()
            await bench.engine.commands.add([MonitorDraft(f"https://n{i}.example/") for i in range(2_500)])
            await until(lambda: len(bench.link.checked) == 2_500)
            assert sizes == [1_000, 1_000, 500]
            assert len(bench.link.plans) == 2

    run(check)


def test_changed_settings_make_a_new_plan_and_a_new_name_does_not() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        async with bench.running():
            await bench.connected()
            commands = bench.engine.commands
            await commands.change([replace(bench.board.monitors[2], name="shop")])
            (faster,) = await commands.change(
                [replace(bench.board.monitors[2], settings=MonitorSettings(interval_ms=5_000))]
            )
            await until(lambda: len(bench.link.plans) == 2)
            assert faster.version == 2
            assert [(s.version, s.interval_ms) for s in bench.link.plans[1].checks] == [(2, 5_000)]
            assert bench.link.plans[1].revision == bench.link.plans[0].revision + 1

    run(check)


def test_paused_monitor_leaves_the_plan_and_a_resumed_one_is_run_at_once() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        async with bench.running():
            await bench.connected()
            await until(lambda: len(bench.link.checked) == 1)  # unknown at the start, so it is measured at once
            await bench.engine.commands.set_paused([MonitorId(2)], True)
            await until(lambda: len(bench.link.plans) == 2)
            assert bench.link.plans[1].checks == ()
            assert bench.state() is Status.PAUSED
            await bench.engine.commands.set_paused([MonitorId(2)], False)
            await until(lambda: len(bench.link.checked) == 2)
            assert [s.monitor for s in bench.link.plans[2].checks] == [2]

    run(check)


def test_deleted_monitor_can_be_restored_with_its_last_hour() -> None:
    async def check() -> None:
        bench = Bench(monitor(2), monitor(3))
        async with bench.running():
            await bench.connected()
            bench.link.feed(batch([(2, START_MS, ON)]))
            await until(lambda: bench.state() is ON)
            await bench.engine.commands.delete([MonitorId(2)])
            assert bench.board.ids == [3]
            bench.link.feed(batch([(2, START_MS + 10, ON)], first_seq=2))
            await until(lambda: len(bench.store.batches) == 2)  # still on its way when deleted: kept for the undo
            bench.clock.advance(1_000)
            await bench.engine.commands.restore([MonitorId(2)])
            await bench.engine.tick(1.0, 1.0)
            await bench.engine.recount()
            times = bench.board.availability_of(MonitorId(2), Region.LOCAL)
            start_ms, end_ms = last_hour(bench.clock.now_ms())
            assert (times.known_ms, times.asked_ms) == (10, end_ms - start_ms - 1_000)  # deleted is not asked for
            assert bench.state() is ON

    run(check)


def test_probe_that_is_lost_makes_unknown_and_never_offline(expect_log: ExpectLog) -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        async with bench.running():
            await bench.connected()
            bench.link.feed(batch([(2, START_MS, ON)]))
            await until(lambda: bench.state() is ON)
            bench.link.failure = ProbeUnreachable("The probe on this computer does not answer.")
            bench.link.feed(ProbeUnreachable("The connection broke."))
            await until(lambda: bench.health() is ProbeState.UNREACHED)
            assert bench.state() is UNKNOWN
            assert bench.board.verdict.tolist() == [Verdict.UNKNOWN]
            cards = bench.board.cards()
            assert (cards.healthy, cards.health) == (False, "The connection broke.")
            bench.link.failure = None
            await until(lambda: bench.health() is ProbeState.CONNECTED)
            assert bench.state() is ON
            assert bench.link.opened[-1] == (1, "spool")

    run(check)


def test_self_check_of_the_probe_takes_and_gives_the_vote() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        async with bench.running():
            await bench.connected()
            bench.link.feed(batch([(2, START_MS, ON)]), heartbeat(votes=False, reason="Its own network is down."))
            await until(lambda: not bench.board.probes[1].votes)
            assert bench.state() is UNKNOWN
            assert bench.board.cards().health == "Its own network is down."
            bench.link.feed(heartbeat())
            await until(lambda: bench.state() is ON)

    run(check)


def test_skipped_slots_and_lateness_of_the_probe_are_shown() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        async with bench.running():
            await bench.connected()
            bench.link.feed(replace(heartbeat(), skipped=7, late_p99_ms=90.0))
            await until(lambda: bench.board.probes[1].skipped == 7)
            assert "late by 90 ms" in bench.board.cards().health

    run(check)


def test_stream_that_ends_as_it_should_is_opened_again_without_a_gap() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        async with bench.running():
            await bench.connected()
            bench.link.feed(batch([(2, START_MS, ON)]), None)
            await until(lambda: len(bench.link.opened) == 2)
            assert bench.link.opened == [(0, None), (1, "spool")]
            states = [event.health.state for event in bench.events if isinstance(event, ProbeChanged)]
            assert states.count(ProbeState.CONNECTED) == 1

    run(check)


def test_clock_more_than_a_minute_off_has_no_vote() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        bench.link.header = StreamHeader("spool", 1, 0, (), START_MS, 61_000.0)
        async with bench.running():
            await bench.connected()
            assert not bench.board.probes[1].votes
            assert "61 seconds" in bench.board.cards().health

    run(check)


def test_results_at_or_below_the_cursor_are_dropped() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        bench.store.kept.cursors[1] = FakeCursor("spool", 3)  # type: ignore[index]
        bench.link.header = StreamHeader("spool", 1, 5, (), START_MS, 0.0)
        async with bench.running():
            rows = [(2, START_MS + i * 10, ON) for i in range(5)]
            await until(lambda: bool(bench.link.opened))
            bench.link.feed(batch(rows, first_seq=1), batch(rows[:2], first_seq=1))
            await until(lambda: bool(bench.store.batches))
            assert bench.link.opened == [(3, "spool")]
            assert bench.store.rows() == rows[3:]
            assert bench.store.kept.cursors[1] == FakeCursor("spool", 5)  # type: ignore[index]
            bench.link.feed(batch([(2, START_MS + 60, ON)], first_seq=6))
            await until(lambda: len(bench.store.batches) == 2)
            assert len(bench.store.rows()) == 3

    run(check)


def test_new_spool_begins_at_one() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        bench.store.kept.cursors[1] = FakeCursor("wiped", 500)  # type: ignore[index]
        async with bench.running():
            await bench.connected()
            bench.link.feed(batch([(2, START_MS, ON)]))
            await until(lambda: bool(bench.store.batches))
            assert bench.store.kept.cursors[1] == FakeCursor("spool", 1)  # type: ignore[index]

    run(check)


def test_results_of_unknown_monitors_are_dropped_and_the_cursor_passes_them() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        async with bench.running():
            await bench.connected()
            bench.link.feed(batch([(99, START_MS, ON), (2, START_MS, ON), (98, START_MS, OFF)]))
            bench.link.feed(batch([(99, START_MS, ON)], first_seq=4))
            await until(lambda: len(bench.store.batches) == 2)
            assert bench.store.rows() == [(2, START_MS, ON)]
            assert bench.store.kept.cursors[1] == FakeCursor("spool", 4)  # type: ignore[index]

    run(check)


def test_each_result_is_judged_with_the_version_it_carries() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        async with bench.running():
            await bench.connected()
            await bench.engine.commands.change(
                [replace(bench.board.monitors[2], settings=MonitorSettings(interval_ms=60_000, slow_ms=2_000))]
            )
            both = batch([(2, START_MS, SLOW), (2, START_MS + 10, SLOW)], judged=False)
            both.version[1] = 2
            bench.link.feed(both)
            await until(lambda: bool(bench.store.batches))
            assert bench.store.batches[0].status.tolist() == [SLOW, ON]
            assert bench.store.batches[0].interval_ms.tolist() == [10_000, 60_000]

    run(check)


def test_check_asked_for_while_it_runs_is_not_run_twice_but_in_a_new_version() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        bench.link.may_answer.clear()
        async with bench.running():
            await until(lambda: len(bench.link.checked) == 1)
            await bench.engine.commands.check_now([MonitorId(2)])
            changed = replace(bench.board.monitors[2], settings=MonitorSettings(slow_ms=2_000))
            await bench.engine.commands.change([changed])
            await bench.engine.commands.check_now([MonitorId(2)])
            await until(lambda: len(bench.link.checked) == 2)
            assert [spec.version for spec in bench.link.checked] == [1, 2]
            bench.link.may_answer.set()
            await until(lambda: not bench.engine._room_of(EMBEDDED_PROBE).scheduler._under_way)
            await bench.engine.commands.check_now([MonitorId(2)])
            await until(lambda: len(bench.link.checked) == 3)

    run(check)


def test_check_that_broke_off_with_the_connection_runs_when_the_probe_is_reached_again() -> None:
    async def check() -> None:
        # So many that being reached again is no reason to measure them at once.
        bench = Bench(*(monitor(2 + number) for number in range(FEW + 1)))
        async with bench.running():
            await bench.connected()
            bench.link.check_failures = [ProbeUnreachable("The connection broke off.")]
            await bench.engine.commands.check_now([MonitorId(2)])
            await until(lambda: not bench.link.check_failures)
            bench.link.feed(ProbeUnreachable("The connection broke off."))
            await until(lambda: len(bench.link.checked) == 2)
            assert [spec.monitor for spec in bench.link.checked] == [2, 2]

    run(check)


def test_old_backlog_is_caught_up_without_a_vote_and_everything_is_measured_at_once() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        bench.clock.advance(3_600_000)
        bench.link.header = StreamHeader("spool", 1, 4, (), START_MS, 0.0)
        async with bench.running():
            await until(lambda: len(bench.link.checked) == 1)
            bench.link.feed(batch([(2, START_MS + 60_000, ON)]))
            await until(lambda: bench.health() is ProbeState.CATCHING_UP)
            assert not bench.board.probes[1].votes
            assert bench.board.probes[1].caught_up == 0.25
            await until(lambda: len(bench.link.checked) == 2)
            bench.link.feed(batch([(2, START_MS + 70_000, ON), (2, START_MS + 80_000, ON)], first_seq=2))
            await until(lambda: bench.board.probes[1].caught_up == 0.75)
            assert bench.board.cards().health == "The probe “probe 1” is catching up, 75 % done."
            bench.link.feed(batch([(2, START_MS + 3_599_000, ON)], first_seq=4))
            await until(lambda: bench.health() is ProbeState.CONNECTED)
            assert bench.board.probes[1].caught_up is None
            assert bench.state() is ON

    run(check)


def test_fresh_backlog_is_no_catching_up() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        bench.link.header = StreamHeader("spool", 1, 2, (), START_MS, 0.0)
        async with bench.running():
            await until(lambda: bool(bench.link.opened))
            bench.link.feed(batch([(2, START_MS - 5_000, ON)]))
            await until(lambda: bench.health() is ProbeState.CONNECTED)
            states = [event.health.state for event in bench.events if isinstance(event, ProbeChanged)]
            assert ProbeState.CATCHING_UP not in states

    run(check)


def test_backlog_that_never_comes_does_not_keep_the_probe_from_voting(expect_log: ExpectLog) -> None:
    expect_log("dropped 9 results")

    async def check() -> None:
        bench = Bench(monitor(2))
        bench.link.header = StreamHeader("spool", 1, 9, ((1, 9),), START_MS, 0.0)
        async with bench.running():
            await until(lambda: bool(bench.link.opened))
            bench.link.feed(heartbeat())
            await until(lambda: bench.health() is ProbeState.CONNECTED)

    run(check)


def test_probe_that_lost_its_plan_gets_it_again() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        async with bench.running():
            await bench.connected()
            bench.link.feed(heartbeat(revision=bench.link.revision))
            bench.link.feed(heartbeat(revision=0))
            await until(lambda: len(bench.link.plans) == 2)
            assert bench.link.plans[1].checks == bench.link.plans[0].checks

    run(check)


def test_probe_that_still_has_the_plan_is_sent_none() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        async with bench.running():
            await bench.connected()
        again = Bench(monitor(2))
        again.link.owner, again.link.revision = "owner", bench.link.revision
        again.link.plan_hash = bench.link.plan_hash
        async with again.running():
            await until(lambda: bool(again.link.checked))  # the scheduler has done its turn
            assert again.link.plans == []
            await again.engine.commands.delete([MonitorId(2)])
            await until(lambda: bool(again.link.plans))
            assert again.link.plans[0].revision == bench.link.revision + 1

    run(check)


def test_revision_that_is_too_low_is_raised_above_the_probes() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        bench.link.plan_failures = [RevisionTooLow("There is a newer plan.", 41)]
        async with bench.running():
            await bench.connected()
            assert bench.link.plans[0].revision == 42

    run(check)


def test_probe_of_another_owner_is_refused_with_its_sentence(expect_log: ExpectLog) -> None:
    expect_log("took no plan")

    async def check() -> None:
        bench = Bench(monitor(2))
        bench.link.plan_failures = [ProbeOwned("The probe serves another computer.")]
        async with bench.running():
            await until(lambda: bench.health() is ProbeState.REFUSED)
            assert bench.board.cards().health == "The probe serves another computer."
            await bench.connected()  # the other owner let it go

    run(check)


def test_probe_of_another_owner_is_taken_over_once_the_user_says_so(expect_log: ExpectLog) -> None:
    expect_log("took no plan")

    async def check() -> None:
        bench = Bench(monitor(2))
        bench.link.plan_failures = [ProbeOwned("The probe serves another computer.")] * 99
        async with bench.running():
            await until(lambda: bench.health() is ProbeState.REFUSED)
            bench.link.plan_failures.clear()
            bench.engine.take_over(EMBEDDED_PROBE)
            await bench.connected()
            assert bench.link.plans[0].take_over
            await bench.engine.commands.add([MonitorDraft("https://new.example/")])
            await until(lambda: len(bench.link.plans) == 2)
            assert not bench.link.plans[1].take_over  # it was for that once

    run(check)


def test_probe_added_while_running_measures_and_the_regions_take_turns_anew() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        async with bench.running():
            await bench.connected()
            europe = FakeLink(probe(9, Region.EU), bench.clock)
            await bench.engine.add_link(europe)
            await until(lambda: bool(europe.plans))
            phases = {bench.link.plans[-1].checks[0].phase_ms, europe.plans[0].checks[0].phase_ms}
            assert abs(max(phases) - min(phases)) == 5_000
            await until(lambda: bench.board.probes[9].state is ProbeState.CONNECTED)
            europe.feed(batch([(2, START_MS, OFF)], probe=9, judged=False))
            row = bench.board.row_of[MonitorId(2)]
            await until(lambda: bool(bench.board.at_ms[row, 2]))
            assert bench.engine.link(europe.probe.id) is europe

    run(check)


def test_removed_probe_leaves_its_column_empty_and_the_others_at_work() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        async with bench.running():
            await bench.connected()
            europe = FakeLink(probe(9, Region.EU), bench.clock)
            await bench.engine.add_link(europe)
            await until(lambda: bench.board.probes[9].state is ProbeState.CONNECTED)
            await bench.engine.remove_link(europe.probe.id)
            assert europe.is_closed and not bench.board.has_probe[2]
            assert ProbeRemoved(europe.probe) in bench.events
            bench.link.feed(batch([(2, START_MS, ON)], judged=False))
            await until(lambda: bench.state() is ON)
            await bench.engine.remove_link(europe.probe.id)  # harmless

    run(check)


def test_probe_added_again_goes_on_where_it_was_read_to() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        bench.store.kept.cursors[ProbeId(9)] = FakeCursor("spool", 7)
        async with bench.running():
            await bench.connected()
            europe = FakeLink(probe(9, Region.EU), bench.clock)
            await bench.engine.add_link(europe)
            await until(lambda: bool(europe.opened))
            assert europe.opened[0] == (7, "spool")
            again = FakeLink(replace(europe.probe, name="renamed"), bench.clock)
            await bench.engine.add_link(again)  # in its place
            assert europe.is_closed and bench.board.probes[9].probe.name == "renamed"

    run(check)


def test_monitor_that_the_probe_is_too_old_for_is_left_out_with_its_reason() -> None:
    async def check() -> None:
        strict = replace(monitor(3), settings=MonitorSettings(keyword="shop"))
        bench = Bench(monitor(2), strict)
        bench.link.features = ("http",)
        async with bench.running():
            await bench.connected()
            assert [spec.monitor for spec in bench.link.plans[0].checks] == [2]
            assert "upgrade this probe" in bench.board.left_out[1][3]
            assert bench.link.plans[0].anchors == ()

    run(check)


def test_changed_anchors_make_a_new_plan() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        async with bench.running():
            await bench.connected()
            await bench.engine.commands.change_preferences({"anchors": "192.0.2.1:53"})
            await until(lambda: len(bench.link.plans) == 2)
            assert bench.link.plans[1].anchors == ("192.0.2.1:53",)

    run(check)


def test_sleep_closes_the_streak_so_that_no_outage_is_made_of_a_gap() -> None:
    async def check() -> None:
        bench = Bench(monitor(2, interval_ms=3_600_000))
        async with bench.running():
            await bench.connected()
            bench.link.feed(batch([(2, START_MS, ON), (2, START_MS + 100, OFF)], interval_ms=3_600_000))
            await until(lambda: len(bench.store.batches) == 1)
            assert bench.board.is_checking[0, 0]
            bench.clock.sleep(600_000)
            await bench.engine.tick(600.0, 1.0)
            assert not bench.board.is_checking[0, 0]
            bench.link.feed(batch([(2, bench.clock.now_ms(), OFF)], first_seq=3))
            await until(lambda: len(bench.store.batches) == 2)
            assert bench.state() is ON
            assert bench.board.is_checking[0, 0]

    run(check)


def test_sleep_cuts_the_wait_for_a_lost_probe_short() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        bench.link.failure = ProbeUnreachable("It does not answer.")
        async with bench.running():
            room = bench.engine._rooms[0]
            room.collector._back_off._next_s = 60.0
            await until(lambda: bench.health() is ProbeState.UNREACHED)
            bench.link.failure = None
            bench.clock.sleep(3_600_000)
            await bench.engine.tick(3_600.0, 1.0)
            await bench.connected()

    run(check)


def test_sleep_has_links_look_at_once_whether_they_still_stand() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        async with bench.running():
            await bench.connected()
            await bench.engine.tick(1.0, 1.0)
            assert bench.link.hurries == 0
            bench.clock.sleep(600_000)
            await bench.engine.tick(601.0, 1.0)
            assert bench.link.hurries == 1

    run(check)


def test_clock_that_is_set_back_makes_the_board_read_the_hour_anew(expect_log: ExpectLog) -> None:
    expect_log("set back")

    async def check() -> None:
        bench = Bench(monitor(2))
        async with bench.running():
            await bench.connected()
            bench.link.feed(batch([(2, START_MS - 7_200_000, ON), (2, START_MS, ON)]))
            await until(lambda: len(bench.store.batches) == 1)
            bench.clock.sleep(-7_200_000 + 5_000)
            await bench.engine.tick(-7_195.0, 1.0)
            assert bench.board.availability_of(MonitorId(2), Region.LOCAL).known_ms == 5_000

    run(check)


def test_late_result_is_counted_from_the_store() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        async with bench.running():
            await bench.connected()
            bench.clock.advance(60_000)
            now = bench.clock.now_ms()
            bench.link.feed(batch([(2, now - 1_000, ON)]), batch([(2, now - 31_000, OFF)], first_seq=2))
            await until(lambda: len(bench.store.batches) == 2)
            assert bench.state() is ON
            assert bench.board.availability_of(MonitorId(2), Region.LOCAL).known_ms == 1_000
            await bench.engine.tick(1.0, 1.0)
            await bench.engine.recount()
            times = bench.board.availability_of(MonitorId(2), Region.LOCAL)
            assert (times.known_ms, times.available_ms) == (26_000, 1_000)

    run(check)


def test_history_is_on_the_board_when_start_returns() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        bench.store.append(batch([(2, START_MS - 20_000, ON), (2, START_MS - 10_000, OFF)]))
        async with bench.running():
            times = bench.board.availability_of(MonitorId(2), Region.LOCAL)
            assert (times.known_ms, times.available_ms) == (20_000, 10_000)
            assert bench.board.at_ms[0, 0] == START_MS - 10_000
            assert bench.state() is UNKNOWN  # no probe has a vote yet

    run(check)


def test_storage_problem_told_from_a_thread_reaches_cards_and_listeners() -> None:
    async def check() -> None:
        bench = Bench(monitor(2))
        async with bench.running():
            await bench.connected()
            full = StorageFull("The disk is full.")
            assert bench.store.on_problem
            await asyncio.to_thread(bench.store.on_problem, full)
            await until(lambda: StorageProblem(full) in bench.events)
            assert bench.board.cards().health == "The disk is full."
            bench.store.on_problem(None)
            await until(lambda: StorageProblem(None) in bench.events)
            assert bench.board.cards().healthy

    run(check)


def test_fault_in_one_listener_holds_up_nobody(expect_log: ExpectLog) -> None:
    expect_log("a listener failed")

    async def check() -> None:
        bench = Bench(monitor(2))
        bench.engine.hub.subscribe(lambda event: event.nonsense)  # type: ignore[union-attr]
        async with bench.running():
            await bench.connected()

    run(check)


def test_fault_while_taking_results_is_logged_and_the_probe_is_collected_again(expect_log: ExpectLog) -> None:
    expect_log("a task of the probe")

    async def check() -> None:
        bench = Bench(monitor(2))
        bench.engine.repair_s = 0.0
        async with bench.running():
            await bench.connected()
            bench.link.feed(object())
            await until(lambda: len(bench.link.opened) == 2)
            await until(lambda: bench.health() is ProbeState.CONNECTED)

    run(check)


def test_probe_that_cannot_be_closed_keeps_nothing_from_being_kept(expect_log: ExpectLog) -> None:
    expect_log("not closed cleanly")

    async def check() -> None:
        bench = Bench(monitor(2))

        async def broken() -> None:
            raise RuntimeError("a bug")

        bench.link.close = broken  # type: ignore[method-assign]
        async with bench.running():
            await bench.connected()
        assert bench.store.flushes == 1
        assert bench.board.probes[1].state is ProbeState.STOPPED

    run(check)


def test_engine_that_ends_by_its_own_fault_says_so(expect_log: ExpectLog) -> None:
    expect_log("ended by a fault")

    async def check() -> None:
        bench = Bench(monitor(2))
        bench.engine.tick_s = 0.0
        async with bench.running():
            bench.board.tick = None
            await until(lambda: any(isinstance(event, Notice) for event in bench.events))
            assert "stopped measuring" in bench.board.cards().health

    run(check)
