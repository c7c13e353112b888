"""Processes of a lab, which may outlive the command that started them: each is known by a file with its id."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tests.lab.place import REPOSITORY


class Process:
    """A process whose id is in `folder`/NAME.pid, started here or by an earlier command; its output is in NAME.log."""

    def __init__(self, folder: Path, name: str) -> None:
        self._pid_file = folder / f"{name}.pid"
        self._log_file = folder / f"{name}.log"
        self._child: subprocess.Popen[bytes] | None = None

    def start(self, argv: Sequence[str | Path]) -> None:
        with self._log_file.open("ab") as log:
            self._child = subprocess.Popen(
                [str(word) for word in argv],
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._pid_file.write_text(str(self._child.pid))

    @property
    def pid(self) -> int | None:
        """The id while it runs, else None."""
        if self._child is not None:
            return self._child.pid if self._child.poll() is None else None
        try:
            pid = int(self._pid_file.read_text())
        except (OSError, ValueError):
            return None
        return pid if _is_running(pid) else None

    def children(self) -> list[int]:
        """Return the ids of its children."""
        pid = self.pid
        return [] if pid is None else children(pid)

    def signal(self, number: int) -> None:
        if (pid := self.pid) is not None:
            os.kill(pid, number)

    def wait(self, patience_s: float) -> bool:
        """Wait until it has ended; return whether it did within the time."""
        until_s = time.monotonic() + patience_s
        while self.pid is not None:
            if time.monotonic() > until_s:
                return False
            time.sleep(0.01)
        return True

    def end(self, patience_s: float = 2.0) -> None:
        """End it: politely, then not."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            self.signal(number)
            if self.wait(patience_s):
                break
        self._pid_file.unlink(missing_ok=True)

    def last_words(self) -> str:
        """Return the end of what it printed."""
        return self._log_file.read_text(errors="replace")[-2000:] if self._log_file.exists() else ""


def _is_running(pid: int) -> bool:
    """Return whether a process runs; one that ended and waits to be buried does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")


def children(pid: int) -> list[int]:
    """Return the ids of a process's children; none of a process that has ended."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
