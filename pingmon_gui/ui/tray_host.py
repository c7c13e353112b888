"""Whether a panel would show an icon just now. Qt follows one that comes or goes, once it has seen one."""

from __future__ import annotations

from PySide6.QtDBus import QDBus, QDBusConnection, QDBusMessage
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QSystemTrayIcon

_WATCHER = "org.kde.StatusNotifierWatcher"
_BUS = "org.freedesktop.DBus"
#: A bus that takes longer has no panel for us yet.
_PATIENCE_MS = 200


def is_there() -> bool:
    """Return whether there is a panel for icons. May take a moment where no session bus answers."""
    if QGuiApplication.platformName().startswith("wayland") and not is_watched():
        # Not to be asked yet: Qt keeps it for good that there is no panel spoken to by D-Bus, the only one on Wayland.
        return False
    return QSystemTrayIcon.isSystemTrayAvailable()


def is_watched() -> bool:
    """Return whether a panel is on the session bus."""
    question = QDBusMessage.createMethodCall(_BUS, "/org/freedesktop/DBus", _BUS, "NameHasOwner")
    question.setArguments([_WATCHER])
    answer = QDBusConnection.sessionBus().call(question, QDBus.CallMode.Block, _PATIENCE_MS)
    return answer.arguments() == [True]
