"""The kiosk: map, cards and problems on a whole screen, to be read from across the room. Esc or F11 leaves it.

With a domain chosen the map stays with it. With all of them it goes round: all, then each domain that has a problem,
or, while there is none, one domain after the other.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QKeyEvent, QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board_view import BoardView
from pingmon_gui.ui import wording
from pingmon_gui.ui.cards import CardRow
from pingmon_gui.ui.map_places import OwnPlaces
from pingmon_gui.ui.map_scene import MapScene, problem_rows
from pingmon_gui.ui.map_source import MapSource
from pingmon_gui.ui.map_view import MapView
from pingmon_gui.ui.problem_list import ProblemList
from pingmon_gui.ui.screen_awake import ScreenAwake
from pingmon_gui.ui.theme import ThemeSwitch, current, scaled_font

#: So long the map stays with one picture.
STAY_MS = 12_000
#: A screen this high shows everything at zoom 1; letters are then as large as in a window.
_PLAIN_HEIGHT = 520.0
#: Cards are smaller than the rest: their figures are large already.
_CARD_SIZE = 0.8
_CLOCK_MS = 1_000


def tour(board: BoardView) -> list[MonitorId | None]:
    """Return what is shown in turn: all domains (None), then those with problems, or else those that are well."""
    rows = problem_rows(board)
    if not rows:
        rows = [row for row in range(len(board.ids)) if board.verdict[row] == Verdict.ONLINE]
    return [None, *(board.ids[row] for row in rows)]


class Kiosk(QWidget):
    """A window of its own; `left` comes when somebody leaves it."""

    left = Signal()

    def __init__(
        self,
        board: BoardView,
        own: OwnPlaces,
        theme: ThemeSwitch,
        now_ms: Callable[[], int],
        size: QSize,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent, Qt.WindowType.Window | Qt.WindowType.FramelessWindowHint)
        self.setWindowTitle(self.tr("Pingmon"))
        self.setCursor(Qt.CursorShape.BlankCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAutoFillBackground(True)
        self._board = board
        self._now_ms = now_ms
        self._stays_with: MonitorId | None = None
        self._awake = ScreenAwake(self)
        zoom = max(1.0, min(size.height() / _PLAIN_HEIGHT, size.width() / (_PLAIN_HEIGHT * 16 / 9)))
        self.cards = CardRow(self, zoom * _CARD_SIZE)
        self.view = MapView(self, is_wall=True)
        self.view.zoom = zoom
        self.source = MapSource(board, self.view, own, then=self._follow)
        self.problems = ProblemList(zoom, self)
        self.clock = QLabel(self)
        self.clock.setTextFormat(Qt.TextFormat.PlainText)
        self.clock.setFont(scaled_font(1.7 * zoom, is_tabular=True))
        self.clock.setAccessibleName(self.tr("Time"))
        margin = round(12 * zoom)
        above = QHBoxLayout()
        above.setContentsMargins(margin, margin // 2, margin, margin // 2)
        above.setSpacing(margin)
        above.addWidget(self.cards, 1)
        above.addWidget(self.clock)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(above)
        column.addWidget(self.view, 1)
        column.addWidget(self.problems)
        self._turns = QTimer(self)
        self._turns.setInterval(STAY_MS)
        self._turns.timeout.connect(self.on_turn)
        self._ticks = QTimer(self)
        self._ticks.setInterval(_CLOCK_MS)
        self._ticks.timeout.connect(self.on_tick)
        theme.changed.connect(self.refresh)
        self.refresh()

    def begin(self, chosen: MonitorId | None) -> None:
        """Fill the screen; with a domain chosen, stay with it."""
        self._stays_with = chosen
        self.source.choose(chosen)
        self.source.start()
        self.on_tick()
        self._ticks.start()
        self._turns.start()
        self.showFullScreen()
        self.raise_()
        self.activateWindow()
        self.setFocus()
        self._awake.hold(self.tr("Showing the world map on the whole screen"))

    def leave(self) -> None:
        self._turns.stop()
        self._ticks.stop()
        self.source.stop()
        self._awake.release()
        self.hide()
        self.left.emit()

    def _follow(self, _scene: MapScene) -> None:
        self.cards.show_cards(self._board.cards())
        self.problems.show_problems(self._board, self.source.chosen)

    @Slot()
    def on_turn(self) -> None:
        """Go on to what comes next."""
        if self._stays_with is not None and self._stays_with in self._board.row_of:
            return
        stops = tour(self._board)
        at = stops.index(self.source.chosen) if self.source.chosen in stops else -1
        self.source.choose(stops[(at + 1) % len(stops)])

    @Slot()
    def on_tick(self) -> None:
        self.clock.setText(wording.time_of_day(self._now_ms()))

    @Slot()
    def refresh(self) -> None:
        """Take over the colours in use."""
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Window, QColor(current().window))
        self.setPalette(palette)
        self.view.refresh()
        self.cards.update()
        self.problems.update()

    # Qt

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Escape | Qt.Key.Key_F11:
                self.leave()
            case Qt.Key.Key_Right | Qt.Key.Key_Down | Qt.Key.Key_Space:
                self._turns.start()
                self.on_turn()
            case _:
                super().keyPressEvent(event)

    def closeEvent(self, event: QEvent) -> None:
        event.ignore()
        self.leave()
