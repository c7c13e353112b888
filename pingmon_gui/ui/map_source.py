"""Keeps a map view true to a board: reads it twice a second while somebody looks."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Slot

from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.engine.board_view import BoardView
from pingmon_gui.ui.map_places import OwnPlaces
from pingmon_gui.ui.map_scene import MapScene, map_scene
from pingmon_gui.ui.map_view import MapView

FRAME_MS = 500


class MapSource(QObject):
    """`choose` sets the domain (None: all). `then` is called with each new scene.

    A board of the past stands still: it has no timer, call `refresh` when it changed.
    """

    def __init__(
        self,
        board: BoardView,
        view: MapView,
        own: OwnPlaces,
        *,
        is_live: bool = True,
        then: Callable[[MapScene], None] | None = None,
    ) -> None:
        super().__init__(view)
        self._board = board
        self._view = view
        self._own = own
        self._is_live = is_live
        self._then = then
        self.chosen: MonitorId | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self.refresh)
        own.changed.connect(self.refresh)
        view.place_changed.connect(own.put)

    def start(self) -> None:
        self.refresh()
        if self._is_live:
            self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def choose(self, monitor: MonitorId | None) -> None:
        self.chosen = monitor
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Show what the board says just now."""
        if self.chosen is not None and self.chosen not in self._board.row_of:
            self.chosen = None
        target = self._view.scene.target
        scene = map_scene(self._board, self.chosen, target.beside if target else None, self._own.places)
        self._view.set_probes(tuple(health.probe for health in self._board.probes.values()), self._own.places)
        self._view.show_scene(scene, is_live=self._is_live)
        if self._then is not None:
            self._then(scene)
