"""Every text field of the window's own with any text: a sentence or what was meant, and nothing hidden is shown."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.preference import Preferences
from pingmon_gui.ui.edit_dialog import EditDialog
from pingmon_gui.ui.form_dialog import FormDialog
from pingmon_gui.ui.main_window import MainWindow
from pingmon_gui.ui.preferences_dialog import PreferencesDialog
from pingmon_gui.ui.tag_dialog import TagDialog
from tests.engine.fakes import monitor
from tests.ui.conftest import RunAsync
from tests.ui.window.conftest import Bench, MakeBench, numbered

ShowWindow = Callable[[Bench], MainWindow]

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
_OFTEN = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_NASTY = (
    "\u202eexample.com",
    "a\u0000b.example",
    "😀",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "http://u:geheim@h:0/",
)


def nasty(test: Callable[..., None]) -> Callable[..., None]:
    for text in _NASTY:
        test = example(text=text)(test)
    return test


def hidden_letters(widget: QWidget) -> set[str]:
    """Return the control and bidi characters that any label shows, those that isolate a foreign text aside."""
    shown = "".join(label.text() for label in widget.findChildren(QLabel)) + widget.windowTitle()
    return {letter for letter in shown if unicodedata.category(letter) in ("Cc", "Cf")} - {"\u2068", "\u2069", "\n"}


_DIALOGS: dict[str, Callable[[], FormDialog]] = {
    "edit": lambda: EditDialog([monitor(10, name="one")], [], Preferences({})),
    "tags": lambda: TagDialog([monitor(10, tags=("live",)), monitor(11)]),
    "preferences": lambda: PreferencesDialog(Preferences({})),
}


@pytest.mark.parametrize("name", _DIALOGS)
@nasty
@given(text=ANY_TEXT)
@_OFTEN
def test_dialog_with_any_text_in_any_field_submits_or_says_why_not(name: str, qtbot: QtBot, text: str) -> None:
    dialog = _DIALOGS[name]()
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    dialog.show()
    heard: list[object] = []
    dialog.submitted.connect(heard.append)
    try:
        for line in dialog.findChildren(QLineEdit):
            before = line.text()
            line.setText(text)
            heard.clear()
            dialog.submit()
            said = [label.text() for label in dialog.findChildren(QLabel) if label.isVisible() and "⚠" in label.text()]
            assert heard or said or not dialog.isVisible(), line.accessibleName()
            assert not hidden_letters(dialog)
            line.setText(before)
            dialog.show()
    finally:
        dialog.close()
        dialog.deleteLater()
        QApplication.processEvents()


def test_window_with_any_text_in_its_fields_stays_sound(
    make_bench: MakeBench, show_window: ShowWindow, run_async: RunAsync
) -> None:
    window = show_window(make_bench(numbered(3)))
    empty = show_window(make_bench())

    @nasty
    @given(text=ANY_TEXT)
    @settings(max_examples=60, deadline=None)
    def search(text: str) -> None:
        window.top.search.setText(text)
        assert 0 <= window.model.rowCount() <= 3
        assert not hidden_letters(window)

    search()
    window.top.search.clear()
    assert window.model.rowCount() == 3

    async def first() -> None:
        for text in (*_NASTY, "", "   ", "a b", "x" * 5_000, "\u2028", "http://[::1", "a.example:99999"):
            empty.first.field.setText(text)
            await empty._add_first(empty.first.field.text())
            assert empty.first.note.sentence, text
            assert not hidden_letters(empty)
            assert "geheim" not in empty.first.note.sentence
        assert empty.model.rowCount() == 0

    run_async(first())
