"""A percentage that explains itself: click it, or press Enter or Space on it, and see what it is made of."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from pingmon_gui.domain.availability import Availability
from pingmon_gui.ui import wording
from pingmon_gui.ui.theme import current, scaled_font


class ShareButton(QToolButton):
    """Looks like a figure with a dotted line under it, as words have that can be looked up."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFont(scaled_font(1.0, is_tabular=True))
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self._figure: Availability | None = None
        self._of = ""
        self.refresh()

    def show_share(self, figure: Availability, of: str) -> None:
        """Show a figure; `of` says what it is one of, for screen readers."""
        if (figure, of) == (self._figure, self._of):
            return
        self._figure, self._of = figure, of
        self.setText(wording.share(figure.ratio))
        name = self.tr("%1: available %2, %3 of the time known. Explain…")
        name = name.replace("%3", wording.share(figure.coverage)).replace("%2", wording.exact_share(figure.ratio))
        self.setAccessibleName(name.replace("%1", of))
        tip = self.tr("%1 of the time is known. Click to see the very intervals this is made of.")
        self.setToolTip(wording.tool_tip(tip.replace("%1", wording.share(figure.coverage))))

    def refresh(self) -> None:
        """Take over the colours in use."""
        theme = current()
        self.setStyleSheet(
            f"QToolButton {{ border: none; border-bottom: 1px dotted {theme.muted}; border-radius: 0; padding: 0 1px;"
            f" background: transparent; color: {theme.text}; }}"
            f"QToolButton:hover, QToolButton:focus {{ color: {theme.accent}; border-bottom-color: {theme.accent}; }}"
        )

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self.text() or "0") + 4, metrics.height() + 3)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()
