"""What somebody drops on a window: files of this computer, or text; and the place that invites to do so."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from pingmon_gui.ui.theme import current, scaled_font


def dropped_files(data: QMimeData) -> list[Path]:
    """Return the files and folders of this computer among what is dropped, in order; a link of a browser is none."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


class DropZone(QWidget):
    """A dashed frame with an invitation and a quiet sentence below it; the window around it takes what is dropped."""

    def __init__(self, invitation: str, sentence: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.invitation = QLabel(invitation, self)
        self.invitation.setFont(scaled_font(1.15, weight=QFont.Weight.DemiBold))
        self.sentence = QLabel(sentence, self)
        column = QVBoxLayout(self)
        column.setContentsMargins(40, 24, 40, 24)
        column.setSpacing(8)
        column.addStretch(1)
        for label in (self.invitation, self.sentence):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            label.setWordWrap(True)
            column.addWidget(label)
        column.addStretch(1)
        self.sentence.setStyleSheet(f"color: {current().muted}")

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(current().field_line), 1.5, Qt.PenStyle.DashLine))
        painter.setBrush(QColor(current().raised))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 9, 9)
