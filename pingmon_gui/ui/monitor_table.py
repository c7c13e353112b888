"""The model of the table: a row per monitor, read straight from the board's arrays.

Search, filter and sort are an order array of its own; selections survive every change of it. Once a frame
`apply()` tells views which of the cells they show have changed. numpy scalars never reach Qt.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.region import REGIONS
from pingmon_gui.engine.board_view import BoardView, Changes
from pingmon_gui.ui import cell_text, wording
from pingmon_gui.ui.row_order import FIRST_REGION_COLUMN, NAME_COLUMN, VERDICT_COLUMN, RowOrder, Rows, Show
from pingmon_gui.ui.seen_cells import SeenCells

COLUMNS = FIRST_REGION_COLUMN + len(REGIONS)
#: Role of a monitor's id, in every column.
MONITOR_ROLE = Qt.ItemDataRole.UserRole

_NO_PARENT = QModelIndex()

AnyIndex = QModelIndex | QPersistentModelIndex


class MonitorTable(QAbstractTableModel):
    """See the module. `visible_rows` gives the first and last row that views show (all, if there is none)."""

    def __init__(self, board: BoardView, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._board = board
        self.visible_rows: Callable[[], tuple[int, int]] | None = None
        self.rules = RowOrder(board)
        self._seen = SeenCells(board)
        self._order: Rows = np.zeros(0, dtype=np.intp)
        self._shown_ids: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._generation = board.generation
        self._take_stock()
        self._set_order(self.rules.rows())

    # What views read

    def rowCount(self, parent: AnyIndex = _NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent: AnyIndex = _NO_PARENT) -> int:
        return 0 if parent.isValid() else COLUMNS

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = self.board_row(index.row()), index.column()
        if row < 0:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._text(row, column)
            case Qt.ItemDataRole.AccessibleTextRole:
                return self._sentence(row, column)
            case Qt.ItemDataRole.ToolTipRole:
                return wording.tool_tip(self._explained(row, column))
            case _ if role == MONITOR_ROLE:
                return self._board.ids[row]
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | None:
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < COLUMNS:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            if section == VERDICT_COLUMN:
                return self.tr("Status")
            if section == NAME_COLUMN:
                return self.tr("Domain")
            return wording.region_name(REGIONS[section - FIRST_REGION_COLUMN])
        if role == Qt.ItemDataRole.ToolTipRole:
            return wording.tool_tip(self._header_explained(section))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._header_explained(section)
        return None

    def board_row(self, row: int) -> int:
        """Return the board's row that is shown in this row; -1 for one that is about to go."""
        return int(self._order[row])

    def cell(self, row: int, column: int) -> np.void:
        """Return what can be seen of a region's cell (board's row and column), as of the last frame."""
        return self._seen.cell(row, column)

    def cell_key(self, row: int, column: int) -> bytes:
        """Return the bytes of `cell`: equal bytes look the same."""
        return self._seen.cell(row, column).tobytes()

    def monitor_at(self, row: int) -> MonitorId:
        return self._board.ids[self.board_row(row)]

    def row_of(self, monitor: MonitorId) -> int:
        """Return where a monitor is shown, -1 if it is not."""
        found = np.flatnonzero(self._shown_ids == monitor)
        return int(found[0]) if len(found) else -1

    # What the user asks for

    def set_search(self, text: str) -> None:
        """Show monitors whose name, address or tags hold all the words of `text`."""
        self.rules.search = text
        self.reorder()

    def set_show(self, show: Show) -> None:
        self.rules.show = show
        self.reorder()

    def set_tag(self, tag: str | None) -> None:
        self.rules.tag = tag
        self.reorder()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self.rules.column = column if 0 <= column < COLUMNS else NAME_COLUMN
        self.rules.is_descending = order == Qt.SortOrder.DescendingOrder
        self.reorder()

    def reorder(self) -> None:
        """Apply the rules anew: rows come, go and move; what stays selected stays so."""
        self._follow_board()
        self._arrange(self.rules.rows())

    # What the bridge tells

    def apply(self, changes: Changes) -> None:
        """Take in one frame's changes; views are told of the cells they show and no others."""
        if changes.generation != self._generation:
            self.describe()
            return
        if len(changes.rows) == 0:
            return
        self._seen.outdate(changes.rows)
        first, last = self.visible_rows() if self.visible_rows is not None else (0, len(self._order) - 1)
        places = self._place[changes.rows]
        differing = self._seen.freshen(changes.rows[(places >= first) & (places <= last)])
        for row, is_verdict, regions in zip(
            self._place[differing.rows].tolist(), differing.verdict.tolist(), differing.regions, strict=True
        ):
            if is_verdict:
                self._tell(row, VERDICT_COLUMN, VERDICT_COLUMN)
            columns = np.flatnonzero(regions)
            for run in np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1):
                if len(run):
                    self._tell(row, FIRST_REGION_COLUMN + int(run[0]), FIRST_REGION_COLUMN + int(run[-1]))

    def describe(self) -> None:
        """Read names, addresses, tags and the set of monitors anew."""
        if not self._follow_board():
            self.rules.describe()
        self._arrange(self.rules.rows())
        if len(self._order):
            self._tell_rows(0, len(self._order) - 1)

    def probes_changed(self) -> None:
        """Tell views that a region may have gained or lost its probe."""
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, FIRST_REGION_COLUMN, COLUMNS - 1)

    # How it is done

    def _follow_board(self) -> bool:
        """Let the order point to the same monitors after the board's rows moved; -1 where one is gone.

        Returns whether they did; then the rules know the monitors of now as well.
        """
        if self._generation == self._board.generation:
            return False
        self._generation = self._board.generation
        self._order = self._board.rows_of(self._shown_ids)
        self._take_stock()
        self.rules.describe()
        return True

    def _take_stock(self) -> None:
        self._all_ids = np.array(self._board.ids, dtype=np.int64)
        self._seen.restart()
        self._find_places()

    def _find_places(self) -> None:
        self._place = np.full(len(self._all_ids), -1, dtype=np.intp)
        known = np.flatnonzero(self._order >= 0)
        self._place[self._order[known]] = known

    def _arrange(self, new: Rows) -> None:
        """Go from the present order to `new` by moves at first, then one removal, one insertion and moves again."""
        old = self._order
        if len(old) == len(new) and np.array_equal(old, new):
            return
        self._find_places()
        was_at = self._place[new]
        survivors = was_at[was_at >= 0]
        stays = np.zeros(len(old), dtype=np.bool_)
        stays[survivors] = True
        gone = np.flatnonzero(~stays)
        if len(gone):
            is_one_run = gone[-1] - gone[0] + 1 == len(gone) and bool((np.diff(survivors) > 0).all())
            if not is_one_run:
                self._move(np.concatenate([survivors, gone]))
                gone = np.arange(len(survivors), len(old))
            self.beginRemoveRows(_NO_PARENT, int(gone[0]), int(gone[-1]))
            self._set_order(np.delete(self._order, gone))
            self.endRemoveRows()
        come = np.flatnonzero(was_at < 0)
        if len(come):
            rest = new[was_at >= 0]
            if come[-1] - come[0] + 1 == len(come) and np.array_equal(self._order, rest):
                self.beginInsertRows(_NO_PARENT, int(come[0]), int(come[-1]))
                self._set_order(new)
                self.endInsertRows()
                return
            self.beginInsertRows(_NO_PARENT, len(rest), len(new) - 1)
            self._set_order(np.concatenate([self._order, new[come]]))
            self.endInsertRows()
        if not np.array_equal(self._order, new):
            self._move(self._place[new])

    def _move(self, from_rows: Rows) -> None:
        """Permute the rows: what was in row `from_rows[i]` comes to row i; persistent indexes follow."""
        self.layoutAboutToBeChanged.emit()
        to_row = np.empty(len(from_rows), dtype=np.intp)
        to_row[from_rows] = np.arange(len(from_rows))
        before = self.persistentIndexList()
        after = [self.index(int(to_row[index.row()]), index.column()) for index in before]
        self._set_order(self._order[from_rows])
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _set_order(self, order: Rows) -> None:
        self._order = order
        self._find_places()
        self._shown_ids = np.where(order >= 0, self._all_ids[order] if len(self._all_ids) else 0, 0)

    def _tell(self, row: int, first: int, last: int) -> None:
        self.dataChanged.emit(self.index(row, first), self.index(row, last))

    def _tell_rows(self, first: int, last: int) -> None:
        self.dataChanged.emit(self.index(first, 0), self.index(last, COLUMNS - 1))

    def _text(self, row: int, column: int) -> str:
        if column == VERDICT_COLUMN:
            return cell_text.verdict_word(self._board, row)
        if column == NAME_COLUMN:
            return cell_text.title(self._board, self._board.ids[row])
        return cell_text.region_short(self._board, row, column - FIRST_REGION_COLUMN)

    def _sentence(self, row: int, column: int) -> str:
        if column == VERDICT_COLUMN:
            return cell_text.verdict_sentence(self._board, row)
        if column == NAME_COLUMN:
            return cell_text.name_sentence(self._board, row)
        return cell_text.region_sentence(self._board, row, column - FIRST_REGION_COLUMN)

    def _explained(self, row: int, column: int) -> str:
        if column >= FIRST_REGION_COLUMN:
            return cell_text.region_explained(self._board, row, column - FIRST_REGION_COLUMN)
        return self._sentence(row, column)

    def _header_explained(self, section: int) -> str:
        if section == VERDICT_COLUMN:
            return self.tr("The verdict over all regions that watch the domain.")
        if section == NAME_COLUMN:
            return self.tr("Name, address and tags.")
        column = section - FIRST_REGION_COLUMN
        if not self._board.has_probe[column]:
            return cell_text.no_probe_sentence(REGIONS[column])
        if (silent := cell_text.silent_probe(self._board, column)) is not None:
            return cell_text.silent_sentence(silent)
        return self.tr("Seen from %1: state, latency, availability and history of the last hour.").replace(
            "%1", wording.region_name(REGIONS[column])
        )
