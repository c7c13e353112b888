"""Metrics joined: what the board, the store and the alerts tell, and the service that answers at /metrics.

Part of a session. It is on where the preferences say so, or where the command line does.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pingmon_probe.exposition import Metric

import pingmon_gui
from pingmon_gui.alerting import Alerting
from pingmon_gui.domain.alert_news import CertificateFact, RegistrationFact
from pingmon_gui.domain.error import SettingsError
from pingmon_gui.domain.metrics_access import MetricsAccess, preferred_access
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.board_metrics import Ends, board_metrics
from pingmon_gui.engine.event import Event, EventHub, Notice, PreferencesChanged
from pingmon_gui.metrics.token import read_or_make_token

if TYPE_CHECKING:
    from pingmon_gui.metrics.service import MetricsService
    from pingmon_gui.store.store import Store

_log = logging.getLogger(__name__)
_STARTED_S = time.time()


class Metering:
    """`start` once engine and alerts run, `stop` before them. `typed` is what the command line asked for."""

    def __init__(
        self,
        data_dir: Path,
        store: Store,
        board: Board,
        alerting: Alerting,
        hub: EventHub,
        typed: MetricsAccess | None = None,
    ) -> None:
        self._data_dir = data_dir
        self._store = store
        self._board = board
        self._alerting = alerting
        self._hub = hub
        self._typed = typed
        self._wanted: MetricsAccess | None = None
        self._service: MetricsService | None = None
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._unsubscribe: Callable[[], None] = lambda: None

    @property
    def port(self) -> int | None:
        """Where it is answered, None while it is not."""
        return None if self._service is None else self._service.port

    async def start(self, preferences: Preferences) -> None:
        """Answer what was asked for by name. Raises SettingsError; what only the preferences want is told of later."""
        if self._typed is not None:
            await self._answer(self._typed)
            return
        self._unsubscribe = self._hub.subscribe(self._hear)
        self._follow(preferences)

    async def stop(self) -> None:
        self._unsubscribe()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._answer(None)

    def _hear(self, event: Event) -> None:
        if isinstance(event, PreferencesChanged):
            self._follow(event.preferences)

    def _follow(self, preferences: Preferences) -> None:
        task = asyncio.create_task(self._try(preferred_access(preferences)), name="metering")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _try(self, access: MetricsAccess | None) -> None:
        try:
            await self._answer(access)
        except SettingsError as exc:
            self._hub.publish(Notice(exc.message, exc.hint))

    async def _answer(self, access: MetricsAccess | None) -> None:
        """Answer as is wanted now and no other way. Raises SettingsError."""
        async with self._turn:
            if access == self._wanted and (access is None or self._service is not None):
                return
            if self._service is not None:
                await self._service.stop()
                self._service = None
            self._wanted = access
            if access is None:
                return
            from pingmon_gui.metrics.service import MetricsService

            token = await asyncio.to_thread(read_or_make_token, self._data_dir) if access.needs_token else None
            service = MetricsService(access, token, self._pieces)
            await service.start()
            self._service = service
            _log.info("metrics are answered at %s", replace(access, port=service.port).shown)

    def _pieces(self) -> Iterator[bytes]:
        return board_metrics(self._board, self._own_metrics(), self._ends())

    def _ends(self) -> tuple[Ends, ...]:
        """Return when certificates and registrations end, as alerts know it."""
        return (
            Ends(
                "pingmon_monitor_certificate_expiry_timestamp_seconds",
                "When the first of the certificates ends that the domain shows, in unixtime",
                lambda: _first_ends(self._alerting.policy.certificates),
            ),
            Ends(
                "pingmon_monitor_registration_expiry_timestamp_seconds",
                "Until when the domain's name is registered, in unixtime",
                lambda: _first_ends(self._alerting.registrations),
            ),
        )

    def _own_metrics(self) -> list[Metric]:
        committed_ms = self._store.committed_at_ms
        waiting = sum(self._alerting.waiting.values())
        is_healthy = self._board.problem is None
        return [
            ("pingmon_build_info", "gauge", "Version of Pingmon", [({"version": pingmon_gui.__version__}, 1.0)]),
            ("pingmon_monitors", "gauge", "Domains, those included that are paused", [({}, len(self._board.ids))]),
            (
                "pingmon_store_last_commit_timestamp_seconds",
                "gauge",
                "When results were last written to the database, in unixtime",
                [] if committed_ms is None else [({}, committed_ms / 1000)],
            ),
            ("pingmon_healthy", "gauge", "Whether Pingmon itself can do its work", [({}, is_healthy)]),
            ("pingmon_alert_messages_waiting", "gauge", "Messages that no channel has taken yet", [({}, waiting)]),
            ("process_cpu_seconds_total", "counter", "Processor time that was used", [({}, time.process_time())]),
            ("process_start_time_seconds", "gauge", "When Pingmon was started, in unixtime", [({}, _STARTED_S)]),
        ]


def _first_ends(facts: Iterable[CertificateFact | RegistrationFact]) -> dict[MonitorId, int]:
    found: dict[MonitorId, int] = {}
    for fact in facts:
        for monitor in fact.monitors:
            found[monitor] = min(fact.until_ms, found.get(monitor, fact.until_ms))
    return found
