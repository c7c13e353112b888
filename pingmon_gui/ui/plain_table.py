"""Tables of rows that are read, chosen and acted on as a whole: one build, one look."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractItemModel, Qt
from PySide6.QtWidgets import QAbstractItemView, QTableView, QWidget

from pingmon_gui.ui import sheet

#: Height of a row above that of its text: for a finger's width of air, and where many rows are to be seen.
AIRY, DENSE = 14, 8


def model_table(model: QAbstractItemModel, name: str, widths: dict[Any, int], parent: QWidget) -> QTableView:
    """Return a table on a model; `widths` are in average letters."""
    table = QTableView(parent)
    table.setModel(model)
    make_plain(table, name)
    unit = table.fontMetrics().averageCharWidth()
    for column, width in widths.items():
        table.setColumnWidth(column, unit * width)
    return table


def make_plain(table: QTableView, name: str, air: int = AIRY) -> None:
    """Give a table its manners and its look; `name` is for screen readers."""
    table.setAccessibleName(name)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setTabKeyNavigation(False)
    table.setWordWrap(False)
    table.setShowGrid(False)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(table.fontMetrics().lineSpacing() + air)
    header = table.horizontalHeader()
    header.setHighlightSections(False)
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
    dress(table)


def dress(table: QTableView) -> None:
    """Take over the colours in use."""
    table.setStyleSheet(sheet.table())
