"""When a failing check leaves evidence: once in each outage, not too often, and not for everybody at once.

The runner asks before a check starts and shows every judged result before it is handed on.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional

from .allowance import Allowance
from .protocol import EVIDENCE_PAUSE_S, CheckResult
from .route import Tracer

#: Over all checks: so much at once, and so much more as time goes by. A day's evidence then leaves the spool its room
#: for results, and a thousand targets that fail together cost a few megabytes.
BURST = 100
PER_S = 1 / 60
#: Failures that may lie on the way: whoever gave an answer was reached.
ROUTE_FAILURES = frozenset(("connect_refused", "connect_timeout", "timeout", "tls_handshake", "protocol", "loss"))


class Record:
    """What is remembered of one check."""

    __slots__ = ("has_kept", "next_s", "route")

    def __init__(self) -> None:
        #: Whether the outage that is going on left its evidence.
        self.has_kept = False
        #: Before that time nothing new is kept, however often the check fails.
        self.next_s = 0.0
        #: The way to the address that failed, until a result takes it along.
        self.route: Optional[Dict[str, Any]] = None


class EvidenceDesk:
    """Belongs to the loop."""

    def __init__(
        self, now_s: Callable[[], float], tracer: Optional[Tracer] = None, burst: int = BURST, per_s: float = PER_S
    ) -> None:
        self._now_s = now_s
        self._tracer = tracer
        self._allowance = Allowance(per_s, burst, now_s)

    def asked(self, record: Record) -> Optional[Callable[[], bool]]:
        """Return what a check that starts now asks when it has failed, None where it need not ask."""
        if record.has_kept or self._now_s() < record.next_s:
            return None
        return lambda: not record.has_kept and self._allowance.take(1)

    def attend(self, record: Record, result: CheckResult) -> None:
        """Look at a judged result: what it leaves, and whether something goes along with it."""
        if result.own_network:
            # Nothing is the matter with the target, as far as anybody knows.
            if result.evidence is not None:
                result.evidence = None
                self._allowance.give_back(1)
            return
        if result.evidence is not None:
            record.has_kept = True
            record.next_s = self._now_s() + EVIDENCE_PAUSE_S
            record.route = None
            self._trace(record, result)
        elif record.route is not None:
            result.evidence, record.route = record.route, None
        if result.failure is None:
            record.has_kept = False

    def _trace(self, record: Record, result: CheckResult) -> None:
        """Look for the way to the address that failed: that takes seconds, and this result goes out at once."""
        tried = (result.evidence or {}).get("tried")
        if self._tracer is None or not tried or result.failure not in ROUTE_FAILURES or tried[-1]["address"] is None:
            return
        failed_at_ms = result.started_at_ms

        def on_done(route: Optional[Dict[str, Any]]) -> None:
            if route is not None:
                record.route = {"failed_at_ms": failed_at_ms, "route": route}

        self._tracer.trace(tried[-1]["address"], tried[-1]["port"], on_done)
