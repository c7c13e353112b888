"""The world map in a window: the map, the domains beside it, and below it what is wrong just now."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSplitter, QVBoxLayout, QWidget

from pingmon_gui.domain.incident import Incident
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.engine.board_view import BoardView, Changes
from pingmon_gui.ui import sheet
from pingmon_gui.ui.domain_picker import DomainPicker
from pingmon_gui.ui.incident_table import Titles, now_sentence
from pingmon_gui.ui.kept_window import KeptWindow
from pingmon_gui.ui.map_places import OwnPlaces
from pingmon_gui.ui.map_scene import MapScene
from pingmon_gui.ui.map_source import MapSource
from pingmon_gui.ui.map_view import MapView
from pingmon_gui.ui.theme import ThemeSwitch

_PICKER_WIDTH = 330


class MapWindow(KeptWindow):
    """`kiosk_asked` carries the domain that is shown, None for all; `probe_asked` a region that should get a probe."""

    kiosk_asked = Signal(object)
    probe_asked = Signal(object)

    def __init__(
        self,
        board: BoardView,
        own: OwnPlaces,
        titles: Titles,
        now_ms: Callable[[], int],
        theme: ThemeSwitch,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setWindowTitle(self.tr("World map"))
        self._titles = titles
        self._now_ms = now_ms
        self._incidents: Sequence[Incident] = ()
        self.view = MapView(self)
        self.source = MapSource(board, self.view, own, then=self._say_now)
        self.picker = DomainPicker(board, self)
        self.kiosk = QPushButton(self.tr("&Full screen"), self)
        self.kiosk.setToolTip(self.tr("For a screen on the wall. F11; Esc leaves it."))
        self.now = QLabel(self)
        self.now.setTextFormat(Qt.TextFormat.PlainText)
        self.now.setWordWrap(True)
        self.now.setAccessibleName(self.tr("Incidents just now"))
        below = QHBoxLayout()
        below.setContentsMargins(14, 8, 14, 8)
        below.setSpacing(14)
        below.addWidget(self.now, 1)
        below.addWidget(self.kiosk)
        self.splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self.splitter.addWidget(self.view)
        self.splitter.addWidget(self.picker)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setCollapsible(0, False)
        self.splitter.setHandleWidth(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.splitter, 1)
        column.addLayout(below)
        self.picker.chosen.connect(self.source.choose)
        self.view.stepped.connect(self.picker.step)
        self.view.probe_asked.connect(self.probe_asked)
        self.kiosk.clicked.connect(self.on_kiosk)
        QShortcut(QKeySequence(Qt.Key.Key_F11), self, self.on_kiosk)
        QShortcut(QKeySequence.StandardKey.Find, self, self.picker.search.setFocus)
        theme.changed.connect(self.refresh)
        self.resize(QSize(1420, 780).boundedTo(self.screen().availableSize() * 0.95))
        self.splitter.setSizes([self.width() - _PICKER_WIDTH, _PICKER_WIDTH])
        self.refresh()
        self.view.setFocus()

    def apply(self, changes: Changes) -> None:
        """Take in one frame's changes of the board."""
        self.picker.apply(changes)

    def show_incidents(self, incidents: Sequence[Incident]) -> None:
        """Say what lasts just now."""
        self._incidents = incidents
        self._say_now()

    def _say_now(self, _scene: MapScene | None = None) -> None:
        text = now_sentence(self._incidents, self._titles, self._now_ms())
        if text != self.now.text():
            self.now.setText(text)

    def choose(self, monitor: MonitorId | None) -> None:
        self.picker.choose(monitor)

    @Slot()
    def refresh(self) -> None:
        """Take over the colours in use."""
        self.view.refresh()
        self.picker.refresh()
        self.kiosk.setStyleSheet(sheet.controls())

    @Slot()
    def on_kiosk(self) -> None:
        self.kiosk_asked.emit(self.source.chosen)

    # Qt

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.picker.describe()
        self.source.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.source.stop()
