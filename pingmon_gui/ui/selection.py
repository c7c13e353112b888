"""The selected domains and what is asked for them: edit, check, pause, delete, copy.

It knows which actions can be used just now; what a command does is in `window_commands`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QWidget

from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.engine.board import Board
from pingmon_gui.ui import wording
from pingmon_gui.ui.async_slot import Spawner
from pingmon_gui.ui.monitor_table import COLUMNS
from pingmon_gui.ui.table_view import TableView
from pingmon_gui.ui.window_actions import WindowActions
from pingmon_gui.ui.window_commands import WindowCommands


class Selection(QObject):
    """Hears the actions for selected domains, and keeps all actions enabled or not as the window is."""

    def __init__(
        self,
        board: Board,
        table: TableView,
        actions: WindowActions,
        commands: WindowCommands,
        spawner: Spawner,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._board = board
        self._table = table
        self._actions = actions
        self._commands = commands
        self._spawner = spawner
        self._busy: set[QAction] = set()
        actions.check.triggered.connect(self.on_check)
        actions.edit.triggered.connect(self.on_edit)
        actions.tags.triggered.connect(self.on_tags)
        actions.pause.triggered.connect(self.on_pause)
        actions.delete.triggered.connect(self.on_delete)
        actions.copy_address.triggered.connect(self.on_copy_address)
        actions.copy_row.triggered.connect(self.on_copy_row)
        table.activated_row.connect(actions.edit.trigger)
        table.pause_toggled.connect(actions.pause.trigger)
        table.selectionModel().selectionChanged.connect(self.update_actions)
        commands.undo_changed.connect(self.update_actions)

    @property
    def ids(self) -> list[MonitorId]:
        """Return the selected domains, in the order they are shown."""
        return self._table.selected_ids()

    def run(self, action: QAction, work: Coroutine[Any, Any, Any]) -> None:
        """Run a command; the action that asked for it is off meanwhile."""
        self._busy.add(action)
        self.update_actions()

        def finish() -> None:
            self._busy.discard(action)
            self.update_actions()

        self._spawner.spawn(work, then=finish)

    @Slot()
    def update_actions(self) -> None:
        """Enable what can be done just now."""
        # Behind an empty state the table is hidden: what is selected there cannot be seen.
        selected = [] if self._table.isHidden() else self.ids
        for action in self._actions.for_selection():
            action.setEnabled(bool(selected) and action not in self._busy)
        self._actions.pause.setText(self.tr("Resu&me") if self._all_paused(selected) else self.tr("&Pause"))
        undo = self._actions.undo
        undo.setEnabled(bool(self._commands.undo_text) and undo not in self._busy)
        self._actions.report.setEnabled(bool(self._board.ids))
        self._actions.select_all.setEnabled(self._table.model().rowCount() > 0)

    @Slot()
    def on_edit(self) -> None:
        self._with_selected(self._commands.ask_edit)

    @Slot()
    def on_tags(self) -> None:
        self._with_selected(self._commands.ask_tags)

    @Slot()
    def on_check(self) -> None:
        self._with_selected(lambda ids: self.run(self._actions.check, self._commands.check_now(ids)))

    @Slot()
    def on_pause(self) -> None:
        """Pause what is selected, or resume it if all of it is paused."""
        self._with_selected(lambda ids: self._set_paused(ids, not self._all_paused(ids)))

    @Slot()
    def on_pause_requested(self) -> None:
        self._with_selected(lambda ids: self._set_paused(ids, True))

    @Slot()
    def on_resume_requested(self) -> None:
        self._with_selected(lambda ids: self._set_paused(ids, False))

    @Slot()
    def on_delete(self) -> None:
        self._with_selected(lambda ids: self.run(self._actions.delete, self._delete(ids)))

    @Slot()
    def on_copy_address(self) -> None:
        urls = [wording.plain(self._board.monitors[monitor].url) for monitor in self.ids]
        QGuiApplication.clipboard().setText("\n".join(urls))

    @Slot()
    def on_copy_row(self) -> None:
        """Copy what the selected rows say: a line each, cells parted by tabs."""
        model, role = self._table.model(), Qt.ItemDataRole.DisplayRole
        lines = [
            "\t".join(
                str(model.index(row, column).data(role) or "")
                for column in range(COLUMNS)
                if not self._table.isColumnHidden(column)
            )
            for row in self._table.selected_rows()
        ]
        QGuiApplication.clipboard().setText("\n".join(lines))

    def _with_selected(self, act: Callable[[list[MonitorId]], None]) -> None:
        if ids := self.ids:
            act(ids)

    def _all_paused(self, ids: Sequence[MonitorId]) -> bool:
        return bool(ids) and all(self._board.monitors[monitor].is_paused for monitor in ids)

    def _set_paused(self, ids: Sequence[MonitorId], is_paused: bool) -> None:
        self.run(self._actions.pause, self._commands.set_paused(ids, is_paused))

    async def _delete(self, ids: Sequence[MonitorId]) -> None:
        """Delete, and select what has moved to the place of the first one."""
        row = self._table.selected_rows()[0]
        await self._commands.delete(ids)
        if rest := self._table.model().rowCount():
            self._table.select_row(min(row, rest - 1))
