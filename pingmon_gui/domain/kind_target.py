"""Addresses of the kinds besides websites: what people type for a port, a certificate, a DNS record or a ping.

The normal form is the protocol's (`KindAddress.url`); here is what is taken besides it.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from pingmon_probe.protocol import KIND_OF_SCHEME, AddressError, in_brackets, read_address, read_server, server_text

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.host_name import ascii_host

#: The schemes that are read here. `ping` is what people call `icmp`.
SCHEMES = frozenset(scheme for scheme, kind in KIND_OF_SCHEME.items() if kind != "http") | {"ping"}

_HINTS = {
    "tcp": "Type one like tcp://example.com:22.",
    "tls": "Type one like tls://example.com, or tls://mail.example.com?starttls=smtp.",
    "dns": "Type one like dns://example.com?type=MX, or dns://example.com?type=A&server=9.9.9.9.",
    "icmp": "Type one like icmp://example.com.",
}


@dataclass(frozen=True)
class Like:
    """What an address without a scheme is: its kind, and what the kind has to know besides host and port."""

    kind: str = "http"
    is_tls: bool = False
    starttls: str | None = None
    record_type: str = "A"
    server: str = ""


WEBSITE = Like()


def read(scheme: str, rest: str) -> str:
    """Return the normal form of `scheme://rest`. Raises InvalidInput with a sentence."""
    kind = "icmp" if scheme == "ping" else scheme
    try:
        parts = urlsplit(f"{kind}://{rest}")
        port = parts.port
    except ValueError as exc:
        raise InvalidInput("The port or the host of the address cannot be read.", "A port is 1 to 65535.") from exc
    host, path = parts.hostname or "", parts.path.strip("/")
    parameters = [part for part in parts.query.replace(";", "&").split("&") if part]
    if kind == "dns":
        # RFC 4501 has them in capitals, a class, and the server where others have the host: dns://SERVER/NAME.
        parameters = [_parameter(part) for part in parameters if part.lower() != "class=in"]
        if path:
            parameters.append(f"server={_place(host, port)}")
            host, port, path = path, None, ""
    if path or parts.fragment or parts.username is not None:
        raise InvalidInput(f"An address of the kind {kind}:// ends behind its host and port.", _HINTS[kind])
    url = f"{kind}://{_place(_ascii(kind, host), port)}" + (f"?{'&'.join(parameters)}" if parameters else "")
    try:
        return read_address(url).url
    except AddressError as exc:
        raise InvalidInput(f"The address {exc}.", _HINTS[kind]) from exc


def read_like(text: str, like: Like) -> str:
    """Return the normal form of what was typed without a scheme. Raises InvalidInput with a sentence."""
    if "?" in text:
        return read(like.kind, text)  # it says itself what there is to say
    parameters = []
    if like.kind == "tcp" and like.is_tls:
        parameters.append("tls=yes")
    if like.kind == "tls" and like.starttls:
        parameters.append(f"starttls={like.starttls}")
    if like.kind == "dns":
        parameters.append(f"type={like.record_type}")
        if like.server.strip():
            parameters.append(f"server={server_normal(like.server)}")
    return read(like.kind, f"{text}?{'&'.join(parameters)}" if parameters else text)


def _parameter(text: str) -> str:
    name, equals, value = text.partition("=")
    name = name.lower()
    return f"{name}={server_normal(unquote(value))}" if name == "server" else f"{name}{equals}{value}"


def server_normal(text: str) -> str:
    """Return a name server as it stands in an address. Raises InvalidInput with a sentence."""
    shown = text.strip()[:60]
    try:
        parts = urlsplit(f"//{in_brackets(shown) if shown.count(':') > 1 and '[' not in shown else shown}")
        return server_text(*read_server(_place(ascii_host(parts.hostname or ""), parts.port)))
    except (AddressError, ValueError, InvalidInput) as exc:
        raise InvalidInput(f"“{shown}” is no name server.", "Type one like 9.9.9.9 or ns1.example.com:53.") from exc


def like_of(url: str) -> Like:
    """Return what an address says besides host and port, for the fields of a form."""
    kind = KIND_OF_SCHEME.get(urlsplit(url).scheme, "http")
    if kind == "http":
        return WEBSITE
    address = read_address(url)
    server = "" if address.server is None else server_text(*address.server)
    return Like(kind, address.is_tls and kind == "tcp", address.starttls, address.record_type or "A", server)


def place_of(url: str) -> str:
    """Return host and port of an address, as a form shows them beside the kind's own fields."""
    return urlsplit(url).netloc


def _ascii(kind: str, host: str) -> str:
    """Return a host in IDNA form; names that are asked for may hold more than names of hosts."""
    if kind == "dns" and (host == "." or (host.isascii() and not host.replace(".", "").isdigit() and ":" not in host)):
        return host if host == "." else host.rstrip(".").lower()
    if not host:
        raise InvalidInput("The address has no host.", _HINTS[kind])
    return ascii_host(host)


def _place(host: str, port: int | None) -> str:
    return in_brackets(host) if port is None else f"{in_brackets(host)}:{port}"
