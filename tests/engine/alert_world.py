"""A world in which targets, networks, hosts and clocks fail as a test says, with the real engine and policy in it.

Probes are the real plan runner on a clock that only jumps (`simulation`). What is told lands in `posts`.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

import numpy as np
from pingmon_probe.protocol import OWN_NETWORK_DOWN, CheckResult, CheckSpec

from pingmon_gui.domain.alert import AlertEvent, AlertItem, Post
from pingmon_gui.domain.alert_rule import AlertBook, AlertKind
from pingmon_gui.domain.incident import Incident
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.probe import EMBEDDED_PROBE, Probe, ProbeAccess, Supervisor, Transport
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.result import ProbeId, ResultBatch
from pingmon_gui.domain.timeline import Track, VerdictSpan, joined_spans
from pingmon_gui.engine.alert_policy import AlertPolicy
from pingmon_gui.engine.engine import Engine
from pingmon_gui.engine.link import Heartbeat, ProbeStatus, StreamHeader
from pingmon_gui.fleet.decode import decode_batch
from tests.engine.fakes import START_MS, FakeStore
from tests.engine.simulation import SimulatedLink, SimulatedProbe, VirtualClock, VirtualLoop

#: A probe writes what it measured so soon, and the app hears of it.
WRITE_S = 0.05
OUTAGE_EVENTS = (
    AlertEvent.TRIGGERED,
    AlertEvent.JOINED,
    AlertEvent.WORSENED,
    AlertEvent.ESCALATED,
    AlertEvent.REMINDER,
)
_ACCESS = ProbeAccess("host", "root", "host", 22, "pingmon", 1, "key", Supervisor.SYSTEMD)
#: (monitor, place of the probe, moment in s) -> the failure class that is seen, None for a good answer.
Truth = Callable[[int, int, float], str | None]


class ShiftingClock(VirtualClock):
    """A computer's clock: `shift_ms` is how far its time of day was set, or leapt while it slept."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__(loop)
        self.shift_ms = 0

    def wall_s(self) -> float:
        return super().wall_s() + self.shift_ms / 1000

    def now_ms(self) -> int:
        return super().now_ms() + self.shift_ms - round(self.error_ms)


class WorldProbe(SimulatedProbe):
    """`place` is its number; `has_network` its own network: without one every check fails, and it knows why."""

    def __init__(self, place: int, clock: VirtualClock, truth: Truth) -> None:
        if place == 0:
            probe = Probe(EMBEDDED_PROBE, "This computer", REGIONS[0])
        else:
            probe = Probe(ProbeId(10 + place), f"probe {place}", REGIONS[place], Transport.TUNNEL, _ACCESS)
        self.place = place
        self.truth = truth
        self.has_network = True
        super().__init__(probe, clock, random.Random(place))

    @property
    def reason(self) -> str | None:
        return None if self.has_network else OWN_NETWORK_DOWN

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
        began_s, life = self._clock.now(), self._life
        failure = self.truth(spec.monitor, self.place, began_s) if self.has_network else "connect_timeout"
        took_s = spec.timeout_ms / 1000 if failure in ("timeout", "connect_timeout") else 0.03
        result = CheckResult(
            url=spec.url,
            monitor=spec.monitor,
            version=spec.version,
            revision=revision,
            started_at_ms=round(self._clock.wall_s() * 1000),
            failure=failure,
            message="" if failure is None else f"It failed: {failure}.",
            http_status=200 if failure is None else None,
            total_ms=took_s * 1000,
            connect_ms=took_s * 1000,
            address="192.0.2.1",
            family=4,
            recheck=recheck,
            on_demand=on_demand,
        )

        def end() -> None:
            # Anchors are asked when the failure is there.
            result.own_network = failure is not None and not self.has_network
            if life == self._life:
                done(result)

        self._clock.call_at(began_s + took_s, end)

    def _on_result(self, result: CheckResult) -> None:
        if result.monitor and self.plan is not None:
            if not self._unwritten:
                self._clock.call_at(self._clock.now() + WRITE_S, self._write)
            self._unwritten.append(result)


class WorldLink(SimulatedLink):
    """Corrects times by how far the probe's clock is off this computer's, as the fleet's client does."""

    def __init__(self, remote: WorldProbe, clock: ShiftingClock, chance: random.Random) -> None:
        super().__init__(remote, clock, chance)
        self._app = clock
        self._world = remote

    @property
    def _offset_ms(self) -> float:
        return self._world._clock.wall_s() * 1000 - self._app.now_ms()

    async def status(self) -> ProbeStatus:
        found = await super().status()
        votes, reason = self._world.reason is None, self._world.reason
        return ProbeStatus(**{**vars(found), "clock_offset_ms": self._offset_ms, "votes": votes, "reason": reason})

    async def results(
        self, after: int, spool: str | None, wait_s: float
    ) -> AsyncGenerator[StreamHeader | ResultBatch | Heartbeat, None]:
        await self._travel()
        remote, until_s, offset_ms = self._world, self._app.now() + wait_s, self._offset_ms
        if spool != "spool":
            after = 0
        yield StreamHeader("spool", 1, remote.last_seq, (), round(remote._clock.wall_s() * 1000), offset_ms)
        correction = offset_ms if 2_000 < abs(offset_ms) <= 60_000 else 0.0
        place = next((place for place, line in enumerate(remote.lines) if line[1] > after), len(remote.lines))
        heard_s = self._app.now()
        while self._app.now() < until_s:
            while place < len(remote.lines):
                _, last, line = remote.lines[place]
                await self._travel()
                batch = decode_batch(json.loads(line), remote.probe.id, "spool", after, correction)
                place += 1
                if batch is not None:
                    after, heard_s = last, self._app.now()
                    yield batch
            try:
                await asyncio.wait_for(remote.news.wait(), 1.0)
            except TimeoutError:
                await self._travel()
            if place == len(remote.lines) and self._app.now() - heard_s >= 2.0:
                heard_s = self._app.now()
                revision = remote.plan.revision if remote.plan else 0
                yield Heartbeat(self._app.now_ms(), 0.1, 0, remote.reason is None, remote.reason, revision)


class WorldStore(FakeStore):
    """Remembers results and verdicts as the real store does: after a restart the past is judged from them."""

    regions: Mapping[ProbeId, Region]

    async def tracks(self, monitors: Collection[MonitorId], from_ms: int, to_ms: int) -> dict[MonitorId, list[Track]]:
        found: dict[MonitorId, list[Track]] = {}
        for id_ in monitors:
            parts: dict[ProbeId, list[tuple[Any, Any, Any]]] = {}
            for one in self.batches:
                mine = (one.monitor == id_) & (one.started_at_ms >= from_ms) & (one.started_at_ms < to_ms)
                if mine.any():
                    columns = one.started_at_ms[mine], one.interval_ms[mine], one.status[mine]
                    parts.setdefault(one.probe, []).append(columns)
            found[id_] = [self._track(probe, columns) for probe, columns in parts.items()]
        return found

    def _track(self, probe: ProbeId, parts: list[tuple[Any, Any, Any]]) -> Track:
        at_ms, interval_ms, status = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.argsort(at_ms, kind="stable")
        return Track(probe, self.regions[probe], at_ms[order], interval_ms[order], status[order])

    async def verdict_spans(
        self, monitors: Collection[MonitorId], from_ms: int, to_ms: int, *, is_settled: bool = True
    ) -> dict[MonitorId, list[VerdictSpan]]:
        found: dict[MonitorId, list[VerdictSpan]] = {monitor: [] for monitor in monitors}
        for judgement in self.judgements:
            spans = found.get(judgement.monitor)
            if spans is not None and judgement.spans:
                start_ms = judgement.spans[0].start_ms
                kept = [VerdictSpan(s.start_ms, min(s.end_ms, start_ms), s.verdict) for s in spans]
                spans[:] = joined_spans([*(s for s in kept if s.end_ms > s.start_ms), *judgement.spans])
        return {
            monitor: [
                VerdictSpan(max(s.start_ms, from_ms), min(s.end_ms, to_ms), s.verdict)
                for s in spans
                if s.end_ms > from_ms and s.start_ms < to_ms
            ]
            for monitor, spans in found.items()
        }


@dataclass
class Told:
    """One message as it left."""

    at_s: float
    post: Post


@dataclass
class World:
    """`truth` says what probes see; `kept` is the database, which outlives the app."""

    loop: VirtualLoop
    clock: ShiftingClock
    kept: WorldStore
    probes: list[WorldProbe]
    book: AlertBook | None = None
    told: list[Told] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    engine: Engine | None = None
    policy: AlertPolicy | None = None
    _run: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the app."""
        if self.book is not None:
            self.kept.book = self.book
        links = [WorldLink(probe, self.clock, self.chance) for probe in self.probes]
        self.engine = Engine(self.kept, links, self.clock)
        await self.engine.start()
        self.policy = AlertPolicy(self.kept, self.engine.board, self.engine.hub, self.clock, self._outlet, zone=UTC)
        await self.policy.start()
        self._run = asyncio.create_task(self.policy.run())

    async def stop(self) -> None:
        """Quit the app; probes go on."""
        assert self.engine is not None and self.policy is not None and self._run is not None
        await self.engine.stop()
        self._run.cancel()
        await asyncio.gather(self._run, return_exceptions=True)
        await self.policy.stop()

    def _outlet(self, posts: Sequence[Post]) -> None:
        self.told += [Told(self.loop.now_s, post) for post in posts]

    async def pass_s(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def set_clock(self, by_s: float) -> None:
        """Set this computer's clock; the embedded probe has the same."""
        self.clock.shift_ms += round(by_s * 1000)

    def alarms(self, *kinds: AlertKind) -> list[tuple[float, AlertItem]]:
        """Return what was told as lasting, each item of each message with its time."""
        wanted = kinds or (AlertKind.OFFLINE, AlertKind.REGIONAL)
        return [
            (told.at_s, item)
            for told in self.told
            if told.post.event in OUTAGE_EVENTS
            for item in told.post.items
            if item.kind in wanted and not item.is_over
        ]

    def kinds(self) -> set[AlertKind]:
        return {item.kind for told in self.told for item in told.post.items}

    async def incidents(self) -> list[Incident]:
        return await self.kept.incidents(0, 1 << 60)


def live(
    check: Callable[[World], Awaitable[None]],
    *,
    truth: Truth = lambda _monitor, _probe, _at_s: None,
    probes: int = 1,
    monitors: Sequence[Monitor] = (),
    book: AlertBook | None = None,
    seed: int = 1,
) -> World:
    """Run a check in a world of its own; the first probe is this computer's."""
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    state = random.getstate()
    random.seed(seed)
    try:
        clock = ShiftingClock(loop)
        remote_clock = VirtualClock(loop)
        made = [WorldProbe(place, clock if place == 0 else remote_clock, truth) for place in range(probes)]
        store = WorldStore(*monitors)
        store.regions = {probe.probe.id: probe.probe.region for probe in made}
        world = World(loop, clock, store, made, book, chance=random.Random(seed))

        async def main() -> None:
            await world.start()
            await check(world)
            await world.stop()
            for probe in made:
                probe._runner.pause()

        loop.run_until_complete(main())
        return world
    finally:
        random.setstate(state)
        asyncio.set_event_loop(None)
        loop.close()


def watched(count: int, **values: object) -> list[Monitor]:
    """Return monitors that are watched from everywhere."""
    from tests.engine.fakes import monitor

    return [monitor(2 + number, name=f"site{2 + number}", **values) for number in range(count)]


def ids(items: Sequence[tuple[float, AlertItem]]) -> set[MonitorId]:
    return {item.monitors[0] for _at_s, item in items}


__all__ = ["START_MS", "World", "ids", "live", "watched"]
