"""Lengths of time as files write them: `10s`, `1m30s`, `500ms`, `1.5h`."""

from __future__ import annotations

import math
import re

from pingmon_gui.domain.error import InvalidInput

_PART = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)(ms|us|µs|ns|s|m|h|d|w)", re.ASCII)
_UNIT_MS = {
    "ns": 1e-6,
    "us": 1e-3,
    "µs": 1e-3,
    "ms": 1.0,
    "s": 1e3,
    "m": 60e3,
    "h": 3_600e3,
    "d": 86_400e3,
    "w": 604_800e3,
}
#: Nothing that is imported lasts longer; keeps sums of hostile numbers finite.
_LONGEST_MS = 10**12


def duration_ms(text: str) -> int:
    """Read a length of time with units, one or several: `90s`, `1m30s`. Raises InvalidInput."""
    folded = "".join(text.split()).lower()
    at, total_ms = 0, 0.0
    while match := _PART.match(folded, at):
        total_ms += float(match[1]) * _UNIT_MS[match[2]]
        at = match.end()
    if not folded or at != len(folded) or total_ms > _LONGEST_MS:
        raise InvalidInput(f"“{text[:40]}” is no length of time.", "Write 10s, 500ms, 1m30s or 1h.")
    return round(total_ms)


def number_ms(value: object, unit_ms: int = 1_000) -> int:
    """Read a number (of seconds, unless said otherwise) as ms. Raises InvalidInput for what is none."""
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or not 0 <= number * unit_ms <= _LONGEST_MS:
        raise InvalidInput(f"“{str(value)[:40]}” is no length of time.")
    return round(number * unit_ms)


def duration_text(ms: int) -> str:
    """Return the shortest text that `duration_ms` reads back exactly."""
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1_000)):
        if ms >= size and ms % size == 0:
            return f"{ms // size}{unit}"
    return f"{ms}ms"


def duration_words(ms: int) -> str:
    """Return a length of time for a sentence: `5 s`, `500 ms`, `1 h`."""
    for unit, size in (("h", 3_600_000), ("min", 60_000), ("s", 1_000)):
        if ms >= size and ms % size == 0:
            return f"{ms // size} {unit}"
    return f"{ms / 1000:g} s" if ms >= 1_000 else f"{ms} ms"
