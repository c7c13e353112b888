"""The windows about the past: made when they are first asked for, one of each, reloaded when incidents change."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from pingmon_gui.domain.incident import IncidentId
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.engine.board import Board
from pingmon_gui.ui.async_slot import Spawner
from pingmon_gui.ui.theme import ThemeSwitch

if TYPE_CHECKING:
    from pingmon_gui.engine.incident_tracker import IncidentTracker
    from pingmon_gui.ui.incident_page import IncidentPage
    from pingmon_gui.ui.map_places import OwnPlaces
    from pingmon_gui.ui.time_window import TimeWindow


class HistorySession(Protocol):
    """What the windows about the past need of a session."""

    @property
    def store(self) -> Any: ...

    @property
    def incidents(self) -> IncidentTracker: ...


class HistoryWindows(QObject):
    def __init__(
        self,
        session: HistorySession,
        board: Board,
        spawner: Spawner,
        theme: ThemeSwitch,
        now_ms: Callable[[], int],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._board = board
        self._spawner = spawner
        self._theme = theme
        self._now_ms = now_ms
        self._window = window
        self.incidents: IncidentPage | None = None
        self.time_machine: TimeWindow | None = None

    @Slot()
    def show_incidents(self, incident: IncidentId | None = None) -> None:
        """Show the incidents; one of them is brought up where it is given."""
        if self.incidents is None:
            from pingmon_gui.ui.incident_page import IncidentPage

            self.incidents = IncidentPage(
                self._session.store,
                self._session.incidents,
                self.title,
                self._spawner.spawn,
                self._now_ms,
                self._theme,
                self._window,
            )
        self.incidents.show()
        self.incidents.raise_()
        self.incidents.activateWindow()
        if incident:
            self.incidents.select(incident)

    def show_time_machine(self, own: OwnPlaces) -> None:
        """Show the dashboard as it stood at a moment of the past; `own` is where the user put probes on the map."""
        if self.time_machine is None:
            from pingmon_gui.engine.time_machine import TimeMachine
            from pingmon_gui.ui.time_window import TimeWindow

            store = self._session.store
            self.time_machine = TimeWindow(
                TimeMachine(store), store, own, self._spawner.spawn, self._now_ms, self._theme, self._window
            )
        self.time_machine.show()
        self.time_machine.raise_()
        self.time_machine.activateWindow()

    @Slot()
    def on_incidents_changed(self) -> None:
        if self.incidents is not None and self.incidents.isVisible():
            self.incidents.reload()

    def title(self, monitor: MonitorId) -> str:
        """Return what people call a monitor, also one that was deleted."""
        known = self._board.monitors.get(monitor)
        return self.tr("(a domain that was deleted)") if known is None else known.title
