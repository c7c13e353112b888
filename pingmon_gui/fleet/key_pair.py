"""Keys that the app makes for a probe: its own SSH key for the tunnel, the probe's key and certificate for TLS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat


def new_key_pair() -> tuple[str, str]:
    """Return a fresh ed25519 key: the private half in OpenSSH form without passphrase, the public one as one line."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return private.decode("ascii"), f"{public.decode('ascii')} pingmon"


def restricted_line(public_line: str, port: int) -> str:
    """Return the line of authorized_keys that lets the key reach one loopback port: no shell, no other way.

    Without `permitlisten` a remote forward would still be allowed, and `none` as its value breaks the login
    (tried against OpenSSH 9.2; see sshd(8), AUTHORIZED_KEYS FILE FORMAT).
    """
    options = f'restrict,port-forwarding,permitopen="127.0.0.1:{port}",permitlisten="localhost:1",command="/bin/false"'
    return f"{options} {public_line}"


def new_certificate() -> tuple[str, str]:
    """Return a probe's fresh private key and its certificate, both PEM. The app pins it and keeps no copy of the key.

    P-256, which every OpenSSL since 1.1.1 takes. Nobody looks at its dates but OpenSSL: it holds for 50 years, so
    that no probe falls silent one day; upgrading a probe does not change it, setting it up again does.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pingmon-probe")])
    # Clocks of hosts and of laptops may be days apart.
    begins = datetime.now(UTC) - timedelta(days=30)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=50 * 365))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private.decode("ascii"), certificate.public_bytes(Encoding.PEM).decode("ascii")
