"""The model: what it shows, what it tells views, and that selections survive."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.status import Status
from pingmon_gui.ui.monitor_table import COLUMNS, MONITOR_ROLE, MonitorTable
from pingmon_gui.ui.row_order import FIRST_REGION_COLUMN, NAME_COLUMN, VERDICT_COLUMN, Show
from tests.engine.fakes import monitor
from tests.ui.window.conftest import MakeBench, numbered


def shown(model: MonitorTable) -> list[int]:
    return [int(model.monitor_at(row)) for row in range(model.rowCount())]


def told(model: MonitorTable) -> list[tuple[int, int, int, int]]:
    """Return a list that fills with every dataChanged as (top, left, bottom, right)."""
    cells: list[tuple[int, int, int, int]] = []
    model.dataChanged.connect(
        lambda first, last, _roles=None: cells.append((first.row(), first.column(), last.row(), last.column()))
    )
    return cells


def test_model_obeys_qt_contract(make_bench: MakeBench, qtmodeltester: ModelTester) -> None:
    bench = make_bench(numbered(5), [Region.LOCAL, Region.EU])
    model = MonitorTable(bench.board)
    qtmodeltester.check(model)
    bench.feed((10, Status.OFFLINE), (11, Status.SLOW))
    model.apply(bench.board.take_changes())
    model.sort(VERDICT_COLUMN)
    model.set_show(Show.PROBLEMS)
    bench.board.put_monitors(numbered(8))
    model.describe()
    bench.board.remove_monitors([11])
    model.apply(bench.board.take_changes())
    model.set_show(Show.ALL)
    assert model.rowCount() == 7
    qtmodeltester.check(model, force_py=True)


def test_every_role_gives_plain_python(make_bench: MakeBench) -> None:
    bench = make_bench(numbered(1))
    bench.feed((10, Status.ONLINE))
    model = MonitorTable(bench.board)
    for column in range(COLUMNS):
        for role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            assert type(model.index(0, column).data(role)) is str
        assert type(model.index(0, column).data(MONITOR_ROLE)) is int
    assert type(model.rowCount()) is int


def paint(model: MonitorTable) -> None:
    """Read every cell, as painting does."""
    for row in range(model.rowCount()):
        for column in range(len(REGIONS)):
            model.cell_key(model.board_row(row), column)


def test_apply_tells_only_changed_cells(make_bench: MakeBench) -> None:
    bench = make_bench(numbered(4), [Region.LOCAL, Region.EU])
    bench.feed(*((number, Status.ONLINE) for number in range(10, 14)))
    bench.board.take_changes()
    model = MonitorTable(bench.board)
    paint(model)
    cells = told(model)
    bench.clock.advance(10)
    bench.feed((12, Status.ONLINE), probe=2, rounds=1)
    model.apply(bench.board.take_changes())
    europe = FIRST_REGION_COLUMN + 2
    assert cells == [(2, europe, 2, europe)]


def test_apply_is_silent_about_rows_out_of_sight(make_bench: MakeBench) -> None:
    bench = make_bench(numbered(10))
    model = MonitorTable(bench.board)
    model.visible_rows = lambda: (0, 3)
    cells = told(model)
    bench.feed((13, Status.ONLINE), (17, Status.ONLINE))
    model.apply(bench.board.take_changes())
    assert {top for top, *_ in cells} == {3}


def test_apply_tells_what_went_out_of_sight_and_came_back_in_it(make_bench: MakeBench) -> None:
    bench = make_bench(numbered(10))
    bench.feed((17, Status.ONLINE))
    bench.board.take_changes()
    model = MonitorTable(bench.board)
    paint(model)
    model.visible_rows = lambda: (0, 3)
    bench.feed((17, Status.OFFLINE))
    model.apply(bench.board.take_changes())
    model.visible_rows = lambda: (5, 9)
    assert model.cell(7, 0)["state"] == Status.OFFLINE
    cells = told(model)
    bench.feed((17, Status.ONLINE))
    model.apply(bench.board.take_changes())
    assert (7, VERDICT_COLUMN, 7, VERDICT_COLUMN) in cells


def test_apply_without_changes_tells_nothing(make_bench: MakeBench) -> None:
    bench = make_bench(numbered(3))
    model = MonitorTable(bench.board)
    cells = told(model)
    model.apply(bench.board.take_changes())
    assert cells == []


def test_added_and_removed_monitors_come_as_rows(make_bench: MakeBench, qtbot: QtBot) -> None:
    bench = make_bench(numbered(3))
    model = MonitorTable(bench.board)
    resets: list[Any] = []
    model.modelReset.connect(lambda: resets.append(1))
    with qtbot.waitSignal(model.rowsInserted) as inserted:
        bench.board.put_monitors([monitor(40, name="site 10b")])
        model.describe()
    assert inserted.args is not None
    assert inserted.args[1:] == [1, 1]
    assert shown(model) == [10, 40, 11, 12]
    with qtbot.waitSignal(model.rowsRemoved) as removed:
        bench.board.remove_monitors([11, 40])
        model.describe()
    assert removed.args is not None
    assert removed.args[1:] == [1, 2]
    assert shown(model) == [10, 12]
    assert not resets


def test_sort_keeps_selection(make_bench: MakeBench) -> None:
    bench = make_bench(numbered(6))
    model = MonitorTable(bench.board)
    selection = QItemSelectionModel(model)
    selection.select(
        model.index(1, 0), QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
    )
    model.sort(NAME_COLUMN, Qt.SortOrder.DescendingOrder)
    assert [int(model.monitor_at(index.row())) for index in selection.selectedRows()] == [11]


def test_filter_keeps_selection_of_what_stays(make_bench: MakeBench) -> None:
    bench = make_bench(numbered(6))
    bench.feed((11, Status.OFFLINE), (13, Status.OFFLINE), (12, Status.ONLINE))
    model = MonitorTable(bench.board)
    selection = QItemSelectionModel(model)
    flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
    for row in (2, 3):
        selection.select(model.index(row, 0), flags)
    model.set_show(Show.PROBLEMS)
    assert shown(model) == [11, 13]
    assert [int(model.monitor_at(index.row())) for index in selection.selectedRows()] == [13]
    model.set_show(Show.ALL)
    assert [int(model.monitor_at(index.row())) for index in selection.selectedRows()] == [13]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("shop", [10, 12]),
        ("SHOP live", [10]),
        ("example/feed", [11]),
        ("blog", [11]),
        ("nothing like it", []),
        ("  ", [11, 10, 12]),
    ],
)
def test_search_looks_into_name_address_and_tags(make_bench: MakeBench, search: str, found: list[int]) -> None:
    bench = make_bench(
        [
            monitor(10, name="Shop", tags=("live",)),
            monitor(11, name="Blog", url="https://news.example/feed"),
            monitor(12, name="Test", url="https://shop.example/", tags=("test",)),
        ]
    )
    model = MonitorTable(bench.board)
    model.set_search(search)
    assert shown(model) == found


def test_tag_filter_goes_when_its_last_monitor_loses_it(make_bench: MakeBench) -> None:
    bench = make_bench([monitor(10, tags=("live",)), monitor(11)])
    model = MonitorTable(bench.board)
    model.set_tag("live")
    assert shown(model) == [10]
    bench.board.put_monitors([replace(bench.board.monitors[bench.board.ids[0]], tags=())])
    model.describe()
    assert shown(model) == [10, 11]


def test_region_sort_has_unknown_last_in_both_directions(make_bench: MakeBench) -> None:
    bench = make_bench(numbered(4))
    bench.feed((10, Status.SLOW), (11, Status.ONLINE), (12, Status.OFFLINE))
    model = MonitorTable(bench.board)
    model.sort(FIRST_REGION_COLUMN)
    assert shown(model) == [11, 10, 12, 13]
    model.sort(FIRST_REGION_COLUMN, Qt.SortOrder.DescendingOrder)
    assert shown(model) == [12, 10, 11, 13]


def test_status_sort_has_the_worst_first(make_bench: MakeBench) -> None:
    bench = make_bench(numbered(3))
    bench.feed((10, Status.ONLINE), (11, Status.SLOW), (12, Status.OFFLINE))
    model = MonitorTable(bench.board)
    model.sort(VERDICT_COLUMN)
    assert shown(model) == [12, 11, 10]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(0, 11), unique=True), min_size=1, max_size=5), st.integers(0, 11))
def test_any_new_order_arrives_and_indexes_follow(make_bench: MakeBench, orders: list[list[int]], watched: int) -> None:
    bench = make_bench(numbered(12))
    model = MonitorTable(bench.board)
    count = [model.rowCount()]

    def add(_parent: QModelIndex, first: int, last: int) -> None:
        count[0] += last - first + 1

    def remove(_parent: QModelIndex, first: int, last: int) -> None:
        count[0] -= last - first + 1

    model.rowsInserted.connect(add)
    model.rowsRemoved.connect(remove)
    selection = QItemSelectionModel(model)
    flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
    selection.select(model.index(watched, 0), flags)
    is_watched = True
    for order in orders:
        model._arrange(np.array(order, dtype=np.intp))
        assert shown(model) == [10 + row for row in order]
        assert count[0] == model.rowCount() == len(order)
        is_watched = is_watched and watched in order
        rows = [int(model.monitor_at(index.row())) for index in selection.selectedRows()]
        assert rows == ([10 + watched] if is_watched else [])
