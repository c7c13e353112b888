from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QPushButton, QSpinBox
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.preference import PREFERENCES, Preferences
from pingmon_gui.ui.preferences_dialog import PreferencesDialog
from tests.ui.made_up import visible_texts


def opened(qtbot: QtBot, **changed: Any) -> PreferencesDialog:
    dialog = PreferencesDialog(Preferences(changed))
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def submitted(dialog: PreferencesDialog) -> list[dict[str, Any]]:
    heard: list[dict[str, Any]] = []
    dialog.submitted.connect(heard.append)
    dialog.submit()
    return heard


def test_preferences_dialog_has_every_preference_with_its_default(qtbot: QtBot) -> None:
    dialog = opened(qtbot)
    assert list(dialog.rows) == [preference.key for preference in PREFERENCES]
    assert all("Default: " in row.field.note.sentence for row in dialog.rows.values())


def test_preferences_dialog_emits_only_what_changed(qtbot: QtBot) -> None:
    dialog = opened(qtbot, theme="dark")
    spin = dialog.rows["keep_raw_days"].field.editor
    assert isinstance(spin, QSpinBox)
    spin.setValue(14)
    assert submitted(dialog) == [{"keep_raw_days": 14}]


def test_preferences_dialog_resets_one_and_all(qtbot: QtBot) -> None:
    dialog = opened(qtbot, theme="dark", keep_raw_days=30)
    button = dialog.rows["theme"].field.reset_button
    assert button is not None
    button.click()
    assert dialog.rows["theme"].read() == "system"
    [everything] = [b for b in dialog.findChildren(QPushButton) if "Reset all" in b.text().replace("&", "")]
    everything.click()
    assert submitted(dialog) == [{"theme": "system", "keep_raw_days": 7}]


def test_preferences_dialog_with_wrong_anchors_says_so_at_the_field(qtbot: QtBot) -> None:
    dialog = opened(qtbot)
    line = dialog.rows["anchors"].field.editor
    assert isinstance(line, QLineEdit)
    line.setText("example.com:53")
    dialog.search.setText("theme")
    assert submitted(dialog) == []
    assert "numeric address" in dialog.rows["anchors"].field.note.sentence
    assert line.isVisible()


def test_preferences_search_shows_what_fits_and_says_when_nothing_does(qtbot: QtBot) -> None:
    dialog = opened(qtbot)
    dialog.search.setText("root name")
    shown = [key for key, row in dialog.rows.items() if row.field.isVisible()]
    assert shown == ["anchors"]
    dialog.search.setText("no such thing")
    assert not any(row.field.isVisible() for row in dialog.rows.values())
    assert dialog._nothing.isVisible()


def test_preferences_dialog_is_translated(qtbot: QtBot, made_up_language: None) -> None:
    ignored = ("198.",)
    texts = visible_texts(opened(qtbot))
    assert [text for text in texts if "⟦" not in text and not text.startswith(ignored)] == []
