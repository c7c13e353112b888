"""Notifications by the tray icon, where nothing better is there: they can be opened, and nothing more."""

from __future__ import annotations

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
        self._icon = icon
        self._newest: AlertId | None = None
        icon.messageClicked.connect(self.on_clicked)

    async def show(self, notice: DesktopNotice) -> None:
        if not self._icon.isVisible() or not QSystemTrayIcon.supportsMessages():
            raise ChannelError(
                "This desktop shows no notifications.", "The bell in the window has every alert.", is_refusal=True
            )
        self._newest = notice.alert
        kind = QSystemTrayIcon.MessageIcon.Information if notice.is_over else QSystemTrayIcon.MessageIcon.Warning
        self._icon.showMessage(notice.title, notice.text, kind)

    async def withdraw(self, alert: AlertId) -> None:
        """Qt cannot take a message back."""

    @Slot()
    def on_clicked(self) -> None:
        if self._newest is not None and self.on_action is not None:
            self.on_action(self._newest, DesktopAction.OPEN)
