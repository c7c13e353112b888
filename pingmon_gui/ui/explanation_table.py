"""The intervals of an explanation as a table, by time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from pingmon_gui.domain.explanation import Explanation, Held, Interval
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.ui import status_shape, wording
from pingmon_gui.ui.history_words import held_word, reason_text
from pingmon_gui.ui.theme import current

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
_VERDICTS = {
    Held.ONLINE: Verdict.ONLINE,
    Held.SLOW: Verdict.SLOW,
    Held.REGIONAL: Verdict.REGIONAL,
    Held.OFFLINE: Verdict.OFFLINE,
    Held.UNKNOWN: Verdict.UNKNOWN,
    Held.PAUSED: Verdict.PAUSED,
    Held.NOT_ASKED: Verdict.PAUSED,
}


class Column(IntEnum):
    STATE = 0
    BEGAN = 1
    ENDED = 2
    LENGTH = 3
    PROBE = 4
    WHY = 5


class ExplanationTable(QAbstractTableModel):
    """Feed it with `show_explanation`; `set_only_trouble` leaves out what was online or slow."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: Sequence[Interval] = ()
        self._shown: list[Interval] = []
        self._probes: Mapping[ProbeId, str] = {}
        self._only_trouble = False

    def show_explanation(self, explanation: Explanation, probes: Mapping[ProbeId, str]) -> None:
        """Take over the intervals; `probes` are the names of who measured them."""
        self._all, self._probes = explanation.intervals, probes
        self._fill()

    def set_only_trouble(self, is_only: bool) -> None:
        self._only_trouble = is_only
        self._fill()

    def text(self) -> str:
        """Return what is shown as lines of cells parted by tabs, with a head."""
        columns = range(self.columnCount())
        head = [str(self.headerData(column, Qt.Orientation.Horizontal)) for column in columns]
        rows = [[self._text(one, Column(column)) for column in columns] for one in self._shown]
        return "\n".join("\t".join(cells) for cells in [head, *rows])

    def _fill(self) -> None:
        self.beginResetModel()
        left_out = (Held.ONLINE, Held.SLOW) if self._only_trouble else ()
        self._shown = [one for one in self._all if one.held not in left_out]
        self.endResetModel()

    # Qt

    def rowCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole and section == Column.LENGTH:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return (
            self.tr("Was"), self.tr("From"), self.tr("To"), self.tr("Length"), self.tr("Probe"), self.tr("Why"),
        )[section]  # fmt: skip

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._shown):
            return None
        one, column = self._shown[index.row()], Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(one, column)
        if role == Qt.ItemDataRole.DecorationRole and column is Column.STATE:
            return status_shape.icon(int(_VERDICTS[one.held]))
        if role == Qt.ItemDataRole.ToolTipRole and column is Column.WHY:
            return wording.tool_tip(reason_text(one))
        if role == Qt.ItemDataRole.TextAlignmentRole and column is Column.LENGTH:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ForegroundRole and one.held in (Held.PAUSED, Held.NOT_ASKED, Held.UNKNOWN):
            return QColor(current().muted)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(text for each in Column if (text := self._text(one, each)))
        return None

    def _text(self, one: Interval, column: Column) -> str:
        match column:
            case Column.STATE:
                return held_word(one.held)
            case Column.BEGAN:
                return wording.exact_time(one.start_ms)
            case Column.ENDED:
                return wording.exact_time(one.end_ms)
            case Column.LENGTH:
                return wording.exact_duration(one.length_ms)
            case Column.PROBE:
                probe = "" if one.probe is None else wording.plain(self._probes.get(one.probe, str(one.probe)), 60)
                return " · ".join(part for part in (probe, wording.family_name(one.family)) if part)
            case Column.WHY:
                return reason_text(one)
