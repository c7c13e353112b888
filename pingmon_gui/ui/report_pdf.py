"""A report's sheets written into a PDF file. Works without a screen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QMarginsF
from PySide6.QtGui import QGuiApplication, QPageLayout, QPageSize, QPainter, QPdfWriter

from pingmon_gui.report.page import Document
from pingmon_gui.ui.report_pages import PAGE_WIDTH, Layout

_DOTS_PER_INCH = 1200


def write_pdf(document: Document, path: Path) -> None:
    """Write the file, in a process that may have no window. Raises OSError where it cannot be written."""
    # Fonts need an application; without a screen they are drawn all the same.
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QGuiApplication.instance() or QGuiApplication(["pingmon"])
    for _ in pdf_steps(document, path):
        pass
    assert application is not None


def pdf_steps(document: Document, path: Path) -> Iterator[None]:
    """Write the file, a little at each step. Raises OSError where it cannot be written."""
    path.touch()  # Qt complains at length where it cannot write
    layout = Layout(document)
    yield from layout.steps()
    writer = QPdfWriter(str(path))
    writer.setTitle(f"{document.title}, {document.subtitle}")
    writer.setCreator("Pingmon")
    writer.setResolution(_DOTS_PER_INCH)
    nothing = QMarginsF(0, 0, 0, 0)
    writer.setPageLayout(QPageLayout(QPageSize(QPageSize.PageSizeId.A4), QPageLayout.Orientation.Portrait, nothing))
    painter = QPainter()
    if not painter.begin(writer):
        raise OSError("it cannot be drawn into")
    try:
        scale = writer.width() / PAGE_WIDTH
        painter.scale(scale, scale)
        for number, sheet in enumerate(layout.sheets):
            if number and not writer.newPage():
                raise OSError("there may be no room on the disk")
            sheet.paint(painter)
            yield
    finally:
        painter.end()
    if path.stat().st_size == 0:
        raise OSError("there may be no room on the disk")
