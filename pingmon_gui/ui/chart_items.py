"""What charts of history are drawn with: a time axis, shaded spans, areas, and a box that time is moved in.

Imports pyqtgraph, which takes a fifth of a second: only what is opened on demand may import this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsRectItem, QStyleOptionGraphicsItem, QWidget

from pingmon_gui.ui import time_grid, wording
from pingmon_gui.ui.chart_data import Floats
from pingmon_gui.ui.theme import current

#: So many pixels a mark of the time axis needs for its words.
_MARK_PIXELS = 78
#: A notch of the wheel zooms by this.
WHEEL_FACTOR = 1.25


class TimeAxis(pyqtgraph.AxisItem):
    """Marks at whole steps of the user's calendar, midnight as a date."""

    def __init__(self) -> None:
        super().__init__("bottom")
        self._step = time_grid.STEPS[0]

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        span_ms = (maxVal - minVal) * 1000
        if span_ms <= 0:
            return []
        self._step = time_grid.step_for(span_ms, int(size / _MARK_PIXELS))
        at_ms = time_grid.moments(int(minVal * 1000), int(maxVal * 1000), self._step)
        return [(self._step.about_ms / 1000, [ms / 1000 for ms in at_ms])]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        return [time_grid.label(round(value * 1000), self._step) for value in values]


class LatencyAxis(pyqtgraph.AxisItem):
    """Latencies with their unit, as everywhere in the window."""

    def __init__(self) -> None:
        super().__init__("left")
        self.enableAutoSIPrefix(False)

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        # The finer ones have no labels, and each would be a line across the whole chart.
        coarse: list[tuple[float, list[float]]] = super().tickValues(minVal, maxVal, size)[:1]
        return coarse

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        return [wording.latency(value) if value > 0 else "0" for value in values]


class TimeBox(pyqtgraph.ViewBox):
    """Says what the mouse asks for, in seconds of the axis; whoever listens moves the view.

    Drag moves, Shift and drag or the right button mark a span, the wheel zooms, sideways it moves. Where it cannot move
    it leaves drag and wheel to what it stands in.
    """

    pan_asked = Signal(float)
    zoom_asked = Signal(float, float)
    span_asked = Signal(float, float)
    place_asked = Signal(float)
    reset_asked = Signal()

    def __init__(self, *, can_move: bool = True) -> None:
        super().__init__(enableMenu=False)
        self._can_move = can_move
        self.setMouseEnabled(x=False, y=False)
        self._band = QGraphicsRectItem(self)
        self._band.setZValue(100)
        self._band.hide()

    def wheelEvent(self, event: Any, axis: int | None = None) -> None:
        if not self._can_move:
            event.ignore()
            return
        event.accept()
        if event.orientation() == Qt.Orientation.Horizontal or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.pan_asked.emit(-event.delta() / 120 * 0.1 * self.viewRect().width())
        else:
            self.zoom_asked.emit(WHEEL_FACTOR ** (-event.delta() / 120), self._time_at(event.pos()))

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:
        if not self._can_move:
            event.ignore()
            return
        event.accept()
        is_marking = event.button() == Qt.MouseButton.RightButton or bool(
            event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        )
        if not is_marking and not self._band.isVisible():
            self.pan_asked.emit(self._time_at(event.lastPos()) - self._time_at(event.pos()))
            return
        first, last = sorted((event.buttonDownPos().x(), event.pos().x()))
        if event.isFinish():
            self._band.hide()
            if last - first >= 3:
                self.span_asked.emit(self._time_at(QPointF(first, 0)), self._time_at(QPointF(last, 0)))
            return
        accent = QColor(current().accent)
        self._band.setPen(QPen(accent))
        accent.setAlpha(50)
        self._band.setBrush(accent)
        self._band.setRect(QRectF(first, 0, last - first, self.height()))
        self._band.show()

    def mouseClickEvent(self, event: Any) -> None:
        event.accept()
        if event.double():
            self.reset_asked.emit()
        else:
            self.place_asked.emit(self._time_at(event.pos()))

    def _time_at(self, place: Any) -> float:
        return float(self.mapToView(place).x())


@dataclass(frozen=True)
class Shade:
    """A span that is shaded from top to bottom. `top` is a bar of so many pixels along its upper edge."""

    begin_s: float
    end_s: float
    colour: str
    alpha: int
    pattern: Qt.BrushStyle = Qt.BrushStyle.SolidPattern
    top: int = 0
    is_framed: bool = False


class Shades(pyqtgraph.GraphicsObject):
    """Shaded spans, however short at least two pixels wide; patterns stay as they are when the view is zoomed."""

    def __init__(self) -> None:
        super().__init__()
        self._shades: Sequence[Shade] = ()

    def show_shades(self, shades: Sequence[Shade]) -> None:
        self._shades = shades
        self.update()

    def boundingRect(self) -> QRectF:
        return QRectF(self.viewRect())

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if not self._shades:
            return
        box = self.viewRect()
        to_device = painter.transform()
        top, bottom = sorted((to_device.map(QPointF(0, box.top())).y(), to_device.map(QPointF(0, box.bottom())).y()))
        painter.save()
        painter.resetTransform()
        for one in self._shades:
            left = to_device.map(QPointF(max(one.begin_s, box.left()), 0)).x()
            right = to_device.map(QPointF(min(one.end_s, box.right()), 0)).x()
            if right < left:
                continue
            place = QRectF(left, top, max(2.0, right - left), bottom - top)
            colour = QColor(one.colour)
            if one.top:
                painter.fillRect(QRectF(place.left(), top, place.width(), one.top), colour)
            if one.is_framed:
                painter.setPen(QPen(colour, 1.5))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(place.adjusted(0, 1, 0, -1))
            colour.setAlpha(one.alpha)
            painter.fillRect(place, QBrush(colour, one.pattern))
        painter.restore()


class Area(pyqtgraph.GraphicsObject):
    """The area between two curves over the same times; NaN in the upper one breaks it."""

    def __init__(self) -> None:
        super().__init__()
        self._brush = QBrush()
        self._polygons: list[QPolygonF] = []
        self._bounds = QRectF()

    def show_area(self, x_s: Floats, lower: Floats, upper: Floats, colour: QColor) -> None:
        """Take over the curves; a point that stands alone is left out."""
        self.prepareGeometryChange()
        self._brush = QBrush(colour)
        is_there = ~np.isnan(upper)
        ends = np.flatnonzero(np.diff(np.concatenate(([False], is_there, [False])).astype(np.int8)))
        self._polygons = []
        for first, last in zip(ends[::2].tolist(), ends[1::2].tolist(), strict=True):
            x = np.concatenate((x_s[first:last], x_s[first:last][::-1]))
            y = np.concatenate((upper[first:last], np.nan_to_num(lower[first:last])[::-1]))
            self._polygons.append(pyqtgraph.functions.arrayToQPolygonF(x, y))
        if self._polygons:
            high = float(np.nanmax(upper))
            self._bounds = QRectF(float(x_s[0]), 0.0, float(x_s[-1] - x_s[0]), high)
        else:
            self._bounds = QRectF()
        self.update()

    def boundingRect(self) -> QRectF:
        return self._bounds

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._brush)
        for polygon in self._polygons:
            painter.drawPolygon(polygon)
