"""The icmp check: echoes to a host that answers as told, and to this computer by its own kernel."""

from __future__ import annotations

import socket
import struct
import threading
from typing import Any, Callable, Iterator, List

import pytest
from pingmon_probe.echo import NotAllowed, answered_sequence, echo_bytes, open_echo_socket

from .conftest import Rig

_HEADER = struct.Struct("!BBHHH")


class EchoHost:
    """Answers echoes that come in datagrams: no host lets everybody make sockets for the real ones.

    `answer(sequence, question, send)` decides what comes back.
    """

    def __init__(self) -> None:
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind(("127.0.0.1", 0))
        self.place = self._sock.getsockname()
        self.answer: Callable[[int, bytes, Callable[[bytes], None]], None] = lambda n, question, send: send(
            reply(question)
        )
        self.heard: List[int] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def socket_for(self, family: int) -> socket.socket:
        place = self.place

        class Line(socket.socket):
            def connect(self, address: Any) -> None:
                super().connect(place)

        sock = Line(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        return sock

    def close(self) -> None:
        self._sock.sendto(b"", self.place)

    def _serve(self) -> None:
        with self._sock:
            while True:
                question, sender = self._sock.recvfrom(2_000)
                if not question:
                    return
                sequence = _HEADER.unpack_from(question)[4]
                self.heard.append(sequence)
                self.answer(sequence, question, lambda data, sender=sender: self._sock.sendto(data, sender))


def reply(question: bytes) -> bytes:
    return b"\0\0" + question[2:]


@pytest.fixture
def host(rig: Rig) -> Iterator[EchoHost]:
    made = EchoHost()
    rig.reconfigure(open_echo=made.socket_for)
    yield made
    made.close()


def test_icmp_every_echo_comes_back(rig: Rig, host: EchoHost) -> None:
    result = rig.check("icmp://127.0.0.1", echo_count=3, timeout_ms=1_000)
    assert (result.failure, result.message) == (None, "")
    assert host.heard == [0, 1, 2]
    facts = result.facts
    assert facts is not None and (facts["sent"], facts["received"]) == (3, 3)
    assert facts["rtt_min_ms"] <= facts["rtt_avg_ms"] <= facts["rtt_max_ms"]
    # The pauses between them are in no phase.
    assert result.total_ms == result.request_ms == pytest.approx(facts["rtt_avg_ms"], abs=0.002)
    assert (result.address, result.family) == ("127.0.0.1", 4)


@pytest.mark.parametrize(("max_loss_percent", "failure"), [(99, None), (34, None), (33, "loss"), (0, "loss")])
def test_icmp_loss_is_offline_above_what_is_allowed(
    rig: Rig, host: EchoHost, max_loss_percent: int, failure: str
) -> None:
    host.answer = lambda n, question, send: None if n == 1 else send(reply(question))
    result = rig.check("icmp://127.0.0.1", echo_count=3, timeout_ms=300, max_loss_percent=max_loss_percent)
    assert result.failure == failure
    assert result.message == "1 of 3 echoes sent to 127.0.0.1 was lost."
    assert result.facts is not None and (result.facts["sent"], result.facts["received"]) == (3, 2)


def test_icmp_nothing_comes_back_is_a_timeout(rig: Rig, host: EchoHost) -> None:
    host.answer = lambda n, question, send: None
    result = rig.check("icmp://127.0.0.1", echo_count=2, timeout_ms=200)
    assert result.failure == "timeout"
    assert "None of 2 echoes" in result.message
    assert result.facts == {"sent": 2, "received": 0}
    assert result.total_ms is not None and result.total_ms >= 199


def test_icmp_what_is_not_ours_is_passed_over(rig: Rig, host: EchoHost) -> None:
    """Others' answers, doubles, answers nobody asked for, and rubbish change no number."""

    def answer(sequence: int, question: bytes, send: Callable[[bytes], None]) -> None:
        send(b"\0")
        send(reply(question)[:8] + b"another tokenxxxx")
        send(b"\x03\x01" + reply(question)[2:])
        send(_HEADER.pack(0, 0, 0, 0, 999) + question[8:])
        send(reply(question))
        send(reply(question))

    host.answer = answer
    result = rig.check("icmp://127.0.0.1", echo_count=2, timeout_ms=500)
    assert result.failure is None
    assert result.facts is not None and (result.facts["sent"], result.facts["received"]) == (2, 2)


def test_icmp_answer_behind_an_ip_header_is_read() -> None:
    token = bytes(8)
    question = echo_bytes(socket.AF_INET, 7, 3, token)
    header = bytes((0x46,)) + bytes(23)
    assert answered_sequence(socket.AF_INET, header + reply(question), token) == 3
    assert answered_sequence(socket.AF_INET, header, token) is None


def test_icmp_nobody_listening_is_told(rig: Rig) -> None:
    def nowhere(family: int) -> socket.socket:
        bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        bound.bind(("127.0.0.1", 0))
        place = bound.getsockname()
        bound.close()

        class Line(socket.socket):
            def connect(self, address: Any) -> None:
                super().connect(place)

        sock = Line(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        return sock

    rig.reconfigure(open_echo=nowhere)
    result = rig.check("icmp://127.0.0.1", echo_count=1, timeout_ms=500)
    assert result.failure == "connect_refused"
    assert result.message.startswith("127.0.0.1 did not answer any echo")


def test_icmp_host_that_allows_no_echoes_has_no_vote_and_says_how(rig: Rig) -> None:
    def forbidden(family: int) -> socket.socket:
        raise NotAllowed

    rig.reconfigure(open_echo=forbidden)
    result = rig.check("icmp://127.0.0.1")
    assert result.failure == "internal"
    assert "does not let it send echoes" in result.message or "administrator" in result.message


def test_icmp_unprivileged_socket_is_tried_first_and_a_raw_one_then() -> None:
    tried: List[int] = []

    def make(family: int, kind: int, protocol: int) -> socket.socket:
        tried.append(kind)
        raise PermissionError

    with pytest.raises(NotAllowed):
        open_echo_socket(socket.AF_INET, make)
    assert tried == [socket.SOCK_DGRAM, socket.SOCK_RAW]


@pytest.mark.parametrize(("target", "family"), [("127.0.0.1", socket.AF_INET), ("[::1]", socket.AF_INET6)])
def test_icmp_this_computer_answers_or_the_probe_says_why_not(rig: Rig, target: str, family: int) -> None:
    """By the real kernel, as far as this host lets this user."""
    try:
        open_echo_socket(family).close()
        is_allowed = True
    except NotAllowed:
        is_allowed = False
    result = rig.check(f"icmp://{target}", echo_count=2, timeout_ms=1_000)
    assert result.failure == (None if is_allowed else "internal"), result.message
    if is_allowed:
        assert result.facts is not None and (result.facts["sent"], result.facts["received"]) == (2, 2)
        assert result.total_ms is not None and result.total_ms < 500


def test_icmp_private_address_is_refused_unless_allowed(rig: Rig) -> None:
    rig.reconfigure(allow_private=False)
    assert rig.check("icmp://127.0.0.1").failure == "refused_target"
