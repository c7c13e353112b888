"""What goes wrong here and not with a site: none of it may be told as a site that is offline.

Each is lived through by the real engine and policy, on a clock that only jumps, with the rules of a first start.
"""

from __future__ import annotations

import asyncio

import pytest
from pingmon_probe.protocol import CheckResult

from pingmon_gui.domain.alert import AlertEvent
from pingmon_gui.domain.alert_rule import AlertKind
from tests.conftest import ExpectLog
from tests.engine.alert_world import START_MS, World, ids, live, watched

SITES = watched(3)


async def settled(world: World) -> None:
    """Let everything be measured a few times, and see that all is well."""
    await world.pass_s(45)
    assert world.engine is not None
    assert world.engine.board.cards().online == len(SITES)
    assert world.told == []


def test_own_network_that_is_down_is_told_as_that_and_as_nothing_else() -> None:
    async def check(world: World) -> None:
        await settled(world)
        for probe in world.probes:
            probe.has_network = probe.place != 0
            probe.is_cut = probe.place != 0
        await world.pass_s(400)
        for probe in world.probes:
            probe.has_network, probe.is_cut = True, False
        await world.pass_s(100)

    world = live(check, probes=3, monitors=SITES)
    assert world.alarms() == []
    assert world.policy is not None and AlertKind.OWN_NETWORK in {
        item.kind for change in world.kept.changes for alert in change.alerts for item in alert.items.values()
    }
    assert not any(alert.is_open for alert in world.policy.live)


def test_own_network_that_is_down_where_there_is_no_other_probe() -> None:
    async def check(world: World) -> None:
        await settled(world)
        world.probes[0].has_network = False
        await world.pass_s(600)
        world.probes[0].has_network = True
        await world.pass_s(60)

    assert live(check, probes=1, monitors=SITES).alarms() == []


def test_change_of_vpn_breaks_everything_for_a_moment() -> None:
    async def check(world: World) -> None:
        await settled(world)
        for number in range(5):
            world.probes[0].has_network = False
            world.probes[1].is_cut = world.probes[2].is_cut = True
            await world.pass_s(4 + 3 * number)
            world.probes[0].has_network = True
            world.probes[1].is_cut = world.probes[2].is_cut = False
            await world.pass_s(40)

    assert live(check, probes=3, monitors=SITES).told == []


def test_sleep_and_wake_with_everything_broken_at_the_moment_of_waking() -> None:
    async def check(world: World) -> None:
        await settled(world)
        for hours in (0.1, 8, 72):
            world.set_clock(hours * 3600)
            # The network needs a while after waking; connections are dead.
            world.probes[0].has_network = False
            world.probes[1].is_cut = True
            await world.pass_s(12)
            world.probes[0].has_network = True
            world.probes[1].is_cut = False
            await world.pass_s(300)

    assert live(check, probes=2, monitors=SITES).told == []


def test_sleep_in_the_middle_of_a_check_that_then_times_out() -> None:
    async def check(world: World) -> None:
        await settled(world)
        broken: dict[str, float] = {}
        world.probes[0].truth = lambda _m, _p, at_s: "timeout" if at_s < broken.get("until", 0) else None
        broken["until"] = world.loop.now_s + 6
        await world.pass_s(2)
        world.set_clock(8 * 3600)
        await world.pass_s(300)

    assert live(check, probes=1, monitors=SITES).told == []


def test_probe_that_is_lost_is_told_as_that() -> None:
    async def check(world: World) -> None:
        await settled(world)
        world.probes[1].is_cut = True
        await world.pass_s(600)
        world.probes[1].is_cut = False
        await world.pass_s(100)

    world = live(check, probes=2, monitors=SITES)
    assert world.alarms() == []
    lost = [alert for change in world.kept.changes for alert in change.alerts]
    assert {item.kind for alert in lost for item in alert.items.values()} == {AlertKind.PROBE_LOST}
    assert lost[-1].closed_at_ms is not None


def test_only_probe_that_is_lost_leaves_sites_unknown() -> None:
    async def check(world: World) -> None:
        await settled(world)
        world.probes[0].is_cut = True
        await world.pass_s(900)

    assert live(check, probes=1, monitors=SITES).alarms() == []


@pytest.mark.parametrize("probes", [1, 2, 4])
def test_clock_that_jumps(probes: int, expect_log: ExpectLog) -> None:
    expect_log("the clock was set back by")
    if probes == 4:
        expect_log("This computer's clock is .* that of most probes; theirs is used")

    async def check(world: World) -> None:
        await settled(world)
        for by_s in (7_200, -7_200, 3, -3, 50, -50, 86_400 * 30, -86_400 * 30):
            world.set_clock(by_s)
            # Long enough to tell of an outage more than twice over.
            await world.pass_s(90)

    assert live(check, probes=probes, monitors=SITES).alarms() == []


def test_resolver_of_one_probe_that_hiccups_is_no_outage() -> None:
    async def check(world: World) -> None:
        await settled(world)
        now_s = world.loop.now_s
        # Once for a moment, once for two minutes.
        world.probes[1].truth = lambda _m, _p, at_s: (
            "dns" if now_s + 5 < at_s < now_s + 6.5 or now_s + 100 < at_s < now_s + 220 else None
        )
        await world.pass_s(90)
        assert world.told == []
        await world.pass_s(300)

    world = live(check, probes=3, monitors=SITES)
    assert world.alarms(AlertKind.OFFLINE) == []
    told = [told.post for told in world.told]
    # Three domains, one region, one cause: one alert, which says that it is regional.
    assert len({post.alert for post in told}) == 1
    assert ids(world.alarms(AlertKind.REGIONAL)) == {site.id for site in SITES}
    assert told[-1].event is AlertEvent.RESOLVED and told[-1].lasting == 0


def test_one_lost_packet_is_nothing() -> None:
    lost = {(2, 0): (50.0, 61.0), (3, 0): (70.0, 81.0), (4, 0): (90.0, 101.0)}
    failed: set[tuple[int, int]] = set()

    def truth(monitor: int, place: int, at_s: float) -> str | None:
        begin, end = lost.get((monitor, place), (0.0, 0.0))
        if begin <= at_s < end and (monitor, place) not in failed:
            failed.add((monitor, place))
            return "timeout"
        return None

    async def check(world: World) -> None:
        await world.pass_s(200)

    world = live(check, truth=truth, probes=1, monitors=SITES)
    assert len(failed) == 3
    assert world.told == []
    assert asyncio.run(world.incidents()) == []


def outage(begin_s: float, end_s: float, monitor: int = 2) -> object:
    return lambda m, _place, at_s: "connect_refused" if m == monitor and begin_s <= at_s < end_s else None


def test_start_of_the_app_tells_nothing_of_what_was_over_meanwhile() -> None:
    """Probes went on while the app was closed, and fill in an outage that came and went."""

    async def check(world: World) -> None:
        await settled(world)
        await world.stop()
        await world.pass_s(900)
        await world.start()
        await world.pass_s(200)

    world = live(check, truth=outage(300, 600), probes=3, monitors=SITES)  # type: ignore[arg-type]
    assert world.told == []


def test_incident_that_was_open_when_the_app_was_closed_and_is_over_is_told_as_over_alone() -> None:
    async def check(world: World) -> None:
        await world.pass_s(100)
        assert ids(world.alarms()) == {2}
        await world.stop()
        await world.pass_s(900)
        count = len(world.alarms())
        await world.start()
        await world.pass_s(400)
        assert len(world.alarms()) == count

    world = live(check, truth=outage(60, 500), probes=3, monitors=SITES)  # type: ignore[arg-type]
    assert [told.post.event for told in world.told if told.at_s < 1_000] == [AlertEvent.TRIGGERED]
    assert [told.post.event for told in world.told if told.at_s > 1_000] == [AlertEvent.RESOLVED]


def test_incident_that_lasts_over_a_restart_is_not_told_again() -> None:
    async def check(world: World) -> None:
        await world.pass_s(100)
        await world.stop()
        await world.pass_s(300)
        await world.start()
        await world.pass_s(400)

    world = live(check, truth=outage(60, 1e9), probes=3, monitors=SITES)  # type: ignore[arg-type]
    assert [told.post.event for told in world.told] == [AlertEvent.TRIGGERED]


def test_bot_wall_and_faults_of_a_probe_are_no_outage() -> None:
    def truth(monitor: int, _place: int, at_s: float) -> str | None:
        return {2: "blocked", 3: "internal", 4: "refused_target"}[monitor] if at_s > 60 else None

    async def check(world: World) -> None:
        await world.pass_s(400)

    assert live(check, truth=truth, probes=2, monitors=SITES).told == []


def test_world_does_tell_of_a_real_outage() -> None:
    """All of the above would pass in a world in which nothing is ever told."""

    async def check(world: World) -> None:
        await settled(world)
        await world.pass_s(300)

    world = live(check, truth=outage(60, 200), probes=3, monitors=SITES)  # type: ignore[arg-type]
    assert [told.post.event for told in world.told] == [AlertEvent.TRIGGERED, AlertEvent.RESOLVED]
    assert world.told[0].at_s - 60 < 14
    assert {item.kind for _at_s, item in world.alarms()} == {AlertKind.OFFLINE}
    assert CheckResult(url="").started_at_ms == 0 and START_MS > 0
