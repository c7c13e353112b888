"""A tunnel heals by itself, whatever happens to its host; what was measured meanwhile is there afterwards, once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from pingmon_gui.domain.probe import ProbeState
from tests.lab.conftest import NewHost
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.setting_up import App
from tests.lab.target import ZONE
from tests.lab.waiting import until
from tests.lab.watching import Watch

pytestmark = pytest.mark.lab


def test_tunnel_heals_after_a_new_sshd_a_cut_a_reboot_and_another_address(
    lab: Lab, new_host: NewHost, tmp_path: Path
) -> None:
    host = new_host(rtt_ms=40)
    host.wait_until_up()
    addresses = [host.address]
    # By its name in the lab's zone, which is looked up anew with every connection.
    lab.target.set_name(host.name, addresses)
    enrolment = asyncio.run(App(lab, tmp_path / "app").set_up(host, name=f"{host.name}.{ZONE}"))
    probe = enrolment.probe
    watch = Watch(lab, tmp_path / "data", [f"/healing-{number}" for number in range(3)])

    def move() -> None:
        lab.move(host)
        addresses.append(host.address)

    async def check() -> None:
        await watch.start()
        try:
            await watch.session.enrol(probe, enrolment.secrets)
            await watch.in_state(probe.id, ProbeState.CONNECTED)
            await watch.asked_again(1, *addresses)
            for disturb in (lambda: _new_sshd(host), lambda: _cut(lab, host), host.reboot, move):
                await heals_after(disturb)
            count = await watch.stands_still(probe.id)
            assert await watch.answered() <= watch.asked(*addresses)
            # What was under way when the host went down was never measured to its end: of each page one by the plan,
            # one on demand.
            assert watch.asked(*addresses) - count <= 2 * len(watch.paths)
        finally:
            await watch.stop()

    async def heals_after(disturb: Callable[[], object]) -> None:
        watch.events.clear()
        await asyncio.to_thread(disturb)
        await until(lambda: ProbeState.UNREACHED in watch.states(probe.id), "nobody was told that it is not reached")
        lab.network.heal()
        await watch.in_state(probe.id, ProbeState.CONNECTED)
        await watch.asked_again(1, *addresses)

    asyncio.run(check())


def _new_sshd(host: Host) -> None:
    """End the SSH server with all its connections, and start it anew."""
    host.run("sh", "-c", "systemctl stop ssh; pkill -x sshd; systemctl start ssh")


def _cut(lab: Lab, host: Host) -> None:
    lab.network.cut("desk", host.name)
