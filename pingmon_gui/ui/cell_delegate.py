"""Paints the cells of the table straight from the board's arrays: no `data()`, no text layout for what was seen before.

Texts, signs and history strips are kept as pixmaps, so a repaint is a few copies per cell.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from pingmon_gui.domain.region import REGIONS
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board import Board
from pingmon_gui.ui import cell_text, status_shape, wording
from pingmon_gui.ui.monitor_table import MonitorTable
from pingmon_gui.ui.row_order import FIRST_REGION_COLUMN, NAME_COLUMN, VERDICT_COLUMN
from pingmon_gui.ui.theme import Theme, current, scaled_font

#: Padding at both sides of a cell, and the gap between a sign and what follows.
PADDING = 12
GAP = 6
SLOTS = 30
BAR, BAR_STEP, STRIP_HEIGHT = 2, 3, 10
STRIP_WIDTH = SLOTS * BAR_STEP - 1
#: Heights of the bars by state: shape helps where colour does not.
_BAR_HEIGHT = {Status.ONLINE: 6, Status.SLOW: 8, Status.OFFLINE: 10, Status.UNKNOWN: 3, Status.PAUSED: 3}
#: From here on the gaps are shorter than one check a minute: not worth a word in the cell.
MOSTLY_KNOWN = 0.985
_KEPT_PIXMAPS = 8_000
_MAX_TAGS = 3

_SELECTED = QStyle.StateFlag.State_Selected
_HAS_FOCUS = QStyle.StateFlag.State_HasFocus


class CellDelegate(QStyledItemDelegate):
    """See the module. `refresh()` after a change of theme, font or screen."""

    def __init__(self, board: Board, model: MonitorTable, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._board = board
        self._model = model
        self._pixmaps: OrderedDict[Hashable, QPixmap] = OrderedDict()
        self._ratio = 1.0
        self.hovered_row = -1
        self.refresh()

    def refresh(self) -> None:
        """Forget every kept picture and take over theme and fonts anew."""
        self._pixmaps.clear()
        self._theme: Theme = current()
        self._strong = scaled_font(1.0, weight=QFont.Weight.DemiBold)
        self._number = scaled_font(1.0, weight=QFont.Weight.Medium, is_tabular=True)
        self._small = scaled_font(0.88, is_tabular=True)
        self._strong_metrics = QFontMetrics(self._strong)
        self._number_metrics = QFontMetrics(self._number)
        self._small_metrics = QFontMetrics(self._small)
        theme = self._theme
        self._ground = QColor(theme.base)
        self._selection, self._hover, self._line = QColor(theme.selection), QColor(theme.hover), QColor(theme.line)
        self._tints = {Status.OFFLINE: QColor(theme.offline_tint), Status.SLOW: QColor(theme.slow_tint)}
        self._accent = QColor(theme.accent)

    @property
    def row_height(self) -> int:
        return self._strong_metrics.height() + self._small_metrics.height() + 18

    def region_width(self) -> int:
        """Return the width at which every text of a region's cell fits."""
        texts = f"{wording.latency(9_999)}{wording.share(0.9999)}"
        line = status_shape.SIZE + GAP + self._number_metrics.horizontalAdvance(texts) + 2 * GAP
        strip = STRIP_WIDTH + GAP + self._small_metrics.horizontalAdvance(self._coverage_text(0.999))
        return max(line, strip) + 2 * PADDING

    def empty_region_width(self) -> int:
        metrics = QFontMetrics(scaled_font(0.92, weight=QFont.Weight.DemiBold))
        widest = max(metrics.horizontalAdvance(wording.region_name(region)) for region in REGIONS)
        return widest + 2 * PADDING + 4

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
        state = option.state
        is_selected = bool(state & _SELECTED)
        ratio = painter.device().devicePixelRatio()
        if ratio != self._ratio:
            self._ratio = ratio
            self._pixmaps.clear()
        if is_selected:
            painter.fillRect(rect, self._selection)
        elif shown == self.hovered_row:
            painter.fillRect(rect, self._hover)
        if column >= FIRST_REGION_COLUMN:
            self._paint_region(painter, rect, row, column - FIRST_REGION_COLUMN, is_plain=not is_selected)
        elif column == NAME_COLUMN:
            self._paint_name(painter, rect, row)
        elif column == VERDICT_COLUMN:
            self._paint_verdict(painter, rect, row)
        painter.fillRect(rect.left(), rect.bottom(), rect.width(), 1, self._line)
        if state & _HAS_FOCUS:
            painter.fillRect(rect.left(), rect.bottom() - 1, rect.width(), 2, self._accent)

    def _paint_verdict(self, painter: QPainter, rect: QRect, row: int) -> None:
        verdict = int(self._board.verdict[row])
        theme = self._theme
        is_checking = bool(self._board.is_checking[row].any())
        sign = status_shape.pixmap(verdict, theme.of_verdict(verdict), theme.base, is_checking, self._ratio)
        middle = rect.center().y()
        left = rect.left() + PADDING
        painter.drawPixmap(left, middle - status_shape.SIZE // 2, sign)
        left += status_shape.SIZE + GAP
        is_bad = verdict in (Verdict.OFFLINE, Verdict.REGIONAL, Verdict.SLOW)
        colour = theme.of_verdict(verdict) if is_bad else theme.text if verdict == Verdict.ONLINE else theme.muted
        text = self._text(
            wording.verdict_word(verdict), self._strong if is_bad else self._number, colour, rect.right() - left - 4
        )
        painter.drawPixmap(left, middle - self._height(text) // 2, text)

    def _paint_name(self, painter: QPainter, rect: QRect, row: int) -> None:
        monitor = self._board.monitors[self._board.ids[row]]
        theme = self._theme
        left, width = rect.left() + PADDING, rect.width() - 2 * PADDING
        is_paused = bool(self._board.paused[row])
        title = self._text(
            cell_text.title(self._board, monitor.id), self._strong, theme.muted if is_paused else theme.text, width
        )
        second = cell_text.address(self._board, monitor.id) if monitor.name else ""
        if not second and not monitor.tags:
            painter.drawPixmap(left, rect.center().y() - self._height(title) // 2, title)
            return
        top = rect.top() + 8
        painter.drawPixmap(left, top, title)
        top += self._strong_metrics.height() + 1
        right = rect.right() - PADDING
        for tag in monitor.tags[:_MAX_TAGS]:
            room = right - left - (0 if not second else 60)
            if room < 40:
                break
            chip = self._chip(wording.plain(tag, 60), min(room, 120))
            painter.drawPixmap(left, top, chip)
            left += self._width(chip) + 4
        if second and right - left > 20:
            text = self._text(second, self._small, theme.muted, right - left)
            painter.drawPixmap(left, top + 1, text)

    def _paint_region(self, painter: QPainter, rect: QRect, row: int, column: int, *, is_plain: bool) -> None:
        board, theme = self._board, self._theme
        if not board.assigned[row, column]:
            return
        status = int(board.state[row, column])
        if is_plain and status in self._tints:
            painter.fillRect(rect, self._tints[Status(status)])
        left, right = rect.left() + PADDING, rect.right() - PADDING
        top = rect.top() + 8
        line = self._strong_metrics.height()
        colour = theme.of_verdict(status)
        sign = status_shape.pixmap(status, colour, theme.base, bool(board.is_checking[row, column]), self._ratio)
        painter.drawPixmap(left - 3, top + (line - status_shape.SIZE) // 2, sign)
        is_up = status in (Status.ONLINE, Status.SLOW)
        said = wording.latency(float(board.total_ms[row, column])) if is_up else wording.status_word(status)
        share = float(board.availability[row, column])
        shown_share = wording.share(None if math.isnan(share) else share)
        share_text = self._text(shown_share, self._small, theme.muted, 200)
        painter.drawPixmap(
            right - self._width(share_text) + 1, top + (line - self._height(share_text)) // 2, share_text
        )
        value_right = right - self._share_room()
        said_colour = theme.text if status == Status.ONLINE else colour
        value = self._text(said, self._number, said_colour, value_right - left - status_shape.SIZE)
        painter.drawPixmap(value_right - self._width(value), top + (line - self._height(value)) // 2, value)
        top = rect.bottom() - 9 - STRIP_HEIGHT
        painter.drawPixmap(left, top, self._strip(board.strip[row, column].tobytes()))
        coverage = float(board.coverage[row, column])
        if coverage < MOSTLY_KNOWN:
            text = self._text(self._coverage_text(coverage), self._small, theme.muted, 200)
            painter.drawPixmap(right - self._width(text) + 1, top + (STRIP_HEIGHT - self._height(text)) // 2, text)

    def _share_room(self) -> int:
        return self._small_metrics.horizontalAdvance(wording.share(0.9999)) + GAP

    def _coverage_text(self, coverage: float) -> str:
        return self.tr("%1 known").replace("%1", wording.share(math.floor(coverage * 100) / 100))

    # Kept pictures

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

    def _text(self, text: str, font: QFont, colour: str, room: int) -> QPixmap:
        """Return a line of text, elided where it is wider than `room`."""
        return self._kept((text, id(font), colour, room), lambda: self._draw_text(text, font, colour, room))

    def _draw_text(self, text: str, font: QFont, colour: str, room: int) -> QPixmap:
        metrics = QFontMetrics(font)
        elided = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(0, room))
        image = self._blank(metrics.horizontalAdvance(elided) + 1, metrics.height())
        painter = QPainter(image)
        painter.setFont(font)
        painter.setPen(QColor(colour))
        painter.drawText(QPoint(0, metrics.ascent()), elided)
        painter.end()
        return image

    def _chip(self, tag: str, room: int) -> QPixmap:
        return self._kept(("chip", tag, room), lambda: self._draw_chip(tag, room))

    def _draw_chip(self, tag: str, room: int) -> QPixmap:
        metrics = self._small_metrics
        elided = metrics.elidedText(tag, Qt.TextElideMode.ElideRight, room - 14)
        width, height = metrics.horizontalAdvance(elided) + 14, metrics.height() + 2
        image = self._blank(width, height)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.pill))
        painter.drawRoundedRect(0, 0, width, height, height / 2, height / 2)
        painter.setFont(self._small)
        painter.setPen(QColor(self._theme.muted))
        painter.drawText(QPoint(7, metrics.ascent() + 1), elided)
        painter.end()
        return image

    def _strip(self, slots: bytes) -> QPixmap:
        return self._kept(slots, lambda: self._draw_strip(slots))

    def _draw_strip(self, slots: bytes) -> QPixmap:
        image = self._blank(STRIP_WIDTH, STRIP_HEIGHT)
        painter = QPainter(image)
        nothing = QColor(self._theme.nothing)
        for place, code in enumerate(slots):
            is_known = code <= Status.PAUSED
            height = _BAR_HEIGHT[Status(code)] if is_known else 2
            colour = QColor(self._theme.of_verdict(code)) if is_known else nothing
            painter.fillRect(place * BAR_STEP, STRIP_HEIGHT - height, BAR, height, colour)
        painter.end()
        return image

    def _width(self, image: QPixmap) -> int:
        return round(image.width() / self._ratio)

    def _height(self, image: QPixmap) -> int:
        return round(image.height() / self._ratio)
