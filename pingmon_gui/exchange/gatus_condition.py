"""Conditions of Gatus: what each asks of an answer, as far as Pingmon asks the same.

Either side may be the placeholder, its name in any case: https://github.com/TwiN/gatus#conditions.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.exchange import json_wish
from pingmon_gui.exchange.duration import duration_ms
from pingmon_gui.exchange.reading import cleaned_text
from pingmon_gui.exchange.wish import Ranges, ranges_of

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
    """All conditions of an endpoint of a kind together. `notes` are sentences about those that are not checked."""

    kind: str = "http"
    statuses: frozenset[int] = EVERY_STATUS
    speaks_of_status: bool = False
    slow_ms: int | None = None
    keyword: str | None = None
    keyword_absent: bool = False
    json: list[str] = field(default_factory=list)
    expect: str | None = None
    dns_answer: str | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def status_set(self) -> Ranges:
        """The accepted statuses as ranges. Raises InvalidInput if there is none."""
        if not self.statuses:
            raise InvalidInput("Its conditions accept no status at all.")
        return ranges_of(self.statuses)

    def _take(self, text: str) -> bool:
        """Take over one condition; return whether that could be done."""
        match = _CONDITION.fullmatch(text.strip())
        if match is None:
            return False
        subject, sign, wanted = match[1].strip(), match[2], match[3].strip()
        if not subject.startswith("[") and wanted.startswith("["):
            subject, sign, wanted = wanted, _TURNED.get(sign, sign), subject
        match subject.upper():
            case "[STATUS]" if self.kind == "http":
                accepted = _statuses(sign, wanted)
                if accepted is None:
                    return False
                self.statuses &= accepted
                self.speaks_of_status = True
                return True
            case "[RESPONSE_TIME]" if sign in ("<", "<="):
                return self._take_time(wanted)
            case "[BODY]":
                return self._take_body(sign, wanted)
            case "[DNS_RCODE]" if self.kind == "dns":
                return (sign, wanted) == ("==", "NOERROR")
            case "[CONNECTED]":
                return (sign, wanted) in (("==", "true"), ("!=", "false"))
        return self.kind == "http" and self._take_json(subject, sign, wanted)

    def _take_body(self, sign: str, wanted: str) -> bool:
        """Take over what the whole body has to be: a page's keyword, a port's greeting, a record."""
        keyword = _keyword(sign, wanted)
        is_plain = sign == "==" and not re.match(r"(?:pat|any|len|has)\(", wanted)
        if self.kind == "http" and keyword and self.keyword is None:
            self.keyword, self.keyword_absent = keyword, sign == "!="
        elif self.kind == "tcp" and sign == "==" and self.expect is None and (keyword or is_plain):
            self.expect = keyword or wanted
        elif self.kind == "dns" and is_plain and self.dns_answer is None:
            self.dns_answer = wanted
        else:
            return False
        return True

    def _take_json(self, subject: str, sign: str, wanted: str) -> bool:
        """Take over a condition on one value of the JSON, or on its being there."""
        is_there = re.fullmatch(r"has\((.+)\)", subject)
        path = re.fullmatch(r"\[BODY\]((?:\.|\[).+)", is_there[1] if is_there else subject, re.IGNORECASE)
        if path is None or re.match(r"(?:pat|any|len|has)\(|\[", wanted):
            return False
        if is_there:
            found = json_wish.condition(path[1], "", "") if (sign, wanted) == ("==", "true") else None
        else:
            found = json_wish.condition(path[1], sign, wanted)
        if found is None:
            return False
        self.json.append(found)
        return True

    def _take_time(self, wanted: str) -> bool:
        try:
            limit_ms = int(wanted[:9]) if wanted.isdigit() else duration_ms(wanted)
        except InvalidInput:
            return False
        self.slow_ms = limit_ms if self.slow_ms is None else min(limit_ms, self.slow_ms)
        self.notes.append(f"An answer that takes {limit_ms:,} ms is slow here, not offline.")
        return True


def read_conditions(conditions: Sequence[str], kind: str = "http") -> Conditions:
    """Return what the conditions of an endpoint of a kind come to."""
    found = Conditions(kind)
    for text in conditions:
        if not found._take(text):
            found.notes.append(f"The condition “{cleaned_text(text)[:80]}” is not checked.")
    if kind == "http" and not found.speaks_of_status:
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
