"""What windows of lists are made of: short tables, notes, and a row of buttons below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from pingmon_gui.ui import plain_table, sheet, wording


def short_table(heads: Sequence[str], name: str, parent: QWidget, widths: Sequence[int] = ()) -> QTableWidget:
    """Return a table of a few rows; `fill` writes them.

    `widths` are those of all columns but the last, in average letters; without them all are of one width.
    """
    table = QTableWidget(0, len(heads), parent)
    table.setHorizontalHeaderLabels(list(heads))
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    plain_table.make_plain(table, name)
    if not widths:
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    table.horizontalHeader().setStretchLastSection(True)
    for column, width in enumerate(widths):
        table.setColumnWidth(column, width * table.fontMetrics().averageCharWidth())
    return table


def fill(table: QTableWidget, rows: Sequence[tuple[object, bool | None, Sequence[str]]]) -> None:
    """Write rows: what each stands for, whether it is ticked (None: it cannot be), its texts.

    What was selected stays so; where it has gone, its place does.
    """
    chosen, place = selected(table), table.currentRow()
    table.blockSignals(True)
    table.setRowCount(len(rows))
    for row, (what, is_on, texts) in enumerate(rows):
        for column, text in enumerate(texts):
            item = QTableWidgetItem(text)
            item.setToolTip(wording.tool_tip(text))
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
            if column == 0:
                item.setData(Qt.ItemDataRole.UserRole, what)
            if column == 0 and is_on is not None:
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                item.setCheckState(Qt.CheckState.Checked if is_on else Qt.CheckState.Unchecked)
            table.setItem(row, column, item)
    table.blockSignals(False)
    if rows:
        there = (row for row, (what, _is_on, _texts) in enumerate(rows) if what == chosen)
        table.selectRow(next(there, min(max(place, 0), len(rows) - 1)))


def selected(table: QTableWidget) -> Any:
    """Return what the selected row stands for, None for none."""
    rows = table.selectionModel().selectedRows()
    item = table.item(rows[0].row(), 0) if rows else None
    return None if item is None else item.data(Qt.ItemDataRole.UserRole)


def note(text: str, parent: QWidget) -> QLabel:
    """Return a quiet sentence above a table."""
    label = QLabel(text, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setProperty("quiet", True)
    return label


def button(text: str, parent: QWidget, act: Callable[[], None] | None = None) -> QPushButton:
    made = QPushButton(text, parent)
    made.setAutoDefault(False)
    if act is not None:
        made.clicked.connect(act)
    return made


def stack(tab: QWidget, parts: Sequence[QWidget], buttons: Sequence[QPushButton]) -> None:
    """Lay parts out below each other, tables with the room there is, and buttons in a row at the end."""
    column = QVBoxLayout(tab)
    column.setSpacing(8)
    for part in parts:
        column.addWidget(part, 1 if isinstance(part, QTableView) else 0)
    row = QHBoxLayout()
    for one in buttons:
        row.addWidget(one)
    row.addStretch(1)
    column.addLayout(row)


def refresh(tab: QWidget) -> None:
    """Take over the colours in use."""
    for table in tab.findChildren(QTableView):
        plain_table.dress(table)
    look = sheet.controls()
    for one in tab.findChildren(QPushButton):
        one.setStyleSheet(look)
    for label in tab.findChildren(QLabel):
        if label.property("quiet"):
            label.setStyleSheet(look)
