"""Arrays follow a new order of what they are about, whatever comes, goes and moves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pingmon_gui.engine.move import MAX_RUNS, Move

NOTHING = -7

steps = st.lists(st.lists(st.integers(0, 12), unique=True, max_size=12), min_size=1, max_size=8)


@pytest.mark.parametrize("axis", [0, 1])
@settings(max_examples=60, deadline=None)
@given(orders=steps)
def test_values_follow_their_owner_and_new_ones_have_nothing(axis: int, orders: list[list[int]]) -> None:
    """Each step is a list of owners; an owner's value has to stay with it as long as it is there."""
    owners: list[int] = []
    array = np.zeros((0, 3) if axis == 0 else (3, 0), dtype=np.int64)
    known: dict[int, list[int]] = {}
    for turn, order in enumerate(orders):
        places = np.array([owners.index(owner) if owner in owners else -1 for owner in order], dtype=np.intp)
        array = Move(places, len(owners)).carried(array, NOTHING, axis)
        by_owner = array if axis == 0 else array.T
        for place, owner in enumerate(order):
            assert by_owner[place].tolist() == (known[owner] if owner in owners else [NOTHING] * 3)
            by_owner[place] = known[owner] = [owner, turn, place]
        owners = order


def test_one_more_copies_nothing() -> None:
    def added(array: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.float64]:
        return Move(np.append(np.arange(len(array)), [-1] * count), len(array)).carried(array, np.nan)

    first = added(np.zeros(0), 1_000)
    first[:] = 3.0
    second = added(first, 1)
    assert np.shares_memory(first, second)
    assert second[:1_000].tolist() == [3.0] * 1_000 and np.isnan(second[1_000])
    third = added(second, 1_000)
    assert not np.shares_memory(first, third), "there was no more room"
    assert third[:1_000].tolist() == [3.0] * 1_000 and np.isnan(third[1_000:]).all()


def test_more_runs_than_are_worth_copying_one_by_one() -> None:
    backwards = np.arange(MAX_RUNS * 2)[::-1].copy()
    array = np.arange(MAX_RUNS * 2) * 10
    assert Move(backwards, len(array)).carried(array, NOTHING).tolist() == (backwards * 10).tolist()
