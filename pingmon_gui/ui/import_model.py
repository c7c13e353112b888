"""An import before it is done, as a table: one row per entry of the file."""

from __future__ import annotations

from enum import IntEnum

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QBrush, QColor

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.target import display_url
from pingmon_gui.exchange.preview import Fate, Preview, PreviewRow
from pingmon_gui.log import without_secrets
from pingmon_gui.ui import wording
from pingmon_gui.ui.theme import current

Index = QModelIndex | QPersistentModelIndex


class Column(IntEnum):
    LINE = 0
    FATE = 1
    ADDRESS = 2
    NAME = 3
    NOTE = 4


class ImportModel(QAbstractTableModel):
    """Shows a `Preview`; `rows` are those that are shown, in the order of the file."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._preview: Preview | None = None
        self._only_notable = False
        self.rows: list[PreviewRow] = []

    def show_preview(self, preview: Preview | None) -> None:
        """Show another file, None for none."""
        self._preview = preview
        self._fill()

    def set_only_notable(self, only_notable: bool) -> None:
        """Show only entries that are not added, or not exactly as the file has them."""
        self._only_notable = only_notable
        self._fill()

    def _fill(self) -> None:
        self.beginResetModel()
        rows = self._preview.rows if self._preview is not None else ()
        self.rows = [row for row in rows if not self._only_notable or row.fate is not Fate.ADD or row.notes]
        self.endResetModel()

    # ---- what Qt asks

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation != Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole:
            return None
        return (self.tr("Line"), self.tr("What happens"), self.tr("Address"), self.tr("Name"), self.tr("Note"))[section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self.rows):
            return None
        row = self.rows[index.row()]
        column = Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column)
        if role == Qt.ItemDataRole.ToolTipRole and column != Column.LINE:
            return wording.tool_tip(self._text(row, column))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{self.headerData(column, Qt.Orientation.Horizontal)}: {self._text(row, column)}"
        if role == Qt.ItemDataRole.ForegroundRole and column in (Column.FATE, Column.NOTE) and row.fate is Fate.WRONG:
            return QBrush(QColor(current().offline))
        if role == Qt.ItemDataRole.TextAlignmentRole and column == Column.LINE:
            return int(Qt.AlignmentFlag.AlignTrailing | Qt.AlignmentFlag.AlignVCenter)
        return None

    def _text(self, row: PreviewRow, column: Column) -> str:
        item = row.item
        match column:
            case Column.LINE:
                return wording.number(item.line) if item.line else f"#{wording.number(item.number)}"
            case Column.FATE:
                is_paused = row.item.draft is not None and row.item.draft.is_paused
                return self.tr("✓ added, paused") if is_paused and row.fate is Fate.ADD else self._fate(row.fate)
            case Column.ADDRESS:
                return wording.plain(without_secrets(display_url(item.draft.url) if item.draft else item.text), 300)
            case Column.NAME:
                return wording.plain(item.draft.name) if item.draft else ""
            case Column.NOTE:
                return " ".join(wording.problem(InvalidInput(without_secrets(note))) for note in row.notes)

    def _fate(self, fate: Fate) -> str:
        match fate:
            case Fate.ADD:
                return self.tr("✓ will be added")
            case Fate.EXISTS:
                return self.tr("= watched already")
            case Fate.TWICE:
                return self.tr("= stands further up")
            case Fate.LEFT_OUT:
                return self.tr("– left out")
            case Fate.WRONG:
                return self.tr("⚠ cannot be read")
