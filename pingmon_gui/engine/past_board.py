"""A board of the past: shows one frame after the other to the same views that show the present."""

from __future__ import annotations

import numpy as np
from pingmon_probe.protocol import CheckResult

from pingmon_gui.domain.availability import Availability
from pingmon_gui.domain.family import IPV4, IPV6
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.status import Status, failure_name
from pingmon_gui.engine.board_view import BoardView, Changes, FamilyCell, LatestResult, ProbeStates
from pingmon_gui.engine.cells import CELL_ARRAYS, visible_cells
from pingmon_gui.engine.hour import Flags
from pingmon_gui.engine.move import Places
from pingmon_gui.engine.past_frame import Frame, empty_frame


class PastBoard(BoardView):
    """Empty until the first `show`."""

    def __init__(self, first: Frame | None = None) -> None:
        self.generation = 0
        self.problem = None
        self._probes_changed = False
        self.show(first or empty_frame())

    @property
    def frame(self) -> Frame:
        return self._frame

    def show(self, frame: Frame) -> None:
        """Show another moment. Views are told by `take_changes`."""
        before = getattr(self, "_frame", None)
        self._frame = frame
        self._layout = frame.layout
        self.monitors, self.probes = frame.monitors, frame.probes
        self.assigned, self.verdict, self.strip = frame.assigned, frame.verdict, frame.strip
        self.paused = frame.paused & ~frame.in_maintenance
        self.has_probe = frame.layout.probe_count > 0
        for name in CELL_ARRAYS:
            setattr(self, name, getattr(frame.cells, name))
        if before is None or before.layout.ids != frame.layout.ids or before.layout.probes != frame.layout.probes:
            self.generation += 1
        self._probes_changed = before is None or before.probes != frame.probes

    @property
    def in_maintenance(self) -> Flags:
        return self._frame.in_maintenance

    def take_changes(self) -> Changes:
        probes_changed, self._probes_changed = self._probes_changed, False
        return Changes(self.generation, np.arange(len(self.ids)), probes_changed)

    def latest(self, monitor: MonitorId, region: Region) -> list[LatestResult]:
        """Return the newest result of each probe of the region by then, without its details."""
        known, one = self._frame.by_series, self.monitors[monitor]
        found = []
        for id_ in self._layout.probes:
            probe = self.probes[id_].probe
            for family, series in self._layout.series_by_family(monitor, id_):
                if probe.region is region and known.at_ms[series]:
                    total = float(known.total_ms[series])
                    result = CheckResult(
                        url=one.url,
                        monitor=one.id,
                        version=one.version,
                        started_at_ms=int(known.at_ms[series]),
                        failure=failure_name(int(known.failure[series])),
                        total_ms=None if np.isnan(total) else total,
                    )
                    found.append(LatestResult(probe, result, Status(int(known.confirmed[series])), family=family))
        return found

    def by_family(self, monitor: MonitorId, region: Region) -> list[FamilyCell]:
        row, column = np.array([self.row_of[monitor]]), np.array([REGIONS.index(region)])
        second = self._layout.second_rows(row)
        if second[0] < 0:
            return []
        known, found = self._frame.by_series, []
        for family, one in ((IPV4, row), (IPV6, second)):
            series = self._layout.series_by_region(one, column)
            known_ms, available_ms = known.known_ms[series].sum(axis=-1), known.available_ms[series].sum(axis=-1)
            asked_ms = np.maximum(known_ms, self._frame.times[2][np.ix_(row, column)] // 2)
            rest = self.assigned[np.ix_(row, column)], self._frame.paused[row]
            cells = visible_cells(known, series, known.speaks[series], *rest, (known_ms, available_ms, asked_ms))
            found.append(FamilyCell.of(family, cells))
        return found

    def availability_of(self, monitor: MonitorId, region: Region) -> Availability:
        known, available, asked = (
            int(times[self.row_of[monitor], REGIONS.index(region)]) for times in self._frame.times
        )
        return Availability(available, known, asked)

    def by_probe(self, rows: Places) -> ProbeStates:
        known = self._frame.by_series
        slots = np.arange(self._layout.width - 1)

        def told(rows: Places, series_rows: Places) -> ProbeStates:
            series = series_rows[:, None] * self._layout.width + slots
            assigned = self.assigned[rows][:, self._layout.column_of_slot[slots]]
            paused = self._frame.paused[rows][:, None]
            speaks = known.speaks[series] & assigned
            state = np.where(speaks, known.confirmed[series], Status.UNKNOWN)
            return ProbeStates(
                probes=tuple(self._layout.probes),
                state=np.where(paused & assigned, Status.PAUSED, state).astype(np.int8),
                is_checking=known.is_checking[series] & speaks & ~paused,
                assigned=assigned,
                total_ms=np.where(assigned, known.total_ms[series], np.nan),
                at_ms=np.where(assigned, known.at_ms[series], 0),
            )

        second, found = self._layout.second_rows(rows), told(rows, rows)
        has_two = np.flatnonzero(second >= 0)
        return found.with_seconds(told(rows[has_two], second[has_two]), has_two) if len(has_two) else found
