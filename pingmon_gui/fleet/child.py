"""One run of the probe as a child process of the app. Threads listen to its pipes: Qt's loop has no subprocesses."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pingmon_probe

from pingmon_gui.domain.error import ProbeUnreachable
from pingmon_gui.fleet.secret import Token
from pingmon_gui.program import for_terminal

_log = logging.getLogger(__name__)

#: How long a start may take on a slow machine, and how long each way of asking it to end is given.
START_S = 30.0
END_S = 5.0
TERMINATE_S = 2.0
MAX_READY_BYTES = 4_096
KEPT_LINES = 20
MAX_LINE_CHARACTERS = 500

_LEVELS = {"WARNING": logging.WARNING, "ERROR": logging.ERROR, "CRITICAL": logging.ERROR, "INFO": logging.INFO}


def probe_command() -> list[str]:
    """Return how to start the probe: this executable in a packaged app, else this Python with the probe's package."""
    if getattr(sys, "frozen", False):
        return [for_terminal(sys.executable), "--embedded-probe"]
    # -P: a file in the current folder must not stand in for a module of the probe.
    return [for_terminal(sys.executable), "-P", "-m", "pingmon_probe"]


def probe_environment(surroundings: Mapping[str, str]) -> dict[str, str]:
    """Return the surroundings without what steers Python, Qt or Pingmon, and with the way to the probe's package."""
    kept = {
        name: value
        for name, value in surroundings.items()
        if not name.upper().startswith(("PYTHON", "QT_", "PINGMON_"))
    }
    kept["PYTHONPATH"] = str(Path(pingmon_probe.__file__).resolve().parents[1])
    return kept


@dataclass(frozen=True)
class Ready:
    """What the probe says once it takes requests."""

    port: int
    spool: str
    pid: int
    version: str


class ProbeProcess:
    """A running child. It ends by itself when this process does, however that ends: its stdin is our pipe.

    Make it inside the running loop. Raises OSError where the system starts no process.
    """

    def __init__(self, spool_dir: Path, token: Token, command: Sequence[str] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[Ready | None] = self._loop.create_future()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        options = ["serve", "--token-stdin", "--die-with-stdin", "--allow-private", "--region", "local"]
        self._popen = subprocess.Popen(
            [*(command or probe_command()), *options, "--spool", str(spool_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=probe_environment(os.environ),
            # A Ctrl-C at the terminal is the app's; it ends the probe in its own order.
            start_new_session=os.name != "nt",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0)
            | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        for listen in (self._listen, self._listen_to_stderr):
            threading.Thread(target=listen, name="embedded probe", daemon=True).start()
        assert self._popen.stdin is not None
        with contextlib.suppress(OSError):  # gone already: `ended` says so
            self._popen.stdin.write(token.reveal().encode("ascii") + b"\n")
            self._popen.stdin.flush()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def has_ended(self) -> bool:
        return self._ended.done()

    async def ready(self) -> Ready:
        """Return what it says once it takes requests. Raises ProbeUnreachable if it ends or is silent before."""
        try:
            ready = await asyncio.wait_for(asyncio.shield(self._ready), START_S)
        except TimeoutError as exc:
            raise ProbeUnreachable(f"The probe of this computer did not start within {START_S:.0f} seconds.") from exc
        if ready is None:
            await asyncio.wait({self._ended}, timeout=END_S)
            why = f": {self.last_words}" if self.last_words else "."
            raise ProbeUnreachable(f"The probe of this computer could not be started{why}")
        return ready

    async def ended(self) -> int:
        """Wait for its end; return the exit code, negative for a signal."""
        return await asyncio.shield(self._ended)

    async def seems_ended(self, patience_s: float) -> bool:
        """Return whether it has ended or does so in a moment."""
        await asyncio.wait({self._ended}, timeout=patience_s)
        return self._ended.done()

    @property
    def last_words(self) -> str:
        """The last line it wrote to stderr; "" if there is none."""
        return self._lines[-1] if self._lines else ""

    def kill(self) -> None:
        self._popen.kill()

    async def stop(self) -> None:
        """End it in good order: it keeps what it measured. Harmless if it has ended; killed if it does not end."""
        self._hang_up()
        try:
            if not await self.seems_ended(END_S):
                self._popen.terminate()
                if not await self.seems_ended(TERMINATE_S):
                    self._popen.kill()
                    await self.ended()
        except asyncio.CancelledError:
            self._popen.kill()
            raise

    def _hang_up(self) -> None:
        assert self._popen.stdin is not None
        with contextlib.suppress(OSError):
            self._popen.stdin.close()

    # On threads of their own

    def _listen(self) -> None:
        stdout = self._popen.stdout
        assert stdout is not None
        with stdout:
            ready = _read_ready(stdout.readline(MAX_READY_BYTES))
            self._post(self._ready, ready)
            while stdout.read(4_096):
                pass
        self._post(self._ended, self._popen.wait())

    def _listen_to_stderr(self) -> None:
        stderr = self._popen.stderr
        assert stderr is not None
        with stderr:
            while raw := stderr.readline(MAX_LINE_CHARACTERS * 4):
                line = "".join(
                    letter if letter.isprintable() else " "
                    for letter in raw.decode("utf-8", "replace").rstrip()[:MAX_LINE_CHARACTERS]
                )
                if line:
                    self._lines.append(line)
                    _log.log(_LEVELS.get(line.partition(" ")[0], logging.INFO), "probe of this computer: %s", line)

    def _post(
        self, future: asyncio.Future[object] | asyncio.Future[int] | asyncio.Future[Ready | None], value: object
    ) -> None:
        def settle() -> None:
            if not future.done():
                future.set_result(value)  # type: ignore[arg-type]

        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(settle)


def _read_ready(line: bytes) -> Ready | None:
    try:
        document = json.loads(line)
        port, pid = document["port"], document["pid"]
        if not (isinstance(port, int) and 1 <= port <= 65535 and isinstance(pid, int)):
            return None
        return Ready(port, str(document["spool"]), pid, str(document["version"]))
    except (ValueError, KeyError, TypeError):
        return None
