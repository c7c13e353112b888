"""The command line as tests use it: in this process for speed, as real processes where it matters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from pingmon_gui.cli import main
from tests.cli.site import Site, running_site


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Done]
Answer = TypeVar("Answer")


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def pingmon(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run one command in this process, on a data folder of the test's own."""

    def run(*words: str) -> Done:
        capsys.readouterr()
        code = main(["--data-dir", str(data_dir), *words])
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return run


def environment() -> dict[str, str]:
    """Return an environment for real processes: this source tree, no display."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return {**inherited, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PYTHONUNBUFFERED": "1"}


class Processes:
    """Real `pingmon` processes on one data folder; all are ended with the test."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.started: list[subprocess.Popen[str]] = []

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-W", "error", "-m", "pingmon_gui", "--data-dir", str(self.data_dir), *words]

    def run(
        self,
        *words: str,
        stdin: str | None = None,
        env: dict[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> Done:
        """Run one command to its end, behind a command `prefix` if there is one."""
        done = subprocess.run(
            [*prefix, *self.command(*words)],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env={**environment(), **(env or {})},
            timeout=60,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str, cwd: Path | None = None) -> subprocess.Popen[str]:
        """Start a command that goes on."""
        process = subprocess.Popen(
            self.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment(), cwd=cwd,
        )  # fmt: skip
        self.started.append(process)
        return process

    def start_engine(self, *words: str) -> subprocess.Popen[str]:
        """Start `pingmon run` and wait until it watches."""
        process = self.start("run", *words)
        self.wait_for_line(process, "watching")
        return process

    @staticmethod
    def wait_for_line(process: subprocess.Popen[str], text: str) -> str:
        """Read its stderr up to the first line with `text`; what came before is in the failure if none does."""
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if text in line:
                return line
        raise AssertionError(f"ended with {process.wait()} without saying “{text}”:\n{''.join(lines)}")

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()


@pytest.fixture
def processes(data_dir: Path) -> Iterator[Processes]:
    running = Processes(data_dir)
    yield running
    running.close()


@pytest.fixture
def site() -> Iterator[Site]:
    with running_site() as running:
        yield running


def wait_until(ask: Callable[[], Answer | None], patience_s: float = 30.0) -> Answer:
    """Ask again and again until the answer is true; fails when patience ends."""
    until = time.monotonic() + patience_s
    while not (answer := ask()):
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.05)
    return answer
