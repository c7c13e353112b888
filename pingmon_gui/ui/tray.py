"""The tray icon: the worst verdict at a glance, and a menu, while the system has a tray."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QSystemTrayIcon

from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board import Board
from pingmon_gui.ui import tray_host, tray_sign, wording
from pingmon_gui.ui.tray_menu import TrayMenu

#: How often it is looked whether there is a tray: nothing tells when one comes or goes.
LOOK_MS = 2_000
#: A panel that is started anew is away for a moment.
_MISSED = 2
#: Lines of the menu follow no faster; while it opens they are made anew.
_MENU_MS = 1_000
_PROBLEMS = (Verdict.OFFLINE, Verdict.REGIONAL, Verdict.SLOW)


class Tray(QObject):
    """`came` and `gone` tell of the tray itself. `toggle_asked`: the icon was clicked."""

    came = Signal()
    gone = Signal()
    toggle_asked = Signal()
    message_clicked = Signal()

    def __init__(
        self,
        board: Board,
        paused_until_ms: Callable[[], int],
        now_ms: Callable[[], int],
        parent: QObject | None = None,
        host_is_there: Callable[[], bool] = tray_host.is_there,
    ) -> None:
        super().__init__(parent)
        self._board = board
        self._host_is_there = host_is_there
        self._missed = _MISSED
        self._sign: tuple[Verdict, int] | None = None
        self.icon: QSystemTrayIcon | None = None
        self.menu = TrayMenu(board, paused_until_ms, now_ms)
        self._menu_timer = QTimer(self)
        self._menu_timer.setSingleShot(True)
        self._menu_timer.setInterval(_MENU_MS)
        self._menu_timer.timeout.connect(self.menu.refresh)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.VeryCoarseTimer)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()
        self.look()

    @property
    def is_there(self) -> bool:
        """Whether the icon can be seen, so that the window may be closed without the app being lost."""
        return self._missed < _MISSED

    @property
    def said(self) -> str:
        """Return what the icon means, in words."""
        if not self._board.ids:
            return self.tr("Pingmon: no domains yet")
        counts = self._counts()
        parts = [
            text.replace("%1", wording.number(counts[verdict]))
            for verdict, text in zip(
                _PROBLEMS,
                (self.tr("%1 offline"), self.tr("%1 with a regional problem"), self.tr("%1 slow")),
                strict=True,
            )
            if counts[verdict]
        ]
        if parts:
            return self.tr("Pingmon: %1").replace("%1", wording.joined(parts))
        return self.tr("Pingmon: no problems") if counts[Verdict.ONLINE] else self.tr("Pingmon: nothing known just now")

    @Slot()
    def look(self) -> None:
        """See whether there is a tray."""
        if self._host_is_there():
            is_new = not self.is_there
            self._missed = 0
            self._show()
            if is_new:
                self.came.emit()
        elif self.is_there:
            self._missed += 1
            if not self.is_there:
                self.gone.emit()

    @Slot()
    def refresh(self) -> None:
        """Show how everything stands; call it when the board changed."""
        if not self._menu_timer.isActive():
            self._menu_timer.start()
        counts = self._counts()
        worst = next((verdict for verdict, count in counts.items() if count), Verdict.UNKNOWN)
        sign = (worst, counts[worst] if worst in _PROBLEMS else 0)
        if self.icon is None:
            return
        if (said := self.said) != self.icon.toolTip():
            self.icon.setToolTip(said)
        if sign != self._sign:
            self._sign = sign
            self.icon.setIcon(tray_sign.icon(*sign))

    def close(self) -> None:
        """Take the icon away; the tray, and all that hangs on it, goes with the next turn of the loop."""
        self._timer.stop()
        self._menu_timer.stop()
        if self.icon is not None:
            self.icon.hide()
        self.menu.deleteLater()
        self.deleteLater()

    @Slot(QSystemTrayIcon.ActivationReason)
    def on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        # A double click tells of its first click already.
        if reason is QSystemTrayIcon.ActivationReason.Trigger:
            self.toggle_asked.emit()

    def _counts(self) -> dict[Verdict, int]:
        """Return how many domains have a verdict, the worst first."""
        shown = (*_PROBLEMS, Verdict.ONLINE, Verdict.UNKNOWN, Verdict.PAUSED)
        return {verdict: int((self._board.verdict == verdict).sum()) for verdict in shown}

    def _show(self) -> None:
        if self.icon is not None:
            return
        self.icon = QSystemTrayIcon(self)
        self.icon.setContextMenu(self.menu)
        self.icon.activated.connect(self.on_activated)
        self.icon.messageClicked.connect(self.message_clicked)
        # An icon has to be set before it is shown: some trays keep an empty place otherwise.
        self.refresh()
        self.icon.show()
