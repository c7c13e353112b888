"""Servers that misbehave, by name: what each one sends, where that is told of, and what a probe has to make of it.

Sources are the sections of the RFCs that a server breaks, or that say what is made of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True)
class Case:
    """`answer` is sent after the request was read; then the server closes, or with `is_held` waits for the probe to.

    `failure` None is a good answer. `words` stand in the sentence.
    """

    name: str
    source: str
    answer: bytes
    failure: Optional[str] = None
    words: str = ""
    is_held: bool = False
    settings: Dict[str, Any] = field(default_factory=dict)


def _length(text: bytes, body: bytes = b"abc") -> bytes:
    return OK + b"Content-Length: " + text + b"\r\n\r\n" + body


CASES: List[Case] = [
    # The start: what is no HTTP at all, or hardly
    Case("nothing at all", "RFC 9112, 8", b"", "protocol", "nothing and closed"),
    Case("one line end", "RFC 9112, 2.2", b"\r\n", "protocol"),
    Case("half a status line", "RFC 9112, 8", b"HTTP/1.1 2", "protocol", "half a header"),
    Case("headers without their end", "RFC 9112, 8", OK + b"Server: x\r\n", "protocol", "half a header"),
    Case("greeting of SSH", "RFC 9112, 2.1", b"SSH-2.0-OpenSSH_9.2\r\n", "protocol", "SSH"),
    Case("greeting of a mail server", "RFC 9112, 2.1", b"220 mail.example ESMTP\r\n", "protocol", "mail"),
    Case("TLS on a plain port", "RFC 8446, 5.1", b"\x15\x03\x03\x00\x02\x02\x28", "protocol", "TLS"),
    Case("page without a head (HTTP/0.9)", "RFC 9112, 2.3", b"<html>hello</html>", "protocol", "not HTTP"),
    Case("zeros", "RFC 9112, 2.1", bytes(600), "protocol", "not HTTP"),
    Case("answer of RTSP", "RFC 9112, 2.3", b"RTSP/1.0 200 OK\r\n\r\n", "protocol", "RTSP"),
    Case("HTTP/2 in plain text", "RFC 9113, 3.4", b"HTTP/2 200\r\n\r\n", "protocol", "status line"),
    Case("HTTP/3 in plain text", "RFC 9112, 2.3", b"HTTP/3.0 200 OK\r\n\r\n", "protocol", "status line"),
    Case("lower case protocol", "RFC 9112, 2.3", b"http/1.1 200 OK\r\n\r\n", "protocol"),
    Case("status of two digits", "RFC 9112, 4", b"HTTP/1.1 20 OK\r\n\r\n", "protocol", "status line"),
    Case("status of four digits", "RFC 9112, 4", b"HTTP/1.1 2000 OK\r\n\r\n", "protocol", "status line"),
    Case("status below 100", "RFC 9110, 15", b"HTTP/1.1 099 X\r\n\r\n", "protocol", "status line"),
    Case("status of letters", "RFC 9112, 4", b"HTTP/1.1 abc X\r\n\r\n", "protocol", "status line"),
    Case("status above 599", "RFC 9110, 15", b"HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n", "http_status", "999"),
    Case("no reason phrase", "RFC 9112, 4", b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"),
    Case("no blank behind the status", "RFC 9112, 4", b"HTTP/1.1 200OK\r\n\r\n", "protocol", "status line"),
    Case("HTTP/1.0 without a length", "RFC 9112, 6.3", b"HTTP/1.0 200 OK\r\n\r\nhello"),
    Case("HTTP/1.9", "RFC 9110, 2.5", b"HTTP/1.9 200 OK\r\nContent-Length: 0\r\n\r\n"),
    # Header lines
    Case("bare line feeds", "RFC 9112, 2.2", b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc"),
    Case("header without a colon", "RFC 9112, 5", OK + b"nonsense\r\n\r\n", "protocol", "header line"),
    Case("blank in a header's name", "RFC 9112, 5.1", OK + b"Bad Name: x\r\n\r\n", "protocol", "header line"),
    Case("blank before the colon", "RFC 9112, 5.1", OK + b"Server : x\r\n\r\n", "protocol", "header line"),
    Case("header with no name", "RFC 9110, 5.1", OK + b": x\r\n\r\n", "protocol", "header line"),
    Case("folded header", "RFC 9112, 5.2", OK + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n"),
    Case("fold before any header", "RFC 9112, 5.2", OK + b" x: a\r\n\r\n", "protocol"),
    Case("header of bytes beyond ASCII", "RFC 9110, 5.5", OK + b"X: \xff\xfe\xe9\r\nContent-Length: 0\r\n\r\n"),
    Case("zero in a header", "RFC 9110, 5.5", OK + b"X: a\0b\r\nContent-Length: 0\r\n\r\n"),
    Case(
        "header of 100 KB",
        "RFC 9110, 5.4",
        OK + b"X: " + b"x" * 100_000 + b"\r\n\r\n",
        "protocol",
        "64 KB",
    ),
    Case("20,000 headers", "RFC 9110, 5.4", OK + b"X: y\r\n" * 20_000 + b"\r\n", "protocol", "64 KB"),
    Case("a header twice", "RFC 9110, 5.3", OK + b"Set-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n"),
    # Content-Length
    Case("length too long", "RFC 9112, 8", _length(b"9"), "protocol", "3 of the 9 bytes"),
    Case("length too short", "RFC 9112, 6.3", _length(b"2")),
    Case("length below zero", "RFC 9110, 8.6", _length(b"-3"), "protocol", "Content-Length"),
    Case("length with a sign", "RFC 9110, 8.6", _length(b"+3"), "protocol", "Content-Length"),
    Case("length of letters", "RFC 9110, 8.6", _length(b"three"), "protocol", "Content-Length"),
    Case("length empty", "RFC 9110, 8.6", _length(b""), "protocol", "Content-Length"),
    Case("length in hex", "RFC 9110, 8.6", _length(b"0x3"), "protocol", "Content-Length"),
    Case("length with a fraction", "RFC 9110, 8.6", _length(b"3.0"), "protocol", "Content-Length"),
    Case("length beyond 64 bits", "RFC 9110, 8.6", _length(b"9" * 25), "protocol"),
    Case("same length twice in one", "RFC 9112, 6.3", _length(b"3, 3")),
    Case("two lengths in one", "RFC 9112, 6.3", _length(b"3, 4"), "protocol", "Content-Length"),
    Case(
        "two lengths",
        "RFC 9112, 6.3",
        OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        "protocol",
        "Content-Length",
    ),
    Case("more than the length", "RFC 9112, 6.3", _length(b"3", b"abcdefgh")),
    Case("length of zero and a body", "RFC 9112, 6.3", _length(b"0", b"body")),
    # Chunks
    Case("chunks", "RFC 9112, 7.1", CHUNKED + b"3\r\nabc\r\n0\r\n\r\n"),
    Case("chunks with extensions", "RFC 9112, 7.1.1", CHUNKED + b'3;a="b;c"\r\nabc\r\n0;x\r\n\r\n'),
    Case("chunks with trailers", "RFC 9112, 7.1.2", CHUNKED + b"3\r\nabc\r\n0\r\nX: y\r\n\r\n"),
    Case("chunk size of letters", "RFC 9112, 7.1", CHUNKED + b"xyz\r\nabc\r\n", "protocol", "size"),
    Case("chunk size empty", "RFC 9112, 7.1", CHUNKED + b"\r\nabc\r\n", "protocol", "size"),
    Case("chunk size below zero", "RFC 9112, 7.1", CHUNKED + b"-3\r\nabc\r\n", "protocol", "size"),
    Case("chunk size beyond 64 bits", "RFC 9112, 7.1", CHUNKED + b"F" * 20 + b"\r\n", "protocol", "size"),
    Case(
        "chunk longer than its size", "RFC 9112, 7.1", CHUNKED + b"3\r\nabcdef\r\n", "protocol", "longer than its size"
    ),
    Case("chunk cut off", "RFC 9112, 8", CHUNKED + b"9\r\nabc", "protocol", "before the body's end"),
    Case("no last chunk", "RFC 9112, 7.1", CHUNKED + b"3\r\nabc\r\n", "protocol", "before the body's end"),
    Case("endless size line", "RFC 9112, 7.1.1", CHUNKED + b"3;" + b"x" * 9_000, "protocol", "does not end"),
    Case(
        "chunks and a length", "RFC 9112, 6.3", OK + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    Case("chunks named twice", "RFC 9112, 6.1", OK + b"Transfer-Encoding: gzip, Chunked\r\n\r\n0\r\n\r\n"),
    # Statuses
    Case(
        "no content and a body",
        "RFC 9110, 15.3.5",
        b"HTTP/1.1 204 X\r\nContent-Length: 9\r\n\r\nabcdefghi",
    ),
    Case("not modified", "RFC 9110, 15.4.5", b"HTTP/1.1 304 X\r\nContent-Length: 9\r\n\r\n", "http_status", "304"),
    Case("switch that nobody asked for", "RFC 9110, 15.2.2", b"HTTP/1.1 101 X\r\n\r\n", "protocol", "another protocol"),
    Case("continue, then the answer", "RFC 9110, 15.2.1", b"HTTP/1.1 100 X\r\n\r\n" + _length(b"3")),
    Case("early hints", "RFC 8297, 2", b"HTTP/1.1 103 X\r\nLink: <a>\r\n\r\n" + _length(b"3")),
    Case("continue and nothing more", "RFC 9110, 15.2.1", b"HTTP/1.1 100 X\r\n\r\n", "protocol"),
    Case("continue without end", "RFC 9110, 15.2.1", b"HTTP/1.1 100 X\r\n\r\n" * 9_000, "protocol", "64 KB"),
    Case("unauthorised without a challenge", "RFC 9110, 11.6.1", b"HTTP/1.1 401 X\r\n\r\n", "http_status", "401"),
    Case("too many requests", "RFC 6585, 4", b"HTTP/1.1 429 X\r\nRetry-After: 9\r\n\r\n", "http_status", "429"),
    # Redirects
    Case("redirect to nowhere", "RFC 9110, 15.4", b"HTTP/1.1 302 X\r\n\r\n", "http_status", "where to"),
    Case(
        "redirect to itself",
        "RFC 9110, 15.4",
        b"HTTP/1.1 302 X\r\nLocation: /\r\n\r\n",
        "too_many_redirects",
    ),
    Case(
        "redirect to an empty address", "RFC 9110, 10.2.2", b"HTTP/1.1 302 X\r\nLocation:\r\n\r\n", "too_many_redirects"
    ),
    Case(
        "redirect to a file",
        "RFC 9110, 15.4",
        b"HTTP/1.1 302 X\r\nLocation: file:///etc/passwd\r\n\r\n",
        "protocol",
        "file",
    ),
    Case("redirect to a script", "RFC 9110, 15.4", b"HTTP/1.1 302 X\r\nLocation: javascript:x\r\n\r\n", "protocol"),
    Case(
        "redirect to an impossible port",
        "RFC 3986, 3.2.3",
        b"HTTP/1.1 302 X\r\nLocation: http://a:99999/\r\n\r\n",
        "protocol",
    ),
    Case(
        "redirect to half an IPv6 address",
        "RFC 3986, 3.2.2",
        b"HTTP/1.1 302 X\r\nLocation: http://[::1/\r\n\r\n",
        "protocol",
    ),
    Case(
        "redirect with a blank in it",
        "RFC 9110, 10.2.2",
        b"HTTP/1.1 302 X\r\nLocation: /a b\r\n\r\n",
        "protocol",
        "spaces",
    ),
    # Bodies
    Case(
        "gzip that is none",
        "RFC 9110, 8.4.1",
        OK + b"Content-Encoding: gzip\r\n\r\nnot gzip",
        "content",
        "damaged",
        settings={"keyword": "x"},
    ),
    Case(
        "an unknown coding",
        "RFC 9110, 8.4",
        OK + b"Content-Encoding: br\r\n\r\nx",
        "content",
        "compressed with br",
        settings={"keyword": "x"},
    ),
    Case(
        "an unknown character set",
        "RFC 9110, 8.3.2",
        OK + b"Content-Type: text/html; charset=none\r\n\r\nhello",
        settings={"keyword": "hello"},
    ),
    # Time
    Case("silence after the request", "RFC 9112, 9.5", b"", "timeout", is_held=True),
    Case("silence in the head", "RFC 9112, 9.5", OK + b"Ser", "timeout", is_held=True),
    Case("silence in the body", "RFC 9112, 9.5", _length(b"9"), "timeout", "3 bytes", is_held=True),
    Case("whole body, connection left open", "RFC 9112, 9.3", _length(b"3"), is_held=True),
    Case("last chunk, connection left open", "RFC 9112, 9.3", CHUNKED + b"0\r\n\r\n", is_held=True),
]
