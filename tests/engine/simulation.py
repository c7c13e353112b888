"""A day of engine, collectors and the probes' own plan runners in one process, on a clock that only jumps.

The network between them cuts links by a seed, hosts are rebooted, the app is killed and started again. What every
probe measured is compared with what the store has: see `Simulation.run`.
"""

from __future__ import annotations

import asyncio
import json
import random
import selectors
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from pingmon_probe.protocol import (
    FEATURES,
    MAX_BATCH_RESULTS,
    CheckResult,
    CheckSpec,
    Plan,
    encode_batch,
)
from pingmon_probe.runner import Runner

from pingmon_gui.domain.error import ProbeUnreachable, RevisionTooLow
from pingmon_gui.domain.history import SeriesHistory
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.region import REGIONS
from pingmon_gui.domain.result import ProbeId, ResultBatch
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.engine import Engine
from pingmon_gui.engine.link import Heartbeat, ProbeStatus, StreamHeader
from pingmon_gui.fleet.decode import decode_batch
from tests.engine.fakes import START_MS, FakeStore, monitor

HEARTBEAT_S = 5.0
SILENCE_S = 15.0
COMMIT_S = 5.0
#: Coarser than life, so that a day takes a minute: how often domains are measured, results written, time let pass.
INTERVAL_MS = 60_000
WRITE_S = 20.0
TICK_S = 10.0
HOUR_S = 3_600.0


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time stands still while something can be done, and jumps to the next timer when not."""

    def __init__(self) -> None:
        super().__init__(_JumpingSelector(self))
        self.now_s = 0.0

    def time(self) -> float:
        return self.now_s

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Do it here and now: no thread may be under way when time jumps."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as exc:
            future.set_exception(exc)
        return future


class _JumpingSelector(selectors.DefaultSelector):  # type: ignore[valid-type, misc]
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("nothing will ever happen any more")
        if not ready and timeout is not None:
            self._loop.now_s += timeout
        return ready


class VirtualClock:
    """The engine's clock and the probes', from the loop's time."""

    error_ms = 0.0

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now(self) -> float:
        return self._loop.now_s

    def call_at(self, when_s: float, fn: Callable[..., None], *args: Any) -> Any:
        return self._loop.call_at(when_s, fn, *args)

    def wall_s(self) -> float:
        return START_MS / 1000 + self._loop.now_s

    def now_ms(self) -> int:
        return START_MS + round(self._loop.now_s * 1000)

    def monotonic_s(self) -> float:
        return self._loop.now_s


class SimulatedProbe:
    """A probe's own runner with made-up targets: monitor ids that are odd are always up, even ones come and go."""

    def __init__(self, probe: Probe, clock: VirtualClock, chance: random.Random) -> None:
        self.probe = probe
        self.is_cut = False
        self.plan: Plan | None = None
        self.measured: list[tuple[int, int]] = []
        self.lines: list[tuple[int, int, bytes]] = []  # first seq, last seq, line
        self._clock = clock
        self._chance = chance
        self._life = 0
        self._unwritten: list[CheckResult] = []
        self.news = asyncio.Event()
        self._runner = self._new_runner()

    def _new_runner(self) -> Runner:
        return Runner(self._clock, self, self._on_result, wall_s=self._clock.wall_s)

    @property
    def last_seq(self) -> int:
        return len(self.measured)

    def take(self, plan: Plan) -> None:
        self.plan = plan
        self._runner.apply(self._runner.prepare(plan))
        self._runner.resume()

    async def reboot(self, away_s: float) -> None:
        """Lose what runs, keep plan and spool."""
        self._life += 1
        self._runner.pause()
        self.is_cut = True
        await asyncio.sleep(away_s)
        self.is_cut = False
        self._runner = self._new_runner()
        if self.plan is not None:
            self.take(self.plan)

    def run_on_demand(self, spec: CheckSpec, done: Callable[[CheckResult], None]) -> None:
        self._runner.run_on_demand(spec, done)

    def start(
        self,
        spec: CheckSpec,
        planned_at_s: float | None,
        done: Callable[[CheckResult], None],
        *,
        on_demand: bool = False,
        recheck: bool = False,
        revision: int = 0,
        keeps_evidence: Callable[[], bool] | None = None,
    ) -> None:
        """Measure, as the runner's starter."""
        began_s, life = self._clock.now(), self._life
        is_down = spec.monitor % 2 == 0 and int(began_s // 600 + spec.monitor) % 5 == 0
        took_s = spec.timeout_ms / 1000 if is_down else 0.02 + self._chance.random() * 0.3
        result = CheckResult(
            url=spec.url,
            monitor=spec.monitor,
            version=spec.version,
            revision=revision,
            started_at_ms=self._clock.now_ms(),
            failure="timeout" if is_down else None,
            http_status=None if is_down else 200,
            total_ms=took_s * 1000,
            connect_ms=took_s * 1000,
            family=4,
            recheck=recheck,
            on_demand=on_demand,
        )

        def end() -> None:
            if life == self._life:
                done(result)

        self._clock.call_at(began_s + took_s, end)

    def _on_result(self, result: CheckResult) -> None:
        if result.monitor and self.plan is not None:
            if not self._unwritten:
                self._clock.call_at(self._clock.now() + WRITE_S, self._write)
            self._unwritten.append(result)

    def _write(self) -> None:
        while self._unwritten:
            some, self._unwritten = self._unwritten[:MAX_BATCH_RESULTS], self._unwritten[MAX_BATCH_RESULTS:]
            first = self.last_seq + 1
            self.measured += [(result.monitor, result.started_at_ms) for result in some]
            self.lines.append((first, self.last_seq, encode_batch(first, some)))
        self.news.set()
        self.news = asyncio.Event()


class SimulatedLink:
    """The engine's way to a probe, over a network that may break at any await."""

    restarts = 0
    problem = None

    def __init__(self, remote: SimulatedProbe, clock: VirtualClock, chance: random.Random) -> None:
        self._remote = remote
        self._clock = clock
        self._chance = chance

    @property
    def probe(self) -> Probe:
        return self._remote.probe

    async def start(self) -> None:
        await self._travel()

    def hurry(self) -> None:
        """Nothing is known of connections here."""

    async def close(self) -> None:
        """There is nothing to close."""

    async def _travel(self) -> None:
        await asyncio.sleep(0.02 + self._chance.random() * 0.2)
        if self._remote.is_cut:
            if self._chance.random() < 0.5:
                await asyncio.sleep(SILENCE_S)
            raise ProbeUnreachable("The link is cut.")

    async def status(self) -> ProbeStatus:
        await self._travel()
        plan = self._remote.plan
        return ProbeStatus(
            version="1",
            features=FEATURES,
            owner=plan.owner if plan else None,
            revision=plan.revision if plan else 0,
            plan_hash=plan.content_hash if plan else None,
            spool="spool",
            last_seq=self._remote.last_seq,
            wall_ms=self._clock.now_ms(),
            clock_offset_ms=0.0,
            votes=True,
            reason=None,
            late_p99_ms=0.1,
            skipped=0,
        )

    async def put_plan(self, plan: Plan) -> int:
        await self._travel()
        current = self._remote.plan
        if current is not None and plan.revision <= current.revision and plan.content_hash != current.content_hash:
            raise RevisionTooLow("There is a newer plan.", current.revision)
        self._remote.take(plan)
        await self._travel()  # the answer may be lost as well
        return plan.revision

    async def results(
        self, after: int, spool: str | None, wait_s: float
    ) -> AsyncGenerator[StreamHeader | ResultBatch | Heartbeat, None]:
        await self._travel()
        remote, until_s = self._remote, self._clock.now() + wait_s
        if spool != "spool":
            after = 0
        yield StreamHeader("spool", 1, remote.last_seq, (), self._clock.now_ms(), 0.0)
        place = next((place for place, line in enumerate(remote.lines) if line[1] > after), len(remote.lines))
        while self._clock.now() < until_s:
            while place < len(remote.lines):
                _, last, line = remote.lines[place]
                await self._travel()
                batch = decode_batch(json.loads(line), remote.probe.id, "spool", after)
                place += 1
                if batch is not None:
                    after = last
                    yield batch
            with suppress(TimeoutError):
                await asyncio.wait_for(remote.news.wait(), HEARTBEAT_S)
            if place == len(remote.lines):
                await self._travel()
                revision = remote.plan.revision if remote.plan else 0
                yield Heartbeat(self._clock.now_ms(), 0.1, 0, True, None, revision)

    async def run_checks(self, specs: Sequence[CheckSpec]) -> AsyncGenerator[CheckResult, None]:
        await self._travel()
        done: asyncio.Queue[CheckResult] = asyncio.Queue()
        for spec in specs:
            self._remote.run_on_demand(spec, done.put_nowait)
        for _ in specs:
            try:
                result = await asyncio.wait_for(done.get(), 60.0)
            except TimeoutError as exc:
                raise ProbeUnreachable("The probe fell silent.") from exc
            await self._travel()
            yield result


class GatheringStore(FakeStore):
    """Commits every 5 s, cursor and results at once; `crash` loses what was not committed."""

    def __init__(self, *monitors: Monitor) -> None:
        super().__init__(*monitors)
        self._gathered: list[ResultBatch] = []
        self._timer: asyncio.TimerHandle | None = None
        self.kept_rows: dict[ProbeId, list[tuple[int, int]]] = {}

    def append(self, batch: ResultBatch) -> None:
        self._gathered.append(batch)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(COMMIT_S, self.commit)

    def commit(self) -> None:
        self._timer = None
        for batch in self._gathered:
            super().append(batch)
            rows = zip(batch.monitor.tolist(), batch.started_at_ms.tolist(), strict=True)
            self.kept_rows.setdefault(batch.probe, []).extend(rows)
        self._gathered.clear()
        # The board's warm start needs the last hour, and the day's memory is in `kept_rows`.
        del self.batches[:-2_000]

    def crash(self) -> None:
        self._gathered.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def flush(self) -> None:
        self.commit()

    async def results(self, *_: object, **__: object) -> list[SeriesHistory]:
        """Say nothing: recounts of the rolling hour have their own tests."""
        return []


@dataclass(frozen=True)
class Outcome:
    """What came of a simulated span."""

    measured: int
    lost: int
    doubled: int
    cuts: int
    reboots: int
    kills: int
    false_alarms: int


class Simulation:
    """`monitors` domains watched by `probes` probes for `hours`; everything that goes wrong comes from `seed`."""

    def __init__(self, *, monitors: int, probes: int, hours: float, seed: int) -> None:
        self._seed = seed
        self._chance = random.Random(seed)
        self._monitors = [monitor(2 + n, interval_ms=INTERVAL_MS) for n in range(monitors)]
        self._count = probes
        self._end_s = hours * HOUR_S
        self._cuts = self._reboots = self._kills = self._false_alarms = 0

    def run(self) -> Outcome:
        """Let the time pass, heal everything, and compare the store with what every probe measured."""
        loop = VirtualLoop()
        asyncio.set_event_loop(loop)
        # The engine spreads its pauses by the process's own chance.
        state = random.getstate()
        random.seed(self._seed)
        try:
            return loop.run_until_complete(self._live(loop))
        finally:
            random.setstate(state)
            asyncio.set_event_loop(None)
            loop.close()

    async def _live(self, loop: VirtualLoop) -> Outcome:
        clock = VirtualClock(loop)
        store = GatheringStore(*self._monitors)
        probes = [
            SimulatedProbe(Probe(ProbeId(10 + place), f"probe {place}", REGIONS[1 + place % 5]), clock, self._chance)
            for place in range(self._count)
        ]
        trouble = [asyncio.create_task(self._trouble(probe)) for probe in probes]
        while clock.now() < self._end_s:
            await self._app_life(store, probes, clock)
            await asyncio.sleep(self._chance.expovariate(1 / 600))
        for task in trouble:
            task.cancel()
        await asyncio.gather(*trouble, return_exceptions=True)
        for probe in probes:
            probe.is_cut = False
        engine = self._engine(store, probes, clock)
        await engine.start()
        await asyncio.sleep(600)
        for probe in probes:
            probe._runner.pause()
        await asyncio.sleep(120)
        await engine.stop()
        lost = doubled = 0
        for probe in probes:
            kept = store.kept_rows.get(probe.probe.id, [])
            lost += len(set(enumerate(probe.measured)) - set(enumerate(kept)))
            doubled += max(0, len(kept) - len(probe.measured))
        measured = sum(len(probe.measured) for probe in probes)
        return Outcome(measured, lost, doubled, self._cuts, self._reboots, self._kills, self._false_alarms)

    def _engine(self, store: GatheringStore, probes: list[SimulatedProbe], clock: VirtualClock) -> Engine:
        engine = Engine(store, [SimulatedLink(probe, clock, self._chance) for probe in probes], clock)
        engine.tick_s = TICK_S
        return engine

    async def _app_life(self, store: GatheringStore, probes: list[SimulatedProbe], clock: VirtualClock) -> None:
        """Let the app run for an hour or so; it is quit or killed, and always-up domains are watched for alarms."""
        engine = self._engine(store, probes, clock)
        await engine.start()
        until_s = clock.now() + self._chance.expovariate(1 / HOUR_S)
        while clock.now() < min(until_s, self._end_s):
            await asyncio.sleep(TICK_S)
            self._false_alarms += self._alarms(engine)
        if self._chance.random() < 0.5:
            self._kills += 1
            store.crash()
            # What a killed process leaves: no orderly stop ever reaches the store.
            await engine.stop()
            store.crash()
        else:
            await engine.stop()

    @staticmethod
    def _alarms(engine: Engine) -> int:
        board = engine.board
        rows = np.array([board.row_of[MonitorId(one)] for one in board.row_of if one % 2])
        return int(np.isin(board.verdict[rows], (Verdict.OFFLINE, Verdict.REGIONAL)).sum())

    async def _trouble(self, probe: SimulatedProbe) -> None:
        while True:
            await asyncio.sleep(self._chance.expovariate(1 / 900))
            if self._chance.random() < 0.2:
                self._reboots += 1
                await probe.reboot(self._chance.uniform(5, 120))
            else:
                self._cuts += 1
                probe.is_cut = True
                await asyncio.sleep(self._chance.choice((0.1, 1.0, 8.0, 60.0, 600.0)))
                probe.is_cut = False
