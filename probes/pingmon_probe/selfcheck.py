"""Whether this probe may judge at all: is its loop on time, and after failures, is its own network up?

A failure of a class that a broken network of our own would cause waits here for an answer of the anchors,
then goes on marked with what was found. Anchors are asked by a bare TCP connect, at most every 5 s.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from typing import Callable, List, Optional, Sequence, Tuple
from urllib.parse import urlsplit

from . import sentence
from .loop import Loop, Timer
from .protocol import NETWORK_FAILURES, OWN_NETWORK_DOWN, CheckResult, kind_of, read_address, split_anchor

ASK_EVERY_S = 5.0
ANCHOR_LIMIT_S = 2.0
#: How many anchors are asked at once.
ANCHORS_ASKED = 3
MAX_LATE_P99_MS = 50.0

#: Networks that no anchor on the internet says anything about.
_LOCAL = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
        "::1/128", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip
_LOCAL_NAMES = (".localhost", ".local", ".lan", ".home", ".home.arpa", ".internal", ".intranet", ".corp")

Deliver = Callable[[CheckResult], None]


class SelfCheck:
    """Belongs to the loop. `judge` hands every result on exactly once, at once or after the anchors were heard."""

    def __init__(
        self,
        loop: Loop,
        *,
        anchor_limit_s: float = ANCHOR_LIMIT_S,
        route_exists: Optional[Callable[[Optional[str]], bool]] = None,
    ) -> None:
        self._loop = loop
        self._anchor_limit_s = anchor_limit_s
        self._route_exists = route_exists or has_route
        self._anchors: Tuple[Tuple[str, int], ...] = ()
        self._waiting: List[Tuple[CheckResult, Deliver]] = []
        self._question: Optional[_Question] = None
        self._asked_s: Optional[float] = None
        self._is_up = True

    def set_anchors(self, anchors: Sequence[str]) -> None:
        """Use these anchors (`host:port`, numeric) from now on; none turns that part of the self-check off."""
        addresses = tuple(split_anchor(anchor) for anchor in anchors)
        if addresses != self._anchors:
            self._anchors = addresses
            self._asked_s = None
            self._is_up = True

    @property
    def reason(self) -> Optional[str]:
        """Why the probe has no vote now, None if it has one."""
        if not self._is_up:
            return OWN_NETWORK_DOWN
        late_ms = self._loop.lateness_p99_ms()
        if late_ms >= MAX_LATE_P99_MS:
            return f"The probe's host is overloaded: it runs {late_ms:.0f} ms late."
        return None

    def judge(self, result: CheckResult, deliver: Deliver) -> None:
        """Set `own_network` of a result and deliver it."""
        if result.failure not in NETWORK_FAILURES:
            is_answer = result.failure is None or result.http_status is not None
            if not self._is_up and is_answer and not is_local_target(result):
                self._is_up = True  # somebody out there has answered
            deliver(result)
            return
        if is_local_target(result):
            deliver(result)
            return
        if not self._route_exists(result.address):
            result.own_network = True
            if self._anchors and not any(self._route_exists(host) for host, _port in self._anchors):
                self._is_up = False  # no way to anywhere: a network that is off, not a family that is missing
            elif result.family:
                result.message = sentence.no_way(result.family)
            deliver(result)
            return
        if not self._anchors:
            deliver(result)
            return
        now_s = self._loop.now()
        if self._question is None and self._asked_s is not None and now_s - self._asked_s < ASK_EVERY_S:
            result.own_network = not self._is_up
            deliver(result)
            return
        self._waiting.append((result, deliver))
        if self._question is None:
            self._asked_s = now_s
            self._question = _Question(self._loop, self._anchors[:ANCHORS_ASKED], self._anchor_limit_s, self._on_answer)
            self._question.ask()

    def close(self) -> None:
        """Give up a running question; what waits for it is not delivered."""
        if self._question is not None:
            self._question.close()
            self._question = None
        self._waiting.clear()

    def _on_answer(self, is_up: bool) -> None:
        self._question = None
        self._is_up = is_up
        waiting, self._waiting = self._waiting, []
        for result, deliver in waiting:
            result.own_network = not is_up
            deliver(result)


class _Question:
    """One round of connects: answered by the first anchor that accepts, or by the last one that does not."""

    def __init__(
        self, loop: Loop, anchors: Sequence[Tuple[str, int]], limit_s: float, answer: Callable[[bool], None]
    ) -> None:
        self._loop = loop
        self._limit_s = limit_s
        self._anchors = anchors
        self._answer: Optional[Callable[[bool], None]] = answer
        self._sockets: List[socket.socket] = []
        self._limit: Optional[Timer] = None

    def ask(self) -> None:
        self._limit = self._loop.call_at(self._loop.now() + self._limit_s, self._finish, False)
        for host, port in self._anchors:
            self._connect(host, port)
        if not self._sockets and self._answer is not None:
            # Not inside the caller's call: an answer always comes later.
            self._loop.call_soon(self._finish, False)

    def close(self) -> None:
        self._answer = None
        if self._limit is not None:
            self._limit.cancel()
        for sock in self._sockets:
            self._loop.unwatch(sock)
            sock.close()
        self._sockets.clear()

    def _connect(self, host: str, port: int) -> None:
        try:
            sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        except OSError:
            return
        sock.setblocking(False)
        error = sock.connect_ex((host, port))
        if error not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", 0)):
            sock.close()
            return
        self._sockets.append(sock)
        self._loop.watch(sock, writable=lambda: self._on_connected(sock))

    def _on_connected(self, sock: socket.socket) -> None:
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        self._loop.unwatch(sock)
        sock.close()
        self._sockets.remove(sock)
        if error == 0:
            self._finish(True)
        elif not self._sockets:
            self._finish(False)

    def _finish(self, is_up: bool) -> None:
        answer = self._answer
        self.close()
        if answer is not None:
            answer(is_up)


def is_local_target(result: CheckResult) -> bool:
    """Whether a result is about this computer or its own network, judged by address, else by the URL's name."""
    is_by_own_resolver = kind_of(result.url) == "dns" and read_address(result.url).server is None
    # The name server of this host is near, but what it tells comes from afar.
    host = (None if is_by_own_resolver else result.address) or (urlsplit(result.url).hostname or "")
    try:
        address = ipaddress.ip_address(host.split("%", 1)[0])
    except ValueError:
        name = host.rstrip(".").lower()
        return "." not in name or name.endswith(_LOCAL_NAMES)
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    return any(address.version == network.version and address in network for network in _LOCAL)


def has_route(address: Optional[str]) -> bool:
    """Whether this host has a route to a numeric address; sends nothing. True where there is no address to ask for."""
    if address is None:
        return True
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            # Connecting a datagram socket only looks up the route.
            return sock.connect_ex((address, 53)) not in _NO_ROUTE
    except OSError:
        return False  # the host does not know this family at all


_NO_ROUTE = tuple(
    getattr(errno, name)
    for name in ("ENETUNREACH", "EHOSTUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT", "WSAENETUNREACH", "WSAEHOSTUNREACH")
    if hasattr(errno, name)
)
