"""Everything about alerts in a window of its own: what was told, the rules, the channels, and each delivery."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction, QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QLabel, QMenu, QTabWidget, QVBoxLayout, QWidget

from pingmon_gui.alerting import Alerting
from pingmon_gui.domain.alert import AlertId
from pingmon_gui.domain.delivery import Delivery
from pingmon_gui.ui import plain_table, sheet, tab_parts, wording
from pingmon_gui.ui.alert_bell import add_pause_actions
from pingmon_gui.ui.alert_list_tab import AlertListTab
from pingmon_gui.ui.alert_table import DeliveryColumn, DeliveryTable
from pingmon_gui.ui.channel_tab import ChannelTab
from pingmon_gui.ui.kept_window import KeptWindow
from pingmon_gui.ui.rule_tab import RuleTab
from pingmon_gui.ui.run_card import Spawn
from pingmon_gui.ui.sentence_label import SentenceLabel
from pingmon_gui.ui.theme import ThemeSwitch

CLOCK_MS = 1_000
_SHOWN_MS = 28 * 86_400_000
_SHOWN_DELIVERIES = 300
_DELIVERY_WIDTHS = {DeliveryColumn.CHANNEL: 16, DeliveryColumn.STATE: 22}


class AlertPage(KeptWindow):
    """Shown by `AlertWindows`, which answers what its tabs ask for."""

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
        self.alerts = AlertListTab(alerting, spawn, now_ms, self)
        self.rules = RuleTab(alerting, spawn, self)
        self.channels = ChannelTab(alerting, spawn, self)
        self.deliveries = DeliveryTable(self)
        self.tabs = QTabWidget(self)
        self.tabs.addTab(self.alerts, self.tr("&Alerts"))
        self.tabs.addTab(self.rules, self.tr("&Rules"))
        self.tabs.addTab(self.channels, self.tr("&Channels"))
        self.tabs.addTab(self._delivery_tab(), self.tr("&Deliveries"))
        self.message = SentenceLabel(self)
        self.pause_note = QLabel(self)
        self.pause_note.setTextFormat(Qt.TextFormat.PlainText)
        self.pause_note.setWordWrap(True)
        self.pause_button = tab_parts.button("", self)
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
        self.alerts.incident_asked.connect(self.incident_asked)
        self.rules.said.connect(self.on_said)
        self.channels.said.connect(self.on_said)
        if theme is not None:
            theme.changed.connect(self.refresh)
        self.show_book()
        self.refresh()
        wanted = QSize(self.fontMetrics().averageCharWidth() * 130, self.fontMetrics().lineSpacing() * 36)
        self.resize(wanted.boundedTo(self.screen().availableSize() * 0.9))

    def _delivery_tab(self) -> QWidget:
        tab = QWidget(self)
        table = plain_table.model_table(self.deliveries, self.tr("Deliveries"), _DELIVERY_WIDTHS, tab)
        header = table.horizontalHeader()
        header.setSectionResizeMode(DeliveryColumn.AT, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(DeliveryColumn.MESSAGE, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(DeliveryColumn.PROBLEM, QHeaderView.ResizeMode.Stretch)
        text = self.tr(
            "Every message is kept before it is sent, and tried for a day. Late ones say that they are late."
        )
        again = tab_parts.button(self.tr("Try what waits &now"), tab, self._alerting.hurry)
        tab_parts.stack(tab, [tab_parts.note(text, tab), table], [again])
        return tab

    # What is shown

    @Slot()
    def reload(self) -> None:
        """Read alerts and deliveries anew; a newer request takes the place of an older."""
        if self._loading is not None:
            self._loading.cancel()
        self._loading = self._spawn(self.load())

    async def load(self) -> None:
        """Read the alerts and deliveries that are shown. Raises StorageError."""
        now_ms = self._now_ms()
        alerts = await self._store.alerts(now_ms - _SHOWN_MS, now_ms + 1)
        deliveries = await self._store.deliveries(_SHOWN_DELIVERIES)
        self.alerts.show_alerts(alerts)
        self.deliveries.show_deliveries(deliveries, self._alerting.book.channels)

    def show_book(self) -> None:
        """Take over rules, channels and the pause."""
        self.rules.show_book()
        self.channels.show_book()
        self._show_pause()

    def delivery_changed(self, delivery: Delivery) -> None:
        """A message is further than before."""
        self.deliveries.put(delivery)
        self.channels.show_book()

    def select(self, id_: AlertId) -> None:
        """Bring an alert up."""
        self.tabs.setCurrentWidget(self.alerts)
        self.alerts.select(id_)

    def _show_pause(self) -> None:
        now_ms, until_ms = self._now_ms(), self._alerting.book.paused_until_ms
        is_paused = until_ms > now_ms
        text = self.tr("All alerts are paused until %1. What lasts then is told; the list has everything.")
        self.pause_note.setText(text.replace("%1", wording.date_time(until_ms)) if is_paused else "")
        self.pause_button.setText(self.tr("Paused") if is_paused else self.tr("&Pause all alerts"))
        self.pause_menu.clear()
        add_pause_actions(self.pause_menu, until_ms, now_ms, is_flat=True)

    @Slot()
    def refresh(self) -> None:
        """Take over the colours in use."""
        self.tabs.setStyleSheet(sheet.tabs())
        tab_parts.refresh(self)

    # Slots

    @Slot(str)
    @Slot(str, bool)
    def on_said(self, sentence: str, is_error: bool = False) -> None:
        self.message.say(sentence, is_error=is_error)

    @Slot(QAction)
    def on_pause(self, action: QAction) -> None:
        data = action.data()
        if isinstance(data, tuple):
            self._spawn(self._alerting.pause_until(data[1]))

    @Slot()
    def on_clock(self) -> None:
        self.alerts.model.let_time_pass()
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
