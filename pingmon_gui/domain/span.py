"""Spans of time as two columns, [begin, end) in ms: by time, disjoint, none of them empty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Spans:
    """See the module. `of` makes some of any pairs, which may overlap and be in any order."""

    begin_ms: Ints
    end_ms: Ints

    @classmethod
    def of(cls, pairs: Iterable[tuple[int, int]]) -> Spans:
        both = np.array(list(pairs), dtype=np.int64).reshape(-1, 2)
        return merged(both[:, 0], both[:, 1])

    def __len__(self) -> int:
        return len(self.begin_ms)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(zip(self.begin_ms.tolist(), self.end_ms.tolist(), strict=True))

    @property
    def total_ms(self) -> int:
        return int((self.end_ms - self.begin_ms).sum())

    def within(self, start_ms: int, end_ms: int) -> Spans:
        """Return what of them lies in [start_ms, end_ms)."""
        begin, end = np.maximum(self.begin_ms, start_ms), np.minimum(self.end_ms, end_ms)
        return Spans(begin[begin < end], end[begin < end])

    def without(self, others: Spans) -> Spans:
        """Return what of them lies in none of the others."""
        moments = np.unique(np.concatenate((self.begin_ms, self.end_ms, others.begin_ms, others.end_ms)))
        is_left = self._holds(moments) & ~others._holds(moments)
        begin, end = moments[:-1][is_left[:-1]], moments[1:][is_left[:-1]]
        return merged(begin, end)

    def common(self, others: Spans) -> Spans:
        """Return what lies in both."""
        return self.without(self.without(others))

    def time_in(self, edges_ms: Ints) -> Ints:
        """Return the ms of them between each edge and the next."""
        return time_in(self.begin_ms, self.end_ms, edges_ms)

    def _holds(self, moments: Ints) -> npt.NDArray[np.bool_]:
        place = np.searchsorted(self.begin_ms, moments, side="right") - 1
        held: npt.NDArray[np.bool_] = (place >= 0) & (moments < np.append(self.end_ms, 0)[place])
        return held


def merged(begin_ms: Ints, end_ms: Ints) -> Spans:
    """Return the time that any of the spans [begin, end) covers; they may overlap and be in any order."""
    order = np.argsort(begin_ms, kind="stable")
    begin, end = begin_ms[order], end_ms[order]
    begin, end = begin[begin < end], end[begin < end]
    if len(begin) == 0:
        return NO_SPANS
    until = np.maximum.accumulate(end)
    is_first = np.append(True, begin[1:] > until[:-1])
    return Spans(begin[is_first], until[np.append(is_first[1:], True)])


def time_in(begin_ms: Ints, end_ms: Ints, edges_ms: Ints) -> Ints:
    """Return the ms of spans between each edge and the next; the spans are disjoint and by time, edges ascend."""
    if len(begin_ms) == 0:
        return np.zeros(len(edges_ms) - 1, dtype=np.int64)
    before = np.concatenate(([0], np.cumsum(end_ms - begin_ms)))
    place = np.searchsorted(begin_ms, edges_ms, side="right") - 1
    partial = np.where(place >= 0, np.minimum(edges_ms, end_ms[place]) - begin_ms[place], 0)
    spent: Ints = np.diff(before[np.maximum(place, 0)] + partial)
    return spent


def runs(joins: npt.NDArray[np.bool_], count: int) -> tuple[Places, Places]:
    """Return the first and the last place of each run of `count` elements.

    `joins` says of each but the first whether it belongs to the one before.
    """
    if count == 0:
        nothing = np.zeros(0, dtype=np.intp)
        return nothing, nothing
    first = np.flatnonzero(np.append(True, ~joins))
    return first, np.append(first[1:], count) - 1


NO_SPANS = Spans(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
