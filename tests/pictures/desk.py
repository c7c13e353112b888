"""The app as pictures are taken of it: the real one, offscreen, with hands for what a picture needs of it.

A stage is a module with `PICTURES`, functions named like their files: each brings the app to what is to be seen, and
returns the widget to be taken. Whatever else they opened is closed after each.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import qasync
from PySide6.QtCore import QMessageLogContext, Qt, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QAction, QImage
from PySide6.QtWidgets import QApplication, QWidget

from pingmon_gui.app import WindowRun
from pingmon_gui.ownership import Ownership
from pingmon_gui.session import LinkFactory, Session
from pingmon_gui.ui.crash_dialog import CrashReporter
from pingmon_gui.ui.main_window import MainWindow
from pingmon_gui.ui.theme import ThemeSwitch
from pingmon_gui.ui.window_frame import make_application
from tests.pictures.png import save

SIZE = (1440, 860)
#: The slowest that is waited for: some minutes of real measurements.
PATIENCE_S = 900.0
#: Taken every 50 ms: longer than a read of the store takes, shorter than a clock that shows seconds stands.
STILL_PICTURES = 8

_SCREEN = {
    "synchronousWindowSystemEvents": False,
    "windowFrameMargins": False,
    "screens": [
        {"name": "screen", "x": 0, "y": 0, "width": 1920, "height": 1200,
         "logicalDpi": 96, "logicalBaseDpi": 96, "dpr": 1},
    ],
}  # fmt: skip

Found = TypeVar("Found")
Widget = TypeVar("Widget", bound=QWidget)


@dataclass(frozen=True)
class Desk:
    """The app as it runs, and its hands."""

    session: Session
    frame: QWidget
    window: MainWindow
    theme: ThemeSwitch

    async def opened_by(self, act: QAction | Callable[[], object], kind: type[Widget]) -> Widget:
        """Return the window of a kind that an action opens."""
        if isinstance(act, QAction):
            act.trigger()
        else:
            act()
        return await until(lambda: next((one for one in windows() if isinstance(one, kind)), None))

    def select(self, row: int) -> None:
        self.window.table.selectRow(row)


#: Returns the widget to be taken, or what was taken elsewhere.
Picture = Callable[[Desk], Awaitable[QWidget | QImage]]


def windows() -> list[QWidget]:
    """Return what is open, without hints and menus."""
    kinds = (Qt.WindowType.Window, Qt.WindowType.Dialog, Qt.WindowType.Sheet)
    return [one for one in QApplication.topLevelWidgets() if one.isVisible() and one.windowType() in kinds]


def names(pictures: Sequence[Picture]) -> tuple[str, ...]:
    return tuple(picture.__name__.replace("_", "-") for picture in pictures)


def wanted_names() -> list[str]:
    """Return the pictures that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    return list(parser.parse_args().names)


def take(
    pictures: Sequence[Picture],
    wanted: Sequence[str],
    folder: Path,
    probes: LinkFactory | None = None,
    before: Callable[[Desk], Awaitable[None]] | None = None,
) -> None:
    """Run the app on a data folder and take the wanted pictures; `before` is done once the window is there."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as screen:
        json.dump(_SCREEN, screen)
        screen.flush()
        os.environ["QT_QPA_PLATFORM"] = f"offscreen:configfile={screen.name}"
        qInstallMessageHandler(_on_message)
        application = make_application()
    application.setCursorFlashTime(0)
    with Ownership.take(folder, "window") as ownership:
        theme = ThemeSwitch()
        run = WindowRun(ownership, theme, CrashReporter(), minimized=False, probes=probes)
        run.frame.resize(*SIZE)
        run.frame.show()
        qasync.run(_take(run, theme, [one for one in pictures if names([one])[0] in wanted], before))
    del application


def _on_message(_kind: QtMsgType, _context: QMessageLogContext, message: str) -> None:
    """Pass on what Qt says, but for what the offscreen platform lacks."""
    if not message.startswith("This plugin does not support"):
        print(message, file=sys.stderr)


async def _take(
    run: WindowRun,
    theme: ThemeSwitch,
    pictures: Sequence[Picture],
    before: Callable[[Desk], Awaitable[None]] | None,
) -> None:
    life = asyncio.create_task(run.main())
    desk = Desk(run.session, run.frame, await until(lambda: run.window), theme)
    if before is not None:
        await before(desk)
    for picture in pictures:
        theme.set_mode("light")
        run.frame.resize(*SIZE)
        desk.window.messages.clear()
        shown = await picture(desk)
        # What comes in meanwhile is shown later: with many probes nothing would ever keep still.
        frames = desk.window.bridge.findChild(QTimer)
        frames.stop()
        save(shown if isinstance(shown, QImage) else await until(Stillness(shown).picture), *names([picture]))
        frames.start()
        for open_ in windows():
            if open_ is not run.frame:
                open_.close()
        await until(lambda: windows() == [run.frame])
    run.on_quit_asked()
    code = await life
    if code:
        sys.exit(f"the app ended with {code}")


class Stillness:
    """Waits until a widget looks the same for a while: nothing moves, and nothing is awaited any more."""

    def __init__(self, widget: QWidget) -> None:
        self._widget = widget
        self._last = QImage()
        self._same = 0

    def picture(self) -> QImage | None:
        """Take one more picture; return it where it is as the last ones were."""
        image = self._widget.grab().toImage()
        self._same = self._same + 1 if image == self._last else 0
        self._last = image
        return image if self._same >= STILL_PICTURES else None


async def until(find: Callable[[], Found | None]) -> Found:
    loop = asyncio.get_running_loop()
    until_s = loop.time() + PATIENCE_S
    while not (found := find()):
        if loop.time() > until_s:
            raise TimeoutError("what is to be shown does not come")
        await asyncio.sleep(0.05)
    return found
