"""A real OpenSSH server on loopback for whoever runs the tests: no other user, no PAM, files of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port

PATIENCE_S = 30.0


class SshServer:
    """`start` and `stop` may alternate; the port and the host keys stay. `options` are lines of its configuration."""

    def __init__(self, folder: Path, *options: str, key_types: tuple[str, ...] = ("ed25519",)) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.user = getpass.getuser()
        self.port = free_port()
        self.authorized_keys = folder / "authorized_keys"
        self.authorized_keys.touch()
        self._process: subprocess.Popen[bytes] | None = None
        keys = [folder / f"host_{kind}" for kind in key_types]
        for kind, key in zip(key_types, keys, strict=True):
            make_key(key, kind)
        self.config = folder / "sshd_config"
        lines = [
            *options,
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            *(f"HostKey {key}" for key in keys),
            f"AuthorizedKeysFile {self.authorized_keys}",
            f"PidFile {folder / 'pid'}",
            "StrictModes no",
            "UsePAM no",
            "PermitRootLogin yes",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "LogLevel VERBOSE",
        ]
        self.config.write_text("\n".join(lines) + "\n")

    def host_key(self, kind: str = "ed25519") -> str:
        """Return a host key as in known_hosts: type, blank, base64."""
        return " ".join((self.folder / f"host_{kind}.pub").read_text().split()[:2])

    def allow(self, line: str) -> None:
        """Add a line to authorized_keys."""
        with self.authorized_keys.open("a") as file:
            file.write(line + "\n")

    def start(self) -> None:
        sshd = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        assert sshd is not None, "openssh-server is not installed"
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sshd, "-D", "-e", "-f", str(self.config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        until_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > until_s:
                    raise AssertionError(f"sshd did not start: {self.log()}") from None
                time.sleep(0.01)
            else:
                return

    def stop(self) -> None:
        """End the server and every connection of it."""
        if self._process is not None:
            sessions = self.sessions()
            self._process.terminate()
            self._process.wait(PATIENCE_S)
            self._process = None
            for pid in sessions:
                _kill(pid, signal.SIGKILL)

    def sessions(self) -> list[int]:
        """Return the process ids of its connections and of what runs in them."""
        assert self._process is not None
        return processes_below(self._process.pid)

    def cut(self) -> None:
        """Break every connection off."""
        for pid in self.sessions():
            _kill(pid, signal.SIGKILL)

    def freeze(self) -> None:
        """Let every connection fall silent without ending; `thaw` undoes it."""
        for pid in self.sessions():
            _kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        for pid in self.sessions():
            _kill(pid, signal.SIGCONT)

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")


@contextmanager
def ssh_server(folder: Path, *options: str, key_types: tuple[str, ...] = ("ed25519",)) -> Iterator[SshServer]:
    """Run a server for as long as the context lasts."""
    server = SshServer(folder, *options, key_types=key_types)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def make_key(path: Path, kind: str = "ed25519", *, passphrase: str = "", pem: bool = False) -> Path:
    """Make a key pair with ssh-keygen, unless it is there; return the private key's path."""
    if not path.exists():
        size = ["-b", "2048"] if kind == "rsa" else []
        form = ["-m", "PEM"] if pem else []
        command = ["ssh-keygen", "-q", "-t", kind, *size, *form, "-N", passphrase, "-C", "test", "-f", str(path)]
        subprocess.run(command, check=True, timeout=PATIENCE_S)
    return path


def _kill(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def process_name(pid: int) -> str:
    """Return a process's name, nothing if it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def processes_below(pid: int) -> list[int]:
    """Return the ids of a process's children, their children, and so on."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    found, left = [], [pid]
    while left:
        below = children.get(left.pop(), [])
        found += below
        left += below
    return found
