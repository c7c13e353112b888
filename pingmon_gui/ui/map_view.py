"""The map itself: land, probes with their signs, arcs to the chosen domain, and what moves when results come.

It paints a `MapScene`. Probes can be dragged to where they stand; hover and keyboard tell everything in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QContextMenuEvent,
    QFocusEvent,
    QFont,
    QFontMetrics,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QApplication, QMenu, QSizePolicy, QToolTip, QWidget

from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.ui import map_land, map_paint, wording
from pingmon_gui.ui.map_motion import MapMotion
from pingmon_gui.ui.map_paint import LabelStyle, Part
from pingmon_gui.ui.map_place import REGION_PLACES, Anchor, Box, Place, label_boxes, places
from pingmon_gui.ui.map_scene import MapScene, Mark
from pingmon_gui.ui.theme import Theme, current, scaled_font

#: Room around the land at zoom 1: for the headline above, the legend below, and labels at the sides.
_MARGIN, _ABOVE, _BELOW = 16.0, 40.0, 34.0
#: How far a domain is drawn from the probe that reaches it fastest.
_BESIDE = QPointF(46.0, -54.0)
_REACH = 20.0
#: On a wall the headline stands in the South Pacific, as far as it reaches.
_WALL_TEXT_PART = 0.25
#: No glow is wider than so many units of the projection.
_WIDEST_GLOW = 0.42
#: A place is moved by keyboard in steps of so many degrees.
_STEP_DEGREES = 2.0

NOTHING = MapScene("", "", "")


@dataclass(frozen=True)
class Spot:
    """What can be pointed at: a probe, a region without one, or the domain."""

    centre: QPointF
    sentence: str
    probe: ProbeId | None = None
    region: Region | None = None


class MapView(QWidget):
    """`show_scene` shows something else; `place_changed` carries a probe and its place (None: its region's again).

    `probe_asked` carries a region that should get a probe, `stepped` by how many domains to go on, -2 and 2 for the
    ends.
    """

    place_changed = Signal(object, object)
    probe_asked = Signal(object)
    stepped = Signal(int)

    def __init__(self, parent: QWidget | None = None, *, is_wall: bool = False) -> None:
        super().__init__(parent)
        self._is_wall = is_wall
        self._probes: tuple[Probe, ...] = ()
        self._own: dict[ProbeId, Place] = {}
        self._scene = NOTHING
        self._parts: list[Part] = []
        self._spots: list[Spot] = []
        self._arcs: dict[ProbeId, tuple[QPointF, QPointF, QPointF]] = {}
        self._focus = -1
        self._drag: tuple[ProbeId, QPoint, bool] | None = None
        self._land: QPixmap | None = None
        self._frame = map_land.Frame(1.0, 0.0, 0.0)
        self.motion = MapMotion(self)
        self.motion.moved.connect(self.on_moved)
        self.is_animated = True
        #: Whether a region without a probe offers to add one.
        self.offers_probes = not is_wall
        #: How large signs and texts are.
        self.zoom = 1.0
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus if is_wall else Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("World map"))

    @property
    def scene(self) -> MapScene:
        return self._scene

    @property
    def spots(self) -> tuple[Spot, ...]:
        """Return what can be pointed at, in the order of the keyboard."""
        return tuple(self._spots)

    def set_probes(self, probes: tuple[Probe, ...], own: Mapping[ProbeId, Place]) -> None:
        """Say which probes there are, and where the user put some of them; one that is being dragged stays in hand."""
        if self._drag is not None and self._drag[2] and self._drag[0] in self._own:
            own = {**own, self._drag[0]: self._own[self._drag[0]]}
        if probes != self._probes or dict(own) != self._own:
            self._probes, self._own = probes, dict(own)
            self._lay_out()
            self.motion.clear()

    def show_scene(self, scene: MapScene, *, is_live: bool = True) -> None:
        """Show something else; where results came since the last one about the same, something moves."""
        before, self._scene = self._scene, scene
        if scene != before:
            self._lay_out()
            self.setAccessibleDescription(scene.sentences)
        is_same = scene.headline == before.headline
        if not is_same:
            self.motion.clear()
        if is_live and is_same and self.is_animated and self.isVisible():
            self._move_for(before, scene)

    def refresh(self) -> None:
        """Take over theme and fonts."""
        self._land = None
        self._lay_out()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(960, 560)

    def minimumSizeHint(self) -> QSize:
        return QSize(320, 200)

    # What is where

    def _lay_out(self) -> None:
        """Place everything anew; what looks different is painted again."""
        before = {(part.key, part.box.getRect()): part for part in self._parts}
        self._parts, self._spots, self._arcs = [], [], {}
        if self.width() > 1 and self._scene is not NOTHING:
            self._place_all()
        after = {(part.key, part.box.getRect()): part for part in self._parts}
        for key in before.keys() ^ after.keys():
            self.update((before.get(key) or after[key]).box.toAlignedRect())
        self._focus = min(self._focus, len(self._spots) - 1)

    def _place_all(self) -> None:
        theme, zoom = current(), self.zoom
        self.motion.zoom = zoom
        above = _MARGIN if self._is_wall else _ABOVE
        below = _BELOW if self._scene.target is not None and not self._is_wall else _MARGIN
        room = QRectF(self.rect()).adjusted(_MARGIN * zoom, above * zoom, -_MARGIN * zoom, -below * zoom)
        self._frame = map_land.Frame.fit(room)
        where = places(self._probes, self._own)
        marks = [(mark, self._frame.point(where[mark.probe])) for mark in self._scene.marks if mark.probe in where]
        marks.sort(key=lambda found: found[1].x())
        target = self._target_point({mark.probe: point for mark, point in marks})
        if target is not None:
            self._place_arcs(marks, target, theme, zoom)
        for mark, point in marks:
            self._place_mark(mark, point, where[mark.probe], theme, zoom)
        if target is not None and self._scene.target is not None:
            sign = self._scene.target.sign
            colour = theme.of_verdict(sign)
            self._parts.append(map_paint.target_ring(target, theme, zoom, colour))
            has_focus = self._has_focus(len(self._spots))
            size = map_paint.SIGN * zoom
            self._parts.append(map_paint.sign(target, sign, theme, size, is_checking=False, has_focus=has_focus))
            self._spots.append(Spot(target, self._scene.target.sentence))
        self._place_empty(theme, zoom)
        self._place_labels(marks, target, theme, zoom)
        self._place_texts(theme, zoom)

    def _place_empty(self, theme: Theme, zoom: float) -> None:
        if not self.offers_probes:
            return
        for region in self._scene.empty:
            point = self._frame.point(REGION_PLACES[region])
            name = wording.region_name(region)
            text = self.tr("%1: no probe yet. Press Enter or click to add one.").replace("%1", name)
            self._parts.append(map_paint.plus(point, theme, zoom, has_focus=self._has_focus(len(self._spots))))
            self._spots.append(Spot(point, text, region=region))

    def _target_point(self, points: Mapping[ProbeId, QPointF]) -> QPointF | None:
        target = self._scene.target
        if target is None:
            return None
        if target.beside is None or target.beside not in points:
            return QPointF(self._frame.x, self._frame.point(Place(0.0, 8.0)).y())
        beside = points[target.beside] + _BESIDE * self.zoom
        edge = 60 * self.zoom
        x = min(max(beside.x(), edge), self.width() - edge)
        return QPointF(x, min(max(beside.y(), edge), self.height() - edge))

    def _place_arcs(self, marks: list[tuple[Mark, QPointF]], target: QPointF, theme: Theme, zoom: float) -> None:
        assert self._scene.target is not None
        colour = theme.of_verdict(self._scene.target.sign)
        for mark, point in marks:
            if mark.sign in (Verdict.ONLINE, Verdict.SLOW, Verdict.OFFLINE):
                way = map_paint.bow(point, target)
                self._arcs[mark.probe] = way
                self._parts.append(map_paint.arc(way, mark.sign, theme, zoom, colour))

    def _place_mark(self, mark: Mark, point: QPointF, where: Place, theme: Theme, zoom: float) -> None:
        is_of_all = mark.counts is not None and mark.counts.total > 0
        colour = theme.of_verdict(mark.sign)
        if mark.counts is not None and is_of_all:
            colour = map_paint.share_colour(mark.counts, theme)
        is_loud = mark.sign in (Verdict.ONLINE, Verdict.SLOW, Verdict.OFFLINE)
        # On a wall signs grow more than the land, and their light must not hide it.
        radius = min((map_paint.GLOW_OF_ALL if is_of_all else map_paint.GLOW) * zoom, _WIDEST_GLOW * self._frame.scale)
        self._parts.append(map_paint.glow(point, radius, colour, 0.42 if is_loud else 0.2))
        if not where.is_known:
            self._parts.append(map_paint.unknown_place(point, theme, zoom))
        if mark.counts is not None and is_of_all:
            self._parts.append(map_paint.shares(point, mark.counts, theme, zoom))
        has_focus = self._has_focus(len(self._spots))
        self._parts.append(
            map_paint.sign(
                point, mark.sign, theme, map_paint.SIGN * zoom, is_checking=mark.is_checking, has_focus=has_focus
            )
        )
        self._spots.append(Spot(point, self._told(mark, where), probe=mark.probe))

    def _told(self, mark: Mark, where: Place) -> str:
        """Return a mark's sentence, and where its place comes from."""
        if mark.probe in self._own:
            why = self.tr("You put it there.")
        elif where.is_known:
            why = self.tr("Its place is the middle of its region; drag it to where it stands.")
        else:
            why = self.tr("Where it stands is not known; drag it to its place.")
        return f"{mark.sentence}\n{why}"

    def _place_labels(
        self, marks: list[tuple[Mark, QPointF]], target: QPointF | None, theme: Theme, zoom: float
    ) -> None:
        name, value = self._font(0.92), self._font(1.08, QFont.Weight.DemiBold)
        where = places(self._probes, self._own)
        texts: list[tuple[str, str, LabelStyle]] = []
        anchors: list[Anchor] = []
        if target is not None and self._scene.target is not None:
            style = LabelStyle(value, name, theme.text, theme.muted, theme.sea_light)
            texts.append((self._shortened(self._scene.target.title, value), "", style))
            anchors.append(Anchor(target.x(), target.y(), 24 * zoom))
        for mark, point in marks:
            is_bad = mark.counts is None and mark.sign in (Verdict.SLOW, Verdict.OFFLINE)
            colour = theme.of_verdict(mark.sign) if is_bad else theme.text
            style = LabelStyle(name, value, theme.muted, colour, theme.sea_light)
            texts.append((self._shortened(mark.name, name), mark.value, style))
            gap = 26.0 if mark.counts is not None else 18.0
            if not where[mark.probe].is_known:
                gap = 32.0
            leaves = self._arcs[mark.probe][1] - point if mark.probe in self._arcs else QPointF()
            anchors.append(Anchor(point.x(), point.y(), gap * zoom, leaves.x(), leaves.y()))
        sizes = [map_paint.label_size(*text) for text in texts]
        bounds = Box(4, 4, self.width() - 8, self.height() - 8)
        for box, text in zip(label_boxes(anchors, sizes, bounds), texts, strict=True):
            self._parts.append(map_paint.label(QRectF(box.left, box.top, box.width, box.height), *text))

    def _place_texts(self, theme: Theme, zoom: float) -> None:
        """Place headline and legend where there is only sea: in a window above and below, on a wall at the bottom."""
        headline, small, subline = self._font(1.55, QFont.Weight.DemiBold), self._font(0.88), self._font(1.0)
        left, right = _MARGIN * zoom, self.width() - _MARGIN * zoom
        high, line, low = 30 * zoom, 22 * zoom, self.height() - 28 * zoom
        if self._is_wall:
            width = self.width() * _WALL_TEXT_PART
            # What is wrong with one domain stands in the list of problems.
            has_subline = self._scene.target is None or self._scene.target.sign in (Verdict.ONLINE, Verdict.SLOW)
            top = self.height() - high - (4 if has_subline else 1) * line
            box = QRectF(left, top + high, width, 3.4 * line)
            parts = [map_paint.text(QRectF(left, top, width, high), self._scene.headline, headline, theme.text)]
            if has_subline:
                parts.append(map_paint.wrapped(box, self._scene.subline, subline, theme.muted))
            legend = QRectF(self.width() * 0.62, low - line, right - self.width() * 0.62, 2 * line)
        else:
            parts = [
                map_paint.text(QRectF(left, 10 * zoom, right - left, high), self._scene.headline, headline, theme.text),
                map_paint.text(
                    QRectF(left, 10 * zoom + high, right - left, line), self._scene.subline, subline, theme.muted
                ),
            ]
            is_long = QFontMetrics(small).horizontalAdvance(self._scene.legend) > right - left
            legend = QRectF(left, low - line / 2, right - left, 2 * line) if is_long else QRectF(left, low, right, line)
        if self._scene.legend:
            parts.append(map_paint.wrapped(legend, self._scene.legend, small, theme.muted))
        self._parts += parts

    def _font(self, scale: float, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
        return scaled_font(scale * self.zoom, weight=weight, is_tabular=True)

    def _shortened(self, words: str, font: QFont) -> str:
        return QFontMetrics(font).elidedText(words, Qt.TextElideMode.ElideRight, int(240 * self.zoom))

    def _has_focus(self, place: int) -> bool:
        return place == self._focus and self.hasFocus()

    # What moves

    def _move_for(self, before: MapScene, after: MapScene) -> None:
        known = {mark.probe: mark.at_ms for mark in before.marks}
        theme = current()
        centres = {spot.probe: spot.centre for spot in self._spots if spot.probe is not None}
        for mark in after.marks:
            if mark.probe in centres and mark.at_ms > known.get(mark.probe, mark.at_ms):
                way = self._arcs.get(mark.probe)
                colour = theme.of_verdict(mark.sign)
                self.motion.result_came(mark.probe, centres[mark.probe], colour, way, mark.total_ms)

    @Slot(QRectF)
    def on_moved(self, box: QRectF) -> None:
        self.update(box.toAlignedRect())

    # Qt

    def paintEvent(self, event: QPaintEvent) -> None:
        ratio = self.devicePixelRatioF()
        if self._land is None or self._land.devicePixelRatio() != ratio:
            self._land = map_land.picture(self.size(), ratio, self._frame, current())
        clip = event.rect()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._land)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        around = QRectF(clip)
        for part in self._parts:
            if part.box.intersects(around):
                painter.save()
                part.paint(painter)
                painter.restore()
        self.motion.paint(painter, around)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.motion.clear()
        self.refresh()

    def hideEvent(self, event: QEvent) -> None:
        self.motion.clear()
        self._land = None

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._set_focus(max(self._focus, 0), is_told=event.reason() != Qt.FocusReason.MouseFocusReason)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        QToolTip.hideText()
        self._lay_out()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        spot = self._spots[self._focus] if 0 <= self._focus < len(self._spots) else None
        if event.modifiers() & Qt.KeyboardModifier.AltModifier and spot is not None and spot.probe is not None:
            steps = {
                Qt.Key.Key_Left: (-1, 0),
                Qt.Key.Key_Right: (1, 0),
                Qt.Key.Key_Up: (0, 1),
                Qt.Key.Key_Down: (0, -1),
            }
            if key in steps:
                self._nudge(spot.probe, *steps[Qt.Key(key)])
                return
        match key:
            case Qt.Key.Key_Left if self._spots:
                self._set_focus((self._focus - 1) % len(self._spots))
            case Qt.Key.Key_Right if self._spots:
                self._set_focus((self._focus + 1) % len(self._spots))
            case Qt.Key.Key_Up:
                self.stepped.emit(-1)
            case Qt.Key.Key_Down:
                self.stepped.emit(1)
            case Qt.Key.Key_Home:
                self.stepped.emit(-2)
            case Qt.Key.Key_End:
                self.stepped.emit(2)
            case Qt.Key.Key_Return | Qt.Key.Key_Enter if spot is not None and spot.region is not None:
                self.probe_asked.emit(spot.region)
            case Qt.Key.Key_Delete if spot is not None and spot.probe in self._own:
                self.place_changed.emit(spot.probe, None)
            case _:
                super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        spot = self._spot_at(event.position())
        if event.button() != Qt.MouseButton.LeftButton or spot is None or self._is_wall:
            super().mousePressEvent(event)
            return
        self._set_focus(self._spots.index(spot), is_told=False)
        if spot.probe is not None:
            self._drag = (spot.probe, event.position().toPoint(), False)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag is None:
            spot = self._spot_at(event.position())
            if spot is None or self._is_wall:
                self.unsetCursor()
            else:
                is_plus = spot.region is not None
                self.setCursor(Qt.CursorShape.PointingHandCursor if is_plus else Qt.CursorShape.OpenHandCursor)
            return
        probe, begun_at, is_moving = self._drag
        way = (event.position().toPoint() - begun_at).manhattanLength()
        if is_moving or way >= QApplication.startDragDistance():
            self._drag = (probe, begun_at, True)
            place = self._frame.place(event.position())
            if place is not None:
                self._own = self._own | {probe: place}
                self._lay_out()
                self.motion.clear()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        drag, self._drag = self._drag, None
        if drag is not None and drag[2]:
            self.place_changed.emit(drag[0], self._own.get(drag[0]))
            return
        spot = self._spot_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and spot is not None and spot.region is not None:
            self.probe_asked.emit(spot.region)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        spot = self._spot_at(QPointF(event.pos()))
        if spot is None or spot.probe not in self._own or self._is_wall:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        back = menu.addAction(self.tr("Put it back to where its region is"))
        probe = spot.probe
        back.triggered.connect(lambda: self.place_changed.emit(probe, None))
        menu.popup(event.globalPos())

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            spot = self._spot_at(QPointF(event.pos()))
            if spot is None:
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPos(), wording.tool_tip(spot.sentence), self, self._area(spot))
            return True
        return super().event(event)

    def _spot_at(self, point: QPointF) -> Spot | None:
        reach = _REACH * self.zoom
        for spot in reversed(self._spots):
            if (spot.centre - point).manhattanLength() <= reach:
                return spot
        return None

    def _area(self, spot: Spot) -> QRect:
        reach = round(_REACH * self.zoom)
        return QRect(spot.centre.toPoint() - QPoint(reach, reach), QSize(2 * reach, 2 * reach))

    def _set_focus(self, place: int, *, is_told: bool = True) -> None:
        """Move the keyboard's focus to something on the map; screen readers are told what it is."""
        if not self._spots:
            return
        self._focus = place
        self._lay_out()
        spot = self._spots[place]
        self.setAccessibleDescription(spot.sentence)
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))
        if is_told:
            QToolTip.showText(self.mapToGlobal(self._area(spot).bottomLeft()), wording.tool_tip(spot.sentence), self)

    def _nudge(self, probe: ProbeId, east: int, north: int) -> None:
        place = places(self._probes, self._own)[probe]
        latitude = min(max(place.latitude + north * _STEP_DEGREES, map_land.SOUTH), map_land.NORTH)
        self.place_changed.emit(probe, Place(place.longitude + east * _STEP_DEGREES, latitude))
