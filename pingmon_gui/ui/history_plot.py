"""The chart of a history: latency of regions, percentiles or phases of one, with all that explains them.

It draws a frozen `HistoryView` and moves over it at once; whoever owns it reads what lies beyond (`range_changed`).
Everything the mouse does the keyboard does as well.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAccessible, QAccessibleEvent, QColor, QFocusEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from pingmon_gui.domain.incident import Incident
from pingmon_gui.report.history_view import HistoryView, RegionHistory
from pingmon_gui.ui import history_curves as curves
from pingmon_gui.ui.chart_data import Floats
from pingmon_gui.ui.chart_items import LatencyAxis, TimeAxis, TimeBox
from pingmon_gui.ui.history_curves import Kind
from pingmon_gui.ui.history_drawing import HistoryDrawing, Look, Span
from pingmon_gui.ui.theme import current

#: As close as one can look, and how far a key moves.
LEAST_SPAN_MS = 60_000
KEY_ZOOM, KEY_PAN = 1.5, 0.15


class HistoryPlot(pyqtgraph.PlotWidget):
    """Call `show_view` and `show_look`. Times are ms; signals carry them as floats.

    `range_changed` follows every move; `cursor_moved` carries a moment, or None when the cursor left; `placed` says
    that the curves have another place or size. One that cannot move shows its span alone; the cursor is still there.
    """

    range_changed = Signal(float, float)
    cursor_moved = Signal(object)
    reset_asked = Signal()
    placed = Signal()

    def __init__(self, axis_width: int, parent: QWidget | None = None, *, can_move: bool = True) -> None:
        self.box = TimeBox(can_move=can_move)
        super().__init__(parent, viewBox=self.box, axisItems={"bottom": TimeAxis(), "left": LatencyAxis()})
        self._can_move = can_move
        self.view: HistoryView | None = None
        self.look = Look()
        self.from_ms, self.to_ms = 0.0, 1.0
        self.cursor_ms: float | None = None
        self._first_ms, self._last_ms = 0.0, float(1 << 53)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self.draw)
        self.hideButtons()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.getPlotItem().setContentsMargins(0, 0, 0, 0)
        self.getAxis("left").setWidth(axis_width)
        self.showGrid(y=True, alpha=0.15)
        self._drawing = HistoryDrawing(self.box)
        self._cursor = pyqtgraph.InfiniteLine(angle=90)
        self._cursor.setZValue(50)
        self._cursor.hide()
        self.box.addItem(self._cursor, ignoreBounds=True)
        self.setAccessibleName(self.tr("Chart"))
        self.box.pan_asked.connect(self.on_pan_asked)
        self.box.zoom_asked.connect(self.on_zoom_asked)
        self.box.span_asked.connect(self.on_span_asked)
        self.box.place_asked.connect(self.on_place_asked)
        self.box.reset_asked.connect(self.reset_asked)
        self.box.sigResized.connect(self.on_box_resized)
        scene: Any = self.scene()
        scene.sigMouseMoved.connect(self.on_mouse_moved)
        self.refresh()

    # What is shown

    def show_view(self, view: HistoryView, look: Look) -> None:
        """Draw another view; where one looks stays."""
        self.view, self.look = view, look
        known = [ms for ms in (view.asked_from_ms, view.kept.first_ms) if ms]
        self.set_bounds(float(min(known, default=view.from_ms)), float(view.now_ms))
        self.draw()

    def set_bounds(self, first_ms: float | None, last_ms: float) -> None:
        """Say how far there is anything to look at; None for what is not known yet."""
        self._first_ms, self._last_ms = 0.0 if first_ms is None else first_ms, last_ms

    def tell(self, text: str) -> None:
        """Say something about what is shown to screen readers."""
        self.setAccessibleDescription(text)
        if self.hasFocus():
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))

    def show_look(self, look: Look) -> None:
        self.look = look
        self.draw()

    def show_range(self, from_ms: float, to_ms: float) -> None:
        """Look at a span, as far as there is anything; `range_changed` follows."""
        span = max(float(LEAST_SPAN_MS), to_ms - from_ms)
        span = min(span, max(float(LEAST_SPAN_MS), (self._last_ms - self._first_ms) * 1.05))
        from_ms = (from_ms + to_ms - span) / 2
        # A little of what is not yet is to be seen, so that the newest does not stick to the edge.
        from_ms = min(from_ms, self._last_ms + span * 0.02 - span)
        self.from_ms, self.to_ms = from_ms, from_ms + span
        self.box.setXRange(self.from_ms / 1000, self.to_ms / 1000, padding=0)
        self._timer.start()
        self.range_changed.emit(self.from_ms, self.to_ms)

    def zoom(self, factor: float, about_ms: float | None = None) -> None:
        """Show a longer (above 1) or shorter span around a moment, by default the cursor or the middle."""
        if about_ms is None:
            is_inside = self.cursor_ms is not None and self.from_ms <= self.cursor_ms <= self.to_ms
            about_ms = self.cursor_ms if is_inside else None
        if about_ms is None:
            about_ms = (self.from_ms + self.to_ms) / 2
        self.show_range(about_ms - (about_ms - self.from_ms) * factor, about_ms + (self.to_ms - about_ms) * factor)

    def pan(self, share: float) -> None:
        """Move by a share of what is shown; to the right above 0."""
        step = (self.to_ms - self.from_ms) * share
        self.show_range(self.from_ms + step, self.to_ms + step)

    def set_cursor(self, at_ms: float | None) -> None:
        """Show the cursor at a moment; None takes it away."""
        if at_ms is not None:
            at_ms = min(max(at_ms, self.from_ms), self.to_ms)
            self._cursor.setValue(at_ms / 1000)
        self.cursor_ms = at_ms
        self._cursor.setVisible(at_ms is not None)
        self.cursor_moved.emit(at_ms)

    @property
    def plot_rect(self) -> QRectF:
        """Return where curves are, in pixels of this widget."""
        return QRectF(self.mapFromScene(self.box.sceneBoundingRect()).boundingRect())

    def refresh(self) -> None:
        """Take over the colours in use."""
        theme = current()
        self.setBackground(theme.window)
        self.box.setBackgroundColor(theme.base)
        for name in ("left", "bottom"):
            self.getAxis(name).setPen(theme.field_line)
            self.getAxis(name).setTextPen(theme.muted)
        self._cursor.setPen(pyqtgraph.mkPen(theme.muted))
        self.draw()

    def shown_regions(self) -> list[RegionHistory]:
        """Return the regions whose curves are drawn."""
        return [] if self.view is None else self.look.shown(self.view)

    @Slot()
    def draw(self) -> None:
        """Draw what is to be seen of the view."""
        self._drawing.draw(
            self.view, self.look, Span(int(self.from_ms), int(self.to_ms), max(50, int(self.box.width())))
        )

    @property
    def points(self) -> int:
        """The most points that a curve was drawn with."""
        return self._drawing.points

    def incident_at(self, at_ms: float) -> Incident | None:
        """Return the incident that lasted at a moment."""
        if self.view is None:
            return None
        return next(
            (
                one
                for one in self.view.incidents
                if one.start_ms <= at_ms < (self.view.now_ms if one.end_ms is None else one.end_ms)
            ),
            None,
        )

    # Moving

    def step_cursor(self, direction: int) -> None:
        """Move the cursor to the next moment that was measured, to the right above 0."""
        at_ms = self.cursor_ms
        if at_ms is None:
            at_ms = self.to_ms if direction < 0 else self.from_ms
        known = self._measured_ms()
        place = np.searchsorted(known, at_ms, side="right" if direction > 0 else "left") - (direction < 0)
        if 0 <= place < len(known):
            self.set_cursor(float(known[place]))

    def _measured_ms(self) -> Floats:
        if self.view is None:
            return np.zeros(0)
        found = []
        for one in self.shown_regions():
            if self.view.is_raw and self.look.kind is Kind.LATENCY:
                found += [history.at_ms.astype(np.float64) for history in one.results]
            else:
                found.append(curves.middles_ms(self.view, one))
        known = np.unique(np.concatenate(found)) if found else np.zeros(0)
        return known[(known >= self.from_ms) & (known <= self.to_ms)]

    # Slots

    @Slot(float)
    def on_pan_asked(self, by_s: float) -> None:
        self.show_range(self.from_ms + by_s * 1000, self.to_ms + by_s * 1000)

    @Slot(float, float)
    def on_zoom_asked(self, factor: float, about_s: float) -> None:
        self.zoom(factor, about_s * 1000)

    @Slot(float, float)
    def on_span_asked(self, from_s: float, to_s: float) -> None:
        self.show_range(from_s * 1000, to_s * 1000)

    @Slot(float)
    def on_place_asked(self, at_s: float) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self.set_cursor(at_s * 1000)

    @Slot(object)
    def on_box_resized(self, _box: object) -> None:
        self._timer.start()
        self.placed.emit()

    @Slot(object)
    def on_mouse_moved(self, place: QPointF) -> None:
        if self.box.sceneBoundingRect().contains(place):
            self.set_cursor(self.box.mapSceneToView(place).x() * 1000)

    # Qt

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        if not self.hasFocus():
            self.set_cursor(None)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.set_cursor(None)
        self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.hasFocus():
            painter = QPainter(self.viewport())
            painter.setPen(QPen(QColor(current().accent), 1.5))
            painter.drawRect(self.plot_rect.adjusted(1, 1, -1, -1))
            painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        with_shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        with_control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if not self._can_move and event.key() not in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            event.ignore()
            return
        match event.key():
            case Qt.Key.Key_Left | Qt.Key.Key_Right as key:
                direction = 1 if key == Qt.Key.Key_Right else -1
                if with_shift or not self._can_move:
                    self.step_cursor(direction)
                else:
                    self.pan(direction * (1.0 if with_control else KEY_PAN))
            case Qt.Key.Key_PageDown:
                self.pan(1.0)
            case Qt.Key.Key_PageUp:
                self.pan(-1.0)
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal | Qt.Key.Key_Up:
                self.zoom(1 / KEY_ZOOM)
            case Qt.Key.Key_Minus | Qt.Key.Key_Down:
                self.zoom(KEY_ZOOM)
            case Qt.Key.Key_Home:
                self.show_range(self._first_ms, self._first_ms + self.to_ms - self.from_ms)
            case Qt.Key.Key_End:
                self.show_range(self._last_ms - (self.to_ms - self.from_ms), self._last_ms)
            case Qt.Key.Key_0:
                self.reset_asked.emit()
            case _:
                event.ignore()
                return
        event.accept()
