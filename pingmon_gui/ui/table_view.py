"""The table's view: row hover, a two-line header, and empty states that invite."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QPoint, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QCursor,
    QFont,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.region import REGIONS
from pingmon_gui.engine.board_view import BoardView
from pingmon_gui.ui import cell_text, wording
from pingmon_gui.ui.cell_delegate import PADDING, CellDelegate
from pingmon_gui.ui.monitor_table import MonitorTable
from pingmon_gui.ui.row_order import FIRST_REGION_COLUMN, NAME_COLUMN, VERDICT_COLUMN
from pingmon_gui.ui.theme import current, scaled_font

_NARROWEST = 48
_NARROWEST_NAME = 150
#: Where the name would get less, regions without a probe give way.
_GOOD_NAME = 220
_PLUS = "+"


class RegionHeader(QHeaderView):
    """A header whose sections have a second, quiet line. A region without a probe offers to add one.

    `probe_asked` carries that region.
    """

    probe_asked = Signal(object)

    def __init__(self, board: BoardView, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._board = board
        self.setSectionsClickable(True)
        self.setHighlightSections(False)
        self.setMinimumSectionSize(_NARROWEST)
        self.setSortIndicatorShown(True)
        self.setAccessibleName(self.tr("Columns"))
        self.setMouseTracking(True)
        #: Whether the titles of regions without a probe have to do with less room.
        self.is_narrow = False
        self._pressed = -1
        self._hovered = -1

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self.fontMetrics().height() * 2 + 13)

    def note(self, section: int) -> str:
        """Return the second line of a section."""
        column = section - FIRST_REGION_COLUMN
        if column < 0:
            return ""
        if not self._board.has_probe[column]:
            return self.tr("add a probe")
        silent = cell_text.silent_probe(self._board, column)
        return self.tr("last hour") if silent is None else wording.probe_state(silent)

    def narrow_width(self) -> int:
        """Return the width at which the title of a region without a probe fits in two lines."""
        metrics = QFontMetrics(_title_font())
        lines = (line for region in REGIONS for line in _in_two_lines(wording.region_name(region)))
        return max(metrics.horizontalAdvance(line) for line in lines) + PADDING + PADDING // 2

    def is_empty(self, section: int) -> bool:
        """Return whether a section is a region without a probe."""
        return section >= FIRST_REGION_COLUMN and not self._board.has_probe[section - FIRST_REGION_COLUMN]

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        theme = current()
        painter.fillRect(rect, QColor(theme.base))
        painter.fillRect(rect.left(), rect.bottom(), rect.width(), 1, QColor(theme.field_line))
        is_empty = self.is_empty(section)
        inner = rect.adjusted(PADDING, 7, -PADDING, -6)
        painter.setFont(_title_font())
        painter.setPen(QColor(theme.muted if is_empty else theme.text))
        name = str(self.model().headerData(section, self.orientation()) or "")
        if is_empty and self.is_narrow:
            self._paint_narrow(painter, inner, name, is_hovered=section == self._hovered)
            return
        sorted_mark = ""
        if self.sortIndicatorSection() == section:
            sorted_mark = " ↑" if self.sortIndicatorOrder() == Qt.SortOrder.AscendingOrder else " ↓"
        metrics = painter.fontMetrics()
        room = inner.width() - metrics.horizontalAdvance(sorted_mark)
        name = metrics.elidedText(name, Qt.TextElideMode.ElideRight, room) + sorted_mark
        note = self.note(section)
        if not note:
            painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
            return
        painter.drawText(inner, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, name)
        small = scaled_font(0.85)
        small.setUnderline(is_empty and section == self._hovered)
        painter.setFont(small)
        is_silent = not is_empty and cell_text.silent_probe(self._board, section - FIRST_REGION_COLUMN) is not None
        painter.setPen(QColor(theme.accent if is_empty else theme.text if is_silent else theme.muted))
        note = painter.fontMetrics().elidedText(note, Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(inner, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft, note)

    def _paint_narrow(self, painter: QPainter, inner: QRect, name: str, *, is_hovered: bool) -> None:
        """Paint the title of a region without a probe in two lines, with a plus in place of the words."""
        first, second = _in_two_lines(name)
        top, bottom = Qt.AlignmentFlag.AlignTop, Qt.AlignmentFlag.AlignBottom
        inner = inner.adjusted(0, 0, PADDING, 0)
        painter.drawText(inner, top | Qt.AlignmentFlag.AlignLeft, first)
        rest = second.removesuffix(_PLUS)
        painter.drawText(inner, bottom | Qt.AlignmentFlag.AlignLeft, rest)
        font = painter.font()
        font.setUnderline(is_hovered)
        painter.setFont(font)
        painter.setPen(QColor(current().accent))
        left = painter.fontMetrics().horizontalAdvance(rest)
        painter.drawText(inner.adjusted(left, 0, 0, 0), bottom | Qt.AlignmentFlag.AlignLeft, _PLUS)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        section = self._empty_at(event)
        if section >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self._pressed = section
            return
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, -1
        if pressed < 0:
            super().mouseReleaseEvent(event)
        elif pressed == self._empty_at(event):
            self.probe_asked.emit(REGIONS[pressed - FIRST_REGION_COLUMN])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._hover(self._empty_at(event))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover(-1)

    def _empty_at(self, event: QMouseEvent) -> int:
        """Return the region without a probe that the mouse is on, -1 where it is none."""
        section = self.logicalIndexAt(event.position().toPoint())
        return section if self.is_empty(section) else -1

    def _hover(self, section: int) -> None:
        if section == self._hovered:
            return
        self._hovered = section
        if section >= 0:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        else:
            self.unsetCursor()
        self.viewport().update()


class TableView(QTableView):
    """Shows a MonitorTable. Whole rows are selected; Enter and double click activate one."""

    menu_asked = Signal(QPoint)
    activated_row = Signal()
    pause_toggled = Signal()

    def __init__(self, board: BoardView, model: MonitorTable, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._board = board
        self._table = model
        self.setAccessibleName(self.tr("Domains"))
        self.cells = CellDelegate(board, model, self)
        self.header = RegionHeader(board, self)
        self.setHorizontalHeader(self.header)
        self.setModel(model)
        self.setItemDelegate(self.cells)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setCornerButtonEnabled(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.setMouseTracking(True)
        self.setSortingEnabled(True)
        self.sortByColumn(NAME_COLUMN, Qt.SortOrder.AscendingOrder)
        self.doubleClicked.connect(self.on_double_clicked)
        model.visible_rows = self.visible_rows
        self.fit_to_font()

    def fit_to_font(self) -> None:
        """Take over font and theme: row height, kept pictures, header."""
        self.cells.refresh()
        self.verticalHeader().setDefaultSectionSize(self.cells.row_height)
        self.viewport().update()
        self.header.updateGeometry()
        self.header.viewport().update()

    def fit_columns(self, *, with_empty_regions: bool) -> None:
        """Show what has a probe, and the rest if it is wanted; give every column its width."""
        for column in range(len(REGIONS)):
            has_probe = bool(self._board.has_probe[column])
            self.setColumnHidden(FIRST_REGION_COLUMN + column, not has_probe and not with_empty_regions)
        self.share_room()

    def share_room(self) -> None:
        """Give the name the room that is left; before it gets short, regions without a probe become narrow."""
        self.setColumnWidth(VERDICT_COLUMN, self.cells.verdict_width())
        shown = [c for c in range(FIRST_REGION_COLUMN, self._table.columnCount()) if not self.isColumnHidden(c)]
        empty = [column for column in shown if self.header.is_empty(column)]
        measured = self.cells.region_width() * (len(shown) - len(empty))
        room = self.viewport().width() - self.columnWidth(VERDICT_COLUMN) - measured
        empty_width = self.cells.empty_region_width()
        self.header.is_narrow = room - empty_width * len(empty) < _GOOD_NAME
        if self.header.is_narrow:
            empty_width = self.header.narrow_width()
        for column in shown:
            self.setColumnWidth(column, empty_width if column in empty else self.cells.region_width())
        left = room - empty_width * len(empty)
        # What does not fit is scrolled sideways; then the name need not be short as well.
        self.setColumnWidth(NAME_COLUMN, min(560, left) if left >= _NARROWEST_NAME else _GOOD_NAME)

    def visible_rows(self) -> tuple[int, int]:
        """Return the first and last row on the screen; (0, -1) for none."""
        count = self._table.rowCount()
        if count == 0:
            return 0, -1
        first = self.rowAt(0)
        last = self.rowAt(self.viewport().height() - 1)
        return max(0, first), count - 1 if last < 0 else last

    def selected_rows(self) -> list[int]:
        """Return the selected rows from the top down."""
        return sorted(index.row() for index in self.selectionModel().selectedRows())

    def selected_ids(self) -> list[MonitorId]:
        """Return the monitors of the selected rows, in the order they are shown."""
        return [self._table.monitor_at(row) for row in self.selected_rows()]

    def select(self, monitor: MonitorId) -> None:
        """Make a monitor the only selected one and bring it into sight; nothing if it is not shown."""
        row = self._table.row_of(monitor)
        if row >= 0:
            self.select_row(row)

    def select_row(self, row: int) -> None:
        """Make a row the only selected one, whatever keys are held down just now."""
        index = self._table.index(row, NAME_COLUMN)
        flag = QItemSelectionModel.SelectionFlag
        self.selectionModel().setCurrentIndex(index, flag.ClearAndSelect | flag.Rows)
        self.scrollTo(index)

    @Slot(QModelIndex)
    def on_double_clicked(self, _index: QModelIndex) -> None:
        self.activated_row.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.activated_row.emit()
        elif event.key() == Qt.Key.Key_Space and not event.modifiers():
            self.pause_toggled.emit()
        else:
            super().keyPressEvent(event)

    def keyboardSearch(self, search: str) -> None:
        """Do nothing: letters are shortcuts here, and searching has its own field."""

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if event.reason() == QContextMenuEvent.Reason.Keyboard and self.currentIndex().isValid():
            place = self.visualRect(self.currentIndex()).center()
            self.menu_asked.emit(self.viewport().mapToGlobal(place))
        elif self.indexAt(self.viewport().mapFromGlobal(event.globalPos())).isValid():
            self.menu_asked.emit(event.globalPos())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._hover(self.rowAt(int(event.position().y())))

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Leave, QEvent.Type.HoverLeave):
            self._hover(-1)
        elif event.type() == QEvent.Type.Wheel:
            self._hover(self.rowAt(self.viewport().mapFromGlobal(QCursor.pos()).y()))
        return super().viewportEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.share_room()

    def _hover(self, row: int) -> None:
        before, self.cells.hovered_row = self.cells.hovered_row, row
        if before == row:
            return
        for changed in (before, row):
            if 0 <= changed < self._table.rowCount():
                top, height = self.rowViewportPosition(changed), self.rowHeight(changed)
                self.viewport().update(0, top, self.viewport().width(), height)


def _title_font() -> QFont:
    return scaled_font(0.92, weight=QFont.Weight.DemiBold)


def _in_two_lines(name: str) -> tuple[str, str]:
    """Return the lines of a narrow title: what cannot stand in the first, and the plus that offers a probe."""
    first, _, rest = name.partition(" ")
    return first, f"{rest} {_PLUS}" if rest else _PLUS
