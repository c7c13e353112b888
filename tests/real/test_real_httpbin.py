"""The http check against httpbin: what is asked for as it is asked, what is answered in every form."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import trustme

from tests.probe.conftest import Rig

_SERVER = """
from httpbin import app
from werkzeug.serving import make_server
server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.port, flush=True)
server.serve_forever()
"""


@pytest.fixture(scope="module")
def httpbin() -> Iterator[str]:
    command = [sys.executable, "-c", _SERVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.terminate()


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    authority = tmp_path_factory.mktemp("trust") / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(authority))
    made = Rig("auto", "auto", str(authority))
    yield made
    made.close()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_method_body_and_headers_arrive(rig: Rig, httpbin: str, method: str) -> None:
    body = None if method in ("GET", "DELETE") else '{"a": 1}'
    result = rig.check(
        f"{httpbin}/{method.lower()}?x=1",
        method=method,
        body=body,
        headers=(("X-Shop", "42"), ("Content-Type", "application/json"), ("User-Agent", "mine/1")),
        json_conditions=(
            'args.x == "1"',
            'headers["X-Shop"] == "42"',
            'headers["User-Agent"] == "mine/1"',
            *(("json.a == 1",) if body else ()),
        ),
    )
    assert (result.failure, result.message) == (None, "")


def test_head_has_no_body(rig: Rig, httpbin: str) -> None:
    result = rig.check(f"{httpbin}/get", method="HEAD")
    assert (result.failure, result.http_status, result.body_bytes) == (None, 200, 0)


@pytest.mark.parametrize(
    ("path", "settings", "status"),
    [
        ("/basic-auth/u/geheim", {"basic_auth": "u:geheim"}, 200),
        ("/basic-auth/u/geheim", {"basic_auth": "u:wrong"}, 401),
        ("/basic-auth/u/geheim", {}, 401),
        ("/hidden-basic-auth/u/p", {"basic_auth": "u:p"}, 200),
        ("/bearer", {"bearer": "t-0-k-e-n", "json_conditions": ('token == "t-0-k-e-n"',)}, 200),
        ("/bearer", {}, 401),
    ],
)
def test_signing_in(rig: Rig, httpbin: str, path: str, settings: dict[str, Any], status: int) -> None:
    result = rig.check(f"{httpbin}{path}", **settings)
    assert (result.http_status, result.failure) == (status, None if status == 200 else "http_status")


@pytest.mark.parametrize("kind", ["redirect", "relative-redirect", "absolute-redirect"])
def test_redirects_are_followed_and_counted(rig: Rig, httpbin: str, kind: str) -> None:
    result = rig.check(f"{httpbin}/{kind}/3")
    assert (result.failure, result.http_status, len(result.hops)) == (None, 200, 3)
    assert rig.check(f"{httpbin}/{kind}/6").failure == "too_many_redirects"
    stays = rig.check(f"{httpbin}/{kind}/3", no_redirects=True, status_set=((302, 302),))
    assert (stays.failure, stays.http_status, stays.hops) == (None, 302, ())


@pytest.mark.parametrize("status", [200, 204, 301, 304, 404, 418, 429, 500, 503])
def test_every_status_is_told_as_it_is(rig: Rig, httpbin: str, status: int) -> None:
    result = rig.check(f"{httpbin}/status/{status}", no_redirects=True)
    assert result.http_status == status
    assert (result.failure is None) == (status < 300)
    assert rig.check(f"{httpbin}/status/{status}", no_redirects=True, status_set=((status, status),)).failure is None


def test_delay_is_in_the_request_and_drip_in_the_transfer(rig: Rig, httpbin: str) -> None:
    late = rig.check(f"{httpbin}/delay/1")
    assert late.failure is None and late.request_ms is not None and 1_000 <= late.request_ms < late.total_ms + 1
    dripped = rig.check(f"{httpbin}/drip?numbytes=5&duration=0.5&delay=0")
    assert dripped.failure is None and dripped.transfer_ms is not None and dripped.transfer_ms >= 300
    assert dripped.body_bytes == 5
    assert rig.check(f"{httpbin}/delay/3", timeout_ms=200).failure == "timeout"


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_compressed_answer_is_searched(rig: Rig, httpbin: str, coding: str) -> None:
    asked = {"headers": (("Accept-Encoding", coding),)}
    key = {"gzip": "gzipped", "deflate": "deflated"}[coding]
    result = rig.check(f"{httpbin}/{coding}", keyword=f'"{key}": true', json_conditions=(f"{key} == true",), **asked)
    assert (result.failure, result.message) == (None, "")


def test_answer_in_brotli_is_no_secret_failure(rig: Rig, httpbin: str) -> None:
    asked = {"headers": (("Accept-Encoding", "br"),)}
    assert rig.check(f"{httpbin}/brotli", **asked).failure is None
    searched = rig.check(f"{httpbin}/brotli", keyword="brotli", **asked)
    assert searched.failure == "content"
    assert "compressed with br, which this probe does not read" in searched.message


def test_what_a_cookie_asks_for_is_not_kept(rig: Rig, httpbin: str) -> None:
    """A check begins cold: it sends the cookies that it is told to, and takes none over from an answer."""
    set_there = rig.check(f"{httpbin}/cookies/set?a=1", json_conditions=("cookies == {}",))
    assert (set_there.failure, len(set_there.hops)) == (None, 1)
    sent = rig.check(f"{httpbin}/cookies", headers=(("Cookie", "a=1"),), json_conditions=('cookies.a == "1"',))
    assert (sent.failure, sent.message) == (None, "")


def test_answer_is_judged_by_headers_size_and_pattern(rig: Rig, httpbin: str) -> None:
    address = f"{httpbin}/response-headers?X-Version=3"
    assert rig.check(address, header_conditions=("X-Version == 3",)).failure is None
    assert rig.check(address, header_conditions=("X-Version == 4",)).failure == "content"
    assert rig.check(f"{httpbin}/bytes/2000", min_bytes=2_000, max_bytes=2_000).failure is None
    assert rig.check(f"{httpbin}/bytes/2000", max_bytes=1_999).failure == "content"
    assert rig.check(f"{httpbin}/html", keyword=r"Herman\s+Melv.lle", keyword_is_pattern=True).failure is None
    assert rig.check(f"{httpbin}/encoding/utf8", keyword="∮ E⋅da = Q").failure is None
    assert rig.check(f"{httpbin}/stream/20", keyword='"id": 19').failure is None
