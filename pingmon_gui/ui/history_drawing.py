"""Draws a history into a plot: curves of regions, areas, marks and shades. It moves nothing and hears nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyqtgraph
from pingmon_probe.protocol import PHASES
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QColor

from pingmon_gui.domain.incident import IncidentId
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.report.history_view import HistoryView, RegionHistory
from pingmon_gui.ui import history_curves as curves
from pingmon_gui.ui.chart_data import Floats
from pingmon_gui.ui.chart_items import Area, Shade, Shades, TimeBox
from pingmon_gui.ui.history_curves import Kind, Line
from pingmon_gui.ui.latency_chart import region_colour
from pingmon_gui.ui.phase_bar import phase_colours
from pingmon_gui.ui.theme import current, mixed

#: The scale ends a little above what all but so many of the points have.
_SCALE_SHARE = 0.998
_HEADROOM = 1.15
#: Room for marks below 0, as a share of what is above.
_BELOW = 0.035
_MARK = 7
#: From this share of failed checks on a stretch is marked as one that was hard to reach.
_GRAVE_SHARE = 0.02
#: How much is left of a colour where it is that of the second family.
_PALE = 0.5


@dataclass(frozen=True)
class Look:
    """What is shown of a view. `region` is the one whose percentiles or phases are shown."""

    kind: Kind = Kind.LATENCY
    regions: frozenset[Region] = frozenset(REGIONS)
    region: Region | None = None
    with_normal: bool = True
    is_whole_scale: bool = False
    incident: IncidentId | None = None

    def shown(self, view: HistoryView) -> list[RegionHistory]:
        """Return the regions whose curves are drawn."""
        wanted: Collection[Region | None] = self.regions if self.kind is Kind.LATENCY else {self.region}
        return [one for one in view.regions if one.region in wanted]


class Span(NamedTuple):
    """What is to be seen: times in ms, and over how many pixels."""

    from_ms: int
    to_ms: int
    pixels: int


class _Pool:
    """Items of one kind in a box: making one takes longer than filling it, and every move draws anew."""

    def __init__(self, box: TimeBox, make: Callable[[], Any], z: int) -> None:
        self._box, self._make, self._z = box, make, z
        self._items: list[Any] = []
        self._used = 0

    def begin(self) -> None:
        self._used = 0

    def take(self) -> Any:
        """Return an item that is not used since `begin`."""
        if self._used == len(self._items):
            item = self._make()
            item.setZValue(self._z)
            self._items.append(item)
            self._box.addItem(item, ignoreBounds=True)
        item = self._items[self._used]
        self._used += 1
        item.show()
        return item

    def end(self) -> None:
        """Hide what was not used."""
        for item in self._items[self._used :]:
            item.hide()


class HistoryDrawing:
    """Fills a box anew with each `draw`. `points` is the most that a curve had at the last one."""

    def __init__(self, box: TimeBox) -> None:
        self._box = box
        self._shades = Shades()
        self._shades.setZValue(5)
        box.addItem(self._shades, ignoreBounds=True)
        self._areas = _Pool(box, Area, 0)
        self._lines = _Pool(box, pyqtgraph.PlotCurveItem, 10)
        self._points = _Pool(box, pyqtgraph.ScatterPlotItem, 20)
        self._uprights = _Pool(box, _upright, 30)
        self._values: list[Floats] = []
        self.points = 0

    def draw(self, view: HistoryView | None, look: Look, span: Span) -> None:
        """Draw what is to be seen of the view."""
        pools = (self._areas, self._lines, self._points, self._uprights)
        for pool in pools:
            pool.begin()
        self._values, self.points = [], 0
        self._shades.show_shades([])
        if view is not None:
            self._fill(view, look, span)
        for pool in pools:
            pool.end()

    def _fill(self, view: HistoryView, look: Look, span: Span) -> None:
        regions = look.shown(view)
        self._shades.show_shades(_shades(view, look, regions))
        for region in regions:
            match look.kind:
                case Kind.LATENCY:
                    self._latency(view, region, span)
                case Kind.PERCENTILES:
                    self._percentiles(view, region, span)
                case Kind.PHASES:
                    self._phases(view, region, span)
            if look.with_normal and look.kind is not Kind.PHASES:
                self._normal(view, region, span)
        high = self._set_scale(look)
        if look.kind is Kind.LATENCY:
            for region in regions:
                self._strays(view, region, span, high)
        self._failures(view, regions, span, high)
        self._address_changes(view)

    def _latency(self, view: HistoryView, region: RegionHistory, span: Span) -> None:
        colour = region_colour(region.region)
        pale = mixed(colour, current().base, _PALE).name()
        lines = curves.latency_lines(view, region, *span)
        for line in lines:
            self._line(line, pale if line.is_pale else colour)
            self._count(line.y_ms)
        for one in region.slower:
            for line in lines:
                chosen = (line.x_s * 1000 >= one.start_ms) & (line.x_s * 1000 <= one.end_ms)
                if chosen.any():
                    slow = Line(line.x_s[chosen], line.y_ms[chosen])
                    self._line(slow, pale if line.is_pale else colour, width=3.2)

    def _percentiles(self, view: HistoryView, region: RegionHistory, span: Span) -> None:
        layers = curves.percentile_layers(view, region, *span)
        colour = region_colour(region.region)
        for place, share in ((2, 0.18), (1, 0.35)):
            shade = mixed(colour, current().base, share)
            self._area(layers.x_s, layers.tops_ms[place - 1], layers.tops_ms[place], shade)
        self._line(Line(layers.x_s, layers.tops_ms[0]), colour, width=2)
        self._count(layers.tops_ms[-1])

    def _phases(self, view: HistoryView, region: RegionHistory, span: Span) -> None:
        layers = curves.phase_layers(view, region, *span)
        lower = np.zeros(len(layers.x_s))
        for place in range(len(PHASES)):
            self._area(layers.x_s, lower, layers.tops_ms[place], QColor(phase_colours()[place]))
            lower = layers.tops_ms[place]
        self._count(layers.tops_ms[-1])

    def _normal(self, view: HistoryView, region: RegionHistory, span: Span) -> None:
        line = curves.normal_line(view, region, span.from_ms, span.to_ms)
        if len(line.x_s) and not np.isnan(line.y_ms).all():
            pen = pyqtgraph.mkPen(region_colour(region.region), width=1, style=Qt.PenStyle.DashLine)
            self._lines.take().setData(line.x_s, line.y_ms, pen=pen, connect="finite")
            self._values.append(line.y_ms)

    def _strays(self, view: HistoryView, region: RegionHistory, span: Span, high: float) -> None:
        """Mark what took far longer than is normal; what is above the scale points upwards at its upper edge."""
        stray = curves.strays(view, region, span.from_ms, span.to_ms)
        colour = region_colour(region.region)
        above = stray.y_ms > high
        if above.any():
            x_s = _one_a_pixel(stray.x_s[above], span)
            self._marks(x_s, np.full(len(x_s), high * 0.985), "t1", colour)
        if not above.all():
            pen = pyqtgraph.mkPen(colour, width=1.2)
            self._marks(stray.x_s[~above], stray.y_ms[~above], "o", None, pen=pen)

    def _failures(self, view: HistoryView, regions: list[RegionHistory], span: Span, high: float) -> None:
        """Mark failures below the curves: large ones where many of the checks failed, small ones where few did."""
        found = [curves.failures(view, one, span.from_ms, span.to_ms) for one in regions]
        for is_grave, size in ((False, _MARK - 3), (True, _MARK + 1)):
            parts = [x_s[(share >= _GRAVE_SHARE) == is_grave] for x_s, share in found]
            if parts and len(x_s := _one_a_pixel(np.unique(np.concatenate(parts)), span)):
                self._marks(x_s, np.full(len(x_s), -high * _BELOW / 2), "x", current().offline, size=size)

    def _address_changes(self, view: HistoryView) -> None:
        for at_ms in view.address_changes_ms:
            line = self._uprights.take()
            line.setValue(at_ms / 1000)
            line.setPen(pyqtgraph.mkPen(current().text, style=Qt.PenStyle.DotLine, width=1))
            line.label.setColor(current().muted)

    def _set_scale(self, look: Look) -> float:
        """Let the scale fit what was drawn, but for single points far above, unless all is wanted; return its end."""
        values = np.concatenate(self._values) if self._values else np.zeros(0)
        values = values[~np.isnan(values)]
        high = 1.0
        if len(values):
            high = float(values.max() if look.is_whole_scale else np.quantile(values, _SCALE_SHARE))
        high = max(1.0, high * _HEADROOM)
        self._box.setYRange(-high * _BELOW, high, padding=0)
        return high

    # Items

    def _count(self, values: Floats) -> None:
        self._values.append(values)
        self.points = max(self.points, int((~np.isnan(values)).sum()))

    def _line(self, line: Line, colour: str, width: float = 1.4) -> None:
        pen = pyqtgraph.mkPen(colour, width=width)
        self._lines.take().setData(line.x_s, line.y_ms, pen=pen, connect="finite")
        is_there = ~np.isnan(line.y_ms)
        around = np.concatenate(([False], is_there, [False]))
        alone = is_there & ~around[:-2] & ~around[2:]
        if alone.any():
            self._marks(line.x_s[alone], line.y_ms[alone], "o", colour, size=4)

    def _area(self, x_s: Floats, lower: Floats, upper: Floats, colour: QColor) -> None:
        self._areas.take().show_area(x_s, lower, upper, colour)

    def _marks(
        self, x_s: Floats, y_ms: Floats, symbol: str, colour: str | None, *, size: int = _MARK, pen: Any = None
    ) -> None:
        brush = None if colour is None else QColor(colour)
        self._points.take().setData(x_s, y_ms, symbol=symbol, size=size, brush=brush, pen=pen)


def _upright() -> Any:
    text = QCoreApplication.translate("HistoryDrawing", "address changed")
    options = {"position": 0.95, "rotateAxis": (1, 0), "anchors": [(1, 0), (1, 1)]}
    return pyqtgraph.InfiniteLine(label=text, labelOpts=options)


def _one_a_pixel(x_s: Floats, span: Span) -> Floats:
    """Return one of the ordered times for each pixel that has any."""
    pixel = (x_s * 1000 - span.from_ms) * span.pixels // max(1, span.to_ms - span.from_ms)
    chosen: Floats = x_s[np.unique(pixel, return_index=True)[1]]
    return chosen


def _shades(view: HistoryView, look: Look, regions: list[RegionHistory]) -> list[Shade]:
    """Return what is shaded: what is not known, pauses, incidents."""
    theme = current()
    shades = [
        Shade(begin / 1000, end / 1000, theme.muted, 60, Qt.BrushStyle.Dense6Pattern)
        for begin, end in curves.unknown_spans(view, regions)
    ]
    shades += [
        Shade(begin / 1000, end / 1000, theme.muted, 110, Qt.BrushStyle.BDiagPattern) for begin, end in view.paused
    ]
    for one in view.incidents:
        end_ms = view.now_ms if one.end_ms is None else one.end_ms
        is_marked = one.id == look.incident
        shades.append(
            Shade(
                one.start_ms / 1000,
                end_ms / 1000,
                theme.of_verdict(int(one.kind)),
                60 if is_marked else 34,
                top=4 if one.kind is Verdict.OFFLINE else 2,
                is_framed=is_marked,
            )
        )
    return shades
