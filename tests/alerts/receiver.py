"""Real receivers on loopback: HTTP that answers as a test says, and a mail server that keeps what comes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import h11


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """`hangs` sends nothing, `drips` sends the body for ever."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    hangs: bool = False
    drips: bool = False


class Receiver:
    """`answers` are given in order, the last one for ever after; `respond` may decide by the request instead."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: list[Answer] = [Answer()]
        self.respond: Callable[[Request], Answer] = self._next
        self.on_request: Callable[[Request], None] = lambda _request: None
        self.port = 0
        self.scheme = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.port}/hook/secret-token"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        head: h11.Request | None = None
        body = b""
        with contextlib.suppress(ConnectionError, h11.RemoteProtocolError):
            while True:
                event = connection.next_event()
                if event is h11.NEED_DATA:
                    connection.receive_data(await reader.read(65_536))
                elif isinstance(event, h11.Request):
                    head = event
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    break
                else:
                    return
            assert head is not None
            headers = {name.decode(): value.decode() for name, value in head.headers}
            request = Request(head.method.decode(), head.target.decode(), headers, body)
            self.requests.append(request)
            self.on_request(request)
            await self._answer(connection, writer, self.respond(request))
            writer.close()
            await writer.wait_closed()

    def _next(self, _request: Request) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def _answer(self, connection: h11.Connection, writer: asyncio.StreamWriter, answer: Answer) -> None:
        if answer.hangs:
            await asyncio.Event().wait()
        headers = [*answer.headers.items(), ("Connection", "close")]
        if not answer.drips:
            headers.append(("Content-Length", str(len(answer.body))))
        writer.write(connection.send(h11.Response(status_code=answer.status, headers=headers)) or b"")
        writer.write(connection.send(h11.Data(data=answer.body)) or b"")
        while answer.drips:
            writer.write(connection.send(h11.Data(data=b"x")) or b"")
            await writer.drain()
            await asyncio.sleep(0.01)
        writer.write(connection.send(h11.EndOfMessage()) or b"")
        await writer.drain()


@contextlib.asynccontextmanager
async def receiving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await receiver._serve(reader, writer)
        finally:
            writer.transport.abort()
            tasks.discard(task)

    server = await asyncio.start_server(serve, "localhost", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    receiver.scheme = "http" if tls is None else "https"
    try:
        yield receiver
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def mail_server() -> AsyncIterator[tuple[int, list[str]]]:
    """A server of as much SMTP as a client needs; yields its port and the mails that came."""
    mails: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            word = line.split()[0].upper() if line.split() else b""
            if word == b"DATA":
                writer.write(b"354 go on\r\n")
                mail = b""
                while (part := await reader.readline()) not in (b".\r\n", b""):
                    mail += part
                mails.append(mail.decode())
                writer.write(b"250 kept\r\n")
            else:
                writer.write(b"221 bye\r\n" if word == b"QUIT" else b"250 fine\r\n")
            await writer.drain()
            if word == b"QUIT":
                break
        writer.close()

    server = await asyncio.start_server(serve, "localhost", 0)
    try:
        yield server.sockets[0].getsockname()[1], mails
    finally:
        server.close()
