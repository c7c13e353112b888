"""The response parser: framing, limits, and that the borders of its pieces make no difference."""

from __future__ import annotations

from typing import Any, List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pingmon_probe.http1 import HttpError, ResponseParser, authorization, request_bytes
from pingmon_probe.target import parse_target

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def parse(pieces: List[bytes], cap: int = 1000, is_head_request: bool = False) -> Tuple[Any, ...]:
    """Return everything that can be seen of a parser after these pieces and the connection's end."""
    parser = ResponseParser(lambda status: 200, body_cap=cap, is_head_request=is_head_request)
    error = None
    try:
        for piece in pieces:
            parser.feed(piece)
        if not parser.is_done:
            parser.finish()
    except HttpError as exc:
        error = str(exc)
        return (error, parser.status, parser.body_bytes)
    return (error, parser.status, parser.body_bytes, b"".join(parser.body), parser.headers, parser.is_done)


def test_parser_reads_status_headers_and_body() -> None:
    error, status, size, body, headers, is_done = parse(
        [b"HTTP/1.1 200 OK\r\nServer:  x \r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 5\r\n\r\nhello"]
    )
    assert (error, status, size, body, is_done) == (None, 200, 5, b"hello", True)
    assert headers == {"server": "x", "set-cookie": "a, b", "content-length": "5"}


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.0 200\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.1 200 OK\n\nbare line ends", b"bare line ends"),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\nignored", b""),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabcdef", b"abc"),
        (b"HTTP/1.1 200 OK\r\nX: a\r\n  folded\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
        (CHUNKED + b'3\r\nabc\r\n2;x="y"\r\nde\r\n0\r\n\r\n', b"abcde"),
        (CHUNKED + b"0a\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n", b"0123456789"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\nContent-Length: 99\r\n\r\n1\r\na\r\n0\r\n\r\n", b"a"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\n\r\nreal", b"real"),
    ],
)
def test_parser_takes_every_framing(answer: bytes, body: bytes) -> None:
    result = parse([answer])
    assert result[0] is None and result[3] == body and result[2] == len(body) and result[5]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"SSH-2.0-OpenSSH\r\n", "SSH"),
        (b"220 mail.example ESMTP\r\n", "mail"),
        (b"\x15\x03\x01\x00\x02\x02\x28", "TLS"),
        (b"<html>", "not HTTP"),
        (b"HTTP/2 200 OK\r\n\r\n", "status line"),
        (b"HTTP/1.1 20 OK\r\n\r\n", "status line"),
        (b"HTTP/1.1 099 OK\r\n\r\n", "status line"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "header line"),
        (b"HTTP/1.1 200 OK\r\nbad name: x\r\n\r\n", "header line"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "another protocol"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", "Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "Content-Length"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "3 of the 9 bytes"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, "64 KB"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 3000, "64 KB"),
        (CHUNKED + b"xyz\r\n", "size cannot be read"),
        (CHUNKED + b"3\r\nabcdef\r\n", "longer than its size"),
        (CHUNKED + b"3;" + b"x" * 5000, "does not end"),
        (CHUNKED + b"3\r\nab", "before the body's end"),
        (b"", "nothing"),
        (b"HTTP/1.1 200 OK\r\n", "half a header"),
    ],
)
def test_parser_says_what_is_wrong(answer: bytes, words: str) -> None:
    error = parse([answer])[0]
    assert error is not None and words in error


def test_parser_stops_at_the_cap_in_every_framing() -> None:
    body = b"x" * 5000
    for head in (b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"):
        assert parse([head + body])[2:6:3] == (1000, True)
    assert parse([CHUNKED + b"1388\r\n" + body])[2:6:3] == (1000, True)
    tiny = CHUNKED + (b"1;" + b"e" * 50 + b"\r\nx\r\n") * 200
    assert parse([tiny])[2] < 100 and parse([tiny])[5]


def test_parser_keeps_only_as_much_as_is_asked_for() -> None:
    assert len(parse([b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 900])[3]) == 200


def test_parser_answer_to_head_has_no_body() -> None:
    assert parse([b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"], is_head_request=True)[5]


PARTS = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 404\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 204 x\r\n",
        b"Content-Length: 7\r\n", b"Content-Length: 2000\r\n", b"Transfer-Encoding: chunked\r\n", b"X: y\r\n",
        b" z\r\n", b"\r\n", b"\n", b"\r", b"5\r\nhello\r\n", b"0\r\n", b"3;e\r\nabc\r\n", b"hello world",
        b"x" * 1500, b"\x00\xff", b":",
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(parts=st.lists(PARTS, max_size=12), cuts=st.lists(st.integers(0, 4000), max_size=12))
def test_parser_borders_of_pieces_make_no_difference(parts: List[bytes], cuts: List[int]) -> None:
    answer = b"".join(parts)
    places = [0, *sorted(cut for cut in cuts if cut <= len(answer)), len(answer)]
    pieces = [answer[start:end] for start, end in zip(places, places[1:])]
    assert parse(pieces) == parse([answer])


@settings(max_examples=60, deadline=None)
@given(parts=st.lists(PARTS, max_size=6))
def test_parser_byte_by_byte_is_the_same_as_whole(parts: List[bytes]) -> None:
    answer = b"".join(parts)
    assert parse([answer[n : n + 1] for n in range(len(answer))]) == parse([answer])


@settings(max_examples=300, deadline=None)
@given(prefix=st.sampled_from([b"", b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\n", CHUNKED]), noise=st.binary(max_size=400))
def test_parser_never_crashes_on_noise(prefix: bytes, noise: bytes) -> None:
    parse([prefix + noise])


def test_request_is_plain_and_complete() -> None:
    request = request_bytes(
        parse_target("http://shop.example:8080/a?b=c#d"), headers=authorization("user:pässword", None)
    )
    lines = request.decode("ascii").split("\r\n")
    assert lines[0] == "GET /a?b=c HTTP/1.1" and "Host: shop.example:8080" in lines
    assert "Authorization: Basic dXNlcjpww6Rzc3dvcmQ=" in lines and lines[-2:] == ["", ""]
