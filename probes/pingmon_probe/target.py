"""What a URL asks for: where to connect, what to name the host, which path to send; and where a redirect leads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Optional
from urllib.parse import quote, urldefrag, urljoin, urlsplit

from .protocol import MAX_URL_CHARACTERS, KindAddress, in_brackets

DEFAULT_PORTS = {"http": 80, "https": 443}
_UNSAFE = re.compile(r"[\x00-\x20\x7f]")


class TargetError(ValueError):
    """A URL that cannot be measured. The message continues "redirects to an address that ..."."""


@dataclass(frozen=True)
class Endpoint:
    """Where to connect, and how TLS begins there. `host` is without brackets; port 0 is no port."""

    host: str
    port: int
    is_tls: bool
    starttls: Optional[str]

    @property
    def speaks_http(self) -> bool:
        """Whether TLS tells the server that HTTP follows (ALPN); others may refuse to hear that."""
        return False

    @property
    def secure_protocol(self) -> str:
        """What is spoken after the handshake, in one word for sentences."""
        return "https" if self.speaks_http else "TLS"

    @property
    def place(self) -> str:
        """`host:port` for sentences, the host alone where there is no port."""
        host = in_brackets(self.host)
        return f"{host}:{self.port}" if self.port else host


@dataclass(frozen=True)
class Target(Endpoint):
    """One URL of a web page taken apart. `path` holds the query; `url` has no fragment."""

    url: str
    scheme: str
    host_header: str
    path: str

    @property
    def speaks_http(self) -> bool:
        return True

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
    shown = in_brackets(host)
    default = DEFAULT_PORTS[scheme]
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._[]|^`{}\"<>\\")
    if parts.query:
        path += "?" + quote(parts.query, safe="/%?:@!$&'()*+,;=~-._[]|^`{}\"<>\\")
    return Target(
        host=host,
        port=port or default,
        is_tls=scheme == "https",
        starttls=None,
        url=urldefrag(url)[0],
        scheme=scheme,
        host_header=shown if port in (None, default) else f"{shown}:{port}",
        path=path,
    )


def endpoint_of(address: KindAddress) -> Endpoint:
    """Return where a check of another kind connects to."""
    return Endpoint(address.host, address.port, address.is_tls, address.starttls)


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
