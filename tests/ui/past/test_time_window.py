"""The time machine's window on a past in memory: seeking, playing, keys, words, and that nothing can be changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QDateTime, QPoint, QSettings, Qt
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.history import DAY_MS, HOUR_MS
from pingmon_gui.domain.incident import Incident, IncidentId
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.past import IncidentMark
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.past_frame import Frame, empty_frame
from pingmon_gui.engine.time_machine import TimeMachine
from pingmon_gui.ui import wording
from pingmon_gui.ui.async_slot import Spawner
from pingmon_gui.ui.map_places import OwnPlaces
from pingmon_gui.ui.theme import ThemeSwitch
from pingmon_gui.ui.time_bar import TimeBar
from pingmon_gui.ui.time_walk import TimeWalk
from pingmon_gui.ui.time_window import TimeWindow
from tests.engine.fakes import until
from tests.engine.past import FakePast, Told
from tests.engine.test_time_machine import BEGIN_MS, Lived
from tests.ui.conftest import RunAsync
from tests.ui.made_up import visible_texts
from tests.ui.map.conftest import theme

__all__ = ["theme"]

ON, OFF = Status.ONLINE, Status.OFFLINE
BAD_MS = BEGIN_MS + 40 * 60_000
NOW_MS = BEGIN_MS + 3 * HOUR_MS
EUROPE = REGIONS.index(Region.EU)


def mark(number: int, start_ms: int, end_ms: int | None, kind: Verdict = Verdict.OFFLINE) -> IncidentMark:
    return IncidentMark(IncidentId(number), MonitorId(2), kind, start_ms, end_ms, start_ms + 12_000)


def a_past() -> FakePast:
    """Return three hours in which monitor 2 was offline in Europe for ten minutes."""
    lived = Lived()
    for place in range(3 * 360):
        at_ms = BEGIN_MS + place * 10_000
        is_bad = BAD_MS <= at_ms < BAD_MS + 600_000
        for probe in (1, 2, 3):
            status = OFF if is_bad and probe != 3 else ON
            lived.past.told.append(Told(2, probe, at_ms, 10_000, status, 20.0 * probe))
    lived.past.monitors[MonitorId(2)] = replace(lived.past.monitors[MonitorId(2)], name="shop")
    lived.past.incidents = (
        mark(1, BAD_MS, BAD_MS + 600_000),
        mark(2, BAD_MS + HOUR_MS, BAD_MS + HOUR_MS + 5_000, Verdict.REGIONAL),
    )
    return lived.past


class Incidents:
    """Gives the one incident of the past, and remembers when it was asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def incidents(self, from_ms: int, to_ms: int) -> list[Incident]:
        self.asked.append(from_ms)
        one = Incident(IncidentId(1), MonitorId(2), Verdict.OFFLINE, BAD_MS, BAD_MS + 600_000, BAD_MS, (Region.EU,))
        return [one] if one.start_ms < to_ms and from_ms <= BAD_MS + 600_000 else []


class Bench:
    """The window, and how to wait for it."""

    def __init__(self, past: FakePast, theme: ThemeSwitch, folder: Path) -> None:
        self.errors: list[BaseException] = []
        self.spawner = Spawner(self.errors.append, self.errors.append)
        self.incidents = Incidents()
        settings = QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)
        self.window = TimeWindow(
            TimeMachine(past), self.incidents, OwnPlaces(settings), self.spawner.spawn, lambda: NOW_MS, theme
        )
        self.window.resize(1100, 700)

    async def until(self, holds: Callable[[], bool]) -> None:
        await until(lambda: bool(self.errors) or holds())
        assert not self.errors, self.errors

    async def shown(self, at_ms: int) -> None:
        await self.until(lambda: self.window.board.frame.at_ms == at_ms)


Work = Callable[[Bench], Awaitable[None]]


@pytest.fixture
def on_window(qtbot: QtBot, theme: ThemeSwitch, tmp_path: Path, run_async: RunAsync) -> Callable[..., None]:
    """Return a function that runs a coroutine on a window that shows the end of a past."""

    def run(work: Work, past: FakePast | None = None) -> None:
        async def main() -> None:
            bench = Bench(past or a_past(), theme, tmp_path)
            qtbot.addWidget(bench.window)
            bench.window.show()
            try:
                if past is None:
                    await bench.shown(NOW_MS - 1_000)
                await work(bench)
            finally:
                bench.window.hide()
                await bench.spawner.close()
            assert bench.errors == []

        run_async(main())

    return run


def test_a_moment_shows_dots_cards_and_words_as_they_were(on_window: Callable[..., None]) -> None:
    async def work(bench: Bench) -> None:
        window, board = bench.window, bench.window.board
        assert board.verdict[0] == Verdict.ONLINE and window.now.text() in ("", "No incident")
        window.go_to(BAD_MS + 60_000)
        await bench.shown(BAD_MS + 60_000)
        assert board.state[0, EUROPE] == OFF and board.verdict[0] == Verdict.REGIONAL
        assert window.model.index(window.model.row_of(MonitorId(2)), 0).data() == "regional problem"
        assert "the past" in window.banner.text().lower() and "every result" in window.banner.text()
        assert wording.long_moment(BAD_MS + 60_000) in window.banner.text()
        assert len(window.cards.cards) == 3
        assert window.cards.cards[2].said.figure == "0 of 4"
        await bench.until(lambda: "shop is offline" in window.now.text())
        assert "(1" in window.now.text()
        window.choices.button(1).click()
        assert window.map.scene.headline == "All domains"
        window.picker.choose(MonitorId(2))
        assert window.map.scene.headline == "shop"
        assert all(spot.region is None for spot in window.map.spots)
        window.go_to(BAD_MS - 60_000)
        await bench.shown(BAD_MS - 60_000)
        assert window.map.scene.subline.startswith("answers")

    on_window(work)


def test_incidents_are_gone_through_one_by_one(on_window: Callable[..., None], qtbot: QtBot) -> None:
    first, second = BAD_MS + 12_000, BAD_MS + HOUR_MS + 4_999

    async def work(bench: Bench) -> None:
        window = bench.window
        window.earlier.click()
        await bench.shown(second)
        window.earlier.click()
        await bench.shown(first)
        assert window.board.state[0, EUROPE] == OFF
        window.earlier.click()
        window.later.click()
        await bench.shown(second)
        window.later.click()
        assert window.walk.at_ms == second

    on_window(work)


def test_keys_move_the_moment(on_window: Callable[..., None], qtbot: QtBot) -> None:
    async def work(bench: Bench) -> None:
        bar, end_ms = bench.window.bar, NOW_MS - 1_000
        first_ms = BEGIN_MS
        for key, modifier, at_ms in (
            (Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier, end_ms - 60_000),
            (Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier, end_ms - 660_000),
            (Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier, end_ms - 600_000),
            (Qt.Key.Key_PageDown, Qt.KeyboardModifier.NoModifier, end_ms - 600_000 - HOUR_MS),
            (Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier, first_ms),
            (Qt.Key.Key_End, Qt.KeyboardModifier.NoModifier, end_ms),
            (Qt.Key.Key_Home, Qt.KeyboardModifier.NoModifier, first_ms),
        ):
            qtbot.keyClick(bar, key, modifier)
            await bench.shown(at_ms)
            assert bar.at_ms == at_ms
            assert bench.window.when.dateTime().toMSecsSinceEpoch() == at_ms

    on_window(work)


def test_a_typed_date_is_gone_to_and_kept_within_the_past(on_window: Callable[..., None]) -> None:
    async def work(bench: Bench) -> None:
        window = bench.window
        window.when.setDateTime(QDateTime.fromMSecsSinceEpoch(BAD_MS))
        await bench.shown(BAD_MS)
        assert window.bar.at_ms == BAD_MS
        window.when.setDateTime(QDateTime.fromMSecsSinceEpoch(NOW_MS + DAY_MS))
        await bench.shown(NOW_MS - 1_000)

    on_window(work)


def test_it_plays_on_to_the_end_and_pauses_where_it_is_touched(on_window: Callable[..., None], qtbot: QtBot) -> None:
    async def work(bench: Bench) -> None:
        window = bench.window
        window.go_to(NOW_MS - HOUR_MS)
        window.speed.setCurrentIndex(window.speed.count() - 1)
        window.play.click()
        assert window.walk.is_playing and window.play.accessibleName().startswith("Pause")
        await bench.until(lambda: not window.walk.is_playing)
        await bench.shown(NOW_MS - 1_000)
        window.play.click()
        assert window.walk.is_playing and window.walk.at_ms < NOW_MS - HOUR_MS
        place = QPoint(round(window.bar.x_of(BAD_MS)), 15)
        qtbot.mouseClick(window.bar, Qt.MouseButton.LeftButton, pos=place)
        assert not window.walk.is_playing
        await bench.until(lambda: abs(window.board.frame.at_ms - BAD_MS) < 60_000)

    on_window(work)


def test_back_to_now_and_escape_end_everything(on_window: Callable[..., None], qtbot: QtBot) -> None:
    async def work(bench: Bench) -> None:
        window = bench.window
        window.play.click()
        window.back.click()
        assert not window.isVisible() and not window.walk.is_playing
        window.show()
        await bench.until(lambda: window.board.frame.at_ms == window.walk.at_ms)
        qtbot.keyClick(window, Qt.Key.Key_Escape)
        assert not window.isVisible()

    on_window(work)


def test_without_a_past_it_says_so(on_window: Callable[..., None]) -> None:
    async def work(bench: Bench) -> None:
        window = bench.window
        await bench.until(lambda: not window.bar.isEnabled())
        assert window.pages.currentWidget() is window.nothing
        assert "no past yet" in window.nothing.text()

    on_window(work, FakePast())


def test_every_text_is_translated(on_window: Callable[..., None], made_up_language: None) -> None:
    async def work(bench: Bench) -> None:
        window = bench.window
        await bench.until(lambda: window.now.text() != "")
        assert [text for text in visible_texts(window) if "⟦" not in text] == []

    on_window(work)


def test_nothing_in_it_changes_anything(on_window: Callable[..., None]) -> None:
    """It was never given the commands: neither a menu nor a key of it can reach them."""

    async def work(bench: Bench) -> None:
        assert bench.window.actions() == []
        assert bench.window.table.actions() == []

    on_window(work)


class SlowFrames:
    """Frames that come when they are let go."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.ahead: list[int] = []
        self.gate = asyncio.Event()

    async def quick_frame(self, at_ms: int) -> Frame:
        self.asked.append(at_ms)
        await self.gate.wait()
        return replace(empty_frame(), at_ms=at_ms, exact_ms=300_000)

    async def frame(self, at_ms: int) -> Frame:
        return replace(empty_frame(), at_ms=at_ms)

    def exact_ms(self, _at_ms: int) -> int:
        return 0

    async def prefetch(self, at_ms: int) -> None:
        self.ahead.append(at_ms)


def test_nothing_is_asked_for_before_it_is_known_how_far_the_past_reaches(run_async: RunAsync) -> None:
    async def main() -> None:
        frames = SlowFrames()
        spawner = Spawner(lambda error: None, lambda error: None)
        walk = TimeWalk(frames, spawner.spawn)
        walk.seek(NOW_MS)
        await asyncio.sleep(0)
        assert walk.at_ms == 0 and not frames.asked
        walk.set_range(0, NOW_MS)
        walk.seek(NOW_MS)
        await asyncio.sleep(0)
        assert frames.asked == [NOW_MS]
        walk.stop()
        await spawner.close()

    run_async(main())


def test_what_was_asked_last_is_shown_next_and_then_its_neighbours_are_read(run_async: RunAsync) -> None:
    async def main() -> None:
        frames = SlowFrames()
        spawner = Spawner(lambda error: None, lambda error: None)
        walk = TimeWalk(frames, spawner.spawn)
        walk.set_range(0, 100 * HOUR_MS)
        shown: list[Any] = []
        walk.arrived.connect(shown.append)
        for hour in (50, 49, 48, 47):
            walk.seek(hour * HOUR_MS)
            await asyncio.sleep(0)
        frames.gate.set()
        await until(lambda: len(frames.ahead) == 3)
        assert [at_ms // HOUR_MS for at_ms in frames.asked] == [50, 47]
        assert [(frame.at_ms // HOUR_MS, frame.exact_ms) for frame in shown] == [(50, 300_000), (47, 300_000), (47, 0)]
        assert [at_ms // HOUR_MS for at_ms in frames.ahead] == [46, 48, 45]
        walk.stop()
        await spawner.close()

    run_async(main())


def test_the_line_shows_a_part_and_follows_the_moment(qtbot: QtBot, theme: ThemeSwitch) -> None:
    past = a_past()
    bar = TimeBar()
    qtbot.addWidget(bar)
    bar.resize(800, 60)

    async def main() -> None:
        setup = await past.past_setup()
        assert setup is not None
        bar.set_past(setup, NOW_MS + 30 * DAY_MS)

    asyncio.run(main())
    bar.setValue(NOW_MS // 1_000)
    bar.show_span(DAY_MS)
    left, right = bar.seen()
    assert right - left == DAY_MS and left <= NOW_MS <= right
    bar.setValue(NOW_MS // 1_000 + 40 * 3_600)
    left, right = bar.seen()
    assert left <= bar.at_ms <= right
    assert bar.moment_at(bar.x_of(bar.at_ms)) == pytest.approx(bar.at_ms, abs=2_000)
    bar.show_span(None)
    assert bar.seen() == (bar.minimum() * 1_000, bar.maximum() * 1_000)
    bar.show_span(3 * HOUR_MS)
    bar.setValue(BEGIN_MS // 1_000)
    image = bar.grab().toImage()
    colour = image.pixelColor(round(bar.x_of(BAD_MS + 300_000)), 16).name()
    assert colour == "#c62828"
