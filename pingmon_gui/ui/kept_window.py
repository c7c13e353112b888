"""Windows that are kept when they are closed, and how any window comes to the front."""

from __future__ import annotations

from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QDialog, QWidget


class KeptWindow(QDialog):
    """A window that closing only hides: what is under way goes on, and it is there again as it was."""

    def closeEvent(self, event: QCloseEvent) -> None:
        event.ignore()
        self.hide()

    def reject(self) -> None:
        self.hide()


def bring_up(window: QWidget) -> None:
    """Show a window in front of the others, with the keyboard's focus."""
    window.show()
    window.raise_()
    window.activateWindow()
