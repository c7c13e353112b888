"""The collector of one probe: keeps one results stream open, judges what comes and hands it to store and board."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from pingmon_probe.protocol import MAX_WAIT_S

from pingmon_gui.domain.availability import hold_ms
from pingmon_gui.domain.error import ProbeError, ProbeOwned, ProbeUnauthorised, ProbeUnreachable, ProbeVersionMismatch
from pingmon_gui.domain.probe import ProbeState
from pingmon_gui.domain.result import ResultBatch, Shared
from pingmon_gui.domain.status import Status, judge
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.clock import Clock
from pingmon_gui.engine.desk import ProbeDesk
from pingmon_gui.engine.link import Heartbeat, ProbeLink, ProbeStatus, StreamHeader
from pingmon_gui.engine.port import CursorPort, StorePort
from pingmon_gui.engine.standing_book import StandingBook
from pingmon_gui.engine.version_table import VersionTable
from pingmon_gui.nap import BackOff, Nap

_log = logging.getLogger(__name__)


class Collector:
    """`run` never ends by itself; the `on_...` functions tell the scheduler what it has to know of the connection."""

    def __init__(
        self,
        link: ProbeLink,
        desk: ProbeDesk,
        store: StorePort,
        board: Board,
        versions: VersionTable,
        standings: StandingBook,
        clock: Clock,
        cursor: CursorPort | None,
        on_connected: Callable[[ProbeStatus], None],
        on_revision: Callable[[int], None],
        on_catching_up: Callable[[], None],
        on_results: Callable[[], None],
        nap: Nap,
    ) -> None:
        self._link = link
        self._desk = desk
        self._store = store
        self._board = board
        self._versions = versions
        self._standings = standings
        self._clock = clock
        self._spool = cursor.spool if cursor else None
        self._seq = cursor.seq if cursor else 0
        self._on_connected = on_connected
        self._on_revision = on_revision
        self._on_catching_up = on_catching_up
        self._on_results = on_results
        self._nap = nap
        self._header: StreamHeader | None = None
        self._catch_up_from = self._catch_up_seq = 0
        self._is_stale = False
        self._back_off = BackOff()

    async def run(self) -> None:
        """Collect for ever. A probe that is not reached says nothing about any target."""
        while True:
            try:
                await self._link.start()
                self._answered(await self._link.status())
                while True:
                    await self._stream()
            except (ProbeUnauthorised, ProbeOwned, ProbeVersionMismatch) as exc:
                self._desk.refused(str(exc))
            except ProbeError as exc:
                self._desk.unreached(self._link.problem or str(exc))
            await self._nap.sleep(self._back_off.next_s())

    def hurry(self) -> None:
        """Try again at once: something happened (a wake from sleep, a restart) that may have cured or broken it."""
        self._back_off.reset()
        self._nap.wake()
        self._link.hurry()

    def renew(self) -> None:
        """End the open stream with its next item: how far the probe's clock is off has to be measured again."""
        self._is_stale = True

    def _answered(self, status: ProbeStatus) -> None:
        self._desk.answered(status)
        self._on_connected(status)

    async def _stream(self) -> None:
        is_empty, self._is_stale = True, False
        async with contextlib.aclosing(self._link.results(self._seq, self._spool, MAX_WAIT_S)) as stream:
            async for item in stream:
                is_empty = False
                if isinstance(item, ResultBatch):
                    self._take(item)
                elif isinstance(item, Heartbeat):
                    self._hear(item)
                else:
                    self._open(item)
                self._back_off.reset()
                if self._is_stale:
                    break
        if is_empty:
            raise ProbeUnreachable(f"The probe “{self._link.probe.name}” ended the connection without an answer.")

    def _open(self, header: StreamHeader) -> None:
        if header.spool != self._spool:
            self._spool, self._seq = header.spool, 0
        for first, last in header.dropped:
            if last > self._seq:
                name, count = self._link.probe.name, last - max(first, self._seq + 1) + 1
                _log.warning("probe %s had no room left and dropped %d results", name, count)
        if self._desk.health.state is not ProbeState.CATCHING_UP:
            self._catch_up_from = self._seq
        self._catch_up_seq = header.last
        self._header = header
        if header.last <= self._seq or self._desk.health.state is ProbeState.CONNECTED:
            self._desk.connected(header, is_catching_up=False)
        # Otherwise whether the backlog is old shows with its first results; until then nothing is claimed.

    def _hear(self, heartbeat: Heartbeat) -> None:
        # A probe has nothing else to say only when its backlog is through, whatever became of that on the way.
        if self._header is not None and not self._desk.is_reached:
            self._desk.connected(self._header, is_catching_up=False)
        self._desk.caught_up()
        self._desk.alive(heartbeat)
        self._on_revision(heartbeat.revision)

    def _take(self, batch: ResultBatch) -> None:
        if batch.spool != self._spool or batch.last_seq <= self._seq:
            return
        new = np.arange(batch.count) >= self._seq + 1 - batch.first_seq
        self._seq = batch.last_seq
        batch = self._versions.claimed(batch)
        is_known, interval_ms, slow_ms = self._versions.look_up(batch.monitor, batch.version)
        status = judge(batch.failure, batch.total_ms, slow_ms, batch.own_network)
        status[self._standings.is_resting(batch.monitor, batch.started_at_ms)] = Status.PAUSED
        judged = replace(batch, status=status, interval_ms=interval_ms)
        kept = new & is_known
        if not kept.all():
            judged = keep(judged, kept)
        if not self._desk.is_reached and self._header is not None:
            oldest = int((judged.started_at_ms + hold_ms(judged.interval_ms)).min(initial=self._clock.now_ms()))
            is_old = oldest < self._clock.now_ms() and self._seq < self._catch_up_seq
            self._desk.connected(self._header, is_catching_up=is_old)
            if is_old:
                self._on_catching_up()
        self._store.append(judged)
        self._board.apply(judged, self._versions.are_second(judged))
        self._on_results()
        self._desk.heard(judged.count)
        if self._seq >= self._catch_up_seq:
            self._desk.caught_up()
        elif self._desk.health.state is ProbeState.CATCHING_UP:
            self._desk.catching_up((self._seq - self._catch_up_from) / (self._catch_up_seq - self._catch_up_from))


def keep(batch: ResultBatch, kept: npt.NDArray[np.bool_]) -> ResultBatch:
    """Return the batch with the kept results only; it ends with the same seq, so the cursor passes what was dropped."""
    places = np.flatnonzero(kept)
    columns: dict[str, object] = {}
    for name, value in vars(batch).items():
        if isinstance(value, np.ndarray):
            columns[name] = value[places]
        elif isinstance(value, Shared):
            columns[name] = Shared(value.values, value.index[places])
    count = len(places)
    return replace(batch, first_seq=batch.last_seq - count + 1, count=count, **columns)  # type: ignore[arg-type]
