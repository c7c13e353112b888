"""The history window on a domain that is measured over IPv4 and over IPv6."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pingmon_gui.domain.family import IPV6
from pingmon_gui.domain.history import HOUR_MS
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.timeline import Standing
from pingmon_gui.ui import history_reading
from pingmon_gui.ui.history_curves import latency_lines
from pingmon_gui.ui.history_rows import VALUE
from tests.report.conftest import Told
from tests.report.story import NOW_MS
from tests.store.helper import Clock, Measured, open_store
from tests.store.test_families import add_each, over
from tests.ui.history.conftest import Show, Shown

_STEPS = range(NOW_MS - HOUR_MS, NOW_MS, 10_000)


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """An hour in which IPv4 takes 20 ms and IPv6 is down."""

    async def write() -> Told:
        store = open_store(tmp_path, Clock(NOW_MS))
        site = await add_each(store)
        store.append(over(4, [Measured(site.id, at_ms, total_us=20_000) for at_ms in _STEPS], 1))
        down = [Measured(site.id, at_ms, Status.OFFLINE, 9_000) for at_ms in _STEPS]
        store.append(over(6, down, len(_STEPS) + 1))
        await store.save_standings([(site.id, Standing(NOW_MS - HOUR_MS, frozenset({Region.EU})))], NOW_MS)
        await store.flush()
        await store.close()
        return Told(tmp_path / "pingmon.db", site)

    return asyncio.run(write())


def test_both_families_are_shown_together_and_each_by_itself(show: Show) -> None:
    async def check(shown: Shown) -> None:
        window, choice = shown.window, shown.window.tools.families
        window.ranges.choose(HOUR_MS)
        await shown.settle()
        assert choice.isVisible() and window.tools.family == 0
        figures = []
        for place in range(choice.count()):
            choice.setCurrentIndex(place)
            await shown.settle()
            assert window.view is not None
            (eu,) = window.view.regions
            found = window.rows.figure_of(Region.EU)
            assert found is not None and found[1].time.ratio is not None
            reading = history_reading.latency_text(window.view, eu, NOW_MS - 5_000)
            assert ("pale: IPv6" in window.legend._hint.text()) == (eu.voices == 2)
            lines = latency_lines(window.view, eu, window.view.from_ms, window.view.to_ms, 500)
            assert [line.is_pale for line in lines] == [False, True][: eu.voices]
            figures.append((choice.itemText(place), eu.voices, found[1].time.ratio, reading.replace("\u00a0", " ")))
        assert figures == [
            ("IPv4 and IPv6", 2, 0.5, "IPv4 20.00 ms / IPv6 offline"),
            ("IPv4", 1, 1.0, "20.00 ms"),
            ("IPv6", 1, 0.0, "offline"),
        ]
        assert window.tools.family == IPV6
        choice.setCurrentIndex(0)
        await shown.settle()
        window.rows.show_values(NOW_MS - 5_000)
        row = window.rows._rows[Region.EU]
        assert row.value.text().replace("\u00a0", " ") == "20 ms / offline"
        assert row.value.toolTip().replace("\u00a0", " ").count("IPv") == 2
        assert row.value.sizeHint().width() <= window.rows.grid.columnMinimumWidth(VALUE)

    show(check)
