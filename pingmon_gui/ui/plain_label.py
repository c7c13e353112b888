"""A line or paragraph of any text, shown as it is: never as markup, never wider than the room there is for it."""

from __future__ import annotations

import re

from PySide6.QtCore import QEvent, QSize, Qt, QTextBoundaryFinder
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QWidget

from pingmon_gui.ui import wording

#: A word of fewer characters is never too wide.
_SHORT = 16


class PlainLabel(QLabel):
    """Text that can be selected and copied.

    A label wraps between words alone, so one long word, like a signed address, would push everything beside it out of
    sight. Such a word is shortened in its middle here while there is no room for it; `text` and the tool tip stay
    whole.
    """

    def __init__(self, parent: QWidget | None = None, *, can_wrap: bool = True) -> None:
        super().__init__(parent)
        self._whole = ""
        self._is_shortened = False
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(can_wrap)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )

    def setText(self, text: str) -> None:
        if text != self._whole:
            self._whole = text
            self._fit()

    def text(self) -> str:
        """Return the whole text, also while less of it is shown."""
        return self._whole

    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        if self.wordWrap():
            hint.setWidth(min(hint.width(), _SHORT * self.fontMetrics().averageCharWidth()))
        return hint

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def _fit(self) -> None:
        """Show the text, its words no wider than the label."""
        shown = self._whole
        # Before it is laid out, a label has no width that says anything.
        if self.wordWrap() and self.isVisible():
            shown = re.sub(rf"\S{{{_SHORT},}}", lambda found: self._fitted(found[0]), self._whole)
        if shown == super().text():
            return
        was_shortened, self._is_shortened = self._is_shortened, shown != self._whole
        super().setText(shown)
        if was_shortened or self._is_shortened:
            self.setToolTip(wording.tool_tip(self._whole) if self._is_shortened else "")

    def _fitted(self, run: str) -> str:
        """Shorten the parts of a run of characters that stay on one line and are too wide for it."""
        room, metrics = self.contentsRect().width(), self.fontMetrics()
        if metrics.horizontalAdvance(run) <= room:
            return run
        finder = QTextBoundaryFinder(QTextBoundaryFinder.BoundaryType.Line, run)
        units, parts, start = run.encode("utf-16-le"), [], 0
        while (end := finder.toNextBoundary()) > start:
            part = units[2 * start : 2 * end].decode("utf-16-le")
            parts.append(metrics.elidedText(part, Qt.TextElideMode.ElideMiddle, room))
            start = end
        return "".join(parts)


def quiet_label(parent: QWidget | None = None, *, can_wrap: bool = False) -> PlainLabel:
    """Return a label that Tab passes by, as there is nothing in it to copy."""
    label = PlainLabel(parent, can_wrap=can_wrap)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
    return label


class _Caption(QLabel):
    def sizeHint(self) -> QSize:
        """Leave room for a letter that is underlined: drawn apart, it is not kerned, as Qt reckons that it is."""
        hint = super().sizeHint()
        before, _sign, after = self.text().partition("&")
        width = self.fontMetrics().horizontalAdvance
        kerning = width(before) + width(after[:1]) + width(after[1:]) - width(before + after)
        return QSize(hint.width() + max(0, kerning), hint.height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()


def caption(text: str, field: QWidget | None = None, parent: QWidget | None = None) -> QLabel:
    """Return the name of the field beside it; an "&" in it gives the field a key."""
    label = _Caption(text, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    if field is not None:
        label.setBuddy(field)
    return label
