"""The tls check: what certificate a server shows, whether it holds, and what the handshake came to."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from pingmon_probe import sentence
from pingmon_probe.certificate import DerError, read_certificate
from pingmon_probe.certificate_look import CertificateLook
from pingmon_probe.connection import Connection
from pingmon_probe.protocol import MAX_CHAIN_TOLD, read_address
from pingmon_probe.target import Endpoint, endpoint_of
from pingmon_probe.timeline import REQUEST
from pingmon_probe.tls import TlsFacts

from .connected import ConnectedCheck


class TlsCheck(ConnectedCheck[Endpoint]):
    """One handshake, after the talk before STARTTLS where the address asks for one (the phase request)."""

    def begin(self) -> None:
        self.connect(endpoint_of(read_address(self.spec.url)))

    def out_of_time(self, phase: int) -> str:
        if phase == REQUEST:
            return sentence.no_starttls(
                self.target, f"did not come to the beginning of TLS within {sentence.seconds(self.spec.timeout_ms)}"
            )
        return super().out_of_time(phase)

    def opened(self, connection: Connection) -> None:
        self.run.stop_clock()
        self._tell(connection.tls_facts(), connection.certificate())
        connection.say_goodbye()
        self.end(None, self.message)

    def looked(self, look: CertificateLook) -> None:
        super().looked(look)
        if self.run.facts.of_kind is None:  # refused: only the look came to the end of a handshake
            self._tell(look.tls_facts, look.der)

    def _tell(self, tls: Optional[TlsFacts], der: Optional[bytes]) -> None:
        told: Dict[str, Any] = {}
        if tls is not None:
            told = {"protocol": tls.protocol, "cipher": tls.cipher}
            if tls.chain:
                told["chain"] = [_in_chain(certificate) for certificate in tls.chain[:MAX_CHAIN_TOLD]]
        if der is not None:
            told["names"] = _names(der)
        self.run.facts.of_kind = told or None


def _in_chain(der: bytes) -> Dict[str, Optional[str]]:
    try:
        facts = read_certificate(der)
    except DerError:
        return {"subject": None, "issuer": None, "not_after": None}
    told = facts.to_json(None)
    return {name: told[name] for name in ("subject", "issuer", "not_after")}


def _names(der: bytes) -> List[str]:
    try:
        return list(read_certificate(der).names)
    except DerError:
        return []
