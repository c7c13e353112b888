"""The notifications of this desktop, by the best way there is: a daemon on Linux and BSD, Qt's own elsewhere."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING

from PySide6.QtGui import QImage

from pingmon_gui.alerts.desktop import FirstThere
from pingmon_gui.alerts.port import DesktopNotice, DesktopNotifier, Picture
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.ui import alert_wording, tray_sign
from pingmon_gui.ui.tray import Tray
from pingmon_gui.ui.tray_notifier import TrayNotifier

if TYPE_CHECKING:
    from pingmon_gui.alerts.freedesktop import FreedesktopNotifier

_PICTURE_SIDE = 64


class DesktopNotifications:
    """Shows alerts between `start` and `stop`."""

    def __init__(self, tray: Tray) -> None:
        self._by_tray = TrayNotifier(tray)
        self._by_bus: FreedesktopNotifier | None = None

    async def start(self) -> DesktopNotifier:
        """Return what alerts are to be shown by."""
        if sys.platform in ("win32", "darwin"):
            return self._by_tray
        # Imported here: the window is on the screen by now.
        from pingmon_gui.alerts.freedesktop import FreedesktopNotifier

        self._by_bus = FreedesktopNotifier(alert_wording.say, _picture)
        await self._by_bus.start()
        return FirstThere(self._by_bus, self._by_tray)

    async def stop(self) -> None:
        """Take off the screen what nobody would keep true any more."""
        if self._by_bus is not None:
            await self._by_bus.stop()


def _picture(notice: DesktopNotice) -> Picture:
    return _sign(Verdict.ONLINE if notice.is_over else alert_wording.verdict_of(notice.kind))


@functools.cache
def _sign(verdict: Verdict) -> Picture:
    image = tray_sign.pixmap(verdict, 0, _PICTURE_SIDE).toImage().convertToFormat(QImage.Format.Format_RGBA8888)
    return Picture(_PICTURE_SIDE, bytes(image.constBits()))
