"""What the window looks like at the next start: its place and size, what is shown, and in which order."""

from __future__ import annotations

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QAction

from pingmon_gui.ui.detail_side import DetailSide
from pingmon_gui.ui.monitor_table import COLUMNS
from pingmon_gui.ui.row_order import NAME_COLUMN
from pingmon_gui.ui.table_view import TableView
from pingmon_gui.ui.window_actions import WindowActions


class WindowLayout:
    """Reads and writes the settings file of one window; its frame's part of it is in `window_frame`."""

    def __init__(self, settings: QSettings, actions: WindowActions, table: TableView, details: DetailSide) -> None:
        self._settings = settings
        self._table = table
        self._details = details
        #: Key, action and what holds at the first start.
        self._flags: tuple[tuple[str, QAction, bool], ...] = (
            ("empty_regions", actions.empty_regions, True),
            ("detail", actions.detail, True),
            ("detail_below", actions.detail_below, False),
        )

    def restore(self) -> None:
        """Set everything as it was left, or as it is by default; what cannot be read counts as not there."""
        for key, action, default in self._flags:
            action.setChecked(self._flag(key, default))
        column = str(self._settings.value("sort_column", NAME_COLUMN))
        if column.isdigit() and int(column) < COLUMNS:
            order = (
                Qt.SortOrder.DescendingOrder if self._flag("sort_descending", False) else Qt.SortOrder.AscendingOrder
            )
            self._table.sortByColumn(int(column), order)

    def save(self, theme: str) -> None:
        """Keep it all; the theme is wanted again before the database is open."""
        header = self._table.header
        self._settings.setValue("geometry", self._table.window().saveGeometry())
        self._settings.setValue("theme", theme)
        self._details.save()
        for key, action, _default in self._flags:
            self._settings.setValue(key, action.isChecked())
        self._settings.setValue("sort_column", header.sortIndicatorSection())
        self._settings.setValue("sort_descending", header.sortIndicatorOrder() == Qt.SortOrder.DescendingOrder)
        self._settings.sync()

    def _flag(self, key: str, default: bool) -> bool:
        """Read a flag; an INI file gives its words back."""
        return str(self._settings.value(key, default)).lower() == "true"
