"""Keeps the screen from going dark, where the system offers that: org.freedesktop.ScreenSaver on D-Bus.

Nothing fails where there is none: then the system's own settings decide.
"""

from __future__ import annotations

import logging

from PySide6.QtCore import QObject, Slot
from PySide6.QtDBus import QDBusConnection, QDBusMessage, QDBusPendingCallWatcher

_log = logging.getLogger(__name__)

_SERVICE, _PATH = "org.freedesktop.ScreenSaver", "/org/freedesktop/ScreenSaver"
_BUS = "pingmon-screen"


class ScreenAwake(QObject):
    """From `hold` to `release` the screen stays on; `is_granted` is whether the system has promised it.

    It speaks on a connection of its own: a promise ends when the one who asked for it is gone from the bus.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.is_granted = False
        self._asked: QDBusPendingCallWatcher | None = None

    def hold(self, why: str) -> None:
        """Ask for it; nobody waits for the answer."""
        bus = QDBusConnection.connectToBus(QDBusConnection.BusType.SessionBus, _BUS)
        if not bus.isConnected():
            _log.info("the screen may go dark: there is no session bus")
            return
        message = QDBusMessage.createMethodCall(_SERVICE, _PATH, _SERVICE, "Inhibit")
        message.setArguments(["pingmon", why])
        self._asked = QDBusPendingCallWatcher(bus.asyncCall(message), self)
        self._asked.finished.connect(self.on_answered)

    def release(self) -> None:
        self._asked = None
        self.is_granted = False
        QDBusConnection.disconnectFromBus(_BUS)

    @Slot(QDBusPendingCallWatcher)
    def on_answered(self, answer: QDBusPendingCallWatcher) -> None:
        if answer is self._asked:
            self.is_granted = not answer.isError()
            if not self.is_granted:
                _log.info("the screen may go dark: %s", answer.error().message())
        answer.deleteLater()
