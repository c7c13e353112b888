"""Latency over time, a curve a probe, or one for each of its families (IPv6 dashed).

Failures are marks at the bottom, and there are gaps where nothing is known.

pyqtgraph takes a fifth of a second to import: that is done when the first history is shown, never before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from pingmon_gui.domain.family import AUTOMATIC, IPV4, IPV6
from pingmon_gui.domain.history import SeriesHistory
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.status import Status
from pingmon_gui.ui import wording
from pingmon_gui.ui.chart_data import Points
from pingmon_gui.ui.theme import current

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
#: A colour a region, in the order of REGIONS; light and dark.
_LIGHT = ("#1f5fd6", "#b3471c", "#0d7f72", "#8a3fb0", "#7a6a00", "#c02f6f")
_DARK = ("#6ea3ff", "#ff9d6b", "#4fd0bf", "#c99bf0", "#d8c75a", "#ff8fbd")


def region_colour(region: Region) -> str:
    return (_DARK if current().is_dark else _LIGHT)[REGIONS.index(region)]


class LatencyChart(QWidget):
    """See the module. The owner loads what `span_chosen` asks for and calls `show_history`."""

    span_chosen = Signal(int)
    history_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.span_ms = HOUR_MS
        self._from_ms = self._to_ms = 0
        #: By region, probe, and whether it is the second of two families.
        self._points: dict[tuple[Region, str, bool], Points] = {}
        self._plot: Any = None
        self._message = QLabel(self)
        self._message.setTextFormat(Qt.TextFormat.PlainText)
        self._message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._message.setWordWrap(True)
        self._hover = QLabel(self)
        self._hover.setTextFormat(Qt.TextFormat.PlainText)
        self._pages = QStackedWidget(self)
        self._pages.addWidget(self._message)
        head = QHBoxLayout()
        head.setSpacing(4)
        head.addWidget(self._hover, 1)
        self._spans = QButtonGroup(self)
        for text, name, span_ms in (
            (self.tr("1 h"), self.tr("Latency of the last hour"), HOUR_MS),
            (self.tr("24 h"), self.tr("Latency of the last 24 hours"), DAY_MS),
        ):
            button = QPushButton(text, self)
            button.setCheckable(True)
            button.setChecked(span_ms == self.span_ms)
            button.setAccessibleName(name)
            button.setProperty("pill", True)
            self._spans.addButton(button, span_ms)
            head.addWidget(button)
        more = QPushButton(self.tr("More…"), self)
        more.setAccessibleName(self.tr("History of this domain, over any time"))
        more.setToolTip(self.tr("History of this domain, over any time (Ctrl+H)"))
        more.setProperty("pill", True)
        more.clicked.connect(self.history_asked)
        head.addWidget(more)
        self._spans.idClicked.connect(self.on_span_clicked)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._pages, 1)
        self._describe()

    def show_message(self, text: str) -> None:
        """Show a sentence instead of curves."""
        self._points = {}
        self._say(text)

    def show_history(self, series: Sequence[tuple[Region, str, SeriesHistory]], from_ms: int, to_ms: int) -> None:
        """Show raw results, each with its region and probe; what lies before `from_ms` is not drawn."""
        self._from_ms, self._to_ms = from_ms, to_ms
        by_voice: dict[tuple[Region, str, bool], list[SeriesHistory]] = {}
        for region, probe, history in series:
            by_voice.setdefault((region, probe, history.series.is_second), []).append(history)
        found = {key: Points.of(histories, from_ms) for key, histories in by_voice.items()}
        self._points = {key: points for key, points in found.items() if len(points.at_ms)}
        self._draw()

    def append(
        self,
        region: Region,
        probe_name: str,
        at_ms: int,
        total_ms: float | None,
        status: Status,
        interval_ms: int,
        *,
        is_second: bool = False,
    ) -> None:
        """Add one live result at the right; the left edge moves along."""
        key = (region, probe_name, is_second)
        points = self._points.get(key) or Points.of([], 0)
        if len(points.at_ms) and at_ms <= points.at_ms[-1]:
            return
        self._points[key] = points.with_result(at_ms, total_ms, status, interval_ms)
        self._to_ms = max(self._to_ms, at_ms)
        self._from_ms = self._to_ms - self.span_ms
        self._draw()

    def summary(self) -> str:
        """Return what the chart shows as one sentence a probe."""
        parts = []
        for (region, _probe, is_second), points in self._points.items():
            known = points.total_ms[~np.isnan(points.total_ms)]
            failures = int(points.is_offline.sum())
            text = self.tr("%1: median %2, %3")
            counted = wording.counted(self.tr("%n failure(s)", "", failures), failures)
            median = wording.latency(float(np.median(known))) if len(known) else wording.NOTHING
            parts.append(text.replace("%3", counted).replace("%2", median).replace("%1", self._name(region, is_second)))
        return "; ".join(parts)

    # Drawing

    def _say(self, text: str) -> None:
        self._message.setText(text)
        self._pages.setCurrentWidget(self._message)
        self._hover.clear()
        self._describe()

    def _draw(self) -> None:
        if not self._points:
            self._say(self.tr("No results in this time yet."))
            return
        if self._plot is None:
            self._make_plot()
        import pyqtgraph

        theme, plot = current(), self._plot
        plot.clear()
        plot.setBackground(theme.window)
        for axis in ("left", "bottom"):
            plot.getAxis(axis).setPen(theme.field_line)
            plot.getAxis(axis).setTextPen(theme.muted)
        buckets = max(50, plot.width())
        highest = 1.0
        for (region, _probe, is_second), points in self._points.items():
            x, y = points.curve(self._from_ms, self._to_ms, buckets)
            line = Qt.PenStyle.DashLine if is_second else Qt.PenStyle.SolidLine
            pen = pyqtgraph.mkPen(region_colour(region), width=1.4, style=line)
            is_alone = len(x) == 1
            plot.plot(
                x, y, pen=pen, connect="finite", symbol="o" if is_alone else None, symbolSize=5,
                symbolBrush=region_colour(region), symbolPen=None,
            )  # fmt: skip
            if len(y) and not np.isnan(y).all():
                highest = max(highest, float(np.nanmax(y)))
            for at_ms in points.changed_at_ms:
                change = pyqtgraph.InfiniteLine(
                    at_ms / 1000, pen=pyqtgraph.mkPen(theme.muted, style=Qt.PenStyle.DashLine)
                )
                plot.addItem(change, ignoreBounds=True)
        for points in self._points.values():
            failed = points.failures_s(self._from_ms, self._to_ms)
            if len(failed):
                marks = pyqtgraph.ScatterPlotItem(
                    failed, np.zeros(len(failed)), symbol="s", size=7, brush=QColor(theme.offline), pen=None
                )
                plot.addItem(marks, ignoreBounds=True)
        plot.setXRange(self._from_ms / 1000, self._to_ms / 1000, padding=0)
        plot.setYRange(0, highest * 1.1, padding=0.04)
        self._pages.setCurrentWidget(plot)
        self._hover.setText(self.tr("Latency, ms"))
        self._describe()

    def _make_plot(self) -> None:
        import pyqtgraph

        plot: Any = pyqtgraph.PlotWidget(self, axisItems={"bottom": pyqtgraph.DateAxisItem()})
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setMouseEnabled(x=False, y=False)
        plot.getAxis("left").enableAutoSIPrefix(False)
        plot.showGrid(y=True, alpha=0.15)
        plot.scene().sigMouseMoved.connect(self.on_mouse_moved)
        self._plot = plot
        self._pages.addWidget(plot)

    def _describe(self) -> None:
        self.setAccessibleName(self.tr("Latency chart"))
        self.setAccessibleDescription(self.summary() or self._message.text())

    def hover_text(self, at_ms: float) -> str:
        """Return time and exact values at a moment, one probe after the other."""
        parts = [wording.clock_time(int(at_ms))]
        for (region, _probe, is_second), points in self._points.items():
            place = points.nearest(at_ms)
            if place is None:
                value = wording.status_word(Status.UNKNOWN)
            elif points.is_offline[place]:
                value = wording.status_word(Status.OFFLINE)
            else:
                value = wording.exact_latency(float(points.total_ms[place]))
            parts.append(f"{self._name(region, is_second)} {value}")
        return " · ".join(parts)

    def _name(self, region: Region, is_second: bool) -> str:
        """Return a curve's name: its region, with the family where there are two."""
        has_two = any(is_second for _region, _probe, is_second in self._points)
        family = (IPV6 if is_second else IPV4) if has_two else AUTOMATIC
        return " ".join(part for part in (wording.region_name(region), wording.family_name(family)) if part)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange and self._points:
            self._draw()

    # Slots

    @Slot(int)
    def on_span_clicked(self, span_ms: int) -> None:
        if span_ms != self.span_ms:
            self.span_ms = span_ms
            self.span_chosen.emit(span_ms)

    @Slot(object)
    def on_mouse_moved(self, position: Any) -> None:
        view = self._plot.getViewBox()
        if view.sceneBoundingRect().contains(position):
            self._hover.setText(self.hover_text(view.mapSceneToView(position).x() * 1000))
        else:
            self._hover.setText(self.tr("Latency, ms"))
