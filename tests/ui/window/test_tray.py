"""The tray: its signs, its menu, and where the window is while nobody looks at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QMessageBox, QSystemTrayIcon
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.probe import ProbeState
from pingmon_gui.domain.quiet_hours import next_morning_ms
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.ui import tray_sign
from pingmon_gui.ui.background import Background
from pingmon_gui.ui.main_window import MainWindow
from pingmon_gui.ui.theme import ThemeSwitch
from pingmon_gui.ui.tray import Tray
from pingmon_gui.ui.tray_menu import LINES, status_lines
from pingmon_gui.ui.window_frame import WindowFrame
from tests.ui.contrast import contrast
from tests.ui.made_up import visible_texts
from tests.ui.window.conftest import Bench, MakeBench, numbered

PANELS = ("#ffffff", "#f5f5f5", "#2b2b2b", "#1e1e1e", "#000000")
HOUR_MS = 3_600_000


class Host:
    """A panel that is there or not."""

    def __init__(self, is_there: bool = True) -> None:
        self.is_there = is_there

    def __call__(self) -> bool:
        return self.is_there


@dataclass
class Desk:
    bench: Bench
    host: Host
    tray: Tray
    frame: WindowFrame
    window: MainWindow
    background: Background
    quits: list[bool]

    @property
    def settings(self) -> QSettings:
        return self.window.settings


@pytest.fixture
def desk(
    make_bench: MakeBench, show_window: Callable[[Bench], MainWindow], theme: ThemeSwitch, tmp_path: Path, qtbot: QtBot
) -> Iterator[Callable[..., Desk]]:
    """Return a maker of windows with a tray. `wants_tray` is the preference."""
    desks: list[Desk] = []

    def make(*, is_there: bool = True, wants_tray: bool = True, patience_ms: int = 1_000_000) -> Desk:
        bench = make_bench(numbered(3))
        window = show_window(bench)
        frame = WindowFrame(tmp_path, theme)
        qtbot.addWidget(frame)
        host = Host(is_there)
        tray = Tray(bench.board, lambda: 0, bench.clock.now_ms, host_is_there=host)
        background = Background(frame, window, tray, lambda: wants_tray, patience_ms)
        quits: list[bool] = []
        background.quit_asked.connect(lambda: quits.append(True))
        frame.hold(window)
        desks.append(Desk(bench, host, tray, frame, window, background, quits))
        return desks[-1]

    yield make
    for one in desks:
        one.frame.release()
        if isValid(one.tray):
            one.tray.close()


def test_signs_are_seen_on_light_and_dark_panels_and_differ_by_shape(qapp: object) -> None:
    for verdict, colour in tray_sign.COLOURS.items():
        for panel in PANELS:
            assert contrast(colour, panel) >= 3, (verdict, panel)
    shapes = {
        verdict: tray_sign.pixmap(verdict, 0, 22).toImage().convertToFormat(QImage.Format.Format_Alpha8)
        for verdict in (Verdict.ONLINE, Verdict.SLOW, Verdict.REGIONAL, Verdict.OFFLINE)
    }
    assert len({bytes(image.constBits()) for image in shapes.values()}) == 4


@pytest.mark.parametrize(("count", "few", "many"), [(3, "3", "3"), (12, "9+", "12"), (1_000, "9+", "99+")])
def test_number_is_as_long_as_it_can_be_read(count: int, few: str, many: str, qapp: object) -> None:
    assert (tray_sign.shown_number(count, 16), tray_sign.shown_number(count, 24)) == (few, many)


def test_menu_says_what_is_wrong_the_worst_first_and_counts_the_rest(make_bench: MakeBench) -> None:
    bench = make_bench(numbered(10))
    bench.feed(*((10 + place, Status.ONLINE) for place in range(10)))
    assert [line.text for line in status_lines(bench.board)] == ["No problems with 10 domains."]
    bench.feed((12, Status.SLOW), *((13 + place, Status.OFFLINE) for place in range(7)))
    lines = status_lines(bench.board)
    assert len(lines) == LINES + 1
    assert lines[0].sign is Verdict.OFFLINE and "site 13" in lines[0].text and lines[0].monitor == 13
    assert (lines[-1].text, lines[-1].monitor) == ("2 more domains with a problem", None)


def test_menu_says_which_probe_is_lost(make_bench: MakeBench) -> None:
    bench = make_bench(numbered(1), (Region.EU, Region.NA))

    def lose(count: int) -> None:
        bench.board.set_probes(
            replace(health, state=ProbeState.UNREACHED, votes=False) if place < count else health
            for place, health in enumerate(bench.board.probes.values())
        )

    assert len(status_lines(bench.board)) == 1
    lose(1)
    assert status_lines(bench.board)[-1].text == "Probe probe 1: not reached"
    lose(2)
    assert status_lines(bench.board)[-1].text == "2 probes not reached"


def test_menu_leads_to_domains_pauses_from_now_and_ends_a_pause(make_bench: MakeBench, qapp: object) -> None:
    bench = make_bench(numbered(2, url="https://a&b.example/"))
    paused = [0]
    tray = Tray(bench.board, lambda: paused[0], bench.clock.now_ms, host_is_there=Host())
    menu = tray.menu
    shown: list[object] = []
    pauses: list[int] = []
    menu.domain_asked.connect(shown.append)
    menu.show_asked.connect(lambda: shown.append("window"))
    menu.pause_asked.connect(pauses.append)
    bench.feed((10, Status.OFFLINE), (11, Status.ONLINE))
    menu.refresh()
    visible = [action for action in menu.actions() if action.isVisible() and not action.isSeparator()]
    assert [action.text().replace("&", "") for action in visible[1:]] == [
        "Check all now",
        "Pause all alerts",
        "Show Pingmon",
        "Quit",
    ]
    visible[0].trigger()
    assert shown == [MonitorId(10)]
    bench.clock.advance(5 * 60_000)
    now_ms = bench.clock.now_ms()
    for action in visible[2].menu().actions():
        action.trigger()
    assert pauses == [now_ms + HOUR_MS, now_ms + 4 * HOUR_MS, next_morning_ms(now_ms)]
    paused[0] = now_ms + HOUR_MS
    menu.refresh()
    assert not visible[2].isVisible()
    resume = next(action for action in menu.actions() if "Tell alerts again" in action.text().replace("&", ""))
    assert resume.isVisible()
    resume.trigger()
    assert pauses[-1] == 0
    # Nothing is wrong: the line leads to the window.
    bench.feed((10, Status.ONLINE))
    menu.refresh()
    visible[0].trigger()
    assert shown[1:] == ["window"]
    tray.close()


def test_icon_follows_the_worst_and_says_it_in_words(make_bench: MakeBench, qapp: object) -> None:
    bench = make_bench(numbered(4))
    tray = Tray(bench.board, lambda: 0, bench.clock.now_ms, host_is_there=Host())
    assert tray.icon is not None
    assert tray.said == "Pingmon: nothing known just now"
    bench.feed(*((10 + place, Status.ONLINE) for place in range(4)))
    assert tray.said == "Pingmon: no problems"
    tray.refresh()
    calm = tray.icon.icon().cacheKey()
    bench.feed((10, Status.OFFLINE), (11, Status.SLOW), (12, Status.SLOW))
    tray.refresh()
    assert tray.icon.icon().cacheKey() not in (calm, tray_sign.icon(Verdict.SLOW, 2).cacheKey())
    assert tray.icon.toolTip() == tray.said == "Pingmon: 1 offline, 2 slow"
    tray.close()


def test_tray_that_comes_and_goes_is_followed_but_not_through_a_blink(make_bench: MakeBench, qapp: object) -> None:
    bench, host = make_bench(numbered(1)), Host(False)
    tray = Tray(bench.board, lambda: 0, bench.clock.now_ms, host_is_there=host)
    told: list[str] = []
    tray.came.connect(lambda: told.append("came"))
    tray.gone.connect(lambda: told.append("gone"))
    tray.refresh()
    assert tray.icon is None and not tray.is_there
    for is_there in (True, False, True, False, False, False, True):
        host.is_there = is_there
        tray.look()
    assert told == ["came", "gone", "came"] and tray.is_there
    tray.close()


def test_closing_is_explained_once_and_leaves_the_app_in_the_tray(desk: Callable[..., Desk], qtbot: QtBot) -> None:
    here = desk()
    here.background.begin(minimized=False)

    def answer(text: str) -> None:
        here.background.close()
        box = here.background.question
        assert isinstance(box, QMessageBox)
        here.background.close()
        assert here.background.question is box
        next(button for button in box.buttons() if button.text().replace("&", "") == text).click()
        qtbot.waitUntil(lambda: here.background.question is None)

    answer("Cancel")
    assert here.frame.isVisible() and not here.quits
    answer("Keep watching")
    assert not here.frame.isVisible()
    here.background.toggle()
    assert here.frame.isVisible()
    here.background.close()
    assert not here.frame.isVisible() and here.background.question is None and not here.quits
    here.settings.remove("said_tray")
    here.background.toggle()
    answer("Quit Pingmon")
    assert here.quits == [True]


@pytest.mark.parametrize(("is_there", "wants_tray"), [(False, True), (True, False)])
def test_closing_quits_without_a_tray_or_where_it_is_not_wanted(
    desk: Callable[..., Desk], is_there: bool, wants_tray: bool
) -> None:
    here = desk(is_there=is_there, wants_tray=wants_tray)
    here.background.begin(minimized=False)
    here.background.close()
    assert here.quits == [True] and here.background.question is None


def test_click_toggles_the_window_and_a_double_click_counts_once(desk: Callable[..., Desk], qtbot: QtBot) -> None:
    here = desk()
    here.background.begin(minimized=True)
    assert not here.frame.isVisible()
    here.tray.on_activated(QSystemTrayIcon.ActivationReason.Trigger)
    qtbot.waitUntil(lambda: here.frame.isVisible() and here.frame.is_in_front)
    here.tray.on_activated(QSystemTrayIcon.ActivationReason.DoubleClick)
    here.tray.on_activated(QSystemTrayIcon.ActivationReason.Context)
    assert here.frame.isVisible()
    here.tray.on_activated(QSystemTrayIcon.ActivationReason.Trigger)
    assert not here.frame.isVisible()


def test_window_is_in_the_task_bar_while_the_tray_is_away(desk: Callable[..., Desk]) -> None:
    here = desk()
    here.background.begin(minimized=True)
    here.host.is_there = False
    for _ in range(2):
        here.tray.look()
    assert here.frame.isVisible() and here.frame.isMinimized()
    assert "The tray is gone" in here.window.messages.text
    here.host.is_there = True
    here.tray.look()
    assert not here.frame.isVisible()
    # Who looks at the window keeps it, whatever comes or goes.
    here.background.toggle()
    here.host.is_there = False
    for _ in range(2):
        here.tray.look()
    here.host.is_there = True
    here.tray.look()
    assert here.frame.isVisible() and not here.frame.isMinimized()


def test_start_minimized_before_the_panel_waits_in_the_task_bar(desk: Callable[..., Desk]) -> None:
    here = desk(is_there=False)
    here.background.begin(minimized=True)
    assert here.frame.isMinimized()
    here.host.is_there = True
    here.tray.look()
    assert not here.frame.isVisible()


def test_desktop_without_a_tray_is_told_once(desk: Callable[..., Desk], qtbot: QtBot) -> None:
    here = desk(is_there=False, patience_ms=0)
    here.background.begin(minimized=False)
    qtbot.waitUntil(lambda: "has no tray" in here.window.messages.text)
    here.window.messages.clear()
    here.background.tell_no_tray()
    assert "has no tray" not in here.window.messages.text


def test_window_of_another_life_hears_nothing_more_of_its_tray(desk: Callable[..., Desk], qtbot: QtBot) -> None:
    here = desk(is_there=False)
    here.tray.close()
    qtbot.waitUntil(lambda: not isValid(here.background))


def test_domain_of_the_menu_is_selected_whatever_was_searched_for(desk: Callable[..., Desk]) -> None:
    here = desk()
    here.background.begin(minimized=True)
    here.window.top.search.setText("no domain has this")
    here.window.show_domain(MonitorId(12))
    assert here.frame.isVisible() and here.window.table.selected_ids() == [MonitorId(12)]


def test_every_text_is_translated(desk: Callable[..., Desk], made_up_language: None) -> None:
    here = desk()
    here.bench.feed((10, Status.OFFLINE), (11, Status.SLOW))
    here.tray.menu.refresh()
    here.background.begin(minimized=False)
    here.background.close()
    assert here.background.question is not None
    menus = [here.tray.menu, *(action.menu() for action in here.tray.menu.actions() if action.menu() is not None)]
    texts = [action.text() for menu in menus for action in menu.actions() if action.isVisible() and action.text()]
    texts += [here.tray.said, *visible_texts(here.background.question)]
    assert len(texts) > 12 and [text for text in texts if "⟦" not in text] == []
    here.background.question.close()
