"""The window's frame: on the screen before anything is read, and the same one when the domains are in it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from pingmon_gui.app import WindowRun
from pingmon_gui.domain.monitor import MonitorDraft
from pingmon_gui.ownership import Ownership
from pingmon_gui.ui.crash_dialog import CrashReporter
from pingmon_gui.ui.empty_state import FirstDomain
from pingmon_gui.ui.theme import ThemeSwitch, current
from pingmon_gui.ui.window_frame import WindowFrame, layout_settings
from tests.engine.fakes import until
from tests.ui.conftest import RunAsync

_HEAVY = ("numpy", "asyncio", "httpx", "peewee", "pingmon_gui.session", "pingmon_gui.engine", "pyqtgraph", "paramiko")


def test_frame_needs_nothing_that_is_slow_to_import() -> None:
    code = "import sys, pingmon_gui.ui.window_frame; print(*sys.modules)"
    root = Path(__file__).resolve().parents[3]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(root), str(root / "probes")))}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert "PySide6.QtWidgets" in done.stdout.split()
    assert not set(_HEAVY) & set(done.stdout.split())


def test_frame_is_painted_when_it_was_shown_at_once(tmp_path: Path, theme: ThemeSwitch, qtbot: QtBot) -> None:
    frame = WindowFrame(tmp_path, theme)
    qtbot.addWidget(frame)
    frames: list[bool] = []
    frame.painted.connect(lambda: frames.append(True))
    frame.show_at_once()
    assert frames and frame.isVisible()


def test_frame_has_the_colours_of_last_time(tmp_path: Path, theme: ThemeSwitch, qtbot: QtBot) -> None:
    layout_settings(tmp_path).setValue("theme", "dark")
    frame = WindowFrame(tmp_path, theme)
    qtbot.addWidget(frame)
    assert current().is_dark
    frame.show_at_once()
    assert frame.grab().toImage().pixelColor(frame.width() // 2, frame.height() - 10).lightness() < 80


def test_opening_never_invites_to_add_a_first_domain_when_there_are_some(
    tmp_path: Path, theme: ThemeSwitch, run_async: RunAsync
) -> None:
    """The frame that is shown at once is the window that the domains come into."""
    with Ownership.take(tmp_path, "window") as ownership:

        async def use() -> None:
            run = make_run(ownership, theme)
            life = asyncio.create_task(run.main())
            await until(lambda: run.window is not None)
            await run.session.commands.add([MonitorDraft("https://shop.example/")])
            run.on_quit_asked()
            assert await life == 0

            again = make_run(ownership, theme)
            again.frame.show_at_once()
            life = asyncio.create_task(again.main())
            while again.window is None:
                assert not any(_is_invitation(widget) for widget in QApplication.allWidgets())
                await asyncio.sleep(0)
            assert again.window.stack.currentWidget() is again.window.table
            assert again.window.window() is again.frame and again.window.isVisible()
            again.on_quit_asked()
            assert await life == 0

        run_async(use())


def test_closed_while_it_opens_the_app_quits_and_shows_nothing_more(
    tmp_path: Path, theme: ThemeSwitch, run_async: RunAsync
) -> None:
    with Ownership.take(tmp_path, "window") as ownership:
        run = make_run(ownership, theme)
        run.frame.show_at_once()

        async def use() -> None:
            life = asyncio.create_task(run.main())
            await asyncio.sleep(0)
            assert run.window is None
            run.frame.close()
            assert not run.frame.isVisible()
            shown_again: list[bool] = []
            run.frame.painted.connect(lambda: shown_again.append(True))
            assert await life == 0
            assert run.window is None and not shown_again

        run_async(use())


def test_frame_comes_back_where_and_how_it_was(tmp_path: Path, theme: ThemeSwitch, run_async: RunAsync) -> None:
    with Ownership.take(tmp_path, "window") as ownership:

        async def open_and_quit(width: int) -> int:
            run = make_run(ownership, theme)
            run.frame.show_at_once()
            life = asyncio.create_task(run.main())
            await until(lambda: run.window is not None)
            before = run.frame.width()
            run.frame.resize(width, 600)
            run.on_quit_asked()
            assert await life == 0
            return before

        async def use() -> None:
            await open_and_quit(777)
            assert await open_and_quit(700) == 777

        run_async(use())


def test_minimized_window_is_brought_up_with_its_frame(tmp_path: Path, theme: ThemeSwitch, run_async: RunAsync) -> None:
    with Ownership.take(tmp_path, "window") as ownership:
        run = make_run(ownership, theme)

        async def use() -> None:
            life = asyncio.create_task(run.main())
            await until(lambda: run.window is not None)
            assert run.window is not None
            run.frame.showMinimized()
            run.window.bring_up()
            assert not run.frame.windowState() & Qt.WindowState.WindowMinimized
            assert run.window.isVisible()
            run.on_quit_asked()
            assert await life == 0

        run_async(use())


def make_run(ownership: Ownership, theme: ThemeSwitch) -> WindowRun:
    return WindowRun(ownership, theme, CrashReporter(), minimized=False, probes=lambda *_: [])


def _is_invitation(widget: QWidget) -> bool:
    return isinstance(widget, FirstDomain) and widget.isVisible()
