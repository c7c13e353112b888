"""Real servers, real processes: every kind of trouble gets its own status, class and sentence.

One engine watches all of the addresses at once, so the hanging ones stand beside the healthy ones; then the
command line checks some of them alone.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.real.servers import Case, WebServers

pytestmark = [pytest.mark.timeout(240), pytest.mark.lengthy]

PATIENCE_S = 120.0
ALONE = ("nginx https fast", "apache http slow", "expired", "self-signed", "wrong name", "garbage", "no such name")


@pytest.fixture(scope="module")
def servers() -> Iterator[WebServers]:
    # Not in pytest's own folder: when root starts them, nginx and Apache drop their rights and cannot go in there.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        running = WebServers.start(folder)
        yield running
        running.close()


def _environment(servers: WebServers) -> dict[str, str]:
    paths = os.pathsep.join(path for path in sys.path if path)
    return {**os.environ, "PYTHONPATH": paths, "SSL_CERT_FILE": str(servers.authority)}


def _pingmon(servers: WebServers, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pingmon_gui.cli", *words]
    return subprocess.run(
        command, env=_environment(servers), input=stdin, capture_output=True, text=True, timeout=90, check=False
    )


@pytest.fixture(scope="module")
def watched(servers: WebServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """Run an engine over every case until all of them are as they should be, or the patience ends.

    Yields what `pingmon status --json` says, by address.
    """
    data = str(tmp_path_factory.mktemp("data"))
    command = [sys.executable, "-m", "pingmon_gui.cli", "--data-dir", data, "run"]
    log = Path(data) / "stderr"
    with log.open("w") as errors:
        engine = subprocess.Popen(command, env=_environment(servers), stderr=errors, stdin=subprocess.DEVNULL)
    try:
        cases = list(servers.cases())
        for case in cases:
            options = ["--keyword", case.keyword] if case.keyword else []
            if case.keyword:
                added = _pingmon(servers, "--data-dir", data, "domain", "add", case.url, *options)
                assert added.returncode == 0, added.stderr
        plain = "\n".join(case.url for case in cases if not case.keyword)
        added = _pingmon(servers, "--data-dir", data, "domain", "add", "-", stdin=plain)
        assert added.returncode == 0, added.stderr
        deadline = time.monotonic() + PATIENCE_S
        while True:
            status = json.loads(_pingmon(servers, "--data-dir", data, "status", "--json").stdout)
            seen = {monitor["url"]: monitor for monitor in status["monitors"]}
            if all(_is_right(case, seen) for case in cases) or time.monotonic() > deadline:
                break
            time.sleep(0.5)
        yield seen
        engine.send_signal(signal.SIGTERM)
        assert engine.wait(20) == 0, log.read_text()[-3000:]
    finally:
        if engine.poll() is None:
            engine.kill()
            engine.wait()


def _is_right(case: Case, seen: dict[str, dict[str, Any]]) -> bool:
    return _seen(case, seen)[1:] == (case.status, case.failure) and case.says in _seen(case, seen)[0]


def _seen(case: Case, seen: dict[str, dict[str, Any]]) -> tuple[str, str, str | None]:
    """Return (sentence, status, failure class) of this computer's region."""
    [region] = seen[case.url]["regions"]
    return region["message"], region["status"], region["failure"]


def test_every_case_watched_together_gets_its_status_class_and_sentence(
    servers: WebServers, watched: dict[str, dict[str, Any]]
) -> None:
    wrong = {
        case.name: (_seen(case, watched), (case.says, case.status, case.failure))
        for case in servers.cases()
        if not _is_right(case, watched)
    }
    assert not wrong


def test_healthy_targets_beside_hanging_ones_have_no_failure_in_their_hour(
    servers: WebServers, watched: dict[str, dict[str, Any]]
) -> None:
    healthy = [watched[case.url]["regions"][0] for case in servers.cases() if case.status == "online"]
    assert len(healthy) > 10
    assert {region["availability_1h"] for region in healthy} == {1.0}


def test_check_alone_says_the_same(servers: WebServers) -> None:
    cases = [case for case in servers.cases() if case.name in ALONE]
    assert len(cases) == len(ALONE)
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda case: _pingmon(servers, "check", case.url, "--json"), cases))
    for case, process in zip(cases, done, strict=True):
        assert process.returncode == 0, process.stderr
        document = json.loads(process.stdout)
        assert (document["status"], document["failure"]) == (case.status, case.failure), case.name
        assert case.says in document["message"]
