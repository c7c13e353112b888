"""Stand-ins for the person in front of the terminal or the window."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from pingmon_gui.domain.error import AuthFailed, HostKeyUnknown, UserCancelled
from pingmon_gui.provision.progress import StepProgress, TranscriptLine
from pingmon_gui.provision.prompt import SecretKind


@dataclass
class Person:
    """Answers in order, and keeps what was asked; with no answer left the person presses cancel.

    `trusts` is the answer to unknown host keys. `thinks` is waited for before each secret.
    """

    answers: list[str] = field(default_factory=list)
    trusts: bool = False
    questions: list[tuple[SecretKind, str]] = field(default_factory=list)
    keys_shown: list[tuple[str, str, str]] = field(default_factory=list)
    thinks: asyncio.Event | None = None
    is_thinking: asyncio.Event | None = None

    async def confirm_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        self.keys_shown.append((host, key_type, fingerprint))
        return self.trusts

    async def secret(self, host: str, kind: SecretKind, question: str) -> str:
        assert host
        self.questions.append((kind, question))
        if self.is_thinking is not None:
            self.is_thinking.set()
        if self.thinks is not None:
            await self.thinks.wait()
        if not self.answers:
            raise UserCancelled
        return self.answers.pop(0)

    async def confirm(self, host: str, question: str, detail: str) -> bool:
        raise AssertionError("nothing here asks for agreement")

    @property
    def asked(self) -> list[SecretKind]:
        return [kind for kind, _question in self.questions]


class NobodyThere:
    """A prompter without a terminal."""

    async def confirm_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        raise HostKeyUnknown(f"The key of {host} is unknown.", f"Use --host-key {fingerprint}.", host=host)

    async def secret(self, host: str, kind: SecretKind, question: str) -> str:
        raise AuthFailed(f"{question} Nobody can be asked.", "Run it in a terminal.", host=host)

    async def confirm(self, host: str, question: str, detail: str) -> bool:
        raise AssertionError("nothing here asks for agreement")


class Transcript(list[str]):
    """A listener that keeps the lines."""

    def __call__(self, event: StepProgress | TranscriptLine) -> None:
        assert isinstance(event, TranscriptLine)
        self.append(event.text)
