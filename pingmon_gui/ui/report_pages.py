"""A report laid out on sheets of A4: what fits where, and how each part is painted.

Lengths are tenths of a point: fine enough that letters stand where a printer puts them. The same sheets are painted
into a PDF and, scaled, into the preview. Works without a screen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF, QTextLayout, QTextOption

from pingmon_gui.report.drawing import Area, Box, Drawing, Ink, Label, Line
from pingmon_gui.report.page import (
    Block,
    Column,
    Document,
    Figure,
    Figures,
    Heading,
    Key,
    Picture,
    Row,
    Table,
    Text,
)

POINT = 10.0
PAGE_WIDTH, PAGE_HEIGHT = 5950.0, 8420.0
_LEFT, _TOP, _BOTTOM = 400.0, 620.0, 560.0
_WIDTH = PAGE_WIDTH - 2 * _LEFT
_FLOOR = PAGE_HEIGHT - _BOTTOM
#: A section that needs more than a sheet begins where there is so much room.
_ENOUGH = 2600.0
_GAP, _CELL_GAP, _CELL_TOP = 90.0, 110.0, 36.0
#: A table of so many rows is not broken.
_SMALL_TABLE = 8
#: A column that takes what is left gets this part of the width at least.
_LEAST_LEFT = 0.2
#: The first of these is taken that every figure of a row fits in.
_VALUE_SIZES = (12.0, 11.0, 10.0, 9.0)
_TEXT, _MUTED, _LINE, _FAINT = "#1b2027", "#59626e", "#c9cfd7", "#e8ebef"
_INKS = {
    Ink.GOOD: "#3f9d5b",
    Ink.REGIONAL: "#d79a00",
    Ink.BAD: "#c62828",
    Ink.UNKNOWN: "#aab2bd",
    Ink.RESTED: "#e4e8ec",
    Ink.BAND: "#dbe6f9",
    Ink.MEDIAN: "#1f5fd6",
    Ink.TAIL: "#7c96c4",
    Ink.GRID: "#e8ebef",
    Ink.WORDS: _MUTED,
}
_LINE_WIDTHS = {Ink.MEDIAN: 12.0, Ink.TAIL: 7.0, Ink.GRID: 5.0}
_HEAD_SIZES = {1: (21.0, 0.0), 2: (14.0, 190.0), 3: (9.5, 130.0)}

Paint = Callable[[QPainter], None]
PaintAt = Callable[[QPainter, float], None]


@dataclass
class Sheet:
    """One page: what is to be painted on it, in order."""

    parts: list[Paint] = field(default_factory=list)

    def paint(self, painter: QPainter) -> None:
        """Paint it into 5950 x 8420; the painter is scaled by the caller."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        for part in self.parts:
            part(painter)


def font(points: float, *, is_bold: bool = False) -> QFont:
    """Return a font whose letters are as wide on every device."""
    made = QFont(["Helvetica Neue", "Arial", "DejaVu Sans", "Noto Sans"])
    made.setStyleHint(QFont.StyleHint.SansSerif)
    made.setPixelSize(round(points * POINT))
    made.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    made.setWeight(QFont.Weight.DemiBold if is_bold else QFont.Weight.Normal)
    return made


class _Words:
    """A text broken into lines of some width."""

    def __init__(
        self,
        text: str,
        width: float,
        points: float = 8.5,
        *,
        is_bold: bool = False,
        colour: str = _TEXT,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
    ) -> None:
        self._colour = colour
        self._layout = QTextLayout(text, font(points, is_bold=is_bold))
        option = QTextOption(align)
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        option.setUseDesignMetrics(True)
        self._layout.setTextOption(option)
        self.height = 0.0
        self._layout.beginLayout()
        while (line := self._layout.createLine()).isValid():
            line.setLineWidth(width)
            line.setPosition(QPointF(0, self.height))
            self.height += line.height() * 1.06
        self._layout.endLayout()

    def paint(self, painter: QPainter, x: float, y: float) -> None:
        painter.setPen(QColor(self._colour))
        self._layout.draw(painter, QPointF(x, y))


@dataclass(frozen=True)
class _Piece:
    """What is not broken over two sheets: painted at a height, or (`paint` None) mere space, left out at the top.

    A bound one stays with the next. `head` is repeated above it where it comes first on a sheet.
    """

    height: float
    paint: PaintAt | None = None
    is_bound: bool = False
    head: _Piece | None = None


class Layout:
    """Puts a document on sheets. `steps` does it bit by bit; `sheets` are all of them when it is through."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.sheets: list[Sheet] = []
        self._y = 0.0
        self._new_sheet()

    def steps(self) -> Iterator[None]:
        """Lay out one section at each step."""
        for section in self._document.sections:
            pieces = [piece for block in section.blocks for piece in _pieces(block)]
            height, left = sum(piece.height for piece in pieces), _FLOOR - self._y
            # A section that one sheet can hold is not begun on another.
            if left < height and (height <= _FLOOR - _TOP or left < _ENOUGH):
                self._new_sheet()
            self._place(pieces)
            yield
        for number, sheet in enumerate(self.sheets, start=1):
            sheet.parts.append(_margins(self._document, number, len(self.sheets)))

    def _new_sheet(self) -> None:
        if self._y != _TOP:
            self.sheets.append(Sheet())
            self._y = _TOP

    def _place(self, pieces: Sequence[_Piece]) -> None:
        group: list[_Piece] = []
        for piece in pieces:
            group.append(piece)
            if not piece.is_bound:
                if self._y + sum(one.height for one in group) > _FLOOR and any(one.paint for one in group):
                    self._new_sheet()
                for one in group:
                    self._put(one)
                group = []

    def _put(self, piece: _Piece) -> None:
        if piece.paint is not None and self._y + piece.height > _FLOOR:
            self._new_sheet()  # bound to more than a sheet can hold
        if self._y == _TOP:
            if piece.paint is None:
                return
            if piece.head is not None:
                self._put(piece.head)
        if piece.paint is not None:
            paint, y = piece.paint, self._y
            self.sheets[-1].parts.append(lambda painter: paint(painter, y))
        self._y += piece.height


def _margins(document: Document, number: int, of: int) -> Paint:
    """Return what stands at the top and the bottom of every sheet."""
    left, right = _WIDTH * 0.32, _WIDTH * 0.68
    to_the_right = Qt.AlignmentFlag.AlignRight
    title = _Words(_shortened(document.title, 7.5, left), left, 7.5, is_bold=True, colour=_MUTED)
    span = _Words(_shortened(document.subtitle, 7.5, right), right, 7.5, colour=_MUTED, align=to_the_right)
    imprint = _Words(document.imprint, right, 7.5, colour=_MUTED)
    page = _Words(f"Page {number} of {of}", left, 7.5, colour=_MUTED, align=to_the_right)

    def paint(painter: QPainter) -> None:
        painter.setPen(QPen(QColor(_LINE), 5))
        for y in (470.0, PAGE_HEIGHT - 430.0):
            painter.drawLine(QPointF(_LEFT, y), QPointF(_LEFT + _WIDTH, y))
        title.paint(painter, _LEFT, 350)
        span.paint(painter, _LEFT + left, 350)
        imprint.paint(painter, _LEFT, PAGE_HEIGHT - 400)
        page.paint(painter, _LEFT + right, PAGE_HEIGHT - 400)

    return paint


def _pieces(block: Block) -> list[_Piece]:
    """Return the pieces of a block, from above."""
    match block:
        case Heading(text, level):
            points, above = _HEAD_SIZES[level]
            words = _Words(text, _WIDTH, points, is_bold=True)
            height = words.height + (40.0 if level < 3 else 30.0)
            return [_Piece(above, is_bound=True), _Piece(height, _at_left(words), is_bound=True)]
        case Text(text, is_quiet, is_warning):
            inset = 90.0 if is_warning else 0.0
            words = _Words(text, _WIDTH - 2 * inset, 8.5, colour=_MUTED if is_quiet else _TEXT)
            height = words.height + inset
            return [_Piece(height, lambda painter, y: _paint_text(painter, y, words, height, inset)), _Piece(70.0)]
        case Figures(figures):
            return [_figures(figures), _Piece(140.0)]
        case Picture(drawing, caption):
            return [_picture(drawing, _Words(caption, _WIDTH, 7.5, colour=_MUTED)), _Piece(75.0)]
        case Key(entries):
            return [_key(entries)]
        case Table():
            return _table_pieces(block)


def _at_left(words: _Words) -> PaintAt:
    return lambda painter, y: words.paint(painter, _LEFT, y)


def _picture(drawing: Drawing, caption: _Words) -> _Piece:
    def paint(painter: QPainter, y: float) -> None:
        caption.paint(painter, _LEFT, y)
        _paint_drawing(painter, drawing, _LEFT, y + 25 + caption.height)

    return _Piece(caption.height + drawing.height * POINT + 25, paint)


def _paint_text(painter: QPainter, y: float, words: _Words, height: float, inset: float) -> None:
    if inset:
        painter.fillRect(QRectF(_LEFT, y, _WIDTH, height), QColor("#fff4d6"))
        painter.fillRect(QRectF(_LEFT, y, 35, height), QColor(_INKS[Ink.REGIONAL]))
    words.paint(painter, _LEFT + inset, y + inset / 2)


def _figures(figures: Sequence[Figure]) -> _Piece:
    gap, inset = 60.0, 60.0
    width = (_WIDTH - gap * (len(figures) - 1)) / len(figures)
    inner = width - 2 * inset
    points = next((size for size in _VALUE_SIZES if all(_fits(one.value, size, inner) for one in figures)), 8.0)
    lines = (
        [_Words(one.name, inner, 6.8, colour=_MUTED) for one in figures],
        [_Words(one.value, inner, points, is_bold=True) for one in figures],
        [_Words(_shortened(one.note, 6.8, 1.8 * inner), inner, 6.8, colour=_MUTED) for one in figures],
    )
    heights = [max(words.height for words in line) for line in lines]
    height = sum(heights) + 120

    def paint(painter: QPainter, y: float) -> None:
        painter.setPen(QPen(QColor(_LINE), 6))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for place in range(len(figures)):
            painter.drawRoundedRect(QRectF(_LEFT + place * (width + gap), y, width, height), 45, 45)
        below = y + 60
        for line, high in zip(lines, heights, strict=True):
            for place, words in enumerate(line):
                words.paint(painter, _LEFT + place * (width + gap) + inset, below)
            below += high

    return _Piece(height, paint)


def _fits(text: str, points: float, width: float) -> bool:
    return QFontMetricsF(font(points, is_bold=True)).horizontalAdvance(text) <= width


def _key(entries: Sequence[tuple[Ink, str]]) -> _Piece:
    metrics = QFontMetricsF(font(7.5))
    places: list[tuple[float, float, Ink, _Words]] = []
    x, line, height = 0.0, 0.0, metrics.height() + 30
    for ink, words in entries:
        width = 130 + metrics.horizontalAdvance(words) + 160
        if x and x + width > _WIDTH:
            x, line = 0.0, line + height
        places.append((x, line, ink, _Words(words, width, 7.5, colour=_MUTED)))
        x += width

    def paint(painter: QPainter, y: float) -> None:
        for left, top, ink, words in places:
            painter.fillRect(QRectF(_LEFT + left, y + top + 12, 75, 75), QColor(_INKS[ink]))
            words.paint(painter, _LEFT + left + 120, y + top)

    return _Piece(line + height + 40, paint)


# Tables


def _table_pieces(table: Table) -> list[_Piece]:
    widths = _widths(table)
    head = _row(Row(tuple(column.title for column in table.columns)), table, widths, is_head=True)
    rows = [_row(row, table, widths, head=head) for row in table.rows]
    is_small = len(rows) <= _SMALL_TABLE
    # Its head stays with the first row, and a small table stays whole.
    bound = [replace(row, is_bound=is_small) for row in rows[:-1]]
    return [replace(head, is_bound=True), *bound, *rows[-1:], _Piece(_GAP)]


def _widths(table: Table) -> tuple[list[float], float]:
    """Return how wide each column is (numbers as wide as they are, the rest shared by weight), and the gap between."""
    metrics, heads = QFontMetricsF(font(7.8, is_bold=True)), QFontMetricsF(font(7.0))
    widths = []
    for place, column in enumerate(table.columns):
        widest = heads.horizontalAdvance(column.title)
        for row in table.rows:
            cell = row.cells[place]
            wide = cell.width * POINT if isinstance(cell, Drawing) else metrics.horizontalAdvance(cell)
            widest = max(widest, wide)
        widths.append(widest + 10)
    weight = sum(column.weight for column in table.columns)
    fixed = sum(width for width, column in zip(widths, table.columns, strict=True) if not column.weight)
    gaps = max(1, len(table.columns) - 1)
    least = _LEAST_LEFT * _WIDTH if weight else 0.0
    gap = max(20.0, min(_CELL_GAP, (_WIDTH - fixed - least) / gaps))
    left = max(0.0, _WIDTH - gap * gaps - fixed)
    shared = [
        left * column.weight / weight if column.weight else width
        for width, column in zip(widths, table.columns, strict=True)
    ]
    return shared, gap


def _row(
    row: Row,
    table: Table,
    widths_and_gap: tuple[Sequence[float], float],
    *,
    is_head: bool = False,
    head: _Piece | None = None,
) -> _Piece:
    widths, gap = widths_and_gap
    cells = [
        cell if isinstance(cell, Drawing) else _cell(cell, column, width, is_head=is_head, is_total=row.is_total)
        for cell, column, width in zip(row.cells, table.columns, widths, strict=True)
    ]
    heights = [cell.height * POINT if isinstance(cell, Drawing) else cell.height for cell in cells]
    height = max(heights) + 2 * _CELL_TOP

    def paint(painter: QPainter, y: float) -> None:
        x = _LEFT
        for cell, width, high in zip(cells, widths, heights, strict=True):
            if isinstance(cell, Drawing):
                _paint_drawing(painter, cell, x, y + (height - high) / 2)
            else:
                cell.paint(painter, x, y + _CELL_TOP)
            x += width + gap
        painter.setPen(QPen(QColor(_LINE if is_head else _FAINT), 5))
        painter.drawLine(QPointF(_LEFT, y + height), QPointF(_LEFT + _WIDTH, y + height))

    return _Piece(height, paint, head=head)


def _cell(text: str, column: Column, width: float, *, is_head: bool, is_total: bool) -> _Words:
    align = Qt.AlignmentFlag.AlignRight if column.is_number else Qt.AlignmentFlag.AlignLeft
    if is_head:
        return _Words(text, width, 7.0, colour=_MUTED, align=align)
    return _Words(text, width, 7.8, is_bold=is_total, align=align)


def _shortened(text: str, points: float, width: float) -> str:
    return QFontMetricsF(font(points, is_bold=True)).elidedText(text, Qt.TextElideMode.ElideRight, width)


# Pictures


def _paint_drawing(painter: QPainter, drawing: Drawing, x: float, y: float) -> None:
    painter.save()
    painter.translate(x, y)
    painter.scale(POINT, POINT)
    for shape in drawing.shapes:
        match shape:
            case Box(left, top, width, height, ink):
                painter.fillRect(QRectF(left, top, width, height), QColor(_INKS[ink]))
            case Line(points, ink):
                painter.setPen(QPen(QColor(_INKS[ink]), _LINE_WIDTHS[ink] / POINT))
                painter.drawPolyline([QPointF(*point) for point in points])
            case Area(points, ink):
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QBrush(QColor(_INKS[ink])))
                painter.drawPolygon(QPolygonF([QPointF(*point) for point in points]))
            case Label():
                _paint_label(painter, shape)
    painter.restore()


def _paint_label(painter: QPainter, label: Label) -> None:
    painter.save()
    painter.scale(1 / POINT, 1 / POINT)
    used = font(7.0)
    width = QFontMetricsF(used).horizontalAdvance(label.text)
    x = label.x * POINT - {"start": 0.0, "middle": width / 2, "end": width}[label.anchor]
    painter.setFont(used)
    painter.setPen(QColor(_INKS[Ink.WORDS]))
    painter.drawText(QPointF(x, label.y * POINT), label.text)
    painter.restore()
