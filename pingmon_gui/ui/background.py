"""Where the window is when nobody looks at it: in the tray, in the task bar while there is none; or the app ends."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QMessageBox

from pingmon_gui.ui.main_window import MainWindow
from pingmon_gui.ui.tray import Tray
from pingmon_gui.ui.window_frame import WindowFrame

#: A panel may start a little later than the app. After that it is said that there is none.
PATIENCE_MS = 10_000
_SAID_TRAY, _SAID_NO_TRAY = "said_tray", "said_no_tray"


class Background(QObject):
    """`quit_asked`: the window was closed, and nothing is to be left behind."""

    quit_asked = Signal()

    def __init__(
        self, frame: WindowFrame, window: MainWindow, tray: Tray, wants_tray: Callable[[], bool], patience_ms: int
    ) -> None:
        super().__init__(tray)
        self._frame = frame
        self._window = window
        self._tray = tray
        self._wants_tray = wants_tray
        self._is_away = False
        self.question: QMessageBox | None = None
        tray.came.connect(self.on_came)
        tray.gone.connect(self.on_gone)
        tray.toggle_asked.connect(self.toggle)
        frame.uncovered.connect(self.on_uncovered)
        QTimer.singleShot(patience_ms, self, self.tell_no_tray)

    def begin(self, *, minimized: bool) -> None:
        """Show the window, or leave it out of the way."""
        if not minimized:
            self._frame.show()
        else:
            self._go_away()

    def close(self) -> None:
        """The window was closed: keep watching from the tray where there is one and the user wants it, else quit."""
        if not (self._tray.is_there and self._wants_tray()):
            self.quit_asked.emit()
        elif self._said(_SAID_TRAY):
            self._window.save_layout()
            self._go_away()
        elif self.question is None:
            self._explain()

    @Slot()
    def toggle(self) -> None:
        """Bring the window up, or put it away where it is in front already."""
        if self._frame.is_in_front and self._tray.is_there:
            self._go_away()
        else:
            self._window.bring_up()

    @Slot()
    def on_uncovered(self) -> None:
        self._is_away = False

    @Slot()
    def on_came(self) -> None:
        if self._is_away and self._frame.isMinimized():
            self._frame.hide()

    @Slot()
    def on_gone(self) -> None:
        """Nobody would find a hidden window any more."""
        if not self._frame.isVisible():
            self._is_away = True
            self._frame.showMinimized()
            self._window.messages.say(self.tr("The tray is gone. The window stays in the task bar until it is back."))

    @Slot()
    def tell_no_tray(self) -> None:
        """Say once that this desktop has no tray, and what that means."""
        if not self._tray.is_there and self._wants_tray() and not self._said(_SAID_NO_TRAY):
            self._note(_SAID_NO_TRAY)
            self._window.messages.say(
                self.tr(
                    "This desktop has no tray, so Pingmon watches while its window is open; minimize it instead of "
                    "closing it. On GNOME the extension “AppIndicator” brings a tray."
                )
            )

    def _go_away(self) -> None:
        if self._tray.is_there:
            self._frame.hide()
        else:
            self._frame.showMinimized()
        self._is_away = True

    def _explain(self) -> None:
        """Tell what closing means, at the first time."""
        # Closed in a task bar, it may be minimized, and the question with it.
        self._window.bring_up()
        self.question = box = QMessageBox(self._frame)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setIcon(QMessageBox.Icon.Information)
        box.setWindowTitle(self.tr("Pingmon"))
        box.setText(self.tr("Pingmon keeps watching in the tray"))
        box.setInformativeText(
            self.tr(
                "Its icon in the panel shows how your domains are; a click on it brings the window back. “Quit” in its "
                "menu ends watching. What closing does can be set in the preferences."
            )
        )
        keep = box.addButton(self.tr("&Keep watching"), QMessageBox.ButtonRole.AcceptRole)
        quit_ = box.addButton(self.tr("&Quit Pingmon"), QMessageBox.ButtonRole.DestructiveRole)
        stay = box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(keep)
        box.setEscapeButton(stay)
        box.finished.connect(lambda: self._answered(box.clickedButton() is keep, box.clickedButton() is quit_))
        box.open()

    def _answered(self, is_kept: bool, is_quit: bool) -> None:
        assert self.question is not None
        self.question.deleteLater()
        self.question = None
        if is_kept or is_quit:
            self._note(_SAID_TRAY)
        if is_kept:
            self.close()
        elif is_quit:
            self.quit_asked.emit()

    def _said(self, what: str) -> bool:
        return str(self._window.settings.value(what, "false")).lower() == "true"

    def _note(self, what: str) -> None:
        self._window.settings.setValue(what, True)
