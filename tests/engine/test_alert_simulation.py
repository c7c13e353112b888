"""No missed alarm, no false one: random outages against the formula of docs/guide/alerts.md."""

from __future__ import annotations

import pytest

from pingmon_gui.domain.alert_rule import Flapping
from pingmon_gui.domain.status import Status
from tests.engine.alert_simulation import AlertSimulation, Outcome, formula_s
from tests.engine.alert_world import World, live, watched


def check(outcome: Outcome) -> None:
    assert outcome.missed == [] and outcome.untrue == []
    assert outcome.recall == 1.0 and outcome.false == 0
    assert outcome.promised >= 5 and outcome.cuts > 0 and outcome.restarts > 0
    assert outcome.short > 5


@pytest.mark.parametrize(("interval_ms", "timeout_ms"), [(5_000, 5_000), (5_000, 30_000), (10_000, 20_000)])
def test_site_that_hangs_is_offline_without_a_break_however_long_its_timeout(interval_ms: int, timeout_ms: int) -> None:
    seen: list[Status] = []

    async def watch(world: World) -> None:
        assert world.engine is not None
        await world.pass_s(60 + formula_s(site.settings))
        for _ in range(1_000):
            await world.pass_s(0.2)
            seen.append(Status(int(world.engine.board.state[0, 0])))

    [site] = watched(1, interval_ms=interval_ms, timeout_ms=timeout_ms)
    live(watch, truth=lambda _m, _p, at_s: "timeout" if at_s > 60 else None, monitors=[site])
    assert set(seen) == {Status.OFFLINE}


@pytest.mark.lengthy
@pytest.mark.parametrize("probes", [1, 3])
def test_every_outage_above_the_formula_is_told_in_time_and_nothing_else(probes: int) -> None:
    check(AlertSimulation(monitors=5, probes=probes, hours=0.4, seed=100 + probes).run())


def test_delay_of_a_rule_is_added_and_nothing_more() -> None:
    check(AlertSimulation(monitors=5, probes=2, hours=0.6, seed=7, after_s=60).run())


def test_flapping_detection_hides_no_outage_that_was_not_said_to_flap() -> None:
    check(AlertSimulation(monitors=5, probes=4, hours=0.35, seed=11, flapping=Flapping()).run())
