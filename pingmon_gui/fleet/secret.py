"""Secrets of the fleet, in a type that never shows them."""

from __future__ import annotations

import secrets


class Token:
    """A bearer token. `repr`, `str` and tracebacks hide it; `reveal` gives it to the wire."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def fresh(cls) -> Token:
        """Return a random one: 256 bits from the system."""
        return cls(secrets.token_urlsafe(32))

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Token(hidden)"
