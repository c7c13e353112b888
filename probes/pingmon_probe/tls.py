"""TLS over memory buffers: the loop moves the bytes, so one thread and one context serve every check.

A context per check would cost 18 ms of CPU; asyncio's TLS keeps a quarter of a megabyte per waiting connection.
"""

from __future__ import annotations

import contextlib
import ssl
from dataclasses import dataclass
from typing import List, Optional, Tuple

#: Plain bytes taken from one record at most.
_READ_BYTES = 16 * 1024
#: _ssl.ENCODING_DER
_ENCODING_DER = 2


class Contexts:
    """The TLS contexts of a probe. Those for HTTP are made at once, the others at first use: each takes some 20 ms.

    Certificates are checked against the host's trust store (SSL_CERT_FILE and SSL_CERT_DIR are honoured),
    with `ca_file` (PEM) added to it. Raises OSError or ssl.SSLError where that file cannot be read.
    """

    def __init__(self, ca_file: Optional[str] = None) -> None:
        self._ca_file = ca_file
        self._made = {(verify, True): self._make(verify, speaks_http=True) for verify in (True, False)}

    def prepare(self) -> None:
        """Make those that are not made yet: before a check begins, so that their making is in nobody's time."""
        for verify in (True, False):
            self.get(verify, speaks_http=False)

    def get(self, verify: bool, speaks_http: bool = True) -> ssl.SSLContext:
        context = self._made.get((verify, speaks_http))
        if context is None:
            context = self._made[verify, speaks_http] = self._make(verify, speaks_http)
        return context

    def _make(self, verify: bool, speaks_http: bool) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if speaks_http:
            context.set_alpn_protocols(["http/1.1"])
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        context.load_default_certs()
        if self._ca_file is not None:
            context.load_verify_locations(self._ca_file)
        # Since 3.13 Python is stricter by default than browsers are; all probes shall judge alike.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context


@dataclass(frozen=True)
class TlsFacts:
    """What a handshake came to. `chain` holds the certificates as the server sent them, empty where nobody tells."""

    protocol: str
    cipher: str
    chain: Tuple[bytes, ...]


class TlsSide:
    """One side of one connection. Bytes go in and come out; it never touches a socket."""

    __slots__ = ("_incoming", "_object", "_outgoing", "certificate", "is_open")

    _object: ssl.SSLObject

    def __init__(self) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.is_open = False
        #: The other side's certificate as DER once the handshake is done, verified or not; None for none.
        self.certificate: Optional[bytes] = None

    def shake(self, data: bytes = b"") -> bytes:
        """Take what arrived and return what to send; `is_open` tells when the handshake is done.

        Raises ssl.SSLError (ssl.SSLCertVerificationError where the certificate does not hold).
        """
        if data:
            self._incoming.write(data)
        try:
            self._object.do_handshake()
            self.is_open = True
            # Read at once: after a fatal alert Python does not hand it out any more.
            self.certificate = self._object.getpeercert(True)
        except ssl.SSLWantReadError:
            pass
        return self._outgoing.read()

    def encrypt(self, data: bytes) -> bytes:
        """Return the bytes to send for plain data, with whatever TLS has to say before it."""
        self._object.write(data)
        return self._outgoing.read()

    def decrypt(self, data: bytes) -> Tuple[List[bytes], bool]:
        """Take what arrived; return (plain pieces, whether the other side ended the stream). Raises ssl.SSLError."""
        if data:
            self._incoming.write(data)
        pieces: List[bytes] = []
        try:
            while True:
                piece = self._object.read(_READ_BYTES)
                if not piece:
                    return pieces, True
                pieces.append(piece)
                if not self._incoming.pending and not self._object.pending():
                    return pieces, False
        except ssl.SSLWantReadError:
            return pieces, False
        except ssl.SSLZeroReturnError:
            return pieces, True

    def facts(self) -> TlsFacts:
        """Return what was agreed on; the handshake has to be done."""
        cipher = self._object.cipher()
        return TlsFacts(self._object.version() or "", cipher[0] if cipher else "", tuple(self._chain()))

    def farewell(self, data: bytes) -> bytes:
        """Return the bytes that say a last word and close the session. Raises ssl.SSLError."""
        if data:
            self._object.write(data)
        with contextlib.suppress(ssl.SSLWantReadError):
            self._object.unwrap()  # it waits for the other side's own end, and nobody does that here
        return self._outgoing.read()

    def _chain(self) -> List[bytes]:
        get = getattr(self._object, "get_unverified_chain", None)
        if get is not None:  # Python 3.13
            return list(get() or ())
        # From 3.10 on it is there, but not for everybody to see; before that nobody tells.
        inner = getattr(self._object, "_sslobj", None)
        get = getattr(inner, "get_unverified_chain", None)
        if get is None:
            return []
        return [bytes(certificate.public_bytes(_ENCODING_DER)) for certificate in get() or ()]

    def alert(self) -> bytes:
        """Return what TLS still wants to tell the other side, an alert after a failure above all."""
        return self._outgoing.read()


class TlsClient(TlsSide):
    """The client's side: of a check."""

    __slots__ = ()

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        super().__init__()
        # As bytes, the name is not put through Python's own IDNA codec. A final dot is no part of a
        # certificate's name. ValueError for a name that TLS cannot carry.
        name = host.rstrip(".").split("%", 1)[0].encode("ascii")
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)


class TlsServer(TlsSide):
    """The server's side: of the probe's own service."""

    __slots__ = ()

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_side=True)


def server_context(certificate: str, key: str) -> ssl.SSLContext:
    """Return the context of the probe's own service from two PEM files: TLS 1.3 and nothing older.

    Raises OSError or ssl.SSLError where they cannot be read or do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    # Clients are few and their connections last: tickets would be sent for nothing.
    context.num_tickets = 0
    context.load_cert_chain(certificate, key)
    return context


#: OpenSSL's reasons for a failed handshake, as the end of "the TLS handshake with HOST failed: ...".
_REASONS = {
    "WRONG_VERSION_NUMBER": "the server does not answer with TLS; look whether this port is meant for {what}",
    "HTTP_REQUEST": "the server answers with plain HTTP; look whether this port is meant for {what}",
    "UNSUPPORTED_PROTOCOL": "the server only offers a TLS version older than 1.2",
    "TLSV1_ALERT_PROTOCOL_VERSION": "the server refuses TLS 1.2 and 1.3",
    "NO_PROTOCOLS_AVAILABLE": "no TLS version is shared with the server",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "the server refused; it may share no cipher, or not know this name",
    "TLSV1_UNRECOGNIZED_NAME": "the server does not know this name",
    "TLSV1_ALERT_INTERNAL_ERROR": "the server reports an error of its own; it may not know this name",
    "TLSV1_ALERT_ACCESS_DENIED": "the server denies access",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "the server asks for a client certificate",
    "DH_KEY_TOO_SMALL": "the server's key exchange is too weak",
    "EE_KEY_TOO_SMALL": "the server's key is too weak",
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED": "the server only knows an unsafe old form of TLS",
    "UNEXPECTED_EOF_WHILE_READING": "the server closed the connection in the middle of it",
}


def handshake_reason(error: ssl.SSLError, what: str) -> str:
    """Return why a handshake failed, in words that continue a sentence; `what` is TLS or https."""
    reason = error.reason or ""
    known = _REASONS.get(reason)
    if known is not None:
        return known.format(what=what)
    return reason.replace("_", " ").lower() or "no reason was given"
