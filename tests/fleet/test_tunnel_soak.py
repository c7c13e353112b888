"""Half an hour of measuring through a tunnel whose line is cut, frozen and restarted at random.

PINGMON_SOAK_S says how long instead of 1,800 s, PINGMON_SOAK_SEED which disturbances come when.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from pathlib import Path

import pytest

from tests.fleet.way import Collection, Way
from tests.probe.probe_process import ProbeProcess, rows, target
from tests.sshd import SshServer, ssh_server

pytestmark = pytest.mark.soak
MONITORS = 100
INTERVAL_MS = 5_000


async def disturb(server: SshServer, chance: random.Random, until_s: float) -> dict[str, int]:
    """Disturb the line until then, and leave it whole; return how often what was done."""
    done = {"cut": 0, "frozen": 0, "stopped": 0}
    while time.monotonic() < until_s:
        await asyncio.sleep(chance.uniform(0.5, 20.0))
        kind = chance.choice(sorted(done))
        done[kind] += 1
        if kind == "cut":
            server.cut()
        elif kind == "frozen":
            server.freeze()
            await asyncio.sleep(chance.uniform(0.5, 40.0))
            server.thaw()
        else:
            server.stop()
            await asyncio.sleep(chance.uniform(0.1, 15.0))
            server.start()
    return done


def test_soak_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    length_s = float(os.environ.get("PINGMON_SOAK_S", "1800"))
    seed = int(os.environ.get("PINGMON_SOAK_SEED", "1"))

    async def check(way: Way, process: ProbeProcess) -> None:
        probe = way.probe()
        collection = Collection(probe)
        collecting = asyncio.create_task(collection.until_last(10**9))
        try:
            done = await disturb(way.server, random.Random(seed), time.monotonic() + length_s)
            process.put_plan([], revision=2).raise_for_status()  # so that it stands still
            last = process.status()["spool"]["last"]
            while collection.after < last and not collecting.done():  # noqa: ASYNC110 - another task collects
                await asyncio.sleep(0.1)
        finally:
            collecting.cancel()
            await asyncio.gather(collecting, return_exceptions=True)
            await probe.close()
        spooled = rows(process.results())
        print(f"seed {seed}: {len(spooled)} results, {done}, streams that broke: {collection.broken}")
        assert collection.got == spooled[: len(collection.got)]
        assert len(collection.got) >= last > 0
        assert [row[0] for row in collection.got] == list(range(1, len(collection.got) + 1))

    with target() as url, ProbeProcess(tmp_path / "spool") as process, ssh_server(tmp_path / "ssh") as server:
        checks = [{"url": url, "monitor": n, "version": 1, "interval_ms": INTERVAL_MS} for n in range(2, MONITORS + 2)]
        process.put_plan(checks, revision=1).raise_for_status()
        asyncio.run(check(Way(server, process.port), process))
