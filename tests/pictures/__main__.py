"""Takes pictures of docs/screenshots from the real app, offscreen: `make screenshots`, or `ONLY=map-dark,incidents`.

The app runs on a generated history of some weeks that ends now, fed by five made-up probes. A picture is a function
here, named like its file; it brings the app to what is to be seen and returns the widget to be taken. Pictures that are
not among `PICTURES` are still taken by hand.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

os.environ["QT_QPA_PLATFORM"] = "offscreen"

import qasync
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QImage
from PySide6.QtWidgets import QApplication, QWidget

from pingmon_gui.app import WindowRun
from pingmon_gui.engine.board import Board
from pingmon_gui.fleet.embedded import EmbeddedProbe
from pingmon_gui.ownership import Ownership
from pingmon_gui.ui.crash_dialog import CrashReporter
from pingmon_gui.ui.main_window import MainWindow
from pingmon_gui.ui.theme import ThemeSwitch
from pingmon_gui.ui.window_frame import make_application
from tests.bench.feeding_probe import feeding_command
from tests.bench.year.judged import PROBES
from tests.bench.year.make import make
from tests.bench.year.story import Shape

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
SHAPE = Shape(monitors=14, days=40, raw_days=3, fine_days=20)
SIZE = (1440, 860)
PATIENCE_S = 120.0


@dataclass(frozen=True)
class Desk:
    """The app as it runs, and its hands."""

    frame: QWidget
    window: MainWindow
    theme: ThemeSwitch

    async def opened_by(self, action: QAction) -> QWidget:
        """Return the window that an action opens."""
        before = _windows()
        action.trigger()
        return await until(lambda: next((one for one in _windows() if one not in before), None))

    def select(self, row: int) -> None:
        self.window.table.selectRow(row)


def _windows() -> list[QWidget]:
    """Return what is open, without hints and menus."""
    kinds = (Qt.WindowType.Window, Qt.WindowType.Dialog)
    return [one for one in QApplication.topLevelWidgets() if one.isVisible() and one.windowType() in kinds]


Found = TypeVar("Found")
Picture = Callable[[Desk], Awaitable[QWidget]]


async def map_dark(desk: Desk) -> QWidget:
    desk.theme.set_mode("dark")
    desk.window.table.clearSelection()
    return await desk.opened_by(desk.window.actions_.map)


async def history_day(desk: Desk) -> QWidget:
    desk.select(0)
    return await desk.opened_by(desk.window.actions_.history)


async def incidents(desk: Desk) -> QWidget:
    return await desk.opened_by(desk.window.actions_.incidents)


PICTURES: tuple[Picture, ...] = (map_dark, history_day, incidents)


def main(wanted: set[str]) -> int:
    named = {picture.__name__.replace("_", "-"): picture for picture in PICTURES}
    if unknown := wanted - set(named):
        print(f"There is no picture {', '.join(sorted(unknown))}; known: {', '.join(named)}", file=sys.stderr)
        return 2
    application = make_application()
    application.setCursorFlashTime(0)
    with tempfile.TemporaryDirectory(prefix="pingmon-pictures-") as place:
        folder = Path(place) / "data"
        print("making the history ...", file=sys.stderr, flush=True)
        make(folder, SHAPE, time.time_ns() // 60_000_000_000 * 60_000)
        with Ownership.take(folder, "window") as ownership:
            theme = ThemeSwitch()
            run = WindowRun(ownership, theme, CrashReporter(), minimized=False, probes=_feeding)
            run.frame.resize(*SIZE)
            run.frame.show()
            taking = {name: picture for name, picture in named.items() if not wanted or name in wanted}
            qasync.run(_take(run, theme, taking))
    del application
    return 0


async def _take(run: WindowRun, theme: ThemeSwitch, pictures: dict[str, Picture]) -> None:
    life = asyncio.create_task(run.main())
    window = await until(lambda: run.window)
    desk = Desk(run.frame, window, theme)
    await until(lambda: _all_is_measured(run.session.board))
    for name, picture in pictures.items():
        theme.set_mode("light")
        widget = await picture(desk)
        widget.resize(*SIZE)
        (await until(Stillness(widget).picture)).save(str(FOLDER / f"{name}.png"))
        print(FOLDER / f"{name}.png", flush=True)
        if widget is not run.frame:
            widget.close()
    run.on_quit_asked()
    await life


def _all_is_measured(board: Board) -> bool:
    """Return whether every probe has told something new of every domain that is not paused."""
    watched = (monitor for monitor in board.monitors.values() if not monitor.is_paused)
    return all(sum(latest.is_whole for latest in board.newest(monitor.id)) == len(PROBES) for monitor in watched)


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


#: Taken every 50 ms: above what a read of the store takes before anything of it is seen.
STILL_PICTURES = 20


def _feeding(folder: Path, _now_ms: object) -> list[EmbeddedProbe]:
    return [EmbeddedProbe(probe, folder / f"spool-{probe.id}", feeding_command()) for probe in PROBES.values()]


async def until(find: Callable[[], Found | None]) -> Found:
    loop = asyncio.get_running_loop()
    until_s = loop.time() + PATIENCE_S
    while not (found := find()):
        if loop.time() > until_s:
            raise TimeoutError("what is to be shown does not come")
        await asyncio.sleep(0.05)
    return found


if __name__ == "__main__":
    sys.exit(main({name for word in sys.argv[1:] for name in word.split(",")}))
