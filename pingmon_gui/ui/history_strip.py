"""A strip of bars of availability on the time axis of the chart above it, as status pages have them.

A bar is filled from below by what was wrong, by its share of the time; what is unknown is left open at the top. One
bar at a time has the focus: hover and focus say exactly what it came to.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QBrush,
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolTip, QWidget

from pingmon_gui.domain.explanation import Held
from pingmon_gui.domain.strip import Bar
from pingmon_gui.ui import wording
from pingmon_gui.ui.history_words import bar_sentence
from pingmon_gui.ui.theme import Theme, current, mixed

_HEIGHT = 22
#: However short, what was wrong is so many pixels high.
_LEAST = {Held.OFFLINE: 3.0, Held.REGIONAL: 3.0, Held.SLOW: 1.5}
#: How much of its own colour what is well has.
_CALM = 0.62


_BLANK = (Held.NOT_ASKED, Held.PAUSED, Held.UNKNOWN)


@functools.lru_cache(maxsize=2)
def _paints(theme: Theme) -> Mapping[Held, QColor | QBrush]:
    """Return what each kind of time is filled with; what is well calmly, so that what was not stands out."""
    return {
        Held.ONLINE: mixed(theme.online, theme.base, _CALM),
        Held.SLOW: QColor(theme.slow),
        Held.REGIONAL: QColor(theme.regional),
        Held.OFFLINE: QColor(theme.offline),
        Held.UNKNOWN: QColor(theme.nothing),
        Held.PAUSED: QBrush(QColor(theme.muted), Qt.BrushStyle.BDiagPattern),
        Held.NOT_ASKED: QColor(theme.base),
    }


class HistoryStrip(QWidget):
    """`zoom_asked` carries the bar that was clicked, `explain_asked` the one whose figure is to be explained."""

    zoom_asked = Signal(object)
    explain_asked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bars: Sequence[Bar] = ()
        self._from_ms, self._to_ms = 0.0, 1.0
        self._left, self._width = 0.0, 1.0
        self._chosen = -1
        self._cursor_ms: float | None = None
        self.title = ""
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_bars(self, title: str, bars: Sequence[Bar]) -> None:
        """Take over the bars, by time."""
        self.title, self._bars = title, bars
        self._chosen = min(self._chosen, len(bars) - 1)
        self._describe()
        self.update()

    def show_range(self, from_ms: float, to_ms: float, left: float, width: float) -> None:
        """Follow the chart: its time from `from_ms` to `to_ms` takes `width` pixels from `left` on."""
        self._from_ms, self._to_ms, self._left, self._width = from_ms, max(to_ms, from_ms + 1), left, width
        self.update()

    def show_cursor(self, at_ms: float | None) -> None:
        """Mark the moment that the chart's cursor is at."""
        self._cursor_ms = at_ms
        self.update()

    def visible_bars(self) -> list[Bar]:
        """Return the bars of which anything is to be seen."""
        return [bar for bar in self._bars if bar.end_ms > self._from_ms and bar.start_ms < self._to_ms]

    def bar_at(self, place: QPointF) -> Bar | None:
        """Return the bar under a point."""
        at_ms = self._from_ms + (place.x() - self._left) / self._width * (self._to_ms - self._from_ms)
        return next((bar for bar in self._bars if bar.start_ms <= at_ms < bar.end_ms), None)

    def rect_of(self, bar: Bar) -> QRectF:
        """Return where a bar is drawn."""
        left, right = (max(self._left, min(self._left + self._width, self._x(ms))) for ms in (bar.start_ms, bar.end_ms))
        gap = 1.0 if right - left > 4 else 0.0
        return QRectF(left + gap / 2, 1, max(1.0, right - left - gap), self.height() - 2)

    @property
    def chosen(self) -> Bar | None:
        """The bar that has the focus."""
        return self._bars[self._chosen] if 0 <= self._chosen < len(self._bars) else None

    def _x(self, at_ms: float) -> float:
        return self._left + (at_ms - self._from_ms) / (self._to_ms - self._from_ms) * self._width

    def _describe(self) -> None:
        self.setAccessibleName(self.tr("%1: availability over time").replace("%1", self.title))
        bar = self.chosen
        self.setAccessibleDescription("" if bar is None else bar_sentence(bar))
        if self.hasFocus():
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))

    # Qt

    def sizeHint(self) -> QSize:
        return QSize(200, _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(60, _HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        theme = current()
        painter = QPainter(self)
        paints = _paints(theme)
        for bar in self.visible_bars():
            self._paint_bar(painter, bar, paints)
        if self._cursor_ms is not None:
            painter.setPen(QPen(QColor(theme.muted)))
            x = round(self._x(self._cursor_ms))
            painter.drawLine(x, 0, x, self.height())
        chosen = self.chosen
        if self.hasFocus() and chosen is not None:
            painter.setPen(QPen(QColor(theme.accent), 2))
            painter.drawRect(self.rect_of(chosen).adjusted(0, 1, 0, -1))
        painter.end()

    def _paint_bar(self, painter: QPainter, bar: Bar, paints: Mapping[Held, QColor | QBrush]) -> None:
        place = self.rect_of(bar)
        painter.fillRect(place, paints[Held.NOT_ASKED if bar.worst is Held.NOT_ASKED else Held.UNKNOWN])
        if bar.worst in _BLANK:
            if bar.worst is Held.PAUSED:
                painter.fillRect(place, paints[Held.PAUSED])
            return
        left, width, bottom = place.left(), place.width(), place.bottom()
        height = max(2.0, place.height() * (bar.time.coverage or 0.0))
        painter.fillRect(QRectF(left, bottom - height, width, height), paints[Held.ONLINE])
        top = bottom - height
        for held, share in wrongs(bar):
            part = min(max(_LEAST[held], share * height), bottom - top)
            bottom -= part
            painter.fillRect(QRectF(left, bottom, width, part), paints[held])

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            bar = self.bar_at(event.pos().toPointF())
            QToolTip.showText(event.globalPos(), wording.tool_tip("" if bar is None else bar_sentence(bar)), self)
            return True
        return super().event(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        bar = self.bar_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and bar is not None:
            self.zoom_asked.emit(bar)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        is_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        bar = self.chosen if is_key else self.bar_at(event.pos().toPointF())
        if bar is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(self.tr("&Look at this time"), lambda: self.zoom_asked.emit(bar))
        menu.addAction(self.tr("&Explain the figure"), lambda: self.explain_asked.emit(bar))
        menu.popup(self.mapToGlobal(self.rect_of(bar).bottomLeft().toPoint()) if is_key else event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        bars = self.visible_bars()
        step = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}.get(Qt.Key(event.key()))
        if step is not None and bars:
            bar = self.chosen
            place = bars.index(bar) + step if bar in bars else (0 if step > 0 else len(bars) - 1)
            self._choose(bars[max(0, min(len(bars) - 1, place))])
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.chosen is not None:
            self.zoom_asked.emit(self.chosen)
        elif event.key() == Qt.Key.Key_Space and self.chosen is not None:
            self.explain_asked.emit(self.chosen)
        else:
            super().keyPressEvent(event)

    def _choose(self, bar: Bar) -> None:
        self._chosen = list(self._bars).index(bar)
        self._describe()
        self.update()
        below = self.mapToGlobal(QPoint(round(self.rect_of(bar).left()), self.height()))
        QToolTip.showText(below, wording.tool_tip(bar_sentence(bar)), self)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        bars = self.visible_bars()
        if bars and self.chosen not in bars:
            self._chosen = list(self._bars).index(bars[-1])
        self._describe()
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        QToolTip.hideText()
        self.update()


def wrongs(bar: Bar) -> list[tuple[Held, float]]:
    """Return what was wrong in a bar and its share of the known time (of slow: as the bar has it), worst first."""
    known = bar.time.known_ms
    if not known:
        return []
    found = [
        (Held.OFFLINE, (known - bar.time.available_ms) / known if bar.worst is Held.OFFLINE else 0.0),
        (Held.REGIONAL, bar.regional_ms / known),
        (Held.SLOW, bar.slow_share),
    ]
    return [(held, share) for held, share in found if share > 0 or held is bar.worst]
