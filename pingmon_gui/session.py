"""The session: the one place where store, probes and engine are built and joined, started and stopped in order.

Both front ends stand on it; it knows no Qt. Whoever makes one owns the data folder (see `ownership`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pingmon_gui.alerting import Alerting
from pingmon_gui.data_folder import database_path
from pingmon_gui.domain.availability import last_hour
from pingmon_gui.domain.error import InvalidInput, StorageError, StorageReadOnly
from pingmon_gui.domain.history import DAY_MS, HOUR_MS
from pingmon_gui.domain.metrics_access import MetricsAccess
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.domain.probe import EMBEDDED_PROBE, Probe, ProbeHealth, ProbeState, name_taken, parse_probe_name
from pingmon_gui.domain.region import REGION_NAMES, Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import NO_FAILURE
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.clock import Clock, SystemClock
from pingmon_gui.engine.command import Commands
from pingmon_gui.engine.engine import CARRY_IN_MS, Engine
from pingmon_gui.engine.event import EventHub, Notice
from pingmon_gui.engine.incident_tracker import IncidentTracker
from pingmon_gui.engine.link import ProbeLink, ProbeStatus
from pingmon_gui.engine.port import RegistryPort
from pingmon_gui.engine.standing_book import StandingBook
from pingmon_gui.engine.status_document import status_document
from pingmon_gui.fleet.now import NowMs
from pingmon_gui.fleet.secret_store import ChannelSecretStore, ProbeSecrets, SecretStore
from pingmon_gui.metering import Metering
from pingmon_gui.renewal import Renewal
from pingmon_gui.request import Json

if TYPE_CHECKING:
    from pingmon_gui.provision.enrolment import Enrolment
    from pingmon_gui.provisioning import Provisioning
    from pingmon_gui.store.store import Store

_log = logging.getLogger(__name__)

THIS_COMPUTER = Probe(EMBEDDED_PROBE, REGION_NAMES[Region.LOCAL], Region.LOCAL)
MAINTAIN_S = 2.0
#: Between two turns while the last one left something to do.
MAINTAIN_AGAIN_S = 0.1
#: After a turn that failed: the disk may be full, and asking at once makes it no emptier.
MAINTAIN_AFTER_ERROR_S = 60.0

#: What makes links; the last argument tells the time, against which probes' clocks are measured.
LinkFactory = Callable[[Path, NowMs], Sequence[ProbeLink]]
RemoteLinkFactory = Callable[[Probe, SecretStore, NowMs], ProbeLink]


def embedded_probe(data_dir: Path, now_ms: NowMs) -> Sequence[ProbeLink]:
    """Return the links of an app without remote probes: this computer."""
    # Imported when needed: reading commands and benches do without the network's libraries.
    from pingmon_gui.fleet.embedded import EmbeddedProbe

    return [EmbeddedProbe(THIS_COMPUTER, data_dir / "probe", now_ms=now_ms)]


def remote_probe(probe: Probe, secrets: SecretStore, now_ms: NowMs) -> ProbeLink:
    """Return the link of a probe on another host."""
    # Imported when needed: most people begin without one, and SSH takes 75 ms to import.
    from pingmon_gui.fleet.remote import RemoteProbe

    return RemoteProbe(probe, secrets, now_ms=now_ms)


def registries() -> RegistryPort:
    """Return what asks the registries of names, by the list that leads to them."""
    # Imported when needed: the window shows its first frame without it.
    from pingmon_gui.fleet.rdap import Rdap

    return Rdap()


class Session:
    """A running Pingmon on one data folder. `store`, `board`, `commands` exist from `start` on, the rest at once.

    Attributes:
        secrets: what opens the probes on other hosts.
        renewal: work on the database for which this session has to stop and start anew.
    """

    store: Store

    def __init__(
        self,
        data_dir: Path,
        *,
        probes: LinkFactory | None = None,
        remote: RemoteLinkFactory | None = None,
        clock: Clock | None = None,
        registry: RegistryPort | None = None,
        metrics: MetricsAccess | None = None,
    ) -> None:
        """`metrics` is where /metrics is answered, whatever the preferences say."""
        self.data_dir = data_dir
        self.hub = EventHub()
        self.secrets = SecretStore(data_dir)
        self.renewal = Renewal(database_path(data_dir))
        self._clock = clock or SystemClock()
        self._make_links = probes or embedded_probe
        self._make_remote = remote or remote_probe
        self._registry = registry
        self._engine: Engine | None = None
        self._alerting: Alerting | None = None
        self._metrics = metrics
        self._metering: Metering | None = None
        self._maintenance: asyncio.Task[None] | None = None
        self._told_cut_ms = 0

    @property
    def is_running(self) -> bool:
        return self._engine is not None

    @property
    def now_ms(self) -> NowMs:
        """What tells the right time of day, as far as the probes know it: whole Unix ms."""
        return self._clock.now_ms

    @property
    def board(self) -> Board:
        return self._running.board

    @property
    def commands(self) -> Commands:
        return self._running.commands

    @property
    def incidents(self) -> IncidentTracker:
        return self._running.incidents

    @property
    def alerts(self) -> Alerting:
        if self._alerting is None:
            raise RuntimeError("the session does not run")
        return self._alerting

    @property
    def metering(self) -> Metering:
        if self._metering is None:
            raise RuntimeError("the session does not run")
        return self._metering

    @property
    def standings(self) -> StandingBook:
        return self._running.standings

    @property
    def preferences(self) -> Preferences:
        return self.commands.preferences

    async def recall(self, monitor: MonitorId) -> None:
        """Have the board know all about a monitor's newest results, also those from before the start."""
        await self._running.recall(monitor)

    async def start(self) -> None:
        """Open the store, show what it knows, reach the probes. Raises StorageError; then nothing runs.

        Raises SettingsError where /metrics cannot be answered as was asked for.
        """
        self.store = await asyncio.to_thread(self._open_store)
        try:
            links = list(self._make_links(self.data_dir, self._clock.now_ms))
            configuration = await asyncio.to_thread(self.store.configuration)
            stored = {probe.id: probe for probe in configuration.probes}
            for link in links:
                if stored.get(link.probe.id) != link.probe:
                    await self.store.save_probe(link.probe)
            links += [
                self._make_remote(probe, self.secrets, self._clock.now_ms)
                for probe in configuration.probes
                if probe.access
            ]
            engine = Engine(self.store, links, self._clock, self.hub)
            await engine.start()
            try:
                alerting = Alerting(
                    self.store,
                    engine.board,
                    engine.incidents,
                    self.hub,
                    self._clock,
                    ChannelSecretStore(self.data_dir),
                    self._registry or registries(),
                )
                await alerting.start()
                try:
                    metering = Metering(self.data_dir, self.store, engine.board, alerting, self.hub, self._metrics)
                    await metering.start(engine.commands.preferences)
                except BaseException:
                    await alerting.stop()
                    raise
            except BaseException:
                await engine.stop()
                raise
        except BaseException:
            await self.store.close()
            raise
        self._engine, self._alerting, self._metering = engine, alerting, metering
        self._maintenance = asyncio.create_task(self._maintain(), name="maintain")

    async def stop(self) -> None:
        """Stop measuring, keep everything that was collected, close. Harmless if it does not run."""
        if self._maintenance is not None:
            self._maintenance.cancel()
            await asyncio.gather(self._maintenance, return_exceptions=True)
            self._maintenance = None
        if self._engine is not None:
            engine, self._engine = self._engine, None
            alerting, self._alerting = self._alerting, None
            metering, self._metering = self._metering, None
            try:
                if metering is not None:
                    await metering.stop()
                await engine.stop()
                if alerting is not None:
                    await alerting.stop()
            finally:
                await self.store.close()

    # Probes on other hosts

    async def enrol(self, probe: Probe, secrets: ProbeSecrets) -> None:
        """Keep a probe that was set up and measure with it from now on; one with its id is replaced.

        Raises StorageError, or OSError where its secrets cannot be kept; then nothing was changed.
        """
        await self.secrets.save_with(probe.id, secrets, lambda: self.store.save_probe(probe))
        await self._running.add_link(self._link_to(probe))

    async def forget(self, id_: ProbeId) -> None:
        """Measure with a probe no longer and delete what opens it; what it measured stays. Its host is not asked."""
        await self._running.remove_link(id_)
        await self.store.forget_probe(id_)
        await asyncio.to_thread(self.secrets.forget, id_)

    async def rename(self, id_: ProbeId, name: str) -> Probe:
        """Give a probe on another host another name. Raises InvalidInput, StorageError."""
        probe = replace(self._remote(id_), name=parse_probe_name(name))
        others = (health.probe for health in self.board.probes.values() if health.probe.id != id_)
        if taken := name_taken(probe.name, others):
            raise InvalidInput(taken)
        await self.store.save_probe(probe)
        await self._running.add_link(self._link_to(probe))
        return probe

    def take_over(self, id_: ProbeId) -> None:
        """Send our plan to a probe that works for another Pingmon, by the user's word. Raises InvalidInput."""
        self._running.take_over(self._remote(id_).id)

    async def ask_probe(self, id_: ProbeId) -> ProbeStatus:
        """Ask a probe how it is just now. Raises ProbeError, InvalidInput."""
        if id_ not in self.board.probes:
            raise InvalidInput("There is no such probe.")
        return await self._running.link(id_).status()

    def try_again(self, id_: ProbeId) -> None:
        """Try at once whether a probe answers, however long it did not. Harmless for one that is not here."""
        if id_ in self.board.probes:
            self._running.hurry(id_)

    def provisioning(self) -> Provisioning:
        """Return what sets probes up on hosts, and keeps them with this session."""
        from pingmon_gui.provisioning import Provisioning

        return Provisioning(self.data_dir, self.secrets, _SessionKeeper(self))

    def _link_to(self, probe: Probe) -> ProbeLink:
        return self._make_remote(probe, self.secrets, self._clock.now_ms)

    def _remote(self, id_: ProbeId) -> Probe:
        health = self.board.probes.get(id_)
        if health is None or health.probe.access is None:
            raise InvalidInput("There is no such probe on another host.")
        return health.probe

    async def status_json(self) -> Json:
        """Return the document of `pingmon status --json`."""
        return await status_document(self.board, self.board.probes.values(), self._clock.now_ms())

    def _open_store(self) -> Store:
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as exc:
            raise StorageReadOnly(
                f"The data folder {self.data_dir} cannot be made: {exc.strerror}.",
                "Choose another one with --data-dir.",
            ) from exc
        from pingmon_gui.store.store import Store

        return Store.open(database_path(self.data_dir), now_ms=self._clock.now_ms)

    async def _maintain(self) -> None:
        while True:
            try:
                await self.store.maintain()
                self._tell_cut()
                delay_s = MAINTAIN_AGAIN_S if self.store.has_work else MAINTAIN_S
            except StorageError as exc:
                _log.warning("the store could not be tidied: %s", exc)
                delay_s = MAINTAIN_AFTER_ERROR_S
            await asyncio.sleep(delay_s)

    def _tell_cut(self) -> None:
        """Say once a day that the largest size lets results go before their time."""
        since_ms = self.store.take_cut()
        now_ms = self._clock.now_ms()
        if since_ms is None or now_ms - self._told_cut_ms < DAY_MS:
            return
        self._told_cut_ms = now_ms
        hours = max(0, now_ms - since_ms) // HOUR_MS
        kept = f"{hours // 24} days" if hours >= 48 else f"{hours} hours"
        self.hub.publish(
            Notice(
                f"The database has reached its largest size: every result is kept for the last {kept} only.",
                "The preferences show what takes the room, and let it grow.",
            )
        )

    @property
    def _running(self) -> Engine:
        if self._engine is None:
            raise RuntimeError("the session does not run")
        return self._engine


class _SessionKeeper:
    """Keeps probes as a running session does."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def owner(self) -> str:
        return self._session.store.owner

    async def probes(self) -> Sequence[Probe]:
        return [health.probe for health in self._session.board.probes.values() if health.probe.access is not None]

    async def some_url(self) -> str | None:
        monitors = self._session.board.monitors.values()
        return next((monitor.url for monitor in monitors if not monitor.is_paused), None)

    def try_again(self, id_: ProbeId) -> None:
        self._session.try_again(id_)

    async def enrol(self, enrolment: Enrolment) -> None:
        await self._session.enrol(enrolment.probe, enrolment.secrets)

    async def forget(self, id_: ProbeId) -> None:
        await self._session.forget(id_)


async def stored_status(store: Store, now_ms: int) -> Json:
    """Return the document of `pingmon status --json` from a store that nobody works on just now.

    What is older than 2.5 intervals is unknown; every probe is "stopped". Blocks while it reads the last
    hour, so it is for the command line.
    """
    configuration = store.configuration()
    clock = _StandingClock(now_ms)
    board = Board(clock)
    board.set_probes(ProbeHealth(probe, ProbeState.CONNECTED, votes=True) for probe in configuration.probes)
    board.put_monitors(configuration.monitors)
    for recent in store.recent(last_hour(now_ms)[0] - CARRY_IN_MS):
        board.warm(recent)
    await StandingBook(store, board, EventHub(), clock).read(configuration.windows)
    board.tick(now_ms)
    failed = (board.failure != NO_FAILURE).any(axis=1)
    for monitor in (board.ids[row] for row in failed.nonzero()[0].tolist()):
        for probe, result, _ in await store.latest(monitor):
            board.put_detail(monitor, probe, result)
    return await status_document(
        board, [ProbeHealth(probe, ProbeState.STOPPED) for probe in configuration.probes], now_ms
    )


class _StandingClock:
    error_ms = 0.0

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic_s(self) -> float:
        return 0.0
