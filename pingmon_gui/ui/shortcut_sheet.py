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
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.header().setStretchLastSection(True)
        self.tree.setUniformRowHeights(True)
        self.tree.setStyleSheet("QTreeView::item { padding: 2px 10px 2px 0; }")
        for action in menu_bar.actions():
            menu = action.menu()
            if isinstance(menu, QMenu):
                self._add_group(_words(menu.title()), list(_rows_of(menu)))
        for title, actions in extra:
            self._add_group(title, [(_words(action.text()), action) for action in actions])
        self.tree.expandAll()
        buttons = QDialogButtonBox(self)
        close = buttons.addButton(self.tr("Close"), QDialogButtonBox.ButtonRole.RejectRole)
        close.setDefault(True)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(self.tree)
        column.addWidget(buttons)
        wanted = QSize(self.fontMetrics().averageCharWidth() * 60, self.fontMetrics().lineSpacing() * 42)
        self.resize(wanted.boundedTo(self.screen().availableSize() * 0.9))

    def _add_group(self, title: str, actions: Sequence[tuple[str, QAction]]) -> None:
        rows = [(text, _told(action.shortcuts())) for text, action in actions if action.shortcuts()]
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


def _rows_of(menu: QMenu) -> Iterator[tuple[str, QAction]]:
    """Yield words and action of all in a menu and in the menus in it, in order; the latter with their menu's words."""
    for action in menu.actions():
        below = action.menu()
        if isinstance(below, QMenu):
            yield from ((f"{_words(below.title())}: {text}", found) for text, found in _rows_of(below))
        elif not action.isSeparator():
            yield _words(action.text()), action


def _told(keys: Sequence[QKeySequence]) -> Sequence[QKeySequence]:
    """Return the keys that today's keyboards have: systems also bind F13 and up, and keys named "Copy" or "Undo"."""
    common = [key for key in keys if key[0].key() < Qt.Key.Key_F13]  # type: ignore[index]
    return common or keys


def _words(text: str) -> str:
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&").rstrip("…")
