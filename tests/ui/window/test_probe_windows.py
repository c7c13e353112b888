"""From the main window to its wizard and its fleet page."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from pingmon_gui.domain.probe import ProbeState
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.ui.main_window import MainWindow
from pingmon_gui.ui.row_order import FIRST_REGION_COLUMN, NAME_COLUMN
from tests.engine.fakes import voting
from tests.ui.fleet.fakes import health, remote
from tests.ui.window.conftest import Bench, MakeBench, numbered

ShowWindow = Callable[[Bench], MainWindow]


@pytest.fixture
def window(make_bench: MakeBench, show_window: ShowWindow) -> Iterator[MainWindow]:
    """A window with one domain, seen from this computer alone."""
    shown = show_window(make_bench(numbered(1)))
    yield shown
    for dialog in (shown.probes.wizard, shown.probes.page):
        if dialog is not None:
            dialog.hide()


def title_of(window: MainWindow, region: Region) -> QPoint:
    """Return the middle of a column's title."""
    header = window.table.header
    section = FIRST_REGION_COLUMN + REGIONS.index(region)
    window.table.horizontalScrollBar().setValue(window.table.horizontalScrollBar().maximum())
    return QPoint(header.sectionViewportPosition(section) + header.sectionSize(section) // 2, header.height() // 2)


def test_title_of_an_empty_region_opens_the_wizard_for_it(window: MainWindow) -> None:
    header = window.table.header
    before = header.sortIndicatorSection()
    QTest.mouseClick(
        header.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, title_of(window, Region.SA)
    )
    wizard = window.probes.wizard
    assert wizard is not None and wizard.isVisible()
    assert wizard.form.region.currentData() == Region.SA
    assert header.sortIndicatorSection() == before == NAME_COLUMN


def test_title_of_a_region_with_a_probe_sorts(window: MainWindow) -> None:
    header = window.table.header
    at = QPoint(header.sectionViewportPosition(FIRST_REGION_COLUMN) + 30, header.height() // 2)
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    assert window.probes.wizard is None
    assert header.sortIndicatorSection() == FIRST_REGION_COLUMN


def test_press_on_one_title_and_release_on_another_does_nothing(window: MainWindow) -> None:
    header = window.table.header
    asked: list[object] = []
    header.probe_asked.connect(asked.append)
    none = Qt.KeyboardModifier.NoModifier
    QTest.mousePress(header.viewport(), Qt.MouseButton.LeftButton, none, title_of(window, Region.SA))
    QTest.mouseRelease(header.viewport(), Qt.MouseButton.LeftButton, none, title_of(window, Region.OC))
    assert asked == []


def test_mouse_over_an_empty_region_shows_that_it_can_be_clicked(window: MainWindow) -> None:
    header = window.table.header
    QTest.mouseMove(header.viewport(), title_of(window, Region.AS))
    assert header.cursor().shape() is Qt.CursorShape.PointingHandCursor
    QTest.mouseMove(header.viewport(), QPoint(header.sectionViewportPosition(NAME_COLUMN) + 40, 5))
    assert header.cursor().shape() is not Qt.CursorShape.PointingHandCursor


def test_wizard_comes_by_menu_and_is_made_anew_after_it_was_closed(window: MainWindow) -> None:
    window.actions_.add_probe.trigger()
    wizard = window.probes.wizard
    assert wizard is not None and wizard.isVisible()
    wizard.form.host.setText("half typed")
    window.actions_.add_probe.trigger()
    assert window.probes.wizard is wizard and wizard.form.host.text() == "half typed"
    wizard.reject()
    assert window.probes.wizard is None
    window.actions_.add_probe.trigger()
    assert window.probes.wizard is not None and window.probes.wizard.form.host.text() == ""


def test_page_of_all_probes_follows_the_board(make_bench: MakeBench, show_window: ShowWindow) -> None:
    bench = make_bench(numbered(1))
    window = show_window(bench)
    # Not connected: nobody is there to be asked.
    bench.board.set_probes([health(remote(), ProbeState.UNREACHED, reason="Cut since 12:03.")])
    window.bridge.frame()
    window.actions_.probes.trigger()
    page = window.probes.page
    assert page is not None and page.isVisible()
    assert page.model.rowCount() == 1 and page.model.index(0, 3).data() == "not reached"
    bench.board.set_probes([health(remote(), ProbeState.UNREACHED), health(remote(8, "Lima"), ProbeState.STARTING)])
    window.bridge.frame()
    assert page.model.rowCount() == 2
    bench.board.set_health(health(remote(8, "Lima"), ProbeState.REFUSED))
    window.bridge.frame()
    assert page.model.index(1, 3).data() == "refused"
    window.actions_.probes.trigger()
    assert window.probes.page is page
    page.close()


def test_wizard_knows_which_regions_have_a_probe(make_bench: MakeBench, show_window: ShowWindow) -> None:
    bench = make_bench(numbered(1))
    window = show_window(bench)
    bench.board.set_probes([voting(1, Region.LOCAL), voting(2, Region.NA)])
    window.actions_.add_probe.trigger()
    wizard = window.probes.wizard
    assert wizard is not None
    assert wizard.form.region.currentData() == Region.EU
    assert wizard.form.region.itemText(0) == "North America (1 probe)"
    wizard.reject()
