"""One website seen from four regions by real probes: who votes, what the verdict is, what is listed of it and when."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import numpy as np
import pytest

from pingmon_gui.domain.incident import Incident
from pingmon_gui.domain.probe import ProbeState
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.event import IncidentOpened
from tests.lab.conftest import NewHost
from tests.lab.hand_made import put_probe
from tests.lab.host import Host, HostKind
from tests.lab.lab import Lab
from tests.lab.target import Page
from tests.lab.waiting import PATIENCE_S, until
from tests.lab.watching import INTERVAL_MS, Watch

pytestmark = pytest.mark.lab
_PAGE = "/seen-from-everywhere"
_RTT_MS = {Region.NA: 20.0, Region.EU: 60.0, Region.AS: 120.0, Region.SA: 2.0}
#: The probe of this region has a clock that nobody can use.
_ASKEW = Region.SA


def test_verdicts_votes_and_incidents_over_regions_live_and_while_nobody_looked(
    lab: Lab, new_host: NewHost, tmp_path: Path
) -> None:
    hosts = {
        region: new_host(HostKind(init="none", clock_offset_s=-90 if region is _ASKEW else 0), rtt_ms=rtt_ms)
        for region, rtt_ms in _RTT_MS.items()
    }
    for host in hosts.values():
        host.wait_until_up()
    made = {region: put_probe(host, region=region) for region, host in hosts.items()}
    watch = Watch(lab, tmp_path, [_PAGE])

    async def check() -> None:
        await watch.start()
        try:
            for one, secrets in made.values():
                await watch.session.enrol(one, secrets)
                await watch.in_state(one.id, ProbeState.CONNECTED)
            askew = watch.session.board.probes[made[_ASKEW][0].id]
            assert not askew.votes and "clock that is off by 90 seconds" in askew.reason
            await _live(watch, hosts, watch.session.board.probes[made[Region.EU][0].id].probe.id)
            skipped = await _skipped(watch)
        finally:
            await watch.stop()
        await _away(watch, hosts, skipped)

    asyncio.run(check())


async def _live(watch: Watch, hosts: dict[Region, Host], europe: ProbeId) -> None:
    """What happens while the app looks on."""
    network, board = watch.lab.network, watch.session.board

    async def verdict(wanted: Verdict) -> None:
        await until(lambda: int(board.verdict[0]) == wanted, f"the verdict is not {wanted.name}: {board.state[0]}")

    await verdict(Verdict.ONLINE)
    eu = hosts[Region.EU].name
    network.cut(eu, "target")
    await verdict(Verdict.REGIONAL)
    regional = await _incident(watch, 0)
    assert regional.is_open and regional.regions == (Region.EU,) and regional.failure in ("dns", "timeout")

    # A probe that reaches nobody at all is not sure of its own network, and votes no more.
    network.cut(eu, "anchors")
    probes = board.probes
    await until(lambda: not probes[europe].votes, "the probe votes without a network")
    assert "network" in probes[europe].reason
    await verdict(Verdict.ONLINE)
    network.heal()
    column = REGIONS.index(Region.EU)
    await until(lambda: int(board.state[0][column]) == Status.ONLINE, "Europe does not find its way back")

    down_ms = _now_ms()
    watch.lab.target.set_page(_PAGE, Page(status=503))
    await verdict(Verdict.OFFLINE)
    watch.lab.target.set_page(_PAGE, Page())
    await verdict(Verdict.ONLINE)
    offline = await _incident(watch, down_ms - INTERVAL_MS)
    assert offline.kind is Verdict.OFFLINE and set(offline.regions) == {Region.NA, Region.EU, Region.AS}


async def _away(watch: Watch, hosts: dict[Region, Host], skipped_before: dict[ProbeId, int]) -> None:
    """What happens while the app is closed: it is listed with its true times, and nobody is alarmed any more."""
    network, addresses = watch.lab.network, [host.address for host in hosts.values()]
    eu = hosts[Region.EU]
    from_ms = _now_ms()
    network.cut(eu.name, "target")
    await watch.asked_again(3, hosts[Region.NA].address)
    network.heal()
    until_ms = _now_ms()
    await watch.asked_again(2, eu.address)

    await watch.start()
    try:
        probes = watch.session.board.probes
        await until(lambda: all(h.state is ProbeState.CONNECTED for h in probes.values()), "a probe is not collected")
        regional = await _incident(watch, from_ms - INTERVAL_MS)
        assert (regional.kind, regional.regions) == (Verdict.REGIONAL, (Region.EU,))
        assert from_ms - INTERVAL_MS <= regional.start_ms <= from_ms + 2 * INTERVAL_MS
        assert regional.end_ms is not None and until_ms - INTERVAL_MS <= regional.end_ms <= until_ms + 3 * INTERVAL_MS
        assert not any(isinstance(event, IncidentOpened) for event in watch.events)
        await watch.session.commands.set_paused([monitor.id for monitor in watch.monitors], True)
        # No hole where nobody looked: what the website was asked is there, and what it was not asked was measured too.
        async with asyncio.timeout(60):
            while len(await watch.stored()) < watch.asked(*addresses):  # noqa: ASYNC110 - it happens elsewhere
                await asyncio.sleep(0.1)
        skipped = await _skipped(watch)
        for id_ in (id_ for id_, health in probes.items() if health.probe.region is not _ASKEW):
            for series in await watch.session.store.results(watch.monitors[0].id, from_ms, _now_ms(), [id_]):
                assert len(series.at_ms) >= 4
                slots = np.rint(np.diff(series.at_ms) / INTERVAL_MS)
                assert (slots - 1).clip(0).sum() <= skipped[id_] - skipped_before[id_], series
    finally:
        await watch.stop()


async def _skipped(watch: Watch) -> dict[ProbeId, int]:
    """Return how many slots each probe has let pass: on a busy machine not every check has its turn."""
    return {id_: (await watch.session.ask_probe(id_)).skipped for id_ in watch.session.board.probes}


async def _incident(watch: Watch, since_ms: int) -> Incident:
    """Wait for the one incident that began since then."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await watch.session.store.incidents(since_ms, _now_ms() + 1)
            begun = [one for one in found if not one.is_withdrawn and one.start_ms >= since_ms]
            if begun:
                (one,) = begun
                return one
            await asyncio.sleep(0.1)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
