"""A report as blocks, one below the other: what a page of HTML and a sheet of paper are both made from."""

from __future__ import annotations

from dataclasses import dataclass

from pingmon_gui.report.drawing import Drawing, Ink


@dataclass(frozen=True)
class Heading:
    """`level` 1 heads the whole, 2 a section, 3 a part of one; it stays with what follows."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Text:
    """A paragraph. Quiet ones explain, warnings have to be read."""

    text: str
    is_quiet: bool = False
    is_warning: bool = False


@dataclass(frozen=True)
class Figure:
    """A number that is to be seen first, with what it is above it and what belongs to it below."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Figures:
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Column:
    """A column of a table. `weight` is its part of the width that numbers leave; 0 is as wide as its cells."""

    title: str
    is_number: bool = False
    weight: float = 0.0


@dataclass(frozen=True)
class Row:
    cells: tuple[str | Drawing, ...]
    is_total: bool = False


@dataclass(frozen=True)
class Table:
    """`name` is what it lists, for those who do not see it."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Picture:
    drawing: Drawing
    caption: str = ""


@dataclass(frozen=True)
class Key:
    """What the colours of pictures mean."""

    entries: tuple[tuple[Ink, str], ...]


Block = Heading | Text | Figures | Table | Picture | Key


@dataclass(frozen=True)
class Section:
    """Blocks that belong together; they begin on a new page where not much of them would fit on the old one."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Document:
    """`title` and `subtitle` stand on every page; `imprint` says who made it and when."""

    title: str
    subtitle: str
    imprint: str
    sections: tuple[Section, ...]
