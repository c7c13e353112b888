"""The icmp check: a few echoes, how many of them come back, and how long they take."""

from __future__ import annotations

import errno
import os
import secrets
import socket
from typing import Dict, List, Optional

from pingmon_probe import icmp_sentence, sentence
from pingmon_probe.address_search import AddressSearch, family_of
from pingmon_probe.check import Run, Running
from pingmon_probe.echo import NotAllowed, Unreachable, answered_sequence, echo_bytes, read_error
from pingmon_probe.evidence import Gathered, Tried
from pingmon_probe.evidence_name import names_of
from pingmon_probe.loop import Timer
from pingmon_probe.protocol import read_address
from pingmon_probe.resolver import Address
from pingmon_probe.stamp import USER
from pingmon_probe.target import endpoint_of
from pingmon_probe.timeline import REQUEST

#: Time between two echoes; less where the timeout is short: at most half of it is spent on sending.
SPACING_S = 0.2
#: Where some came back, the missing ones are waited for this long, or three times as long as the slowest took.
PATIENCE_S = 1.0
_PACKET_BYTES = 2_048
_OUR_OWN = frozenset((errno.EPERM, errno.EACCES))
_NO_MORE = frozenset((errno.ENOBUFS, errno.ENOMEM, errno.EMFILE, errno.ENFILE))


class IcmpCheck(Running):
    """The phase request is the mean round trip of the echoes that came back; the pauses between them count nowhere."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._spec = run.spec
        self._endpoint = endpoint_of(read_address(run.spec.url))
        self._token = secrets.token_bytes(8)
        self._id = secrets.randbits(16)
        self._address: Optional[Address] = None
        self._search: Optional[AddressSearch] = None
        self._sock: Optional[socket.socket] = None
        self._timer: Optional[Timer] = None
        self._spacing_s = SPACING_S
        self._sent_s: List[float] = []
        self._round_trips_s: Dict[int, float] = {}
        self._unreachable: List[Unreachable] = []
        self._clock = run.tools.stamps.name

    # Told by the run

    def begin(self) -> None:
        run = self._run
        search = self._search = AddressSearch(
            run.tools, self._endpoint, run.timeline, self._start, self._end, run.crashed
        )
        search.start(self._spec.family)

    def on_timeout(self, deadline_s: float) -> None:
        search = self._search
        if search is not None and search.is_running:
            is_waiting = search.is_waiting
            search.settle(deadline_s)
            if is_waiting:
                self._end("internal", sentence.resolver_busy(self._endpoint, self._spec.timeout_ms))
            else:
                self._end("timeout", sentence.dns_timed_out(self._endpoint, self._spec.timeout_ms))
            return
        if not self._round_trips_s:
            self._run.timeline.world(REQUEST, deadline_s)
        self._judge()

    def gather(self, found: Gathered) -> None:
        run = self._run
        if self._search is not None:
            found.names += names_of(run.tools, self._endpoint.host, self._search.answer)
        found.tried.append(Tried(self._endpoint.host, run.facts.address, None, run.outcome))
        for told in self._unreachable:
            who = told.offender or "this host's own network"
            found.tried.append(Tried(self._endpoint.host, run.facts.address, None, f"{who}: {os.strerror(told.code)}"))

    def close(self) -> None:
        if self._search is not None:
            self._search.close()
            self._search = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._sock is not None:
            self._run.tools.loop.unwatch(self._sock)
            self._sock.close()
            self._sock = None

    # Echoes

    def _start(self, address: Address) -> None:
        self._address = address
        tools = self._run.tools
        try:
            sock = self._sock = tools.open_echo(address[0])
        except NotAllowed:
            self._end("internal", icmp_sentence.not_allowed())
            return
        except OSError as exc:
            self._end("internal", icmp_sentence.no_socket(exc.strerror or str(exc)))
            return
        tools.stamps.prepare(sock)
        try:
            # Connected, it hears from this host only, and of routers that cannot deliver.
            sock.connect(address[1])
        except OSError as exc:
            self._on_unsent(exc)
            return
        tools.loop.watch(sock, self._on_readable)
        left_s = self._spec.timeout_ms / 1000
        if self._spec.echo_count > 1:
            self._spacing_s = min(SPACING_S, left_s / 2 / (self._spec.echo_count - 1))
        self._run.timeline.own(tools.loop.now())
        self._send()

    def _send(self) -> None:
        try:
            self._timer = None
            if self._sock is None or self._address is None:
                return
            tools, sequence = self._run.tools, len(self._sent_s)
            packet = echo_bytes(self._address[0], self._id, sequence, self._token)
            self._sent_s.append(tools.loop.now())
            try:
                self._sock.send(packet)
            except OSError as exc:
                self._on_unsent(exc)
                return
            if len(self._sent_s) < self._spec.echo_count:
                self._timer = tools.loop.call_at(self._sent_s[0] + self._spacing_s * len(self._sent_s), self._send)
            elif self._round_trips_s:
                self._wait_a_little()
        except Exception as exc:
            self._run.crashed(exc)

    def _on_unsent(self, exc: OSError) -> None:
        code = exc.errno or 0
        self._run.timeline.world(REQUEST, self._run.tools.loop.now())
        if code in _OUR_OWN:
            self._end("internal", icmp_sentence.not_sent(self._endpoint, code))
        elif code in _NO_MORE:
            self._end("internal", icmp_sentence.no_socket(exc.strerror or str(exc)))
        else:
            self._end("connect_refused", icmp_sentence.unreachable(self._endpoint, code, None))

    def _on_readable(self) -> None:
        try:
            while self._sock is not None:
                try:
                    data, stamp_s, clock = self._run.tools.stamps.receive(self._sock, _PACKET_BYTES)
                except (BlockingIOError, InterruptedError):
                    return
                except OSError as exc:
                    self._on_error(exc)
                    return
                self._take(data, stamp_s, clock)
        except Exception as exc:
            self._run.crashed(exc)

    def _on_error(self, exc: OSError) -> None:
        assert self._sock is not None and self._address is not None
        told = read_error(self._sock, self._address[0]) or Unreachable(exc.errno or 0, None)
        self._unreachable.append(told)
        self._look_whether_done()

    def _take(self, data: bytes, stamp_s: float, clock: str) -> None:
        assert self._address is not None
        sequence = answered_sequence(self._address[0], data, self._token)
        if sequence is None or sequence >= len(self._sent_s) or sequence in self._round_trips_s:
            return
        self._round_trips_s[sequence] = max(0.0, stamp_s - self._sent_s[sequence])
        if clock == USER:
            self._clock = USER
        self._look_whether_done()

    def _look_whether_done(self) -> None:
        if len(self._sent_s) < self._spec.echo_count:
            return
        if len(self._round_trips_s) + len(self._unreachable) >= self._spec.echo_count:
            self._judge()
        elif self._round_trips_s:
            self._wait_a_little()

    def _wait_a_little(self) -> None:
        """Others came back: the missing ones are not waited for as long as the timeout allows."""
        if self._timer is not None:
            self._timer.cancel()
        patience_s = max(PATIENCE_S, 3 * max(self._round_trips_s.values()))
        self._timer = self._run.tools.loop.call_at(self._sent_s[-1] + patience_s, self._judge)

    # The end

    def _judge(self) -> None:
        sent, received = len(self._sent_s), len(self._round_trips_s)
        times_s = list(self._round_trips_s.values())
        if times_s:
            self._run.timeline.measured(REQUEST, sum(times_s) / received)
        self._run.facts.of_kind = {"sent": sent, "received": received}
        if times_s:
            for name, time_s in (
                ("rtt_min_ms", min(times_s)),
                ("rtt_avg_ms", sum(times_s) / received),
                ("rtt_max_ms", max(times_s)),
            ):
                self._run.facts.of_kind[name] = round(time_s * 1000, 3)
        lost_share = (sent - received) * 100 / sent if sent else 100
        if not received and self._unreachable:
            told = self._unreachable[0]
            self._run.timeline.world(REQUEST, self._run.tools.loop.turn_s)
            self._end("connect_refused", icmp_sentence.unreachable(self._endpoint, told.code, told.offender))
        elif not received:
            self._end("timeout", icmp_sentence.none_came_back(self._endpoint, sent, self._spec.timeout_ms))
        elif received == sent:
            self._end(None, "")
        else:
            message = icmp_sentence.some_lost(self._endpoint, sent, received)
            self._end("loss" if lost_share > self._spec.max_loss_percent else None, message)

    def _end(self, failure: Optional[str], message: str) -> None:
        address = self._address or (self._search.address if self._search is not None else None)
        facts = self._run.facts
        if address is not None:
            facts.address, facts.family = address[1][0], family_of(address)
        facts.clock = self._clock
        self._run.finish(failure, message)
