"""What the detail pane shows of one monitor, read from the board in one go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pingmon_probe.protocol import CheckResult

from pingmon_gui.domain.availability import Availability
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.registration import Registration
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.board_view import FamilyCell
from pingmon_gui.ui.cell_text import verdict_sentence


@dataclass(frozen=True)
class Measured:
    """The newest result of one probe and its own status; `result` is None where nothing was measured yet.

    `is_whole` is False where it came from the store, and only status, failure and total were read of it. `family` is
    that of the check where each is measured, else 0.
    """

    probe: Probe
    result: CheckResult | None = None
    status: Status = Status.UNKNOWN
    is_whole: bool = True
    family: int = 0


@dataclass(frozen=True)
class RegionDetail:
    """One region that watches the monitor: its confirmed state, its hour, and what its probes measured last.

    `families` are what it says of each family where each is measured.
    """

    region: Region
    state: Status
    is_checking: bool
    availability: Availability
    measured: tuple[Measured, ...]
    families: tuple[FamilyCell, ...] = ()

    def state_of(self, family: int) -> tuple[Status, bool]:
        """Return the confirmed state over a family, and whether it is being checked; of 0 the region's own."""
        cell = next((one for one in self.families if one.family == family), None)
        return (self.state, self.is_checking) if cell is None else (cell.state, cell.is_checking)


@dataclass(frozen=True)
class MonitorDetail:
    """One monitor at one moment. `probes` names every probe, for results of the past as well.

    `registration` is None where nobody wants to know until when its name is registered.
    """

    monitor: Monitor
    verdict: Verdict
    regions: tuple[RegionDetail, ...]
    probes: Mapping[ProbeId, Probe]
    now_ms: int
    #: What its state comes to, as one sentence.
    sentence: str
    registration: Registration | None = None

    @property
    def is_whole(self) -> bool:
        """Return whether everything is here that was ever measured of the newest results."""
        return all(measured.is_whole for region in self.regions for measured in region.measured)


def detail_of(
    board: Board, monitor: MonitorId, now_ms: int, registration: Registration | None = None
) -> MonitorDetail | None:
    """Return what is known of a monitor just now, None if the board does not have it (any more)."""
    row = board.row_of.get(monitor)
    if row is None:
        return None
    regions = []
    for column, region in enumerate(REGIONS):
        if not board.assigned[row, column]:
            continue
        latest = {(found.probe.id, found.family): found for found in board.latest(monitor, region)}
        families = tuple(board.by_family(monitor, region))
        measured = []
        for health in board.probes.values():
            for family in [cell.family for cell in families] or [0]:
                if health.probe.region is region:
                    found = latest.get((health.probe.id, family))
                    measured.append(
                        Measured(health.probe, family=family)
                        if found is None
                        else Measured(found.probe, found.result, found.status, found.is_whole, family)
                    )
        regions.append(
            RegionDetail(
                region,
                Status(int(board.state[row, column])),
                bool(board.is_checking[row, column]),
                board.availability_of(monitor, region),
                tuple(measured),
                families,
            )
        )
    probes = {probe_id: health.probe for probe_id, health in board.probes.items()}
    return MonitorDetail(
        board.monitors[monitor],
        Verdict(int(board.verdict[row])),
        tuple(regions),
        probes,
        now_ms,
        verdict_sentence(board, row),
        registration,
    )
