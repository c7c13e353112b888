"""Reads the evidence of a result. A probe is not trusted: what does not fit is left out, and holds up no result."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from pingmon_probe.protocol import MAX_EVIDENCE_BYTES, MAX_ROUTE_HOPS

Reader = Callable[[Any], Any]
#: As it is kept, in UTF-8: what was cut to size by a probe may take a little more room here, never much more.
MAX_KEPT_BYTES = 2 * MAX_EVIDENCE_BYTES
_MAX_AT_MS = 4_102_444_800_000
_MAX_MS = 86_400_000.0
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def evidence_of(value: Any) -> dict[str, Any] | None:
    """Return the parts that can be read, None where there is none of them."""
    if not isinstance(value, dict):
        return None
    found = {name: part for name, read in _PARTS.items() if (part := read(value.get(name))) not in (None, [])}
    if not set(found) - {"failed_at_ms"}:
        return None
    return found if len(json.dumps(found, ensure_ascii=False).encode()) <= MAX_KEPT_BYTES else None


def _text(limit: int, also: str = "") -> Reader:
    def read(value: Any) -> str | None:
        if not isinstance(value, str):
            return None
        text = value[:limit]
        if text.isprintable():
            return text
        # Terminals obey control characters, and marks of direction make a text look like another.
        return "".join(letter if letter.isprintable() or letter in also else _REPLACEMENT for letter in text)

    return read


def _whole(high: int) -> Reader:
    return lambda value: value if type(value) is int and 0 <= value <= high else None


def _milliseconds(value: Any) -> float | None:
    is_number = type(value) in (int, float) and math.isfinite(value) and 0 <= value <= _MAX_MS
    return float(value) if is_number else None


def _truth(value: Any) -> bool:
    return value is True


def _list(read: Reader, most: int) -> Reader:
    def read_all(value: Any) -> list[Any]:
        items = value[:most] if isinstance(value, list) else []
        return [item for item in map(read, items) if item is not None]

    return read_all


def _object(required: Mapping[str, Reader], optional: Mapping[str, Reader]) -> Reader:
    """Return a reader of objects; one that lacks a required field is none."""

    def read(value: Any) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            return None
        found = {name: one(value.get(name)) for name, one in required.items()}
        if None in found.values():
            return None
        return {**found, **{name: one(value.get(name)) for name, one in optional.items()}}

    return read


def _pair(value: Any) -> list[str] | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    name, text = _text(100)(value[0]), _text(500)(value[1])
    return None if name is None or text is None else [name, text]


_SHORT, _LINE = _text(200), _text(500)
_COUNT = _whole(2**53 - 1)
_HOP = _object({"ttl": _whole(255)}, {"address": _text(100), "ms": _milliseconds, "note": _SHORT})
_PARTS: dict[str, Reader] = {
    "names": _list(
        _object(
            {"host": _text(300), "addresses": _list(_text(100), 20)},
            {"server": _text(100), "address_count": _whole(100_000), "error": _LINE, "took_ms": _milliseconds},
        ),
        8,
    ),
    "tried": _list(_object({"target": _LINE, "outcome": _LINE}, {"address": _text(100), "port": _whole(65_535)}), 8),
    "chain": _list(
        _object(
            {"sha256": _text(64)},
            {
                **dict.fromkeys(("subject", "issuer"), _LINE),
                **dict.fromkeys(("not_before", "not_after"), _text(40)),
                "names": _list(_text(260), 10),
                "name_count": _whole(100_000),
            },
        ),
        10,
    ),
    "answers": _list(_object({"url": _LINE, "status_line": _LINE, "headers": _list(_pair, 60)}, {"is_cut": _truth}), 8),
    "body": _object(
        {"text": _text(MAX_EVIDENCE_BYTES, "\n\t"), "body_bytes": _COUNT}, {"is_cut": _truth, "coding": _text(20)}
    ),
    "route": _object(
        {"address": _text(100)},
        {"method": _text(60), "hops": _list(_HOP, MAX_ROUTE_HOPS), "is_reached": _truth, "note": _LINE},
    ),
    "failed_at_ms": _whole(_MAX_AT_MS),
}
