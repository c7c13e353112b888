"""The window: top bar, cards, the table with its empty states, the detail pane, menus and messages.

It reads the board and sends commands; what a command does is in `window_commands`, what an action is called
in `window_actions`, what is done with selected rows in `selection`, which rows there are in `view_choices`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QHideEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QMainWindow, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from pingmon_gui.domain.error import InvalidInput, PingmonError, StorageCorrupt
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.board_view import Changes
from pingmon_gui.engine.command import Commands
from pingmon_gui.engine.event import EventHub, Notice
from pingmon_gui.log import log_path
from pingmon_gui.ui import sheet, wording
from pingmon_gui.ui.alert_windows import AlertSession, AlertWindows
from pingmon_gui.ui.async_slot import Spawner
from pingmon_gui.ui.bridge import Bridge
from pingmon_gui.ui.cards import CardRow
from pingmon_gui.ui.crash_dialog import CrashReporter
from pingmon_gui.ui.data_windows import DataSession, DataWindows
from pingmon_gui.ui.detail_side import DetailSession, DetailSide
from pingmon_gui.ui.drop import dropped_files
from pingmon_gui.ui.empty_state import FirstDomain, NoMatch
from pingmon_gui.ui.help_menu import HelpMenu
from pingmon_gui.ui.history_windows import HistoryWindows
from pingmon_gui.ui.maintenance_windows import MaintenanceWindows
from pingmon_gui.ui.map_windows import MapWindows
from pingmon_gui.ui.message_bar import MessageBar
from pingmon_gui.ui.monitor_table import MonitorTable
from pingmon_gui.ui.probe_windows import ProbeWindows
from pingmon_gui.ui.provision_port import ProbeSession
from pingmon_gui.ui.row_order import Show
from pingmon_gui.ui.selection import Selection
from pingmon_gui.ui.status_line import StatusLine
from pingmon_gui.ui.table_view import TableView
from pingmon_gui.ui.theme import ThemeSwitch
from pingmon_gui.ui.top_bar import TopBar
from pingmon_gui.ui.view_choices import ViewChoices
from pingmon_gui.ui.window_actions import WindowActions
from pingmon_gui.ui.window_commands import WindowCommands
from pingmon_gui.ui.window_frame import layout_settings
from pingmon_gui.ui.window_layout import WindowLayout

#: While results can change the order, it is made anew at most this often.
REORDER_MS = 250
MARGIN = 14


class SessionPort(ProbeSession, DetailSession, AlertSession, DataSession, Protocol):
    """What the window needs of a session."""

    @property
    def board(self) -> Board: ...
    @property
    def hub(self) -> EventHub: ...
    @property
    def commands(self) -> Commands: ...
    @property
    def preferences(self) -> Preferences: ...
    @property
    def data_dir(self) -> Path: ...


class MainWindow(QMainWindow):
    """What a `WindowFrame` holds.

    `quit_asked` and `close_asked` leave it to the app whether the window, or all of it, goes.
    """

    quit_asked = Signal()
    close_asked = Signal()
    repair_asked = Signal()

    def __init__(
        self, session: SessionPort, theme: ThemeSwitch, crashes: CrashReporter, now_ms: Callable[[], int]
    ) -> None:
        super().__init__()
        self._session = session
        self._board = session.board
        self._theme = theme
        self._now_ms = now_ms
        self._is_leaving = False
        self._generation = -1
        self.settings = layout_settings(session.data_dir)
        self.spawner = Spawner(self.show_error, crashes.report)
        self.bridge = Bridge(session.board, session.hub, self)
        self.commands = WindowCommands(
            session.board, session.commands, lambda: session.alerts.book, self.spawner, now_ms, self
        )
        self.probes = ProbeWindows(session, session.board, self.spawner, theme, now_ms, self)
        self.history = HistoryWindows(session, session.board, self.spawner, theme, now_ms, self)
        self.maps = MapWindows(
            session, session.board, self.history.title, self.spawner, theme, now_ms, self.settings, self
        )
        self.maintenance = MaintenanceWindows(
            session.board, session.commands, self.commands, self.spawner, theme, now_ms, self
        )
        self.data = DataWindows(session, session.board, self.spawner, self)
        self.setAcceptDrops(True)
        self.actions_ = WindowActions(self)
        self._build()
        self._connect()
        self._layout.restore()
        self.maps.set_animated(session.preferences.flag("animate"))
        self.on_theme_changed()
        self.refresh()

    # What the app calls

    def allow_close(self) -> None:
        """Let the next close event through: the app is ending."""
        self._is_leaving = True

    async def stop(self) -> None:
        """End tasks, frames and what listens; the window can be closed then."""
        self.bridge.stop()
        self.maps.close()
        self.save_layout()
        await self.spawner.close()

    def bring_up(self) -> None:
        """Show the window in front of others."""
        self.show()
        top = self.window()
        top.setWindowState(top.windowState() & ~Qt.WindowState.WindowMinimized)
        top.show()
        top.raise_()
        top.activateWindow()

    @Slot(object)
    def show_domain(self, monitor: MonitorId) -> None:
        """Show the window with a domain selected, whatever it was searched for before."""
        self.bring_up()
        if self.model.row_of(monitor) < 0:
            self.top.reset()
        self.table.select(monitor)
        self.table.setFocus()

    @Slot()
    def check_all(self) -> None:
        """Have all domains measured now that are not paused."""
        ids = [monitor for monitor, is_paused in zip(self._board.ids, self._board.paused, strict=True) if not is_paused]
        self.spawner.spawn(self.commands.check_now(ids))

    @Slot()
    def make_detail(self) -> None:
        """Build the detail pane; called after the first frame, because it may take a moment."""
        self.details.make()

    def save_layout(self) -> None:
        """Keep geometry and choices of this window for the next start."""
        self._layout.save(self._session.preferences.text("theme"))

    # Building

    def _build(self) -> None:
        actions = self.actions_
        actions.make_menus(self.menuBar())
        self.top = TopBar(actions.add, self, self._now_ms)
        self.alerts = AlertWindows(
            self._session,
            self._board,
            self.top.bell,
            self.spawner,
            self._theme,
            self._now_ms,
            self.settings,
            self,
        )
        self.cards = CardRow(self)
        self.messages = MessageBar(self)
        self.model = MonitorTable(self._board, self)
        self.table = TableView(self._board, self.model, self)
        self.first = FirstDomain(self)
        self.nothing = NoMatch(self)
        self.stack = QStackedWidget(self)
        for page in (self.table, self.first, self.nothing):
            self.stack.addWidget(page)
        self.splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self.splitter.setHandleWidth(9)
        self.splitter.addWidget(self.stack)
        upper = QVBoxLayout()
        upper.setContentsMargins(MARGIN, MARGIN, MARGIN, 10)
        upper.setSpacing(12)
        upper.addWidget(self.top)
        upper.addWidget(self.cards)
        centre = QWidget(self)
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(upper)
        column.addWidget(self.splitter, 1)
        lower = QVBoxLayout()
        lower.setContentsMargins(MARGIN, 6, MARGIN, 6)
        lower.addWidget(self.messages)
        column.addLayout(lower)
        self.setCentralWidget(centre)
        self.status = StatusLine(self)
        self.setStatusBar(self.status)
        self._reorder_timer = QTimer(self)
        self._reorder_timer.setSingleShot(True)
        self._reorder_timer.setInterval(REORDER_MS)
        self.choices = ViewChoices(self.top, self.table, self.model, actions, self)
        self.selection = Selection(self._board, self.table, actions, self.commands, self.spawner, self)
        self.details = DetailSide(
            self.splitter,
            self._session,
            self._board,
            self.selection,
            actions,
            self.history,
            self.spawner,
            self.settings,
            self._now_ms,
            self,
        )
        self._help = HelpMenu(actions, log_path(self._session.data_dir), self.messages.say, self)
        self._layout = WindowLayout(self.settings, actions, self.table, self.details)
        self.table.setFocus()

    def _connect(self) -> None:
        actions = self.actions_
        actions.add.triggered.connect(self.on_add)
        actions.import_.triggered.connect(self.on_import)
        actions.export.triggered.connect(self.on_export)
        actions.backup.triggered.connect(self.data.ask_backup)
        actions.restore.triggered.connect(self.data.ask_restore)
        actions.preferences.triggered.connect(self.on_preferences)
        actions.quit.triggered.connect(self.quit_asked)
        actions.undo.triggered.connect(self.on_undo)
        actions.select_all.triggered.connect(self.table.selectAll)
        actions.add_probe.triggered.connect(self.on_add_probe)
        actions.probes.triggered.connect(self.probes.show_page)
        actions.history.triggered.connect(self.on_history)
        actions.incidents.triggered.connect(self.on_incidents)
        actions.time_machine.triggered.connect(self.on_time_machine)
        actions.alerts.triggered.connect(self.on_alerts)
        actions.report.triggered.connect(self.on_report)
        actions.maintain.triggered.connect(self.on_maintain)
        actions.maintenance.triggered.connect(self.maintenance.show_page)
        actions.map.triggered.connect(self.maps.show_map)
        actions.kiosk.triggered.connect(self.maps.toggle_kiosk)
        actions.empty_regions.toggled.connect(self.on_empty_regions_toggled)
        self.choices.changed.connect(self.refresh)
        self.table.menu_asked.connect(self.on_menu_asked)
        self.table.header.probe_asked.connect(self.probes.show_wizard)
        self.table.selectionModel().selectionChanged.connect(self.details.show)
        self.first.asked.connect(self.on_first_asked)
        self.first.import_asked.connect(actions.import_.trigger)
        self.nothing.reset_asked.connect(self.top.reset)
        self.commands.said.connect(self.on_said)
        self.data.said.connect(self.messages.say)
        self.commands.added.connect(self.on_added)
        self.maps.probe_asked.connect(self.probes.show_wizard)
        self.bridge.board_changed.connect(self.on_board_changed)
        self.bridge.board_changed.connect(self.maps.on_board_changed)
        self.bridge.monitors_changed.connect(self.on_monitors_changed)
        self.bridge.monitors_changed.connect(self.maps.on_monitors_changed)
        self.bridge.preferences_changed.connect(self.on_preferences_changed)
        self.bridge.incidents_changed.connect(self.history.on_incidents_changed)
        self.bridge.incidents_changed.connect(self.maps.on_incidents_changed)
        self.bridge.alerts_changed.connect(self.alerts.on_alerts_changed)
        self.bridge.alert_book_changed.connect(self.alerts.on_book_changed)
        self.bridge.delivery_changed.connect(self.alerts.on_delivery_changed)
        self.bridge.registrations_changed.connect(self.details.on_registrations_changed)
        self.bridge.maintenance_changed.connect(self.maintenance.on_windows_changed)
        self.alerts.incident_asked.connect(self.history.show_incidents)
        self.bridge.kiosk_asked.connect(self.maps.show_kiosk)
        self.bridge.storage_problem.connect(self.on_storage_problem)
        self.bridge.noticed.connect(self.on_noticed)
        self.bridge.raise_asked.connect(self.bring_up)
        self._theme.changed.connect(self.on_theme_changed)
        self._reorder_timer.timeout.connect(self.on_reorder_due)

    # What is shown

    @Slot()
    def refresh(self) -> None:
        """Bring everything but the table's cells up to date with the board."""
        self._generation = self._board.generation
        self._show_numbers()
        self.status.show_probes(self._board.probes.values())
        self.top.set_tags(self.model.rules.tags)
        total, shown = len(self._board.ids), self.model.rowCount()
        if total == 0:
            page: QWidget = self.first
        elif shown == 0:
            page = self.nothing
            rules = self.model.rules
            self.nothing.explain(is_problems=rules.show is Show.PROBLEMS and not rules.search and rules.tag is None)
        else:
            page = self.table
        if self.stack.currentWidget() is not page:
            focus = self.focusWidget()
            had_focus = focus is None or self.stack.isAncestorOf(focus)
            self.stack.setCurrentWidget(page)
            if had_focus or page is self.first:
                page.setFocus()
        self.status.show_counts(shown, total)
        self.selection.update_actions()

    def _show_numbers(self) -> None:
        """Show what results alone can change."""
        self.top.set_counts(self.model.rules.counts())
        self.cards.show_cards(self._board.cards())

    def show_error(self, error: PingmonError) -> None:
        """Say a known error in the message bar, with what to do about it."""
        if isinstance(error, StorageCorrupt):
            save = self.tr("Save what can be read")
            self.messages.say(wording.problem(error), is_error=True, button=save, act=self.repair_asked.emit)
        else:
            self.messages.say(wording.problem(error), is_error=True)

    @Slot(object)
    def on_board_changed(self, changes: Changes) -> None:
        self.model.apply(changes)
        if changes.probes_changed:
            self.model.probes_changed()
            self.probes.refresh()
            self.status.show_probes(self._board.probes.values())
            self._fit_columns()
        if self.model.rules.is_live and not self._reorder_timer.isActive():
            self._reorder_timer.start()
        if changes.generation == self._generation:
            self._show_numbers()
        else:
            self.refresh()
        self.details.apply(changes)

    @Slot(object)
    def on_monitors_changed(self, _event: object) -> None:
        self.model.describe()
        self.refresh()
        self.details.show()

    @Slot()
    def on_alerts(self) -> None:
        self.alerts.show_page()

    @Slot()
    def on_history(self) -> None:
        """Show the history of the domain that is selected, of several the first."""
        if ids := self.selection.ids:
            self.history.show_history(ids[0])

    @Slot()
    def on_incidents(self) -> None:
        self.history.show_incidents()

    @Slot()
    def on_time_machine(self) -> None:
        self.history.show_time_machine(self.maps.own)

    @Slot()
    def on_report(self) -> None:
        self.history.show_report(self.selection.ids)

    @Slot()
    def on_reorder_due(self) -> None:
        self.model.reorder()
        self.refresh()

    @Slot(object)
    def on_preferences_changed(self, preferences: Preferences) -> None:
        self._theme.set_mode(preferences.text("theme"))
        self.maps.set_animated(preferences.flag("animate"))

    @Slot()
    def on_theme_changed(self) -> None:
        self.actions_.refresh()
        self.top.refresh()
        self.messages.refresh()
        self.table.fit_to_font()
        for page in (self.first, self.nothing):
            page.setStyleSheet(sheet.controls())
        self.details.refresh()
        self.cards.update()

    @Slot(object)
    def on_storage_problem(self, error: PingmonError | None) -> None:
        if error is not None:
            self.show_error(error)
        else:
            self.messages.say(self.tr("The database can be written again; nothing was lost."))

    @Slot(object)
    def on_noticed(self, notice: Notice) -> None:
        self.messages.say(wording.problem(PingmonError(notice.message, notice.hint)))

    @Slot(str, bool)
    def on_said(self, text: str, has_undo: bool) -> None:
        if has_undo:
            self.messages.say(text, button=self.tr("Undo"), act=self.on_undo)
        else:
            self.messages.say(text)

    # What the user asks for

    @Slot()
    def on_add(self) -> None:
        self.commands.ask_add()

    @Slot()
    def on_import(self) -> None:
        self.commands.ask_import()

    @Slot()
    def on_export(self) -> None:
        self.commands.ask_export()

    @Slot()
    def on_maintain(self) -> None:
        """Ask for a maintenance window for what is selected, for all where nothing is."""
        self.maintenance.ask_for(self.selection.ids)

    @Slot()
    def on_add_probe(self) -> None:
        self.probes.show_wizard()

    @Slot(str)
    def on_first_asked(self, text: str) -> None:
        if "\n" in text or "," in text.strip():
            self.commands.ask_add(text)
        else:
            self.spawner.spawn(self._add_first(text))

    async def _add_first(self, text: str) -> None:
        try:
            await self.commands.add_first(text)
        except InvalidInput as exc:
            self.first.show_problem(exc)

    @Slot(object)
    def on_added(self, ids: tuple[MonitorId, ...]) -> None:
        self.first.clear()
        for monitor in ids[:1]:
            self.table.select(monitor)
        self.table.setFocus()

    @Slot()
    def on_undo(self) -> None:
        if self.commands.undo_text:
            self.messages.clear()
            self.selection.run(self.actions_.undo, self.commands.undo())

    @Slot(QPoint)
    def on_menu_asked(self, at: QPoint) -> None:
        self.actions_.context_menu().popup(at)

    @Slot()
    def on_preferences(self) -> None:
        self.data.explain_size(self.commands.ask_preferences(self._session.preferences))

    @Slot(bool)
    def on_empty_regions_toggled(self, _is_on: bool) -> None:
        self._fit_columns()

    # Qt

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.bridge.set_watched(True)
        self._fit_columns()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.bridge.set_watched(False)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.table.fit_to_font()
            self._fit_columns()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._is_leaving:
            event.accept()
        else:
            event.ignore()
            self.close_asked.emit()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasText() or event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """A file is imported, a text is taken for addresses to add."""
        event.acceptProposedAction()
        if files := dropped_files(event.mimeData()):
            self.commands.ask_import(files[0])
        else:
            self.commands.ask_add(event.mimeData().text())

    # How it is done

    def _fit_columns(self) -> None:
        self.table.fit_columns(with_empty_regions=self.actions_.empty_regions.isChecked())
