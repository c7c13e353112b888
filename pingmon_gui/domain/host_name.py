"""Host names and numeric addresses as people write them, in the one form in which they are kept."""

from __future__ import annotations

import ipaddress
import re

import idna

from pingmon_gui.domain.error import InvalidInput

_LABEL = re.compile(r"^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$")


def ascii_host(host: str) -> str:
    """Return a host in ASCII and lower case, a numeric one in its shortest form. Raises InvalidInput."""
    if ":" in host:
        try:
            if "%" in host:  # the library would read a zone
                raise ValueError(host)
            address = ipaddress.IPv6Address(host)
        except ValueError as exc:
            raise InvalidInput(
                "The address in brackets is no IPv6 address.", "Zones like %eth0 cannot be used."
            ) from exc
        # Python 3.13 began to write these so: the form must not depend on who reads it.
        return f"::ffff:{address.ipv4_mapped}" if address.ipv4_mapped else str(address)
    name = host.rstrip(".").lower()
    if name.isascii():
        labels = name.split(".")
    else:
        try:
            labels = idna.encode(name, uts46=True).decode("ascii").split(".")
        except idna.IDNAError as exc:
            raise InvalidInput(f"“{host[:60]}” is no valid host name.") from exc
    if all(label.isdigit() for label in labels[-1:]):
        try:
            return str(ipaddress.IPv4Address(".".join(labels)))
        except ValueError as exc:
            raise InvalidInput(
                f"“{host[:60]}” is no valid IPv4 address.", "It has four numbers from 0 to 255."
            ) from exc
    if len(".".join(labels)) > 253 or not all(_LABEL.match(label) for label in labels):
        raise InvalidInput(f"“{host[:60]}” is no valid host name.")
    return ".".join(labels)
