"""What views read of the state of every monitor at one moment: of now (`board`) or of any moment that is kept
(`past_board`).

Arrays have a row per monitor and a column per region; views ask `take_changes()` once a frame.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from pingmon_probe.protocol import CheckResult

from pingmon_gui.domain.availability import Availability
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.probe import Probe, ProbeHealth
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Codes, Status, failure_name
from pingmon_gui.domain.verdict import is_worse
from pingmon_gui.engine.cards import Cards, count_cards
from pingmon_gui.engine.cells import Cells
from pingmon_gui.engine.hour import Flags, Ints
from pingmon_gui.engine.layout import Layout
from pingmon_gui.engine.move import Places


@dataclass(frozen=True)
class Changes:
    """Rows with changed cells since the last call; after a change of `generation` read everything anew."""

    generation: int
    rows: npt.NDArray[np.intp]
    probes_changed: bool


@dataclass(frozen=True)
class LatestResult:
    """The newest result of a probe; `is_whole` is False where only status, failure and total are known of it.

    `family` is 4 or 6 where each is measured, else 0.
    """

    probe: Probe
    result: CheckResult
    status: Status
    is_whole: bool = True
    family: int = 0


@dataclass(frozen=True)
class FamilyCell:
    """What one cell says of one family (4 or 6) where each is measured; as the arrays of `BoardView` have it."""

    family: int
    state: Status
    is_checking: bool
    total_ms: float | None
    failure: str | None
    at_ms: int
    availability: float | None
    coverage: float | None

    @classmethod
    def of(cls, family: int, cells: Cells) -> FamilyCell:
        """Read cells that are one."""
        total_ms, availability, coverage = (
            None if np.isnan(share := float(getattr(cells, name)[0, 0])) else share
            for name in ("total_ms", "availability", "coverage")
        )
        return cls(
            family=family,
            state=Status(int(cells.state[0, 0])),
            is_checking=bool(cells.is_checking[0, 0]),
            total_ms=total_ms,
            failure=failure_name(int(cells.failure[0, 0])),
            at_ms=int(cells.at_ms[0, 0]),
            availability=availability,
            coverage=coverage,
        )


@dataclass(frozen=True)
class ProbeStates:
    """What each probe says of some monitors: every array has the shape (monitors, probes), probes as in `probes`.

    `state` is the confirmed status, UNKNOWN without a vote; `total_ms` (NaN) and `at_ms` (0) are the newest
    result's. `assigned` says whether the probe's region watches the monitor.
    """

    probes: tuple[ProbeId, ...]
    state: Codes
    is_checking: Flags
    assigned: Flags
    total_ms: npt.NDArray[np.float64]
    at_ms: Ints

    def with_seconds(self, second: ProbeStates, places: Places) -> ProbeStates:
        """Return them with the worse of both families where some monitors have two; `second` is what IPv6 says."""
        state, total_ms, is_checking = self.state.copy(), self.total_ms.copy(), self.is_checking.copy()
        before = state[places]
        is_slower = (before == second.state) & (second.total_ms > total_ms[places])
        is_shown = is_worse(second.state, before) | is_slower
        state[places] = np.where(is_shown, second.state, before)
        total_ms[places] = np.where(is_shown, second.total_ms, total_ms[places])
        is_checking[places] |= second.is_checking
        at_ms = self.at_ms.copy()
        at_ms[places] = np.maximum(at_ms[places], second.at_ms)
        return replace(self, state=state, is_checking=is_checking, total_ms=total_ms, at_ms=at_ms)


class BoardView(ABC):
    """See the module. Arrays are replaced when `generation` grows; never keep one across that.

    Per row and column: `state` is the confirmed status (UNKNOWN where nothing younger than 2.5 intervals
    is known), `is_checking` whether a result stands that would change it, `assigned` whether a probe of
    that region watches; `total_ms` (NaN), `failure` and `at_ms` (0) are the newest result's;
    `availability` and `coverage` (NaN) the last hour's; `strip` is described in `HistoryStrip`.
    `paused` is what the user paused; a maintenance window is told by `in_maintenance`.
    `problem` is what is wrong with Pingmon itself apart from its probes.
    """

    generation: int
    monitors: Mapping[MonitorId, Monitor]
    probes: Mapping[ProbeId, ProbeHealth]
    problem: str | None
    state: Codes
    is_checking: Flags
    assigned: Flags
    has_probe: Flags
    total_ms: npt.NDArray[np.float64]
    failure: Codes
    at_ms: Ints
    availability: npt.NDArray[np.float64]
    coverage: npt.NDArray[np.float64]
    strip: npt.NDArray[np.uint8]
    verdict: Codes
    paused: Flags
    _layout: Layout

    @property
    def ids(self) -> list[MonitorId]:
        return self._layout.ids

    @property
    def row_of(self) -> dict[MonitorId, int]:
        return self._layout.row_of

    def rows_of(self, monitors: Ints) -> Places:
        """Return the row of each of many monitors, -1 for those that are not here."""
        return self._layout.rows_of_column(monitors)

    @property
    def in_maintenance(self) -> Flags:
        """Whether each monitor is in a maintenance window, one element per row."""
        return np.zeros(len(self.ids), dtype=np.bool_)

    def maintenance_until_ms(self, monitor: MonitorId) -> int | None:
        """Return until when a monitor is in maintenance; None where it is not, and where nobody knows any more."""
        return None

    def cards(self) -> Cards:
        probes = list(self.probes.values())
        return count_cards(self.state, self.verdict, self.paused, self.in_maintenance, probes, self.problem)

    @abstractmethod
    def take_changes(self) -> Changes:
        """Return what changed since the last call."""

    @abstractmethod
    def latest(self, monitor: MonitorId, region: Region) -> list[LatestResult]:
        """Return the newest result of each probe of the region that has one, of each family where it has two."""

    @abstractmethod
    def by_family(self, monitor: MonitorId, region: Region) -> list[FamilyCell]:
        """Return what a cell shows of each family, IPv4 first; nothing where not each is measured."""

    @abstractmethod
    def availability_of(self, monitor: MonitorId, region: Region) -> Availability:
        """Return the exact times of the rolling hour behind `availability` and `coverage`."""

    @abstractmethod
    def by_probe(self, rows: Places) -> ProbeStates:
        """Return what each probe says of the monitors in some rows."""
