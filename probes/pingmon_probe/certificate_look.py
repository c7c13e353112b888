"""The certificate's facts for a result: read, and verified where the timed connection did not verify.

Both may take a second connection, outside of the timed numbers: a certificate that was refused is only
handed out to a connection that does not verify, and one that was not verified has to be met again to
learn what is wrong with it.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional, Tuple

from .certificate import CertificateFacts, DerError, read_certificate, verify_sentence
from .connection import Connection, Listener
from .loop import Timer
from .resolver import Address
from .sentence import shown
from .target import Endpoint
from .timeline import Timeline
from .tls import TlsFacts
from .tools import Tools
from .verdict_cache import Verdict

#: How long the second connection may take; without it the facts are shown as far as they are known.
PATIENCE_S = 2.0


class CertificateLook(Listener):
    """Call `read` or `judge` once; `done(look)` is called once, maybe at once, unless it was closed before."""

    def __init__(
        self, tools: Tools, target: Endpoint, address: Address, done: Callable[[CertificateLook], None]
    ) -> None:
        self._tools = tools
        self._target = target
        self._address = address
        self._done: Optional[Callable[[CertificateLook], None]] = done
        self._connection: Optional[Connection] = None
        self._timer: Optional[Timer] = None
        #: The certificate, as far as one was seen.
        self.der: Optional[bytes] = None
        #: What a handshake of its own came to, None where it needed none.
        self.tls_facts: Optional[TlsFacts] = None
        self._verdict: Verdict = None
        self._facts: Optional[CertificateFacts] = None
        #: Why the certificate does not hold, for a person; None if it holds or nobody knows.
        self.sentence: Optional[str] = None

    def read(self, verdict: Tuple[int, str]) -> None:
        """Fetch the certificate that was refused with this verdict."""
        self._verdict = verdict
        self._connect(verify=False)

    def judge(self, der: bytes, is_verified: bool) -> None:
        """Take a certificate that the timed connection saw; find out what is wrong with it if that is not known."""
        self.der = der
        if is_verified:
            self._finish()
            return
        known = self._tools.verdicts.get(self._target.host, der, self._tools.loop.now())
        if known is not None:
            self._verdict = known[0]
            self._finish()
            return
        self._connect(verify=True)

    def to_json(self) -> Dict[str, Any]:
        """Return the certificate as results carry it, with None for what could not be read."""
        if self._facts is None:
            return {"subject": None, "issuer": None, "not_after": None, "verify_error": self.sentence}
        return self._facts.to_json(self.sentence)

    def close(self) -> None:
        self._done = None
        self._let_go()

    def opened(self, connection: Connection) -> None:
        self.tls_facts = connection.tls_facts()
        der = connection.certificate()
        if self._verdict is None and der is not None and der == self.der:
            self._tools.verdicts.put(self._target.host, der, self._tools.loop.now(), None)
        self.der = der or self.der
        self._finish()

    def received(self, connection: Connection, data: bytes, is_end: bool) -> None:
        """Nothing was asked, so nothing is expected."""

    def failed(self, connection: Connection, failure: str, message: str) -> None:
        if connection.verify_error is not None:
            self._note_verdict(connection.verify_error)
        self._finish()

    def crashed(self, exc: BaseException) -> None:
        self._finish()

    def _note_verdict(self, verdict: Tuple[int, str]) -> None:
        self._verdict = verdict
        if self.der is not None:
            self._tools.verdicts.put(self._target.host, self.der, self._tools.loop.now(), self._verdict)

    def _connect(self, verify: bool) -> None:
        loop = self._tools.loop
        self._timer = loop.call_at(loop.now() + PATIENCE_S, self._finish)
        untimed = Timeline(loop.now())
        self._connection = Connection(self._tools, self._target, untimed, self, verify=verify, address=self._address)
        self._connection.start()

    def _let_go(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _finish(self) -> None:
        self._let_go()
        done, self._done = self._done, None
        if done is None:
            return
        if self.der is not None:
            try:
                self._facts = read_certificate(self.der)
            except DerError:
                self._facts = None
        if self._verdict is not None:
            code, words = self._verdict
            self.sentence = verify_sentence(shown(self._target.host), code, shown(words, 200), self._facts)
        done(self)
