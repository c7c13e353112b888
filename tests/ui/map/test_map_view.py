"""The map's pixels, keyboard, hover and movement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.ui.map_land import Frame
from pingmon_gui.ui.map_motion import MapMotion
from pingmon_gui.ui.map_place import Place
from pingmon_gui.ui.map_scene import map_scene
from pingmon_gui.ui.map_view import MapView
from pingmon_gui.ui.theme import DARK, LIGHT, Theme, ThemeSwitch
from tests.ui.contrast import contrast
from tests.ui.map.conftest import OFF, SLOW, Live

SHOP = MonitorId(10)
Show = Callable[..., MapView]


@pytest.fixture
def show(qtbot: QtBot, theme: ThemeSwitch) -> Show:
    """Return a function that shows one domain or all of a board."""

    def made(board: Live, chosen: MonitorId | None = None, **values: Any) -> MapView:
        view = MapView(**values)
        qtbot.addWidget(view)
        view.resize(1200, 700)
        view.set_probes(tuple(health.probe for health in board.board.probes.values()), {})
        view.show_scene(map_scene(board.board, chosen))
        with qtbot.waitExposed(view):
            view.show()
        return view

    return made


def picture(view: QWidget) -> QImage:
    return view.grab().toImage()


def centre_of(view: MapView, probe: int) -> QPointF:
    return next(spot.centre for spot in view.spots if spot.probe == probe)


def has_colour(image: QImage, centre: QPointF, reach: int, colour: str) -> bool:
    """Return whether the very colour is anywhere around a point."""
    wanted = QColor(colour).rgb()
    x, y = round(centre.x()), round(centre.y())
    return any(
        image.pixel(x + dx, y + dy) == wanted for dx in range(-reach, reach + 1) for dy in range(-reach, reach + 1)
    )


def test_land_and_sea_lie_where_they_are(show: Show, live: Callable[..., Live]) -> None:
    view = show(live("shop"), is_wall=True)
    image, frame = picture(view), Frame.fit(QRectF(16, 16, 1200 - 32, 700 - 32))
    for longitude, latitude, is_land in (
        (20, 0, True),  # Congo
        (90, 62, True),  # Siberia
        (-65, -35, True),  # Argentina
        (-140, -5, False),  # the Pacific
        (-35, 20, False),  # the Atlantic
        (50.5, 42, False),  # the Caspian Sea is a hole in the land
    ):
        point = frame.point(Place(longitude, latitude)).toPoint()
        assert (image.pixelColor(point).name() == LIGHT.land) == is_land, (longitude, latitude)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_signs_stand_in_their_colours_at_their_probes(
    show: Show, live: Callable[..., Live], theme: ThemeSwitch, mode: str
) -> None:
    theme.set_mode(mode)
    colours = DARK if mode == "dark" else LIGHT
    made = live("shop")
    made.feed({(3, 10): OFF, (1, 10): SLOW})
    view = show(made, SHOP)
    image = picture(view)
    for probe, colour in ((1, colours.slow), (2, colours.online), (3, colours.offline)):
        assert has_colour(image, centre_of(view, probe), 7, colour), probe
    assert not has_colour(image, centre_of(view, 2), 7, colours.offline)
    target = view.spots[-3].centre
    assert has_colour(image, target, 12, colours.regional)


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_words_on_the_map_can_be_read(colours: Theme) -> None:
    for ground in (colours.sea, colours.sea_light, colours.land):
        for words in (colours.text, colours.muted, colours.offline, colours.slow):
            assert contrast(words, ground) >= 4.5, (words, ground)


def test_a_ring_shows_the_share_that_is_well(show: Show, live: Callable[..., Live]) -> None:
    made = live("shop", "blog")
    made.feed({(3, 10): OFF})
    view = show(made)
    image, asia = picture(view), centre_of(view, 3)
    # From the top clockwise: the good half is on the right.
    assert image.pixelColor((asia + QPointF(19, 0)).toPoint()).name() == LIGHT.online
    assert image.pixelColor((asia + QPointF(-19, 0)).toPoint()).name() == LIGHT.offline
    assert image.pixelColor((centre_of(view, 2) + QPointF(-19, 0)).toPoint()).name() == LIGHT.online


def test_only_what_changed_is_painted_again(show: Show, live: Callable[..., Live], qtbot: QtBot) -> None:
    made = live("shop")
    made.feed()
    view = show(made, SHOP)
    picture(view)
    before = view._parts
    made.feed({(3, 10): OFF})
    view.show_scene(map_scene(made.board, SHOP, ProbeId(2)), is_live=False)
    differs = {(part.key, part.box.getRect()) for part in before} ^ {
        (part.key, part.box.getRect()) for part in view._parts
    }
    assert differs
    assert all("Europe" not in key for key, _box in differs)


def test_keyboard_goes_from_one_to_the_next_and_tells_it(show: Show, live: Callable[..., Live], qtbot: QtBot) -> None:
    made = live("shop")
    made.feed()
    view = show(made, SHOP)
    view.activateWindow()
    view.setFocus()
    told = []
    for _ in view.spots:
        told.append(view.accessibleDescription())
        qtbot.keyClick(view, Qt.Key.Key_Right)
    assert [text.split(":")[0] for text in told[:4]] == ["North America", "This computer", "Europe", "Asia"]
    assert "drag it to its place" in told[1]
    assert "no probe yet" in told[-1]
    assert view.accessibleDescription() == told[0]
    qtbot.keyClick(view, Qt.Key.Key_Left)
    with qtbot.waitSignal(view.probe_asked) as asked:
        qtbot.keyClick(view, Qt.Key.Key_Return)
    assert asked.args == [Region.OC]
    for key, by in ((Qt.Key.Key_Down, 1), (Qt.Key.Key_Up, -1), (Qt.Key.Key_Home, -2), (Qt.Key.Key_End, 2)):
        with qtbot.waitSignal(view.stepped) as stepped:
            qtbot.keyClick(view, key)
        assert stepped.args == [by]


def test_a_probe_can_be_dragged_to_its_place_and_put_back(show: Show, live: Callable[..., Live], qtbot: QtBot) -> None:
    made = live("shop")
    made.feed()
    view = show(made, SHOP)
    begin = centre_of(view, 4).toPoint()
    end = begin + QPoint(200, -120)
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=begin)
    qtbot.mouseMove(view, begin + QPoint(40, -40))
    qtbot.mouseMove(view, end)
    # The board is read meanwhile: what is in hand stays there.
    view.set_probes(view._probes, {})
    with qtbot.waitSignal(view.place_changed) as changed:
        qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=end)
    probe, place = changed.args
    assert probe == 4 and isinstance(place, Place)
    assert (centre_of(view, 4) - QPointF(end)).manhattanLength() < 1
    view.set_probes(view._probes, {ProbeId(4): place})
    view.setFocus()
    while (spot := view.spots[view._focus]).probe != 4:
        qtbot.keyClick(view, Qt.Key.Key_Right)
    assert "You put it there." in spot.sentence
    with qtbot.waitSignal(view.place_changed) as changed:
        qtbot.keyClick(view, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert changed.args[1].latitude == pytest.approx(place.latitude + 2)
    with qtbot.waitSignal(view.place_changed) as changed:
        qtbot.keyClick(view, Qt.Key.Key_Delete)
    assert changed.args == [4, None]


def test_a_click_on_an_empty_region_asks_for_a_probe(show: Show, live: Callable[..., Live], qtbot: QtBot) -> None:
    view = show(live("shop"))
    place = next(spot.centre for spot in view.spots if spot.region is Region.SA).toPoint()
    with qtbot.waitSignal(view.probe_asked) as asked:
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=place)
    assert asked.args == [Region.SA]


def test_a_result_moves_a_dot_and_nothing_moves_where_the_user_wants_rest(
    show: Show, live: Callable[..., Live]
) -> None:
    made = live("shop")
    made.feed()
    view = show(made, SHOP)
    assert not view.motion.is_moving
    made.feed(rounds=1)
    view.show_scene(map_scene(made.board, SHOP))
    assert view.motion.is_moving
    view.motion.clear()
    view.is_animated = False
    made.feed(rounds=1)
    view.show_scene(map_scene(made.board, SHOP))
    assert not view.motion.is_moving


def test_a_slow_answer_is_longer_on_its_way(qtbot: QtBot) -> None:
    now = [100.0]
    motion = MapMotion(clock_s=lambda: now[0])
    boxes: list[QRectF] = []
    motion.moved.connect(boxes.append)
    way = (QPointF(0, 0), QPointF(50, -50), QPointF(100, 0))
    motion.result_came(ProbeId(1), way[0], "#000000", way, 100.0)
    motion.result_came(ProbeId(2), way[0], "#000000", way, 1_000.0)
    motion.result_came(ProbeId(1), way[0], "#000000", way, 100.0)
    assert len(motion._movements) == 2
    now[0] += 0.45
    motion.on_step()
    # Half of its time is over: it is at the domain, the other one is on its way.
    assert motion._movements[0].point.x() == pytest.approx(100)
    assert 0 < motion._movements[1].point.x() < 60
    assert boxes[0].contains(QPointF(0, 0)) and boxes[0].contains(QPointF(100, 0))
    now[0] += 10
    motion.on_step()
    assert not motion.is_moving


def test_probes_of_a_scene_without_a_place_are_left_out(show: Show, live: Callable[..., Live]) -> None:
    """A probe may come between two reads; it is there with the next."""
    made = live("shop")
    view = show(made)
    view.set_probes((), {})
    view.show_scene(map_scene(made.board, None))
    assert all(spot.probe is None for spot in view.spots)
