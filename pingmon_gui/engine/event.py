"""What the engine tells its listeners: named events, delivered at once on the loop's thread."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from pingmon_gui.domain.alert import Alert
from pingmon_gui.domain.alert_rule import AlertBook
from pingmon_gui.domain.delivery import Delivery
from pingmon_gui.domain.error import StorageError
from pingmon_gui.domain.incident import Incident
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.domain.probe import Probe, ProbeHealth

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MonitorsChanged:
    """Monitors came, changed or went; a restored one is `added`."""

    added: tuple[MonitorId, ...] = ()
    changed: tuple[MonitorId, ...] = ()
    removed: tuple[MonitorId, ...] = ()


@dataclass(frozen=True)
class PreferencesChanged:
    preferences: Preferences


@dataclass(frozen=True)
class ProbeChanged:
    health: ProbeHealth


@dataclass(frozen=True)
class ProbeRemoved:
    """A probe measures no longer for this Pingmon."""

    probe: Probe


@dataclass(frozen=True)
class MaintenanceChanged:
    """Maintenance windows came or went, began or ended; `monitors` are those that rest now or do so no more."""

    monitors: tuple[MonitorId, ...] = ()


@dataclass(frozen=True)
class StorageProblem:
    """Writing failed (`error` says why), or works again (None)."""

    error: StorageError | None


@dataclass(frozen=True)
class IncidentOpened:
    """A monitor went offline, or has a regional problem, just now; or what had been resolved is none of that."""

    incident: Incident


@dataclass(frozen=True)
class IncidentChanged:
    """An incident became worse, was acknowledged or got a note."""

    incident: Incident


@dataclass(frozen=True)
class IncidentResolved:
    """An incident is over. `is_late` where that was learnt from results of the past."""

    incident: Incident
    is_late: bool = False


@dataclass(frozen=True)
class IncidentsCorrected:
    """Results of the past changed incidents, or brought to light some that are over."""

    incidents: tuple[Incident, ...]


@dataclass(frozen=True)
class TimePassed:
    """About a second went by. `is_gap`: the computer slept, or its clock was set; nobody measured from here then."""

    is_gap: bool = False


@dataclass(frozen=True)
class AlertsChanged:
    """Alerts were opened, grew, or are over."""

    alerts: tuple[Alert, ...]


@dataclass(frozen=True)
class AlertBookChanged:
    """Rules or channels are different, or all alerts are paused."""

    book: AlertBook


@dataclass(frozen=True)
class DeliveryChanged:
    """A message to a channel is further than before."""

    delivery: Delivery


@dataclass(frozen=True)
class RegistrationsChanged:
    """More is known of the registration of a name, which monitors are below."""

    monitors: tuple[MonitorId, ...]


@dataclass(frozen=True)
class Notice:
    """A sentence for the message bar or stderr; `hint` says what to do next."""

    message: str
    hint: str | None = None


@dataclass(frozen=True)
class RaiseWindow:
    """Another process was started on the same data folder: show the window, or the map on the whole screen."""

    is_kiosk: bool = False


AlertNews = AlertsChanged | AlertBookChanged | DeliveryChanged
IncidentEvent = IncidentOpened | IncidentChanged | IncidentResolved | IncidentsCorrected
Event = (
    MonitorsChanged
    | PreferencesChanged
    | ProbeChanged
    | ProbeRemoved
    | MaintenanceChanged
    | StorageProblem
    | IncidentEvent
    | AlertNews
    | RegistrationsChanged
    | TimePassed
    | Notice
    | RaiseWindow
)
Listener = Callable[[Event], None]


class EventHub:
    """Delivers events to listeners in the order in which they subscribed."""

    def __init__(self) -> None:
        self._listeners: dict[int, Listener] = {}
        self._next = 0

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every event from now on; the returned function ends that (twice is harmless)."""
        number, self._next = self._next, self._next + 1
        self._listeners[number] = listener

        def unsubscribe() -> None:
            self._listeners.pop(number, None)

        return unsubscribe

    def publish(self, event: Event) -> None:
        """Hand `event` to every listener. One that raises is logged and stops neither the others nor the engine."""
        for listener in list(self._listeners.values()):
            try:
                listener(event)
            except Exception:
                # A view's bug must not end the measuring: this is one of the edges where everything is caught.
                _log.exception("a listener failed on %s", type(event).__name__)
