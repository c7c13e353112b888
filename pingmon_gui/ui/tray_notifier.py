"""Notifications by the tray icon, where nothing better is there: they can be opened, and nothing more."""

from __future__ import annotations

import sys
from collections.abc import Callable

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QSystemTrayIcon

from pingmon_gui.alerts.port import DesktopAction, DesktopNotice
from pingmon_gui.domain.alert import AlertId
from pingmon_gui.domain.error import ChannelError


class TrayNotifier(QObject):
    """A `DesktopNotifier`. A click is about the newest notification: Qt does not tell which one it was."""

    def __init__(self, icon: QSystemTrayIcon, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.on_action: Callable[[AlertId, DesktopAction], None] | None = None
        self.on_there: Callable[[], None] | None = None
        self._icon = icon
        self._newest: AlertId | None = None
        icon.messageClicked.connect(self.on_clicked)

    @property
    def _is_there(self) -> bool:
        if not (self._icon.isVisible() and QSystemTrayIcon.supportsMessages()):
            return False
        # In a panel that is spoken to by D-Bus, which says no place, Qt would send them to the daemon that is absent.
        return sys.platform in ("win32", "darwin") or self._icon.geometry().isValid()

    async def show(self, notice: DesktopNotice) -> None:
        if not self._is_there:
            raise ChannelError(
                "This desktop shows no notifications just now.",
                "The bell in the window has every alert.",
                is_absent=True,
            )
        self._newest = notice.alert
        kind = QSystemTrayIcon.MessageIcon.Information if notice.is_over else QSystemTrayIcon.MessageIcon.Warning
        self._icon.showMessage(notice.title, notice.text, kind)

    async def withdraw(self, alert: AlertId) -> None:
        """Qt cannot take a message back; a click on it leads nowhere any more."""
        if self._newest == alert:
            self._newest = None

    @Slot()
    def on_clicked(self) -> None:
        if self._newest is not None and self.on_action is not None:
            self.on_action(self._newest, DesktopAction.OPEN)
