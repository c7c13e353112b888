"""What checks over a TCP connection have in common: one connection at a time, and an end that knows its certificate."""

from __future__ import annotations

from typing import Generic, Optional, Tuple, TypeVar

from pingmon_probe import sentence
from pingmon_probe.certificate_look import CertificateLook
from pingmon_probe.check import Run, Running
from pingmon_probe.connection import Connection, Listener
from pingmon_probe.evidence import Gathered, Tried
from pingmon_probe.evidence_name import names_of
from pingmon_probe.target import Endpoint
from pingmon_probe.timeline import CONNECT

Place = TypeVar("Place", bound=Endpoint)

#: What a check ends with: the failure class (None = as expected) and its sentence.
Outcome = Tuple[Optional[str], str]


class ConnectedCheck(Running, Listener, Generic[Place]):
    """Subclasses `connect`, take what is `received`, and `end`; the failures on the way there are dealt with here."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.spec = run.spec
        self.target: Place
        self.connection: Optional[Connection] = None
        #: What is said where nothing is wrong.
        self.message = ""
        self._look: Optional[CertificateLook] = None
        self._connections = 0

    def connect(self, target: Place) -> None:
        """Go to a target; the connection before is over."""
        self.target = target
        self._connections += 1
        self.connection = Connection(
            self.run.tools, target, self.run.timeline, self, verify=not self.spec.ignore_certificate
        )
        self.connection.start(self.spec.family)

    @property
    def is_ending(self) -> bool:
        """Whether the check has come to its end, and at most its certificate is still looked at."""
        return self.connection is None or self._look is not None

    def out_of_time(self, phase: int) -> str:
        """Return the sentence for a timeout in a phase."""
        return sentence.timed_out(self.target, phase, self.spec.timeout_ms, 0)

    def note(self) -> None:
        """Keep what this connection knows; its clock counts for the whole check."""
        connection = self.connection
        assert connection is not None
        facts = self.run.facts
        facts.address = connection.address[1][0] if connection.address is not None else None
        facts.family = connection.family
        facts.clock = connection.clock if self._connections == 1 or connection.clock == "user" else facts.clock
        if connection.is_retransmitted:
            self.message = sentence.RETRANSMITTED

    def end(self, failure: Optional[str], message: str) -> None:
        """Finish, after the certificate's facts are read where there are any."""
        connection = self.connection
        assert connection is not None
        self.note()
        der = connection.certificate()
        connection.close()
        if der is None:
            self.run.finish(failure, message)
            return
        self.run.stop_clock()
        assert connection.address is not None
        outcome = (failure, message)
        self._look = CertificateLook(
            self.run.tools, self.target, connection.address, lambda look: self._on_certificate(look, outcome)
        )
        self._look.judge(der, is_verified=not self.spec.ignore_certificate)

    def looked(self, look: CertificateLook) -> None:
        """Take note of the certificate that was looked at, right before the end."""
        self.run.facts.certificate = look.to_json()

    def gather(self, found: Gathered) -> None:
        connection, result = self.connection, self.run.facts
        if connection is None:
            return
        target = connection.target
        found.names += names_of(self.run.tools, target.host, connection.answer)
        found.tried.append(Tried(target.place, result.address, target.port, self.run.outcome))
        look = self._look.tls_facts if self._look is not None else None
        tls = look or connection.tls_facts()
        if tls is not None and tls.chain:
            found.chain = tls.chain
        else:
            # Older Pythons hand out the server's own certificate alone.
            der = connection.certificate() or (self._look.der if self._look is not None else None)
            found.chain = () if der is None else (der,)

    # Told by the run

    def on_timeout(self, deadline_s: float) -> None:
        connection = self.connection
        if connection is None:
            return
        connection.settle(deadline_s)
        if connection.is_lookup_waiting:
            self.end("internal", sentence.resolver_busy(self.target, self.spec.timeout_ms))
            return
        failure = "connect_timeout" if connection.phase == CONNECT else "timeout"
        self.end(failure, self.out_of_time(connection.phase))

    def close(self) -> None:
        # Let go of them as well: they point back here, and thousands of checks are not left to the collector.
        if self.connection is not None:
            self.connection.close()
            self.connection = None
        if self._look is not None:
            self._look.close()
            self._look = None

    # Told by the connection

    def failed(self, connection: Connection, failure: str, message: str) -> None:
        if failure == "tls_verify":
            self.note()
            self.run.stop_clock()
            verdict = connection.verify_error
            assert verdict is not None and connection.address is not None
            self._look = CertificateLook(self.run.tools, self.target, connection.address, self._on_refused_certificate)
            self._look.read(verdict)
            return
        self.end(failure, message)

    def crashed(self, exc: BaseException) -> None:
        self.run.crashed(exc)

    def _on_certificate(self, look: CertificateLook, outcome: Outcome) -> None:
        self.looked(look)
        self.run.finish(*outcome)

    def _on_refused_certificate(self, look: CertificateLook) -> None:
        self.looked(look)
        self.run.finish("tls_verify", look.sentence or "")
