from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.alert_rule import first_book
from pingmon_gui.domain.change import ConfigurationChange
from pingmon_gui.domain.error import StorageFull
from pingmon_gui.domain.monitor import Monitor, MonitorId, MonitorSettings
from pingmon_gui.exchange.configuration import Configuration
from pingmon_gui.ui.import_dialog import ImportDialog
from pingmon_gui.ui.import_model import Column
from tests.exchange.helper import FILES
from tests.ui.conftest import RunAsync
from tests.ui.made_up import visible_texts

LIST = "there.example\nnew.example  <b>New</b>\nhttps://u:geheim@no..host\nnew.example\n"
EXPORT = """{"format": "pingmon", "version": 1, "preferences": {"theme": "dark"}, "domains": [{"url": "a.example"}],
"probes": [{"name": "Frankfurt", "region": "eu", "host": "vps"}]}"""


class Hands:
    """Opens a dialog, feeds it, and hears what it submits; its tasks are awaited by the test."""

    def __init__(self, qtbot: QtBot) -> None:
        self.tasks: list[asyncio.Task[Any]] = []
        there = Monitor(MonitorId(5), 1, "https://there.example/", "", MonitorSettings(), 0)
        self.dialog = ImportDialog(Configuration([there], book=first_book()), self._spawn)
        self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        qtbot.addWidget(self.dialog)
        self.dialog.show()
        self.heard: list[ConfigurationChange] = []
        self.dialog.submitted.connect(self.heard.append)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        self.tasks.append(asyncio.get_running_loop().create_task(work))
        return self.tasks[-1]

    async def read(self, path: Path) -> None:
        self.dialog.read_file(path)
        await self.done()

    async def done(self) -> None:
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def column(self, column: Column) -> list[str]:
        model = self.dialog.model
        return [model.data(model.index(row, column)) for row in range(model.rowCount())]  # type: ignore[misc]


@pytest.fixture
def hands(qtbot: QtBot) -> Hands:
    return Hands(qtbot)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "file.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_import_dialog_without_a_file_has_nothing_to_do(hands: Hands) -> None:
    assert not hands.dialog.accept_button.isEnabled()
    assert not hands.dialog.table.isVisible()
    hands.dialog.submit()
    assert hands.heard == []


def test_import_dialog_shows_what_would_come_of_a_file(hands: Hands, tmp_path: Path, run_async: RunAsync) -> None:
    async def check() -> None:
        await hands.read(written(tmp_path, LIST))
        dialog = hands.dialog
        assert hands.column(Column.FATE) == [
            "= watched already", "✓ will be added", "⚠ cannot be read", "= stands further up",
        ]  # fmt: skip
        assert hands.column(Column.LINE) == ["1", "2", "3", "4"]
        assert hands.column(Column.NAME)[1] == "<b>New</b>"
        assert "geheim" not in str([hands.column(column) for column in Column])
        assert dialog.accept_button.text() == "&Import 1 domain (1 entry has an error)"
        assert "1 domain will be added" in dialog.summary.text()
        dialog.table.selectRow(2)
        assert dialog.row_note.text() == hands.column(Column.NOTE)[2] != ""
        dialog.only_notable.setChecked(True)
        assert dialog.row_note.text() == ""
        assert hands.column(Column.LINE) == ["1", "3", "4"]
        dialog.submit()
        [change] = hands.heard
        assert [draft.url for draft in change.added] == ["https://new.example/"]

    run_async(check())


def test_import_dialog_names_what_is_wrong_with_a_file(hands: Hands, tmp_path: Path, run_async: RunAsync) -> None:
    async def check() -> None:
        await hands.read(written(tmp_path, '{"monitorList": ['))
        assert "ends in the middle" in hands.dialog.message.sentence
        assert not hands.dialog.accept_button.isEnabled()
        await hands.read(written(tmp_path, "a.example\n"))
        assert hands.dialog.message.sentence == ""
        assert hands.dialog.accept_button.isEnabled()

    run_async(check())


def test_import_dialog_takes_settings_only_if_wanted(hands: Hands, tmp_path: Path, run_async: RunAsync) -> None:
    async def check() -> None:
        dialog = hands.dialog
        await hands.read(written(tmp_path, EXPORT))
        assert dialog.settings.isVisible()
        assert "pingmon probe bootstrap vps" in dialog.notes.text()
        dialog.submit()
        dialog.settings.setChecked(False)
        dialog.submit()
        assert [dict(change.preferences) for change in hands.heard] == [{"theme": "dark"}, {}]

    run_async(check())


def test_import_dialog_reads_again_as_what_it_is_told(hands: Hands, tmp_path: Path, run_async: RunAsync) -> None:
    async def check() -> None:
        await hands.read(written(tmp_path, "hello: world\n"))
        assert "of no product" in hands.dialog.message.sentence
        hands.dialog.kind.setCurrentIndex(hands.dialog.kind.findText("List of addresses"))
        await hands.done()
        assert hands.dialog.message.sentence == ""
        assert hands.dialog.model.rowCount() == 1

    run_async(check())


@pytest.mark.parametrize("as_file", [True, False])
def test_import_dialog_takes_what_is_dropped(hands: Hands, tmp_path: Path, run_async: RunAsync, as_file: bool) -> None:
    async def check() -> None:
        data = QMimeData()
        if as_file:
            data.setUrls([QUrl.fromLocalFile(str(written(tmp_path, "a.example\n")))])
        else:
            data.setText("a.example")
        left = Qt.MouseButton.LeftButton
        event = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, left, Qt.KeyboardModifier.NoModifier)
        hands.dialog.dropEvent(event)
        await hands.done()
        assert hands.column(Column.ADDRESS) == ["a.example"]

    run_async(check())


def test_import_dialog_shows_the_newer_of_two_files(hands: Hands, tmp_path: Path, run_async: RunAsync) -> None:
    async def check() -> None:
        first, second = tmp_path / "a", tmp_path / "b"
        first.write_text("a.example\n" * 3_000, encoding="utf-8")
        second.write_text("b.example\n", encoding="utf-8")
        hands.dialog.read_file(first)
        await hands.read(second)
        assert hands.column(Column.ADDRESS) == ["b.example"]

    run_async(check())


def test_import_dialog_takes_modules_for_prometheus(hands: Hands, run_async: RunAsync) -> None:
    async def check() -> None:
        dialog = hands.dialog
        await hands.read(FILES / "uptimerobot.csv")
        assert not dialog.modules_button.isVisible()
        await hands.read(FILES / "prometheus.yml")
        assert dialog.modules_button.isVisible()
        assert "in another file" in hands.column(Column.NOTE)[6]
        dialog.on_modules_selected(str(FILES / "gatus.yaml"))
        await hands.done()
        assert "no configuration of blackbox_exporter" in dialog.message.sentence
        dialog.on_modules_selected(str(FILES / "blackbox.yml"))
        await hands.done()
        assert "in another file" not in hands.column(Column.NOTE)[6]
        # They belong to the file they were chosen for.
        await hands.read(FILES / "uptimerobot.csv")
        assert dialog.message.sentence == ""

    run_async(check())


def test_import_dialog_closed_while_it_reads_is_quiet(hands: Hands, tmp_path: Path, run_async: RunAsync) -> None:
    async def check() -> None:
        hands.dialog.read_file(written(tmp_path, "a.example\n"))
        hands.dialog.reject()
        await hands.done()
        assert hands.dialog.seen is None

    run_async(check())


def test_import_dialog_stays_open_when_it_cannot_be_done(hands: Hands, tmp_path: Path, run_async: RunAsync) -> None:
    async def fail() -> None:
        raise StorageFull("The disk is full.")

    async def check() -> None:
        await hands.read(written(tmp_path, "a.example\n"))
        assert not await hands.dialog.carry_out(fail())
        assert hands.dialog.message.sentence == "The disk is full."
        assert hands.dialog.isVisible()
        assert hands.dialog.accept_button.isEnabled()

    run_async(check())


def test_import_model_keeps_the_contract(hands: Hands, tmp_path: Path, run_async: RunAsync) -> None:
    async def check() -> None:
        tester = QAbstractItemModelTester(
            hands.dialog.model, QAbstractItemModelTester.FailureReportingMode.Fatal, hands.dialog
        )
        await hands.read(written(tmp_path, LIST))
        hands.dialog.only_notable.setChecked(True)
        assert tester.model() is hands.dialog.model

    run_async(check())


def test_import_dialog_is_translated(made_up_language: None, hands: Hands, tmp_path: Path, run_async: RunAsync) -> None:
    async def check() -> None:
        await hands.read(written(tmp_path, EXPORT))
        assert [text for text in visible_texts(hands.dialog) if "⟦" not in text] == []

    run_async(check())
