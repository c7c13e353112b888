"""Where Pingmon answers /metrics, and whom: read from the preferences or from what was typed."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.preference import METRICS_EVERYWHERE, METRICS_OFF, METRICS_OPEN, Preferences

LOOPBACK = "127.0.0.1"
#: Where there is nothing to choose an address by: all addresses of this computer, of both families.
EVERY_ADDRESS = ""
MAX_PORT = 65_535


@dataclass(frozen=True)
class MetricsAccess:
    """`host` is a numeric address or EVERY_ADDRESS; port 0 lets the system choose one."""

    host: str
    port: int
    needs_token: bool

    @property
    def shown(self) -> str:
        """The place as people read it."""
        host = self.host or "every address"
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


def preferred_access(preferences: Preferences) -> MetricsAccess | None:
    """Return what the preferences say, None while it is off."""
    choice = preferences.text("metrics_access")
    if choice == METRICS_OFF:
        return None
    host = EVERY_ADDRESS if choice == METRICS_EVERYWHERE else LOOPBACK
    return MetricsAccess(host, preferences.integer("metrics_port"), needs_token=choice != METRICS_OPEN)


def parse_access(text: str) -> MetricsAccess:
    """Read `[ADDRESS:]PORT`; beyond loopback nobody is answered without the token. Raises InvalidInput."""
    host, colon, port = text.strip().rpartition(":")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= MAX_PORT):
        raise InvalidInput(f"“{port[:20]}” is no port.", f"Write a number up to {MAX_PORT}; 0 takes one that is free.")
    if not colon:
        return MetricsAccess(LOOPBACK, int(port), needs_token=False)
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    try:
        address = ipaddress.ip_address(LOOPBACK if host.lower() == "localhost" else host)
    except ValueError as exc:
        raise InvalidInput(
            f"“{host[:60]}” is no address of this computer.", "Write a numeric one: 127.0.0.1:18649, [::1]:18649."
        ) from exc
    return MetricsAccess(str(address), int(port), needs_token=not address.is_loopback)
