"""The signs of states: each has its own shape, so that none depends on seeing colours.

online = filled circle, slow = triangle, offline = square with a cross, regional = half-filled diamond,
unknown = hollow ring, paused = two bars; a ring around = being checked again.
"""

from __future__ import annotations

import functools

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QPolygonF

from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.ui.theme import current

#: Side of a sign with its ring, in device-independent pixels.
SIZE = 18
_CENTRE = SIZE / 2


def paint(painter: QPainter, verdict: int, colour: str, ground: str, *, is_checking: bool = False) -> None:
    """Paint a sign into the square (0, 0, SIZE, SIZE); `ground` is the colour behind it."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    c = _CENTRE
    match Verdict(verdict):
        case Verdict.ONLINE:
            painter.drawEllipse(QPointF(c, c), 4.6, 4.6)
        case Verdict.SLOW:
            painter.drawPolygon(QPolygonF([QPointF(c, c - 5), QPointF(c + 5.4, c + 4.4), QPointF(c - 5.4, c + 4.4)]))
        case Verdict.OFFLINE:
            painter.drawRoundedRect(QRectF(c - 5, c - 5, 10, 10), 2, 2)
            painter.setPen(QPen(QColor(ground), 1.7, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawLine(QPointF(c - 2.2, c - 2.2), QPointF(c + 2.2, c + 2.2))
            painter.drawLine(QPointF(c - 2.2, c + 2.2), QPointF(c + 2.2, c - 2.2))
        case Verdict.REGIONAL:
            diamond = [QPointF(c, c - 5.8), QPointF(c + 5.8, c), QPointF(c, c + 5.8), QPointF(c - 5.8, c)]
            painter.drawPolygon(QPolygonF([diamond[0], diamond[2], diamond[3]]))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colour), 1.6))
            painter.drawPolygon(QPolygonF(diamond))
        case Verdict.UNKNOWN:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colour), 1.7))
            painter.drawEllipse(QPointF(c, c), 4, 4)
        case Verdict.PAUSED:
            painter.drawRoundedRect(QRectF(c - 4, c - 4.5, 3, 9), 1, 1)
            painter.drawRoundedRect(QRectF(c + 1, c - 4.5, 3, 9), 1, 1)
    if is_checking:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(colour), 1.3))
        painter.drawEllipse(QPointF(c, c), 8.1, 8.1)


@functools.lru_cache(maxsize=256)
def pixmap(verdict: int, colour: str, ground: str, is_checking: bool, ratio: float) -> QPixmap:
    """Return the sign as a transparent pixmap for a device pixel ratio."""
    image = QPixmap(round(SIZE * ratio), round(SIZE * ratio))
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    paint(painter, verdict, colour, ground, is_checking=is_checking)
    painter.end()
    return image


def icon(verdict: int) -> QIcon:
    """Return the sign as an icon in the colours in use; in a selected row it keeps them."""
    theme = current()
    made = QIcon()
    for ratio in (1.0, 2.0):
        sign = pixmap(verdict, theme.of_verdict(verdict), theme.window, False, ratio)
        for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):
            made.addPixmap(sign, mode)
    return made
