"""What tests of the window share: a Qt loop for coroutines, and a language that does not exist."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import qasync
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox

from tests.ui.made_up import MadeUpLanguage

RunAsync = Callable[[Coroutine[Any, Any, Any]], None]


@pytest.fixture
def made_up_language(qapp: QApplication) -> Iterator[None]:
    translator = MadeUpLanguage()
    QCoreApplication.installTranslator(translator)
    yield
    QCoreApplication.removeTranslator(translator)
    QCoreApplication.sendPostedEvents(None, QEvent.Type.LanguageChange)


@pytest.fixture
def run_async(qapp: QApplication) -> RunAsync:
    """Return a function that runs a coroutine to its end on a Qt loop of its own."""

    # As the app has it: a window that closes does not end the loop.
    qapp.setQuitOnLastWindowClosed(False)

    def run(work: Coroutine[Any, Any, Any]) -> None:
        async def limited() -> None:
            await asyncio.wait_for(work, 20)

        # Widgets left in cycles have to go here: another thread of the work must not collect them.
        gc.collect()
        qasync.run(limited())
        gc.collect()

    return run


def _can_be_markup(label: QLabel) -> bool:
    """Tell whether a label of ours would take its text for markup where it looks like it."""
    is_foreign = label.objectName().startswith("qt_") or label.inherits("QTipLabel") or _is_of_a_plot(label)
    return not is_foreign and bool(label.text()) and label.textFormat() is not Qt.TextFormat.PlainText


def _is_of_a_plot(label: QLabel) -> bool:
    """Tell whether a label is one of the menu that pyqtgraph makes for every plot, and we show nowhere."""
    parent = label.parentWidget()
    return parent is not None and parent.objectName() == "gridGroup"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail where a label or a message box would take what a site or a person wrote for markup."""
    yield
    widgets = QApplication.allWidgets() if QApplication.instance() else []
    boxes = [one for one in widgets if isinstance(one, QMessageBox)]
    rich = [one.text() for one in widgets if isinstance(one, QLabel) and _can_be_markup(one)]
    rich += [box.text() for box in boxes if box.textFormat() is not Qt.TextFormat.PlainText]
    if rich:
        pytest.fail(f"not plain text: {rich}", pytrace=False)
