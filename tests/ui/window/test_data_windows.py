"""Back-up, restore and repair in the window: what is said, what is done between two lives, and what can go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton, QWidget

from pingmon_gui.domain.error import StorageCorrupt
from pingmon_gui.domain.monitor import MonitorDraft, MonitorSettings
from pingmon_gui.ownership import Ownership, ask
from pingmon_gui.session import database_path
from pingmon_gui.store.backup import back_up
from pingmon_gui.ui.backup_dialog import BackupDialog
from pingmon_gui.ui.rescue_report import RescueReport
from pingmon_gui.ui.restore_dialog import RestoreDialog
from pingmon_gui.ui.theme import ThemeSwitch
from tests.conftest import ExpectLog
from tests.engine.fakes import until
from tests.store.damage import PAGE_BYTES, overwrite, root_page, rows_of
from tests.store.helper import drafts, open_store
from tests.ui.conftest import RunAsync
from tests.ui.window.test_app import WindowRun, make_run

T = TypeVar("T", bound=QWidget)


def shown(kind: type[T]) -> T:
    return next(w for w in QApplication.topLevelWidgets() if isinstance(w, kind) and w.isVisible())


def is_shown(kind: type[QWidget]) -> bool:
    return any(isinstance(w, kind) and w.isVisible() for w in QApplication.topLevelWidgets())


async def started(run: WindowRun) -> asyncio.Task[int]:
    life = asyncio.create_task(run.main())
    await until(lambda: run.window is not None and run.window.isVisible())
    return life


def click(parent: QWidget, text: str) -> None:
    button = next(b for b in parent.findChildren(QPushButton) if b.text().replace("&", "") == text)
    button.click()


async def add(run: WindowRun, *names: str) -> None:
    settings = MonitorSettings(basic_auth="me:secret")
    await run.session.commands.add([MonitorDraft(f"https://{name}.example/", name, settings) for name in names])


def names(run: WindowRun) -> list[str]:
    return sorted(monitor.name for monitor in run.session.board.monitors.values())


def test_backup_says_what_is_in_it_and_is_written(tmp_path: Path, theme: ThemeSwitch, run_async: RunAsync) -> None:
    with Ownership.take(tmp_path / "data", "window") as ownership:
        run = make_run(ownership, theme)

        async def use() -> None:
            life = await started(run)
            await add(run, "shop", "blog")
            assert run.window is not None
            run.window.actions_.backup.trigger()
            dialog = shown(BackupDialog)
            texts = " ".join(label.text() for label in dialog.findChildren(QWidget) if hasattr(label, "text"))
            assert "user names and passwords of 2 domains" in texts
            await until(lambda: "kB" in dialog.size_note.text())
            dialog.on_file_selected(str(tmp_path / "copy.db"))
            await until(lambda: not is_shown(BackupDialog))
            assert "Backed up 2 domains and 0 results" in run.window.messages.text
            assert len(rows_of(tmp_path / "copy.db")["monitor"]) == 2
            run.on_quit_asked()
            assert await life == 0

        run_async(use())


def test_backup_that_fails_says_so_in_its_dialog(tmp_path: Path, theme: ThemeSwitch, run_async: RunAsync) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with Ownership.take(tmp_path / "data", "window") as ownership:
        run = make_run(ownership, theme)

        async def use() -> None:
            life = await started(run)
            assert run.window is not None
            run.window.actions_.backup.trigger()
            dialog = shown(BackupDialog)
            dialog.on_file_selected(str(tmp_path / "thesis.txt"))
            await until(lambda: "no backup of Pingmon" in dialog.message.text())
            assert dialog.accept_button.isEnabled() and not dialog.bar.isVisible()
            dialog.reject()
            run.on_quit_asked()
            await life

        run_async(use())
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_restore_checks_shows_and_goes_on_in_the_same_window(
    tmp_path: Path, theme: ThemeSwitch, run_async: RunAsync
) -> None:
    with Ownership.take(tmp_path / "data", "window") as ownership:
        run = make_run(ownership, theme)

        async def use() -> None:
            life = await started(run)
            await add(run, "shop", "blog")
            await run.session.store.back_up(tmp_path / "copy.db", lambda _share: None)
            await add(run, "new")
            assert run.window is not None
            first = run.window
            run.window.actions_.restore.trigger()
            dialog = shown(RestoreDialog)
            assert not dialog.accept_button.isEnabled()
            dialog.check_file(tmp_path / "data" / "lock")
            await until(lambda: "Choose another backup" in dialog.message.text())
            assert not dialog.accept_button.isEnabled()
            dialog.check_file(tmp_path / "copy.db")
            await until(dialog.accept_button.isEnabled)
            assert dialog.facts is not None and dialog.facts.domains == 2
            dialog.accept_button.click()
            await until(lambda: run.window is not None and run.window is not first and run.window.isVisible())
            assert run.window is not None
            assert names(run) == ["blog", "shop"]
            assert run.window.model.rowCount() == 2
            assert "Restored 2 domains" in run.window.messages.text
            # The same socket answers.
            answer = await asyncio.to_thread(ask, tmp_path / "data", {"command": "domain.list"})
            assert len(answer["monitors"]) == 2
            run.on_quit_asked()
            assert await life == 0

        run_async(use())
    assert len(list((tmp_path / "data").glob("pingmon-replaced-*.db"))) == 1


def test_restore_that_is_called_off_leaves_nothing(tmp_path: Path, theme: ThemeSwitch, run_async: RunAsync) -> None:
    with Ownership.take(tmp_path / "data", "window") as ownership:
        run = make_run(ownership, theme)

        async def use() -> None:
            life = await started(run)
            await run.session.store.back_up(tmp_path / "copy.db", lambda _share: None)
            assert run.window is not None
            run.window.actions_.restore.trigger()
            dialog = shown(RestoreDialog)
            dialog.check_file(tmp_path / "copy.db")
            await until(dialog.accept_button.isEnabled)
            assert list((tmp_path / "data").glob("*.incoming"))
            dialog.reject()
            assert not list((tmp_path / "data").glob("*.incoming"))
            run.on_quit_asked()
            await life

        run_async(use())


def damaged_data(folder: Path, damage: Callable[[Path], None]) -> None:
    async def fill() -> None:
        store = open_store(folder)
        await store.add_monitors(drafts(3))
        await store.close()

    asyncio.run(fill())
    damage(database_path(folder))


def test_damaged_database_is_saved_at_the_start(
    tmp_path: Path, theme: ThemeSwitch, run_async: RunAsync, expect_log: ExpectLog
) -> None:
    expect_log("damaged")
    folder = tmp_path / "data"
    damaged_data(folder, lambda path: overwrite(path, root_page(path, "incident"), b"\xff" * PAGE_BYTES))
    with Ownership.take(folder, "window") as ownership:
        run = make_run(ownership, theme)

        async def use() -> None:
            life = asyncio.create_task(run.main())
            await until(lambda: is_shown(QMessageBox))
            click(shown(QMessageBox), "Save what can be read")
            await until(lambda: is_shown(RescueReport))
            report = shown(RescueReport)
            texts = [label.text() for label in report.findChildren(QWidget) if hasattr(label, "text")]
            (kept,) = folder.glob("pingmon-damaged-*.db")
            assert any(str(kept) in text for text in texts)
            assert "Domains" in texts and "3" in texts
            click(report, "Continue")
            await until(lambda: run.window is not None and run.window.isVisible())
            assert len(run.session.board.monitors) == 3
            run.on_quit_asked()
            assert await life == 0

        run_async(use())


def test_backup_can_be_restored_in_place_of_a_damaged_database(
    tmp_path: Path, theme: ThemeSwitch, run_async: RunAsync, expect_log: ExpectLog
) -> None:
    expect_log("damaged|not a database")
    folder = tmp_path / "data"

    def damage(path: Path) -> None:
        back_up(path, tmp_path / "copy.db", 1, lambda _share: None)
        path.write_bytes(b"no database any more " * 999)

    damaged_data(folder, damage)
    with Ownership.take(folder, "window") as ownership:
        run = make_run(ownership, theme)

        async def use() -> None:
            life = asyncio.create_task(run.main())
            await until(lambda: is_shown(QMessageBox))
            click(shown(QMessageBox), "Restore a backup…")
            await until(lambda: is_shown(RestoreDialog))
            shown(RestoreDialog).reject()
            await until(lambda: is_shown(QMessageBox))  # asked again
            click(shown(QMessageBox), "Restore a backup…")
            await until(lambda: is_shown(RestoreDialog))
            dialog = shown(RestoreDialog)
            dialog.check_file(tmp_path / "copy.db")
            await until(dialog.accept_button.isEnabled)
            dialog.accept_button.click()
            await until(lambda: run.window is not None and run.window.isVisible())
            assert len(run.session.board.monitors) == 3
            run.on_quit_asked()
            assert await life == 0

        run_async(use())


def test_damage_found_while_running_is_repaired_by_a_button(
    tmp_path: Path, theme: ThemeSwitch, run_async: RunAsync
) -> None:
    with Ownership.take(tmp_path, "window") as ownership:
        run = make_run(ownership, theme)

        async def use() -> None:
            life = await started(run)
            await add(run, "shop")
            assert run.window is not None
            first = run.window
            run.window.show_error(StorageCorrupt("A part of the history cannot be read."))
            assert run.window.messages.button.text() == "Save what can be read"
            run.window.messages.button.click()
            await until(lambda: is_shown(RescueReport))
            assert run.window is not None and run.window is not first
            assert names(run) == ["shop"]
            click(shown(RescueReport), "Continue")
            run.on_quit_asked()
            assert await life == 0

        run_async(use())


def test_window_that_quits_while_a_renewal_waits_ends(tmp_path: Path, theme: ThemeSwitch, run_async: RunAsync) -> None:
    with Ownership.take(tmp_path, "window") as ownership:
        run = make_run(ownership, theme)

        async def use() -> None:
            life = await started(run)
            run.on_repair_asked()
            run.on_quit_asked()
            assert await life == 0

        run_async(use())
    assert not list(tmp_path.glob("pingmon-damaged-*"))
