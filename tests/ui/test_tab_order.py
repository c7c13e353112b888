"""Every dialog by keyboard: what has the focus at first, and where Tab leads."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QHBoxLayout, QLayoutItem, QLineEdit, QSpacerItem, QVBoxLayout, QWidget, QWidgetItem
from pytestqt.qtbot import QtBot
from shiboken6 import Shiboken

from pingmon_gui.domain.preference import Preferences
from pingmon_gui.ui.add_dialog import AddDialog
from pingmon_gui.ui.edit_dialog import EditDialog
from pingmon_gui.ui.export_dialog import ExportDialog
from pingmon_gui.ui.form_dialog import FormDialog
from pingmon_gui.ui.preferences_dialog import PreferencesDialog
from pingmon_gui.ui.tab_order import follow_layout, tab_stops
from pingmon_gui.ui.tag_dialog import TagDialog
from tests.engine.fakes import monitor

_DEFAULTS = Preferences({})
_ONE, _OTHER = monitor(10, name="one", tags=("live",)), monitor(11, tags=("old",))


def _add_with_options() -> FormDialog:
    dialog = AddDialog([], _DEFAULTS)
    dialog.options_button.setChecked(True)
    return dialog


def _add_a_list() -> FormDialog:
    dialog = AddDialog([], _DEFAULTS)
    dialog.set_text("a.example\nb.example\n")
    return dialog


_DIALOGS: dict[str, Callable[[], FormDialog]] = {
    "add": lambda: AddDialog([], _DEFAULTS),
    "add with options": _add_with_options,
    "add a list": _add_a_list,
    "edit": lambda: EditDialog([_ONE], [], _DEFAULTS),
    "edit many": lambda: EditDialog([_ONE, _OTHER], [], _DEFAULTS),
    "tags": lambda: TagDialog([_ONE, _OTHER]),
    "preferences": lambda: PreferencesDialog(_DEFAULTS),
    "export": lambda: ExportDialog(1),
}


@pytest.mark.parametrize("name", _DIALOGS)
def test_tab_goes_through_a_dialog_as_the_eye_does(name: str, qtbot: QtBot) -> None:
    dialog = _DIALOGS[name]()
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.resize(900, 1600)
    with qtbot.waitExposed(dialog):
        dialog.show()
    dialog.activateWindow()
    visited = [dialog.focusWidget()]
    while True:
        qtbot.keyClick(visited[-1], Qt.Key.Key_Tab)
        if dialog.focusWidget() in visited:
            break
        visited.append(dialog.focusWidget())
    assert dialog.focusWidget() is visited[0], "Tab ends in a widget instead of going round"
    assert {dialog.accept_button, dialog.cancel_button} <= set(visited)
    wrong = [(one, other) for one, other in pairwise(visited) if not _is_before(dialog, one, other)]
    assert not wrong


def _is_before(dialog: QWidget, one: QWidget, other: QWidget) -> bool:
    """Return whether `one` is read before `other`: further up, or in the same line and further left."""
    first, second = (widget.rect().translated(widget.mapTo(dialog, QPoint(0, 0))) for widget in (one, other))
    is_one_line = (
        first.top() < second.center().y() < first.bottom() or second.top() < first.center().y() < second.bottom()
    )
    return first.left() < second.left() if is_one_line else first.top() < second.top()


def test_order_is_set_without_holding_on_to_items_of_layouts(qtbot: QtBot) -> None:
    """Such an item may be gone at any time without telling Python, which then takes another object for it."""
    window = QWidget()
    qtbot.addWidget(window)
    column = QVBoxLayout(window)
    row = QHBoxLayout()
    edits = [QLineEdit(window) for _ in range(4)]
    column.addWidget(edits[3])
    column.insertLayout(0, row)
    row.addWidget(edits[1])
    row.insertWidget(0, edits[0])
    column.insertWidget(1, edits[2])
    follow_layout(window)
    assert list(tab_stops(window)) == edits
    assert not [one for one in Shiboken.getAllValidWrappers() if type(one) in (QLayoutItem, QWidgetItem, QSpacerItem)]
