"""From the engine to Qt: the hub's events as signals, and one diff of the board per frame.

Lives on the loop's thread, like everything it connects. The frame timer runs fast only while somebody looks.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from pingmon_gui.engine.board import Board
from pingmon_gui.engine.event import (
    AlertBookChanged,
    AlertsChanged,
    DeliveryChanged,
    Event,
    EventHub,
    IncidentChanged,
    IncidentOpened,
    IncidentResolved,
    IncidentsCorrected,
    MaintenanceChanged,
    MonitorsChanged,
    Notice,
    PreferencesChanged,
    ProbeChanged,
    RaiseWindow,
    RegistrationsChanged,
    StorageProblem,
)

FRAME_MS = 100
#: While no window is shown only the tray has to follow.
HIDDEN_FRAME_MS = 1_000


class Bridge(QObject):
    """Signals carry the frozen events. `board_changed` carries `Changes` and comes at most once a frame."""

    board_changed = Signal(object)
    monitors_changed = Signal(object)
    preferences_changed = Signal(object)
    probe_changed = Signal(object)
    incidents_changed = Signal(object)
    alerts_changed = Signal(object)
    alert_book_changed = Signal()
    delivery_changed = Signal(object)
    registrations_changed = Signal(object)
    maintenance_changed = Signal()
    storage_problem = Signal(object)
    noticed = Signal(object)
    raise_asked = Signal()
    kiosk_asked = Signal()

    def __init__(self, board: Board, hub: EventHub, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._board = board
        self._generation = -1
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.CoarseTimer)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self.frame)
        self._unsubscribe = hub.subscribe(self._hear)

    def start(self) -> None:
        self._timer.start()

    def stop(self) -> None:
        """End the frames and hear no more of the engine."""
        self._timer.stop()
        self._unsubscribe()

    def set_watched(self, is_watched: bool) -> None:
        """Slow down while nobody can see the window."""
        self._timer.setInterval(FRAME_MS if is_watched else HIDDEN_FRAME_MS)

    @Slot()
    def frame(self) -> None:
        """Tell what changed since the last frame, if anything did."""
        changes = self._board.take_changes()
        if len(changes.rows) or changes.probes_changed or changes.generation != self._generation:
            self._generation = changes.generation
            self.board_changed.emit(changes)

    def _hear(self, event: Event) -> None:
        match event:
            case MonitorsChanged():
                self.monitors_changed.emit(event)
            case PreferencesChanged():
                self.preferences_changed.emit(event.preferences)
            case ProbeChanged():
                self.probe_changed.emit(event.health)
            case IncidentOpened() | IncidentChanged() | IncidentResolved() | IncidentsCorrected():
                self.incidents_changed.emit(event)
            case AlertsChanged():
                self.alerts_changed.emit(event)
            case AlertBookChanged():
                self.alert_book_changed.emit()
            case MaintenanceChanged():
                self.maintenance_changed.emit()
            case DeliveryChanged():
                self.delivery_changed.emit(event.delivery)
            case RegistrationsChanged():
                self.registrations_changed.emit(event.monitors)
            case StorageProblem():
                self.storage_problem.emit(event.error)
            case Notice():
                self.noticed.emit(event)
            case RaiseWindow():
                (self.kiosk_asked if event.is_kiosk else self.raise_asked).emit()
