"""What failures leave behind, of real servers on loopback; and that it stays within its bounds."""

from __future__ import annotations

import json
import re
import socket
import ssl
import sys
from typing import Any, Dict, List

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from pingmon_probe.evidence import MASK, Gathered, NameAnswer, Tried, as_json_bytes, written
from pingmon_probe.protocol import (
    EVIDENCE_BODY_BYTES,
    EVIDENCE_PARTS,
    FEATURES,
    MAX_EVIDENCE_BYTES,
    CheckResult,
    CheckSpec,
    decode_batch,
    encode_batch,
)

from .conftest import Rig
from .dns_server import GOOD, DnsServer, Question, answer
from .targets import EXPIRED_ON, Targets

SPEC = CheckSpec("http://site.example/")


@pytest.fixture
def keeping(rig: Rig) -> Rig:
    rig.keeps_evidence = lambda: True
    return rig


def document_of(gathered: Gathered, spec: CheckSpec = SPEC) -> Dict[str, Any]:
    writing = written(gathered, spec)
    try:
        while True:
            next(writing)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


def evidence(rig: Rig, url: str, **settings: Any) -> Dict[str, Any]:
    result = rig.check(url, **settings)
    assert result.failure is not None and result.evidence is not None, result
    assert set(result.evidence) <= set(EVIDENCE_PARTS)
    assert as_json_bytes(result.evidence) <= MAX_EVIDENCE_BYTES
    assert decode_batch(json.loads(encode_batch(1, [result])))[0].evidence == result.evidence
    return result.evidence


def served(targets: Targets, answer: bytes) -> str:
    """Return the address of a server that says this to whatever it is asked."""

    def say(sock: socket.socket) -> None:
        sock.recv(65536)
        sock.sendall(answer)

    return f"http://127.0.0.1:{targets.raw_server(say)}/page"


def test_nothing_is_kept_unless_asked_for_nor_of_what_is_well(rig: Rig, targets: Targets) -> None:
    assert "failure_evidence" in FEATURES
    assert rig.check(targets.url("/status/500")).evidence is None
    rig.keeps_evidence = lambda: False
    assert rig.check(targets.url("/status/500")).evidence is None
    rig.keeps_evidence = lambda: True
    assert rig.check(targets.url("/fast")).evidence is None
    line = json.loads(encode_batch(1, [rig.check(targets.url("/fast"))]))
    assert "evidence" not in line["columns"]


def test_error_page_leaves_its_head_and_the_start_of_its_body(keeping: Rig, targets: Targets) -> None:
    page = b"<h1>It broke</h1>\r\n\x00" + b"x" * 6_000
    head = (
        b"HTTP/1.1 500 Oh no\r\nServer: nginx\r\nSet-Cookie: session=abc123; HttpOnly\r\nX-Api-Key: k-1\r\n"
        b"Location: /next?page=2&access_token=t0ps3cret\r\nWWW-Authenticate: Basic realm=x\r\n"
        b"Content-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(page)
    )
    url = served(targets, head + page)
    kept = evidence(keeping, url)
    (answer,) = kept["answers"]
    assert (answer["url"], answer["status_line"], answer["is_cut"]) == (url, "HTTP/1.1 500 Oh no", False)
    headers = dict(answer["headers"])
    assert headers["Server"] == "nginx" and headers["WWW-Authenticate"] == "Basic realm=x"
    assert headers["Set-Cookie"] == f"session={MASK}" and headers["X-Api-Key"] == MASK
    assert headers["Location"] == f"/next?page=2&access_token={MASK}"
    body = kept["body"]
    assert body["text"].startswith("<h1>It broke</h1>\n\N{REPLACEMENT CHARACTER}xx")
    assert (body["body_bytes"], body["is_cut"], body["coding"]) == (len(page), True, "")
    assert len(body["text"]) == EVIDENCE_BODY_BYTES - 1
    (tried,) = kept["tried"]
    assert (tried["target"], tried["address"]) == (url, "127.0.0.1") and "500" in tried["outcome"]
    assert "names" not in kept and "chain" not in kept


def test_what_signs_in_is_masked_also_where_the_server_sends_it_back(keeping: Rig, targets: Targets) -> None:
    body = b'{"headers": {"Authorization": "Bearer s3cr3t-bearer", "X-Key": "my \\"own\\" key"}}'
    url = served(targets, b"HTTP/1.1 403 No\r\nX-Echo: got s3cr3t-bearer\r\n\r\n" + body)
    kept = evidence(keeping, url, bearer="s3cr3t-bearer", headers=(("X-Key", 'my "own" key'),))
    text = json.dumps(kept)
    assert "s3cr3t" not in text and "own" not in text and text.count(MASK) == 3
    cut = Gathered()
    cut.body, cut.body_bytes = b"x" * (EVIDENCE_BODY_BYTES - 6) + b"s3cr3t-bearer", 5_000
    assert document_of(cut, CheckSpec("http://a/", bearer="s3cr3t-bearer"))["body"]["text"].endswith("xx" + MASK)


def test_every_hop_of_a_redirect_loop_is_there(keeping: Rig, targets: Targets) -> None:
    kept = evidence(keeping, targets.url("/chain/9"))
    assert [one["url"].rpartition("/")[2] for one in kept["answers"]] == ["9", "8", "7", "6", "5", "4"]
    assert [one["outcome"] for one in kept["tried"]][:5] == ["answered 302"] * 5
    assert "redirects" in kept["tried"][-1]["outcome"]


@pytest.mark.parametrize("path", ["/garbage", "/ssh", "/mid-head"])
def test_what_is_no_http_is_kept_as_it_came(keeping: Rig, targets: Targets, path: str) -> None:
    kept = evidence(keeping, targets.url(path))
    starts = {"/ssh": "SSH-2.0-OpenSSH", "/mid-head": "HTTP/1.1 200 OK\nContent-Le"}
    assert kept["body"]["text"].startswith(starts.get(path, "\N{REPLACEMENT CHARACTER}"))
    assert "answers" not in kept


def test_compressed_page_is_read_and_a_missing_keyword_leaves_the_page(keeping: Rig, targets: Targets) -> None:
    for path in ("/gzip", "/deflate"):
        body = evidence(keeping, targets.url(path), keyword="no such word")["body"]
        assert body["text"].startswith("<html>") and body["coding"] == path[1:]
    bomb = evidence(keeping, targets.url("/gzip-bomb"), keyword="no such word")["body"]
    assert bomb["is_cut"] and len(bomb["text"]) <= EVIDENCE_BODY_BYTES
    assert evidence(keeping, targets.url("/damaged-gzip"), keyword="word")["body"]["coding"] == ""


def test_refused_and_silent_targets_leave_where_it_was_tried(keeping: Rig, targets: Targets) -> None:
    for port in (targets.refused_port(), targets.blackhole(), targets.silent()):
        kept = evidence(keeping, f"http://127.0.0.1:{port}/", timeout_ms=200)
        (tried,) = kept["tried"]
        assert tried["address"] == "127.0.0.1" and str(port) in tried["outcome"]
        assert set(kept) == {"tried"}


@pytest.mark.parametrize("certificate", ["expired", "not_yet_valid", "wrong_name", "self_signed"])
def test_certificate_that_does_not_hold_leaves_its_chain(keeping: Rig, targets: Targets, certificate: str) -> None:
    kept = evidence(keeping, targets.url("/fast", certificate))
    leaf = kept["chain"][0]
    assert re.fullmatch("[0-9a-f]{64}", leaf["sha256"])
    assert leaf["not_before"] < leaf["not_after"] and leaf["issuer"]
    assert leaf["names"][0] == ("elsewhere.example" if certificate == "wrong_name" else "localhost")
    assert kept["tried"][0]["outcome"].startswith("The certificate of localhost")
    assert kept["names"][0]["host"] == "localhost" and "127.0.0.1" in kept["names"][0]["addresses"]
    assert kept["names"][0]["server"] is None


def test_whole_chain_is_kept_as_the_server_sent_it(keeping: Rig, targets: Targets) -> None:
    between = trustme.CA().create_child_ca()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    between.issue_cert("localhost").configure_cert(context)

    def talk(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as secured:
            secured.recv(1)

    chain = evidence(keeping, f"https://localhost:{targets.raw_server(talk)}/")["chain"]
    assert [one["issuer"] for one in chain[:1]] == [one["subject"] for one in chain[1:2]]
    assert len(chain) == (2 if sys.version_info >= (3, 10) else 1)


def test_name_that_does_not_resolve_leaves_what_the_resolver_said(keeping: Rig, targets: Targets) -> None:
    def nobody(*_: object) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    keeping.reconfigure(getaddrinfo=nobody)
    (name,) = evidence(keeping, "http://nowhere.example/")["names"]
    assert (name["host"], name["addresses"]) == ("nowhere.example", [])
    assert name["error"] == "Name or service not known" and name["took_ms"] >= 0


def test_name_that_takes_too_long_says_so(keeping: Rig, targets: Targets) -> None:
    def slow(*_: object) -> Any:
        targets.stopping.wait(2)
        return []

    keeping.reconfigure(getaddrinfo=slow)
    (name,) = evidence(keeping, "http://slow.example/", timeout_ms=100)["names"]
    assert name["took_ms"] is None and "no answer" in name["error"]


def test_port_that_says_something_else_leaves_what_it_said(keeping: Rig, targets: Targets) -> None:
    port = targets.raw_server(lambda sock: sock.sendall(b"220 mail.example ESMTP\r\n" + b"x" * 9_000))
    kept = evidence(keeping, f"tcp://127.0.0.1:{port}", expect="SSH-2.0")
    assert kept["body"]["text"].startswith("220 mail.example ESMTP\nx") and kept["body"]["is_cut"]
    assert kept["tried"][0]["address"] == "127.0.0.1" and kept["tried"][0]["port"] == port


def test_tls_check_leaves_the_chain(keeping: Rig, targets: Targets) -> None:
    port = targets.url("/", "expired").rpartition(":")[2].strip("/")
    kept = evidence(keeping, f"tls://localhost:{port}")
    assert kept["chain"][0]["not_after"].startswith(EXPIRED_ON.strftime("%Y-%m-%d"))


def test_name_servers_leave_what_they_answered(keeping: Rig) -> None:
    told = {b"gone": b"\x81\x83", b"odd": b"\x81\x80"}

    def say(question: Question) -> List[bytes]:
        flags = told.get(question.labels[0])
        return [] if flags is None else [answer(question, *GOOD[1], flags=int.from_bytes(flags, "big"))]

    server = DnsServer(say)
    gone = evidence(keeping, server.url("gone"))
    (name,) = gone["names"]
    assert name["host"].startswith("A of gone.") and name["error"] == "NXDOMAIN" and name["server"] == server.place
    odd = evidence(keeping, server.url("odd"), dns_match="exact", dns_answers=("192.0.2.77",))
    assert odd["names"][0]["addresses"] == ["192.0.2.1", "192.0.2.2"] and odd["names"][0]["took_ms"] > 0
    silent = evidence(keeping, server.url("silent"), timeout_ms=150)
    assert "names" not in silent and silent["tried"][0]["address"] == "127.0.0.1"
    server.close()


def test_echoes_that_do_not_come_back_leave_who_said_why(keeping: Rig) -> None:
    def nowhere(family: int) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.setblocking(False)
        return sock

    keeping.reconfigure(open_echo=nowhere)
    kept = evidence(keeping, "icmp://127.0.0.1", timeout_ms=300)
    assert kept["tried"][0]["target"] == "127.0.0.1" and kept["tried"][0]["port"] is None


@pytest.mark.parametrize("piece", [b"?token", b"?a", b"&key=", b";", b"?session=x&", b"a"])
def test_text_that_is_all_addresses_is_gone_through_but_once(piece: bytes) -> None:
    """Backtracking in it would take minutes, and hold up every check."""
    gathered = Gathered()
    line = b"Link: " + piece * (8_000 // len(piece)) + b"\r\n"
    gathered.heads = [("http://a/" + piece.decode() * 300, b"HTTP/1.1 500 No\r\n" + line)] * 6
    assert len(document_of(gathered)["answers"]) == 6


_bytes = st.binary(max_size=9_000)


@given(
    head=_bytes,
    body=_bytes,
    chain=st.lists(_bytes, max_size=12),
    content_type=st.sampled_from(["", "text/html; charset=idna", "a/b; charset=utf-16", "x; charset=gb18030"]),
    coding=st.sampled_from(["", "gzip", "deflate", "br"]),
    texts=st.lists(st.text(max_size=600), max_size=8),
)
def test_whatever_a_target_says_the_document_is_bounded(
    head: bytes, body: bytes, chain: list[bytes], content_type: str, coding: str, texts: list[str]
) -> None:
    gathered = Gathered()
    gathered.heads = [("http://a/?token=x", head), ("http://a/", b"HTTP/1.1 200 OK\r\n" + head)] * 3
    gathered.body, gathered.body_bytes = body, len(body)
    gathered.chain = chain
    gathered.content_type, gathered.content_coding = content_type, coding
    gathered.names = [NameAnswer(text, None, [text] * 30, text, 1.0) for text in texts]
    gathered.tried = [Tried(text, None, 80, text) for text in texts]
    document = document_of(gathered)
    assert as_json_bytes(document) <= MAX_EVIDENCE_BYTES
    line = encode_batch(1, [CheckResult("http://a/", evidence=document)] * 3)
    assert len(line) < 64 * 1024
    json.loads(line.decode("ascii"))
