"""The rounds it takes until a host's key is trusted and its login passed, through all jump hosts.

Whoever is asked may take their time: sshd does not wait, so the connection is made anew after each question.
"""

from __future__ import annotations

import asyncio

import paramiko

from pingmon_gui.domain.error import AuthFailed, HostKeyChanged, HostKeyUnknown, ProvisionError, SshUnreachable
from pingmon_gui.provision.enrolment import read_fingerprint
from pingmon_gui.provision.known_host import KnownHosts, Trust, fingerprint
from pingmon_gui.provision.progress import Listener, TranscriptLine, harmless
from pingmon_gui.provision.prompt import Prompter, SecretKind
from pingmon_gui.provision.ssh_config import SshTarget
from pingmon_gui.provision.ssh_link import LinkTransport, SshLink, ordered_key_types
from pingmon_gui.provision.ssh_login import DroppedWhileAsked, Login, Memory

#: A host may hang up while a person thinks; after so many times it is the host's fault.
_MOST_DROPS = 3
#: What tells a host's fingerprint there.
_ON_THE_HOST = "ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub"


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


class Nobody:
    """Stands for a person where nobody may be asked."""

    async def confirm_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        return False

    async def secret(self, host: str, kind: SecretKind, question: str) -> str:
        raise AuthFailed(
            f"{host} asks for a secret, and the app connects by itself here.",
            "Load the key for it into your agent (ssh-add), or use one without a passphrase.",
            host=host,
        )

    async def confirm(self, host: str, question: str, detail: str) -> bool:
        return False


class Reach:
    """The way to one target; `run` goes it."""

    def __init__(
        self,
        target: SshTarget,
        prompter: Prompter,
        known_hosts: KnownHosts,
        listener: Listener,
        expected: str | None,
        memory: Memory,
    ) -> None:
        self._target = target
        self._prompter = prompter
        self._known_hosts = known_hosts
        self._listener = listener
        self._expected = _as_fingerprint(expected, target) if expected is not None else None
        self._memory = memory
        self._shown: list[paramiko.PKey] = []

    def _tell(self, text: str) -> None:
        self._listener(TranscriptLine(self._target.name, harmless(text)))

    async def run(self, only: paramiko.PKey | None = None) -> SshLink:
        """Return the link, logged in at the end of the chain; with `only`, there by that key and nothing else."""
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
            f"ssh-keygen -R '{hop.known_host_name}' -f '{known.path}'. Or name the fingerprint of the new key when the "
            "probe is set up.",
            host=hop.name,
        )

    def _unexpected(self) -> HostKeyChanged:
        shown = " and ".join(f"{fingerprint(key)} ({key.get_name()})" for key in self._shown)
        return HostKeyChanged(
            f"{self._target.name} has not the key that was named: it shows {shown}, not {self._expected}.",
            f"Compare with the fingerprint on the host itself: {_ON_THE_HOST}",
            host=self._target.name,
        )

    async def _confirm(self, hop: SshTarget, key: paramiko.PKey) -> None:
        shown = fingerprint(key)
        if not await self._prompter.confirm_host_key(hop.name, key.get_name(), shown):
            raise HostKeyUnknown(
                f"The key of {hop.name} ({shown}) is not known, and nobody confirmed it.",
                f"Compare it with what the host says on its console, then try again: {_ON_THE_HOST}",
                host=hop.name,
            )
        await asyncio.to_thread(self._known_hosts.pin, hop, key)
        self._tell(f"The key of {hop.name} is trusted from now on.")


def _as_fingerprint(text: str, target: SshTarget) -> str:
    """Return a fingerprint that was typed as ssh shows it. Raises ProvisionError where it can be none."""
    fingerprint = read_fingerprint(text)
    if fingerprint is None:
        raise ProvisionError(
            f'"{harmless(text.strip())}" is no fingerprint of a host key.',
            f"It looks like SHA256: and 43 letters. On the host itself: {_ON_THE_HOST}",
            host=target.name,
        )
    return fingerprint
