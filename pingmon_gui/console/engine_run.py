"""`pingmon run`: the whole engine without a window. What changes is told on stderr, a line each, fit for a journal."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from pingmon_gui import log
from pingmon_gui.answer import Answers
from pingmon_gui.console import output
from pingmon_gui.domain.error import PingmonError
from pingmon_gui.domain.metrics_access import MetricsAccess
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.region import REGION_NAMES, REGIONS
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.event import Event, Notice, PreferencesChanged
from pingmon_gui.ownership import Ownership
from pingmon_gui.session import Session

_log = logging.getLogger("pingmon")
_REPORT_EVERY_S = 0.5
_WORDS = {
    Verdict.ONLINE: "is online",
    Verdict.SLOW: "is slow",
    Verdict.OFFLINE: "is offline",
    Verdict.REGIONAL: "has a regional problem",
    Verdict.UNKNOWN: "is unknown: nobody can measure it just now",
    Verdict.PAUSED: "is paused",
}
_BAD = (Verdict.OFFLINE, Verdict.REGIONAL)


def run(args: argparse.Namespace) -> int:
    with Ownership.take(args.data_dir, "run") as ownership:
        log.set_up(args.data_dir, debug=args.debug, on_stderr=True)
        asyncio.run(_run(ownership, args.duration_s, args.metrics))
    return 0


async def _run(ownership: Ownership, duration_s: float | None, metrics: MetricsAccess | None) -> None:
    stop = asyncio.Event()
    until_s = None if duration_s is None else asyncio.get_running_loop().time() + duration_s
    with _stopped_by_signal(stop):
        session = Session(ownership.data_dir, metrics=metrics)
        unsubscribe = session.hub.subscribe(_on_event)
        is_served = False
        try:
            while True:
                try:
                    await session.start()
                except PingmonError as exc:
                    session.renewal.settle(exc)
                    raise
                if not is_served:
                    await ownership.serve(Answers(session).answer)
                    is_served = True
                session.renewal.settle()
                await _watch(session, stop, until_s)
                await session.stop()
                if not session.renewal.is_wanted:
                    break
                await session.renewal.carry_out()
        finally:
            unsubscribe()
            await ownership.stop_serving()
            await session.stop()
    _log.info("stopped")


async def _watch(session: Session, stop: asyncio.Event, until_s: float | None) -> None:
    """Tell what changes until somebody wants this life of the session to end."""
    log.set_level(session.preferences.text("log_level"))
    reporter = Reporter(session.board)
    _log.info("watching %s", _counted(len(session.board.ids)))
    while not stop.is_set() and not session.renewal.is_wanted:
        now_s = asyncio.get_running_loop().time()
        if until_s is not None and now_s >= until_s:
            return
        wait_s = _REPORT_EVERY_S if until_s is None else min(_REPORT_EVERY_S, until_s - now_s)
        try:
            await asyncio.wait_for(stop.wait(), wait_s)
        except TimeoutError:
            reporter.report()


def _on_event(event: Event) -> None:
    if isinstance(event, PreferencesChanged):
        log.set_level(event.preferences.text("log_level"))
    elif isinstance(event, Notice):
        _log.warning("%s", event.message if event.hint is None else f"{event.message} {event.hint}")


def _counted(number: int) -> str:
    return "1 domain" if number == 1 else f"{number} domains"


@contextmanager
def _stopped_by_signal(stop: asyncio.Event) -> Iterator[None]:
    """Set `stop` at SIGINT and SIGTERM, on every system, for as long as the context lasts."""
    loop = asyncio.get_running_loop()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop.set)

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Reporter:
    """Tells what changed since the last time: one line for each monitor with another verdict."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._known: dict[MonitorId, Verdict] = {}

    def report(self) -> None:
        board = self._board
        for row in board.take_changes().rows.tolist():
            monitor = board.monitors[board.ids[row]]
            verdict = Verdict(int(board.verdict[row]))
            before = self._known.get(monitor.id)
            if verdict is before or (before is None and verdict is Verdict.UNKNOWN):
                continue
            self._known[monitor.id] = verdict
            level = logging.WARNING if verdict in _BAD else logging.INFO
            again = " again" if verdict is Verdict.ONLINE and before in _BAD else ""
            words, causes = self._words(monitor.id, verdict), self._causes(monitor.id, verdict)
            _log.log(level, "%s %s%s%s", monitor.title, words, again, causes)

    def _words(self, monitor: MonitorId, verdict: Verdict) -> str:
        until_ms = self._board.maintenance_until_ms(monitor)
        if verdict is Verdict.PAUSED and until_ms is not None:
            return f"is in maintenance until {output.local_time(until_ms)}"
        return _WORDS[verdict]

    def _causes(self, monitor: MonitorId, verdict: Verdict) -> str:
        if verdict not in (*_BAD, Verdict.SLOW):
            return ""
        board = self._board
        causes = []
        for column, region in enumerate(REGIONS):
            if board.state[board.row_of[monitor], column] not in (Status.OFFLINE, Status.SLOW):
                continue
            told = [latest for latest in board.latest(monitor, region) if latest.result.message]
            over = f" over IPv{told[0].family}" if told and told[0].family else ""
            causes.append(f"{REGION_NAMES[region]}{over}" + (f": {told[0].result.message}" if told else ""))
        return f" ({'; '.join(causes)})" if causes else ""
