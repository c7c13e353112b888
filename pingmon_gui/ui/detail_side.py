"""The detail pane beside the table or below it: when it is made, how much room it has, and what it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QByteArray, QObject, QSettings, Qt, Slot
from PySide6.QtWidgets import QSplitter, QWidget

from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.region import Region
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.board_view import Changes
from pingmon_gui.ui.async_slot import Spawner
from pingmon_gui.ui.history_windows import HistorySession, HistoryWindows
from pingmon_gui.ui.selection import Selection
from pingmon_gui.ui.window_actions import WindowActions

if TYPE_CHECKING:
    from pingmon_gui.alerting import Alerting
    from pingmon_gui.ui.detail_pane import DetailPane


class DetailSession(HistorySession, Protocol):
    """What the details need of a session."""

    @property
    def alerts(self) -> Alerting: ...

    async def recall(self, monitor: MonitorId) -> None: ...


_PREFERRED, _NARROWEST = 380, 300
_BESIDE, _BELOW = Qt.Orientation.Horizontal, Qt.Orientation.Vertical


class DetailSide(QObject):
    """Keeps the pane in a splitter true to the selection; `pane` is None until `make` was called."""

    def __init__(
        self,
        splitter: QSplitter,
        session: DetailSession,
        board: Board,
        selection: Selection,
        actions: WindowActions,
        history: HistoryWindows,
        spawner: Spawner,
        settings: QSettings,
        now_ms: Callable[[], int],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._splitter = splitter
        self._session = session
        self._board = board
        self._selection = selection
        self._actions = actions
        self._history = history
        self._spawner = spawner
        self._settings = settings
        self._now_ms = now_ms
        self._recalled: set[MonitorId] = set()
        self.pane: DetailPane | None = None
        actions.detail.toggled.connect(self.on_toggled)
        actions.detail_below.toggled.connect(self.on_below_toggled)

    def make(self) -> None:
        """Build the pane; called after the first frame, because it may take a moment."""
        if self.pane is not None:
            return
        from pingmon_gui.ui.detail_pane import DetailPane

        self.pane = pane = DetailPane(self._session.store, self._spawner.spawn, self._now_ms, self._splitter)
        pane.add_requested.connect(self._actions.add.trigger)
        pane.edit_requested.connect(self._actions.edit.trigger)
        pane.check_requested.connect(self._actions.check.trigger)
        pane.tags_requested.connect(self._actions.tags.trigger)
        pane.history_requested.connect(self._actions.history.trigger)
        pane.explain_requested.connect(self.on_explain_requested)
        pane.pause_requested.connect(self._selection.on_pause_requested)
        pane.resume_requested.connect(self._selection.on_resume_requested)
        self._splitter.addWidget(pane)
        self._splitter.setStretchFactor(0, 1)
        self._splitter.setStretchFactor(1, 0)
        self._divide()
        self._splitter.setChildrenCollapsible(False)
        pane.setVisible(self._actions.detail.isChecked())
        self.show()

    def save(self) -> None:
        """Keep the room it has, for beside and below apart."""
        if self.pane is not None:
            self._settings.setValue(_key(self._splitter.orientation()), self._splitter.saveState())

    def refresh(self) -> None:
        """Take over the colours in use."""
        if self.pane is not None:
            self.pane.refresh()

    def apply(self, changes: Changes) -> None:
        """Show anew what one frame changed, if it is of the shown monitor."""
        ids = self._selection.ids
        row = self._board.row_of.get(ids[0], -1) if len(ids) == 1 else -1
        if row >= 0 and (changes.probes_changed or row in changes.rows):
            self.show()

    @Slot(object)
    def on_registrations_changed(self, monitors: tuple[MonitorId, ...]) -> None:
        if self.pane is not None and self.pane.monitor in monitors:
            self.show()

    @Slot()
    def show(self) -> None:
        """Show what is selected, unless the pane is not wanted."""
        if self.pane is None or not self._actions.detail.isChecked():
            return
        from pingmon_gui.ui.monitor_detail import detail_of

        self.pane.setVisible(bool(self._board.ids))
        ids = self._selection.ids
        detail = None
        if len(ids) == 1:
            registration = self._session.alerts.registration_of(ids[0])
            detail = detail_of(self._board, ids[0], self._now_ms(), registration)
        if detail is not None:
            self.pane.show_monitor(detail)
            if not detail.is_whole and ids[0] not in self._recalled:
                self._recalled.add(ids[0])
                self._spawner.spawn(self._session.recall(ids[0]), then=self.show)
        elif len(ids) > 1:
            self.pane.show_many([self._board.monitors[monitor] for monitor in ids])
        else:
            self.pane.show_nothing(bool(self._board.ids))

    @Slot(object)
    def on_explain_requested(self, region: Region) -> None:
        if self.pane is not None and self.pane.monitor is not None:
            self._history.explain_hour(self.pane.monitor, region)

    @Slot(bool)
    def on_toggled(self, is_on: bool) -> None:
        if self.pane is not None:
            self.pane.setVisible(is_on)
            self.show()

    @Slot(bool)
    def on_below_toggled(self, is_below: bool) -> None:
        self.save()
        self._splitter.setOrientation(_BELOW if is_below else _BESIDE)
        if self.pane is not None:
            self._divide()

    def _divide(self) -> None:
        """Give the pane the room it had when it was last there, or a good part."""
        orientation = self._splitter.orientation()
        state = self._settings.value(_key(orientation))
        if isinstance(state, QByteArray) and self._splitter.restoreState(state) and self._splitter.sizes()[1]:
            return
        whole = self._splitter.height() if orientation == _BELOW else self._splitter.width()
        part = min(_PREFERRED, whole // 2 if orientation == _BELOW else max(_NARROWEST, whole // 4))
        self._splitter.setSizes([whole - part, part])


def _key(orientation: Qt.Orientation) -> str:
    return "splitter_below" if orientation == _BELOW else "splitter_beside"
