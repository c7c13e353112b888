"""Everything about alerts in a window of its own: what was told, the rules, the channels, and each delivery."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QItemSelectionModel, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction, QCloseEvent, QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMenu,
    QPushButton,
    QTableView,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from pingmon_gui.alerting import Alerting
from pingmon_gui.domain.alert import Alert, AlertId
from pingmon_gui.domain.alert_channel import Channel, ChannelKind, desktop_channel
from pingmon_gui.domain.alert_rule import AlertRule
from pingmon_gui.domain.delivery import Delivery
from pingmon_gui.ui import alert_wording, sheet, wording
from pingmon_gui.ui.alert_bell import add_pause_actions
from pingmon_gui.ui.alert_table import AlertColumn, AlertTable, DeliveryColumn, DeliveryTable
from pingmon_gui.ui.run_card import Spawn
from pingmon_gui.ui.sentence_label import SentenceLabel
from pingmon_gui.ui.theme import ThemeSwitch, current

CLOCK_MS = 1_000
_WEEKS_MS = 28 * 86_400_000
_UNIT_WIDTHS = {AlertColumn.LASTED: 16, AlertColumn.STATE: 20}
_DELIVERY_WIDTHS = {DeliveryColumn.CHANNEL: 16, DeliveryColumn.STATE: 22}


class AlertPage(QDialog):
    """`rule_asked` and `channel_asked` carry what is to be edited: a rule or None, a channel or its kind.

    `incident_asked` carries the incident behind an alert.
    """

    rule_asked = Signal(object)
    channel_asked = Signal(object)
    incident_asked = Signal(object)

    def __init__(
        self,
        store: Any,
        alerting: Alerting,
        spawn: Spawn,
        now_ms: Callable[[], int],
        theme: ThemeSwitch | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Alerts"))
        self._store = store
        self._alerting = alerting
        self._spawn = spawn
        self._now_ms = now_ms
        self._loading: asyncio.Task[Any] | None = None
        self._deleted: AlertRule | None = None
        self.model = AlertTable(now_ms, self)
        self.deliveries_model = DeliveryTable(self)
        self.tabs = QTabWidget(self)
        self.tabs.addTab(self._alerts_tab(), self.tr("&Alerts"))
        self.tabs.addTab(self._rules_tab(), self.tr("&Rules"))
        self.tabs.addTab(self._channels_tab(), self.tr("&Channels"))
        self.tabs.addTab(self._deliveries_tab(), self.tr("&Deliveries"))
        self.message = SentenceLabel(self)
        self.pause_note = QLabel(self)
        self.pause_note.setTextFormat(Qt.TextFormat.PlainText)
        self.pause_note.setWordWrap(True)
        self.pause_button = QPushButton(self)
        self.pause_button.setAutoDefault(False)
        self.pause_menu = QMenu(self)
        self.pause_menu.triggered.connect(self.on_pause)
        self.pause_button.setMenu(self.pause_menu)
        below = QHBoxLayout()
        below.addWidget(self.pause_note, 1)
        below.addWidget(self.pause_button)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(14, 12, 14, 12)
        whole.setSpacing(10)
        whole.addWidget(self.tabs, 1)
        whole.addWidget(self.message)
        whole.addLayout(below)
        self._timer = QTimer(self)
        self._timer.setInterval(CLOCK_MS)
        self._timer.timeout.connect(self.on_clock)
        if theme is not None:
            theme.changed.connect(self.refresh)
        self.show_book()
        self.refresh()
        wanted = QSize(self.fontMetrics().averageCharWidth() * 130, self.fontMetrics().lineSpacing() * 36)
        self.resize(wanted.boundedTo(self.screen().availableSize() * 0.9))

    # Building

    def _alerts_tab(self) -> QWidget:
        self.table = self._table(self.model, self.tr("Alerts"))
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(AlertColumn.WHAT, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(AlertColumn.BEGAN, QHeaderView.ResizeMode.ResizeToContents)
        self._set_widths(self.table, _UNIT_WIDTHS)
        self.table.selectionModel().selectionChanged.connect(self.on_selected)
        self.detail = QLabel(self)
        self.detail.setTextFormat(Qt.TextFormat.PlainText)
        self.detail.setWordWrap(True)
        self.detail.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.detail.setMinimumHeight(self.fontMetrics().lineSpacing() * 4)
        self.detail.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.acknowledge = self._button(self.tr("I &look after it"), self.on_acknowledge)
        self.snooze = self._button(self.tr("&Snooze 1 hour"), self.on_snooze)
        self.incident = self._button(self.tr("Show &incident"), self.on_incident)
        return self._stacked([self.table, self.detail], [self.acknowledge, self.snooze, self.incident])

    def _rules_tab(self) -> QWidget:
        heads = [self.tr("Rule"), self.tr("Tells of"), self.tr("Where"), self.tr("Tells by")]
        self.rules = self._list(heads, self.tr("Rules"))
        self.rules.itemChanged.connect(self.on_rule_ticked)
        self.rules.itemDoubleClicked.connect(self.on_edit_rule)
        note = self._note(
            self.tr(
                "A rule tells its channels what goes wrong. The list of alerts has everything, whatever the channels."
            )
        )
        self.add_rule = self._button(self.tr("&New rule…"), self.on_add_rule)
        self.edit_rule = self._button(self.tr("&Edit…"), self.on_edit_rule)
        self.delete_rule = self._button(self.tr("De&lete"), self.on_delete_rule)
        self.undo_delete = self._button(self.tr("&Undo"), self.on_undo_delete)
        self.undo_delete.hide()
        return self._stacked([note, self.rules], [self.add_rule, self.edit_rule, self.delete_rule, self.undo_delete])

    def _channels_tab(self) -> QWidget:
        self.channels = self._list([self.tr("Channel"), self.tr("Leads to"), self.tr("State")], self.tr("Channels"))
        self.channels.itemChanged.connect(self.on_channel_ticked)
        self.channels.itemDoubleClicked.connect(self.on_edit_channel)
        note = self._note(
            self.tr("Ways by which alerts leave Pingmon. Addresses and keys are kept in the system's keyring.")
        )
        self.add_channel = self._button(self.tr("&New channel"), None)
        menu = QMenu(self)
        for text, kind in (
            (self.tr("&Webhook…"), ChannelKind.WEBHOOK),
            (self.tr("E-mail, chat, phone: &Apprise…"), ChannelKind.APPRISE),
            (self.tr("Notifications of this &desktop"), ChannelKind.DESKTOP),
        ):
            menu.addAction(text).setData(kind)
        menu.triggered.connect(self.on_add_channel)
        self.channel_menu = menu
        self.add_channel.setMenu(menu)
        self.edit_channel = self._button(self.tr("&Edit…"), self.on_edit_channel)
        self.test_channel = self._button(self.tr("Send a &test"), self.on_test)
        self.delete_channel = self._button(self.tr("De&lete"), self.on_delete_channel)
        return self._stacked(
            [note, self.channels], [self.add_channel, self.edit_channel, self.test_channel, self.delete_channel]
        )

    def _deliveries_tab(self) -> QWidget:
        self.deliveries = self._table(self.deliveries_model, self.tr("Deliveries"))
        header = self.deliveries.horizontalHeader()
        header.setSectionResizeMode(DeliveryColumn.AT, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(DeliveryColumn.MESSAGE, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(DeliveryColumn.PROBLEM, QHeaderView.ResizeMode.Stretch)
        self._set_widths(self.deliveries, _DELIVERY_WIDTHS)
        self.again = self._button(self.tr("Try what waits &now"), self.on_again)
        note = self._note(
            self.tr("Every message is kept before it is sent, and tried for a day. Late ones say that they are late.")
        )
        return self._stacked([note, self.deliveries], [self.again])

    def _table(self, model: Any, name: str) -> QTableView:
        table = QTableView(self)
        table.setModel(model)
        _plain_table(table, name)
        return table

    def _list(self, heads: Sequence[str], name: str) -> QTableWidget:
        table = QTableWidget(0, len(heads), self)
        table.setHorizontalHeaderLabels(list(heads))
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        _plain_table(table, name)
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        table.itemSelectionChanged.connect(self.update_buttons)
        return table

    def _set_widths(self, table: QTableView, widths: dict[Any, int]) -> None:
        unit = table.fontMetrics().averageCharWidth()
        for column, width in widths.items():
            table.setColumnWidth(column, unit * width)

    def _note(self, text: str) -> QLabel:
        note = QLabel(text, self)
        note.setTextFormat(Qt.TextFormat.PlainText)
        note.setWordWrap(True)
        note.setProperty("quiet", True)
        return note

    def _button(self, text: str, act: Callable[[], None] | None) -> QPushButton:
        button = QPushButton(text, self)
        button.setAutoDefault(False)
        if act is not None:
            button.clicked.connect(act)
        return button

    def _stacked(self, parts: Sequence[QWidget], buttons: Sequence[QPushButton]) -> QWidget:
        page = QWidget(self)
        column = QVBoxLayout(page)
        column.setSpacing(8)
        for part in parts:
            column.addWidget(part, 1 if isinstance(part, QTableView) else 0)
        row = QHBoxLayout()
        for button in buttons:
            row.addWidget(button)
        row.addStretch(1)
        column.addLayout(row)
        return page

    # What is shown

    @Slot()
    def reload(self) -> None:
        """Read alerts and deliveries anew; a newer request takes the place of an older."""
        if self._loading is not None:
            self._loading.cancel()
        self._loading = self._spawn(self._load())

    async def _load(self) -> None:
        now_ms = self._now_ms()
        alerts = await self._store.alerts(now_ms - _WEEKS_MS, now_ms + 1)
        deliveries = await self._store.deliveries(300)
        self._show_alerts(alerts)
        self.deliveries_model.show_deliveries(deliveries, self._alerting.book.channels)

    def _show_alerts(self, alerts: Sequence[Alert]) -> None:
        # What a full disk keeps from being kept is shown all the same.
        live = {alert.id: alert for alert in self._alerting.live}
        known = [live.pop(alert.id, alert) for alert in alerts]
        newest = sorted([*live.values(), *known], key=lambda alert: -alert.opened_at_ms)
        self.model.show_alerts(newest)
        if newest and not self.table.selectionModel().hasSelection():
            self.table.selectRow(0)
        self.on_selected()

    def show_book(self) -> None:
        """Take over rules, channels and the pause."""
        book = self._alerting.book
        self._fill(
            self.rules,
            [
                (
                    rule,
                    rule.is_enabled,
                    [
                        alert_wording.rule_name(rule),
                        alert_wording.rule_what(rule),
                        alert_wording.rule_where(rule),
                        alert_wording.channel_names(rule.channels, book.channels),
                    ],
                )
                for rule in book.rules
            ],
        )
        failing = self._alerting.policy.failing_channels
        self._fill(
            self.channels,
            [
                (
                    channel,
                    channel.is_enabled,
                    [
                        alert_wording.channel_name(channel),
                        alert_wording.channel_kind(channel),
                        self._channel_state(channel, failing.get(channel.id)),
                    ],
                )
                for channel in book.channels.values()
            ],
        )
        for action in self.channel_menu.actions():
            if ChannelKind(action.data()) is ChannelKind.DESKTOP:
                action.setEnabled(desktop_channel().id not in book.channels)
        self._show_pause()
        self.update_buttons()

    def _channel_state(self, channel: Channel, failing_since_ms: int | None) -> str:
        if not channel.is_enabled:
            return self.tr("off")
        if failing_since_ms is not None:
            return self.tr("delivers nothing since %1").replace("%1", wording.date_time(failing_since_ms))
        waiting = self._alerting.waiting.get(channel.id, 0)
        return wording.counted(self.tr("%n message(s) waiting", "", waiting), waiting) if waiting else self.tr("ready")

    def _fill(self, table: QTableWidget, rows: Sequence[tuple[object, bool, Sequence[str]]]) -> None:
        chosen = table.currentRow()
        table.blockSignals(True)
        table.setRowCount(len(rows))
        for row, (what, is_on, texts) in enumerate(rows):
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(wording.tool_tip(text))
                item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
                if column == 0:
                    item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                    item.setCheckState(Qt.CheckState.Checked if is_on else Qt.CheckState.Unchecked)
                    item.setData(Qt.ItemDataRole.UserRole, what)
                table.setItem(row, column, item)
        table.blockSignals(False)
        if rows:
            table.selectRow(min(max(chosen, 0), len(rows) - 1))

    def _show_pause(self) -> None:
        now_ms, until_ms = self._now_ms(), self._alerting.book.paused_until_ms
        is_paused = until_ms > now_ms
        if is_paused:
            text = self.tr("All alerts are paused until %1. What lasts then is told; the list has everything.")
            self.pause_note.setText(text.replace("%1", wording.date_time(until_ms)))
        else:
            self.pause_note.setText("")
        self.pause_button.setText(self.tr("Paused") if is_paused else self.tr("&Pause all alerts"))
        self.pause_menu.clear()
        add_pause_actions(self.pause_menu, until_ms, now_ms)
        submenus = [action.menu() for action in self.pause_menu.actions()]
        for submenu in submenus:
            if isinstance(submenu, QMenu):
                # One level is enough here.
                self.pause_menu.clear()
                for action in submenu.actions():
                    self.pause_menu.addAction(action)

    @Slot()
    def refresh(self) -> None:
        """Take over the colours in use."""
        style = (
            "QTableView::item { padding: 0 5px; } QHeaderView::section { padding: 4px 5px; }"
            f"QTableView {{ selection-background-color: {current().selection}; selection-color: {current().text}; }}"
        )
        for table in (self.table, self.rules, self.channels, self.deliveries):
            table.setStyleSheet(style)
        for label in self.findChildren(QLabel):
            if label.property("quiet"):
                label.setStyleSheet(sheet.controls())

    def select(self, id_: AlertId) -> None:
        """Bring an alert up."""
        self.tabs.setCurrentIndex(0)
        row = self.model.row_of(id_)
        if row >= 0:
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.table.selectionModel().setCurrentIndex(self.model.index(row, 0), flags)

    def delivery_changed(self, delivery: Delivery) -> None:
        """A message is further than before."""
        self.deliveries_model.put(delivery)

    # What is selected

    def selected_alert(self) -> Alert | None:
        rows = self.table.selectionModel().selectedRows()
        return self.model.alert_at(rows[0].row()) if rows else None

    def selected_rule(self) -> AlertRule | None:
        return _selected(self.rules)

    def selected_channel(self) -> Channel | None:
        return _selected(self.channels)

    @Slot()
    def on_selected(self) -> None:
        alert = self.selected_alert()
        if alert is None:
            nothing = self.tr("No alerts in the last four weeks.\nWhat your rules tell of is listed here.")
            self.detail.setText("" if self.model.rowCount() else nothing)
        else:
            self.detail.setText(alert_wording.alert_words(alert, self._now_ms()).text)
        self.update_buttons()

    @Slot()
    def update_buttons(self) -> None:
        alert = self.selected_alert()
        is_open = alert is not None and alert.is_open
        self.acknowledge.setEnabled(is_open)
        is_acknowledged = is_open and alert is not None and alert.is_acknowledged
        self.acknowledge.setText(self.tr("Not looked &after") if is_acknowledged else self.tr("I &look after it"))
        self.snooze.setEnabled(is_open and not is_acknowledged)
        self.incident.setEnabled(alert is not None and any(item.incident for item in alert.items.values()))
        has_rule, channel = self.selected_rule() is not None, self.selected_channel()
        self.edit_rule.setEnabled(has_rule)
        self.delete_rule.setEnabled(has_rule)
        self.edit_channel.setEnabled(channel is not None and channel.kind is not ChannelKind.DESKTOP)
        self.test_channel.setEnabled(channel is not None)
        self.delete_channel.setEnabled(channel is not None)

    # What a person does

    @Slot()
    def on_acknowledge(self) -> None:
        alert = self.selected_alert()
        if alert is not None:
            self._spawn(self._alerting.acknowledge(alert.id, not alert.is_acknowledged))

    @Slot()
    def on_snooze(self) -> None:
        alert = self.selected_alert()
        if alert is not None and alert.is_open:
            self._alerting.snooze(alert.id)

    @Slot()
    def on_incident(self) -> None:
        alert = self.selected_alert()
        if alert is not None:
            self.incident_asked.emit(next(item.incident for item in alert.items.values() if item.incident))

    @Slot()
    def on_add_rule(self) -> None:
        self.rule_asked.emit(None)

    @Slot()
    def on_edit_rule(self) -> None:
        if (rule := self.selected_rule()) is not None:
            self.rule_asked.emit(rule)

    @Slot()
    def on_delete_rule(self) -> None:
        if (rule := self.selected_rule()) is not None:
            self._spawn(self._delete_rule(rule))

    async def _delete_rule(self, rule: AlertRule) -> None:
        await self._alerting.delete_rule(rule.id)
        self._deleted = rule
        self.undo_delete.show()
        self.message.say(self.tr("Deleted %1.").replace("%1", alert_wording.rule_name(rule)))

    @Slot()
    def on_undo_delete(self) -> None:
        if self._deleted is not None:
            rule, self._deleted = self._deleted, None
            self.undo_delete.hide()
            self.message.say("")
            self._spawn(self._alerting.save_rule(rule))

    @Slot(QTableWidgetItem)
    def on_rule_ticked(self, item: QTableWidgetItem) -> None:
        rule = item.data(Qt.ItemDataRole.UserRole)
        is_on = item.checkState() == Qt.CheckState.Checked
        if isinstance(rule, AlertRule) and rule.is_enabled != is_on:
            self._spawn(self._alerting.set_rule_enabled(rule.id, is_on))

    @Slot(QAction)
    def on_add_channel(self, action: QAction) -> None:
        kind = ChannelKind(action.data())  # Qt keeps its text alone
        if kind is ChannelKind.DESKTOP:
            self._spawn(self._alerting.save_channel(desktop_channel()))
        else:
            self.channel_asked.emit(kind)

    @Slot()
    def on_edit_channel(self) -> None:
        channel = self.selected_channel()
        if channel is not None and channel.kind is not ChannelKind.DESKTOP:
            self.channel_asked.emit(channel)

    @Slot()
    def on_delete_channel(self) -> None:
        if (channel := self.selected_channel()) is not None:
            self._spawn(self._delete_channel(channel))

    async def _delete_channel(self, channel: Channel) -> None:
        await self._alerting.delete_channel(channel.id)
        text = self.tr("Deleted the channel %1; rules do without it.")
        self.message.say(text.replace("%1", alert_wording.channel_name(channel)))

    @Slot(QTableWidgetItem)
    def on_channel_ticked(self, item: QTableWidgetItem) -> None:
        channel = item.data(Qt.ItemDataRole.UserRole)
        is_on = item.checkState() == Qt.CheckState.Checked
        if isinstance(channel, Channel) and channel.is_enabled != is_on:
            self._spawn(self._alerting.set_channel_enabled(channel.id, is_on))

    @Slot()
    def on_test(self) -> None:
        if (channel := self.selected_channel()) is not None:
            self._spawn(self._test(channel))

    async def _test(self, channel: Channel) -> None:
        from pingmon_gui.domain.error import PingmonError

        name = alert_wording.channel_name(channel)
        self.test_channel.setEnabled(False)
        self.message.say(self.tr("Sending a test by %1…").replace("%1", name))
        try:
            await self._alerting.test_channel(channel)
        except PingmonError as exc:
            self.message.say(wording.problem(exc), is_error=True)
        else:
            self.message.say(self.tr("The test was delivered by %1: look whether it arrived.").replace("%1", name))
        finally:
            self.update_buttons()

    @Slot()
    def on_again(self) -> None:
        self._alerting.hurry()

    @Slot(QAction)
    def on_pause(self, action: QAction) -> None:
        data = action.data()
        if isinstance(data, tuple):
            self._spawn(self._alerting.pause_until(data[1]))

    @Slot()
    def on_clock(self) -> None:
        self.model.let_time_pass()
        if self.pause_note.text() and self._alerting.book.paused_until_ms <= self._now_ms():
            self._show_pause()

    # Qt

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()
        self.show_book()
        self.reload()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Hide: it is there again as it was when it is opened again."""
        event.ignore()
        self.hide()

    def reject(self) -> None:
        self.hide()


def _selected(table: QTableWidget) -> Any:
    rows = table.selectionModel().selectedRows()
    item = table.item(rows[0].row(), 0) if rows else None
    return None if item is None else item.data(Qt.ItemDataRole.UserRole)


def _plain_table(table: QTableView, name: str) -> None:
    table.setAccessibleName(name)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setTabKeyNavigation(False)
    table.setWordWrap(False)
    table.setShowGrid(False)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(table.fontMetrics().lineSpacing() + 14)
    header = table.horizontalHeader()
    header.setHighlightSections(False)
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
