"""Draws the app's icon in the sizes that desktops ask for."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from place import ROOT

SIDES = (16, 22, 24, 32, 48, 64, 128, 256, 512)


def draw(hicolor: Path) -> None:
    """Fill a theme's folder: a PNG of every size, the drawing itself, and the one-coloured one."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtCore import QSize, Qt
    from PySide6.QtGui import QGuiApplication, QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    application = QGuiApplication([])
    drawing = QSvgRenderer(str(ROOT / "resources" / "pingmon.svg"))
    for side in SIDES:
        image = QImage(QSize(side, side), QImage.Format.Format_ARGB32)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        drawing.render(painter)
        painter.end()
        target = hicolor / f"{side}x{side}" / "apps" / "pingmon.png"
        target.parent.mkdir(parents=True)
        image.save(str(target))
    for folder, name in (("scalable", "pingmon.svg"), ("symbolic", "pingmon-symbolic.svg")):
        target = hicolor / folder / "apps" / name
        target.parent.mkdir(parents=True)
        shutil.copyfile(ROOT / "resources" / name, target)
    application.shutdown()
