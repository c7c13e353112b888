"""When bytes arrived: by the kernel's receive stamps where it gives them (Linux), else by the loop's clock.

Both ways share one small interface (`Stamps`). A stamp is a time on the monotonic clock, in seconds.
Source: Linux Documentation/networking/timestamping.rst and include/uapi/linux/tcp.h.
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from typing import Callable, Optional, Tuple

from .loop import Loop

KERNEL = "kernel"
USER = "user"

# From asm-generic/socket.h and linux/net_tstamp.h; Python does not name them before 3.14.
_SO_TIMESTAMPING = 37
_RX_SOFTWARE = 1 << 3
_SOFTWARE = 1 << 4
_TIMESPEC_64 = struct.Struct("=qq")
_TIMESPEC_32 = struct.Struct("=ii")
#: Room for SCM_TIMESTAMPING: three timespecs and the header.
_ANCILLARY_BYTES = 128
# struct tcp_info: eight bytes, then 32-bit words; tcpi_rtt (us) is word 15, tcpi_total_retrans word 23.
_TCP_INFO_BYTES = 104
_TCP_INFO = struct.Struct("=68xI28xI")
#: Largest drift of wall against monotonic clock taken for slewing (500 ppm and its reading error), not a step.
_SLEW = 0.001
_READING_ERROR_S = 0.0002


class Stamps:
    """The loop's clock: a thing happened when the poll that told about it returned.

    That is later than the truth by what the loop was busy with before the poll, and by nothing of what
    it does after it. macOS and Windows have only this.
    """

    name = USER

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def prepare(self, sock: socket.socket) -> None:
        """Ask the kernel for stamps on a new socket, where it has them."""

    def receive(self, sock: socket.socket, size: int) -> Tuple[bytes, float, str]:
        """Read up to `size` bytes: (data, when the last of them arrived, whose clock). OSError as of recv."""
        return sock.recv(size), self._loop.turn_s, USER

    def connected(self, sock: socket.socket, started_s: float) -> Tuple[float, str, bool]:
        """Return (when the connection stood, whose clock, whether a packet had to be sent again)."""
        return self._loop.turn_s, USER, False

    def close(self) -> None:
        """Free what is held."""


class KernelStamps(Stamps):
    """Linux: software receive stamps of the network stack, and the handshake's round trip as TCP saw it.

    The kernel stamps with the wall clock. The offset to the monotonic clock is read once per turn; in a
    turn in which it was stepped, or where a packet carries no stamp, the loop's clock stands in.
    """

    name = KERNEL

    def __init__(self, loop: Loop, read_offset: Optional[Callable[[], Tuple[float, float]]] = None) -> None:
        super().__init__(loop)
        self._read_offset = read_offset or _read_offset
        # Packets are only stamped while some socket asks for it: this one does, so the first packet of a
        # check that starts from idle has its stamp.
        self._idle = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._idle.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPING, _RX_SOFTWARE | _SOFTWARE)
        except OSError:
            self._idle.close()
            raise
        self._turn = -1
        self._read_s, self._offset_s = self._read_offset()
        self._is_steady = True

    def prepare(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPING, _RX_SOFTWARE | _SOFTWARE)

    def receive(self, sock: socket.socket, size: int) -> Tuple[bytes, float, str]:
        data, ancillary, _, _ = sock.recvmsg(size, _ANCILLARY_BYTES)
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPING:
                stamp_s = self._to_monotonic(content)
                if stamp_s is not None:
                    return data, stamp_s, KERNEL
        return data, self._loop.turn_s, USER

    def connected(self, sock: socket.socket, started_s: float) -> Tuple[float, str, bool]:
        rtt_us, retransmits = _TCP_INFO.unpack(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES))
        # After a retransmission the round trip is not the whole wait; with none measured it is 0.
        if retransmits or not rtt_us:
            return self._loop.turn_s, USER, bool(retransmits)
        return started_s + rtt_us / 1e6, KERNEL, False

    def close(self) -> None:
        self._idle.close()

    def _to_monotonic(self, content: bytes) -> Optional[float]:
        seconds, nanoseconds = (_TIMESPEC_64 if len(content) >= 48 else _TIMESPEC_32).unpack_from(content)
        if not seconds:
            return None
        if self._turn != self._loop.turn:
            self._turn = self._loop.turn
            read_s, offset_s = self._read_offset()
            allowed_s = _READING_ERROR_S + (read_s - self._read_s) * _SLEW
            self._is_steady = abs(offset_s - self._offset_s) <= allowed_s
            self._read_s, self._offset_s = read_s, offset_s
        if not self._is_steady:
            return None
        stamp_s: float = seconds + nanoseconds / 1e9 - self._offset_s
        return stamp_s


def _read_offset() -> Tuple[float, float]:
    """Return (monotonic now, wall minus monotonic), in seconds, read again if the two readings were torn apart."""
    best_s, best = 1.0, (0.0, 0.0)
    for _ in range(3):
        before_s = time.monotonic()
        wall_s = time.time()
        after_s = time.monotonic()
        if after_s - before_s < best_s:
            best_s, best = after_s - before_s, (after_s, wall_s - (before_s + after_s) / 2)
        if best_s < 0.00002:
            break
    return best


def make_stamps(loop: Loop, name: str = "auto") -> Stamps:
    """Return kernel stamps where the system has them for "auto", the loop's clock for "user". Raises ValueError."""
    if name not in ("auto", USER):
        raise ValueError(f"stamps must be auto or user, not {name!r}")
    if name == "auto" and sys.platform == "linux":
        try:
            return KernelStamps(loop)
        except OSError:
            # A kernel or sandbox without stamps: the loop's clock works everywhere.
            return Stamps(loop)
    return Stamps(loop)
