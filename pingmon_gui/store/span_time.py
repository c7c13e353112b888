"""What the results of monitors come to in a span of any edges, from as little as has to be read for it.

Most of it comes from whole buckets of the size that is asked for. What is left at the edges comes from smaller ones,
and at last from the results. Where a finer kind is kept no longer, a bucket at an edge counts by its share.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import peewee

from pingmon_gui.domain.history import DAY_MS, FIVE_MINUTES_MS, HOUR_MS, SeriesTime
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.store.chunk import Columns, Ints, joined, ordered
from pingmon_gui.store.history import CARRY_HOURS, all_series, chunks_of, journal_of
from pingmon_gui.store.rollup import RollupReader, regroup, roll_up
from pingmon_gui.store.rollup_row import NO_BUCKETS, Buckets

_LEVELS_MS = (DAY_MS, HOUR_MS, FIVE_MINUTES_MS)


def span_times(
    database: peewee.SqliteDatabase, monitors: Collection[MonitorId], from_ms: int, to_ms: int, bucket_ms: int
) -> dict[MonitorId, list[SeriesTime]]:
    """Return by monitor what each probe's results come to in [from_ms, to_ms), for probes that have any.

    All of a probe's series of a monitor are one here, whatever its address was, but for those over IPv6 where it is
    measured over each family. `bucket_ms` (a day, an hour or five minutes) is how finely latencies are parted.
    """
    found: dict[MonitorId, list[SeriesTime]] = {monitor: [] for monitor in monitors}
    series = all_series(database, monitors)
    journal = journal_of(database, list(series), from_ms // HOUR_MS - 2 * CARRY_HOURS, (to_ms - 1) // HOUR_MS)
    sums: dict[tuple[MonitorId, ProbeId, bool], list[_Sum]] = {}
    for id_, one in series.items():
        summed = _Sum(database, id_, journal[id_])
        summed.collect(_LEVELS_MS.index(bucket_ms), from_ms, to_ms)
        if summed.histograms:
            sums.setdefault((one.monitor, *one.voice), []).append(summed)
    for (monitor, probe, is_second), parts in sums.items():
        found[monitor].append(
            SeriesTime(
                probe,
                is_second,
                sum(part.available_ms for part in parts),
                sum(part.known_ms for part in parts),
                sum(part.results for part in parts),
                np.concatenate([middle_ms for part in parts for middle_ms in part.middles_ms]),
                np.concatenate([histogram for part in parts for histogram in part.histograms]),
            )
        )
    return found


class _Sum:
    """Adds up one series."""

    def __init__(self, database: peewee.SqliteDatabase, series: int, journal: Columns) -> None:
        self._database = database
        self._series = series
        self._journal = journal
        self._reader = RollupReader(database, series, journal)
        self.available_ms = 0
        self.known_ms = 0
        self.results = 0
        self.middles_ms: list[Ints] = []
        self.histograms: list[npt.NDArray[np.uint32]] = []

    def collect(self, level: int, from_ms: int, to_ms: int) -> None:
        """Add the whole buckets of a level (a place in _LEVELS_MS), and what is left at the edges from finer ones."""
        size_ms = _LEVELS_MS[level]
        first_ms, last_ms = -(-from_ms // size_ms) * size_ms, to_ms // size_ms * size_ms
        if first_ms < last_ms:
            self._add(self._buckets(first_ms, last_ms, size_ms), size_ms)
        for begin_ms, end_ms in ((from_ms, first_ms), (last_ms, to_ms)) if first_ms <= last_ms else ((from_ms, to_ms),):
            if begin_ms < end_ms:
                self._add_edge(level, begin_ms, end_ms)

    def _add_edge(self, level: int, begin_ms: int, end_ms: int) -> None:
        """Add a part of one bucket: from what is finer if all of that is kept, else by its share of the bucket."""
        size_ms = _LEVELS_MS[level]
        start_ms = begin_ms // size_ms * size_ms
        bucket = self._buckets(start_ms, start_ms + size_ms, size_ms)
        if len(bucket) == 0:
            return
        if level + 1 < len(_LEVELS_MS):
            if _is_all_of(bucket, self._buckets(start_ms, start_ms + size_ms, _LEVELS_MS[level + 1])):
                self.collect(level + 1, begin_ms, end_ms)
                return
        else:
            results = self._results(start_ms, start_ms + size_ms)
            if _is_all_of(bucket, roll_up(results, start_ms, start_ms + size_ms, size_ms)):
                self._add(roll_up(results, begin_ms, end_ms, end_ms - begin_ms), end_ms - begin_ms)
                return
        self.known_ms += int(bucket.known_ms[0]) * (end_ms - begin_ms) // size_ms
        self.available_ms += int(bucket.available_ms[0]) * (end_ms - begin_ms) // size_ms
        if begin_ms == start_ms:  # by halves it would be no count
            self._count(bucket, size_ms)

    def _add(self, buckets: Buckets, size_ms: int) -> None:
        self.known_ms += int(buckets.known_ms.sum())
        self.available_ms += int(buckets.available_ms.sum())
        self._count(buckets, size_ms)

    def _count(self, buckets: Buckets, size_ms: int) -> None:
        if len(buckets):
            self.results += int(buckets.count.sum())
            self.middles_ms.append(buckets.start_ms + size_ms // 2)
            self.histograms.append(buckets.histogram)

    def _buckets(self, from_ms: int, to_ms: int, size_ms: int) -> Buckets:
        found = regroup(self._reader.read(from_ms // HOUR_MS, (to_ms - 1) // HOUR_MS, size_ms), size_ms)
        found = found.at((found.start_ms >= from_ms) & (found.start_ms < to_ms))
        return found if len(found) else NO_BUCKETS

    def _results(self, from_ms: int, to_ms: int) -> Columns:
        """Return the results of a span by time, with those before it that can reach in."""
        hours = range(from_ms // HOUR_MS - CARRY_HOURS, (to_ms - 1) // HOUR_MS + 1)
        return ordered(joined([*chunks_of(self._database, [self._series], hours)[self._series], self._journal]))


def _is_all_of(bucket: Buckets, finer: Buckets) -> bool:
    """Return whether finer buckets are all that a bucket was made of."""
    return int(finer.known_ms.sum()) == int(bucket.known_ms.sum()) and int(finer.count.sum()) == int(bucket.count.sum())
