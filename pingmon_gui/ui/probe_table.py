"""The probes as a table: a row each, in the order of their regions. Updated in place, so that the selection stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QIcon

from pingmon_gui.domain.probe import ProbeHealth, ProbeState
from pingmon_gui.domain.region import REGIONS
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Status
from pingmon_gui.engine.link import ProbeStatus
from pingmon_gui.ui import status_shape, wording
from pingmon_gui.ui.probe_facts import (
    ProbeFacts,
    contact_text,
    offset_text,
    place_text,
    round_trip_text,
    sentence,
)
from pingmon_gui.ui.theme import current

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


class Column(IntEnum):
    NAME = 0
    REGION = 1
    HOST = 2
    STATE = 3
    VERSION = 4
    LATENCY = 5
    OFFSET = 6
    CONTACT = 7


class ProbeTable(QAbstractTableModel):
    """Feed it with `show_probes` and `show_status`."""

    def __init__(self, now_ms: Callable[[], int], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._now_ms = now_ms
        self._rows: list[ProbeFacts] = []
        self._statuses: dict[ProbeId, ProbeStatus] = {}

    def facts_at(self, row: int) -> ProbeFacts:
        return self._rows[row]

    def row_of(self, probe: ProbeId) -> int:
        """Return the row of a probe, -1 where it is not shown."""
        return next((row for row, facts in enumerate(self._rows) if facts.probe.id == probe), -1)

    def show_probes(self, known: Iterable[ProbeHealth]) -> None:
        """Take over what is known of all probes."""
        ordered = sorted(
            known, key=lambda health: (REGIONS.index(health.probe.region), health.probe.name, health.probe.id)
        )
        wanted = [health.probe.id for health in ordered]
        for row in reversed(range(len(self._rows))):
            if self._rows[row].probe.id not in wanted:
                self.beginRemoveRows(QModelIndex(), row, row)
                del self._rows[row]
                self.endRemoveRows()
        for row, health in enumerate(ordered):
            facts = ProbeFacts(health, self._statuses.get(health.probe.id))
            before = self.row_of(health.probe.id)
            if before < 0:
                self.beginInsertRows(QModelIndex(), row, row)
                self._rows.insert(row, facts)
                self.endInsertRows()
                continue
            if before != row:
                # It goes up: all above are in their places already.
                self.beginMoveRows(QModelIndex(), before, before, QModelIndex(), row)
                self._rows.insert(row, self._rows.pop(before))
                self.endMoveRows()
            self._rows[row] = facts
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, len(Column) - 1))

    def show_status(self, probe: ProbeId, status: ProbeStatus | None) -> None:
        """Take over a probe's own answer; None for one that did not answer."""
        if status is None:
            self._statuses.pop(probe, None)
        else:
            self._statuses[probe] = status
        row = self.row_of(probe)
        if row >= 0:
            self._rows[row] = ProbeFacts(self._rows[row].health, status)
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(Column) - 1))

    # Qt

    def rowCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(Column)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | None:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._titles()[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return wording.tool_tip(self._explanations().get(section, ""))
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        facts = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(facts, index.column())
        if role == Qt.ItemDataRole.DecorationRole and index.column() == Column.STATE:
            return self._sign(facts)
        if role == Qt.ItemDataRole.ToolTipRole:
            return wording.tool_tip(sentence(facts))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{self._titles()[index.column()]}: {self._text(facts, index.column())}"
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() in (Column.LATENCY,):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def _text(self, facts: ProbeFacts, column: int) -> str:
        match column:
            case Column.NAME:
                return wording.plain(facts.probe.name, 80)
            case Column.REGION:
                return wording.region_name(facts.probe.region)
            case Column.HOST:
                return place_text(facts.probe)
            case Column.STATE:
                return wording.probe_state(facts.health)
            case Column.VERSION:
                return wording.plain(facts.health.version, 30) if facts.health.version else wording.NOTHING
            case Column.LATENCY:
                return round_trip_text(facts)
            case Column.OFFSET:
                return offset_text(facts)
            case _:
                return contact_text(facts.health, self._now_ms())

    @staticmethod
    def _sign(facts: ProbeFacts) -> QIcon:
        theme = current()
        match facts.health.state:
            case ProbeState.CONNECTED | ProbeState.CATCHING_UP:
                shape = Status.ONLINE if facts.health.votes else Status.SLOW
            case ProbeState.STOPPED:
                shape = Status.PAUSED
            case ProbeState.REFUSED:
                shape = Status.OFFLINE
            case _:
                shape = Status.UNKNOWN
        sign = status_shape.pixmap(shape, theme.of_verdict(shape), theme.base, False, 2.0)
        icon = QIcon(sign)
        # Styles would tint it in a selected row, and its colour means something.
        icon.addPixmap(sign, QIcon.Mode.Selected)
        return icon

    def _titles(self) -> tuple[str, ...]:
        return (
            self.tr("Probe"),
            self.tr("Region"),
            self.tr("Host"),
            self.tr("Status"),
            self.tr("Version"),
            self.tr("Latency"),
            self.tr("Clock"),
            self.tr("Last contact"),
        )

    def _explanations(self) -> dict[int, str]:
        return {
            Column.LATENCY: self.tr("From this app to the probe and back. It enters no measurement."),
            Column.OFFSET: self.tr("The probe's clock beside this computer's. Up to 2 s it is left alone."),
        }
