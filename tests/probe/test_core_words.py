"""Small rules of the measuring core: targets, content search, bot walls, timelines, stamps, the verdict cache."""

from __future__ import annotations

import gzip
import zlib
from typing import List

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pingmon_probe.content import KeywordSearch
from pingmon_probe.loop import Loop
from pingmon_probe.protocol import FAILURES
from pingmon_probe.sentence import seconds, shown
from pingmon_probe.stamp import make_stamps
from pingmon_probe.target import Target, TargetError, parse_target, redirect_target
from pingmon_probe.timeline import CONNECT, REQUEST, Timeline
from pingmon_probe.verdict_cache import KEPT_S, MAX_ENTRIES, VerdictCache


def test_target_is_taken_apart() -> None:
    target = parse_target("https://Shop.Example:8443/a/b?q=1#part")
    assert (target.scheme, target.host, target.port, target.path) == ("https", "shop.example", 8443, "/a/b?q=1")
    assert (target.host_header, target.is_tls, target.place) == ("shop.example:8443", True, "shop.example:8443")
    assert target.url == "https://Shop.Example:8443/a/b?q=1"
    default = parse_target("http://[2001:db8::1]:80")
    assert (default.host_header, default.place, default.path) == ("[2001:db8::1]", "[2001:db8::1]:80", "/")
    assert parse_target("http://[fe80::1%25eth0]/").host == "fe80::1%eth0"


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/x", "https://a.example/x"),
        ("x?y", "https://a.example/b/x?y"),
        ("//other.example/z", "https://other.example/z"),
        ("http://other.example:81/", "http://other.example:81/"),
        ("https://user:secret@other.example/", "https://other.example/"),
        ("#part", "https://a.example/b/c"),
    ],
)
def test_redirect_target_is_resolved(location: str, url: str) -> None:
    assert redirect_target(parse_target("https://a.example/b/c"), location).url == url


def test_redirect_target_host_beyond_ascii_is_encoded() -> None:
    assert redirect_target(parse_target("http://a.example/"), "http://bücher.example/").host == "xn--bcher-kva.example"


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_redirect_target_takes_any_text_or_refuses_it(location: str) -> None:
    try:
        target = redirect_target(parse_target("http://a.example/b"), location)
    except TargetError:
        return
    assert isinstance(target, Target) and target.scheme in ("http", "https")
    line = f"GET {target.path} HTTP/1.1\r\nHost: {target.host_header}"
    assert line.isascii() and line.count("\n") == 1 and " " not in target.path


def search(keyword: str, body: List[bytes], **headers: str) -> KeywordSearch:
    found = KeywordSearch(keyword, {name.replace("_", "-"): value for name, value in headers.items()}, list(body))
    for _ in range(1000):
        if found.step():
            return found
    raise AssertionError("the search does not end")


@settings(max_examples=60, deadline=None)
@given(
    before=st.integers(0, 200_000), cut=st.integers(1, 70_000), coding=st.sampled_from(["identity", "gzip", "deflate"])
)
def test_search_finds_a_word_wherever_it_stands(before: int, cut: int, coding: str) -> None:
    page = b"x" * before + "wörd".encode() + b"y" * 1000
    body = {"identity": page, "gzip": gzip.compress(page), "deflate": zlib.compress(page)}[coding]
    pieces = [body[start : start + cut] for start in range(0, len(body), cut)]
    assert search("wörd", pieces, content_encoding=coding).found
    assert not search("wörx", pieces, content_encoding=coding).found


def test_search_of_a_cut_gzip_body_looks_at_what_there_is() -> None:
    body = gzip.compress(b"needle" + bytes(range(256)) * 100)
    assert search("needle", [body[: len(body) // 2]], content_encoding="gzip").found


def test_search_in_utf16() -> None:
    assert search("wörd", ["<p>wörd".encode("utf-16")], content_type="text/html; charset=utf-16").found


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["", "gzip", "deflate", "br"]), st.text(min_size=1, max_size=5))
def test_search_never_crashes_on_noise(noise: bytes, coding: str, keyword: str) -> None:
    search(keyword, [noise], content_encoding=coding, content_type="text/html; charset=zlib")


def test_timeline_phases_and_queue_are_the_wall_time() -> None:
    line = Timeline(10.0)
    line.own(10.1)
    line.world(CONNECT, 10.5)
    line.world(CONNECT, 10.4)  # a stamp from before the mark books nothing
    line.own(10.6)
    line.world(REQUEST, 11.0)
    line.world(REQUEST, 11.5)
    assert line.phases_s == [None, pytest.approx(0.4), None, pytest.approx(0.9), None]
    assert line.queue_s == pytest.approx(0.2)
    assert line.total_s + line.queue_s == pytest.approx(line.mark_s - line.started_s)


@given(st.lists(st.tuples(st.integers(-1, 4), st.floats(-0.5, 1.0)), max_size=30))
def test_timeline_never_loses_time(steps: List[tuple]) -> None:  # type: ignore[type-arg]
    line, now_s = Timeline(5.0), 5.0
    for phase, step_s in steps:
        now_s = max(0.0, now_s + step_s)
        if phase < 0:
            line.own(now_s)
        else:
            line.world(phase, now_s)
    assert line.total_s + line.queue_s == pytest.approx(line.mark_s - 5.0)


def test_stamps_unknown_name_is_refused() -> None:
    loop = Loop()
    with pytest.raises(ValueError, match="auto or user"):
        make_stamps(loop, "kernel")
    loop.close()


def test_verdict_cache_forgets_by_age_and_number() -> None:
    cache = VerdictCache()
    assert cache.get("a", b"1", 0.0) is None
    cache.put("a", b"1", 0.0, None)
    cache.put("a", b"2", 0.0, (10, "expired"))
    assert cache.get("a", b"1", KEPT_S - 1) == (None,) and cache.get("a", b"2", 1.0) == ((10, "expired"),)
    assert cache.get("a", b"1", KEPT_S + 1) is None
    for n in range(MAX_ENTRIES):
        cache.put("b", str(n).encode(), 1.0, None)
    assert cache.get("a", b"2", 1.0) is None


def test_sentence_helpers() -> None:
    assert (seconds(5000), seconds(1000), seconds(1500), seconds(100)) == (
        "5 seconds",
        "1 second",
        "1.5 seconds",
        "0.1 seconds",
    )
    assert shown("a\u202eb\n") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"
    assert shown("x" * 100) == "x" * 60 + "..."
    assert "timeout" in FAILURES
