"""The ways into the past from the main window: keys, menus, the details and incidents."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.incident import Incident, IncidentId
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.ui.explanation_window import ExplanationWindow
from pingmon_gui.ui.main_window import MainWindow
from pingmon_gui.ui.share_button import ShareButton
from tests.engine.fakes import until
from tests.ui.conftest import RunAsync
from tests.ui.window.conftest import Bench, MakeBench, numbered

ShowWindow = Callable[[Bench], MainWindow]


def opened(make_bench: MakeBench, show_window: ShowWindow) -> tuple[Bench, MainWindow]:
    bench = make_bench(numbered(2), [Region.LOCAL])
    window = show_window(bench)
    window.make_detail()
    window.table.select(bench.board.ids[0])
    return bench, window


async def quiet(window: MainWindow) -> None:
    await until(lambda: not window.spawner._tasks)


def test_history_opens_by_key_for_the_selected_domain_and_for_another(
    make_bench: MakeBench, show_window: ShowWindow, qtbot: QtBot, run_async: RunAsync
) -> None:
    async def main() -> None:
        bench, window = opened(make_bench, show_window)
        qtbot.keyClick(window, Qt.Key.Key_H, Qt.KeyboardModifier.ControlModifier)
        await quiet(window)
        first = window.history.history
        assert first is not None and first.isVisible()
        assert first.domain is not None and first.domain.title == "site 10"
        window.table.select(bench.board.ids[1])
        window.actions_.history.trigger()
        await quiet(window)
        assert window.history.history is first and first.domain is not None and first.domain.title == "site 11"
        first.hide()
        await window.stop()

    run_async(main())


def test_history_needs_a_selected_domain(make_bench: MakeBench, show_window: ShowWindow, run_async: RunAsync) -> None:
    async def main() -> None:
        _bench, window = opened(make_bench, show_window)
        window.table.clearSelection()
        assert not window.actions_.history.isEnabled()
        await window.stop()

    run_async(main())


def test_details_lead_to_the_history_and_their_share_to_its_explanation(
    make_bench: MakeBench, show_window: ShowWindow, run_async: RunAsync
) -> None:
    async def main() -> None:
        bench, window = opened(make_bench, show_window)
        bench.feed((10, Status.ONLINE))
        window.on_board_changed(bench.board.take_changes())
        pane = window.details.pane
        assert pane is not None
        next(button for button in pane.findChildren(QPushButton) if button.text() == "More…").click()
        await quiet(window)
        assert window.history.history is not None and window.history.history.isVisible()
        window.history.history.hide()
        (share,) = pane.findChildren(ShareButton)
        share.click()
        await quiet(window)
        (explained,) = window.findChildren(ExplanationWindow)
        assert explained._subject.region is Region.LOCAL
        assert explained._subject.to_ms == bench.clock.now_ms()
        explained.close()
        await window.stop()

    run_async(main())


def test_incident_leads_to_what_was_around_it(
    make_bench: MakeBench, show_window: ShowWindow, run_async: RunAsync
) -> None:
    async def main() -> None:
        bench, window = opened(make_bench, show_window)
        now_ms = bench.clock.now_ms()
        monitor = bench.board.ids[0]
        one = Incident(IncidentId(5), monitor, Verdict.OFFLINE, now_ms - 600_000, now_ms - 300_000, now_ms - 590_000)
        window.history.show_incidents()
        await quiet(window)
        page = window.history.incidents
        assert page is not None
        page.history_asked.emit(one)
        await quiet(window)
        shown = window.history.history
        assert shown is not None and shown.domain is not None and shown.domain.id == monitor
        assert shown.plot.from_ms < one.start_ms < shown.plot.to_ms
        assert shown.look.incident == one.id
        page.hide()
        shown.hide()
        await asyncio.sleep(0)
        await window.stop()

    run_async(main())
