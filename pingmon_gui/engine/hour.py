"""The rolling hour: known and available time of many series, kept exact in minute buckets as results arrive.

Gives what `domain.availability.series_availability` gives over `last_hour()`, without the results:
a test holds the two together.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain.availability import MINUTE_MS, hold_ms, is_available, is_known
from pingmon_gui.domain.status import Codes
from pingmon_gui.engine.move import Move, Places

#: Minutes kept: the 60 of the rolling hour and some ahead, for probes whose clock is a little fast.
RING_MINUTES = 64
WINDOW_MINUTES = 60
FAR_AHEAD_MS = 2**53

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_BY_SERIES = ("known_sum", "available_sum", "open_at", "open_until", "open_known", "open_available")


class RollingHour:
    """Time of `count` series; a series is a place from 0 to count - 1.

    Finished spans lie in `known` and `available`, shape (64, count), the minute's number mod 64 first.
    The newest result of each series is open: it speaks from `open_at` until `open_until` at most.
    """

    def __init__(self, count: int, now_ms: int) -> None:
        self.minute = now_ms // MINUTE_MS
        self.known = np.zeros((RING_MINUTES, count), dtype=np.uint16)
        self.available = np.zeros((RING_MINUTES, count), dtype=np.uint16)
        self.known_sum = np.zeros(count, dtype=np.int64)
        self.available_sum = np.zeros(count, dtype=np.int64)
        self.open_at = np.zeros(count, dtype=np.int64)
        self.open_until = np.zeros(count, dtype=np.int64)
        self.open_known = np.zeros(count, dtype=np.bool_)
        self.open_available = np.zeros(count, dtype=np.bool_)

    @property
    def start_ms(self) -> int:
        return (self.minute - WINDOW_MINUTES + 1) * MINUTE_MS

    def move(self, move: Move) -> None:
        """Follow a new order of the series; new ones have no results yet."""
        self.known = move.carried(self.known, 0, axis=1)
        self.available = move.carried(self.available, 0, axis=1)
        for name in _BY_SERIES:
            setattr(self, name, move.carried(getattr(self, name), 0))

    def roll(self, now_ms: int) -> None:
        """Let minutes that left the rolling hour go. A clock that runs backwards changes nothing here."""
        minute = now_ms // MINUTE_MS
        gone = self.minute - WINDOW_MINUTES + 1
        for leaving in range(gone, min(gone + RING_MINUTES, gone + minute - self.minute)):
            place = leaving % RING_MINUTES
            self.known_sum -= self.known[place]
            self.available_sum -= self.available[place]
            self.known[place] = 0
            self.available[place] = 0
        self.minute = max(self.minute, minute)

    def take(self, series: Places, is_first: Flags, at_ms: Ints, interval_ms: Ints, status: Codes) -> None:
        """Take in newer results: ordered by series and then by time; `is_first` marks each series' first one."""
        if len(series) == 0:
            return
        known, available, until = is_known(status), is_available(status), at_ms + hold_ms(interval_ms)
        self._add(
            series,
            np.where(is_first, self.open_at[series], _shifted(at_ms)),
            np.minimum(np.where(is_first, self.open_until[series], _shifted(until)), at_ms),
            np.where(is_first, self.open_known[series], _shifted(known)),
            np.where(is_first, self.open_available[series], _shifted(available)),
        )
        is_last = np.append(is_first[1:], True)
        last = series[is_last]
        self.open_at[last] = at_ms[is_last]
        self.open_until[last] = until[is_last]
        self.open_known[last] = known[is_last]
        self.open_available[last] = available[is_last]

    def open(self, series: Places, at_ms: int) -> None:
        """Let time run for these series from `at_ms` until `close`, without any results: for spans like a pause."""
        self.open_at[series] = at_ms
        self.open_until[series] = FAR_AHEAD_MS
        self.open_known[series] = True
        self.open_available[series] = False

    def close(self, series: Places, now_ms: int) -> None:
        """End at `now_ms` what the newest results of these series speak for: nobody asks any more."""
        until = np.minimum(self.open_until[series], now_ms)
        self._add(series, self.open_at[series], until, self.open_known[series], self.open_available[series])
        self.open_until[series] = np.minimum(self.open_at[series], until)

    def forget(self, series: Places) -> None:
        """Make the series as if they never had a result."""
        self.known[:, series] = 0
        self.available[:, series] = 0
        for name in _BY_SERIES:
            getattr(self, name)[series] = 0

    def times(self, series: Places, now_ms: int) -> tuple[Ints, Ints]:
        """Return (known ms, available ms) of each series from the start of the rolling hour until `now_ms`."""
        begin = np.maximum(self.open_at[series], self.start_ms)
        running = np.maximum(0, np.minimum(self.open_until[series], now_ms) - begin)
        return (
            self.known_sum[series] + running * self.open_known[series],
            self.available_sum[series] + running * self.open_available[series],
        )

    def _add(self, series: Places, begin: Ints, until: Ints, known: Flags, available: Flags) -> None:
        begin = np.maximum(begin, self.start_ms)
        until = np.minimum(until, (self.minute + RING_MINUTES - WINDOW_MINUTES + 1) * MINUTE_MS)
        counts = known & (until > begin)
        if not counts.any():
            return
        series, begin, until, available = series[counts], begin[counts], until[counts], available[counts]
        # A series may occur several times, hence add.at. Ten seconds touch one minute or two.
        np.add.at(self.known_sum, series, until - begin)
        np.add.at(self.available_sum, series, (until - begin) * available)
        minute, last = begin // MINUTE_MS, (until - 1) // MINUTE_MS
        while len(series):
            span = (np.minimum(until, (minute + 1) * MINUTE_MS) - np.maximum(begin, minute * MINUTE_MS)).astype(
                np.uint16
            )
            place = minute % RING_MINUTES
            np.add.at(self.known, (place, series), span)
            np.add.at(self.available, (place[available], series[available]), span[available])
            minute = minute + 1
            more = minute <= last
            series, begin, until, available = series[more], begin[more], until[more], available[more]
            minute, last = minute[more], last[more]


def _shifted(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Return each element's predecessor; the first stands for itself, it is never used."""
    return np.concatenate((values[:1], values[:-1]))
