"""What a check reports, against real servers on loopback, on both ways of measuring."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any, List
from urllib.parse import quote

import pytest
from pingmon_probe import sentence
from pingmon_probe.protocol import BODY_CAP_BYTES, PHASES, CheckResult, CheckSpec, decode_batch, encode_batch
from pingmon_probe.target import parse_target

from .conftest import Rig
from .targets import EXPIRED_ON, KEYWORD, PAGE, VALID_FROM, Targets


def phases(result: CheckResult) -> List[float]:
    return [ms for ms in (getattr(result, name) for name in PHASES) if ms is not None]


def assert_sound(result: CheckResult) -> None:
    """What holds for every result, good or bad."""
    if phases(result):
        assert result.total_ms == pytest.approx(sum(phases(result)), abs=0.001)
    else:
        assert result.total_ms is None
    assert all(ms >= 0 for ms in phases(result))
    assert result.queue_ms >= 0 and result.late_ms >= 0
    assert result.low_confidence == (result.queue_ms > 5)
    if result.failure is not None:
        assert result.message.endswith(".") and len(result.message) > 20
    line = encode_batch(1, [result])
    assert line.endswith(b"\n")


def test_check_fast_page_is_online_with_its_phases(rig: Rig, targets: Targets) -> None:
    result = rig.check(targets.url("/fast"), monitor=7, version=3)
    assert_sound(result)
    assert (result.failure, result.http_status, result.message) == (None, 200, "")
    assert (result.monitor, result.version) == (7, 3)
    assert result.body_bytes == len(PAGE)
    assert (result.address, result.family) == ("127.0.0.1", 4)
    assert result.dns_ms is None and result.tls_ms is None
    assert None not in (result.connect_ms, result.request_ms, result.transfer_ms)
    assert abs(result.started_at_ms - time.time() * 1000) < 60_000
    assert result.certificate is None and result.hops == ()


def test_check_clock_says_whose_stamps_were_used(rig: Rig, targets: Targets) -> None:
    results = rig.check_all([CheckSpec(targets.url("/fast"))] * 5)
    if rig.measurer.clock == "user":
        assert {result.clock for result in results} == {"user"}
    else:
        assert "kernel" in {result.clock for result in results}


def test_check_waiting_target_is_measured_in_the_request_phase(rig: Rig, targets: Targets) -> None:
    result = rig.check(targets.url("/sleep/50"))
    assert result.request_ms is not None and result.request_ms >= 49.9
    assert result.transfer_ms is not None and result.transfer_ms < result.request_ms
    assert_sound(result)


def test_check_slow_body_is_measured_in_the_transfer_phase(rig: Rig, targets: Targets) -> None:
    result = rig.check(targets.url("/slow-body?first=30&rest=60"))
    assert result.request_ms is not None and result.request_ms >= 29.9
    # A first byte that was noticed late belongs to the request; what is left is still the longer wait.
    assert result.transfer_ms is not None and result.transfer_ms > 20
    assert result.request_ms + result.transfer_ms >= 89.5
    assert result.body_bytes == 4
    assert_sound(result)


def test_check_total_and_queue_make_up_the_wall_time(rig: Rig, targets: Targets) -> None:
    started_s: List[float] = []
    result_box: List[CheckResult] = []

    def done(result: CheckResult) -> None:
        result_box.append(result)
        started_s.append(time.monotonic())
        rig.loop.stop()

    begun_s = time.monotonic()
    rig.measurer.start(CheckSpec(targets.url("/sleep/40")), begun_s, done)
    rig.run()
    result = result_box[0]
    assert result.total_ms is not None
    wall_ms = (started_s[0] - begun_s) * 1000
    inside_ms = result.late_ms + result.total_ms + result.queue_ms
    assert inside_ms <= wall_ms + 0.1
    # What is missing is only the way from the last byte to this test.
    assert wall_ms - inside_ms < 20


def test_check_late_loop_does_not_lengthen_the_answer_with_kernel_stamps(rig: Rig, targets: Targets) -> None:
    """The loop is held up for 400 ms while the answer arrives: the kernel's stamp tells, the loop's clock cannot."""
    box: List[CheckResult] = []

    def done(result: CheckResult) -> None:
        box.append(result)
        rig.loop.stop()

    before = len(targets.requests)

    def hold_up() -> None:
        if len(targets.requests) > before:
            time.sleep(0.400)
        else:
            rig.loop.call_at(rig.loop.now() + 0.001, hold_up)

    rig.measurer.start(CheckSpec(targets.url("/sleep/150")), None, done)
    hold_up()
    rig.run()
    result = box[0]
    assert_sound(result)
    assert result.total_ms is not None
    assert (result.total_ms < 350) == (result.clock == "kernel")


def test_check_late_loop_goes_to_the_queue(rig: Rig, targets: Targets) -> None:
    """The name is resolved in 10 ms, but the loop is held up and goes on later: its own fault, not the name's."""

    def resolve(host: bytes, port: int, *rest: Any) -> Any:
        time.sleep(0.010)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    rig.reconfigure(resolve)
    box: List[CheckResult] = []

    def done(result: CheckResult) -> None:
        box.append(result)
        rig.loop.stop()

    rig.measurer.start(CheckSpec(f"http://shop.example:{targets.port}/fast"), None, done)
    rig.loop.call_at(rig.loop.now() + 0.005, time.sleep, 0.300)
    rig.run()
    result = box[0]
    assert_sound(result)
    assert result.dns_ms is not None and result.dns_ms < 200
    assert result.queue_ms > 30 and result.low_confidence


@pytest.mark.parametrize("path", ["/until-close", "/chunked", "/interim"])
def test_check_every_framing_gives_the_same_body(rig: Rig, targets: Targets, path: str) -> None:
    result = rig.check(targets.url(path), keyword=KEYWORD)
    assert (result.failure, result.http_status, result.body_bytes) == (None, 200, len(PAGE))
    assert_sound(result)


def test_check_no_content_is_complete_without_a_body(rig: Rig, targets: Targets) -> None:
    result = rig.check(targets.url("/no-body"))
    assert (result.failure, result.http_status, result.body_bytes) == (None, 204, 0)


def test_check_huge_body_is_cut_at_the_cap(rig: Rig, targets: Targets) -> None:
    result = rig.check(targets.url("/big"))
    assert (result.failure, result.body_bytes) == (None, BODY_CAP_BYTES)
    assert_sound(result)


def test_check_endless_chunks_are_cut_too(rig: Rig, targets: Targets) -> None:
    result = rig.check(targets.url("/endless-chunks"), timeout_ms=20_000)
    assert result.failure is None
    assert 0 < result.body_bytes <= BODY_CAP_BYTES


def test_check_ipv6_only_is_reached(rig: Rig, targets: Targets) -> None:
    result = rig.check(f"http://[::1]:{targets.port_v6}/fast")
    assert (result.failure, result.address, result.family) == (None, "::1", 6)


def test_check_name_is_resolved_and_timed(rig: Rig, targets: Targets) -> None:
    def slow(host: bytes, port: int, *rest: Any) -> Any:
        time.sleep(0.03)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    rig.reconfigure(slow)
    result = rig.check(f"http://shop.example:{targets.port}/fast")
    assert result.failure is None and result.address == "127.0.0.1"
    assert result.dns_ms is not None and result.dns_ms >= 29.9
    assert targets.requests[-1][1]["host"] == f"shop.example:{targets.port}"
    assert_sound(result)


def test_check_sends_an_honest_plain_request(rig: Rig, targets: Targets) -> None:
    rig.check(targets.url("/fast?q=1&r=%20x"))
    line, headers = targets.requests[-1]
    assert line == "GET /fast?q=1&r=%20x HTTP/1.1"
    assert headers["user-agent"].startswith("Pingmon/") and headers["user-agent"].endswith("(+monitor)")
    assert (headers["connection"], headers["accept"], headers["accept-encoding"]) == ("close", "*/*", "identity")
    assert "authorization" not in headers


# Expectations


@pytest.mark.parametrize(
    ("status", "words"),
    [(404, "404 Not Found"), (500, "500 Internal Server Error"), (503, "overloaded"), (299, ""), (599, "599")],
)
def test_check_status_outside_the_set_is_a_failure(rig: Rig, targets: Targets, status: int, words: str) -> None:
    result = rig.check(targets.url(f"/status/{status}"))
    assert result.http_status == status
    assert result.failure == (None if status == 299 else "http_status")
    assert words in result.message
    assert_sound(result)


def test_check_status_set_is_the_monitors_own(rig: Rig, targets: Targets) -> None:
    expected = ((200, 204), (404, 404))
    assert rig.check(targets.url("/status/404"), status_set=expected).failure is None
    refused = rig.check(targets.url("/status/205"), status_set=expected)
    assert refused.failure == "http_status" and "200 to 204 or 404 was expected" in refused.message


@pytest.mark.parametrize("path", ["/fast", "/chunked", "/gzip", "/deflate", "/raw-deflate"])
def test_check_keyword_is_found_or_missed(rig: Rig, targets: Targets, path: str) -> None:
    assert rig.check(targets.url(path), keyword=KEYWORD).failure is None
    missed = rig.check(targets.url(path), keyword="not there")
    assert missed.failure == "content" and '"not there"' in missed.message
    assert rig.check(targets.url(path), keyword="not there", keyword_absent=True).failure is None
    present = rig.check(targets.url(path), keyword=KEYWORD, keyword_absent=True)
    assert present.failure == "content" and KEYWORD in present.message
    assert_sound(present)


def test_check_keyword_is_looked_for_in_the_pages_character_set(rig: Rig, targets: Targets) -> None:
    assert rig.check(targets.url("/latin-1"), keyword="grüne").failure is None


@pytest.mark.parametrize(("path", "words"), [("/br", "compressed with br"), ("/damaged-gzip", "damaged")])
def test_check_unreadable_page_cannot_satisfy_a_keyword(rig: Rig, targets: Targets, path: str, words: str) -> None:
    result = rig.check(targets.url(path), keyword=KEYWORD)
    assert result.failure == "content" and words in result.message
    assert rig.check(targets.url(path)).failure is None


def test_check_gzip_bomb_is_searched_in_short_slices(rig: Rig, targets: Targets) -> None:
    turns = rig.loop.turn
    result = rig.check(targets.url("/gzip-bomb"), keyword=KEYWORD)
    assert result.failure == "content" and result.body_bytes == len(targets.bomb)
    assert "does not hold" in result.message
    assert rig.loop.turn - turns > 60  # 4 MiB in slices of 64 KB, the loop turning in between


def test_check_basic_auth_is_sent_and_kept_out_of_the_result(rig: Rig, targets: Targets) -> None:
    assert rig.check(targets.url("/authorised")).http_status == 401
    result = rig.check(targets.url("/authorised"), basic_auth="user:password")
    assert result.http_status == 200
    assert "password" not in repr(result) and "dXNlcjp" not in repr(result)


@pytest.mark.parametrize("path", ["/challenge", "/wall"])
def test_check_bot_wall_is_told_apart(rig: Rig, targets: Targets, path: str) -> None:
    result = rig.check(targets.url(path))
    assert result.failure == "blocked" and "Cloudflare" in result.message
    assert_sound(result)


@pytest.mark.parametrize(
    ("wall", "head", "body"),
    [
        ("Vercel", "X-Vercel-Mitigated: challenge", b""),
        ("AWS WAF", "x-amzn-waf-action: captcha", b""),
        ("DataDome", "X-DataDome: protected", b"https://geo.captcha-delivery.com/x"),
        ("DDoS-Guard", "Server: ddos-guard", b"/.well-known/ddos-guard/js-challenge/"),
        ("Sucuri", "Server: Sucuri/Cloudproxy", b"sucuri_cloudproxy_js='x'"),
        ("Imperva", "X-Iinfo: 1-2-3", b'<iframe src="/_Incapsula_Resource?SWUDNSAI=9">'),
        ("Akamai", "Server: AkamaiGHost", b"Reference&#32;&#35;18&#46;1"),
        ("Kasada", "x-kpsdk-ct: x", b'<script src="/149e9513/ips.js?x"></script>'),
        ("HUMAN", "Content-Type: text/html", b'<div id="px-captcha"></div>'),
    ],
)
def test_check_every_wall_is_named_with_what_to_allow(
    rig: Rig, targets: Targets, wall: str, head: str, body: bytes
) -> None:
    answer = f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(body)}\r\n{head}\r\n\r\n".encode() + body
    port = targets.raw_server(lambda sock: (sock.recv(1_000), sock.sendall(answer)))  # type: ignore[func-returns-value]
    result = rig.check(f"http://127.0.0.1:{port}/")
    assert result.failure == "blocked"
    assert result.message.startswith(f"{wall} shows this probe a challenge")
    # Loopback is nobody's address outside.
    assert "allow the address that the probe's network has outside there, or its user agent" in result.message


def test_check_bot_wall_names_the_address_that_is_known_outside() -> None:
    said = sentence.bot_wall(parse_target("https://shop.example/"), "Cloudflare", "203.0.113.7")
    assert "allow the probe's address 203.0.113.7 there" in said


def test_check_plain_403_is_no_bot_wall(rig: Rig, targets: Targets) -> None:
    assert rig.check(targets.url("/status/403")).failure == "http_status"


# Redirects


def test_check_redirects_are_followed_and_kept(rig: Rig, targets: Targets) -> None:
    result = rig.check(targets.url("/chain/3"))
    assert (result.failure, result.http_status) == (None, 200)
    assert [hop["url"] for hop in result.hops] == [targets.url(f"/chain/{n}") for n in (3, 2, 1)]
    assert {hop["http_status"] for hop in result.hops} == {302}
    assert {hop["address"] for hop in result.hops} == {"127.0.0.1"}
    assert result.total_ms is not None
    assert sum(hop["total_ms"] for hop in result.hops) < result.total_ms
    assert decode_batch(__import__("json").loads(encode_batch(1, [result])))[0].hops == result.hops
    assert_sound(result)


def test_check_five_redirects_pass_and_six_do_not(rig: Rig, targets: Targets) -> None:
    assert rig.check(targets.url("/chain/5")).failure is None
    result = rig.check(targets.url("/chain/6"))
    assert result.failure == "too_many_redirects" and "5 redirects" in result.message
    assert len(result.hops) == 5
    assert_sound(result)


def test_check_redirect_loop_is_named(rig: Rig, targets: Targets) -> None:
    result = rig.check(targets.url("/loop"))
    assert result.failure == "too_many_redirects" and "in a circle" in result.message
    assert result.http_status == 302


def test_check_expected_redirect_is_not_followed(rig: Rig, targets: Targets) -> None:
    result = rig.check(targets.url("/chain/3"), status_set=((302, 302),))
    assert (result.failure, result.http_status, result.hops) == (None, 302, ())


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("ftp://files.example/", "ftp"),
        ("javascript:alert(1)", "javascript"),
        ("http://:80/", "names no host"),
        ("http://host:99999/", "cannot be read"),
        ("http://[::1/", "cannot be read"),
        ("/a b", "spaces"),
        ("/" + "x" * 3000, "too long"),
    ],
)
def test_check_redirect_to_nonsense_is_a_protocol_failure(
    rig: Rig, targets: Targets, location: str, words: str
) -> None:
    result = rig.check(targets.url(f"/to?url={quote(quote(location, safe=''))}"))
    assert result.failure == "protocol" and words in result.message
    assert_sound(result)


def test_check_redirect_without_location_is_a_status_failure(rig: Rig, targets: Targets) -> None:
    result = rig.check(targets.url("/lost"))
    assert result.failure == "http_status" and "where to" in result.message


def test_check_redirect_location_may_hold_utf8(rig: Rig, targets: Targets) -> None:
    assert rig.check(targets.url("/utf8-location")).failure is None
    assert targets.requests[-1][0] == "GET /fast?%C3%BC HTTP/1.1"


def test_check_basic_auth_stays_with_its_origin(rig: Rig, targets: Targets) -> None:
    elsewhere = quote(quote(targets.url("/fast", host="localhost"), safe=""))
    assert rig.check(targets.url(f"/to?url={elsewhere}"), basic_auth="user:password").failure is None
    first, second = targets.requests[-2:]
    assert "authorization" in first[1] and "authorization" not in second[1]


def test_check_private_address_is_refused_unless_allowed(rig: Rig, targets: Targets) -> None:
    rig.reconfigure(allow_private=False)
    result = rig.check(targets.url("/fast"))
    assert result.failure == "refused_target" and "loopback" in result.message
    assert result.address == "127.0.0.1" and result.http_status is None
    assert_sound(result)


def test_check_redirect_into_the_probes_network_is_refused(rig: Rig, targets: Targets) -> None:
    """Here 127.0.0.1 stands for the public target that leads to ::1, the private one."""
    rig.reconfigure(allow_private=False, refuse=lambda address: "a private address" if ":" in address else None)
    inside = quote(quote(f"http://[::1]:{targets.port_v6}/fast", safe=""))
    result = rig.check(targets.url(f"/to?url={inside}"))
    assert result.failure == "refused_target" and len(result.hops) == 1 and result.address == "::1"
    assert targets.requests[-1][0].startswith("GET /to?")
    assert_sound(result)


def test_check_name_that_points_inside_is_refused_after_resolution(rig: Rig, targets: Targets) -> None:
    def rebinding(host: bytes, port: int, *rest: Any) -> Any:
        return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::ffff:10.0.0.1", port, 0, 0))]

    rig.reconfigure(rebinding, allow_private=False)
    result = rig.check("http://public.example/")
    assert result.failure == "refused_target" and "10.0.0.1" in result.message and "private" in result.message
    assert result.dns_ms is not None and result.connect_ms is None
    assert_sound(result)


# Failures


def test_check_refused_port_is_connect_refused(rig: Rig, targets: Targets) -> None:
    port = targets.refused_port()
    result = rig.check(f"http://127.0.0.1:{port}/")
    assert result.failure == "connect_refused" and f"127.0.0.1:{port}" in result.message
    assert result.connect_ms is not None and result.request_ms is None
    assert result.clock == "user"
    assert_sound(result)


def test_check_blackhole_is_connect_timeout(rig: Rig, targets: Targets) -> None:
    port = targets.blackhole()
    result = rig.check(f"http://127.0.0.1:{port}/", timeout_ms=200)
    assert result.failure == "connect_timeout" and "0.2 seconds" in result.message
    assert result.connect_ms == pytest.approx(200, abs=1)
    assert result.request_ms is None
    assert_sound(result)


@pytest.mark.parametrize(
    ("path", "phase", "words"), [("/hang", "request_ms", "no answer"), ("/drip", "transfer_ms", "bytes had come")]
)
def test_check_timeout_says_in_which_phase(rig: Rig, targets: Targets, path: str, phase: str, words: str) -> None:
    result = rig.check(targets.url(path), timeout_ms=250)
    assert result.failure == "timeout" and words in result.message and "0.25 seconds" in result.message
    assert result.total_ms == pytest.approx(250, abs=1)
    assert result.http_status == (200 if path == "/drip" else None)
    assert getattr(result, phase) > 100
    assert_sound(result)


def test_check_silent_tls_is_a_timeout_in_the_handshake(rig: Rig, targets: Targets) -> None:
    result = rig.check(f"https://127.0.0.1:{targets.silent()}/", timeout_ms=200)
    assert result.failure == "timeout" and "TLS handshake" in result.message
    assert result.tls_ms is not None and result.tls_ms > 100 and result.request_ms is None
    assert_sound(result)


def test_check_timeout_covers_all_hops(rig: Rig, targets: Targets) -> None:
    url = quote(quote(targets.url("/hang"), safe=""))
    result = rig.check(targets.url(f"/to?url={url}"), timeout_ms=200)
    assert result.failure == "timeout" and len(result.hops) == 1
    assert result.total_ms == pytest.approx(200, abs=1)


def test_check_unknown_name_is_a_dns_failure(rig: Rig) -> None:
    def unknown(*arguments: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    rig.reconfigure(unknown)
    result = rig.check("http://no-such-name.invalid/")
    assert result.failure == "dns" and "no-such-name.invalid does not exist" in result.message
    assert result.dns_ms is not None and result.connect_ms is None and result.address is None
    assert_sound(result)


def test_check_silent_name_servers_are_a_dns_failure_of_their_own(rig: Rig) -> None:
    def again(*arguments: Any) -> Any:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    rig.reconfigure(again)
    result = rig.check("http://shop.example/")
    assert result.failure == "dns" and "No name server answered" in result.message


def test_check_hanging_name_ends_at_the_timeout(rig: Rig) -> None:
    release = threading.Event()

    def hanging(*arguments: Any) -> Any:
        release.wait(20)
        return []

    rig.reconfigure(hanging)
    try:
        result = rig.check("http://hangs.example/", timeout_ms=150)
        assert result.failure == "timeout" and "hangs.example was not resolved" in result.message
        assert result.dns_ms is not None and 0 < result.dns_ms <= 151
        assert_sound(result)
    finally:
        release.set()


def test_check_starved_resolver_is_the_probes_own_fault(rig: Rig) -> None:
    release = threading.Event()

    def hanging(*arguments: Any) -> Any:
        release.wait(20)
        return []

    rig.reconfigure(hanging, resolver_threads=1)
    try:
        specs = [CheckSpec("http://a.example/", timeout_ms=400), CheckSpec("http://b.example/", timeout_ms=150)]
        first, second = rig.check_all(specs)
        assert first.failure == "timeout" and second.failure == "internal"
        assert "resolver threads were busy" in second.message
        assert_sound(second)
    finally:
        release.set()


def test_check_numeric_host_of_the_other_family_is_a_dns_failure(rig: Rig, targets: Targets) -> None:
    result = rig.check(targets.url("/fast"), family=6)
    assert result.failure == "dns" and "IPv6" in result.message
    assert_sound(result)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/garbage", "not HTTP"),
        ("/ssh", "looks like SSH"),
        ("/empty", "nothing and closed"),
        ("/mid-head", "half a header"),
        ("/mid-body", "10 of the 1000 bytes"),
        ("/mid-chunk", "3 bytes and closed"),
        ("/endless-headers", "64 KB"),
    ],
)
def test_check_broken_answer_is_a_protocol_failure(rig: Rig, targets: Targets, path: str, words: str) -> None:
    result = rig.check(targets.url(path))
    assert result.failure == "protocol" and words in result.message
    assert_sound(result)


def test_check_reset_before_the_answer_is_a_protocol_failure(rig: Rig, targets: Targets) -> None:
    def reset(sock: socket.socket) -> None:
        sock.recv(65536)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    result = rig.check(f"http://127.0.0.1:{targets.raw_server(reset)}/")
    assert result.failure == "protocol" and "broke off" in result.message
    assert_sound(result)


# TLS


def test_check_good_certificate_is_verified_and_shown(rig: Rig, targets: Targets) -> None:
    result = rig.check(targets.url("/fast", "good"))
    assert (result.failure, result.http_status) == (None, 200)
    assert result.tls_ms is not None and result.tls_ms > 0
    assert result.certificate is not None and result.certificate["verify_error"] is None
    assert result.certificate["subject"].startswith("CN=localhost")
    assert "Pingmon's test authority" in result.certificate["issuer"]
    assert result.certificate["not_after"].endswith("Z")
    assert_sound(result)


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        ("expired", f"expired on {EXPIRED_ON:%Y-%m-%d}"),
        ("not_yet_valid", f"not yet valid until {VALID_FROM:%Y-%m-%d}"),
        ("wrong_name", "is for another name: elsewhere.example, other.example"),
        ("self_signed", "self-signed"),
    ],
)
def test_check_bad_certificate_is_offline_unless_ignored(
    rig: Rig, targets: Targets, certificate: str, words: str
) -> None:
    result = rig.check(targets.url("/fast", certificate))
    assert result.failure == "tls_verify" and words in result.message
    assert result.http_status is None and result.request_ms is None
    assert result.certificate is not None and result.certificate["verify_error"] == result.message
    assert result.certificate["subject"] and result.certificate["not_after"]
    assert_sound(result)
    ignored = rig.check(targets.url("/fast", certificate), ignore_certificate=True)
    assert (ignored.failure, ignored.http_status) == (None, 200)
    assert ignored.certificate == result.certificate
    again = rig.check(targets.url("/fast", certificate), ignore_certificate=True)
    assert again.certificate == result.certificate
    assert_sound(ignored)


def test_check_ignored_good_certificate_has_no_verify_error(rig: Rig, targets: Targets) -> None:
    result = rig.check(targets.url("/fast", "good"), ignore_certificate=True)
    assert result.failure is None
    assert result.certificate is not None and result.certificate["verify_error"] is None


def test_check_ssl_cert_file_is_honoured_as_python_does(
    rig: Rig, targets: Targets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", targets.ca_file)
    rig.reconfigure(ca_file=None)
    assert rig.check(targets.url("/fast", "good")).failure is None


def test_check_unknown_authority_is_named(rig: Rig, targets: Targets) -> None:
    rig.reconfigure(ca_file=None)
    result = rig.check(targets.url("/fast", "good"))
    assert result.failure == "tls_verify"
    assert "does not know" in result.message and "Pingmon's test authority" in result.message


def test_check_tls_failure_on_a_later_hop_keeps_the_hops(rig: Rig, targets: Targets) -> None:
    there = quote(quote(targets.url("/fast", "expired"), safe=""))
    result = rig.check(targets.url(f"/to?url={there}"))
    assert result.failure == "tls_verify" and len(result.hops) == 1 and result.http_status is None


def test_check_plain_server_on_https_is_a_handshake_failure(rig: Rig, targets: Targets) -> None:
    result = rig.check(f"https://127.0.0.1:{targets.raw_server(lambda sock: sock.sendall(b'hello, this is no TLS'))}/")
    assert result.failure == "tls_handshake" and "does not answer with TLS" in result.message
    assert result.tls_ms is not None
    assert_sound(result)


def test_check_closed_in_the_handshake_is_a_handshake_failure(rig: Rig, targets: Targets) -> None:
    result = rig.check(f"https://127.0.0.1:{targets.raw_server(lambda sock: sock.recv(65536) and None)}/")
    assert result.failure == "tls_handshake" and "closed the connection during the TLS handshake" in result.message
    assert_sound(result)


@pytest.mark.parametrize("path", ["/chunked", "/until-close", "/big", "/sleep/20"])
def test_check_bodies_over_tls_are_as_plain(rig: Rig, targets: Targets, path: str) -> None:
    result = rig.check(targets.url(path, "good"))
    assert result.failure is None
    assert result.body_bytes == (BODY_CAP_BYTES if path == "/big" else len(PAGE))
    assert_sound(result)


def test_check_closed_mid_body_over_tls_is_a_protocol_failure(rig: Rig, targets: Targets) -> None:
    result = rig.check(targets.url("/mid-body", "good"))
    assert result.failure == "protocol" and "10 of the 1000 bytes" in result.message
    assert result.certificate is not None


def test_check_two_flights_of_tls_1_2_are_one_phase(rig: Rig, targets: Targets) -> None:
    result = rig.check(targets.url("/sleep/20", "tls12"))
    assert result.failure is None and result.tls_ms is not None and result.tls_ms > 0
    assert result.request_ms is not None and result.request_ms >= 19.9
    assert_sound(result)


def test_check_server_that_wants_a_client_certificate_says_so(rig: Rig, targets: Targets) -> None:
    result = rig.check(targets.url("/fast", "asks_back"))
    assert result.failure == "tls_handshake" and "client certificate" in result.message
    assert_sound(result)


@pytest.mark.parametrize("size", [7, 100])
def test_check_tls_in_tiny_pieces_is_put_together(rig: Rig, targets: Targets, size: int) -> None:
    result = rig.check(f"https://localhost:{targets.piecemeal('good', size)}/chunked", keyword=KEYWORD)
    assert (result.failure, result.body_bytes) == (None, len(PAGE))
    assert_sound(result)


# Neighbours


def test_check_hanging_targets_leave_healthy_ones_unharmed(rig: Rig, targets: Targets) -> None:
    silent = targets.silent()
    kinds = [f"http://127.0.0.1:{silent}/", f"https://127.0.0.1:{silent}/", targets.url("/drip"), targets.url("/hang")]
    hanging = [CheckSpec(kinds[n % len(kinds)], timeout_ms=1500) for n in range(50)]
    healthy = [CheckSpec(targets.url("/fast"), timeout_ms=1500) for _ in range(50)]
    order: List[str] = []
    left = [100]

    def done(result: CheckResult) -> None:
        order.append(result.failure or "online")
        assert_sound(result)
        left[0] -= 1
        if not left[0]:
            rig.loop.stop()

    for pair in zip(hanging, healthy):
        for spec in pair:
            rig.measurer.start(spec, None, done)
    rig.run()
    assert order[:50] == ["online"] * 50
    assert order[50:] == ["timeout"] * 50
