"""Data that cannot be used at the start: what is wrong, and what can be done about it, until it can be used."""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QAbstractButton, QDialog, QMessageBox, QWidget

from pingmon_gui.domain.backup import BackupFacts
from pingmon_gui.domain.error import (
    PingmonError,
    StorageCorrupt,
    StorageError,
    StorageFull,
    StorageReadOnly,
    StorageTooNew,
)
from pingmon_gui.domain.rescue import Rescued
from pingmon_gui.renewal import Renewal
from pingmon_gui.ui import wording
from pingmon_gui.ui.async_slot import Spawner
from pingmon_gui.ui.long_work import LongWork

translate = wording.translate


class Choice(Enum):
    """What the user wants to do about it."""

    AGAIN = auto()
    QUIT = auto()
    RESCUE = auto()
    RESTORE = auto()


class StorageTrouble:
    """Asks over `parent`; nobody may have the database open. `spawner` runs what its dialogs begin."""

    def __init__(self, renewal: Renewal, spawner: Spawner, parent: QWidget) -> None:
        self._renewal = renewal
        self._spawner = spawner
        self._parent = parent
        self._dialog: QDialog | None = None
        self._is_given_up = False

    def give_up(self) -> None:
        """Pingmon is to end: close what is asked, as if the user had closed it. Work on the database is finished."""
        self._is_given_up = True
        if self._dialog is not None:
            self._dialog.reject()

    async def resolve(self, error: StorageError) -> bool:
        """Return whether to try again: at once, or after what the user wanted was done. False is to quit."""
        problem: PingmonError = error
        while not self._is_given_up:
            box, choices = storage_dialog(problem, self._renewal.path.parent, self._parent)
            await self._closed(box)
            choice = choices.get(box.clickedButton(), Choice.QUIT)
            box.deleteLater()
            try:
                match choice:
                    case Choice.RESCUE:
                        await self.show_rescued(await self._rescue())
                        return True
                    case Choice.RESTORE:
                        if await self._restore():
                            return True
                    case _:
                        return choice is Choice.AGAIN
            except PingmonError as exc:
                problem = exc
        return False

    async def show_rescued(self, rescued: Rescued) -> None:
        """Tell what became of a damaged database, until the user has read it."""
        from pingmon_gui.ui.rescue_report import RescueReport

        await self._closed(RescueReport(rescued, self._parent))

    async def _rescue(self) -> Rescued:
        from pingmon_gui.ui.waiting_box import WaitingBox

        box = WaitingBox(translate("Storage", "Saving what can be read of the damaged database…"), self._parent)
        box.open()
        try:
            return await asyncio.to_thread(self._renewal.work_of_rescue(LongWork(box.show_share)))
        finally:
            box.deleteLater()

    async def _restore(self) -> bool:
        """Return whether a backup took the place of the database."""
        from pingmon_gui.ui.restore_dialog import RestoreDialog

        chosen: list[BackupFacts] = []

        def take(facts: BackupFacts) -> None:
            chosen.append(facts)
            dialog.accept()

        dialog = RestoreDialog(self._renewal, self._spawner.spawn, self._parent)
        dialog.submitted.connect(take)
        await self._closed(dialog)
        if not chosen:
            return False
        await asyncio.to_thread(self._renewal.work_of_restore(chosen[0]))
        return True

    async def _closed(self, dialog: QDialog) -> None:
        """Show a dialog and wait until it is closed."""
        closed = asyncio.Event()
        dialog.finished.connect(lambda _code: closed.set())
        self._dialog = dialog
        dialog.open()
        if self._is_given_up:
            dialog.reject()
        await closed.wait()
        self._dialog = None


def storage_dialog(
    error: PingmonError, data_dir: Path, parent: QWidget | None = None
) -> tuple[QMessageBox, dict[QAbstractButton, Choice]]:
    """Return the dialog for a data folder that cannot be used, and what its buttons mean."""
    match error:
        case StorageTooNew():
            title = translate("Storage", "These data were written by a newer Pingmon")
        case StorageCorrupt():
            title = translate("Storage", "The database is damaged")
        case StorageReadOnly():
            title = translate("Storage", "The data folder cannot be written")
        case StorageFull():
            title = translate("Storage", "The disk is full")
        case _:
            title = translate("Storage", "The data cannot be used just now")
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Warning)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setWindowTitle(translate("Storage", "Pingmon"))
    box.setText(title)
    folder = translate("Storage", "Data folder: %1").replace("%1", wording.plain(data_dir))
    box.setInformativeText(f"{wording.problem(error)}\n\n{folder}")
    choices: dict[QAbstractButton, Choice] = {}
    again = box.addButton(QMessageBox.StandardButton.Retry)
    again.setText(translate("Storage", "Try again"))
    leave = box.addButton(QMessageBox.StandardButton.Close)
    leave.setText(translate("Storage", "Quit"))
    choices |= {again: Choice.AGAIN, leave: Choice.QUIT}
    first = again
    if isinstance(error, StorageCorrupt):
        first = box.addButton(translate("Storage", "Save what can be read"), QMessageBox.ButtonRole.AcceptRole)
        choices[first] = Choice.RESCUE
    if isinstance(error, StorageCorrupt | StorageTooNew):
        back = box.addButton(translate("Storage", "Restore a backup…"), QMessageBox.ButtonRole.ActionRole)
        choices[back] = Choice.RESTORE
    show = box.addButton(translate("Storage", "Open the folder"), QMessageBox.ButtonRole.HelpRole)
    # It stays open: the folder is looked at beside it.
    show.clicked.disconnect()
    show.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(data_dir))))
    box.setDefaultButton(first)
    box.setEscapeButton(leave)
    return box, choices
