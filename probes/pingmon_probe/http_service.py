"""HTTP/1.1 for the probe's service: h11 as a state machine on the loop. Knows bytes, limits and time-outs, no routes.

Every connection reads one request at a time, hands it to the application whole, and sends one answer, at once
or as a stream. What a client may cost is bounded: connections, header, body, unsent bytes, idle and slow time.
"""

from __future__ import annotations

import errno
import hmac
import json
import logging
import socket
import ssl
from collections import deque
from typing import Any, Callable, Deque, Dict, List, NamedTuple, Optional, Protocol, Sequence, Tuple
from urllib.parse import parse_qsl, urlsplit

import h11

from . import __version__
from .allowance import Allowance
from .loop import Loop, Timer
from .tls import TlsServer

_log = logging.getLogger(__name__)

MAX_HEADER_BYTES = 16 * 1024
#: A stream asks its source for more once fewer bytes than this wait to be sent.
LOW_WATER_BYTES = 128 * 1024
#: A client that lets this much pile up is cut off.
HIGH_WATER_BYTES = 16 * 1024 * 1024
RECEIVE_BYTES = 64 * 1024
BACKLOG = 128
#: Of TLS, so many per second, so many at once after a pause. One Pingmon keeps three connections open.
HANDSHAKES_PER_S = 10.0
HANDSHAKES_BURST = 40

JSON_TYPE = "application/json"
NDJSON_TYPE = "application/x-ndjson"

_NOT_NOW = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR)


class Limits(NamedTuple):
    """What clients may cost: time for a request's header, its body, a pause between requests, taking bytes."""

    connections: int = 64
    header_s: float = 10.0
    body_s: float = 60.0
    idle_s: float = 75.0
    stalled_s: float = 30.0


DEFAULT_LIMITS = Limits()


class HttpError(Exception):
    """An answer that is an error: status, word and sentence; `extra` joins the JSON body."""

    def __init__(self, status: int, word: str, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.status = status
        self.word = word
        self.message = message
        self.extra = extra


class Request:
    """One whole request. `query` holds the last value of each parameter, `headers` have names in lower case."""

    __slots__ = ("body", "headers", "method", "path", "query")

    def __init__(self, method: str, path: str, query: Dict[str, str], headers: Dict[bytes, bytes]) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = bytearray()


class Application(Protocol):
    """What answers requests."""

    def body_limit(self, request: Request) -> int:
        """Return how many bytes of body a request may have; called before the body. Raises HttpError."""

    def on_request(self, request: Request, reply: Connection) -> None:
        """Answer now or later by `send_json`, `fail` or `begin_stream`. Raises HttpError."""


class HttpService:
    """Accepts connections on a listening socket and serves them until `close`."""

    def __init__(
        self,
        loop: Loop,
        listener: socket.socket,
        token: str,
        application: Application,
        limits: Limits = DEFAULT_LIMITS,
        tls: Optional[ssl.SSLContext] = None,
    ) -> None:
        """With `tls` every connection begins with a handshake, at most a few in a second."""
        self.loop = loop
        self.tls = tls
        self._handshakes = None if tls is None else Allowance(HANDSHAKES_PER_S, HANDSHAKES_BURST, loop.now)
        self.limits = limits
        self.application = application
        self._token = token.encode("utf-8")
        self._listener = listener
        self._connections: Dict[Connection, None] = {}
        listener.setblocking(False)
        loop.watch(listener, readable=self._on_acceptable)

    def close(self) -> None:
        """Stop accepting and cut every connection."""
        self.loop.unwatch(self._listener)
        self._listener.close()
        for connection in list(self._connections):
            connection.close()

    def is_authorised(self, header: bytes) -> bool:
        """Compare in constant time; the scheme's name is not case-sensitive (RFC 9110, 11.1)."""
        scheme, _, token = header.partition(b" ")
        return hmac.compare_digest(token.strip(), self._token) and scheme.lower() == b"bearer"

    def forget(self, connection: Connection) -> None:
        self._connections.pop(connection, None)

    def _on_acceptable(self) -> None:
        for _ in range(16):
            if self._handshakes is not None and not self._handshakes.take(1):
                # Each costs a millisecond of the loop that measures: strangers wait in the backlog.
                self._accept_after(1.0 / HANDSHAKES_PER_S)
                return
            try:
                sock, _ = self._listener.accept()
            except OSError as exc:
                if exc.errno not in _NOT_NOW:
                    # Out of files, say: leave the client in the backlog for a moment instead of spinning.
                    self._accept_after(0.5)
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self, sock)
            if len(self._connections) >= self.limits.connections:
                connection.refuse()
                continue
            self._connections[connection] = None

    def _accept_after(self, delay_s: float) -> None:
        self.loop.unwatch(self._listener)
        self.loop.call_at(self.loop.now() + delay_s, self._accept_again)

    def _accept_again(self) -> None:
        if self._listener.fileno() != -1:
            self.loop.watch(self._listener, readable=self._on_acceptable)


class Connection:
    """One client. The application answers through `send_json`, `fail` or `begin_stream`/`send`/`end_stream`."""

    def __init__(self, service: HttpService, sock: socket.socket) -> None:
        self._service = service
        self._loop = service.loop
        self._sock = sock
        self._tls = None if service.tls is None else TlsServer(service.tls)
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEADER_BYTES)
        self._request: Optional[Request] = None
        self._body_limit = 0
        self._is_answering = False
        self._is_streaming = False
        self._must_close = False
        self._is_closed = False
        self._out: Deque[memoryview] = deque()
        self._unsent = 0
        self._held: List[bytes] = []
        self._reads = True
        self._timer: Optional[Timer] = None
        #: Called while streaming, whenever there is room for more; and once when the client is gone.
        self.on_room: Optional[Callable[[], None]] = None
        self.on_gone: Optional[Callable[[], None]] = None
        self._expect_within(service.limits.header_s)
        self._watch()

    # For the application

    @property
    def has_room(self) -> bool:
        """Whether a stream should go on; when it is false, wait for `on_room`."""
        return self._unsent < LOW_WATER_BYTES

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def send_json(self, document: Any, status: int = 200, headers: Sequence[Tuple[str, str]] = ()) -> None:
        """Answer with one JSON document."""
        if not self._is_closed:
            body = json.dumps(document, separators=(",", ":")).encode("utf-8")
            self.send_body(body, JSON_TYPE, status, headers)

    def send_body(
        self, body: bytes, content_type: str, status: int = 200, headers: Sequence[Tuple[str, str]] = ()
    ) -> None:
        """Answer with a body of any type."""
        if self._is_closed or not self._can_answer():
            return
        head = self._head(status, [("Content-Type", content_type), ("Content-Length", str(len(body))), *headers])
        self._write(head + (self._h11.send(h11.Data(data=body)) or b""))
        self._finish()

    def fail(self, error: HttpError, headers: Sequence[Tuple[str, str]] = ()) -> None:
        """Answer with an error."""
        self.send_json({"error": error.word, "message": error.message, **error.extra}, error.status, headers)

    def begin_stream(self) -> None:
        """Begin a chunked NDJSON answer; what is sent leaves at once."""
        if self._can_answer():
            self._is_streaming = True
            self._write(self._head(200, [("Content-Type", NDJSON_TYPE), ("Cache-Control", "no-store")]))

    def send(self, data: bytes) -> None:
        """Send whole lines as one chunk."""
        if self._is_streaming and data:
            self._write(self._h11.send(h11.Data(data=data)))

    def end_stream(self) -> None:
        if self._is_streaming:
            self._is_streaming = False
            self.on_room = self.on_gone = None
            self._finish()

    # For the service

    def refuse(self) -> None:
        """Turn a connection away that is one too many."""
        body = b'{"error":"overloaded","message":"Too many connections are open to this probe."}'
        if self._tls is not None:
            self.close()  # there is no way yet to say why
            return
        head = f"HTTP/1.1 503 Service Unavailable\r\nContent-Type: {JSON_TYPE}\r\nContent-Length: {len(body)}\r\n"
        self._write(head.encode("ascii") + b"Connection: close\r\n\r\n" + body)
        self.close()

    def close(self) -> None:
        """Cut the connection; may be called again."""
        if self._is_closed:
            return
        self._is_closed = True
        self._is_streaming = False
        if self._timer is not None:
            self._timer.cancel()
        self._loop.unwatch(self._sock)
        self._sock.close()
        self._out.clear()
        self._held.clear()
        self._service.forget(self)
        on_gone, self.on_room, self.on_gone = self.on_gone, None, None
        if on_gone is not None:
            on_gone()

    # Reading

    def _on_readable(self) -> None:
        try:
            data = self._sock.recv(RECEIVE_BYTES)
        except OSError as exc:
            if exc.errno not in _NOT_NOW:
                self.close()
            return
        if not data:
            self.close()
            return
        if self._tls is None:
            self._receive(data)
        else:
            self._receive_tls(self._tls, data)

    def _receive_tls(self, tls: TlsServer, data: bytes) -> None:
        is_over = False
        pieces: List[bytes] = []
        try:
            if not tls.is_open:
                self._send_raw(tls.shake(data))
                data = b""
            if tls.is_open:
                pieces, is_over = tls.decrypt(data)
        except ssl.SSLError:
            is_over = True
        # An alert, or what TLS has to say about its keys.
        self._send_raw(tls.alert())
        for piece in pieces:
            if not self._is_closed:
                self._receive(piece)
        if is_over:
            self.close()

    def _receive(self, data: bytes) -> None:
        if self._is_answering:
            # The next request of a client that does not wait: hold a little, then let it wait in the kernel.
            self._held.append(data)
            if sum(map(len, self._held)) >= MAX_HEADER_BYTES:
                self._reads = False
                self._watch()
            return
        self._take(data)

    def _take(self, data: bytes) -> None:
        if self._must_close:
            return  # what comes after an answer that ends the connection is read only so that it is not reset
        self._h11.receive_data(data)
        self._advance()

    def _advance(self) -> None:
        try:
            while not self._is_closed and not self._is_answering:
                event = self._h11.next_event()
                if event is h11.NEED_DATA:
                    if self._h11.they_are_waiting_for_100_continue:
                        go_on = h11.InformationalResponse(status_code=100, headers=[])
                        self._write(self._h11.send(go_on))
                    return
                if event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                    return
                if isinstance(event, h11.Request):
                    self._on_head(event)
                elif isinstance(event, h11.Data):
                    self._on_body(bytes(event.data))
                elif isinstance(event, h11.EndOfMessage):
                    self._on_complete()
        except HttpError as error:
            self._reject(error)
        except h11.RemoteProtocolError as exc:
            status = exc.error_status_hint
            word = "too_large" if status == 431 else "bad_request"
            self._reject(HttpError(431 if status == 431 else 400, word, f"This is not HTTP as it should be: {exc}."))

    def _on_head(self, event: h11.Request) -> None:
        headers = {bytes(name): bytes(value) for name, value in event.headers}
        self._request = None
        if not self._service.is_authorised(headers.get(b"authorization", b"")):
            raise HttpError(401, "unauthorised", "The bearer token is missing or wrong.")
        try:
            target = urlsplit(event.target.decode("ascii"))
            pairs = parse_qsl(target.query, keep_blank_values=True, errors="strict", max_num_fields=20)
        except ValueError as exc:
            raise HttpError(400, "bad_request", "The address of the request cannot be read.") from exc
        request = Request(event.method.decode("ascii"), target.path, dict(pairs), headers)
        self._body_limit = self._service.application.body_limit(request)
        if int(headers.get(b"content-length", b"0")) > self._body_limit:
            raise self._too_large()
        self._request = request
        self._expect_within(self._service.limits.body_s)

    def _on_body(self, data: bytes) -> None:
        assert self._request is not None
        if len(self._request.body) + len(data) > self._body_limit:
            raise self._too_large()
        self._request.body += data

    def _on_complete(self) -> None:
        assert self._request is not None
        self._is_answering = True
        self._expect_within(None)
        self._service.application.on_request(self._request, self)

    def _too_large(self) -> HttpError:
        return HttpError(413, "too_large", f"The body may have at most {self._body_limit} bytes here.")

    def _reject(self, error: HttpError) -> None:
        """Answer with an error; if the request was not read to its end the connection cannot go on."""
        headers: List[Tuple[str, str]] = [("WWW-Authenticate", "Bearer")] if error.status == 401 else []
        if self._h11.their_state is not h11.DONE:
            self._must_close = True
            headers.append(("Connection", "close"))
        self._is_answering = True
        if self._h11.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.fail(error, headers)
        else:
            self.close()

    # Writing

    def _can_answer(self) -> bool:
        return not self._is_closed and self._h11.our_state in (h11.IDLE, h11.SEND_RESPONSE)

    def _head(self, status: int, headers: Sequence[Tuple[str, str]]) -> bytes:
        lines = [(name.encode("ascii"), value.encode("ascii")) for name, value in headers]
        lines.append((b"Server", b"pingmon-probe/" + __version__.encode("ascii")))
        reason = _REASONS.get(status, b"")
        return self._h11.send(h11.Response(status_code=status, headers=lines, reason=reason)) or b""

    def _finish(self) -> None:
        data = self._h11.send(h11.EndOfMessage())
        if data:
            self._write(data)
        if self._is_closed:
            return
        if self._must_close or self._h11.our_state is h11.MUST_CLOSE:
            self._must_close = True
            self._close_when_sent()
            return
        # Not now: the application may still be inside the call that led here.
        self._loop.call_soon(self._next_request)

    def _next_request(self) -> None:
        if self._is_closed or self._h11.our_state is not h11.DONE or self._h11.their_state is not h11.DONE:
            return
        self._h11.start_next_cycle()
        self._is_answering = False
        self._request = None
        self._expect_within(self._service.limits.idle_s)
        held, self._held = self._held, []
        if not self._reads:
            self._reads = True
            self._watch()
        for data in held:
            self._h11.receive_data(data)
        self._advance()

    def _write(self, data: Optional[bytes]) -> None:
        if data and not self._is_closed:
            self._send_raw(data if self._tls is None else self._tls.encrypt(data))

    def _send_raw(self, data: bytes) -> None:
        if not data or self._is_closed:
            return
        self._out.append(memoryview(data))
        self._unsent += len(data)
        self._flush()
        if self._unsent > HIGH_WATER_BYTES:
            self.close()

    def _flush(self) -> None:
        had = self._unsent
        try:
            while self._out:
                sent = self._sock.send(self._out[0])
                self._unsent -= sent
                if sent == len(self._out[0]):
                    self._out.popleft()
                else:
                    self._out[0] = self._out[0][sent:]
        except OSError as exc:
            if exc.errno not in _NOT_NOW:
                self.close()
                return
        if self._out and (self._unsent < had or self._timer is None):
            self._expect_within(self._service.limits.stalled_s)
        elif not self._out and self._is_answering:
            self._expect_within(None)
        self._watch()

    def _on_writable(self) -> None:
        self._flush()
        if self._is_closed:
            return
        if not self._out and self._must_close and not self._is_streaming:
            self._close_when_sent()
        elif self._is_streaming and self.has_room and self.on_room is not None:
            self.on_room()

    def _close_when_sent(self) -> None:
        """Shut our side, then wait shortly for the client's: closing at once could reset what it has yet to read."""
        if self._out:
            return
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.close()
            return
        self._is_answering = False
        self._expect_within(2.0)

    def _watch(self) -> None:
        if not self._is_closed:
            self._loop.watch(
                self._sock,
                readable=self._on_readable if self._reads else None,
                writable=self._on_writable if self._out else None,
            )

    def _expect_within(self, limit_s: Optional[float]) -> None:
        """Cut the connection if the next step takes longer; None while it is our turn."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if limit_s is not None:
            self._timer = self._loop.call_at(self._loop.now() + limit_s, self.close)


_REASONS = {
    200: b"OK",
    400: b"Bad Request",
    401: b"Unauthorized",
    404: b"Not Found",
    405: b"Method Not Allowed",
    409: b"Conflict",
    413: b"Content Too Large",
    429: b"Too Many Requests",
    431: b"Request Header Fields Too Large",
    503: b"Service Unavailable",
}
