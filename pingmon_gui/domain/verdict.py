"""Verdict: the state of a monitor over all its regions. Rules of architecture section 5."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain.status import Codes, Status


class Verdict(IntEnum):
    """State of a monitor over its regions. The number is stored: never reorder."""

    ONLINE = 0
    SLOW = 1
    OFFLINE = 2
    UNKNOWN = 3
    PAUSED = 4
    REGIONAL = 5

    @property
    def word(self) -> str:
        return self.name.lower()


def quorum(assigned_regions: int) -> int:
    """Return how many regions must be offline for the verdict offline: 1 -> 1, 2 or 3 -> 2, n >= 4 -> n // 2 + 1."""
    if assigned_regions <= 1:
        return 1
    return 2 if assigned_regions <= 3 else assigned_regions // 2 + 1


_QUORUM = np.array([quorum(n) for n in range(64)])


def region_state(status: Codes, votes: npt.NDArray[np.bool_]) -> Codes:
    """Return the state of each region from its probes: shape (..., probes) -> (...).

    Offline when all of its voting probes are, slow when its best voting probe is slow, unknown
    when none votes. `status` holds confirmed states; a probe whose state is UNKNOWN does not vote.
    """
    voting = votes & (status != Status.UNKNOWN) & (status != Status.PAUSED)
    best = np.where(voting, status, Status.PAUSED).min(axis=-1, initial=Status.PAUSED)
    return np.where(best == Status.PAUSED, Status.UNKNOWN, best).astype(np.int8)


def verdicts(states: Codes, assigned: npt.NDArray[np.bool_], paused: npt.NDArray[np.bool_]) -> npt.NDArray[np.int8]:
    """Return the verdict of each monitor.

    `states` (monitors, regions) holds region states, UNKNOWN where a region does not vote just now;
    `assigned` (same shape) says which regions watch the monitor: the quorum comes from these, never
    from those that happen to vote. `paused` has one element per monitor. First match wins: paused,
    unknown, offline, regional, slow (at least half of the voting regions), online.
    """
    voting = assigned & (states != Status.UNKNOWN) & (states != Status.PAUSED)
    votes = voting.sum(axis=1)
    offline = (voting & (states == Status.OFFLINE)).sum(axis=1)
    slow = (voting & (states == Status.SLOW)).sum(axis=1)
    needed = _QUORUM[assigned.sum(axis=1)]
    return np.select(
        [paused, votes == 0, offline >= needed, offline > 0, slow * 2 >= votes],
        [Verdict.PAUSED, Verdict.UNKNOWN, Verdict.OFFLINE, Verdict.REGIONAL, Verdict.SLOW],
        default=Verdict.ONLINE,
    ).astype(np.int8)
