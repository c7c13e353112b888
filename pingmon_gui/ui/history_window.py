"""The history of a domain: chart, strips and figures over any range of time. A window of its own.

What is to be seen is read in the background: a newer request takes the place of an older, and what is there already
stays until the new is. Imports pyqtgraph: `history_windows` imports this when it is first asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QFont, QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from pingmon_gui.domain.error import PingmonError
from pingmon_gui.domain.history import DAY_MS
from pingmon_gui.domain.incident import Incident
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.region import REGIONS
from pingmon_gui.domain.strip import Bar
from pingmon_gui.report.explain import HistoryStore
from pingmon_gui.report.history_view import HistoryView
from pingmon_gui.ui import history_reading, sheet, wording
from pingmon_gui.ui.history_curves import Kind
from pingmon_gui.ui.history_drawing import Look
from pingmon_gui.ui.history_frame import FOLLOW_MS, around, read_frame
from pingmon_gui.ui.history_legend import HistoryLegend
from pingmon_gui.ui.history_picture import picture, suggested_name
from pingmon_gui.ui.history_plot import HistoryPlot
from pingmon_gui.ui.history_rows import HistoryRows
from pingmon_gui.ui.history_tools import HistoryTools
from pingmon_gui.ui.history_words import rest_text, span_text, summary
from pingmon_gui.ui.kept_window import KeptWindow
from pingmon_gui.ui.plain_label import PlainLabel, quiet_label
from pingmon_gui.ui.range_bar import RangeBar
from pingmon_gui.ui.run_card import Spawn
from pingmon_gui.ui.tab_order import follow_layout
from pingmon_gui.ui.theme import ThemeSwitch, current, scaled_font

#: Reading begins when moves have paused for so long.
SETTLE_MS = 60


@dataclass(frozen=True)
class Domain:
    """Whose history is shown."""

    id: MonitorId
    title: str


class HistoryWindow(KeptWindow):
    """Show a domain with `show_domain`, an incident's surroundings with `show_incident`.

    `explain_asked` carries a `Figure` of the domain that is shown.
    """

    explain_asked = Signal(object)

    def __init__(
        self,
        store: HistoryStore,
        spawn: Spawn,
        now_ms: Callable[[], int],
        theme: ThemeSwitch | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._store = store
        self._spawn = spawn
        self._now_ms = now_ms
        self._loading: asyncio.Task[Any] | None = None
        #: Where reset goes: from, to, and the length of a last range (0 for others).
        self._home: tuple[float, float, int] = (0.0, 0.0, DAY_MS)
        self._is_following = False
        self._is_fresh = True
        self._wants_focus = True
        self.domain: Domain | None = None
        self.view: HistoryView | None = None
        self.look = Look()
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(self.read)
        self._follow = QTimer(self)
        self._follow.setInterval(FOLLOW_MS)
        self._follow.timeout.connect(self.on_follow_due)
        self._lay_out()
        if theme is not None:
            theme.changed.connect(self.refresh)
        self.refresh()
        wanted = QSize(self.fontMetrics().averageCharWidth() * 165, self.fontMetrics().lineSpacing() * 46)
        self.resize(wanted.boundedTo(self.screen().availableSize() * 0.92))

    # What is asked for

    def show_domain(self, domain: Domain) -> None:
        """Show a domain over the range that is chosen; the last day where none is."""
        self._take(domain)
        self.look = replace(self.look, incident=None)
        self.ranges.choose(self._home[2] or DAY_MS)

    def show_incident(self, domain: Domain, incident: Incident) -> None:
        """Show what was around an incident, and mark it."""
        self._take(domain)
        self.look = replace(self.look, incident=incident.id)
        self._go(*around(incident, self._now_ms()), 0)
        self.ranges.show_span(self.plot.from_ms, self.plot.to_ms)

    def _take(self, domain: Domain) -> None:
        if self.domain is None or self.domain.id != domain.id:
            self.view = None
            self._pages.setCurrentWidget(self._message)
            self._message.setText(self.tr("Reading…"))
        self.domain = domain
        self.setWindowTitle(self.tr("History of %1").replace("%1", wording.plain(domain.title, 100)))
        self._title.setText(wording.plain(domain.title, 200))

    def _go(self, from_ms: float, to_ms: float, span_ms: int) -> None:
        """Look at a span; a last one follows the time."""
        self._home = (from_ms, to_ms, span_ms)
        self._is_following = bool(span_ms)
        self._is_fresh = True
        self.plot.blockSignals(True)
        self.plot.set_bounds(None, self._now_ms())
        self.plot.show_range(from_ms, to_ms)
        self.plot.blockSignals(False)
        self.read()

    # Reading

    @Slot()
    def read(self) -> None:
        """Read what is to be seen; what was being read for another moment is dropped."""
        self._settle.stop()
        if self._loading is not None:
            self._loading.cancel()
        if self.domain is not None:
            self._loading = self._spawn(self._read(self.domain))

    async def _read(self, domain: Domain) -> None:
        from_ms, to_ms = int(self.plot.from_ms), int(self.plot.to_ms)
        # Whoever moves finds more beside what is to be seen.
        margin_ms = 0 if self._is_fresh else (to_ms - from_ms) // 2
        try:
            view = await read_frame(
                self._store, domain.id, from_ms, to_ms, self._now_ms(), margin_ms, self.tools.family
            )
        except PingmonError as exc:
            self._loading = None
            self._say(wording.problem(exc))
            return
        self._loading = None
        self.show_view(view)

    def show_view(self, view: HistoryView) -> None:
        """Show what was read."""
        self.view = view
        if view.kept.first_ms is None:
            self._say(self.tr("Nothing was measured yet. What is measured from now on is shown here."))
            return
        self.tools.show_families(view.has_families)
        known = [one.region for one in view.regions]
        if self.look.region not in known:
            self.look = replace(self.look, region=known[0] if known else None)
        self.plot.show_view(view, self.look)
        self.rows.show_view(view, self.look)
        self._pages.setCurrentWidget(self._picture)
        if self._wants_focus:
            self._wants_focus = False
            self.plot.setFocus()
        self._tell()

    def _say(self, text: str) -> None:
        self._message.setText(text)
        self._pages.setCurrentWidget(self._message)

    def _tell(self) -> None:
        """Say in sentences what is to be seen, under the buttons and to screen readers."""
        view = self.view
        if view is None:
            return
        from_ms, to_ms = self.plot.from_ms, min(self.plot.to_ms, float(view.now_ms))
        whole = self.rows.figure_of(None)
        regions = frozenset(one.region for one in self.look.shown(view))
        marked = next((one for one in view.incidents if one.id == self.look.incident), None)
        told = "" if marked is None or self.domain is None else marked.sentence(self.domain.title)
        self._sentence.setText(summary(view, (from_ms, to_ms), regions, None if whole is None else whole[1], told))
        self._when.setText(span_text(int(from_ms), int(to_ms)))
        self.plot.setAccessibleDescription(self._sentence.text())
        self._show_reading(self.plot.cursor_ms)

    def _show_reading(self, cursor_ms: float | None) -> None:
        view = self.view
        if view is None:
            return
        span = (self.plot.from_ms, min(self.plot.to_ms, float(view.now_ms)))
        region = view.region(self.look.region) if self.look.region is not None else None
        values: list[history_reading.Value] = []
        if self.look.kind is not Kind.LATENCY and region is not None:
            values = history_reading.values(view, region, self.look.kind, span, cursor_ms)
        when = "" if cursor_ms is None else history_reading.moment_text(view, cursor_ms, self.look.kind)
        note = wording.plain(self._note(view, cursor_ms), 300)
        has_two = any(one.has_two_families for one in view.regions)
        self.legend.show_values(self.look, when, values, note, has_two_families=has_two)

    def _note(self, view: HistoryView, cursor_ms: float | None) -> str:
        """Return what else there is to say of a moment: the incident it lies in, or why nothing counts."""
        incident = None if cursor_ms is None else self.plot.incident_at(cursor_ms)
        if cursor_ms is None or incident is None or self.domain is None:
            return "" if cursor_ms is None else rest_text(view, cursor_ms)
        return incident.sentence(self.domain.title)

    # Building

    def _lay_out(self) -> None:
        unit = self.fontMetrics().averageCharWidth()
        name, value, share = unit * 21, unit * 19, unit * 11
        self._title = PlainLabel(self)
        self._title.setFont(scaled_font(1.3, weight=QFont.Weight.DemiBold))
        self._when = quiet_label(self)
        self.ranges = RangeBar(self._now_ms, self)
        self.ranges.chosen.connect(self.on_range_chosen)
        head = QHBoxLayout()
        titles = QVBoxLayout()
        titles.setSpacing(2)
        titles.addWidget(self._title)
        titles.addWidget(self._when)
        head.addLayout(titles, 1)
        head.addWidget(self.ranges, 0, Qt.AlignmentFlag.AlignTop)
        self.tools = HistoryTools(self)
        self._sentence = PlainLabel(self)
        self._picture = QWidget(self)
        self.plot = HistoryPlot(name, self._picture)
        self.legend = HistoryLegend(value + share, self._picture)
        self.rows = HistoryRows(self.plot, self._picture)
        self.rows.set_widths(name, value, share)
        upper = QHBoxLayout()
        upper.setSpacing(0)
        upper.addWidget(self.plot, 1)
        upper.addWidget(self.legend)
        inside = QVBoxLayout(self._picture)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(2)
        inside.addLayout(upper, 1)
        inside.addWidget(self.rows)
        self._message = QLabel(self)
        self._message.setTextFormat(Qt.TextFormat.PlainText)
        self._message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._message.setWordWrap(True)
        self._pages = QStackedWidget(self)
        self._pages.addWidget(self._message)
        self._pages.addWidget(self._picture)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 12, 16, 14)
        whole.setSpacing(8)
        whole.addLayout(head)
        whole.addWidget(self.tools)
        whole.addWidget(self._sentence)
        whole.addWidget(self._pages, 1)
        follow_layout(self)
        self.plot.range_changed.connect(self.on_range_changed)
        self.plot.cursor_moved.connect(self.on_cursor_moved)
        self.plot.placed.connect(self.rows.follow)
        self.plot.reset_asked.connect(self.on_reset)
        self.tools.look_chosen.connect(self.on_look_chosen)
        self.tools.family_chosen.connect(self.read)
        self.tools.zoom_in_asked.connect(self.on_zoom_in)
        self.tools.zoom_out_asked.connect(self.on_zoom_out)
        self.tools.reset_asked.connect(self.on_reset)
        self.tools.copy_asked.connect(self.on_copy)
        self.tools.save_asked.connect(self.on_save)
        self.rows.look_asked.connect(self.show_look)
        self.rows.zoom_asked.connect(self.on_bar_chosen)
        self.rows.explain_asked.connect(self.explain_asked)

    @Slot()
    def refresh(self) -> None:
        """Take over the colours in use."""
        self.setStyleSheet(sheet.controls())
        for label in (self._when, self._message):
            label.setStyleSheet(f"color: {current().muted}")
        self.plot.refresh()
        self.rows.refresh()
        self.legend.refresh()

    # What a person does

    @Slot(object)
    def on_range_chosen(self, chosen: tuple[int, int, int]) -> None:
        self.look = replace(self.look, incident=None)
        self._go(*chosen)

    @Slot(float, float)
    def on_range_changed(self, from_ms: float, to_ms: float) -> None:
        """Somebody moved: follow at once with what is there, and read what is not a moment later."""
        self._is_following, self._is_fresh = False, False
        self.ranges.show_span(from_ms, to_ms)
        self.rows.follow()
        self._tell()
        self._settle.start()

    @Slot(object)
    def on_cursor_moved(self, cursor_ms: float | None) -> None:
        self.rows.show_values(cursor_ms)
        self._show_reading(cursor_ms)
        if cursor_ms is None or self.view is None:
            self.plot.setAccessibleDescription(self._sentence.text())
        else:
            when = history_reading.moment_text(self.view, cursor_ms, self.look.kind)
            parts = [f"{when}: {history_reading.reading(self.view, cursor_ms)}", self._note(self.view, cursor_ms)]
            self.plot.tell(". ".join(part for part in parts if part))

    @Slot()
    def on_look_chosen(self) -> None:
        tools = self.tools
        self.show_look(
            replace(
                self.look,
                kind=tools.kind,
                with_normal=tools.normal.isChecked(),
                is_whole_scale=tools.whole.isChecked(),
            )
        )

    @Slot(object)
    def show_look(self, look: Look) -> None:
        """Show another look of what is there."""
        known = {one.region for one in self.view.regions} if self.view is not None else set()
        if known and not look.regions & known:
            # The last curve that is switched off brings all back: an empty chart says nothing.
            look = replace(look, regions=frozenset(REGIONS))
        self.look = look
        self.tools.normal.setEnabled(look.kind is not Kind.PHASES)
        self.plot.show_look(look)
        self.rows.show_look(look)
        self._tell()

    @Slot(object)
    def on_bar_chosen(self, bar: Bar) -> None:
        self.plot.show_range(bar.start_ms, bar.end_ms)

    @Slot()
    def on_zoom_in(self) -> None:
        self.plot.zoom(1 / 1.5)

    @Slot()
    def on_zoom_out(self) -> None:
        self.plot.zoom(1.5)

    @Slot()
    def on_reset(self) -> None:
        """Go back to the range that was chosen last, or to the incident's surroundings."""
        from_ms, to_ms, span_ms = self._home
        if span_ms:
            self.ranges.choose(span_ms)
        else:
            self._go(from_ms, to_ms, 0)

    @Slot()
    def on_copy(self) -> None:
        QGuiApplication.clipboard().setPixmap(self._as_picture())

    @Slot()
    def on_save(self) -> None:
        title = self.domain.title if self.domain is not None else ""
        dialog = QFileDialog(self, self.tr("Save as a picture"), suggested_name(title))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(self.tr("Pictures (*.png)"))
        dialog.setDefaultSuffix("png")
        dialog.fileSelected.connect(self.on_file_selected)
        dialog.open()

    @Slot(str)
    def on_file_selected(self, name: str) -> None:
        if not self._as_picture().save(name, "PNG"):
            self._sentence.setText(
                self.tr("The picture could not be written to %1.").replace("%1", wording.plain(name))
            )

    def _as_picture(self) -> Any:
        return picture(self._picture, self._title.text(), f"{self._when.text()} · {self._sentence.text()}")

    @Slot()
    def on_follow_due(self) -> None:
        if self._is_following and self._loading is None:
            self.ranges.choose(self._home[2])

    # Qt

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._follow.start()
        self._wants_focus = True

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._follow.stop()
        self._settle.stop()
