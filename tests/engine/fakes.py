"""Doubles of what the engine reaches through its protocols, and makers of batches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from pingmon_probe.protocol import FEATURES, CheckResult, CheckSpec, Plan

from pingmon_gui.domain.alert import Alert, AlertId, Matter, MatterKey, Post
from pingmon_gui.domain.alert_change import AlertChange, AlertMemory
from pingmon_gui.domain.alert_channel import ChannelId
from pingmon_gui.domain.alert_rule import AlertBook, first_book
from pingmon_gui.domain.alert_state import AlertState, Habit, HabitKey
from pingmon_gui.domain.book_change import changed_book
from pingmon_gui.domain.change import AppliedChange, ConfigurationChange
from pingmon_gui.domain.delivery import Delivery
from pingmon_gui.domain.error import ProbeError, StorageError
from pingmon_gui.domain.family import EACH
from pingmon_gui.domain.history import Series, SeriesHistory, SeriesRollup, SeriesTime
from pingmon_gui.domain.incident import Incident, IncidentId
from pingmon_gui.domain.judgement import Judgement
from pingmon_gui.domain.maintenance import MaintenanceChange, MaintenanceWindow, WindowId
from pingmon_gui.domain.monitor import Monitor, MonitorDraft, MonitorId, MonitorSettings
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.domain.probe import EMBEDDED_PROBE, Probe, ProbeHealth, ProbeState
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.registration import Registration, RegistrationMemory, RegistryPause
from pingmon_gui.domain.resolution import Kept
from pingmon_gui.domain.result import FailureEvidence, ProbeId, ResultBatch, Shared
from pingmon_gui.domain.status import NO_FAILURE, Status
from pingmon_gui.domain.timeline import Standing, Track, VerdictSpan
from pingmon_gui.engine.link import Heartbeat, ProbeStatus, StreamHeader

START_MS = 1_700_000_000_000


class FakeClock:
    """A clock that moves only when told; `sleep` moves the time of day alone, as a sleeping computer does."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self.wall_ms = now_ms
        self.steady_s = 1_000.0
        self.error_ms = 0.0

    def now_ms(self) -> int:
        return self.wall_ms - round(self.error_ms)

    def monotonic_s(self) -> float:
        return self.steady_s

    def advance(self, ms: int) -> None:
        self.wall_ms += ms
        self.steady_s += ms / 1000

    def sleep(self, ms: int) -> None:
        self.wall_ms += ms


def probe(number: int = EMBEDDED_PROBE, region: Region = Region.LOCAL) -> Probe:
    return Probe(ProbeId(number), f"probe {number}", region)


def voting(number: int = EMBEDDED_PROBE, region: Region = Region.LOCAL) -> ProbeHealth:
    return ProbeHealth(probe(number, region), ProbeState.CONNECTED, votes=True)


def monitor(
    number: int = 2,
    *,
    interval_ms: int = 10_000,
    timeout_ms: int = 5_000,
    slow_ms: int = 1_000,
    family: int = 0,
    **values: object,
) -> Monitor:
    settings = MonitorSettings(interval_ms=interval_ms, timeout_ms=timeout_ms, slow_ms=slow_ms, family=family)
    given = {"version": 1, "url": f"https://site{number}.example/", "name": "", "created_at_ms": START_MS - 86_400_000}
    return Monitor(id=MonitorId(number), settings=settings, **(given | values))  # type: ignore[arg-type]


Row = tuple[int, int, int]


def batch(
    rows: Sequence[Row],
    *,
    probe: int = EMBEDDED_PROBE,
    first_seq: int = 1,
    spool: str = "spool",
    interval_ms: int | Sequence[int] = 10_000,
    judged: bool = True,
    own_network: bool = False,
    family: int | Sequence[int] = 4,
) -> ResultBatch:
    """Return a batch of (monitor, started_at_ms, status code): online takes 50 ms, slow 1,500 ms, offline timed out.

    An unknown one was `blocked`. `judged=False` leaves the status to the collector.
    """
    count = len(rows)
    code = np.array([row[2] for row in rows], dtype=np.int8).reshape(count)
    total = np.select([code == Status.ONLINE, code == Status.SLOW], [50.0, 1_500.0], default=5_000.0)
    failure = np.select([code == Status.OFFLINE, code == Status.UNKNOWN], [5, 11], default=NO_FAILURE).astype(np.int8)
    nothing, no = np.zeros(count), np.zeros(count, dtype=np.bool_)
    phases = np.full((count, 5), np.nan)
    phases[:, 1] = total
    same = np.zeros(count, dtype=np.int64)
    return ResultBatch(
        probe=ProbeId(probe),
        spool=spool,
        first_seq=first_seq,
        count=count,
        clock_offset_ms=0.0,
        monitor=np.array([row[0] for row in rows], dtype=np.int64),
        version=np.ones(count, dtype=np.int32),
        started_at_ms=np.array([row[1] for row in rows], dtype=np.int64),
        status=code if judged else np.full(count, Status.UNKNOWN, dtype=np.int8),
        failure=failure,
        http_status=np.where(failure == NO_FAILURE, 200, 0).astype(np.int16),
        total_ms=total,
        phases_ms=phases,
        late_ms=nothing,
        queue_ms=nothing,
        is_kernel_clock=no,
        low_confidence=no,
        family=np.broadcast_to(np.asarray(family, dtype=np.int8), (count,)).copy(),
        body_bytes=np.zeros(count, dtype=np.int64),
        recheck=no,
        on_demand=no,
        own_network=np.full(count, own_network),
        interval_ms=np.broadcast_to(np.asarray(interval_ms, dtype=np.int64), (count,)).copy(),
        message=Shared(
            ["", "no answer in time", "a bot wall"], np.where(failure == 5, 1, np.where(failure == 11, 2, 0))
        ),
        address=Shared(["192.0.2.1"], same),
        url=Shared(["https://site.example/"], same),
        hops=Shared([()], same),
        certificate=Shared([None], same),
        facts=Shared([None], same),
    )


@dataclass(frozen=True)
class FakeCursor:
    spool: str
    seq: int


@dataclass(frozen=True)
class FakeVersion:
    interval_ms: int
    timeout_ms: int
    slow_ms: int
    family: int = 0


@dataclass
class FakeConfiguration:
    monitors: list[Monitor] = field(default_factory=list)
    probes: list[Probe] = field(default_factory=list)
    preferences: Preferences = field(default_factory=lambda: Preferences({}))
    cursors: dict[ProbeId, FakeCursor] = field(default_factory=dict)
    versions: dict[tuple[MonitorId, int], FakeVersion] = field(default_factory=dict)
    windows: list[MaintenanceWindow] = field(default_factory=list)


@dataclass(frozen=True)
class FakeRecent:
    monitor: np.ndarray
    probe: np.ndarray
    at_ms: np.ndarray
    interval_ms: np.ndarray
    status: np.ndarray
    failure: np.ndarray
    total_ms: np.ndarray
    family: np.ndarray


class FakeStore:
    """Keeps everything in memory; the same rules as the real one for ids, versions and cursors."""

    def __init__(self, *monitors: Monitor, owner: str = "owner") -> None:
        self.owner = owner
        self.problem: StorageError | None = None
        self.on_problem: Callable[[StorageError | None], None] | None = None
        self.kept = FakeConfiguration(list(monitors))
        self.deleted: dict[MonitorId, Monitor] = {}
        self.batches: list[ResultBatch] = []
        self.flushes = 0
        self.is_closed = False
        self.judgements: list[Judgement] = []
        self.judged_until: int | None = None
        self.stood: dict[MonitorId, list[Standing]] = {}
        self.book: AlertBook | None = None
        self.changes: list[AlertChange] = []
        self.delivered: dict[str, Delivery] = {}
        self.stood_until: int | None = None
        self.committed_at_ms: int | None = None
        self.ended: list[MaintenanceWindow] = []
        self.names: dict[str, Registration] = {}
        self.pauses: dict[str, RegistryPause] = {}
        self._remember(monitors)

    def _remember(self, monitors: Iterable[Monitor]) -> None:
        for m in monitors:
            self.kept.versions[m.id, m.version] = FakeVersion(
                m.settings.interval_ms, m.settings.timeout_ms, m.settings.slow_ms, m.settings.family
            )

    def configuration(self) -> FakeConfiguration:
        return self.kept

    async def add_monitors(self, drafts: Sequence[MonitorDraft]) -> list[Monitor]:
        first = 1_000 + len(self.kept.monitors)
        added = [
            Monitor(MonitorId(first + i), 1, d.url, d.name, d.settings, START_MS, d.tags, d.is_paused, d.regions)
            for i, d in enumerate(drafts)
        ]
        self.kept.monitors += added
        self._remember(added)
        return added

    async def change_monitors(self, monitors: Sequence[Monitor]) -> list[Monitor]:
        old = {m.id: m for m in self.kept.monitors}
        changed = [
            replace(m, version=m.version + 1) if (m.url, m.settings) != (old[m.id].url, old[m.id].settings) else m
            for m in monitors
        ]
        new = {m.id: m for m in changed}
        self.kept.monitors = [new.get(m.id, m) for m in self.kept.monitors]
        self._remember(changed)
        return changed

    async def delete_monitors(self, ids: Sequence[MonitorId]) -> None:
        self.deleted.update((m.id, m) for m in self.kept.monitors if m.id in ids)
        self.kept.monitors = [m for m in self.kept.monitors if m.id not in ids]

    async def restore_monitors(self, ids: Sequence[MonitorId]) -> list[Monitor]:
        restored = [self.deleted.pop(i) for i in ids if i in self.deleted]
        self.kept.monitors += restored
        return restored

    async def change_preferences(self, values: Mapping[str, object]) -> Preferences:
        self.kept.preferences = self.kept.preferences.with_values(values)
        return self.kept.preferences

    async def apply(self, change: ConfigurationChange) -> AppliedChange:
        preferences = await self.change_preferences(change.preferences)
        await self.delete_monitors(change.removed)
        changed = tuple(await self.change_monitors(change.changed))
        added = tuple(await self.add_monitors(change.added))
        if not change.alerts.is_empty:
            ids = {monitor.url: monitor.id for monitor in self.kept.monitors}
            self.book = changed_book(self.book or first_book(), change.alerts, ids)
        return AppliedChange(added, changed, preferences, None if change.alerts.is_empty else self.book)

    async def save_probe(self, probe: Probe) -> None:
        self.kept.probes.append(probe)

    def append(self, batch: ResultBatch) -> None:
        self.batches.append(batch)
        self.kept.cursors[batch.probe] = FakeCursor(batch.spool, batch.last_seq)

    async def flush(self) -> None:
        self.flushes += 1

    def take_cut(self) -> int | None:
        return None

    async def maintain(self) -> None:
        pass

    async def close(self) -> None:
        await self.flush()
        self.is_closed = True

    def rows(self) -> list[tuple[int, int, int]]:
        """Return (monitor, started_at_ms, status) of everything kept, in order of arrival."""
        return [
            (int(m), int(at), int(status))
            for b in self.batches
            for m, at, status in zip(b.monitor, b.started_at_ms, b.status, strict=True)
        ]

    def recent(self, since_ms: int) -> Iterator[FakeRecent]:
        for b in self.batches:
            new = b.started_at_ms >= since_ms
            yield FakeRecent(
                b.monitor[new],
                np.full(int(new.sum()), b.probe),
                b.started_at_ms[new],
                b.interval_ms[new],
                b.status[new],
                b.failure[new],
                b.total_ms[new],
                b.family[new],
            )

    async def results(
        self, monitor: MonitorId, from_ms: int, to_ms: int, probes: Collection[ProbeId] | None = None
    ) -> list[SeriesHistory]:
        found = [b for b in self.batches if probes is None or b.probe in probes]
        told = [history(b, monitor, family) for b in found for family in (self._families(monitor))]
        return [one for one in told if len(one.at_ms)]

    def _families(self, monitor: MonitorId) -> tuple[int, ...]:
        is_each = any(row.family == EACH for (id_, _), row in self.kept.versions.items() if id_ == monitor)
        return (4, 6) if is_each else (0,)

    async def kept_since(self) -> Kept:
        return Kept(None, None, None, None)

    async def rollups(
        self, monitor: MonitorId, from_ms: int, to_ms: int, bucket_ms: int, now_ms: int | None = None
    ) -> list[SeriesRollup]:
        return []

    async def all_probes(self) -> dict[ProbeId, Probe]:
        return {one.id: one for one in self.kept.probes}

    async def latest(self, monitor: MonitorId) -> list[tuple[ProbeId, CheckResult, Status]]:
        found: dict[ProbeId, tuple[ProbeId, CheckResult, Status]] = {}
        for b in self.batches:
            for place in np.flatnonzero(b.monitor == monitor).tolist():
                found[b.probe] = (b.probe, b.result(place), Status(int(b.status[place])))
        return list(found.values())

    async def record(self, judgements: Sequence[Judgement], judged_until_ms: int) -> None:
        self.judgements += judgements
        self.judged_until = judged_until_ms

    async def judged_until_ms(self) -> int | None:
        return self.judged_until

    async def save_standings(
        self, standings: Sequence[tuple[MonitorId, Standing]], stood_until_ms: int | None = None
    ) -> None:
        for monitor, standing in standings:
            self.stood.setdefault(monitor, []).append(standing)
        self.stood_until = stood_until_ms

    async def standings(
        self, monitors: Collection[MonitorId] | None = None, since_ms: int = 0
    ) -> dict[MonitorId, list[Standing]]:
        return {monitor: list(found) for monitor, found in self.stood.items()}

    async def stood_until_ms(self) -> int | None:
        return self.stood_until

    async def registrations(self) -> RegistrationMemory:
        return RegistrationMemory(dict(self.names), dict(self.pauses))

    async def save_registration(
        self, one: Registration, server: str | None = None, pause: RegistryPause | None = None
    ) -> None:
        self.names[one.name] = one
        if pause is not None:
            self.pauses[server or ""] = pause
        elif server is not None:
            for host in (server, ""):
                self.pauses.pop(host, None)

    async def forget_registrations(self, names: Collection[str]) -> None:
        self.names = {name: one for name, one in self.names.items() if name not in names}

    async def change_windows(self, change: MaintenanceChange, now_ms: int) -> tuple[MaintenanceWindow, ...]:
        first = 1 + len(self.kept.windows) + len(self.ended)
        self.ended += [replace(one, until_ms=now_ms) for one in self.kept.windows if one.id in change.ended]
        since_ms = max(now_ms, change.since_ms or 0)
        self.kept.windows = [one for one in self.kept.windows if one.id not in change.ended] + [
            MaintenanceWindow(WindowId(first + n), draft.name, draft.schedule, draft.scope, since_ms)
            for n, draft in enumerate(change.added)
        ]
        return tuple(self.kept.windows)

    async def ended_windows(self) -> tuple[MaintenanceWindow, ...]:
        return tuple(self.ended)

    async def verdict_spans(
        self, monitors: Collection[MonitorId], from_ms: int, to_ms: int, *, is_settled: bool = True
    ) -> dict[MonitorId, list[VerdictSpan]]:
        return {monitor: [] for monitor in monitors}

    async def incidents(
        self, from_ms: int, to_ms: int, monitors: Collection[MonitorId] | None = None
    ) -> list[Incident]:
        newest = {one.id: one for judgement in self.judgements for one in judgement.incidents}
        return [one for one in newest.values() if monitors is None or one.monitor in monitors]

    async def failure_evidence(self, monitor: MonitorId, from_ms: int, to_ms: int) -> list[FailureEvidence]:
        found = [one for batch in self.batches for one in batch.evidence]
        return [one for one in found if one.monitor == monitor and from_ms <= one.at_ms < to_ms]

    async def open_incidents(self) -> list[Incident]:
        return [one for one in await self.incidents(0, 1 << 60) if one.is_open]

    async def incident(self, id_: IncidentId) -> Incident | None:
        return next((one for one in await self.incidents(0, 1 << 60) if one.id == id_), None)

    async def tracks(self, monitors: Collection[MonitorId], from_ms: int, to_ms: int) -> dict[MonitorId, list[Track]]:
        return {monitor: [] for monitor in monitors}

    async def span_times(
        self, monitors: Collection[MonitorId], from_ms: int, to_ms: int, bucket_ms: int
    ) -> dict[MonitorId, list[SeriesTime]]:
        return {monitor: [] for monitor in monitors}

    async def alert_memory(self) -> AlertMemory:
        """Return what `record_alerts` was given, put together again."""
        matters: dict[MatterKey, Matter | None] = {}
        habits: dict[HabitKey, Habit | None] = {}
        alerts: dict[AlertId, Alert] = {}
        posts: list[Post] = []
        live: Collection[AlertId] = ()
        for change in self.changes:
            matters |= change.matters
            habits |= change.habits
            alerts |= {alert.id: alert for alert in change.alerts}
            posts += change.posts
            live = change.live
        state = AlertState(
            {key: replace(matter, is_certain=False) for key, matter in matters.items() if matter is not None},
            {id_: alerts[id_] for id_ in live},
            {key: habit for key, habit in habits.items() if habit is not None},
        )
        deliveries = [self.delivered.get(post.key, Delivery(post)) for post in posts]
        return AlertMemory(self.book, state, [one for one in deliveries if one.is_waiting])

    async def alerts(self, from_ms: int, to_ms: int, limit: int = 500) -> list[Alert]:
        newest = {alert.id: alert for change in self.changes for alert in change.alerts}
        return sorted(newest.values(), key=lambda alert: -alert.opened_at_ms)[:limit]

    async def deliveries(
        self, limit: int = 200, channel: ChannelId | None = None, alert_id: AlertId | None = None
    ) -> list[Delivery]:
        posts = [post for change in self.changes for post in change.posts]
        found = {post.key: Delivery(post) for post in posts} | self.delivered
        return list(found.values())[::-1][:limit]

    async def save_alert_book(self, book: AlertBook) -> None:
        self.book = book

    async def record_alerts(self, change: AlertChange) -> None:
        self.changes.append(change)

    async def save_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        self.delivered |= {one.key: one for one in deliveries}

    async def results_at(self, monitor: MonitorId, at_ms: int) -> list[tuple[Probe, CheckResult, Status]]:
        return []


def history(batch: ResultBatch, monitor: int, family: int = 0) -> SeriesHistory:
    """Return what a store would tell of one monitor's results (of one family) in a batch, ordered by time."""
    mine = np.flatnonzero((batch.monitor == monitor) & ((batch.family == family) | (family == 0)))
    mine = mine[np.argsort(batch.started_at_ms[mine], kind="stable")]
    return SeriesHistory(
        series=Series(MonitorId(monitor), batch.probe, family or 4, "https://site.example/", family == 6),
        at_ms=batch.started_at_ms[mine],
        interval_ms=batch.interval_ms[mine],
        status=batch.status[mine],
        failure=batch.failure[mine],
        http_status=batch.http_status[mine],
        total_ms=batch.total_ms[mine],
        phases_ms=batch.phases_ms[mine],
        queue_ms=batch.queue_ms[mine],
        recheck=batch.recheck[mine],
        low_confidence=batch.low_confidence[mine],
        detail=Shared([{}], np.zeros(len(mine), dtype=np.int64)),
    )


class FakeLink:
    """A probe that does what the test says: `feed` items into its open stream, or let the next call fail.

    `features`, `owner`, `revision` and `plan_hash` are what it answers; `plans` and `checked` what it was given. Checks
    on demand are answered while `may_answer` is set.
    """

    def __init__(self, probe: Probe, clock: FakeClock) -> None:
        self._probe = probe
        self._clock = clock
        self._items: asyncio.Queue[object] | None = None
        self.restarts = 0
        self.problem: str | None = None
        self.failure: ProbeError | None = None
        self.plan_failures: list[ProbeError] = []
        self.check_failures: list[ProbeError] = []
        self.features: tuple[str, ...] = FEATURES
        self.owner: str | None = None
        self.revision = 0
        self.plan_hash: str | None = None
        self.header = StreamHeader("spool", 1, 0, (), START_MS, 0.0)
        self.votes = True
        self.plans: list[Plan] = []
        self.checked: list[CheckSpec] = []
        self.opened: list[tuple[int, str | None]] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.is_closed = False
        self.hurries = 0

    @property
    def probe(self) -> Probe:
        return self._probe

    def hurry(self) -> None:
        self.hurries += 1

    def feed(self, *items: object) -> None:
        """Let the open stream yield these; an exception is raised, None ends the stream."""
        assert self._items is not None, "no stream is open"
        for item in items:
            self._items.put_nowait(item)

    async def start(self) -> None:
        if self.failure:
            raise self.failure

    async def close(self) -> None:
        self.is_closed = True

    async def status(self) -> ProbeStatus:
        if self.failure:
            raise self.failure
        return ProbeStatus(
            version="1.0",
            features=self.features,
            owner=self.owner,
            revision=self.revision,
            plan_hash=self.plan_hash,
            spool=self.header.spool,
            last_seq=self.header.last,
            wall_ms=self._clock.now_ms(),
            clock_offset_ms=self.header.clock_offset_ms,
            votes=self.votes,
            reason=None if self.votes else "its own network is down",
            late_p99_ms=1.0,
            skipped=0,
        )

    async def put_plan(self, plan: Plan) -> int:
        if self.plan_failures:
            raise self.plan_failures.pop(0)
        self.plans.append(plan)
        self.owner, self.revision, self.plan_hash = plan.owner, plan.revision, plan.content_hash
        return plan.revision

    async def results(
        self, after: int, spool: str | None, wait_s: float
    ) -> AsyncGenerator[StreamHeader | ResultBatch | Heartbeat, None]:
        if self.failure:
            raise self.failure
        self.opened.append((after, spool))
        self._items = asyncio.Queue()
        yield self.header
        while True:
            item = await self._items.get()
            if item is None:
                return
            if isinstance(item, ProbeError):
                raise item
            yield item  # type: ignore[misc]

    async def run_checks(self, specs: Sequence[CheckSpec]) -> AsyncGenerator[CheckResult, None]:
        self.checked += specs
        await self.may_answer.wait()
        if self.check_failures:
            raise self.check_failures.pop(0)
        for spec in specs:
            yield CheckResult(url=spec.url, monitor=spec.monitor, version=spec.version)


def heartbeat(*, votes: bool = True, revision: int = 1, reason: str | None = None) -> Heartbeat:
    return Heartbeat(START_MS, 1.0, 0, votes, reason, revision)


async def until(condition: Callable[[], bool]) -> None:
    """Return once `condition()` holds; let the loop work meanwhile. The test's own timeout ends what never comes."""
    while not condition():  # noqa: ASYNC110 - a condition of any kind, not an event
        await asyncio.sleep(0.001)
