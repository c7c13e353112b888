"""Draws the app's icon in the sizes that desktops ask for."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from place import ROOT

SIDES = (16, 22, 24, 32, 48, 64, 128, 256, 512)
#: What an executable carries on the other systems; Qt writes one size into such a file.
CARRIED = {"win32": ("pingmon.ico", 256), "darwin": ("pingmon.icns", 512)}


def draw(hicolor: Path) -> None:
    """Fill a theme's folder: a PNG of every size, the drawing itself, and the one-coloured one."""
    for side in SIDES:
        _draw(side, hicolor / f"{side}x{side}" / "apps" / "pingmon.png")
    for folder, name in (("scalable", "pingmon.svg"), ("symbolic", "pingmon-symbolic.svg")):
        target = hicolor / folder / "apps" / name
        target.parent.mkdir(parents=True)
        shutil.copyfile(ROOT / "resources" / name, target)


def carried(platform: str, folder: Path) -> str | None:
    """Return the file with the icon of the executables of a system, drawn anew; None where there is none."""
    if platform not in CARRIED:
        return None
    name, side = CARRIED[platform]
    _draw(side, folder / name)
    return str(folder / name)


def _draw(side: int, target: Path) -> None:
    """Write the icon as a picture of a size, in the format that the file's name says."""
    # No text is in it, so no application is needed, which has to be the only one of its process.
    from PySide6.QtCore import QSize, Qt
    from PySide6.QtGui import QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    image = QImage(QSize(side, side), QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(str(ROOT / "resources" / "pingmon.svg")).render(painter)
    painter.end()
    target.parent.mkdir(parents=True, exist_ok=True)
    if not image.save(str(target)):
        sys.exit(f"{target} cannot be written.")
