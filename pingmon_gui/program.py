"""Which executable is started for what. On Windows there are two of each: one has a console, one has none."""

from __future__ import annotations

import sys
from pathlib import Path


def for_terminal(program: str) -> str:
    """Return the executable whose output and pipes work: `pingmon.exe` for `pingmonw.exe`; elsewhere the same."""
    path = Path(program)
    return _sibling(path, f"{path.stem.removesuffix('w')}.exe")


def for_window(program: str) -> str:
    """Return the executable that opens no console window: `pythonw.exe` for `python.exe`; elsewhere the same."""
    path = Path(program)
    return _sibling(path, f"{path.stem.removesuffix('w')}w.exe")


def _sibling(program: Path, name: str) -> str:
    other = program.with_name(name)
    return str(other) if sys.platform == "win32" and other.exists() else str(program)
