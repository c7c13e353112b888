"""The window's front end: makes the application, runs the session under it, and ends both in order.

Order of the end: stop event -> window's tasks -> requests of others -> session (probes, flush, store) -> windows ->
loop. Both exception hooks lead to one reporter.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qasync
from PySide6.QtCore import QObject, QTimer, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMessageBox, QWidget

from pingmon_gui import log
from pingmon_gui.answer import Answers
from pingmon_gui.domain.alert import AlertId
from pingmon_gui.domain.error import (
    PingmonError,
    StorageCorrupt,
    StorageError,
    StorageFull,
    StorageReadOnly,
    StorageTooNew,
)
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.ownership import Ownership
from pingmon_gui.session import LinkFactory, Session
from pingmon_gui.ui import alert_wording, wording
from pingmon_gui.ui.crash_dialog import CrashReporter
from pingmon_gui.ui.main_window import MainWindow
from pingmon_gui.ui.theme import ThemeSwitch
from pingmon_gui.ui.tray import Tray
from pingmon_gui.ui.tray_notifier import TrayNotifier
from pingmon_gui.ui.window_frame import WindowFrame

_log = logging.getLogger(__name__)


def run_window(
    ownership: Ownership,
    frame: WindowFrame,
    *,
    minimized: bool,
    debug: bool,
    kiosk: bool = False,
    probes: LinkFactory | None = None,
) -> int:
    """Fill the frame from a data folder that is owned already; return the exit code when it is closed for good."""
    crashes = CrashReporter()
    hook = sys.excepthook
    sys.excepthook = _excepthook(crashes)
    try:
        run = WindowRun(ownership, frame.theme, crashes, minimized=minimized, kiosk=kiosk, probes=probes, frame=frame)
        code: int = qasync.run(run.main())  # type: ignore[no-untyped-call]
        return code
    finally:
        sys.excepthook = hook
        if debug:
            _log.debug("the window's loop has ended")


class WindowRun(QObject):
    """One life of the window, from the first frame to the last flush."""

    def __init__(
        self,
        ownership: Ownership,
        theme: ThemeSwitch,
        crashes: CrashReporter,
        *,
        minimized: bool,
        kiosk: bool = False,
        probes: LinkFactory | None = None,
        frame: WindowFrame | None = None,
    ) -> None:
        super().__init__()
        self._ownership = ownership
        self._theme = theme
        self._crashes = crashes
        self._minimized = minimized
        self._kiosk = kiosk
        self.session = Session(ownership.data_dir, probes=probes)
        self.frame = frame or WindowFrame(ownership.data_dir, theme)
        self.frame.close_asked.connect(self.on_close_asked)
        self._stop: asyncio.Event | None = None
        self.window: MainWindow | None = None
        self.tray: Tray | None = None

    async def main(self) -> int:
        """Run until the user quits. Returns the exit code."""
        self._stop = asyncio.Event()
        asyncio.get_running_loop().set_exception_handler(self._loop_hook)
        # The frame timer lets Python notice a signal within a moment.
        before = {
            name: signal.signal(name, lambda *_: self.on_quit_asked()) for name in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            return await self._live()
        finally:
            for name, handler in before.items():
                signal.signal(name, handler)
            self.frame.hide()
            self.frame.deleteLater()

    async def _live(self) -> int:
        assert self._stop is not None
        if not await self._start():
            return 1
        window, tray = self._open()
        # What is there now stays: looking through it for garbage would hold up the window by 0.1 s each time.
        gc.freeze()
        try:
            await self._ownership.serve(Answers(self.session).answer)
            await self._stop.wait()
        except PingmonError as exc:
            # Without its socket the window still watches: only commands from a terminal cannot reach it.
            _log.warning("%s", exc)
            window.show_error(exc)
            await self._stop.wait()
        finally:
            window.save_layout()
            await window.stop()
            await self._ownership.stop_serving()
            await self.session.stop()
            tray.close()
            window.allow_close()
            window.close()
            window.deleteLater()
            gc.unfreeze()
        return 0

    async def _start(self) -> bool:
        """Start the session, asking the user what to do while its data cannot be used; False to give up."""
        while True:
            try:
                await self.session.start()
            except StorageError as exc:
                _log.error("%s", exc)
                if not await ask_about_storage(exc, self._ownership.data_dir, self.frame):
                    return False
            else:
                return True

    def _open(self) -> tuple[MainWindow, Tray]:
        assert self._stop is not None
        preferences = self.session.preferences
        log.set_level(preferences.text("log_level"))
        self._theme.set_mode(preferences.text("theme"))
        self.window = window = MainWindow(self.session, self._theme, self._crashes, self.session.now_ms)
        self.tray = tray = Tray(self.session.board, self)
        self._crashes.set_window(window)
        window.quit_asked.connect(self.on_quit_asked)
        window.close_asked.connect(self.on_close_asked)
        window.bridge.preferences_changed.connect(self.on_preferences_changed)
        window.bridge.board_changed.connect(tray.refresh)
        tray.quit_asked.connect(self.on_quit_asked)
        tray.show_asked.connect(window.bring_up)
        self.session.alerts.set_desktop(TrayNotifier(tray.icon, tray), alert_wording.say, self.on_alert_asked)
        self.frame.hold(window)
        if not (self._minimized and tray.is_there) and not self._stop.is_set():
            self.frame.show()
        window.bridge.start()
        if self._kiosk:
            window.maps.show_kiosk()
        # Later: the pane takes a moment to build.
        QTimer.singleShot(0, window, window.make_detail)
        QTimer.singleShot(0, window, window.alerts.load)
        return window, tray

    def on_alert_asked(self, alert: AlertId) -> None:
        """A notification was clicked: show what it is about."""
        if self.window is not None:
            self.window.bring_up()
            self.window.alerts.show_page(alert)

    @Slot()
    def on_quit_asked(self) -> None:
        if self._stop is not None:
            self._stop.set()

    @Slot()
    def on_close_asked(self) -> None:
        """Closing keeps watching from the tray where there is one and the user wants it; else it quits."""
        if self.window is None or self.tray is None:
            # Not open yet: nobody has to wait for that to see it go.
            self.frame.hide()
            self.on_quit_asked()
            return
        if not (self.tray.is_there and self.session.preferences.flag("close_to_tray")):
            self.on_quit_asked()
            return
        self.window.save_layout()
        self.frame.hide()
        if str(self.window.settings.value("said_tray", "false")).lower() != "true":
            self.window.settings.setValue("said_tray", True)
            self.tray.say_still_here()

    @Slot(object)
    def on_preferences_changed(self, preferences: Preferences) -> None:
        log.set_level(preferences.text("log_level"))

    def _loop_hook(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException):
            self._crashes.report(error)
        else:
            _log.error("%s", context.get("message"))


async def ask_about_storage(error: StorageError, data_dir: Path, parent: QWidget | None = None) -> bool:
    """Show why the data cannot be used, and what can be done; return whether to try again."""
    answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    box = storage_dialog(error, data_dir, parent)
    again = box.button(QMessageBox.StandardButton.Retry)

    def finished(_code: int) -> None:
        if not answer.done():
            answer.set_result(box.clickedButton() is again)

    box.finished.connect(finished)
    box.open()
    try:
        return await answer
    finally:
        box.close()
        box.deleteLater()


def storage_dialog(error: StorageError, data_dir: Path, parent: QWidget | None = None) -> QMessageBox:
    """Return the dialog for a data folder that cannot be used: what is wrong, and the choices."""
    translate = wording.translate
    match error:
        case StorageTooNew():
            title = translate("Storage", "These data were written by a newer Pingmon")
        case StorageCorrupt():
            title = translate("Storage", "The database is damaged")
        case StorageReadOnly():
            title = translate("Storage", "The data folder cannot be written")
        case StorageFull():
            title = translate("Storage", "The disk is full")
        case _:
            title = translate("Storage", "The data cannot be used just now")
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Warning)
    box.setWindowTitle(translate("Storage", "Pingmon"))
    box.setText(title)
    folder = translate("Storage", "Data folder: %1").replace("%1", wording.plain(data_dir))
    box.setInformativeText(f"{wording.problem(error)}\n\n{folder}")
    box.addButton(QMessageBox.StandardButton.Retry).setText(translate("Storage", "Try again"))
    box.addButton(QMessageBox.StandardButton.Close).setText(translate("Storage", "Quit"))
    show = box.addButton(translate("Storage", "Open the folder"), QMessageBox.ButtonRole.HelpRole)
    # It stays open: the folder is looked at beside it.
    show.clicked.disconnect()
    show.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(data_dir))))
    box.setDefaultButton(QMessageBox.StandardButton.Retry)
    box.setEscapeButton(QMessageBox.StandardButton.Close)
    return box


def _excepthook(
    crashes: CrashReporter,
) -> Callable[[type[BaseException], BaseException, types.TracebackType | None], None]:
    def hook(kind: type[BaseException], error: BaseException, traceback: types.TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, traceback)
            return
        crashes.report(error)

    return hook
