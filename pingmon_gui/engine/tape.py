"""A tape: some hours of results of all series, made ready so that any moment in them is looked up, not computed.

What the live board works out result by result is worked out here for all of them at once; a test holds the two
together. A pair is one monitor measured by one probe, a place from 0 to count - 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain.availability import hold_ms, is_available, is_known
from pingmon_gui.domain.past import PastResults
from pingmon_gui.domain.status import NO_FAILURE, Codes, Confirmation, Status
from pingmon_gui.engine.board import RARE_INTERVAL_MS
from pingmon_gui.engine.hour import Flags, Ints
from pingmon_gui.engine.strip import CODE, NOTHING_KNOWN, RANK, SLOT_MS, SLOTS

#: Two pairs lie so far apart in the one sorted column of times: more than any tape is long.
_APART = 1 << 42


@dataclass(frozen=True)
class PairsAt:
    """What is known of each pair at one moment; arrays with an element per pair, `strip` (pairs, 30).

    `speaks` says where a result with a vote holds still, known and available ms are those of the rolling hour.
    """

    confirmed: Codes
    is_checking: Flags
    speaks: Flags
    at_ms: Ints
    total_ms: npt.NDArray[np.float64]
    failure: Codes
    known_ms: Ints
    available_ms: Ints
    strip: npt.NDArray[np.uint8]


class Tape:
    """`pair_of` and `url_of` give for the number of a series its pair (-1: none) and a number of its address.

    `pauses` has the spans in which a pair's monitor rested: what was known of it ended there.
    """

    def __init__(
        self,
        parts: Sequence[PastResults],
        pair_of: Ints,
        url_of: Ints,
        count: int,
        pauses: Mapping[int, Sequence[tuple[int, int]]],
    ) -> None:
        self.count = count
        self._pauses = pauses
        series = _joined([part.series for part in parts], np.int64)
        pair = looked_up(pair_of, series)
        at_ms = _joined([part.at_ms for part in parts], np.int64)
        self._base_ms = int(at_ms.min(initial=0)) if len(at_ms) else 0
        key = pair * _APART + (at_ms - self._base_ms)
        order = np.argsort(key, kind="stable")
        order = order[np.searchsorted(key[order], 0) :]
        self._key, self._pair, self.at_ms = key[order], pair[order], at_ms[order]
        self.status = _joined([part.status for part in parts], np.int8)[order]
        self.failure = _joined([part.failure for part in parts], np.int8)[order]
        self.total_ms = _joined([part.total_ms for part in parts], np.float64)[order]
        self._interval_ms = _joined([part.interval_ms for part in parts], np.int64)[order]
        self._begin = np.searchsorted(self._pair, np.arange(count))
        self._is_first = np.append(True, self._pair[1:] != self._pair[:-1])[: len(self._pair)]
        self._hold_until_ms = self.at_ms + hold_ms(self._interval_ms)
        self._streak_until_ms, self._until_ms = self._cut()
        self._sum_up()
        self._confirm(looked_up(url_of, series)[order])
        self._mark_slots()

    @property
    def results(self) -> int:
        return len(self.at_ms)

    def at(self, at_ms: int, hour_start_ms: int) -> PairsAt:
        """Return what was known at a moment; the rolling hour began at `hour_start_ms`."""
        newest, there = self._find(at_ms)
        begun, had_begun = self._find(hour_start_ms)
        known = self._times(self._known_before, self._known, newest, there, at_ms)
        known -= self._times(self._known_before, self._known, begun, had_begun, hour_start_ms)
        available = self._times(self._available_before, self._available, newest, there, at_ms)
        available -= self._times(self._available_before, self._available, begun, had_begun, hour_start_ms)

        def newest_of(values: npt.NDArray[Any], nothing: object) -> npt.NDArray[Any]:
            found = np.full(self.count, nothing, dtype=values.dtype)
            found[there] = values[newest[there]]
            return found

        # A pause after the newest result ended what was being checked.
        streak_ms = newest_of(self._streak_until_ms, 0)
        was_cut = (streak_ms < newest_of(self._hold_until_ms, 0)) & (streak_ms <= at_ms)
        return PairsAt(
            confirmed=newest_of(self._confirmed, Status.UNKNOWN),
            is_checking=newest_of(self._is_checking, False) & ~was_cut,
            speaks=newest_of(self._voted_until_ms, 0) > at_ms,
            at_ms=newest_of(self.at_ms, 0),
            total_ms=newest_of(self.total_ms, np.nan),
            failure=newest_of(self.failure, NO_FAILURE),
            known_ms=known,
            available_ms=available,
            strip=self._strip(at_ms),
        )

    # Looking up

    def _find(self, at_ms: int) -> tuple[Ints, Flags]:
        """Return each pair's newest result by a moment, and whether it has one."""
        keys = np.arange(self.count) * _APART + (at_ms - self._base_ms)
        place = np.searchsorted(self._key, keys, side="right") - 1
        there = place >= self._begin
        return np.where(there, place, 0), there

    def _times(self, before: Ints, counts: Flags, newest: Ints, there: Flags, at_ms: int) -> Ints:
        """Return each pair's time from the tape's beginning until a moment."""
        begin = before[np.minimum(self._begin, len(before) - 1)]
        if not len(counts):
            return np.zeros(self.count, dtype=np.int64)
        running = (np.minimum(at_ms, self._until_ms[newest]) - self.at_ms[newest]) * counts[newest]
        return np.where(there, before[newest] + running - begin, 0).astype(np.int64)

    def _strip(self, at_ms: int) -> npt.NDArray[np.uint8]:
        """Return the worst of each two minutes until a moment; a rare result speaks for those that it reaches into."""
        cells = np.full((self.count, SLOTS), NOTHING_KNOWN, dtype=np.uint8)
        if not len(self._key):
            return cells
        starts_ms = (at_ms // SLOT_MS - np.arange(SLOTS - 1, -1, -1)) * SLOT_MS
        ends_ms = np.minimum(starts_ms + SLOT_MS - 1, at_ms)
        pairs = np.arange(self.count)[:, None] * _APART
        last = np.searchsorted(self._key, pairs + (ends_ms - self._base_ms), side="right") - 1
        is_in = (last >= self._begin[:, None]) & (self.at_ms[last] >= starts_ms)
        worst = np.where(is_in, self._slot_worst[last], np.int8(0))
        # What was newest when the slot began.
        prior = np.searchsorted(self._key, pairs + (starts_ms - 1 - self._base_ms), side="right") - 1
        reaches = (
            (prior >= self._begin[:, None])
            & (self._interval_ms[prior] > RARE_INTERVAL_MS)
            & (self._hold_until_ms[prior] > starts_ms)
            & (self.status[prior] <= Status.OFFLINE)
        )
        for pair, spans in self._pauses.items():
            for from_ms, to_ms in spans:
                reaches[pair, (starts_ms >= from_ms) & (starts_ms < to_ms)] = False
        return CODE[np.maximum(worst, np.where(reaches, RANK[self.status[prior]], np.int8(0)))]

    # Making ready

    def _cut(self) -> tuple[Ints, Ints]:
        """Return until when each result holds: for 2.5 intervals or until a pause; and also no longer than the next."""
        holds = self._hold_until_ms.copy()
        for pair, spans in self._pauses.items():
            begin, end = np.searchsorted(self._pair, [pair, pair + 1])
            for from_ms, _to_ms in spans:
                before = self.at_ms[begin:end] <= from_ms
                holds[begin:end][before] = np.minimum(holds[begin:end][before], from_ms)
        until = holds.copy()
        if len(until) > 1:
            followed = ~self._is_first[1:]
            until[:-1][followed] = np.minimum(until[:-1], self.at_ms[1:])[followed]
        return holds, until

    def _sum_up(self) -> None:
        self._known, self._available = is_known(self.status), is_available(self.status)
        span = self._until_ms - self.at_ms
        self._known_before = np.concatenate(([0], np.cumsum(span * self._known)))
        self._available_before = np.concatenate(([0], np.cumsum(span * self._available)))
        place = np.arange(len(self.status))
        voted = np.maximum.accumulate(np.where(self.status <= Status.OFFLINE, place, -1))
        is_own = voted >= self._begin[self._pair] if len(place) else voted >= 0
        # What was said before a pause is said no more after it.
        until = np.where(is_own, self._streak_until_ms[voted], 0) if len(place) else np.zeros(0)
        self._voted_until_ms = until.astype(np.int64)

    def _confirm(self, url: Ints) -> None:
        """Work out the confirmed state after each result, as `domain.status.Confirmation` has it.

        Three in a row that agree settle it, whatever was before: only what lies between such rows is gone through
        result by result, all pairs side by side.
        """
        count = len(self.status)
        follows, era = ~self._is_first, self._eras()
        follows[1:] &= (url[1:] == url[:-1]) & (era[1:] == era[:-1])
        is_moved = ~follows & ~self._is_first
        closes = np.append(True, self.at_ms[1:] > self._voted_until_ms[:-1])[:count]
        agrees = follows & ~closes & (self.status <= Status.OFFLINE)
        agrees[1:] &= self.status[1:] == self.status[:-1]
        settled = agrees.copy()
        settled[1:] &= agrees[:-1]
        settled[:1] = False
        self._confirmed = np.where(settled, self.status, Status.UNKNOWN).astype(np.int8)
        self._is_checking = np.zeros(count, dtype=np.bool_)
        # A stretch that is not settled begins with a pair, or after what is.
        begins = ~settled & (self._is_first | np.append(True, settled[:-1])[:count])
        start = np.flatnonzero(begins)
        if not len(start):
            return
        ends = np.flatnonzero(~settled & np.append(settled[1:] | self._is_first[1:], True)[:count]) + 1
        by_length = np.argsort(start - ends, kind="stable")
        start, length = start[by_length], (ends - start)[by_length]
        state = Confirmation.fresh(len(start))
        after = np.flatnonzero(~self._is_first[start])
        state.confirmed[after] = self.status[start[after] - 1]
        state.slow_bits[after] = np.where(state.confirmed[after] == Status.SLOW, 0b111, 0)
        for turn in range(int(length[0])):
            rows = np.arange(int(np.searchsorted(-length, -turn, side="left")))
            place = start[rows] + turn
            moved = rows[is_moved[place]]
            state.confirmed[moved] = Status.UNKNOWN
            state.slow_bits[moved] = 0
            state.is_checking[rows[closes[place] | is_moved[place]]] = False
            state.apply(rows, self.status[place])
            self._confirmed[place] = state.confirmed[rows]
            self._is_checking[place] = state.is_checking[rows]

    def _eras(self) -> Ints:
        """Return for each result how many pauses of its monitor were over: after one all begins anew."""
        era = np.zeros(len(self.at_ms), dtype=np.int64)
        for pair, spans in self._pauses.items():
            begin, end = np.searchsorted(self._pair, [pair, pair + 1])
            era[begin:end] = np.searchsorted([to_ms for _from_ms, to_ms in spans], self.at_ms[begin:end], side="right")
        return era

    def _mark_slots(self) -> None:
        """Work out the worst of each two minutes up to each result."""
        slot = self.at_ms // SLOT_MS
        is_new = self._is_first.copy()
        if len(slot) > 1:
            is_new[1:] |= slot[1:] != slot[:-1]
        group = np.cumsum(is_new)
        self._slot_worst = (np.maximum.accumulate(group * 8 + RANK[self.status]) - group * 8).astype(np.int8)


def looked_up(table: Ints, numbers: Ints) -> Ints:
    """Return a table's values at these places, -1 beyond its end: for what has come since the table was made."""
    return np.where(numbers < len(table), table[np.minimum(numbers, len(table) - 1)], -1)


def _joined(parts: Sequence[npt.NDArray[Any]], kind: type) -> npt.NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=kind)
