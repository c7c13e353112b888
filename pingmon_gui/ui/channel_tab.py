"""The channels: ticked on and off, made, edited, tested and deleted."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QTableWidgetItem, QWidget

from pingmon_gui.alerting import Alerting
from pingmon_gui.domain.alert_channel import Channel, ChannelKind, desktop_channel
from pingmon_gui.domain.error import PingmonError
from pingmon_gui.ui import alert_wording, tab_parts, wording
from pingmon_gui.ui.run_card import Spawn


class ChannelTab(QWidget):
    """`asked` carries a channel that is to be edited, or the kind of a new one; `said` (sentence, is it an error?)."""

    asked = Signal(object)
    said = Signal(str, bool)

    def __init__(self, alerting: Alerting, spawn: Spawn, parent: QWidget) -> None:
        super().__init__(parent)
        self._alerting = alerting
        self._spawn = spawn
        self.table = tab_parts.short_table(
            [self.tr("Channel"), self.tr("Leads to"), self.tr("State")], self.tr("Channels"), self
        )
        self.table.itemChanged.connect(self.on_ticked)
        self.table.itemDoubleClicked.connect(self.on_edit)
        self.table.itemSelectionChanged.connect(self.update_buttons)
        text = self.tr(
            "Ways by which alerts leave Pingmon. Addresses and keys are kept in the system's keyring; where there is "
            "none, in files that only you can read."
        )
        self.add = tab_parts.button(self.tr("&New channel"), self)
        self.menu = QMenu(self)
        for name, kind in (
            (self.tr("&Webhook…"), ChannelKind.WEBHOOK),
            (self.tr("E-mail, chat, phone: &Apprise…"), ChannelKind.APPRISE),
            (self.tr("Notifications of this &desktop"), ChannelKind.DESKTOP),
        ):
            self.menu.addAction(name).setData(kind)
        self.menu.triggered.connect(self.on_add)
        self.add.setMenu(self.menu)
        self.edit = tab_parts.button(self.tr("&Edit…"), self, self.on_edit)
        self.test = tab_parts.button(self.tr("Send a &test"), self, self.on_test)
        self.delete = tab_parts.button(self.tr("De&lete"), self, self.on_delete)
        tab_parts.stack(self, [tab_parts.note(text, self), self.table], [self.add, self.edit, self.test, self.delete])

    def show_book(self) -> None:
        channels = self._alerting.book.channels
        failing = self._alerting.policy.failing_channels
        tab_parts.fill(
            self.table,
            [
                (
                    channel,
                    channel.is_enabled,
                    [
                        alert_wording.channel_name(channel),
                        alert_wording.channel_kind(channel),
                        self._state(channel, failing.get(channel.id)),
                    ],
                )
                for channel in channels.values()
            ],
        )
        for action in self.menu.actions():
            if ChannelKind(action.data()) is ChannelKind.DESKTOP:
                action.setEnabled(desktop_channel().id not in channels)
        self.update_buttons()

    def _state(self, channel: Channel, failing_since_ms: int | None) -> str:
        if not channel.is_enabled:
            return self.tr("off")
        if failing_since_ms is not None:
            return self.tr("delivers nothing since %1").replace("%1", wording.date_time(failing_since_ms))
        waiting = self._alerting.waiting.get(channel.id, 0)
        return wording.counted(self.tr("%n message(s) waiting", "", waiting), waiting) if waiting else self.tr("ready")

    @Slot()
    def update_buttons(self) -> None:
        channel = self._selected()
        self.edit.setEnabled(channel is not None and channel.kind is not ChannelKind.DESKTOP)
        self.test.setEnabled(channel is not None)
        self.delete.setEnabled(channel is not None)

    def _selected(self) -> Channel | None:
        found = tab_parts.selected(self.table)
        return found if isinstance(found, Channel) else None

    @Slot(QAction)
    def on_add(self, action: QAction) -> None:
        kind = ChannelKind(action.data())  # Qt keeps its text alone
        if kind is ChannelKind.DESKTOP:
            self._spawn(self._alerting.save_channel(desktop_channel()))
        else:
            self.asked.emit(kind)

    @Slot()
    def on_edit(self) -> None:
        channel = self._selected()
        if channel is not None and channel.kind is not ChannelKind.DESKTOP:
            self.asked.emit(channel)

    @Slot()
    def on_delete(self) -> None:
        if (channel := self._selected()) is not None:
            self._spawn(self._delete(channel))

    async def _delete(self, channel: Channel) -> None:
        await self._alerting.delete_channel(channel.id)
        text = self.tr("Deleted the channel %1; rules do without it.")
        self.said.emit(text.replace("%1", alert_wording.channel_name(channel)), False)

    @Slot(QTableWidgetItem)
    def on_ticked(self, item: QTableWidgetItem) -> None:
        channel = item.data(Qt.ItemDataRole.UserRole)
        is_on = item.checkState() == Qt.CheckState.Checked
        if isinstance(channel, Channel) and channel.is_enabled != is_on:
            self._spawn(self._alerting.set_channel_enabled(channel.id, is_on))

    @Slot()
    def on_test(self) -> None:
        if (channel := self._selected()) is not None:
            self._spawn(self._try(channel))

    async def _try(self, channel: Channel) -> None:
        name = alert_wording.channel_name(channel)
        self.test.setEnabled(False)
        self.said.emit(self.tr("Sending a test by %1…").replace("%1", name), False)
        try:
            await self._alerting.test_channel(channel)
        except PingmonError as exc:
            self.said.emit(wording.problem(exc), True)
        else:
            text = self.tr("The test was delivered by %1: look whether it arrived.")
            self.said.emit(text.replace("%1", name), False)
        finally:
            self.update_buttons()
