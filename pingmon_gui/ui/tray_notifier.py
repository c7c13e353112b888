"""Notifications by the tray icon, where nothing better is there: they can be opened, and nothing more."""

from __future__ import annotations

import sys
from collections.abc import Callable

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QSystemTrayIcon

from pingmon_gui.alerts.port import DesktopAction, DesktopNotice
from pingmon_gui.domain.alert import AlertId
from pingmon_gui.domain.error import ChannelError
from pingmon_gui.ui.tray import Tray


class TrayNotifier(QObject):
    """A `DesktopNotifier`. A click is about the newest notification: Qt does not tell which one it was."""

    def __init__(self, tray: Tray) -> None:
        super().__init__(tray)
        self.on_action: Callable[[AlertId, DesktopAction], None] | None = None
        self.on_there: Callable[[], None] | None = None
        self._tray = tray
        self._newest: AlertId | None = None
        tray.message_clicked.connect(self.on_clicked)
        tray.came.connect(self.on_came)

    async def show(self, notice: DesktopNotice) -> None:
        icon = self._tray.icon
        if icon is None or not (self._tray.is_there and _can_show(icon)):
            raise ChannelError(
                "This desktop shows no notifications just now.",
                "The bell in the window has every alert.",
                is_absent=True,
            )
        self._newest = notice.alert
        kind = QSystemTrayIcon.MessageIcon.Information if notice.is_over else QSystemTrayIcon.MessageIcon.Warning
        icon.showMessage(notice.title, notice.text, kind)

    async def withdraw(self, alert: AlertId) -> None:
        """Qt cannot take a message back; a click on it leads nowhere any more."""
        if self._newest == alert:
            self._newest = None

    @Slot()
    def on_clicked(self) -> None:
        if self._newest is not None and self.on_action is not None:
            self.on_action(self._newest, DesktopAction.OPEN)

    @Slot()
    def on_came(self) -> None:
        if self.on_there is not None:
            self.on_there()


def _can_show(icon: QSystemTrayIcon) -> bool:
    if not QSystemTrayIcon.supportsMessages():
        return False
    # In a panel that is spoken to by D-Bus, which says no place, Qt would send them to the daemon that is absent.
    return sys.platform in ("win32", "darwin") or icon.geometry().isValid()
