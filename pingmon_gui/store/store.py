"""The store's door: what the engine, the window and the command line may ask of the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import peewee
from pingmon_probe.protocol import CheckResult

from pingmon_gui.domain.alert import Alert, AlertId
from pingmon_gui.domain.alert_change import AlertChange, AlertMemory
from pingmon_gui.domain.alert_channel import ChannelId
from pingmon_gui.domain.alert_rule import AlertBook
from pingmon_gui.domain.backup import BackupFacts, Progress
from pingmon_gui.domain.change import AppliedChange, ConfigurationChange
from pingmon_gui.domain.delivery import Delivery
from pingmon_gui.domain.error import StorageError, StorageReadOnly
from pingmon_gui.domain.history import HOUR_MS, SeriesHistory, SeriesRollup, SeriesTime
from pingmon_gui.domain.incident import Incident, IncidentId
from pingmon_gui.domain.judgement import Judgement
from pingmon_gui.domain.maintenance import MaintenanceChange, MaintenanceWindow
from pingmon_gui.domain.monitor import Monitor, MonitorDraft, MonitorId
from pingmon_gui.domain.past import PastBuckets, PastResults, PastSetup
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.registration import Registration, RegistrationMemory, RegistryPause
from pingmon_gui.domain.resolution import Kept
from pingmon_gui.domain.result import FailureEvidence, ProbeId, ResultBatch
from pingmon_gui.domain.size_forecast import SizeParts
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.timeline import Standing, Track, VerdictSpan
from pingmon_gui.store import (
    alert,
    backup,
    configuration,
    failure_evidence,
    history,
    judgement,
    maintenance_window,
    past,
    registration,
    replacement,
    rollup,
    span_time,
)
from pingmon_gui.store.configuration import Configuration
from pingmon_gui.store.database import check, check_log, is_immutable, prepare, read_connection, write_connection
from pingmon_gui.store.history import RecentBatch
from pingmon_gui.store.maintenance import Maintenance
from pingmon_gui.store.migration import migrate, refuse_newer, schema_of
from pingmon_gui.store.migrations import STEPS
from pingmon_gui.store.page_share import size_parts
from pingmon_gui.store.trouble import translated
from pingmon_gui.store.writer import Writer

T = TypeVar("T")
Work = Callable[[peewee.SqliteDatabase], T]


@dataclass(frozen=True)
class StoreSize:
    """How much there is: bytes of the database's files, raw results, when the oldest was measured (to the hour)."""

    file_bytes: int
    raw_results: int
    oldest_at_ms: int | None


class Store:
    """An open database. Made by `open`; everything raises only StorageErrors and what a command's values deserve.

    Coroutines may be awaited on any loop; `append` returns at once; `configuration` and `recent` block.

    Attributes:
        owner: the file's random id, by which probes know whose plan they hold.
    """

    def __init__(self, path: Path, writer: Writer | None, owner: str, now_ms: Callable[[], int]) -> None:
        self.path = path
        self.owner = owner
        self._now_ms = now_ms
        self._writer = writer
        self._maintenance = Maintenance(writer.journal, now_ms) if writer is not None else None
        self._reading = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-reader")
        self._reader: peewee.SqliteDatabase | None = None
        self._is_closed = False

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False, now_ms: Callable[[], int]) -> Store:
        """Open or make the database; blocks.

        Raises StorageTooNew, StorageCorrupt, StorageReadOnly, StorageFull, or StorageError for what
        else there is. After StorageCorrupt `rescue.rescue(path)` saves what can be read.
        """
        if read_only:
            return cls(path, None, _look_into(path), now_ms)
        replacement.finish(path)
        prepare(path)
        if path.stat().st_size:
            check_log(path)
            _check_untouched(path)
        database = write_connection(path)
        with translated(path), closing(database):
            database.connect()
            migrate(database, path)
            owner = configuration.owner_of(database)
        writer = Writer(path, now_ms)
        writer.start()
        return cls(path, writer, owner, now_ms)

    @property
    def problem(self) -> StorageError | None:
        """Why nothing can be written just now; None while all is well."""
        return self._writer.problem if self._writer is not None else None

    @property
    def committed_at_ms(self) -> int | None:
        """When results were last committed; None before the first time."""
        return self._writer.committed_at_ms if self._writer is not None else None

    @property
    def on_problem(self) -> Callable[[StorageError | None], None] | None:
        """Called from the writer's thread when writing begins to fail (with the error) and works again (None)."""
        return self._writer.on_problem if self._writer is not None else None

    @on_problem.setter
    def on_problem(self, listener: Callable[[StorageError | None], None] | None) -> None:
        if self._writer is not None:
            self._writer.on_problem = listener

    # Configuration

    def configuration(self) -> Configuration:
        """Return everything that is configured. Blocks."""
        with translated(self.path), closing(self._read_connection()) as database:
            database.connect()
            return configuration.read_configuration(database)

    async def add_monitors(self, drafts: Sequence[MonitorDraft]) -> list[Monitor]:
        """Add one monitor per draft; returns them in order."""
        now_ms = self._now_ms()
        return await self._write(lambda database: configuration.add_monitors(database, drafts, now_ms))

    async def change_monitors(self, monitors: Sequence[Monitor]) -> list[Monitor]:
        """Replace monitors by id; a new version only where url or settings differ. Unknown ones are left out."""
        return await self._write(lambda database: configuration.change_monitors(database, monitors))

    async def delete_monitors(self, ids: Sequence[MonitorId]) -> None:
        """Mark monitors as deleted; their history is kept for a day, so that they can be restored whole."""
        now_ms = self._now_ms()
        await self._write(lambda database: configuration.delete_monitors(database, ids, now_ms))

    async def restore_monitors(self, ids: Sequence[MonitorId]) -> list[Monitor]:
        """Undo deletions; returns those that could be restored."""
        return await self._write(lambda database: configuration.restore_monitors(database, ids))

    async def change_preferences(self, values: Mapping[str, object]) -> Preferences:
        """Change preferences. Raises SettingsError; then nothing was changed."""
        return await self._write(lambda database: configuration.change_preferences(database, values))

    async def apply(self, change: ConfigurationChange) -> AppliedChange:
        """Carry several changes out in one transaction: all or nothing. Raises SettingsError."""
        now_ms = self._now_ms()
        return await self._write(lambda database: configuration.apply_change(database, change, now_ms))

    async def change_windows(self, change: MaintenanceChange, now_ms: int) -> tuple[MaintenanceWindow, ...]:
        """End and add maintenance windows from a time on; return all that hold then. Raises InvalidInput."""
        return await self._write(lambda database: maintenance_window.change_windows(database, change, now_ms))

    async def ended_windows(self) -> tuple[MaintenanceWindow, ...]:
        """Return windows that hold no longer and whose time the standings may not know yet."""
        return await self._read(lambda database: maintenance_window.read_windows(database, is_ended=True))

    async def save_probe(self, probe: Probe) -> None:
        """Add a probe or replace the one with its id."""
        await self._write(lambda database: configuration.save_probe(database, probe))

    async def forget_probe(self, id_: ProbeId) -> None:
        """Forget a probe and its cursor; what it measured stays."""
        now_ms = self._now_ms()
        await self._write(lambda database: configuration.forget_probe(database, id_, now_ms))

    # Results

    def append(self, batch: ResultBatch) -> None:
        """Keep a judged batch: committed within 5 s or 2,000 results, together with the probe's cursor."""
        self._must_write().append(batch)

    async def flush(self) -> None:
        """Commit what is pending. Raises the StorageError that stands in the way."""
        if self._writer is not None:
            await asyncio.wrap_future(self._writer.flush())

    async def maintain(self) -> None:
        """Do at most about 20 ms of compaction, roll-up and retention. Called in a slow loop."""
        if self._maintenance is not None:
            await asyncio.wrap_future(self._must_write().submit(self._maintenance.turn))

    @property
    def has_work(self) -> bool:
        """Whether the last turn of `maintain` left something to do at once."""
        return self._maintenance is not None and self._maintenance.has_work

    def take_cut(self) -> int | None:
        """Return since when every result is kept, if the largest size cut that short since the last call; else None."""
        if self._maintenance is None or self._maintenance.cut_hour is None:
            return None
        hour, self._maintenance.cut_hour = self._maintenance.cut_hour, None
        return hour * HOUR_MS

    async def close(self) -> None:
        """Commit what is pending and close. A second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        loop = asyncio.get_running_loop()
        # The writer's connection is the last one: only that one puts the log into the file and takes it away.
        await loop.run_in_executor(self._reading, self._close_reader)
        self._reading.shutdown(wait=True)
        if self._writer is not None:
            await loop.run_in_executor(None, self._writer.close)

    # Reading

    async def results(
        self, monitor: MonitorId, from_ms: int, to_ms: int, probes: Collection[ProbeId] | None = None
    ) -> list[SeriesHistory]:
        """Return the committed results in [from_ms, to_ms) of each series that has any.

        The last result before `from_ms` comes first where there is one whose hold can reach in.
        """
        return await self._read(lambda database: history.results(database, monitor, from_ms, to_ms, probes))

    async def rollups(
        self, monitor: MonitorId, from_ms: int, to_ms: int, bucket_ms: int, now_ms: int | None = None
    ) -> list[SeriesRollup]:
        """Return the buckets that begin in [from_ms, to_ms) of each series that has any.

        With `now_ms`, no time after it counts as known. `bucket_ms` is a multiple of five minutes that divides a day,
        or of a day; ValueError otherwise.
        """
        return await self._read(lambda database: rollup.rollups(database, monitor, from_ms, to_ms, bucket_ms, now_ms))

    async def kept_since(self) -> Kept:
        """Return since when results and roll-ups are kept."""
        now_ms = self._now_ms()
        return await self._read(lambda database: history.kept(database, now_ms))

    async def span_times(
        self, monitors: Collection[MonitorId], from_ms: int, to_ms: int, bucket_ms: int
    ) -> dict[MonitorId, list[SeriesTime]]:
        """Return what the results of each probe come to in [from_ms, to_ms), to the ms where results are kept.

        `bucket_ms` (a day, an hour or five minutes) is how finely latencies are parted.
        """
        return await self._read(lambda database: span_time.span_times(database, monitors, from_ms, to_ms, bucket_ms))

    # What results come to

    async def record(self, judgements: Sequence[Judgement], judged_until_ms: int) -> None:
        """Keep verdicts and incidents, at once; up to `judged_until_ms` they are settled."""
        await self._write(lambda database: judgement.record(database, judgements, judged_until_ms))

    async def save_standings(
        self, standings: Sequence[tuple[MonitorId, Standing]], stood_until_ms: int | None = None
    ) -> None:
        """Keep what is asked of monitors from a moment on; up to `stood_until_ms`, where told, all of it is known."""
        await self._write(lambda database: judgement.write_standings(database, standings, stood_until_ms))

    async def standings(
        self, monitors: Collection[MonitorId] | None = None, since_ms: int = 0
    ) -> dict[MonitorId, list[Standing]]:
        """Return what was asked of monitors (None = all) since a time and at it, each ordered by time."""
        return await self._read(lambda database: judgement.standings_of(database, monitors, since_ms))

    async def stood_until_ms(self) -> int | None:
        """Return up to when standings have what maintenance windows said; None where none was ever written."""
        return await self._read(judgement.stood_until_ms)

    async def judged_until_ms(self) -> int | None:
        """Return up to when verdicts and incidents are settled; None where nothing was ever judged."""
        return await self._read(judgement.judged_until_ms)

    async def verdict_spans(
        self, monitors: Collection[MonitorId], from_ms: int, to_ms: int, *, is_settled: bool = True
    ) -> dict[MonitorId, list[VerdictSpan]]:
        """Return the verdicts of monitors in [from_ms, to_ms), as far as they were judged.

        Not `is_settled`: the last verdict goes on until `to_ms`, whether or not that is settled.
        """
        return await self._read(
            lambda database: judgement.verdict_spans(database, monitors, from_ms, to_ms, is_settled=is_settled)
        )

    async def incidents(
        self, from_ms: int, to_ms: int, monitors: Collection[MonitorId] | None = None
    ) -> list[Incident]:
        """Return the incidents that overlap [from_ms, to_ms), newest first."""
        return await self._read(lambda database: judgement.incidents(database, from_ms, to_ms, monitors))

    async def open_incidents(self) -> list[Incident]:
        """Return the incidents that have no end."""
        return await self._read(judgement.open_incidents)

    async def incident(self, id_: IncidentId) -> Incident | None:
        """Return one incident, None where there is none with this id."""
        return await self._read(lambda database: judgement.incident(database, id_))

    async def failure_evidence(self, monitor: MonitorId, from_ms: int, to_ms: int) -> list[FailureEvidence]:
        """Return what probes kept of a monitor's failures in [from_ms, to_ms), by time."""
        return await self._read(lambda database: failure_evidence.read(database, monitor, from_ms, to_ms))

    async def tracks(self, monitors: Collection[MonitorId], from_ms: int, to_ms: int) -> dict[MonitorId, list[Track]]:
        """Return the committed results in [from_ms, to_ms) of each probe that measured a monitor."""
        return await self._read(lambda database: judgement.tracks(database, monitors, from_ms, to_ms))

    async def results_at(self, monitor: MonitorId, at_ms: int) -> list[tuple[Probe, CheckResult, Status]]:
        """Return what each probe knew at a moment: its newest committed result by then that still spoke."""
        return await self._read(lambda database: judgement.results_at(database, monitor, at_ms))

    async def all_probes(self) -> dict[ProbeId, Probe]:
        """Return every probe that ever measured, forgotten ones included."""
        return await self._read(judgement.all_probes)

    # Alerts

    async def alert_memory(self) -> AlertMemory:
        """Return what decisions about alerts and their deliveries go on from."""
        return await self._read(alert.read_memory)

    async def alert_book(self) -> AlertBook | None:
        """Return rules and channels, None where there never were any."""
        return await self._read(alert.read_book)

    async def save_alert_book(self, book: AlertBook) -> None:
        """Keep rules, channels and the pause of all alerts."""
        await self._write(lambda database: alert.write_book(database, book))

    async def record_alerts(self, change: AlertChange) -> None:
        """Keep what a decision changed and what is to be sent, at once; twice is harmless."""
        await self._write(lambda database: alert.write_change(database, change))

    async def save_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """Keep how far deliveries are, at once."""
        await self._write(lambda database: alert.write_deliveries(database, deliveries))

    async def alerts(self, from_ms: int, to_ms: int, limit: int = 500) -> list[Alert]:
        """Return the newest alerts of [from_ms, to_ms) and those that last still, newest first."""
        return await self._read(lambda database: alert.alerts(database, from_ms, to_ms, limit))

    async def alert(self, id_: AlertId) -> Alert | None:
        """Return one alert, None where there is none with this id."""
        return await self._read(lambda database: alert.alert(database, id_))

    async def deliveries(
        self, limit: int = 200, channel: ChannelId | None = None, alert_id: AlertId | None = None
    ) -> list[Delivery]:
        """Return the newest deliveries, newest first, of one channel or alert where one is given."""
        return await self._read(lambda database: alert.deliveries(database, limit, channel, alert_id))

    # Registrations

    async def registrations(self) -> RegistrationMemory:
        """Return what registries said of names, and which of them are left alone."""
        return await self._read(registration.read)

    async def save_registration(
        self, one: Registration, server: str | None = None, pause: RegistryPause | None = None
    ) -> None:
        """Keep what is known of a name; with a `server` also its pause, or that it has none."""
        await self._write(lambda database: registration.write(database, one, server, pause))

    async def forget_registrations(self, names: Collection[str]) -> None:
        """Let go of names that nobody watches any more."""
        await self._write(lambda database: registration.forget(database, names))

    def recent(self, since_ms: int) -> Iterator[RecentBatch]:
        """Yield the committed results of all series since a time, ordered by time. Blocks."""
        with translated(self.path), closing(self._read_connection()) as database:
            database.connect()
            with database.atomic():
                yield from history.recent(database, since_ms)

    # The past as a whole

    async def past_setup(self) -> PastSetup | None:
        """Return what there was to measure and what it came to; None where nothing is kept."""
        now_ms = self._now_ms()
        return await self._read(lambda database: past.setup(database, now_ms))

    async def past_hour(self, hour: int, at_most: int | None = None) -> PastResults:
        """Return the committed results of all series in an hour; of those alone that have `at_most` so many."""
        return await self._read(lambda database: past.hour_results(database, hour, at_most))

    async def past_buckets(self, from_ms: int, to_ms: int, bucket_ms: int) -> PastBuckets:
        """Return the roll-ups of all series that begin in [from_ms, to_ms): of 5 minutes, an hour or a day."""
        return await self._read(lambda database: past.buckets(database, from_ms, to_ms, bucket_ms))

    async def latest(self, monitor: MonitorId) -> list[tuple[ProbeId, CheckResult, Status]]:
        """Return the newest committed result of each probe that measured the monitor."""
        return await self._read(lambda database: history.latest(database, monitor))

    async def size(self) -> StoreSize:
        """Return how much there is."""
        return await self._read(self._size)

    async def size_parts(self) -> SizeParts:
        """Return what makes up the size of the database's file."""
        return await asyncio.to_thread(size_parts, self.path)

    async def back_up(self, target: Path, progress: Progress) -> BackupFacts:
        """Copy everything that was measured and configured up to now to a file or into a folder; return what is in it.

        `progress` is called from another thread. Raises InvalidInput for a target that cannot be used, StorageError.
        """
        if self.problem is None:
            await self.flush()
        return await asyncio.to_thread(backup.back_up, self.path, target, self._now_ms(), progress)

    def _size(self, database: peewee.SqliteDatabase) -> StoreSize:
        files = [Path(f"{self.path}{companion}") for companion in ("", "-wal")]
        known = history.hours_with_results(database)
        return StoreSize(
            sum(file.stat().st_size for file in files if file.exists()),
            history.result_count(database),
            None if known is None else known[0] * HOUR_MS,
        )

    def _must_write(self) -> Writer:
        if self._writer is None:
            raise StorageReadOnly("The database was opened for reading only.")
        return self._writer

    async def _write(self, work: Work[T]) -> T:
        def transaction(database: peewee.SqliteDatabase) -> T:
            with database.atomic("IMMEDIATE"):
                return work(database)

        return await asyncio.wrap_future(self._must_write().submit(transaction))

    async def _read(self, work: Work[T]) -> T:
        if self._is_closed:
            raise StorageError("The database is closed.")

        def transaction() -> T:
            with translated(self.path):
                if self._reader is None:
                    self._reader = self._read_connection()
                if self._reader.is_closed():
                    self._reader.connect()
                with self._reader.atomic():
                    return work(self._reader)

        return await asyncio.get_running_loop().run_in_executor(self._reading, transaction)

    def _read_connection(self) -> peewee.SqliteDatabase:
        return read_connection(self.path, is_immutable=self._writer is None and is_immutable(self.path))

    def _close_reader(self) -> None:
        if self._reader is not None and not self._reader.is_closed():
            self._reader.close()


def _check_untouched(path: Path) -> None:
    """Look at a file before anything of it is changed. Raises StorageError subclasses."""
    database = read_connection(path)
    with translated(path), closing(database):
        database.connect()
        check(database, path)
        refuse_newer(database, path)


def _look_into(path: Path) -> str:
    """Return the owner of a database that is to be read only. Raises StorageError subclasses."""
    replacement.refuse_unfinished(path)
    if not path.is_file():
        raise StorageError(f"There is no database at {path} yet.", "Add a domain first, or check --data-dir.")
    database = read_connection(path, is_immutable=is_immutable(path))
    with translated(path), closing(database):
        database.connect()
        check(database, path)
        refuse_newer(database, path)
        if schema_of(database) < len(STEPS):
            raise StorageError(
                f"The database {path} is of an older version and must be brought up to date first.",
                "Start Pingmon once, or run a command that writes.",
            )
        return configuration.owner_of(database)
