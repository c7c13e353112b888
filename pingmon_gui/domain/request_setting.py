"""Settings of a website's request and of what its answer has to hold: what may be typed, and its limits."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from pingmon_probe.protocol import (
    BODY_CAP_BYTES,
    MAX_BEARER_CHARACTERS,
    MAX_CONDITION_CHARACTERS,
    MAX_CONDITIONS,
    MAX_HEADERS,
    MAX_REQUEST_BODY_CHARACTERS,
    METHODS,
    METHODS_WITHOUT_BODY,
    ConditionError,
    HeaderError,
    header,
    read_header_condition,
    read_json_condition,
)

from pingmon_gui.domain.error import InvalidInput

Headers = tuple[tuple[str, str], ...]


def parse_headers(text: str) -> Headers:
    """Return the headers of a text with one a line, like `Accept-Language: de`. Raises InvalidInput."""
    return read_headers(line for line in text.splitlines() if line.strip())


def read_headers(lines: Any) -> Headers:
    """Return headers from lines. Raises InvalidInput."""
    found = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise InvalidInput(f"“{line.strip()[:60]}” is no header.", "Write one a line, like Accept-Language: de.")
        found.append(_header(name, value))
    if len(found) > MAX_HEADERS:
        raise InvalidInput(f"At most {MAX_HEADERS} headers can be sent.")
    return tuple(found)


def header_lines(headers: Headers) -> list[str]:
    """Return the lines that `read_headers` reads back."""
    return [f"{name}: {value}" for name, value in headers]


def parse_conditions(text: str, is_json: bool) -> tuple[str, ...]:
    """Return the conditions of a text with one a line, as they were typed. Raises InvalidInput."""
    lines = tuple(line.strip() for line in text.splitlines() if line.strip())
    require_conditions(lines if is_json else (), () if is_json else lines)
    return lines


def require_request(method: str, body: str | None, headers: Headers) -> None:
    """Raise InvalidInput unless this can be sent."""
    if method not in METHODS:
        raise InvalidInput(f"The method must be one of {', '.join(METHODS)}.")
    if body is not None:
        if not 0 < len(body) <= MAX_REQUEST_BODY_CHARACTERS:
            raise InvalidInput(f"The body of a request must have 1 to {MAX_REQUEST_BODY_CHARACTERS} characters.")
        if method in METHODS_WITHOUT_BODY:
            raise InvalidInput(f"A {method} request has no body.", "Choose POST, or leave the body empty.")
    if len(headers) > MAX_HEADERS:
        raise InvalidInput(f"At most {MAX_HEADERS} headers can be sent.")
    for name, value in headers:
        _header(name, value)


def require_sign_in(basic_auth: str | None, bearer: str | None) -> None:
    """Raise InvalidInput unless there is one way to sign in, or none."""
    if bearer is None:
        return
    if basic_auth is not None:
        raise InvalidInput("A user name and a token do not go together.", "Leave one of them empty.")
    if not re.fullmatch("[!-~]+", bearer) or len(bearer) > MAX_BEARER_CHARACTERS:
        raise InvalidInput("The token is empty, too long, or holds blanks or letters beyond ASCII.")


def require_conditions(json_conditions: Sequence[str], header_conditions: Sequence[str]) -> None:
    """Raise InvalidInput for a condition that cannot be read, or for too many."""
    readers: tuple[tuple[Sequence[str], Callable[[str], Any]], ...] = (
        (json_conditions, read_json_condition),
        (header_conditions, read_header_condition),
    )
    for texts, read in readers:
        if len(texts) > MAX_CONDITIONS:
            raise InvalidInput(f"At most {MAX_CONDITIONS} conditions of a kind are possible.")
        for text in texts:
            if not 0 < len(text) <= MAX_CONDITION_CHARACTERS:
                raise InvalidInput(f"A condition must have 1 to {MAX_CONDITION_CHARACTERS} characters.")
            try:
                read(text)
            except ConditionError as exc:
                raise InvalidInput(str(exc)) from exc


def require_size(min_bytes: int, max_bytes: int | None) -> None:
    """Raise InvalidInput unless an answer can have these bounds: a probe reads no more than a megabyte."""
    if not 0 <= min_bytes <= BODY_CAP_BYTES:
        raise InvalidInput(f"The least size of an answer must be from 0 to {BODY_CAP_BYTES:,} bytes.")
    if max_bytes is not None and not min_bytes <= max_bytes < BODY_CAP_BYTES:
        raise InvalidInput(
            f"The largest size of an answer must be from its least to {BODY_CAP_BYTES - 1:,} bytes.",
            "A probe reads no more than a megabyte.",
        )


def require_pattern(pattern: str | None) -> None:
    """Raise InvalidInput unless this is a regular expression."""
    if pattern is None:
        raise InvalidInput("There is no pattern to search for.", "Type it as the keyword.")
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as exc:
        raise InvalidInput(f"The pattern cannot be read: {exc}.", "It is a regular expression of Python.") from exc


def _header(name: str, value: str) -> tuple[str, str]:
    try:
        return header(name, value)
    except HeaderError as exc:
        raise InvalidInput(str(exc)) from exc
