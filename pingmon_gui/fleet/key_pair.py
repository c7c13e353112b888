"""The app's own SSH keys: one for each probe, good for the way to its port and for nothing else."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)


def new_key_pair() -> tuple[str, str]:
    """Return a fresh ed25519 key: the private half in OpenSSH form without passphrase, the public one as one line."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return private.decode("ascii"), f"{public.decode('ascii')} pingmon"


def public_half(private_key: str | None) -> str | None:
    """Return the public half (type, blank, base64) of a private key of ours, None where it is missing or damaged."""
    try:
        key = load_ssh_private_key((private_key or "").encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")


def restricted_line(public_line: str, port: int) -> str:
    """Return the line of authorized_keys that lets the key reach one loopback port: no shell, no other way.

    Without `permitlisten` a remote forward would still be allowed, and `none` as its value breaks the login
    (tried against OpenSSH 9.2; see sshd(8), AUTHORIZED_KEYS FILE FORMAT).
    """
    options = f'restrict,port-forwarding,permitopen="127.0.0.1:{port}",permitlisten="localhost:1",command="/bin/false"'
    return f"{options} {public_line}"
