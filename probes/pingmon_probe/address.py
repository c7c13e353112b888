"""Which addresses a probe refuses to connect to, so that it cannot be used to look into its own network.

Judged on the address that is about to be connected to, after resolution and on every hop, so neither a
name that changes its mind nor a redirect gets round it. Networks are listed here, not taken from
`ipaddress`, whose idea of private differs between Python releases. Source: the IANA special-purpose
address registries (IPv4 and IPv6), 2025-10.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import List, Optional, Tuple

_V4_TEXTS: Tuple[Tuple[str, str], ...] = (
    ("0.0.0.0/8", "an unspecified address"),
    ("10.0.0.0/8", "a private address"),
    ("100.64.0.0/10", "a carrier's shared address"),
    ("127.0.0.0/8", "a loopback address"),
    ("168.63.129.16/32", "a cloud's metadata address"),
    ("169.254.169.254/32", "a cloud's metadata address"),
    ("169.254.0.0/16", "a link-local address"),
    ("172.16.0.0/12", "a private address"),
    ("192.0.0.0/24", "a reserved address"),
    ("192.0.2.0/24", "a documentation address"),
    ("192.88.99.0/24", "a reserved address"),
    ("192.168.0.0/16", "a private address"),
    ("198.18.0.0/15", "a benchmarking address"),
    ("198.51.100.0/24", "a documentation address"),
    ("203.0.113.0/24", "a documentation address"),
    ("224.0.0.0/4", "a multicast address"),
    ("240.0.0.0/4", "a reserved address"),
)
_V6_TEXTS: Tuple[Tuple[str, str], ...] = (
    ("::/128", "an unspecified address"),
    ("::1/128", "a loopback address"),
    ("64:ff9b:1::/48", "a private address"),
    ("fc00::/7", "a private address"),
    ("fe80::/10", "a link-local address"),
    ("fec0::/10", "a private address"),
    ("ff00::/8", "a multicast address"),
    ("2001::/32", "a tunnel address"),
    ("2001::/23", "a reserved address"),
    ("2001:db8::/32", "a documentation address"),
    ("3fff::/20", "a documentation address"),
)
_V4: List[Tuple[ipaddress.IPv4Network, str]] = [(ipaddress.IPv4Network(net), why) for net, why in _V4_TEXTS]
_V6: List[Tuple[ipaddress.IPv6Network, str]] = [(ipaddress.IPv6Network(net), why) for net, why in _V6_TEXTS]
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_TRANSLATED = ipaddress.IPv6Network("::ffff:0:0:0/96")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
#: Interface identifiers of ISATAP (RFC 5214): the IPv4 address is in the last 32 bits.
_ISATAP = (0x00005EFE, 0x02005EFE)


@lru_cache(maxsize=2048)
def refusal(address: str) -> Optional[str]:
    """Return why a numeric address is refused ("a private address"), or None if it is a public one."""
    try:
        parsed = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return "not an address"
    if isinstance(parsed, ipaddress.IPv4Address):
        return _refusal_v4(parsed)
    return _refusal_v6(parsed)


def _refusal_v4(address: ipaddress.IPv4Address) -> Optional[str]:
    for network, why in _V4:
        if address in network:
            return why
    return None


def _refusal_v6(address: ipaddress.IPv6Address) -> Optional[str]:
    for network, why in _V6:
        if address in network:
            return why
    embedded = _embedded_v4(address)
    if embedded is not None:
        why_embedded = _refusal_v4(embedded)
        if why_embedded is not None:
            return f"{why_embedded} inside an IPv6 address"
        if any(address in network for network in (_MAPPED, _TRANSLATED, _NAT64)):
            return None
    # Nothing outside 2000::/3 is handed out for the public internet.
    return None if address in _GLOBAL_V6 else "a reserved address"


def _embedded_v4(address: ipaddress.IPv6Address) -> Optional[ipaddress.IPv4Address]:
    number = int(address)
    if any(address in network for network in (_MAPPED, _COMPATIBLE, _TRANSLATED, _NAT64)):
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return ipaddress.IPv4Address((number >> 80) & 0xFFFFFFFF)
    if (number >> 32) & 0xFFFFFFFF in _ISATAP:
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    return None
