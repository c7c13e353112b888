"""The window's life: session below it, an orderly end, and data that cannot be used."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QMessageBox

from pingmon_gui.app import WindowRun
from pingmon_gui.domain.error import StorageCorrupt, StorageError, StorageFull, StorageReadOnly, StorageTooNew
from pingmon_gui.domain.monitor import MonitorDraft
from pingmon_gui.ownership import Ownership, ask
from pingmon_gui.session import database_path
from pingmon_gui.ui.crash_dialog import CrashReporter
from pingmon_gui.ui.restore_dialog import RestoreDialog
from pingmon_gui.ui.storage_trouble import storage_dialog
from pingmon_gui.ui.theme import ThemeSwitch
from tests.conftest import ExpectLog
from tests.engine.fakes import until
from tests.ui.conftest import RunAsync


def make_run(ownership: Ownership, theme: ThemeSwitch, *, minimized: bool = False, kiosk: bool = False) -> WindowRun:
    """Return the window's life on a data folder, without any probe."""
    return WindowRun(ownership, theme, CrashReporter(), minimized=minimized, kiosk=kiosk, probes=lambda *_: [])


def test_start_as_a_kiosk_fills_the_screen_and_quits_with_the_window(
    tmp_path: Path, theme: ThemeSwitch, run_async: RunAsync
) -> None:
    with Ownership.take(tmp_path, "window") as ownership:
        run = make_run(ownership, theme, kiosk=True)

        async def main() -> None:
            life = asyncio.create_task(run.main())
            await until(lambda: run.window is not None and run.window.maps.kiosk is not None)
            assert run.window is not None and run.window.maps.kiosk is not None
            assert run.window.maps.kiosk.isFullScreen()
            assert run.window.maps.kiosk.problems.texts == ("Nothing is watched.",)
            run.on_quit_asked()
            assert await life == 0
            assert not any(widget.isVisible() for widget in QApplication.topLevelWidgets())

        run_async(main())


def test_quit_ends_in_order_and_the_next_start_shows_the_same(
    tmp_path: Path, theme: ThemeSwitch, run_async: RunAsync
) -> None:
    with Ownership.take(tmp_path, "window") as ownership:
        run = make_run(ownership, theme)

        async def first() -> None:
            life = asyncio.create_task(run.main())
            await until(lambda: run.window is not None and run.window.isVisible())
            await run.session.commands.add([MonitorDraft("https://shop.example/")])
            assert run.window is not None
            await until(lambda: run.window is not None and run.window.model.rowCount() == 1)
            run.window.actions_.quit.trigger()
            assert await life == 0
            assert not any(widget.isVisible() for widget in QApplication.topLevelWidgets())

        run_async(first())
        again = make_run(ownership, theme)

        async def second() -> None:
            life = asyncio.create_task(again.main())
            await until(lambda: again.window is not None)
            assert again.window is not None
            assert again.window.model.rowCount() == 1
            again.window.close()
            assert await life == 0

        run_async(second())


def test_full_collection_passes_over_what_the_start_made(
    tmp_path: Path, theme: ThemeSwitch, run_async: RunAsync
) -> None:
    """It would go through all of Qt's and numpy's modules, and hold up the window by 0.1 s."""
    with Ownership.take(tmp_path, "window") as ownership:
        run = make_run(ownership, theme)

        async def use() -> None:
            life = asyncio.create_task(run.main())
            await until(lambda: gc.get_freeze_count() > 0)
            assert run.window is not None
            run.on_quit_asked()
            assert await life == 0
            assert gc.get_freeze_count() == 0

        run_async(use())


def test_second_start_raises_the_window(tmp_path: Path, theme: ThemeSwitch, run_async: RunAsync) -> None:
    with Ownership.take(tmp_path, "window") as ownership:
        run = make_run(ownership, theme)

        async def use() -> None:
            life = asyncio.create_task(run.main())
            await until(lambda: run.window is not None and run.window.isVisible())
            assert run.window is not None
            run.window.hide()
            await until((tmp_path / "socket").exists)
            answer = await asyncio.to_thread(ask, tmp_path, {"command": "raise"})
            assert answer == {"ok": True}
            assert run.window.isVisible()
            run.on_quit_asked()
            await life

        run_async(use())


def test_damaged_database_is_a_dialog_and_no_traceback(
    tmp_path: Path, theme: ThemeSwitch, run_async: RunAsync, expect_log: ExpectLog
) -> None:
    expect_log(".")
    database_path(tmp_path).write_bytes(b"this is no database, whatever its name says " * 100)
    with Ownership.take(tmp_path, "window") as ownership:
        run = make_run(ownership, theme)

        async def use() -> None:
            life = asyncio.create_task(run.main())
            await until(lambda: isinstance(QApplication.activeModalWidget(), QMessageBox))
            box = QApplication.activeModalWidget()
            assert isinstance(box, QMessageBox)
            assert box.text() == "The database is damaged"
            assert str(tmp_path) in box.informativeText()
            box.button(QMessageBox.StandardButton.Close).click()
            assert await life == 1

        run_async(use())


@pytest.mark.parametrize("is_restoring", [False, True])
def test_end_that_is_asked_for_closes_what_is_asked_about_the_data(
    tmp_path: Path, theme: ThemeSwitch, run_async: RunAsync, expect_log: ExpectLog, is_restoring: bool
) -> None:
    """A session that ends, or a signal, waits for no answer."""
    expect_log(".")
    database_path(tmp_path).write_bytes(b"this is no database, whatever its name says " * 100)
    with Ownership.take(tmp_path, "window") as ownership:
        run = make_run(ownership, theme)

        async def use() -> None:
            life = asyncio.create_task(run.main())
            await until(lambda: isinstance(QApplication.activeModalWidget(), QMessageBox))
            if is_restoring:
                box = QApplication.activeModalWidget()
                assert isinstance(box, QMessageBox)
                next(one for one in box.buttons() if "Restore" in one.text()).click()
                await until(lambda: isinstance(QApplication.activeModalWidget(), RestoreDialog))
            run.on_quit_asked()
            assert await life == 1
            assert QApplication.activeModalWidget() is None

        run_async(use())


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (StorageTooNew, ["Restore a backup…"]),
        (StorageCorrupt, ["Restore a backup…", "Save what can be read"]),
        (StorageReadOnly, []),
        (StorageFull, []),
        (StorageError, []),
    ],
)
def test_every_trouble_of_the_store_has_its_words_and_choices(
    qapp: QApplication, tmp_path: Path, kind: type[StorageError], more: list[str]
) -> None:
    box, choices = storage_dialog(kind("What is wrong.", "What to do."), tmp_path)
    assert "What is wrong. What to do." in box.informativeText()
    texts = [button.text().replace("&", "") for button in box.buttons()]
    assert sorted(texts) == sorted(["Open the folder", "Quit", "Try again", *more])
    assert len(choices) == 2 + len(more)
    box.deleteLater()


def test_first_frame_does_without_charts_and_ssh() -> None:
    """They take as long to import as Qt takes to paint a window."""
    code = "import sys, pingmon_gui.app; print(sorted({'pyqtgraph', 'paramiko'} & set(sys.modules)))"
    root = Path(__file__).resolve().parents[3]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(root), str(root / "probes")))}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
