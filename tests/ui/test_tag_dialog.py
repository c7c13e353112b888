from __future__ import annotations

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.monitor import Monitor
from pingmon_gui.ui.tag_dialog import TagDialog
from tests.engine.fakes import monitor
from tests.ui.made_up import visible_texts

MONITORS = (monitor(10, tags=("prod", "a & b")), monitor(11, tags=("prod",)), monitor(12))


def opened(qtbot: QtBot) -> TagDialog:
    dialog = TagDialog(MONITORS, ["staging"])
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def submitted(dialog: TagDialog) -> list[tuple[Monitor, ...]]:
    heard: list[tuple[Monitor, ...]] = []
    dialog.submitted.connect(heard.append)
    dialog.submit()
    return heard


def test_tag_dialog_adds_and_takes_off_in_one_go(qtbot: QtBot) -> None:
    dialog = opened(qtbot)
    dialog.tags.setText("new, PROD")
    dialog.boxes["a & b"].setChecked(True)
    [changed] = submitted(dialog)
    assert [m.tags for m in changed] == [("prod", "new"), ("prod", "new"), ("new", "PROD")]


def test_tag_dialog_without_a_change_closes_quietly(qtbot: QtBot) -> None:
    dialog = opened(qtbot)
    assert submitted(dialog) == []
    assert not dialog.isVisible()


def test_tag_dialog_with_a_tag_too_long_says_so(qtbot: QtBot) -> None:
    dialog = opened(qtbot)
    dialog.tags.setText("x" * 51)
    assert submitted(dialog) == []
    assert "longer than" in dialog.field.note.sentence


def test_tag_dialog_offers_known_tags(qtbot: QtBot) -> None:
    dialog = opened(qtbot)
    completer = dialog.tags.completer()
    completer.setCompletionPrefix("prod, st")
    assert completer.currentCompletion() == "staging"


def test_tag_dialog_is_translated(qtbot: QtBot, made_up_language: None) -> None:
    assert [text for text in visible_texts(opened(qtbot)) if "⟦" not in text] == []
