"""The embedded probe as a process: started, found dead, started again, and never left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pingmon_probe.protocol import CheckSpec

from pingmon_gui.domain.error import ProbeUnreachable
from pingmon_gui.fleet.child import probe_command, probe_environment
from pingmon_gui.fleet.embedded import EmbeddedProbe
from pingmon_gui.fleet.oneshot import check_once
from tests.conftest import ExpectLog
from tests.fleet.scripted_probe import PROBE

_ROOT = Path(__file__).resolve().parents[2]
_PATIENCE_S = 30.0


def is_alive(pid: int) -> bool:
    """Return whether the process runs; one that is dead and not yet collected by its parent does not."""
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat")
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def wait_until(condition: Callable[[], bool]) -> None:
    until_s = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < until_s, "waited in vain"
        time.sleep(0.02)


@pytest.mark.parametrize("moment", ["early", "ready"])
def test_killed_app_leaves_no_probe_behind(tmp_path: Path, moment: str) -> None:
    app = subprocess.Popen(
        [sys.executable, "-m", "tests.fleet.orphan_parent", str(tmp_path / "probe"), moment],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": f"{_ROOT}{os.pathsep}{_ROOT / 'probes'}"},
        cwd=_ROOT,
    )
    assert app.stdout is not None
    with app.stdout:
        pid = int(app.stdout.readline())
        assert is_alive(pid)
        app.kill()
        app.wait()
    wait_until(lambda: not is_alive(pid))


def test_close_ends_the_probe_and_may_be_called_again(tmp_path: Path) -> None:
    async def run() -> None:
        probe = EmbeddedProbe(PROBE, tmp_path / "probe")
        await probe.start()
        pid = probe.pid
        assert pid is not None and is_alive(pid)
        await probe.start()
        assert probe.pid == pid
        await probe.close()
        assert not is_alive(pid)
        await probe.close()
        assert probe.pid is None
        with pytest.raises(ProbeUnreachable):
            await probe.status()
        await probe.start()
        assert (await probe.status()).version
        await probe.close()

    asyncio.run(run())


def test_probe_that_is_killed_is_started_again_with_its_spool(tmp_path: Path, expect_log: ExpectLog) -> None:
    expect_log("ended by itself")

    async def run() -> None:
        probe = EmbeddedProbe(PROBE, tmp_path / "probe")
        await probe.start()
        before, spool = probe.pid, (await probe.status()).spool
        assert before is not None
        os.kill(before, signal.SIGKILL)
        with pytest.raises(ProbeUnreachable, match=r"started again|broke off|cannot be reached"):
            while True:
                await probe.status()
        await probe.start()
        assert probe.pid not in (None, before)
        assert (probe.restarts, probe.problem) == (1, None)
        assert (await probe.status()).spool == spool
        await probe.close()

    asyncio.run(run())


def test_broken_stream_says_that_the_probe_ended(tmp_path: Path, expect_log: ExpectLog) -> None:
    expect_log("ended by itself")

    async def run() -> None:
        probe = EmbeddedProbe(PROBE, tmp_path / "probe")
        await probe.start()
        items = probe.results(0, None, 60)
        await anext(items)
        assert probe.pid is not None
        os.kill(probe.pid, signal.SIGKILL)
        with pytest.raises(ProbeUnreachable, match="ended by itself"):
            await anext(items)
        assert probe.problem is not None
        await probe.start()
        await probe.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["/nowhere/at-all"], "cannot be started: No such file"),
        ([sys.executable, "-c", "import sys; sys.exit('The disk is on fire.')"], "The disk is on fire"),
        ([sys.executable, "-c", "print('hello')"], "could not be started"),
    ],
)
def test_probe_that_cannot_start_says_why(
    tmp_path: Path, expect_log: ExpectLog, command: list[str], sentence: str
) -> None:
    expect_log(sentence)

    async def run() -> None:
        probe = EmbeddedProbe(PROBE, tmp_path / "probe", command)
        with pytest.raises(ProbeUnreachable, match=sentence):
            await probe.start()
        assert probe.problem is not None and sentence in probe.problem
        await probe.close()

    asyncio.run(run())


def test_environment_of_the_probe_keeps_the_users_and_drops_what_steers_us() -> None:
    kept = probe_environment({"HOME": "/h", "PYTHONSTARTUP": "x", "QT_QPA_PLATFORM": "y", "PINGMON_DATA_DIR": "z"})
    assert set(kept) == {"HOME", "PYTHONPATH"}
    assert (Path(kept["PYTHONPATH"]) / "pingmon_probe" / "protocol.py").is_file()
    assert probe_command()[0] == sys.executable


def test_check_once_runs_checks_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    async def run() -> list[str | None]:
        return [result.failure async for result in check_once([CheckSpec("http://127.0.0.1:1/")])]

    assert asyncio.run(run()) == ["connect_refused"]
    assert list(tmp_path.iterdir()) == []
