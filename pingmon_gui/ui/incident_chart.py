"""The latency around one incident, beside what each region saw: the chart of the history over a span that stays.

It is read in the background; the read for an incident that is looked at no more is dropped. pyqtgraph is imported when
there is something to draw.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QStackedWidget, QVBoxLayout, QWidget

from pingmon_gui.domain.error import PingmonError
from pingmon_gui.domain.history import DAY_MS
from pingmon_gui.domain.incident import Incident
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.report.history_view import HistoryView, RegionHistory
from pingmon_gui.ui import history_reading, wording
from pingmon_gui.ui.history_curves import Kind
from pingmon_gui.ui.history_frame import FOLLOW_MS, around
from pingmon_gui.ui.history_words import span_text
from pingmon_gui.ui.plain_label import quiet_label
from pingmon_gui.ui.run_card import Spawn
from pingmon_gui.ui.theme import current

if TYPE_CHECKING:
    from pingmon_gui.ui.history_plot import HistoryPlot

#: Reads a monitor's history: from, to, now.
ReadFrame = Callable[[MonitorId, int, int, int], Awaitable[HistoryView]]
_AXIS_CHARACTERS = 9
_LEAST_CHARACTERS, _LEAST_LINES, _LINES = 44, 11, 18
#: So wide that a reading of all regions takes two lines, else three.
_WIDE_CHARACTERS = 90


class IncidentChart(QWidget):
    """`show_incident` fills it. `plot_made` says that there is a place more where Tab stops."""

    plot_made = Signal()

    def __init__(self, read: ReadFrame, spawn: Spawn, now_ms: Callable[[], int], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._read_frame = read
        self._spawn = spawn
        self._now_ms = now_ms
        self._loading: asyncio.Task[Any] | None = None
        self._incident: Incident | None = None
        self._title = ""
        self._told = ""
        self._marks = ""
        self.view: HistoryView | None = None
        self.plot: HistoryPlot | None = None
        self._follow = QTimer(self)
        self._follow.setInterval(FOLLOW_MS)
        self._follow.timeout.connect(self.on_follow_due)
        metrics = self.fontMetrics()
        self.setMinimumSize(metrics.averageCharWidth() * _LEAST_CHARACTERS, metrics.lineSpacing() * _LEAST_LINES)
        self.message = QLabel(self)
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.message.setWordWrap(True)
        self._picture = QWidget(self)
        self.heading = quiet_label(self._picture, can_wrap=True)
        self.reading = quiet_label(self._picture, can_wrap=True)
        self.reading.setAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignTop)
        self._inside = QVBoxLayout(self._picture)
        self._inside.setContentsMargins(0, 0, 0, 0)
        self._inside.setSpacing(2)
        self._inside.addWidget(self.heading)
        self._inside.addWidget(self.reading)
        self._pages = QStackedWidget(self)
        self._pages.addWidget(self.message)
        self._pages.addWidget(self._picture)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._pages)
        self.refresh()

    def show_incident(self, incident: Incident | None, title: str) -> None:
        """Show what was around an incident of a domain; None shows nothing."""
        before, self._incident, self._title = self._incident, incident, title
        if _drawn_of(before) == _drawn_of(incident):
            self._tell()
            return
        self._drop_read()
        if before is None or incident is None or before.id != incident.id:
            self.view = None
            self._say(self.tr("Reading…"))
        if incident is not None:
            self._loading = self._spawn(self._read(incident))

    def _drop_read(self) -> None:
        if self._loading is not None:
            self._loading.cancel()
            self._loading = None

    async def _read(self, incident: Incident) -> None:
        now_ms = self._now_ms()
        from_ms, to_ms = around(incident, now_ms)
        try:
            view = await self._read_frame(incident.monitor, from_ms, to_ms, now_ms)
        except PingmonError as exc:
            self.view = None
            self._say(wording.problem(exc))
            return
        self._show(view, incident, from_ms, to_ms)

    def _show(self, view: HistoryView, incident: Incident, from_ms: int, to_ms: int) -> None:
        self.view = view
        if not _is_anything_kept(view, from_ms, to_ms):
            self._say(self.tr("Nothing is kept of that time any more."))
            return
        if view.shown_ms >= to_ms - from_ms:
            if view.shown_ms < DAY_MS:
                self._say(self.tr("Of that time one value an hour is kept, too few for a chart of it."))
            else:
                self._say(self.tr("Of that time one value a day is kept, too few for a chart of it."))
            return
        # Imported when there is something to draw: it takes a fifth of a second.
        from pingmon_gui.ui.history_drawing import Look
        from pingmon_gui.ui.history_legend import marks

        look = Look(incident=incident.id)
        plot = self._made_plot()
        plot.set_bounds(None, view.now_ms)
        plot.show_range(from_ms, to_ms)
        plot.show_view(view, look)
        # A mark stays on one line with its meaning.
        has_two = any(one.has_two_families for one in view.regions)
        self._marks = " · ".join(mark.replace(" ", "\u00a0") for mark in marks(look, has_two_families=has_two))
        self._tell()
        self._pages.setCurrentWidget(self._picture)

    def _made_plot(self) -> HistoryPlot:
        if self.plot is None:
            from pingmon_gui.ui.history_plot import HistoryPlot

            self.plot = HistoryPlot(
                self.fontMetrics().averageCharWidth() * _AXIS_CHARACTERS, self._picture, can_move=False
            )
            self.plot.cursor_moved.connect(self.on_cursor_moved)
            self._inside.insertWidget(1, self.plot, 1)
            self.plot_made.emit()
        return self.plot

    def _say(self, text: str) -> None:
        if self.plot is not None:
            self.plot.set_cursor(None)
        self.message.setText(text)
        self._pages.setCurrentWidget(self.message)

    def _tell(self) -> None:
        """Say in words what is to be seen."""
        if self.view is None or self.plot is None or self._incident is None:
            return
        incident, view = self._incident, self.view
        from_ms, to_ms = self.plot.from_ms, min(self.plot.to_ms, float(view.now_ms))
        title = wording.plain(self._title, 60)
        text = self.tr("Latency of %1, %2").replace("%2", span_text(int(from_ms), int(to_ms))).replace("%1", title)
        self.heading.setText(text)
        self.plot.setAccessibleName(f"{text}. {wording.plain(incident.sentence(self._title), 300)}")
        self._told = ". ".join(self._medians(view, one, incident, int(from_ms)) for one in view.regions)
        self.on_cursor_moved(self.plot.cursor_ms)

    def _medians(self, view: HistoryView, region: RegionHistory, incident: Incident, from_ms: int) -> str:
        """Return what a region took before and during an incident, by the stretches that lie in it whole."""
        end_ms = view.now_ms if incident.end_ms is None else incident.end_ms
        length_ms = 1 if view.is_raw else view.shown_ms
        before_to_ms = incident.start_ms // length_ms * length_ms
        first_ms, last_ms = -(-incident.start_ms // length_ms) * length_ms, end_ms // length_ms * length_ms
        text = self.tr("%1: %2 before the incident")
        if first_ms < last_ms:
            text = self.tr("%1: %2 before, %3 during the incident")
            text = text.replace("%3", self._median(view, region, first_ms, last_ms))
        text = text.replace("%2", self._median(view, region, from_ms, before_to_ms))
        return text.replace("%1", wording.region_name(region.region))

    def _median(self, view: HistoryView, region: RegionHistory, from_ms: int, to_ms: int) -> str:
        text = history_reading.median_text(view, region, from_ms, to_ms)
        return self.tr("no good answer") if text == wording.NOTHING else text

    def refresh(self) -> None:
        """Take over the colours in use."""
        for label in (self.message, self.heading, self.reading):
            label.setStyleSheet(f"color: {current().muted}")
        if self.plot is not None:
            self.plot.refresh()

    # Slots

    @Slot(object)
    def on_cursor_moved(self, cursor_ms: float | None) -> None:
        if self.plot is None or self.view is None:
            return
        if cursor_ms is None:
            self.reading.setText(self._marks)
            self.plot.setAccessibleDescription(self._told)
        else:
            when = history_reading.moment_text(self.view, cursor_ms, Kind.LATENCY)
            text = f"{when}: {history_reading.reading(self.view, cursor_ms)}"
            self.reading.setText(text)
            self.plot.tell(text)

    @Slot()
    def on_follow_due(self) -> None:
        """Read again while there is more to come of what is shown, or nothing was read yet."""
        if self._incident is None or (self._loading is not None and not self._loading.done()):
            return
        drawn_until_ms = 0 if self.view is None else self.view.now_ms
        if around(self._incident, self._now_ms())[1] > drawn_until_ms:
            self._loading = self._spawn(self._read(self._incident))

    # Qt

    def sizeHint(self) -> QSize:
        return QSize(self.minimumWidth() * 2, self.fontMetrics().lineSpacing() * _LINES)

    def hasHeightForWidth(self) -> bool:
        # Its words wrap, but that asks for no more: the plot gives way.
        return False

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # A longer reading must not move the chart under the pointer: its room is kept.
        is_wide = self.width() >= self.fontMetrics().averageCharWidth() * _WIDE_CHARACTERS
        self.reading.setFixedHeight(self.fontMetrics().lineSpacing() * (2 if is_wide else 3) + 2)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._follow.start()
        self.on_follow_due()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._follow.stop()
        self._drop_read()


def _drawn_of(incident: Incident | None) -> tuple[object, ...] | None:
    """Return what a chart shows of an incident: its notes are not among that."""
    if incident is None:
        return None
    return incident.id, incident.kind, incident.start_ms, incident.end_ms, incident.is_withdrawn


def _is_anything_kept(view: HistoryView, from_ms: int, to_ms: int) -> bool:
    return any(
        bool(((one.buckets.start_ms + view.shown_ms > from_ms) & (one.buckets.start_ms < to_ms)).any())
        for one in view.regions
    )
