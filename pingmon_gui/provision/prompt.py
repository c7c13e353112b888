"""Questions to the person in front of the terminal or the window, while a host is set up."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class SecretKind(StrEnum):
    """What a secret is for; the window words its question by it."""

    PASSPHRASE = "passphrase"  # of a private key
    PASSWORD = "password"  # of the login
    ANSWER = "answer"  # to a question of the host itself (keyboard-interactive)
    SUDO = "sudo"  # sudo's password


class Prompter(Protocol):
    """Implemented by the terminal and by the window. Answers are kept in memory for one run, never stored.

    Where nobody can be asked, every method raises the ProvisionError that fits, with what to do instead.
    """

    async def confirm_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        """Return whether the person trusts this key (`fingerprint` is `SHA256:...`) of a host never seen before."""
        ...

    async def secret(self, host: str, kind: SecretKind, question: str) -> str:
        """Return a secret. `question` is a sentence that names the key, user or host. Raises UserCancelled."""
        ...

    async def confirm(self, host: str, question: str, detail: str) -> bool:
        """Return whether the person agrees to what `question` (a sentence) asks; `detail` says what it means."""
        ...
