"""Tasks that slots start: how each kind of end is reported."""

from __future__ import annotations

import asyncio
import gc

from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.error import PingmonError, UserCancelled
from pingmon_gui.ui.async_slot import Spawner
from pingmon_gui.ui.crash_dialog import CrashReporter
from tests.conftest import ExpectLog


async def raising(error: Exception) -> None:
    raise error


def spawn_all(*errors: Exception) -> tuple[list[PingmonError], list[BaseException], int]:
    known: list[PingmonError] = []
    bugs: list[BaseException] = []
    ends: list[int] = []

    async def main() -> None:
        spawner = Spawner(known.append, bugs.append)
        tasks = [spawner.spawn(raising(error), then=lambda: ends.append(1)) for error in errors]
        gc.collect()
        await asyncio.wait(tasks)
        await asyncio.sleep(0)

    asyncio.run(main())
    return known, bugs, len(ends)


def test_known_error_goes_to_the_bar_and_a_bug_to_the_reporter() -> None:
    error, bug = PingmonError("no room", "make some"), ZeroDivisionError("oops")
    assert spawn_all(error, bug) == ([error], [bug], 2)


def test_a_change_of_mind_is_silent() -> None:
    assert spawn_all(UserCancelled()) == ([], [], 1)


def test_close_cancels_silently() -> None:
    bugs: list[BaseException] = []

    async def main() -> None:
        spawner = Spawner(bugs.append, bugs.append)
        task = spawner.spawn(asyncio.sleep(3600))
        await spawner.close()
        assert task.cancelled()

    asyncio.run(main())
    assert bugs == []


def test_a_bug_is_shown_once_per_type_without_secrets(qtbot: QtBot, expect_log: ExpectLog) -> None:
    expect_log("a bug reached the edge")
    reporter = CrashReporter()
    for error in (ValueError("token=abcdef123456"), ValueError("again"), KeyError("other")):
        reporter.report(error)
    assert len(reporter.dialogs) == 2
    for dialog in reporter.dialogs:
        qtbot.addWidget(dialog)
    text = reporter.dialogs[0].details.toPlainText()
    assert "ValueError" in text
    assert "abcdef123456" not in text


def test_crash_dialog_copies_its_details(qtbot: QtBot, expect_log: ExpectLog) -> None:
    expect_log("a bug reached the edge")
    reporter = CrashReporter()
    reporter.report(ValueError("copy me"))
    qtbot.addWidget(reporter.dialogs[0])
    reporter.dialogs[0].on_copy_clicked()
    assert "copy me" in QGuiApplication.clipboard().text()
