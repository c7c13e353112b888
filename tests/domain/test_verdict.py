"""The verdict's table: every combination of region states for one to six regions."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from pingmon_gui.domain.region import REGIONS
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.verdict import Verdict, quorum, region_state, verdicts

ON, SLOW, OFF, UNKNOWN, PAUSED = Status.ONLINE, Status.SLOW, Status.OFFLINE, Status.UNKNOWN, Status.PAUSED
COLUMNS = len(REGIONS)


def by_the_rules(states: tuple[Status, ...], is_paused: bool = False) -> Verdict:
    """One monitor, sentence by sentence as architecture 5 has it; every region in `states` is assigned."""
    needed = {1: 1, 2: 2, 3: 2, 4: 3, 5: 3, 6: 4}[len(states)]
    voting = [state for state in states if state is not UNKNOWN]
    if is_paused:
        return Verdict.PAUSED
    if not voting:
        return Verdict.UNKNOWN
    if voting.count(OFF) >= needed:
        return Verdict.OFFLINE
    if voting.count(OFF) >= 1:
        return Verdict.REGIONAL
    if voting.count(SLOW) >= len(voting) / 2:
        return Verdict.SLOW
    return Verdict.ONLINE


def verdict_of(states: np.ndarray, assigned: np.ndarray, *, is_paused: bool = False) -> list[Verdict]:
    return [Verdict(code) for code in verdicts(states, assigned, np.full(len(states), is_paused))]


@pytest.mark.parametrize("regions", range(1, COLUMNS + 1))
def test_verdict_of_every_combination_follows_the_rules(regions: int) -> None:
    combinations = list(product((ON, SLOW, OFF, UNKNOWN), repeat=regions))
    # What stands in the columns of regions that do not watch must not matter, hence OFFLINE there.
    states = np.full((len(combinations), COLUMNS), OFF, dtype=np.int8)
    states[:, :regions] = combinations
    assigned = np.zeros_like(states, dtype=np.bool_)
    assigned[:, :regions] = True
    assert verdict_of(states, assigned) == [by_the_rules(combination) for combination in combinations]
    assert set(verdict_of(states, assigned, is_paused=True)) == {Verdict.PAUSED}


@pytest.mark.parametrize("regions", range(1, COLUMNS + 1))
def test_losing_the_vote_of_a_region_never_makes_offline(regions: int) -> None:
    combinations = np.array(list(product((ON, SLOW, OFF, UNKNOWN), repeat=regions)), dtype=np.int8)
    assigned = np.ones_like(combinations, dtype=np.bool_)
    before = np.array(verdict_of(combinations, assigned))
    for lost in range(regions):
        after = combinations.copy()
        after[:, lost] = UNKNOWN
        became_offline = (np.array(verdict_of(after, assigned)) == Verdict.OFFLINE) & (before != Verdict.OFFLINE)
        assert not became_offline.any()


@pytest.mark.parametrize(("regions", "needed"), [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4)])
def test_quorum_by_assigned_regions(regions: int, needed: int) -> None:
    assert quorum(regions) == needed


def test_monitor_that_nobody_watches_is_unknown() -> None:
    nobody = np.zeros((1, COLUMNS), dtype=np.bool_)
    assert verdict_of(np.full((1, COLUMNS), OFF, dtype=np.int8), nobody) == [Verdict.UNKNOWN]


@pytest.mark.parametrize(
    ("probes", "state"),
    [
        ((OFF, OFF), OFF),
        ((OFF, ON), ON),
        ((OFF, SLOW), SLOW),
        ((SLOW, ON), ON),
        ((OFF, UNKNOWN), OFF),
        ((UNKNOWN, UNKNOWN), UNKNOWN),
        ((UNKNOWN, SLOW), SLOW),
    ],
)
def test_region_with_several_probes_takes_the_best_that_votes(probes: tuple[Status, ...], state: Status) -> None:
    votes = np.ones((1, 2), dtype=np.bool_)
    assert region_state(np.array([probes], dtype=np.int8), votes).tolist() == [state]


def test_probe_without_a_vote_is_not_heard() -> None:
    status = np.array([[ON, OFF]], dtype=np.int8)
    assert region_state(status, np.array([[False, True]])).tolist() == [OFF]
    assert region_state(status, np.array([[False, False]])).tolist() == [UNKNOWN]
