"""Everything that is configured, as far as a file can carry it: what is exported, and what a file is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pingmon_gui.domain.alert_rule import AlertBook
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.domain.probe import Probe


@dataclass(frozen=True)
class Configuration:
    monitors: Sequence[Monitor]
    preferences: Preferences = field(default_factory=lambda: Preferences({}))
    probes: Sequence[Probe] = ()
    book: AlertBook = field(default_factory=AlertBook)

    @property
    def urls(self) -> Mapping[MonitorId, str]:
        """The addresses of all domains."""
        return {monitor.id: monitor.url for monitor in self.monitors}
