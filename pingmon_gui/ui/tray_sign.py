"""The tray icon's picture: the worst state by shape and colour, and how many domains it is about, in one sign.

A panel may be light or dark and does not say which, so colours are between: each has a contrast of 3:1 and more to
both. Shapes fill the icon, because at 16 pixels nothing else is seen; they are those of `status_shape`.
"""

from __future__ import annotations

import functools
import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QIcon, QPainter, QPainterPath, QPen, QPixmap

from pingmon_gui.domain.verdict import Verdict

#: What panels ask for, at one and at two device pixels a pixel.
SIDES = (16, 20, 22, 24, 32, 40, 44, 48, 64)
COLOURS = {
    Verdict.ONLINE: "#1d9450",
    Verdict.SLOW: "#b87503",
    Verdict.OFFLINE: "#e0393e",
    Verdict.UNKNOWN: "#7b8390",
    Verdict.PAUSED: "#7b8390",
    Verdict.REGIONAL: "#d95f17",
}
_MARK = "#ffffff"
#: Everything is drawn on a square of this side.
_UNIT = 64.0
_CORNER = 7.0
_FEW_PIXELS = 24
_PULSE = ((11, 35), (22, 35), (28, 20), (37, 46), (42, 35), (53, 35))
_LINES: dict[Verdict, list[tuple[tuple[float, float], ...]]] = {
    Verdict.OFFLINE: [((22, 22), (42, 42)), ((22, 42), (42, 22))],
    Verdict.SLOW: [((32, 26), (32, 39)), ((32, 50), (32, 50.1))],
    Verdict.REGIONAL: [((32, 17), (32, 35)), ((32, 46), (32, 46.1))],
    Verdict.PAUSED: [((25, 21), (25, 43)), ((39, 21), (39, 43))],
}


@functools.lru_cache(maxsize=64)
def icon(verdict: Verdict, count: int = 0) -> QIcon:
    """Return the sign with a number in it; 0 shows none."""
    made = QIcon()
    for side in SIDES:
        made.addPixmap(pixmap(verdict, count, side))
    return made


def pixmap(verdict: Verdict, count: int, side: int) -> QPixmap:
    """Return the sign as a transparent square of so many pixels."""
    image = QPixmap(side, side)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(side / _UNIT, side / _UNIT)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(COLOURS[verdict]))
    painter.drawPath(_shape(verdict))
    if count:
        _paint_number(painter, shown_number(count, side), verdict)
    else:
        _paint_mark(painter, verdict)
    painter.end()
    return image


def shown_number(count: int, side: int) -> str:
    """Return as much of a number as can be read in a sign of so many pixels."""
    most = 9 if side < _FEW_PIXELS else 99
    return str(count) if count <= most else f"{most}+"


def _shape(verdict: Verdict) -> QPainterPath:
    path = QPainterPath()
    match verdict:
        case Verdict.OFFLINE:
            path.addRoundedRect(QRectF(4, 4, 56, 56), 12, 12)
        case Verdict.REGIONAL:
            path = _rounded(QPointF(32, 0), QPointF(64, 32), QPointF(32, 64), QPointF(0, 32))
        case Verdict.SLOW:
            path = _rounded(QPointF(32, 1), QPointF(64, 61), QPointF(0, 61))
        case _:
            path.addEllipse(QRectF(1, 1, 62, 62))
    return path


def _rounded(*corners: QPointF) -> QPainterPath:
    """Return a polygon whose corners are round."""
    path = QPainterPath()
    count = len(corners)
    for place, corner in enumerate(corners):
        before, after = corners[place - 1], corners[(place + 1) % count]
        begin, end = _towards(corner, before), _towards(corner, after)
        if place == 0:
            path.moveTo(begin)
        else:
            path.lineTo(begin)
        path.quadTo(corner, end)
    path.closeSubpath()
    return path


def _towards(point: QPointF, other: QPointF) -> QPointF:
    way = other - point
    return point + way * (_CORNER / math.hypot(way.x(), way.y()))


def _box(verdict: Verdict) -> QRectF:
    """Return where a number fits into a shape."""
    match verdict:
        case Verdict.SLOW:
            return QRectF(14, 25, 36, 29)
        case Verdict.REGIONAL:
            return QRectF(12, 14, 40, 36)
        case _:
            return QRectF(8, 11, 48, 42)


def _paint_number(painter: QPainter, text: str, verdict: Verdict) -> None:
    """Paint a number as large as its shape lets it be."""
    font = QFont(QGuiApplication.font())
    font.setBold(True)
    font.setPixelSize(64)
    path = QPainterPath()
    path.addText(QPointF(0, 0), font, text)
    bounds, box = path.boundingRect(), _box(verdict)
    scale = min(box.width() / bounds.width(), box.height() / bounds.height())
    painter.save()
    painter.translate(box.center())
    painter.scale(scale, scale)
    painter.translate(-bounds.center())
    painter.setBrush(QColor(_MARK))
    painter.drawPath(path)
    painter.restore()


def _paint_mark(painter: QPainter, verdict: Verdict) -> None:
    """Paint what stands in a sign without a number: a cross, a "!", the bars of a pause, or the app's own line."""
    pen = QPen(QColor(_MARK), 6.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen)
    for line in _LINES.get(verdict, [_PULSE]):
        painter.drawPolyline([QPointF(x, y) for x, y in line])
