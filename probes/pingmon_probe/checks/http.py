"""The http and https check: request, redirects, expectations."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from pingmon_probe import answer_sentence, sentence
from pingmon_probe.address import refusal
from pingmon_probe.address_search import Resolved
from pingmon_probe.botwall import CHALLENGE_STATUSES, LOOKED_AT_BYTES, challenge_by_headers, challenge_by_page
from pingmon_probe.check import Run
from pingmon_probe.connection import Connection
from pingmon_probe.content import CHARSET, KeywordSearch
from pingmon_probe.evidence import Gathered, Tried, first_bytes
from pingmon_probe.evidence_name import names_of
from pingmon_probe.http1 import HttpError, ResponseParser, authorization, request_bytes
from pingmon_probe.matcher import Answer
from pingmon_probe.protocol import (
    BODY_CAP_BYTES,
    EVIDENCE_BODY_BYTES,
    MAX_REDIRECTS,
    is_harmless,
    read_header_condition,
)
from pingmon_probe.target import Target, TargetError, parse_target, redirect_target
from pingmon_probe.timeline import TRANSFER

from .connected import ConnectedCheck, Outcome

_REDIRECTS = frozenset((301, 302, 303, 307, 308))


class HttpCheck(ConnectedCheck[Target]):
    """One request, through at most five redirects, each hop a cold connection of its own.

    A redirect is followed unless its status is one that the monitor expects, or it follows none. The body of a
    redirect is not waited for. Cookies are not kept between hops. What signs in, and every header that may, stays with
    the first origin; after a 303, or a POST's 301 or 302, a GET follows, as browsers do (RFC 9110, 15.4).
    """

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._search: Optional[KeywordSearch] = None
        self._method = self.spec.method
        self._body = (self.spec.body or "").encode("utf-8", "replace")
        self._is_over = False
        self._parser: ResponseParser
        self._hop_started_s = 0.0
        self._seen: List[str] = []
        #: Of the hops before this one: where, what the resolver said, the head, its status, the address.
        self._past: List[Tuple[Target, Optional[Resolved], bytes, int, Optional[str]]] = []
        #: What came that is no HTTP.
        self._no_http = b""
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

    def gather(self, found: Gathered) -> None:
        for target, answer, head, status, address in self._past:
            found.names += names_of(self.run.tools, target.host, answer)
            found.tried.append(Tried(target.url, address, target.port, f"answered {status}"))
            found.heads.append((target.url, head))
        super().gather(found)
        if self.connection is not None:
            found.tried[-1] = found.tried[-1]._replace(target=self.target.url)
        parser = self._parser
        found.body_bytes = parser.body_bytes
        if parser.head:
            found.heads.append((self.target.url, parser.head))
            found.body = first_bytes(parser.body, EVIDENCE_BODY_BYTES)
            found.content_type = parser.headers.get("content-type", "")
            found.content_coding = parser.headers.get("content-encoding", "").strip().lower()
        else:
            found.body = (parser.pending + self._no_http)[:EVIDENCE_BODY_BYTES]
            found.body_bytes = max(parser.body_bytes, len(parser.pending) + len(self._no_http))

    def close(self) -> None:
        super().close()
        self._search = None
        self._is_over = True

    # Told by the connection

    def opened(self, connection: Connection) -> None:
        spec = self.spec
        if self.target.is_same_origin(self._first):
            headers = (*spec.headers, *authorization(spec.basic_auth, spec.bearer))
        else:
            headers = tuple((name, value) for name, value in spec.headers if is_harmless(name))
        connection.send(request_bytes(self.target, self._method, headers, self._body))

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
            self._no_http = data
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
        spec = self.spec
        is_read = spec.keyword is not None or bool(spec.json_conditions)
        self._parser = ResponseParser(_keep_all if is_read else _keep_beginning, is_head_request=self._method == "HEAD")
        self._hop_started_s = self.run.timeline.total_s
        self.connect(target)

    def _is_redirect(self) -> bool:
        status = self._parser.status
        return status in _REDIRECTS and not self.spec.no_redirects and not _in_ranges(status, self.spec.status_set)

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
        self._past.append((self.target, self.connection.answer, self._parser.head, status, self.run.facts.address))
        if status == 303 or (status in (301, 302) and self._method == "POST"):
            self._method, self._body = "HEAD" if self._method == "HEAD" else "GET", b""
        self._go(target)

    # The end

    def _complete(self) -> None:
        """The last byte is here: judge the answer."""
        parser = self._parser
        assert self.connection is not None
        failure, message = self._judge_head(self.connection)
        self.connection.close()
        spec = self.spec
        if failure is not None or (spec.keyword is None and not spec.json_conditions):
            self.end(failure, message)
            return
        self.run.stop_clock()
        if spec.keyword is not None and not spec.keyword_is_pattern:
            self._search = KeywordSearch(spec.keyword, parser.headers, list(parser.body))
            self._search_on()
        else:
            self._look_inside()

    def _judge_head(self, connection: Connection) -> Outcome:
        parser = self._parser
        wall = challenge_by_headers(parser.headers)
        if wall is None and not _in_ranges(parser.status, self.spec.status_set):
            wall = challenge_by_page(parser.status, parser.headers, b"".join(parser.body))
            if wall is None:
                return "http_status", sentence.wrong_status(self.target, parser.status, self.spec.status_set)
        if wall is not None:
            own = connection.own_address()
            # Behind a router nobody outside knows it by that address.
            is_public = own is not None and refusal(own) is None
            return "blocked", sentence.bot_wall(self.target, wall, own if is_public else None)
        spec = self.spec
        if parser.body_bytes < spec.min_bytes and self._method != "HEAD":
            return "content", answer_sentence.too_small(self.target, parser.body_bytes, spec.min_bytes)
        if spec.max_bytes is not None and parser.body_bytes > spec.max_bytes:
            return "content", answer_sentence.too_large(self.target, parser.body_bytes, spec.max_bytes)
        for text in spec.header_conditions:
            problem = read_header_condition(text).problem(parser.headers)
            if problem is not None:
                return "content", answer_sentence.condition_fails(self.target, problem)
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
            elif self.spec.json_conditions:
                self._look_inside()
            else:
                self.end(None, self.message)
        except Exception as exc:
            self.run.crashed(exc)

    # In the worker

    def _look_inside(self) -> None:
        """Let the worker search for the pattern, then read the JSON."""
        spec = self.spec
        if spec.keyword is not None and spec.keyword_is_pattern:
            self._ask({"pattern": spec.keyword}, self._on_searched)
        else:
            self._ask({"conditions": list(spec.json_conditions)}, self._on_read)

    def _ask(self, job: Dict[str, Any], done: Callable[[Answer], None]) -> None:
        headers = self._parser.headers
        charset = CHARSET.search(headers.get("content-type", ""))
        job["charset"] = charset.group(1) if charset is not None else ""
        job["coding"] = headers.get("content-encoding", "").strip().lower()

        def told(answer: Answer) -> None:
            if self._is_over:
                return
            try:
                done(answer)
            except Exception as exc:
                self.run.crashed(exc)

        self.run.tools.matcher.ask(job, b"".join(self._parser.body), told)

    def _on_searched(self, answer: Answer) -> None:
        spec, target = self.spec, self.target
        assert spec.keyword is not None
        if "found" not in answer:
            self.end(*answer_sentence.not_searched(target, spec.keyword, answer))
        elif answer["found"] and spec.keyword_absent:
            self.end("content", answer_sentence.pattern_present(target, spec.keyword))
        elif not answer["found"] and not spec.keyword_absent:
            self.end("content", answer_sentence.pattern_missing(target, spec.keyword))
        elif spec.json_conditions:
            self._ask({"conditions": list(spec.json_conditions)}, self._on_read)
        else:
            self.end(None, self.message)

    def _on_read(self, answer: Answer) -> None:
        if "wrong" not in answer:
            self.end(*answer_sentence.not_read(self.target, answer))
        elif answer["wrong"] is not None:
            self.end("content", answer_sentence.condition_fails(self.target, answer["wrong"]))
        else:
            self.end(None, self.message)

    def note(self) -> None:
        super().note()
        self.run.facts.http_status = self._parser.status or None
        self.run.facts.body_bytes = self._parser.body_bytes


def _keep_all(status: int) -> int:
    """Return how much of a body is kept where a keyword is searched."""
    return BODY_CAP_BYTES


def _keep_beginning(status: int) -> int:
    """Return how much of a body is kept for a bot wall's page to be known by, or for evidence."""
    return LOOKED_AT_BYTES if status in CHALLENGE_STATUSES else EVIDENCE_BODY_BYTES


def _in_ranges(status: int, ranges: Sequence[Tuple[int, int]]) -> bool:
    return any(low <= status <= high for low, high in ranges)


def _as_text(header: str) -> str:
    """Return a header's bytes (kept as Latin-1) as UTF-8 where they are that."""
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header
