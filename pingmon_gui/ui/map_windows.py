"""World map and kiosk of a main window: made when they are first asked for, one of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QSettings, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.engine.board_view import BoardView, Changes
from pingmon_gui.ui.async_slot import Spawner
from pingmon_gui.ui.history_windows import HistorySession
from pingmon_gui.ui.incident_table import Titles
from pingmon_gui.ui.kept_window import bring_up
from pingmon_gui.ui.map_places import OwnPlaces
from pingmon_gui.ui.theme import ThemeSwitch

if TYPE_CHECKING:
    from pingmon_gui.ui.kiosk import Kiosk
    from pingmon_gui.ui.map_window import MapWindow


class MapWindows(QObject):
    """`probe_asked` carries a region that should get a probe."""

    probe_asked = Signal(object)

    def __init__(
        self,
        session: HistorySession,
        board: BoardView,
        titles: Titles,
        spawner: Spawner,
        theme: ThemeSwitch,
        now_ms: Callable[[], int],
        settings: QSettings,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._board = board
        self._titles = titles
        self._spawner = spawner
        self._theme = theme
        self._now_ms = now_ms
        self._window = window
        self._loading: asyncio.Task[Any] | None = None
        self._is_animated = True
        self.own = OwnPlaces(settings, self)
        self.map: MapWindow | None = None
        self.kiosk: Kiosk | None = None

    @Slot()
    def show_map(self) -> None:
        """Show the map, with the domain that was chosen last."""
        if self.map is None:
            from pingmon_gui.ui.map_window import MapWindow

            self.map = MapWindow(self._board, self.own, self._titles, self._now_ms, self._theme, self._window)
            self.map.view.is_animated = self._is_animated
            self.map.kiosk_asked.connect(self.show_kiosk)
            self.map.probe_asked.connect(self.probe_asked)
        bring_up(self.map)
        self.on_incidents_changed()

    @Slot()
    @Slot(object)
    def show_kiosk(self, chosen: MonitorId | None = None) -> None:
        """Fill the screen that the pointer or the map is on."""
        from pingmon_gui.ui.kiosk import Kiosk

        if self.kiosk is not None:
            return
        screen = self.map.screen() if self.map is not None and self.map.isVisible() else self._window.screen()
        screen = screen or QGuiApplication.primaryScreen()
        self.kiosk = kiosk = Kiosk(self._board, self.own, self._theme, self._now_ms, screen.size())
        kiosk.setScreen(screen)
        kiosk.setGeometry(screen.geometry())
        kiosk.view.is_animated = self._is_animated
        kiosk.left.connect(self.on_kiosk_left)
        kiosk.begin(chosen)

    @Slot()
    def toggle_kiosk(self) -> None:
        if self.kiosk is None:
            self.show_kiosk()
        else:
            self.kiosk.leave()

    def set_animated(self, is_animated: bool) -> None:
        """Let results move something on the map, or keep it still."""
        self._is_animated = is_animated
        for window in (self.map, self.kiosk):
            if window is not None:
                window.view.is_animated = is_animated

    @Slot()
    def close(self) -> None:
        """Close what is on the screen: the app is ending."""
        if self.kiosk is not None:
            self.kiosk.leave()
        if self.map is not None:
            self.map.hide()

    # What the bridge tells

    @Slot(object)
    def on_board_changed(self, changes: Changes) -> None:
        if self.map is not None and self.map.isVisible():
            self.map.apply(changes)

    @Slot(object)
    def on_monitors_changed(self, _event: object = None) -> None:
        if self.map is not None:
            self.map.picker.describe()

    @Slot()
    def on_incidents_changed(self) -> None:
        if self.map is None or not self.map.isVisible():
            return
        if self._loading is not None:
            self._loading.cancel()
        self._loading = self._spawner.spawn(self._load())

    async def _load(self) -> None:
        found = await self._session.store.open_incidents()
        if self.map is not None:
            self.map.show_incidents(found)

    @Slot()
    def on_kiosk_left(self) -> None:
        if self.kiosk is not None:
            self.kiosk.deleteLater()
            self.kiosk = None
