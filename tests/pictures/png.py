"""Where pictures are kept, and how: without a channel for what is behind them, and as small as PNG can be."""

from __future__ import annotations

import subprocess
from pathlib import Path

from PySide6.QtGui import QImage

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"


def save(image: QImage, name: str) -> None:
    """Keep a picture by its name (`map-dark`)."""
    path = FOLDER / f"{name}.png"
    if not image.convertToFormat(QImage.Format.Format_RGB888).save(str(path)):
        raise OSError(f"{path} cannot be written")
    subprocess.run(["optipng", "-quiet", "-o3", "-strip", "all", str(path)], check=True)
    print(path, flush=True)
