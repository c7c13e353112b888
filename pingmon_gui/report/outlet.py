"""The way out: a report as text of a format, by its name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from pingmon_gui.domain.error import PingmonError
from pingmon_gui.report.content import SCREEN_WIDTH, document
from pingmon_gui.report.csv_file import write_csv
from pingmon_gui.report.gather import Report
from pingmon_gui.report.html_file import write_html


class Format(StrEnum):
    """What a report is written as. The value is the word for `--format`, and the end of the file's name."""

    PDF = "pdf"
    HTML = "html"
    CSV = "csv"


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to, which takes the place of `path` when all went well; else nothing is left of it.

    Raises PingmonError with a sentence where the file cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    except OSError as exc:
        raise PingmonError(f"The file {path} cannot be written: {exc.strerror or exc}.") from exc
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def text_of(report: Report, format_: Format, title: str, *, with_domains: bool) -> str:
    """Return a report as CSV or HTML; a PDF is no text, and drawn by the window's room."""
    match format_:
        case Format.CSV:
            return write_csv(report)
        case Format.HTML:
            return write_html(document(report, title, width=SCREEN_WIDTH, with_domains=with_domains))
        case Format.PDF:
            raise ValueError("a PDF is no text")
