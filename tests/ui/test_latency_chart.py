from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.region import Region
from pingmon_gui.domain.status import Status
from pingmon_gui.ui.latency_chart import DAY_MS, HOUR_MS, LatencyChart
from tests.ui.made_up import visible_texts
from tests.ui.test_chart_data import SECOND, START, history

END = START + HOUR_MS


@pytest.fixture
def chart(qtbot: QtBot) -> LatencyChart:
    made = LatencyChart()
    qtbot.addWidget(made)
    made.resize(400, 240)
    made.show()
    return made


def curves(chart: LatencyChart) -> list[np.ndarray]:
    return [item.yData for item in chart._plot.listDataItems() if item.yData is not None]


def test_importing_the_chart_does_not_import_pyqtgraph() -> None:
    code = "import sys, pingmon_gui.ui.detail_pane; sys.exit('pyqtgraph' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=_environment(), check=False).returncode == 0


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def test_chart_draws_a_curve_a_probe_with_its_gaps(chart: LatencyChart) -> None:
    series = [
        (Region.LOCAL, "here", history([0, 10, 100], [1, 2, 3])),
        (Region.EU, "fra", history([0, 10], [50, 60])),
    ]
    chart.show_history(series, START, END)
    assert chart._pages.currentWidget() is chart._plot
    drawn = sorted((list(curve) for curve in curves(chart)), key=lambda curve: curve[0])
    assert np.array_equal(drawn[0], [1, 2, np.nan, 3], equal_nan=True)
    assert drawn[1] == [50, 60]


def test_chart_appends_live_results_and_moves_along(chart: LatencyChart) -> None:
    chart.show_history([(Region.LOCAL, "here", history([0, 3590], [1, 2]))], START, END)
    chart.append(Region.LOCAL, "here", END + 10 * SECOND, 7.0, Status.ONLINE, 10 * SECOND)
    assert curves(chart)[0][-1] == 7
    (left, right), _ = chart._plot.viewRange()
    assert (left, right) == (START / 1000 + 10, END / 1000 + 10)
    chart.append(Region.LOCAL, "here", END, 9.0, Status.ONLINE, 10 * SECOND)
    assert 9.0 not in curves(chart)[0]


def test_chart_without_results_says_so(chart: LatencyChart) -> None:
    chart.show_history([], START, END)
    assert chart._pages.currentWidget() is chart._message
    assert chart._message.text() == "No results in this time yet."
    chart.append(Region.LOCAL, "here", END, 7.0, Status.ONLINE, 10 * SECOND)
    assert chart._pages.currentWidget() is chart._plot


def test_chart_in_words(chart: LatencyChart) -> None:
    found = history([0, 10, 20], [1, 3, 5_000], [Status.ONLINE, Status.ONLINE, Status.OFFLINE])
    chart.show_history([(Region.EU, "fra", found)], START, END)
    assert chart.accessibleDescription() == "Europe: median 2.0\u00a0ms, 1 failure"


def test_chart_hover_gives_exact_values_and_what_is_unknown(chart: LatencyChart) -> None:
    found = history([0, 10], [1.23, 9], [Status.ONLINE, Status.OFFLINE])
    chart.show_history([(Region.EU, "fra", found)], START, END)
    assert chart.hover_text(START + 5 * SECOND).endswith("Europe 1.23\u00a0ms")
    assert chart.hover_text(START + 12 * SECOND).endswith("Europe offline")
    assert chart.hover_text(START + 600 * SECOND).endswith("Europe unknown")


def test_chart_asks_for_another_span_once(chart: LatencyChart, qtbot: QtBot) -> None:
    asked: list[int] = []
    chart.span_chosen.connect(asked.append)
    [hour, day, _more] = chart.findChildren(QPushButton)
    hour.click()
    day.click()
    day.click()
    assert (asked, chart.span_ms) == ([DAY_MS], DAY_MS)


def test_chart_is_translated(qtbot: QtBot, made_up_language: None) -> None:
    chart = LatencyChart()
    qtbot.addWidget(chart)
    chart.show_history([(Region.EU, "fra", history([0], [1]))], START, END)
    assert [text for text in visible_texts(chart) if "⟦" not in text] == []
