"""The sheet of shortcuts, read from the real actions, so that it cannot say what is not so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QMenu,
    QMenuBar,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)


class ShortcutSheet(QDialog):
    """Lists every action that has a shortcut, grouped by its menu; `extra` are groups that are in no menu."""

    def __init__(
        self,
        menu_bar: QMenuBar,
        parent: QWidget | None = None,
        extra: Sequence[tuple[str, Sequence[QAction]]] = (),
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Keyboard shortcuts"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.tree = QTreeWidget(self)
        self.tree.setColumnCount(2)
        self.tree.setHeaderLabels([self.tr("Action"), self.tr("Keys")])
        self.tree.setAccessibleName(self.tr("Keyboard shortcuts"))
        self.tree.setRootIsDecorated(False)
        self.tree.setItemsExpandable(False)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.header().setStretchLastSection(False)
        for action in menu_bar.actions():
            menu = action.menu()
            if isinstance(menu, QMenu):
                self._add_group(_words(menu.title()), list(_actions_of(menu)))
        for title, actions in extra:
            self._add_group(title, list(actions))
        self.tree.expandAll()
        buttons = QDialogButtonBox(self)
        close = buttons.addButton(self.tr("Close"), QDialogButtonBox.ButtonRole.RejectRole)
        close.setDefault(True)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(self.tree)
        column.addWidget(buttons)
        wanted = QSize(self.fontMetrics().averageCharWidth() * 60, self.fontMetrics().lineSpacing() * 34)
        self.resize(wanted.boundedTo(self.screen().availableSize() * 0.9))

    def _add_group(self, title: str, actions: Sequence[QAction]) -> None:
        rows = [(_words(action.text()), action.shortcuts()) for action in actions if action.shortcuts()]
        if not rows:
            return
        group = QTreeWidgetItem(self.tree, [title])
        font = group.font(0)
        font.setBold(True)
        group.setFont(0, font)
        group.setFlags(Qt.ItemFlag.ItemIsEnabled)
        group.setFirstColumnSpanned(True)
        for text, keys in rows:
            shown = ", ".join(key.toString(QKeySequence.SequenceFormat.NativeText) for key in keys)
            QTreeWidgetItem(group, [text, shown])


def _actions_of(menu: QMenu) -> Iterator[QAction]:
    """Yield the actions of a menu and of the menus in it, in order."""
    for action in menu.actions():
        below = action.menu()
        if isinstance(below, QMenu):
            yield from _actions_of(below)
        elif not action.isSeparator():
            yield action


def _words(text: str) -> str:
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&").rstrip("…")
