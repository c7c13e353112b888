"""Bugs of ours that reached an edge: written to the log, and shown once per type with a text that can be copied."""

from __future__ import annotations

import logging
import platform
import traceback

import PySide6
from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

import pingmon_gui
from pingmon_gui.log import without_secrets

_log = logging.getLogger(__name__)


class CrashReporter(QObject):
    """Takes every unexpected exception. `show` may be called from any edge on the main thread."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._seen: set[type[BaseException]] = set()
        self._window: QWidget | None = None
        self.dialogs: list[CrashDialog] = []

    def set_window(self, window: QWidget | None) -> None:
        self._window = window

    def report(self, error: BaseException) -> None:
        """Log it; show the first one of its type."""
        _log.error("a bug reached the edge", exc_info=error)
        if type(error) in self._seen:
            return
        self._seen.add(type(error))
        dialog = CrashDialog(error, self._window)
        self.dialogs.append(dialog)
        dialog.show()


class CrashDialog(QDialog):
    """Never runs a loop of its own: shown, not executed."""

    def __init__(self, error: BaseException, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Something went wrong in Pingmon"))
        sentence = QLabel(
            self.tr("This is a bug in Pingmon. It goes on measuring; what you just did may not have worked."), self
        )
        sentence.setTextFormat(Qt.TextFormat.PlainText)
        sentence.setWordWrap(True)
        self.details = QPlainTextEdit(report_text(error), self)
        self.details.setReadOnly(True)
        self.details.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.details.setAccessibleName(self.tr("Details to copy"))
        buttons = QDialogButtonBox(self)
        copy = buttons.addButton(self.tr("Copy details"), QDialogButtonBox.ButtonRole.ActionRole)
        close = buttons.addButton(self.tr("Close"), QDialogButtonBox.ButtonRole.RejectRole)
        close.setDefault(True)
        copy.clicked.connect(self.on_copy_clicked)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(sentence)
        column.addWidget(self.details, 1)
        column.addWidget(buttons)
        self.resize(640, 380)

    @Slot()
    def on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self.details.toPlainText())


def report_text(error: BaseException) -> str:
    """Return what a developer needs to know, without secrets."""
    lines = traceback.format_exception(error)
    head = f"Pingmon {pingmon_gui.__version__}, Python {platform.python_version()}, Qt {PySide6.__version__}, "
    return without_secrets(head + platform.platform() + "\n\n" + "".join(lines))
