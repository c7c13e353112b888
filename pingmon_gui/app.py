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
from typing import TYPE_CHECKING, Any

import qasync
from PySide6.QtCore import QObject, Qt, QTimer, Slot

from pingmon_gui import log
from pingmon_gui.answer import Answers
from pingmon_gui.autostart import Autostart, autostart_here, start_command
from pingmon_gui.domain.alert import AlertId
from pingmon_gui.domain.backup import Restored
from pingmon_gui.domain.error import PingmonError, StorageError
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.domain.rescue import Rescued
from pingmon_gui.ownership import Ownership
from pingmon_gui.session import LinkFactory, Session
from pingmon_gui.ui import alert_wording, data_wording, wording
from pingmon_gui.ui.async_slot import Spawner
from pingmon_gui.ui.background import PATIENCE_MS, Background
from pingmon_gui.ui.crash_dialog import CrashReporter
from pingmon_gui.ui.desktop_notifications import DesktopNotifications
from pingmon_gui.ui.long_work import LongWork
from pingmon_gui.ui.main_window import MainWindow
from pingmon_gui.ui.session_start import SessionStart
from pingmon_gui.ui.storage_trouble import StorageTrouble
from pingmon_gui.ui.theme import ThemeSwitch
from pingmon_gui.ui.tray import Tray
from pingmon_gui.ui.window_frame import WindowFrame

if TYPE_CHECKING:
    from pingmon_gui.ui.waiting_box import WaitingBox

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
        autostart: Autostart | None = None,
    ) -> None:
        super().__init__()
        self._autostart = autostart or autostart_here(ownership.data_dir)
        self._session_start: SessionStart | None = None
        self._ownership = ownership
        self._theme = theme
        self._crashes = crashes
        self._minimized = minimized
        self._kiosk = kiosk
        self.session = Session(ownership.data_dir, probes=probes)
        self.frame = frame or WindowFrame(ownership.data_dir, theme)
        self.frame.close_asked.connect(self.on_close_asked)
        self._stop: asyncio.Event | None = None
        self._is_quitting = self._is_served = False
        self._waiting: WaitingBox | None = None
        self._spawner = Spawner(lambda error: _log.error("%s", error), crashes.report)
        self._trouble = StorageTrouble(self.session.renewal, self._spawner, self.frame)
        self.window: MainWindow | None = None
        self.background: Background | None = None

    async def main(self) -> int:
        """Run until the user quits. Returns the exit code."""
        self._stop = asyncio.Event()
        self.session.renewal.on_wanted = self._stop.set
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
        try:
            while await self._start():
                if not await self._life():
                    return 0
                await self._between()
            return 1
        finally:
            await self._ownership.stop_serving()
            await self._spawner.close()

    async def _life(self) -> bool:
        """Watch until the user quits, or work on the database has to be done; return whether another life follows."""
        assert self._stop is not None
        window, tray = self._open()
        notifications = DesktopNotifications(tray)
        # What is there now stays: looking through it for garbage would hold up the window by 0.1 s each time.
        gc.freeze()
        try:
            await self._serve(window)
            self._tell_outcome(window)
            notifier = await notifications.start()
            self.session.alerts.set_desktop(notifier, alert_wording.say, self.on_alert_asked)
            self._agree_on_start(window)
            await self._stop.wait()
        finally:
            window.save_layout()
            await window.stop()
            if not self._is_renewing:
                await self._ownership.stop_serving()
            await self.session.stop()
            await notifications.stop()
            tray.close()
            window.allow_close()
            window.close()
            self.frame.release()
            window.deleteLater()
            self.window = self.background = self._session_start = None
            gc.unfreeze()
        self._stop.clear()
        return self._is_renewing

    @property
    def _is_renewing(self) -> bool:
        return self.session.renewal.is_wanted and not self._is_quitting

    async def _serve(self, window: MainWindow) -> None:
        if self._is_served:
            return
        self._is_served = True
        try:
            await self._ownership.serve(Answers(self.session).answer)
        except PingmonError as exc:
            # Without its socket the window still watches: only commands from a terminal cannot reach it.
            _log.warning("%s", exc)
            window.show_error(exc)

    async def _between(self) -> None:
        """Have done what waited for the end of a life, with a word about it on the screen."""
        from pingmon_gui.ui.waiting_box import WaitingBox

        self._waiting = WaitingBox(wording.translate("Storage", "Another database is being put in place…"), self.frame)
        self._waiting.open()
        try:
            await self.session.renewal.carry_out()
        finally:
            self._waiting.deleteLater()
            self._waiting = None

    def _tell_outcome(self, window: MainWindow) -> None:
        """Let those who wait for what was done between two lives know how it went, and the user."""
        match self.session.renewal.settle():
            case PingmonError() as error:
                window.show_error(error)
            case Restored() as restored:
                window.messages.say(data_wording.restored_sentence(restored))
            case Rescued() as rescued:
                self._spawner.spawn(self._trouble.show_rescued(rescued))

    async def _start(self) -> bool:
        """Start the session, asking the user what to do while its data cannot be used; False to give up."""
        while True:
            try:
                await self.session.start()
            except StorageError as exc:
                _log.error("%s", exc)
                self.session.renewal.settle(exc)
                # Without the frame timer Python would not notice a signal while a dialog waits.
                pulse = QTimer(self.frame)
                pulse.timeout.connect(lambda: None)
                pulse.start(250)
                try:
                    if not await self._trouble.resolve(exc):
                        return False
                finally:
                    pulse.deleteLater()
            else:
                return True

    def _show_share(self, share: float) -> None:
        if self._waiting is not None:
            self._waiting.show_share(share)

    def _open(self) -> tuple[MainWindow, Tray]:
        assert self._stop is not None
        preferences = self.session.preferences
        log.set_level(preferences.text("log_level"))
        self._theme.set_mode(preferences.text("theme"))
        self.window = window = MainWindow(self.session, self._theme, self._crashes, self.session.now_ms)
        alerts = self.session.alerts
        tray = Tray(self.session.board, lambda: alerts.book.paused_until_ms, self.session.now_ms, self)
        self.background = Background(
            self.frame, window, tray, lambda: self.session.preferences.flag("close_to_tray"), PATIENCE_MS
        )
        self.background.quit_asked.connect(self.on_quit_asked)
        self._crashes.set_window(window)
        window.quit_asked.connect(self.on_quit_asked)
        window.close_asked.connect(self.on_close_asked)
        window.repair_asked.connect(self.on_repair_asked)
        window.bridge.preferences_changed.connect(self.on_preferences_changed)
        window.bridge.board_changed.connect(tray.refresh)
        window.bridge.alert_book_changed.connect(tray.menu.refresh)
        tray.menu.quit_asked.connect(self.on_quit_asked)
        tray.menu.show_asked.connect(window.bring_up)
        tray.menu.domain_asked.connect(window.show_domain)
        tray.menu.check_asked.connect(window.check_all)
        tray.menu.pause_asked.connect(window.alerts.on_pause_asked)
        self.frame.hold(window)
        if not self._stop.is_set():
            self.background.begin(minimized=self._minimized)
        self._minimized = False
        window.bridge.start()
        if self._kiosk:
            window.maps.show_kiosk()
        # Later: the pane takes a moment to build, and shares a room that a window has once it is on the screen.
        self.frame.uncovered.connect(window.make_detail, Qt.ConnectionType.QueuedConnection)
        if self.frame.isVisible() and not self.frame.isMinimized():
            QTimer.singleShot(0, window, window.make_detail)
        QTimer.singleShot(0, window, window.alerts.load)
        return window, tray

    def on_alert_asked(self, alert: AlertId) -> None:
        """A notification was clicked: show what it is about."""
        if self.window is not None:
            self.window.bring_up()
            self.window.alerts.open_alert(alert)

    @Slot()
    def on_repair_asked(self) -> None:
        """Save what can be read of the database, which turned out to be damaged while it was used."""
        renewal = self.session.renewal
        if not renewal.is_wanted:
            renewal.order(renewal.work_of_rescue(LongWork(self._show_share)))

    @Slot()
    def on_quit_asked(self) -> None:
        self._is_quitting = True
        self._trouble.give_up()
        if self._stop is not None:
            self._stop.set()

    @Slot()
    def on_close_asked(self) -> None:
        if self.background is not None:
            self.background.close()
        else:
            # Not open yet: nobody has to wait for that to see it go.
            self.frame.hide()
            self.on_quit_asked()

    @Slot(object)
    def on_preferences_changed(self, preferences: Preferences) -> None:
        log.set_level(preferences.text("log_level"))
        if self.window is not None:
            self._agree_on_start(self.window)

    def _agree_on_start(self, window: MainWindow) -> None:
        if self._session_start is None:
            command = start_command(self._ownership.data_dir)
            change = self.session.commands.change_preferences
            self._session_start = SessionStart(self._autostart, command, window.settings, change)
        window.spawner.spawn(self._session_start.agree(self.session.preferences))

    def _loop_hook(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException):
            self._crashes.report(error)
        else:
            _log.error("%s", context.get("message"))


def _excepthook(
    crashes: CrashReporter,
) -> Callable[[type[BaseException], BaseException, types.TracebackType | None], None]:
    def hook(kind: type[BaseException], error: BaseException, traceback: types.TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, traceback)
            return
        crashes.report(error)

    return hook
