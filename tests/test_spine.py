"""The spine, whole and real: session, store, embedded probe and a server on loopback."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from pingmon_gui.domain.error import ProbeUnreachable
from pingmon_gui.domain.monitor import Monitor, MonitorDraft, MonitorSettings
from pingmon_gui.domain.probe import EMBEDDED_PROBE, ProbeHealth, ProbeState
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.event import Event, ProbeChanged
from pingmon_gui.fleet.embedded import EmbeddedProbe
from pingmon_gui.session import THIS_COMPUTER, Session
from tests.conftest import ExpectLog
from tests.engine.fakes import FakeClock, FakeLink, until


class Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/" else 404)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server that answers / with 200 and everything else with 404."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Hello) as listening:
        thread = Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


class Spine:
    """A session with the real embedded probe, and eyes on it."""

    def __init__(self, data_dir: Path, command: Sequence[str] | None = None) -> None:
        self.command = command
        self.link: EmbeddedProbe | None = None
        self.session = Session(data_dir, probes=self._links)
        self.events: list[Event] = []
        self.session.hub.subscribe(self.events.append)

    def _links(self, data_dir: Path, _now_ms: object) -> list[EmbeddedProbe]:
        self.link = EmbeddedProbe(THIS_COMPUTER, data_dir / "probe", self.command)
        return [self.link]

    def health(self) -> ProbeHealth:
        return self.session.board.probes[EMBEDDED_PROBE]

    def state(self, monitor: Monitor) -> Status:
        return Status(int(self.session.board.state[self.session.board.row_of[monitor.id], 0]))

    async def add(self, *urls: str) -> list[Monitor]:
        # An interval of an hour: whatever comes soon, came because it was asked for.
        settings = MonitorSettings(interval_ms=3_600_000)
        return await self.session.commands.add([MonitorDraft(url, settings=settings) for url in urls])


def run(spine: Spine, test: Callable[[], Coroutine[object, object, None]]) -> None:
    async def whole() -> None:
        await spine.session.start()
        try:
            await test()
        finally:
            await spine.session.stop()

    asyncio.run(whole())


def test_added_domain_is_measured_at_once_and_its_history_is_there_after_a_restart(tmp_path: Path, server: str) -> None:
    spine = Spine(tmp_path / "data")
    seen: list[int] = []

    async def first() -> None:
        (monitor,) = await spine.add(f"{server}/")
        await until(lambda: spine.state(monitor) is Status.ONLINE)
        (latest,) = spine.session.board.latest(monitor.id, Region.LOCAL)
        assert latest.result.on_demand
        assert (latest.result.http_status, latest.result.address) == (200, "127.0.0.1")
        assert spine.health().state is ProbeState.CONNECTED
        seen.append(int(spine.session.board.at_ms[0, 0]))

    run(spine, first)
    assert spine.link is not None
    assert spine.link.pid is None
    again = Spine(tmp_path / "data")

    async def second() -> None:
        board = again.session.board
        assert board.at_ms[0, 0] == seen[0]
        known = board.availability_of(board.ids[0], Region.LOCAL)
        assert known.ratio == 1.0
        await until(lambda: board.verdict[0] == Verdict.ONLINE)
        stored = await again.session.store.results(board.ids[0], 0, 2**53)
        assert sum(len(series.at_ms) for series in stored) >= 1
        assert len({at for series in stored for at in series.at_ms.tolist()}) == sum(len(s.at_ms) for s in stored)

    run(again, second)


def test_newest_result_is_there_in_full_after_a_restart(tmp_path: Path, server: str) -> None:
    spine = Spine(tmp_path / "data")

    async def first() -> None:
        (monitor,) = await spine.add(f"{server}/missing")
        await until(lambda: spine.state(monitor) is Status.OFFLINE)
        await spine.session.commands.set_paused([monitor.id], True)

    run(spine, first)
    again = Spine(tmp_path / "data")
    # A probe that is not reached: all that is known comes from the store.
    link = FakeLink(THIS_COMPUTER, FakeClock())
    link.failure = ProbeUnreachable("It is not there.")
    again.session = Session(tmp_path / "data", probes=lambda *_: [link])

    async def second() -> None:
        board = again.session.board
        (bare,) = board.latest(board.ids[0], Region.LOCAL)
        assert (bare.is_whole, bare.result.failure, bare.result.message) == (False, "http_status", "")
        await again.session.recall(board.ids[0])
        (whole,) = board.latest(board.ids[0], Region.LOCAL)
        assert (whole.is_whole, whole.result.http_status, whole.result.address) == (True, 404, "127.0.0.1")
        assert "404" in whole.result.message

    run(again, second)


def test_domain_that_is_down_is_confirmed_offline_with_its_sentence(tmp_path: Path, server: str) -> None:
    spine = Spine(tmp_path / "data")

    async def check() -> None:
        (monitor,) = await spine.add(f"{server}/missing")
        await until(lambda: spine.state(monitor) is Status.OFFLINE)  # after the probe's own second look
        (document,) = (await spine.session.status_json())["monitors"]
        (region,) = document["regions"]
        assert (document["verdict"], region["failure"]) == ("offline", "http_status")
        assert "404" in region["message"]

    run(spine, check)


def test_killed_probe_makes_unknown_with_its_reason_and_comes_back(
    tmp_path: Path, server: str, expect_log: ExpectLog
) -> None:
    expect_log("ended by itself")
    spine = Spine(tmp_path / "data")

    async def check() -> None:
        (monitor,) = await spine.add(f"{server}/")
        await until(lambda: spine.state(monitor) is Status.ONLINE)
        before = int(spine.session.board.at_ms[0, 0])
        assert spine.link is not None
        assert spine.link.pid is not None
        os.kill(spine.link.pid, signal.SIGKILL)
        await until(lambda: spine.state(monitor) is Status.UNKNOWN)
        assert spine.session.board.verdict[0] == Verdict.UNKNOWN
        assert "ended by itself" in spine.session.board.cards().health
        await until(lambda: spine.health().state is ProbeState.CONNECTED)
        assert spine.health().restarts == 1
        await spine.session.commands.check_now([monitor.id])
        await until(lambda: spine.session.board.at_ms[0, 0] > before and spine.state(monitor) is Status.ONLINE)
        states = [event.health.state for event in spine.events if isinstance(event, ProbeChanged)]
        assert states.index(ProbeState.UNREACHED) > states.index(ProbeState.CONNECTED)

    run(spine, check)
