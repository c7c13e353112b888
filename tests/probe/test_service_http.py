"""The HTTP machine on a loop of its own: slow, silent, impolite and too many clients."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest
from pingmon_probe.http_service import HIGH_WATER_BYTES, Connection, HttpError, HttpService, Limits, Request
from pingmon_probe.loop import Loop

TOKEN = "a-token-of-the-tests"
PATIENCE_S = 20.0
HEAD = f"Host: probe\r\nAuthorization: Bearer {TOKEN}\r\n"
GET = f"GET /echo HTTP/1.1\r\n{HEAD}\r\n".encode()


class EchoApplication:
    """`/echo` sends the body back, `/stream` sends as long as there is room, `/never` does not answer."""

    def __init__(self) -> None:
        self.streamed_bytes = 0
        self.most_bytes = 100 * 1024 * 1024
        self.gone = threading.Event()

    def body_limit(self, request: Request) -> int:
        if request.path == "/none":
            raise HttpError(404, "not_found", "Nothing.")
        return 1_000

    def on_request(self, request: Request, reply: Connection) -> None:
        if request.path == "/echo":
            reply.send_json({"method": request.method, "query": request.query, "body": request.body.decode()})
        elif request.path == "/stream":
            reply.on_room = lambda: self._send(reply)
            reply.on_gone = self.gone.set
            reply.begin_stream()
            self._send(reply)

    def _send(self, reply: Connection) -> None:
        while reply.has_room and self.streamed_bytes < self.most_bytes:
            self.streamed_bytes += 65_536
            reply.send(b"x" * 65_535 + b"\n")
        if self.streamed_bytes >= self.most_bytes:
            reply.end_stream()


class Bench:
    """The service on a thread of its own."""

    def __init__(self, limits: Limits, tls: ssl.SSLContext | None = None) -> None:
        self.application = EchoApplication()
        listener = socket.create_server(("127.0.0.1", 0))
        self.address = listener.getsockname()
        self._loop = Loop()
        self.service = HttpService(self._loop, listener, TOKEN, self.application, limits, tls)
        self._thread = threading.Thread(target=self._loop.run)
        self._thread.start()

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=PATIENCE_S)

    def close(self) -> None:
        self._loop.stop()
        self._thread.join()
        self.service.close()
        self._loop.close()


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    made = Bench(getattr(request, "param", Limits()))
    yield made
    made.close()


def read_answers(sock: socket.socket, count: int) -> list[tuple[int, dict[str, object]]]:
    """Return (status, JSON) of so many answers."""
    data, answers = b"", []
    while len(answers) < count:
        head, found, rest = data.partition(b"\r\n\r\n")
        if found:
            length = int(next(line.split(b":")[1] for line in head.lower().split(b"\r\n") if b"content-length" in line))
            if len(rest) >= length:
                answers.append((int(head.split()[1]), json.loads(rest[:length])))
                data = rest[length:]
                continue
        more = sock.recv(65_536)
        assert more, f"the connection ended after {len(answers)} answers and {data!r:.100}"
        data += more
    return answers


def read_to_end(sock: socket.socket) -> bytes:
    data = b""
    while more := sock.recv(65_536):
        data += more
    return data


def test_one_connection_serves_many_requests(bench: Bench) -> None:
    with bench.connect() as sock:
        for number in range(20):
            sock.sendall(GET.replace(b"/echo", b"/echo?n=%d" % number))
            assert read_answers(sock, 1) == [(200, {"method": "GET", "query": {"n": str(number)}, "body": ""})]


def test_requests_sent_without_waiting_are_answered_in_order(bench: Bench) -> None:
    with bench.connect() as sock:
        sock.sendall(b"".join(GET.replace(b"/echo", b"/echo?n=%d" % number) for number in range(500)))
        answers = read_answers(sock, 500)
    assert [answer["query"] for _, answer in answers] == [{"n": str(number)} for number in range(500)]


def test_request_that_arrives_byte_by_byte_is_answered(bench: Bench) -> None:
    request = f"PUT /echo HTTP/1.1\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n".encode()
    with bench.connect() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(len(request)):
            sock.sendall(request[place : place + 1])
        assert read_answers(sock, 1)[0][1]["body"] == "abcde"


def test_client_that_waits_for_100_continue_gets_it(bench: Bench) -> None:
    with bench.connect() as sock:
        sock.sendall(f"PUT /echo HTTP/1.1\r\n{HEAD}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n".encode())
        assert sock.recv(65_536).startswith(b"HTTP/1.1 100")
        sock.sendall(b"ok")
        assert read_answers(sock, 1)[0][1]["body"] == "ok"


def test_refused_request_ends_its_connection_and_nothing_behind_it_is_answered(bench: Bench) -> None:
    with bench.connect() as sock:
        sock.sendall(GET.replace(b"/echo", b"/none") + GET)
        answer = read_to_end(sock)
        assert answer.startswith(b"HTTP/1.1 404") and answer.count(b"HTTP/1.1") == 1
        assert b"connection: close" in answer.lower()


@pytest.mark.parametrize(
    "nonsense",
    [b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /\r\n\r\n", b"GET  / HTTP/1.1\r\n\r\n"],
)
def test_what_is_not_http_is_refused_and_cut(bench: Bench, nonsense: bytes) -> None:
    with bench.connect() as sock:
        sock.sendall(nonsense)
        assert read_to_end(sock).startswith((b"HTTP/1.1 400", b"HTTP/1.1 401"))


def test_body_beyond_the_limit_is_refused(bench: Bench) -> None:
    for framing in ("Content-Length: 1001\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + "x" * 1001):
        with bench.connect() as sock:
            sock.sendall(f"PUT /echo HTTP/1.1\r\n{HEAD}{framing}".encode())
            assert read_to_end(sock).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("bench", [Limits(header_s=0.05)], indirect=True)
def test_client_that_is_slow_with_its_header_is_cut(bench: Bench) -> None:
    for sent in (b"", GET[:20]):
        with bench.connect() as sock:
            sock.sendall(sent)
            assert read_to_end(sock) == b""


@pytest.mark.parametrize("bench", [Limits(body_s=0.05)], indirect=True)
def test_client_that_is_slow_with_its_body_is_cut(bench: Bench) -> None:
    with bench.connect() as sock:
        sock.sendall(f"PUT /echo HTTP/1.1\r\n{HEAD}Content-Length: 5\r\n\r\nab".encode())
        assert read_to_end(sock) == b""


@pytest.mark.parametrize("bench", [Limits(idle_s=0.05)], indirect=True)
def test_connection_that_is_idle_is_cut(bench: Bench) -> None:
    with bench.connect() as sock:
        sock.sendall(GET)
        assert read_to_end(sock).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("bench", [Limits(connections=2)], indirect=True)
def test_connection_that_is_one_too_many_is_turned_away(bench: Bench) -> None:
    with bench.connect() as first, bench.connect() as second:
        for sock in (first, second):
            sock.sendall(GET)
            read_answers(sock, 1)
        with bench.connect() as third:
            assert read_to_end(third).startswith(b"HTTP/1.1 503")
        first.sendall(GET)
        assert read_answers(first, 1)[0][0] == 200


def test_stream_waits_for_a_client_that_does_not_read(bench: Bench) -> None:
    with bench.connect() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        sock.sendall(GET.replace(b"/echo", b"/stream"))
        assert sock.recv(1)
        # Another client is served meanwhile; when it is, the first one's stream has come to its stop or is near it.
        for _ in range(20):
            with bench.connect() as other:
                other.sendall(GET)
                read_answers(other, 1)
        assert bench.application.streamed_bytes < HIGH_WATER_BYTES
        data = read_until_last_chunk(sock)
        assert data == 100 * 1024 * 1024


def read_until_last_chunk(sock: socket.socket) -> int:
    """Return how many payload bytes a chunked answer holds from here on; every chunk is x...x and a line end."""
    count, tail = 0, b""
    while not tail.endswith(b"\r\n0\r\n\r\n"):
        more = sock.recv(1 << 20)
        assert more
        count += more.count(b"x")
        tail = (tail + more)[-20:]
    return round(count / 65_535) * 65_536


@pytest.mark.parametrize("bench", [Limits(stalled_s=0.05)], indirect=True)
def test_client_that_stops_reading_is_cut(bench: Bench) -> None:
    with bench.connect() as sock:
        sock.sendall(GET.replace(b"/echo", b"/stream"))
        assert bench.application.gone.wait(PATIENCE_S)


def test_stream_learns_that_its_client_is_gone(bench: Bench) -> None:
    with bench.connect() as sock:
        sock.sendall(GET.replace(b"/echo", b"/stream"))
        assert sock.recv(1)
    assert bench.application.gone.wait(PATIENCE_S)


def test_token_is_compared_whole(bench: Bench) -> None:
    service = bench.service
    assert service.is_authorised(f"bearer {TOKEN}".encode()) and service.is_authorised(f"Bearer  {TOKEN}".encode())
    for wrong in ("", TOKEN, f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer é"):
        assert not service.is_authorised(wrong.encode())
