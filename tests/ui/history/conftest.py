"""The history window on the story of `tests.report.story`, read from a real file, on qasync's loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from pingmon_gui.report.history_view import HistoryView, read_history
from pingmon_gui.store.store import Store
from pingmon_gui.ui.history_window import Domain, HistoryWindow
from tests.engine.fakes import until
from tests.report.conftest import Told, told
from tests.report.story import NOW_MS
from tests.ui.conftest import RunAsync

__all__ = ["told"]


@dataclass
class Shown:
    """A window, what it reads from, and the tasks that it started."""

    window: HistoryWindow
    store: Store
    domain: Domain
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    async def settle(self) -> None:
        """Wait until nothing is due and nothing is read any more."""
        await until(lambda: not self.window._settle.isActive() and all(task.done() for task in self.tasks))
        for task in self.tasks:
            if not task.cancelled():
                task.result()
        QApplication.processEvents()


Show = Callable[[Callable[[Shown], Awaitable[None]]], None]


@pytest.fixture
def show(qtbot: QtBot, run_async: RunAsync, told: Told) -> Show:
    def run(check: Callable[[Shown], Awaitable[None]]) -> None:
        async def main() -> None:
            store = told.open()
            tasks: list[asyncio.Task[Any]] = []

            def spawn(work: Coroutine[Any, Any, Any], **_: Any) -> asyncio.Task[Any]:
                tasks.append(asyncio.get_running_loop().create_task(work))
                return tasks[-1]

            window = HistoryWindow(store, spawn, lambda: NOW_MS)
            qtbot.addWidget(window)
            window.resize(1100, 720)
            window.show()
            shown = Shown(window, store, Domain(told.monitor.id, "Shop"), tasks)
            window.show_domain(shown.domain)
            await shown.settle()
            await check(shown)
            window.hide()
            await shown.settle()
            await store.close()

        run_async(main())

    return run


@pytest.fixture
def view_of(told: Told) -> Callable[[int, int], HistoryView]:
    """Return a reader of views outside of any window."""

    def read(from_ms: int, to_ms: int) -> HistoryView:
        async def main() -> HistoryView:
            store = told.open()
            view = await read_history(store, told.monitor.id, from_ms, to_ms, to_ms - from_ms, NOW_MS)
            await store.close()
            return view

        return asyncio.run(main())

    return read
