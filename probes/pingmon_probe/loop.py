"""The probe's only loop: sockets that are ready, timers that are due, calls that were handed in.

One thread runs it. The measuring core and the HTTP service are state machines on it; it knows neither.
"""

from __future__ import annotations

import contextlib
import heapq
import logging
import select
import selectors
import socket
import threading
from collections import deque
from time import monotonic
from typing import Any, Callable, Deque, Dict, List, Optional, Tuple

_log = logging.getLogger(__name__)

READABLE = 1
WRITABLE = 2
#: The loop measures its own lateness by a beat every so often; a minute of beats is kept.
BEAT_S = 0.1
BEATS_KEPT = 600
#: A beat this late was held up by no load: the process was stopped, or the machine asleep. It begins anew then.
STOPPED_S = 5.0
#: A socket whose callback fails this often in a row is let go, so that it cannot spin the loop.
MAX_FAILURES_IN_A_ROW = 10
#: Longest sleep in one poll; a bound only because some systems refuse very long ones.
MAX_POLL_S = 3600.0

Callback = Callable[[], None]
ErrorHook = Callable[[str, BaseException], None]


class EpollPoller:
    """Linux: readiness of any number of sockets."""

    name = "epoll"
    #: How many sockets can be watched at once, None where there is no such limit.
    capacity: Optional[int] = None

    def __init__(self) -> None:
        self._epoll = select.epoll()

    def register(self, fd: int, mask: int) -> None:
        self._epoll.register(fd, _to_epoll(mask))

    def modify(self, fd: int, mask: int) -> None:
        self._epoll.modify(fd, _to_epoll(mask))

    def unregister(self, fd: int) -> None:
        self._epoll.unregister(fd)

    def poll(self, timeout_s: float) -> List[Tuple[int, int]]:
        """Return (fd, mask) of what is ready. An error or hang-up counts as ready for everything."""
        ready = []
        for fd, events in self._epoll.poll(timeout_s):
            mask = 0
            if events & ~select.EPOLLOUT:
                mask |= READABLE
            if events & ~select.EPOLLIN:
                mask |= WRITABLE
            ready.append((fd, mask))
        return ready

    def close(self) -> None:
        self._epoll.close()


class SelectorPoller:
    """Any other system: kqueue or select, by way of the standard library's `selectors`."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self.name = "select" if isinstance(selector, selectors.SelectSelector) else "kqueue"
        # select() takes file numbers below FD_SETSIZE on Unix, 512 sockets on Windows.
        self.capacity: Optional[int] = 500 if self.name == "select" else None

    def register(self, fd: int, mask: int) -> None:
        self._selector.register(fd, _to_selectors(mask))

    def modify(self, fd: int, mask: int) -> None:
        self._selector.modify(fd, _to_selectors(mask))

    def unregister(self, fd: int) -> None:
        self._selector.unregister(fd)

    def poll(self, timeout_s: float) -> List[Tuple[int, int]]:
        """Return (fd, mask) of what is ready."""
        ready = []
        for key, events in self._selector.select(timeout_s):
            mask = READABLE if events & selectors.EVENT_READ else 0
            ready.append((key.fd, mask | (WRITABLE if events & selectors.EVENT_WRITE else 0)))
        return ready

    def close(self) -> None:
        self._selector.close()


def _to_epoll(mask: int) -> int:
    return (select.EPOLLIN if mask & READABLE else 0) | (select.EPOLLOUT if mask & WRITABLE else 0)


def _to_selectors(mask: int) -> int:
    return (selectors.EVENT_READ if mask & READABLE else 0) | (selectors.EVENT_WRITE if mask & WRITABLE else 0)


def make_poller(name: str) -> Any:
    """Return the system's best poller for "auto", or plain select for "select". Raises ValueError."""
    if name == "select":
        return SelectorPoller(selectors.SelectSelector())
    if name != "auto":
        raise ValueError(f"poller must be auto or select, not {name!r}")
    if hasattr(select, "epoll"):
        return EpollPoller()
    if hasattr(selectors, "KqueueSelector"):
        return SelectorPoller(selectors.KqueueSelector())
    return SelectorPoller(selectors.SelectSelector())


class Timer:
    """A call that is due at a time; `cancel` may be called at any moment and more than once."""

    __slots__ = ("_loop", "args", "fn", "when_s")

    def __init__(self, loop: Loop, when_s: float, fn: Callable[..., None], args: Tuple[Any, ...]) -> None:
        self._loop = loop
        self.when_s = when_s
        self.fn: Optional[Callable[..., None]] = fn
        self.args = args

    def cancel(self) -> None:
        if self.fn is not None:
            self.fn = None
            self.args = ()
            self._loop.on_timer_cancelled()


class _Watch:
    __slots__ = ("failures", "mask", "readable", "writable")

    def __init__(self, mask: int, readable: Optional[Callback], writable: Optional[Callback]) -> None:
        self.mask = mask
        self.readable = readable
        self.writable = writable
        self.failures = 0


class Loop:
    """A readiness loop on the monotonic clock.

    Every method but `call_soon_threadsafe` and `stop` belongs to the thread that runs the loop (or to the
    time before `run`). An exception in a callback goes to `on_error(what, exception)`, by default the log,
    and the loop goes on.
    """

    def __init__(self, poller: str = "auto", on_error: Optional[ErrorHook] = None) -> None:
        self._poller = make_poller(poller)
        self._on_error = on_error or _log_error
        self._watches: Dict[int, _Watch] = {}
        self._timers: List[Tuple[float, int, Timer]] = []
        self._timer_count = 0
        self._cancelled = 0
        self._ready: Deque[Tuple[Callable[..., None], Tuple[Any, ...]]] = deque()
        self._handed_in: Deque[Tuple[Callable[..., None], Tuple[Any, ...]]] = deque()
        self._beats: Deque[float] = deque(maxlen=BEATS_KEPT)
        self._stopping = False
        self._closed = False
        self._woken = False
        self._wake_lock = threading.Lock()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self.watch(self._wake_in, readable=self._on_woken)
        #: When this turn's poll returned: what is ready now was ready then, however long the turn takes.
        self.turn_s = monotonic()
        #: Counts turns; tells whether two moments belong to the same one.
        self.turn = 0

    @property
    def capacity(self) -> Optional[int]:
        """How many sockets can be watched at once, None where the poller sets no limit."""
        capacity: Optional[int] = self._poller.capacity
        return capacity

    @staticmethod
    def now() -> float:
        """Return the monotonic clock in seconds."""
        return monotonic()

    def watch(
        self, sock: socket.socket, readable: Optional[Callback] = None, writable: Optional[Callback] = None
    ) -> None:
        """Call back whenever the socket is ready; replaces what was watched on it. Neither callback = unwatch."""
        fd = sock.fileno()
        mask = (READABLE if readable else 0) | (WRITABLE if writable else 0)
        if not mask:
            self.unwatch(sock)
            return
        watch = self._watches.get(fd)
        if watch is None:
            self._poller.register(fd, mask)
            self._watches[fd] = _Watch(mask, readable, writable)
            return
        if watch.mask != mask:
            self._poller.modify(fd, mask)
            watch.mask = mask
        watch.readable = readable
        watch.writable = writable

    def unwatch(self, sock: socket.socket) -> None:
        """Stop watching; harmless if the socket is not watched. Call it before closing the socket."""
        fd = sock.fileno()
        if self._watches.pop(fd, None) is not None:
            self._poller.unregister(fd)

    def call_at(self, when_s: float, fn: Callable[..., None], *args: Any) -> Timer:
        """Call `fn(*args)` once the monotonic clock has reached `when_s`, never earlier."""
        timer = Timer(self, when_s, fn, args)
        self._timer_count += 1
        heapq.heappush(self._timers, (when_s, self._timer_count, timer))
        return timer

    def call_soon(self, fn: Callable[..., None], *args: Any) -> None:
        """Call in the next turn, after the sockets that are ready by then had theirs."""
        self._ready.append((fn, args))

    def call_soon_threadsafe(self, fn: Callable[..., None], *args: Any) -> None:
        """Call soon, from any thread. After the loop has closed the call is dropped."""
        self._handed_in.append((fn, args))
        with self._wake_lock:
            if self._woken or self._closed:
                return
            self._woken = True
            try:
                self._wake_out.send(b"\0")
            except OSError:
                self._woken = False

    def run(self) -> None:
        """Run until `stop`. May be run again after it has stopped."""
        self._stopping = False
        self._beats.clear()
        first_s = monotonic() + BEAT_S
        self._beat_timer = self.call_at(first_s, self._beat, first_s)
        try:
            while not self._stopping:
                self._run_turn()
        finally:
            self._beat_timer.cancel()

    def stop(self) -> None:
        """End `run` after the current turn. Safe from any thread."""
        self.call_soon_threadsafe(self._stop)

    def close(self) -> None:
        """Free the poller. The sockets that were watched belong to their owners and stay open."""
        with self._wake_lock:
            if self._closed:
                return
            self._closed = True
        self._poller.close()
        self._watches.clear()
        self._wake_in.close()
        self._wake_out.close()

    def lateness_p99_ms(self) -> float:
        """Return by how many ms the loop was late, 99th percentile of the last minute.

        What is not there yet of a minute counts as on time: one late beat right after the start is no overload.
        """
        latest = heapq.nlargest(BEATS_KEPT // 100 + 1, self._beats)
        return latest[-1] * 1000 if len(latest) > BEATS_KEPT // 100 else 0.0

    def on_timer_cancelled(self) -> None:
        """Count a cancelled timer; sweep them out once they are most of the heap."""
        self._cancelled += 1
        if self._cancelled > 256 and self._cancelled * 2 > len(self._timers):
            self._timers = [entry for entry in self._timers if entry[2].fn is not None]
            heapq.heapify(self._timers)
            self._cancelled = 0

    def _run_turn(self) -> None:
        ready = self._poller.poll(self._poll_timeout_s())
        self.turn_s = monotonic()
        self.turn += 1
        for fd, mask in ready:
            watch = self._watches.get(fd)
            if watch is None:
                continue
            try:
                if mask & WRITABLE and watch.writable is not None:
                    watch.writable()
                # The first callback may have closed the socket, or changed what is watched.
                if mask & READABLE and watch.readable is not None and self._watches.get(fd) is watch:
                    watch.readable()
                watch.failures = 0
            except Exception as exc:
                self._on_callback_failed(fd, watch, exc)
        self._run_timers()
        # Only the calls that are waiting now: those they add have the sockets served in between.
        for _ in range(len(self._ready)):
            fn, args = self._ready.popleft()
            try:
                fn(*args)
            except Exception as exc:
                self._on_error("a call", exc)

    def _run_timers(self) -> None:
        # Sockets come first in a turn: after a stall, what has arrived in time is not taken for a timeout.
        now_s = monotonic()
        while self._timers and self._timers[0][0] <= now_s:
            timer = heapq.heappop(self._timers)[2]
            fn, args = timer.fn, timer.args
            if fn is None:
                self._cancelled -= 1
                continue
            timer.fn = None
            try:
                fn(*args)
            except Exception as exc:
                self._on_error("a timer", exc)

    def _poll_timeout_s(self) -> float:
        if self._ready or self._stopping:
            return 0.0
        timers = self._timers
        while timers and timers[0][2].fn is None:
            heapq.heappop(timers)
            self._cancelled -= 1
        if not timers:
            return MAX_POLL_S
        return min(max(0.0, timers[0][0] - monotonic()), MAX_POLL_S)

    def _on_callback_failed(self, fd: int, watch: _Watch, exc: Exception) -> None:
        self._on_error("a socket's callback", exc)
        watch.failures += 1
        if watch.failures >= MAX_FAILURES_IN_A_ROW and self._watches.get(fd) is watch:
            del self._watches[fd]
            self._poller.unregister(fd)

    def _on_woken(self) -> None:
        with contextlib.suppress(OSError):
            self._wake_in.recv(64)
        with self._wake_lock:
            self._woken = False
        while self._handed_in:
            self._ready.append(self._handed_in.popleft())

    def _stop(self) -> None:
        self._stopping = True

    def _beat(self, planned_s: float) -> None:
        late_s = monotonic() - planned_s
        if late_s >= STOPPED_S:
            self._beats.clear()
        else:
            # A stall swallows beats; each counts with the lateness it would have had.
            for place in range(int(late_s / BEAT_S) + 1):
                self._beats.append(late_s - place * BEAT_S)
        next_s = planned_s + (int(late_s / BEAT_S) + 1) * BEAT_S
        self._beat_timer = self.call_at(next_s, self._beat, next_s)


def _log_error(what: str, exc: BaseException) -> None:
    _log.error("%s of the loop failed", what, exc_info=exc)
