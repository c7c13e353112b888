"""A simulated day of cut links, rebooted hosts and killed apps: how many results are lost, how many come twice."""

from __future__ import annotations

from tests.bench.harness import Row, row
from tests.engine.simulation import Simulation

HOURS = 24.0


def rows() -> list[Row]:
    """Return the rows of the report. Takes about two minutes; the same on every machine."""
    outcome = Simulation(monitors=20, probes=5, hours=HOURS, seed=20261122).run()
    day = f"{HOURS:.0f} simulated hours"
    return [
        row(f"{day}: results measured", "results", [outcome.measured]),
        row(
            f"{day}: links cut, hosts rebooted, apps killed", "times", [outcome.cuts + outcome.reboots + outcome.kills]
        ),
        row(f"{day}: results lost", "results", [outcome.lost], goal=0, is_ratio=False),
        row(f"{day}: results doubled", "results", [outcome.doubled], goal=0, is_ratio=False),
        row(
            f"{day}: verdicts offline or regional of domains that were up",
            "verdicts",
            [outcome.false_alarms],
            goal=0,
            is_ratio=False,
        ),
    ]
