"""The tcp check against servers on loopback: a connection, a talk, TLS."""

from __future__ import annotations

import socket
import threading
from typing import Callable, List

import pytest
from pingmon_probe.protocol import EXPECT_CAP_BYTES, CheckSpec

from .conftest import Rig
from .targets import Targets


def greeting(*pieces: bytes, then: bytes = b"") -> Callable[[socket.socket], None]:
    """Return a server that says the pieces one by one, and `then` after it was spoken to."""

    def serve(sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            sock.sendall(piece)
        if then and sock.recv(1_000):
            sock.sendall(then)
        sock.recv(1)  # until the other side ends

    return serve


def test_tcp_connection_that_stands_is_enough(rig: Rig, targets: Targets) -> None:
    result = rig.check(f"tcp://127.0.0.1:{targets.silent()}")
    assert (result.failure, result.message) == (None, "")
    assert (result.address, result.family) == ("127.0.0.1", 4)
    assert result.connect_ms == result.total_ms
    assert (result.tls_ms, result.request_ms, result.transfer_ms, result.facts) == (None, None, None, None)


def test_tcp_ipv6_is_taken_where_it_is_asked_for(rig: Rig, targets: Targets) -> None:
    result = rig.check(f"tcp://[::1]:{targets.port_v6}", family=6)
    assert (result.failure, result.address, result.family) == (None, "::1", 6)


def test_tcp_nobody_listening_is_a_refused_connection(rig: Rig, targets: Targets) -> None:
    result = rig.check(f"tcp://127.0.0.1:{targets.refused_port()}")
    assert result.failure == "connect_refused"
    assert "nothing listens" in result.message


def test_tcp_dropped_packets_end_with_the_timeout(rig: Rig, targets: Targets) -> None:
    result = rig.check(f"tcp://127.0.0.1:{targets.blackhole()}", timeout_ms=150)
    assert result.failure == "connect_timeout"
    assert result.total_ms is not None and result.total_ms >= 149


def test_tcp_greeting_is_found_also_across_pieces(rig: Rig, targets: Targets) -> None:
    port = targets.raw_server(greeting(b"SSH-", b"2.0-Open", b"SSH_9.2\r\n"))
    result = rig.check(f"tcp://127.0.0.1:{port}", expect="SSH-2.0-OpenSSH")
    assert (result.failure, result.message) == (None, "")
    assert result.facts is not None and result.facts["said"].startswith("SSH-2.0-OpenSSH")
    assert result.request_ms is not None and result.transfer_ms is not None


def test_tcp_answer_to_what_is_sent(rig: Rig, targets: Targets) -> None:
    port = targets.raw_server(greeting(then=b"+PONG\r\n"))
    result = rig.check(f"tcp://127.0.0.1:{port}", send=r"PING\r\n", expect="+PONG")
    assert (result.failure, result.facts) == (None, {"said": "+PONG"})
    assert result.body_bytes == 7


def test_tcp_what_is_sent_wants_any_answer(rig: Rig, targets: Targets) -> None:
    port = targets.raw_server(greeting(then=b"\x00\xff\r\n"))
    result = rig.check(f"tcp://127.0.0.1:{port}", send=r"\x01\x02")
    assert result.failure is None
    assert result.facts is not None and result.facts["said"].isprintable()


@pytest.mark.parametrize(
    ("server", "failure", "words"),
    [
        (greeting(b"500 no\r\n"), "timeout", "did not say “220 ” within 0.2 seconds; it said “500 no”"),
        (greeting(), "timeout", "took the connection but said nothing within 0.2 seconds"),
        (lambda sock: sock.sendall(b"500 no"), "content", "did not say “220 ” but “500 no”, and closed"),
        (lambda sock: None, "protocol", "closed the connection without saying anything"),
        (greeting(b"x" * EXPECT_CAP_BYTES), "content", "in the first 64 KB"),
    ],
)
def test_tcp_wrong_answer_is_told(
    rig: Rig, targets: Targets, server: Callable[[socket.socket], None], failure: str, words: str
) -> None:
    result = rig.check(f"tcp://127.0.0.1:{targets.raw_server(server)}", expect="220 ", timeout_ms=200)
    assert result.failure == failure
    assert words in result.message


def test_tcp_reset_in_the_talk_is_told(rig: Rig, targets: Targets) -> None:
    def reset(sock: socket.socket) -> None:
        sock.recv(10)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    result = rig.check(f"tcp://127.0.0.1:{targets.raw_server(reset)}", send="hello")
    assert result.failure == "protocol"
    assert "broke off the connection" in result.message


def test_tcp_by_tls_checks_the_certificate(rig: Rig, targets: Targets) -> None:
    request = r"GET /fast HTTP/1.0\r\n\r\n"
    port = targets.url("", "good").rpartition(":")[2]
    good = rig.check(f"tcp://localhost:{port}?tls=yes", send=request, expect="200")
    assert (good.failure, good.message) == (None, "")
    assert good.tls_ms is not None and good.certificate is not None
    assert good.certificate["verify_error"] is None

    port = targets.url("", "expired").rpartition(":")[2]
    bad = rig.check(f"tcp://localhost:{port}?tls=yes", send=request)
    assert bad.failure == "tls_verify"
    assert "expired" in bad.message
    ignored = rig.check(f"tcp://localhost:{port}?tls=yes", send=request, expect="200", ignore_certificate=True)
    assert ignored.failure is None
    assert ignored.certificate is not None and "expired" in ignored.certificate["verify_error"]


def test_tcp_private_address_is_refused_unless_allowed(rig: Rig, targets: Targets) -> None:
    rig.reconfigure(allow_private=False)
    result = rig.check(f"tcp://127.0.0.1:{targets.silent()}")
    assert result.failure == "refused_target"


def test_tcp_many_at_once_do_not_disturb_each_other(rig: Rig, targets: Targets) -> None:
    """Every one hears its own answer, whatever order they come in."""
    served: List[str] = []
    lock = threading.Lock()

    def echo(sock: socket.socket) -> None:
        word = sock.recv(100).decode()
        with lock:
            served.append(word)
        sock.sendall(f"<{word}>".encode())
        sock.recv(1)

    port = targets.raw_server(echo)
    words = [f"word{number}" for number in range(50)]
    specs = [CheckSpec(f"tcp://127.0.0.1:{port}", send=word, expect=f"<{word}>") for word in words]
    assert [result.failure for result in rig.check_all(specs)] == [None] * 50
    assert sorted(served) == sorted(words)
