"""An SSH server in this process (paramiko's server side) for what no test may set up in a real one: passwords, the
host's own questions, banners, silence, sudden ends.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_PARTIALLY_SUCCESSFUL,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_SUCCEEDED,
)
from paramiko.server import InteractiveQuery, ServerInterface

from pingmon_gui.provision.known_host import written
from pingmon_gui.provision.ssh_config import SshTarget

logging.getLogger("paramiko.odd").setLevel(logging.CRITICAL)


@dataclass
class Manners:
    """How the server behaves. A login passes when every set of `factors` was passed once."""

    password: str | None = None
    #: Rounds of questions, each a list of (question, right answer).
    dialog: Sequence[Sequence[tuple[str, str]]] = ()
    keys: Sequence[paramiko.PKey] = ()
    #: Methods in order that are all needed; () means any one of those above.
    factors: Sequence[str] = ()
    banner: str = ""
    most_failures: int = 6
    #: Hangs up when a password or an answer arrives, as often as this says.
    drops: int = 0
    #: "run" runs the command, "hang" says nothing, "die" hangs up, "refuse" refuses sessions.
    command: str = "run"
    #: Set to let a hanging login go on.
    gate: threading.Event | None = None


@dataclass
class OddServer(ServerInterface):
    """One connection's server side; shared between the connections of one test."""

    manners: Manners
    passwords: list[str] = field(default_factory=list)
    logins: int = 0
    passed: list[str] = field(default_factory=list)
    failures: int = 0
    transport: paramiko.Transport | None = None
    _round: int = 0

    def get_allowed_auths(self, username: str) -> str:
        return ",".join(self._methods())

    def _methods(self) -> list[str]:
        manners = self.manners
        if manners.factors:
            return [manners.factors[len(self.passed)]] if len(self.passed) < len(manners.factors) else []
        offered = {
            "publickey": bool(manners.keys),
            "password": manners.password is not None,
            "keyboard-interactive": bool(manners.dialog),
        }
        return [name for name, is_offered in offered.items() if is_offered] or ["hostbased"]

    def get_banner(self) -> tuple[str | None, str | None]:
        return (self.manners.banner or None, "en-US")

    def _pass(self, method: str, is_right: bool) -> int:
        if not is_right or method not in self._methods():
            self.failures += 1
            if self.failures >= self.manners.most_failures and self.transport is not None:
                _disconnect(self.transport, "Too many authentication failures")
            return AUTH_FAILED
        self.passed.append(method)
        if self.manners.factors and len(self.passed) < len(self.manners.factors):
            return AUTH_PARTIALLY_SUCCESSFUL
        self.logins += 1
        return AUTH_SUCCESSFUL

    def check_auth_none(self, username: str) -> int:
        return AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        is_right = any(key.asbytes() == known.asbytes() for known in self.manners.keys)
        return self._pass("publickey", is_right)

    def check_auth_password(self, username: str, password: str) -> int:
        self.passwords.append(password)
        if self.manners.gate is not None:
            self.manners.gate.wait(30)
        if self._drop():
            return AUTH_FAILED
        return self._pass("password", password == self.manners.password)

    def _drop(self) -> bool:
        if self.manners.drops <= 0 or self.transport is None:
            return False
        self.manners.drops -= 1
        self.transport.close()
        return True

    def check_auth_interactive(self, username: str, submethods: str) -> int | InteractiveQuery:
        self._round = 0
        return self._query()

    def _query(self) -> InteractiveQuery:
        return InteractiveQuery(
            "Login", "Two things.", *((text, False) for text, _ in self.manners.dialog[self._round])
        )

    def check_auth_interactive_response(self, responses: list[str]) -> int | InteractiveQuery:
        right = [answer for _text, answer in self.manners.dialog[self._round]]
        if responses != right:
            return self._pass("keyboard-interactive", False)
        self._round += 1
        if self._round < len(self.manners.dialog):
            return self._query()
        return self._pass("keyboard-interactive", True)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        if kind != "session" or self.manners.command == "refuse":
            return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        if self.manners.command == "die":
            assert self.transport is not None
            self.transport.close()
        elif self.manners.command == "run":
            threading.Thread(target=_run, args=(channel, command), daemon=True).start()
        return True


def _run(channel: paramiko.Channel, command: bytes) -> None:
    # The client ends its input once it was told that the command runs: not before may the channel close.
    while channel.recv(4096):
        pass
    done = subprocess.run(
        ["/bin/sh", "-c", command.decode()], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
        channel.sendall(done.stdout)
        channel.sendall_stderr(done.stderr)
        channel.send_exit_status(done.returncode)
        channel.close()


def _disconnect(transport: paramiko.Transport, text: str) -> None:
    message = paramiko.Message()
    message.add_byte(b"\x01")
    message.add_int(2)
    message.add_string(text)
    message.add_string("en")
    transport._send_message(message)  # type: ignore[attr-defined]
    transport.close()


class OddListener:
    """Listens on loopback and serves each connection by the same manners. A context manager."""

    def __init__(self, manners: Manners, host_key: Path) -> None:
        self.manners = manners
        self.host_key = paramiko.PKey.from_path(host_key)
        self.sessions: list[OddServer] = []
        self._transports: list[paramiko.Transport] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> OddListener:
        self._thread.start()
        return self

    def __exit__(self, *_about: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for transport in self._transports:
            transport.close()
        for transport in self._transports:
            transport.join(10)

    @property
    def passwords(self) -> list[str]:
        return [password for session in self.sessions for password in session.passwords]

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.set_log_channel("paramiko.odd")
            transport.add_server_key(self.host_key)
            session = OddServer(self.manners, transport=transport)
            self.sessions.append(session)
            self._transports.append(transport)
            with contextlib.suppress(paramiko.SSHException, EOFError):
                transport.start_server(server=session, event=threading.Event())

    def target(self, folder: Path, *identities: Path, **changes: Any) -> SshTarget:
        """Return how to reach it; its host key is known."""
        port = self._listener.getsockname()[1]
        known = folder / "odd_known_hosts"
        known.write_text(f"[127.0.0.1]:{port} {written(self.host_key)}\n")
        values: dict[str, Any] = {"identity_files": identities, "known_hosts_files": (known,), **changes}
        return SshTarget("127.0.0.1", "127.0.0.1", port, "ops", **values)


StartOdd = Callable[[Manners], OddListener]
