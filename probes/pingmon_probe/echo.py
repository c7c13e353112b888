"""ICMP echoes as bytes, and the sockets that carry them: unprivileged ones where the host allows it, else raw ones.

Source: RFC 792, RFC 4443 section 4; Linux icmp(7) (ping_group_range), ip(7) and ipv6(7) (IP_RECVERR), errqueue.h.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
from typing import Callable, NamedTuple, Optional

PAYLOAD_BYTES = 56
_HEADER = struct.Struct("!BBHHH")
#: Types of a question and its answer.
_TYPES = {socket.AF_INET: (8, 0), socket.AF_INET6: (128, 129)}
_ICMPV6 = 58
_RECVERR = {socket.AF_INET: (0, 11), socket.AF_INET6: (41, 25)}
#: Of raw sockets, from linux/icmp.h and linux/icmpv6.h: what is not let through, as one bit per type.
_SOL_RAW, _ICMP_FILTER = 255, 1
_ICMPV6_FILTER = 1
_EXTENDED_ERROR = struct.Struct("=IBBBBII")
_ANCILLARY_BYTES = 512

SocketMaker = Callable[[int, int, int], socket.socket]


class NotAllowed(Exception):
    """This host lets the probe send no echoes."""


class Unreachable(NamedTuple):
    """What a router or the target's own host said in place of an answer."""

    code: int
    #: Who said it, where that is known.
    offender: Optional[str]
    icmp_type: int = 0
    icmp_code: int = 0


def open_echo_socket(family: int, make: SocketMaker = socket.socket) -> socket.socket:
    """Return a socket that carries echoes of a family. Raises NotAllowed, OSError where the host has none left."""
    protocol = socket.IPPROTO_ICMP if family == socket.AF_INET else _ICMPV6
    try:
        sock = make(family, socket.SOCK_DGRAM, protocol)
    except OSError:
        try:
            sock = make(family, socket.SOCK_RAW, protocol)
        except PermissionError as exc:
            raise NotAllowed from exc
        _let_answers_through(sock, family)
    sock.setblocking(False)
    with contextlib.suppress(OSError):
        ask_for_errors(sock, family)
    return sock


def ask_for_errors(sock: socket.socket, family: int) -> None:
    """Have the system keep for this socket what routers say of its packets, where it does such a thing.

    Raises OSError where it refuses.
    """
    if sys.platform == "linux":
        level, option = _RECVERR[socket.AddressFamily(family)]
        sock.setsockopt(level, option, 1)


def _let_answers_through(sock: socket.socket, family: int) -> None:
    """Have the kernel drop what is no answer: a raw socket hears all of the host's ICMP."""
    if sys.platform != "linux":
        return
    answer = _TYPES[socket.AddressFamily(family)][1]
    with contextlib.suppress(OSError):
        if family == socket.AF_INET:
            sock.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", ~(1 << answer) & 0xFFFFFFFF))
        else:
            words = [0xFFFFFFFF] * 8
            words[answer >> 5] &= ~(1 << (answer & 31)) & 0xFFFFFFFF
            sock.setsockopt(_ICMPV6, _ICMPV6_FILTER, struct.pack("=8I", *words))


def echo_bytes(family: int, id_: int, sequence: int, token: bytes) -> bytes:
    """Return the question with a number; `token` (8 bytes) tells its answer from others'."""
    payload = token + bytes(range(PAYLOAD_BYTES - len(token)))
    question = _TYPES[socket.AddressFamily(family)][0]
    unsigned = _HEADER.pack(question, 0, 0, id_, sequence) + payload
    if family == socket.AF_INET6:
        return unsigned  # the kernel adds the checksum: it knows the addresses that belong to it
    return _HEADER.pack(question, 0, _checksum(unsigned), id_, sequence) + payload


def answered_sequence(family: int, data: bytes, token: bytes) -> Optional[int]:
    """Return the number of the question that a packet answers, None for any other packet."""
    if family == socket.AF_INET and data and data[0] >> 4 == 4:
        data = data[(data[0] & 0x0F) * 4 :]  # raw sockets, and macOS's, hand out the IP header
    if len(data) < _HEADER.size + len(token):
        return None
    type_, code, _, _, sequence = _HEADER.unpack_from(data)
    if type_ != _TYPES[socket.AddressFamily(family)][1] or code:
        return None
    return int(sequence) if data[_HEADER.size : _HEADER.size + len(token)] == token else None


def read_error(sock: socket.socket, family: int) -> Optional[Unreachable]:
    """Return the next error that was told to this socket, None where there is none (or the system does not tell)."""
    if sys.platform != "linux":
        return None
    try:
        _, ancillary, _, _ = sock.recvmsg(PAYLOAD_BYTES + 64, _ANCILLARY_BYTES, socket.MSG_ERRQUEUE)
    except OSError:
        return None
    for level, kind, content in ancillary:
        if (level, kind) == _RECVERR[socket.AddressFamily(family)] and len(content) >= _EXTENDED_ERROR.size:
            code, _origin, icmp_type, icmp_code, *_ = _EXTENDED_ERROR.unpack_from(content)
            return Unreachable(code, _offender(content[_EXTENDED_ERROR.size :]), icmp_type, icmp_code)
    return None


def _offender(address: bytes) -> Optional[str]:
    if len(address) < 8:
        return None
    (family,) = struct.unpack_from("=H", address)
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, address[4:8])
    if family == socket.AF_INET6 and len(address) >= 24:
        return socket.inet_ntop(socket.AF_INET6, address[8:24])
    return None


def _checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
