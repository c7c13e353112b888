from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from pingmon_gui.exchange.kind import Format
from pingmon_gui.ui.export_dialog import ExportDialog, ExportOrder
from tests.ui.made_up import visible_texts


def opened(qtbot: QtBot, with_login: int = 2) -> ExportDialog:
    dialog = ExportDialog(with_login)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


@pytest.mark.parametrize(("format_", "name"), [(Format.JSON, "pingmon-export.json"), (Format.TOML, "pingmon.toml")])
def test_export_dialog_asks_for_a_name_and_says_what_to_write(qtbot: QtBot, format_: Format, name: str) -> None:
    dialog = opened(qtbot)
    heard: list[ExportOrder] = []
    dialog.submitted.connect(heard.append)
    dialog.choices[format_].setChecked(True)
    dialog.submit()
    chooser = dialog.findChild(QFileDialog)
    assert chooser is not None
    assert Path(chooser.selectedFiles()[0]).name == name
    chooser.fileSelected.emit("/tmp/x")
    chooser.close()
    assert heard == [ExportOrder(Path("/tmp/x"), format_, False)]


def test_export_dialog_warns_of_passwords(qtbot: QtBot) -> None:
    dialog = opened(qtbot)
    heard: list[ExportOrder] = []
    dialog.submitted.connect(heard.append)
    assert not dialog.warning.isVisible()
    dialog.secrets.setChecked(True)
    assert "whoever reads it" in dialog.warning.sentence
    dialog.on_file_selected("/tmp/x")
    assert heard[0].with_secrets


def test_export_dialog_without_passwords_does_not_speak_of_them(qtbot: QtBot) -> None:
    assert not opened(qtbot, 0).secrets.isVisible()


def test_export_dialog_is_translated(qtbot: QtBot, made_up_language: None) -> None:
    assert [text for text in visible_texts(opened(qtbot)) if "⟦" not in text] == []
