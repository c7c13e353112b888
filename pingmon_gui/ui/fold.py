"""A heading that opens and closes what is below it, by mouse and keyboard."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget

_INDENT = 24


class Fold(QWidget):
    """`inside` belongs to the fold from then on; it is hidden, not gone, while the fold is closed."""

    def __init__(self, title: str, inside: QWidget, parent: QWidget | None = None, *, is_open: bool = False) -> None:
        super().__init__(parent)
        self.head = QToolButton(self)
        self.head.setText(title)
        self.head.setProperty("flat", True)
        self.head.setCheckable(True)
        self.head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.head.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.inside = inside
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.head, 0, Qt.AlignmentFlag.AlignLeading)
        below = QVBoxLayout()
        below.setContentsMargins(_INDENT, 0, 0, 4)
        below.addWidget(inside)
        column.addLayout(below)
        self.head.toggled.connect(self.on_toggled)
        self.head.setChecked(is_open)
        self.on_toggled(is_open)

    @Slot(bool)
    def on_toggled(self, is_open: bool) -> None:
        self.head.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        told = self.tr("%1, open") if is_open else self.tr("%1, closed")
        self.head.setAccessibleName(told.replace("%1", self.head.text()))
        self.inside.setVisible(is_open)
