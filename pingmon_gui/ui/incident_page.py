"""Incidents: what was offline, for whom and why, on a line of time, as a list, and in full. A window of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

from PySide6.QtCore import QItemSelectionModel, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent, QKeySequence, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from pingmon_gui.domain.history import DAY_MS
from pingmon_gui.domain.incident import Incident, IncidentGroup, IncidentId
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.result import FailureEvidence, ProbeId
from pingmon_gui.ui import sheet, wording
from pingmon_gui.ui.evidence_panel import EvidencePanel
from pingmon_gui.ui.form_dialog import scrolling
from pingmon_gui.ui.incident_chart import IncidentChart, ReadFrame
from pingmon_gui.ui.incident_detail import IncidentDetail
from pingmon_gui.ui.incident_table import Column, IncidentTable, Titles
from pingmon_gui.ui.incident_timeline import IncidentTimeline
from pingmon_gui.ui.kept_window import KeptWindow
from pingmon_gui.ui.plain_table import dress, model_table
from pingmon_gui.ui.run_card import Spawn
from pingmon_gui.ui.theme import ThemeSwitch

#: While somebody looks, what is open lasts longer so often.
CLOCK_MS = 1_000
_DAYS = (1, 7, 30, 90, 365)
#: So much of the list stays when the details take their room.
_LEAST_ROWS = 4
_WIDTHS = {Column.BEGAN: 28, Column.LASTED: 16, Column.STATE: 22}


class IncidentSource(Protocol):
    """Where incidents come from."""

    async def incidents(
        self, from_ms: int, to_ms: int, monitors: Collection[MonitorId] | None = None
    ) -> list[Incident]: ...

    async def failure_evidence(self, monitor: MonitorId, from_ms: int, to_ms: int) -> list[FailureEvidence]: ...


class IncidentKeeper(Protocol):
    """What a person does with incidents."""

    async def acknowledge(self, id_: IncidentId, is_acknowledged: bool = True) -> Incident: ...

    async def add_note(self, id_: IncidentId, text: str) -> Incident: ...


class IncidentPage(KeptWindow):
    """`reload` is called when incidents changed. `history_asked` carries an incident whose charts are wanted."""

    history_asked = Signal(object)

    def __init__(
        self,
        source: IncidentSource,
        keeper: IncidentKeeper,
        read_frame: ReadFrame,
        titles: Titles,
        spawn: Spawn,
        now_ms: Callable[[], int],
        theme: ThemeSwitch | None = None,
        parent: QWidget | None = None,
        *,
        keeps_evidence: Callable[[ProbeId], bool] = lambda _probe: True,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Incidents"))
        self._source = source
        self._keeper = keeper
        self._titles = titles
        self._spawn = spawn
        self._now_ms = now_ms
        self._loading: asyncio.Task[Any] | None = None
        self._incidents: list[Incident] = []
        self._from_ms = 0
        self._has_room = False
        self._is_arranged = False
        self.model = IncidentTable(titles, now_ms, self)
        self.timeline = IncidentTimeline(titles, self)
        chart = IncidentChart(read_frame, spawn, now_ms)
        kept = EvidencePanel(source.failure_evidence, spawn, now_ms, keeps_evidence)
        self.detail = IncidentDetail(chart, kept, titles, now_ms, self)
        self._lay_out()
        self._timer = QTimer(self)
        self._timer.setInterval(CLOCK_MS)
        self._timer.timeout.connect(self.model.let_time_pass)
        self.table.selectionModel().selectionChanged.connect(self.on_selection_changed)
        self.timeline.chosen.connect(self.select)
        self.span.currentIndexChanged.connect(self.reload)
        self.search.textChanged.connect(self._show)
        self.only_open.toggled.connect(self._show)
        self.detail.acknowledge_asked.connect(self.on_acknowledge)
        self.detail.note_asked.connect(self.on_note)
        self.detail.history_asked.connect(self.history_asked)
        kept.filled.connect(self.on_evidence_filled)
        if theme is not None:
            theme.changed.connect(self.refresh)
        self.refresh()
        wanted = QSize(self.fontMetrics().averageCharWidth() * 160, self.fontMetrics().lineSpacing() * 48)
        self.resize(wanted.boundedTo(self.screen().availableSize() * 0.9))

    # What is shown

    @Slot()
    def reload(self) -> None:
        """Read the incidents of the chosen span; a newer request takes the place of an older."""
        if self._loading is not None:
            self._loading.cancel()
        self._loading = self._spawn(self._load(int(self.span.currentData()) * DAY_MS))

    async def _load(self, span_ms: int) -> None:
        to_ms = self._now_ms() + 1
        found = await self._source.incidents(to_ms - span_ms, to_ms)
        self._from_ms, self._incidents = to_ms - span_ms, found
        self._show()

    @Slot()
    def _show(self) -> None:
        wanted = self.search.text().strip().casefold()
        shown = [one for one in self._incidents if self._is_wanted(one, wanted)]
        chosen = self.timeline.selected
        self.model.show_incidents(shown)
        self.timeline.show_incidents(shown, self._from_ms, self._now_ms() + 1)
        row = self.model.row_of(chosen) if chosen is not None else -1
        if self.model.rowCount() and (row >= 0 or self.selected() is None):
            self.table.selectRow(max(0, row))
        self._empty.setText(self._nothing_text(bool(wanted)))
        self._pages.setCurrentWidget(self.table if self.model.rowCount() else self._empty)
        self.timeline.setVisible(bool(shown))
        self.on_selection_changed()

    def _is_wanted(self, incident: Incident, wanted: str) -> bool:
        if self.only_open.isChecked() and not incident.is_open:
            return False
        title = self._titles(incident.monitor)
        return not wanted or wanted in f"{incident.sentence(title)} {incident.failure or ''}".casefold()

    def _nothing_text(self, is_searched: bool) -> str:
        if self._incidents and (is_searched or self.only_open.isChecked()):
            return self.tr("No incident fits. Clear the search or show resolved ones, too.")
        return self.tr("No incidents in this time.\nWhat goes offline is listed here, with what each region saw.")

    @property
    def incidents(self) -> Sequence[Incident]:
        """What was read, newest first."""
        return self._incidents

    def selected(self) -> IncidentGroup | None:
        """Return the cause that is selected."""
        rows = self.table.selectionModel().selectedRows()
        return self.model.group_at(rows[0].row()) if rows else None

    @Slot(object)
    def select(self, id_: IncidentId) -> None:
        """Bring an incident up, when it is read where it is not yet."""
        # First which one of its cause is meant: the details tell that one in full.
        self.timeline.select(id_)
        row = self.model.row_of(id_)
        if row >= 0:
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.table.selectionModel().setCurrentIndex(self.model.index(row, 0), flags)
            self.on_selection_changed()

    @Slot()
    def on_selection_changed(self) -> None:
        group = self.selected()
        incidents = group.incidents if group is not None else ()
        chosen = next((one for one in incidents if one.id == self.timeline.selected), None)
        if chosen is None:
            chosen = next(iter(incidents), None)
            self.timeline.select(None if chosen is None else chosen.id)
        self.detail.show_group(group, chosen)
        if group is not None and self.isVisible() and not self._has_room:
            self._has_room = True
            self._make_room()

    def _make_room(self) -> None:
        """Give the details what they need and the list what is left, until a person arranges them."""
        if self._is_arranged or not self._has_room:
            return
        whole = sum(self.splitter.sizes())
        rows = self.table.verticalHeader().defaultSectionSize() * (_LEAST_ROWS + 1)
        wanted = self.detail.wanted_height()
        self.splitter.setSizes([max(rows, whole - wanted), min(wanted, whole - rows)])

    @Slot()
    def on_evidence_filled(self) -> None:
        self._make_room()

    @Slot()
    def on_arranged(self) -> None:
        self._is_arranged = True

    @Slot()
    def refresh(self) -> None:
        """Take over the colours in use."""
        self._bar.setStyleSheet(sheet.controls())
        dress(self.table)
        self.on_selection_changed()
        self.timeline.update()

    # What a person does

    @Slot(object, bool)
    def on_acknowledge(self, incidents: Sequence[Incident], is_acknowledged: bool) -> None:
        self._spawn(self._acknowledge(incidents, is_acknowledged))

    async def _acknowledge(self, incidents: Sequence[Incident], is_acknowledged: bool) -> None:
        for incident in incidents:
            await self._keeper.acknowledge(incident.id, is_acknowledged)
        self.reload()

    @Slot(object, str)
    def on_note(self, incident: Incident, text: str) -> None:
        self._spawn(self._note(incident, text))

    async def _note(self, incident: Incident, text: str) -> None:
        await self._keeper.add_note(incident.id, text)
        self.reload()

    # Building

    def _lay_out(self) -> None:
        self._bar = QWidget(self)
        self.search = QLineEdit(self._bar)
        self.search.setPlaceholderText(self.tr("Search domain, region or cause"))
        self.search.setAccessibleName(self.tr("Search"))
        self.search.setClearButtonEnabled(True)
        self.only_open = QCheckBox(self.tr("&Open only"), self._bar)
        self.span = QComboBox(self._bar)
        self.span.setAccessibleName(self.tr("Time shown"))
        for days in _DAYS:
            text = self.tr("Last %n day(s)", "", days) if days > 1 else self.tr("Last 24 hours")
            self.span.addItem(wording.counted(text, days), days)
        self.span.setCurrentIndex(_DAYS.index(7))
        row = QHBoxLayout(self._bar)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.search, 1)
        row.addWidget(self.only_open)
        row.addWidget(self.span)
        QShortcut(QKeySequence.StandardKey.Find, self, self.search.setFocus)
        self.table = model_table(self.model, self.tr("Incidents"), _WIDTHS, self)
        self.table.horizontalHeader().setSectionResizeMode(Column.WHAT, QHeaderView.ResizeMode.Stretch)
        self._empty = QLabel(self)
        self._empty.setTextFormat(Qt.TextFormat.PlainText)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self._pages = QStackedWidget(self)
        self._pages.addWidget(self.table)
        self._pages.addWidget(self._empty)
        self._pages.setCurrentWidget(self._empty)
        self._empty.setText(self.tr("Reading…"))
        self.splitter = QSplitter(Qt.Orientation.Vertical, self)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self._pages)
        self.splitter.addWidget(scrolling(self.detail, self))
        self.splitter.splitterMoved.connect(self.on_arranged)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setStretchFactor(1, 0)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(14, 12, 14, 12)
        whole.setSpacing(10)
        whole.addWidget(self._bar)
        whole.addWidget(self.timeline)
        whole.addWidget(self.splitter, 1)
        self.search.setFocus()

    # Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()
        self.reload()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()
