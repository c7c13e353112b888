"""A name server on loopback that answers, and misbehaves, by the first label of the name that is asked for."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, OPT, CAA = 1, 2, 5, 6, 12, 15, 16, 28, 33, 41, 257


class Question(NamedTuple):
    """What was asked, and how."""

    id: int
    labels: Tuple[bytes, ...]
    type: int
    has_edns: bool
    is_udp: bool
    raw: bytes

    @property
    def word(self) -> str:
        return self.labels[0].decode() if self.labels else ""


def name(*labels: str) -> bytes:
    return b"".join(bytes((len(label),)) + label.encode() for label in labels) + b"\0"


def record(type_: int, data: bytes, ttl: int = 300, owner: bytes = b"\xc0\x0c") -> bytes:
    """Return a record; its owner is the name that was asked for, by a pointer, unless told."""
    return owner + struct.pack("!HHIH", type_, 1, ttl, len(data)) + data


EDNS = b"\0" + struct.pack("!HHIH", OPT, 1232, 0, 0)


def answer(
    question: Question,
    *records: bytes,
    flags: int = 0x8180,
    edns: bool = True,
    counts: Optional[Tuple[int, int, int, int]] = None,
    asked: Optional[bytes] = None,
) -> bytes:
    """Return a response with these records as answers. `flags` holds the response code in its last four bits."""
    has_edns = edns and question.has_edns
    counts = counts or (1, len(records), 0, int(has_edns))
    head = struct.pack("!HH4H", question.id, flags, *counts)
    asked = _asked(question) if asked is None else asked
    return head + asked + b"".join(records) + (EDNS if has_edns else b"")


def _asked(question: Question) -> bytes:
    return b"".join(bytes((len(label),)) + label for label in question.labels) + struct.pack(
        "!BHH", 0, question.type, 1
    )


def read_question(data: bytes, is_udp: bool) -> Question:
    labels: List[bytes] = []
    place = 12
    while data[place]:
        labels.append(data[place + 1 : place + 1 + data[place]])
        place += 1 + data[place]
    type_, _ = struct.unpack_from("!HH", data, place + 1)
    return Question(int.from_bytes(data[:2], "big"), tuple(labels), type_, data[11] == 1, is_udp, data)


Answers = Callable[[Question], List[bytes]]


class DnsServer:
    """Serves UDP and TCP on one port of 127.0.0.1. `answers` returns what to send back, none of it or several.

    `questions` lists what was asked, in order; `sockets` gives tests the raw way.
    """

    def __init__(self, answers: Answers, *, by_tcp: Optional[Callable[[Question], bytes]] = None) -> None:
        self._answers = answers
        self._by_tcp = by_tcp or self._framed
        self.questions: List[Question] = []
        self._is_closed = False
        self._udp, self._tcp = _bound_pair()
        self.port: int = self._udp.getsockname()[1]
        self._threads = [
            threading.Thread(target=self._serve_udp, daemon=True),
            threading.Thread(target=self._serve_tcp, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, word: str, record_type: str = "A") -> str:
        return f"dns://{word}.a.example?type={record_type}&server={self.place}"

    def close(self) -> None:
        # A datagram wakes the thread; shutting a listener down wakes its accept.
        self._is_closed = True
        with contextlib.suppress(OSError):
            self._udp.sendto(b"", self._udp.getsockname())
        self.stop_tcp()
        for thread in self._threads:
            thread.join()
        self._udp.close()
        self._tcp.close()

    def stop_tcp(self) -> None:
        """Listen on TCP no more."""
        with contextlib.suppress(OSError):
            self._tcp.shutdown(socket.SHUT_RDWR)

    def _serve_udp(self) -> None:
        while not self._is_closed:
            data, sender = self._udp.recvfrom(65535)
            if len(data) < 12:
                continue
            question = read_question(data, is_udp=True)
            self.questions.append(question)
            for message in self._answers(question):
                self._udp.sendto(message, sender)

    def _serve_tcp(self) -> None:
        while True:
            try:
                sock, _ = self._tcp.accept()
            except OSError:
                return
            with sock, contextlib.suppress(OSError):
                sock.settimeout(10)
                head = _exactly(sock, 2)
                question = read_question(_exactly(sock, int.from_bytes(head, "big")), is_udp=False)
                self.questions.append(question)
                sock.sendall(self._by_tcp(question))

    def _framed(self, question: Question) -> bytes:
        return b"".join(len(message).to_bytes(2, "big") + message for message in self._answers(question))


def _exactly(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise OSError("closed")
        data += more
    return data


def _bound_pair() -> Tuple[socket.socket, socket.socket]:
    """Return a datagram socket and a listener on the same port."""
    while True:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            tcp.bind(udp.getsockname())
            tcp.listen(16)
        except OSError:
            udp.close()
            tcp.close()
            continue
        return udp, tcp


#: Well-behaved answers by type.
GOOD: Dict[int, List[bytes]] = {
    A: [record(A, bytes((192, 0, 2, 2)), 120), record(A, bytes((192, 0, 2, 1)), 60)],
    AAAA: [record(AAAA, socket.inet_pton(socket.AF_INET6, "2001:db8::1"))],
    CNAME: [record(CNAME, name("WWW", "b", "example"))],
    NS: [record(NS, name("ns1", "a", "example"))],
    PTR: [record(PTR, name("host", "a", "example"))],
    MX: [record(MX, struct.pack("!H", 10) + name("mail", "a", "example"))],
    TXT: [record(TXT, b"\x07v=spf1 \x04-all"), record(TXT, b"\x05other")],
    SOA: [record(SOA, name("ns1", "a", "example") + name("admin", "a", "example") + struct.pack("!5I", 7, 1, 2, 3, 4))],
    SRV: [record(SRV, struct.pack("!3H", 1, 2, 5060) + name("sip", "a", "example"))],
    CAA: [record(CAA, b"\x00\x05issueca.example")],
}
