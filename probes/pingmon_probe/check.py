"""One run of one check: its budget of time, its timeline and its single result. The kinds live in `checks/`."""

from __future__ import annotations

import logging
import time
from typing import Any, Callable, Dict, Generator, List, Optional, Tuple

from . import sentence
from .evidence import Gathered, written
from .loop import Timer
from .protocol import LOW_CONFIDENCE_QUEUE_MS, CheckResult, CheckSpec
from .timeline import Timeline
from .tools import Tools

_log = logging.getLogger(__name__)

#: A timer that fires with less than this left counts as due; less would only spin.
TIMEOUT_SLACK_S = 0.0005


class Running:
    """One run's work, as a kind of check does it; made first, then told to begin."""

    def begin(self) -> None:
        """Start. May finish the run before it returns."""
        raise NotImplementedError

    def on_timeout(self, deadline_s: float) -> None:
        """The time of the whole check is used up: finish the run."""
        raise NotImplementedError

    def gather(self, found: Gathered) -> None:
        """Put what a failure leaves behind into `found`, by reference alone; called at the end, before `close`."""

    def close(self) -> None:
        """Let go of every socket and timer, silently. May be called again, and after the run has finished."""
        raise NotImplementedError


class Facts:
    """What a run found out besides times; the kind fills it in as it goes."""

    __slots__ = ("address", "body_bytes", "certificate", "clock", "family", "hops", "http_status", "of_kind")

    def __init__(self) -> None:
        self.address: Optional[str] = None
        self.family: Optional[int] = None
        self.clock = "user"
        self.http_status: Optional[int] = None
        self.body_bytes = 0
        self.certificate: Optional[Dict[str, Any]] = None
        self.hops: List[Dict[str, Any]] = []
        #: What only this kind of check finds out, as `wire.FACTS` lists it.
        self.of_kind: Optional[Dict[str, Any]] = None


class Run:
    """One run. The kind books time on `timeline`, fills `facts`, and calls `stop_clock` and `finish` once each."""

    __slots__ = (
        "_deadline",
        "_done",
        "_finished",
        "_is_given_up",
        "_keeps_evidence",
        "_running",
        "facts",
        "late_ms",
        "marks",
        "outcome",
        "spec",
        "started_at_ms",
        "timeline",
        "tools",
    )

    def __init__(
        self,
        tools: Tools,
        spec: CheckSpec,
        late_s: float,
        marks: Tuple[int, bool, bool],
        done: Callable[[Run, CheckResult], None],
        keeps_evidence: Optional[Callable[[], bool]] = None,
    ) -> None:
        """`marks` are (plan revision, on demand, re-check), passed through to the result.

        `keeps_evidence` is asked when the run has failed; without it nothing is kept.
        """
        self.tools = tools
        self.spec = spec
        self.marks = marks
        self.late_ms = max(0.0, late_s * 1000)
        self.started_at_ms = int(time.time() * 1000)
        self.timeline = Timeline(tools.loop.now())
        self.facts = Facts()
        self._done = done
        self._keeps_evidence = keeps_evidence
        self._running: Optional[Running] = None
        self._finished = False
        self._is_given_up = False
        #: How the run ended, as a sentence; for what it leaves behind.
        self.outcome = ""
        self._deadline: Optional[Timer] = tools.loop.call_at(
            self.timeline.started_s + spec.timeout_ms / 1000, self._on_deadline
        )

    def begin(self, kind: Callable[[Run], Running]) -> None:
        """Start the check; whatever goes wrong in it becomes an `internal` result."""
        try:
            self._running = kind(self)
            self._running.begin()
        except Exception as exc:
            self.crashed(exc)

    def stop_clock(self) -> None:
        """End the timed part; what still comes (reading a certificate, searching a page) has no timeout from here."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def finish(self, failure: Optional[str] = None, message: str = "") -> None:
        """Hand in the result. The first call counts, later ones do nothing."""
        if self._finished:
            return
        self._finished = True
        self.stop_clock()
        self.outcome = message or failure or ""
        result, gathered = self._result(failure, message), None
        if failure is not None and self._keeps_evidence is not None and self._keeps_evidence():
            gathered = self._gathered()
        if self._running is not None:
            self._running.close()
            self._running = None
        if gathered is None:
            self._done(self, result)
        else:
            self._write(result, written(gathered, self.spec))

    def _gathered(self) -> Optional[Gathered]:
        gathered = Gathered()
        try:
            if self._running is not None:
                self._running.gather(gathered)
        except Exception as exc:
            _log.error("the evidence of %s could not be gathered", sentence.shown(self.spec.url, 200), exc_info=exc)
            return None
        return gathered

    def _write(self, result: CheckResult, writing: Generator[None, None, Dict[str, Any]]) -> None:
        """Make the evidence a step per turn of the loop, then hand in the result: its numbers are settled already."""
        if self._is_given_up:
            return
        try:
            next(writing)
            self.tools.loop.call_soon(self._write, result, writing)
            return
        except StopIteration as stop:
            result.evidence = stop.value or None
        except Exception as exc:
            _log.error("the evidence of %s could not be written", sentence.shown(self.spec.url, 200), exc_info=exc)
        self._done(self, result)

    def crashed(self, exc: BaseException) -> None:
        """Turn a bug of our own into a result that says so."""
        _log.error("check of %s failed inside", sentence.shown(self.spec.url, 200), exc_info=exc)
        self.finish("internal", sentence.internal(self.spec.url))

    def close(self) -> None:
        """Give the run up without a result."""
        self._finished = self._is_given_up = True
        self.stop_clock()
        if self._running is not None:
            self._running.close()
            self._running = None

    def _on_deadline(self) -> None:
        try:
            timeline = self.timeline
            # The timeout is the target's budget: what the probe itself held up is given back.
            deadline_s = timeline.started_s + self.spec.timeout_ms / 1000 + timeline.queue_s
            if self._running is not None and deadline_s - self.tools.loop.now() > TIMEOUT_SLACK_S:
                self._deadline = self.tools.loop.call_at(deadline_s, self._on_deadline)
                return
            self._deadline = None
            if self._running is not None:
                self._running.on_timeout(deadline_s)
        except Exception as exc:
            self.crashed(exc)

    def _result(self, failure: Optional[str], message: str) -> CheckResult:
        dns, connect, tls, request, transfer = [
            None if phase_s is None else round(phase_s * 1000, 3) for phase_s in self.timeline.phases_s
        ]
        spent = [ms for ms in (dns, connect, tls, request, transfer) if ms is not None]
        queue_ms = round(self.timeline.queue_s * 1000, 3)
        facts = self.facts
        revision, on_demand, recheck = self.marks
        return CheckResult(
            url=self.spec.url,
            monitor=self.spec.monitor,
            version=self.spec.version,
            revision=revision,
            started_at_ms=self.started_at_ms,
            failure=failure,
            message=message,
            http_status=facts.http_status,
            total_ms=round(sum(spent), 3) if spent else None,
            dns_ms=dns,
            connect_ms=connect,
            tls_ms=tls,
            request_ms=request,
            transfer_ms=transfer,
            late_ms=round(self.late_ms, 3),
            queue_ms=queue_ms,
            clock=facts.clock,
            low_confidence=queue_ms > LOW_CONFIDENCE_QUEUE_MS,
            address=facts.address,
            family=facts.family or self.spec.family or None,
            hops=tuple(facts.hops),
            body_bytes=facts.body_bytes,
            certificate=facts.certificate,
            facts=facts.of_kind,
            recheck=recheck,
            on_demand=on_demand,
        )
