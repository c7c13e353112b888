"""Conditions of Gatus: what each asks of an answer, as far as Pingmon asks the same.

Either side may be the placeholder, its name in any case: https://github.com/TwiN/gatus#conditions.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.exchange.duration import duration_ms
from pingmon_gui.exchange.reading import cleaned_text
from pingmon_gui.exchange.wish import Ranges

_CONDITION = re.compile(r"(.+?) (==|!=|<=|>=|<|>) (.+)", re.DOTALL)
_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_COMPARED: dict[str, Callable[[int, int], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}
EVERY_STATUS = frozenset(range(100, 600))


@dataclass
class Conditions:
    """All conditions of an endpoint together. `notes` are sentences about those that are not checked."""

    statuses: frozenset[int] = EVERY_STATUS
    speaks_of_status: bool = False
    slow_ms: int | None = None
    keyword: str | None = None
    keyword_absent: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def status_set(self) -> Ranges:
        """The accepted statuses as ranges. Raises InvalidInput if there is none."""
        if not self.statuses:
            raise InvalidInput("Its conditions accept no status at all.")
        return _ranges(self.statuses)

    def _take(self, text: str) -> bool:
        """Take over one condition; return whether that could be done."""
        match = _CONDITION.fullmatch(text.strip())
        if match is None:
            return False
        subject, sign, wanted = match[1].strip(), match[2], match[3].strip()
        if not subject.startswith("[") and wanted.startswith("["):
            subject, sign, wanted = wanted, _TURNED.get(sign, sign), subject
        match subject.upper():
            case "[STATUS]":
                accepted = _statuses(sign, wanted)
                if accepted is None:
                    return False
                self.statuses &= accepted
                self.speaks_of_status = True
                return True
            case "[RESPONSE_TIME]" if sign in ("<", "<="):
                return self._take_time(wanted)
            case "[BODY]" if self.keyword is None and (keyword := _keyword(sign, wanted)):
                self.keyword, self.keyword_absent = keyword, sign == "!="
                return True
            case "[CONNECTED]":
                return (sign, wanted) in (("==", "true"), ("!=", "false"))
        return False

    def _take_time(self, wanted: str) -> bool:
        try:
            limit_ms = int(wanted[:9]) if wanted.isdigit() else duration_ms(wanted)
        except InvalidInput:
            return False
        self.slow_ms = limit_ms if self.slow_ms is None else min(limit_ms, self.slow_ms)
        self.notes.append(f"An answer that takes {limit_ms:,} ms is slow here, not offline.")
        return True


def read_conditions(conditions: Sequence[str]) -> Conditions:
    """Return what the conditions of an endpoint come to."""
    found = Conditions()
    for text in conditions:
        if not found._take(text):
            found.notes.append(f"The condition “{cleaned_text(text)[:80]}” is not checked.")
    if not found.speaks_of_status:
        found.notes.append("Every status is accepted, since no condition speaks of it.")
    return found


def _statuses(sign: str, wanted: str) -> frozenset[int] | None:
    """Return what a condition on the status accepts, None if it cannot be read."""
    if sign in _COMPARED:
        limit = _number(wanted)
        if limit is None:
            return None
        return frozenset(status for status in EVERY_STATUS if _COMPARED[sign](status, limit))
    named: frozenset[int]
    if pattern := re.fullmatch(r"pat\(([0-9*?]{1,20})\)", wanted):
        # Several stars in a row mean one, and take no longer.
        shape = re.sub(r"\*+", "*", pattern[1])
        named = frozenset(status for status in EVERY_STATUS if fnmatch.fnmatchcase(str(status), shape))
    else:
        either = re.fullmatch(r"any\((.*)\)", wanted)
        numbers = [_number(part) for part in (either[1].split(",") if either else [wanted])]
        if None in numbers:
            return None
        named = frozenset(number for number in numbers if number in EVERY_STATUS)
    return named if sign == "==" else EVERY_STATUS - named


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None


def _keyword(sign: str, wanted: str) -> str | None:
    """Return the text of `pat(*text*)`, None for any other pattern."""
    match = re.fullmatch(r"pat\(\*([^*?\[\]\\]+)\*\)", wanted)
    return match[1] if match and sign in ("==", "!=") else None


def _ranges(statuses: frozenset[int]) -> Ranges:
    ranges: list[tuple[int, int]] = []
    for status in sorted(statuses):
        if ranges and ranges[-1][1] == status - 1:
            ranges[-1] = (ranges[-1][0], status)
        else:
            ranges.append((status, status))
    return tuple(ranges)
