"""Streams through the channels of one SSH connection, and the thread that carries their bytes to and from the loop.

paramiko may block wherever it sends something, and reading sends as well (it opens the window), so all of that is done
by one pump thread a tunnel. A stream belongs to the event loop; only its channel is the pump's.
"""

from __future__ import annotations

import asyncio
import math
import queue
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import paramiko

PIECE_BYTES = 64 * 1024
#: A stream that nobody reads from holds no more than this and a piece; SSH's window then holds the probe up.
FULL_BYTES = 256 * 1024
#: How often a full SSH window is looked at again while something waits to be sent.
WINDOW_S = 0.02
#: What paramiko raises where the connection is gone, or does not come out of an exchange of keys.
GONE = (OSError, EOFError, paramiko.SSHException)

_Order = Callable[[], None]


class Pump(threading.Thread):
    """Carries bytes between the channels of one tunnel and the loop, until `stop`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._loop = loop
        self._orders: queue.SimpleQueue[_Order] = queue.SimpleQueue()
        self._streams: set[ChannelStream] = set()
        #: Those whose SSH window was full.
        self._stuck: set[ChannelStream] = set()
        self._is_stopping = False

    # From other threads

    def add(self, stream: ChannelStream) -> None:
        self._orders.put(partial(self._add, stream))

    def read(self, stream: ChannelStream) -> None:
        """See whether there is something to read, and room for it."""
        self._orders.put(partial(self._read, stream))

    def write(self, stream: ChannelStream) -> None:
        """Send what waits to be sent."""
        self._orders.put(partial(self._write, stream))

    def remove(self, stream: ChannelStream) -> None:
        self._orders.put(partial(self._remove, stream))

    def stop(self) -> None:
        self._orders.put(self._stop)

    # On the pump's thread

    def run(self) -> None:
        try:
            while not self._is_stopping:
                with suppress(queue.Empty):
                    self._orders.get(timeout=WINDOW_S if self._stuck else None)()
                for stream in list(self._stuck):
                    self._write(stream)
        finally:
            for stream in list(self._streams):
                self._tell(stream.ended)
                self._remove(stream)

    def _stop(self) -> None:
        self._is_stopping = True

    def _add(self, stream: ChannelStream) -> None:
        self._streams.add(stream)
        # Channel.fileno would do as well, but its pipe may be closed by one thread while another writes into it.
        stream.channel.in_buffer.set_event(_Readiness(partial(self.read, stream)))

    def _remove(self, stream: ChannelStream) -> None:
        self._streams.discard(stream)
        self._stuck.discard(stream)
        stream.channel.in_buffer.set_event(_DEAF)
        close_channel(stream.channel)

    def _read(self, stream: ChannelStream) -> None:
        while stream in self._streams and stream.has_room():
            try:
                data = stream.channel.recv(PIECE_BYTES)
            except TimeoutError:
                return
            except GONE:
                data = b""
            if not data:
                self._remove(stream)
                self._tell(stream.ended)
                return
            stream.fed_bytes += len(data)
            self._tell(stream.fed, data)

    def _write(self, stream: ChannelStream) -> None:
        self._stuck.discard(stream)
        try:
            while stream.outgoing:
                if not stream.channel.send_ready():
                    self._stuck.add(stream)
                    return
                piece = stream.outgoing.popleft()
                sent = stream.channel.send(piece)
                if not sent:
                    raise ConnectionError("the channel is closed")
                if sent < len(piece):
                    stream.outgoing.appendleft(piece[sent:])
                stream.sent_bytes += sent
                if stream.is_write_waiting and not stream.is_backed_up:
                    self._tell(stream.sent)
        except GONE:
            # An answer may have come before; what ends the stream is the end of what is read.
            stream.outgoing.clear()
            self._tell(stream.deaf)

    def _tell(self, told: Callable[..., None], *values: object) -> None:
        try:
            self._loop.call_soon_threadsafe(told, *values)
        except RuntimeError:  # the loop is closed
            self._is_stopping = True


class _Readiness(threading.Event):
    """What paramiko's buffer sets and clears, always under its own lock: whether there is something to read."""

    def __init__(self, tell: Callable[[], None]) -> None:
        super().__init__()
        self._tell = tell
        self._is_ready = False

    def set(self) -> None:
        if not self._is_ready:
            self._is_ready = True
            self._tell()

    def clear(self) -> None:
        self._is_ready = False


#: What a closed channel's buffer sets.
_DEAF = threading.Event()


class ChannelStream:
    """One stream through a tunnel. It belongs to the loop, all but what the pump says it touches.

    Each count of bytes is written by one thread only; who waits for the other says so first, then looks again.
    """

    def __init__(self, channel: paramiko.Channel, pump: Pump) -> None:
        """Take the channel over."""
        channel.settimeout(0.0)
        self.channel = channel
        #: Pieces to send; the loop appends, the pump takes.
        self.outgoing: deque[bytes] = deque()
        #: Counted by the pump.
        self.fed_bytes = 0
        self.sent_bytes = 0
        self.is_write_waiting = False
        self._pump = pump
        self._loop = asyncio.get_running_loop()
        self._incoming: deque[bytes] = deque()
        self._taken_bytes = 0
        self._queued_bytes = 0
        self._is_held = False
        self._has_ended = False
        self._is_deaf = False
        self._is_closed = False
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._late_s = 0.0
        self._alarm: asyncio.Handle | None = None
        self._alarm_s = 0.0
        pump.add(self)

    # For whoever uses the stream

    async def read(self, most: int, timeout_s: float | None = None) -> bytes:
        """Return up to `most` bytes as soon as there are any; b"" at the end. Raises TimeoutError."""
        if not self.is_readable:
            self._reader = self._loop.create_future()
            self._expect_within(timeout_s)
            try:
                await self._reader
            finally:
                self._reader = None
        return self._take(most) if self._incoming else b""

    async def write(self, data: bytes) -> None:
        """Send all of it; return as soon as little of it still waits. Raises ConnectionError at the stream's end."""
        if self._is_deaf or self._is_closed:
            raise ConnectionError("the stream has ended")
        self.outgoing.extend(data[start : start + PIECE_BYTES] for start in range(0, len(data), PIECE_BYTES))
        self._queued_bytes += len(data)
        self._pump.write(self)
        self.is_write_waiting = True
        if self.is_backed_up:
            self._writer = self._loop.create_future()
            try:
                await self._writer
            finally:
                self._writer = None
        self.is_write_waiting = False

    @property
    def is_readable(self) -> bool:
        """Whether a read would return at once: for an idle connection that means it was closed."""
        return bool(self._incoming) or self._has_ended or self._is_closed

    def close(self) -> None:
        """Close it; whoever reads sees the end. Harmless if it is closed."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._alarm is not None:
            self._alarm.cancel()
        self._incoming.clear()
        _finish(self._reader)
        self._wake_writer()
        self._pump.remove(self)

    # For the pump, on its thread

    def has_room(self) -> bool:
        """Whether another piece may come; if not, the loop asks again once there is room."""
        if self.fed_bytes - self._taken_bytes <= FULL_BYTES:
            return True
        self._is_held = True
        # The loop may have taken everything just before it could see that something is held.
        return self.fed_bytes - self._taken_bytes <= FULL_BYTES

    @property
    def is_backed_up(self) -> bool:
        """Whether more waits to be sent than a writer should leave behind."""
        return self._queued_bytes - self.sent_bytes > FULL_BYTES

    # Told by the pump, on the loop

    def fed(self, data: bytes) -> None:
        if self._is_closed:
            return
        self._incoming.append(data)
        _finish(self._reader)

    def sent(self) -> None:
        _finish(self._writer)

    def deaf(self) -> None:
        """The other end takes no more."""
        self._is_deaf = True
        self._wake_writer()

    def ended(self) -> None:
        self._has_ended = True
        _finish(self._reader)
        self.deaf()

    # Own

    def _take(self, most: int) -> bytes:
        data = self._incoming.popleft()
        if len(data) > most:
            self._incoming.appendleft(data[most:])
            data = data[:most]
        self._taken_bytes += len(data)
        if self._is_held and self.fed_bytes - self._taken_bytes <= FULL_BYTES // 2:
            self._is_held = False
            self._pump.read(self)
        return data

    def _wake_writer(self) -> None:
        if self._writer is not None and not self._writer.done():
            self._writer.set_exception(ConnectionError("the stream has ended"))

    def _expect_within(self, timeout_s: float | None) -> None:
        """Let the reader end with TimeoutError if nothing comes; None = it may take for ever.

        One timer lasts for many reads: Qt keeps a timer that was cancelled until its time has come.
        """
        self._late_s = math.inf if timeout_s is None else self._loop.time() + timeout_s
        if self._alarm is not None and self._alarm_s > self._late_s:
            self._alarm.cancel()
            self._alarm = None
        if self._alarm is None and timeout_s is not None:
            self._set_alarm()

    def _set_alarm(self) -> None:
        self._alarm_s = self._late_s
        self._alarm = self._loop.call_at(self._late_s, self._on_alarm)

    def _on_alarm(self) -> None:
        self._alarm = None
        if self._reader is None or self._reader.done() or self._late_s == math.inf:
            return
        if self._loop.time() < self._late_s:
            self._set_alarm()
        else:
            self._reader.set_exception(TimeoutError("nothing came in time"))


def close_channel(channel: paramiko.Channel) -> None:
    """Close a channel, whatever has become of its connection. May block."""
    with suppress(*GONE):
        channel.close()


def _finish(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
