"""The probe as a whole process on loopback: its routes, its refusals, its streams, its start and end."""

from __future__ import annotations

import contextlib
import json
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pingmon_probe.protocol import MAX_CHECKS_PER_REQUEST

from .probe_process import PATIENCE_S, PROBES, TOKEN, ProbeProcess, refused_url, rows, target

ROUTES = (("GET", "/v1/status"), ("PUT", "/v1/plan"), ("GET", "/v1/results"), ("POST", "/v1/checks"), ("GET", "/x"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProbeProcess]:
    """A probe for the tests that leave it as it was: no plan, no results."""
    with ProbeProcess(tmp_path_factory.mktemp("probe")) as probe:
        yield probe


@pytest.fixture
def probe(tmp_path: Path) -> Iterator[ProbeProcess]:
    with ProbeProcess(tmp_path / "spool") as started:
        yield started


def test_status_of_a_fresh_probe_says_what_it_is(shared: ProbeProcess) -> None:
    status = shared.status()
    assert status["protocol"] == {"min": 1, "max": 1}
    assert "http" in status["features"]
    assert (status["owner"], status["revision"], status["plan_hash"], status["checks"]) == (None, 0, None, 0)
    assert (status["lease_until_ms"], status["measuring"]) == (None, False)
    assert abs(status["wall_ms"] - time.time() * 1000) < 60_000
    assert status["spool"] == {
        "id": shared.ready["spool"],
        "first": 1,
        "last": 0,
        "dropped": [],
        "bytes": 0,
        "queue_dropped": 0,
        "problem": None,
    }
    assert status["self_check"].keys() == {"votes", "reason"}


def test_probe_that_cannot_keep_results_says_so_and_has_no_vote(tmp_path: Path) -> None:
    with ProbeProcess(tmp_path / "spool") as probe:
        (tmp_path / "spool").rename(tmp_path / "elsewhere")
        (tmp_path / "spool").write_text("in the way")
        probe.put_plan([{"url": refused_url(), "monitor": 1, "interval_ms": 5_000}])
        # Somebody reads, so that results are written soon.
        with probe.new_client() as other, other.stream("GET", "/v1/results", params={"wait_s": 30}):
            deadline = time.monotonic() + PATIENCE_S
            while (status := probe.status())["spool"]["problem"] is None and time.monotonic() < deadline:
                time.sleep(0.02)
        assert status["spool"]["problem"].startswith("Results cannot be kept on disk: ")
        assert status["self_check"] == {"votes": False, "reason": status["spool"]["problem"]}
        (tmp_path / "spool").unlink()
        (tmp_path / "elsewhere").rename(tmp_path / "spool")


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("header", [None, "Bearer wrong", "Bearer", "Basic YTpi", "Bearer a-token-of-the-tests2"])
def test_request_without_the_token_is_refused(shared: ProbeProcess, method: str, path: str, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = httpx.request(method, f"http://127.0.0.1:{shared.port}{path}", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"] == "unauthorised"
    assert answer.headers["www-authenticate"] == "Bearer"


def test_unknown_path_and_wrong_method_are_named(shared: ProbeProcess) -> None:
    assert shared.client.get("/v1/nothing").status_code == 404
    for method, path in (("POST", "/v1/status"), ("GET", "/v1/plan"), ("DELETE", "/v1/results"), ("GET", "/v1/checks")):
        answer = shared.client.request(method, path)
        assert (answer.status_code, answer.json()["error"]) == (405, "method")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "nested"),
        (b"[]", "object"),
        (b'{"owner":"me","revision":1,"colour":1}', "colour"),
        (b'{"owner":"me","revision":0}', "revision"),
        (b'{"owner":7,"revision":1}', "owner"),
        (b'{"owner":"me","revision":1,"checks":[{"url":"http://a/","monitor":1,"speed":2}]}', "speed"),
        (b'{"owner":"me","revision":1,"checks":[{"url":"ftp://a/","monitor":1}]}', "url"),
        (b'{"owner":"me","revision":1,"checks":[{"url":"http://a/"}]}', "monitor"),
        (b'{"owner":"me","revision":1,"anchors":["example.org:53"]}', "anchor"),
    ],
)
def test_plan_that_cannot_be_read_is_refused_by_name(shared: ProbeProcess, body: bytes, named: str) -> None:
    answer = shared.client.put("/v1/plan", content=body)
    assert answer.status_code == 400
    assert named in answer.json()["message"]
    assert shared.status()["owner"] is None


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "after=9999999999999999", "wait_s=61", "wait_s=nan", "page=2"]
)
def test_results_with_a_wrong_parameter_are_refused_by_name(shared: ProbeProcess, query: str) -> None:
    answer = shared.client.get(f"/v1/results?{query}")
    assert answer.status_code == 400
    assert query.split("=", maxsplit=1)[0] in answer.json()["message"]


def test_checks_that_cannot_be_read_are_refused_by_name(shared: ProbeProcess) -> None:
    too_many = {"checks": [{"url": refused_url()}] * (MAX_CHECKS_PER_REQUEST + 1)}
    for document, named in (({"check": []}, "check"), ({"checks": [{"uri": 1}]}, "uri"), (too_many, "at most 1000")):
        answer = shared.client.post("/v1/checks", json=document)
        assert answer.status_code == 400
        assert named in answer.json()["message"]


def test_body_that_is_too_large_is_refused_before_it_is_read(shared: ProbeProcess) -> None:
    head = f"PUT /v1/plan HTTP/1.1\r\nHost: probe\r\nAuthorization: Bearer {TOKEN}\r\n"
    with socket.create_connection(("127.0.0.1", shared.port), timeout=PATIENCE_S) as sock:
        sock.sendall(f"{head}Content-Length: {33 * 1024 * 1024}\r\n\r\n".encode())
        assert sock.recv(65536).startswith(b"HTTP/1.1 413 ")
    assert shared.client.request("GET", "/v1/status", content=b"x").status_code == 413

    def endless() -> Iterator[bytes]:
        for _ in range(9 * 16):
            yield bytes(65536)

    # The answer may come, or the connection be cut, while the client still sends.
    with contextlib.suppress(httpx.WriteError, httpx.ReadError):
        assert shared.client.post("/v1/checks", content=endless()).status_code == 413
    assert shared.client.get("/v1/status").status_code == 200


def test_header_that_is_too_large_is_refused(shared: ProbeProcess) -> None:
    with contextlib.suppress(httpx.WriteError, httpx.ReadError):
        answer = shared.client.get("/v1/status", headers={"X-Long": "x" * 500_000})
        assert answer.status_code == 431
    assert shared.client.get("/v1/status").status_code == 200


def test_plan_rules_owner_revision_and_hash(probe: ProbeProcess) -> None:
    check = {"url": refused_url(), "monitor": 5, "interval_ms": 3_600_000}
    first = probe.put_plan([check], revision=3).json()
    assert (first["revision"], first["changed"]) == (3, True)
    again = probe.put_plan([check], revision=4).json()
    assert again == {"revision": 4, "plan_hash": first["plan_hash"], "changed": False}
    for revision, checks in ((3, [check]), (4, [])):
        refused = probe.put_plan(checks, revision=revision)
        assert (refused.status_code, refused.json()["error"], refused.json()["revision"]) == (409, "revision", 4)
    stranger = probe.put_plan([], revision=9, owner="somebody else")
    assert (stranger.status_code, stranger.json()["error"], stranger.json()["owner"]) == (409, "owner", "tests")
    status = probe.status()
    assert (status["owner"], status["revision"], status["checks"], status["measuring"]) == ("tests", 4, 1, True)
    assert status["plan_hash"] == first["plan_hash"]
    taken = probe.put_plan([], revision=1, owner="somebody else", take_over=True).json()
    assert (taken["revision"], taken["changed"]) == (1, True)
    assert probe.status()["owner"] == "somebody else"


def test_checks_on_demand_beyond_the_rate_are_refused(probe: ProbeProcess) -> None:
    many = {"checks": [{"url": refused_url()}] * MAX_CHECKS_PER_REQUEST}
    with probe.client.stream("POST", "/v1/checks", json=many) as first:
        assert first.status_code == 200
        with probe.new_client() as other:
            refused = other.post("/v1/checks", json=many)
        assert (refused.status_code, refused.json()["error"]) == (429, "rate")
        assert len(list(first.iter_lines())) == MAX_CHECKS_PER_REQUEST


def test_checks_are_streamed_while_one_target_hangs(probe: ProbeProcess) -> None:
    with target(None) as hanging, target() as quick:
        checks = [{"url": hanging, "timeout_ms": 30_000, "monitor": 1}]
        checks += [{"url": quick, "monitor": number} for number in range(2, 201)]
        with probe.client.stream("POST", "/v1/checks", json={"checks": checks}) as answer:
            assert answer.headers["content-type"] == "application/x-ndjson"
            lines = answer.iter_lines()
            seen = [json.loads(next(lines)) for _ in range(199)]
        assert {line["monitor"] for line in seen} == set(range(2, 201))
        assert {line["status"] for line in seen} <= {"online", "slow"}


def test_results_resume_at_the_cursor(probe: ProbeProcess) -> None:
    checks = [{"url": refused_url(), "monitor": number, "interval_ms": 3_600_000} for number in range(1, 6)]
    probe.put_plan(checks)
    probe.run_checks(checks)
    header, *batches = probe.results()
    assert header["spool"] == probe.ready["spool"]
    everything = rows(batches)
    assert [seq for seq, _, _ in everything] == list(range(1, 6))
    assert {monitor for _, monitor, _ in everything} == {1, 2, 3, 4, 5}
    assert rows(probe.results(3), after=3) == everything[3:]
    assert rows(probe.results(3, spool=header["spool"]), after=3) == everything[3:]
    assert rows(probe.results(5)) == []
    assert rows(probe.results(5, spool="another")) == everything


def test_results_of_checks_outside_the_plan_are_not_kept(probe: ProbeProcess) -> None:
    check = {"url": refused_url(), "monitor": 5, "interval_ms": 3_600_000}
    probe.put_plan([check])
    probe.run_checks([{**check, "monitor": 6}, {**check, "version": 2}, {"url": refused_url()}])
    assert rows(probe.results()) == []
    probe.run_checks([check])
    assert [monitor for _, monitor, _ in rows(probe.results())] == [5]


def test_results_reach_a_waiting_reader_with_heartbeats_between(probe: ProbeProcess) -> None:
    with target() as url, probe.new_client() as reader:
        check = {"url": url, "monitor": 5, "interval_ms": 3_600_000}
        probe.put_plan([check])
        with reader.stream("GET", "/v1/results?after=0&wait_s=20") as answer:
            lines = answer.iter_lines()
            assert json.loads(next(lines))["last"] == 0
            probe.run_checks([check])
            assert rows([json.loads(next(lines))])[0][:2] == (1, 5)
            beat = json.loads(next(lines))["heartbeat"]
    assert beat["revision"] == 1
    assert beat.keys() == {"wall_ms", "late_p99_ms", "skipped", "self_check", "revision", "in_flight"}


def test_probe_works_the_way_it_does_on_other_systems(tmp_path: Path) -> None:
    with ProbeProcess(tmp_path, "--poller", "select", "--stamps", "user") as probe, target() as url:
        checks = [{"url": url, "monitor": number, "interval_ms": 3_600_000} for number in range(1, 101)]
        probe.put_plan(checks)
        answers = probe.run_checks(checks)
        assert {answer["clock"] for answer in answers} == {"user"}
        assert {answer["failure"] for answer in answers} == {None}
        assert [seq for seq, _, _ in rows(probe.results())] == list(range(1, 101))
        assert probe.terminate() == 0


def test_restart_keeps_plan_lease_spool_and_numbers(tmp_path: Path) -> None:
    check = {"url": refused_url(), "monitor": 5, "interval_ms": 3_600_000, "basic_auth": "user:secret"}
    with ProbeProcess(tmp_path) as probe:
        plan_hash = probe.put_plan([check], revision=8, lease_s=1000).json()["plan_hash"]
        lease = probe.status()["lease_until_ms"]
        probe.run_checks([check])
        before = rows(probe.results())
        assert probe.terminate() == 0
    assert stat.S_IMODE((tmp_path / "plan.ndjson").stat().st_mode) == 0o600
    with ProbeProcess(tmp_path) as probe:
        status = probe.status()
        assert (status["owner"], status["revision"], status["plan_hash"]) == ("tests", 8, plan_hash)
        assert (status["checks"], status["measuring"]) == (1, True)
        assert abs(status["lease_until_ms"] - lease) < 5_000
        assert probe.ready["spool"] == status["spool"]["id"]
        probe.run_checks([check])
        after = rows(probe.results())
    assert after[: len(before)] == before
    assert [seq for seq, _, _ in after] == list(range(1, len(after) + 1))
    assert "secret" not in "".join(path.read_text() for path in tmp_path.glob("results-*"))


def test_end_of_stdin_ends_the_probe_with_its_spool_written(tmp_path: Path) -> None:
    check = {"url": refused_url(), "monitor": 5, "interval_ms": 3_600_000}
    probe = ProbeProcess(tmp_path)
    probe.put_plan([check])
    probe.run_checks([check])
    assert probe.end() == 0
    [file] = tmp_path.glob("results-*")
    assert rows([json.loads(line) for line in file.read_text().splitlines()])[0][:2] == (1, 5)


def test_sigterm_ends_open_streams_and_exits_with_0(probe: ProbeProcess) -> None:
    with probe.client.stream("GET", "/v1/results?wait_s=60") as answer:
        lines = answer.iter_lines()
        next(lines)
        assert probe.terminate() == 0
        with pytest.raises((StopIteration, httpx.RemoteProtocolError, httpx.ReadError)):
            while True:
                next(lines)
    assert probe.stderr() == ""


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (["serve", "--spool", "spool"], 2, "--token-stdin"),
        (["serve", "--spool", "spool", "--token-stdin", "--token-file", "token"], 2, "not allowed with"),
        (["serve", "--spool", "spool", "--token-file", "token"], 1, "cannot be read"),
        (["serve", "--spool", "spool", "--token-stdin"], 1, "must be the token"),
        (["serve", "--spool", "spool", "--token-stdin", "--listen", "0.0.0.0:0"], 1, "loopback"),
        (["serve", "--spool", "spool", "--token-stdin", "--listen", "vps:0"], 2, "numeric address"),
        (["serve", "--spool", "spool", "--token-stdin", "--tls-cert", "crt"], 1, "go together"),
        (["serve", "--spool", "spool", "--token-stdin", "--tls-cert", "crt", "--tls-key", "key"], 1, "cannot be used"),
        (["serve", "--token-stdin"], 2, "--spool"),
        (["check", "javascript:1"], 2, "http or https"),
        ([], 2, "command"),
    ],
)
def test_wrong_start_ends_with_a_sentence(tmp_path: Path, options: list[str], code: int, sentence: str) -> None:
    command = [sys.executable, "-m", "pingmon_probe", *options]
    ended = subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(PROBES)},
    )
    assert (ended.returncode, ended.stdout) == (code, "")
    assert sentence in ended.stderr and "Traceback" not in ended.stderr


def test_token_file_is_read_unless_others_may_read_it_too(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.touch(mode=0o600)
    token.write_text(TOKEN + "\n")
    with ProbeProcess(tmp_path / "spool", token_file=token) as probe:
        assert probe.client.get("/v1/status").status_code == 200
    command = [sys.executable, "-m", "pingmon_probe", "serve", "--spool", "spool", "--token-file", str(token)]
    for mode, text, sentence in ((0o640, TOKEN, "must not be open to others"), (0o600, "short", "must be the token")):
        token.chmod(mode)
        token.write_text(text)
        ended = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd=tmp_path, env={"PYTHONPATH": str(PROBES)}
        )
        assert (ended.returncode, ended.stdout, sentence in ended.stderr) == (1, "", True)


def test_check_command_prints_the_json_of_a_check() -> None:
    with target() as url:
        command = [sys.executable, "-m", "pingmon_probe", "check", url, "--keyword", "absent"]
        ended = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(PROBES)}, check=True)
    document = json.loads(ended.stdout)
    assert (document["url"], document["status"], document["failure"]) == (url, "offline", "content")
