"""Names to addresses by the host's own resolver, in threads of its own, timed inside the thread.

getaddrinfo blocks; asyncio's default executor would add its queue to the name's time (numbers: 700 ms of
error for 200 names at once), so lookups have their own pool and carry their own stamps.
"""

from __future__ import annotations

import queue
import socket
import threading
from time import monotonic
from typing import Any, Callable, List, Optional, Tuple

from .loop import Loop

#: Lookups that may wait for a thread. Beyond it a lookup is refused as the probe's own fault.
MAX_WAITING = 10_000
#: Threads that may sit in a lookup nobody waits for any more, besides the pool's own: a dead domain's name
#: servers hold a thread for up to half a minute, and its neighbours shall not wait for that.
MAX_STUCK = 192

#: (family, numeric address with port and so on, as connect takes it)
Address = Tuple[int, Tuple[Any, ...]]


class Lookup:
    """One name being resolved. All times are on the monotonic clock, None until they happened."""

    __slots__ = (
        "addresses",
        "done",
        "error",
        "family",
        "finished_s",
        "found",
        "host",
        "is_cancelled",
        "is_stuck",
        "port",
        "started_s",
    )

    def __init__(self, host: str, port: int, family: int, done: Callable[[Lookup], None]) -> None:
        self.host = host
        self.port = port
        self.family = family
        self.done = done
        self.started_s: Optional[float] = None
        self.finished_s: Optional[float] = None
        self.addresses: List[Address] = []
        #: All that the resolver gave, also those that are not used.
        self.found: List[Address] = []
        self.error: Optional[OSError] = None
        self.is_cancelled = False
        self.is_stuck = False


class Resolver:
    """A bounded pool of daemon threads around getaddrinfo; threads are started when they are needed."""

    def __init__(self, loop: Loop, threads: int = 64, getaddrinfo: Callable[..., Any] = socket.getaddrinfo) -> None:
        self._loop = loop
        self._max_threads = threads
        self._getaddrinfo = getaddrinfo
        self._waiting: queue.SimpleQueue[Optional[Lookup]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0
        self._stuck = 0

    def resolve(self, host: str, port: int, family: int, done: Callable[[Lookup], None]) -> Optional[Lookup]:
        """Start a lookup (family 4, 6 or 0); `done(lookup)` is called on the loop. None if too many wait."""
        if self._waiting.qsize() >= MAX_WAITING:
            return None
        lookup = Lookup(host, port, family, done)
        self._waiting.put(lookup)
        self._start_thread_if_needed()
        return lookup

    def cancel(self, lookup: Lookup) -> None:
        """Forget it: `done` is not called. A thread that is inside getaddrinfo stays there until it returns,
        and another one may take its place meanwhile."""
        with self._lock:
            lookup.is_cancelled = True
            is_inside = lookup.started_s is not None and lookup.finished_s is None
            if is_inside and not lookup.is_stuck and self._stuck < MAX_STUCK:
                lookup.is_stuck = True
                self._stuck += 1
        self._start_thread_if_needed()

    def close(self) -> None:
        """Send the idle threads home; those inside getaddrinfo are daemons and go with the process."""
        for _ in range(self._threads):
            self._waiting.put(None)

    def _start_thread_if_needed(self) -> None:
        with self._lock:
            if self._idle < self._waiting.qsize() and self._threads - self._stuck < self._max_threads:
                self._threads += 1
                threading.Thread(target=self._work, name="resolver", daemon=True).start()

    def _is_surplus(self, lookup: Lookup) -> bool:
        """Take a thread that was stuck back into the pool; return whether the pool is full without it."""
        with self._lock:
            if lookup.is_stuck:
                lookup.is_stuck = False
                self._stuck -= 1
            if self._threads - self._stuck <= self._max_threads:
                return False
            self._threads -= 1
            return True

    def _work(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            lookup = self._waiting.get()
            with self._lock:
                self._idle -= 1
                if lookup is None:
                    return
                if lookup.is_cancelled:
                    continue
                lookup.started_s = monotonic()
            self._look_up(lookup)
            self._loop.call_soon_threadsafe(_deliver, lookup)
            if self._is_surplus(lookup):
                return
            del lookup  # an idle thread must not hold on to the last check it served

    def _look_up(self, lookup: Lookup) -> None:
        family = {4: socket.AF_INET, 6: socket.AF_INET6}.get(lookup.family, socket.AF_UNSPEC)
        try:
            # As bytes, the name is not put through Python's own (old) IDNA codec: it is ASCII already.
            found = self._getaddrinfo(
                lookup.host.encode("ascii"), lookup.port, family, socket.SOCK_STREAM, socket.IPPROTO_TCP
            )
        except OSError as exc:
            found, lookup.error = [], exc
        except (ValueError, OverflowError) as exc:
            found, lookup.error = [], socket.gaierror(socket.EAI_NONAME, str(exc))
        with self._lock:  # so that a lookup is not called stuck after it has finished
            lookup.finished_s = monotonic()
        addresses = lookup.found = [(entry[0], entry[4]) for entry in found if entry[0] in _FAMILIES]
        lookup.addresses = addresses if lookup.family else ipv4_first(addresses)


_FAMILIES = (socket.AF_INET, socket.AF_INET6)


def ipv4_first(addresses: List[Address]) -> List[Address]:
    """Return the addresses of one family only: IPv4 if there is one and a way to it, else IPv6 (or what there is).

    Automatic means the same family in every region and at every check, so that their numbers compare. Resolvers
    order by their own rules, and a name like localhost may have an IPv6 address that no server listens on.
    """
    of_4 = [address for address in addresses if address[0] == socket.AF_INET]
    of_6 = [address for address in addresses if address[0] == socket.AF_INET6]
    if of_4 and of_6:
        return of_4 if _has_way(of_4[0]) or not _has_way(of_6[0]) else of_6
    return of_4 or of_6


def _has_way(address: Address) -> bool:
    """Return whether the host has a route; connecting a datagram socket asks the kernel and sends nothing."""
    try:
        with socket.socket(address[0], socket.SOCK_DGRAM) as sock:
            sock.connect(address[1])
    except OSError:
        return False
    return True


def _deliver(lookup: Lookup) -> None:
    if not lookup.is_cancelled:
        lookup.done(lookup)


def numeric_address(host: str, port: int) -> Optional[Address]:
    """Return the address if the host is a plain numeric one (no scope), else None: it has to be resolved."""
    try:
        if ":" in host:
            socket.inet_pton(socket.AF_INET6, host)
            return socket.AF_INET6, (host, port, 0, 0)
        socket.inet_pton(socket.AF_INET, host)
        return socket.AF_INET, (host, port)
    except (OSError, UnicodeError):
        return None
