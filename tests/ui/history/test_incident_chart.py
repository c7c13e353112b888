"""The chart inside an incident's details, on the story's incident: what it shows, says, and does not mix up."""

from __future__ import annotations

import asyncio
import fnmatch
import functools
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.error import StorageError
from pingmon_gui.domain.history import DAY_MS, HOUR_MS
from pingmon_gui.domain.incident import IncidentId
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.report.history_view import HistoryView
from pingmon_gui.store.store import Store
from pingmon_gui.ui.history_frame import around, read_frame
from pingmon_gui.ui.incident_chart import IncidentChart
from tests.report.conftest import Told
from tests.report.story import MINUTE_MS, NOW_MS, day, incident
from tests.ui.conftest import RunAsync
from tests.ui.made_up import visible_texts


@dataclass
class Drawn:
    """A chart, what it reads from, and the tasks that it started."""

    store: Store
    told: Told
    tasks: list[asyncio.Task[Any]]
    #: How often it read; `gate` holds reads up; `error` is raised in place of one.
    reads: list[MonitorId] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    error: StorageError | None = None
    now_ms: int = NOW_MS
    chart: IncidentChart = field(init=False)

    async def read(self, monitor: MonitorId, from_ms: int, to_ms: int, now_ms: int) -> HistoryView:
        self.reads.append(monitor)
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return await read_frame(self.store, monitor, from_ms, to_ms, now_ms)

    async def settle(self) -> None:
        while pending := [task for task in self.tasks if not task.done()]:
            await asyncio.gather(*pending, return_exceptions=True)
        for task in self.tasks:
            if not task.cancelled():
                task.result()
        QApplication.processEvents()


Draw = Callable[[Callable[[Drawn], Awaitable[None]]], None]


@pytest.fixture
def draw(qtbot: QtBot, run_async: RunAsync, told: Told) -> Draw:
    def run(check: Callable[[Drawn], Awaitable[None]]) -> None:
        async def main() -> None:
            tasks: list[asyncio.Task[Any]] = []

            def spawn(work: Coroutine[Any, Any, Any], **_: Any) -> asyncio.Task[Any]:
                tasks.append(asyncio.get_running_loop().create_task(work))
                return tasks[-1]

            store = told.open()
            drawn = Drawn(store, told, tasks)
            drawn.gate.set()
            drawn.chart = chart = IncidentChart(drawn.read, spawn, lambda: drawn.now_ms)
            qtbot.addWidget(chart)
            chart.resize(700, 300)
            chart.show()
            await check(drawn)
            chart.hide()
            await store.close()

        run_async(main())

    return run


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def test_shows_the_time_around_with_the_incident_marked_and_says_it(draw: Draw) -> None:
    async def check(drawn: Drawn) -> None:
        one = incident(drawn.told.monitor)
        drawn.chart.show_incident(one, "Shop")
        assert drawn.chart.message.text() == "Reading…" and drawn.chart.message.isVisible()
        await drawn.settle()
        plot = drawn.chart.plot
        assert plot is not None and plot.isVisible() and not drawn.chart.message.isVisible()
        assert (plot.from_ms, plot.to_ms) == (day(3, 5.5), day(3, 7)) == around(one, NOW_MS)
        assert plot.look.incident == one.id and plot.points > 0
        assert plot.incident_at(day(3, 6.25)) == one and plot.incident_at(day(3, 5.75)) is None
        assert "Latency of Shop" in plot.accessibleName() and one.sentence("Shop") in plot.accessibleName()
        assert plain(plot.accessibleDescription()) == (
            "North America: 120 ms before, 120 ms during the incident. "
            "Europe: 80 ms before, no good answer during the incident"
        )
        assert "tinted: incident" in plain(drawn.chart.reading.text())

    draw(check)


def test_arrows_walk_the_measured_moments_and_nothing_moves_the_span(draw: Draw, qtbot: QtBot) -> None:
    async def check(drawn: Drawn) -> None:
        drawn.chart.show_incident(incident(drawn.told.monitor), "Shop")
        await drawn.settle()
        plot = drawn.chart.plot
        assert plot is not None and plot.focusPolicy() & Qt.FocusPolicy.TabFocus
        span = plot.from_ms, plot.to_ms
        plot.set_cursor(day(3, 6.25))
        qtbot.keyClick(plot, Qt.Key.Key_Right)
        assert plot.cursor_ms == day(3, 6.25) + MINUTE_MS
        said = plain(drawn.chart.reading.text())
        assert "North America 120" in said and "Europe offline" in said
        assert plain(plot.accessibleDescription()) == said
        height = plot.height()
        for key in (Qt.Key.Key_Plus, Qt.Key.Key_PageUp, Qt.Key.Key_Home, Qt.Key.Key_0):
            qtbot.keyClick(plot, key)
        middle = plot.plot_rect.center()
        turn = QWheelEvent(
            middle,
            QPointF(plot.mapToGlobal(middle.toPoint())),
            QPoint(),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(plot.viewport(), turn)
        assert not turn.isAccepted()
        assert (plot.from_ms, plot.to_ms, plot.height()) == (*span, height)

    draw(check)


def test_the_chart_of_an_incident_that_is_left_is_never_shown(draw: Draw) -> None:
    async def check(drawn: Drawn) -> None:
        drawn.gate.clear()
        first = incident(drawn.told.monitor)
        second = replace(first, id=IncidentId(8), start_ms=day(4, 12), end_ms=day(4, 12) + 2 * MINUTE_MS)
        drawn.chart.show_incident(first, "Shop")
        await asyncio.sleep(0)
        drawn.chart.show_incident(second, "Shop")
        drawn.gate.set()
        await drawn.settle()
        assert drawn.tasks[0].cancelled()
        plot = drawn.chart.plot
        assert plot is not None and (plot.from_ms, plot.to_ms) == around(second, NOW_MS)
        assert drawn.chart.view is not None and drawn.chart.view.from_ms > day(4)
        # What was read for nobody is read when somebody looks again.
        drawn.gate.clear()
        drawn.chart.show_incident(first, "Shop")
        drawn.chart.hide()
        drawn.gate.set()
        await drawn.settle()
        assert drawn.tasks[-1].cancelled() and drawn.chart.view is None
        drawn.chart.show()
        await drawn.settle()
        assert plot.isVisible() and (plot.from_ms, plot.to_ms) == around(first, NOW_MS)
        drawn.chart.show_incident(second, "Shop")
        await drawn.settle()
        # While another is read, no chart is to be seen; nothing selected reads nothing.
        drawn.chart.show_incident(first, "Shop")
        assert not plot.isVisible()
        drawn.chart.show_incident(None, "")
        await drawn.settle()
        assert not plot.isVisible() and drawn.chart.view is None

    draw(check)


def test_a_note_reads_nothing_anew_and_other_times_do(draw: Draw) -> None:
    async def check(drawn: Drawn) -> None:
        one = incident(drawn.told.monitor)
        drawn.chart.show_incident(one, "Shop")
        await drawn.settle()
        drawn.chart.show_incident(replace(one, acknowledged_at_ms=NOW_MS), "Shop of mine")
        assert len(drawn.reads) == 1 and "Shop of mine" in drawn.chart.heading.text()
        drawn.chart.show_incident(replace(one, end_ms=day(3, 6.75)), "Shop")
        await drawn.settle()
        assert len(drawn.reads) == 2
        assert drawn.chart.plot is not None and drawn.chart.plot.to_ms == day(3, 7.5)

    draw(check)


def test_what_lasts_is_followed_and_what_is_over_is_not(draw: Draw) -> None:
    async def check(drawn: Drawn) -> None:
        lasting = replace(incident(drawn.told.monitor), start_ms=NOW_MS - 5 * MINUTE_MS, end_ms=None)
        drawn.chart.show_incident(lasting, "Shop")
        await drawn.settle()
        drawn.chart.on_follow_due()
        assert len(drawn.reads) == 1
        drawn.now_ms += 10_000
        drawn.chart.on_follow_due()
        assert drawn.chart.plot is not None and drawn.chart.plot.isVisible()
        await drawn.settle()
        assert len(drawn.reads) == 2
        drawn.chart.show_incident(incident(drawn.told.monitor), "Shop")
        await drawn.settle()
        drawn.now_ms += 10_000
        drawn.chart.on_follow_due()
        assert len(drawn.reads) == 3

    draw(check)


def test_nothing_kept_and_nothing_readable_are_said(draw: Draw) -> None:
    async def check(drawn: Drawn) -> None:
        one = incident(drawn.told.monitor)
        gone = replace(one, id=IncidentId(9), start_ms=day(-40), end_ms=day(-40) + MINUTE_MS)
        drawn.chart.show_incident(gone, "Shop")
        await drawn.settle()
        assert drawn.chart.message.text() == "Nothing is kept of that time any more."
        assert drawn.chart.plot is None
        drawn.error = StorageError("The database is locked.")
        drawn.chart.show_incident(one, "Shop")
        await drawn.settle()
        assert "The database is locked." in drawn.chart.message.text()
        drawn.error = None
        drawn.chart.on_follow_due()
        await drawn.settle()
        assert drawn.chart.plot is not None and drawn.chart.plot.isVisible()

    draw(check)


def test_one_value_for_the_whole_time_is_no_chart(draw: Draw) -> None:
    async def check(drawn: Drawn) -> None:
        whole = functools.partial(read_frame, drawn.store)
        one = incident(drawn.told.monitor)
        view = await whole(one.monitor, *around(one, NOW_MS), NOW_MS)
        for length_ms, word in ((HOUR_MS * 2, "an hour"), (DAY_MS, "a day")):
            drawn.chart._show(replace(view, shown_ms=length_ms), one, *around(one, NOW_MS))
            assert f"one value {word} is kept" in drawn.chart.message.text()

    draw(check)


def test_of_stretches_only_whole_ones_are_said_to_be_of_the_incident(draw: Draw) -> None:
    async def check(drawn: Drawn) -> None:
        one = incident(drawn.told.monitor)
        for start_ms, end_ms, said in (
            (day(3, 6), day(3, 6.5), "Europe: ?? ms before, no good answer during the incident"),
            # The stretch of five minutes that it lies in was good for its other half.
            (day(3, 5.5) + MINUTE_MS, day(3, 5.5) + 3 * MINUTE_MS, "Europe: ?? ms before the incident"),
        ):
            held = replace(one, id=IncidentId(start_ms), start_ms=start_ms, end_ms=end_ms)
            drawn.chart.show_incident(held, "Shop")
            await drawn.settle()
            assert drawn.chart.view is not None and drawn.chart.plot is not None
            drawn.chart._show(replace(drawn.chart.view, is_raw=False), held, *around(held, NOW_MS))
            texts = plain(drawn.chart.plot.accessibleDescription()).split(". ")
            assert any(fnmatch.fnmatch(text, said) for text in texts), texts

    draw(check)


def test_every_text_is_translated(draw: Draw, made_up_language: None) -> None:
    async def check(drawn: Drawn) -> None:
        drawn.chart.show_incident(incident(drawn.told.monitor), "Shop")
        await drawn.settle()
        assert drawn.chart.plot is not None
        texts = [*visible_texts(drawn.chart), drawn.chart.plot.accessibleDescription()]
        assert [text for text in texts if "⟦" not in text] == []

    draw(check)
