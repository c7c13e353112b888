"""From a host to the one address that a check uses: looked up, of the family asked for, and allowed.

The wait is booked on the phase dns, the wait for one of the resolver's threads on the probe itself.
"""

from __future__ import annotations

import socket
from typing import Callable, List, NamedTuple, Optional

from . import sentence
from .resolver import Address, Lookup, numeric_address
from .target import Endpoint
from .timeline import DNS, Timeline
from .tools import Tools

Found = Callable[[Address], None]
Failed = Callable[[str, str], None]


class Resolved(NamedTuple):
    """What the host's resolver said of a name: all its addresses, or an error."""

    addresses: List[Address]
    error: Optional[OSError]
    took_s: Optional[float]


class AddressSearch:
    """Start it once; then one of `found(address)` and `failed(failure, sentence)` is called, maybe at once.

    `crashed` hears of a bug in the owner's calls. After `close` nothing is called any more.
    """

    __slots__ = (
        "_crashed",
        "_endpoint",
        "_failed",
        "_found",
        "_is_allowed",
        "_lookup",
        "_timeline",
        "_tools",
        "address",
        "answer",
    )

    def __init__(
        self,
        tools: Tools,
        endpoint: Endpoint,
        timeline: Timeline,
        found: Found,
        failed: Failed,
        crashed: Callable[[BaseException], None],
        *,
        is_allowed: bool = False,
    ) -> None:
        """`is_allowed` vouches for whatever address is found."""
        self._tools = tools
        self._endpoint = endpoint
        self._timeline = timeline
        self._found = found
        self._failed = failed
        self._crashed = crashed
        self._is_allowed = is_allowed
        self._lookup: Optional[Lookup] = None
        #: What was found, also where it is not allowed or of the other family.
        self.address: Optional[Address] = None
        #: What the resolver said, None where it was not asked or has not answered yet.
        self.answer: Optional[Resolved] = None

    @property
    def is_running(self) -> bool:
        return self._lookup is not None

    @property
    def is_waiting(self) -> bool:
        """Whether the name still waits for one of the resolver's threads."""
        return self._lookup is not None and self._lookup.started_s is None

    def start(self, family: int = 0) -> None:
        """Begin, for family 4, 6 or 0 (IPv4 where there is a way to it, else IPv6)."""
        endpoint = self._endpoint
        address = numeric_address(endpoint.host, endpoint.port)
        if address is None:
            self._lookup = self._tools.resolver.resolve(endpoint.host, endpoint.port, family, self._on_resolved)
            if self._lookup is None:
                self._failed("internal", sentence.resolver_busy(endpoint, 0))
        elif family and family_of(address) != family:
            self.address = address
            self._failed("dns", sentence.wrong_family(endpoint, family))
        else:
            self._allow(address)

    def settle(self, until_s: float) -> None:
        """Book the wait that is going on, up to now."""
        if self._lookup is None:
            return
        started_s = self._lookup.started_s
        self._timeline.own(until_s if started_s is None else min(started_s, until_s))
        self._timeline.world(DNS, until_s)

    def close(self) -> None:
        if self._lookup is not None:
            self._tools.resolver.cancel(self._lookup)
            self._lookup = None

    def _on_resolved(self, lookup: Lookup) -> None:
        try:
            self._lookup = None
            took_s: Optional[float] = None
            if lookup.started_s is not None and lookup.finished_s is not None:
                took_s = lookup.finished_s - lookup.started_s
                self._timeline.own(lookup.started_s)
                self._timeline.world(DNS, lookup.finished_s)
            self.answer = Resolved(lookup.found, lookup.error, took_s)
            if lookup.addresses:
                self._allow(lookup.addresses[0])
                return
            error = lookup.error or socket.gaierror(socket.EAI_NONAME, "no address")
            self._failed("dns", sentence.dns_failed(self._endpoint, error, lookup.family))
        except Exception as exc:
            self._crashed(exc)

    def _allow(self, address: Address) -> None:
        self.address = address
        why = None if self._is_allowed else self._tools.refuse(address[1][0])
        if why is None:
            self._found(address)
        else:
            self._failed("refused_target", sentence.refused_target(self._endpoint, address[1][0], why))


def family_of(address: Address) -> int:
    return 6 if address[0] == socket.AF_INET6 else 4
