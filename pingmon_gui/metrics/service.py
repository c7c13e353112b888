"""HTTP at /metrics for readers that behave or do not: one answer a connection, all of it bounded.

A text is made once for all who ask while it is made, and for a second after that.
"""

from __future__ import annotations

import asyncio
import errno
import hmac
import ipaddress
import logging
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import h11
from pingmon_probe.exposition import CONTENT_TYPE

from pingmon_gui.domain.error import SettingsError
from pingmon_gui.domain.metrics_access import MetricsAccess

_log = logging.getLogger(__name__)

PATH = "/metrics"
#: Who has not asked after this, or not taken the answer, is left.
REQUEST_S, SEND_S = 5.0, 10.0
#: With more connections than this, one that has not asked yet gives way; if all have, the new one is sent away.
MAX_CONNECTIONS = 128
MAX_HEAD_BYTES = 16 * 1024
KEPT_S = 1.0
_READ_BYTES = 16 * 1024
_GZIP_LEVEL, _GZIP_FORMAT = 1, 31

#: Makes the text a piece at a time; the loop gets its turn between two.
Pieces = Callable[[], Iterator[bytes]]


@dataclass(frozen=True)
class _Reply:
    status: int
    pieces: Sequence[bytes]
    headers: tuple[tuple[str, str], ...] = ()
    type: str = "text/plain; charset=utf-8"


def _sentence(status: int, text: str, *headers: tuple[str, str]) -> _Reply:
    return _Reply(status, [f"{text}\n".encode()], headers)


class MetricsService:
    """`start` binds, `stop` ends every talk. `port` is where it listens."""

    def __init__(self, access: MetricsAccess, token: str | None, pieces: Pieces) -> None:
        """`token` is what a reader has to show; None answers everybody on this computer."""
        self._access = access
        self._token = token
        self._pieces = pieces
        self._server: asyncio.Server | None = None
        #: Every talk, the oldest first, and whether it has asked.
        self._talks: dict[asyncio.Task[None], bool] = {}
        self._texts: dict[bool, asyncio.Task[list[bytes]]] = {}

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def readers(self) -> int:
        """How many are connected."""
        return len(self._talks)

    async def start(self) -> None:
        """Listen. Raises SettingsError with what is in the way."""
        access = self._access
        try:
            self._server = await asyncio.start_server(self._accept, access.host or None, access.port)
        except OSError as exc:
            raise SettingsError(f"Prometheus is not answered: {_why(exc, access)}", _hint(exc)) from exc

    async def stop(self) -> None:
        """Close everything; harmless if nothing is open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        left = [*self._talks, *self._texts.values()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        is_full = len(self._talks) >= MAX_CONNECTIONS
        if is_full and (silent := next((one for one, has_asked in self._talks.items() if not has_asked), None)):
            silent.cancel()
            is_full = False
        self._talks[task] = False
        try:
            await self._talk(reader, writer, task, is_full=is_full)
        except (ConnectionError, TimeoutError):
            _log.debug("a reader of the metrics went away")
        except asyncio.CancelledError:
            # It gave way, or all ends. Before 3.12 asyncio's streams log a cancelled handler as an error.
            _log.debug("a reader of the metrics was left")
        finally:
            self._talks.pop(task, None)
            writer.transport.abort()

    async def _talk(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        task: asyncio.Task[None],
        *,
        is_full: bool,
    ) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        is_head = False
        try:
            async with asyncio.timeout(REQUEST_S):
                request = await _request(connection, reader)
            if request is None:
                return
            self._talks[task] = True
            is_head = request.method == b"HEAD"
            reply = _sentence(503, "Too many ask at once.") if is_full else await self._reply(request)
        except h11.RemoteProtocolError as exc:
            reply = _sentence(exc.error_status_hint, "This is no request that HTTP/1.1 knows.")
        async with asyncio.timeout(SEND_S):
            await _send(connection, writer, reply, is_head=is_head)
            await _wait_for_end(reader)

    async def _reply(self, request: h11.Request) -> _Reply:
        headers = {name: value.decode("latin-1").strip() for name, value in request.headers}
        path = request.target.decode("ascii", "replace").partition("?")[0]
        if path != PATH:
            return _sentence(404, f"There is only {PATH} here.")
        if request.method not in (b"GET", b"HEAD"):
            return _sentence(405, "The metrics can only be read.", ("Allow", "GET, HEAD"))
        if self._token is None and not _is_here(headers.get(b"host", "")):
            # A page in a browser could have a name of its own lead here.
            return _sentence(403, "Without a token the metrics are for addresses of this computer only.")
        if self._token is not None and not _has_token(headers.get(b"authorization", ""), self._token):
            return _sentence(
                401,
                "Show the token that is in the file metrics-token of the data folder: Authorization: Bearer TOKEN.",
                ("WWW-Authenticate", 'Bearer realm="pingmon"'),
            )
        if request.method == b"HEAD":
            return _Reply(200, (), type=CONTENT_TYPE)
        is_gzip = _takes_gzip(headers.get(b"accept-encoding", ""))
        encoding = (("Content-Encoding", "gzip"),) if is_gzip else ()
        return _Reply(200, await self._text(is_gzip=is_gzip), (*encoding, ("Vary", "Accept-Encoding")), CONTENT_TYPE)

    async def _text(self, *, is_gzip: bool) -> list[bytes]:
        """Return the text, with all who wait for it now."""
        task = self._texts.get(is_gzip)
        if task is None:
            task = self._texts[is_gzip] = asyncio.create_task(self._make(is_gzip=is_gzip), name="metrics")
            task.add_done_callback(lambda made: self._made(made, is_gzip=is_gzip))
        return await asyncio.shield(task)

    async def _make(self, *, is_gzip: bool) -> list[bytes]:
        if is_gzip:
            return await asyncio.to_thread(_compressed, await self._text(is_gzip=False))
        made = []
        for piece in self._pieces():
            if piece:
                made.append(piece)
            await asyncio.sleep(0)
        return made

    def _made(self, task: asyncio.Task[list[bytes]], *, is_gzip: bool) -> None:
        if task.cancelled() or task.exception() is not None:
            self._texts.pop(is_gzip)
        else:
            asyncio.get_running_loop().call_later(KEPT_S, self._texts.pop, is_gzip)


async def _request(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Request | None:
    """Return the first request, None if the reader went away. Raises RemoteProtocolError, OSError."""
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            return event
        if event is not h11.NEED_DATA:
            return None
        connection.receive_data(await reader.read(_READ_BYTES))


async def _send(connection: h11.Connection, writer: asyncio.StreamWriter, reply: _Reply, *, is_head: bool) -> None:
    headers = [
        ("Content-Type", reply.type),
        ("Content-Length", str(sum(map(len, reply.pieces)))),
        ("Connection", "close"),
        ("X-Content-Type-Options", "nosniff"),
        *reply.headers,
    ]
    writer.write(connection.send(h11.Response(status_code=reply.status, headers=headers)) or b"")
    for piece in () if is_head else reply.pieces:
        writer.write(piece)
        await writer.drain()
    writer.write_eof()


async def _wait_for_end(reader: asyncio.StreamReader) -> None:
    """Read until the other side is through: closing with bytes of it unread would take the answer back."""
    while await reader.read(_READ_BYTES):
        pass


def _is_here(host: str) -> bool:
    """Whether a request was made to an address of this computer, or to the one name that means it."""
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _has_token(authorization: str, token: str) -> bool:
    scheme, _, shown = authorization.partition(" ")
    return hmac.compare_digest(shown.strip().encode("latin-1"), token.encode()) and scheme.lower() == "bearer"


def _takes_gzip(accept_encoding: str) -> bool:
    for part in accept_encoding.lower().split(","):
        name, _, quality = part.partition(";")
        if name.strip() == "gzip":
            return quality.strip().replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _compressed(pieces: Sequence[bytes]) -> list[bytes]:
    """Return gzip of the pieces. Runs in a thread: zlib leaves the interpreter to others meanwhile."""
    press = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_FORMAT)
    return [part for part in (*(press.compress(piece) for piece in pieces), press.flush()) if part]


def _why(error: OSError, access: MetricsAccess) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {access.port} is taken by another program."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"port {access.port} is not for your user: those below 1024 are the administrator's."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"this computer has no address {access.host}."
    return f"{access.shown} cannot be listened on: {error.strerror}."


def _hint(error: OSError) -> str:
    taken = error.errno in (errno.EADDRINUSE, errno.EACCES, errno.EPERM)
    return "Choose another port." if taken else "Choose another address."
