"""What the steps need of a host. `ssh.py` implements it with a real SSH connection, tests with a script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

#: For commands that only look; what changes a host says how long it may take.
COMMAND_S = 30.0
#: Lines of output that begin so are our own programs' data: read by us, never shown or written down.
DATA_MARK = "pingmon:"


@dataclass(frozen=True)
class CommandResult:
    """What a command left behind: its exit code and its decoded output, cut at 1 MiB each."""

    code: int
    out: str
    err: str


class Host(Protocol):
    """One open connection to one host, used by one task at a time."""

    @property
    def name(self) -> str:
        """The host as a person knows it: `ops@vps.example` or `ops@vps.example:2222`."""
        ...

    async def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        deadline_s: float = COMMAND_S,
        as_root: bool = False,
    ) -> CommandResult:
        """Run a program by its arguments (each is quoted for the login shell, whatever shell that is).

        `as_root` runs it by sudo, or as it is where the login is root. A command that fails is an answer, not an
        error. Raises SshUnreachable when the connection breaks off or the deadline passes, AuthFailed where sudo
        refuses, UserCancelled where the user does not give sudo's password.
        """
        ...

    async def close(self) -> None: ...


class RootedHost(Host, Protocol):
    """A host that can tell whether root's rights are to be had there."""

    @property
    def sudo_problem(self) -> str:
        """Why sudo cannot be used, a sentence; "" as long as nothing stands against it."""
        ...

    async def can_sudo(self) -> bool:
        """Return whether `as_root` works: the login is root, or sudo lets it. May ask for sudo's password, once."""
        ...
