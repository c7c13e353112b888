"""The windows about the database as a whole: backing up, restoring, and what lies beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from pingmon_gui.domain.backup import BackupFacts
from pingmon_gui.domain.size_forecast import loads
from pingmon_gui.engine.board_view import BoardView
from pingmon_gui.renewal import Renewal
from pingmon_gui.ui import data_wording, wording
from pingmon_gui.ui.async_slot import Spawner

if TYPE_CHECKING:
    from pingmon_gui.ui.backup_dialog import BackupOrder
    from pingmon_gui.ui.preferences_dialog import PreferencesDialog


class DataSession(Protocol):
    """What these windows need of a session."""

    @property
    def store(self) -> Any: ...

    @property
    def renewal(self) -> Renewal: ...


class DataWindows(QObject):
    """`said` carries a text for the message bar."""

    said = Signal(str)

    def __init__(self, session: DataSession, board: BoardView, spawner: Spawner, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._board = board
        self._spawner = spawner
        self._window = window

    @Slot()
    def ask_backup(self) -> None:
        from pingmon_gui.ui.backup_dialog import BackupDialog

        with_login = sum(monitor.settings.has_secrets for monitor in self._board.monitors.values())
        remote = sum(health.probe.access is not None for health in self._board.probes.values())
        dialog = BackupDialog(with_login, remote, self._window)
        dialog.submitted.connect(lambda order: self._spawner.spawn(dialog.carry_out(self._back_up(order))))
        dialog.open()
        self._spawner.spawn(self._say_size(dialog.show_size))

    @Slot()
    def ask_restore(self) -> None:
        from pingmon_gui.ui.restore_dialog import RestoreDialog

        renewal = self._session.renewal
        dialog = RestoreDialog(renewal, self._spawner.spawn, self._window)

        def take(facts: BackupFacts) -> None:
            dialog.accept()
            renewal.order(renewal.work_of_restore(facts))

        dialog.submitted.connect(take)
        dialog.open()

    def explain_size(self, dialog: PreferencesDialog) -> None:
        """Have the preferences show how large the database is, as soon as that is known."""
        self._spawner.spawn(self._explain_size(dialog))

    async def _explain_size(self, dialog: PreferencesDialog) -> None:
        from pingmon_gui.ui.size_panel import Usage

        store = self._session.store
        parts, size = await store.size_parts(), await store.size()
        monitors = [monitor for monitor in self._board.monitors.values() if not monitor.is_paused]
        regions = [health.probe.region for health in self._board.probes.values()]
        dialog.show_usage(Usage(parts, size.oldest_at_ms, loads(monitors, regions), len(monitors), len(set(regions))))

    async def _back_up(self, order: BackupOrder) -> None:
        facts: BackupFacts = await self._session.store.back_up(order.path, order.work)
        text = self.tr("Backed up %1 to %2 (%3).")
        text = text.replace("%3", data_wording.file_size(facts.file_bytes))
        text = text.replace("%2", wording.isolated(facts.path)).replace("%1", data_wording.contents(facts))
        self.said.emit(text)

    async def _say_size(self, show: Callable[[int], None]) -> None:
        show((await self._session.store.size()).file_bytes)
