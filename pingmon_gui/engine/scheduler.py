"""The scheduler of one probe: keeps its plan equal to what the monitors ask for, and runs checks at once on demand."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace

from pingmon_probe.protocol import MAX_CHECKS_PER_PLAN, MAX_CHECKS_PER_REQUEST, Plan

from pingmon_gui.domain.error import ProbeError, ProbeOwned, ProbeUnreachable, ProbeVersionMismatch, RevisionTooLow
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.preference import Preferences, anchors
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.desk import ProbeDesk
from pingmon_gui.engine.link import ProbeLink, ProbeStatus
from pingmon_gui.engine.plan import (
    UPGRADE_THIS_PROBE,
    KnownChecks,
    checks_for,
    checks_of_probe,
    make_plan,
    with_revision,
)
from pingmon_gui.nap import BackOff, Nap

_log = logging.getLogger(__name__)

#: Changes that follow each other this closely become one plan.
DEBOUNCE_S = 0.05
#: Slices of checks that may run on demand at a time: one with hanging targets must not hold up the next.
SLICES_AT_A_TIME = 4
HANDFUL = 20
#: Up to so many checks a plan is hashed on the loop (1 ms); a longer one in a thread.
SMALL_PLAN = 100


class Scheduler:
    """`run` never ends by itself. `changed` and `check_now` only take note; the work is done by `run`."""

    def __init__(
        self,
        link: ProbeLink,
        desk: ProbeDesk,
        board: Board,
        owner: str,
        preferences: Callable[[], Preferences],
        nap: Nap,
        turn: asyncio.Lock | None = None,
    ) -> None:
        """`turn` is shared by the schedulers of an engine: threads that make plans at once would starve the window."""
        self._link = link
        self._desk = desk
        self._board = board
        self._owner = owner
        self._preferences = preferences
        self._nap = nap
        self._turn = turn or asyncio.Lock()
        self._known: KnownChecks = {}
        self._features: tuple[str, ...] = ()
        self._revision = 0
        self._assigned_hash: str | None = None
        self._is_answering = False
        self._is_changed = True
        access = link.probe.access
        self._may_take_over = access is not None and access.is_taken_over
        self._wanted: dict[MonitorId, None] = {}
        #: Monitors, each in a version, that run on demand just now: asked for twice, they are run once.
        self._under_way: set[tuple[MonitorId, int]] = set()
        self._wake: asyncio.Event | None = None

    def connected(self, status: ProbeStatus) -> None:
        """The probe answered: what it has may not be what we gave it, so compare."""
        self._features = status.features
        self._is_answering = True
        is_ours = status.owner == self._owner
        self._assigned_hash = status.plan_hash if is_ours else None
        self._revision = max(self._revision, status.revision) if is_ours else self._revision
        self._notify(is_changed=True)
        self._nap.wake()

    def revision_heard(self, revision: int) -> None:
        """A heartbeat named the plan in force; another one than ours means the probe lost it."""
        if self._assigned_hash is not None and revision != self._revision:
            _log.info("probe %s has revision %d instead of %d", self._link.probe.name, revision, self._revision)
            self._assigned_hash = None
            self._notify(is_changed=True)

    def changed(self) -> None:
        """Monitors or anchors changed."""
        self._notify(is_changed=True)

    def take_over(self) -> None:
        """The user confirmed that the probe's present owner gives way to us."""
        self._may_take_over = True
        self._assigned_hash = None
        self._notify(is_changed=True)
        self._nap.wake()

    def check_now(self, ids: Iterable[MonitorId]) -> None:
        """Run the checks of these monitors as soon as the probe has them in its plan, unless they are under way."""
        self._wanted.update(dict.fromkeys(ids))
        self._notify()

    async def run(self) -> None:
        """Assign and run on demand until cancelled."""
        self._wake = asyncio.Event()
        self._notify()
        slots = asyncio.Semaphore(SLICES_AT_A_TIME)
        back_off = BackOff()
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._wake.wait()
                await self._nap.sleep(DEBOUNCE_S)
                self._wake.clear()
                if not self._is_answering:
                    continue
                try:
                    await self._assign()
                    back_off.reset()
                except ProbeError as exc:
                    if isinstance(exc, ProbeOwned | ProbeVersionMismatch):
                        self._desk.plan_refused(str(exc))
                    # That it is not reached is the collector's to say, and no news with every try.
                    level = logging.INFO if isinstance(exc, ProbeUnreachable) else logging.WARNING
                    _log.log(level, "probe %s took no plan: %s", self._link.probe.name, exc)
                    await self._nap.sleep(back_off.next_s())
                    self._notify(is_changed=True)
                    continue
                for wanted in self._slices():
                    # A handful never waits behind a long list: a domain that was just added shows at once.
                    turn = contextlib.nullcontext() if len(wanted) <= HANDFUL else slots
                    tasks.create_task(self._run_slice(wanted, turn), name=f"checks:{self._link.probe.name}")

    def _notify(self, *, is_changed: bool = False) -> None:
        self._is_changed |= is_changed
        if self._wake is not None:
            self._wake.set()

    async def _assign(self) -> None:
        if not self._is_changed:
            return
        self._is_changed = False
        try:
            plan, content_hash = await self._build()
            if content_hash != self._assigned_hash:
                plan = replace(with_revision(plan, self._revision + 1), take_over=self._may_take_over)
                self._revision = await self._put(plan)
                self._assigned_hash = content_hash
                self._may_take_over = False
        except ProbeError:
            self._is_changed = True
            raise
        self._desk.plan_accepted()

    async def _build(self) -> tuple[Plan, str]:
        probe, monitors = self._link.probe, list(self._board.monitors.values())
        regions = {health.probe.region for health in self._board.probes.values()}
        words = anchors(self._preferences().text("anchors"))

        def build() -> tuple[Plan, str, list[MonitorId]]:
            checks, left_out = checks_of_probe(monitors, probe, regions, self._features, self._known)
            if len(checks) > MAX_CHECKS_PER_PLAN:
                _log.error("probe %s can take %d of %d checks", probe.name, MAX_CHECKS_PER_PLAN, len(checks))
            return *make_plan(self._owner, 1, checks[:MAX_CHECKS_PER_PLAN], words, self._features), left_out

        if len(monitors) <= SMALL_PLAN:
            plan, content_hash, left_out = build()
        else:
            async with self._turn:
                plan, content_hash, left_out = await asyncio.to_thread(build)
        self._board.set_left_out(probe.id, dict.fromkeys(left_out, UPGRADE_THIS_PROBE))
        return plan, content_hash

    async def _put(self, plan: Plan) -> int:
        try:
            return await self._link.put_plan(plan)
        except RevisionTooLow as exc:
            # A restored backup: the probe has seen later plans of ours, and this one is the newest now.
            return await self._link.put_plan(with_revision(plan, exc.current + 1))

    def _slices(self) -> list[list[Monitor]]:
        wanted, self._wanted = self._wanted, {}
        region = self._link.probe.region
        known = [self._board.monitors[monitor] for monitor in wanted if monitor in self._board.monitors]
        out = self._board.left_out.get(self._link.probe.id, {})
        ready = [m for m in known if not m.is_paused and m.watched_from(region) and m.id not in out]
        ready = [m for m in ready if (m.id, m.version) not in self._under_way]
        self._under_way |= {(m.id, m.version) for m in ready}
        size = MAX_CHECKS_PER_REQUEST // max((m.check_count for m in ready), default=1)
        return [ready[i : i + size] for i in range(0, len(ready), size)]

    async def _run_slice(self, monitors: list[Monitor], turn: contextlib.AbstractAsyncContextManager[None]) -> None:
        """Run the checks and drain the answers: the same results come by the stream, and only those are kept."""
        regions = {health.probe.region for health in self._board.probes.values()}
        checks = [check for monitor in monitors for check in checks_for(monitor, self._link.probe, regions)]
        try:
            async with turn, contextlib.aclosing(self._link.run_checks(checks)) as results:
                async for _ in results:
                    pass
        except ProbeUnreachable as exc:
            # What was asked for is still wanted; who is waiting sees that the probe is not reached.
            _log.info("probe %s runs checks on demand when it is reached again: %s", self._link.probe.name, exc)
            self._wanted.update(dict.fromkeys(monitor.id for monitor in monitors))
        except ProbeError as exc:
            _log.warning("probe %s ran no checks on demand: %s", self._link.probe.name, exc)
        finally:
            self._under_way -= {(monitor.id, monitor.version) for monitor in monitors}
