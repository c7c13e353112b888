"""Reads a pasted list a slice at a time, so that 10,000 lines leave the window fluid, and shows it as a table."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from enum import IntEnum

from PySide6.QtCore import (
    QAbstractTableModel,
    QElapsedTimer,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    QTimer,
    Signal,
    Slot,
)
from PySide6.QtGui import QBrush, QColor

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.kind_target import WEBSITE, Like
from pingmon_gui.domain.target import MAX_PASTED_LINES, PastedLine, display_url, parse_pasted
from pingmon_gui.ui import wording
from pingmon_gui.ui.theme import current

#: Lines read between two looks at the clock, and how long one turn of reading may take.
_SLICE_LINES = 50
_TURN_MS = 6

Index = QModelIndex | QPersistentModelIndex


class Column(IntEnum):
    LINE = 0
    ADDRESS = 1
    NAME = 2
    NOTE = 3


class PastedModel(QAbstractTableModel):
    """One row per line that holds something. `finished` is emitted when the whole text has been read."""

    finished = Signal()

    def __init__(self, existing_urls: Collection[str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._existing = frozenset(existing_urls)
        self._seen: set[str] = set()
        self.lines: list[PastedLine] = []
        self.problem: InvalidInput | None = None
        self._raw: list[str] = []
        self._like = WEBSITE
        self._read = 0
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._on_turn)

    @property
    def is_reading(self) -> bool:
        return self._read < len(self._raw)

    @property
    def good(self) -> list[PastedLine]:
        """The lines that can be added, in order."""
        return [line for line in self.lines if line.target is not None and not line.is_duplicate]

    @property
    def wrong(self) -> list[PastedLine]:
        return [line for line in self.lines if line.error is not None]

    @property
    def duplicates(self) -> list[PastedLine]:
        return [line for line in self.lines if line.is_duplicate]

    def read(self, text: str, like: Like = WEBSITE) -> None:
        """Start reading a text anew, short ones at once; `like` says what an address without a scheme is."""
        self._like = like
        self.beginResetModel()
        self.lines, self.problem, self._read = [], None, 0
        self._seen = set()
        self._raw = text.splitlines()
        if len(self._raw) > MAX_PASTED_LINES:
            self.problem = InvalidInput(
                f"The list has {len(self._raw):,} lines; at most {MAX_PASTED_LINES:,} can be read at once.",
                "Add it in parts.",
            )
            self._raw = []
        self.endResetModel()
        self._timer.start()
        self._on_turn()

    @Slot()
    def _on_turn(self) -> None:
        clock = QElapsedTimer()
        clock.start()
        fresh: list[PastedLine] = []
        while self.is_reading and clock.elapsed() < _TURN_MS:
            fresh.extend(self._read_slice())
        if fresh:
            self.beginInsertRows(QModelIndex(), len(self.lines), len(self.lines) + len(fresh) - 1)
            self.lines.extend(fresh)
            self.endInsertRows()
        if not self.is_reading:
            self._timer.stop()
            self.finished.emit()

    def _read_slice(self) -> list[PastedLine]:
        part = self._raw[self._read : self._read + _SLICE_LINES]
        offset, self._read = self._read, self._read + len(part)
        fresh = []
        for line in parse_pasted("\n".join(part), (), self._like):
            url = line.target.url if line.target is not None else None
            is_known = url is not None and (url in self._seen or url in self._existing)
            fresh.append(replace(line, number=line.number + offset, is_duplicate=is_known))
            if url is not None:
                self._seen.add(url)
        return fresh

    # ---- what Qt asks

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.lines)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation != Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole:
            return None
        return (self.tr("Line"), self.tr("Address"), self.tr("Name"), self.tr("What happens"))[section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self.lines):
            return None
        line = self.lines[index.row()]
        column = Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(line, column)
        if role == Qt.ItemDataRole.ToolTipRole and column != Column.LINE:
            return wording.tool_tip(self._text(line, column))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{self.headerData(column, Qt.Orientation.Horizontal)}: {self._text(line, column)}"
        if role == Qt.ItemDataRole.ForegroundRole and column == Column.NOTE and line.error is not None:
            return QBrush(QColor(current().offline))
        if role == Qt.ItemDataRole.TextAlignmentRole and column == Column.LINE:
            return int(Qt.AlignmentFlag.AlignTrailing | Qt.AlignmentFlag.AlignVCenter)
        return None

    def _text(self, line: PastedLine, column: Column) -> str:
        match column:
            case Column.LINE:
                return wording.number(line.number)
            case Column.ADDRESS:
                return wording.plain(line.text if line.target is None else display_url(line.target.url), 300)
            case Column.NAME:
                return wording.plain(line.name)
            case Column.NOTE:
                return self._note(line)

    def _note(self, line: PastedLine) -> str:
        if line.error is not None:
            return f"⚠ {wording.problem(InvalidInput(line.error))}"
        if line.is_duplicate and line.target is not None and line.target.url in self._existing:
            return self.tr("= watched already, left out")
        if line.is_duplicate:
            return self.tr("= stands further up, left out")
        return self.tr("✓ will be added")
