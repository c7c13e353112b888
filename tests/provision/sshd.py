"""Real OpenSSH servers on loopback, with keys and configuration of their own; as root or as a normal user.

Run by a normal user, sshd lets in that user only, by key only: so that is what these tests do. What needs other users,
PAM or passwords is in `tests/lab`. Login shells other than the tester's are put in the way by ForceCommand.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paramiko

from pingmon_gui.provision.known_host import written
from pingmon_gui.provision.ssh_config import SshTarget
from tests.ports import free_port

USER = getpass.getuser()
_START_S = 20.0


def keygen(path: Path, kind: str = "ed25519", passphrase: str = "", *more: str) -> Path:
    """Make a key pair with ssh-keygen and return the private key's path."""
    if kind == "rsa":
        more = ("-b", "2048", *more)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", path.name, "-f", str(path), *more], check=True
    )
    return path


def public_line(path: Path) -> str:
    return path.with_name(path.name + ".pub").read_text(encoding="ascii").strip()


@dataclass
class Sshd:
    """A running server. `lines` of sshd_config come first, and the first value of an option counts."""

    folder: Path
    host_keys: tuple[Path, ...]
    lines: tuple[str, ...] = ()
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def authorized_keys(self) -> Path:
        return self.folder / "authorized_keys"

    @property
    def log(self) -> str:
        return (self.folder / "sshd.log").read_text(errors="replace")

    def start(self) -> None:
        """Start on the port it had before, or on a free one, and wait until it answers."""
        if os.geteuid() == 0:
            # Where sshd locks itself in before the login, on Debian and Ubuntu.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self.authorized_keys.touch()
        self.port = self.port or free_port()
        configuration = self.folder / "sshd_config"
        configuration.write_text(
            "\n".join(
                (
                    *self.lines,
                    *(f"HostKey {key}" for key in self.host_keys),
                    f"AuthorizedKeysFile {self.authorized_keys}",
                    "ListenAddress 127.0.0.1",
                    # The login shell reads none of the tester's own start-up files.
                    f"SetEnv HOME={self.folder}",
                    "PidFile none",
                    "StrictModes no",
                    "UsePAM no",
                    "UseDNS no",
                    "PermitUserRC no",
                    "PasswordAuthentication no",
                    "KbdInteractiveAuthentication no",
                    "PermitRootLogin yes",
                    "LogLevel VERBOSE",
                    "",
                )
            )
        )
        program = shutil.which("sshd", path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")
        assert program is not None, "sshd is not installed: run make env, or apt-get install openssh-server"
        with (self.folder / "sshd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, "-D", "-e", "-f", str(configuration), "-p", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + _START_S
        while "Server listening" not in self.log:
            assert self._process.poll() is None, self.log
            assert time.monotonic() < until, self.log
            time.sleep(0.005)

    def stop(self) -> None:
        """End the server and all its connections."""
        if self._process is None:
            return
        children = _children(self._process.pid)
        self._process.terminate()
        self._process.wait(10)
        self._process = None
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, 9)

    def allow(self, key: Path, options: str = "") -> None:
        """Let this key in, from now on."""
        with self.authorized_keys.open("a", encoding="ascii") as file:
            file.write(f"{options} {public_line(key)}\n".lstrip())

    def known_line(self, key: Path | None = None) -> str:
        """Return the line of known_hosts for this server."""
        public = paramiko.PKey.from_path(key or self.host_keys[0])
        return f"[127.0.0.1]:{self.port} {written(public)}"

    def target(self, *identities: Path, **changes: Any) -> SshTarget:
        """Return how to reach it with these keys; known_hosts is `known_hosts` in its folder."""
        known = self.folder / "known_hosts"
        if not known.exists():
            known.write_text("".join(f"{self.known_line(key)}\n" for key in self.host_keys))
        values: dict[str, Any] = {
            "user": USER,
            "identity_files": identities,
            "known_hosts_files": (known,),
            "connect_timeout_s": 15.0,
            **changes,
        }
        return SshTarget("127.0.0.1", "127.0.0.1", self.port, **values)


def _children(pid: int) -> list[int]:
    """Return the processes below a process: the connections of an sshd."""
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        # One that ends meanwhile is none of them any more.
        with contextlib.suppress(OSError, ValueError):
            child = int(folder.name)
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                found += [child, *_children(child)]
    return found


StartSshd = Callable[..., Sshd]
