"""Alerts and deliveries as tables, newest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from pingmon_gui.domain.alert import Alert, AlertId
from pingmon_gui.domain.alert_channel import Channel, ChannelId
from pingmon_gui.domain.alert_words import alert_text
from pingmon_gui.domain.delivery import Delivery, DeliveryState
from pingmon_gui.ui import alert_wording, status_shape, wording
from pingmon_gui.ui.theme import current

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
_FAILED = (DeliveryState.REFUSED, DeliveryState.EXPIRED, DeliveryState.DROPPED)


class AlertColumn(IntEnum):
    BEGAN = 0
    WHAT = 1
    LASTED = 2
    STATE = 3


class AlertTable(QAbstractTableModel):
    """Feed it with `show_alerts`; what is selected stays as long as it is there."""

    def __init__(self, now_ms: Callable[[], int], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._now_ms = now_ms
        self._alerts: list[Alert] = []

    def show_alerts(self, alerts: Sequence[Alert]) -> None:
        self.layoutAboutToBeChanged.emit()
        old = self.persistentIndexList()
        ids = [self._alerts[index.row()].id for index in old]
        self._alerts = list(alerts)
        rows = {alert.id: row for row, alert in enumerate(self._alerts)}
        places = zip(ids, old, strict=True)
        moved = [self.index(rows[id_], index.column()) if id_ in rows else QModelIndex() for id_, index in places]
        self.changePersistentIndexList(old, moved)
        self.layoutChanged.emit()

    def alert_at(self, row: int) -> Alert:
        return self._alerts[row]

    def row_of(self, id_: AlertId) -> int:
        """Return the row of an alert, -1 where it is not shown."""
        return next((row for row, alert in enumerate(self._alerts) if alert.id == id_), -1)

    def let_time_pass(self) -> None:
        """What lasts, lasts longer now."""
        for row, alert in enumerate(self._alerts):
            if alert.is_open:
                first, last = self.index(row, AlertColumn.LASTED), self.index(row, AlertColumn.STATE)
                self.dataChanged.emit(first, last, [Qt.ItemDataRole.DisplayRole])

    # Qt

    def rowCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._alerts)

    def columnCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(AlertColumn)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole:
            return None
        return (self.tr("Alerted"), self.tr("What"), self.tr("Lasted"), self.tr("State"))[section]

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._alerts):
            return None
        alert, column = self._alerts[index.row()], AlertColumn(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(alert, column)
        if role == Qt.ItemDataRole.DecorationRole and column is AlertColumn.WHAT:
            return status_shape.icon(int(alert_wording.verdict_of(alert.kind)))
        if role == Qt.ItemDataRole.ToolTipRole and column is AlertColumn.WHAT:
            words = alert_wording.alert_words(alert, self._now_ms())
            return wording.tool_tip(f"{words.title}\n{words.text}")
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(self._text(alert, each) for each in AlertColumn)
        if role == Qt.ItemDataRole.ForegroundRole and not alert.is_open and column is not AlertColumn.WHAT:
            return QColor(current().muted)
        return None

    def _text(self, alert: Alert, column: AlertColumn) -> str:
        now_ms = self._now_ms()
        match column:
            case AlertColumn.BEGAN:
                return wording.date_time(alert.opened_at_ms)
            case AlertColumn.WHAT:
                return alert_wording.alert_words(alert, now_ms).title
            case AlertColumn.LASTED:
                if any(item.until_ms for item in alert.items.values()):
                    return ""
                return wording.duration(max(item.duration_ms(now_ms) for item in alert.items.values()))
            case AlertColumn.STATE:
                return alert_wording.alert_state(alert, now_ms)


class DeliveryColumn(IntEnum):
    AT = 0
    CHANNEL = 1
    MESSAGE = 2
    STATE = 3
    PROBLEM = 4


class DeliveryTable(QAbstractTableModel):
    """Feed it with `show_deliveries`, then with each that changed."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._deliveries: list[Delivery] = []
        self._channels: Mapping[ChannelId, Channel] = {}

    def show_deliveries(self, deliveries: Sequence[Delivery], channels: Mapping[ChannelId, Channel]) -> None:
        self.beginResetModel()
        self._deliveries = list(deliveries)
        self._channels = channels
        self.endResetModel()

    def put(self, delivery: Delivery) -> None:
        """Take over one that is further, or new."""
        for row, known in enumerate(self._deliveries):
            if known.key == delivery.key:
                self._deliveries[row] = delivery
                self.dataChanged.emit(self.index(row, 0), self.index(row, len(DeliveryColumn) - 1))
                return
        self.beginInsertRows(QModelIndex(), 0, 0)
        self._deliveries.insert(0, delivery)
        self.endInsertRows()

    # Qt

    def rowCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._deliveries)

    def columnCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(DeliveryColumn)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole:
            return None
        return (self.tr("When"), self.tr("Channel"), self.tr("Message"), self.tr("State"), self.tr("Problem"))[section]

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._deliveries):
            return None
        delivery, column = self._deliveries[index.row()], DeliveryColumn(index.column())
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._text(delivery, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return wording.tool_tip(self._text(delivery, column))
        if role == Qt.ItemDataRole.ForegroundRole and column is DeliveryColumn.STATE and delivery.state in _FAILED:
            return QColor(current().offline)
        return None

    def _text(self, delivery: Delivery, column: DeliveryColumn) -> str:
        post = delivery.post
        match column:
            case DeliveryColumn.AT:
                return wording.date_time(post.at_ms)
            case DeliveryColumn.CHANNEL:
                channel = self._channels.get(post.channel)
                return self.tr("(removed)") if channel is None else alert_wording.channel_name(channel)
            case DeliveryColumn.MESSAGE:
                return wording.plain(alert_text(post, post.at_ms, say=alert_wording.say).title, 200)
            case DeliveryColumn.STATE:
                return alert_wording.delivery_state(delivery)
            case DeliveryColumn.PROBLEM:
                return wording.plain(delivery.error, 400)
