"""Colours can be read, shapes differ, and the switch follows the preference."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QIcon, QPalette
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QLineEdit, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.ui import status_shape
from pingmon_gui.ui import theme as theme_colours
from pingmon_gui.ui.theme import DARK, LIGHT, Theme, ThemeSwitch
from tests.ui.contrast import contrast

GROUNDS = ("window", "base", "raised", "selection", "hover")


@pytest.mark.parametrize("look", [LIGHT, DARK], ids=["light", "dark"])
def test_text_has_contrast_on_everything_it_stands_on(look: Theme) -> None:
    pairs = [(name, ground) for name in ("text", "muted") for ground in (*GROUNDS, "pill", "offline_tint", "slow_tint")]
    pairs += [
        (name, ground)
        for name in ("online", "slow", "offline", "regional", "unknown")
        for ground in ("base", "raised", "selection", "hover")
    ]
    pairs += [
        ("offline", "offline_tint"),
        ("slow", "slow_tint"),
        ("on_accent", "accent"),
        ("on_accent", "accent_hover"),
    ]
    poor = {
        pair: round(contrast(getattr(look, pair[0]), getattr(look, pair[1])), 2)
        for pair in pairs
        if contrast(getattr(look, pair[0]), getattr(look, pair[1])) < 4.5
    }
    assert not poor


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_outline_of_fields_and_boxes_can_be_seen(mode: str, theme: ThemeSwitch, qtbot: QtBot) -> None:
    theme.set_mode(mode)
    for widget in (QLineEdit(), QSpinBox(), QComboBox(), QCheckBox("box")):
        window = QWidget()
        qtbot.addWidget(window)
        widget.setParent(window)
        widget.move(10, 10)
        with qtbot.waitExposed(window):
            window.show()
        picture = window.grab().toImage()
        middle = 10 + widget.height() // 2
        seen = {picture.pixelColor(x, middle).name() for x in range(8, 20)}
        ground = theme_colours.current().window
        assert max(contrast(colour, ground) for colour in seen) >= 2.7, (type(widget).__name__, seen)


def test_contrast_knows_the_extremes() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#777777") == pytest.approx(1)


def test_every_verdict_has_its_own_shape(qapp: QApplication) -> None:
    pictures = [status_shape.pixmap(int(verdict), "#000000", "#ffffff", False, 1.0).toImage() for verdict in Verdict]
    silhouettes = {
        tuple(
            image.pixelColor(x, y).alpha() > 127 and image.pixelColor(x, y).lightness() < 127
            for y in range(image.height())
            for x in range(image.width())
        )
        for image in pictures
    }
    assert len(silhouettes) == len(Verdict)


def test_checking_ring_changes_the_sign(qapp: QApplication) -> None:
    plain = status_shape.pixmap(0, "#000000", "#ffffff", False, 1.0).toImage()
    assert status_shape.pixmap(0, "#000000", "#ffffff", True, 1.0).toImage() != plain


def test_sign_is_sharp_on_dense_screens(qapp: QApplication) -> None:
    picture = status_shape.pixmap(0, "#000000", "#ffffff", False, 2.0)
    assert picture.width() == 2 * status_shape.SIZE
    assert picture.deviceIndependentSize().width() == status_shape.SIZE


def test_sign_keeps_its_colour_in_a_selected_row(qapp: QApplication) -> None:
    icon = status_shape.icon(int(Verdict.OFFLINE))
    size = QSize(status_shape.SIZE, status_shape.SIZE)
    plain, chosen = (icon.pixmap(size, mode).toImage() for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected))
    assert plain == chosen


def test_switch_changes_the_application(qapp: QApplication) -> None:
    switch = ThemeSwitch()
    heard: list[bool] = []
    switch.changed.connect(lambda: heard.append(theme_colours.current().is_dark))
    switch.set_mode("dark")
    assert qapp.palette().color(QPalette.ColorRole.Window).name() == DARK.window
    switch.set_mode("light")
    assert qapp.palette().color(QPalette.ColorRole.Window).name() == LIGHT.window
    assert heard[0] is True
    assert heard[-1] is False
    switch.set_mode("system")
