"""What could be saved of a damaged database, what was lost, and what to do now."""

from __future__ import annotations

from PySide6.QtCore import Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QVBoxLayout, QWidget

from pingmon_gui.domain.rescue import Kept, Rescued
from pingmon_gui.ui import data_wording, sheet, wording
from pingmon_gui.ui.theme import scaled_font


class RescueReport(QDialog):
    """Shown with `open()`; deletes itself."""

    def __init__(self, rescued: Rescued, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rescued = rescued
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setWindowTitle(self.tr("What could be saved"))
        self.setMinimumWidth(self.fontMetrics().averageCharWidth() * 64)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 14, 14, 14)
        column.setSpacing(10)
        title = self._label(self._headline())
        title.setFont(scaled_font(1.15, weight=title.font().Weight.DemiBold))
        column.addWidget(title)
        column.addLayout(self._table())
        for remark, count in rescued.remarks:
            column.addWidget(self._label(data_wording.remark_sentence(remark, count)))
        text = self.tr("The damaged database is kept: %1. You may delete it when you miss nothing.")
        column.addWidget(self._label(text.replace("%1", wording.isolated(rescued.aside))))
        column.addStretch(1)
        buttons = QDialogButtonBox(self)
        folder = buttons.addButton(self.tr("Open the &folder"), QDialogButtonBox.ButtonRole.ActionRole)
        folder.setAutoDefault(False)
        folder.clicked.connect(self.on_open_folder)
        close = buttons.addButton(self.tr("&Continue"), QDialogButtonBox.ButtonRole.AcceptRole)
        close.setDefault(True)
        close.setProperty("primary", True)
        buttons.accepted.connect(self.accept)
        buttons.setStyleSheet(sheet.controls())
        column.addWidget(buttons)
        close.setFocus()

    @Slot()
    def on_open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._rescued.aside.parent)))

    def _headline(self) -> str:
        if not any(count.saved for count in self._rescued.counts):
            return self.tr("Nothing in the damaged database could be read. Pingmon starts with an empty one.")
        if self._rescued.is_whole:
            return self.tr("Everything could be saved.")
        if self._rescued.count(Kept.DOMAINS).is_whole and not self._rescued.remarks:
            return self.tr("All domains could be saved, and most of the history.")
        return self.tr("A part could be saved.")

    def _table(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(28)
        grid.setVerticalSpacing(4)
        right = Qt.AlignmentFlag.AlignRight
        for place, text in enumerate(("", self.tr("saved"), self.tr("lost"))):
            head = self._label(text)
            head.setProperty("quiet", True)
            grid.addWidget(head, 0, place, right if place else Qt.AlignmentFlag.AlignLeft)
        for row, count in enumerate(self._rescued.counts, 1):
            grid.addWidget(self._label(data_wording.kind_name(count.kind)), row, 0)
            grid.addWidget(self._label(wording.number(count.saved)), row, 1, right)
            lost = self._label(data_wording.lost_text(count))
            if not count.is_whole:
                font = lost.font()
                font.setBold(True)
                lost.setFont(font)
            grid.addWidget(lost, row, 2, right)
        grid.setColumnStretch(3, 1)
        return grid

    def _label(self, text: str) -> QLabel:
        label = QLabel(text, self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(len(text) > 30)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return label
