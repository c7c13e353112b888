"""The kinds of check: their schemes, what an address of each may say, and which settings only some of them have.

Both sides of the wire read addresses here, so that what the app takes a probe takes as well. No I/O.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Dict, FrozenSet, Optional, Tuple
from urllib.parse import parse_qsl, quote, urlsplit

KIND_OF_SCHEME = {"http": "http", "https": "http", "tcp": "tcp", "tls": "tls", "dns": "dns", "icmp": "icmp"}
KINDS = ("http", "tcp", "tls", "dns", "icmp")

#: Fields of a check that not every kind has, with those that have them.
KINDS_OF_FIELD: Dict[str, FrozenSet[str]] = {
    "status_set": frozenset(("http",)),
    "keyword": frozenset(("http",)),
    "keyword_absent": frozenset(("http",)),
    "basic_auth": frozenset(("http",)),
    "method": frozenset(("http",)),
    "body": frozenset(("http",)),
    "headers": frozenset(("http",)),
    "bearer": frozenset(("http",)),
    "no_redirects": frozenset(("http",)),
    "keyword_is_pattern": frozenset(("http",)),
    "json_conditions": frozenset(("http",)),
    "header_conditions": frozenset(("http",)),
    "min_bytes": frozenset(("http",)),
    "max_bytes": frozenset(("http",)),
    "ignore_certificate": frozenset(("http", "tcp", "tls")),
    "send": frozenset(("tcp",)),
    "expect": frozenset(("tcp",)),
    "dns_match": frozenset(("dns",)),
    "dns_answers": frozenset(("dns",)),
    "echo_count": frozenset(("icmp",)),
    "max_loss_percent": frozenset(("icmp",)),
}

TLS_PORT = 443
DNS_PORT = 53
#: Protocols in which TLS begins in the middle of the talk, with their usual ports.
STARTTLS_PORTS = {"smtp": 25, "imap": 143, "pop3": 110, "ftp": 21, "ldap": 389, "postgres": 5432}
#: Record types that can be asked for, with their numbers (IANA, DNS parameters).
RECORD_TYPES = {
    "A": 1,
    "AAAA": 28,
    "CAA": 257,
    "CNAME": 5,
    "MX": 15,
    "NS": 2,
    "PTR": 12,
    "SOA": 6,
    "SRV": 33,
    "TXT": 16,
}  # fmt: skip

#: Which parameters an address of a kind may have behind its question mark.
_PARAMETERS = {"tcp": ("tls",), "tls": ("starttls",), "dns": ("type", "server"), "icmp": ()}
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
#: A name that is asked for may hold a star, and be the root.
_DNS_NAME = re.compile(r"\.|(?:[a-z0-9_*-]{1,63})(?:\.[a-z0-9_*-]{1,63})*")
_MAX_NAME = 253


class AddressError(ValueError):
    """An address that cannot be measured. The message continues "the address ..."."""


@dataclass(frozen=True)
class KindAddress:
    """An address of any kind but http, taken apart; `url` puts it together again, in the one normal form.

    `host` is without brackets and in lower case: what is measured, for dns the name (or, for PTR, the numeric address)
    that is asked about. `port` is 0 for kinds that have none. `server` is the name server to ask, None for that of
    the probe's host.
    """

    kind: str
    host: str
    port: int = 0
    is_tls: bool = False
    starttls: Optional[str] = None
    record_type: str = ""
    server: Optional[Tuple[str, int]] = None

    @property
    def url(self) -> str:
        place = in_brackets(self.host)
        if self.kind == "tcp":
            return f"tcp://{place}:{self.port}" + ("?tls=yes" if self.is_tls else "")
        if self.kind == "tls":
            default = default_tls_port(self.starttls)
            port = "" if self.port == default else f":{self.port}"
            return f"tls://{place}{port}" + (f"?starttls={self.starttls}" if self.starttls else "")
        if self.kind == "dns":
            server = "" if self.server is None else f"&server={server_text(*self.server)}"
            return f"dns://{place}?type={self.record_type}{server}"
        return f"{self.kind}://{place}"


def kind_of(url: str) -> str:
    """Return the kind of an address by its scheme; http for what has none that is known."""
    return KIND_OF_SCHEME.get(url.partition(":")[0].lower(), "http")


def default_tls_port(starttls: Optional[str]) -> int:
    return TLS_PORT if starttls is None else STARTTLS_PORTS[starttls]


def in_brackets(host: str) -> str:
    """Return a host as it stands in an address: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def server_text(host: str, port: int) -> str:
    """Return a name server as it stands in an address."""
    return in_brackets(host) if port == DNS_PORT else f"{in_brackets(host)}:{port}"


@lru_cache(maxsize=4096)
def read_address(url: str) -> KindAddress:
    """Take an address of any kind but http apart. Raises AddressError."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").lower()
    except ValueError as exc:
        raise AddressError("has a port or a host that cannot be read") from exc
    kind = KIND_OF_SCHEME.get(parts.scheme)
    if kind is None or kind == "http":
        raise AddressError(f"begins with {parts.scheme[:20]}:, which is none of {', '.join(sorted(_PARAMETERS))}")
    if parts.username is not None or parts.password is not None:
        raise AddressError("holds a user name or password")
    if parts.path or parts.fragment:
        raise AddressError(f"holds more than {_WHAT_IT_HOLDS[kind]}")
    if port == 0:
        raise AddressError("has the port 0; a port is 1 to 65535")
    given = _parameters(parts.query, kind)
    if kind == "dns":
        return _dns_address(host, port, given)
    _require_host(host, "a host")
    if kind == "tcp":
        if port is None:
            raise AddressError(f"needs a port, as in tcp://{in_brackets(host)}:22")
        if given.get("tls", "no") not in ("yes", "no"):
            raise AddressError("says tls= with another word than yes or no")
        return KindAddress("tcp", host, port, is_tls=given.get("tls") == "yes")
    if kind == "tls":
        starttls = given.get("starttls")
        if starttls is not None and starttls not in STARTTLS_PORTS:
            raise AddressError(f"says starttls= with another word than {', '.join(STARTTLS_PORTS)}")
        return KindAddress("tls", host, port or default_tls_port(starttls), is_tls=True, starttls=starttls)
    if port is not None:
        raise AddressError("has a port, but an echo goes to a host, not to a port")
    return KindAddress("icmp", host)


_WHAT_IT_HOLDS = {
    "tcp": "a host, a port and tls=yes",
    "tls": "a host, a port and starttls=",
    "dns": "a name, type= and server=",
    "icmp": "a host",
}


def _dns_address(host: str, port: Optional[int], given: Dict[str, str]) -> KindAddress:
    if port is not None:
        raise AddressError("has a port behind the name; write the name server as server=HOST:PORT")
    record_type = given.get("type", "A").upper()
    if record_type not in RECORD_TYPES:
        raise AddressError(f"asks for another type than {', '.join(RECORD_TYPES)}")
    if _is_numeric(host):
        if record_type != "PTR":
            raise AddressError("asks about a numeric address; only type=PTR can do that")
    elif len(host) > _MAX_NAME or not _DNS_NAME.fullmatch(host):
        raise AddressError("holds no name that can be asked for")
    server = given.get("server")
    return KindAddress("dns", host, record_type=record_type, server=None if server is None else read_server(server))


def read_server(text: str) -> Tuple[str, int]:
    """Return (host, port) of a name server: a name or numeric address, a port may follow. Raises AddressError."""
    text = text.strip().lower()
    if ":" in text and _is_numeric(text):  # IPv6 without brackets
        return text, DNS_PORT
    try:
        parts = urlsplit(f"//{text}")
        port, host = parts.port, parts.hostname or ""
    except ValueError as exc:
        raise AddressError("names a name server that cannot be read") from exc
    if port == 0 or parts.path or parts.query or parts.fragment or parts.username is not None:
        raise AddressError("names a name server that cannot be read")
    _require_host(host, "a name server")
    return host, port or DNS_PORT


def _require_host(host: str, what: str) -> None:
    if not host:
        raise AddressError(f"names no host where {what} belongs")
    if _is_numeric(host):
        return
    if len(host) > _MAX_NAME or not _HOST.fullmatch(host) or host.rpartition(".")[2].isdigit():
        raise AddressError(f"names {what} that cannot exist")


def _parameters(query: str, kind: str) -> Dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=10)
    except ValueError as exc:
        raise AddressError("has parameters that cannot be read") from exc
    given: Dict[str, str] = {}
    for name, value in pairs:
        if name not in _PARAMETERS[kind]:
            known = " and ".join(f"{known}=" for known in _PARAMETERS[kind]) or "none"
            raise AddressError(f"has the parameter {quote(name[:20])}=; known is {known}")
        if name in given:
            raise AddressError(f"says {name}= twice")
        given[name] = value
    return given


def _is_numeric(host: str) -> bool:
    if "%" in host:
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
