"""Conditions on JSON as other products write them, as far as each is one path and one comparison."""

from __future__ import annotations

import json
import re

from pingmon_probe.protocol import MAX_CONDITION_CHARACTERS, ConditionError, read_json_condition

_STEP = re.compile(
    r"""\.?(?P<name>[A-Za-z_][A-Za-z0-9_-]*)|\.?\[(?P<place>[0-9]{1,6})\]"""
    r"""|(?:\.?\[(?P<quoted>"[^"\\]*"|'[^'\\"]*')\]|\.(?P<odd>"[^"\\]*"|`[^`\\"]*`))"""
)
_OPERATORS = ("", "==", "!=", "<", "<=", ">", ">=", "contains")


def own_path(text: str) -> str | None:
    """Return a path like `$.items[0].name` as we write it; None if it is more than a path."""
    rest, found = text.strip().removeprefix("$"), []
    place = 0
    while place < len(rest):
        match = _STEP.match(rest, place)
        if match is None:
            return None
        if match["name"]:
            found.append(f".{match['name']}")
        elif match["place"]:
            found.append(f"[{match['place']}]")
        else:
            found.append(f'["{(match["quoted"] or match["odd"])[1:-1]}"]')
        place = match.end()
    return "".join(found).removeprefix(".") or "$"


def condition(path: str, operator: str, value: str) -> str | None:
    """Return a condition of ours; None if the path, the operator or the length is beyond us.

    A value that reads as a number, true, false or null is one; anything else is a text.
    """
    own = own_path(path)
    if own is None or operator not in _OPERATORS:
        return None
    text = own if not operator else f"{own} {operator} {json_value(value)}"
    try:
        read_json_condition(text)
    except ConditionError:
        return None
    return text if len(text) <= MAX_CONDITION_CHARACTERS else None


def json_value(text: str) -> str:
    """Return a value in JSON."""
    if re.fullmatch(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,17})?|true|false|null", text):
        return text
    return json.dumps(text, ensure_ascii=False)
