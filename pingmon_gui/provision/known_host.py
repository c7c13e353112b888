"""Whose host key is known: the app's own known_hosts, and the person's, which is only read.

The format is OpenSSH's (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): hashed names, `[host]:port`, patterns, `@revoked`.
Blocking, but only by small files; safe to use from several threads.
"""

from __future__ import annotations

import base64
import binascii
import fnmatch
import hashlib
import hmac
import os
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import paramiko

from pingmon_gui.domain.error import ProvisionError
from pingmon_gui.provision.ssh_config import SSH_PORT, SshTarget

#: Host key types this app can check, the best first.
KEY_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
)


class Trust(StrEnum):
    """What the known_hosts files say of a key that a host shows."""

    KNOWN = "known"
    UNKNOWN = "unknown"  # nothing is known of this host
    CHANGED = "changed"  # other keys are known
    REVOKED = "revoked"  # somebody marked this very key as stolen


@dataclass(frozen=True)
class KnownKey:
    """A line of a known_hosts file: a key of a host. `line` counts from 1."""

    type: str
    blob: bytes
    path: Path
    line: int
    is_revoked: bool = False


def fingerprint(key: paramiko.PKey | bytes) -> str:
    """Return a key's fingerprint as ssh shows it: `SHA256:` and 43 letters. `key` is a key or its wire form."""
    blob = key if isinstance(key, bytes) else key.asbytes()
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii").rstrip("=")


def written(key: paramiko.PKey) -> str:
    """Return a key as it stands in known_hosts: type, blank, base64."""
    return f"{key.get_name()} {key.get_base64()}"


class KnownHosts:
    """All known host keys. What the person confirms is written into the app's own file, never into theirs."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "known_hosts"
        self._lock = threading.Lock()

    def look_up(self, target: SshTarget) -> tuple[KnownKey, ...]:
        """Return what is known of a host, the app's own keys first; empty where it was never seen.

        As in ssh, a host on another port than 22 is looked for by its name alone where the name with the port is not
        found. Files that are not there or cannot be read know nothing.
        """
        found = self._search(target.known_host_name, target)
        if not any(not key.is_revoked for key in found) and target.port != SSH_PORT and target.host_key_alias is None:
            found += self._search(target.address.lower(), target)
        return tuple(found)

    def judge(self, target: SshTarget, key: paramiko.PKey) -> Trust:
        """Return what the files say of the key that `target` shows.

        Where keys of other types only are known, the key counts as changed: whoever stands between could show a type
        that was never seen. (ssh asks in that case.)
        """
        name, blob = key.get_name(), key.asbytes()
        found = self._search(target.known_host_name, target)
        if any(entry.is_revoked and entry.blob == blob for entry in self.look_up(target)):
            return Trust.REVOKED
        exact = [entry for entry in found if not entry.is_revoked and entry.type in KEY_TYPES]
        if any(entry.type == name and entry.blob == blob for entry in exact):
            return Trust.KNOWN
        if exact:
            return Trust.CHANGED
        # A key under the name without the port proves the host, but another one there proves nothing.
        if any(entry.blob == blob and not entry.is_revoked for entry in self.look_up(target)):
            return Trust.KNOWN
        return Trust.UNKNOWN

    def pin(self, target: SshTarget, key: paramiko.PKey) -> None:
        """Trust this key of a host from now on, and no other the app's own file had. Raises ProvisionError."""
        name = target.known_host_name
        with self._lock:
            self._write([*self._others(name), f"{_hashed(name, os.urandom(20))} {written(key)}"], target)

    def forget(self, target: SshTarget) -> None:
        """Drop what the app's own file knows of a host. Raises ProvisionError where it cannot be written."""
        with self._lock:
            kept = self._others(target.known_host_name)
            if len(kept) < len(_lines(self.path)):
                self._write(kept, target)

    def _others(self, name: str) -> list[str]:
        """Return the lines of the app's own file that trust no key of this host."""
        trusting = {entry.line for entry in _entries(self.path, name) if not entry.is_revoked}
        return [text for number, text in enumerate(_lines(self.path), 1) if number not in trusting]

    def _search(self, name: str, target: SshTarget) -> list[KnownKey]:
        return [entry for path in (self.path, *target.known_hosts_files) for entry in _entries(path, name)]

    def _write(self, lines: list[str], target: SshTarget) -> None:
        """Replace the file in one go, so that nobody ever reads half of it."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=".known_hosts-")
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self.path)
        except OSError as exc:
            raise ProvisionError(
                f"The host key cannot be kept in {self.path}: {exc.strerror}.",
                "Make room, or make the folder writable.",
                host=target.name,
            ) from exc


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _entries(path: Path, name: str) -> Iterator[KnownKey]:
    """Yield the keys of one host in one file. Lines that make no sense are passed over, as ssh does."""
    for number, text in enumerate(_lines(path), 1):
        fields = text.split()
        if not fields or fields[0].startswith("#"):
            continue
        marker = fields.pop(0) if fields[0].startswith("@") else ""
        # @cert-authority vouches for certificates of hosts, which paramiko cannot check.
        if len(fields) < 3 or marker not in ("", "@revoked") or not _matches(fields[0], name):
            continue
        try:
            blob = base64.b64decode(fields[2], validate=True)
        except binascii.Error:
            continue
        yield KnownKey(fields[1], blob, path, number, marker == "@revoked")


def _matches(names: str, name: str) -> bool:
    if names.startswith("|1|"):
        salt = names.split("|")[2]
        try:
            return hmac.compare_digest(names, _hashed(name, base64.b64decode(salt, validate=True)))
        except (binascii.Error, TypeError):
            return False
    is_match = False
    for pattern in names.lower().split(","):
        # In these patterns only * and ? mean something; brackets stand around an address with a port.
        literal = pattern.removeprefix("!").replace("[", "[[]")
        if fnmatch.fnmatchcase(name, literal):
            if pattern.startswith("!"):
                return False
            is_match = True
    return is_match


def _hashed(name: str, salt: bytes) -> str:
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode('ascii')}|{base64.b64encode(digest).decode('ascii')}"
