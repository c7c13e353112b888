"""The bar below the table, so that rows stay where they are: one message, what to do next, and how to dismiss it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtGui import QAccessible, QAccessibleEvent, QColor, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from pingmon_gui.ui import resource, sheet
from pingmon_gui.ui.plain_label import PlainLabel
from pingmon_gui.ui.theme import current

#: How long a message that needs no answer stays.
PASSING_MS = 12_000


class MessageBar(QWidget):
    """Hidden while it has nothing to say. An error stays until dismissed; the rest goes by itself."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.is_error = False
        self._act: Callable[[], None] | None = None
        self._sign = QLabel(self)
        self.label = PlainLabel(self)
        self.label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.button = QPushButton(self)
        self.dismiss = QToolButton(self)
        self.dismiss.setProperty("flat", True)
        self.dismiss.setToolTip(self.tr("Dismiss (Esc)"))
        self.dismiss.setAccessibleName(self.tr("Dismiss"))
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 6, 6)
        row.setSpacing(10)
        row.addWidget(self._sign)
        row.addWidget(self.label, 1)
        row.addWidget(self.button)
        row.addWidget(self.dismiss)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.clear)
        self.button.clicked.connect(self.on_acted)
        self.dismiss.clicked.connect(self.clear)
        self.hide()

    @property
    def text(self) -> str:
        return self.label.text() if not self.isHidden() else ""

    def say(
        self, text: str, *, is_error: bool = False, button: str = "", act: Callable[[], None] | None = None
    ) -> None:
        """Show a message in place of the one there is; `act` is what its button does."""
        self.is_error = is_error
        self._act = act
        self.label.setText(text)
        self.setAccessibleName(text)
        self.button.setText(button)
        self.button.setVisible(bool(button))
        self.refresh()
        self.show()
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))
        if is_error:
            self._timer.stop()
        else:
            self._timer.start(PASSING_MS)

    def refresh(self) -> None:
        """Take over the colours in use."""
        theme = current()
        self.setStyleSheet(sheet.controls())
        self._sign.setVisible(self.is_error)
        self._sign.setPixmap(resource.line_icon("warning", theme.offline).pixmap(16, 16))
        self.dismiss.setIcon(resource.line_icon("close", theme.muted))
        self.update()

    @Slot()
    def clear(self) -> None:
        self._timer.stop()
        self._act = None
        self.hide()

    @Slot()
    def on_acted(self) -> None:
        act = self._act
        self.clear()
        if act is not None:
            act()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
            return
        super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        theme = current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.offline if self.is_error else theme.line), 1))
        painter.setBrush(QColor(theme.offline_tint if self.is_error else theme.raised))
        painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), 7, 7)
