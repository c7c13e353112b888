"""Bytes as a person types them: text in which a backslash stands for what cannot be typed."""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.|$)", re.DOTALL)
_LETTERS = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}


class EscapeError(ValueError):
    """A backslash that stands for nothing. The message continues "the text ..."."""


def unescaped(text: str) -> bytes:
    r"""Return the bytes that a text stands for: UTF-8, with \r \n \t \0 \\ and \xHH. Raises EscapeError."""
    parts = []
    end = 0
    for match in _ESCAPE.finditer(text):
        parts.append(_encoded(text[end : match.start()]))
        end = match.end()
        code = match.group(1)
        if len(code) == 3:
            parts.append(bytes((int(code[1:], 16),)))
        elif code in _LETTERS:
            parts.append(_LETTERS[code].encode("ascii"))
        else:
            raise EscapeError(r"holds a backslash that is followed by none of r, n, t, 0, \ and x with two digits")
    parts.append(_encoded(text[end:]))
    return b"".join(parts)


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise EscapeError("holds half a letter") from exc
