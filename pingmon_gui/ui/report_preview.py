"""A look at a report before it is written: one of its sheets as it will be printed, or the beginning of a table."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize, Qt, Slot
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen, QPixmap, QWheelEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from pingmon_gui.ui import wording
from pingmon_gui.ui.report_pages import PAGE_HEIGHT, PAGE_WIDTH, Sheet
from pingmon_gui.ui.theme import current

_MOST_LINES = 200


class SheetView(QWidget):
    """Paints one sheet as large as there is room; painted once per size."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(260, 360)
        self._sheet: Sheet | None = None
        self._picture: QPixmap | None = None

    def sizeHint(self) -> QSize:
        return QSize(520, 735)

    def show_sheet(self, sheet: Sheet | None) -> None:
        self._sheet, self._picture = sheet, None
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        scale = min(self.width() / PAGE_WIDTH, self.height() / PAGE_HEIGHT)
        size = QSize(int(PAGE_WIDTH * scale), int(PAGE_HEIGHT * scale))
        place = QRect((self.width() - size.width()) // 2, 0, size.width(), size.height())
        painter = QPainter(self)
        painter.fillRect(place, QColor("white"))
        if self._sheet is not None:
            painter.drawPixmap(place.topLeft(), self._painted(self._sheet, size))
        painter.setPen(QPen(QColor(current().field_line), 1))
        painter.drawRect(place.adjusted(0, 0, -1, -1))

    def _painted(self, sheet: Sheet, size: QSize) -> QPixmap:
        ratio = self.devicePixelRatioF()
        if self._picture is None or self._picture.deviceIndependentSize().toSize() != size:
            picture = QPixmap(size * ratio)
            picture.setDevicePixelRatio(ratio)
            picture.fill(QColor("white"))
            painter = QPainter(picture)
            painter.scale(size.width() / PAGE_WIDTH, size.height() / PAGE_HEIGHT)
            sheet.paint(painter)
            painter.end()
            self._picture = picture
        return self._picture


class ReportPreview(QWidget):
    """Shows sheets with a way through them, a text, or how far the work is; `stop_button` is for whoever works."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sheets: Sequence[Sheet] = ()
        self._place = 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.sheet = SheetView(self)
        self.text = QPlainTextEdit(self)
        self.text.setReadOnly(True)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setAccessibleName(self.tr("Beginning of the table"))
        self.pages = QStackedWidget(self)
        self.pages.addWidget(self.sheet)
        self.pages.addWidget(self.text)
        self.before, self.after = self._turner(self.tr("Page before")), self._turner(self.tr("Next page"))
        self.before.setArrowType(Qt.ArrowType.LeftArrow)
        self.after.setArrowType(Qt.ArrowType.RightArrow)
        self.before.clicked.connect(self.on_before)
        self.after.clicked.connect(self.on_after)
        self.number = QLabel(self)
        self.number.setTextFormat(Qt.TextFormat.PlainText)
        self.number.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.progress = QProgressBar(self)
        self.progress.setAccessibleName(self.tr("Progress"))
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(6)
        self.stop_button = QPushButton(self.tr("Sto&p"), self)
        self.stop_button.setAutoDefault(False)
        # Of one height, whatever is in it: the sheet above does not change its size when work begins and ends.
        strip = QWidget(self)
        strip.setMinimumHeight(self.stop_button.sizeHint().height())
        turning = QHBoxLayout(strip)
        turning.setContentsMargins(0, 0, 0, 0)
        turning.addStretch(1)
        turning.addWidget(self.before)
        turning.addWidget(self.number)
        turning.addWidget(self.after)
        turning.addWidget(self.progress, 3)
        turning.addWidget(self.stop_button)
        turning.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.pages, 1)
        column.addWidget(strip)
        self.show_nothing()

    def show_nothing(self) -> None:
        """Show an empty sheet."""
        self.show_sheets(())

    def show_sheets(self, sheets: Sequence[Sheet]) -> None:
        """Show sheets, the one that was looked at if it is there again."""
        self._sheets = sheets
        self._place = min(self._place, max(0, len(sheets) - 1))
        self.pages.setCurrentWidget(self.sheet)
        self._show_place()

    def show_text(self, text: str) -> None:
        """Show the beginning of a table."""
        lines = text.splitlines()
        more = len(lines) - _MOST_LINES
        shown = lines[:_MOST_LINES]
        if more > 0:
            shown.append(self.tr("… and %1 more").replace("%1", wording.lines_counted(more)))
        self._sheets = ()
        self.text.setPlainText("\n".join(wording.plain(line, 500) for line in shown))
        self.pages.setCurrentWidget(self.text)
        self._show_place()

    def show_progress(self, done: int, of: int) -> None:
        """Say how many domains are read."""
        self._set_busy(True)
        self.progress.setMaximum(of)
        self.progress.setValue(done)
        text = self.tr("%1 of %2").replace("%2", wording.monitors_counted(of))
        self.number.setText(text.replace("%1", wording.number(done)))

    def end_progress(self) -> None:
        self._show_place()

    # Turning pages

    @Slot()
    def on_before(self) -> None:
        self._turn_to(self._place - 1)

    @Slot()
    def on_after(self) -> None:
        self._turn_to(self._place + 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        turns = {
            Qt.Key.Key_PageUp: self._place - 1,
            Qt.Key.Key_PageDown: self._place + 1,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: len(self._sheets) - 1,
        }
        place = turns.get(Qt.Key(event.key()))
        if place is None:
            super().keyPressEvent(event)
        else:
            self._turn_to(place)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self._sheets and event.angleDelta().y():
            self._turn_to(self._place + (1 if event.angleDelta().y() < 0 else -1))
        event.accept()

    def _turn_to(self, place: int) -> None:
        self._place = max(0, min(place, len(self._sheets) - 1))
        self._show_place()

    def _show_place(self) -> None:
        count = len(self._sheets)
        self.sheet.show_sheet(self._sheets[self._place] if count else None)
        text = self.tr("Page %1 of %2").replace("%2", wording.number(count))
        text = text.replace("%1", wording.number(self._place + 1)) if count else ""
        self.number.setText(text)
        self.setAccessibleName(f"{self.tr('Preview')}. {text}")
        self.before.setEnabled(self._place > 0)
        self.after.setEnabled(self._place + 1 < count)
        self._set_busy(False)

    def _set_busy(self, is_busy: bool) -> None:
        working: tuple[QWidget, ...] = (self.progress, self.stop_button)
        for widget in working:
            widget.setVisible(is_busy)
        for widget in (self.before, self.after):
            widget.setVisible(not is_busy and bool(self._sheets))
        self.number.setVisible(is_busy or bool(self._sheets))

    def _turner(self, name: str) -> QToolButton:
        button = QToolButton(self)
        button.setAccessibleName(name)
        button.setToolTip(wording.tool_tip(name))
        button.setAutoRaise(True)
        return button
