"""What tests of the window share: a Qt loop for coroutines, and a language that does not exist."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import qasync
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication, QWidget

from tests.ui.made_up import MadeUpLanguage

RunAsync = Callable[[Coroutine[Any, Any, Any]], None]


@pytest.fixture
def made_up_language(qapp: QApplication) -> Iterator[None]:
    translator = MadeUpLanguage()
    QCoreApplication.installTranslator(translator)
    yield
    QCoreApplication.removeTranslator(translator)
    QCoreApplication.sendPostedEvents(None, QEvent.Type.LanguageChange)


#: Windows that were left open by what `run_async` ran; they go with the next test that uses it.
_LEFT: list[QWidget] = []


@pytest.fixture
def run_async(qapp: QApplication) -> RunAsync:
    """Return a function that runs a coroutine to its end on a Qt loop of its own."""

    # As the app has it: a window that closes does not end the loop.
    qapp.setQuitOnLastWindowClosed(False)
    # What an earlier test left is closed by now, and Qt takes it apart in its own order.
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    _LEFT.clear()

    def run(work: Coroutine[Any, Any, Any]) -> None:
        async def limited() -> None:
            await asyncio.wait_for(work, 20)

        # Widgets left in cycles have to go here: another thread of the work must not collect them.
        gc.collect()
        qasync.run(limited())
        # Nor may the collector take a window apart in an order of its own: a chart does not survive that.
        _LEFT.extend(qapp.topLevelWidgets())
        gc.collect()

    return run
