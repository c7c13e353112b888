"""Pictures that come with the app: SVG files beside the package, coloured for the theme where they are line icons."""

from __future__ import annotations

import functools
from pathlib import Path

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

FOLDER = Path(__file__).resolve().parents[1] / "resources"
_APP_ICON_SIDES = (16, 22, 24, 32, 48, 64, 128, 256)


@functools.cache
def app_icon() -> QIcon:
    """Return the icon of the app in the usual sizes."""
    made = QIcon()
    source = (FOLDER / "pingmon.svg").read_text(encoding="utf-8")
    for side in _APP_ICON_SIDES:
        made.addPixmap(render(source, side, 1.0))
    return made


@functools.lru_cache(maxsize=128)
def line_icon(name: str, colour: str) -> QIcon:
    """Return a line icon ("plus", "search" ...) in one colour."""
    source = (FOLDER / f"{name}.svg").read_text(encoding="utf-8").replace("currentColor", colour)
    made = QIcon()
    for ratio in (1.0, 2.0):
        made.addPixmap(render(source, 16, ratio))
    return made


def render(source: str, side: int, ratio: float) -> QPixmap:
    """Return an SVG document as a square, transparent pixmap of `side` device-independent pixels."""
    image = QPixmap(round(side * ratio), round(side * ratio))
    image.fill(Qt.GlobalColor.transparent)
    renderer = QSvgRenderer(QByteArray(source.encode()))
    painter = QPainter(image)
    renderer.render(painter)
    painter.end()
    image.setDevicePixelRatio(ratio)
    return image
