"""A small server on loopback that answers like a probe, or as badly as a test asks for."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from pingmon_gui.domain.probe import EMBEDDED_PROBE, Probe
from pingmon_gui.domain.region import Region
from pingmon_gui.fleet.client import ProbeClient
from pingmon_gui.fleet.secret import Token

PROBE = Probe(EMBEDDED_PROBE, "Test", Region.LOCAL)
TOKEN = Token("a-token-of-the-tests")

Answer = Callable[[str, bytes, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@asynccontextmanager
async def scripted(answer: Answer, *, silence_s: float = 15.0) -> AsyncIterator[ProbeClient]:
    """Give a client of a server that answers each request by `answer(request line, body, writer)`, then hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = [line.partition(":")[2] for line in head.split("\r\n") if line.lower().startswith("content-len")]
            body = await reader.readexactly(int(length[0])) if length else b""
            await answer(head.split("\r\n")[0], body, writer)
            await writer.drain()
        except (ConnectionError, asyncio.CancelledError):  # the test is over, or its client gone
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    client = ProbeClient(PROBE, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", TOKEN, silence_s=silence_s)
    try:
        yield client
    finally:
        await client.close()
        server.close()
        await server.wait_closed()


def whole(status: int, document: object) -> Answer:
    """Answer everything with one document; bytes are sent as they are."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()

    async def answer(_request: str, _body: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    return answer


def stream(*lines: object, ends_well: bool = True) -> Answer:
    """Answer with a stream of these lines; bytes are sent as they are."""

    async def answer(_request: str, _body: bytes, writer: asyncio.StreamWriter) -> None:
        begin_stream(writer)
        for line in lines:
            send(writer, line)
        if ends_well:
            writer.write(b"0\r\n\r\n")

    return answer


def begin_stream(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")


def send(writer: asyncio.StreamWriter, line: object) -> None:
    data = line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n"
    writer.write(b"%x\r\n%s\r\n" % (len(data), data))


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


def header(spool: str = "a", first: int = 1, last: int = 0, offset_ms: int = 0) -> dict[str, Any]:
    return {"spool": spool, "first": first, "last": last, "dropped": [], "wall_ms": wall_ms() + offset_ms}


def status_document(**changed: Any) -> dict[str, Any]:
    return {
        "version": "0.1.0",
        "protocol": {"min": 1, "max": 1},
        "features": ["http"],
        "wall_ms": wall_ms(),
        "owner": None,
        "revision": 3,
        "plan_hash": None,
        "spool": {"id": "a", "first": 1, "last": 7, "dropped": [], "bytes": 700, "problem": None},
        "checks": 2,
        "measuring": True,
        "lease_until_ms": 1_790_000_000_000,
        "late_p99_ms": 0.2,
        "skipped": 0,
        "self_check": {"votes": True, "reason": None},
        **changed,
    }
