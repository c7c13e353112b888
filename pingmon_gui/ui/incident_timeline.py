"""Incidents on a line of time: a lane for each domain, a bar for each incident, today at the right."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from pingmon_gui.domain.incident import Incident, IncidentId
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.ui import wording
from pingmon_gui.ui.incident_table import Titles
from pingmon_gui.ui.theme import current

LANES = 12
_LANE_HEIGHT = 14
_AXIS_HEIGHT = 20
_LEAST_WIDTH = 4.0
_HOUR_MS = 3_600_000
#: Distances of the ticks that are tried, the first with room for its labels is taken.
_TICKS_MS = (_HOUR_MS, 3 * _HOUR_MS, 6 * _HOUR_MS, 24 * _HOUR_MS, 7 * 24 * _HOUR_MS, 30 * 24 * _HOUR_MS)


class IncidentTimeline(QWidget):
    """`chosen` carries the id of the incident that was clicked; arrow keys go from one to the next."""

    chosen = Signal(object)

    def __init__(self, titles: Titles, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._titles = titles
        self._incidents: list[Incident] = []
        self._lanes: dict[MonitorId, int] = {}
        self._from_ms, self._to_ms = 0, 1
        self.selected: IncidentId | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName(self.tr("Timeline of incidents"))

    def show_incidents(self, incidents: Sequence[Incident], from_ms: int, to_ms: int) -> None:
        """Show what overlaps [from_ms, to_ms); the domains with the newest incidents get the lanes."""
        self._from_ms, self._to_ms = from_ms, max(to_ms, from_ms + 1)
        shown = [one for one in incidents if not one.is_withdrawn]
        order = dict.fromkeys(one.monitor for one in sorted(shown, key=lambda one: -one.start_ms))
        self._lanes = {monitor: lane for lane, monitor in enumerate(list(order)[:LANES])}
        self._incidents = sorted((one for one in shown if one.monitor in self._lanes), key=lambda one: one.start_ms)
        left_out = len(order) - len(self._lanes)
        text = self.tr("%n incident(s)", "", len(shown))
        if left_out > 0:
            text += " · " + self.tr("%1 more are in the list").replace("%1", wording.monitors_counted(left_out))
        self.setAccessibleDescription(wording.counted(text, len(shown)))
        self.updateGeometry()
        self.update()

    def select(self, id_: IncidentId | None) -> None:
        self.selected = id_
        self.update()

    def bar_of(self, incident: Incident) -> QRectF:
        """Return where an incident is drawn."""
        left = self._x(max(incident.start_ms, self._from_ms))
        right = self._x(self._to_ms if incident.end_ms is None else incident.end_ms)
        top = self._lanes[incident.monitor] * _LANE_HEIGHT + 3
        width = max(_LEAST_WIDTH, right - left)
        return QRectF(min(left, self.width() - width), top, width, _LANE_HEIGHT - 6)

    def incident_at(self, position: QPoint) -> Incident | None:
        """Return the incident under a point, the newest where several are."""
        for one in reversed(self._incidents):
            if self.bar_of(one).adjusted(-2, -3, 2, 3).contains(position):
                return one
        return None

    # Qt

    def sizeHint(self) -> QSize:
        return QSize(400, max(1, len(self._lanes)) * _LANE_HEIGHT + _AXIS_HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.base))
        if self._incidents:
            self._paint_axis(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for one in self._incidents:
            bar = self.bar_of(one)
            painter.setPen(QPen(QColor(theme.text), 1.5) if one.id == self.selected else Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.of_verdict(int(one.kind))))
            if one.kind is Verdict.REGIONAL:
                # Half as high: the two kinds differ without their colours, too.
                bar.setTop(bar.center().y())
            painter.drawRoundedRect(bar, 2, 2)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme.accent), 1.5))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 4, 4)
        painter.end()

    def _paint_axis(self, painter: QPainter) -> None:
        theme = current()
        bottom = self.height() - _AXIS_HEIGHT
        label = self.fontMetrics().horizontalAdvance(wording.date(self._to_ms)) + 24
        span_ms = self._to_ms - self._from_ms
        step_ms = next((tick for tick in _TICKS_MS if self.width() * tick / span_ms >= label), _TICKS_MS[-1])
        painter.setFont(self.font())
        at_ms = (self._from_ms // step_ms + 1) * step_ms
        while at_ms < self._to_ms:
            x = round(self._x(at_ms))
            painter.setPen(QColor(theme.line))
            painter.drawLine(x, 0, x, bottom)
            painter.setPen(QColor(theme.muted))
            text = wording.date(at_ms) if step_ms >= 24 * _HOUR_MS else wording.clock_time(at_ms)
            if x + 3 + self.fontMetrics().horizontalAdvance(text) <= self.width():
                painter.drawText(x + 3, self.height() - 5, text)
            at_ms += step_ms
        painter.setPen(QColor(theme.field_line))
        painter.drawLine(0, bottom, self.width(), bottom)

    def _x(self, at_ms: int) -> float:
        return (at_ms - self._from_ms) / (self._to_ms - self._from_ms) * self.width()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        found = self.incident_at(event.position().toPoint())
        if found is not None:
            self.chosen.emit(found.id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}.get(Qt.Key(event.key()))
        if step is None or not self._incidents:
            super().keyPressEvent(event)
            return
        ids = [one.id for one in self._incidents]
        place = ids.index(self.selected) + step if self.selected in ids else -1
        self.chosen.emit(ids[max(0, min(len(ids) - 1, place)) if self.selected in ids else -1])

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            found = self.incident_at(event.pos())
            text = "" if found is None else found.sentence(self._titles(found.monitor))
            QToolTip.showText(event.globalPos(), wording.tool_tip(text), self)
            return True
        return super().event(event)
