"""What part of the list is shown and in which order: top bar, menu and header kept to one choice."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from pingmon_gui.ui.monitor_table import MonitorTable
from pingmon_gui.ui.row_order import Show
from pingmon_gui.ui.table_view import TableView
from pingmon_gui.ui.top_bar import TopBar
from pingmon_gui.ui.window_actions import WindowActions


class ViewChoices(QObject):
    """Search, filter, tag and sort, wherever they are chosen; `changed` says that other rows may be shown."""

    changed = Signal()

    def __init__(
        self, top: TopBar, table: TableView, model: MonitorTable, actions: WindowActions, window: QWidget
    ) -> None:
        super().__init__(window)
        self._top = top
        self._table = table
        self._model = model
        self._actions = actions
        actions.find.triggered.connect(self.on_find)
        actions.show_choices.triggered.connect(self.on_show_triggered)
        actions.sort_choices.triggered.connect(self.on_sort_triggered)
        actions.descending.toggled.connect(self.on_descending_toggled)
        top.search_changed.connect(self.on_search_changed)
        top.search.left_downwards.connect(self.on_search_left)
        top.show_chosen.connect(self.on_show_chosen)
        top.tag_chosen.connect(self.on_tag_chosen)
        table.header.sortIndicatorChanged.connect(self.on_sort_changed)
        self._mark_show(Show.ALL)
        self.on_sort_changed(table.header.sortIndicatorSection(), table.header.sortIndicatorOrder())

    @Slot()
    def on_find(self) -> None:
        self._top.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._top.search.selectAll()

    @Slot(str)
    def on_search_changed(self, text: str) -> None:
        self._model.set_search(text)
        self.changed.emit()

    @Slot()
    def on_search_left(self) -> None:
        self._table.setFocus()
        if self._model.rowCount() and not self._table.selected_rows():
            self._table.select_row(0)

    @Slot(Show)
    def on_show_chosen(self, show: Show) -> None:
        self._model.set_show(show)
        self._mark_show(show)
        self.changed.emit()

    @Slot(QAction)
    def on_show_triggered(self, action: QAction) -> None:
        self._top.choose(action.data())

    @Slot(object)
    def on_tag_chosen(self, tag: str | None) -> None:
        self._model.set_tag(tag)
        self.changed.emit()

    @Slot(QAction)
    def on_sort_triggered(self, action: QAction) -> None:
        self._table.sortByColumn(action.data(), self._table.header.sortIndicatorOrder())

    @Slot(bool)
    def on_descending_toggled(self, is_descending: bool) -> None:
        order = Qt.SortOrder.DescendingOrder if is_descending else Qt.SortOrder.AscendingOrder
        if self._table.header.sortIndicatorOrder() != order:
            self._table.sortByColumn(self._table.header.sortIndicatorSection(), order)

    @Slot(int, Qt.SortOrder)
    def on_sort_changed(self, column: int, order: Qt.SortOrder) -> None:
        for action in self._actions.sort_choices.actions():
            action.setChecked(action.data() == column)
        self._actions.descending.setChecked(order == Qt.SortOrder.DescendingOrder)

    def _mark_show(self, show: Show) -> None:
        for action in self._actions.show_choices.actions():
            action.setChecked(action.data() is show)
