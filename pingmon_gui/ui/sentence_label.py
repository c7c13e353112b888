"""The line under a field: quiet help, or what is wrong with what was typed."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAccessible, QAccessibleEvent, QColor, QPalette
from PySide6.QtWidgets import QWidget

from pingmon_gui.ui.plain_label import PlainLabel
from pingmon_gui.ui.theme import current


class SentenceLabel(PlainLabel):
    """A wrapping plain-text line that takes no room while it has nothing to say.

    `kind` is "error" (with a sign in front, so that it does not live by colour alone) or "quiet".
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.sentence = ""
        self.is_error = False
        self.hide()

    def say(self, sentence: str, *, is_error: bool = False) -> None:
        """Show a sentence, or nothing for an empty one."""
        if (sentence, is_error) == (self.sentence, self.is_error):
            return
        self.sentence, self.is_error = sentence, is_error
        self.setText(f"⚠ {sentence}" if is_error else sentence)
        self.setAccessibleName(sentence)
        self._paint_in_kind()
        self.setVisible(bool(sentence))
        if is_error and self.isVisible():
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.ApplicationPaletteChange:
            self._paint_in_kind()
        super().changeEvent(event)

    def _paint_in_kind(self) -> None:
        palette = QPalette()
        if self.is_error:
            palette.setColor(QPalette.ColorRole.WindowText, QColor(current().offline))
        else:
            palette.setColor(QPalette.ColorRole.WindowText, palette.color(QPalette.ColorRole.PlaceholderText))
        self.setPalette(palette)
