"""The list beside a map: all domains or one of them, the ones with problems first."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.region import REGIONS
from pingmon_gui.engine.board_view import BoardView, Changes
from pingmon_gui.ui import sheet
from pingmon_gui.ui.monitor_table import MonitorTable
from pingmon_gui.ui.row_order import FIRST_REGION_COLUMN, VERDICT_COLUMN
from pingmon_gui.ui.table_view import TableView
from pingmon_gui.ui.top_bar import SearchField


class DomainPicker(QWidget):
    """`chosen` carries a monitor's id, None for all."""

    chosen = Signal(object)

    def __init__(self, board: BoardView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._board = board
        self._verdict = board.verdict.copy()
        self.everything = QPushButton(self.tr("Show &all"), self)
        self.everything.setEnabled(False)
        self.search = SearchField(self)
        self.search.setPlaceholderText(self.tr("Search name, address or tag"))
        self.search.setAccessibleName(self.tr("Search"))
        self.search.setClearButtonEnabled(True)
        self.model = MonitorTable(board, self)
        self.table = TableView(board, self.model, self)
        self.table.setAccessibleName(self.tr("Domains to show on the map"))
        self.table.setSelectionMode(TableView.SelectionMode.SingleSelection)
        self.table.sortByColumn(VERDICT_COLUMN, Qt.SortOrder.AscendingOrder)
        self.table.header.hide()
        for column in range(len(REGIONS)):
            self.table.setColumnHidden(FIRST_REGION_COLUMN + column, True)
        above = QHBoxLayout()
        above.setContentsMargins(12, 0, 12, 0)
        above.addWidget(self.search, 1)
        above.addWidget(self.everything)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 12, 0, 0)
        whole.setSpacing(10)
        whole.addLayout(above)
        whole.addWidget(self.table, 1)
        self.everything.clicked.connect(self.choose_all)
        self.search.textChanged.connect(self.model.set_search)
        self.search.left_downwards.connect(self.on_search_left)
        self.table.selectionModel().selectionChanged.connect(self.on_selection_changed)
        self.refresh()

    def apply(self, changes: Changes) -> None:
        """Take in one frame's changes of the board; the order follows where a verdict is another."""
        self.model.apply(changes)
        if not np.array_equal(self._verdict, self._board.verdict):
            self._verdict = self._board.verdict.copy()
            self.model.reorder()

    def describe(self) -> None:
        """Read the set of domains and their names anew."""
        self.model.describe()

    def refresh(self) -> None:
        """Take over theme and fonts."""
        for part in (self.search, self.everything):
            part.setStyleSheet(sheet.controls())
        self.table.fit_to_font()
        self.table.share_room()

    def choose(self, monitor: MonitorId | None) -> None:
        """Select a domain, or none."""
        if monitor is None:
            self.choose_all()
        else:
            self.table.select(monitor)

    def step(self, by: int) -> None:
        """Go to another domain: -1 and 1 to its neighbours (before the first are all), -2 and 2 to the ends."""
        count = self.model.rowCount()
        selected = self.table.selected_ids()
        row = self.model.row_of(selected[0]) if selected else -1
        row = {-2: -1, 2: count - 1}.get(by, row + by)
        if not 0 <= row < count:
            self.choose_all()
        else:
            self.table.select_row(row)

    @Slot()
    def choose_all(self) -> None:
        self.table.clearSelection()

    @Slot()
    def on_selection_changed(self) -> None:
        selected = self.table.selected_ids()
        self.everything.setEnabled(bool(selected))
        self.chosen.emit(selected[0] if selected else None)

    @Slot()
    def on_search_left(self) -> None:
        self.table.setFocus()
        if self.model.rowCount():
            self.table.select_row(0)
