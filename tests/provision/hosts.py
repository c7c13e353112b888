"""Hosts for tests without SSH: one that follows a script, and one that runs commands for real in a sandboxed home."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pingmon_gui.domain.error import SshUnreachable
from pingmon_gui.provision.host import COMMAND_S, CommandResult
from pingmon_gui.provision.progress import Listener, StepProgress, StepState, TranscriptLine

OK = CommandResult(0, "", "")
#: `crontab` of the sandbox: the table is a file; its exit codes are those of the real one.
CRONTAB = """#!/bin/sh
table="$HOME/../crontab"
case "$1" in
  -l) [ -f "$table" ] || { echo "no crontab for user" >&2; exit 1; }; cat "$table" ;;
  -r) rm -f "$table" ;;
  -) cat >"$table" ;;
  *) exit 2 ;;
esac
"""
ID = """#!/bin/sh
case "$1" in -u) echo 1000 ;; -un) echo pat ;; -Gn) echo pat users ;; esac
"""
NO_SUCH = "#!/bin/sh\nexit 1\n"


class Events:
    """A listener that keeps everything."""

    def __init__(self) -> None:
        self.all: list[StepProgress | TranscriptLine] = []

    def __call__(self, event: StepProgress | TranscriptLine) -> None:
        self.all.append(event)

    def states(self, step: str) -> list[StepState]:
        return [event.state for event in self.all if isinstance(event, StepProgress) and event.step == step]

    def last_states(self) -> dict[str, StepState]:
        return {event.step: event.state for event in self.all if isinstance(event, StepProgress)}

    @property
    def lines(self) -> list[str]:
        return [event.text for event in self.all if isinstance(event, TranscriptLine)]


class FakeHost:
    """Answers by the first rule whose pattern is found in the words of a command; notes all that was run."""

    name = "ops@vps.example"

    def __init__(
        self, *rules: tuple[str, CommandResult | Callable[[bytes], CommandResult]], is_root: bool = True
    ) -> None:
        self.rules = [*rules]
        self.ran: list[tuple[str, bool]] = []
        self.is_admin = is_root
        self.is_closed = False
        self.sudo_problem = ""
        self.listener: Listener = lambda _event: None

    async def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", deadline_s: float = COMMAND_S, as_root: bool = False
    ) -> CommandResult:
        words = " ".join(argv)
        self.ran.append((words, as_root))
        self.listener(TranscriptLine(self.name, words))
        for pattern, answer in self.rules:
            if re.search(pattern, words):
                return answer(stdin) if callable(answer) else answer
        return OK

    async def can_sudo(self) -> bool:
        return self.is_admin

    async def close(self) -> None:
        self.is_closed = True


class LocalHost:
    """Runs everything on this machine, in a home of its own, as a user without sudo on a host without systemd.

    `before` is called with the words of each command: a test makes a command fail there, or cancels.
    """

    name = "pat@local.test"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.before: Callable[[str], None] | None = None
        self.ran: list[str] = []
        self.listener: Listener = lambda _event: None
        self.is_gone = False
        self.is_closed = False
        self.sudo_problem = ""
        self.program("crontab", CRONTAB)
        self.program("id", ID)
        # Whatever this machine has: nothing outside of the sandbox may be reached.
        for name in ("systemctl", "loginctl", "sudo", "busctl", "pkcheck", "sshd", "journalctl"):
            self.program(name, NO_SUCH)
        python = shutil.which("python3", path="/usr/bin:/bin") or sys.executable
        (self.bin / "python3").symlink_to(python)

    def program(self, name: str, text: str) -> None:
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)

    async def run(
        self, argv: Sequence[str], *, stdin: bytes = b"", deadline_s: float = COMMAND_S, as_root: bool = False
    ) -> CommandResult:
        assert not as_root, "there is no root in the sandbox"
        words = " ".join(argv)
        self.ran.append(words)
        self.listener(TranscriptLine(self.name, words))
        if self.before is not None:
            self.before(words)
        if self.is_gone:
            raise SshUnreachable(f"The connection to {self.name} broke off.")
        # The files of the whole system are not this host's.
        for path in (b"/run/systemd/system", b"/etc/systemd/system", b"/opt/pingmon-probe", b"/var/lib/systemd"):
            stdin = stdin.replace(path, str(self.folder).encode() + path)
        environment = {
            "HOME": str(self.home),
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "SSH_CONNECTION": "192.0.2.7 50000 192.0.2.1 22",
        }
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, cwd=self.home
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(stdin), deadline_s)
        except BaseException:
            if process.returncode is None:
                process.kill()
            await process.wait()
            raise
        assert process.returncode is not None
        return CommandResult(process.returncode, out.decode(), err.decode())

    async def can_sudo(self) -> bool:
        return False

    async def close(self) -> None:
        self.is_closed = True

    def listing(self) -> dict[str, tuple[str, int, bytes]]:
        """Return everything that is on the host: path -> kind, mode, content."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            kind = "folder" if path.is_dir() else "file"
            name = str(path.relative_to(self.folder))
            if not name.startswith("bin"):
                found[name] = (kind, path.stat().st_mode & 0o7777, b"" if path.is_dir() else path.read_bytes())
        return found
