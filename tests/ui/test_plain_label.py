from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

import pingmon_gui.ui
from pingmon_gui.ui.plain_label import PlainLabel, caption

TOKEN = "e" * 300
#: As many letters have room, and three times as wide they have not.
_ROOMY = 18
UI = Path(pingmon_gui.ui.__file__).parent
#: Which argument of a call is the text.
_TOOL_TIPS = {"setToolTip": 0, "showText": 1}
#: Labels that are a spot of colour or a drawn sign.
_WITHOUT_TEXT = (("history_legend.py", "key"), ("region_section.py", "key"), ("step_list.py", "sign"))
#: The tray's tool tip is the desktop's; it counts domains and names none.
_SHOWN_BY_THE_DESKTOP = ("tray.py",)


def shown(label: QLabel) -> str:
    return QLabel.text(label)


@pytest.mark.parametrize("text", ["&To", "&Template", "W&AVAT", "Name"])
def test_caption_has_room_for_its_letters_drawn_one_by_one(qtbot: QtBot, text: str) -> None:
    field = QWidget()
    qtbot.addWidget(field)
    label = caption(text, field, field)
    before, _sign, after = text.partition("&")
    drawn = (before, after[:1], after[1:])
    assert label.minimumSizeHint().width() >= sum(map(label.fontMetrics().horizontalAdvance, drawn))


@pytest.fixture
def label(qtbot: QtBot) -> Iterator[PlainLabel]:
    """A label above a button, in a window of 300 pixels."""
    window = QWidget()
    qtbot.addWidget(window)
    label = PlainLabel(window)
    column = QVBoxLayout(window)
    column.addWidget(label)
    column.addWidget(QPushButton("Copy", window))
    column.addStretch(1)
    window.resize(300, 400)
    window.show()
    QApplication.processEvents()
    yield label
    window.close()


def test_plain_label_shortens_the_word_that_has_no_room_and_nothing_else(label: PlainLabel) -> None:
    text = f"redirected to https://shop.example/a/path/that/can/be/wrapped/well?token={TOKEN} 🙂 by <b>mistake</b>"
    label.setText(text)
    QApplication.processEvents()
    assert label.text() == text
    assert label.window().width() == 300
    assert TOKEN not in shown(label)
    assert shown(label).startswith("redirected to https://shop.example/a/path/that/can/be/wrapped/well?")
    assert shown(label).endswith(" 🙂 by <b>mistake</b>")
    assert "…" in shown(label)
    assert "&lt;b&gt;" in label.toolTip()
    assert TOKEN in label.toolTip()


def test_plain_label_shows_the_whole_word_once_there_is_room(label: PlainLabel) -> None:
    label.setText(TOKEN)
    window = label.window()
    for width, is_whole in ((300, False), (6000, True), (400, False)):
        window.resize(width, 400)
        QApplication.processEvents()
        assert window.width() == width
        assert (shown(label) == TOKEN) is is_whole
        assert bool(label.toolTip()) is not is_whole


def test_plain_label_is_fitted_when_it_is_shown_again(label: PlainLabel) -> None:
    label.setText("short")
    QApplication.processEvents()
    label.hide()
    label.setText(f"🙂{TOKEN}🙂")
    label.show()
    QApplication.processEvents()
    assert shown(label).startswith("🙂e")
    assert shown(label).endswith("e🙂")
    assert "…" in shown(label)


def test_plain_label_follows_its_font(label: PlainLabel) -> None:
    label.setText("a" * _ROOMY)
    QApplication.processEvents()
    assert shown(label) == label.text()
    font = label.font()
    font.setPointSizeF(3 * font.pointSizeF())
    label.setFont(font)
    QApplication.processEvents()
    assert "…" in shown(label)


def test_plain_label_leaves_the_tool_tip_of_others(label: PlainLabel) -> None:
    label.setToolTip("measured by two probes")
    label.setText("42 ms")
    label.setText("43 ms")
    assert label.toolTip() == "measured by two probes"


def test_tool_tips_are_made_of_own_words_or_go_through_tool_tip() -> None:
    """What Qt takes for markup in a tool tip, it renders; so whatever is not a literal of ours is made harmless."""
    bad = []
    for path in sorted(UI.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in _TOOL_TIPS:
                text = call.args[_TOOL_TIPS[call.func.attr]]
                if not _is_harmless(text) and path.name not in _SHOWN_BY_THE_DESKTOP:
                    bad.append(f"{path.name}:{call.lineno}: {ast.unparse(text)}")
    assert bad == []


def test_labels_and_message_boxes_take_no_text_for_markup() -> None:
    """Each has its format set, by its name or in a loop over names, unless it shows a picture."""
    bad = []
    for path in sorted(UI.rglob("*.py")):
        tree = ast.parse(path.read_text())
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
        formed = {ast.unparse(call.func.value) for call in calls if call.func.attr in ("setTextFormat", "setPixmap")}
        for loop in (node for node in ast.walk(tree) if isinstance(node, ast.For)):
            if {ast.unparse(name) for name in ast.walk(loop.target) if isinstance(name, ast.Name)} & formed:
                formed |= {
                    ast.unparse(name) for name in ast.walk(loop.iter) if isinstance(name, ast.Name | ast.Attribute)
                }
        for made in ast.walk(tree):
            if isinstance(made, ast.Call) and ast.unparse(made.func) in ("QLabel", "QMessageBox"):
                name = _name_of(made, tree)
                if name not in formed and (path.name, name) not in _WITHOUT_TEXT:
                    bad.append(f"{path.name}:{made.lineno}: {name or ast.unparse(made)}")
    assert bad == []


def _name_of(made: ast.Call, tree: ast.Module) -> str | None:
    """Return what a new object is bound to; None if to nothing."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            target = node.targets[-1]
            if node.value is made:
                return ast.unparse(target)
            if isinstance(node.value, ast.Tuple) and made in node.value.elts and isinstance(target, ast.Tuple):
                return ast.unparse(target.elts[node.value.elts.index(made)])
    return None


def _is_harmless(text: ast.expr) -> bool:
    if isinstance(text, ast.IfExp):
        return _is_harmless(text.body) and _is_harmless(text.orelse)
    if isinstance(text, ast.Call) and isinstance(text.func, ast.Attribute):
        is_literal = all(isinstance(argument, ast.Constant) for argument in text.args)
        return text.func.attr in ("tool_tip", "toolTip") or (text.func.attr == "tr" and is_literal)
    return isinstance(text, ast.Constant)
