"""One answer to GET /v1/results: a header, the spool's lines from a cursor on, heartbeats in between."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Dict, NamedTuple, Optional, Tuple

from .http_service import Connection, HttpError
from .loop import Timer
from .protocol import HEARTBEAT_S, MAX_ID, MAX_WAIT_S
from .spool import SpoolReader

if TYPE_CHECKING:
    from .service import ProbeService

#: Heartbeats leave a little early, so that they arrive within HEARTBEAT_S.
BEAT_S = HEARTBEAT_S * 0.8
CHUNK_BYTES = 256 * 1024
#: Longest time that a stream with nothing to wait for stays for results still on their way to the spool.
SETTLE_S = 2.0


class ResultsQuery(NamedTuple):
    """`spool` is the spool the cursor belongs to, None if the reader does not say."""

    after: int
    spool: Optional[str]
    wait_s: float


def read_results_query(query: Dict[str, str]) -> ResultsQuery:
    """Read the parameters. Raises HttpError naming the one that is wrong."""
    unknown = sorted(set(query) - {"after", "spool", "wait_s"})
    if unknown:
        raise HttpError(400, "bad_request", f"unknown parameter: {', '.join(unknown)[:100]}")
    after = query.get("after", "0")
    if not (after.isascii() and after.isdigit() and len(after) <= 16 and int(after) <= MAX_ID):
        raise HttpError(400, "bad_request", f"after must be a whole number from 0 to {MAX_ID}")
    try:
        wait_s = float(query.get("wait_s", "0"))
    except ValueError:
        wait_s = -1.0
    if not 0 <= wait_s <= MAX_WAIT_S:
        raise HttpError(400, "bad_request", f"wait_s must be a number from 0 to {MAX_WAIT_S}")
    return ResultsQuery(int(after), query.get("spool") or None, wait_s)


class ResultStream:
    """Pushes lines as long as the client takes them; reads old lines on the spool reader's thread."""

    def __init__(self, service: ProbeService, reply: Connection, query: ResultsQuery) -> None:
        self._service = service
        self._spool = service.spool
        self._reply = reply
        self._reader = SpoolReader(service.spool)
        extent = service.spool.extent()
        self._is_same_spool = query.spool is None or query.spool == extent.id
        self._after = query.after if self._is_same_spool else 0
        # What is measured by now is part of the answer, however short the wait.
        self._owed = service.spool.accepted
        self._must_reach = extent.last
        self._wait_s = query.wait_s
        self._is_due = False
        self._is_reading = False
        self._is_over = False
        self._beat: Optional[Timer] = None
        self._end: Optional[Timer] = None
        self._give_up: Optional[Timer] = None

    def start(self) -> None:
        extent = self._spool.extent()
        header = {
            "spool": extent.id,
            "first": extent.first,
            "last": extent.last,
            "dropped": [list(span) for span in extent.dropped],
            "wall_ms": self._service.heartbeat()["wall_ms"],
        }
        loop = self._service.loop
        self._reply.on_room = self.pump
        self._reply.on_gone = self.end
        self._reply.begin_stream()
        self._reply.send(_line(header))
        self._spool.add_reader()
        self._beat = loop.call_at(loop.now() + BEAT_S, self._on_beat)
        self._end = loop.call_at(loop.now() + self._wait_s, self._on_end)
        self._give_up = loop.call_at(loop.now() + self._wait_s + SETTLE_S, self._on_give_up)
        self.pump()

    def pump(self) -> None:
        """Send what there is, as long as the client has room for it; end when the time is over and nothing is owed."""
        if self._is_over or self._is_reading:
            return
        while self._reply.has_room and not self._reply.is_closed:
            lines = self._spool.lines_after(self._after, CHUNK_BYTES)
            if lines is None:
                self._read_from_disk()
                return
            data, last = lines
            if not data:
                self._end_if_done()
                return
            self._after = last
            self._reply.send(data)

    def end(self) -> None:
        """End the answer; harmless if the client is gone. May be called again."""
        if self._is_over:
            return
        self._is_over = True
        for timer in (self._beat, self._end, self._give_up):
            if timer is not None:
                timer.cancel()
        self._spool.remove_reader()
        self._service.forget_stream(self)
        self._reply.end_stream()

    def _read_from_disk(self) -> None:
        self._is_reading = True
        after = self._after
        self._service.spool_worker.do(lambda: self._reader.read(after, CHUNK_BYTES), self._on_read)

    def _on_read(self, read: Optional[Tuple[bytes, int]], exc: Optional[BaseException]) -> None:
        self._is_reading = False
        if self._is_over:
            return
        if read is None:
            # The client sees its stream break off and asks again; the log says why.
            self._service.on_spool_unreadable(exc)
            self._reply.close()
            return
        data, self._after = read
        if not data:
            self._end_if_done()
            return
        self._reply.send(data)
        self.pump()

    def _end_if_done(self) -> None:
        if self._is_due and self._after >= self._must_reach and self._spool.settled >= self._owed:
            self.end()

    def _on_beat(self) -> None:
        loop = self._service.loop
        self._beat = loop.call_at(loop.now() + BEAT_S, self._on_beat)
        if self._reply.has_room:
            self._reply.send(_line({"heartbeat": self._service.heartbeat()}))

    def _on_end(self) -> None:
        self._is_due = True
        if self._wait_s:
            self._owed = 0
        self.pump()

    def _on_give_up(self) -> None:
        # The spool hangs: what it has not settled comes with the next request.
        self._owed = 0
        self.pump()


def _line(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode("ascii") + b"\n"
