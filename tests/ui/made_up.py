"""A made-up language that wraps every text in ⟦…⟧: what was not translated shows."""

from __future__ import annotations

from PySide6.QtCore import QTranslator
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QLineEdit, QSpinBox, QWidget


class MadeUpLanguage(QTranslator):
    """Answers to every text with the text in brackets."""

    def isEmpty(self) -> bool:
        return False

    def translate(self, _context: str, text: str, _disambiguation: str | None = None, _n: int = -1) -> str:
        return f"⟦{text}⟧"


def visible_texts(widget: QWidget) -> list[str]:
    """Return every text of a widget and of those in it that people can read or hear."""
    texts = [widget.windowTitle()]
    for part in [widget, *widget.findChildren(QWidget)]:
        texts += [part.toolTip(), part.accessibleName()]
        if isinstance(part, (QLabel, QAbstractButton)):
            texts.append(part.text())
        if isinstance(part, QLineEdit):
            texts.append(part.placeholderText())
        if isinstance(part, QComboBox):
            texts += [part.itemText(place) for place in range(part.count())]
        if isinstance(part, QSpinBox):
            texts.append(part.suffix())
    return [text for text in texts if any(letter.isalpha() for letter in text)]
