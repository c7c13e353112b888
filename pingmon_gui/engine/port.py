"""What the engine needs of a store, as protocols: the store implements them, the session joins the two."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from pingmon_probe.protocol import CheckResult

from pingmon_gui.domain.alert_change import AlertChange, AlertMemory
from pingmon_gui.domain.alert_rule import AlertBook
from pingmon_gui.domain.change import AppliedChange, ConfigurationChange
from pingmon_gui.domain.error import StorageError
from pingmon_gui.domain.history import SeriesHistory
from pingmon_gui.domain.incident import Incident, IncidentId
from pingmon_gui.domain.judgement import Judgement
from pingmon_gui.domain.maintenance import MaintenanceChange, MaintenanceWindow
from pingmon_gui.domain.monitor import Monitor, MonitorDraft, MonitorId
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.registration import Registration, RegistrationMemory, RegistryAnswer, RegistryPause
from pingmon_gui.domain.result import ProbeId, ResultBatch
from pingmon_gui.domain.status import Codes, Status
from pingmon_gui.domain.timeline import Standing, Track, VerdictSpan


class CursorPort(Protocol):
    """How far the results of one probe's spool are kept: `seq` is the last one."""

    @property
    def spool(self) -> str: ...

    @property
    def seq(self) -> int: ...


class VersionPort(Protocol):
    """One version of a monitor's settings, as far as judging needs it."""

    @property
    def family(self) -> int: ...

    @property
    def interval_ms(self) -> int: ...

    @property
    def timeout_ms(self) -> int: ...

    @property
    def slow_ms(self) -> int: ...


class ConfigurationPort(Protocol):
    """What the store holds besides results. `versions` also has those of deleted monitors that can be restored."""

    @property
    def monitors(self) -> Sequence[Monitor]: ...

    @property
    def probes(self) -> Sequence[Probe]: ...

    @property
    def preferences(self) -> Preferences: ...

    @property
    def cursors(self) -> Mapping[ProbeId, CursorPort]: ...

    @property
    def windows(self) -> Sequence[MaintenanceWindow]: ...

    @property
    def versions(self) -> Mapping[tuple[MonitorId, int], VersionPort]: ...


class RecentPort(Protocol):
    """Judged results of many series, ordered by time; one element per result."""

    @property
    def monitor(self) -> npt.NDArray[np.int64]: ...

    @property
    def probe(self) -> npt.NDArray[np.int64]: ...

    @property
    def at_ms(self) -> npt.NDArray[np.int64]: ...

    @property
    def interval_ms(self) -> npt.NDArray[np.int64]: ...

    @property
    def status(self) -> Codes: ...

    @property
    def failure(self) -> Codes: ...

    @property
    def total_ms(self) -> npt.NDArray[np.float64]: ...

    @property
    def family(self) -> Codes:
        """That of each result's series."""
        ...


class StorePort(Protocol):
    """The slice of the store that the engine uses. Everything raises only subclasses of StorageError."""

    on_problem: Callable[[StorageError | None], None] | None

    @property
    def owner(self) -> str: ...

    @property
    def problem(self) -> StorageError | None: ...

    def configuration(self) -> ConfigurationPort: ...

    async def add_monitors(self, drafts: Sequence[MonitorDraft]) -> list[Monitor]: ...

    async def change_monitors(self, monitors: Sequence[Monitor]) -> list[Monitor]: ...

    async def delete_monitors(self, ids: Sequence[MonitorId]) -> None: ...

    async def restore_monitors(self, ids: Sequence[MonitorId]) -> list[Monitor]: ...

    async def change_preferences(self, values: Mapping[str, object]) -> Preferences: ...

    async def apply(self, change: ConfigurationChange) -> AppliedChange: ...

    async def save_probe(self, probe: Probe) -> None: ...

    def append(self, batch: ResultBatch) -> None: ...

    async def flush(self) -> None: ...

    async def results(
        self, monitor: MonitorId, from_ms: int, to_ms: int, probes: Collection[ProbeId] | None = None
    ) -> list[SeriesHistory]: ...

    async def latest(self, monitor: MonitorId) -> list[tuple[ProbeId, CheckResult, Status]]: ...

    def recent(self, since_ms: int) -> Iterator[Any]:
        """Yield objects that fit RecentPort; blocks."""
        ...

    async def maintain(self) -> None: ...

    async def record(self, judgements: Sequence[Judgement], judged_until_ms: int) -> None: ...

    async def judged_until_ms(self) -> int | None: ...

    async def change_windows(self, change: MaintenanceChange, now_ms: int) -> tuple[MaintenanceWindow, ...]: ...

    async def ended_windows(self) -> tuple[MaintenanceWindow, ...]: ...

    async def save_standings(
        self, standings: Sequence[tuple[MonitorId, Standing]], stood_until_ms: int | None = None
    ) -> None: ...

    async def standings(
        self, monitors: Collection[MonitorId] | None = None, since_ms: int = 0
    ) -> dict[MonitorId, list[Standing]]: ...

    async def stood_until_ms(self) -> int | None: ...

    async def verdict_spans(
        self, monitors: Collection[MonitorId], from_ms: int, to_ms: int, *, is_settled: bool = True
    ) -> dict[MonitorId, list[VerdictSpan]]: ...

    async def incidents(
        self, from_ms: int, to_ms: int, monitors: Collection[MonitorId] | None = None
    ) -> list[Incident]: ...

    async def incident(self, id_: IncidentId) -> Incident | None: ...

    async def tracks(
        self, monitors: Collection[MonitorId], from_ms: int, to_ms: int
    ) -> dict[MonitorId, list[Track]]: ...

    async def results_at(self, monitor: MonitorId, at_ms: int) -> list[tuple[Probe, CheckResult, Status]]: ...


class AlertStorePort(Protocol):
    """The slice of the store that alerts use. Everything raises only subclasses of StorageError."""

    async def alert_memory(self) -> AlertMemory: ...

    async def save_alert_book(self, book: AlertBook) -> None: ...

    async def record_alerts(self, change: AlertChange) -> None: ...

    async def open_incidents(self) -> list[Incident]: ...

    async def incident(self, id_: IncidentId) -> Incident | None: ...

    async def verdict_spans(
        self, monitors: Collection[MonitorId], from_ms: int, to_ms: int
    ) -> dict[MonitorId, list[VerdictSpan]]: ...


class RegistrationStorePort(Protocol):
    """The slice of the store that keeps what registries said. Everything raises only subclasses of StorageError."""

    async def registrations(self) -> RegistrationMemory: ...

    async def save_registration(
        self, one: Registration, server: str | None = None, pause: RegistryPause | None = None
    ) -> None: ...

    async def forget_registrations(self, names: Collection[str]) -> None: ...


class RegistryPort(Protocol):
    """Asks the registries of names. Everything raises only RegistryError."""

    async def server_of(self, name: str) -> str:
        """Return the host that would be asked about a name, "" where there is none."""
        ...

    async def ask(self, name: str) -> RegistryAnswer:
        """Ask about a name."""
        ...
