"""What the Help menu does: the sheet of shortcuts, the log file, and what this is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMainWindow, QMessageBox

import pingmon_gui
from pingmon_gui.ui import resource, wording
from pingmon_gui.ui.window_actions import WindowActions


class HelpMenu(QObject):
    """Hears its actions by itself; `say` puts a sentence into the window's message bar."""

    def __init__(self, actions: WindowActions, log_file: Path, say: Callable[[str], None], window: QMainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._log_file = log_file
        self._say = say
        actions.shortcuts.triggered.connect(self.on_shortcuts)
        actions.open_log.triggered.connect(self.on_open_log)
        actions.about.triggered.connect(self.on_about)

    @Slot()
    def on_shortcuts(self) -> None:
        # Imported when asked for: the first frame does without it.
        from pingmon_gui.ui.shortcut_sheet import ShortcutSheet

        ShortcutSheet(self._window.menuBar(), self._window).open()

    @Slot()
    def on_open_log(self) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._log_file))):
            self._say(self.tr("The log file is %1").replace("%1", wording.plain(self._log_file)))

    @Slot()
    def on_about(self) -> None:
        box = QMessageBox(self._window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle(self.tr("About Pingmon"))
        box.setIconPixmap(resource.app_icon().pixmap(64, 64))
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(self.tr("Pingmon %1").replace("%1", pingmon_gui.__version__))
        box.setInformativeText(
            self.tr("Watches websites from the places that matter to you, and shows only what it measured itself.")
        )
        box.open()
