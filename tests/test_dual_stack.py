"""A target on 127.0.0.1 and ::1 of which one side is down: real servers, a real probe, the whole of Pingmon."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from pingmon_gui.domain.family import EACH
from pingmon_gui.domain.incident import Incident
from pingmon_gui.domain.monitor import MonitorDraft, MonitorSettings
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.event import IncidentOpened
from tests.engine.fakes import until
from tests.test_spine import Hello, Spine, run

#: What the name servers would say: a name with both addresses, and one that has IPv4 only.
_NAMES = """
import socket, sys
found = {"dual.test": {"4": "127.0.0.1", "6": "::1"}, "four.test": {"4": "127.0.0.1"}}
real = socket.getaddrinfo
def look_up(host, port, family=0, *rest):
    known = found.get(host.decode() if isinstance(host, bytes) else host)
    if known is None:
        return real(host, port, family, *rest)
    here = [ip for key, ip in known.items() if family in (0, socket.AF_INET6 if key == "6" else socket.AF_INET)]
    if not here:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")
    return [entry for ip in here for entry in real(ip, port, 0, *rest)]
socket.getaddrinfo = look_up
"""


class _OverIpv6(ThreadingHTTPServer):
    address_family = socket.AF_INET6


class _Side:
    """One of the two servers; both have the same port."""

    def __init__(self, kind: type[ThreadingHTTPServer], host: str, port: int) -> None:
        self.server = kind((host, port), Hello)
        self._thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        self._is_up = True

    def stop(self) -> None:
        if self._is_up:
            self._is_up = False
            self.server.shutdown()
            self.server.server_close()
            self._thread.join()


@pytest.fixture
def sides() -> Iterator[dict[int, _Side]]:
    over_4 = _Side(ThreadingHTTPServer, "127.0.0.1", 0)
    found = {4: over_4, 6: _Side(_OverIpv6, "::1", over_4.server.server_port)}
    yield found
    for side in found.values():
        side.stop()


def spine_of(data_dir: Path) -> Spine:
    """Return a whole Pingmon whose probe knows the made-up names."""
    start = "import runpy; runpy.run_module('pingmon_probe', run_name='__main__', alter_sys=True)"
    return Spine(data_dir, [sys.executable, "-P", "-c", _NAMES + start])


async def opened(spine: Spine) -> Incident:
    """Return the incident that was told of first."""
    await until(lambda: any(isinstance(event, IncidentOpened) for event in spine.events))
    return next(event.incident for event in spine.events if isinstance(event, IncidentOpened))


@pytest.mark.parametrize("down", [4, 6])
def test_outage_of_one_side_is_told_as_such(tmp_path: Path, sides: dict[int, _Side], down: int) -> None:
    spine, up, port = spine_of(tmp_path / "data"), 10 - down, sides[4].server.server_port

    async def check() -> None:
        session, board = spine.session, spine.session.board
        # An interval of an hour: whatever comes soon, came because it was asked for.
        settings = MonitorSettings(interval_ms=3_600_000, family=EACH)
        (site,) = await session.commands.add([MonitorDraft(f"http://dual.test:{port}/", settings=settings)])

        def states() -> list[Status]:
            return [cell.state for cell in board.by_family(site.id, Region.LOCAL)]

        await until(lambda: states() == [Status.ONLINE, Status.ONLINE])
        addresses = [(one.family, one.result.address) for one in board.latest(site.id, Region.LOCAL)]
        assert addresses == [(4, "127.0.0.1"), (6, "::1")]
        sides[down].stop()
        await session.commands.check_now([site.id])
        await until(lambda: spine.state(site) is Status.OFFLINE)  # after the probe's own second look
        assert board.verdict[board.row_of[site.id]] == Verdict.OFFLINE
        assert states() == [Status.OFFLINE if family == down else Status.ONLINE for family in (4, 6)]
        incident = await opened(spine)
        assert incident.sentence("shop") == (
            f"shop is offline over IPv{down} only: the connection is refused; IPv{up} is fine"
        )
        (document,) = (await session.status_json())["monitors"]
        (region,) = document["regions"]
        assert (region["status"], region["failure"]) == ("offline", "connect_refused")
        assert {one["family"]: one["status"] for one in region["families"]} == {down: "offline", up: "online"}
        await session.store.flush()
        stored = await session.store.results(site.id, 0, 2**53)
        assert sorted((one.series.family, one.series.is_second) for one in stored) == [(4, False), (6, True)]

    run(spine, check)


def test_name_without_an_address_of_one_family_is_a_failure_of_that_family(
    tmp_path: Path, sides: dict[int, _Side]
) -> None:
    spine, port = spine_of(tmp_path / "data"), sides[4].server.server_port

    async def check() -> None:
        settings = MonitorSettings(interval_ms=3_600_000, family=EACH)
        draft = MonitorDraft(f"http://four.test:{port}/", settings=settings)
        (site,) = await spine.session.commands.add([draft])
        await until(lambda: spine.state(site) is Status.OFFLINE)
        over_4, over_6 = spine.session.board.by_family(site.id, Region.LOCAL)
        assert (over_4.state, over_6.state, over_6.failure) == (Status.ONLINE, Status.OFFLINE, "dns")
        (message,) = [
            one.result.message for one in spine.session.board.latest(site.id, Region.LOCAL) if one.family == 6
        ]
        assert "no IPv6 address" in message
        incident = await opened(spine)
        said = "shop is offline over IPv6 only: no IPv6 address is found for the name; IPv4 is fine"
        assert incident.sentence("shop") == said

    run(spine, check)
