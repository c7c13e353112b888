"""A domain that is measured over IPv4 and over IPv6, wherever the window shows it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.availability import Availability
from pingmon_gui.domain.explanation import Explanation, Held, Interval, Reason
from pingmon_gui.domain.family import EACH
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Status
from pingmon_gui.engine.board import Board
from pingmon_gui.ui import cell_text
from pingmon_gui.ui.explanation_table import Column, ExplanationTable
from pingmon_gui.ui.latency_chart import LatencyChart
from pingmon_gui.ui.monitor_detail import detail_of
from pingmon_gui.ui.region_section import RegionSection
from pingmon_gui.ui.share_button import ShareButton
from tests.engine.fakes import START_MS, FakeClock, batch, monitor, voting
from tests.ui.test_chart_data import START, history
from tests.ui.test_detail_pane import pane_of, words
from tests.ui.test_edit_dialog import ONE, opened, submitted
from tests.ui.test_edit_dialog import OTHER as OTHER_ONE

SITE, OTHER = MonitorId(10), MonitorId(11)
EU = REGIONS.index(Region.EU)


@pytest.fixture
def board() -> Board:
    """IPv4 is well, IPv6 is confirmed to be down, seen from Europe; another domain is measured as ever."""
    made = Board(FakeClock(START_MS + 10_000))
    made.set_probes([voting(1, Region.EU)])
    made.put_monitors([monitor(10, name="shop", family=EACH), monitor(11, name="plain")])
    rows = [(10, START_MS + ms, status) for ms, status in ((0, Status.ONLINE), (5_000, 2), (7_000, 2))]
    made.apply(batch(rows, family=[4, 6, 6]), np.array([False, True, True]))
    made.apply(batch([(11, START_MS, Status.ONLINE)]))
    return made


def test_details_have_a_section_for_each_family(qtbot: QtBot, board: Board) -> None:
    pane = pane_of(qtbot)
    shown = detail_of(board, SITE, START_MS + 10_000)
    assert shown is not None
    pane.show_monitor(shown)
    over_4, over_6 = pane.findChildren(RegionSection)
    names = [section.accessibleName().replace("\u00a0", " ") for section in (over_4, over_6)]
    assert names == ["IPv4, Europe: online, 50 ms", "IPv6, Europe: offline, timed out"]
    text = words(pane).replace("\u00a0", " ")
    assert "Europe · probe 1 · IPv4" in text and "Europe · probe 1 · IPv6" in text
    assert "shop is offline over IPv6 only; IPv4 is fine." in text.replace("\u2068", "").replace("\u2069", "")
    # The share is that of both: it is said once.
    assert [share.isVisible() for share in pane.findChildren(ShareButton)] == [False, True]
    plain = detail_of(board, OTHER, START_MS + 10_000)
    assert plain is not None
    pane.show_monitor(plain)
    words(pane)
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    sections = [one for one in pane.findChildren(RegionSection) if one.isVisible()]
    assert [one.accessibleName().replace("\u00a0", " ") for one in sections] == ["Europe: online, 50 ms"]
    assert [share.isVisible() for share in sections[0].findChildren(ShareButton)] == [True]


def test_cell_and_tool_tip_tell_both_families_where_there_are_two(board: Board) -> None:
    said = cell_text.region_sentence(board, board.row_of[SITE], EU).replace("\u00a0", " ")
    assert "Europe: offline" in said and said.endswith("; IPv4: online, 50 ms; IPv6: offline, timed out")
    assert "IPv6: offline, timed out" in cell_text.region_explained(board, board.row_of[SITE], EU)
    assert "IPv" not in cell_text.region_explained(board, board.row_of[OTHER], EU)
    assert cell_text.verdict_sentence(board, board.row_of[OTHER]).endswith("is online.")


def test_chart_draws_and_names_a_curve_for_each_family(qtbot: QtBot) -> None:
    chart = LatencyChart()
    qtbot.addWidget(chart)
    chart.resize(400, 240)
    chart.show()
    first, second = history([0, 10], [1, 2]), history([5, 15], [30, 40])
    second = replace(second, series=replace(second.series, family=6, is_second=True))
    chart.show_history([(Region.EU, "fra", first), (Region.EU, "fra", second)], START, START + 3_600_000)
    drawn = [item for item in chart._plot.listDataItems() if item.yData is not None]
    assert [(list(item.yData), item.opts["pen"].style()) for item in drawn] == [
        ([1, 2], Qt.PenStyle.SolidLine),
        ([30, 40], Qt.PenStyle.DashLine),
    ]
    assert "Europe IPv4" in chart.summary() and "Europe IPv6" in chart.summary()
    assert "Europe IPv6 40" in chart.hover_text(START + 16_000)
    chart.append(Region.EU, "fra", START + 25_000, 50.0, Status.ONLINE, 10_000, is_second=True)
    assert "Europe IPv6 50" in chart.hover_text(START + 26_000)
    chart.show_history([(Region.EU, "fra", first)], START, START + 3_600_000)
    assert "IPv" not in chart.summary()


@pytest.mark.parametrize("domains", [[ONE], [ONE, OTHER_ONE]])
def test_both_families_can_be_chosen_for_one_and_for_many(qtbot: QtBot, domains: list[Monitor]) -> None:
    dialog = opened(qtbot, *domains)
    row = dialog.form.rows["family"]
    if isinstance(row.label, QCheckBox):
        row.label.setChecked(True)
    combo = row.field.editor
    assert isinstance(combo, QComboBox)
    combo.setCurrentIndex(combo.findText("IPv4 and IPv6, each measured"))
    [changed] = submitted(dialog)
    assert [one.settings.family for one in changed] == [EACH] * len(domains)


def test_explanation_names_the_family_of_an_interval(qtbot: QtBot) -> None:
    table = ExplanationTable()
    one = Interval(0, 10, 10, Held.OFFLINE, Reason.RESULTS, ProbeId(1), "timeout", "no answer", 6)
    table.show_explanation(
        Explanation(0, 10, Availability(0, 10, 10), (one, replace(one, family=0))), {ProbeId(1): "fra"}
    )
    cells = [table.data(table.index(row, Column.PROBE)) for row in range(2)]
    assert cells == ["fra · IPv6", "fra"]
