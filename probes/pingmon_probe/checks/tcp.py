"""The tcp check: a connection stands, TLS too if asked for; what is expected is said, after what is sent."""

from __future__ import annotations

from pingmon_probe import exchange_sentence, sentence
from pingmon_probe.check import Run
from pingmon_probe.connection import Connection
from pingmon_probe.escape import unescaped
from pingmon_probe.evidence import Gathered
from pingmon_probe.protocol import EVIDENCE_BODY_BYTES, EXPECT_CAP_BYTES, read_address
from pingmon_probe.target import Endpoint, endpoint_of
from pingmon_probe.timeline import REQUEST, TRANSFER

from .connected import ConnectedCheck

#: How much of what was said is told.
SAID_CHARACTERS = 200


class TcpCheck(ConnectedCheck[Endpoint]):
    """One connection. Without anything to send or expect it is over when it stands.

    The phase request is the wait for the first byte of the answer (or of the greeting), transfer that for the
    rest of what is expected. Who sends and expects nothing in particular waits for the first byte.
    """

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._send = unescaped(self.spec.send or "")
        self._expect = unescaped(self.spec.expect or "")
        self._heard = bytearray()

    def begin(self) -> None:
        self.connect(endpoint_of(read_address(self.spec.url)))

    def out_of_time(self, phase: int) -> str:
        if phase in (REQUEST, TRANSFER):
            return exchange_sentence.not_said(
                self.target, self.spec.expect, bytes(self._heard), sentence.seconds(self.spec.timeout_ms)
            )
        return super().out_of_time(phase)

    def note(self) -> None:
        super().note()
        if self._heard:
            said = exchange_sentence.readable(bytes(self._heard[: SAID_CHARACTERS * 4]), SAID_CHARACTERS)
            self.run.facts.of_kind = {"said": said}
            self.run.facts.body_bytes = len(self._heard)

    def gather(self, found: Gathered) -> None:
        super().gather(found)
        found.body, found.body_bytes = bytes(self._heard[:EVIDENCE_BODY_BYTES]), len(self._heard)

    # Told by the connection

    def opened(self, connection: Connection) -> None:
        if not self._send and not self._expect:
            connection.say_goodbye()
            self.end(None, self.message)
        elif self._send:
            connection.send(self._send)
        else:
            connection.listen()

    def received(self, connection: Connection, data: bytes, is_end: bool) -> None:
        if data:
            self._take(connection, data)
        if is_end and not self.is_ending:
            if not data:
                connection.settle(self.run.tools.loop.turn_s)
            self.end(*exchange_sentence.closed_first(self.target, self.spec.expect, bytes(self._heard)))

    def _take(self, connection: Connection, data: bytes) -> None:
        if connection.phase != TRANSFER:
            connection.phase = TRANSFER
            self.run.timeline.world(TRANSFER, self.run.timeline.mark_s)
        overlap = max(0, len(self._heard) - len(self._expect) + 1)
        self._heard += data[: EXPECT_CAP_BYTES - len(self._heard)]
        if self._heard.find(self._expect, overlap) >= 0:
            connection.say_goodbye()
            self.end(None, self.message)
        elif len(self._heard) >= EXPECT_CAP_BYTES:
            self.end("content", exchange_sentence.too_much(self.target, self.spec.expect, EXPECT_CAP_BYTES))
