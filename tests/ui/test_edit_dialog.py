from __future__ import annotations

from dataclasses import replace

import pytest
from pingmon_probe.protocol import METHODS
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QLineEdit, QSpinBox
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.monitor import Monitor
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.ui.edit_dialog import EditDialog
from tests.engine.fakes import monitor
from tests.ui.made_up import visible_texts

ONE = monitor(10, name="shop", tags=("prod",), interval_ms=20_000)
OTHER = monitor(11, interval_ms=60_000)


def opened(qtbot: QtBot, *monitors: Monitor) -> EditDialog:
    urls = [ONE.url, OTHER.url]
    dialog = EditDialog(monitors, urls, Preferences({}), ["prod"])
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def submitted(dialog: EditDialog) -> list[tuple[Monitor, ...]]:
    heard: list[tuple[Monitor, ...]] = []
    dialog.submitted.connect(heard.append)
    dialog.submit()
    return heard


def interval(dialog: EditDialog) -> QSpinBox:
    editor = dialog.form.rows["interval_ms"].field.editor
    assert isinstance(editor, QSpinBox)
    return editor


def test_edit_dialog_without_a_change_closes_quietly(qtbot: QtBot) -> None:
    dialog = opened(qtbot, ONE)
    assert submitted(dialog) == []
    assert not dialog.isVisible()


def test_edit_dialog_changes_one_setting_and_nothing_else(qtbot: QtBot) -> None:
    dialog = opened(qtbot, ONE)
    interval(dialog).setValue(45)
    [[changed]] = submitted(dialog)
    assert changed == replace(ONE, settings=replace(ONE.settings, interval_ms=45_000))
    assert dialog.before == {ONE.id: ONE}


def test_edit_dialog_warns_that_another_address_begins_a_new_series(qtbot: QtBot) -> None:
    dialog = opened(qtbot, ONE)
    assert "new series" not in dialog.address_field.note.sentence
    dialog.address.setText("other.example")
    assert "new series" in dialog.address_field.note.sentence
    [[changed]] = submitted(dialog)
    assert changed.url == "https://other.example/"


@pytest.mark.parametrize("text", ["", "ftp://x.example", "https://site11.example/"])
def test_edit_dialog_refuses_a_wrong_or_doubled_address(qtbot: QtBot, text: str) -> None:
    dialog = opened(qtbot, ONE)
    dialog.address.setText(text)
    assert submitted(dialog) == []
    assert dialog.address_field.has_error
    assert dialog.isVisible()


def test_edit_dialog_resets_a_field_to_its_default(qtbot: QtBot) -> None:
    dialog = opened(qtbot, ONE)
    button = dialog.form.rows["interval_ms"].field.reset_button
    assert button is not None
    assert button.isEnabled()
    button.click()
    assert interval(dialog).value() == 10
    assert not button.isEnabled()


def test_bulk_edit_leaves_alone_what_is_not_ticked(qtbot: QtBot) -> None:
    dialog = opened(qtbot, ONE, OTHER)
    assert interval(dialog).text() == ""
    row = dialog.form.rows["timeout_ms"]
    assert isinstance(row.label, QCheckBox)
    row.label.setChecked(True)
    assert isinstance(row.field.editor, QSpinBox)
    assert row.field.editor.text().endswith(" ms")
    row.field.editor.setValue(2_000)
    [changed] = submitted(dialog)
    assert [(m.settings.timeout_ms, m.settings.interval_ms) for m in changed] == [(2_000, 20_000), (2_000, 60_000)]


def test_bulk_edit_that_does_not_fit_every_domain_says_so_and_changes_none(qtbot: QtBot) -> None:
    dialog = opened(qtbot, ONE, OTHER)
    row = dialog.form.rows["timeout_ms"]
    assert isinstance(row.label, QCheckBox)
    row.label.setChecked(True)
    assert isinstance(row.field.editor, QSpinBox)
    row.field.editor.setValue(500)
    assert submitted(dialog) == []
    assert "slow" in dialog.message.sentence


def test_edit_dialog_hides_the_password(qtbot: QtBot) -> None:
    secret = replace(ONE, settings=replace(ONE.settings, basic_auth="user:hunter2"))
    dialog = opened(qtbot, secret)
    lines = [line for line in dialog.findChildren(QLineEdit) if line.text() == "hunter2"]
    assert [line.echoMode() for line in lines] == [QLineEdit.EchoMode.Password]
    assert not any("hunter2" in text for text in visible_texts(dialog))


@pytest.mark.parametrize("monitors", [(ONE,), (ONE, OTHER)])
def test_edit_dialog_is_translated(qtbot: QtBot, made_up_language: None, monitors: tuple[Monitor, ...]) -> None:
    dialog = opened(qtbot, *monitors)
    assert [text for text in visible_texts(dialog) if "⟦" not in text and text not in ("200-299", *METHODS)] == []
