"""The still part of the map: sea, lines of the globe, land. Painted once for each size and theme, then copied.

The coastlines are Natural Earth's (docs/licences/natural-earth.md); `packaging/world_map.py` made the file.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPixmap, QPolygonF, QRadialGradient

from pingmon_gui.ui import resource
from pingmon_gui.ui.map_place import Place
from pingmon_gui.ui.map_projection import CENTRAL_MERIDIAN, project, project_point, unproject
from pingmon_gui.ui.theme import Theme

#: The picture reaches to here at least: no probe stands on Antarctica, and the far north and the middle of the Pacific
#: are sea.
NORTH, SOUTH, ASIDE = 80.0, -56.0, 171.0
_LINE_DEGREES = 30
_HUNDREDTHS = 100.0


@dataclass(frozen=True)
class Frame:
    """How the globe lies in a picture: `scale` pixels a unit of the projection, (`x`, `y`) is its point 0° 0°."""

    scale: float
    x: float
    y: float

    @classmethod
    def fit(cls, room: QRectF) -> Frame:
        """Return the largest one that shows all of the land in a rectangle."""
        half_width, north, south = _extent()
        scale = min(room.width() / (2 * half_width), room.height() / (north - south))
        return cls(scale, room.center().x(), room.center().y() + scale * (north + south) / 2)

    def point(self, place: Place) -> QPointF:
        x, y = project_point(place.longitude, place.latitude)
        return QPointF(self.x + x * self.scale, self.y - y * self.scale)

    def place(self, point: QPointF) -> Place | None:
        """Return which place of the globe a pixel shows, None beside it."""
        found = unproject((point.x() - self.x) / self.scale, (self.y - point.y()) / self.scale)
        return None if found is None else Place(*found)


def picture(size: QSize, ratio: float, frame: Frame, theme: Theme) -> QPixmap:
    """Return sea, lines and land for a widget of `size` on a screen of that pixel ratio."""
    image = QPixmap(size * ratio)
    image.setDevicePixelRatio(ratio)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillRect(QRectF(0, 0, size.width(), size.height()), QColor(theme.sea))
    light = QRadialGradient(QPointF(size.width() / 2, size.height() * 0.42), max(size.width(), size.height()) * 0.62)
    light.setColorAt(0, QColor(theme.sea_light))
    light.setColorAt(1, QColor(theme.sea))
    painter.fillRect(QRectF(0, 0, size.width(), size.height()), light)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(theme.globe_line), 1))
    painter.translate(frame.x, frame.y)
    painter.scale(frame.scale, frame.scale)
    thin = QPen(QColor(theme.globe_line), 1)
    thin.setCosmetic(True)
    painter.setPen(thin)
    painter.drawPath(_globe_lines())
    coast = QPen(QColor(theme.coast), 1)
    coast.setCosmetic(True)
    painter.setPen(coast)
    painter.setBrush(QColor(theme.land))
    painter.drawPath(_land())
    painter.end()
    return image


@functools.cache
def _extent() -> tuple[float, float, float]:
    """Return half the width, the north and the south of what is shown, in units of the projection."""
    half_width, _ = project_point(CENTRAL_MERIDIAN + ASIDE, 0.0)
    return half_width, project_point(0.0, NORTH)[1], project_point(0.0, SOUTH)[1]


@functools.cache
def _land() -> QPainterPath:
    """Return the land in units of the projection, y downwards as on the screen."""
    document = json.loads((resource.FOLDER / "world.json").read_text(encoding="utf-8"))
    path = QPainterPath()
    # A lake is a ring within a ring: the even ones are water.
    path.setFillRule(Qt.FillRule.OddEvenFill)
    for ring in document["rings"]:
        points = np.cumsum(np.array(ring, dtype=np.float64).reshape(-1, 2), axis=0) / _HUNDREDTHS
        x, y = project(points[:, 0], points[:, 1])
        path.addPolygon(QPolygonF([QPointF(*pair) for pair in zip(x.tolist(), (-y).tolist(), strict=True)]))
        path.closeSubpath()
    return path


@functools.cache
def _globe_lines() -> QPainterPath:
    """Return meridians and parallels."""
    path = QPainterPath()
    latitudes = np.linspace(-90, 90, 61)
    for east in range(-180, 181, _LINE_DEGREES):
        x, y = project(np.full(len(latitudes), CENTRAL_MERIDIAN + east), latitudes)
        path.addPolygon(QPolygonF([QPointF(*pair) for pair in zip(x.tolist(), (-y).tolist(), strict=True)]))
    for latitude in range(-60, 61, _LINE_DEGREES):
        (left, right), (y, _) = project(CENTRAL_MERIDIAN + np.array([-180.0, 180.0]), np.full(2, float(latitude)))
        path.moveTo(QPointF(float(left), -float(y)))
        path.lineTo(QPointF(float(right), -float(y)))
    return path
