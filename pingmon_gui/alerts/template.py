"""Templates of webhooks, for receivers that want another shape: a part of Mustache, without any code.

`{{title}}` puts a value in, written as the content type needs it; `{{#items}}...{{/items}}` repeats for each item, or
shows what is inside if a value is true; `{{^end_ms}}...{{/end_ms}}` shows it if not; `{{^last}},{{/last}}` inside a
list parts its items. Values are those of the payload. There is nothing else: no calls, no attributes, no files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus

from pingmon_gui.domain.alert_channel import Channel
from pingmon_gui.domain.error import InvalidInput

MAX_BODY_CHARACTERS = 256 * 1024
_MAX_DEPTH = 5
_TAG = re.compile(r"\{\{([#^/!]?)\s*([^{}]*?)\s*\}\}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")

Write = Callable[[Any], str]
#: Parts in order: a text, or (sign, name, parts inside).
_Part = str | tuple[str, str, list[Any]]


def rendered(channel: Channel, values: Mapping[str, Any]) -> str:
    """Return the body that a channel's template makes of a payload. Raises InvalidInput with the place of an error."""
    is_json = "json" in channel.content_type
    write = _in_json if is_json else quote_plus_text if "form-urlencoded" in channel.content_type else _plainly
    parts, _ = _parsed(channel.template)
    body = "".join(_written(parts, [values], write, [0]))
    if is_json:
        try:
            json.loads(body)
        except ValueError as exc:
            raise InvalidInput(
                f"What the template makes is not valid JSON: {exc}.",
                'Put values into quotes, like "{{title}}"; numbers, true and false go without.',
            ) from exc
    return body


def _parsed(text: str) -> tuple[list[_Part], int]:
    stack: list[tuple[str, list[_Part], int]] = [("", [], 0)]
    place = 0
    for tag in _TAG.finditer(text):
        sign, name = tag[1], tag[2]
        stack[-1][1].append(text[place : tag.start()])
        place = tag.end()
        line = text.count("\n", 0, tag.start()) + 1
        if sign == "!":
            continue
        if not _NAME.fullmatch(name):
            raise InvalidInput(f"Line {line} of the template: “{{{{{name[:30]}}}}}” is no name of a value.", _NAMES)
        if sign == "/":
            if len(stack) == 1 or stack[-1][0] != name:
                raise InvalidInput(f"Line {line} of the template: “{{{{/{name}}}}}” closes nothing that is open.")
            stack.pop()
        elif sign:
            if len(stack) > _MAX_DEPTH:
                raise InvalidInput(f"Line {line} of the template: more than {_MAX_DEPTH} sections are in each other.")
            inside: list[_Part] = []
            stack[-1][1].append((sign, name, inside))
            stack.append((name, inside, line))
        else:
            stack[-1][1].append(("", name, []))
    if len(stack) > 1:
        name, _, line = stack[-1]
        raise InvalidInput(f"Line {line} of the template: “{{{{#{name}}}}}” is never closed.")
    rest = text[place:]
    if "{{" in rest or "{{" in "".join(part for part in stack[0][1] if isinstance(part, str)):
        raise InvalidInput("The template has a “{{” without its “}}”.")
    stack[0][1].append(rest)
    return stack[0][1], place


def _written(parts: Sequence[_Part], scopes: list[Mapping[str, Any]], write: Write, size: list[int]) -> list[str]:
    made: list[str] = []
    for part in parts:
        if isinstance(part, str):
            made.append(_counted(part, size))
            continue
        sign, name, inside = part
        value = _value(name, scopes)
        if not sign:
            made.append(_counted(write(value), size))
        elif sign == "^":
            if not value:
                made += _written(inside, scopes, write, size)
        elif isinstance(value, list):
            for number, one in enumerate(value, 1):
                own = {"value": one} if not isinstance(one, Mapping) else one
                ends = {"number": number, "first": number == 1, "last": number == len(value)}
                made += _written(inside, [*scopes, {**own, **ends}], write, size)
        elif value:
            made += _written(inside, scopes, write, size)
    return made


def _counted(text: str, size: list[int]) -> str:
    size[0] += len(text)
    if size[0] > MAX_BODY_CHARACTERS:
        raise InvalidInput(f"What the template makes is larger than {MAX_BODY_CHARACTERS // 1024} KB.")
    return text


def _value(name: str, scopes: Sequence[Mapping[str, Any]]) -> Any:
    for scope in reversed(scopes):
        if name in scope:
            return scope[name]
    raise InvalidInput(f"The template names “{name}”, which alerts do not have.", _NAMES)


_NAMES = "Names are those of the documented payload: title, text, event, kind, since_ms, items and others."


def _in_json(value: Any) -> str:
    """Return a value as it stands inside quotes, or bare where it is a number, true, false or null."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)[1:-1]
    return json.dumps(value, ensure_ascii=False)


def quote_plus_text(value: Any) -> str:
    return quote_plus(_plainly(value))


def _plainly(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(_plainly(one) for one in value)
    return "" if value is None else str(value)
