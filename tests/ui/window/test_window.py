"""The window as a person uses it: by keyboard, with results coming in, in any language."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QModelIndex, QPoint, QRect, Qt
from PySide6.QtGui import QAccessible, QAction, QFontMetrics, QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.error import StorageFull
from pingmon_gui.domain.monitor import Monitor
from pingmon_gui.domain.probe import ProbeHealth, ProbeState
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.event import Notice, RaiseWindow, StorageProblem
from pingmon_gui.ui import theme as theme_module
from pingmon_gui.ui import wording
from pingmon_gui.ui.add_dialog import AddDialog
from pingmon_gui.ui.main_window import MainWindow
from pingmon_gui.ui.row_order import FIRST_REGION_COLUMN, NAME_COLUMN, VERDICT_COLUMN, Show
from tests.engine.fakes import monitor, probe, until, voting
from tests.ui.conftest import RunAsync
from tests.ui.window.conftest import Bench, MakeBench, numbered

ShowWindow = Callable[[Bench], MainWindow]
_CONTROL = Qt.KeyboardModifier.ControlModifier


def press(widget: QWidget, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(widget, key, modifier)


def cell_name(window: MainWindow, row: int, column: int) -> str:
    """Return what a screen reader says of a cell, through Qt's own accessibility interface."""
    interface = QAccessible.queryAccessibleInterface(window.table)
    assert interface is not None
    # Children go row by row, the headers first and at the left.
    wide = window.model.columnCount() + 1
    assert interface.childCount() == wide * (window.model.rowCount() + 1)
    cell = interface.child((row + 1) * wide + column + 1)
    assert cell is not None
    return cell.text(QAccessible.Text.Name)


def test_cells_say_their_state_in_words(make_bench: MakeBench, show_window: ShowWindow) -> None:
    bench = make_bench([monitor(10, name="shop.example", tags=("live",))], [Region.LOCAL, Region.EU])
    bench.feed((10, Status.ONLINE))
    bench.feed((10, Status.OFFLINE), probe=2, rounds=3)
    window = show_window(bench)
    europe = cell_name(window, 0, FIRST_REGION_COLUMN + 2)
    for word in ("shop.example", "Europe", "offline", "timed out", "of the last hour", "%"):
        assert word in europe
    assert "online" in cell_name(window, 0, FIRST_REGION_COLUMN)
    assert "no probe yet" in cell_name(window, 0, FIRST_REGION_COLUMN + 3)
    assert "offline for Europe only" in cell_name(window, 0, VERDICT_COLUMN)
    assert "tagged live" in cell_name(window, 0, NAME_COLUMN)


def test_cards_are_sentences_to_a_screen_reader(make_bench: MakeBench, show_window: ShowWindow) -> None:
    bench = make_bench([*numbered(2), monitor(12, is_paused=True)])
    bench.feed((10, Status.ONLINE), (11, Status.OFFLINE))
    window = show_window(bench)
    names = []
    for card in window.cards.cards:
        interface = QAccessible.queryAccessibleInterface(card)
        assert interface is not None
        names.append(interface.text(QAccessible.Text.Name))
        assert interface.text(QAccessible.Text.Description)
        assert card.toolTip()
        assert card.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert names == [
        "Total domains: 3, 1 paused",
        "Active regions: 1 of 1, with a voting probe",
        "Online domains: 1 of 2, 1 reachable from somewhere",
        "System health: Good, probes, clock and disk are fine",
    ]


def test_results_reach_the_screen_with_the_next_frame(make_bench: MakeBench, show_window: ShowWindow) -> None:
    bench = make_bench(numbered(1))
    window = show_window(bench)
    bench.feed((10, Status.OFFLINE))
    window.bridge.frame()
    assert window.top.pills[Show.PROBLEMS].text() == "Problems 1"
    assert window.cards.cards[2].said.figure == "0 of 1"
    assert "offline" in cell_name(window, 0, VERDICT_COLUMN)


def test_delete_and_undo_by_keyboard(make_bench: MakeBench, show_window: ShowWindow, run_async: RunAsync) -> None:
    bench = make_bench(numbered(3))
    window = show_window(bench)

    async def use() -> None:
        window.table.setFocus()
        window.table.selectRow(1)
        press(window.table, Qt.Key.Key_Delete)
        await until(lambda: window.model.rowCount() == 2)
        assert window.messages.text == "Deleted site 11."
        assert window.messages.button.text() == "Undo"
        assert [int(number) for number in window.table.selected_ids()] == [12]
        await until(window.actions_.undo.isEnabled)
        press(window.table, Qt.Key.Key_Z, _CONTROL)
        await until(lambda: window.model.rowCount() == 3)
        assert window.messages.text == ""
        assert [int(number) for number in window.table.selected_ids()] == [11]
        await until(lambda: window.commands.undo_text == "")
        assert not window.actions_.undo.isEnabled()

    run_async(use())


def test_what_was_added_is_taken_back_by_undo(
    make_bench: MakeBench, show_window: ShowWindow, run_async: RunAsync
) -> None:
    bench = make_bench(numbered(1))
    window = show_window(bench)

    async def use() -> None:
        await window.commands.add_first("https://typed.example")
        await until(lambda: window.model.rowCount() == 2 and window.actions_.undo.isEnabled())
        press(window.table, Qt.Key.Key_Z, _CONTROL)
        await until(lambda: window.model.rowCount() == 1)
        assert not window.commands.undo_text
        assert [monitor.url for monitor in bench.board.monitors.values()] == [numbered(1)[0].url]

    run_async(use())


def test_undo_that_cannot_be_kept_is_offered_again_and_one_that_came_too_late_is_not(
    make_bench: MakeBench, show_window: ShowWindow, run_async: RunAsync
) -> None:
    bench = make_bench(numbered(2))
    window = show_window(bench)
    restore = bench.store.restore_monitors

    async def full(_ids: object) -> list[Monitor]:
        raise StorageFull("The disk is full.", "Make room.")

    async def use() -> None:
        window.table.selectRow(0)
        window.actions_.delete.trigger()
        await until(window.actions_.undo.isEnabled)
        bench.store.restore_monitors = full  # type: ignore[method-assign, assignment]
        window.actions_.undo.trigger()
        await until(lambda: "disk is full" in window.messages.text)
        await until(window.actions_.undo.isEnabled)
        bench.store.restore_monitors = restore  # type: ignore[method-assign]
        bench.store.deleted.clear()
        window.actions_.undo.trigger()
        await until(lambda: "too long ago" in window.messages.text)
        await until(lambda: not window.commands.undo_text)
        assert not window.actions_.undo.isEnabled()

    run_async(use())


def test_undo_from_the_message_bar(make_bench: MakeBench, show_window: ShowWindow, run_async: RunAsync) -> None:
    bench = make_bench(numbered(2))
    window = show_window(bench)

    async def use() -> None:
        window.table.selectAll()
        window.actions_.delete.trigger()
        await until(lambda: window.model.rowCount() == 0)
        await until(lambda: window.messages.text == "Deleted 2 domains.")
        window.messages.button.click()
        await until(lambda: window.model.rowCount() == 2)

    run_async(use())


@pytest.mark.parametrize("key", [Qt.Key.Key_P, Qt.Key.Key_Space])
def test_pause_and_resume_by_keyboard(
    make_bench: MakeBench, show_window: ShowWindow, run_async: RunAsync, key: Qt.Key
) -> None:
    bench = make_bench(numbered(2))
    window = show_window(bench)

    async def use() -> None:
        window.table.setFocus()
        window.table.selectRow(0)
        press(window.table, key)
        await until(lambda: bool(bench.board.paused[0]))
        await until(window.actions_.pause.isEnabled)
        assert "Resu" in window.actions_.pause.text()
        press(window.table, key)
        await until(lambda: not bench.board.paused[0])

    run_async(use())


@pytest.mark.parametrize("key", [Qt.Key.Key_R, Qt.Key.Key_F5])
def test_check_now_by_keyboard(
    make_bench: MakeBench, show_window: ShowWindow, run_async: RunAsync, key: Qt.Key
) -> None:
    bench = make_bench(numbered(2))
    window = show_window(bench)
    asked: list[int] = []

    async def check_now(ids: list[int]) -> None:
        asked.extend(int(number) for number in ids)

    bench.commands.check_now = check_now  # type: ignore[method-assign, assignment]

    async def use() -> None:
        window.table.setFocus()
        window.table.selectRow(1)
        press(window.table, key)
        await until(lambda: asked == [11])

    run_async(use())


def test_search_field_by_keyboard(make_bench: MakeBench, show_window: ShowWindow) -> None:
    bench = make_bench(numbered(3))
    window = show_window(bench)
    window.table.setFocus()
    press(window.table, Qt.Key.Key_F, _CONTROL)
    assert window.focusWidget() is window.top.search
    QTest.keyClicks(window.top.search, "11")
    assert window.model.rowCount() == 1
    assert window.status.count_label.text() == "1 of 3 domains shown"
    press(window.top.search, Qt.Key.Key_Down)
    assert window.focusWidget() is window.table
    assert [int(number) for number in window.table.selected_ids()] == [11]
    window.top.search.setFocus()
    press(window.top.search, Qt.Key.Key_Escape)
    assert window.model.rowCount() == 3


def test_letters_typed_into_search_are_no_shortcuts(make_bench: MakeBench, show_window: ShowWindow) -> None:
    bench = make_bench(numbered(2))
    window = show_window(bench)
    window.table.selectRow(0)
    window.top.search.setFocus()
    QTest.keyClicks(window.top.search, "rp")
    assert window.top.search.text() == "rp"
    assert not bench.board.paused.any()


def test_copy_by_keyboard(make_bench: MakeBench, show_window: ShowWindow) -> None:
    bench = make_bench(numbered(2))
    bench.feed((10, Status.ONLINE))
    window = show_window(bench)
    window.table.setFocus()
    press(window.table, Qt.Key.Key_A, _CONTROL)
    press(window.table, Qt.Key.Key_C, _CONTROL)
    assert QGuiApplication.clipboard().text() == "https://site10.example/\nhttps://site11.example/"
    press(window.table, Qt.Key.Key_C, _CONTROL | Qt.KeyboardModifier.ShiftModifier)
    first, _second = QGuiApplication.clipboard().text().split("\n")
    assert first.split("\t")[:3] == ["online", "site 10", "50\u00a0ms"]


def test_sort_and_filter_by_keyboard(make_bench: MakeBench, show_window: ShowWindow) -> None:
    bench = make_bench(numbered(3))
    bench.feed((12, Status.OFFLINE))
    window = show_window(bench)
    window.table.setFocus()
    press(window.table, Qt.Key.Key_1, _CONTROL | Qt.KeyboardModifier.ShiftModifier)
    assert window.table.header.sortIndicatorSection() == VERDICT_COLUMN
    assert int(window.model.monitor_at(0)) == 12
    press(window.table, Qt.Key.Key_2, _CONTROL)
    assert window.model.rowCount() == 1
    assert window.top.pills[Show.PROBLEMS].isChecked()
    press(window.table, Qt.Key.Key_1, _CONTROL)
    assert window.model.rowCount() == 3


def test_every_action_is_in_a_menu_and_has_a_key(make_bench: MakeBench, show_window: ShowWindow) -> None:
    window = show_window(make_bench())
    in_menus: set[QAction] = set()

    def collect(actions: list[QAction]) -> None:
        for action in actions:
            if action.menu() is not None:
                collect(action.menu().actions())
            elif not action.isSeparator():
                in_menus.add(action)

    collect(window.menuBar().actions())
    of_sort = set(window.actions_.sort_choices.actions())
    for action in window.actions():
        assert action in in_menus, action.text()
        assert action.shortcut() != QKeySequence() or action in of_sort, action.text()
    keys = [key.toString() for action in window.actions() for key in action.shortcuts() if not key.isEmpty()]
    assert len(keys) == len(set(keys))


def test_first_domain_is_added_from_the_empty_state(
    make_bench: MakeBench, show_window: ShowWindow, run_async: RunAsync
) -> None:
    bench = make_bench()
    window = show_window(bench)
    assert window.stack.currentWidget() is window.first
    assert window.focusWidget() is window.first.field

    async def use() -> None:
        QTest.keyClicks(window.first.field, "not an address")
        press(window.first.field, Qt.Key.Key_Return)
        await until(lambda: window.first.note.is_error)
        assert "space" in window.first.note.sentence
        assert window.first.field.text() == "not an address"
        press(window.first.field, Qt.Key.Key_A, _CONTROL)
        QTest.keyClicks(window.first.field, "shop.example")
        assert not window.first.note.isVisible()
        press(window.first.field, Qt.Key.Key_Return)
        await until(lambda: window.stack.currentWidget() is window.table)
        assert [m.url for m in bench.board.monitors.values()] == ["https://shop.example/"]

    run_async(use())


def test_list_that_is_pasted_into_the_first_field_has_its_preview_at_once(
    make_bench: MakeBench, show_window: ShowWindow, qtbot: QtBot
) -> None:
    window = show_window(make_bench())
    QGuiApplication.clipboard().setText(
        "".join(f"https://site{number}.example/ Site {number}\n" for number in range(2_000))
    )
    press(window.first.field, Qt.Key.Key_V, _CONTROL)
    dialog = window.findChild(AddDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: not dialog.pasted.is_reading)
    assert len(dialog.pasted.good) == 2_000
    assert window.first.field.text() == ""
    dialog.close()


def test_nothing_found_leads_back(make_bench: MakeBench, show_window: ShowWindow) -> None:
    window = show_window(make_bench(numbered(2)))
    window.top.search.setText("nowhere")
    assert window.stack.currentWidget() is window.nothing
    assert window.nothing.title.text() == "Nothing found"
    window.nothing.button.click()
    assert window.stack.currentWidget() is window.table
    window.top.choose(Show.PROBLEMS)
    assert window.nothing.title.text() == "No problems"


def test_problems_follow_results(make_bench: MakeBench, show_window: ShowWindow, run_async: RunAsync) -> None:
    bench = make_bench(numbered(2))
    window = show_window(bench)
    window.top.choose(Show.PROBLEMS)

    async def use() -> None:
        bench.feed((11, Status.OFFLINE))
        window.bridge.frame()
        await until(lambda: window.model.rowCount() == 1)
        bench.feed((11, Status.ONLINE))
        window.bridge.frame()
        await until(lambda: window.stack.currentWidget() is window.nothing)

    run_async(use())


def test_regions_without_probe_say_so_and_can_be_hidden(make_bench: MakeBench, show_window: ShowWindow) -> None:
    bench = make_bench(numbered(1))
    window = show_window(bench)
    europe = FIRST_REGION_COLUMN + 2
    assert window.table.header.note(europe) == "add a probe"
    sentence = "No probe in Europe yet: click the column's title to add one"
    assert window.model.headerData(europe, Qt.Orientation.Horizontal, Qt.ItemDataRole.AccessibleTextRole) == sentence
    tool_tip = window.model.headerData(europe, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
    assert tool_tip == wording.tool_tip(sentence)
    window.actions_.empty_regions.trigger()
    assert window.table.isColumnHidden(europe)
    bench.board.set_probes([voting(1, Region.LOCAL), voting(2, Region.EU)])
    window.bridge.frame()
    assert not window.table.isColumnHidden(europe)
    assert window.table.header.note(europe) == "last hour"


def test_status_line_tells_connected_probes_from_those_that_speak(
    make_bench: MakeBench, show_window: ShowWindow
) -> None:
    bench = make_bench(numbered(1))
    window = show_window(bench)
    silent = ProbeHealth(probe(2, Region.EU), ProbeState.CONNECTED, votes=False)
    lost = ProbeHealth(probe(3, Region.AS), ProbeState.UNREACHED, votes=False)
    for probes, text in (
        ([voting(1, Region.LOCAL), voting(2, Region.EU)], "2 of 2 probes connected"),
        ([voting(1, Region.LOCAL), silent, lost], "2 of 3 probes connected, 1 without a vote"),
    ):
        bench.board.set_probes(probes)
        window.bridge.frame()
        assert window.status.probe_label.text() == text


def test_region_whose_probe_has_no_vote_says_why_in_its_title(make_bench: MakeBench, show_window: ShowWindow) -> None:
    bench = make_bench(numbered(1))
    window = show_window(bench)
    europe = FIRST_REGION_COLUMN + 2

    def say(*states: tuple[ProbeState, dict[str, Any]]) -> tuple[str, str]:
        probes = [ProbeHealth(probe(9 + n, Region.EU), state, **more) for n, (state, more) in enumerate(states)]
        bench.board.set_probes([voting(1, Region.LOCAL), *probes])
        window.bridge.frame()
        tool_tip = window.model.headerData(europe, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
        return window.table.header.note(europe), str(tool_tip)

    away = (ProbeState.UNREACHED, {"reason": "eu.example does not answer."})
    note, tool_tip = say(away)
    assert note == "not reached" and "eu.example does not answer." in tool_tip
    assert say(away, (ProbeState.CATCHING_UP, {"caught_up": 0.437}))[0].replace("\u00a0", " ") == "catching up, 43 %"
    assert say(away, (ProbeState.CONNECTED, {"votes": True}))[0] == "last hour"


def test_theme_switch_repaints_the_window(make_bench: MakeBench, show_window: ShowWindow) -> None:
    bench = make_bench(numbered(2))
    window = show_window(bench)
    light = window.grab().toImage().pixelColor(window.width() - 5, window.height() // 2)

    window._theme.set_mode("dark")
    QApplication.processEvents()
    dark = window.grab().toImage().pixelColor(window.width() - 5, window.height() // 2)
    assert light.lightness() > 200
    assert dark.lightness() < 60
    assert theme_module.current().is_dark


def test_theme_switch_repaints_the_details_and_their_buttons(make_bench: MakeBench, show_window: ShowWindow) -> None:
    window = show_window(make_bench(numbered(2)))
    window.make_detail()
    window.table.selectAll()
    pane = window.details.pane
    assert pane is not None
    buttons = [button for button in pane.findChildren(QPushButton) if button.isVisible()]
    assert buttons
    for mode, is_dark in (("dark", True), ("light", False), ("dark", True)):
        window._theme.set_mode(mode)
        QApplication.processEvents()
        for widget, x, y in [(pane, 4, pane.height() - 4), *((button, 8, 6) for button in buttons)]:
            seen = widget.grab().toImage().pixelColor(x, y)
            assert (seen.lightness() < 100) == is_dark, (mode, widget, seen.name())


def test_a_domain_without_results_is_no_outage_on_the_cards(make_bench: MakeBench, show_window: ShowWindow) -> None:
    bench = make_bench(numbered(2))
    window = show_window(bench)
    card = window.cards.cards[2]
    assert (card.said.sign, card.said.note) == (Verdict.UNKNOWN, "no result to judge by")
    bench.feed((10, Status.ONLINE))
    window.bridge.frame()
    assert (card.said.sign, card.said.figure) == (Verdict.UNKNOWN, "1 of 2")
    bench.feed((11, Status.OFFLINE))
    window.bridge.frame()
    assert (card.said.sign, card.said.note) == (Verdict.OFFLINE, "1 reachable from somewhere")
    bench.feed((10, Status.OFFLINE))
    window.bridge.frame()
    assert (card.said.sign, card.said.note) == (Verdict.OFFLINE, "none reachable from anywhere")


def test_long_addresses_of_one_host_are_told_apart(make_bench: MakeBench, show_window: ShowWindow) -> None:
    host = "https://a-rather-long-name-of-a-host.example.com/and/a/path/"
    bench = make_bench([monitor(10, url=f"{host}one"), monitor(11, url=f"{host}two")])
    window = show_window(bench)
    window.table.setColumnWidth(NAME_COLUMN, 200)
    index = [window.model.index(row, NAME_COLUMN) for row in range(2)]
    window.table.select_row(0)
    window.table.clearSelection()
    window.table.setCurrentIndex(QModelIndex())
    shown = [window.table.viewport().grab(window.table.visualRect(place)).toImage() for place in index]
    assert shown[0] != shown[1]


def test_every_region_fits_beside_name_and_verdict(make_bench: MakeBench, show_window: ShowWindow) -> None:
    window = show_window(make_bench(numbered(1)))
    widths = [window.table.columnWidth(column) for column in range(window.model.columnCount())]
    assert sum(widths) <= window.table.viewport().width()
    metrics = QFontMetrics(window.table.cells._strong)
    assert widths[VERDICT_COLUMN] > metrics.horizontalAdvance("regional problem")


def test_regions_without_a_probe_give_way_to_the_name(make_bench: MakeBench, show_window: ShowWindow) -> None:
    window = show_window(make_bench(numbered(1)))
    header, empty = window.table.header, window.table.cells.empty_region_width()

    def widths() -> list[int]:
        QApplication.processEvents()
        return [window.table.columnWidth(column) for column in range(window.model.columnCount())]

    window.resize(1500, 700)
    assert widths()[FIRST_REGION_COLUMN + 1 :] == [empty] * 5
    window.resize(1000, 700)
    assert widths()[FIRST_REGION_COLUMN + 1 :] == [header.narrow_width()] * 5
    assert widths()[NAME_COLUMN] > 150
    assert sum(widths()) <= window.table.viewport().width()
    europe = FIRST_REGION_COLUMN + 2
    place = QRect(header.sectionViewportPosition(europe), 0, header.sectionSize(europe), header.height())
    bare = header.viewport().grab(place).toImage()
    QTest.mouseMove(header.viewport(), place.center())
    assert header.viewport().grab(place).toImage() != bare


def test_a_name_keeps_its_room_once_the_table_scrolls_sideways(make_bench: MakeBench, show_window: ShowWindow) -> None:
    window = show_window(make_bench(numbered(1)))
    window.make_detail()
    bar, widths = window.table.horizontalScrollBar(), []
    for width in range(1300, 800, -20):
        window.resize(width, 600)
        QApplication.processEvents()
        if bar.maximum():
            widths.append(window.table.columnWidth(NAME_COLUMN))
    assert widths
    assert min(widths) >= 200


def test_every_control_of_the_top_bar_shows_its_focus(make_bench: MakeBench, show_window: ShowWindow) -> None:
    window = show_window(make_bench([monitor(10, tags=("live",))]))
    controls = [window.top.search, *window.top.pills.values(), window.top.tag_button, window.top.add_button]
    for control in controls:
        window.table.setFocus()
        without = control.grab().toImage()
        control.setFocus(Qt.FocusReason.TabFocusReason)
        assert control.grab().toImage() != without, control.accessibleName()


def test_known_errors_stay_until_dismissed(make_bench: MakeBench, show_window: ShowWindow) -> None:
    bench = make_bench(numbered(1))
    window = show_window(bench)
    bench.hub.publish(StorageProblem(StorageFull("The disk is full.", "Make room.")))
    assert window.messages.text == "The disk is full. Make room."
    assert window.messages.is_error
    press(window.messages.dismiss, Qt.Key.Key_Escape)
    assert window.messages.text == ""
    bench.hub.publish(StorageProblem(None))
    assert "written again" in window.messages.text
    bench.hub.publish(Notice("The probe was started again.", None))
    assert window.messages.text == "The probe was started again."


def test_second_start_raises_the_window(make_bench: MakeBench, show_window: ShowWindow) -> None:
    bench = make_bench()
    window = show_window(bench)
    window.hide()
    bench.hub.publish(RaiseWindow())
    assert window.isVisible()


def test_close_asks_the_app_and_keeps_the_layout(
    make_bench: MakeBench, show_window: ShowWindow, run_async: RunAsync, tmp_path: Path
) -> None:
    bench = make_bench(numbered(2))
    window = show_window(bench)
    asked: list[int] = []
    window.close_asked.connect(lambda: asked.append(1))
    window.close()
    assert asked == [1]
    assert window.isVisible()
    window.actions_.empty_regions.trigger()
    window.table.sortByColumn(VERDICT_COLUMN, Qt.SortOrder.DescendingOrder)
    run_async(window.stop())
    assert (tmp_path / "window.ini").exists()
    again = show_window(bench)
    assert not again.actions_.empty_regions.isChecked()
    assert again.table.header.sortIndicatorSection() == VERDICT_COLUMN
    assert again.table.header.sortIndicatorOrder() == Qt.SortOrder.DescendingOrder


def test_stop_ends_what_was_spawned(make_bench: MakeBench, show_window: ShowWindow, run_async: RunAsync) -> None:
    window = show_window(make_bench())
    ended: list[str] = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("forever")

    async def use() -> None:
        window.spawner.spawn(forever())
        await asyncio.sleep(0)
        await window.stop()
        assert ended == ["forever"]

    run_async(use())


def test_context_menu_opens_at_a_row(make_bench: MakeBench, show_window: ShowWindow) -> None:
    window = show_window(make_bench(numbered(2)))
    window.table.selectRow(0)
    window.on_menu_asked(window.mapToGlobal(QPoint(50, 50)))
    menu = QApplication.activePopupWidget()
    assert menu is not None
    assert window.actions_.delete in menu.actions()
    menu.close()


def test_every_text_is_translated(make_bench: MakeBench, show_window: ShowWindow, made_up_language: None) -> None:
    bench = make_bench([monitor(10, name="123", url="https://456.example/", tags=("789",))])
    bench.feed((10, Status.SLOW))
    window = show_window(bench)
    window.bridge.frame()
    texts: list[str] = []
    for widget in [window, *window.findChildren(QWidget)]:
        texts += [widget.windowTitle(), widget.accessibleName(), widget.toolTip()]
        if isinstance(widget, QLabel | QAbstractButton):
            texts.append(widget.text())
        if isinstance(widget, QLineEdit):
            texts.append(widget.placeholderText())
    texts += [action.text() for action in window.findChildren(QAction)]
    for card in window.cards.cards:
        texts += [card.said.title, card.said.figure, card.said.note, card.said.explanation]
    for column in range(window.model.columnCount()):
        for role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            texts.append(window.model.headerData(column, Qt.Orientation.Horizontal, role) or "")
        for role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.DisplayRole):
            texts.append(window.model.index(0, column).data(role) or "")
        texts.append(window.table.header.note(column))
    bare = [text for text in texts if re.search(r"[A-Za-z]{2,}", text) and not is_wrapped(text)]
    assert not bare


def is_wrapped(text: str) -> bool:
    """Return whether every word of a text stands in the marks of the made-up language (tags aside)."""
    text = re.sub(r"<[^>]*>|456\.example", "", text)
    depth, loose = 0, ""
    for letter in text:
        depth += (letter == "⟦") - (letter == "⟧")
        if depth == 0 and letter not in "⟦⟧":
            loose += letter
    return "⟦" in text and not re.search(r"[A-Za-z]{2,}", loose)
