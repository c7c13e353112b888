"""Headers and methods of a request as people may set them, and which headers another origin must not see. No I/O."""

from __future__ import annotations

import re
from typing import Tuple

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
#: Those that carry no body of ours.
METHODS_WITHOUT_BODY = frozenset(("GET", "HEAD"))
MAX_HEADERS = 20
MAX_HEADER_CHARACTERS = 4_000

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
#: They frame the message, or name where it goes: the probe writes them itself (RFC 9112).
_OUR_OWN = frozenset(
    ("host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect")
)
#: They say nothing about whoever asks. All others may be secrets: no other origin, log or file for others gets them.
_HARMLESS = frozenset(
    ("accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "content-language",
     "content-type", "pragma", "user-agent")
)  # fmt: skip


class HeaderError(ValueError):
    """A header that cannot be sent. The message is a sentence."""


def header(name: str, value: str) -> Tuple[str, str]:
    """Return a header as it is sent. Raises HeaderError."""
    name, value = name.strip(), value.strip(" \t")
    if not _NAME.fullmatch(name):
        raise HeaderError(f"“{name[:60]}” is no name of a header; write one line like Accept-Language: de.")
    if name.lower() in _OUR_OWN:
        raise HeaderError(f"The header {name} is the probe's own to write.")
    if len(value) > MAX_HEADER_CHARACTERS:
        raise HeaderError(f"The header {name} is longer than {MAX_HEADER_CHARACTERS} characters.")
    if _CONTROL.search(value):
        raise HeaderError(f"The header {name} holds control characters.")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise HeaderError(f"The header {name} holds half a letter.") from exc
    return name, value


def is_harmless(name: str) -> bool:
    """Whether a header may go to another origin, and into a file for others."""
    return name.lower() in _HARMLESS
