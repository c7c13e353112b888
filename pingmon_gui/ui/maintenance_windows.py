"""What the main window has of maintenance: their list and their form, made when asked for, and what these ask for."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from pingmon_gui.domain.maintenance import MaintenanceChange, MaintenanceDraft, MaintenanceWindow, without_what_is_on
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.scope import EVERYTHING, Scope
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.command import Commands
from pingmon_gui.ui import wording
from pingmon_gui.ui.async_slot import Spawner
from pingmon_gui.ui.kept_window import bring_up
from pingmon_gui.ui.theme import ThemeSwitch
from pingmon_gui.ui.window_commands import WindowCommands

if TYPE_CHECKING:
    from pingmon_gui.ui.maintenance_page import MaintenancePage


class MaintenanceWindows(QObject):
    """Asks, and has the window's commands carry it out, so that it can be undone like everything else."""

    def __init__(
        self,
        board: Board,
        engine: Commands,
        commands: WindowCommands,
        spawner: Spawner,
        theme: ThemeSwitch,
        now_ms: Callable[[], int],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._board = board
        self._engine = engine
        self._commands = commands
        self._spawner = spawner
        self._theme = theme
        self._now_ms = now_ms
        self._window = window
        self.page: MaintenancePage | None = None

    @Slot()
    def show_page(self) -> None:
        """Show all windows."""
        if self.page is None:
            from pingmon_gui.ui.maintenance_page import MaintenancePage

            self.page = MaintenancePage(lambda: self._engine.windows, self._now_ms, self._theme, self._window)
            self.page.asked.connect(self.ask)
            self.page.end_asked.connect(self.on_end_asked)
            self.page.removal_asked.connect(self.on_removal_asked)
            self.page.undo_asked.connect(self.on_undo_asked)
        bring_up(self.page)

    def ask_for(self, monitors: Sequence[MonitorId]) -> None:
        """Show the form of a new window for some domains."""
        self._ask(None, Scope(False, monitors=frozenset(monitors)) if monitors else EVERYTHING)

    @Slot(object)
    def ask(self, window: MaintenanceWindow | None) -> None:
        """Show the form of a window, of a new one for None."""
        self._ask(window, EVERYTHING)

    @Slot()
    def on_windows_changed(self) -> None:
        if self.page is not None and self.page.isVisible():
            self.page.show_windows()

    @Slot(object)
    def on_end_asked(self, window: MaintenanceWindow) -> None:
        change = without_what_is_on(window, self._now_ms())
        if change is not None:
            self._spawner.spawn(self._change(change, self.tr("Ended %1."), window.name))

    @Slot(object)
    def on_removal_asked(self, window: MaintenanceWindow) -> None:
        self._spawner.spawn(self._change(MaintenanceChange(ended=(window.id,)), self.tr("Removed %1."), window.name))

    @Slot()
    def on_undo_asked(self) -> None:
        self._spawner.spawn(self._commands.undo())

    def _ask(self, window: MaintenanceWindow | None, scope: Scope) -> None:
        from pingmon_gui.ui.maintenance_form import MaintenanceForm

        page = self.page if self.page is not None and self.page.isVisible() else self._window
        form = MaintenanceForm(
            None if window is None else window.draft,
            self._board.monitors,
            self._commands.known_tags(),
            self._now_ms,
            scope=scope,
            parent=page,
        )
        form.submitted.connect(lambda draft: self._spawner.spawn(form.carry_out(self._save(window, draft))))
        form.open()

    def _save(self, window: MaintenanceWindow | None, draft: MaintenanceDraft) -> Coroutine[Any, Any, None]:
        if window is None:
            return self._change(MaintenanceChange(added=(draft,)), self.tr("Added %1."), draft.name)
        change = MaintenanceChange() if draft == window.draft else MaintenanceChange((window.id,), (draft,))
        return self._change(change, self.tr("Changed %1."), draft.name)

    async def _change(self, change: MaintenanceChange, text: str, name: str) -> None:
        if not change.ended and not change.added:
            return
        said = text.replace("%1", wording.isolated(wording.plain(name, 80)))
        await self._commands.change_windows(change, said)
        if self.page is not None and self.page.isVisible():
            self.page.say(said, has_undo=True)
