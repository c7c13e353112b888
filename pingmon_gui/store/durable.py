"""What has to be on the disk before the next step may be taken."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def sync_file(path: Path) -> None:
    """Return when the file's content is on the disk. Raises OSError."""
    # Windows syncs only what may be written.
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Return when the names in the folder are on the disk. Raises OSError."""
    if sys.platform == "win32":  # Its folders cannot be opened; renaming there is written through.
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
