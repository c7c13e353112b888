"""What a URL asks for: where to connect, what to name the host, which path to send; and where a redirect leads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, urldefrag, urljoin, urlsplit

from .protocol import MAX_URL_CHARACTERS

DEFAULT_PORTS = {"http": 80, "https": 443}
_UNSAFE = re.compile(r"[\x00-\x20\x7f]")


class TargetError(ValueError):
    """A URL that cannot be measured. The message continues "redirects to an address that ..."."""


@dataclass(frozen=True)
class Target:
    """One URL taken apart. `host` is without brackets; `path` holds the query; `url` has no fragment."""

    url: str
    scheme: str
    host: str
    port: int
    host_header: str
    path: str

    @property
    def is_tls(self) -> bool:
        return self.scheme == "https"

    @property
    def place(self) -> str:
        """`host:port` for sentences."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def is_same_origin(self, other: Target) -> bool:
        return (self.scheme, self.host, self.port) == (other.scheme, other.host, other.port)


@lru_cache(maxsize=2048)
def parse_target(url: str) -> Target:
    """Take an http or https URL apart. Raises TargetError."""
    if len(url) > MAX_URL_CHARACTERS:
        raise TargetError("is too long")
    if _UNSAFE.search(url):
        raise TargetError("holds spaces or control characters")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").replace("%25", "%")
    except ValueError as exc:
        raise TargetError("cannot be read") from exc
    scheme = parts.scheme.lower()
    if scheme not in DEFAULT_PORTS:
        raise TargetError(f"is not http or https but {scheme[:20] or 'nothing'}")
    if not host or port == 0:
        raise TargetError("names no host or an impossible port")
    host = _to_ascii(host)
    shown = f"[{host}]" if ":" in host else host
    default = DEFAULT_PORTS[scheme]
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._[]|^`{}\"<>\\")
    if parts.query:
        path += "?" + quote(parts.query, safe="/%?:@!$&'()*+,;=~-._[]|^`{}\"<>\\")
    return Target(
        url=urldefrag(url)[0],
        scheme=scheme,
        host=host,
        port=port or default,
        host_header=shown if port in (None, default) else f"{shown}:{port}",
        path=path,
    )


def redirect_target(base: Target, location: str) -> Target:
    """Return where a Location header leads; it may be relative. A user name in it is dropped. Raises TargetError."""
    try:
        joined = urljoin(base.url, location.strip())
        parts = urlsplit(joined)
        if "@" in parts.netloc:
            joined = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    except ValueError as exc:
        raise TargetError("cannot be read") from exc
    return parse_target(joined)


def _to_ascii(host: str) -> str:
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError as exc:
        raise TargetError("names a host that cannot be read") from exc
