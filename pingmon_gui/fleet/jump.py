"""The way to a host behind jump hosts: the user's own `ssh`, with its configuration, keys and agent, carries the bytes.

Our SSH connection runs inside, from end to end, so jump hosts see nothing of it and need no key of ours.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import suppress

from pingmon_gui.domain.error import ProbeUnreachable
from pingmon_gui.domain.probe import ProbeAccess

#: How long an `ssh` that is over, or was told to end, may take for it.
END_S = 2.0
MAX_SAID_BYTES = 4_096


class Jump:
    """One `ssh` process. It blocks a little where it starts and ends: not for the event loop."""

    def __init__(self, access: ProbeAccess, connect_s: float) -> None:
        """Start it; `socket` is our end. Raises ProbeUnreachable where that cannot be."""
        words = command(access, connect_s)
        self._hosts = access.proxy_jump or ""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        self.socket, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                words, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=self._errors, start_new_session=True
            )
        except OSError as exc:
            self.socket.close()
            self._errors.close()
            raise ProbeUnreachable(f"The ssh program cannot be started: {exc.strerror or exc}.") from exc
        finally:
            theirs.close()

    def failure(self) -> ProbeUnreachable:
        """Return why the way did not come about, in the words of `ssh`."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_S)
        self._errors.seek(0)
        lines = self._errors.read(MAX_SAID_BYTES).decode("utf-8", "replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")
        readable = "".join(letter for letter in said if letter.isprintable())[:200].rstrip(".")
        reason = f": {readable}" if readable else ""
        return ProbeUnreachable(
            f"The way over the jump host {self._hosts} does not work{reason}.",
            f"Try “ssh {self._hosts.rpartition(',')[2]}” in a terminal: it must log in without asking.",
        )

    def end(self) -> None:
        """End it. Harmless if it has ended."""
        self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()


def command(access: ProbeAccess, connect_s: float) -> list[str]:
    """Return the command whose stdin and stdout are the way. Raises ProbeUnreachable where there is no `ssh`."""
    program = shutil.which("ssh")
    if program is None or os.name == "nt":
        raise ProbeUnreachable(
            f"{access.address} is behind a jump host, and no ssh program is here to cross it.", "Install OpenSSH."
        )
    *before, last = (access.proxy_jump or "").split(",")
    words = [program, "-o", "BatchMode=yes", "-o", f"ConnectTimeout={connect_s:.0f}"]
    # A connection that the user has open may be shared, but none is left behind for others.
    words += ["-o", "ControlMaster=no"]
    if access.ssh_config:
        words += ["-F", access.ssh_config]
    if before:
        words += ["-J", ",".join(before)]
    user_and_host, port = _without_port(last)
    if port:
        words += ["-p", port]
    return [*words, "-W", f"[{access.address}]:{access.ssh_port}", "--", user_and_host]


def _without_port(hop: str) -> tuple[str, str]:
    """Return a jump host without its port, and the port: `user@host`, `user@host:2222`, `user@[::1]:2222`."""
    user, at, host = hop.rpartition("@")
    if host.startswith("["):
        address, _, rest = host[1:].partition("]")
        return f"{user}{at}{address}", rest.removeprefix(":")
    if host.count(":") == 1:
        name, _, port = host.partition(":")
        return f"{user}{at}{name}", port
    return hop, ""
