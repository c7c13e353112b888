"""The tls check: handshakes against several certificates, and STARTTLS in each of its protocols."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Callable, Tuple

import pytest
import trustme

from .conftest import Rig
from .targets import Targets

Server = Callable[[socket.socket], None]


def port_of(targets: Targets, certificate: str) -> int:
    return int(targets.url("", certificate).rpartition(":")[2])


def test_tls_good_certificate_is_told_with_the_handshake(rig: Rig, targets: Targets) -> None:
    result = rig.check(f"tls://localhost:{port_of(targets, 'good')}")
    assert (result.failure, result.message) == (None, "")
    assert result.certificate is not None and result.certificate["verify_error"] is None
    assert result.facts is not None
    assert (result.facts["protocol"], result.facts["names"]) == ("TLSv1.3", ["localhost", "127.0.0.1"])
    assert result.facts["cipher"]
    assert result.tls_ms is not None and (result.request_ms, result.transfer_ms) == (None, None)
    # Python before 3.10 does not hand the chain out.
    for link in result.facts.get("chain", ()):
        assert set(link) == {"subject", "issuer", "not_after"}


def test_tls_older_version_is_named(rig: Rig, targets: Targets) -> None:
    result = rig.check(f"tls://localhost:{port_of(targets, 'tls12')}")
    assert result.failure is None and result.facts is not None
    assert result.facts["protocol"] == "TLSv1.2"


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        ("expired", "expired"),
        ("not_yet_valid", "not valid yet"),
        ("wrong_name", "not made out for localhost"),
        ("self_signed", "self-signed"),
    ],
)
def test_tls_bad_certificate_is_offline_and_still_shown(
    rig: Rig, targets: Targets, certificate: str, words: str
) -> None:
    address = f"tls://localhost:{port_of(targets, certificate)}"
    result = rig.check(address)
    assert result.failure == "tls_verify"
    assert result.certificate is not None and result.certificate["verify_error"] == result.message
    assert result.facts is not None and result.facts["protocol"]
    ignored = rig.check(address, ignore_certificate=True)
    assert (ignored.failure, ignored.certificate) == (None, result.certificate)


def test_tls_plain_server_is_told(rig: Rig, targets: Targets) -> None:
    result = rig.check(f"tls://127.0.0.1:{targets.port}", timeout_ms=2_000)
    assert result.failure in ("tls_handshake", "timeout")
    assert "https" not in result.message


def test_tls_silent_server_ends_with_the_timeout(rig: Rig, targets: Targets) -> None:
    result = rig.check(f"tls://127.0.0.1:{targets.silent()}", timeout_ms=150)
    assert result.failure == "timeout"
    assert "TLS handshake" in result.message


@pytest.fixture(scope="module")
def context(targets: Targets, tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(Path(targets.ca_file).parent / "good.pem")
    return made


def talk(context: ssl.SSLContext, *lines: bytes) -> Server:
    """Return a server that says the first line, then the next ones after being spoken to, then begins TLS."""

    def serve(sock: socket.socket) -> None:
        for place, line in enumerate(lines):
            if place:
                sock.recv(1_000)
            sock.sendall(line)
        with context.wrap_socket(sock, server_side=True) as secured:
            secured.recv(100)

    return serve


_LDAP_YES = bytes.fromhex("300c02010178070a010004000400")
TALKS = {
    "smtp": (b"220 mail ESMTP\r\n", b"250-mail\r\n250-SIZE\r\n250 STARTTLS\r\n", b"220 go on\r\n"),
    "imap": (b"* OK ready\r\n", b"* CAPABILITY IMAP4rev1\r\na OK begin\r\n"),
    "pop3": (b"+OK ready\r\n", b"+OK begin\r\n"),
    "ftp": (b"220-hello\r\n all of you\r\n220 ready\r\n", b"234 go on\r\n"),
    "postgres": (b"", b"S"),
    "ldap": (b"", _LDAP_YES),
}


@pytest.mark.parametrize("protocol", TALKS)
def test_tls_after_the_talk_of_each_protocol(
    rig: Rig, targets: Targets, context: ssl.SSLContext, protocol: str
) -> None:
    port = targets.raw_server(talk(context, *TALKS[protocol]))
    result = rig.check(f"tls://localhost:{port}?starttls={protocol}")
    assert (result.failure, result.message) == (None, "")
    assert result.certificate is not None and result.certificate["verify_error"] is None
    assert result.request_ms is not None and result.tls_ms is not None
    assert result.facts is not None and result.facts["protocol"] == "TLSv1.3"


@pytest.mark.parametrize(
    ("protocol", "lines", "failure", "words"),
    [
        ("smtp", (b"554 no\r\n",), "protocol", "greets with “554 no”"),
        ("smtp", (b"220 mail\r\n", b"250 SIZE\r\n"), "tls_handshake", "does not offer STARTTLS"),
        (
            "smtp",
            (b"220 mail\r\n", b"250 STARTTLS\r\n", b"454 not now\r\n"),
            "tls_handshake",
            "refuses to begin TLS: “454 not now”",
        ),
        ("smtp", (b"220 mail\r\n", b"SSH-2.0\r\n"), "protocol", "no reply of this protocol"),
        ("smtp", (b"x" * 9_000,), "protocol", "a line that does not end"),
        (
            "smtp",
            (b"220 mail\r\n", b"250 STARTTLS\r\n", b"220 go\r\nMAIL\r\n"),
            "protocol",
            "says more before TLS begins than it may",
        ),
        ("imap", (b"* BYE\r\n",), "protocol", "greets with"),
        ("imap", (b"* OK\r\n", b"a NO\r\n"), "tls_handshake", "refuses to begin TLS"),
        ("pop3", (b"+OK\r\n", b"-ERR\r\n"), "tls_handshake", "refuses to begin TLS"),
        ("ftp", (b"220 hi\r\n", b"502 what\r\n"), "tls_handshake", "refuses to begin TLS"),
        ("postgres", (b"", b"N"), "tls_handshake", "does not offer TLS"),
        ("postgres", (b"", b"E"), "protocol", "something else than S or N"),
        ("ldap", (b"", bytes.fromhex("300c02010178070a013404000400")), "tls_handshake", "result 52"),
        ("ldap", (b"", b"HTTP/1.1 400\r\n"), "protocol", "not LDAP"),
    ],
)
def test_tls_talk_that_goes_wrong_is_told(
    rig: Rig, targets: Targets, protocol: str, lines: Tuple[bytes, ...], failure: str, words: str
) -> None:
    def serve(sock: socket.socket) -> None:
        for place, line in enumerate(lines):
            if place:
                sock.recv(1_000)
            sock.sendall(line)
        sock.recv(1)

    result = rig.check(f"tls://127.0.0.1:{targets.raw_server(serve)}?starttls={protocol}")
    assert result.failure == failure
    assert words in result.message


def test_tls_talk_that_ends_or_does_not_begin_is_told(rig: Rig, targets: Targets) -> None:
    ended = rig.check(f"tls://127.0.0.1:{targets.raw_server(lambda sock: None)}?starttls=smtp")
    assert (ended.failure, "closed the connection before TLS began" in ended.message) == ("protocol", True)
    silent = rig.check(f"tls://127.0.0.1:{targets.silent()}?starttls=imap", timeout_ms=150)
    assert (silent.failure, "did not come to the beginning of TLS" in silent.message) == ("timeout", True)


def test_tls_chain_is_told_as_the_server_sent_it(rig: Rig, targets: Targets, tmp_path: Path) -> None:
    root = trustme.CA()
    middle = root.create_child_ca()
    leaf = middle.issue_cert("localhost")
    file = tmp_path / "chain.pem"
    leaf.private_key_and_cert_chain_pem.write_to_path(str(file))
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(file)

    def serve(sock: socket.socket) -> None:
        with served.wrap_socket(sock, server_side=True) as secured:
            secured.recv(100)

    root.cert_pem.write_to_path(str(tmp_path / "root.pem"))
    rig.reconfigure(ca_file=str(tmp_path / "root.pem"))
    result = rig.check(f"tls://localhost:{targets.raw_server(serve)}")
    assert (result.failure, result.message) == (None, "")
    assert result.facts is not None
    if "chain" in result.facts:
        assert len(result.facts["chain"]) == len(leaf.cert_chain_pems)
