"""Making a report in the window: what is asked for, what is seen of it, and what is saved."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from PySide6.QtCore import QDateTime, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.availability import Availability
from pingmon_gui.domain.error import StorageCorrupt
from pingmon_gui.domain.history import HISTOGRAM_BUCKETS
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.verdict_time import VerdictTime
from pingmon_gui.report.gather import MonitorReport, Progress, RegionReport, Report
from pingmon_gui.report.outlet import Format
from pingmon_gui.report.span import DAY_MS, bars_of
from pingmon_gui.ui.report_dialog import ReportDialog
from tests.engine.fakes import monitor, until
from tests.ui.conftest import RunAsync
from tests.ui.made_up import visible_texts

ZONE = ZoneInfo("Europe/Berlin")
MONITORS = [monitor(n, name=f"site {n}", tags=("even",) if n % 2 == 0 else ("odd",)) for n in range(10, 15)]


def made(monitors: Sequence[Monitor], from_ms: int, to_ms: int, now_ms: int, zone: tzinfo) -> Report:
    bars = bars_of(from_ms, to_ms, zone)
    counts = np.zeros(HISTOGRAM_BUCKETS, dtype=np.int64)
    counts[60] = 100
    time = VerdictTime(Availability(900, 1_000, 1_000), 50, 0)
    region = RegionReport(Region.EU, Availability(900, 1_000, 1_000), 100, (50.0, 60.0, 70.0))
    each = [
        MonitorReport(
            one, time, (region,), (time,) * len(bars), ((50.0, 60.0, 70.0),) * len(bars), (), 100, from_ms, (), counts
        )
        for one in monitors
    ]
    return Report(from_ms, to_ms, to_ms, now_ms, zone, bars, tuple(each))


class Source:
    """Gathers made-up figures on the loop that it is awaited on, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[MonitorId], int, int]] = []
        self.error: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.ended: list[str] = []

    async def __call__(
        self, monitors: Sequence[Monitor], from_ms: int, to_ms: int, now_ms: int, zone: tzinfo, progress: Progress
    ) -> Report:
        self.asked.append(([one.id for one in monitors], from_ms, to_ms))
        assert threading.current_thread() is not threading.main_thread()
        if self.error is not None:
            raise self.error
        try:
            progress(0, len(monitors))
            await asyncio.to_thread(self.gate.wait, 5)  # a test that fails does not hang
            progress(len(monitors), len(monitors))
        except BaseException as exc:
            self.ended.append(type(exc).__name__)
            raise
        self.ended.append("done")
        return made(monitors, from_ms, to_ms, now_ms, zone)


class Hands:
    """A dialog whose tasks are awaited by the test."""

    def __init__(self, qtbot: QtBot, selected: Sequence[MonitorId] = ()) -> None:
        self.tasks: list[asyncio.Task[Any]] = []
        self.source = Source()
        self.now_ms = QDateTime.currentMSecsSinceEpoch()
        self.dialog = ReportDialog(self.source, MONITORS, selected, ZONE, lambda: self.now_ms, self._spawn)
        self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        qtbot.addWidget(self.dialog)
        self.dialog.show()

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        self.tasks.append(asyncio.get_running_loop().create_task(work))
        return self.tasks[-1]

    async def make(self) -> None:
        self.dialog.make()
        await self.done()

    async def done(self) -> None:
        await asyncio.gather(*self.tasks)


MakeHands = Callable[..., Hands]


@pytest.fixture
def hands(qtbot: QtBot) -> Iterator[MakeHands]:
    opened: list[Hands] = []

    def make(selected: Sequence[MonitorId] = ()) -> Hands:
        opened.append(Hands(qtbot, selected))
        return opened[-1]

    yield make
    for one in opened:
        one.source.gate.set()
        one.dialog.reject()


def test_report_dialog_shows_the_sheets_and_turns_them(hands: MakeHands, run_async: RunAsync) -> None:
    async def check() -> None:
        one = hands()
        dialog = one.dialog
        assert not dialog.accept_button.isEnabled()
        await one.make()
        [(ids, from_ms, to_ms)] = one.source.asked
        assert ids == [10, 11, 12, 13, 14]
        assert to_ms - from_ms == 30 * DAY_MS
        assert dialog.accept_button.isEnabled()
        assert dialog.preview.number.text() == "Page 1 of 4"
        QTest.keyClick(dialog.preview, Qt.Key.Key_PageDown)
        dialog.preview.after.click()
        assert dialog.preview.number.text() == "Page 3 of 4"
        QTest.keyClick(dialog.preview, Qt.Key.Key_End)
        assert not dialog.preview.after.isEnabled()
        assert "Page 4 of 4" in dialog.preview.accessibleName()
        assert not dialog.preview.sheet.grab().isNull()

    run_async(check())


def test_report_dialog_asks_for_what_is_chosen(hands: MakeHands, run_async: RunAsync) -> None:
    async def check() -> None:
        one = hands([MonitorId(11), MonitorId(12)])
        form, asked = one.dialog.form, one.source.asked
        await one.make()
        assert asked[-1][0] == [11, 12]  # several are selected in the window
        form.domains.setCurrentIndex(form.domains.findText("With the tag “even”"))
        form.period.setCurrentIndex(form.period.findText("Last 7 days"))
        await one.make()
        assert asked[-1][0] == [10, 12, 14]
        assert asked[-1][2] - asked[-1][1] == 7 * DAY_MS
        form.domains.setCurrentIndex(form.domains.findText("Chosen ones"))
        form.list.item(0).setCheckState(Qt.CheckState.Checked)
        await one.make()
        assert asked[-1][0] == [10, 11, 12]

    run_async(check())


def test_report_dialog_is_made_anew_after_a_change(hands: MakeHands, run_async: RunAsync) -> None:
    async def check() -> None:
        one = hands()
        one.dialog.form.period.setCurrentIndex(0)
        await until(lambda: len(one.source.asked) == 1)
        await until(one.dialog.accept_button.isEnabled)

    run_async(check())


def test_report_dialog_gathers_once_for_another_form(hands: MakeHands, run_async: RunAsync) -> None:
    async def check() -> None:
        one = hands()
        await one.make()
        one.dialog.form.title.setText("For a customer")
        one.now_ms += 5 * 60_000
        one.dialog.form.choices[Format.CSV].click()
        await one.make()
        assert len(one.source.asked) == 1
        assert one.dialog.preview.pages.currentWidget() is one.dialog.preview.text
        assert one.dialog.preview.text.toPlainText().startswith("domain,url,region")
        assert not one.dialog.form.with_domains.isEnabled()
        one.now_ms += 20 * 60_000
        one.dialog.form.choices[Format.PDF].click()
        await one.make()
        (_, first_ms, _), (_, second_ms, _) = one.source.asked
        assert second_ms - first_ms == 25 * 60_000

    run_async(check())


@pytest.mark.parametrize(
    ("from_", "to", "says"),
    [("2026-01-02T00:00", "2026-01-01T00:00", "must come after"), ("2999-01-01T00:00", "2999-01-02T00:00", "future")],
)
def test_report_dialog_says_what_is_wrong_with_a_span(
    hands: MakeHands, run_async: RunAsync, from_: str, to: str, says: str
) -> None:
    async def check() -> None:
        one = hands()
        form = one.dialog.form
        form.period.setCurrentIndex(form.period.count() - 1)
        form.begin.setDateTime(QDateTime.fromString(from_, Qt.DateFormat.ISODate))
        form.end.setDateTime(QDateTime.fromString(to, Qt.DateFormat.ISODate))
        await one.make()
        assert says in form.own_field.note.sentence
        assert one.source.asked == []
        assert not one.dialog.accept_button.isEnabled()

    run_async(check())


def test_report_dialog_wants_at_least_one_domain(hands: MakeHands, run_async: RunAsync) -> None:
    async def check() -> None:
        one = hands()
        form = one.dialog.form
        form.domains.setCurrentIndex(form.domains.findText("Chosen ones"))
        await one.make()
        assert form.list_field.note.sentence == "Choose at least one domain."
        form.list.item(2).setCheckState(Qt.CheckState.Checked)
        await one.make()
        assert form.list_field.note.sentence == ""
        assert one.dialog.accept_button.isEnabled()

    run_async(check())


def test_report_dialog_tells_how_far_it_is_and_can_be_stopped(hands: MakeHands, run_async: RunAsync) -> None:
    async def check() -> None:
        one = hands()
        one.source.gate.clear()
        one.dialog.make()
        await until(one.dialog.preview.progress.isVisible)
        assert one.dialog.preview.number.text() == "0 of 5 domains"
        one.dialog.preview.stop_button.click()
        assert not one.dialog.preview.progress.isVisible()
        assert one.dialog.message.sentence.startswith("Stopped.")
        one.source.gate.set()
        await one.done()
        assert one.source.ended == ["UserCancelled"]
        assert not one.dialog.accept_button.isEnabled()

    run_async(check())


def test_report_dialog_gives_up_what_is_not_wanted_any_more(hands: MakeHands, run_async: RunAsync) -> None:
    async def check() -> None:
        one = hands()
        one.source.gate.clear()
        one.dialog.make()
        await until(one.dialog.preview.progress.isVisible)
        one.dialog.form.period.setCurrentIndex(0)
        one.dialog.make()
        await until(lambda: len(one.source.asked) == 2)
        one.source.gate.set()
        await one.done()
        assert sorted(one.source.ended) == ["UserCancelled", "done"]
        assert one.dialog.accept_button.isEnabled()

    run_async(check())


def test_report_dialog_closed_while_it_works_is_quiet(hands: MakeHands, run_async: RunAsync) -> None:
    async def check() -> None:
        one = hands()
        one.source.gate.clear()
        one.dialog.make()
        await until(one.dialog.preview.progress.isVisible)
        one.dialog.reject()
        one.source.gate.set()
        await one.done()
        assert one.source.ended == ["UserCancelled"]

    run_async(check())


def test_report_dialog_says_that_the_database_cannot_be_read(hands: MakeHands, run_async: RunAsync) -> None:
    async def check() -> None:
        one = hands()
        one.source.error = StorageCorrupt("The database is damaged.")
        await one.make()
        assert one.dialog.message.sentence == "The database is damaged."
        assert not one.dialog.accept_button.isEnabled()

    run_async(check())


STARTS = {Format.PDF: b"%PDF-", Format.HTML: b"<!DOCTYPE", Format.CSV: b"domain,"}


@pytest.mark.parametrize("format_", Format)
def test_report_dialog_saves_what_it_shows(
    hands: MakeHands, run_async: RunAsync, tmp_path: Path, format_: Format
) -> None:
    file = tmp_path / f"r.{format_}"

    async def check() -> None:
        one = hands()
        dialog = one.dialog
        dialog.form.choices[format_].click()
        dialog.form.title.setText("For Northwind")
        await one.make()
        assert not dialog.open_button.isVisible()
        dialog.accept_button.click()
        chooser = dialog.findChild(QFileDialog)
        assert chooser is not None
        assert Path(chooser.selectedFiles()[0]).name == f"report.{format_}"
        chooser.fileSelected.emit(str(file))
        chooser.close()
        await one.done()
        assert dialog.message.sentence.startswith("Saved as ")
        assert dialog.open_button.isVisible()

    run_async(check())
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    data = file.read_bytes()
    assert data.startswith(STARTS[format_])
    assert len(re.findall(rb"/Type /Page\b", data)) == (4 if format_ is Format.PDF else 0)


def test_report_that_cannot_be_saved_says_so(hands: MakeHands, run_async: RunAsync, tmp_path: Path) -> None:
    async def check() -> None:
        one = hands()
        for format_ in Format:
            one.dialog.form.choices[format_].click()
            await one.make()
            one.dialog.on_file_selected(str(tmp_path / "nowhere" / "r"))
            await one.done()
            assert "nowhere/r cannot be written" in one.dialog.message.sentence
            assert one.dialog.accept_button.isEnabled()
            assert not one.dialog.open_button.isVisible()

    run_async(check())


def test_report_dialog_is_translated(made_up_language: None, hands: MakeHands, run_async: RunAsync) -> None:
    async def check() -> None:
        one = hands([MonitorId(11)])
        one.dialog.form.period.setCurrentIndex(5)
        one.dialog.form.domains.setCurrentIndex(1)
        one.source.gate.clear()
        one.dialog.make()
        await until(one.dialog.preview.progress.isVisible)
        assert [text for text in visible_texts(one.dialog) if "⟦" not in text] == []
        one.source.gate.set()
        await one.done()
        assert [text for text in visible_texts(one.dialog) if "⟦" not in text] == []

    run_async(check())
