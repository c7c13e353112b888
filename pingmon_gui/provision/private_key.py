"""Private keys in files, and those that an SSH agent holds. Blocking; keys and passphrases stay in memory."""

from __future__ import annotations

import base64
import binascii
import contextlib
import io
import os
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paramiko
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from paramiko.agent import AgentSSH, get_agent_connection
from paramiko.ssh_exception import SSHException

#: An agent may wait for a finger on a token or a yes in a window.
AGENT_S = 60.0
_OPENSSH_MAGIC = b"openssh-key-v1\0"
_MOST_BYTES = 64 * 1024


class KeyUnusable(Exception):
    """A key file that is of no use; the text goes on after "The key ~/.ssh/id_x "."""


class PassphraseNeeded(Exception):
    """The key is encrypted, and the passphrase is missing or (`is_wrong`) another one."""

    def __init__(self, is_wrong: bool) -> None:
        super().__init__("the passphrase is wrong" if is_wrong else "the key is encrypted")
        self.is_wrong = is_wrong


@dataclass(frozen=True)
class KeyFile:
    """A private key file, read but not yet decrypted. `public` is its public half in wire form, None if not known."""

    path: Path
    content: bytes = field(repr=False)
    is_encrypted: bool
    public: bytes | None

    @property
    def label(self) -> str:
        """The path as a person writes it."""
        home = str(Path.home())
        text = str(self.path)
        return "~" + text[len(home) :] if text.startswith(home + os.sep) else text


def read_key_file(path: Path) -> KeyFile | None:
    """Return the key file, None where there is none. Raises KeyUnusable."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        raise KeyUnusable(f"cannot be read: {exc.strerror}") from exc
    if content.startswith(b"PuTTY-User-Key-File"):
        raise KeyUnusable("is in PuTTY's form: export it in PuTTYgen as an OpenSSH key")
    if content.startswith((b"ssh-", b"ecdsa-", b"sk-")):
        raise KeyUnusable("is the public half: name the private key, the file without .pub")
    if b"PRIVATE KEY-----" not in content:
        raise KeyUnusable("is no private key")
    try:
        key = _decrypted(content, None)
    except PassphraseNeeded:
        return KeyFile(path, content, is_encrypted=True, public=_public_half(path, content))
    return KeyFile(path, content, is_encrypted=False, public=key.asbytes())


def decrypt(file: KeyFile, passphrase: str | None = None) -> paramiko.PKey:
    """Return the key, with its certificate where one lies beside it. Raises PassphraseNeeded, KeyUnusable."""
    key = _decrypted(file.content, passphrase)
    certificate = file.path.with_name(file.path.name + "-cert.pub")
    if certificate.exists():
        try:
            key.load_certificate(str(certificate))
        except (SSHException, ValueError, OSError):
            return key
    return key


def from_text(text: str) -> paramiko.PKey:
    """Return the key of an unencrypted private key's text. Raises KeyUnusable."""
    try:
        return _decrypted(text.encode(), None)
    except PassphraseNeeded as exc:
        raise KeyUnusable("is encrypted") from exc


def _decrypted(content: bytes, passphrase: str | None) -> paramiko.PKey:
    """Return the key of a file's content in OpenSSH's form, in PEM's old ones or in PKCS#8."""
    password = passphrase.encode() if passphrase is not None else None
    is_openssh = b"BEGIN OPENSSH" in content
    load = serialization.load_ssh_private_key if is_openssh else serialization.load_pem_private_key
    try:
        loaded = load(content, password)
    except UnsupportedAlgorithm as exc:
        raise KeyUnusable("is of a kind that Pingmon cannot use: keys on security tokens need an agent") from exc
    except TypeError as exc:
        # Both say so where an encrypted key is given no password; a password for a plain key is no mistake.
        if password is None:
            raise PassphraseNeeded(is_wrong=False) from exc
        return _decrypted(content, None)
    except (ValueError, InvalidTag, binascii.Error) as exc:
        if password is not None:
            raise PassphraseNeeded(is_wrong=True) from exc
        if not is_openssh and b"ENCRYPTED" in content:
            raise PassphraseNeeded(is_wrong=False) from exc
        raise KeyUnusable("is damaged, or no private key") from exc
    if not isinstance(loaded, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        raise KeyUnusable("is of a kind that servers no longer take: make an ed25519 key")
    # paramiko reads fewer forms than the library below it, but all kinds in this one.
    plain = loaded.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    kind: type[paramiko.PKey] = paramiko.RSAKey
    if isinstance(loaded, ec.EllipticCurvePrivateKey):
        kind = paramiko.ECDSAKey
    elif isinstance(loaded, ed25519.Ed25519PrivateKey):
        kind = paramiko.Ed25519Key
    try:
        return kind.from_private_key(io.StringIO(plain.decode()))
    except (SSHException, ValueError) as exc:
        raise KeyUnusable(f"cannot be used: {exc}") from exc


def _public_half(path: Path, content: bytes) -> bytes | None:
    """Return the public half of an encrypted key: OpenSSH's form holds it in the clear, else the .pub file may."""
    body = b"".join(line for line in content.splitlines() if not line.startswith(b"-----"))
    try:
        raw = base64.b64decode(body)
    except binascii.Error:
        raw = b""
    if raw.startswith(_OPENSSH_MAGIC):
        message = paramiko.Message(raw[len(_OPENSSH_MAGIC) :])
        for _field in ("cipher", "kdf", "kdf options"):
            message.get_binary()
        if message.get_int() == 1:
            return message.get_binary()
    try:
        fields = path.with_name(path.name + ".pub").read_text(encoding="ascii").split()
        return base64.b64decode(fields[1], validate=True)
    except (OSError, ValueError, IndexError):
        return None


class HeldKey(paramiko.AgentKey):
    """A key that the agent holds. An agent that will not sign is no reason to hang up, as paramiko does.

    `problem` goes on after "the agent "; it is set when a signature failed, and the server was sent a wrong one.
    """

    problem = ""

    def sign_ssh_data(self, data: Any, algorithm: str | None = None) -> Any:  # bytes, whatever the stubs say
        """Return the agent's signature. Called on paramiko's thread; may wait for a person's yes or touch."""
        try:
            return super().sign_ssh_data(data, algorithm)
        except TimeoutError:
            self.problem = f"did not sign within {AGENT_S:.0f} s"
        except (SSHException, OSError):
            self.problem = "would not sign"
        wrong = paramiko.Message()
        wrong.add_string(algorithm or self.get_name())
        wrong.add_string(bytes(64))
        return wrong.asbytes()


class Agent(AgentSSH):
    """The keys of the person's SSH agent; none where there is no agent. Close it after use."""

    def __init__(self) -> None:
        super().__init__()
        self._connection: socket.socket | None = None
        self._is_cut = False

    def open(self, identity_agent: str | None) -> None:
        """Ask the agent for its keys; waits up to AGENT_S. An agent that does not answer is no agent, as for ssh."""
        try:
            self._connection = _agent_connection(identity_agent)
            if self._is_cut:
                # Nobody waits for it any more, and whoever closed it found nothing to close yet.
                self.close()
            elif self._connection is not None:
                self._connect(self._connection)  # type: ignore[attr-defined]  # as paramiko's own Agent does
        except (SSHException, OSError):
            self.close()

    def held_keys(self) -> list[HeldKey]:
        return [HeldKey(self, key.blob, key.comment) for key in self.get_keys()]

    def cut(self) -> None:
        """Wake whoever waits for the agent, from any thread."""
        self._is_cut = True
        if self._connection is not None and hasattr(self._connection, "shutdown"):
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._close()  # type: ignore[attr-defined]
        if self._connection is not None:
            self._connection.close()


def _agent_connection(identity_agent: str | None) -> socket.socket | None:
    if identity_agent is not None and identity_agent.lower() == "none":
        return None
    path = identity_agent
    if path is None or path == "SSH_AUTH_SOCK":
        path = os.environ.get("SSH_AUTH_SOCK")
    elif path.startswith("$"):
        path = os.environ.get(path[1:])
    if sys.platform == "win32":
        return get_agent_connection()
    if not path:
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(AGENT_S)
    try:
        connection.connect(str(Path(path).expanduser()))
    except OSError:
        connection.close()
        raise
    return connection
