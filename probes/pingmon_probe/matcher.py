"""Asks the match worker, one job at a time, from a thread of its own; a worker that ends over a job is replaced.

A check that waits for its answer is over for its clock, and for every other check.
"""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

from .loop import Loop
from .match_worker import HAS_OWN_LIMIT
from .wire import MATCH_CAP_BYTES, MATCH_LIMIT_MS

_log = logging.getLogger(__name__)

#: By the clock: where the worker has no limit of its own, and else against one that stands still.
GUARD_S = 5.0 if HAS_OWN_LIMIT else MATCH_LIMIT_MS / 1000
#: How long a start may take on a slow machine.
START_S = 30.0
#: Jobs that wait; more are turned away.
MAX_WAITING = 1_000
#: A job that was too slow is not tried again for so long: each costs a worker.
PENALTY_S = 60.0
MAX_PENALTIES = 1_000
MAX_ANSWER_BYTES = 64 * 1024

#: What the worker says, or `{"slow": True}`, or `{"failed": sentence part}` where there was no worker to ask.
Answer = Dict[str, Any]
Done = Callable[[Answer], None]
_Waiting = Tuple[Dict[str, Any], bytes, Done]

_MAIN = "import sys; sys.path.insert(0, sys.argv[1]); from pingmon_probe.match_worker import main; sys.exit(main())"


def worker_command() -> List[str]:
    """Return how to start the worker: this executable in a packaged app, else this Python with the probe's package."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "--embedded-probe", "match"]
    # Isolated, and without site-packages: neither has to be looked at.
    return [sys.executable, "-I", "-S", "-c", _MAIN, str(Path(__file__).parent.parent)]


class Matcher:
    """`ask` on the loop; the answer comes on the loop. Thread and process begin with the first job."""

    def __init__(self, loop: Loop, command: Optional[List[str]] = None) -> None:
        self._loop = loop
        self._command = command or worker_command()
        self._jobs: queue.Queue[Optional[_Waiting]] = queue.Queue(MAX_WAITING)
        self._thread: Optional[threading.Thread] = None
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._penalties: Dict[str, float] = {}
        self._is_closed = False

    def ask(self, job: Dict[str, Any], body: bytes, done: Done) -> None:
        """Look into the first MATCH_CAP_BYTES of a body; `job` is as `match_worker.answer` takes it."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="matcher", daemon=True)
            self._thread.start()
        try:
            self._jobs.put_nowait((job, body[:MATCH_CAP_BYTES], done))
        except queue.Full:
            self._loop.call_soon(done, {"failed": "too many others wait for it"})

    def close(self) -> None:
        """End worker and thread; no `done` is called any more."""
        self._is_closed = True
        if self._thread is None:
            return
        with contextlib.suppress(queue.Empty):
            while True:
                self._jobs.get_nowait()
        self._jobs.put(None)
        process = self._process
        if process is not None:
            process.kill()  # it may be in the middle of something
        self._thread.join()
        self._thread = None

    def _run(self) -> None:
        while (waiting := self._jobs.get()) is not None and not self._is_closed:
            job, body, done = waiting
            try:
                answer = self._asked(job, body)
            except Exception as exc:
                _log.error("the match worker cannot be asked", exc_info=exc)
                answer = {"failed": "its worker cannot be asked; the probe's log says more"}
            if not self._is_closed:
                self._loop.call_soon_threadsafe(done, answer)
        self._end_worker()

    def _asked(self, job: Dict[str, Any], body: bytes) -> Answer:
        key = json.dumps(job, sort_keys=True)
        if self._penalties.get(key, 0.0) > time.monotonic():
            return {"slow": True}
        try:
            process = self._worker()
        except OSError as exc:
            return {"failed": f"its worker cannot be started ({exc.strerror or exc})"}
        line = json.dumps({**job, "size": len(body)}).encode("ascii") + b"\n"
        answer = _exchange(process, line + body, GUARD_S)
        if answer is not None:
            told = json.loads(answer)
            return told if isinstance(told, dict) else {"failed": "its worker says something strange"}
        self._end_worker()
        if len(self._penalties) >= MAX_PENALTIES:
            self._penalties.clear()
        self._penalties[key] = time.monotonic() + PENALTY_S
        return {"slow": True}

    def _worker(self) -> subprocess.Popen[bytes]:
        """Return the worker, a new one if there is none. Raises OSError where none begins to answer."""
        if self._process is None:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
            if _exchange(self._process, b"", START_S) != b"ready\n":
                self._end_worker()
                raise OSError("it does not answer")
        return self._process

    def _end_worker(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _exchange(process: subprocess.Popen[bytes], data: bytes, limit_s: float) -> Optional[bytes]:
    """Say something to the worker and return its line, None if it ended over that or was ended for it."""
    assert process.stdin is not None and process.stdout is not None
    guard = threading.Timer(limit_s, process.kill)
    guard.daemon = True
    guard.start()
    try:
        process.stdin.write(data)
        process.stdin.flush()
        line = process.stdout.readline(MAX_ANSWER_BYTES)
    except OSError:
        return None
    finally:
        guard.cancel()
        guard.join()
    return line if line.endswith(b"\n") else None
