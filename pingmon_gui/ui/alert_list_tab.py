"""The alerts of the last weeks: what was told, how it stands, and what a person does about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QItemSelectionModel, Qt, Signal, Slot
from PySide6.QtWidgets import QHeaderView, QLabel, QWidget

from pingmon_gui.alerting import Alerting
from pingmon_gui.domain.alert import Alert, AlertId
from pingmon_gui.ui import alert_wording, plain_table, tab_parts
from pingmon_gui.ui.alert_table import AlertColumn, AlertTable
from pingmon_gui.ui.run_card import Spawn

_WIDTHS = {AlertColumn.LASTED: 16, AlertColumn.STATE: 20}


class AlertListTab(QWidget):
    """`incident_asked` carries the incident behind an alert."""

    incident_asked = Signal(object)

    def __init__(self, alerting: Alerting, spawn: Spawn, now_ms: Callable[[], int], parent: QWidget) -> None:
        super().__init__(parent)
        self._alerting = alerting
        self._spawn = spawn
        self._now_ms = now_ms
        self.model = AlertTable(now_ms, self)
        self.table = plain_table.model_table(self.model, self.tr("Alerts"), _WIDTHS, self)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(AlertColumn.WHAT, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(AlertColumn.BEGAN, QHeaderView.ResizeMode.ResizeToContents)
        self.table.selectionModel().selectionChanged.connect(self.on_selected)
        self.detail = QLabel(self)
        self.detail.setTextFormat(Qt.TextFormat.PlainText)
        self.detail.setWordWrap(True)
        self.detail.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.detail.setMinimumHeight(self.fontMetrics().lineSpacing() * 4)
        self.detail.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.acknowledge = tab_parts.button(self.tr("I &look after it"), self, self.on_acknowledge)
        self.snooze = tab_parts.button(self.tr("&Snooze 1 hour"), self, self.on_snooze)
        self.incident = tab_parts.button(self.tr("Show &incident"), self, self.on_incident)
        tab_parts.stack(self, [self.table, self.detail], [self.acknowledge, self.snooze, self.incident])

    def show_alerts(self, alerts: Sequence[Alert]) -> None:
        # What a full disk keeps from being kept is shown all the same.
        live = {alert.id: alert for alert in self._alerting.live}
        known = [live.pop(alert.id, alert) for alert in alerts]
        newest = sorted([*live.values(), *known], key=lambda alert: -alert.opened_at_ms)
        self.model.show_alerts(newest)
        if newest and not self.table.selectionModel().hasSelection():
            self.table.selectRow(0)
        self.on_selected()

    def select(self, id_: AlertId) -> None:
        """Bring an alert up."""
        row = self.model.row_of(id_)
        if row >= 0:
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.table.selectionModel().setCurrentIndex(self.model.index(row, 0), flags)

    def selected(self) -> Alert | None:
        rows = self.table.selectionModel().selectedRows()
        return self.model.alert_at(rows[0].row()) if rows else None

    @Slot()
    def on_selected(self) -> None:
        alert = self.selected()
        if alert is None:
            nothing = self.tr("No alerts in the last four weeks.\nWhat your rules tell of is listed here.")
            self.detail.setText("" if self.model.rowCount() else nothing)
        else:
            self.detail.setText(alert_wording.alert_words(alert, self._now_ms()).text)
        is_open = alert is not None and alert.is_open
        is_acknowledged = alert is not None and is_open and alert.is_acknowledged
        self.acknowledge.setEnabled(is_open)
        self.acknowledge.setText(self.tr("Not looked &after") if is_acknowledged else self.tr("I &look after it"))
        self.snooze.setEnabled(is_open and not is_acknowledged)
        self.incident.setEnabled(alert is not None and any(item.incident for item in alert.items.values()))

    @Slot()
    def on_acknowledge(self) -> None:
        alert = self.selected()
        if alert is not None:
            self._spawn(self._alerting.acknowledge(alert.id, not alert.is_acknowledged))

    @Slot()
    def on_snooze(self) -> None:
        alert = self.selected()
        if alert is not None and alert.is_open:
            self._alerting.snooze(alert.id)

    @Slot()
    def on_incident(self) -> None:
        alert = self.selected()
        if alert is not None:
            self.incident_asked.emit(next(item.incident for item in alert.items.values() if item.incident))
