"""The probe's service by TLS on a loop of its own: slow, broken and strange clients; the rest as without TLS."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trustme
from pingmon_probe.http_service import HIGH_WATER_BYTES, Limits
from pingmon_probe.tls import server_context

from tests.probe.test_service_http import GET, HEAD, Bench, read_answers, read_until_last_chunk


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def context(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    certificate = authority.issue_cert("127.0.0.1")
    folder = tmp_path_factory.mktemp("tls")
    certificate.cert_chain_pems[0].write_to_path(str(folder / "crt"))
    certificate.private_key_pem.write_to_path(str(folder / "key"))
    return server_context(str(folder / "crt"), str(folder / "key"))


@pytest.fixture
def bench(request: pytest.FixtureRequest, context: ssl.SSLContext) -> Iterator[Bench]:
    made = Bench(getattr(request, "param", Limits()), context)
    yield made
    made.close()


@pytest.fixture
def client(authority: trustme.CA) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(made)
    return made


def connect(bench: Bench, client: ssl.SSLContext) -> ssl.SSLSocket:
    return client.wrap_socket(bench.connect(), server_hostname="127.0.0.1")


def is_served(bench: Bench, client: ssl.SSLContext) -> bool:
    with connect(bench, client) as sock:
        sock.sendall(GET)
        return read_answers(sock, 1)[0][0] == 200


def test_requests_are_answered_by_tls_1_3(bench: Bench, client: ssl.SSLContext) -> None:
    with connect(bench, client) as sock:
        assert sock.version() == "TLSv1.3"
        sock.sendall(GET * 20)
        assert [status for status, _ in read_answers(sock, 20)] == [200] * 20
        sock.sendall(f"PUT /echo HTTP/1.1\r\n{HEAD}Content-Length: 1000\r\n\r\n".encode() + b"x" * 1000)
        assert read_answers(sock, 1)[0][1]["body"] == "x" * 1000


def test_handshake_and_request_may_come_byte_by_byte(bench: Bench, client: ssl.SSLContext) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with bench.connect() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def send() -> None:
            for byte in outgoing.read():
                sock.sendall(bytes((byte,)))

        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                send()
                incoming.write(sock.recv(65_536))
        tls.write(GET)
        send()
        answer = b""
        while not answer.endswith(b"}"):
            try:
                answer += tls.read(65_536)
            except ssl.SSLWantReadError:
                incoming.write(sock.recv(65_536))
        assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\xff\xff" + b"\x00" * 100,
        b"\x00" * 5_000,
        b"\x15\x03\x03\x00\x02\x02\x28",
    ],
    ids=["http", "record-too-long", "zeros", "alert"],
)
def test_what_is_not_tls_is_cut_and_others_are_served(bench: Bench, client: ssl.SSLContext, nonsense: bytes) -> None:
    with bench.connect() as sock:
        sock.sendall(nonsense)
        assert b"HTTP" not in read_all(sock)
    assert is_served(bench, client)


def read_all(sock: socket.socket) -> bytes:
    """Return what comes until the other side ends the connection, by whatever means."""
    data = b""
    try:
        while more := sock.recv(65_536):
            data += more
    except ConnectionError:
        pass
    return data


@pytest.mark.parametrize("bench", [Limits(header_s=0.05)], indirect=True)
def test_client_that_does_not_finish_its_handshake_is_cut(bench: Bench) -> None:
    for sent in (b"", b"\x16\x03\x01\x02\x00\x01\x00"):
        with bench.connect() as sock:
            sock.sendall(sent)
            assert read_all(sock) == b""


def test_damaged_record_ends_the_connection_and_nothing_of_it_is_answered(bench: Bench, client: ssl.SSLContext) -> None:
    with bench.connect() as raw:
        sock = client.wrap_socket(raw.dup(), server_hostname="127.0.0.1")
        with sock:
            sock.sendall(GET)
            read_answers(sock, 1)
            raw.sendall(b"\x17\x03\x03\x00\x20" + b"z" * 32)
            with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
                sock.recv(1)
    assert is_served(bench, client)


def test_client_that_ends_tls_or_vanishes_costs_nothing(bench: Bench, client: ssl.SSLContext) -> None:
    with connect(bench, client) as sock:
        sock.sendall(GET.replace(b"/echo", b"/stream"))
        assert sock.recv(1)
    assert bench.application.gone.wait(20)
    with connect(bench, client) as sock:
        sock.sendall(GET.replace(b"/echo", b"/never"))
        with suppress(ssl.SSLError):  # the probe cuts the connection without a farewell of its own
            sock.unwrap().close()
    assert is_served(bench, client)


def test_stream_waits_for_a_client_that_does_not_read(bench: Bench, client: ssl.SSLContext) -> None:
    bench.application.most_bytes = 40 * 1024 * 1024
    with connect(bench, client) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        sock.sendall(GET.replace(b"/echo", b"/stream"))
        assert sock.recv(1)
        assert is_served(bench, client)
        assert bench.application.streamed_bytes < HIGH_WATER_BYTES
        assert read_until_last_chunk(sock) == 40 * 1024 * 1024


@pytest.mark.parametrize("bench", [Limits(connections=2)], indirect=True)
def test_connection_that_is_one_too_many_is_cut(bench: Bench, client: ssl.SSLContext) -> None:
    with connect(bench, client) as first, connect(bench, client) as second:
        for sock in (first, second):
            sock.sendall(GET)
            read_answers(sock, 1)
        with bench.connect() as third:
            assert read_all(third) == b""
        first.sendall(GET)
        assert read_answers(first, 1)[0][0] == 200


def test_older_tls_is_refused(bench: Bench, client: ssl.SSLContext) -> None:
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError), connect(bench, client):
        pass


def test_key_of_another_certificate_is_refused(authority: trustme.CA, tmp_path: Path) -> None:
    authority.issue_cert("a").cert_chain_pems[0].write_to_path(str(tmp_path / "crt"))
    authority.issue_cert("b").private_key_pem.write_to_path(str(tmp_path / "key"))
    with pytest.raises(ssl.SSLError):
        server_context(str(tmp_path / "crt"), str(tmp_path / "key"))
