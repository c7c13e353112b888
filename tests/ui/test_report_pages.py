"""Sheets of a report: everything stays within the margins, tables break with their heads, a PDF comes of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QImage, QPainter

from pingmon_gui.domain.error import PingmonError
from pingmon_gui.report.drawing import Ink
from pingmon_gui.report.outlet import replacing
from pingmon_gui.report.page import Column, Document, Figure, Figures, Heading, Key, Row, Section, Table, Text
from pingmon_gui.ui.report_pages import PAGE_HEIGHT, PAGE_WIDTH, Layout, Sheet
from pingmon_gui.ui.report_pdf import write_pdf

pytestmark = pytest.mark.usefixtures("qapp")
_SCALE = 0.1
LONG = "https://a-rather-long-name-without-any-place-to-break-it.example/" + "x" * 300


def laid_out(*blocks: object, title: str = "Title") -> list[Sheet]:
    layout = Layout(Document(title, "a span", "made by nobody", (Section(blocks),)))  # type: ignore[arg-type]
    for _ in layout.steps():
        pass
    return layout.sheets


def table(rows: int, name: str = "row") -> Table:
    columns = (Column("Name", weight=1), Column("Number", is_number=True))
    return Table("a table", columns, tuple(Row((f"{name} {n}", f"{n:,}")) for n in range(rows)))


def painted(sheet: Sheet) -> QImage:
    image = QImage(round(PAGE_WIDTH * _SCALE), round(PAGE_HEIGHT * _SCALE), QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    painter.scale(_SCALE, _SCALE)
    sheet.paint(painter)
    painter.end()
    return image


def has_ink(image: QImage, left: int, top: int, right: int, bottom: int) -> bool:
    return any(image.pixel(x, y) & 0xFFFFFF != 0xFFFFFF for y in range(top, bottom) for x in range(left, right))


def test_nothing_stands_in_the_margins_whatever_the_words_are() -> None:
    sheets = laid_out(
        Heading(LONG, 1),
        Text(LONG),
        Text("Be warned. " * 40, is_warning=True),
        Figures(tuple(Figure(LONG[:60], "29 min 53 s and more", LONG) for _ in range(6))),
        Key(((Ink.GOOD, "online"), (Ink.BAD, LONG[:80]))),
        table(90, "שלום 日本語 " + LONG[:90]),
        title=LONG,
    )
    assert len(sheets) > 2
    for sheet in sheets:
        image = painted(sheet)
        assert not has_ink(image, 0, 0, 37, image.height())
        assert not has_ink(image, image.width() - 37, 0, image.width(), image.height())
        assert has_ink(image, 40, 30, image.width() - 40, 48), "its head"
        assert has_ink(image, 40, 800, image.width() - 40, 830), "its foot"
        assert not has_ink(image, 40, 788, image.width() - 40, 797), "nothing runs into the foot"


def test_long_table_breaks_with_its_head_on_every_sheet() -> None:
    sheets = laid_out(table(120))
    assert len(sheets) == 3
    heads = [painted(sheet).copy(40, 62, 200, 10) for sheet in sheets]
    assert heads[0] == heads[1] == heads[2]
    assert has_ink(heads[0], 0, 0, 160, 10)


def test_small_table_is_not_broken() -> None:
    filler = Text("word " * 1_800)
    [first, second] = laid_out(filler, table(6))
    assert len(second.parts) > 6
    assert len(laid_out(filler)) == 1
    assert len(first.parts) < 5


def test_heading_stays_with_what_follows() -> None:
    one, two = Text("word " * 1_990), Text("next")
    assert len(laid_out(one)) == 1
    sheets = laid_out(one, Heading("Head"), two)
    assert len(sheets) == 2
    assert has_ink(painted(sheets[1]), 40, 60, 300, 80)


def test_pdf_has_a_page_for_each_sheet(tmp_path: Path) -> None:
    document = Document("Title", "a span", "made by nobody", (Section((Heading("A", 1), table(120))),))
    write_pdf(document, tmp_path / "r.pdf")
    data = (tmp_path / "r.pdf").read_bytes()
    assert data.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", data)) == 3


def test_pdf_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    document = Document("Title", "a span", "", (Section((Text("x"),)),))
    wanted = tmp_path / "nowhere" / "r.pdf"
    with (
        pytest.raises(PingmonError, match=r"nowhere/r.pdf cannot be written: No such file"),
        replacing(wanted) as partial,
    ):
        write_pdf(document, partial)
