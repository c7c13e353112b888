"""What the window's actions do to domains: each asks the engine, and says in the message bar how it went."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from pingmon_gui.domain.alert_rule import AlertBook
from pingmon_gui.domain.book_change import BookChange, way_back
from pingmon_gui.domain.change import ConfigurationChange, WindowWish
from pingmon_gui.domain.error import InvalidInput, PingmonError, StorageError
from pingmon_gui.domain.maintenance import MaintenanceChange
from pingmon_gui.domain.maintenance import way_back as way_back_of_windows
from pingmon_gui.domain.monitor import Monitor, MonitorDraft, MonitorId
from pingmon_gui.domain.preference import Preferences, new_monitor_settings
from pingmon_gui.domain.target import parse_target
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.command import Commands
from pingmon_gui.ui import wording
from pingmon_gui.ui.async_slot import Spawner

if TYPE_CHECKING:
    from pingmon_gui.exchange.configuration import Configuration
    from pingmon_gui.ui.export_dialog import ExportOrder
    from pingmon_gui.ui.preferences_dialog import PreferencesDialog

_MOST_UNDONE = 50
Undo = Callable[[], Coroutine[Any, Any, object]]


class WindowCommands(QObject):
    """`said` carries (text, undo offered?) for the message bar, `added` the monitors that came by a command."""

    said = Signal(str, bool)
    added = Signal(object)
    undo_changed = Signal()

    def __init__(
        self,
        board: Board,
        commands: Commands,
        book: Callable[[], AlertBook],
        spawner: Spawner,
        now_ms: Callable[[], int],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._board = board
        self._commands = commands
        self._book = book
        self._spawner = spawner
        self._now_ms = now_ms
        self._window = window
        self._undo: list[tuple[str, Undo]] = []

    @property
    def undo_text(self) -> str:
        """Return what `undo` would take back, empty for nothing."""
        return self._undo[-1][0] if self._undo else ""

    def known_tags(self) -> tuple[str, ...]:
        """Return every tag there is, by name."""
        tags = {tag for monitor in self._board.monitors.values() for tag in monitor.tags}
        return tuple(sorted(tags, key=str.casefold))

    # Straight commands

    async def add_first(self, text: str) -> None:
        """Add one domain as it was typed. Raises InvalidInput with a sentence."""
        target = parse_target(text)
        existing = {monitor.url for monitor in self._board.monitors.values()}
        if target.url in existing:
            raise InvalidInput("This domain is in the list already.")
        settings = replace(new_monitor_settings(self._commands.preferences), basic_auth=target.basic_auth)
        await self._add([MonitorDraft(target.url, settings=settings)])

    async def set_paused(self, ids: Sequence[MonitorId], is_paused: bool) -> None:
        await self._commands.set_paused(ids, is_paused)

    async def check_now(self, ids: Sequence[MonitorId]) -> None:
        await self._commands.check_now(ids)

    async def delete(self, ids: Sequence[MonitorId]) -> None:
        """Delete and offer to undo it."""
        what = self._names(ids)
        await self._commands.delete(ids)
        text = self.tr("Deleted %1.").replace("%1", what)
        self._remember(text, lambda: self._restore(ids))
        self.said.emit(text, True)

    async def change_windows(self, change: MaintenanceChange, text: str) -> None:
        """End maintenance windows and add others, and offer to undo it; `text` says what was done."""
        before = self._commands.windows
        after = await self._commands.change_windows(change)
        back = way_back_of_windows(before, after, self._now_ms())
        self._remember(text, lambda: self._commands.change_windows(back))
        self.said.emit(text, True)

    async def undo(self) -> None:
        """Take back what was last done. Raises PingmonError; where the disk was at fault, try again."""
        if not self._undo:
            return
        last = self._undo.pop()
        _text, undo = last
        try:
            await undo()
        except StorageError:
            self._undo.append(last)
            raise
        finally:
            self.undo_changed.emit()

    # Dialogs. Imported when asked for: the first frame does without them.

    def ask_add(self, text: str = "") -> None:
        from pingmon_gui.ui.add_dialog import AddDialog

        dialog = AddDialog(self._urls(), self._commands.preferences, self.known_tags(), self._window)
        if text:
            dialog.set_text(text)
        dialog.submitted.connect(lambda drafts: self._spawner.spawn(dialog.carry_out(self._add(drafts))))
        dialog.open()

    def ask_edit(self, ids: Sequence[MonitorId]) -> None:
        from pingmon_gui.ui.edit_dialog import EditDialog

        monitors = [self._board.monitors[monitor] for monitor in ids]
        dialog = EditDialog(monitors, self._urls(), self._commands.preferences, self.known_tags(), self._window)
        dialog.submitted.connect(lambda changed: self._spawner.spawn(dialog.carry_out(self._change(changed))))
        dialog.open()

    def ask_tags(self, ids: Sequence[MonitorId]) -> None:
        from pingmon_gui.ui.tag_dialog import TagDialog

        monitors = [self._board.monitors[monitor] for monitor in ids]
        dialog = TagDialog(monitors, self.known_tags(), self._window)
        dialog.submitted.connect(lambda changed: self._spawner.spawn(dialog.carry_out(self._change(changed))))
        dialog.open()

    def ask_preferences(self, preferences: Preferences) -> PreferencesDialog:
        from pingmon_gui.ui.preferences_dialog import PreferencesDialog

        dialog = PreferencesDialog(preferences, self._window)
        dialog.submitted.connect(
            lambda values: self._spawner.spawn(dialog.carry_out(self._commands.change_preferences(values)))
        )
        dialog.open()
        return dialog

    def ask_import(self, path: Path | None = None) -> None:
        """Show the import, at once with a file where one is named."""
        from pingmon_gui.ui.import_dialog import ImportDialog

        dialog = ImportDialog(self._configuration(), self._spawner.spawn, self._window)
        dialog.submitted.connect(lambda change: self._spawner.spawn(dialog.carry_out(self._import(change))))
        dialog.open()
        if path is not None:
            dialog.read_file(path)

    def ask_export(self) -> None:
        from pingmon_gui.ui.export_dialog import ExportDialog

        with_login = sum(monitor.settings.has_secrets for monitor in self._board.monitors.values())
        dialog = ExportDialog(with_login, self._window)
        dialog.submitted.connect(lambda order: self._spawner.spawn(dialog.carry_out(self._export(order))))
        dialog.open()

    # How it is done

    async def _add(self, drafts: Sequence[MonitorDraft]) -> None:
        monitors = await self._commands.add(drafts)
        ids = tuple(monitor.id for monitor in monitors)
        # No message: the new rows are there, and chosen.
        self._remember(self.tr("Added %1.").replace("%1", self._names(ids)), lambda: self._commands.delete(ids))
        self.added.emit(ids)

    async def _import(self, change: ConfigurationChange) -> None:
        before = {key: self._commands.preferences[key] for key in change.preferences}
        book, windows = self._book(), self._commands.windows
        applied = await self._commands.apply(change)
        ids = tuple(monitor.id for monitor in applied.added)
        text = self.tr("Imported %1.").replace("%1", wording.monitors_counted(len(ids)))
        alerts = BookChange() if applied.book is None else way_back(book, applied.book)
        then = way_back_of_windows(windows, self._commands.windows, self._now_ms())
        back = ConfigurationChange(
            removed=ids,
            preferences=before,
            alerts=alerts,
            windows_ended=then.ended,
            windows_added=tuple(WindowWish(draft) for draft in then.added),
        )
        self._remember(text, lambda: self._commands.apply(back))
        self.added.emit(ids)
        self.said.emit(text, True)

    async def _export(self, order: ExportOrder) -> None:
        from pingmon_gui.exchange import outlet

        text = outlet.text_of(self._configuration(), order.format, with_secrets=order.with_secrets)
        await asyncio.to_thread(outlet.write_file, str(order.path), text)
        shown = wording.isolated(str(order.path))
        self.said.emit(self.tr("Exported to %1.").replace("%1", shown), False)

    async def _change(self, monitors: Sequence[Monitor]) -> None:
        before = [self._board.monitors[monitor.id] for monitor in monitors if monitor.id in self._board.monitors]
        await self._commands.change(monitors)
        if before:
            text = self.tr("Changed %1.").replace("%1", self._names([monitor.id for monitor in before]))
            self._remember(text, lambda: self._commands.change(before))
            self.said.emit(text, True)

    async def _restore(self, ids: Sequence[MonitorId]) -> None:
        restored = await self._commands.restore(ids)
        if not restored:
            raise PingmonError("It was deleted too long ago to be brought back.")
        self.added.emit(tuple(monitor.id for monitor in restored))

    def _remember(self, text: str, undo: Undo) -> None:
        self._undo = [*self._undo[-_MOST_UNDONE + 1 :], (text, undo)]
        self.undo_changed.emit()

    def _names(self, ids: Sequence[MonitorId]) -> str:
        if len(ids) == 1 and ids[0] in self._board.monitors:
            return wording.plain(self._board.monitors[ids[0]].title, 80)
        return wording.monitors_counted(len(ids))

    def _configuration(self) -> Configuration:
        from pingmon_gui.exchange.configuration import Configuration

        return Configuration(
            tuple(self._board.monitors.values()),
            self._commands.preferences,
            tuple(health.probe for health in self._board.probes.values()),
            self._book(),
            self._commands.windows,
            self._now_ms(),
        )

    def _urls(self) -> set[str]:
        return {monitor.url for monitor in self._board.monitors.values()}
