"""The tray icon: the worst verdict at a glance, and a menu, where the system has a tray."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPoint, QRect, Qt, Signal, Slot
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board import Board
from pingmon_gui.ui import resource, status_shape, wording
from pingmon_gui.ui.theme import LIGHT

_SIDES = (22, 32, 44, 64)


class Tray(QObject):
    """`is_there` says whether closing the window may leave the app behind in the tray."""

    show_asked = Signal()
    quit_asked = Signal()

    def __init__(self, board: Board, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._board = board
        self._verdict: Verdict | None = None
        self.icon = QSystemTrayIcon(self)
        self.menu = QMenu()
        self._show = self.menu.addAction(self.tr("Show Pingmon"))
        self.menu.addSeparator()
        self._quit = self.menu.addAction(self.tr("Quit"))
        self._show.triggered.connect(self.show_asked)
        self._quit.triggered.connect(self.quit_asked)
        self.icon.setContextMenu(self.menu)
        self.icon.activated.connect(self.on_activated)
        # An icon has to be set before it is shown: some trays keep an empty place otherwise.
        self.refresh()
        if QSystemTrayIcon.isSystemTrayAvailable():
            self.icon.show()

    @property
    def is_there(self) -> bool:
        return self.icon.isVisible()

    @Slot()
    def refresh(self) -> None:
        """Paint the worst verdict of all monitors; call it when the board changed."""
        counts = {
            verdict: int((self._board.verdict == verdict).sum())
            for verdict in (Verdict.OFFLINE, Verdict.REGIONAL, Verdict.SLOW, Verdict.ONLINE)
        }
        worst = next((verdict for verdict, count in counts.items() if count), Verdict.UNKNOWN)
        bad = counts[Verdict.OFFLINE] + counts[Verdict.REGIONAL] + counts[Verdict.SLOW]
        if not self._board.ids:
            said = self.tr("Pingmon: no domains yet")
        elif bad:
            said = self.tr("Pingmon: problems with %1").replace("%1", wording.monitors_counted(bad))
        else:
            said = self.tr("Pingmon: no problems")
        self.icon.setToolTip(said)
        if worst is not self._verdict:
            self._verdict = worst
            self.icon.setIcon(_with_sign(worst))

    def say_still_here(self) -> None:
        """Tell once that closing the window did not end the app."""
        self.icon.showMessage(
            self.tr("Pingmon keeps watching"),
            self.tr("The window is closed; Pingmon stays here in the tray. Quit it from this icon's menu."),
            resource.app_icon(),
        )

    def close(self) -> None:
        self.icon.hide()
        self.menu.deleteLater()

    @Slot(QSystemTrayIcon.ActivationReason)
    def on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason in (QSystemTrayIcon.ActivationReason.Trigger, QSystemTrayIcon.ActivationReason.DoubleClick):
            self.show_asked.emit()


def _with_sign(verdict: Verdict) -> QIcon:
    """Return the app's icon with a verdict's sign in its corner, on a light disc that any panel lets see."""
    made = QIcon()
    for side in _SIDES:
        image: QPixmap = resource.app_icon().pixmap(side, side).copy()
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        part = side * 0.62
        painter.translate(side - part, side - part)
        painter.scale(part / status_shape.SIZE, part / status_shape.SIZE)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(Qt.GlobalColor.white)
        painter.drawEllipse(QRect(QPoint(0, 0), QPoint(status_shape.SIZE - 1, status_shape.SIZE - 1)))
        status_shape.paint(painter, int(verdict), LIGHT.of_verdict(verdict), "#ffffff")
        painter.end()
        made.addPixmap(image)
    return made
