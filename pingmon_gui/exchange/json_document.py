"""JSON that others wrote: bounded before it is parsed, and with the lines of its list's elements."""

from __future__ import annotations

import json
import re
from typing import Any

from pingmon_gui.domain.error import InvalidInput

MAX_JSON_CHARACTERS = 16 * 1024 * 1024
#: Ten thousand monitors of Uptime Kuma have some 70,000; a file of nothing but brackets would eat the memory.
_MAX_BRACKETS = 500_000
_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[\s,]*")


def parsed(text: str) -> Any:
    """Return the document. Raises InvalidInput that says where it stops to be JSON."""
    if len(text) > MAX_JSON_CHARACTERS:
        raise InvalidInput(f"The file is larger than {MAX_JSON_CHARACTERS // 1024 // 1024} MB.", "Import it in parts.")
    if text.count("{") + text.count("[") > _MAX_BRACKETS:
        raise InvalidInput("The file has more parts than any list of monitors.")
    try:
        return json.loads(text)
    except json.JSONDecodeError as exc:
        rest = text[exc.pos : exc.pos + 20].rstrip()
        # A text, or a word like true, can be cut as well.
        if exc.msg.startswith("Unterminated") or any(word.startswith(rest) for word in ("true", "false", "null", "-")):
            raise InvalidInput(f"The file ends in the middle, in line {exc.lineno}.", "Was it copied whole?") from exc
        raise InvalidInput(f"Line {exc.lineno} is no valid JSON ({exc.msg}, column {exc.colno}).") from exc
    except (ValueError, RecursionError) as exc:
        raise InvalidInput("The file is no JSON that can be read.") from exc


def element_lines(text: str, key: str, count: int) -> list[int | None]:
    """Return the line on which each of `count` elements of the list named `key` begins; None where it cannot be told.

    An empty `key` stands for a document that is the list.
    """
    match = re.search(rf'"{key}"\s*:\s*\[' if key else r"^\s*\[", text)
    lines: list[int | None] = []
    if match:
        at, line, counted_to = match.end(), 1, 0
        for _ in range(count):
            at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing, too
            line += text.count("\n", counted_to, at)
            counted_to = at
            lines.append(line)
            try:
                _, at = _DECODER.raw_decode(text, at)
            except (ValueError, RecursionError):
                break
    return [*lines, *[None] * (count - len(lines))]
