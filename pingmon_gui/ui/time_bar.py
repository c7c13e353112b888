"""The slider of the time machine: a line of time with dates, where incidents were, and the moment that is shown."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QAbstractSlider, QSizePolicy, QWidget

from pingmon_gui.domain.history import DAY_MS, HOUR_MS
from pingmon_gui.domain.past import IncidentMark, PastSetup
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.ui import wording
from pingmon_gui.ui.theme import current, scaled_font

#: The slider counts in these: a year in milliseconds is more than its numbers hold.
UNIT_MS = 1_000
_ASIDE = 14
_LINE_TOP, _LINE_HEIGHT = 8, 16
_MINUTE_MS = 60_000
#: Distances of the ticks that are tried; the first with room for its labels is taken.
_TICKS_MS = tuple(
    [minutes * _MINUTE_MS for minutes in (5, 15, 30)]
    + [hours * HOUR_MS for hours in (1, 3, 6, 12)]
    + [days * DAY_MS for days in (1, 2, 7, 14, 30, 60, 90)]
)


class TimeBar(QAbstractSlider):
    """`value` is the moment in seconds; what is seen of the line is a span around it.

    Left and right go a minute, with Shift ten, with Ctrl a day; page keys an hour; Home and End to the ends.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._marks: Sequence[IncidentMark] = ()
        self._exact_from_ms: int | None = None
        self._span_ms: int | None = None
        self._left_ms = 0
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSingleStep(60)
        self.setPageStep(3_600)
        self.setAccessibleName(self.tr("Moment"))
        self.setToolTip(
            wording.tool_tip(
                self.tr("Red: offline. Orange: offline for some regions only. Underlined: every result is kept.")
            )
        )
        self.valueChanged.connect(self._follow)

    @property
    def at_ms(self) -> int:
        return self.value() * UNIT_MS

    def set_past(self, setup: PastSetup, last_ms: int) -> None:
        """Say from when to when there is something, and where incidents were."""
        self._exact_from_ms, self._marks = setup.kept.whole_raw_ms, setup.incidents
        self.setRange(-(-setup.first_ms // UNIT_MS), last_ms // UNIT_MS)
        self._follow()

    def show_span(self, span_ms: int | None) -> None:
        """Show so much of the line around the moment; None for all of it."""
        self._span_ms = span_ms
        self._left_ms = self.at_ms - (span_ms or 0) * 3 // 4
        self._follow()

    def seen(self) -> tuple[int, int]:
        """Return the span that is seen, in ms."""
        first, last = self.minimum() * UNIT_MS, max(self.maximum() * UNIT_MS, self.minimum() * UNIT_MS + 1)
        if self._span_ms is None or self._span_ms >= last - first:
            return first, last
        return self._left_ms, self._left_ms + self._span_ms

    def x_of(self, at_ms: int) -> float:
        """Return where a moment is drawn."""
        left, right = self.seen()
        return _ASIDE + (at_ms - left) / (right - left) * max(1, self.width() - 2 * _ASIDE)

    def moment_at(self, x: float) -> int:
        """Return the moment that is drawn somewhere."""
        left, right = self.seen()
        return round(left + (x - _ASIDE) / max(1, self.width() - 2 * _ASIDE) * (right - left))

    def _follow(self) -> None:
        """Keep the moment in sight: the line moves on where it would leave it."""
        if self._span_ms is not None:
            first, last = self.minimum() * UNIT_MS, self.maximum() * UNIT_MS
            margin = self._span_ms // 12
            if not self.isSliderDown():
                self._left_ms = min(self._left_ms, self.at_ms - margin)
                self._left_ms = max(self._left_ms, self.at_ms + margin - self._span_ms)
            self._left_ms = max(first, min(self._left_ms, last - self._span_ms))
        self.setAccessibleDescription(wording.date_time(self.at_ms))
        self.update()

    # Qt

    def sizeHint(self) -> QSize:
        return QSize(400, _LINE_TOP + _LINE_HEIGHT + self.fontMetrics().height() + 12)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        theme = current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = QRectF(_ASIDE, _LINE_TOP, self.width() - 2 * _ASIDE, _LINE_HEIGHT)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.pill))
        painter.drawRoundedRect(line, 4, 4)
        self._paint_exact(painter, line)
        self._paint_incidents(painter, line)
        self._paint_ticks(painter, line)
        x = self.x_of(self.at_ms)
        painter.setPen(QPen(QColor(theme.base), 1.5))
        painter.setBrush(QColor(theme.accent))
        painter.drawRoundedRect(QRectF(x - 4, _LINE_TOP - 5, 8, _LINE_HEIGHT + 10), 4, 4)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme.accent), 1.5))
            painter.drawRoundedRect(QRectF(x - 7, _LINE_TOP - 8, 14, _LINE_HEIGHT + 16), 7, 7)

    def _paint_exact(self, painter: QPainter, line: QRectF) -> None:
        """Mark from when on every result is kept: there the past is exact."""
        if self._exact_from_ms is None:
            return
        left = max(line.left(), self.x_of(self._exact_from_ms))
        if left < line.right():
            painter.setBrush(QColor(current().accent))
            painter.drawRect(QRectF(left, line.bottom() - 2, line.right() - left, 2))

    def _paint_incidents(self, painter: QPainter, line: QRectF) -> None:
        """Paint regional problems below, outages above: what is worse is not hidden."""
        theme = current()
        left_ms, right_ms = self.seen()
        for kind, colour, top in (
            (Verdict.REGIONAL, theme.regional, line.height() * 0.45),
            (Verdict.OFFLINE, theme.offline, 2.0),
        ):
            painter.setBrush(QColor(colour))
            reached = -1.0
            for mark in self._marks:
                end_ms = right_ms if mark.end_ms is None else mark.end_ms
                if mark.kind is not kind or end_ms < left_ms or mark.start_ms > right_ms:
                    continue
                begin = max(line.left(), self.x_of(mark.start_ms))
                end = min(line.right(), max(self.x_of(end_ms), begin + 2))
                # A year of incidents lies on a few hundred pixels: what is painted already is passed over.
                if end > reached:
                    begin = max(begin, reached)
                    painter.drawRect(QRectF(begin, line.top() + top, end - begin, line.height() - top - 3))
                    reached = end

    def _paint_ticks(self, painter: QPainter, line: QRectF) -> None:
        theme = current()
        left_ms, right_ms = self.seen()
        painter.setFont(scaled_font(0.88, is_tabular=True))
        room = painter.fontMetrics().horizontalAdvance(wording.date_time(right_ms)) * 1.1
        per_ms = line.width() / (right_ms - left_ms)
        distance = next((ms for ms in _TICKS_MS if ms * per_ms >= room), _TICKS_MS[-1])
        offset = wording.zone_offset_ms(left_ms)
        at_ms = -(-(left_ms + offset) // distance) * distance - offset
        painter.setPen(QColor(theme.muted))
        base = line.bottom() + painter.fontMetrics().ascent() + 8
        while at_ms <= right_ms:
            x = self.x_of(at_ms)
            painter.drawLine(QPointF(x, line.bottom() + 1), QPointF(x, line.bottom() + 5))
            words = wording.date(at_ms) if distance >= DAY_MS else wording.day_and_time(at_ms)
            width = painter.fontMetrics().horizontalAdvance(words)
            left = min(max(0.0, x - width / 2), self.width() - width)
            painter.drawText(QPointF(left, base), words)
            at_ms += distance

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self._drag_to(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.isSliderDown():
            self._drag_to(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(False)
            self._follow()

    def _drag_to(self, event: QMouseEvent) -> None:
        self.setValue(self.moment_at(event.position().x()) // UNIT_MS)

    def wheelEvent(self, event: QWheelEvent) -> None:
        left, right = self.seen()
        steps = event.angleDelta().y() or event.angleDelta().x()
        self.setValue(self.value() + round((right - left) / UNIT_MS * steps / 120 / 60))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        way = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if way is None:
            super().keyPressEvent(event)
            return
        step = self.singleStep()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            step = DAY_MS // UNIT_MS
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            step *= 10
        self.setValue(self.value() + way * step)
