"""The http and https check: request, redirects, expectations."""

from __future__ import annotations

from typing import List, Optional, Sequence, Tuple

from pingmon_probe import sentence
from pingmon_probe.botwall import CHALLENGE_STATUSES, LOOKED_AT_BYTES, challenge_by_headers, challenge_by_page
from pingmon_probe.certificate_look import CertificateLook
from pingmon_probe.check import Run, Running
from pingmon_probe.connection import Connection, Listener
from pingmon_probe.content import KeywordSearch
from pingmon_probe.http1 import HttpError, ResponseParser, request_bytes
from pingmon_probe.protocol import BODY_CAP_BYTES, MAX_REDIRECTS
from pingmon_probe.target import Target, TargetError, parse_target, redirect_target
from pingmon_probe.timeline import CONNECT, TRANSFER

_REDIRECTS = frozenset((301, 302, 303, 307, 308))

#: What a check ends with: the failure class (None = as expected) and its sentence.
Outcome = Tuple[Optional[str], str]


class HttpCheck(Running, Listener):
    """One GET, through at most five redirects, each hop a cold connection of its own.

    A redirect is followed unless its status is one that the monitor expects. The body of a redirect is not
    waited for. Cookies are not kept between hops.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._spec = run.spec
        self._connection: Optional[Connection] = None
        self._look: Optional[CertificateLook] = None
        self._search: Optional[KeywordSearch] = None
        self._parser: ResponseParser
        self._hop_started_s = 0.0
        self._seen: List[str] = []
        self._message = ""
        self._first: Target
        self._target: Target

    # Told by the run

    def begin(self) -> None:
        try:
            self._first = parse_target(self._spec.url)
        except TargetError as exc:
            self._run.finish("protocol", f"The address of this monitor {exc}.")
            return
        self._go(self._first)

    def on_timeout(self, deadline_s: float) -> None:
        connection = self._connection
        if connection is None:
            return
        connection.settle(deadline_s)
        timeout_ms = self._spec.timeout_ms
        if connection.is_lookup_waiting:
            self._end("internal", sentence.resolver_busy(self._target, timeout_ms))
            return
        failure = "connect_timeout" if connection.phase == CONNECT else "timeout"
        self._end(failure, sentence.timed_out(self._target, connection.phase, timeout_ms, self._parser.body_bytes))

    def close(self) -> None:
        # Let go of them as well: they point back here, and thousands of checks are not left to the collector.
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._look is not None:
            self._look.close()
            self._look = None
        self._search = None

    # Told by the connection

    def opened(self, connection: Connection) -> None:
        auth = self._spec.basic_auth if self._target.is_same_origin(self._first) else None
        connection.send(request_bytes(self._target, auth))

    def received(self, connection: Connection, data: bytes, is_end: bool) -> None:
        parser = self._parser
        was_in_head = not parser.is_head_done
        try:
            if data:
                if connection.phase != TRANSFER:
                    connection.phase = TRANSFER
                    self._run.timeline.world(TRANSFER, self._run.timeline.mark_s)
                parser.feed(data)
            if is_end and not parser.is_done:
                parser.finish()
        except HttpError as exc:
            if is_end and not data:
                connection.settle(self._run.tools.loop.turn_s)
            self._end("protocol", sentence.bad_http(self._target, str(exc)))
            return
        if was_in_head and parser.is_head_done and self._is_redirect():
            self._follow()
        elif parser.is_done:
            self._complete()

    def failed(self, connection: Connection, failure: str, message: str) -> None:
        if failure == "tls_verify":
            self._note_hop()
            self._run.stop_clock()
            verdict = connection.verify_error
            assert verdict is not None and connection.address is not None
            self._look = CertificateLook(
                self._run.tools, self._target, connection.address, self._on_refused_certificate
            )
            self._look.read(verdict)
            return
        self._end(failure, message)

    def crashed(self, exc: BaseException) -> None:
        self._run.crashed(exc)

    # One hop after the other

    def _go(self, target: Target) -> None:
        self._target = target
        self._seen.append(target.url)
        self._parser = ResponseParser(_keep_challenges if self._spec.keyword is None else _keep_all)
        self._hop_started_s = self._run.timeline.total_s
        self._connection = Connection(
            self._run.tools, target, self._run.timeline, self, verify=not self._spec.ignore_certificate
        )
        self._connection.start(self._spec.family)

    def _is_redirect(self) -> bool:
        return self._parser.status in _REDIRECTS and not _in_ranges(self._parser.status, self._spec.status_set)

    def _follow(self) -> None:
        status = self._parser.status
        location = self._parser.headers.get("location")
        if location is None:
            self._end("http_status", sentence.redirect_without_location(self._target, status))
            return
        try:
            target = redirect_target(self._target, _as_text(location))
        except TargetError as exc:
            self._end("protocol", sentence.bad_redirect(self._target, str(exc)))
            return
        if target.url in self._seen:
            self._end("too_many_redirects", sentence.redirect_loop(target))
            return
        if len(self._run.facts.hops) >= MAX_REDIRECTS:
            self._end("too_many_redirects", sentence.too_many_redirects(self._target, MAX_REDIRECTS))
            return
        self._note_hop()
        assert self._connection is not None
        self._run.facts.hops.append(
            {
                "url": self._target.url,
                "http_status": status,
                "address": self._run.facts.address,
                "total_ms": round((self._run.timeline.total_s - self._hop_started_s) * 1000, 3),
            }
        )
        self._connection.close()
        self._go(target)

    def _note_hop(self) -> None:
        """Keep what this hop's connection knows; its clock counts for the whole check."""
        connection = self._connection
        assert connection is not None
        facts = self._run.facts
        facts.address = connection.address[1][0] if connection.address is not None else None
        facts.family = connection.family
        is_first = not facts.hops
        facts.clock = connection.clock if is_first or connection.clock == "user" else facts.clock
        if connection.is_retransmitted:
            self._message = sentence.RETRANSMITTED

    # The end

    def _complete(self) -> None:
        """The last byte is here: judge the answer."""
        parser = self._parser
        assert self._connection is not None
        self._connection.close()
        failure, message = self._judge_head()
        if failure is not None or self._spec.keyword is None:
            self._end(failure, message)
            return
        self._run.stop_clock()
        self._search = KeywordSearch(self._spec.keyword, parser.headers, parser.body)
        self._search_on()

    def _judge_head(self) -> Outcome:
        parser = self._parser
        wall = challenge_by_headers(parser.headers)
        if wall is None and not _in_ranges(parser.status, self._spec.status_set):
            wall = challenge_by_page(parser.status, parser.headers, b"".join(parser.body))
            if wall is None:
                return "http_status", sentence.wrong_status(self._target, parser.status, self._spec.status_set)
        if wall is not None:
            return "blocked", sentence.bot_wall(self._target, wall)
        return None, self._message

    def _search_on(self) -> None:
        try:
            search, keyword = self._search, self._spec.keyword
            if search is None or keyword is None:
                return
            if not search.step():
                self._run.tools.loop.call_soon(self._search_on)
                return
            self._search = None
            if search.found and self._spec.keyword_absent:
                self._end("content", sentence.keyword_present(self._target, keyword))
            elif search.problem is not None:
                self._end("content", sentence.page_unreadable(self._target, search.problem))
            elif not search.found and not self._spec.keyword_absent:
                self._end("content", sentence.keyword_missing(self._target, keyword))
            else:
                self._end(None, self._message)
        except Exception as exc:
            self._run.crashed(exc)

    def _end(self, failure: Optional[str], message: str) -> None:
        """Finish, after the certificate's facts are read where there are any."""
        connection = self._connection
        assert connection is not None
        self._note_hop()
        self._run.facts.http_status = self._parser.status or None
        self._run.facts.body_bytes = self._parser.body_bytes
        der = connection.certificate()
        connection.close()
        if der is None:
            self._run.finish(failure, message)
            return
        self._run.stop_clock()
        assert connection.address is not None
        outcome = (failure, message)
        self._look = CertificateLook(
            self._run.tools, self._target, connection.address, lambda look: self._on_certificate(look, outcome)
        )
        self._look.judge(der, is_verified=not self._spec.ignore_certificate)

    def _on_certificate(self, look: CertificateLook, outcome: Outcome) -> None:
        self._run.facts.certificate = look.to_json()
        self._run.finish(*outcome)

    def _on_refused_certificate(self, look: CertificateLook) -> None:
        self._run.facts.certificate = look.to_json()
        self._run.finish("tls_verify", look.sentence or "")


def _keep_all(status: int) -> int:
    """Return how much of a body is kept where a keyword is searched."""
    return BODY_CAP_BYTES


def _keep_challenges(status: int) -> int:
    """Return how much of a body is kept where only a bot wall's page matters."""
    return LOOKED_AT_BYTES if status in CHALLENGE_STATUSES else 0


def _in_ranges(status: int, ranges: Sequence[Tuple[int, int]]) -> bool:
    return any(low <= status <= high for low, high in ranges)


def _as_text(header: str) -> str:
    """Return a header's bytes (kept as Latin-1) as UTF-8 where they are that."""
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header
