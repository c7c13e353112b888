"""A home of its own for every test: nothing of the person who runs the tests is read, no agent of theirs is asked."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pingmon_gui.provision.known_host import KnownHosts
from tests.provision.people import Person
from tests.provision.sshd import Sshd, StartSshd, keygen


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty home folder with a `.ssh` in it, which HOME points to."""
    folder = tmp_path / "home"
    (folder / ".ssh").mkdir(parents=True, mode=0o700)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return folder


@pytest.fixture(scope="session")
def made_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with key pairs: `ed`, `ec`, `rsa`, `other`, `locked` (passphrase "open sesame"), `host*`."""
    folder = tmp_path_factory.mktemp("keys")
    for name, kind, passphrase in (
        ("ed", "ed25519", ""),
        ("ec", "ecdsa", ""),
        ("rsa", "rsa", ""),
        ("other", "ed25519", ""),
        ("locked", "ed25519", "open sesame"),
        ("host_ed", "ed25519", ""),
        ("host_ec", "ecdsa", ""),
        ("host_rsa", "rsa", ""),
        ("host_other", "ed25519", ""),
    ):
        keygen(folder / name, kind, passphrase)
    return folder


@pytest.fixture
def start_sshd(tmp_path: Path, made_keys: Path) -> Iterator[StartSshd]:
    """Return a function that starts an sshd: `start_sshd("MaxSessions 1", host_keys=("host_ed",), allow=("ed",))`."""
    started: list[Sshd] = []

    def start(*lines: str, host_keys: tuple[str, ...] = ("host_ed",), allow: tuple[str, ...] = ("ed",)) -> Sshd:
        folder = tmp_path / f"sshd{len(started)}"
        folder.mkdir()
        server = Sshd(folder, tuple(made_keys / name for name in host_keys), lines)
        started.append(server)
        server.start()
        for name in allow:
            server.allow(made_keys / name)
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def known_hosts(tmp_path: Path) -> KnownHosts:
    """Return the app's own known hosts: none yet."""
    return KnownHosts(tmp_path / "data")


@pytest.fixture
def person() -> Person:
    """Return somebody who answers nothing yet."""
    return Person()


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Start an empty ssh-agent, which SSH_AUTH_SOCK points to, and return its socket."""
    path = tmp_path / "agent.sock"
    done = subprocess.run(["ssh-agent", "-a", str(path), "-s"], capture_output=True, text=True, check=True)
    pid = int(done.stdout.partition("SSH_AGENT_PID=")[2].partition(";")[0])
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
    yield path
    os.kill(pid, 15)
