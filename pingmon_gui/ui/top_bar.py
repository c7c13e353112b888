"""The bar above everything: search, what to show (with counts), tags, and adding a domain."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction, QActionGroup, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QToolButton,
    QWidget,
)

from pingmon_gui.ui import resource, sheet, wording
from pingmon_gui.ui.alert_bell import AlertBell
from pingmon_gui.ui.row_order import Show
from pingmon_gui.ui.theme import current

#: Below this width not all choices fit beside the search.
NARROW = 960


class SearchField(QLineEdit):
    """Esc empties it; Down and Enter go on to the list."""

    left_downwards = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.left_downwards.emit()
        else:
            super().keyPressEvent(event)


class TopBar(QWidget):
    """Signals say what the user chose; `set_counts` and `set_tags` keep it true."""

    search_changed = Signal(str)
    show_chosen = Signal(Show)
    tag_chosen = Signal(object)

    def __init__(
        self, add_action: QAction, parent: QWidget | None = None, now_ms: Callable[[], int] = lambda: 0
    ) -> None:
        super().__init__(parent)
        self._counts: dict[Show, int] = {}
        self._tags: tuple[str, ...] = ()
        self.tag: str | None = None
        self.search = SearchField(self)
        self.search.setPlaceholderText(self.tr("Search name, address or tag"))
        self.search.setAccessibleName(self.tr("Search"))
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(120)
        self.search.setMaximumWidth(300)
        self._search_icon = QAction(self)
        self.search.addAction(self._search_icon, QLineEdit.ActionPosition.LeadingPosition)
        self.search.textChanged.connect(self.search_changed)
        self._names = {
            Show.ALL: self.tr("All"),
            Show.PROBLEMS: self.tr("Problems"),
            Show.ONLINE: self.tr("Online"),
            Show.UNKNOWN: self.tr("Unknown"),
            Show.PAUSED: self.tr("Paused"),
        }
        self.pills: dict[Show, QPushButton] = {}
        self._group = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.search, 2)
        row.addSpacing(8)
        for show, name in self._names.items():
            pill = QPushButton(name, self)
            pill.setCheckable(True)
            pill.setProperty("pill", True)
            self._group.addButton(pill)
            self.pills[show] = pill
            row.addWidget(pill)
        self.pills[Show.ALL].setChecked(True)
        self._group.buttonClicked.connect(self.on_pill_clicked)
        self.tag_button = QToolButton(self)
        self.tag_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.tag_button.setProperty("pill", True)
        self.tag_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.tag_menu = QMenu(self.tr("Tags"), self)
        self.tag_button.setMenu(self.tag_menu)
        self._tag_actions = QActionGroup(self)
        self._tag_actions.triggered.connect(self.on_tag_triggered)
        row.addSpacing(4)
        row.addWidget(self.tag_button)
        row.addStretch(1)
        self.bell = AlertBell(now_ms, self)
        row.addWidget(self.bell)
        row.addSpacing(4)
        self.add_button = QPushButton(self)
        self.add_button.setProperty("primary", True)
        self.add_button.setText(self.tr("Add domain"))
        self.add_button.setToolTip(wording.tool_tip(add_action.toolTip()))
        self.add_button.clicked.connect(add_action.trigger)
        row.addWidget(self.add_button)
        self.set_counts(dict.fromkeys(Show, 0))
        self.set_tags(())
        self.refresh()

    def refresh(self) -> None:
        """Take over the colours in use."""
        theme = current()
        self.setStyleSheet(sheet.controls())
        self._search_icon.setIcon(resource.line_icon("search", theme.muted))
        self.bell.refresh()
        self.tag_button.setIcon(resource.line_icon("tag", theme.muted))
        self.add_button.setIcon(resource.line_icon("plus", theme.on_accent))
        self.add_button.setIconSize(QSize(14, 14))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep to what matters most in a narrow window; the View menu has the rest."""
        super().resizeEvent(event)
        is_narrow = self.width() < NARROW
        for show in (Show.ONLINE, Show.UNKNOWN):
            self.pills[show].setVisible(not is_narrow or self.pills[show].isChecked())
        self.add_button.setText(self.tr("Add") if is_narrow else self.tr("Add domain"))

    def set_counts(self, counts: Mapping[Show, int]) -> None:
        if counts == self._counts:
            return
        self._counts = dict(counts)
        for show, pill in self.pills.items():
            number = wording.number(counts[show])
            pill.setText(f"{self._names[show]} {number}")
            pill.setAccessibleName(f"{self._names[show]}: {number}")

    def set_tags(self, tags: Sequence[str]) -> None:
        """Offer these tags; the choice stays if its tag is still there."""
        if tuple(tags) != self._tags or not self._tag_actions.actions():
            self._tags = tuple(tags)
            for action in self._tag_actions.actions():
                self._tag_actions.removeAction(action)
                self.tag_menu.removeAction(action)
                action.deleteLater()
            for tag in (None, *self._tags):
                name = self.tr("Any tag") if tag is None else wording.plain(tag, 60).replace("&", "&&")
                action = self._tag_actions.addAction(name)
                action.setCheckable(True)
                action.setData(tag)
                self.tag_menu.addAction(action)
        self.choose_tag(self.tag if self.tag in self._tags else None)
        self.tag_button.setVisible(bool(self._tags))

    def choose_tag(self, tag: str | None) -> None:
        """Show a tag as the chosen one; tells of it if it was another before."""
        for action in self._tag_actions.actions():
            action.setChecked(action.data() == tag)
        text = self.tr("Any tag") if tag is None else wording.plain(tag, 30)
        self.tag_button.setText(text.replace("&", "&&"))
        self.tag_button.setAccessibleName(self.tr("Tag: %1").replace("%1", text))
        if tag != self.tag:
            self.tag = tag
            self.tag_chosen.emit(tag)

    def choose(self, show: Show) -> None:
        """Press one of the choices."""
        self.pills[show].setChecked(True)
        self.show_chosen.emit(show)

    def reset(self) -> None:
        """Show everything again."""
        self.search.clear()
        self.choose_tag(None)
        self.choose(Show.ALL)

    @Slot(QAbstractButton)
    def on_pill_clicked(self, pill: QAbstractButton) -> None:
        self.show_chosen.emit(next(show for show, button in self.pills.items() if button is pill))

    @Slot(QAction)
    def on_tag_triggered(self, action: QAction) -> None:
        self.choose_tag(action.data())
