"""A board of the past: shows one frame after the other to the same views that show the present."""

from __future__ import annotations

import numpy as np
from pingmon_probe.protocol import CheckResult

from pingmon_gui.domain.availability import Availability
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.status import Status, failure_name
from pingmon_gui.engine.board_view import BoardView, Changes, LatestResult, ProbeStates
from pingmon_gui.engine.cells import CELL_ARRAYS
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
        known = self._frame.by_series
        found = []
        for id_, slot in self._layout.slot_of.items():
            series = self.row_of[monitor] * self._layout.width + slot
            probe = self.probes[id_].probe
            if probe.region is region and known.at_ms[series]:
                one = self.monitors[monitor]
                total = float(known.total_ms[series])
                result = CheckResult(
                    url=one.url,
                    monitor=one.id,
                    version=one.version,
                    started_at_ms=int(known.at_ms[series]),
                    failure=failure_name(int(known.failure[series])),
                    total_ms=None if np.isnan(total) else total,
                )
                found.append(LatestResult(probe, result, Status(int(known.confirmed[series]))))
        return found

    def availability_of(self, monitor: MonitorId, region: Region) -> Availability:
        known, available, asked = (
            int(times[self.row_of[monitor], REGIONS.index(region)]) for times in self._frame.times
        )
        return Availability(available, known, asked)

    def by_probe(self, rows: Places) -> ProbeStates:
        known = self._frame.by_series
        slots = np.arange(self._layout.width - 1)
        series = rows[:, None] * self._layout.width + slots
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
