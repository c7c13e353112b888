"""What an http check sends and what it demands of the answer: method, headers, conditions, patterns, sizes."""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
from typing import Any, Callable, Dict, List, Tuple

import pytest
from pingmon_probe.answer_condition import ConditionError, read_header_condition, read_json_condition
from pingmon_probe.matcher import Matcher
from pingmon_probe.protocol import CheckSpec, ProtocolError

from .conftest import Rig
from .targets import Targets

Heard = List[Tuple[str, Dict[str, str], bytes]]

DOCUMENT = {"status": {"db": "up", "lag_s": 3.5}, "items": [{"id": 7}, {"id": 8}], "ok": True, "odd key": None}


def listening(targets: Targets, answers: Callable[[str], bytes], heard: Heard) -> int:
    """Return the port of a server that notes requests whole and answers by path."""

    def serve(sock: socket.socket) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            data += sock.recv(65_536)
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        while len(body) < int(headers.get("content-length", "0")):
            body += sock.recv(65_536)
        heard.append((lines[0], headers, body))
        sock.sendall(answers(lines[0].split(" ")[1]))

    return targets.raw_server(serve)


def page(body: bytes, *headers: str, status: int = 200) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def test_request_carries_what_was_set(rig: Rig, targets: Targets) -> None:
    heard: Heard = []
    port = listening(targets, lambda path: page(b"made", status=201), heard)
    result = rig.check(
        f"http://127.0.0.1:{port}/things",
        method="POST",
        body='{"name": "ü"}',
        headers=(("Content-Type", "application/json"), ("User-Agent", "Mine/1"), ("X-Key", "k")),
        bearer="abc.def",
    )
    assert (result.failure, result.http_status) == (None, 201)
    ((line, headers, body),) = heard
    assert line == "POST /things HTTP/1.1"
    assert (headers["content-type"], headers["x-key"], headers["user-agent"]) == ("application/json", "k", "Mine/1")
    assert (headers["authorization"], headers["accept"]) == ("Bearer abc.def", "*/*")
    assert body == '{"name": "ü"}'.encode()
    assert headers["content-length"] == str(len(body))


def test_head_request_has_no_body_to_wait_for(rig: Rig, targets: Targets) -> None:
    heard: Heard = []
    port = listening(targets, lambda path: b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", heard)
    result = rig.check(f"http://127.0.0.1:{port}/", method="HEAD", min_bytes=5)
    assert (result.failure, result.body_bytes) == (None, 0)
    assert heard[0][0] == "HEAD / HTTP/1.1"


@pytest.mark.parametrize(
    ("status", "method", "second"),
    [(301, "POST", "GET"), (302, "POST", "GET"), (303, "PUT", "GET"), (307, "POST", "POST"), (308, "PUT", "PUT")],
)
def test_redirect_changes_the_method_as_browsers_do(
    rig: Rig, targets: Targets, status: int, method: str, second: str
) -> None:
    heard: Heard = []
    answers = {"/a": page(b"", "Location: /b", status=status), "/b": page(b"ok")}
    port = listening(targets, answers.__getitem__, heard)
    result = rig.check(f"http://127.0.0.1:{port}/a", method=method, body="x")
    assert result.failure is None
    assert [line.split(" ")[0] for line, _, _ in heard] == [method, second]
    assert heard[1][2] == (b"" if second == "GET" else b"x")


def test_secrets_stay_with_the_first_origin(rig: Rig, targets: Targets) -> None:
    heard: Heard = []
    other = listening(targets, lambda path: page(b"ok"), heard)
    first = listening(targets, lambda path: page(b"", f"Location: http://127.0.0.1:{other}/", status=302), heard)
    rig.check(
        f"http://127.0.0.1:{first}/", bearer="t", headers=(("X-Key", "k"), ("Cookie", "c"), ("Accept-Language", "de"))
    )
    assert {"authorization", "x-key", "cookie", "accept-language"} <= set(heard[0][1])
    assert not {"authorization", "x-key", "cookie"} & set(heard[1][1])
    assert heard[1][1]["accept-language"] == "de"


def test_redirect_can_be_the_answer(rig: Rig, targets: Targets) -> None:
    address = targets.url("/chain/1")
    assert rig.check(address).failure is None
    result = rig.check(address, no_redirects=True)
    assert (result.failure, result.http_status, result.hops) == ("http_status", 302, ())
    assert rig.check(address, no_redirects=True, status_set=((302, 302),)).failure is None


@pytest.mark.parametrize(
    ("bounds", "failure", "words"),
    [
        ({"min_bytes": 4, "max_bytes": 4}, None, ""),
        ({"min_bytes": 5}, "content", "has 4 bytes; at least 5"),
        ({"max_bytes": 3}, "content", "at most 3"),
    ],
)
def test_size_of_the_answer(rig: Rig, targets: Targets, bounds: Dict[str, int], failure: str, words: str) -> None:
    port = listening(targets, lambda path: page(b"four"), [])
    result = rig.check(f"http://127.0.0.1:{port}/", **bounds)
    assert result.failure == failure
    assert words in result.message


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('status.db == "up"', None),
        ("$.status.lag_s < 5", None),
        ("items[1].id >= 8", None),
        ("items[0].id != 8", None),
        ("ok == true", None),
        ('$["odd key"] == null', None),
        ('$["odd key"]', None),
        ('status contains "db"', None),
        ('status.db contains "u"', None),
        ('$ contains "ok"', None),
        ('status.db == "down"', 'has "up" for status.db == "down"'),
        ("ok == 1", "has true for ok == 1"),
        ("status.lag_s > 5", "has 3.5 for"),
        ('status.lag_s > "5"', "has 3.5 for"),
        ("items[2].id == 9", "has no value for items[2].id"),
        ("status.cache", "has no value for status.cache"),
        ("items.id", "has no value for items.id"),
        ('items contains {"id": 9}', "has [{"),
    ],
)
def test_json_condition_holds_or_says_what_is_there(text: str, problem: str) -> None:
    found = read_json_condition(text).problem(DOCUMENT)
    assert found is None if problem is None else problem in (found or "")


@pytest.mark.parametrize(
    "text", ["", "== 1", "a = 1", "a == up", "a < true", "a like 1", "a b", '$["a\\q"]', "a == " + "[" * 100_000]
)
def test_wrong_json_condition_gets_a_sentence(text: str) -> None:
    with pytest.raises(ConditionError) as caught:
        read_json_condition(text)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("X-Version == 3", None),
        ("x-version", None),
        ("X-Version != 4", None),
        ("X-Gone != 4", None),
        ("Cache-Control contains no-store", None),
        ("X-Version == 4", 'has "3" for X-Version == 4'),
        ("X-Gone", "has no header for X-Gone"),
        ("Cache-Control contains public", 'has "no-store, private" for'),
    ],
)
def test_header_condition_holds_or_says_what_is_there(text: str, problem: str) -> None:
    headers = {"x-version": "3", "cache-control": "no-store, private"}
    found = read_header_condition(text).problem(headers)
    assert found is None if problem is None else problem in (found or "")


@pytest.mark.parametrize("text", ["", "a b", "X-Version contains", "a\nb"])
def test_wrong_header_condition_gets_a_sentence(text: str) -> None:
    with pytest.raises(ConditionError) as caught:
        read_header_condition(text)
    assert str(caught.value).endswith(".")


def test_conditions_are_judged_after_the_clock_has_stopped(rig: Rig, targets: Targets) -> None:
    port = listening(targets, lambda path: page(json.dumps(DOCUMENT).encode(), "X-Version: 3"), [])
    address = f"http://127.0.0.1:{port}/"
    good = rig.check(address, json_conditions=('status.db == "up"', "ok"), header_conditions=("X-Version == 3",))
    assert (good.failure, good.message) == (None, "")
    bad = rig.check(address, json_conditions=("ok", 'status.db == "down"'))
    assert (bad.failure, bad.message) == ("content", 'The answer of 127.0.0.1 has "up" for status.db == "down".')
    header = rig.check(address, header_conditions=("X-Version == 4",))
    assert header.failure == "content" and "X-Version == 4" in header.message


def test_answer_that_is_no_json_is_told(rig: Rig, targets: Targets) -> None:
    result = rig.check(targets.url("/fast"), json_conditions=("ok",))
    assert (result.failure, "it is no JSON" in result.message) == ("content", True)


@pytest.mark.parametrize(
    ("pattern", "absent", "failure", "words"),
    [
        (r"all\s+systems", False, None, ""),
        (r"version \d+", False, "content", "fits the pattern"),
        (r"(?i)ALL SYSTEMS", True, "content", "and should not"),
        (r"outage", True, None, ""),
        (r"(unclosed", False, "internal", "cannot read the pattern"),
    ],
)
def test_pattern_is_searched(rig: Rig, targets: Targets, pattern: str, absent: bool, failure: str, words: str) -> None:
    result = rig.check(targets.url("/fast"), keyword=pattern, keyword_is_pattern=True, keyword_absent=absent)
    assert result.failure == failure, result.message
    assert words in result.message


def test_slow_pattern_is_stopped_and_delays_no_other(rig: Rig, targets: Targets) -> None:
    """By the processor's time it takes; others go on with a new worker, and it is not tried again at once."""
    port = listening(targets, lambda path: page(b"a" * 40), [])
    address = f"http://127.0.0.1:{port}/"
    slow = CheckSpec(address, keyword="(a|a)+b", keyword_is_pattern=True)
    others = [CheckSpec(address), CheckSpec(address, keyword="a{40}", keyword_is_pattern=True)]
    first, plain, matched = rig.check_all([slow, *others])
    assert first.failure == "content" and "too slow" in first.message
    assert (plain.failure, matched.failure) == (None, None)
    # What the worker takes is in no phase.
    assert first.total_ms is not None and first.total_ms < 5_000
    again = rig.check_all([slow])[0]
    assert "too slow" in again.message


def test_worker_that_cannot_be_started_has_no_vote(rig: Rig, targets: Targets) -> None:
    rig.reconfigure(matcher=Matcher(rig.loop, ["/nowhere/python"]))
    result = rig.check(targets.url("/fast"), keyword="x", keyword_is_pattern=True)
    assert (result.failure, "cannot be started" in result.message) == ("internal", True)


def test_closing_ends_the_worker_in_the_middle_of_a_job(rig: Rig) -> None:
    matcher = Matcher(rig.loop, [sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(600)"])
    asked = threading.Event()
    matcher.ask({"pattern": "x", "coding": "", "charset": ""}, b"x", lambda answer: asked.set())
    matcher.close()
    assert not asked.is_set()


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"method": "BREW"}, "method must be one of"),
        ({"body": "x"}, "a GET request has no body"),
        ({"method": "POST", "body": ""}, "body must be a text"),
        ({"headers": [["Host", "x"]]}, "the probe's own to write"),
        ({"headers": [["X y", "x"]]}, "no name of a header"),
        ({"headers": [["X", "a\r\nY: b"]]}, "control characters"),
        ({"headers": "X: y"}, "headers must be a list"),
        ({"headers": [["X", "y"]] * 21}, "at most 20"),
        ({"bearer": "a b"}, "bearer must be a token"),
        ({"bearer": "a", "basic_auth": "u:p"}, "do not go together"),
        ({"json_conditions": ["a = 1"]}, "is no comparison"),
        ({"header_conditions": [""]}, "1 to 500 characters"),
        ({"json_conditions": ["a"] * 11}, "at most 10"),
        ({"min_bytes": 5, "max_bytes": 4}, "max_bytes must be a whole number from 5"),
        ({"max_bytes": 2**20}, "max_bytes must be"),
    ],
)
def test_wrong_request_is_refused_by_name(document: Dict[str, Any], words: str) -> None:
    with pytest.raises(ProtocolError, match=re.escape(words)):
        CheckSpec.from_json({"url": "http://a.example/", **document})


def test_request_comes_through_the_wire_and_shows_no_secret() -> None:
    spec = CheckSpec(
        "http://a.example/",
        method="PUT",
        body="geheim1",
        headers=(("X-Key", "geheim2"),),
        bearer="geheim3",
        no_redirects=True,
        keyword="x+",
        keyword_is_pattern=True,
        json_conditions=("a == 1",),
        header_conditions=("X",),
        min_bytes=1,
        max_bytes=9,
    )
    assert CheckSpec.from_json(json.loads(spec.encoded)) == spec
    assert "geheim" not in repr(spec)
