"""From a failing result to its alert: how long it takes, and what a thousand at once do to the loop and the outbox.

Engine, store, policy and outbox are the real ones, the notification daemon is a process of its own on a session bus of
our own, and what is measured ends with its answer. Twice: from the result that confirms an outage, which comes as from
a probe's stream; and from the first failing result of a real probe whose site goes down, most of which is the wait for
the second check. The first of a cause is told at once, the others that join it once a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pingmon_probe.protocol import RECHECK_AFTER_S

from pingmon_gui.alerting import Alerting
from pingmon_gui.alerts.freedesktop import FreedesktopNotifier
from pingmon_gui.alerts.port import DesktopNotice, Picture
from pingmon_gui.domain.alert import AlertId
from pingmon_gui.domain.alert_channel import DESKTOP, Channel, ChannelId, ChannelKind, ChannelSecret
from pingmon_gui.domain.alert_rule import AlertKind, AlertRule, Flapping, RuleId, first_book
from pingmon_gui.domain.monitor import Monitor, MonitorDraft
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.clock import SystemClock
from pingmon_gui.engine.engine import Engine
from pingmon_gui.fleet.secret_store import ChannelSecretStore
from pingmon_gui.session import Session
from pingmon_gui.store.store import Store
from tests.alerts.receiver import receiving
from tests.alerts.session_bus import session_bus
from tests.bench.harness import Row, percentile, row
from tests.engine.fakes import FakeLink, batch, heartbeat, probe, until

REPEATS = 40
#: A failing check is made again so long after it.
SECOND_CHECK_MS = RECHECK_AFTER_S * 1000
HOOK = ChannelId(7)


class Notifier(FreedesktopNotifier):
    """Notes when the daemon answered for what."""

    def __init__(self) -> None:
        super().__init__(str, lambda _notice: Picture(64, bytes(64 * 64 * 4)))
        self.shown: list[tuple[float, DesktopNotice]] = []
        self.news = asyncio.Event()

    async def show(self, notice: DesktopNotice) -> None:
        await super().show(notice)
        self.shown.append((time.time(), notice))
        self.news.set()


@contextlib.contextmanager
def _notification_daemon() -> Iterator[None]:
    """Run a session bus of our own and, in a process of its own, a notification daemon on it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
        session_bus(Path(folder), patch),
    ):
        words = [sys.executable, "-m", "tests.alerts.session_bus"]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()


@dataclass
class Place:
    """A Pingmon with one probe that measures what it is told to."""

    link: FakeLink
    clock: SystemClock
    monitors: list[Monitor]
    notifier: Notifier
    alerting: Alerting
    seq: int = 1
    stalls_ms: list[float] = field(default_factory=list)

    def measure(self, status: Status, monitors: list[Monitor]) -> None:
        now_ms = self.clock.now_ms()
        rows = [(one.id, now_ms, int(status)) for one in monitors]
        for start in range(0, len(rows), 250):
            some = rows[start : start + 250]
            self.link.feed(batch(some, first_seq=self.seq, judged=False))
            self.seq += len(some)

    async def told(self, title: str) -> float:
        """Return when a notification with a title was handed over."""
        while True:
            for at_s, notice in self.notifier.shown:
                if notice.title == title:
                    self.notifier.shown.clear()
                    return at_s
            self.notifier.news.clear()
            await self.notifier.news.wait()

    async def watch_loop(self) -> None:
        while True:
            before_s = time.perf_counter()
            await asyncio.sleep(0.001)
            self.stalls_ms.append((time.perf_counter() - before_s - 0.001) * 1000)


def rows() -> list[Row]:
    """Return the rows of the report. Takes about two minutes."""
    with _notification_daemon():
        return _rows()


def _rows() -> list[Row]:
    found: list[Row] = []
    for count in (10, 1_000):
        taken_ms = asyncio.run(_latencies(count))
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            found.append(
                row(
                    f"confirming result -> the daemon shows the notification, {count:,} monitors, {name}",
                    "ms",
                    [percentile(taken_ms, share)],
                    goal=1_000 if share == 0.99 else None,
                    is_ratio=False,
                )
            )
    for count in (10, 1_000):
        taken_ms = asyncio.run(_outage(count))
        name = f"first failing result -> the daemon shows the notification, {count:,} monitors"
        peer = ([SECOND_CHECK_MS], "wait for the second check")
        found += [
            row(f"{name}, first of the cause", "ms", [taken_ms[0]], *peer, goal=1.25),
            row(f"{name}, p50", "ms", [percentile(taken_ms, 0.5)], *peer),
            row(f"{name}, p99", "ms", [percentile(taken_ms, 0.99)], *peer, goal=2),
        ]
    messages, stall_ms, drained_s, webhooks = asyncio.run(_all_at_once(1_000))
    at_once = "1,000 monitors go down at once"
    found += [
        row(f"{at_once}: notifications until all were told", "messages", [messages], goal=12, is_ratio=False),
        row(f"{at_once}: webhook messages", "messages", [webhooks], goal=3, is_ratio=False),
        row(f"{at_once}: longest stall of the loop", "ms", [stall_ms], goal=100, is_ratio=False),
        row(f"{at_once}: everything delivered after", "s", [drained_s], goal=15, is_ratio=False),
    ]
    return found


async def _latencies(count: int) -> list[float]:
    async with _place(count) as place:
        taken = []
        for number in range(REPEATS):
            one = [place.monitors[number % count]]
            place.measure(Status.OFFLINE, one)
            await asyncio.sleep(0.02)
            began_s = time.time()
            place.measure(Status.OFFLINE, one)
            at_s = await place.told(f"{one[0].title} is offline")
            taken.append((at_s - began_s) * 1000)
            for _ in range(2):
                place.measure(Status.ONLINE, one)
                await asyncio.sleep(0.02)
            # Over, so that the next is an alert of its own.
            await until(lambda: not any(alert.is_open for alert in place.alerting.live))
            # Everything else is measured all the while.
            place.measure(Status.ONLINE, place.monitors[: max(1, count // 10)])
            await asyncio.sleep(0.02)
        return taken


async def _outage(count: int) -> list[float]:
    """Take down the site of all monitors of a real Pingmon; return how long each one's notification took, in ms.

    They join one alert in the order in which they were confirmed, and each notification says of how many it speaks.
    """
    notifier = Notifier()
    with tempfile.TemporaryDirectory() as folder:
        session = Session(Path(folder))
        await session.start()
        await notifier.start()
        session.alerts.set_desktop(notifier)
        site = await asyncio.start_server(_answer, "127.0.0.1", 0, backlog=1_000)
        try:
            port = site.sockets[0].getsockname()[1]
            drafts = [MonitorDraft(f"http://127.0.0.1:{port}/{n}") for n in range(count)]
            await session.commands.add(drafts)
            board = session.board
            await until(lambda: len(board.verdict) == count and bool((board.verdict == Verdict.ONLINE).all()))
            site.close()
            await until(lambda: sum(_numbers(notifier).values()) == count)
            items = {alert.id: list(alert.items.values()) for alert in session.alerts.live}
        finally:
            site.close()
            await session.stop()
            await notifier.stop()
    taken_ms: list[float] = []
    told: dict[AlertId, int] = defaultdict(int)
    for at_s, notice in notifier.shown:
        newly = items[notice.alert][told[notice.alert] : _number(notice)]
        told[notice.alert] = _number(notice)
        taken_ms += [at_s * 1000 - item.since_ms for item in newly]
    return taken_ms


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
    writer.close()


def _numbers(notifier: Notifier) -> dict[AlertId, int]:
    """Return of how many domains each alert's newest notification speaks."""
    return {notice.alert: _number(notice) for _, notice in notifier.shown}


def _number(notice: DesktopNotice) -> int:
    """Return of how many domains a notification speaks: "1,000 domains are offline"."""
    first = notice.title.split()[0].replace(",", "")
    return int(first) if first.isdigit() else 1


async def _all_at_once(count: int) -> tuple[int, float, float, int]:
    async with receiving() as receiver, _place(count, receiver.url) as place:
        place.measure(Status.OFFLINE, place.monitors)
        await asyncio.sleep(0.5)
        place.stalls_ms.clear()
        watching = asyncio.create_task(place.watch_loop())
        began_s = time.perf_counter()
        place.measure(Status.OFFLINE, place.monitors)
        await until(lambda: sum(len(alert.items) for alert in place.alerting.live) == count)
        await until(lambda: not any(t.wanted for alert in place.alerting.live for t in alert.threads.values()))
        await until(lambda: bool(receiver.requests) and not any(place.alerting.waiting.values()))
        drained_s = time.perf_counter() - began_s
        watching.cancel()
        return len(place.notifier.shown), max(place.stalls_ms), drained_s, len(receiver.requests)


class _place:
    """Start a Pingmon with `count` monitors that are all well; `hook` is the address of a webhook."""

    def __init__(self, count: int, hook: str | None = None) -> None:
        self._count = count
        self._hook = hook

    async def __aenter__(self) -> Place:
        self._folder = tempfile.TemporaryDirectory()
        data_dir = Path(self._folder.name)
        clock = SystemClock()
        self._store = store = Store.open(data_dir / "pingmon.db", now_ms=clock.now_ms)
        monitors = await store.add_monitors(
            [MonitorDraft(f"https://site{number}.example/") for number in range(self._count)]
        )
        await store.save_probe(probe(1, Region.LOCAL))
        channels = {DESKTOP: first_book().channels[DESKTOP]}
        if self._hook is not None:
            channels[HOOK] = Channel(HOOK, ChannelKind.WEBHOOK, "hook")
            ChannelSecretStore(data_dir, is_keyring_wanted=False).save(HOOK, ChannelSecret(self._hook))
        kinds = frozenset((AlertKind.OFFLINE, AlertKind.REGIONAL))
        rule = AlertRule(RuleId(20), "Outages", kinds, tuple(channels), flapping=Flapping(count=0))
        await store.save_alert_book(type(first_book())((rule,), channels))
        link = FakeLink(probe(1, Region.LOCAL), clock)  # type: ignore[arg-type]
        self._engine = engine = Engine(store, [link], clock)
        await engine.start()
        secrets = ChannelSecretStore(data_dir, is_keyring_wanted=False)
        self._alerting = alerting = Alerting(store, engine.board, engine.incidents, engine.hub, clock, secrets)
        await alerting.start()
        self._notifier = notifier = Notifier()
        await notifier.start()
        alerting.set_desktop(notifier)
        await until(lambda: bool(link.opened))
        place = Place(link, clock, monitors, notifier, alerting)
        link.feed(heartbeat())
        for _ in range(2):
            place.measure(Status.ONLINE, monitors)
            await asyncio.sleep(0.3)
        return place

    async def __aexit__(self, *_: object) -> None:
        await self._engine.stop()
        await self._alerting.stop()
        await self._notifier.stop()
        await self._store.close()
        self._folder.cleanup()
