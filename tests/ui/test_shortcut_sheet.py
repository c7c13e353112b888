from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow
from pytestqt.qtbot import QtBot

from pingmon_gui.ui.shortcut_sheet import ShortcutSheet


def test_shortcut_sheet_lists_what_has_a_shortcut_by_menu(qtbot: QtBot) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    menu = window.menuBar().addMenu("&File")
    menu.addAction("&Add domain…").setShortcut("Ctrl+N")
    menu.addAction("Without")
    menu.addMenu("More").addAction("Research && more").setShortcut("Ctrl+R")
    window.menuBar().addMenu("Empty")
    loose = QAction("Next", window)
    loose.setShortcut("F6")
    sheet = ShortcutSheet(window.menuBar(), window, [("List", [loose])])
    groups = [sheet.tree.topLevelItem(place) for place in range(sheet.tree.topLevelItemCount())]
    read = {
        group.text(0): [(group.child(n).text(0), group.child(n).text(1)) for n in range(group.childCount())]
        for group in groups
        if group is not None
    }
    assert read == {"File": [("Add domain", "Ctrl+N"), ("More: Research & more", "Ctrl+R")], "List": [("Next", "F6")]}
    sheet.close()


def test_shortcut_sheet_leaves_out_keys_few_keyboards_have(qtbot: QtBot) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    action = window.menuBar().addMenu("Edit").addAction("A rather long name that has to be read in full")
    action.setShortcuts([QKeySequence("Ctrl+Z"), QKeySequence("F14"), QKeySequence(Qt.Key.Key_Undo)])
    rare = QAction("Rare", window)
    rare.setShortcut("F15")
    sheet = ShortcutSheet(window.menuBar(), window, [("List", [rare])])
    keys = []
    for place in range(sheet.tree.topLevelItemCount()):
        group = sheet.tree.topLevelItem(place)
        assert group is not None
        keys.append(group.child(0).text(1))
    assert keys == ["Ctrl+Z", "F15"]
    sheet.show()
    assert sheet.tree.columnWidth(0) >= sheet.tree.sizeHintForColumn(0)
    sheet.close()
