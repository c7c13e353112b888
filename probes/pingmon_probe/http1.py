"""An incremental HTTP/1.x response parser, and the request it answers.

Our own rather than h11 (which the service uses) for its cost on the hot path. One request, one response,
then the connection is closed. Strict where leniency would invent a result, lenient where browsers are.
Source: RFC 9112.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import Callable, Dict, List, Optional, Tuple

from . import __version__
from .protocol import BODY_CAP_BYTES, MAX_HEADER_BYTES, METHODS_WITHOUT_BODY
from .target import Target

USER_AGENT = f"Pingmon/{__version__} (+monitor)"
#: Framing of a chunked body (sizes, extensions) beyond this ends the reading, as a full body does.
MAX_CHUNK_LINE_BYTES = 4096
#: How much of a head stays as it came, for whoever looks into a failure.
HEAD_KEPT_BYTES = 8 * 1024

_HEAD_END = re.compile(rb"\n\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/1\.[0-9] ([1-9][0-9][0-9])(?: [^\r\n]*)?\r?\Z")
#: Lines of name, colon, anything; empty where there are no headers.
_PLAIN_HEADERS = re.compile(r"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\n]*(?:\n|\Z))*\r?\Z")
_FOLD = re.compile(r"\r?\n[ \t]+")
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?\r?\Z", re.DOTALL)
#: What other protocols say first, for a sentence that helps.
_GREETINGS = ((b"SSH-", "SSH"), (b"220", "mail or FTP"), (b"\x15\x03", "TLS"), (b"\x16\x03", "TLS"), (b"RTSP", "RTSP"))

# States, in the order in which they are gone through.
_HEAD, _FIXED, _UNTIL_CLOSE, _CHUNK_SIZE_LINE, _CHUNK_DATA, _CHUNK_END, _TRAILERS, _DONE = range(8)


class HttpError(ValueError):
    """The answer is not HTTP as it should be. The message continues "HOST answered with ..."."""


Headers = Tuple[Tuple[str, str], ...]


@lru_cache(maxsize=2048)
def request_bytes(target: Target, method: str = "GET", headers: Headers = (), body: bytes = b"") -> bytes:
    """Return the request for a target; `headers` go before those that every request has, name by name.

    A check asks the same each time: putting it together costs three times as much as looking it up.
    """
    usual = (("User-Agent", USER_AGENT), ("Accept", "*/*"), ("Accept-Encoding", "identity"))
    named = {name.lower() for name, _ in headers}
    lines = [f"{method} {target.path} HTTP/1.1", f"Host: {target.host_header}"]
    lines += [f"{name}: {value}" for name, value in usual if name.lower() not in named]
    lines += [f"{name}: {value}" for name, value in headers]
    if body or method not in METHODS_WITHOUT_BODY:
        lines.append(f"Content-Length: {len(body)}")
    lines += ["Connection: close", "", ""]
    return "\r\n".join(lines).encode("utf-8") + body


def authorization(basic_auth: Optional[str], bearer: Optional[str]) -> Headers:
    """Return the header that signs in, none where there is nothing to sign in with; `basic_auth` is `user:password`."""
    if basic_auth is not None:
        return (("Authorization", f"Basic {base64.b64encode(basic_auth.encode('utf-8')).decode('ascii')}"),)
    return () if bearer is None else (("Authorization", f"Bearer {bearer}"),)


class ResponseParser:
    """Takes the bytes of one response in pieces of any size; the pieces' borders make no difference.

    `status` is 0 and `headers` empty until the head is complete; header names are lower case, several values
    of one name are joined by ", "; `head` is its beginning as it came. `body_bytes` counts the body's payload, at most
    `body_cap`, and `body` holds the first `keep(status)` bytes of it. After `is_done` more bytes are ignored.
    """

    __slots__ = (
        "_buffer",
        "_framing",
        "_head_bytes",
        "_is_head_request",
        "_keep",
        "_keep_bytes",
        "_left",
        "_scanned",
        "_state",
        "body",
        "body_bytes",
        "body_cap",
        "head",
        "headers",
        "status",
    )

    def __init__(
        self, keep: Callable[[int], int], body_cap: int = BODY_CAP_BYTES, is_head_request: bool = False
    ) -> None:
        self._keep = keep
        self._keep_bytes = 0
        self.body_cap = body_cap
        self._is_head_request = is_head_request
        self._state = _HEAD
        self._buffer = b""
        self._scanned = 0
        self._head_bytes = 0
        self._left = 0
        self._framing = 0
        self.status = 0
        self.head = b""
        self.headers: Dict[str, str] = {}
        self.body: List[bytes] = []
        self.body_bytes = 0

    @property
    def is_head_done(self) -> bool:
        return self._state != _HEAD

    @property
    def is_done(self) -> bool:
        return self._state == _DONE

    @property
    def pending(self) -> bytes:
        """What came of a head that is not complete."""
        return self._buffer if self._state == _HEAD else b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises HttpError where they break the protocol."""
        state = self._state
        if state == _HEAD:
            data = self._buffer + data if self._buffer else data
            while self._state == _HEAD:
                if len(data) >= 5 and data[:5] != b"HTTP/":
                    raise HttpError(_not_http(data[:5]))
                end = _HEAD_END.search(data, self._scanned)
                if end is None:
                    self._keep_head(data)
                    return
                head, data = data[: end.start()], data[end.end() :]
                self._scanned = 0
                self._head_bytes += end.end()
                if self._head_bytes > MAX_HEADER_BYTES:
                    raise HttpError("headers that do not end within 64 KB")
                self._read_head(head)
            self._buffer = b""
            state = self._state
        if state == _FIXED:
            self._take(data[: self._left])
            self._left -= len(data)
            if self._left <= 0:
                self._state = _DONE
        elif state == _UNTIL_CLOSE:
            self._take(data)
        elif state != _DONE:
            self._feed_chunked(data)

    def finish(self) -> None:
        """Take the end of the connection. Raises HttpError if the response was not complete."""
        if self._state in (_DONE, _UNTIL_CLOSE):
            self._state = _DONE
        elif self._state == _HEAD:
            if self._buffer or self._head_bytes:
                raise HttpError("half a header and closed the connection")
            raise HttpError("nothing and closed the connection")
        elif self._state == _FIXED:
            whole = self.body_bytes + self._left
            raise HttpError(f"{self.body_bytes} of the {whole} bytes it announced and closed the connection")
        else:
            raise HttpError(f"{self.body_bytes} bytes and closed the connection before the body's end")

    def _keep_head(self, data: bytes) -> None:
        if self._head_bytes + len(data) > MAX_HEADER_BYTES:
            raise HttpError("headers that do not end within 64 KB")
        # The end of the head may be split over two pieces.
        self._scanned = max(0, len(data) - 2)
        self._buffer = data

    def _read_head(self, head: bytes) -> None:
        first, _, rest = head.partition(b"\n")
        if first[:5] != b"HTTP/":
            raise HttpError(_not_http(head[:5]))
        line = _STATUS_LINE.match(first)
        if line is None:
            raise HttpError("a status line that is not HTTP/1")
        status = int(line.group(1))
        headers = _read_headers(rest)
        if 100 <= status < 200:
            if status == 101:
                raise HttpError("a switch to another protocol that nobody asked for")
            return  # an interim answer; the real one follows
        self.status = status
        self.head = head[:HEAD_KEPT_BYTES]
        self.headers = headers
        self._keep_bytes = self._keep(status)
        self._state = self._framing_state(status, headers)

    def _framing_state(self, status: int, headers: Dict[str, str]) -> int:
        if self._is_head_request or status in (204, 304):
            return _DONE
        coding = headers.get("transfer-encoding")
        if coding is not None and coding.lower() != "identity":
            return _CHUNK_SIZE_LINE if coding.lower().rpartition(",")[2].strip() == "chunked" else _UNTIL_CLOSE
        length = headers.get("content-length")
        if length is None:
            return _UNTIL_CLOSE
        values = {value.strip() for value in length.split(",")}
        value = values.pop()
        if values or not (value.isascii() and value.isdigit() and len(value) <= 18):
            raise HttpError("a Content-Length that is not one number")
        self._left = int(value)
        return _FIXED if self._left else _DONE

    def _take(self, data: bytes) -> None:
        """Count (and keep, if wanted) a piece of the body's payload; the cap ends the response."""
        room = self.body_cap - self.body_bytes
        if len(data) >= room:
            data = data[:room]
            self._state = _DONE
        if self.body_bytes < self._keep_bytes:
            self.body.append(data[: self._keep_bytes - self.body_bytes])
        self.body_bytes += len(data)

    def _feed_chunked(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        place, size = 0, len(data)
        while place < size and self._state != _DONE:
            if self._state == _CHUNK_DATA:
                piece = data[place : place + self._left]
                place += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._state = _CHUNK_END
                self._take(piece)
                continue
            end = data.find(b"\n", place)
            if end < 0:
                if size - place > MAX_CHUNK_LINE_BYTES:
                    raise HttpError("a chunk whose size line does not end")
                self._buffer = data[place:]
                return
            self._on_chunk_line(data[place:end])
            self._count_framing(end + 1 - place)
            place = end + 1

    def _on_chunk_line(self, line: bytes) -> None:
        if len(line) > MAX_CHUNK_LINE_BYTES:
            raise HttpError("a chunk whose size line does not end")
        if self._state == _CHUNK_SIZE_LINE:
            match = _CHUNK_SIZE.match(line)
            if match is None:
                raise HttpError("a chunk whose size cannot be read")
            self._left = int(match.group(1), 16)
            self._state = _CHUNK_DATA if self._left else _TRAILERS
        elif self._state == _CHUNK_END:
            if line not in (b"", b"\r"):
                raise HttpError("a chunk that is longer than its size says")
            self._state = _CHUNK_SIZE_LINE
        elif line in (b"", b"\r"):
            self._state = _DONE

    def _count_framing(self, size: int) -> None:
        # Tiny chunks and long extensions could otherwise keep a check reading for ever below the body's cap.
        self._framing += size
        if self._framing >= self.body_cap:
            self._state = _DONE


def _read_headers(block: bytes) -> Dict[str, str]:
    text = block.decode("latin-1")
    if not _PLAIN_HEADERS.match(text):
        text = _unfold(text)
    headers: Dict[str, str] = {}
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            name = name.lower()
            headers[name] = f"{headers[name]}, {value.strip()}" if name in headers else value.strip()
    return headers


def _unfold(text: str) -> str:
    """Return the headers with one per line; they may go on in the next line after a blank (RFC 9112, 5.2)."""
    text = _FOLD.sub(" ", text)
    if not _PLAIN_HEADERS.match(text):
        raise HttpError("a header line that cannot be read")
    return text


def _not_http(start: bytes) -> str:
    for greeting, protocol in _GREETINGS:
        if start.startswith(greeting):
            return f"something that is not HTTP but looks like {protocol}; look at the port"
    return "something that is not HTTP; look whether this port serves web pages"
