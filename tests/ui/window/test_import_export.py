"""Import and export from a whole window: what is imported shows, and can be taken back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent

from pingmon_gui.domain.region import Region
from pingmon_gui.exchange.kind import Format
from pingmon_gui.ui.add_dialog import AddDialog
from pingmon_gui.ui.export_dialog import ExportDialog, ExportOrder
from pingmon_gui.ui.import_dialog import ImportDialog
from pingmon_gui.ui.main_window import MainWindow
from tests.engine.fakes import until
from tests.ui.conftest import RunAsync
from tests.ui.window.conftest import Bench, MakeBench, numbered

ShowWindow = Callable[[Bench], MainWindow]


def test_import_shows_and_can_be_undone(
    make_bench: MakeBench, show_window: ShowWindow, run_async: RunAsync, tmp_path: Path
) -> None:
    bench = make_bench(numbered(2))
    window = show_window(bench)
    file = tmp_path / "all.json"
    known = next(iter(bench.board.monitors.values())).url
    document = {"format": "pingmon", "version": 1, "preferences": {"theme": "dark", "keep_raw_days": 14},
                "domains": [{"url": "a.example", "is_paused": True}, {"url": known}, {"url": "b.example"}],
                "alerts": {"rules": [
                    {"id": 7, "name": "A", "kinds": ["offline"], "scope": {"domains": ["a.example"]}, "channels": [8]}],
                    "channels": [{"id": 8, "kind": "webhook", "name": "Chat"}]}}  # fmt: skip
    file.write_text(json.dumps(document), encoding="utf-8")

    async def use() -> None:
        await bench.alerts.start()
        window.commands.ask_import(file)
        dialog = window.findChild(ImportDialog)
        assert dialog is not None
        await until(dialog.accept_button.isEnabled)
        assert dialog.accept_button.text() == "&Import 2 domains"
        assert dialog.settings.text() == "Take over what differs, too: 2 settings of the app, 5 changes of alerts"
        before = bench.alerts.book
        dialog.accept_button.click()
        await until(lambda: window.model.rowCount() == 4)
        await until(lambda: window.messages.text == "Imported 2 domains.")
        assert [monitor.is_paused for monitor in list(bench.board.monitors.values())[2:]] == [True, False]
        assert bench.preferences["keep_raw_days"] == 14
        [rule] = bench.alerts.book.rules
        added = list(bench.board.monitors)[2]
        assert (rule.name, rule.scope.monitors) == ("A", {added})
        assert [bench.alerts.book.channels[id_].name for id_ in rule.channels] == ["Chat"]
        window.messages.button.click()
        await until(lambda: window.model.rowCount() == 2)
        await until(lambda: window.commands.undo_text == "")
        assert (bench.preferences["keep_raw_days"], bench.preferences["theme"]) == (7, "system")
        assert bench.alerts.book == before
        await bench.alerts.stop()

    run_async(use())


def test_export_writes_what_the_window_has(
    make_bench: MakeBench, show_window: ShowWindow, run_async: RunAsync, tmp_path: Path
) -> None:
    window = show_window(make_bench(numbered(2), (Region.LOCAL, Region.EU)))
    file = tmp_path / "all.json"

    async def use() -> None:
        window.commands.ask_export()
        dialog = window.findChild(ExportDialog)
        assert dialog is not None
        dialog.submitted.emit(ExportOrder(file, Format.JSON, False))
        await until(lambda: window.messages.text.startswith("Exported to"))
        document = json.loads(file.read_text(encoding="utf-8"))
        assert [domain["name"] for domain in document["domains"]] == ["site 10", "site 11"]

    run_async(use())


@pytest.mark.parametrize("name", ["folder/that/is/not/there.csv", ""])
def test_export_that_cannot_be_written_says_so_in_its_dialog(
    make_bench: MakeBench, show_window: ShowWindow, run_async: RunAsync, tmp_path: Path, name: str
) -> None:
    window = show_window(make_bench(numbered(1)))

    async def use() -> None:
        window.commands.ask_export()
        dialog = window.findChild(ExportDialog)
        assert dialog is not None
        dialog.submitted.emit(ExportOrder(tmp_path / name, Format.CSV, True))
        await until(lambda: "cannot be written" in dialog.message.sentence)
        assert dialog.isVisible()
        dialog.reject()

    run_async(use())


def dropped(data: QMimeData) -> QDropEvent:
    left, plain = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    return QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, left, plain)


def test_file_dropped_on_the_window_opens_the_import_and_text_the_add_dialog(
    make_bench: MakeBench, show_window: ShowWindow, run_async: RunAsync, tmp_path: Path
) -> None:
    window = show_window(make_bench(numbered(1)))
    file = tmp_path / "list.txt"
    file.write_text("a.example\n", encoding="utf-8")

    async def use() -> None:
        files, text, link = QMimeData(), QMimeData(), QMimeData()
        files.setUrls([QUrl.fromLocalFile(str(file))])
        text.setText("b.example")
        link.setUrls([QUrl("https://c.example/")])
        window.dropEvent(dropped(files))
        imported = window.findChild(ImportDialog)
        assert imported is not None
        await until(imported.accept_button.isEnabled)
        imported.reject()
        for data, said in ((text, "b.example"), (link, "https://c.example/")):
            window.dropEvent(dropped(data))
            [added] = [dialog for dialog in window.findChildren(AddDialog) if dialog.isVisible()]
            assert said in added.address.toPlainText()
            added.reject()

    run_async(use())


def test_fresh_start_offers_the_import(make_bench: MakeBench, show_window: ShowWindow, run_async: RunAsync) -> None:
    window = show_window(make_bench())

    async def use() -> None:
        window.first.import_button.click()
        dialog = window.findChild(ImportDialog)
        assert dialog is not None
        assert dialog.isVisible()
        dialog.reject()
        window.actions_.export.trigger()
        export = window.findChild(ExportDialog)
        assert export is not None
        export.reject()

    run_async(use())
