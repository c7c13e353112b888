"""The dns check: one question to one name server, by UDP, and by TCP where the answer does not fit."""

from __future__ import annotations

import secrets
import socket
from typing import Optional

from pingmon_probe import dns_sentence, sentence
from pingmon_probe.address_search import AddressSearch, family_of
from pingmon_probe.check import Run, Running
from pingmon_probe.connection import Connection, Listener
from pingmon_probe.dns_message import (
    FORMAT_ERROR,
    NO_ERROR,
    NO_SUCH_NAME,
    MessageError,
    Response,
    is_answer_to,
    query_bytes,
    read_response,
    reverse_name,
)
from pingmon_probe.evidence import Gathered, NameAnswer, Tried
from pingmon_probe.evidence_name import names_of
from pingmon_probe.protocol import DNS_PORT, MAX_DNS_ANSWERS_TOLD, RECORD_TYPES, read_address
from pingmon_probe.resolver import Address
from pingmon_probe.stamp import USER
from pingmon_probe.target import Endpoint
from pingmon_probe.timeline import CONNECT, REQUEST, TRANSFER

_DATAGRAM_BYTES = 65_535


class DnsCheck(Running, Listener):
    """The phase dns is the lookup of the name server's own name, request the time from question to answer.

    A truncated answer is asked for again by TCP (RFC 7766), with the phases connect and transfer; a server that does
    not understand EDNS is asked without it (RFC 6891, 7). Nothing else is asked twice.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._spec = run.spec
        self._asked = read_address(run.spec.url)
        self._record_type = RECORD_TYPES[self._asked.record_type]
        self._query = self._new_query(with_edns=True)
        self._has_edns = True
        self._endpoint: Endpoint
        self._address: Optional[Address] = None
        self._search: Optional[AddressSearch] = None
        self._sock: Optional[socket.socket] = None
        self._connection: Optional[Connection] = None
        self._heard = b""
        self._clock = run.tools.stamps.name

    # Told by the run

    def begin(self) -> None:
        tools = self._run.tools
        server, is_own = self._asked.server, False
        if server is None:
            host, is_own = tools.host_resolver.server(), True
            if host is None:
                self._end("internal", dns_sentence.no_host_resolver())
                return
            server = (host, DNS_PORT)
        self._endpoint = Endpoint(*server, is_tls=False, starttls=None)
        # The host asks its own name server whatever it wants to know, so this one may be a private address.
        search = self._search = AddressSearch(
            tools, self._endpoint, self._run.timeline, self._ask, self._end, self._run.crashed, is_allowed=is_own
        )
        search.start(self._spec.family)

    def on_timeout(self, deadline_s: float) -> None:
        timeline, timeout_ms = self._run.timeline, self._spec.timeout_ms
        search, connection = self._search, self._connection
        if connection is not None:
            connection.settle(deadline_s)
            failure = "connect_timeout" if connection.phase == CONNECT else "timeout"
            self._end(failure, sentence.timed_out(self._endpoint, connection.phase, timeout_ms, len(self._heard)))
        elif search is not None and search.is_running:
            is_waiting = search.is_waiting
            search.settle(deadline_s)
            if is_waiting:
                self._end("internal", sentence.resolver_busy(self._endpoint, timeout_ms))
            else:
                self._end("timeout", sentence.dns_timed_out(self._endpoint, timeout_ms))
        else:
            timeline.world(REQUEST, deadline_s)
            self._end("timeout", dns_sentence.no_answer(self._endpoint.place, self._question, timeout_ms))

    def gather(self, found: Gathered) -> None:
        run, search = self._run, self._search
        if search is not None:
            found.names += names_of(run.tools, self._endpoint.host, search.answer)
        told = run.facts.of_kind or {}
        if told:
            asked = f"{self._asked.record_type} of {self._asked.host}"
            rcode = told["rcode"] if told["rcode"] != "NOERROR" else None
            request_s = run.timeline.phases_s[REQUEST]
            took_ms = None if request_s is None else round(request_s * 1000, 3)
            found.names.append(NameAnswer(asked, self._endpoint.place, told["answers"], rcode, took_ms))
        place = self._endpoint.place if self._address is not None or search is not None else ""
        found.tried.append(Tried(place or run.spec.url, run.facts.address, None, run.outcome))

    def close(self) -> None:
        if self._search is not None:
            self._search.close()
            self._search = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._close_socket()

    # By UDP

    def _ask(self, address: Address) -> None:
        self._address = address
        tools = self._run.tools
        try:
            sock = self._sock = socket.socket(address[0], socket.SOCK_DGRAM, socket.IPPROTO_UDP)
        except OSError as exc:
            self._end("internal", dns_sentence.no_socket(exc.strerror or str(exc)))
            return
        sock.setblocking(False)
        tools.stamps.prepare(sock)
        self._run.timeline.own(tools.loop.now())
        try:
            # Connected, it hears from this server only, and of a port on which nobody listens.
            sock.connect(address[1])
            sock.send(self._query)
        except OSError as exc:
            self._on_broken(exc)
            return
        tools.loop.watch(sock, self._on_readable)

    def _on_readable(self) -> None:
        try:
            while self._sock is not None:
                try:
                    data, stamp_s, clock = self._run.tools.stamps.receive(self._sock, _DATAGRAM_BYTES)
                except (BlockingIOError, InterruptedError):
                    return
                except OSError as exc:
                    self._on_broken(exc)
                    return
                if is_answer_to(self._query, data):
                    self._run.timeline.world(REQUEST, stamp_s)
                    self._clock = USER if clock == USER else self._clock
                    self._take(data)
        except Exception as exc:
            self._run.crashed(exc)

    def _on_broken(self, exc: OSError) -> None:
        self._run.timeline.world(REQUEST, self._run.tools.loop.turn_s)
        self._clock = USER
        server = self._endpoint.place
        if isinstance(exc, ConnectionRefusedError):
            self._end("connect_refused", dns_sentence.not_listening(server))
        else:
            self._end("connect_refused", dns_sentence.unreachable(server, exc.strerror or str(exc)))

    def _take(self, data: bytes) -> None:
        response = self._read(data)
        if response is None:
            return
        if response.is_truncated:
            self._ask_by_tcp()
        elif response.rcode == FORMAT_ERROR and self._has_edns and not response.has_edns:
            assert self._sock is not None
            self._has_edns = False
            self._query = self._new_query(with_edns=False)
            self._run.timeline.own(self._run.tools.loop.now())
            try:
                self._sock.send(self._query)
            except OSError as exc:
                self._on_broken(exc)
        else:
            self._judge(response, "udp")

    # By TCP

    def _ask_by_tcp(self) -> None:
        self._close_socket()
        self._connection = Connection(self._run.tools, self._endpoint, self._run.timeline, self, address=self._address)
        self._connection.start()

    def opened(self, connection: Connection) -> None:
        connection.send(len(self._query).to_bytes(2, "big") + self._query)

    def received(self, connection: Connection, data: bytes, is_end: bool) -> None:
        if data and connection.phase != TRANSFER:
            connection.phase = TRANSFER
            self._run.timeline.world(TRANSFER, self._run.timeline.mark_s)
        self._heard += data
        size = int.from_bytes(self._heard[:2], "big")
        if len(self._heard) >= 2 + size and len(self._heard) > 2:
            message = self._heard[2 : 2 + size]
            if not is_answer_to(self._query, message):
                self._end("protocol", dns_sentence.unreadable(self._endpoint.place, "something that was not asked for"))
                return
            response = self._read(message)
            if response is not None:
                self._judge(response, "tcp")
        elif is_end:
            connection.settle(self._run.tools.loop.turn_s)
            problem = f"{len(self._heard)} bytes by TCP and closed the connection"
            self._end("protocol", dns_sentence.unreadable(self._endpoint.place, problem))

    def failed(self, connection: Connection, failure: str, message: str) -> None:
        self._end(failure, message)

    def crashed(self, exc: BaseException) -> None:
        self._run.crashed(exc)

    # The end

    def _read(self, data: bytes) -> Optional[Response]:
        """Return the response, None where it cannot be read and the check is over."""
        self._run.facts.body_bytes = len(data)
        try:
            return read_response(data, self._record_type)
        except MessageError as exc:
            self._end("protocol", dns_sentence.unreadable(self._endpoint.place, str(exc)))
            return None

    def _judge(self, response: Response, transport: str) -> None:
        spec, name, record_type, answers = self._spec, self._asked.host, self._asked.record_type, response.answers
        self._run.facts.of_kind = {
            "record_type": record_type,
            "rcode": response.rcode_name,
            "answers": list(answers[:MAX_DNS_ANSWERS_TOLD]),
            "answer_count": len(answers),
            "ttl_s": response.ttl_s,
            "server": self._endpoint.place,
            "transport": transport,
            "is_authoritative": response.is_authoritative,
            "is_authentic": response.is_authentic,
        }
        server = self._endpoint.place
        if response.rcode not in (NO_ERROR, NO_SUCH_NAME):
            self._end("dns", dns_sentence.refused(server, self._question, response.rcode_name))
        elif spec.dns_match == "none":
            if answers:
                self._end("content", dns_sentence.unwanted(name, record_type, answers))
            else:
                self._end(None, "")
        elif response.rcode == NO_SUCH_NAME:
            self._end("dns", dns_sentence.no_such_name(server, name))
        elif not answers:
            self._end("content", dns_sentence.no_record(server, name, record_type))
        elif spec.dns_match == "exact" and set(answers) != set(spec.dns_answers):
            self._end("content", dns_sentence.not_exactly(name, record_type, answers, spec.dns_answers))
        elif spec.dns_match == "contains" and (absent := sorted(set(spec.dns_answers) - set(answers))):
            self._end("content", dns_sentence.missing(name, record_type, answers, absent))
        else:
            self._end(None, "")

    def _end(self, failure: Optional[str], message: str) -> None:
        address = self._address or (self._search.address if self._search is not None else None)
        facts = self._run.facts
        if address is not None:
            facts.address, facts.family = address[1][0], family_of(address)
        if self._connection is not None and self._connection.clock == USER:
            self._clock = USER
        facts.clock = self._clock
        self._run.finish(failure, message)

    @property
    def _question(self) -> str:
        return f"{self._asked.record_type} of {sentence.shown(self._asked.host)}"

    def _new_query(self, with_edns: bool) -> bytes:
        name = reverse_name(self._asked.host)
        return query_bytes(secrets.randbits(16), name, self._record_type, with_edns)

    def _close_socket(self) -> None:
        if self._sock is not None:
            self._run.tools.loop.unwatch(self._sock)
            self._sock.close()
            self._sock = None
