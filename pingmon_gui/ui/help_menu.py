"""What the Help menu does: the sheet of shortcuts, the log file, and what this is."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable
from pathlib import Path

from pingmon_probe import __version__ as PROBE_VERSION
from PySide6.QtCore import QObject, Qt, QUrl, Slot, qVersion
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMainWindow, QMessageBox

import pingmon_gui
from pingmon_gui import version
from pingmon_gui.domain.error import ProvisionError
from pingmon_gui.provision.bundle import probe_bundle
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
        box.setObjectName("about")
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle(self.tr("About Pingmon"))
        box.setIconPixmap(resource.app_icon().pixmap(64, 64))
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(self.tr("Pingmon %1").replace("%1", pingmon_gui.__version__))
        box.setInformativeText(f"{self._purpose()}\n\n{self._versions()}\n\n{self._probe_file()}")
        box.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        box.open()

    def _purpose(self) -> str:
        return self.tr("Watches websites from the places that matter to you, and shows only what it measured itself.")

    def _versions(self) -> str:
        return (
            self.tr("Protocol %1 · Qt %2 · Python %3")
            .replace("%1", version.protocol_versions())
            .replace("%2", qVersion())
            .replace("%3", platform.python_version())
        )

    def _probe_file(self) -> str:
        """Say by what a probe's file on a host is known as ours."""
        try:
            bundle = probe_bundle()
        except ProvisionError as exc:
            return wording.plain(exc)
        # In halves: a message box has no room for the whole in one line, and would not break it.
        digest = hashlib.sha256(bundle).hexdigest()
        return self.tr("Probe %1, SHA-256:").replace("%1", PROBE_VERSION) + f"\n{digest[:32]}\n{digest[32:]}"
