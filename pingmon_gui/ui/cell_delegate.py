"""Paints the cells of the table straight from the board's arrays: no `data()`, no text layout for what was seen before.

Texts, signs and history strips are kept as pixmaps, and how a cell is made up of them too, so a repaint is a few
copies per cell.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import NamedTuple

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.region import REGIONS
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board_view import BoardView
from pingmon_gui.ui import cell_text, status_shape, wording
from pingmon_gui.ui.monitor_table import MonitorTable
from pingmon_gui.ui.row_order import FIRST_REGION_COLUMN, NAME_COLUMN
from pingmon_gui.ui.theme import Theme, current, scaled_font

#: Padding at both sides of a cell, and the gap between a sign and what follows.
PADDING = 12
GAP = 6
TOP = 8
SLOTS = 30
BAR, BAR_STEP, STRIP_HEIGHT = 2, 3, 10
STRIP_WIDTH = SLOTS * BAR_STEP - 1
#: Heights of the bars by state: shape helps where colour does not.
_BAR_HEIGHT = {Status.ONLINE: 6, Status.SLOW: 8, Status.OFFLINE: 10, Status.UNKNOWN: 3, Status.PAUSED: 3}
#: From here on the gaps are shorter than one check a minute: not worth a word in the cell.
MOSTLY_KNOWN = 0.985
_KEPT_PIXMAPS = 8_000
_KEPT_CELLS = 8_000
_MAX_TAGS = 3

#: As plain numbers: Python's flag arithmetic costs more than painting a part of a cell.
_SELECTED = QStyle.StateFlag.State_Selected.value
_HAS_FOCUS = QStyle.StateFlag.State_HasFocus.value


class Picture(NamedTuple):
    """What a cell consists of: a tint behind it, and pixmaps at places (x, y) within it."""

    tint: QColor | None
    parts: tuple[tuple[int, int, QPixmap], ...]


class CellDelegate(QStyledItemDelegate):
    """See the module. `refresh()` after a change of theme, font or screen."""

    def __init__(self, board: BoardView, model: MonitorTable, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._board = board
        self._model = model
        self._pixmaps: OrderedDict[Hashable, QPixmap] = OrderedDict()
        self._cells: dict[tuple[bytes, int, int], Picture] = {}
        self._names: dict[MonitorId, tuple[Monitor, int, int, Picture]] = {}
        self._verdicts: dict[tuple[int, str, bool, int, int], Picture] = {}
        self._ratio = 1.0
        self.hovered_row = -1
        self.refresh()

    def refresh(self) -> None:
        """Forget every kept picture and take over theme and fonts anew."""
        self._forget()
        self._theme: Theme = current()
        self._strong = scaled_font(1.0, weight=QFont.Weight.DemiBold)
        self._number = scaled_font(1.0, weight=QFont.Weight.Medium, is_tabular=True)
        self._small = scaled_font(0.88, is_tabular=True)
        self._strong_metrics = QFontMetrics(self._strong)
        self._number_metrics = QFontMetrics(self._number)
        self._small_metrics = QFontMetrics(self._small)
        self._metrics = {
            id(self._strong): self._strong_metrics,
            id(self._number): self._number_metrics,
            id(self._small): self._small_metrics,
        }
        theme = self._theme
        self._selection, self._hover, self._line = QColor(theme.selection), QColor(theme.hover), QColor(theme.line)
        self._tints = {int(Status.OFFLINE): QColor(theme.offline_tint), int(Status.SLOW): QColor(theme.slow_tint)}
        self._share_room = self._small_metrics.horizontalAdvance(wording.share(0.9999)) + GAP
        self._accent = QColor(theme.accent)
        # By status code; the last one stands for "nothing known".
        self._bars = [(_BAR_HEIGHT[status], QColor(theme.of_verdict(status))) for status in Status]
        self._bars.append((2, QColor(theme.nothing)))

    def _forget(self) -> None:
        for kept in (self._pixmaps, self._cells, self._names, self._verdicts):
            kept.clear()

    @property
    def row_height(self) -> int:
        return self._strong_metrics.height() + self._small_metrics.height() + 18

    def region_width(self) -> int:
        """Return the width at which every text of a region's cell fits, and the strip while all is known.

        While little is known, the strip leaves its oldest part to the text that says so: six regions shall fit.
        """
        texts = f"{wording.latency(9_999)}{wording.share(0.9999)}"
        line = status_shape.SIZE + GAP + self._number_metrics.horizontalAdvance(texts) + 2 * GAP
        return max(line, STRIP_WIDTH) + 2 * PADDING

    def verdict_width(self) -> int:
        """Return the width at which the word of every verdict fits."""
        words = [wording.maintenance_word(), *(wording.verdict_word(verdict) for verdict in Verdict)]
        widest = max(self._strong_metrics.horizontalAdvance(word) for word in words)
        return PADDING + status_shape.SIZE + GAP + widest + PADDING

    def empty_region_width(self) -> int:
        metrics = QFontMetrics(scaled_font(0.92, weight=QFont.Weight.DemiBold))
        widest = max(metrics.horizontalAdvance(wording.region_name(region)) for region in REGIONS)
        return widest + 2 * PADDING

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(self.region_width(), self.row_height)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        shown, column = index.row(), index.column()
        row = self._model.board_row(shown)
        if row < 0:
            return
        rect: QRect = option.rect
        left, top, width, height = rect.x(), rect.y(), rect.width(), rect.height()
        state = option.state.value
        is_selected = bool(state & _SELECTED)
        ratio = painter.device().devicePixelRatio()
        if ratio != self._ratio:
            self._ratio = ratio
            self._forget()
        if column >= FIRST_REGION_COLUMN:
            picture = self._region(row, column - FIRST_REGION_COLUMN, width, height)
        elif column == NAME_COLUMN:
            picture = self._name(row, width, height)
        else:
            picture = self._verdict(row, width, height)
        if is_selected:
            painter.fillRect(rect, self._selection)
        elif picture.tint is not None:
            painter.fillRect(rect, picture.tint)
        elif shown == self.hovered_row:
            painter.fillRect(rect, self._hover)
        for x, y, image in picture.parts:
            painter.drawPixmap(left + x, top + y, image)
        painter.fillRect(left, top + height - 1, width, 1, self._line)
        if state & _HAS_FOCUS:
            painter.fillRect(left, top + height - 2, width, 2, self._accent)

    # What a cell consists of

    def _verdict(self, row: int, width: int, height: int) -> Picture:
        verdict = int(self._board.verdict[row])
        is_checking = bool(self._board.is_checking[row].any())
        word = cell_text.verdict_word(self._board, row)
        key = (verdict, word, is_checking, width, height)
        found = self._verdicts.get(key)
        if found is None:
            found = self._verdicts[key] = self._compose_verdict(*key)
        return found

    def _compose_verdict(self, verdict: int, word: str, is_checking: bool, width: int, height: int) -> Picture:
        theme = self._theme
        sign = status_shape.pixmap(verdict, theme.of_verdict(verdict), theme.base, is_checking, self._ratio)
        left = PADDING + status_shape.SIZE + GAP
        is_bad = verdict in (Verdict.OFFLINE, Verdict.REGIONAL, Verdict.SLOW)
        colour = theme.of_verdict(verdict) if is_bad else theme.text if verdict == Verdict.ONLINE else theme.muted
        font = self._strong if is_bad else self._number
        text = self._text(word, font, colour, width - left - 4)
        return Picture(
            None,
            ((PADDING, (height - status_shape.SIZE) // 2, sign), (left, (height - self._height(text)) // 2, text)),
        )

    def _name(self, row: int, width: int, height: int) -> Picture:
        monitor = self._board.monitors[self._board.ids[row]]
        kept = self._names.get(monitor.id)
        if kept is None or kept[0] is not monitor or kept[1:3] != (width, height):
            if len(self._names) > _KEPT_CELLS:
                self._names.clear()
            kept = self._names[monitor.id] = (monitor, width, height, self._compose_name(monitor, width, height))
        return kept[3]

    def _compose_name(self, monitor: Monitor, width: int, height: int) -> Picture:
        theme, right = self._theme, width - PADDING
        colour = theme.muted if monitor.is_paused else theme.text
        said, room = cell_text.title(self._board, monitor.id), right - PADDING
        # Host and page are both needed to tell addresses apart, so they lose their middle.
        elide = Qt.TextElideMode.ElideRight if monitor.name else Qt.TextElideMode.ElideMiddle
        title = self._text(said, self._strong, colour, room, elide)
        second = cell_text.address(self._board, monitor.id) if monitor.name else ""
        if not second and not monitor.tags:
            return Picture(None, ((PADDING, (height - self._height(title)) // 2, title),))
        left, top = PADDING, TOP + self._strong_metrics.height() + 1
        parts = [(PADDING, TOP, title)]
        for tag in monitor.tags[:_MAX_TAGS]:
            room = right - left - (60 if second else 0)
            if room < 40:
                break
            chip = self._chip(wording.plain(tag, 60), min(room, 120))
            parts.append((left, top, chip))
            left += self._width(chip) + 4
        if second and right - left > 20:
            parts.append((left, top + 1, self._address(second, theme.muted, right - left)))
        return Picture(None, tuple(parts))

    def _region(self, row: int, column: int, width: int, height: int) -> Picture:
        key = (self._model.cell_key(row, column), width, height)
        found = self._cells.get(key)
        if found is None:
            if len(self._cells) > _KEPT_CELLS:
                self._cells.clear()
            found = self._cells[key] = self._compose_region(row, column, width, height)
        return found

    def _compose_region(self, row: int, column: int, width: int, height: int) -> Picture:
        cell, theme = self._model.cell(row, column), self._theme
        if not cell["assigned"]:
            return Picture(None, ())
        status = int(cell["state"])
        left, right, line = PADDING, width - PADDING, self._strong_metrics.height()
        colour = theme.of_verdict(status)
        sign = status_shape.pixmap(status, colour, theme.base, bool(cell["is_checking"]), self._ratio)
        parts = [(left - 3, TOP + (line - status_shape.SIZE) // 2, sign)]
        share = int(cell["availability"])
        text = self._kept(("share", share), lambda: self._draw_share(share))
        parts.append((right - self._width(text), TOP + (line - self._height(text)) // 2, text))
        value_right = right - self._share_room
        room = value_right - left - status_shape.SIZE
        total_ms = float(cell["total_ms"]) if status in (Status.ONLINE, Status.SLOW) else 0.0
        value = self._kept(("value", status, total_ms, room), lambda: self._draw_value(status, total_ms, room))
        parts.append((value_right - self._width(value), TOP + (line - self._height(value)) // 2, value))
        top = height - 10 - STRIP_HEIGHT
        slots = cell["strip"].tobytes()
        coverage = max(0, int(cell["coverage"]))
        # Where nothing is known at all, the dash has said so.
        if share >= 0 and coverage < MOSTLY_KNOWN * 10_000:
            text = self._kept(("known", coverage // 100), lambda: self._draw_coverage(coverage))
            parts.append((right - self._width(text), top + (STRIP_HEIGHT - self._height(text)) // 2, text))
            room = right - self._width(text) - GAP - left
            slots = slots[-max(1, min(SLOTS, room // BAR_STEP)) :]
        parts.append((left, top, self._strip(slots)))
        return Picture(self._tints.get(status), tuple(parts))

    def _coverage_text(self, coverage: float) -> str:
        return self.tr("%1 known").replace("%1", wording.share(math.floor(coverage * 100) / 100))

    # Kept pixmaps

    def _kept(self, key: Hashable, make: Callable[[], QPixmap]) -> QPixmap:
        found = self._pixmaps.get(key)
        if found is None:
            found = self._pixmaps[key] = make()
            if len(self._pixmaps) > _KEPT_PIXMAPS:
                self._pixmaps.popitem(last=False)
        return found

    def _blank(self, width: int, height: int) -> QPixmap:
        image = QPixmap(max(1, math.ceil(width * self._ratio)), max(1, math.ceil(height * self._ratio)))
        image.setDevicePixelRatio(self._ratio)
        image.fill(Qt.GlobalColor.transparent)
        return image

    def _text(
        self,
        text: str,
        font: QFont,
        colour: str,
        room: int,
        elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    ) -> QPixmap:
        """Return a line of text, elided where it is wider than `room`."""
        key = (text, id(font), colour, room, elide)
        return self._kept(key, lambda: self._draw_text(text, font, colour, room, elide))

    def _address(self, text: str, colour: str, room: int) -> QPixmap:
        return self._text(text, self._small, colour, room, Qt.TextElideMode.ElideMiddle)

    def _draw_text(
        self,
        text: str,
        font: QFont,
        colour: str,
        room: int,
        elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    ) -> QPixmap:
        metrics = self._metrics[id(font)]
        width = metrics.horizontalAdvance(text)
        if width > room:
            text = metrics.elidedText(text, elide, max(0, room))
            width = metrics.horizontalAdvance(text)
        image = self._blank(width + 1, metrics.height())
        painter = QPainter(image)
        painter.setFont(font)
        painter.setPen(QColor(colour))
        painter.drawText(QPoint(0, metrics.ascent()), text)
        painter.end()
        return image

    def _draw_share(self, share: int) -> QPixmap:
        """Draw an availability in 1/10,000, negative for none."""
        said = wording.share(None if share < 0 else share / 10_000)
        return self._draw_text(said, self._small, self._theme.muted, 200)

    def _draw_coverage(self, coverage: int) -> QPixmap:
        return self._draw_text(self._coverage_text(coverage / 10_000), self._small, self._theme.muted, 200)

    def _draw_value(self, status: int, total_ms: float, room: int) -> QPixmap:
        """Draw the latency of what is up, the state's word otherwise."""
        is_up = status in (Status.ONLINE, Status.SLOW)
        said = wording.latency(total_ms) if is_up else wording.status_word(status)
        colour = self._theme.text if status == Status.ONLINE else self._theme.of_verdict(status)
        return self._draw_text(said, self._number, colour, room)

    def _chip(self, tag: str, room: int) -> QPixmap:
        return self._kept(("chip", tag, room), lambda: self._draw_chip(tag, room))

    def _draw_chip(self, tag: str, room: int) -> QPixmap:
        metrics = self._small_metrics
        elided = metrics.elidedText(tag, Qt.TextElideMode.ElideRight, room - 14)
        width, height = metrics.horizontalAdvance(elided) + 14, metrics.height() + 2
        image = self._blank(width, height)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        # The outline keeps a chip's shape on a selected row, whose colour is close to its own.
        painter.setPen(QColor(self._theme.field_line))
        painter.setBrush(QColor(self._theme.pill))
        painter.drawRoundedRect(QRectF(0.5, 0.5, width - 1, height - 1), height / 2, height / 2)
        painter.setFont(self._small)
        painter.setPen(QColor(self._theme.muted))
        painter.drawText(QPoint(7, metrics.ascent() + 1), elided)
        painter.end()
        return image

    def _strip(self, slots: bytes) -> QPixmap:
        return self._kept(slots, lambda: self._draw_strip(slots))

    def _draw_strip(self, slots: bytes) -> QPixmap:
        image = self._blank(len(slots) * BAR_STEP - 1, STRIP_HEIGHT)
        painter = QPainter(image)
        for place, code in enumerate(slots):
            bar_height, colour = self._bars[min(code, len(self._bars) - 1)]
            painter.fillRect(place * BAR_STEP, STRIP_HEIGHT - bar_height, BAR, bar_height, colour)
        painter.end()
        return image

    def _width(self, image: QPixmap) -> int:
        return round(image.width() / self._ratio)

    def _height(self, image: QPixmap) -> int:
        return round(image.height() / self._ratio)
