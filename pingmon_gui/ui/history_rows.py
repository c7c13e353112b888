"""Under the chart: a row for the domain and one for each region, on the same time axis.

A row has its name, which switches its curve, a strip of bars, its latency where the cursor is, and its availability,
which explains itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QObject, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QWidget

from pingmon_gui.domain.region import Region
from pingmon_gui.domain.strip import Bar, bar_length_ms, domain_bars, region_bars
from pingmon_gui.report.history_view import HistoryView, RegionHistory
from pingmon_gui.ui import history_reading, time_grid, wording
from pingmon_gui.ui.history_curves import Kind
from pingmon_gui.ui.history_drawing import Look
from pingmon_gui.ui.history_plot import HistoryPlot
from pingmon_gui.ui.history_strip import HistoryStrip
from pingmon_gui.ui.history_words import span_text
from pingmon_gui.ui.latency_chart import region_colour
from pingmon_gui.ui.plain_label import quiet_label
from pingmon_gui.ui.share_button import ShareButton
from pingmon_gui.ui.theme import current, scaled_font

#: Columns of the grid: the strip is as wide as what is drawn of the chart above it.
NAME, STRIP, VALUE, SHARE = range(4)
_KEY = 11


@dataclass(frozen=True)
class Figure:
    """A figure that somebody wants explained: of a region, or of the domain (None), in a span."""

    region: Region | None
    from_ms: int
    to_ms: int


def bar_edges(view: HistoryView, span_ms: float, from_ms: int, to_ms: int) -> list[int]:
    """Return the bounds of the bars of a span where one looks at `span_ms` at a time: bounds of buckets as well."""
    step = time_grid.step_of(bar_length_ms(int(span_ms)))
    found = time_grid.edges(from_ms, to_ms, step)
    return sorted({at_ms // view.bucket_ms * view.bucket_ms for at_ms in found})


class HistoryRow(QObject):
    """The widgets of one row; `region` is None for the domain."""

    def __init__(self, region: Region | None, parent: QWidget) -> None:
        super().__init__(parent)
        self.region = region
        self.name = QPushButton(parent)
        self.name.setCheckable(region is not None)
        self.name.setProperty("row", True)
        self.name.setIconSize(QSize(_KEY, _KEY))
        self.strip = HistoryStrip(parent)
        self.value = quiet_label(parent)
        self.value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.value.setFont(scaled_font(1.0, is_tabular=True))
        self.share = ShareButton(parent)
        if region is None:
            self.name.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            self.name.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        title = self.tr("Domain") if region is None else wording.region_name(region)
        self.title = title
        self.name.setText(title)

    def widgets(self) -> tuple[QWidget, ...]:
        return self.name, self.strip, self.value, self.share

    def refresh(self) -> None:
        """Take over the colours in use."""
        self.share.refresh()
        if self.region is not None:
            self.name.setIcon(_key(region_colour(self.region), is_on=self.name.isChecked()))
        self.strip.update()


class HistoryRows(QWidget):
    """`look_asked` carries a `Look` after a row's name was pressed, the others a bar or a `Figure`."""

    look_asked = Signal(object)
    zoom_asked = Signal(object)
    explain_asked = Signal(object)

    def __init__(self, plot: HistoryPlot, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plot = plot
        self._view: HistoryView | None = None
        self._look = Look()
        self._rows: dict[Region | None, HistoryRow] = {}
        self._edges: list[int] = []
        self._figures: tuple[int, int] | None = None
        self.grid = QGridLayout(self)
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.grid.setHorizontalSpacing(0)
        self.grid.setVerticalSpacing(5)
        self.grid.setColumnStretch(STRIP, 1)
        self._value_head = QLabel(self)
        self._share_head = QLabel(self)
        for column, label in ((VALUE, self._value_head), (SHARE, self._share_head)):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom)
            label.setProperty("quiet", True)
            self.grid.addWidget(label, 0, column)
        self._share_head.setText(self.tr("Available"))

    def set_widths(self, name: int, value: int, share: int) -> None:
        """Give the columns beside the strips their widths."""
        for column, width in ((NAME, name), (VALUE, value), (SHARE, share)):
            self.grid.setColumnMinimumWidth(column, width)

    # What is shown

    def show_view(self, view: HistoryView, look: Look) -> None:
        """Take over what was read; there is a row for every region that measured or was asked to."""
        self._view, self._look = view, look
        self._edges, self._figures = [], None
        wanted = [None, *(one.region for one in view.regions)]
        if list(self._rows) != wanted:
            self._make_rows(wanted)
        self.show_look(look)
        self.follow()

    def show_look(self, look: Look) -> None:
        """Check the names of the rows whose curves are drawn."""
        self._look = look
        for region, row in self._rows.items():
            if region is not None:
                is_on = region in look.regions if look.kind is Kind.LATENCY else region is look.region
                row.name.setChecked(is_on)
                row.name.setToolTip(
                    self.tr("Show or hide this region's curve")
                    if look.kind is Kind.LATENCY
                    else self.tr("Show this region")
                )
                row.refresh()
        self.show_values(self._plot.cursor_ms)

    @Slot()
    def follow(self) -> None:
        """Follow the chart to where it looks now."""
        view, plot = self._view, self._plot
        if view is None:
            return
        place = plot.plot_rect
        left = place.left() - self.grid.columnMinimumWidth(NAME)
        edges = bar_edges(view, plot.to_ms - plot.from_ms, view.from_ms, view.to_ms)
        if edges != self._edges:
            self._edges = edges
            self._show_bars(view, edges)
        for row in self._rows.values():
            row.strip.show_range(plot.from_ms, plot.to_ms, left, place.width())
        self._show_figures(view)
        if plot.cursor_ms is None:
            self.show_values(None)

    def show_values(self, cursor_ms: float | None) -> None:
        """Show the latencies at the cursor; without one the medians of what is to be seen."""
        view, plot = self._view, self._plot
        if view is None:
            return
        self._value_head.setText(self.tr("Median") if cursor_ms is None else self.tr("At the cursor"))
        for region, row in self._rows.items():
            row.strip.show_cursor(cursor_ms)
            known = view.region(region) if region is not None else None
            if known is None:
                continue
            if cursor_ms is None:
                row.value.setText(history_reading.median_text(view, known, plot.from_ms, plot.to_ms))
                row.value.setToolTip("")
            else:
                row.value.setText(history_reading.short_text(view, known, cursor_ms))
                text = history_reading.latency_text(view, known, cursor_ms, with_reason=True)
                row.value.setToolTip(wording.tool_tip(text))

    def figure_of(self, region: Region | None) -> tuple[Figure, Bar] | None:
        """Return what the share of a row is of, with its bar; None while nothing is shown."""
        if self._view is None or self._figures is None:
            return None
        from_ms, to_ms = self._figures
        bar = self._bar(self._view, region, [from_ms, to_ms])
        return Figure(region, bar.start_ms, bar.end_ms), bar

    def refresh(self) -> None:
        """Take over the colours in use."""
        theme = current()
        self.setStyleSheet(
            "QPushButton[row='true'] { text-align: left; padding: 3px 6px; border: 1px solid transparent;"
            f" border-radius: 5px; background: transparent; color: {theme.text}; }}"
            f"QPushButton[row='true']:hover {{ background: {theme.hover}; }}"
            f"QPushButton[row='true']:focus {{ border-color: {theme.accent}; }}"
            f"QLabel[quiet='true'] {{ color: {theme.muted}; }}"
        )
        for row in self._rows.values():
            row.refresh()

    def _make_rows(self, regions: Sequence[Region | None]) -> None:
        for row in self._rows.values():
            for widget in row.widgets():
                self.grid.removeWidget(widget)
                widget.deleteLater()
            row.deleteLater()
        self._rows = {}
        for place, region in enumerate(regions):
            row = HistoryRow(region, self)
            self._rows[region] = row
            for column, widget in enumerate(row.widgets()):
                self.grid.addWidget(widget, place + 1, column)
            self.grid.setAlignment(row.share, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            row.name.clicked.connect(self._on_name(region))
            row.strip.zoom_asked.connect(self.zoom_asked)
            row.strip.explain_asked.connect(self._on_bar(region))
            row.share.clicked.connect(self._on_share(region))
        self.refresh()

    def _show_bars(self, view: HistoryView, edges: list[int]) -> None:
        for region, row in self._rows.items():
            row.strip.show_bars(row.title, self._bars(view, region, edges))

    def _show_figures(self, view: HistoryView) -> None:
        """Show the availability of the bars that are to be seen, each of them whole."""
        bars = self._rows[None].strip.visible_bars() if self._rows else []
        figures = (bars[0].start_ms, bars[-1].end_ms) if bars else None
        if figures is None or figures == self._figures:
            return
        self._figures = figures
        self._share_head.setToolTip(wording.tool_tip(span_text(*figures)))
        for region, row in self._rows.items():
            bar = self._bar(view, region, list(figures))
            row.share.show_share(bar.time, f"{row.title}, {span_text(bar.start_ms, bar.end_ms)}")

    def _bar(self, view: HistoryView, region: Region | None, edges: list[int]) -> Bar:
        return self._bars(view, region, edges)[0]

    @staticmethod
    def _bars(view: HistoryView, region: Region | None, edges: list[int]) -> list[Bar]:
        """Return bars between bounds; the last ends now, a domain's where it is judged."""
        until_ms = view.now_ms if region is not None else max(view.judged_until_ms, edges[0] + 1)
        bounds = np.array(sorted({min(at_ms, until_ms) for at_ms in edges}), dtype=np.int64)
        if len(bounds) < 2:
            bounds = np.array([edges[0], edges[0] + 1], dtype=np.int64)
        if region is None:
            return domain_bars(view.verdicts, bounds, view.asked_from_ms)
        known: RegionHistory | None = view.region(region)
        assert known is not None
        return region_bars(known.rollups, known.asked, bounds)

    # Slots

    def _on_name(self, region: Region | None) -> Callable[[], None]:
        def pressed() -> None:
            look = self._look
            if region is None:
                return
            if look.kind is Kind.LATENCY:
                self.look_asked.emit(replace(look, regions=look.regions ^ {region}))
            else:
                self.look_asked.emit(replace(look, region=region))

        return pressed

    def _on_bar(self, region: Region | None) -> Callable[[Bar], None]:
        return lambda bar: self.explain_asked.emit(Figure(region, bar.start_ms, bar.end_ms))

    def _on_share(self, region: Region | None) -> Callable[[], None]:
        def pressed() -> None:
            if (found := self.figure_of(region)) is not None:
                self.explain_asked.emit(found[0])

        return pressed


def _key(colour: str, *, is_on: bool) -> QIcon:
    """Return a square of a region's colour; only its outline where it is switched off."""
    image = QPixmap(_KEY * 2, _KEY * 2)
    image.setDevicePixelRatio(2)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QColor(colour))
    if is_on:
        painter.setBrush(QColor(colour))
    painter.drawRoundedRect(1, 1, _KEY - 2, _KEY - 2, 2, 2)
    painter.end()
    return QIcon(image)
