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


# As numpy's own numbers: reading a member of an enum costs as much as comparing 1,000 elements.
_V_ONLINE, _V_SLOW, _V_OFFLINE, _V_UNKNOWN, _V_PAUSED, _V_REGIONAL = (np.int8(verdict) for verdict in Verdict)
_OFFLINE, _SLOW, _UNKNOWN, _PAUSED = (np.int8(s) for s in (Status.OFFLINE, Status.SLOW, Status.UNKNOWN, Status.PAUSED))


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
    voting = votes & (status != _UNKNOWN) & (status != _PAUSED)
    best = np.where(voting, status, _PAUSED).min(axis=-1, initial=_PAUSED)
    return np.where(best == _PAUSED, _UNKNOWN, best).astype(np.int8)


#: How bad each status is; UNKNOWN says nothing.
_BADNESS = np.zeros(len(Status), dtype=np.int8)
_BADNESS[[Status.ONLINE, Status.SLOW, Status.OFFLINE]] = (1, 2, 3)


def is_worse(state: Codes, than: Codes) -> npt.NDArray[np.bool_]:
    """Return where a state counts more than another: any that is known before one that is not, then the worse."""
    found: npt.NDArray[np.bool_] = _BADNESS[state] > _BADNESS[than]
    return found


def worse(first: Codes, second: Codes) -> Codes:
    """Return the state of a region that is measured over each family: the worse of the two, as far as they are known.

    A family that nobody can measure, because the probe's host has none of it, says nothing.
    """
    return np.where(is_worse(second, first), second, first).astype(np.int8)


def verdicts(states: Codes, assigned: npt.NDArray[np.bool_], paused: npt.NDArray[np.bool_]) -> npt.NDArray[np.int8]:
    """Return the verdict of each monitor.

    `states` (monitors, regions) holds region states, UNKNOWN where a region does not vote just now;
    `assigned` (same shape) says which regions watch the monitor: the quorum comes from these, never
    from those that happen to vote. `paused` has one element per monitor. First match wins: paused,
    unknown, offline, regional, slow (at least half of the voting regions), online.
    """
    voting = assigned & (states != _UNKNOWN) & (states != _PAUSED)
    votes = voting.sum(axis=1)
    offline = (voting & (states == _OFFLINE)).sum(axis=1)
    slow = (voting & (states == _SLOW)).sum(axis=1)
    needed = _QUORUM[assigned.sum(axis=1)]
    # From the weakest to the strongest: what comes later replaces what came before.
    verdict = np.where(slow * 2 >= votes, _V_SLOW, _V_ONLINE)
    verdict[offline > 0] = _V_REGIONAL
    verdict[offline >= needed] = _V_OFFLINE
    verdict[votes == 0] = _V_UNKNOWN
    verdict[paused] = _V_PAUSED
    return verdict
