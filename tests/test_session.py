"""The session: its document of the status, its answers to other processes, start and stop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

import pingmon_gui
from pingmon_gui.answer import Answers
from pingmon_gui.data_folder import default_data_dir
from pingmon_gui.domain.error import InvalidInput, StorageReadOnly
from pingmon_gui.domain.metrics_access import MetricsAccess
from pingmon_gui.domain.monitor import MonitorDraft, MonitorId, MonitorSettings
from pingmon_gui.domain.preference import METRICS_OFF, METRICS_OPEN, METRICS_WITH_TOKEN
from pingmon_gui.domain.probe import ProbeState
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.status import Status
from pingmon_gui.engine.event import Event, Notice, RaiseWindow
from pingmon_gui.request import draft_from_json, draft_json, error_from_json
from pingmon_gui.session import Session, stored_status
from tests.engine.fakes import START_MS, FakeClock, FakeLink, FakeStore, batch, monitor, probe, until
from tests.ports import free_port


class FakeSession(Session):
    """A session on fakes: the store and the one probe are the test's."""

    def __init__(self, data_dir: Path, *monitors: Any, metrics: MetricsAccess | None = None) -> None:
        self.clock = FakeClock()
        self.fake_store = FakeStore(*monitors)
        self.link = FakeLink(probe(), self.clock)
        super().__init__(data_dir, probes=lambda *_: [self.link], clock=self.clock, metrics=metrics)

    def _open_store(self) -> Any:
        return self.fake_store

    async def connected(self) -> None:
        await until(lambda: self.board.probes[probe().id].state is ProbeState.CONNECTED and bool(self.link.plans))


def run(session: Session, test: Callable[[], Coroutine[object, object, None]]) -> None:
    async def whole() -> None:
        await session.start()
        try:
            await test()
        finally:
            await session.stop()

    asyncio.run(whole())


def test_status_json_has_the_documented_shape(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, monitor(2), monitor(3), monitor(4, is_paused=True, name="shop"))

    async def check() -> None:
        await session.connected()
        session.link.feed(batch([(2, START_MS, Status.ONLINE)]))
        await until(lambda: bool(session.fake_store.batches))
        session.clock.advance(5_000)
        session.board.tick(session.clock.now_ms())
        document = await session.status_json()
        assert document == {
            "at_ms": START_MS + 5_000,
            "monitors": [
                {
                    "url": "https://site2.example/",
                    "name": "",
                    "verdict": "online",
                    "maintenance_until_ms": None,
                    "regions": [
                        {
                            "region": "local",
                            "probe": "probe 1",
                            "status": "online",
                            "total_ms": 50.0,
                            "failure": None,
                            "message": "",
                            "availability_1h": 1.0,
                            "coverage_1h": pytest.approx(5_000 / (59 * 60_000 + (START_MS + 5_000) % 60_000)),
                            "at_ms": START_MS,
                            "families": [],
                        }
                    ],
                },
                _nothing_known("https://site3.example/", "", "unknown"),
                _nothing_known("https://site4.example/", "shop", "paused") | {},
            ],
            "probes": [
                {
                    "name": "probe 1",
                    "region": "local",
                    "state": "connected",
                    "version": "1.0",
                    "clock_offset_ms": 0.0,
                    "last_contact_ms": START_MS,
                }
            ],
        }

    run(session, check)


def _nothing_known(url: str, name: str, status: str) -> dict[str, Any]:
    region = {
        "region": "local",
        "probe": "probe 1",
        "status": status,
        "total_ms": None,
        "failure": None,
        "message": "",
        "availability_1h": None,
        "coverage_1h": 0.0 if status == "unknown" else None,
        "at_ms": None,
        "families": [],
    }
    return {"url": url, "name": name, "verdict": status, "maintenance_until_ms": None, "regions": [region]}


def test_unknown_in_status_json_says_why(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, monitor(2))

    async def check() -> None:
        session.link.features = ()
        await session.connected()
        (region,) = (await session.status_json())["monitors"][0]["regions"]
        assert (region["status"], "upgrade this probe" in region["message"]) == ("unknown", True)

    run(session, check)


def test_offline_in_status_json_has_class_and_sentence(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, monitor(2))

    async def check() -> None:
        await session.connected()
        session.link.feed(batch([(2, START_MS - 10, Status.OFFLINE), (2, START_MS, Status.OFFLINE)]))
        await until(lambda: bool(session.fake_store.batches))
        document = (await session.status_json())["monitors"][0]
        assert document["verdict"] == "offline"
        region = document["regions"][0]
        assert (region["status"], region["failure"], region["message"]) == ("offline", "timeout", "no answer in time")

    run(session, check)


def test_stored_status_without_owner_tells_what_is_fresh_and_calls_the_rest_unknown() -> None:
    store = FakeStore(monitor(2), monitor(3), monitor(4))
    store.kept.probes.append(probe())
    rows = [(2, START_MS - 20_000, Status.ONLINE), (3, START_MS - 26_000, Status.ONLINE)]
    store.append(batch([*rows, (4, START_MS - 12_000, Status.OFFLINE), (4, START_MS - 2_000, Status.OFFLINE)]))
    document = asyncio.run(stored_status(store, START_MS))  # type: ignore[arg-type]
    told = [(m["verdict"], r["status"], r["at_ms"], r["message"]) for m in document["monitors"] for r in m["regions"]]
    assert told == [
        ("online", "online", START_MS - 20_000, ""),
        ("unknown", "unknown", START_MS - 26_000, ""),
        ("offline", "offline", START_MS - 2_000, "no answer in time"),
    ]
    assert document["probes"][0]["state"] == "stopped"


def test_request_domain_add_keeps_everything_of_the_draft(tmp_path: Path) -> None:
    session = FakeSession(tmp_path)
    settings = MonitorSettings(interval_ms=5_000, keyword="shop", basic_auth="me:secret", status_set=((200, 204),))
    draft = MonitorDraft("https://new.example/", "New", settings, ("a", "b"), (Region.EU,))

    async def check() -> None:
        answer = await Answers(session).answer({"command": "domain.add", "drafts": [draft_json(draft)]})
        assert answer["ok"] is True
        (told,) = answer["monitors"]
        (kept,) = session.board.monitors.values()
        assert (kept.url, kept.name, kept.settings, kept.tags, kept.regions) == (
            draft.url,
            draft.name,
            draft.settings,
            draft.tags,
            draft.regions,
        )
        assert told["id"] == kept.id
        assert "secret" not in str(answer)
        assert (await Answers(session).answer({"command": "domain.list"}))["monitors"] == [told]

    run(session, check)


def test_requests_change_pause_resume_check_and_remove(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, monitor(2), monitor(3))

    async def check() -> None:
        await session.connected()
        await until(lambda: len(session.link.checked) == 2)
        change = {"id": 2, "name": " My  shop ", "settings": {"slow_ms": 500}, "tags": ["x"], "regions": ["local"]}
        answer = await Answers(session).answer({"command": "domain.change", "changes": [change]})
        (told,) = answer["monitors"]
        assert (told["name"], told["settings"], told["tags"], told["version"]) == (
            "My shop",
            {"slow_ms": 500},
            ["x"],
            2,
        )
        assert await Answers(session).answer({"command": "domain.pause", "ids": [2, 77]}) == {"ok": True, "ids": [2]}
        assert session.board.monitors[2].is_paused
        assert await Answers(session).answer({"command": "domain.resume", "ids": [2]}) == {"ok": True, "ids": [2]}
        assert not session.board.monitors[2].is_paused
        await until(lambda: len(session.link.checked) == 3)
        assert await Answers(session).answer({"command": "check_now", "ids": [3]}) == {"ok": True, "ids": [3]}
        await until(lambda: session.link.checked[-1].monitor == 3)
        assert await Answers(session).answer({"command": "domain.remove", "ids": [3]}) == {"ok": True, "ids": [3]}
        assert session.board.ids == [2]
        status = await Answers(session).answer({"command": "status"})
        assert [m["url"] for m in status["status"]["monitors"]] == ["https://site2.example/"]

    run(session, check)


def test_request_raise_tells_the_window(tmp_path: Path) -> None:
    session = FakeSession(tmp_path)
    events: list[Event] = []
    session.hub.subscribe(events.append)

    async def check() -> None:
        assert await Answers(session).answer({"command": "raise"}) == {"ok": True}
        assert RaiseWindow() in events

    run(session, check)


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"command": "nonsense"},
        {"command": ["raise"]},
        {"command": "domain.add"},
        {"command": "domain.add", "drafts": [7]},
        {"command": "domain.add", "drafts": [{"url": "javascript:alert(1)"}]},
        {"command": "domain.add", "drafts": [{"url": "x.example", "settings": {"interval_ms": 1}}]},
        {"command": "domain.add", "drafts": [{"url": "x.example", "settings": {"nonsense": 1}}]},
        {"command": "domain.add", "drafts": [{"url": "x.example", "regions": ["moon"]}]},
        {"command": "domain.change", "changes": [{"id": 2}]},
        {"command": "domain.change", "changes": ["x"]},
        {"command": "domain.pause", "ids": None},
    ],
)
def test_request_that_cannot_be_carried_out_is_answered_with_a_sentence(
    tmp_path: Path, request_: dict[str, Any]
) -> None:
    session = FakeSession(tmp_path)

    async def check() -> None:
        answer = await Answers(session).answer(request_)
        assert answer["ok"] is False
        cause = error_from_json(answer)
        assert isinstance(cause, InvalidInput)
        assert str(cause).endswith(".")
        assert session.board.ids == []

    run(session, check)


def test_draft_as_json_reads_back_equal() -> None:
    draft = MonitorDraft("https://x.example/", "n", MonitorSettings(timeout_ms=900, slow_ms=100), ("t",), None)
    assert draft_from_json(draft_json(draft)) == draft


def test_second_session_on_a_folder_shows_what_the_first_one_measured(tmp_path: Path) -> None:
    clock = FakeClock()
    links: list[FakeLink] = []
    deleted: list[MonitorId] = []

    def link(*_: object) -> list[FakeLink]:
        links.append(FakeLink(probe(), clock))
        return links[-1:]

    async def first() -> None:
        session = Session(tmp_path / "data", probes=link, clock=clock)
        await session.start()
        await session.commands.change_preferences({"theme": "dark"})
        kept, gone = await session.commands.add(
            [MonitorDraft("https://a.example/"), MonitorDraft("https://b.example/")]
        )
        await until(lambda: bool(links[0].opened))
        now = clock.now_ms()
        rows = [(kept.id, now - 20_000, Status.ONLINE), (gone.id, now - 15_000, Status.ONLINE)]
        links[0].feed(
            batch([*rows, (kept.id, now - 10_000, Status.SLOW), (kept.id, now, Status.OFFLINE)], judged=False)
        )
        await until(lambda: session.board.at_ms[0, 0] == now)
        await session.commands.delete([gone.id])
        deleted.append(gone.id)
        await session.stop()

    async def second() -> None:
        session = Session(tmp_path / "data", probes=link, clock=clock)
        await session.start()
        (only,) = session.board.monitors.values()
        assert (only.url, session.preferences["theme"]) == ("https://a.example/", "dark")
        times = session.board.availability_of(only.id, Region.LOCAL)
        assert (times.known_ms, times.available_ms) == (25_000, 20_000)
        assert session.board.at_ms[0, 0] == START_MS
        await until(lambda: bool(links[1].opened))
        assert links[1].opened == [(4, "spool")]  # the cursor was kept with the results
        (restored,) = await session.commands.restore(deleted)
        assert restored.url == "https://b.example/"
        await session.stop()

    asyncio.run(first())
    clock.advance(5_000)
    asyncio.run(second())


def test_stop_closes_links_and_store_and_a_second_stop_is_harmless(tmp_path: Path) -> None:
    session = FakeSession(tmp_path)

    async def check() -> None:
        await session.stop()
        assert session.link.is_closed
        assert session.fake_store.is_closed

    run(session, check)


def test_data_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    session = Session(tmp_path / "file" / "data")
    with pytest.raises(StorageReadOnly, match="cannot be made"):
        asyncio.run(session.start())


def test_data_dir_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert default_data_dir().name == "pingmon"
    monkeypatch.setenv("PINGMON_DATA_DIR", str(tmp_path))
    assert default_data_dir() == tmp_path


def test_metrics_follow_the_preferences(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, monitor(2))
    heard: list[Event] = []

    async def check() -> None:
        session.hub.subscribe(heard.append)
        assert session.metering.port is None
        port = free_port()
        await session.commands.change_preferences({"metrics_access": METRICS_OPEN, "metrics_port": port})
        await until(lambda: session.metering.port == port)
        text = await _fetched(port)
        assert 'pingmon_monitor_verdict{url="https://site2.example/",name="site2.example",verdict="unknown"} 1' in text
        assert f'pingmon_build_info{{version="{pingmon_gui.__version__}"}} 1' in text
        await session.commands.change_preferences({"metrics_access": METRICS_WITH_TOKEN})
        await until((tmp_path / "metrics-token").exists)
        await until(lambda: session.metering.port == port)
        assert "401" in await _fetched(port)
        await session.commands.change_preferences({"metrics_access": METRICS_OFF})
        await until(lambda: session.metering.port is None)

    run(session, check)
    assert not [event for event in heard if isinstance(event, Notice)]


def test_metrics_that_cannot_be_answered_are_told_and_nothing_else_suffers(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, monitor(2))
    heard: list[Event] = []

    async def check() -> None:
        await session.connected()
        session.hub.subscribe(heard.append)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            await session.commands.change_preferences({"metrics_access": METRICS_OPEN, "metrics_port": port})
            await until(lambda: any(isinstance(event, Notice) for event in heard))
        assert session.metering.port is None
        (notice,) = [event for event in heard if isinstance(event, Notice)]
        assert f"port {port} is taken by another program" in notice.message
        # The same again, now that it is free.
        await session.commands.change_preferences({"metrics_access": METRICS_OFF})
        await session.commands.change_preferences({"metrics_access": METRICS_OPEN})
        await until(lambda: session.metering.port == port)

    run(session, check)


def test_metrics_asked_for_by_name_do_not_follow_the_preferences(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, monitor(2), metrics=MetricsAccess("127.0.0.1", 0, needs_token=False))

    async def check() -> None:
        port = session.metering.port
        assert port is not None
        await session.commands.change_preferences({"metrics_access": METRICS_OPEN, "metrics_port": 1})
        session.link.feed(batch([(2, START_MS, Status.ONLINE)]))
        await until(lambda: bool(session.fake_store.batches))
        text = await _fetched(port)
        assert 'pingmon_results_collected_total{probe="probe 1",region="local"} 1' in text
        assert (
            'pingmon_monitor_duration_seconds{url="https://site2.example/",name="site2.example",region="local"}' in text
        )

    run(session, check)


async def _fetched(port: int) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    text = (await reader.read(-1)).decode()
    writer.close()
    return text
