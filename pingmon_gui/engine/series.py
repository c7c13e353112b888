"""What is known of every series (one monitor measured by one probe): newest result, confirmed state, last hour.

A series is a place from 0 to count - 1; which monitor and probe that is, only the board knows.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
from pingmon_probe.protocol import CheckResult

from pingmon_gui.domain.availability import hold_ms
from pingmon_gui.domain.result import ResultBatch
from pingmon_gui.domain.status import NO_FAILURE, Codes, Confirmation, Status
from pingmon_gui.engine.hour import Flags, Ints, RollingHour
from pingmon_gui.engine.move import Move, Places
from pingmon_gui.engine.trail import Trail

#: Number of "no batch": what came from the store, which has no details on the board.
FROM_STORE = 0


@dataclass(frozen=True)
class Incoming:
    """Results as columns, one element each; `place` is where in its batch a result stands."""

    series: Places
    at_ms: Ints
    interval_ms: Ints
    status: Codes
    failure: Codes
    total_ms: npt.NDArray[np.float64]
    place: Places

    def pick(self, chosen: Places | Flags) -> Incoming:
        return Incoming(*(getattr(self, field.name)[chosen] for field in fields(self)))


class SeriesState:
    """All arrays have one element per series.

    A series that has no result yet has `at_ms` 0. `voted_until_ms` is how long its newest result with a
    vote speaks. Batches are kept as long as a newest result lies in them, for its details.
    """

    def __init__(self, count: int, now_ms: int) -> None:
        self.at_ms = np.zeros(count, dtype=np.int64)
        self.until_ms = np.zeros(count, dtype=np.int64)
        self.voted_until_ms = np.zeros(count, dtype=np.int64)
        self.interval_ms = np.zeros(count, dtype=np.int64)
        self.status = np.full(count, Status.UNKNOWN, dtype=np.int8)
        self.failure = np.full(count, NO_FAILURE, dtype=np.int8)
        self.total_ms = np.full(count, np.nan)
        self.batch = np.full(count, FROM_STORE, dtype=np.int64)
        self.place = np.zeros(count, dtype=np.int64)
        self.confirmation = Confirmation.fresh(count)
        self.hour = RollingHour(count, now_ms)
        self.trail = Trail(count, now_ms)
        self._batches: dict[int, ResultBatch] = {}
        self._references: dict[int, int] = {}
        self._last_number = FROM_STORE

    @property
    def confirmed(self) -> Codes:
        return self.confirmation.confirmed

    @property
    def is_checking(self) -> Flags:
        return self.confirmation.is_checking

    def move(self, move: Move, now_ms: int) -> None:
        """Follow a new order of the series; new ones have no results yet."""
        fresh = SeriesState(1, 0)
        for name in _COLUMNS:
            setattr(self, name, move.carried(getattr(self, name), getattr(fresh, name)[0]))
        for name in ("confirmed", "is_checking", "slow_bits"):
            nothing = getattr(fresh.confirmation, name)[0]
            setattr(self.confirmation, name, move.carried(getattr(self.confirmation, name), nothing))
        self.hour.move(move)
        self.trail.move(move, now_ms)
        numbers, counts = np.unique(self.batch, return_counts=True)
        self._references = {int(n): int(c) for n, c in zip(numbers, counts, strict=True) if n != FROM_STORE}
        self._batches = {number: self._batches[number] for number in self._references}

    def take(self, incoming: Incoming, batch: ResultBatch | None) -> tuple[Places, Places, Places]:
        """Take in results in the order in which they came.

        Return (series that went on, series with late results, series of which nothing was known for a while before).
        A late result started before one of its series that is known already: it changes nothing here.
        `batch` is where the details are; None for what comes from the store.
        """
        ordered = incoming.pick(np.argsort(incoming.series, kind="stable"))
        self.trail.take(ordered.series, ordered.at_ms, ordered.interval_ms, ordered.status)
        is_late = _started_before_an_earlier_one(ordered.series, ordered.at_ms, self.at_ms[ordered.series])
        late = np.unique(ordered.series[is_late])
        if len(late):
            ordered = ordered.pick(~is_late)
        if len(ordered.series) == 0:
            return ordered.series, late, ordered.series
        series, at_ms, status = ordered.series, ordered.at_ms, ordered.status
        is_first = np.append(True, series[1:] != series[:-1])
        until_ms = at_ms + hold_ms(ordered.interval_ms)
        self.hour.take(series, is_first, at_ms, ordered.interval_ms, status)
        after_gap = self._confirm(series, is_first, at_ms, until_ms, status)
        is_last = np.append(is_first[1:], True)
        newest = ordered.pick(is_last)
        self._refer(newest.series, batch)
        self.until_ms[newest.series] = until_ms[is_last]
        for name in ("at_ms", "interval_ms", "status", "failure", "total_ms", "place"):
            getattr(self, name)[newest.series] = getattr(newest, name)
        return newest.series, late, after_gap

    def detail(self, place: int) -> CheckResult | None:
        """Return the newest result with all its details, None if it came from the store."""
        number = int(self.batch[place])
        return None if number == FROM_STORE else self._batches[number].result(int(self.place[place]))

    def forget_states(self, series: Places) -> None:
        """Forget what is confirmed: it begins anew. The newest results and the hour stay."""
        self.voted_until_ms[series] = 0
        self.confirmation.confirmed[series] = Status.UNKNOWN
        self.confirmation.is_checking[series] = False
        self.confirmation.slow_bits[series] = 0

    def close_streaks(self, series: Places | slice) -> None:
        """A result before now confirms none after it."""
        self.confirmation.is_checking[series] = False

    def _confirm(self, series: Places, is_first: Flags, at_ms: Ints, until_ms: Ints, status: Codes) -> Places:
        """Apply results in turns, so that each turn has every series at most once.

        A result confirms nothing together with one that spoke no longer when it came; return the series of such.
        """
        after_gap: list[Places] = []
        start = np.flatnonzero(is_first)
        turn = np.arange(len(series)) - np.repeat(start, np.diff(np.append(start, len(series))))
        by_turn = np.argsort(turn, kind="stable")
        for now in np.split(by_turn, np.cumsum(np.bincount(turn))[:-1]):
            after_gap.append(series[now[at_ms[now] > self.voted_until_ms[series[now]]]])
            self.close_streaks(after_gap[-1])
            self.confirmation.apply(series[now], status[now])
            voting = now[status[now] <= Status.OFFLINE]
            self.voted_until_ms[series[voting]] = until_ms[voting]
        return np.concatenate(after_gap)

    def _refer(self, series: Places, batch: ResultBatch | None) -> None:
        """Let these series point to `batch`; let go of batches that nothing points to any more."""
        numbers, counts = np.unique(self.batch[series], return_counts=True)
        for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
            if number != FROM_STORE:
                self._references[number] -= count
                if self._references[number] == 0:
                    del self._batches[number], self._references[number]
        if batch is None:
            self.batch[series] = FROM_STORE
            return
        self._last_number += 1
        self._batches[self._last_number] = batch
        self._references[self._last_number] = len(series)
        self.batch[series] = self._last_number


_COLUMNS = (
    "at_ms",
    "until_ms",
    "voted_until_ms",
    "interval_ms",
    "status",
    "failure",
    "total_ms",
    "batch",
    "place",
)


def _started_before_an_earlier_one(series: Places, at_ms: Ints, known_at_ms: Ints) -> Flags:
    """Return where a result started before one that came earlier in its series; ordered by series."""
    if len(series) == 0:
        return np.zeros(0, dtype=np.bool_)
    group = np.cumsum(np.append(0, series[1:] != series[:-1]))
    newest = np.maximum(at_ms, known_at_ms)
    # Every group is lifted above the one before, so that one running maximum serves them all.
    lift = group * (int(newest.max()) + 1)
    late: Flags = at_ms < np.maximum.accumulate(newest + lift) - lift
    return late
