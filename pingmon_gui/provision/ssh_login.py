"""Logging in: the agent's keys, key files, password, the host's own questions; what is asked, and what is told.

A person is asked for a passphrase only where the host would take that key, and never twice for the same thing in one
run. Nothing is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import paramiko
from paramiko.ssh_exception import AuthenticationException, BadAuthenticationType, SSHException

from pingmon_gui.domain.error import AuthFailed, ProvisionError, SshUnreachable
from pingmon_gui.provision.key_question import KeyQuestion
from pingmon_gui.provision.private_key import (
    AGENT_S,
    Agent,
    HeldKey,
    KeyFile,
    KeyUnusable,
    PassphraseNeeded,
    decrypt,
    read_key_file,
)
from pingmon_gui.provision.prompt import Prompter, SecretKind
from pingmon_gui.provision.ssh_config import SshTarget
from pingmon_gui.provision.ssh_link import LOGIN_S, LinkTransport, SshLink

#: As often as ssh asks (NumberOfPasswordPrompts).
TRIES = 3
#: sshd waits two minutes by default (LoginGraceTime); a person may have a slower host.
_QUESTIONS_S = 600.0
_MOST_FACTORS = 5
_MOST_LETTERS = 500

T = TypeVar("T")


class DroppedWhileAsked(Exception):
    """The host hung up while a person was asked: connect anew, the answer is remembered."""


@dataclass
class Memory:
    """What a person gave in this run, for all its connections. It lives as long as the run.

    `passwords` and `sudo_passwords` are by the name of the host.
    """

    keys: dict[Path, paramiko.PKey] = field(default_factory=dict, repr=False)
    passwords: dict[str, str] = field(default_factory=dict, repr=False)
    sudo_passwords: dict[str, str] = field(default_factory=dict, repr=False)


class _Candidate(NamedTuple):
    """A key to try: the agent's, or a file's."""

    label: str
    key: paramiko.PKey | None
    file: KeyFile | None


class Login:
    """One login over an open connection; `run` does it all. `tell` gets lines for the transcript."""

    def __init__(
        self,
        link: SshLink,
        hop: SshTarget,
        transport: LinkTransport,
        prompter: Prompter,
        memory: Memory,
        tell: Callable[[str], None],
    ) -> None:
        self._link = link
        self._hop = hop
        self._transport = transport
        self._prompter = prompter
        self._memory = memory
        self._tell = tell
        self._allowed: Sequence[str] = ()
        self._refused: list[str] = []
        self._unusable: list[str] = []
        self._agent = Agent()
        link.wake_by(self._agent.cut)

    async def run(self, only: paramiko.PKey | None = None) -> None:
        """Log in; with `only`, by that key and nothing else.

        Raises AuthFailed with the one cause that matters, SshUnreachable where the connection broke off,
        UserCancelled, and DroppedWhileAsked.
        """
        try:
            await self._run(only)
        finally:
            self._agent.close()

    async def _run(self, only: paramiko.PKey | None) -> None:
        more = await self._attempt(lambda: self._transport.auth_none(self._hop.user))
        for line in self._banner():
            self._tell(line)
        allowed = self._allowed if more is None else more
        if more == []:
            self._tell(f"{self._hop.name} asks for no proof.")
            return
        if only is not None:
            keys = iter([_Candidate("of this app", only, None)])
        elif "publickey" in allowed:
            keys = iter(await self._link.call(self._candidates))
        else:
            keys = iter(())
        for _factor in range(_MOST_FACTORS):
            more = await self._by_key(keys) if "publickey" in allowed else None
            if more is None and only is None:
                more = await self._by_password(allowed)
            if more is None:
                raise self._no_way_in(allowed)
            if not more:
                return
            allowed = more
            self._tell(f"That is not enough for {self._hop.name}: it asks for {_listed(more)} as well.")
        raise self._no_way_in(allowed)

    async def _attempt(self, attempt: Callable[[], Sequence[str]], patience_s: float = LOGIN_S) -> list[str] | None:
        """Return the methods still to be passed, none of them once logged in; None where it was refused."""
        self._transport.auth_timeout = patience_s
        try:
            return list(await self._link.call(attempt))
        except BadAuthenticationType as exc:
            self._allowed = exc.allowed_types
            return None
        except (SSHException, EOFError, OSError) as exc:
            if isinstance(exc, AuthenticationException) and self._transport.is_active():
                if "timeout" in str(exc).lower():
                    raise SshUnreachable(
                        f"{self._hop.name} did not answer the login within {patience_s:g} s.",
                        "It may be overloaded: try again later.",
                        host=self._hop.name,
                    ) from exc
                return None
            raise self._hung_up() from exc

    # Keys

    def _candidates(self) -> list[_Candidate]:
        """Return the keys in the order of ssh, only that a key somebody named themselves comes first of all. Blocks."""
        files: list[KeyFile] = []
        for path in self._hop.identity_files:
            try:
                file = read_key_file(path)
            except KeyUnusable as exc:
                if path == self._hop.named_identity:
                    raise AuthFailed(
                        f"The key {path} {exc}.", "Name another private key.", host=self._hop.name
                    ) from exc
                self._unusable.append(f"the key {_home_less(path)} {exc}")
                continue
            if file is not None:
                files.append(file)
        self._agent.open(self._hop.identity_agent)
        held = self._agent.held_keys()
        by_blob = {key.asbytes(): key for key in held}

        def of_agent(key: HeldKey) -> _Candidate:
            comment = key.comment.strip()
            return _Candidate(f'"{_shown(comment)}" of the agent' if comment else "of the agent", key, None)

        named = [file for file in files if file.path == self._hop.named_identity]
        matched = [by_blob[file.public] for file in (*named, *files) if file.public in by_blob]
        ordered: list[_Candidate] = [of_agent(key) for key in matched if named and key.asbytes() == named[0].public]
        ordered += [_Candidate(file.label, None, file) for file in named if file.public not in by_blob]
        ordered += [of_agent(key) for key in matched]
        if not self._hop.is_identities_only:
            ordered += [of_agent(key) for key in held]
        ordered += [_Candidate(file.label, None, file) for file in files if file.public not in by_blob]
        unique: dict[bytes | Path, _Candidate] = {}
        for candidate in ordered:
            mark = candidate.file.path if candidate.file else candidate.key.asbytes() if candidate.key else b""
            unique.setdefault(mark, candidate)
        return list(unique.values())

    async def _by_key(self, keys: Iterator[_Candidate]) -> list[str] | None:
        """Try keys until one is taken; a later call goes on where this one ended."""
        for label, held, file in keys:
            key = held
            if file is not None:
                known = self._memory.keys.get(file.path)
                key = known or (None if file.is_encrypted else await self._link.call(lambda file=file: decrypt(file)))  # type: ignore[misc]
            public = (key.get_name(), key.asbytes()) if key is not None else _public(file)
            if public is not None and not self._is_spoken(public[0]):
                self._unusable.append(f"the host takes no keys such as {label}")
                continue
            # A key that has to be unlocked or confirmed is first asked about.
            if public is not None and (key is None or file is None) and not await self._is_taken(*public):
                self._refused.append(label)
                continue
            if key is None and file is not None:
                key = await self._unlock(file)
            if key is None:
                continue
            taken = key
            more = await self._attempt(
                lambda taken=taken: self._transport.auth_publickey(self._hop.user, taken),  # type: ignore[misc]
                LOGIN_S + AGENT_S if file is None else LOGIN_S,
            )
            if isinstance(key, HeldKey) and key.problem:
                self._unusable.append(f"the agent {key.problem} with the key {label.removesuffix(' of the agent')}")
                continue
            if more is not None:
                self._tell(f"{self._hop.name} takes the key {label}.")
                return more
            self._refused.append(label)
        return None

    async def _is_taken(self, key_type: str, blob: bytes) -> bool:
        def ask() -> list[str]:
            question = KeyQuestion(self._transport)
            self._transport.auth_handler = question
            return ["publickey"] if question.is_taken(self._hop.user, key_type, blob) else []

        return bool(await self._attempt(ask))

    def _is_spoken(self, key_type: str) -> bool:
        """Return whether server and app share a signature for this kind of key; paramiko would hang up otherwise."""
        if "rsa" not in key_type:
            return True
        spoken = self._transport.server_extensions.get("server-sig-algs", b"").decode("ascii", "replace")  # type: ignore[attr-defined]
        return not spoken or "rsa-sha2" in spoken

    async def _unlock(self, file: KeyFile) -> paramiko.PKey:
        question = f"The key {file.label} is encrypted: what is its passphrase?"
        for _try in range(TRIES):
            passphrase = await self._secret(SecretKind.PASSPHRASE, question)
            try:
                key = await self._link.call(lambda passphrase=passphrase: decrypt(file, passphrase))  # type: ignore[misc]
            except PassphraseNeeded:
                question = f"That passphrase does not open {file.label}: what is its passphrase?"
                continue
            except KeyUnusable as exc:
                raise AuthFailed(f"The key {file.label} {exc}.", "Use another key.", host=self._hop.name) from exc
            self._memory.keys[file.path] = key
            self._heed_drop()
            return key
        raise AuthFailed(
            f"None of {TRIES} passphrases opens the key {file.label}.",
            f"Try it with: ssh-keygen -y -f {file.label}. Or load the key into your agent: ssh-add {file.label}",
            host=self._hop.name,
        )

    # Passwords and questions

    async def _by_password(self, allowed: Sequence[str]) -> list[str] | None:
        """Ask for the password, or let the host ask; None where it offers neither, or asks nothing."""
        is_plain, is_dialog = "password" in allowed, "keyboard-interactive" in allowed
        name = self._hop.name
        for attempt in range(TRIES):
            if is_plain and (attempt == 0 or not is_dialog):
                password = self._memory.passwords.get(name)
                if password is None:
                    password = await self._ask_password(is_again=attempt > 0)
                    self._memory.passwords[name] = password
                    self._heed_drop()
                given = password
                more = await self._attempt(
                    lambda given=given: self._transport.auth_password(self._hop.user, given, fallback=False)  # type: ignore[misc]
                )
                # A password that was refused is not tried again.
                if more is None:
                    self._memory.passwords.pop(name, None)
            elif is_dialog:
                more, has_asked = await self._by_dialog(is_again=attempt > 0)
                if more is None and not has_asked:
                    if not is_plain or attempt:
                        return None
                    is_dialog = False
            else:
                return None
            if more is not None:
                self._tell(f"{name} takes the password." if is_plain else f"{name} takes the answers.")
                return more
        raise AuthFailed(
            f"{name} refused the password {TRIES} times.",
            "Check user name and password. The host may also forbid this user to log in with one "
            "(PermitRootLogin, AllowUsers).",
            host=name,
        )

    async def _by_dialog(self, is_again: bool) -> tuple[list[str] | None, bool]:
        """Let the host ask (keyboard-interactive). Returns what is left to do, and whether it asked anything."""
        loop = asyncio.get_running_loop()
        failed: list[BaseException] = []
        has_asked = False

        def answer(title: str, instructions: str, fields: Sequence[tuple[str, bool]]) -> list[str]:
            """Called on paramiko's thread, where an exception would only hang up: it goes on below, on the loop's."""
            nonlocal has_asked
            has_asked = has_asked or bool(fields)
            given: list[str] = []
            for text, _is_shown in fields:
                asked = None if failed else self._link.ask(ask(title, instructions, text), loop)
                if asked is not None and (problem := asked.exception()) is not None:
                    failed.append(problem)
                given.append("" if failed or asked is None else asked.result())
            return given

        async def ask(title: str, instructions: str, text: str) -> str:
            asked = _shown(text).rstrip(": ")
            if asked.lower() in ("password", f"password for {self._hop.name.lower()}", f"{self._hop.user}'s password"):
                return await self._ask_password(is_again)
            around = " ".join(part for part in (_shown(title), _shown(instructions)) if part)
            question = f"{self._hop.name} asks: {around + ' ' if around else ''}{asked or 'an answer'}"
            return await self._secret(SecretKind.ANSWER, question)

        try:
            more = await self._attempt(
                lambda: self._transport.auth_interactive(self._hop.user, answer), patience_s=_QUESTIONS_S
            )
        except SshUnreachable:
            if failed:
                raise failed[0] from None
            raise
        if failed:
            raise failed[0]
        return more, has_asked

    async def _ask_password(self, is_again: bool) -> str:
        question = f"What is the password of {self._hop.name}?"
        if is_again:
            question = f"{self._hop.name} refused that password: what is it?"
        elif self._refused:
            question += f" (It refused {self._refused_keys()}.)"
        try:
            return await self._secret(SecretKind.PASSWORD, question)
        except ProvisionError as exc:
            # Nobody can be asked; that the keys were refused is then what matters.
            if self._refused or self._unusable:
                raise self._no_way_in(("publickey",)) from exc
            raise

    async def _secret(self, kind: SecretKind, question: str) -> str:
        try:
            return await self._prompter.secret(self._hop.name, kind, question)
        except ProvisionError as exc:
            if not exc.host:
                exc.host = self._hop.name
            raise

    def _heed_drop(self) -> None:
        """Raise DroppedWhileAsked where the host did not wait for the answer."""
        if not self._transport.is_active():
            raise DroppedWhileAsked

    # What to tell

    def _banner(self) -> list[str]:
        text = self._transport.get_banner() or b""
        return [_shown(line) for line in text[:4096].decode("utf-8", "replace").splitlines() if line.strip()]

    def _refused_keys(self) -> str:
        return f"the key{'s' if len(self._refused) > 1 else ''} {_listed(self._refused)}"

    def _hung_up(self) -> ProvisionError:
        name, tried = self._hop.name, len(self._refused)
        goodbye = _shown(self._transport.goodbye)
        if "too many authentication failures" in goodbye.lower():
            return AuthFailed(
                f"{name} broke off after {tried + 1} attempts: it allows no more (MaxAuthTries).",
                "Name the one private key to use, or set IdentitiesOnly yes for this host.",
                host=name,
            )
        return SshUnreachable(
            f"{name} broke the connection off during the login" + (f': it says "{goodbye}".' if goodbye else "."),
            "Try again. If it stays so, look at the host's log of sshd.",
            host=name,
        )

    def _no_way_in(self, allowed: Sequence[str]) -> AuthFailed:
        name, user = self._hop.name, self._hop.user
        unusable = "".join(f" {text[0].upper()}{text[1:]}." for text in self._unusable)
        if self._refused:
            return AuthFailed(
                f"{name} refused {self._refused_keys()} for the user {user}.{unusable}",
                f"Check the user name, and that the key's public half stands in the host's authorized_keys of {user} "
                f"(ssh-copy-id).",
                host=name,
            )
        if "publickey" in allowed and unusable:
            return AuthFailed(
                f"{name} lets in with a key, and none could be used.{unusable}",
                "Name another private key, or load one into your agent with ssh-add.",
                host=name,
            )
        if "publickey" in allowed:
            return AuthFailed(
                f"{name} lets in with a key, and there is none to try: no agent with keys, no key file.",
                "Name your private key, or load it into your agent with ssh-add.",
                host=name,
            )
        return AuthFailed(
            f"{name} lets in only by {_listed(allowed) or 'no way at all'}, and Pingmon cannot do that.{unusable}",
            "Allow keys or passwords for this user in the host's sshd_config.",
            host=name,
        )


def _public(file: KeyFile | None) -> tuple[str, bytes] | None:
    if file is None or file.public is None:
        return None
    return paramiko.Message(file.public).get_text(), file.public


def _listed(items: Sequence[str]) -> str:
    """Return "a, b and c"."""
    return " and ".join(part for part in (", ".join(items[:-1]), *items[-1:]) if part)


def _home_less(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def _shown(text: Any) -> str:
    """Return what a host says, in one harmless line."""
    letters = "".join(letter if letter.isprintable() else " " for letter in str(text)[:_MOST_LETTERS])
    return " ".join(letters.split())
