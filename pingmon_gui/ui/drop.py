"""What somebody drops on a window: files of this computer, or text."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData


def dropped_files(data: QMimeData) -> list[Path]:
    """Return the files and folders of this computer among what is dropped, in order; a link of a browser is none."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
