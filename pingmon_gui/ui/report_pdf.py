"""A report's HTML printed into a PDF file. Works without a screen."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMarginsF, QSizeF
from PySide6.QtGui import QGuiApplication, QPageLayout, QPageSize, QPdfWriter, QTextDocument

from pingmon_gui.domain.error import PingmonError

_MARGIN_MM = 14.0
_DOTS_PER_INCH = 96


def write_pdf(html: str, path: Path, title: str) -> None:
    """Write the file. Raises PingmonError where it cannot be written."""
    # Fonts need an application; the command line has none of its own.
    application = QGuiApplication.instance() or QGuiApplication(["pingmon"])
    margins = QMarginsF(_MARGIN_MM, _MARGIN_MM, _MARGIN_MM, _MARGIN_MM)
    page = QPageSize(QPageSize.PageSizeId.A4)
    writer = QPdfWriter(str(path))
    writer.setTitle(title)
    writer.setCreator("Pingmon")
    writer.setResolution(_DOTS_PER_INCH)
    writer.setPageLayout(QPageLayout(page, QPageLayout.Orientation.Portrait, margins, QPageLayout.Unit.Millimeter))
    document = QTextDocument()
    document.documentLayout().setPaintDevice(writer)
    document.setHtml(html)
    document.setPageSize(QSizeF(writer.pageLayout().paintRectPixels(_DOTS_PER_INCH).size()))
    document.print_(writer)
    del document, writer
    if not path.is_file() or path.stat().st_size == 0:
        raise PingmonError(f"The file {path} cannot be written.", "Choose another folder, or make room.")
    assert application is not None
