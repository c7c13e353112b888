"""The trail: the newest few results of every series, enough to judge anew what happened just now."""

from __future__ import annotations

import numpy as np

from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Codes, Status
from pingmon_gui.domain.timeline import Track
from pingmon_gui.engine.hour import Ints
from pingmon_gui.engine.move import Move, Places

#: Confirming a change takes two results and slow three; the rest is for checks that a person asks for in between.
LENGTH = 12


class Trail:
    """The LENGTH newest results of each series by their start, whatever order they came in; `at_ms` 0 is none.

    `since_ms` says for each series from when on results were taken in at all.
    """

    def __init__(self, count: int, now_ms: int) -> None:
        self.since_ms = np.full(count, now_ms, dtype=np.int64)
        self._at_ms = np.zeros((count, LENGTH), dtype=np.int64)
        self._interval_ms = np.zeros((count, LENGTH), dtype=np.int32)
        self._status = np.full((count, LENGTH), Status.UNKNOWN, dtype=np.int8)

    def move(self, move: Move, now_ms: int) -> None:
        """Follow a new order of the series; new ones have no results yet."""
        self.since_ms = move.carried(self.since_ms, now_ms)
        self._at_ms = move.carried(self._at_ms, 0)
        self._interval_ms = move.carried(self._interval_ms, 0)
        self._status = move.carried(self._status, Status.UNKNOWN)

    def take(self, series: Places, at_ms: Ints, interval_ms: Ints, status: Codes) -> None:
        """Take in results, ordered by series."""
        start = np.flatnonzero(np.append(True, series[1:] != series[:-1]))
        count = np.diff(np.append(start, len(series)))
        if count.max(initial=0) > LENGTH:
            # An hour read from the store: of most of it nothing would stay.
            kept = _newest(series, at_ms, start + count)
            self.take(series[kept], at_ms[kept], interval_ms[kept], status[kept])
            return
        turn = np.arange(len(series)) - np.repeat(start, count)
        for number in range(count.max(initial=0)):
            now = np.flatnonzero(turn == number) if len(start) < len(series) else np.arange(len(series))
            rows = series[now]
            place = self._at_ms[rows].argmin(axis=1)
            newer = at_ms[now] > self._at_ms[rows, place]
            rows, place, now = rows[newer], place[newer], now[newer]
            self._at_ms[rows, place] = at_ms[now]
            self._interval_ms[rows, place] = interval_ms[now]
            self._status[rows, place] = status[now]

    def whole_from_ms(self, series: int) -> int:
        """Return from when on no result of a series is missing."""
        return max(int(self.since_ms[series]), int(self._at_ms[series].min()))

    def track(self, series: int, probe: ProbeId, region: Region, is_second: bool = False) -> Track:
        """Return what is known of one series, ordered by time; it may be empty."""
        at_ms = self._at_ms[series]
        order = np.argsort(at_ms, kind="stable")
        order = order[at_ms[order] > 0]
        interval_ms = self._interval_ms[series][order].astype(np.int64)
        return Track(probe, region, at_ms[order], interval_ms, self._status[series][order], is_second)


def _newest(series: Places, at_ms: Ints, end: Places) -> Places:
    """Return where the LENGTH newest results of each series are; `end` is where each series ends."""
    by_time = np.lexsort((at_ms, series))
    left = np.repeat(end, np.diff(end, prepend=0)) - np.arange(len(series))
    return np.sort(by_time[left <= LENGTH])
