"""The way to an address: which routers answer on it, and how far it goes. Without privileges, where Linux allows that.

A packet that may pass so many routers and no more dies at the next one, which says so by ICMP. Linux hands that out to
the very socket that sent it (IP_RECVERR), so nothing has to listen to the host's ICMP.
Source: RFC 792, RFC 4443 section 3; Linux ip(7), ipv6(7).
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Optional, Tuple

from .echo import Unreachable, ask_for_errors, read_error
from .loop import Loop, Timer
from .protocol import MAX_ROUTE_HOPS

#: Routes at once, and those that may wait; each has so many packets under way.
MAX_ROUTES, MAX_WAITING = 4, 50
AT_ONCE = 5
#: A router that has not answered by then will not, and after so many that do not nobody will.
PATIENCE_S = 1.0
MAX_SILENT = 6

_UDP_PORT = 33434
_HOP_LIMIT = {socket.AF_INET: (0, 2), socket.AF_INET6: (41, 16)}
_TIME_EXCEEDED = {socket.AF_INET: 11, socket.AF_INET6: 3}
_PORT_UNREACHABLE = {socket.AF_INET: (3, 3), socket.AF_INET6: (1, 4)}
_IN_PROGRESS = frozenset((0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN))

Done = Callable[[Optional[Dict[str, Any]]], None]


class Tracer:
    """Finds routes, a few at a time. Belongs to the loop."""

    def __init__(
        self,
        loop: Loop,
        refuse: Callable[[str], Optional[str]],
        *,
        patience_s: float = PATIENCE_S,
        is_able: bool = sys.platform == "linux",
    ) -> None:
        """`refuse` says why an address is not sent anything to."""
        self._patience_s = patience_s
        self._loop = loop
        self._refuse = refuse
        self._is_able = is_able
        self._running: List[_Route] = []
        self._waiting: Deque[_Route] = deque()

    def trace(self, address: str, port: Optional[int], done: Done) -> None:
        """Find the way to an address: by TCP connections to a port, without one by UDP.

        `done(route)` is called once, with None where too many wait; it may be at once.
        """
        if self._refuse(address) is not None or len(self._waiting) >= MAX_WAITING:
            done(None)
        elif not self._is_able:
            note = "The system of this probe tells nobody but an administrator which router answered."
            done({"address": address, "hops": [], "is_reached": False, "note": note})
        else:
            self._waiting.append(_Route(self._loop, self._patience_s, address, port, done, self._on_done))
            self._start_some()

    def close(self) -> None:
        """Give up what runs and waits; nobody is told."""
        self._waiting.clear()
        for route in self._running:
            route.close()
        self._running.clear()

    def _start_some(self) -> None:
        while self._waiting and len(self._running) < MAX_ROUTES:
            route = self._waiting.popleft()
            self._running.append(route)
            route.begin()

    def _on_done(self, route: _Route) -> None:
        self._running.remove(route)
        self._start_some()


class _Hop:
    """One packet under way, and what became of it."""

    __slots__ = ("address", "is_last", "ms", "note", "sent_s", "sock", "timer", "ttl")

    def __init__(self, ttl: int, sock: socket.socket, sent_s: float) -> None:
        self.ttl = ttl
        self.sock: Optional[socket.socket] = sock
        self.sent_s = sent_s
        self.timer: Optional[Timer] = None
        self.address: Optional[str] = None
        self.ms: Optional[float] = None
        self.note: Optional[str] = None
        #: Nothing comes after it.
        self.is_last = False

    def to_json(self) -> Dict[str, Any]:
        return {"ttl": self.ttl, "address": self.address, "ms": self.ms, "note": self.note}


class _Route:
    def __init__(
        self,
        loop: Loop,
        patience_s: float,
        address: str,
        port: Optional[int],
        done: Done,
        let_go: Callable[[_Route], None],
    ) -> None:
        self._loop = loop
        self._patience_s = patience_s
        self._address = address
        self._family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._port = port
        self._done = done
        self._let_go = let_go
        self._hops: List[_Hop] = []
        self._last_ttl = MAX_ROUTE_HOPS
        self._note: Optional[str] = None
        self._is_over = False

    def begin(self) -> None:
        self._loop.call_soon(self._go_on)

    def close(self) -> None:
        self._is_over = True
        for hop in self._hops:
            self._end(hop)

    def _go_on(self) -> None:
        """Send the next packet, if one may be sent, or end."""
        if self._is_over:
            return
        under_way = sum(hop.sock is not None for hop in self._hops)
        next_ttl = len(self._hops) + 1
        if next_ttl <= self._last_ttl and under_way < AT_ONCE and self._note is None:
            self._send(next_ttl)
            self._loop.call_soon(self._go_on)
        elif not any(hop.sock is not None for hop in self._hops[: self._last_ttl]):
            self._finish()

    def _send(self, ttl: int) -> None:
        kind = socket.SOCK_DGRAM if self._port is None else socket.SOCK_STREAM
        sock: Optional[socket.socket] = None
        try:
            sock = socket.socket(self._family, kind)
            sock.setblocking(False)
            ask_for_errors(sock, self._family)
            sock.setsockopt(*_HOP_LIMIT[self._family], ttl)
            hop = _Hop(ttl, sock, self._loop.now())
            self._hops.append(hop)
            code = sock.connect_ex(self._place(_UDP_PORT + ttl if self._port is None else self._port))
            if code == 0 and self._port is None:
                sock.send(b"pingmon")
        except OSError as exc:
            if sock is not None:
                sock.close()
            del self._hops[ttl - 1 :]
            self._last_ttl = ttl - 1
            self._note = f"No more packets could be sent: {exc.strerror or exc}."
            return
        if code not in _IN_PROGRESS:
            self._take(hop, code)
            return
        hop.timer = self._loop.call_at(hop.sent_s + self._patience_s, self._on_silence, hop)
        if self._port is None:
            self._loop.watch(sock, readable=lambda: self._on_told(hop))
        else:
            self._loop.watch(sock, writable=lambda: self._on_told(hop))

    def _place(self, port: int) -> Tuple[Any, ...]:
        return (self._address, port) if self._family == socket.AF_INET else (self._address, port, 0, 0)

    def _on_told(self, hop: _Hop) -> None:
        if hop.sock is None:
            return
        if self._port is not None:
            self._take(hop, hop.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
            return
        try:
            hop.sock.recv(64)
            code = 0  # whoever answers to that has been reached
        except (BlockingIOError, InterruptedError):
            return
        except OSError as exc:
            code = exc.errno or 0
        self._take(hop, code)

    def _on_silence(self, hop: _Hop) -> None:
        self._end(hop)
        silent = 0
        for one in self._hops:
            if one.sock is not None:
                break
            silent = silent + 1 if one.address is None else 0
            if silent >= MAX_SILENT:
                self._last_ttl = min(self._last_ttl, one.ttl)
        self._go_on()

    def _take(self, hop: _Hop, code: int) -> None:
        """Take what became of a packet: `code` is the error of its socket, 0 where there is none."""
        assert hop.sock is not None
        hop.ms = round((self._loop.now() - hop.sent_s) * 1000, 1)
        told = read_error(hop.sock, self._family)
        self._end(hop)
        if told is not None and told.icmp_type == _TIME_EXCEEDED[self._family]:
            hop.address = told.offender
        else:
            self._stop_at(hop, code, told)
        self._go_on()

    def _stop_at(self, hop: _Hop, code: int, told: Optional[Unreachable]) -> None:
        """The way ends here: at the target, or where somebody does not let through."""
        hop.is_last = True
        self._last_ttl = min(self._last_ttl, hop.ttl)
        is_port_closed = told is not None and (told.icmp_type, told.icmp_code) == _PORT_UNREACHABLE[self._family]
        hop.address = told.offender if told is not None else None
        if code == 0 or (told is None and code == errno.ECONNREFUSED) or (is_port_closed and self._port is None):
            hop.address = self._address
        if code and not (is_port_closed and self._port is None):
            hop.note = os.strerror(code)

    def _end(self, hop: _Hop) -> None:
        if hop.timer is not None:
            hop.timer.cancel()
            hop.timer = None
        if hop.sock is not None:
            self._loop.unwatch(hop.sock)
            hop.sock.close()
            hop.sock = None

    def _finish(self) -> None:
        hops = self._hops[: self._last_ttl]
        is_reached = bool(hops) and hops[-1].is_last and hops[-1].address == self._address
        self.close()
        # Those that said nothing at the end are one thing: nobody answers from there on.
        silent = 0
        while hops and hops[-1].address is None and not hops[-1].is_last:
            hops = hops[:-1]
            silent += 1
        note = self._note
        if note is None and silent:
            note = f"Nobody answers after that ({silent} more tried)." if hops else "Nobody on the way answers."
        self._done(
            {
                "address": self._address,
                "method": "UDP" if self._port is None else f"TCP port {self._port}",
                "hops": [hop.to_json() for hop in hops],
                "is_reached": is_reached,
                "note": note,
            }
        )
        self._let_go(self)
