from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QSpinBox
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.preference import PREFERENCES, Preferences
from pingmon_gui.domain.size_forecast import Load, SizeParts
from pingmon_gui.ui.preferences_dialog import PreferencesDialog
from pingmon_gui.ui.size_panel import SizePanel, Usage
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
    dialog.search.setText("prometheus")
    shown = [key for key, row in dialog.rows.items() if row.field.isVisible()]
    assert shown == ["metrics_access", "metrics_port"]
    dialog.search.setText("no such thing")
    assert not any(row.field.isVisible() for row in dialog.rows.values())
    assert dialog._nothing.isVisible()


def test_preferences_dialog_is_translated(qtbot: QtBot, made_up_language: None) -> None:
    ignored = ("198.",)
    texts = visible_texts(opened(qtbot))
    assert [text for text in texts if "⟦" not in text and not text.startswith(ignored)] == []


USAGE = Usage(SizeParts(400_000_000, 130_000_000, 370_000_000, 20_000_000, 2_000_000), 0, (Load(500, 10_000),), 100, 5)


def texts(panel: SizePanel) -> list[str]:
    return [label.text() for label in panel.findChildren(QLabel)]


def test_size_is_told_and_its_forecast_follows_every_edit(qtbot: QtBot) -> None:
    dialog = opened(qtbot)
    assert not dialog.size_panel.isVisible()
    dialog.show_usage(USAGE)
    panel = dialog.size_panel
    assert panel.isVisible()
    assert "922 MB" in texts(panel)
    assert "With 100 domains from 5 regions, 50 results a second, this grows to about" in panel.sentence.sentence
    assert panel.sentence.sentence.endswith("it stays about there.")
    before = texts(panel)
    dialog.rows["keep_raw_days"].write(30)
    after = texts(panel)
    assert after != before and "922 MB" in after
    assert panel.warning.sentence == ""
    dialog.rows["size_cap_mb"].write(1000)
    assert "every result is then kept for about 9 days instead of 30 days" in panel.warning.sentence
    assert panel.warning.is_error
    dialog.rows["size_cap_mb"].write(50)
    assert "no result would be kept" in panel.warning.sentence
    dialog.rows["size_cap_mb"].write(5000)
    dialog.rows["keep_hour_days"].write(4000)
    assert "grows on by about" in panel.sentence.sentence


def test_size_is_hidden_with_the_settings_that_it_is_about(qtbot: QtBot) -> None:
    dialog = opened(qtbot)
    dialog.show_usage(USAGE)
    dialog.search.setText("colours")
    assert not dialog.size_panel.isVisible()
    dialog.search.setText("largest")
    assert dialog.size_panel.isVisible()


def test_size_of_nothing_measured_stays(qtbot: QtBot) -> None:
    dialog = opened(qtbot)
    dialog.show_usage(Usage(SizeParts(other_bytes=200_000), None, (), 0, 1))
    assert "Nothing is measured" in dialog.size_panel.sentence.sentence


def test_size_panel_is_translated(qtbot: QtBot, made_up_language: None) -> None:
    dialog = opened(qtbot)
    dialog.show_usage(USAGE)
    assert [text for text in visible_texts(dialog.size_panel) if "⟦" not in text and not text[0].isdigit()] == []
