"""The system's libraries that Qt needs and its wheels do not bring. Without one it does not load, or ends us."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping

from pingmon_gui.domain.error import PingmonError

#: Each with the package of Debian and Ubuntu that has it: those that Qt always needs, and those of X11.
ALWAYS = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
}
OF_X11 = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
}


def require_libraries(environment: Mapping[str, str] = os.environ, *, is_shown: bool = False) -> None:
    """Raises PingmonError that names all that are missing to draw, or (`is_shown`) to open a window.

    Packages of ours depend on them and are not asked.
    """
    if not sys.platform.startswith("linux") or getattr(sys, "frozen", False):
        return
    is_x11 = is_shown and not environment.get("QT_QPA_PLATFORM") and not environment.get("WAYLAND_DISPLAY")
    missing = {name: package for name, package in (ALWAYS | (OF_X11 if is_x11 else {})).items() if not _loads(name)}
    if missing:
        raise PingmonError(
            f"Qt needs libraries that this system lacks: {', '.join(missing)}.",
            f"On Debian and Ubuntu: sudo apt install {' '.join(missing.values())}",
        )


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
