"""The problems of now for a screen on the wall: a few large lines, a page at a time, the one on the map marked."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board_view import BoardView
from pingmon_gui.ui import cell_text, status_shape, wording
from pingmon_gui.ui.map_scene import problem_rows
from pingmon_gui.ui.theme import current, scaled_font

translate = QCoreApplication.translate

LINES = 3
_LINE_HEIGHT = 25.0
Line = tuple[Verdict, str, bool]


def problem_lines(board: BoardView, shown: MonitorId | None) -> tuple[list[Line], str]:
    """Return the lines of the page that holds the domain that is shown, and what stands beside them.

    A line is the sign, the sentence, and whether the map shows it. Where there is no problem, one line says so.
    """
    rows = problem_rows(board)
    if not rows:
        # What rests, by a pause or a maintenance window, has no problem, and none that is known.
        counts = board.verdict != Verdict.PAUSED
        if not counts.any():
            return [(Verdict.UNKNOWN, translate("Kiosk", "Nothing is watched."), False)], ""
        known = int((board.verdict[counts] != Verdict.UNKNOWN).sum())
        if known == 0:
            return [(Verdict.UNKNOWN, translate("Kiosk", "Nothing is known just now."), False)], ""
        text = translate("Kiosk", "No problems with %1.").replace("%1", wording.monitors_counted(known))
        return [(Verdict.ONLINE, text, False)], ""
    at = next((place for place, row in enumerate(rows) if board.ids[row] == shown), 0)
    first = at // LINES * LINES
    lines = [
        (Verdict(int(board.verdict[row])), cell_text.verdict_sentence(board, row), board.ids[row] == shown)
        for row in rows[first : first + LINES]
    ]
    if len(rows) <= LINES:
        return lines, ""
    beside = translate("Kiosk", "%1–%2 of %3").replace("%3", wording.number(len(rows)))
    return lines, beside.replace("%2", wording.number(first + len(lines))).replace("%1", wording.number(first + 1))


class ProblemList(QWidget):
    def __init__(self, zoom: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._zoom = zoom
        self._lines: list[Line] = []
        self._beside = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Problems"))

    @property
    def texts(self) -> tuple[str, ...]:
        """Return what the lines say."""
        return tuple(text for _sign, text, _is_shown in self._lines)

    def show_problems(self, board: BoardView, shown: MonitorId | None) -> None:
        lines, beside = problem_lines(board, shown)
        if (lines, beside) != (self._lines, self._beside):
            self._lines, self._beside = lines, beside
            self.setAccessibleDescription("\n".join(self.texts))
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(400, round((max(1, len(self._lines)) * _LINE_HEIGHT + 12) * self._zoom))

    def paintEvent(self, _event: QPaintEvent) -> None:
        theme, zoom = current(), self._zoom
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(theme.base))
        painter.setPen(QPen(QColor(theme.line), 1))
        painter.drawLine(0, 0, self.width(), 0)
        height = _LINE_HEIGHT * zoom
        top = (self.height() - height * len(self._lines)) / 2
        for place, (sign, text, is_shown) in enumerate(self._lines):
            box = QRectF(12 * zoom, top + place * height, self.width() - 24 * zoom, height)
            painter.save()
            painter.translate(box.left(), box.center().y() - status_shape.SIZE * zoom / 2)
            painter.scale(zoom, zoom)
            status_shape.paint(painter, int(sign), theme.of_verdict(sign), theme.base)
            painter.restore()
            weight = QFont.Weight.DemiBold if is_shown else QFont.Weight.Normal
            painter.setFont(scaled_font(1.15 * zoom, weight=weight))
            painter.setPen(QColor(theme.text if is_shown or len(self._lines) == 1 else theme.muted))
            words = box.adjusted((status_shape.SIZE + 8) * zoom, 0, -90 * zoom if self._beside else 0, 0)
            shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(words.width()))
            painter.drawText(words, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
        if self._beside:
            painter.setFont(scaled_font(0.95 * zoom, is_tabular=True))
            painter.setPen(QColor(theme.muted))
            box = QRectF(0, 0, self.width() - 12 * zoom, self.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self._beside)
