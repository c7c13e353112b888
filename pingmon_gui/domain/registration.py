"""Registrations of domains' names: which name is registered, and what its registry said of the end of that.

A registry is asked about a name at most once a day, however often Pingmon is started (`engine.registration_watch`).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any
from urllib.parse import urlsplit

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
ASK_EVERY_MS = DAY_MS
#: Longer than this no registry is left alone, whatever it asks for.
MOST_PAUSE_MS = 7 * DAY_MS
#: Names that nobody registers (RFC 6761, 6762, 7686, 8375, 9476; .internal by ICANN's board, 2024).
_NOT_REGISTERED = ("alt", "arpa", "example", "internal", "invalid", "local", "localhost", "onion", "test")


# More than anybody watches: all of them are gone through whenever one changes, and a smaller cache would never hit.
@functools.lru_cache(maxsize=32_768)
def registered_name(url: str) -> str | None:
    """Return the name in a URL that a registry registered: of `https://a.shop.example.co.uk/` it is `example.co.uk`.

    None for addresses, single labels, names of special use, and suffixes that the public list does not know.
    `cause.registrable_domain` looks at the list's private part, too: the name registered of `me.github.io` is
    `github.io`. The first call reads the list and takes about 40 ms.
    """
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    labels = host.split(".")
    if len(labels) < 2 or labels[-1] in _NOT_REGISTERED or labels[-1].isdigit():
        return None
    name = _suffixes().privatesuffix(host)
    is_sound = name is not None and all(
        label.isascii() and label.replace("-", "").isalnum() and len(label) < 64 for label in name.split(".")
    )
    return str(name) if is_sound else None


@functools.cache
def _suffixes() -> Any:
    # Imported when needed: most people never have a registry asked.
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(only_icann=True, accept_unknown=False)


@dataclass(frozen=True)
class RegistryAnswer:
    """What a registry said of a name; `problem` is the sentence why no end is known, "" where one is.

    `source` is the URL that said so, `server` the host to leave alone if it ever wants that; "" where nobody was asked.
    """

    expires_at_ms: int | None = None
    registrar: str = ""
    source: str = ""
    server: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Registration:
    """What is known of a name. `asked_at_ms` is when a registry was last asked about it, 0 if never.

    `expires_at_ms`, `registrar` and `source` are what was said at `answered_at_ms`; `problem` is the sentence why
    nothing was said, or nothing newer.
    """

    name: str
    asked_at_ms: int = 0
    answered_at_ms: int = 0
    expires_at_ms: int | None = None
    registrar: str = ""
    source: str = ""
    server: str = ""
    problem: str = ""

    @property
    def registry(self) -> str:
        """Return the host that said so, as people are shown it."""
        return urlsplit(self.source).hostname or ""

    def is_due(self, now_ms: int) -> bool:
        """Whether it may be asked about again; a clock that was set back keeps nothing from being asked for ever."""
        return abs(now_ms - self.asked_at_ms) >= ASK_EVERY_MS

    def answered(self, answer: RegistryAnswer, now_ms: int) -> Registration:
        """Return what is known after an answer. One without an end takes nothing away from what was known."""
        if answer.expires_at_ms is None:
            return replace(self, asked_at_ms=now_ms, server=answer.server, problem=answer.problem)
        return Registration(
            self.name, now_ms, now_ms, answer.expires_at_ms, answer.registrar, answer.source, answer.server
        )

    def to_json(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Registration:
        """Read what `to_json` wrote. Raises TypeError, ValueError."""
        read = cls(**document)
        numbers = (read.asked_at_ms, read.answered_at_ms, read.expires_at_ms or 0)
        texts = (read.name, read.registrar, read.source, read.server, read.problem)
        if not all(isinstance(one, int) for one in numbers) or not all(isinstance(one, str) for one in texts):
            raise TypeError("a registration has fields of another type")
        return read


@dataclass(frozen=True)
class RegistryPause:
    """A registry is left alone until a time; `count` is how often in a row it did not answer."""

    until_ms: int
    count: int

    def is_on(self, now_ms: int) -> bool:
        return now_ms < self.until_ms <= now_ms + MOST_PAUSE_MS

    @classmethod
    def after(cls, before: RegistryPause | None, now_ms: int, asked_for_ms: int) -> RegistryPause:
        """Return the pause after one more failure: an hour, doubled each time up to a day, or what was asked for."""
        count = 1 if before is None else before.count + 1
        own_ms = min(HOUR_MS << min(count - 1, 8), DAY_MS)
        return cls(now_ms + min(max(own_ms, asked_for_ms), MOST_PAUSE_MS), count)


@dataclass(frozen=True)
class RegistrationMemory:
    """What is kept: registrations by their name, pauses by the registry's host ("" is the list of registries)."""

    registrations: Mapping[str, Registration] = field(default_factory=dict)
    pauses: Mapping[str, RegistryPause] = field(default_factory=dict)
