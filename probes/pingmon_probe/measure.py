"""The measuring core's front: start a check, get its result. The plan runner and the service call it."""

from __future__ import annotations

import logging
import socket
from collections import deque
from typing import Callable, Deque, Optional, Set, Tuple

from .address import refusal
from .check import Run
from .checks import CHECKS
from .echo import open_echo_socket
from .host_resolver import HostResolver
from .loop import Loop
from .matcher import Matcher
from .protocol import CheckResult, CheckSpec, read_address
from .resolver import Resolver
from .route import Tracer
from .stamp import make_stamps
from .tls import Contexts
from .tools import Tools

_log = logging.getLogger(__name__)

DEFAULT_MAX_IN_FLIGHT = 4_000
#: Files and sockets left to the service, the spool and the resolver.
FILES_KEPT_FREE = 128

#: Kinds that do TLS without HTTP.
_KINDS_WITH_TLS = frozenset(("tcp", "tls"))

Done = Callable[[CheckResult], None]


class _Order:
    """A check that waits for its start."""

    __slots__ = ("done", "keeps_evidence", "marks", "planned_at_s", "spec")

    def __init__(
        self,
        spec: CheckSpec,
        planned_at_s: float,
        marks: Tuple[int, bool, bool],
        done: Done,
        keeps_evidence: Optional[Callable[[], bool]],
    ) -> None:
        self.spec = spec
        self.planned_at_s = planned_at_s
        self.marks = marks
        self.done = done
        self.keeps_evidence = keeps_evidence


class Measurer:
    """Runs checks on a loop, a few starts per turn, so that a start never makes another check's numbers worse.

    A check that has to wait for its start is late (`late_ms`); the wait is in none of its phases. `done` is
    called once for every start, on the loop, unless `close` comes first.
    """

    def __init__(
        self,
        loop: Loop,
        *,
        stamps: str = "auto",
        allow_private: bool = False,
        refuse: Callable[[str], Optional[str]] = refusal,
        ca_file: Optional[str] = None,
        max_in_flight: int = DEFAULT_MAX_IN_FLIGHT,
        starts_per_turn: int = 2,
        resolver_threads: int = 64,
        resolver: Optional[Resolver] = None,
        host_resolver: Optional[HostResolver] = None,
        open_echo: Callable[[int], socket.socket] = open_echo_socket,
        matcher: Optional[Matcher] = None,
    ) -> None:
        """`refuse` says why an address is not connected to; `allow_private` turns it off.

        `ca_file` (PEM) is trusted besides the host's store. Raises OSError or ssl.SSLError if it is unreadable.
        """
        self._loop = loop
        contexts = Contexts(ca_file)
        self._tools = Tools(
            loop=loop,
            stamps=make_stamps(loop, stamps),
            resolver=resolver or Resolver(loop, resolver_threads),
            contexts=contexts,
            matcher=matcher or Matcher(loop),
            refuse=_refuse_nothing if allow_private else refuse,
            host_resolver=host_resolver or HostResolver(),
            open_echo=open_echo,
        )
        self._max_in_flight = min(max_in_flight, _sockets_allowed(max_in_flight), loop.capacity or max_in_flight)
        self._starts_per_turn = starts_per_turn
        self._orders: Deque[_Order] = deque()
        self._runs: Set[Run] = set()
        self._is_starting = False
        self._is_closed = False

    def tracer(self) -> Tracer:
        """Return what finds the way to an address, under the same rules as checks."""
        return Tracer(self._loop, self._tools.refuse)

    @property
    def in_flight(self) -> int:
        """How many checks run now; those that wait for their start are not counted."""
        return len(self._runs)

    @property
    def waiting(self) -> int:
        """How many checks wait for their start."""
        return len(self._orders)

    @property
    def max_in_flight(self) -> int:
        """How many checks may run at once on this host."""
        return self._max_in_flight

    @property
    def clock(self) -> str:
        """`kernel` or `user`: whose receive stamps this host offers."""
        return self._tools.stamps.name

    def start(
        self,
        spec: CheckSpec,
        planned_at_s: Optional[float],
        done: Done,
        *,
        on_demand: bool = False,
        recheck: bool = False,
        revision: int = 0,
        keeps_evidence: Optional[Callable[[], bool]] = None,
    ) -> None:
        """Start a check as soon as may be. `planned_at_s` (monotonic) is its slot, None = now.

        `keeps_evidence` is asked when it has failed; the result then has `evidence`.
        """
        if self._is_closed:
            return
        if spec.kind in _KINDS_WITH_TLS and read_address(spec.url).is_tls:
            self._tools.contexts.prepare()
        planned = self._loop.now() if planned_at_s is None else planned_at_s
        self._orders.append(_Order(spec, planned, (revision, on_demand, recheck), done, keeps_evidence))
        self._start_soon()

    def close(self) -> None:
        """Give up all that runs or waits; no `done` is called any more. May be called again."""
        if self._is_closed:
            return
        self._is_closed = True
        self._orders.clear()
        for run in list(self._runs):
            run.close()
        self._runs.clear()
        self._tools.resolver.close()
        self._tools.matcher.close()
        self._tools.stamps.close()

    def _start_soon(self) -> None:
        if not self._is_starting and self._orders and len(self._runs) < self._max_in_flight:
            self._is_starting = True
            self._loop.call_soon(self._start_some)

    def _start_some(self) -> None:
        self._is_starting = False
        for _ in range(self._starts_per_turn):
            if self._is_closed or not self._orders or len(self._runs) >= self._max_in_flight:
                break
            self._start_one(self._orders.popleft())
        self._start_soon()

    def _start_one(self, order: _Order) -> None:
        done = order.done

        def finished(run: Run, result: CheckResult) -> None:
            self._runs.discard(run)
            self._start_soon()
            try:
                done(result)
            except Exception as exc:
                _log.error("the receiver of a result failed", exc_info=exc)

        late_s = self._loop.now() - order.planned_at_s
        run = Run(self._tools, order.spec, late_s, order.marks, finished, order.keeps_evidence)
        self._runs.add(run)
        run.begin(CHECKS[order.spec.kind])


def _refuse_nothing(address: str) -> Optional[str]:
    return None


def _sockets_allowed(wanted: int) -> int:
    """Return how many sockets this process may open for checks, after asking the system for enough."""
    try:
        import resource
    except ImportError:
        return wanted  # Windows has no such limit
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + FILES_KEPT_FREE
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        except (OSError, ValueError):
            soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft == resource.RLIM_INFINITY:
        return wanted
    return max(1, soft - FILES_KEPT_FREE)
