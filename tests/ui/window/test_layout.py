"""What a window keeps for its next start: the room of the details, what is shown, the order."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QApplication

from pingmon_gui.ui.main_window import MainWindow
from tests.ui.window.conftest import Bench, MakeBench, numbered

ShowWindow = Callable[[Bench], MainWindow]


def with_details(window: MainWindow) -> MainWindow:
    window.make_detail()
    QApplication.processEvents()
    return window


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
