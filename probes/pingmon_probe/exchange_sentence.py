"""Sentences about what a server said on a connection, and what it should have said."""

from __future__ import annotations

from typing import Optional, Tuple

from .sentence import shown
from .target import Endpoint

#: How much of what was said, and of what was expected, stands in a sentence.
_QUOTED_CHARACTERS = 60


def readable(data: bytes, limit: int) -> str:
    """Return bytes as text of at most `limit` characters: line ends as blanks, what is no text as a sign for that."""
    text = data.decode("utf-8", "replace").replace("\r\n", " ").replace("\n", " ").replace("\t", " ").strip()
    return shown(text, limit)


def not_said(target: Endpoint, expect: Optional[str], heard: bytes, time: str) -> str:
    """Say that the answer did not come in time, or not the one that was expected."""
    if not heard:
        return f"{target.place} took the connection but said nothing within {time}."
    return f"{target.place} did not say {_expected(expect)} within {time}; it said {_quoted(heard)}."


def closed_first(target: Endpoint, expect: Optional[str], heard: bytes) -> Tuple[str, str]:
    """Return (failure class, sentence) for a server that ended the connection before it said what was expected."""
    if not heard:
        return "protocol", f"{target.place} closed the connection without saying anything; look at the server's log."
    return "content", f"{target.place} did not say {_expected(expect)} but {_quoted(heard)}, and closed the connection."


def too_much(target: Endpoint, expect: Optional[str], limit_bytes: int) -> str:
    return f"{target.place} did not say {_expected(expect)} in the first {limit_bytes // 1024} KB of its answer."


def _expected(expect: Optional[str]) -> str:
    return f"“{shown(expect, _QUOTED_CHARACTERS)}”" if expect else "anything"


def _quoted(heard: bytes) -> str:
    return f"“{readable(heard[: _QUOTED_CHARACTERS * 4], _QUOTED_CHARACTERS)}”"
