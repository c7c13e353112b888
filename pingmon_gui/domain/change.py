"""A change of the configuration as a whole, as an import or an applied file wants it: all of it or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pingmon_gui.domain.alert_rule import AlertBook
from pingmon_gui.domain.book_change import BookChange
from pingmon_gui.domain.maintenance import MaintenanceDraft, MaintenanceWindow, WindowId
from pingmon_gui.domain.monitor import Monitor, MonitorDraft, MonitorId
from pingmon_gui.domain.preference import Preferences, Value


@dataclass(frozen=True)
class WindowWish:
    """A maintenance window that is to be made; `urls` are chosen domains that may come with the same change.

    Where there are any it is for them and for what its scope names, never for all: a scope cannot be empty.
    """

    draft: MaintenanceDraft
    urls: tuple[str, ...] = ()


@dataclass(frozen=True)
class ConfigurationChange:
    """What is to be different. `changed` monitors replace those with their ids; `preferences` has new values only.

    A draft whose address is watched by the time it is carried out is passed over. Maintenance windows hold from then.
    """

    added: tuple[MonitorDraft, ...] = ()
    changed: tuple[Monitor, ...] = ()
    removed: tuple[MonitorId, ...] = ()
    preferences: Mapping[str, Value] = field(default_factory=dict)
    alerts: BookChange = field(default_factory=BookChange)
    windows_ended: tuple[WindowId, ...] = ()
    windows_added: tuple[WindowWish, ...] = ()

    @property
    def is_empty(self) -> bool:
        parts = (self.added, self.changed, self.removed, self.preferences, self.windows_ended, self.windows_added)
        return not any(parts) and self.alerts.is_empty


@dataclass(frozen=True)
class AppliedChange:
    """What a change became: monitors with their ids and versions, all preferences, all maintenance windows that hold,
    and the alert book if it differs.
    """

    added: tuple[Monitor, ...]
    changed: tuple[Monitor, ...]
    preferences: Preferences
    book: AlertBook | None = None
    windows: tuple[MaintenanceWindow, ...] = ()
