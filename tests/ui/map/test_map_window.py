"""Map window and kiosk on the real main window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSettings, QSize, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.incident import Incident, IncidentId, open_at
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.event import RaiseWindow
from pingmon_gui.ui import wording
from pingmon_gui.ui.incident_table import now_sentence
from pingmon_gui.ui.kiosk import Kiosk, tour
from pingmon_gui.ui.map_place import Place
from pingmon_gui.ui.map_places import OwnPlaces
from pingmon_gui.ui.map_window import MapWindow
from pingmon_gui.ui.problem_list import problem_lines
from pingmon_gui.ui.screen_awake import ScreenAwake
from pingmon_gui.ui.theme import ThemeSwitch
from tests.engine.fakes import START_MS, until
from tests.ui.conftest import RunAsync
from tests.ui.made_up import visible_texts
from tests.ui.map.conftest import OFF, SLOW, Live
from tests.ui.window.conftest import Bench, MakeBench, make_bench, numbered, show_window

__all__ = ["make_bench", "show_window"]

FULL_HD = QSize(1920, 1080)
SHOP, BLOG = MonitorId(10), MonitorId(11)


def titles(monitor: MonitorId) -> str:
    return f"site {monitor}"


def incident(number: int, start_ms: int, end_ms: int | None = None, **values: Any) -> Incident:
    one = Incident(IncidentId(number), MonitorId(number), Verdict.OFFLINE, start_ms, end_ms, start_ms, (Region.EU,))
    return replace(one, **values)


@pytest.fixture
def settings(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def show_map(qtbot: QtBot, theme: ThemeSwitch, settings: QSettings) -> Callable[[Live], MapWindow]:
    def show(live: Live) -> MapWindow:
        window = MapWindow(live.board, OwnPlaces(settings), titles, live.clock.now_ms, theme)
        qtbot.addWidget(window)
        with qtbot.waitExposed(window):
            window.show()
        return window

    return show


def test_list_and_keyboard_choose_the_domain_of_the_map(
    show_map: Callable[[Live], MapWindow], live: Callable[..., Live], qtbot: QtBot
) -> None:
    made = live("alpha", "beta", "gamma")
    made.feed({(probe, 12): OFF for probe in (1, 2, 3)})
    window = show_map(made)
    assert window.view.scene.headline == "All domains"
    assert not window.picker.everything.isEnabled()
    window.view.setFocus()
    qtbot.keyClick(window.view, Qt.Key.Key_Down)
    assert window.view.scene.headline == "gamma"  # what is wrong comes first
    qtbot.keyClick(window.view, Qt.Key.Key_End)
    assert window.view.scene.headline == "beta"
    qtbot.mouseClick(window.picker.everything, Qt.MouseButton.LeftButton)
    assert window.view.scene.headline == "All domains"
    window.picker.search.setText("alp")
    qtbot.keyClick(window.picker.search, Qt.Key.Key_Return)
    assert window.view.scene.headline == "alpha"
    made.board.remove_monitors([SHOP])
    window.source.refresh()
    assert window.view.scene.headline == "All domains"


def test_what_gets_worse_moves_to_the_top_of_the_list(
    show_map: Callable[[Live], MapWindow], live: Callable[..., Live]
) -> None:
    made = live("alpha", "beta")
    made.feed()
    window = show_map(made)
    window.apply(made.board.take_changes())
    window.picker.choose(SHOP)
    assert window.picker.model.monitor_at(0) == SHOP
    made.feed({(probe, 11): OFF for probe in (1, 2, 3)})
    window.apply(made.board.take_changes())
    assert window.picker.model.monitor_at(0) == BLOG
    assert window.source.chosen == SHOP


def test_what_lasts_is_a_sentence_below_the_map(
    show_map: Callable[[Live], MapWindow], live: Callable[..., Live]
) -> None:
    made = live("alpha")
    window = show_map(made)
    assert window.now.text() == "No incident"
    made.clock.advance(600_000)
    window.show_incidents([incident(n, START_MS + n * 60_000) for n in range(4)])
    since = wording.time_of_day(START_MS + 180_000)
    assert window.now.text().startswith(f"site 3 is offline, since {since} (7")
    assert window.now.text().endswith("2 more")


def test_incidents_of_another_day_have_their_date() -> None:
    told = now_sentence([incident(1, START_MS - 3 * 86_400_000)], titles, START_MS)
    assert wording.date(START_MS - 3 * 86_400_000) in told


def test_incidents_of_a_moment_are_those_that_lasted_then() -> None:
    over, later = incident(1, START_MS, START_MS + 1_000), incident(2, START_MS + 5_000)
    gone = incident(3, START_MS, is_withdrawn=True)
    assert open_at([over, later, gone], START_MS + 999) == [replace(over, end_ms=None)]
    assert open_at([over, later, gone], START_MS + 1_000) == []
    assert open_at([over, later, gone], START_MS + 5_000) == [later]


def test_places_outlive_the_window_and_bad_ones_are_left_out(settings: QSettings) -> None:
    own = OwnPlaces(settings)
    own.put(ProbeId(4), Place(2.5, 48.5))
    own.put(ProbeId(5), Place(1, 1))
    own.put(ProbeId(5), None)
    assert OwnPlaces(settings).places == {ProbeId(4): Place(2.5, 48.5)}
    for text in ("[]", "{", '{"x": [1, 2]}', '{"1": 3}', '{"1": ["a", 1]}'):
        settings.setValue("map_places", text)
        assert OwnPlaces(settings).places == {}


def test_every_text_of_the_map_is_translated(
    show_map: Callable[[Live], MapWindow], live: Callable[..., Live], made_up_language: None
) -> None:
    made = live("⟦shop⟧", "⟦blog⟧")
    made.feed({(3, 10): OFF})
    window = show_map(made)
    for chosen in (None, SHOP, BLOG):
        window.source.choose(chosen)
        scene = window.view.scene
        texts = [scene.headline, scene.subline, scene.legend, *(mark.name + mark.value for mark in scene.marks)]
        texts += [spot.sentence for spot in window.view.spots]
        untranslated = [text for text in texts if any(map(str.isalpha, text)) and "⟦" not in text]
        assert untranslated == []
    assert [text for text in visible_texts(window) if "⟦" not in text] == []


# The kiosk


@pytest.fixture
def kiosk(qtbot: QtBot, theme: ThemeSwitch, settings: QSettings) -> Callable[..., Kiosk]:
    def made(live: Live, size: QSize = FULL_HD) -> Kiosk:
        window = Kiosk(live.board, OwnPlaces(settings), theme, live.clock.now_ms, size)
        qtbot.addWidget(window, before_close_func=lambda one: one.leave())
        return window

    return made


def test_kiosk_goes_round_the_problems_or_what_is_well(kiosk: Callable[..., Kiosk], live: Callable[..., Live]) -> None:
    made = live("alpha", "beta", "gamma")
    made.feed({(probe, 12): OFF for probe in (1, 2, 3)} | {(1, 11): OFF})
    assert tour(made.board) == [None, MonitorId(12), BLOG]
    window = kiosk(made)
    window.begin(None)
    shown = []
    for _ in range(4):
        shown.append(window.view.scene.headline)
        window.on_turn()
    assert shown == ["All domains", "gamma", "beta", "All domains"]
    made.feed()
    assert tour(made.board) == [None, SHOP, BLOG, MonitorId(12)]
    window.source.refresh()
    assert window.problems.texts == ("No problems with 3 domains.",)


def test_kiosk_stays_with_a_chosen_domain(kiosk: Callable[..., Kiosk], live: Callable[..., Live]) -> None:
    made = live("alpha", "beta")
    made.feed()
    window = kiosk(made)
    window.begin(BLOG)
    window.on_turn()
    assert window.view.scene.headline == "beta"
    made.board.remove_monitors([BLOG])
    window.on_turn()
    assert window.view.scene.headline != "beta"


def test_problems_come_a_page_at_a_time(live: Callable[..., Live]) -> None:
    made = live(*(f"site {n}" for n in range(5)))
    made.feed({(probe, 10 + n): SLOW for probe in (1, 2, 3, 4) for n in range(5)}, rounds=3)
    lines, beside = problem_lines(made.board, MonitorId(13))
    assert [is_shown for _sign, _text, is_shown in lines] == [True, False] and beside == "4–5 of 5"
    lines, beside = problem_lines(made.board, None)
    assert len(lines) == 3 and beside == "1–3 of 5"


def test_nothing_known_is_not_called_well(live: Callable[..., Live]) -> None:
    assert problem_lines(live().board, None)[0] == [(Verdict.UNKNOWN, "Nothing is watched.", False)]
    assert problem_lines(live("alpha").board, None)[0] == [(Verdict.UNKNOWN, "Nothing is known just now.", False)]


@pytest.mark.parametrize("size", [QSize(1920, 1080), QSize(3840, 2160)])
def test_letters_of_the_kiosk_are_large_enough_for_three_metres(
    kiosk: Callable[..., Kiosk], live: Callable[..., Live], size: QSize
) -> None:
    """On a screen 60 cm high a letter of 1/60 of it is 1 cm: read from 3 m with ease (ISO 9241-303: 20 to 22')."""
    window = kiosk(live("alpha"), size)
    letters = window.view.fontMetrics().height() * window.view.zoom
    assert letters >= size.height() / 60


def test_escape_leaves_the_kiosk_and_the_pointer_is_hidden(
    kiosk: Callable[..., Kiosk], live: Callable[..., Live], qtbot: QtBot
) -> None:
    window = kiosk(live("alpha"))
    window.begin(None)
    assert window.isFullScreen()
    assert window.cursor().shape() is Qt.CursorShape.BlankCursor
    with qtbot.waitSignal(window.left):
        qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert not window.isVisible()


def test_without_a_session_bus_the_screen_is_left_alone(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
    awake = ScreenAwake()
    awake.hold("a test")
    assert not awake.is_granted and "may go dark" in caplog.text
    awake.release()


def test_every_text_of_the_kiosk_is_translated(
    kiosk: Callable[..., Kiosk], live: Callable[..., Live], made_up_language: None
) -> None:
    made = live("⟦shop⟧")
    made.feed({(1, 10): OFF})
    window = kiosk(made)
    window.begin(None)
    assert [text for text in (*window.problems.texts, window.windowTitle()) if "⟦" not in text] == []


# From the main window


def test_main_window_shows_map_and_kiosk_and_closes_both(
    make_bench: MakeBench, show_window: Callable[[Bench], Any], run_async: RunAsync, qtbot: QtBot
) -> None:
    bench = make_bench(numbered(2))
    open_ones = [incident(10, START_MS)]

    async def asked() -> list[Incident]:
        return open_ones

    bench.store.open_incidents = asked  # type: ignore[method-assign]

    async def main() -> None:
        window = show_window(bench)
        window.bridge.start()
        window.actions_.map.trigger()
        found = window.maps.map
        await until(lambda: "site 10" in found.now.text())
        assert found.now.text().startswith("site 10 is offline")
        found.choose(SHOP)
        found.on_kiosk()
        assert window.maps.kiosk.view.scene.headline == "site 10"
        window.actions_.kiosk.trigger()
        assert window.maps.kiosk is None
        bench.hub.publish(RaiseWindow(is_kiosk=True))
        assert window.maps.kiosk.view.scene.headline == "All domains"
        changed = await bench.commands.change_preferences({"animate": False})
        assert not changed.flag("animate")
        assert not window.maps.kiosk.view.is_animated and not found.view.is_animated
        await window.stop()
        assert window.maps.kiosk is None and not found.isVisible()

    run_async(main())
    assert [one for one in QApplication.topLevelWidgets() if isinstance(one, Kiosk) and one.isVisible()] == []
