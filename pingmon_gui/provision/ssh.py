"""A host over SSH: connected, its key judged, logged in; then commands, by sudo where that is asked for.

`connect` is the only way in. paramiko blocks on a thread of the connection's own (`ssh_link.py`); the login is in
`ssh_login.py`, one command in `ssh_command.py`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import TypeVar

import paramiko
from paramiko.ssh_exception import ChannelException, SSHException

from pingmon_gui.domain.error import AuthFailed, HostKeyChanged, HostKeyUnknown, ProvisionError, SshUnreachable
from pingmon_gui.provision import ssh_command
from pingmon_gui.provision.host import COMMAND_S, DATA_MARK, CommandResult
from pingmon_gui.provision.known_host import KnownHosts, Trust, fingerprint, written
from pingmon_gui.provision.private_key import KeyUnusable, from_text
from pingmon_gui.provision.progress import Listener, TranscriptLine
from pingmon_gui.provision.prompt import Prompter, SecretKind
from pingmon_gui.provision.ssh_config import SshTarget
from pingmon_gui.provision.ssh_link import CHANNEL_S, LinkTransport, SshLink, ordered_key_types
from pingmon_gui.provision.ssh_login import TRIES, DroppedWhileAsked, Login, Memory
from pingmon_gui.provision.sudo import SudoProblem, problem_of

#: A host may hang up while a person thinks; after so many times it is the host's fault.
_MOST_DROPS = 3
_GRACE_S = 2.0
#: Lines of a command's output in the transcript; all of them are in the answer.
_MOST_LINES = 20
_MOST_LETTERS = 300

_FINGERPRINT = re.compile(r"[A-Za-z0-9+/]{43}")

T = TypeVar("T")


class _KeyUnseen(Exception):
    """A host shows a key that nothing is known of."""

    def __init__(self, hop: SshTarget, key: paramiko.PKey) -> None:
        super().__init__(hop.name)
        self.hop = hop
        self.key = key


class _NotThatKey(Exception):
    """The host shows another key than the one that was named; it may have more of other types."""

    def __init__(self, key: paramiko.PKey) -> None:
        super().__init__()
        self.key = key


async def connect(
    target: SshTarget,
    prompter: Prompter,
    known_hosts: KnownHosts,
    *,
    listener: Listener = lambda _event: None,
    expected_host_key: str | None = None,
    sudo_password: str | None = None,
    private_key: str | None = None,
) -> SshHost:
    """Connect and log in, through the jump hosts if there are any. Close what is returned.

    A host key never seen is shown to the person, and pinned on yes; the connection is made anew afterwards, because
    sshd does not wait. `expected_host_key` (`SHA256:...`) stands for that yes, also where another key was known.
    `private_key` (OpenSSH text) is the only proof tried, if given. `sudo_password` spares the question for it.

    Raises SshUnreachable, HostKeyUnknown, HostKeyChanged, AuthFailed, UserCancelled. Cancelling is safe at any time.
    """
    attempt = _Connecting(target, prompter, known_hosts, listener, expected_host_key)
    only = None
    if private_key is not None:
        try:
            only = from_text(private_key)
        except KeyUnusable as exc:
            raise AuthFailed(f"The private key {exc}.", "Make a new one.", host=target.name) from exc
    link = await attempt.run(only)
    host = SshHost(link, prompter, listener, sudo_password)
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
    return await _Connecting(target, _Nobody(), known_hosts, listener, None).run(from_text(private_key))


class _Nobody:
    """Stands for a person where nobody may be asked."""

    async def confirm_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        return False

    async def secret(self, host: str, kind: SecretKind, question: str) -> str:
        raise AuthFailed(f"{host} asks for a secret, and nobody can be asked.", "Set the probe up again.", host=host)

    async def confirm(self, host: str, question: str, detail: str) -> bool:
        return False


class _Connecting:
    """The rounds it takes until a host's key is trusted and its login passed."""

    def __init__(
        self,
        target: SshTarget,
        prompter: Prompter,
        known_hosts: KnownHosts,
        listener: Listener,
        expected: str | None,
    ) -> None:
        self._target = target
        self._prompter = prompter
        self._known_hosts = known_hosts
        self._listener = listener
        self._expected = _as_fingerprint(expected, target) if expected is not None else None
        self._memory = Memory()
        self._shown: list[paramiko.PKey] = []

    def _tell(self, text: str) -> None:
        self._listener(TranscriptLine(self._target.name, text))

    async def run(self, only: paramiko.PKey | None) -> SshLink:
        drops = 0
        while True:
            link = SshLink(self._target)
            try:
                for hop in (*self._target.jumps, self._target):
                    await self._pass(link, hop, only)
            except _KeyUnseen as exc:
                await link.close()
                await self._confirm(exc.hop, exc.key)
            except _NotThatKey as exc:
                await link.close()
                self._shown.append(exc.key)
            except DroppedWhileAsked:
                await link.close()
                drops += 1
                if drops >= _MOST_DROPS:
                    raise SshUnreachable(
                        f"{self._target.name} hangs up before a question can be answered.",
                        "Load the key into your agent beforehand (ssh-add), or raise LoginGraceTime there.",
                        host=self._target.name,
                    ) from None
            except BaseException:
                await link.close()
                raise
            else:
                return link

    async def _pass(self, link: SshLink, hop: SshTarget, only: paramiko.PKey | None) -> None:
        """Connect to one hop of the chain, judge its key, log in there."""
        is_last = hop is self._target
        place = f"{hop.address}, port {hop.port}"
        self._tell(
            f"Connecting to {hop.name} ({place})"
            + (f" through {link.target.proxy_jump}" if is_last and hop.jumps else "")
        )
        without = [key.get_name() for key in self._shown] if is_last else []

        def reach() -> LinkTransport:
            known = [entry.type for entry in self._known_hosts.look_up(hop) if not entry.is_revoked]
            return link.reach(hop, ordered_key_types(known, without))

        try:
            transport = await link.call(reach)
        except SshUnreachable:
            if without:
                raise self._unexpected() from None
            raise
        key = transport.get_remote_server_key()
        self._tell(f"Host key of {hop.name}: {key.get_name()} {fingerprint(key)}")
        await link.call(lambda: self._judge(hop, key, self._expected if is_last else None))
        await Login(link, hop, transport, self._prompter, self._memory, self._tell).run(only if is_last else None)
        self._tell(f"Logged in as {hop.user}.")

    def _judge(self, hop: SshTarget, key: paramiko.PKey, expected: str | None) -> None:
        """Return where the key is trusted; pin it where it was named. Reads files, and may write one."""
        shown = fingerprint(key)
        trust = self._known_hosts.judge(hop, key)
        if trust is Trust.REVOKED:
            raise HostKeyChanged(
                f"The key of {hop.name} ({shown}) is marked as revoked in known_hosts: somebody else may have it.",
                "Do not go on. Ask who runs the host for its new key.",
                host=hop.name,
            )
        if expected is not None:
            if shown != expected:
                raise _NotThatKey(key)
            if trust is not Trust.KNOWN:
                self._known_hosts.pin(hop, key)
            return
        if trust is Trust.CHANGED:
            raise self._changed(hop, key)
        if trust is Trust.UNKNOWN:
            raise _KeyUnseen(hop, key)

    def _changed(self, hop: SshTarget, key: paramiko.PKey) -> HostKeyChanged:
        known = next(entry for entry in self._known_hosts.look_up(hop) if not entry.is_revoked)
        return HostKeyChanged(
            f"The key of {hop.name} has changed: it shows {fingerprint(key)}, and {fingerprint(known.blob)} "
            f"is known ({known.path}, line {known.line}). Somebody may stand in between.",
            f"Only if you know why, for example after the host was set up anew: "
            f"ssh-keygen -R '{hop.known_host_name}' -f '{known.path}'. Or confirm the new key with --host-key.",
            host=hop.name,
        )

    def _unexpected(self) -> HostKeyChanged:
        shown = " and ".join(f"{fingerprint(key)} ({key.get_name()})" for key in self._shown)
        return HostKeyChanged(
            f"{self._target.name} has not the key that was named: it shows {shown}, not {self._expected}.",
            "Compare with the fingerprint on the host itself: ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub",
            host=self._target.name,
        )

    async def _confirm(self, hop: SshTarget, key: paramiko.PKey) -> None:
        shown = fingerprint(key)
        if not await self._prompter.confirm_host_key(hop.name, key.get_name(), shown):
            raise HostKeyUnknown(
                f"The key of {hop.name} ({shown}) is not known, and nobody confirmed it.",
                f"Compare it with the host's own, then confirm it, or pass it on: --host-key {shown}",
                host=hop.name,
            )
        await asyncio.to_thread(self._known_hosts.pin, hop, key)
        self._tell(f"The key of {hop.name} is trusted from now on.")


class SshHost:
    """A host one is logged in to. Implements `Host`; commands wait for one another, so MaxSessions 1 is enough.

    Attributes:
        is_root: whether the login itself is root's.
        sudo_problem: why sudo cannot be used, a sentence; "" as long as nothing stands against it.
    """

    def __init__(self, link: SshLink, prompter: Prompter, listener: Listener, sudo_password: str | None) -> None:
        self._link = link
        self._prompter = prompter
        self._listener = listener
        self._turn = asyncio.Lock()
        self._sudo_password = sudo_password
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

    async def open_port(self, port: int) -> paramiko.Channel:
        """Return a channel to a port of the host's own loopback. Blocking to use; close it. Raises SshUnreachable."""

        def open_channel() -> paramiko.Channel:
            return self.transport.open_channel("direct-tcpip", ("127.0.0.1", port), ("127.0.0.1", 0), timeout=CHANNEL_S)

        try:
            async with self._turn:
                return await self._call(open_channel, 2 * CHANNEL_S, f"open port {port}")
        except ChannelException as exc:
            if exc.code == paramiko.common.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED:
                raise SshUnreachable(
                    f"{self.name} forbids to forward port {port}.",
                    "Its sshd_config says so: AllowTcpForwarding, DisableForwarding or PermitOpen.",
                    host=self.name,
                ) from exc
            raise SshUnreachable(
                f"Nothing answers on port {port} of {self.name} itself.", "See whether the probe runs.", host=self.name
            ) from exc
        except (SSHException, EOFError, OSError) as exc:
            raise self._lost() from exc

    async def close(self) -> None:
        await self._link.close()

    # sudo

    async def _run_by_sudo(self, argv: Sequence[str], stdin: bytes, deadline_s: float) -> ssh_command.Outcome:
        """Run by sudo; asks for its password the first time it wants one. Raises AuthFailed, UserCancelled."""
        refusals = 0
        while True:
            outcome = await self._run_once(
                argv, stdin=stdin, deadline_s=deadline_s, as_sudo=True, password=self._sudo_password
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
                    self._sudo_password = None
                    raise AuthFailed(
                        f"sudo on {self.name} refused the password {TRIES} times.",
                        "It is the password of your login there, not root's. Nothing was changed.",
                        host=self.name,
                    )
                question = f"sudo on {self.name} refused that password: what is it?"
            else:
                raise self._no_sudo(problem, complaint)
            try:
                self._sudo_password = await self._prompter.secret(self.name, SecretKind.SUDO, question)
            except ProvisionError as exc:
                self.sudo_problem = f"sudo on {self.name} asks for a password, and nobody could be asked."
                raise AuthFailed(
                    self.sudo_problem,
                    "Run it in a terminal, or allow this user sudo without a password.",
                    host=self.name,
                ) from exc
            if not self._sudo_password:
                self._sudo_password = None
                raise self._no_sudo(SudoProblem.NEEDS_PASSWORD, complaint)

    def _no_sudo(self, problem: SudoProblem, complaint: str) -> AuthFailed:
        user, name = self.target.user, self.name
        sentence, hint = {
            SudoProblem.MISSING: (f"There is no sudo on {name}.", "Log in as root, or go on without."),
            SudoProblem.NOT_ALLOWED: (
                f"The user {user} may not use sudo on {name}.",
                f"Let an administrator allow it (usermod -aG sudo {user}), or log in as another user.",
            ),
            SudoProblem.NEEDS_TERMINAL: (
                f"sudo on {name} runs on a terminal only (requiretty).",
                f"Let an administrator set: Defaults:{user} !requiretty",
            ),
            SudoProblem.LOCKED: (
                f"The account or password of {user} on {name} has expired.",
                "Log in there by ssh and set a new password.",
            ),
            SudoProblem.NEEDS_PASSWORD: (
                f"sudo on {name} asks for a password, and none was given.",
                "Type the password of your login there, or log in as root.",
            ),
        }.get(
            problem,
            (
                f'sudo on {name} does not work: it says "{_last_line(complaint) or "nothing"}".',
                "Try there: sudo -v",
            ),
        )
        self.sudo_problem = sentence
        return AuthFailed(sentence, hint, host=name)

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
        said = _last_line((outcome.out + b"\n" + outcome.err).decode("utf-8", "replace"))
        return AuthFailed(
            f"{self.name} lets the user {self.target.user} in, but runs no commands"
            + (f': it says "{said}".' if said else f" (exit code {outcome.code})."),
            "The user needs a login shell of the usual kind (sh, bash, dash, zsh, fish).",
            host=self.name,
        )

    # The transcript

    def _tell(self, text: str) -> None:
        self._listener(TranscriptLine(self.name, _harmless(text)))

    def _tell_lines(self, text: str) -> None:
        # Lines that our own programs mark are data, and may be secret: a token that is put back, a crontab.
        lines = [line for line in text.splitlines() if not line.startswith(DATA_MARK)]
        for line in lines[:_MOST_LINES]:
            self._tell(f"  {line}")
        if len(lines) > _MOST_LINES:
            self._tell(f"  ({len(lines) - _MOST_LINES} more lines)")


def _as_fingerprint(text: str, target: SshTarget) -> str:
    """Return a fingerprint that was typed as ssh shows it. Raises ProvisionError where it can be none."""
    letters = text.strip().removeprefix("SHA256:").rstrip("=")
    if not _FINGERPRINT.fullmatch(letters):
        raise ProvisionError(
            f'"{_harmless(text.strip())}" is no fingerprint of a host key.',
            "It looks like SHA256: and 43 letters. On the host itself: "
            "ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub",
            host=target.name,
        )
    return f"SHA256:{letters}"


def _size(stdin: bytes) -> str:
    return f" < {len(stdin)} bytes" if stdin else ""


def _harmless(text: str) -> str:
    """Return a line that no terminal takes for a command, cut short."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text[: _MOST_LETTERS + 1])
    return shown if len(shown) <= _MOST_LETTERS else shown[:_MOST_LETTERS] + "…"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return _harmless(lines[-1]) if lines else ""
