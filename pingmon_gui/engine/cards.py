"""The figures above the table, and the one sentence about Pingmon's own health."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain.probe import ProbeHealth, ProbeState
from pingmon_gui.domain.status import Codes, Status
from pingmon_gui.domain.verdict import Verdict

GOOD = "good"
#: A probe whose loop was later than this (p99 over a minute) is not on time (architecture 5, self-check).
LATE_P99_MS = 50.0


@dataclass(frozen=True)
class Cards:
    """`online` counts verdicts online and slow among `not_paused`, `unknown` those nobody can tell about.

    `not_paused` are those that count now: neither paused nor in maintenance.

    `health` is "good" or the worst cause in words.
    """

    total: int
    paused: int
    in_maintenance: int
    active_regions: int
    regions_with_probe: int
    online: int
    unknown: int
    reachable_somewhere: int
    not_paused: int
    health: str
    healthy: bool


def health_sentence(probes: Sequence[ProbeHealth], problem: str | None) -> str:
    """Return "good" if there is no `problem` and every probe is reached, votes and is on time; else the worst cause."""
    if problem is not None:
        return problem
    for state in (ProbeState.REFUSED, ProbeState.UNREACHED, ProbeState.STOPPED):
        for health in probes:
            if health.state is state:
                return health.reason or f"The probe “{health.probe.name}” is not reached."
    for health in probes:
        if health.state is ProbeState.CONNECTED and not health.votes:
            return health.reason or f"The probe “{health.probe.name}” cannot measure just now."
    for health in probes:
        if health.late_p99_ms is not None and health.late_p99_ms > LATE_P99_MS:
            return f"The probe “{health.probe.name}” is late by {health.late_p99_ms:.0f} ms: its host is busy."
    for state, what in ((ProbeState.STARTING, "starting"), (ProbeState.CATCHING_UP, "catching up")):
        for health in probes:
            if health.state is state:
                share = "" if health.caught_up is None else f", {health.caught_up:.0%} done".replace("%", " %")
                return f"The probe “{health.probe.name}” is {what}{share}."
    return GOOD


def count_cards(
    state: Codes,
    verdict: Codes,
    paused: npt.NDArray[np.bool_],
    in_maintenance: npt.NDArray[np.bool_],
    probes: Sequence[ProbeHealth],
    problem: str | None,
) -> Cards:
    """Return the figures; `state` (rows, regions) and the others (rows) are the board's."""
    counts = ~(paused | in_maintenance)
    online = ((verdict == Verdict.ONLINE) | (verdict == Verdict.SLOW)) & counts
    reachable = ((state == Status.ONLINE) | (state == Status.SLOW)).any(axis=1) & counts
    active = {health.probe.region for health in probes if health.votes and health.state is ProbeState.CONNECTED}
    health = health_sentence(probes, problem)
    return Cards(
        total=len(verdict),
        paused=int(paused.sum()),
        in_maintenance=int((in_maintenance & ~paused).sum()),
        active_regions=len(active),
        regions_with_probe=len({health.probe.region for health in probes}),
        online=int(online.sum()),
        unknown=int(((verdict == Verdict.UNKNOWN) & counts).sum()),
        reachable_somewhere=int(reachable.sum()),
        not_paused=int(counts.sum()),
        health=health,
        healthy=health == GOOD,
    )
