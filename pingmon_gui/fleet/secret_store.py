"""Where secrets of probes and channels are kept: the system's keyring where there is one, else files only you can read.

Blocking, but for what is awaited: call it in a thread. Nothing here ever writes a secret to the log, the database or
the environment.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pingmon_gui.domain.alert_channel import ChannelId, ChannelSecret
from pingmon_gui.domain.error import ChannelError, InvalidInput, ProbeUnauthorised
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.fleet.secret import Token

_log = logging.getLogger(__name__)

SERVICE = "pingmon"
#: `off` keeps everything in files: for machines whose keyring asks a person who is not there.
KEYRING_VARIABLE = "PINGMON_KEYRING"
#: A keyring that is locked waits for a person; a headless one for nobody.
KEYRING_S = 2.0

T = TypeVar("T")


@dataclass(frozen=True, repr=False)
class ProbeSecrets:
    """What opens one probe: its bearer token and, for a tunnel, our private key (OpenSSH ed25519, no passphrase)."""

    token: Token
    private_key: str | None = None

    def __repr__(self) -> str:
        return "ProbeSecrets(hidden)"

    def encode(self) -> str:
        """Return the text to keep, for the keyring or the file."""
        return json.dumps({"token": self.token.reveal(), "private_key": self.private_key})

    @classmethod
    def decode(cls, text: str) -> ProbeSecrets:
        """Read what `encode` wrote. Raises ValueError."""
        document = json.loads(text)
        if not isinstance(document, dict) or not isinstance(document.get("token"), str):
            raise ValueError("not the secrets of a probe")
        key = document.get("private_key")
        if key is not None and not isinstance(key, str):
            raise ValueError("not a private key")
        return cls(Token(document["token"]), key)


class SecretTexts:
    """Secret texts of one data folder by name, as `probe 7`: in the keyring, else in a file of that name."""

    def __init__(self, data_dir: Path, *, is_keyring_wanted: bool | None = None) -> None:
        """`is_keyring_wanted` None: as the environment says."""
        self._folder = data_dir / "secrets"
        if is_keyring_wanted is None:
            is_keyring_wanted = os.environ.get(KEYRING_VARIABLE, "").lower() != "off"
        self._is_keyring_wanted = is_keyring_wanted

    def load(self, name: str) -> str | None:
        """Return a secret, None where there is none or the keyring is locked. Raises OSError, UnicodeDecodeError."""
        try:
            return self._path(name).read_text("ascii")
        except FileNotFoundError:
            keyring = self._keyring()
            return None if keyring is None else _within(lambda: keyring.get_password(SERVICE, name))

    def save(self, name: str, text: str) -> None:
        """Keep a secret in ASCII, in place of any of that name. Raises OSError where not even a file can be written."""
        keyring = self._keyring()
        if keyring is not None:

            def keep() -> bool:
                keyring.set_password(SERVICE, name, text)
                return bool(keyring.get_password(SERVICE, name) == text)

            if _within(keep):
                self._path(name).unlink(missing_ok=True)
                return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = self._path(name).with_suffix(".partial")
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self._path(name))

    def forget(self, name: str) -> None:
        """Delete a secret. Harmless if there is none."""
        with contextlib.suppress(OSError):
            self._path(name).unlink(missing_ok=True)
        keyring = self._keyring()
        if keyring is not None:
            _within(lambda: keyring.delete_password(SERVICE, name))

    def _path(self, name: str) -> Path:
        return self._folder / f"{name.replace(' ', '-')}.json"

    def _keyring(self) -> Any | None:
        """Return the system's keyring, None where there is none that really keeps something."""
        if not self._is_keyring_wanted:
            return None
        return _within(_usable_keyring)


class SecretStore:
    """The secrets of all probes of one data folder."""

    def __init__(self, data_dir: Path, *, is_keyring_wanted: bool | None = None) -> None:
        self._texts = SecretTexts(data_dir, is_keyring_wanted=is_keyring_wanted)

    def load(self, probe: ProbeId) -> ProbeSecrets:
        """Return a probe's secrets. Raises ProbeUnauthorised with what to do where they are gone or locked away."""
        try:
            text = self._texts.load(_name(probe))
        except (OSError, UnicodeDecodeError) as exc:
            raise _unreadable() from exc
        if text is None:
            raise ProbeUnauthorised(
                "The key of this probe is not on this computer, or the system's keyring is locked.",
                "Unlock the keyring, or set the probe up again: it is taken over with all it has measured.",
            )
        try:
            return ProbeSecrets.decode(text)
        except ValueError as exc:
            raise _unreadable() from exc

    def save(self, probe: ProbeId, secrets: ProbeSecrets) -> None:
        """Keep a probe's secrets, in place of any it had. Raises OSError where not even a file can be written."""
        self._texts.save(_name(probe), secrets.encode())

    async def save_with(self, probe: ProbeId, secrets: ProbeSecrets, save: Callable[[], Awaitable[None]]) -> None:
        """Keep secrets together with what `save` saves; where that fails, those of before are there again."""
        before: ProbeSecrets | None = None
        with contextlib.suppress(ProbeUnauthorised):
            before = await asyncio.to_thread(self.load, probe)
        await asyncio.to_thread(self.save, probe, secrets)
        try:
            await save()
        except BaseException:
            if before is None:
                await asyncio.to_thread(self.forget, probe)
            else:
                await asyncio.to_thread(self.save, probe, before)
            raise

    def forget(self, probe: ProbeId) -> None:
        """Delete a probe's secrets. Harmless if there are none."""
        self._texts.forget(_name(probe))


class ChannelSecretStore:
    """What opens the alert channels of one data folder."""

    def __init__(self, data_dir: Path, *, is_keyring_wanted: bool | None = None) -> None:
        self._texts = SecretTexts(data_dir, is_keyring_wanted=is_keyring_wanted)

    def load(self, channel: ChannelId) -> ChannelSecret:
        """Return what opens a channel. Raises ChannelError with what to do where it is gone or locked away."""
        try:
            text = self._texts.load(f"channel {channel}")
            if text is not None:
                return ChannelSecret.from_json(json.loads(text))
        except (OSError, ValueError, InvalidInput) as exc:
            raise ChannelError("The address of this channel cannot be read.", "Enter it again.") from exc
        raise ChannelError(
            "The address of this channel is not on this computer, or the system's keyring is locked.",
            "Unlock the keyring, or enter the address again.",
        )

    def save(self, channel: ChannelId, secret: ChannelSecret) -> None:
        """Keep what opens a channel. Raises OSError where not even a file can be written."""
        self._texts.save(f"channel {channel}", json.dumps(secret.to_json()))

    def forget(self, channel: ChannelId) -> None:
        """Delete it. Harmless if there is none."""
        self._texts.forget(f"channel {channel}")


def _usable_keyring() -> Any | None:
    # Imported when needed: its backends look for D-Bus services.
    import keyring

    backend = keyring.get_keyring()
    # The library's stand-ins for "nothing here" have priorities of at most 0. https://pypi.org/project/keyring/
    return backend if backend.priority >= 1 else None


def _within(work: Callable[[], T]) -> T | None:
    """Return what `work` returns; None if it fails or takes longer than a keyring that is open ever does."""
    answer: list[T] = []

    def run() -> None:
        try:
            answer.append(work())
        except Exception as exc:
            # An edge: backends raise errors of a dozen libraries. The file is there for all of them.
            _log.info("the system's keyring cannot be used: %s", type(exc).__name__)

    thread = threading.Thread(target=run, name="keyring", daemon=True)
    thread.start()
    thread.join(KEYRING_S)
    return answer[0] if answer else None


def _name(probe: ProbeId) -> str:
    return f"probe {probe}"


def _unreadable() -> ProbeUnauthorised:
    return ProbeUnauthorised("The key of this probe cannot be read.", "Set the probe up again.")
