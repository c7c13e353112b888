"""Reads the facts of a result: what a kind of check finds out besides times. A probe is not trusted: all is bounded."""

from __future__ import annotations

import math
from typing import Any

from pingmon_gui.domain.error import ProbeError

MAX_FACTS = 40
MAX_ITEMS = 50
MAX_NAME_CHARACTERS = 40
MAX_TEXT_CHARACTERS = 2_000


def facts_of(value: Any) -> dict[str, Any] | None:
    """Return the facts: texts, numbers, truths, and lists of texts or of flat objects; what is more is left out.

    Raises ProbeError where they are no object.
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ProbeError("The probe sent something that cannot be read: the facts of a result are no object.")
    return _object(value, is_nested=False)


def _object(value: dict[Any, Any], *, is_nested: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, item in list(value.items())[:MAX_FACTS]:
        if isinstance(name, str) and len(name) <= MAX_NAME_CHARACTERS and (read := _item(item, is_nested)) is not None:
            found[name] = read
    return found


def _item(value: Any, is_nested: bool) -> Any:
    match value:
        case bool():
            return value
        case int():
            return value if abs(value) < 2**53 else None
        case float():
            return value if math.isfinite(value) else None
        case str():
            return value[:MAX_TEXT_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
        case list() if not is_nested:
            items = [_object(item, is_nested=True) if isinstance(item, dict) else _item(item, True) for item in value]
            return [item for item in items[:MAX_ITEMS] if item is not None]
    return None
