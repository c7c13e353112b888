"""The history window as a person uses it: ranges, zoom, pan, cursor, regions, kinds, strips, pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QWheelEvent
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.error import StorageError
from pingmon_gui.domain.explanation import Held
from pingmon_gui.domain.history import DAY_MS, FIVE_MINUTES_MS, HOUR_MS
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.region import Region
from pingmon_gui.report.explain import explained_domain, explained_region
from pingmon_gui.store.store import Store
from pingmon_gui.ui.history_curves import Kind
from pingmon_gui.ui.history_rows import Figure
from pingmon_gui.ui.history_strip import HistoryStrip
from pingmon_gui.ui.history_window import Domain, HistoryWindow
from pingmon_gui.ui.history_words import bar_sentence
from tests.report.story import MINUTE_MS, NOW_MS, day, incident
from tests.ui.conftest import RunAsync
from tests.ui.history.conftest import Show, Shown
from tests.ui.made_up import visible_texts

Key = Qt.Key


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def strip(shown: Shown, region: Region | None) -> HistoryStrip:
    return shown.window.rows._rows[region].strip


async def press(qtbot: QtBot, shown: Shown, key: Key, modifier: Qt.KeyboardModifier | None = None) -> None:
    qtbot.keyClick(shown.window.plot, key, modifier or Qt.KeyboardModifier.NoModifier)
    await shown.settle()


def test_opens_on_the_last_day_and_says_what_stands_out(show: Show) -> None:
    async def check(shown: Shown) -> None:
        window = shown.window
        assert window.windowTitle() == "History of Shop"
        assert window.view is not None and not window.view.is_raw
        assert list(window.rows._rows) == [None, Region.NA, Region.EU]
        sentence = plain(window._sentence.text())
        assert "Available 100 %, 100 % of the time known. No incident." in sentence
        assert "Slower than normal since" in sentence and "Europe 4" in sentence
        assert window.plot.accessibleDescription() == window._sentence.text()
        assert window.focusWidget() is window.plot
        median = plain(window.rows._rows[Region.EU].value.text())
        assert median.endswith(" ms") and 74 <= int(median.split()[0]) <= 86

    show(check)


@pytest.mark.parametrize(
    ("span_ms", "bars", "length_ms"),
    [
        (HOUR_MS, 12, FIVE_MINUTES_MS),
        (DAY_MS, 24, HOUR_MS),
        (7 * DAY_MS, 28, 6 * HOUR_MS),
        (30 * DAY_MS, 30, DAY_MS),
        (90 * DAY_MS, 90, DAY_MS),
    ],
)
def test_ranges_have_bars_of_time_the_running_one_among_them(
    show: Show, span_ms: int, bars: int, length_ms: int
) -> None:
    async def check(shown: Shown) -> None:
        shown.window.ranges.choose(span_ms)
        await shown.settle()
        for region in (None, Region.EU):
            found = strip(shown, region).visible_bars()
            assert len(found) in (bars, bars + 1)
            assert found[-1].end_ms == NOW_MS
            lengths = {bar.end_ms - bar.start_ms for bar in found[1:-1]}
            # Where clocks change a day has an hour more or less.
            assert lengths <= {length_ms, length_ms - HOUR_MS, length_ms + HOUR_MS}
            assert all(bar.start_ms == before.end_ms for before, bar in pairwise(found))

    show(check)


def test_every_figure_is_that_of_its_explanation(show: Show) -> None:
    async def check(shown: Shown) -> None:
        for span_ms in (HOUR_MS, DAY_MS, 7 * DAY_MS):
            shown.window.ranges.choose(span_ms)
            await shown.settle()
            for region in (None, Region.NA, Region.EU):
                found = shown.window.rows.figure_of(region)
                assert found is not None
                spans = [found[1], *strip(shown, region).visible_bars()]
                for bar in spans:
                    if region is None:
                        told = await explained_domain(shown.store, shown.domain.id, bar.start_ms, bar.end_ms)
                    else:
                        told = await explained_region(
                            shown.store, shown.domain.id, region, bar.start_ms, bar.end_ms, NOW_MS
                        )
                    assert told.time == bar.time, (region, bar)

    show(check)


def test_zooming_in_reads_finer_data_and_out_coarser(show: Show, qtbot: QtBot) -> None:
    async def check(shown: Shown) -> None:
        window = shown.window
        assert window.view is not None and window.view.bucket_ms == FIVE_MINUTES_MS
        window.plot.set_cursor(day(4, 12))
        for _ in range(4):
            await press(qtbot, shown, Key.Key_Plus)
        assert window.view.is_raw
        assert window.plot.from_ms < day(4, 12) < window.plot.to_ms
        for _ in range(9):
            await press(qtbot, shown, Key.Key_Minus)
        assert not window.view.is_raw and window.view.bucket_ms > FIVE_MINUTES_MS
        await press(qtbot, shown, Key.Key_0)
        assert window.view.bucket_ms == FIVE_MINUTES_MS
        assert window.plot.to_ms == pytest.approx(NOW_MS, abs=DAY_MS * 0.03)

    show(check)


def test_wheel_zooms_about_the_pointer(show: Show) -> None:
    async def check(shown: Shown) -> None:
        plot = shown.window.plot
        before = plot.to_ms - plot.from_ms
        place = plot.plot_rect.center()
        about = (plot.from_ms + plot.to_ms) / 2
        turn = QWheelEvent(
            place, QPointF(plot.mapToGlobal(place.toPoint())), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(plot.viewport(), turn)
        await shown.settle()
        assert plot.to_ms - plot.from_ms == pytest.approx(before / 1.25, rel=0.01)
        assert (plot.from_ms + plot.to_ms) / 2 == pytest.approx(about, abs=before * 0.01)

    show(check)


def test_mouse_drags_and_marks_a_span(show: Show, qtbot: QtBot) -> None:
    async def check(shown: Shown) -> None:
        plot = shown.window.plot
        middle = plot.plot_rect.center().toPoint()

        def drag(by: int, modifier: Qt.KeyboardModifier) -> None:
            view = plot.viewport()
            qtbot.mousePress(view, Qt.MouseButton.LeftButton, modifier, middle)
            for step in range(1, 6):
                qtbot.mouseMove(view, middle + QPoint(by * step // 5, 0))
            qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, modifier, middle + QPoint(by, 0))

        from_ms, span = plot.from_ms, plot.to_ms - plot.from_ms
        drag(100, Qt.KeyboardModifier.NoModifier)
        await shown.settle()
        assert plot.from_ms == pytest.approx(from_ms - 100 / plot.plot_rect.width() * span, rel=0, abs=span * 0.05)
        assert plot.to_ms - plot.from_ms == pytest.approx(span)
        drag(80, Qt.KeyboardModifier.ShiftModifier)
        await shown.settle()
        assert plot.to_ms - plot.from_ms == pytest.approx(80 / plot.plot_rect.width() * span, rel=0.1)

    show(check)


def test_arrow_keys_pan_as_far_as_there_is_anything(show: Show, qtbot: QtBot) -> None:
    async def check(shown: Shown) -> None:
        plot = shown.window.plot
        before = plot.from_ms
        await press(qtbot, shown, Key.Key_Left)
        assert plot.from_ms == pytest.approx(before - DAY_MS * 0.15, rel=0, abs=DAY_MS * 0.02)
        for _ in range(5):
            await press(qtbot, shown, Key.Key_Right)
        assert plot.to_ms <= NOW_MS + (plot.to_ms - plot.from_ms) * 0.03
        await press(qtbot, shown, Key.Key_Home)
        assert plot.from_ms == pytest.approx(day(0), rel=0, abs=HOUR_MS)
        await press(qtbot, shown, Key.Key_End)
        assert plot.to_ms == pytest.approx(NOW_MS, rel=0, abs=HOUR_MS)
        await press(qtbot, shown, Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
        assert plot.to_ms == pytest.approx(NOW_MS - DAY_MS, rel=0, abs=HOUR_MS)

    show(check)


def test_newer_request_takes_the_place_of_an_older(show: Show) -> None:
    async def check(shown: Shown) -> None:
        window = shown.window
        number = len(shown.tasks)
        for hours in (1, 2, 3):
            window._go(NOW_MS - hours * HOUR_MS, NOW_MS, 0)
        await shown.settle()
        assert [task.cancelled() for task in shown.tasks[number:]] == [True, True, False]
        assert window.view is not None and window.view.from_ms <= NOW_MS - 3 * HOUR_MS

    show(check)


def test_cursor_steps_from_result_to_result_and_says_every_value(show: Show, qtbot: QtBot) -> None:
    async def check(shown: Shown) -> None:
        window = shown.window
        window._go(day(3, 5.5), day(3, 6.2), 0)
        await shown.settle()
        shift = Qt.KeyboardModifier.ShiftModifier
        await press(qtbot, shown, Key.Key_Left, shift)
        assert window.plot.cursor_ms == day(3, 6) + 11 * MINUTE_MS
        await press(qtbot, shown, Key.Key_Left, shift)
        told = plain(window.plot.accessibleDescription())
        assert "North America 120.00 ms" in told and "Europe offline, timed out" in told
        assert plain(window.rows._rows[Region.NA].value.text()) == "120.00 ms"
        assert window.rows._rows[Region.EU].value.text() == "offline"
        window.plot.set_cursor(day(3, 5.75))
        assert plain(window.rows._rows[Region.EU].value.text()) == "80.00 ms"
        window.plot.set_cursor(None)
        assert window.plot.accessibleDescription() == window._sentence.text()

    show(check)


def test_cursor_reads_stretches_where_there_are_no_results(show: Show) -> None:
    async def check(shown: Shown) -> None:
        window = shown.window
        window._go(day(2, 12), day(4), 0)
        await shown.settle()
        rows = window.rows._rows
        window.plot.set_cursor(day(3, 6.2))
        assert rows[Region.EU].value.text() == "offline"
        window.plot.set_cursor(day(3, 11))
        assert rows[Region.EU].value.text() == "unknown"
        window.plot.set_cursor(day(3, 3))
        assert rows[Region.EU].value.text() != "unknown"
        for hour, note in ((14.2, "Paused: nothing counts."), (14.7, "In a maintenance window: nothing counts.")):
            window.plot.set_cursor(day(3, hour))
            assert note in visible_texts(window.legend)
            assert window.plot.accessibleDescription().endswith(note)

    show(check)


def test_regions_are_switched_and_the_last_brings_all_back(show: Show) -> None:
    async def check(shown: Shown) -> None:
        window = shown.window
        names = {region: row.name for region, row in window.rows._rows.items()}
        names[Region.NA].click()
        assert [one.region for one in window.plot.shown_regions()] == [Region.EU]
        assert not names[Region.NA].isChecked()
        names[Region.EU].click()
        assert [one.region for one in window.plot.shown_regions()] == [Region.NA, Region.EU]

    show(check)


@pytest.mark.parametrize("kind", [Kind.PERCENTILES, Kind.PHASES])
def test_percentiles_and_phases_are_of_one_region_with_values_beside(show: Show, kind: Kind) -> None:
    async def check(shown: Shown) -> None:
        window = shown.window
        window.tools.choose(kind)
        assert [one.region for one in window.plot.shown_regions()] == [Region.NA]
        window.rows._rows[Region.EU].name.click()
        assert [one.region for one in window.plot.shown_regions()] == [Region.EU]
        window.plot.set_cursor(day(4, 11))
        QApplication.processEvents()
        figures = [plain(figure.text()) for key, name, figure in window.legend._rows if not figure.isHidden()]
        if kind is Kind.PHASES:
            assert len(figures) == 6 and figures[-1] == "80.00 ms"
            parts = [float(text.split()[0]) for text in figures[:-1]]
            assert sum(parts) == pytest.approx(80, abs=0.05)
            assert not window.tools.normal.isEnabled()
        else:
            assert len(figures) == 4 and figures[-1] == "5"

    show(check)


def test_bars_are_walked_with_keys_zoomed_to_and_explained(show: Show, qtbot: QtBot) -> None:
    async def check(shown: Shown) -> None:
        window = shown.window
        window._go(day(3), day(4), 0)
        await shown.settle()
        bars = strip(shown, Region.EU)
        asked: list[Figure] = []
        window.explain_asked.connect(asked.append)
        bars.setFocus()
        hour = next(bar for bar in bars.visible_bars() if bar.start_ms == day(3, 6))
        while bars.chosen != hour:
            qtbot.keyClick(bars, Key.Key_Left)
        told = plain(bars.accessibleDescription())
        assert told == plain(bar_sentence(hour))
        assert "available 50.0000 % of 1 h known; 100 % of the time is known; offline for 30 min" in told
        assert hour.worst is Held.OFFLINE
        qtbot.keyClick(bars, Key.Key_Space)
        assert asked == [Figure(Region.EU, day(3, 6), day(3, 7))]
        qtbot.keyClick(bars, Key.Key_Return)
        await shown.settle()
        assert (window.plot.from_ms, window.plot.to_ms) == (day(3, 6), day(3, 7))
        assert window.view is not None and window.view.is_raw

    show(check)


def test_bar_is_zoomed_to_by_a_click(show: Show, qtbot: QtBot) -> None:
    async def check(shown: Shown) -> None:
        window = shown.window
        window._go(day(3), day(4), 0)
        await shown.settle()
        bars = strip(shown, None)
        bar = bars.visible_bars()[6]
        assert bar.worst is Held.REGIONAL
        qtbot.mouseClick(bars, Qt.MouseButton.LeftButton, pos=bars.rect_of(bar).center().toPoint())
        await shown.settle()
        assert (window.plot.from_ms, window.plot.to_ms) == (bar.start_ms, bar.end_ms)

    show(check)


def test_bars_stand_under_the_time_of_the_chart(show: Show) -> None:
    async def check(shown: Shown) -> None:
        window = shown.window
        bars = strip(shown, Region.EU)
        bar = bars.visible_bars()[5]
        from_chart = window.plot.box.mapViewToScene(QPointF(bar.start_ms / 1000, 0)).x()
        at_chart = window.plot.mapTo(window, QPoint(round(from_chart), 0)).x()
        at_strip = bars.mapTo(window, bars.rect_of(bar).topLeft().toPoint()).x()
        assert abs(at_chart - at_strip) <= 2

    show(check)


def test_share_is_explained_by_a_click_or_a_key(show: Show, qtbot: QtBot) -> None:
    async def check(shown: Shown) -> None:
        asked: list[Figure] = []
        shown.window.explain_asked.connect(asked.append)
        share = shown.window.rows._rows[Region.EU].share
        assert "Europe" in share.accessibleName() and "Explain" in share.accessibleName()
        share.click()
        share.setFocus()
        qtbot.keyClick(share, Key.Key_Return)
        assert len(asked) == 2 and asked[0] == asked[1]
        assert asked[0].region is Region.EU and asked[0].to_ms == NOW_MS

    show(check)


def test_incident_is_shown_with_its_surroundings_and_reset_comes_back_to_it(show: Show, qtbot: QtBot) -> None:
    async def check(shown: Shown) -> None:
        window = shown.window
        one = incident(_domain(shown))
        window.show_incident(shown.domain, one)
        await shown.settle()
        assert window.plot.from_ms < one.start_ms and window.plot.to_ms > (one.end_ms or 0)
        assert window.plot.look.incident == one.id
        assert "Shop was offline for Europe only" in window._sentence.text()
        found = window.plot.incident_at(day(3, 6.2))
        assert found is not None and found.id == one.id
        around = (window.plot.from_ms, window.plot.to_ms)
        await press(qtbot, shown, Key.Key_Minus)
        assert (window.plot.from_ms, window.plot.to_ms) != around
        await press(qtbot, shown, Key.Key_0)
        assert (window.plot.from_ms, window.plot.to_ms) == around

    show(check)


def _domain(shown: Shown) -> Any:
    return next(one for one in shown.store.configuration().monitors if one.id == shown.domain.id)


def test_own_range_is_checked_where_it_is_typed(show: Show) -> None:
    async def check(shown: Shown) -> None:
        ranges = shown.window.ranges
        ranges._buttons.button(99).click()
        assert ranges.own.isVisible()
        first, last = ranges.first.dateTime(), ranges.last.dateTime()
        ranges.last.setDateTime(first)
        ranges.show_button.click()
        assert "at least a minute" in ranges.error.sentence
        ranges.first.setDateTime(last.addDays(3))
        ranges.show_button.click()
        assert "future" in ranges.error.sentence
        ranges.first.setDateTime(first.addDays(-1))
        ranges.last.setDateTime(first)
        ranges.show_button.click()
        await shown.settle()
        assert ranges.error.sentence == ""
        assert shown.window.plot.from_ms == first.addDays(-1).toMSecsSinceEpoch()

    show(check)


def test_picture_is_copied_and_saved_with_its_title(show: Show, tmp_path: Path) -> None:
    async def check(shown: Shown) -> None:
        window = shown.window
        window.on_copy()
        copied = QGuiApplication.clipboard().pixmap()
        assert copied.width() > window._picture.width() and copied.height() > window._picture.height()
        window.on_file_selected(str(tmp_path / "chart.png"))
        assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
        window.on_file_selected(str(tmp_path / "nowhere" / "chart.png"))
        assert "could not be written" in window._sentence.text()

    show(check)


def test_newest_is_read_again_only_while_it_is_looked_at(show: Show, qtbot: QtBot) -> None:
    async def check(shown: Shown) -> None:
        number = len(shown.tasks)
        shown.window.on_follow_due()
        assert len(shown.tasks) == number + 1
        await shown.settle()
        await press(qtbot, shown, Key.Key_Left)
        number = len(shown.tasks)
        shown.window.on_follow_due()
        assert len(shown.tasks) == number

    show(check)


def test_every_text_is_translated(show: Show, made_up_language: None) -> None:
    async def check(shown: Shown) -> None:
        for kind in Kind:
            shown.window.tools.choose(kind)
            shown.window.plot.set_cursor(day(4, 12))
            QApplication.processEvents()
            texts = visible_texts(shown.window)
            foreign = ("Shop", *_dates(shown))
            assert [text for text in texts if "⟦" not in text and text not in foreign] == []

    show(check)


def _dates(shown: Shown) -> tuple[str, ...]:
    window = shown.window
    return window._when.text(), window.legend._when.text(), window.rows._share_head.toolTip()


def standing_alone(
    qtbot: QtBot, run_async: RunAsync, store: Any, check: Callable[[HistoryWindow], Awaitable[None]]
) -> None:
    async def main() -> None:
        tasks: list[asyncio.Task[Any]] = []

        def spawn(work: Any, **_: Any) -> asyncio.Task[Any]:
            tasks.append(asyncio.get_running_loop().create_task(work))
            return tasks[-1]

        window = HistoryWindow(store, spawn, lambda: NOW_MS)
        qtbot.addWidget(window)
        window.show()
        window.show_domain(Domain(MonitorId(2), "Shop"))
        await asyncio.gather(*tasks)
        await check(window)
        window.hide()

    run_async(main())


def test_nothing_measured_yet_is_said(qtbot: QtBot, run_async: RunAsync, tmp_path: Path) -> None:
    store = Store.open(tmp_path / "pingmon.db", now_ms=lambda: NOW_MS)

    async def check(window: HistoryWindow) -> None:
        assert window._message.isVisible() and "Nothing was measured yet" in window._message.text()
        assert not any(button.isVisible() for button in window._picture.findChildren(QPushButton))
        await store.close()

    standing_alone(qtbot, run_async, store, check)


class Broken:
    async def kept_since(self) -> None:
        raise StorageError("The database cannot be read.", "Look at the disk.")


def test_what_cannot_be_read_is_said_where_it_would_be(qtbot: QtBot, run_async: RunAsync) -> None:
    async def check(window: HistoryWindow) -> None:
        assert window._message.text() == "The database cannot be read. Look at the disk."

    standing_alone(qtbot, run_async, Broken(), check)
