"""The service at /metrics against readers that behave and readers that do not, on real sockets."""

from __future__ import annotations

import asyncio
import gzip
import os
import socket
import stat
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path

import pytest

from pingmon_gui.domain.error import SettingsError
from pingmon_gui.domain.metrics_access import LOOPBACK, MetricsAccess
from pingmon_gui.metrics import service as service_module
from pingmon_gui.metrics.service import MAX_CONNECTIONS, MetricsService
from pingmon_gui.metrics.token import read_or_make_token, token_path
from tests.engine.fakes import until

TOKEN = "a-token-of-the-test's-own"
TEXT = b"pingmon_x 1\n" * 20_000


class Asked:
    """Counts how often a text is made, in 20 pieces of which the loop sees each."""

    def __init__(self) -> None:
        self.times = 0

    def pieces(self) -> Iterator[bytes]:
        self.times += 1
        for start in range(0, len(TEXT), len(TEXT) // 20):
            yield TEXT[start : start + len(TEXT) // 20]


Test = Callable[[int, Asked], Coroutine[None, None, None]]


def run(test: Test, token: str | None = None, host: str = LOOPBACK) -> None:
    async def whole() -> None:
        asked = Asked()
        service = MetricsService(MetricsAccess(host, 0, token is not None), token, asked.pieces)
        await service.start()
        try:
            async with asyncio.timeout(20):
                await test(service.port, asked)
        finally:
            await service.stop()

    asyncio.run(whole())


async def ask(
    port: int, *headers: str, method: str = "GET", path: str = "/metrics", raw: bytes = b""
) -> tuple[str, bytes]:
    """Return the head and the body of the answer to one request; what follows on the connection is none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *headers, "", ""]
    writer.write(raw or "\r\n".join(lines).encode())
    answer = await reader.read(-1)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.decode("latin-1"), body


def test_metrics_are_answered_plain_and_compressed() -> None:
    async def check(port: int, _asked: Asked) -> None:
        head, body = await ask(port)
        assert head.startswith("HTTP/1.1 200")
        assert "content-type: text/plain; version=0.0.4; charset=utf-8" in head.lower()
        assert body == TEXT
        head, body = await ask(port, "Accept-Encoding: gzip;q=0.5, br")
        assert "content-encoding: gzip" in head.lower()
        assert gzip.decompress(body) == TEXT
        head, body = await ask(port, "Accept-Encoding: gzip;q=0")
        assert "content-encoding" not in head.lower()
        head, body = await ask(port, method="HEAD")
        assert (head[:12], body) == ("HTTP/1.1 200", b"")

    run(check)


@pytest.mark.parametrize(
    ("method", "path", "status", "sentence"),
    [
        ("GET", "/", 404, "There is only /metrics here."),
        ("GET", "/metrics/", 404, "There is only /metrics here."),
        ("GET", "/../etc/passwd", 404, "There is only /metrics here."),
        ("POST", "/metrics", 405, "The metrics can only be read."),
        ("DELETE", "/metrics?x=1", 405, "The metrics can only be read."),
        ("GET", "/metrics?x=1", 200, "pingmon_x 1"),
    ],
)
def test_other_paths_and_methods_are_refused_with_a_sentence(
    method: str, path: str, status: int, sentence: str
) -> None:
    async def check(port: int, _asked: Asked) -> None:
        head, body = await ask(port, method=method, path=path)
        assert head.startswith(f"HTTP/1.1 {status}")
        assert sentence in body.decode()
        assert (status == 405) == ("allow: get, head" in head.lower())

    run(check)


def test_body_that_nobody_wants_does_not_cost_the_answer() -> None:
    async def check(port: int, asked: Asked) -> None:
        whole = b"x" * 3_000_000
        head, _ = await ask(port, raw=b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n" + whole)
        assert head.startswith("HTTP/1.1 405")
        assert asked.times == 0

    run(check)


@pytest.mark.parametrize(
    "headers",
    [(), ("Authorization: Bearer wrong",), (f"Authorization: Basic {TOKEN}",), ("Authorization: Bearer",)],
)
def test_wrong_token_gets_a_sentence(headers: tuple[str, ...]) -> None:
    async def check(port: int, asked: Asked) -> None:
        head, body = await ask(port, *headers)
        assert head.startswith("HTTP/1.1 401")
        assert "www-authenticate: bearer" in head.lower()
        assert "metrics-token" in body.decode()
        assert TOKEN not in head + body.decode()
        assert asked.times == 0

    run(check, TOKEN)


def test_right_token_opens_also_by_another_name() -> None:
    async def check(port: int, _asked: Asked) -> None:
        raw = f"GET /metrics HTTP/1.1\r\nHost: desk.example\r\nAuthorization: bearer {TOKEN}\r\n\r\n".encode()
        assert (await ask(port, raw=raw))[1] == TEXT

    run(check, TOKEN, "0.0.0.0")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "192.0.2.1", "", "[2001:db8::1]:9"])
def test_name_that_was_made_to_lead_here_is_refused_where_no_token_is_asked_for(host: str) -> None:
    async def check(port: int, asked: Asked) -> None:
        head, _ = await ask(port, raw=f"GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert head.startswith("HTTP/1.1 403")
        assert asked.times == 0
        for here in ("localhost", "LOCALHOST:1", "[::1]", "[::1]:9", "127.9.9.9"):
            head, _ = await ask(port, raw=f"GET /metrics HTTP/1.1\r\nHost: {here}\r\n\r\n".encode())
            assert head.startswith("HTTP/1.1 200"), here

    run(check)


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", "400"),
        (b"GET /metrics\r\n\r\n", "400"),
        (b"GET /metrics HTTP/1.1\r\n\r\n", "400"),
        (b"GET /metrics HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 40_000, "431"),
    ],
)
def test_what_is_no_request_is_told_so(raw: bytes, status: str) -> None:
    async def check(port: int, _asked: Asked) -> None:
        head, _ = await ask(port, raw=raw)
        assert head.startswith(f"HTTP/1.1 {status}")

    run(check)


def test_pipelined_requests_get_one_answer_and_the_end() -> None:
    async def check(port: int, asked: Asked) -> None:
        one = f"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        head, body = await ask(port, raw=one * 50)
        assert "connection: close" in head.lower()
        assert (body, asked.times) == (TEXT, 1)

    run(check)


def test_hundred_at_once_are_answered_from_one_text() -> None:
    async def check(port: int, asked: Asked) -> None:
        answers = await asyncio.gather(*(ask(port) for _ in range(100)))
        assert {head.split()[1] for head, _ in answers} == {"200"}
        assert {body for _, body in answers} == {TEXT}
        assert asked.times == 1

    run(check)


def test_readers_that_say_nothing_give_way_to_one_that_asks() -> None:
    async def check(port: int, _asked: Asked) -> None:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MAX_CONNECTIONS + 20)]
        for _, writer in silent:
            writer.write(b"GET /metrics HTT")
        assert (await ask(port))[1] == TEXT
        for _, writer in silent:
            writer.close()

    run(check)


def test_slow_readers_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "REQUEST_S", 0.05)
    monkeypatch.setattr(service_module, "SEND_S", 0.05)

    async def check(port: int, _asked: Asked) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost:")
        assert await reader.read(-1) == b""
        writer.close()

    run(check)


def test_reader_that_does_not_take_its_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "SEND_S", 0.05)

    async def check() -> None:
        service = MetricsService(MetricsAccess(LOOPBACK, 0, False), None, lambda: iter([b"x" * 10_000_000]))
        await service.start()
        with socket.create_connection(("127.0.0.1", service.port)) as sock:
            sock.sendall(f"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\n\r\n".encode())
            await until(lambda: service.readers == 1)
            await until(lambda: service.readers == 0)
        await service.stop()

    asyncio.run(check())


def test_taken_port_is_told_with_what_to_do() -> None:
    async def check(port: int, _asked: Asked) -> None:
        other = MetricsService(MetricsAccess(LOOPBACK, port, False), None, lambda: iter(()))
        with pytest.raises(SettingsError, match=f"port {port} is taken by another program") as caught:
            await other.start()
        assert caught.value.hint == "Choose another port."
        await other.stop()

    run(check)


def test_address_of_another_computer_is_told() -> None:
    async def check() -> None:
        other = MetricsService(MetricsAccess("192.0.2.1", 0, True), TOKEN, lambda: iter(()))
        with pytest.raises(SettingsError, match=r"this computer has no address 192\.0\.2\.1"):
            await other.start()

    asyncio.run(check())


def test_token_is_made_once_and_readable_by_the_user_alone(tmp_path: Path) -> None:
    token = read_or_make_token(tmp_path)
    assert len(token) > 40
    assert read_or_make_token(tmp_path) == token
    if os.name == "posix":
        assert stat.S_IMODE(token_path(tmp_path).stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"short\n", b"\xff" * 40, b"with a blank in the middle of it"])
def test_damaged_token_is_told_and_never_used(tmp_path: Path, content: bytes) -> None:
    token_path(tmp_path).write_bytes(content)
    with pytest.raises(SettingsError, match="is no token"):
        read_or_make_token(tmp_path)


def test_token_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="can be neither read nor made"):
        read_or_make_token(tmp_path / "nowhere")
