"""Where in a `pingmon.toml` something stands: its line, which the parser does not tell."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any


class Places:
    """Finds lines in a text; `tables` are the names of what may stand there many times, as `[[monitor]]`."""

    def __init__(self, text: str, document: dict[str, Any], tables: Sequence[str]) -> None:
        self._text = text
        head = re.compile(rf"^[ \t]*\[\[[ \t]*({'|'.join(tables)})[ \t]*\]\]", re.MULTILINE)
        heads = [(match[1], match.start()) for match in head.finditer(text)]
        self._top_end = heads[0][1] if heads else len(text)
        self._spans: dict[str, list[tuple[int, int]]] = {table: [] for table in tables}
        for (table, start), (_, end) in itertools.pairwise([*heads, ("", len(text))]):
            self._spans[table].append((start, end))
        for table, spans in self._spans.items():
            there = document.get(table, [])
            if not isinstance(there, list) or len(spans) != len(there):
                spans.clear()  # they are written in another way

    def line(self, key: str) -> int | None:
        """Return the line where a key or a table of the top begins."""
        return self._find(key, 0, self._top_end) or self._find(key, 0, len(self._text))

    def line_in(self, table: str, number: int, key: str | None) -> int | None:
        """Return the line of a key in the `number`th table of a name (from 1), or of its head (None)."""
        if not self._spans[table]:
            return None
        start, end = self._spans[table][number - 1]
        head_line = self._text.count("\n", 0, start) + 1
        return head_line if key is None else self._find(key, start, end) or head_line

    def _find(self, key: str, start: int, end: int) -> int | None:
        pattern = rf"^[ \t]*(?:\[+[ \t]*)?[\"']?{re.escape(key)}[\"']?[ \t]*[=\].]"
        match = re.compile(pattern, re.MULTILINE).search(self._text, start, end)
        return None if match is None else self._text.count("\n", 0, match.start()) + 1
