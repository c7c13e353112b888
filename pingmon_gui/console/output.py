"""What every command prints with: one JSON document or a table on stdout, sentences on stderr.

Text that came from outside is made harmless here: terminals obey control characters, spreadsheets formulas.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from pingmon_gui.domain.error import PingmonError
from pingmon_gui.log import one_line, without_secrets

NO_DATA = "—"
#: A spreadsheet takes a cell that begins so for a formula. https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def say(text: str) -> None:
    """Print a sentence or progress on stderr, without secrets and control characters."""
    print("\n".join(one_line(line) for line in without_secrets(text).split("\n")), file=sys.stderr)


def complain(cause: PingmonError) -> None:
    """Print a known error as a sentence and, if there is one, what to do next."""
    say(cause.message if cause.hint is None else f"{cause.message} {cause.hint}")


def write(text: str) -> None:
    """Print lines on stdout, as they are."""
    print(text)


def write_lines(lines: Iterable[str]) -> None:
    """Print lines that may hold what others wrote: control characters are made visible."""
    for line in lines:
        print(one_line(line))


def write_json(document: Any) -> None:
    """Print the one JSON document of a command on stdout."""
    print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))


def write_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table with a line of heads, columns as wide as need be."""
    lines = [list(head), *([one_line(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def write_csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print comma-separated values with a line of heads; None is an empty cell, text cannot become a formula."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    print(stream.getvalue(), end="")


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = one_line(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def latency(ms: float | None) -> str:
    """Return a latency as people read it: `0.42 ms`, `123 ms`, `1.52 s`."""
    if ms is None:
        return NO_DATA
    if ms < 10:
        return f"{ms:.1f} ms" if ms >= 0.95 else f"{ms:.2f} ms"
    # What would be rounded to 1000 ms is written in seconds.
    return f"{ms:.0f} ms" if ms < 999.5 else f"{ms / 1000:.2f} s"


def share(ratio: float | None) -> str:
    """Return a share as people read it; never rounded up to 100 %."""
    if ratio is None:
        return NO_DATA
    if ratio >= 1:
        return "100 %"
    return f"{min(ratio * 100, 99.99):.2f}".rstrip("0").rstrip(".") + " %"


def local_time(at_ms: int | None) -> str:
    """Return a time of day in the computer's zone."""
    if not at_ms:
        return NO_DATA
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def utc_time(at_ms: int) -> str:
    """Return a time of day as ISO 8601 in UTC, with milliseconds."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def duration(ms: int) -> str:
    """Return a whole number of ms as people read it, in the largest unit that fits without rest: `10 s`, `500 ms`."""
    for unit, size in (("h", 3_600_000), ("min", 60_000), ("s", 1_000)):
        if ms % size == 0 and ms >= size:
            return f"{ms // size} {unit}"
    return f"{ms} ms"
