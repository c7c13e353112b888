"""DNS messages as bytes: a query to send, and a response to read. What is read comes from anybody, so all is bounded.

Source: RFC 1035 section 4 (messages, compression), RFC 6891 (EDNS), RFC 3596, RFC 2782, RFC 8659 (record data).
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Tuple

from .dns_record import ipv6_text, name_text, text_of_bytes

#: What a server may send in one datagram: fits every path that carries IPv6 (DNS flag day 2020).
UDP_PAYLOAD_BYTES = 1232
#: Records of a message that are read; more is not needed to judge it.
MAX_RECORDS = 1_000
NO_ERROR, FORMAT_ERROR, NO_SUCH_NAME = 0, 1, 3
RCODES = {
    0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN", 7: "YXRRSET",
    8: "NXRRSET", 9: "NOTAUTH", 10: "NOTZONE", 16: "BADVERS",
}  # fmt: skip

_HEADER = struct.Struct("!6H")
_RESPONSE, _AUTHORITATIVE, _TRUNCATED, _RECURSION, _AUTHENTIC = 0x8000, 0x0400, 0x0200, 0x0100, 0x0020
_OPCODE = 0x7800
_IN, _OPT = 1, 41
_MAX_LABELS = 127
_MAX_NAME_BYTES = 255


class MessageError(ValueError):
    """The bytes are no answer to the query. The message continues "SERVER answered with ..."."""


@dataclass(frozen=True)
class Response:
    """A response that belongs to its query. `answers` are the records of the type that was asked for, as text."""

    rcode: int
    is_truncated: bool
    is_authoritative: bool
    is_authentic: bool
    has_edns: bool
    answers: Tuple[str, ...]
    ttl_s: Optional[int]

    @property
    def rcode_name(self) -> str:
        return RCODES.get(self.rcode, f"RCODE{self.rcode}")


def query_bytes(id_: int, name: str, record_type: int, with_edns: bool = True) -> bytes:
    """Return a query for a name (dots between labels, "." for the root) that asks for recursion. Raises ValueError.

    With EDNS it asks to be told whether the answer is authentic as well (RFC 6840, 5.7): nobody says that unasked.
    """
    flags = _RECURSION | (_AUTHENTIC if with_edns else 0)
    header = _HEADER.pack(id_, flags, 1, 0, 0, 1 if with_edns else 0)
    question = name_bytes(name) + struct.pack("!HH", record_type, _IN)
    edns = b"\0" + struct.pack("!HHIH", _OPT, UDP_PAYLOAD_BYTES, 0, 0) if with_edns else b""
    return header + question + edns


def name_bytes(name: str) -> bytes:
    parts = []
    for label in name.rstrip(".").split(".") if name != "." else ():
        raw = label.encode("ascii")
        if not 0 < len(raw) <= 63:
            raise ValueError(f"not a name: {name!r:.80}")
        parts.append(bytes((len(raw),)) + raw)
    whole = b"".join(parts) + b"\0"
    if len(whole) > _MAX_NAME_BYTES:
        raise ValueError(f"not a name: {name!r:.80}")
    return whole


def reverse_name(host: str) -> str:
    """Return the name under which a numeric address has its PTR record; any other name as it is."""
    try:
        return ipaddress.ip_address(host).reverse_pointer
    except ValueError:
        return host


def is_answer_to(query: bytes, data: bytes) -> bool:
    """Return whether a datagram answers this query: others (late, or somebody's guess) are not ours."""
    if len(data) < _HEADER.size or data[:2] != query[:2]:
        return False
    _, flags, questions, *_ = _HEADER.unpack_from(data)
    if not flags & _RESPONSE or flags & _OPCODE:
        return False
    if not questions:
        return True  # some servers leave the question out of an error
    end = query.index(b"\0", _HEADER.size) + 5
    return data[_HEADER.size : end].lower() == query[_HEADER.size : end].lower()


def read_response(data: bytes, record_type: int) -> Response:
    """Read a response for which `is_answer_to` is true. Raises MessageError."""
    try:
        return _read_response(data, record_type)
    except (struct.error, IndexError, ValueError, OverflowError) as exc:
        if isinstance(exc, MessageError):
            raise
        raise MessageError("a message that cannot be read") from exc


def _read_response(data: bytes, record_type: int) -> Response:
    _, flags, questions, answer_count, authority_count, additional_count = _HEADER.unpack_from(data)
    if questions > 1:
        raise MessageError("more than one question")
    place = _HEADER.size
    if questions:
        _, place = _read_name(data, place)
        place += 4
    rcode = flags & 0x000F
    is_truncated = bool(flags & _TRUNCATED)
    answers: List[str] = []
    ttl_s: Optional[int] = None
    has_edns = False
    for number in range(min(answer_count + authority_count + additional_count, MAX_RECORDS)):
        try:
            _, place = _read_name(data, place)
            type_, class_, ttl, size = struct.unpack_from("!HHIH", data, place)
        except (struct.error, IndexError):
            if is_truncated:
                break  # where it was cut off
            raise
        place += 10
        if place + size > len(data):
            if is_truncated:
                break
            raise MessageError("a record that is longer than the message")
        if number < answer_count and type_ == record_type and class_ == _IN:
            answers.append(_READERS[type_](data, place, place + size))
            ttl_s = ttl if ttl_s is None else min(ttl, ttl_s)
        elif number >= answer_count + authority_count and type_ == _OPT:
            has_edns = True
            rcode |= (ttl >> 24) << 4
        place += size
    return Response(
        rcode=rcode,
        is_truncated=is_truncated,
        is_authoritative=bool(flags & _AUTHORITATIVE),
        is_authentic=bool(flags & _AUTHENTIC),
        has_edns=has_edns,
        answers=tuple(sorted(set(answers))),
        ttl_s=ttl_s,
    )


def _read_name(data: bytes, place: int) -> Tuple[str, int]:
    """Return (name, where what follows it begins). A pointer may only lead back, so no name is endless."""
    labels: List[bytes] = []
    size, end, limit = 0, -1, place
    while True:
        length = data[place]
        if length & 0xC0 == 0xC0:
            target = (length & 0x3F) << 8 | data[place + 1]
            end = place + 2 if end < 0 else end
            if target >= limit:
                raise MessageError("a name that leads forward or in a circle")
            place = limit = target
            continue
        if length & 0xC0:
            raise MessageError("a name of an unknown form")
        place += 1
        if not length:
            return name_text(tuple(labels)), place if end < 0 else end
        label = data[place : place + length]
        size += length + 1
        if len(label) < length or size >= _MAX_NAME_BYTES or len(labels) >= _MAX_LABELS:
            raise MessageError("a name that is too long")
        labels.append(label)
        place += length


Reader = Callable[[bytes, int, int], str]


def _name(data: bytes, start: int, end: int) -> str:
    name, after = _read_name(data, start)
    if after != end:
        raise MessageError("a record whose length is wrong")
    return name


def _numbers_and_name(layout: str) -> Reader:
    numbers = struct.Struct(layout)

    def read(data: bytes, start: int, end: int) -> str:
        values = numbers.unpack_from(data, start)
        return " ".join([*map(str, values), _name(data, start + numbers.size, end)])

    return read


def _soa(data: bytes, start: int, end: int) -> str:
    primary, place = _read_name(data, start)
    mailbox, place = _read_name(data, place)
    numbers = struct.unpack_from("!5I", data, place)
    if place + 20 != end:
        raise MessageError("a record whose length is wrong")
    return " ".join([primary, mailbox, *map(str, numbers)])


def _ipv4(data: bytes, start: int, end: int) -> str:
    return str(ipaddress.IPv4Address(data[start:end]))


def _ipv6(data: bytes, start: int, end: int) -> str:
    return ipv6_text(ipaddress.IPv6Address(data[start:end]))


def _txt(data: bytes, start: int, end: int) -> str:
    parts = []
    while start < end:
        size = data[start]
        if start + 1 + size > end:
            raise MessageError("a record whose length is wrong")
        parts.append(data[start + 1 : start + 1 + size])
        start += 1 + size
    return text_of_bytes(b"".join(parts))


def _caa(data: bytes, start: int, end: int) -> str:
    flags, size = data[start], data[start + 1]
    tag = data[start + 2 : start + 2 + size]
    if not size or start + 2 + size > end or not tag.isalnum():
        raise MessageError("a record whose length is wrong")
    return f'{flags} {tag.decode("ascii").lower()} "{text_of_bytes(data[start + 2 + size : end])}"'


_READERS: Dict[int, Reader] = {
    1: _ipv4,
    2: _name,
    5: _name,
    6: _soa,
    12: _name,
    15: _numbers_and_name("!H"),
    16: _txt,
    28: _ipv6,
    33: _numbers_and_name("!3H"),
    257: _caa,
}
