"""The probe as a whole: routes of the HTTP service, and the wiring of runner, spool, self-check and measurer."""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from pathlib import Path
from typing import Any, Callable, Deque, Dict, List, Optional, Tuple

from . import __version__
from .allowance import Allowance
from .background import Background
from .disk import Disk
from .evidence_desk import EvidenceDesk
from .exposition import CONTENT_TYPE, result_metrics, status_metrics, text_of
from .http_service import Connection, HttpError, Request
from .loop import Loop, Timer
from .measure import Measurer
from .plan_keeper import Kept, PlanKeeper, PlanRefused
from .protocol import (
    FEATURES,
    MAX_CHECKS_PER_REQUEST,
    MAX_REQUEST_BODY_BYTES,
    PROTOCOL_MAX,
    PROTOCOL_MIN,
    CheckResult,
    CheckSpec,
    Plan,
    ProtocolError,
)
from .result_stream import ResultStream, read_results_query
from .runner import Change, Runner
from .scrape import spec_of
from .selfcheck import SelfCheck
from .spool import Spool

_log = logging.getLogger(__name__)

#: On-demand checks: so many per second, so many at once after a pause; and so many unfinished ones in all.
CHECKS_PER_S = 200.0
CHECKS_BURST = 1_000
MAX_ON_DEMAND = 5_000
MAX_CHECKS_BODY_BYTES = 8 * 1024 * 1024
#: Plans that wait while another one is taken up; one more is turned away.
MAX_PLANS_WAITING = 4
LEASE_LOOK_S = 60.0

#: Made once; json.dumps makes one for every document.
_encode = json.JSONEncoder(separators=(",", ":")).encode

ROUTES: Dict[str, Tuple[str, ...]] = {
    "/v1/status": ("GET",),
    "/v1/plan": ("PUT",),
    "/v1/results": ("GET",),
    "/v1/checks": ("POST",),
    "/metrics": ("GET",),
    "/probe": ("GET",),
}


class ProbeService:
    """Answers requests (`http_service.Application`) and keeps the plan running. Belongs to the loop."""

    def __init__(
        self,
        loop: Loop,
        measurer: Measurer,
        spool: Spool,
        folder: Path,
        *,
        disk: Optional[Disk] = None,
        boot_id: Optional[str] = None,
        region: Optional[str] = None,
        wall_ms: Callable[[], int] = lambda: int(time.time() * 1000),
    ) -> None:
        self.loop = loop
        self.spool = spool
        self._measurer = measurer
        self._boot_id = boot_id
        self._region = region
        self._wall_ms = wall_ms
        self._worker = Background(loop, "worker")
        self.spool_worker = Background(loop, "spool reader")
        self._self_check = SelfCheck(loop)
        self._tracer = measurer.tracer()
        desk = EvidenceDesk(loop.now, self._tracer)
        self._runner = Runner(loop, measurer, spool.append, judge=self._self_check.judge, desk=desk)
        self._keeper = PlanKeeper(folder / "plan.ndjson", disk or Disk(), loop.now, wall_ms)
        self._allowance = Allowance(CHECKS_PER_S, CHECKS_BURST, loop.now)
        self._on_demand = 0
        self._plans: Deque[Tuple[bytearray, Connection]] = deque()
        self._is_planning = False
        self._streams: Dict[ResultStream, None] = {}
        self._is_waking = False
        self._lease_timer: Optional[Timer] = None
        spool.on_written = self._on_spool_written

    def start(self) -> None:
        """Take up the plan that is on disk; call before the loop runs."""
        self._keeper.load()
        if self._keeper.current is not None:
            plan = self._keeper.current.plan
            self._self_check.set_anchors(plan.anchors)
            self._runner.apply(self._runner.prepare(plan))
        self._look_at_lease()

    def close(self) -> None:
        """Stop measuring and end every stream. What was measured is in the spool's hands."""
        self._runner.pause()
        self._tracer.close()
        self._self_check.close()
        if self._lease_timer is not None:
            self._lease_timer.cancel()
        for stream in list(self._streams):
            stream.end()
        self._worker.close()
        self.spool_worker.close()

    # http_service.Application

    def body_limit(self, request: Request) -> int:
        methods = ROUTES.get(request.path)
        if methods is None:
            raise HttpError(404, "not_found", f"There is nothing at {request.path[:100]}.")
        if request.method not in methods:
            raise HttpError(405, "method", f"{request.path} answers {', '.join(methods)} only.")
        if request.path == "/v1/plan":
            return MAX_REQUEST_BODY_BYTES
        return MAX_CHECKS_BODY_BYTES if request.path == "/v1/checks" else 0

    def on_request(self, request: Request, reply: Connection) -> None:
        if request.path not in ("/v1/results", "/probe") and request.query:
            raise HttpError(400, "bad_request", f"{request.path} takes no parameters.")
        if request.path == "/v1/status":
            reply.send_json(self.status())
        elif request.path == "/v1/results":
            self._open_results(request, reply)
        elif request.path == "/v1/plan":
            self._queue_plan(request, reply)
        elif request.path == "/metrics":
            reply.send_body(text_of(status_metrics(self.status())), CONTENT_TYPE)
        elif request.path == "/probe":
            self._probe(request, reply)
        else:
            self._run_checks(request, reply)

    # GET /v1/status

    def status(self) -> Dict[str, Any]:
        """Return the JSON of /v1/status."""
        current = self._keeper.current
        extent = self.spool.extent()
        return {
            "version": __version__,
            "protocol": {"min": PROTOCOL_MIN, "max": PROTOCOL_MAX},
            "features": list(FEATURES),
            "wall_ms": self._wall_ms(),
            "monotonic_ms": int(self.loop.now() * 1000),
            "boot_id": self._boot_id,
            "region": self._region,
            "owner": current.plan.owner if current else None,
            "revision": current.plan.revision if current else 0,
            "plan_hash": current.content_hash if current else None,
            "checks": self._runner.count,
            "lease_until_ms": self._keeper.lease_until_ms,
            "measuring": self._runner.is_measuring,
            "spool": {
                "id": extent.id,
                "first": extent.first,
                "last": extent.last,
                "dropped": [list(span) for span in extent.dropped],
                "bytes": extent.bytes,
                "queue_dropped": extent.queue_dropped,
                "problem": extent.problem,
            },
            "late_p99_ms": round(self.loop.lateness_p99_ms(), 3),
            "skipped": self._runner.skipped,
            "in_flight": self._measurer.in_flight,
            "started": self._runner.started,
            "self_check": self._self_check_json(),
        }

    def heartbeat(self) -> Dict[str, Any]:
        """Return the JSON of a heartbeat line."""
        current = self._keeper.current
        return {
            "wall_ms": self._wall_ms(),
            "late_p99_ms": round(self.loop.lateness_p99_ms(), 3),
            "skipped": self._runner.skipped,
            "self_check": self._self_check_json(),
            "revision": current.plan.revision if current else 0,
            "in_flight": self._measurer.in_flight,
        }

    def _self_check_json(self) -> Dict[str, Any]:
        # What cannot be kept is not handed out either, so nobody can judge by it.
        reason = self._self_check.reason or self.spool.extent().problem
        return {"votes": reason is None, "reason": reason}

    # PUT /v1/plan

    def _queue_plan(self, request: Request, reply: Connection) -> None:
        if len(self._plans) >= MAX_PLANS_WAITING:
            raise HttpError(503, "overloaded", "Several plans are being taken up already.")
        self._plans.append((request.body, reply))
        self._next_plan()

    def _next_plan(self) -> None:
        """Take up the plans one after the other: read it, check it, prepare and save it, apply it."""
        if self._is_planning or not self._plans:
            return
        self._is_planning = True
        body, reply = self._plans.popleft()

        def end(answer: Any, error: Optional[HttpError]) -> None:
            self._is_planning = False
            if error is not None:
                reply.fail(error)
            else:
                reply.send_json(answer)
            self._next_plan()

        def on_read(kept: Optional[Kept], exc: Optional[BaseException]) -> None:
            if kept is None:
                end(None, _as_http_error(exc))
                return
            try:
                is_changed = self._keeper.check(kept.plan, kept.content_hash)
            except PlanRefused as refused:
                end(None, _refusal(refused))
                return
            self._worker.do(lambda: self._prepare(kept), lambda change, exc: on_prepared(kept, is_changed, change, exc))

        def on_prepared(kept: Kept, is_changed: bool, change: Any, exc: Optional[BaseException]) -> None:
            if change is None:
                _log.error("a plan could not be prepared", exc_info=exc)
                end(None, HttpError(503, "internal", "The plan could not be taken up; the probe's log says why."))
                return
            self._keeper.take(kept)
            self._self_check.set_anchors(kept.plan.anchors)
            self._runner.apply(change)
            self._look_at_lease()
            revision, plan_hash = kept.plan.revision, kept.content_hash
            end({"revision": revision, "plan_hash": plan_hash, "changed": is_changed}, None)

        self._worker.do(lambda: _read_plan(body), on_read)

    def _prepare(self, kept: Kept) -> Change:
        """Runs on the worker: compare with the current plan and put the new one on disk."""
        change = self._runner.prepare(kept.plan)
        self._save(kept)
        return change

    def _save(self, kept: Kept) -> None:
        try:
            self._keeper.save(kept)
        except OSError as exc:
            # Measuring goes on; after a restart the probe waits for its owner to send the plan again.
            _log.error("the plan cannot be kept on disk: %s", exc)

    def _renew_lease(self) -> None:
        # While another plan is on its way to disk, it says itself when the owner was seen.
        if self._keeper.renew() and not self._is_planning:
            kept = self._keeper.current
            assert kept is not None
            self._worker.do(lambda: self._save(kept), lambda value, exc: None)
        if self._keeper.current is not None and not self._runner.is_measuring:
            self._look_at_lease()

    def _look_at_lease(self) -> None:
        """Measure while the lease holds."""
        if self._lease_timer is not None:
            self._lease_timer.cancel()
            self._lease_timer = None
        until_s = self._keeper.lease_until_s
        if until_s is None:
            return
        now_s = self.loop.now()
        if until_s > now_s:
            self._runner.resume()
            self._lease_timer = self.loop.call_at(min(until_s, now_s + LEASE_LOOK_S), self._look_at_lease)
        elif self._runner.is_measuring:
            _log.warning("the plan's lease is over: measuring stops until its owner is seen again")
            self._runner.pause()

    # GET /v1/results

    def _open_results(self, request: Request, reply: Connection) -> None:
        query = read_results_query(request.query)
        self._renew_lease()
        stream = ResultStream(self, reply, query)
        self._streams[stream] = None
        stream.start()

    @staticmethod
    def on_spool_unreadable(exc: Optional[BaseException]) -> None:
        _log.error("the spool cannot be read: %s", exc)

    def forget_stream(self, stream: ResultStream) -> None:
        self._streams.pop(stream, None)

    def _on_spool_written(self) -> None:
        # On the spool's thread.
        if not self._is_waking:
            self._is_waking = True
            self.loop.call_soon_threadsafe(self._wake_streams)

    def _wake_streams(self) -> None:
        self._is_waking = False
        for stream in list(self._streams):
            stream.pump()

    # POST /v1/checks

    def _run_checks(self, request: Request, reply: Connection) -> None:
        body = request.body

        def on_read(specs: Optional[List[CheckSpec]], exc: Optional[BaseException]) -> None:
            if specs is None:
                reply.fail(_as_http_error(exc))
                return
            if self._on_demand + len(specs) > MAX_ON_DEMAND:
                reply.fail(HttpError(503, "overloaded", f"{self._on_demand} checks asked for earlier still run."))
            elif not self._allowance.take(len(specs)):
                message = f"More than {CHECKS_PER_S:.0f} checks a second were asked for; try again in a few seconds."
                reply.fail(HttpError(429, "rate", message), [("Retry-After", "5")])
            else:
                self._stream_checks(specs, reply)

        self._worker.do(lambda: _read_checks(body), on_read)

    # GET /probe

    def _probe(self, request: Request, reply: Connection) -> None:
        """Run one check for a scrape, within the limits of all checks on demand; it is in no plan and in no spool."""
        waits = request.headers.get(b"x-prometheus-scrape-timeout-seconds", b"").decode("latin-1")
        try:
            spec = spec_of(request.query, waits)
        except ProtocolError as exc:
            raise _as_http_error(exc) from exc
        if self._on_demand >= MAX_ON_DEMAND or not self._allowance.take(1):
            raise HttpError(429, "rate", "More checks are asked for than this probe does; scrape less often.")

        def on_done(result: CheckResult) -> None:
            self._on_demand -= 1
            reply.send_body(text_of(result_metrics(spec, result)), CONTENT_TYPE)

        self._on_demand += 1
        self._runner.run_on_demand(spec, on_done)

    def _stream_checks(self, specs: List[CheckSpec], reply: Connection) -> None:
        left = len(specs)
        lines: List[str] = []
        reply.begin_stream()
        if not left:
            reply.end_stream()

        def on_done(spec: CheckSpec, result: CheckResult) -> None:
            nonlocal left
            left -= 1
            self._on_demand -= 1
            if reply.is_closed:
                return
            lines.append(_encode(result.to_check_json(spec.slow_ms)) + "\n")
            if len(lines) == 1:
                # At the end of the loop's turn: what is done in one turn leaves together.
                self.loop.call_soon(send)

        def send() -> None:
            reply.send("".join(lines).encode("ascii"))
            lines.clear()
            if not left:
                reply.end_stream()

        self._on_demand += left
        for spec in specs:
            self._runner.run_on_demand(spec, lambda result, spec=spec: on_done(spec, result))  # type: ignore[misc]


def _read_plan(body: bytearray) -> Kept:
    plan = Plan.from_json(_read_json(body))
    return Kept(plan, plan.content_hash)


def _read_checks(body: bytearray) -> List[CheckSpec]:
    document = _read_json(body)
    if not isinstance(document, dict) or set(document) - {"checks"}:
        unknown = sorted(set(document) - {"checks"}) if isinstance(document, dict) else []
        raise ProtocolError(f"unknown field: {', '.join(unknown)[:200]}" if unknown else "the body must be an object")
    checks = document.get("checks")
    if not isinstance(checks, list) or len(checks) > MAX_CHECKS_PER_REQUEST:
        raise ProtocolError(f"checks must be a list of at most {MAX_CHECKS_PER_REQUEST}")
    return [CheckSpec.from_json(check) for check in checks]


def _read_json(body: bytearray) -> Any:
    try:
        return json.loads(body)
    except RecursionError as exc:
        raise ProtocolError("the body is nested too deeply") from exc
    except ValueError as exc:
        raise ProtocolError(f"the body is not JSON: {str(exc)[:100]}") from exc


def _as_http_error(exc: Optional[BaseException]) -> HttpError:
    if isinstance(exc, ProtocolError):
        return HttpError(400, "bad_request", str(exc)[:500])
    _log.error("a request could not be read", exc_info=exc)
    return HttpError(400, "bad_request", "The body cannot be read.")


def _refusal(refused: PlanRefused) -> HttpError:
    if refused.owner is not None:
        return HttpError(409, "owner", "This probe works for another Pingmon.", owner=refused.owner)
    message = "The probe's plan is newer, or differs at this revision; send yours as its revision + 1."
    return HttpError(409, "revision", message, revision=refused.revision)
