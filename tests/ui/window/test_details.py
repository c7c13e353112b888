"""The details in the window: what they show of the past, and their room at the next start."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QApplication, QLabel

from pingmon_gui.domain.status import Status
from pingmon_gui.ui.main_window import MainWindow
from tests.engine.fakes import batch, until
from tests.ui.conftest import RunAsync
from tests.ui.window.conftest import Bench, MakeBench, numbered

ShowWindow = Callable[[Bench], MainWindow]


def with_details(window: MainWindow) -> MainWindow:
    window.make_detail()
    QApplication.processEvents()
    return window


def test_details_tell_all_of_a_result_from_before_the_start(
    make_bench: MakeBench, show_window: ShowWindow, run_async: RunAsync
) -> None:
    bench = make_bench(numbered(1, is_paused=True))
    bench.store.append(batch([(10, bench.clock.now_ms() - 60_000, Status.OFFLINE)]))
    for recent in bench.store.recent(0):
        bench.board.warm(recent)
    window = with_details(show_window(bench))

    def shown() -> str:
        return "\n".join(label.text() for label in window.splitter.findChildren(QLabel) if label.isVisible())

    async def use() -> None:
        window.table.select_row(0)
        assert "no answer in time" not in shown()
        await until(lambda: "no answer in time" in shown())

    run_async(use())


def test_details_that_were_hidden_stay_hidden(make_bench: MakeBench, show_window: ShowWindow) -> None:
    bench = make_bench(numbered(2))
    window = with_details(show_window(bench))
    assert window.details.pane is not None
    assert window.details.pane.isVisible()
    window.actions_.detail.trigger()
    assert not window.details.pane.isVisible()
    window.save_layout()
    again = with_details(show_window(bench))
    assert again.details.pane is not None
    assert not again.details.pane.isVisible()
    again.actions_.detail.trigger()
    assert again.details.pane.isVisible()


def test_details_keep_their_room_beside_and_below(make_bench: MakeBench, show_window: ShowWindow) -> None:
    bench = make_bench(numbered(2))
    window = with_details(show_window(bench))
    window.splitter.setSizes([700, 491])
    beside = window.splitter.sizes()
    window.actions_.detail_below.trigger()
    QApplication.processEvents()
    window.splitter.setSizes([250, 200])
    below = window.splitter.sizes()
    window.actions_.detail_below.trigger()
    assert window.splitter.sizes() == beside
    window.save_layout()
    again = with_details(show_window(bench))
    assert again.splitter.sizes() == beside
    again.actions_.detail_below.trigger()
    QApplication.processEvents()
    assert again.splitter.sizes() == below
