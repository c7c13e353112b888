"""What an answer has to say: conditions on values of its JSON and on its headers, read from one line of text each.

`status.db == "up"`, `items[0].count >= 3`, `$["odd key"]` (is there at all); `X-Version == 3`, `Cache-Control contains
no-store`, `Strict-Transport-Security`. Both sides of the wire read them here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Dict, Optional, Tuple, Union

Step = Union[str, int]

_STEP = re.compile(r'\.?([A-Za-z_][A-Za-z0-9_-]*)|\[([0-9]{1,6})\]|\["((?:[^"\\]|\\.)*)"\]')
_COMPARISON = re.compile(r"\s*(==|!=|<=|>=|<|>|contains\b)\s*(.+)", re.DOTALL)
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:\s*(==|!=)\s*(.*)|\s+(contains)\s+(.+))?", re.DOTALL)
#: How much of a value stands in a sentence.
_SHOWN_CHARACTERS = 60


class ConditionError(ValueError):
    """A text that is no condition. The message is a sentence."""


@dataclass(frozen=True)
class JsonCondition:
    """`steps` lead to the value; `operator` is empty where it only has to be there."""

    text: str
    steps: Tuple[Step, ...]
    operator: str = ""
    value: Any = None

    def problem(self, document: Any) -> Optional[str]:
        """Return what is wrong with a document, to continue "the answer of HOST ...", None if it is as it should be."""
        found: Any = document
        for step in self.steps:
            try:
                if not isinstance(found, dict if isinstance(step, str) else list):
                    raise KeyError(step)
                found = found[step]  # type: ignore[index]
            except (KeyError, IndexError):
                return f"has no value for {self.text}"
        if not self.operator or _holds(found, self.operator, self.value):
            return None
        return f"has {_shown(found)} for {self.text}"


@dataclass(frozen=True)
class HeaderCondition:
    """`name` is in lower case; `operator` is empty where the header only has to be there."""

    text: str
    name: str
    operator: str = ""
    value: str = ""

    def problem(self, headers: Dict[str, str]) -> Optional[str]:
        """Return what is wrong with headers (names in lower case), to continue "the answer of HOST ..."."""
        found = headers.get(self.name)
        if found is None:
            return None if self.operator == "!=" else f"has no header for {self.text}"
        holds = {"": True, "==": found == self.value, "!=": found != self.value, "contains": self.value in found}
        return None if holds[self.operator] else f"has {_shown(found)} for {self.text}"


def read_json_condition(text: str) -> JsonCondition:
    """Read `PATH`, or `PATH OPERATOR VALUE` with a value in JSON. Raises ConditionError."""
    text = text.strip()
    place = 1 if text.startswith("$") else 0
    steps = []
    while True:
        match = _STEP.match(text, place)
        if match is None:
            break
        name, number, quoted = match.groups()
        steps.append(int(number) if number is not None else name if quoted is None else _unquoted(quoted))
        place = match.end()
    rest = text[place:]
    if not steps and not text.startswith("$"):
        raise ConditionError(f"“{text[:_SHOWN_CHARACTERS]}” names no value; write one like status.db or items[0].id.")
    if not rest.strip():
        return JsonCondition(text, tuple(steps))
    comparison = _COMPARISON.fullmatch(rest)
    if comparison is None:
        raise ConditionError(
            f"“{rest.strip()[:_SHOWN_CHARACTERS]}” is no comparison: ==, !=, <, <=, >, >= or contains."
        )
    operator, written = comparison.groups()
    try:
        value = json.loads(written)
    except (ValueError, RecursionError) as exc:
        raise ConditionError(
            "What is compared with has to be JSON: a number, true, false, null, or “text” in quotes."
        ) from exc
    if operator in ("<", "<=", ">", ">=") and not (_is_number(value) or isinstance(value, str)):
        raise ConditionError(f"{operator} compares numbers or texts.")
    return JsonCondition(text, tuple(steps), operator, value)


def read_header_condition(text: str) -> HeaderCondition:
    """Read `NAME`, `NAME == VALUE`, `NAME != VALUE` or `NAME contains VALUE`. Raises ConditionError."""
    text = text.strip()
    match = _HEADER.fullmatch(text)
    if match is None:
        raise ConditionError(
            f"“{text[:_SHOWN_CHARACTERS]}” is no condition on a header; write one like Cache-Control contains no-store."
        )
    name, equal, equal_to, contains, contained = match.groups()
    value = (equal_to if equal else contained) or ""
    return HeaderCondition(text, name.lower(), equal or contains or "", value.strip())


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError as exc:
        raise ConditionError("A name in quotes is written as in JSON.") from exc


def _holds(found: Any, operator: str, value: Any) -> bool:
    if operator == "==":
        return _is_equal(found, value)
    if operator == "!=":
        return not _is_equal(found, value)
    if operator == "contains":
        if isinstance(found, str):
            return isinstance(value, str) and value in found
        if isinstance(found, dict):
            return isinstance(value, str) and value in found
        return isinstance(found, list) and any(_is_equal(one, value) for one in found)
    if not (_is_number(found) and _is_number(value)) and not (isinstance(found, str) and isinstance(value, str)):
        return False
    return bool({"<": found < value, "<=": found <= value, ">": found > value, ">=": found >= value}[operator])


def _is_equal(one: Any, other: Any) -> bool:
    # To Python true is 1.
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."
