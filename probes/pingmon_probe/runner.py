"""The plan runner: starts every check of the plan in its slot, and again where a result needs a second look.

Slots lie on the wall clock as it was when the check was taken up, and on the monotonic clock from there, so a
step of the wall clock moves nothing. A slot that is missed (asleep, overloaded, still running, before a
re-check) is skipped and counted, never made up.
"""

from __future__ import annotations

import heapq
import math
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Protocol, Tuple

from .evidence_desk import EvidenceDesk, Record
from .loop import Timer
from .protocol import NO_VOTE_FAILURES, RECHECK_AFTER_S, CheckResult, CheckSpec, Plan

#: A slot that comes up later than this is skipped: starting all that a stall has held up would be a burst.
MAX_LATE_S = 1.0
#: Slots handled in one turn of the loop; more that begin at the same moment have theirs in the next turns.
SLOTS_PER_TURN = 200

Done = Callable[[CheckResult], None]


class Clock(Protocol):
    """The part of the loop that the runner uses."""

    def now(self) -> float: ...

    def call_at(self, when_s: float, fn: Callable[..., None], *args: Any) -> Timer: ...


class Starter(Protocol):
    """The part of the measurer that the runner uses."""

    def start(
        self,
        spec: CheckSpec,
        planned_at_s: Optional[float],
        done: Done,
        *,
        on_demand: bool = False,
        recheck: bool = False,
        revision: int = 0,
        keeps_evidence: Optional[Callable[[], bool]] = None,
    ) -> None: ...


class Watched:
    """One check of the plan with its slot and what is known about its target."""

    __slots__ = ("evidence", "is_removed", "next_s", "pending", "recheck_timer", "running", "spec", "was_up")

    def __init__(self, spec: CheckSpec, next_s: float) -> None:
        self.spec = spec
        #: When the next slot begins, on the monotonic clock.
        self.next_s = next_s
        #: The confirmed state: up, down, or None while nothing is known.
        self.was_up: Optional[bool] = None
        #: The last voting result's side, if it would change the confirmed state and has not yet.
        self.pending: Optional[bool] = None
        self.running = 0
        self.recheck_timer: Optional[Timer] = None
        self.is_removed = False
        self.evidence = Record()


Due = Tuple[float, int, Watched]


class Change(NamedTuple):
    """A plan made ready off the loop: the checks it has, and how they differ from those that are watched now."""

    plan: Plan
    checks: Dict[int, Watched]
    added: List[Due]
    removed: List[Watched]


class Runner:
    """Belongs to the loop, but for `prepare`. Judged results go to `on_result` in the order in which they end."""

    def __init__(
        self,
        clock: Clock,
        starter: Starter,
        on_result: Done,
        *,
        judge: Callable[[CheckResult, Done], None] = lambda result, deliver: deliver(result),
        wall_s: Callable[[], float] = time.time,
        desk: Optional[EvidenceDesk] = None,
    ) -> None:
        """`judge(result, deliver)` sets `own_network`, now or a little later, and calls `deliver(result)`."""
        self._clock = clock
        self._starter = starter
        self._on_result = on_result
        self._judge = judge
        self._wall_s = wall_s
        self._desk = desk or EvidenceDesk(clock.now)
        self._checks: Dict[int, Watched] = {}
        self._due: List[Due] = []
        self._timer: Optional[Timer] = None
        self._timer_s = math.inf
        self._is_measuring = False
        self._revision = 0
        #: Slots without a check: missed, still running, or before a re-check.
        self.skipped = 0
        #: Checks started by the plan, re-checks included.
        self.started = 0

    @property
    def count(self) -> int:
        """How many checks the plan has."""
        return len(self._checks)

    @property
    def is_measuring(self) -> bool:
        return self._is_measuring

    def prepare(self, plan: Plan) -> Change:
        """Compare a plan with what is watched now; for a thread, while no other change is on its way.

        An unchanged check keeps its state and its slot; one with any other setting starts afresh.
        """
        now_s, wall_s = self._clock.now(), self._wall_s()
        current = self._checks
        checks: Dict[int, Watched] = {}
        added: List[Due] = []
        for spec in plan.checks:
            watched = current.get(spec.monitor)
            if watched is None or watched.spec != spec:
                watched = Watched(spec, first_slot_s(spec, now_s, wall_s))
                added.append((watched.next_s, spec.monitor, watched))
            checks[spec.monitor] = watched
        removed = [watched for monitor, watched in current.items() if checks.get(monitor) is not watched]
        heapq.heapify(added)
        return Change(plan, checks, added, removed)

    def apply(self, change: Change) -> None:
        """Put a prepared change to work; what runs goes on, results of removed checks are still handed on."""
        for watched in change.removed:
            watched.is_removed = True
            if watched.recheck_timer is not None:
                watched.recheck_timer.cancel()
                watched.recheck_timer = None
        self._checks = change.checks
        self._revision = change.plan.revision
        if not self._is_measuring:
            return
        if len(change.added) > len(self._due):
            self._due, change.added[:] = change.added[:], self._due
        if len(change.added) > 100:
            self._due.extend(change.added)
            heapq.heapify(self._due)
        else:
            for due in change.added:
                heapq.heappush(self._due, due)
        self._set_timer()

    def resume(self) -> None:
        """Start measuring; slots that went by until now are not made up and not counted."""
        if self._is_measuring:
            return
        self._is_measuring = True
        now_s = self._clock.now()
        for watched in self._checks.values():
            _pass_slots(watched, now_s)
        self._due = [(watched.next_s, monitor, watched) for monitor, watched in self._checks.items()]
        heapq.heapify(self._due)
        self._set_timer()

    def pause(self) -> None:
        """Stop measuring (the lease is over); what runs goes on to its end."""
        self._is_measuring = False
        self._due.clear()
        for watched in self._checks.values():
            if watched.recheck_timer is not None:
                watched.recheck_timer.cancel()
                watched.recheck_timer = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def run_on_demand(self, spec: CheckSpec, done: Done) -> None:
        """Run a check now. If it is one of the plan, in the same version, its result counts like any other."""
        watched = self._checks.get(spec.monitor)
        if watched is None or watched.spec.version != spec.version or watched.spec.url != spec.url:
            self._starter.start(spec, None, lambda result: self._judge(result, done), on_demand=True)
            return
        self._start(watched, None, on_demand=True, done=done)

    def _set_timer(self) -> None:
        while self._due and self._due[0][2].is_removed:
            heapq.heappop(self._due)
        when_s = self._due[0][0] if self._due else math.inf
        if self._timer is not None:
            if self._timer_s == when_s:
                return
            self._timer.cancel()
            self._timer = None
        if self._due:
            self._timer_s = when_s
            self._timer = self._clock.call_at(when_s, self._on_due)

    def _on_due(self) -> None:
        self._timer = None
        now_s = self._clock.now()
        for _ in range(SLOTS_PER_TURN):
            if not self._due or self._due[0][0] > now_s:
                break
            slot_s, monitor, watched = heapq.heappop(self._due)
            if watched.is_removed:
                continue
            watched.next_s = slot_s + watched.spec.interval_ms / 1000
            self._run_slot(watched, slot_s, now_s)
            heapq.heappush(self._due, (watched.next_s, monitor, watched))
        self._set_timer()

    def _run_slot(self, watched: Watched, slot_s: float, now_s: float) -> None:
        if now_s - slot_s > MAX_LATE_S:
            # This slot and every other one that went by too long ago; the next is at most MAX_LATE_S old.
            self.skipped += 1 + _pass_slots(watched, now_s - MAX_LATE_S)
        elif watched.running or watched.recheck_timer is not None:
            self.skipped += 1
        else:
            self._start(watched, slot_s)

    def _start(
        self,
        watched: Watched,
        slot_s: Optional[float],
        *,
        recheck: bool = False,
        on_demand: bool = False,
        done: Optional[Done] = None,
    ) -> None:
        watched.running += 1
        if not on_demand:
            self.started += 1

        def on_measured(result: CheckResult) -> None:
            ended_s = self._clock.now()
            self._judge(result, lambda judged: self._on_judged(watched, judged, ended_s, done))

        self._starter.start(
            watched.spec,
            slot_s,
            on_measured,
            on_demand=on_demand,
            recheck=recheck,
            revision=self._revision,
            keeps_evidence=self._desk.asked(watched.evidence),
        )

    def _on_judged(self, watched: Watched, result: CheckResult, ended_s: float, done: Optional[Done]) -> None:
        watched.running -= 1
        self._desk.attend(watched.evidence, result)
        self._on_result(result)
        needs_recheck = self._needs_recheck(watched, result)
        if needs_recheck and watched.recheck_timer is None and self._is_measuring and not watched.is_removed:
            watched.recheck_timer = self._clock.call_at(ended_s + RECHECK_AFTER_S, self._recheck, watched)
        if done is not None:
            done(result)

    def _recheck(self, watched: Watched) -> None:
        watched.recheck_timer = None
        if watched.is_removed or not self._is_measuring:
            return
        if watched.running:
            return  # a check on demand is under way and answers the same question
        self._start(watched, None, recheck=True)

    @staticmethod
    def _needs_recheck(watched: Watched, result: CheckResult) -> bool:
        """Take a result into the state of its check; return whether it must be confirmed by a second one."""
        if result.own_network or result.failure in NO_VOTE_FAILURES:
            return False
        is_up = result.failure is None
        if is_up == watched.was_up or (watched.was_up is None and is_up) or watched.pending == is_up:
            watched.was_up = is_up
            watched.pending = None
            return False
        watched.pending = is_up
        return not result.recheck


def first_slot_s(spec: CheckSpec, now_s: float, wall_s: float) -> float:
    """Return when (monotonic) the first slot of a check from now on begins: where wall time mod interval = phase."""
    wait_ms = (spec.phase_ms - wall_s * 1000) % spec.interval_ms
    return now_s + wait_ms / 1000


def _pass_slots(watched: Watched, now_s: float) -> int:
    """Move a check's next slot to the first one that is not before `now_s`; return how many were passed over."""
    interval_s = watched.spec.interval_ms / 1000
    passed = max(0, math.ceil((now_s - watched.next_s) / interval_s))
    watched.next_s += passed * interval_s
    return passed
