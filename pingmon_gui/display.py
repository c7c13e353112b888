"""Whether there is a display to open a window on. Qt aborts the process where there is none."""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Mapping

from pingmon_gui.domain.error import PingmonError

_X_DISPLAY = re.compile(r"(?:unix)?(?P<host>[^/]*):(?P<number>\d+)(?:\.\d+)?")
_FIRST_X_PORT = 6000
_PATIENCE_S = 3.0


def require_display(environment: Mapping[str, str] = os.environ) -> None:
    """Raises PingmonError where no display is named, or the one that is named does not answer."""
    if not sys.platform.startswith("linux") or environment.get("QT_QPA_PLATFORM"):
        return
    hint = "“pingmon run” watches without one; “pingmon --help” lists more."
    name = environment.get("DISPLAY", "")
    if not name and not environment.get("WAYLAND_DISPLAY"):
        raise PingmonError("There is no display to open a window on.", hint)
    if not environment.get("WAYLAND_DISPLAY") and not _answers(name):
        raise PingmonError(f"The display {name} does not answer.", f"Check the variable DISPLAY; {hint}")


def _answers(name: str) -> bool:
    """Return whether something listens where an X server of this name would; True for a name of another kind."""
    found = _X_DISPLAY.fullmatch(name)
    if found is None:
        return True
    number = int(found["number"])
    if found["host"]:
        return _accepts(socket.AF_INET, (found["host"], _FIRST_X_PORT + number))
    path = f"/tmp/.X11-unix/X{number}"
    return _accepts(socket.AF_UNIX, f"\0{path}") or _accepts(socket.AF_UNIX, path)


def _accepts(family: socket.AddressFamily, address: str | tuple[str, int]) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as knock:
        knock.settimeout(_PATIENCE_S)
        try:
            knock.connect(address)
        except OSError:
            return False
    return True
