"""The http and https check: request, redirects, expectations."""

from __future__ import annotations

from typing import List, Optional, Sequence, Tuple

from pingmon_probe import sentence
from pingmon_probe.botwall import CHALLENGE_STATUSES, LOOKED_AT_BYTES, challenge_by_headers, challenge_by_page
from pingmon_probe.check import Run
from pingmon_probe.connection import Connection
from pingmon_probe.content import KeywordSearch
from pingmon_probe.http1 import HttpError, ResponseParser, request_bytes
from pingmon_probe.protocol import BODY_CAP_BYTES, MAX_REDIRECTS
from pingmon_probe.target import Target, TargetError, parse_target, redirect_target
from pingmon_probe.timeline import TRANSFER

from .connected import ConnectedCheck, Outcome

_REDIRECTS = frozenset((301, 302, 303, 307, 308))


class HttpCheck(ConnectedCheck[Target]):
    """One GET, through at most five redirects, each hop a cold connection of its own.

    A redirect is followed unless its status is one that the monitor expects. The body of a redirect is not
    waited for. Cookies are not kept between hops.
    """

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._search: Optional[KeywordSearch] = None
        self._parser: ResponseParser
        self._hop_started_s = 0.0
        self._seen: List[str] = []
        self._first: Target

    def begin(self) -> None:
        try:
            self._first = parse_target(self.spec.url)
        except TargetError as exc:
            self.run.finish("protocol", f"The address of this monitor {exc}.")
            return
        self._go(self._first)

    def out_of_time(self, phase: int) -> str:
        return sentence.timed_out(self.target, phase, self.spec.timeout_ms, self._parser.body_bytes)

    def close(self) -> None:
        super().close()
        self._search = None

    # Told by the connection

    def opened(self, connection: Connection) -> None:
        auth = self.spec.basic_auth if self.target.is_same_origin(self._first) else None
        connection.send(request_bytes(self.target, auth))

    def received(self, connection: Connection, data: bytes, is_end: bool) -> None:
        parser = self._parser
        was_in_head = not parser.is_head_done
        try:
            if data:
                if connection.phase != TRANSFER:
                    connection.phase = TRANSFER
                    self.run.timeline.world(TRANSFER, self.run.timeline.mark_s)
                parser.feed(data)
            if is_end and not parser.is_done:
                parser.finish()
        except HttpError as exc:
            if is_end and not data:
                connection.settle(self.run.tools.loop.turn_s)
            self.end("protocol", sentence.bad_http(self.target, str(exc)))
            return
        if was_in_head and parser.is_head_done and self._is_redirect():
            self._follow()
        elif parser.is_done:
            self._complete()

    # One hop after the other

    def _go(self, target: Target) -> None:
        self._seen.append(target.url)
        self._parser = ResponseParser(_keep_challenges if self.spec.keyword is None else _keep_all)
        self._hop_started_s = self.run.timeline.total_s
        self.connect(target)

    def _is_redirect(self) -> bool:
        return self._parser.status in _REDIRECTS and not _in_ranges(self._parser.status, self.spec.status_set)

    def _follow(self) -> None:
        status = self._parser.status
        location = self._parser.headers.get("location")
        if location is None:
            self.end("http_status", sentence.redirect_without_location(self.target, status))
            return
        try:
            target = redirect_target(self.target, _as_text(location))
        except TargetError as exc:
            self.end("protocol", sentence.bad_redirect(self.target, str(exc)))
            return
        if target.url in self._seen:
            self.end("too_many_redirects", sentence.redirect_loop(target))
            return
        if len(self.run.facts.hops) >= MAX_REDIRECTS:
            self.end("too_many_redirects", sentence.too_many_redirects(self.target, MAX_REDIRECTS))
            return
        self.note()
        assert self.connection is not None
        self.run.facts.hops.append(
            {
                "url": self.target.url,
                "http_status": status,
                "address": self.run.facts.address,
                "total_ms": round((self.run.timeline.total_s - self._hop_started_s) * 1000, 3),
            }
        )
        self.connection.close()
        self._go(target)

    # The end

    def _complete(self) -> None:
        """The last byte is here: judge the answer."""
        parser = self._parser
        assert self.connection is not None
        self.connection.close()
        failure, message = self._judge_head()
        if failure is not None or self.spec.keyword is None:
            self.end(failure, message)
            return
        self.run.stop_clock()
        self._search = KeywordSearch(self.spec.keyword, parser.headers, parser.body)
        self._search_on()

    def _judge_head(self) -> Outcome:
        parser = self._parser
        wall = challenge_by_headers(parser.headers)
        if wall is None and not _in_ranges(parser.status, self.spec.status_set):
            wall = challenge_by_page(parser.status, parser.headers, b"".join(parser.body))
            if wall is None:
                return "http_status", sentence.wrong_status(self.target, parser.status, self.spec.status_set)
        if wall is not None:
            return "blocked", sentence.bot_wall(self.target, wall)
        return None, self.message

    def _search_on(self) -> None:
        try:
            search, keyword = self._search, self.spec.keyword
            if search is None or keyword is None:
                return
            if not search.step():
                self.run.tools.loop.call_soon(self._search_on)
                return
            self._search = None
            if search.found and self.spec.keyword_absent:
                self.end("content", sentence.keyword_present(self.target, keyword))
            elif search.problem is not None:
                self.end("content", sentence.page_unreadable(self.target, search.problem))
            elif not search.found and not self.spec.keyword_absent:
                self.end("content", sentence.keyword_missing(self.target, keyword))
            else:
                self.end(None, self.message)
        except Exception as exc:
            self.run.crashed(exc)

    def note(self) -> None:
        super().note()
        self.run.facts.http_status = self._parser.status or None
        self.run.facts.body_bytes = self._parser.body_bytes


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
