"""A host over SSH: connected, its key judged, logged in; then commands, by sudo where that is asked for.

The way in is `ssh_reach.py`, over a wire with a thread of its own (`ssh_link.py`); the login is in `ssh_login.py`, one
command in `ssh_command.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from pingmon_gui.domain.error import AuthFailed, ProvisionError, SshUnreachable
from pingmon_gui.provision import ssh_command
from pingmon_gui.provision.host import COMMAND_S, DATA_MARK, CommandResult
from pingmon_gui.provision.known_host import KnownHosts, written
from pingmon_gui.provision.private_key import KeyUnusable, from_text
from pingmon_gui.provision.progress import Listener, TranscriptLine, harmless, last_line
from pingmon_gui.provision.prompt import Prompter, SecretKind
from pingmon_gui.provision.ssh_config import SshTarget
from pingmon_gui.provision.ssh_link import LinkTransport, SshLink
from pingmon_gui.provision.ssh_login import TRIES, Memory
from pingmon_gui.provision.ssh_reach import Nobody, Reach
from pingmon_gui.provision.sudo import SudoProblem, explain, problem_of

_GRACE_S = 2.0
#: Lines of a command's output in the transcript; all of them are in the answer.
_MOST_LINES = 20
T = TypeVar("T")


async def connect(
    target: SshTarget,
    prompter: Prompter,
    known_hosts: KnownHosts,
    *,
    listener: Listener = lambda _event: None,
    expected_host_key: str | None = None,
    memory: Memory | None = None,
    private_key: str | None = None,
) -> SshHost:
    """Connect and log in, through the jump hosts if there are any. Close what is returned.

    A host key never seen is shown to the person, and pinned on yes; the connection is made anew afterwards, because
    sshd does not wait. `expected_host_key` (`SHA256:...`) stands for that yes, also where another key was known.
    `private_key` (OpenSSH text) is the only proof tried, if given. What is in `memory` is not asked for again.

    Raises SshUnreachable, HostKeyUnknown, HostKeyChanged, AuthFailed, UserCancelled. Cancelling is safe at any time.
    """
    memory = memory or Memory()
    reach = Reach(target, prompter, known_hosts, listener, expected_host_key, memory)
    only = None
    if private_key is not None:
        try:
            only = from_text(private_key)
        except KeyUnusable as exc:
            raise AuthFailed(f"The private key {exc}.", "Make a new one.", host=target.name) from exc
    link = await reach.run(only)
    host = SshHost(link, prompter, listener, memory)
    try:
        await host.look()
    except BaseException:
        await host.close()
        raise
    return host


async def open_link(
    target: SshTarget, known_hosts: KnownHosts, private_key: str, *, listener: Listener = lambda _event: None
) -> SshLink:
    """Log in with this private key alone and run nothing: for keys that may only forward. Close what is returned.

    The host key must be known. Raises as `connect` does, never asks anybody.
    """
    return await Reach(target, Nobody(), known_hosts, listener, None, Memory()).run(from_text(private_key))


class SshHost:
    """A host one is logged in to. Implements `Host`; commands wait for one another, so MaxSessions 1 is enough.

    Attributes:
        is_root: whether the login itself is root's.
        sudo_problem: why sudo cannot be used, a sentence; "" as long as nothing stands against it.
    """

    def __init__(self, link: SshLink, prompter: Prompter, listener: Listener, memory: Memory) -> None:
        self._link = link
        self._prompter = prompter
        self._listener = listener
        self._turn = asyncio.Lock()
        self._memory = memory
        self._can_sudo: bool | None = None
        self.is_root = False
        self.sudo_problem = ""

    @property
    def name(self) -> str:
        return self.target.name

    @property
    def target(self) -> SshTarget:
        return self._link.target

    @property
    def transport(self) -> LinkTransport:
        """paramiko's transport to the host itself."""
        return self._link.transport

    @property
    def host_key(self) -> str:
        """The host's key as in known_hosts: type, blank, base64."""
        return written(self.transport.get_remote_server_key())

    async def look(self) -> None:
        """Find out whether the login runs commands at all, and whether it is root's. Raises as `run` does."""
        self.is_root = (await self.run(["id", "-u"])).out.strip() == "0"

    async def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        deadline_s: float = COMMAND_S,
        as_root: bool = False,
    ) -> CommandResult:
        """See `Host.run`. A command that a signal ended has the code -1. By its deadline the connection is closed."""
        by_sudo = as_root and not self.is_root
        async with self._turn:
            self._tell(f"{'# ' if as_root or self.is_root else '$ '}{ssh_command.quote(argv)}" + _size(stdin))
            if by_sudo:
                outcome = await self._run_by_sudo(argv, stdin, deadline_s)
            else:
                outcome = await self._run_once(argv, stdin=stdin, deadline_s=deadline_s)
                if not outcome.has_started:
                    raise self._no_shell(outcome)
        result = CommandResult(
            outcome.code, outcome.out.decode("utf-8", "replace"), outcome.err.decode("utf-8", "replace")
        )
        for text in (result.out, result.err):
            self._tell_lines(text)
        if result.code:
            self._tell(f"(exit code {result.code})" if result.code > 0 else "(ended by a signal)")
        return result

    async def can_sudo(self) -> bool:
        """Return whether commands can be run as root; asks for sudo's password if it takes one.

        An empty answer means to go on without. Where it is False, `sudo_problem` says why. Raises AuthFailed after
        three wrong passwords, and as `run` does.
        """
        if self.is_root:
            return True
        if self._can_sudo is None:
            try:
                await self.run(["true"], as_root=True)
                self._can_sudo = True
            except AuthFailed:
                if not self.sudo_problem:
                    raise
                self._can_sudo = False
        return self._can_sudo

    async def close(self) -> None:
        await self._link.close()

    # sudo

    async def _run_by_sudo(self, argv: Sequence[str], stdin: bytes, deadline_s: float) -> ssh_command.Outcome:
        """Run by sudo; asks for its password the first time it wants one. Raises AuthFailed, UserCancelled."""
        refusals = 0
        while True:
            known = self._memory.sudo_passwords
            outcome = await self._run_once(
                argv, stdin=stdin, deadline_s=deadline_s, as_sudo=True, password=known.get(self.name)
            )
            if outcome.has_started:
                self.sudo_problem = ""
                return outcome
            complaint = outcome.err.decode("utf-8", "replace")
            problem = SudoProblem.WRONG_PASSWORD if outcome.is_refused else problem_of(complaint)
            if problem is SudoProblem.NEEDS_PASSWORD:
                question = f"What is the password of {self.name} for sudo? (Leave it empty to go on without sudo.)"
            elif problem is SudoProblem.WRONG_PASSWORD:
                refusals += 1
                if refusals >= TRIES:
                    known.pop(self.name, None)
                    raise AuthFailed(*explain(problem, self.target.user, self.name, complaint), host=self.name)
                question = f"sudo on {self.name} refused that password: what is it?"
            else:
                raise self._no_sudo(problem, complaint)
            try:
                password = await self._prompter.secret(self.name, SecretKind.SUDO, question)
            except ProvisionError as exc:
                self.sudo_problem = f"sudo on {self.name} asks for a password, and nobody could be asked."
                raise AuthFailed(
                    self.sudo_problem,
                    "Run it in a terminal, or allow this user sudo without a password.",
                    host=self.name,
                ) from exc
            if not password:
                known.pop(self.name, None)
                raise self._no_sudo(SudoProblem.NEEDS_PASSWORD, complaint)
            known[self.name] = password

    def _no_sudo(self, problem: SudoProblem, complaint: str) -> AuthFailed:
        self.sudo_problem, hint = explain(problem, self.target.user, self.name, complaint)
        return AuthFailed(self.sudo_problem, hint, host=self.name)

    # The wire

    async def _run_once(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes,
        deadline_s: float,
        as_sudo: bool = False,
        password: str | None = None,
    ) -> ssh_command.Outcome:
        what = f"run {argv[0]}"
        try:
            return await self._call(
                lambda: ssh_command.run(
                    self.transport, argv, stdin=stdin, deadline_s=deadline_s, as_sudo=as_sudo, password=password
                ),
                # The command's own deadline comes first; this one is for paramiko's waits that have none.
                deadline_s + _GRACE_S,
                what,
                deadline_s,
            )
        except ssh_command.SessionRefused as exc:
            raise AuthFailed(
                f"{self.name} lets the user {self.target.user} in, but opens no session: {exc}.",
                "Look at MaxSessions, ForceCommand and the key's options in authorized_keys there.",
                host=self.name,
            ) from exc
        except ssh_command.ConnectionLost as exc:
            raise self._lost() from exc

    async def _call(self, work: Callable[[], T], limit_s: float, what: str, shown_s: float | None = None) -> T:
        try:
            return await self._link.call(work, limit_s)
        except TimeoutError:
            self._link.cut()
            raise SshUnreachable(
                f"{self.name} did not {what} within {shown_s or limit_s:g} s.",
                "The host or the way to it may be overloaded: try again later.",
                host=self.name,
            ) from None

    def _lost(self) -> SshUnreachable:
        return SshUnreachable(
            f"The connection to {self.name} broke off.",
            "See whether the host still answers, and try again: what is done already is not done twice.",
            host=self.name,
        )

    def _no_shell(self, outcome: ssh_command.Outcome) -> AuthFailed:
        said = last_line((outcome.out + b"\n" + outcome.err).decode("utf-8", "replace"))
        return AuthFailed(
            f"{self.name} lets the user {self.target.user} in, but runs no commands"
            + (f': it says "{said}".' if said else f" (exit code {outcome.code})."),
            "The user needs a login shell of the usual kind (sh, bash, dash, zsh, fish).",
            host=self.name,
        )

    # The transcript

    def _tell(self, text: str) -> None:
        self._listener(TranscriptLine(self.name, harmless(text)))

    def _tell_lines(self, text: str) -> None:
        # Lines that our own programs mark are data, and may be secret: a token that is put back, a crontab.
        lines = [line for line in text.splitlines() if not line.startswith(DATA_MARK)]
        for line in lines[:_MOST_LINES]:
            self._tell(f"  {line}")
        if len(lines) > _MOST_LINES:
            self._tell(f"  ({len(lines) - _MOST_LINES} more lines)")


def _size(stdin: bytes) -> str:
    return f" < {len(stdin)} bytes" if stdin else ""
