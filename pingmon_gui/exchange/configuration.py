"""Everything that is configured, as far as a file can carry it: what is exported, and what a file is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pingmon_gui.domain.alert_rule import AlertBook
from pingmon_gui.domain.maintenance import MaintenanceWindow
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.domain.probe import Probe


@dataclass(frozen=True)
class Configuration:
    """What is configured at a time."""

    monitors: Sequence[Monitor]
    preferences: Preferences = field(default_factory=lambda: Preferences({}))
    probes: Sequence[Probe] = ()
    book: AlertBook = field(default_factory=AlertBook)
    windows: Sequence[MaintenanceWindow] = ()
    at_ms: int = 0

    @property
    def urls(self) -> Mapping[MonitorId, str]:
        """The addresses of all domains."""
        return {monitor.id: monitor.url for monitor in self.monitors}

    @property
    def holding(self) -> Sequence[MaintenanceWindow]:
        """The maintenance windows that are on or are to come."""
        return [window for window in self.windows if not window.is_over(self.at_ms)]
