"""Paints the parts of the map that lie over the land: signs with their light, rings of shares, arcs, labels.

Each part knows the rectangle it covers and a key: parts with equal key and rectangle look the same, so that only what
changed is painted again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QLinearGradient, QPainter, QPainterPath, QPen, QRadialGradient

from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.ui import status_shape
from pingmon_gui.ui.map_scene import Counts
from pingmon_gui.ui.theme import Theme

#: Sizes in pixels at zoom 1.
SIGN, TARGET, GLOW, GLOW_OF_ALL = 27.0, 30.0, 54.0, 84.0
RING, RING_WIDTH = 19.0, 5.0
_LABEL_PADDING, _LABEL_RADIUS = 7.0, 7.0
#: How arcs are drawn by the state of the probe they start from: the form helps where the colour does not.
_DASHES: dict[Verdict, tuple[float, ...]] = {
    Verdict.ONLINE: (),
    Verdict.SLOW: (7.0, 3.0),
    Verdict.OFFLINE: (1.5, 3.0),
}


@dataclass(frozen=True)
class Part:
    """Something on the map. `paint` may leave the painter as it likes."""

    box: QRectF
    key: Hashable
    paint: Callable[[QPainter], None]


def glow(centre: QPointF, radius: float, colour: str, strength: float) -> Part:
    """Return a soft light around a point."""

    def paint(painter: QPainter) -> None:
        light = QRadialGradient(centre, radius)
        for stop, part in ((0.0, 1.0), (0.35, 0.5), (1.0, 0.0)):
            light.setColorAt(stop, _faded(colour, strength * part))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(light)
        painter.drawEllipse(centre, radius, radius)

    return Part(_around(centre, radius), ("glow", colour, strength), paint)


def sign(centre: QPointF, verdict: Verdict, theme: Theme, size: float, *, is_checking: bool, has_focus: bool) -> Part:
    """Return a state's sign; with the keyboard's focus, a ring around it."""

    def paint(painter: QPainter) -> None:
        if has_focus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme.accent), size / 11))
            painter.drawEllipse(centre, size * 0.8, size * 0.8)
        painter.translate(centre.x() - size / 2, centre.y() - size / 2)
        painter.scale(size / status_shape.SIZE, size / status_shape.SIZE)
        status_shape.paint(painter, int(verdict), theme.of_verdict(verdict), theme.land, is_checking=is_checking)

    return Part(_around(centre, size), ("sign", verdict, is_checking, has_focus, size), paint)


def shares(centre: QPointF, counts: Counts, theme: Theme, zoom: float) -> Part:
    """Return a ring whose parts tell how many domains are in which state, clockwise from the top, good ones first."""
    radius, width = RING * zoom, RING_WIDTH * zoom
    parts = (
        (counts.online, theme.online),
        (counts.slow, theme.slow),
        (counts.offline, theme.offline),
        (counts.unknown, theme.nothing),
    )

    def paint(painter: QPainter) -> None:
        square = _around(centre, radius)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        total, done = counts.total, 0
        pen = QPen(QColor(theme.nothing), width)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        painter.drawEllipse(square)
        for count, colour in parts:
            if not count:
                continue
            pen.setColor(QColor(colour))
            painter.setPen(pen)
            # In sixteenths of a degree; one domain of many is to be seen, too.
            begin, end = (90 * 16 - round(5760 * part / total) for part in (done, done + count))
            painter.drawArc(square, begin, min(end - begin, -90))
            done += count

    return Part(_around(centre, radius + width), ("shares", counts), paint)


def share_colour(counts: Counts, theme: Theme) -> str:
    """Return a colour between that of well and that of offline; few bad ones of many are seen already."""
    bad = math.sqrt((counts.offline + counts.slow / 2) / max(1, counts.total - counts.unknown))
    if counts.unknown == counts.total:
        return theme.unknown
    low, high, part = (theme.online, theme.slow, bad * 2) if bad < 0.5 else (theme.slow, theme.offline, bad * 2 - 1)
    one, other = QColor(low), QColor(high)
    return QColor.fromRgbF(
        one.redF() + (other.redF() - one.redF()) * part,
        one.greenF() + (other.greenF() - one.greenF()) * part,
        one.blueF() + (other.blueF() - one.blueF()) * part,
    ).name()


def bow(start: QPointF, end: QPointF) -> tuple[QPointF, QPointF, QPointF]:
    """Return start, control point and end of an arc between two points; long ones rise higher."""
    distance = math.hypot(end.x() - start.x(), end.y() - start.y())
    middle = (start + end) / 2
    return start, QPointF(middle.x(), middle.y() - 0.3 * distance), end


def along(arc: tuple[QPointF, QPointF, QPointF], part: float) -> QPointF:
    """Return the point of an arc (a quadratic Bézier curve) at a part of its way."""
    start, control, end = arc
    rest = 1 - part
    return start * (rest * rest) + control * (2 * rest * part) + end * (part * part)


def arc(way: tuple[QPointF, QPointF, QPointF], verdict: Verdict, theme: Theme, zoom: float, target_colour: str) -> Part:
    """Return the arc from a probe to the domain, in the probe's colour; nothing comes back along a dotted one."""
    path = QPainterPath(way[0])
    path.quadTo(way[1], way[2])
    width = (2.4 if verdict is Verdict.SLOW else 1.8) * zoom

    def paint(painter: QPainter) -> None:
        colours = QLinearGradient(way[0], way[2])
        colours.setColorAt(0, _faded(theme.of_verdict(verdict), 0.95))
        colours.setColorAt(1, _faded(target_colour, 0.55))
        pen = QPen(colours, width)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        if dashes := _DASHES.get(verdict):
            pen.setDashPattern(dashes)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen)
        painter.drawPath(path)

    edge = width + 1
    return Part(path.boundingRect().adjusted(-edge, -edge, edge, edge), ("arc", verdict, target_colour), paint)


def unknown_place(centre: QPointF, theme: Theme, zoom: float) -> Part:
    """Return the dotted circle around what stands where it stands for want of a better place."""
    radius = RING * 1.5 * zoom

    def paint(painter: QPainter) -> None:
        pen = QPen(_faded(theme.muted, 0.7), 1.1 * zoom)
        pen.setDashPattern([1.5, 4.0])
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen)
        painter.drawEllipse(centre, radius, radius)

    return Part(_around(centre, radius + 2 * zoom), ("unknown place",), paint)


def target_ring(centre: QPointF, theme: Theme, zoom: float, colour: str) -> Part:
    """Return the disc that a domain's sign lies on."""
    radius = TARGET * 0.66 * zoom

    def paint(painter: QPainter) -> None:
        painter.setBrush(QColor(theme.raised))
        painter.setPen(QPen(QColor(colour), 1.8 * zoom))
        painter.drawEllipse(centre, radius, radius)

    return Part(_around(centre, radius + 2 * zoom), ("target", colour), paint)


def plus(centre: QPointF, theme: Theme, zoom: float, *, has_focus: bool) -> Part:
    """Return the quiet sign of a region without a probe: one could be added."""
    radius, arm = 9.0 * zoom, 4.0 * zoom

    def paint(painter: QPainter) -> None:
        colour = QColor(theme.accent if has_focus else theme.muted)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        pen = QPen(colour, 1.2 * zoom)
        painter.setPen(pen)
        painter.drawLine(centre - QPointF(arm, 0), centre + QPointF(arm, 0))
        painter.drawLine(centre - QPointF(0, arm), centre + QPointF(0, arm))
        pen.setDashPattern([2.0, 2.4])
        painter.setPen(pen)
        painter.drawEllipse(centre, radius, radius)

    return Part(_around(centre, radius + 2 * zoom), ("plus", has_focus), paint)


@dataclass(frozen=True)
class LabelStyle:
    """Fonts of a label's two lines and their colours; `ground` is behind them, a little of the land shows through."""

    name: QFont
    value: QFont
    name_colour: str
    value_colour: str
    ground: str


def label_size(name: str, value: str, style: LabelStyle) -> tuple[float, float]:
    name_metrics, value_metrics = QFontMetricsF(style.name), QFontMetricsF(style.value)
    width = max(name_metrics.horizontalAdvance(name), value_metrics.horizontalAdvance(value))
    height = name_metrics.height() + (value_metrics.height() if value else 0.0)
    return math.ceil(width + 2 * _LABEL_PADDING), math.ceil(height + _LABEL_PADDING)


def label(box: QRectF, name: str, value: str, style: LabelStyle) -> Part:
    """Return two lines of text on a faint ground; its box has the size that `label_size` gives."""

    def paint(painter: QPainter) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_faded(style.ground, 0.78))
        painter.drawRoundedRect(box, _LABEL_RADIUS, _LABEL_RADIUS)
        left, top = box.left() + _LABEL_PADDING, box.top() + _LABEL_PADDING / 2
        name_metrics, value_metrics = QFontMetricsF(style.name), QFontMetricsF(style.value)
        painter.setFont(style.name)
        painter.setPen(QColor(style.name_colour))
        painter.drawText(QPointF(left, top + name_metrics.ascent()), name)
        painter.setFont(style.value)
        painter.setPen(QColor(style.value_colour))
        painter.drawText(QPointF(left, top + name_metrics.height() + value_metrics.ascent()), value)

    return Part(box, ("label", name, value, style.value_colour), paint)


def text(box: QRectF, words: str, font: QFont, colour: str) -> Part:
    """Return a line of text from the left of a box, elided where it is longer."""

    def paint(painter: QPainter) -> None:
        painter.setFont(font)
        painter.setPen(QColor(colour))
        shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(box.width()))
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)

    return Part(box, ("text", words, colour), paint)


def wrapped(box: QRectF, words: str, font: QFont, colour: str) -> Part:
    """Return text in as many lines as a box has room for."""

    def paint(painter: QPainter) -> None:
        painter.setFont(font)
        painter.setPen(QColor(colour))
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap, words)

    return Part(box, ("text", words, colour), paint)


def pulse(painter: QPainter, centre: QPointF, part: float, colour: str, zoom: float) -> None:
    """Paint a ring that widens and fades: a result has come."""
    radius = (SIGN * 0.5 + 20 * part) * zoom
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(_faded(colour, 0.7 * (1 - part)), 1.6 * zoom))
    painter.drawEllipse(centre, radius, radius)


def runner(painter: QPainter, centre: QPointF, colour: str, zoom: float) -> None:
    """Paint the dot that runs along an arc."""
    radius = 8.0 * zoom
    light = QRadialGradient(centre, radius)
    for stop, strength in ((0.0, 1.0), (0.3, 0.9), (0.45, 0.35), (1.0, 0.0)):
        light.setColorAt(stop, _faded(colour, strength))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(light)
    painter.drawEllipse(centre, radius, radius)


def _faded(colour: str, strength: float) -> QColor:
    faded = QColor(colour)
    faded.setAlphaF(max(0.0, min(1.0, strength)))
    return faded


def _around(centre: QPointF, radius: float) -> QRectF:
    return QRectF(centre.x() - radius, centre.y() - radius, 2 * radius, 2 * radius)
