"""Every action of the window with its words and keys, and the menus they are in. What they do is the window's."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu, QMenuBar

from pingmon_gui.domain.region import REGIONS
from pingmon_gui.ui import resource, wording
from pingmon_gui.ui.row_order import FIRST_REGION_COLUMN, NAME_COLUMN, VERDICT_COLUMN, Show
from pingmon_gui.ui.theme import current

_KEY = QKeySequence.StandardKey


class WindowActions(QObject):
    """Attributes are the actions; `make_menus` puts them into a menu bar."""

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._icons: list[tuple[QAction, str]] = []
        self.add = self._action(self.tr("&Add domain…"), _KEY.New, icon="plus")
        self.import_ = self._action(self.tr("&Import…"), _KEY.Open)
        self.export = self._action(self.tr("&Export…"), "Ctrl+Shift+S")
        self.backup = self._action(self.tr("&Back up…"), "Ctrl+B")
        self.restore = self._action(self.tr("&Restore a backup…"), "Ctrl+Shift+B")
        self.preferences = self._action(self.tr("&Preferences…"), "Ctrl+,", role=QAction.MenuRole.PreferencesRole)
        self.quit = self._action(self.tr("&Quit"), "Ctrl+Q", role=QAction.MenuRole.QuitRole)
        self.undo = self._action(self.tr("&Undo"), _KEY.Undo)
        self.find = self._action(self.tr("&Find"), _KEY.Find, icon="search")
        self.select_all = self._action(self.tr("Select &all"), _KEY.SelectAll)
        self.copy_address = self._action(self.tr("&Copy address"), _KEY.Copy)
        self.copy_row = self._action(self.tr("Copy &row"), "Ctrl+Shift+C")
        self.check = self._action(self.tr("&Check now"), ["F5", "R"], icon="refresh")
        self.edit = self._action(self.tr("&Edit…"), "F2", icon="edit")
        self.tags = self._action(self.tr("&Tags…"), "Ctrl+T", icon="tag")
        self.pause = self._action(self.tr("&Pause"), "P", icon="pause")
        self.maintain = self._action(self.tr("New &maintenance window…"), "M")
        self.maintenance = self._action(self.tr("Maintenance &windows"), "Ctrl+Shift+M")
        self.delete = self._action(self.tr("&Delete"), _KEY.Delete, icon="delete")
        self.history = self._action(self.tr("&History of the domain"), "Ctrl+H")
        self.add_probe = self._action(self.tr("&Add a probe…"), "Ctrl+Shift+N", icon="plus")
        self.probes = self._action(self.tr("All &probes"), "Ctrl+Shift+P")
        self.incidents = self._action(self.tr("&Incidents"), "Ctrl+I")
        self.time_machine = self._action(self.tr("&Time machine"), "Ctrl+Shift+T")
        self.alerts = self._action(self.tr("&Alerts…"), "Ctrl+L")
        self.report = self._action(self.tr("&Report…"), "Ctrl+R")
        self.map = self._action(self.tr("World &map"), "Ctrl+M")
        self.kiosk = self._action(self.tr("&Full screen for a wall"), "F11")
        self.empty_regions = self._action(self.tr("Regions &without a probe"), "Ctrl+Shift+E", is_checkable=True)
        self.detail = self._action(self.tr("&Details"), "F9", is_checkable=True)
        self.detail_below = self._action(self.tr("Details &below the list"), "Shift+F9", is_checkable=True)
        self.shortcuts = self._action(self.tr("&Keyboard shortcuts"), "F1")
        self.open_log = self._action(self.tr("Open &log file"), "Ctrl+Shift+L")
        self.about = self._action(self.tr("&About Pingmon"), "Shift+F1", role=QAction.MenuRole.AboutRole)
        self.show_choices = self._choices(
            [
                (self.tr("&All"), "Ctrl+1", Show.ALL),
                (self.tr("&Problems"), "Ctrl+2", Show.PROBLEMS),
                (self.tr("&Online"), "Ctrl+3", Show.ONLINE),
                (self.tr("&Unknown"), "Ctrl+4", Show.UNKNOWN),
                (self.tr("P&aused"), "Ctrl+5", Show.PAUSED),
            ]
        )
        regions = [
            (wording.region_name(region), "", FIRST_REGION_COLUMN + place) for place, region in enumerate(REGIONS)
        ]
        self.sort_choices = self._choices(
            [
                (self.tr("&Status"), "Ctrl+Shift+1", VERDICT_COLUMN),
                (self.tr("&Domain"), "Ctrl+Shift+2", NAME_COLUMN),
                *regions,
            ]
        )
        self.descending = self._action(self.tr("De&scending"), "Ctrl+Shift+0", is_checkable=True)

    def make_menus(self, bar: QMenuBar) -> None:
        file = bar.addMenu(self.tr("&File"))
        self._fill(
            file,
            [
                *(self.add, None, self.import_, self.export, None, self.backup, self.restore, None),
                *(self.preferences, None, self.quit),
            ],
        )
        edit = bar.addMenu(self.tr("&Edit"))
        self._fill(edit, [self.undo, None, self.copy_address, self.copy_row, None, self.select_all, self.find])
        domain = bar.addMenu(self.tr("&Domain"))
        self._fill(domain, [self.check, self.edit, self.tags, self.pause, None])
        self._fill(domain, [self.maintain, self.maintenance, None, self.delete])
        probes = bar.addMenu(self.tr("&Probes"))
        self._fill(probes, [self.add_probe, self.probes])
        history = bar.addMenu(self.tr("Hi&story"))
        self._fill(history, [self.history, self.incidents, self.alerts, self.time_machine, None, self.report])
        view = bar.addMenu(self.tr("&View"))
        self._fill(view, [*self.show_choices.actions(), None])
        sort = view.addMenu(self.tr("&Sort by"))
        self._fill(sort, [*self.sort_choices.actions(), None, self.descending])
        view.addSeparator()
        self._fill(view, [self.empty_regions, self.detail, self.detail_below, None, self.map, self.kiosk])
        help_menu = bar.addMenu(self.tr("&Help"))
        self._fill(help_menu, [self.shortcuts, self.open_log, None, self.about])

    def context_menu(self) -> QMenu:
        """Return a new menu for the selected domains; it deletes itself."""
        menu = QMenu(self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._fill(
            menu,
            [
                self.history, None, self.check, self.edit, self.tags, self.pause, self.maintain, None,
                self.copy_address, self.copy_row, None, self.delete,
            ],
        )  # fmt: skip
        return menu

    def refresh(self) -> None:
        """Take over the colours in use."""
        for action, name in self._icons:
            action.setIcon(resource.line_icon(name, current().text))

    def for_selection(self) -> tuple[QAction, ...]:
        """Return the actions that need a selected domain."""
        selected = (self.check, self.edit, self.tags, self.pause, self.delete, self.copy_address, self.copy_row)
        return (*selected, self.history)

    def _action(
        self,
        text: str,
        keys: str | QKeySequence.StandardKey | Sequence[str],
        *,
        icon: str = "",
        is_checkable: bool = False,
        role: QAction.MenuRole = QAction.MenuRole.NoRole,
    ) -> QAction:
        action = QAction(text, self._window)
        action.setMenuRole(role)
        action.setCheckable(is_checkable)
        if isinstance(keys, QKeySequence.StandardKey):
            action.setShortcuts(keys)
        elif keys:
            action.setShortcuts([QKeySequence(key) for key in ([keys] if isinstance(keys, str) else keys)])
        if icon:
            self._icons.append((action, icon))
        self._window.addAction(action)
        return action

    def _choices(self, rows: Sequence[tuple[str, str, object]]) -> QActionGroup:
        group = QActionGroup(self)
        for text, key, data in rows:
            action = self._action(text, key, is_checkable=True)
            action.setData(data)
            group.addAction(action)
        return group

    @staticmethod
    def _fill(menu: QMenu, actions: Sequence[QAction | None]) -> None:
        for action in actions:
            if action is None:
                menu.addSeparator()
            else:
                menu.addAction(action)
