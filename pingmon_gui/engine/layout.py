"""The board's layout: which row is which monitor, which slot which probe, and where a series lies."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np

from pingmon_gui.domain.family import IPV4, IPV6
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.region import REGIONS
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.engine.hour import Flags, Ints
from pingmon_gui.engine.move import Move, Places


class Layout:
    """Never changes; a new one is made when monitors or probes come or go.

    Every row has one slot per probe and a last one that stays empty, so that regions without (or with
    fewer) probes can be read like the others. The series of a row and a slot is `row * width + slot`.
    `slots` (columns, most probes of a region) lists each region's slots, filled up with the empty one.
    Monitors that are measured over each family (`each`) have a second row besides, after the rows that are seen: what
    IPv6 says. Only series lie there.
    """

    def __init__(
        self, ids: Sequence[MonitorId], probes: Sequence[Probe], each: Collection[MonitorId] = frozenset()
    ) -> None:
        self.ids = list(ids)
        self.each = [monitor for monitor in self.ids if monitor in each] if each else []
        self.row_of = {monitor: row for row, monitor in enumerate(self.ids)}
        self.probes = [probe.id for probe in probes]
        self.slot_of = {probe.id: slot for slot, probe in enumerate(probes)}
        self.width = len(probes) + 1
        self.column_of_slot = np.array([*(REGIONS.index(probe.region) for probe in probes), 0], dtype=np.intp)
        by_column = [[slot for slot, p in enumerate(probes) if p.region is region] for region in REGIONS]
        most = max(1, *(len(slots) for slots in by_column))
        self.slots = np.array([slots + [len(probes)] * (most - len(slots)) for slots in by_column], dtype=np.intp)
        self.probe_count = np.array([len(slots) for slots in by_column])
        self._ids = np.array(self.ids, dtype=np.int64)
        self._row_by_id = np.argsort(self._ids, kind="stable")
        self._sorted_ids = self._ids[self._row_by_id]
        self._second_of = {monitor: len(self.ids) + place for place, monitor in enumerate(self.each)}
        self._first_rows = np.array([self.row_of[monitor] for monitor in self.each], dtype=np.intp)
        self._second_rows = np.full(len(self.ids) if self.each else 0, -1, dtype=np.intp)
        self._second_rows[self._first_rows] = np.arange(len(self.each)) + len(self.ids)

    @property
    def count(self) -> int:
        """Number of series, those of the empty slots included."""
        return (len(self.ids) + len(self.each)) * self.width

    def rows(self, ids: Iterable[MonitorId]) -> Places:
        return np.array([self.row_of[monitor] for monitor in ids], dtype=np.intp)

    def rows_of_column(self, monitors: Ints) -> Places:
        """Return the row of each monitor of a column of results, -1 for those that are not here."""
        if not self.ids:
            return np.full(len(monitors), -1, dtype=np.intp)
        found = np.minimum(np.searchsorted(self._sorted_ids, monitors), len(self.ids) - 1)
        return np.where(self._sorted_ids[found] == monitors, self._row_by_id[found], -1)

    def second_rows(self, rows: Places) -> Places:
        """Return the second row of each of these rows, -1 where there is none."""
        return self._second_rows[rows] if self.each else np.full(len(rows), -1, dtype=np.intp)

    def rows_of_results(self, monitors: Ints, are_second: Flags | None) -> Places:
        """Return the row, or second row, of each result of a column; -1 for those that are not here."""
        rows = self.rows_of_column(monitors)
        if not self.each or are_second is None:
            return rows
        second = np.where(are_second & (rows >= 0), self._second_rows[rows], -1)
        return np.where(second >= 0, second, rows)

    def rows_of_series(self, series: Places) -> Places:
        """Return the row that is seen of each series."""
        rows = series // self.width
        if not self.each:
            return rows
        return np.where(rows < len(self.ids), rows, self._first_rows[np.maximum(0, rows - len(self.ids))])

    def series_of_rows(self, rows: Places) -> Places:
        """Return every series of these rows, second ones included, those of the empty slots left out."""
        if self.each:
            second = self.second_rows(rows)
            rows = np.concatenate((rows, second[second >= 0]))
        return (rows[:, None] * self.width + np.arange(self.width - 1)).reshape(-1)

    def series_by_family(self, monitor: MonitorId, probe: ProbeId) -> list[tuple[int, int]]:
        """Return (family, series) of a monitor and a probe: one of family 0, or one for each family."""
        first = self.row_of[monitor] * self.width + self.slot_of[probe]
        if monitor not in self._second_of:
            return [(0, first)]
        return [(IPV4, first), (IPV6, self._second_of[monitor] * self.width + self.slot_of[probe])]

    def series_by_region(self, rows: Places, columns: Places) -> Places:
        """Return the series behind each cell, shape (rows, columns, most probes of a region)."""
        return rows[:, None, None] * self.width + self.slots[columns]

    def owner(self, series: int) -> tuple[MonitorId, ProbeId, bool]:
        """Return whose series this is, and whether it is the second one."""
        row, slot = divmod(series, self.width)
        is_second = row >= len(self.ids)
        return self.each[row - len(self.ids)] if is_second else self.ids[row], self.probes[slot], is_second

    def moved_from(self, old: Layout) -> tuple[Move, Move]:
        """Return how rows, and how series, move from the old layout to this one.

        The empty slots count as having been there, so that series which stay together are one run.
        """
        rows = old.rows_of_column(self._ids)
        slots = np.array([*(old.slot_of.get(probe, -1) for probe in self.probes), old.width - 1], dtype=np.intp)
        second = np.array([old._second_of.get(monitor, -1) for monitor in self.each], dtype=np.intp)
        with_seconds = np.concatenate((rows, second))[:, None]
        was_there = (with_seconds >= 0) & (slots >= 0)
        series = np.where(was_there, with_seconds * old.width + slots, -1).reshape(-1)
        return Move(rows, len(old.ids)), Move(series, old.count)
