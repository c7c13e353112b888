"""Hours of broken links, rebooted hosts and killed apps, in seconds: nothing is lost, nothing doubled."""

from __future__ import annotations

import pytest

from tests.engine.simulation import Outcome, Simulation


@pytest.mark.parametrize("seed", [1, 3])
def test_nothing_is_lost_or_doubled_whatever_breaks(seed: int) -> None:
    outcome = Simulation(monitors=8, probes=3, hours=3.0, seed=seed).run()
    assert (outcome.lost, outcome.doubled, outcome.false_alarms) == (0, 0, 0)
    assert outcome.measured > 2_000
    assert min(outcome.cuts, outcome.reboots, outcome.kills) > 0


def test_the_same_seed_is_the_same_day() -> None:
    """A failure that was seen once can be looked at again."""

    def day() -> Outcome:
        return Simulation(monitors=2, probes=1, hours=0.5, seed=7).run()

    assert day() == day()
