"""Where the elements of arrays go when monitors or probes come or go."""

from __future__ import annotations

import itertools
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.intp]
Array = TypeVar("Array", bound=npt.NDArray[Any])

#: Up to so many runs are copied one by one when elements move.
MAX_RUNS = 100
#: An array that has to grow gets this share of spare room, for those that come next.
SPARE = 1 / 8


class Move:
    """Place i of the new order is what `old_places[i]` was among `old_count`, or new where that is -1."""

    def __init__(self, old_places: Places, old_count: int) -> None:
        self.count = len(old_places)
        kept = np.flatnonzero(old_places >= 0)
        old = old_places[kept]
        self._is_growth = len(kept) == old_count and np.array_equal(kept, old)
        self._old_count = old_count
        self._runs = _runs(kept, old)

    def carried(self, array: Array, nothing: object, axis: int = 0) -> Array:
        """Return the array in the new order, `nothing` in new places. Don't use the old one any more.

        Where new places only follow the old ones nothing is copied as long as there is spare room: adding one to many
        would cost as much as adding all of them again.
        """
        before = (slice(None),) * axis
        if self._is_growth:
            whole = array.base
            if not (isinstance(whole, np.ndarray) and _is_front(array, whole) and whole.shape[axis] >= self.count):
                whole = np.empty(_shape(array, axis, self.count + int(self.count * SPARE)), array.dtype)
                whole[(*before, slice(self._old_count))] = array
            new = whole[(*before, slice(self.count))]
            new[(*before, slice(self._old_count, None))] = nothing
            return new  # type: ignore[return-value]
        new = np.full(_shape(array, axis, self.count), nothing, dtype=array.dtype)
        for to, source in self._runs:
            new[(*before, to)] = array[(*before, source)]
        return new  # type: ignore[return-value]


def _shape(array: npt.NDArray[Any], axis: int, count: int) -> tuple[int, ...]:
    return (*array.shape[:axis], count, *array.shape[axis + 1 :])


def _is_front(array: npt.NDArray[Any], whole: npt.NDArray[Any]) -> bool:
    """Return whether an array is the front of another one, element by element."""
    return whole.dtype == array.dtype and whole.strides == array.strides and whole.ctypes.data == array.ctypes.data


def _runs(to: Places, source: Places) -> list[tuple[Places | slice, Places | slice]]:
    """Return what has to be copied where: runs while they are few, because picking places one by one is far slower."""
    ends = np.flatnonzero((np.diff(to) != 1) | (np.diff(source) != 1)) + 1
    if len(to) == 0 or len(ends) > MAX_RUNS:
        return [(to, source)]
    bounds = [0, *ends.tolist(), len(to)]
    return [
        (slice(int(to[a]), int(to[b - 1]) + 1), slice(int(source[a]), int(source[b - 1]) + 1))
        for a, b in itertools.pairwise(bounds)
    ]
