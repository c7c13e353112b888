"""A probe through an SSH tunnel beside the same probe reached directly on loopback, in one run.

The app's side, what is measured, is this process, pinned to one core; probes, sshd and slow lines are on the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path

from pingmon_probe.protocol import CheckSpec, Plan

from pingmon_gui.domain.probe import Probe, ProbeAccess, Supervisor, Transport, new_probe_id
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ResultBatch
from pingmon_gui.engine.link import ProbeLink
from pingmon_gui.fleet.client import ProbeClient
from pingmon_gui.fleet.key_pair import new_key_pair, restricted_line
from pingmon_gui.fleet.remote import RemoteProbe
from pingmon_gui.fleet.secret import Token
from pingmon_gui.fleet.secret_store import ProbeSecrets
from tests.bench.feeding_probe import feeding_command
from tests.bench.harness import (
    LOAD_CORE,
    MEASURED_CORE,
    Row,
    cpu_s,
    end,
    first_line,
    percentile,
    row,
    spawn,
)
from tests.sshd import SshServer, ssh_server

TOKEN = "a-token-of-the-benchmark"
REQUESTS = 300
FAR_REQUESTS = 20
RTT_MS = 60.0
PROBES, MONITORS = 5, 500
STREAM_S = 15.0
#: What 200 monitors give in an hour; with its text some 13 MB.
BACKLOG = 72_000
FARTHEST_RTT_MS = 180.0


def rows() -> list[Row]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {LOAD_CORE})  # sshd and its children stay there
    try:
        with tempfile.TemporaryDirectory(prefix="pingmon-bench-") as name, ssh_server(Path(name)) as server:
            os.sched_setaffinity(0, {MEASURED_CORE})
            return asyncio.run(_measure(server))
    finally:
        os.sched_setaffinity(0, before)


async def _measure(server: SshServer) -> list[Row]:
    made: list[Row] = []
    with _feeding(rate=None) as port:
        async with _tunnel(server, port) as tunnel, _direct(port) as direct:
            made += _latency(await _alternating(tunnel, direct, REQUESTS))
        made += await _far(server, port)
    made += await _throughput(server)
    made += await _streams(server)
    return made


# Rows


def _latency(taken: tuple[list[float], list[float]]) -> list[Row]:
    ours, peer = taken
    return [
        row(
            f"tunnel: a request, p{share * 100:.0f}",
            "ms",
            [percentile(ours, share)],
            [percentile(peer, share)],
            "direct loopback",
        )
        for share in (0.5, 0.99)
    ]


async def _far(server: SshServer, port: int) -> list[Row]:
    """At a round trip of 60 ms: what the tunnel adds to a request, at most one round trip."""
    with _slow_line(server.port) as ssh_port, _slow_line(port) as probe_port:
        began_s = time.perf_counter()
        async with _tunnel(server, port, ssh_port) as tunnel, _direct(probe_port) as direct:
            connected_ms = (time.perf_counter() - began_s) * 1000
            began_s = time.perf_counter()
            await tunnel.status()
            first_ms = (time.perf_counter() - began_s) * 1000
            ours, peer = await _alternating(tunnel, direct, FAR_REQUESTS)
    added_ms = percentile(ours, 0.5) - percentile(peer, 0.5)
    return [
        row(
            f"tunnel: added to a request at {RTT_MS:.0f} ms RTT, goal one RTT",
            "ms",
            [added_ms],
            [],
            None,
            RTT_MS,
            False,
        ),
        row(f"tunnel: first request at {RTT_MS:.0f} ms RTT (opens a stream)", "ms", [first_ms]),
        row(f"tunnel: connected at {RTT_MS:.0f} ms RTT", "ms", [connected_ms]),
    ]


async def _throughput(server: SshServer) -> list[Row]:
    """A backlog is read from its beginning, through the tunnel and directly."""
    with _feeding(rate=20_000) as port:
        async with _tunnel(server, port) as tunnel, _direct(port) as direct:
            await direct.put_plan(_plan(1_000))
            while (await direct.status()).last_seq < BACKLOG:  # noqa: ASYNC110 - it comes about in another process
                await asyncio.sleep(0.2)
            await direct.put_plan(Plan("bench", 2, ()))
            ours, peer = [], []
            for _ in range(3):
                for link, into in ((tunnel, ours), (direct, peer)):
                    began_s, began_cpu_s = time.perf_counter(), time.process_time()
                    await _read(link, BACKLOG)
                    into.append((time.perf_counter() - began_s, time.process_time() - began_cpu_s))
        with _slow_line(server.port, FARTHEST_RTT_MS) as ssh_port:
            async with _tunnel(server, port, ssh_port) as tunnel:
                await tunnel.status()
                began_s = time.perf_counter()
                await _read(tunnel, BACKLOG)
                far_s = time.perf_counter() - began_s
    return [
        row(f"tunnel: {BACKLOG:,} results read", "s", [t for t, _ in ours], [t for t, _ in peer], "direct loopback"),
        row(f"tunnel: the same at {FARTHEST_RTT_MS:.0f} ms RTT", "s", [far_s], [], None, 5.0, is_ratio=False),
        row("tunnel: the app's CPU for it", "s", [c for _, c in ours], [c for _, c in peer], "direct loopback"),
    ]


async def _streams(server: SshServer) -> list[Row]:
    """Five probes with 500 monitors each: what the app spends on tunnels beyond what it spends on direct streams."""
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(_feeding(rate=None)) for _ in range(PROBES)]
        shares = []
        for opened in (_tunnels(server, ports), _directs(ports)):
            async with opened as links:
                shares.append(await _share(links))
    ours, peer = shares
    return [
        row(
            f"tunnel: added CPU, {PROBES} probes x {MONITORS} monitors",
            "% of a core",
            [ours - peer],
            [],
            None,
            3.0,
            is_ratio=False,
        ),
        row("tunnel: CPU of these streams in all", "% of a core", [ours], [peer], "direct loopback"),
    ]


# Work


async def _alternating(ours: ProbeLink, peer: ProbeLink, times: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds of each request of either, one after the other."""
    taken: tuple[list[float], list[float]] = ([], [])
    for turn in range(times + 1):
        for link, into in zip((ours, peer), taken, strict=True):
            began_s = time.perf_counter()
            await link.status()
            if turn:  # the first opens the connection
                into.append((time.perf_counter() - began_s) * 1000)
    return taken


async def _read(link: ProbeLink, wanted: int) -> None:
    async with aclosing(link.results(0, None, 30.0)) as items:
        async for item in items:
            if isinstance(item, ResultBatch) and item.last_seq >= wanted:
                return


async def _share(links: Sequence[ProbeLink]) -> float:
    """Return the percentage of a core that this process spends on reading the streams of all."""
    for link in links:
        status = await link.status()
        await link.put_plan(_plan(MONITORS, status.revision + 1))
    reading = [asyncio.create_task(_read(link, sys.maxsize)) for link in links]
    await asyncio.sleep(1.0)
    began_s, began_cpu_s = time.perf_counter(), cpu_s(os.getpid())
    await asyncio.sleep(STREAM_S)
    share = (cpu_s(os.getpid()) - began_cpu_s) / (time.perf_counter() - began_s) * 100
    for task in reading:
        task.cancel()
    await asyncio.gather(*reading, return_exceptions=True)
    return share


def _plan(checks: int, revision: int = 1) -> Plan:
    specs = tuple(
        CheckSpec(f"https://{n}.test/", monitor=n, version=1, interval_ms=10_000) for n in range(2, checks + 2)
    )
    return Plan("bench", revision, specs)


# What is measured, and its peers


@asynccontextmanager
async def _tunnel(server: SshServer, port: int, ssh_port: int | None = None) -> AsyncIterator[RemoteProbe]:
    private_key, public = new_key_pair()
    server.allow(restricted_line(public, port))
    access = ProbeAccess(
        host="bench",
        login_user=getpass.getuser(),
        address="127.0.0.1",
        ssh_port=ssh_port or server.port,
        tunnel_user=getpass.getuser(),
        service_port=port,
        host_key=server.host_key(),
        supervisor=Supervisor.SYSTEMD,
    )
    probe = Probe(new_probe_id(), "Bench", Region.EU, Transport.TUNNEL, access)
    remote = RemoteProbe(probe, ProbeSecrets(Token(TOKEN), private_key))
    try:
        await remote.start()
        yield remote
    finally:
        await remote.close()


@asynccontextmanager
async def _direct(port: int) -> AsyncIterator[ProbeClient]:
    client = ProbeClient(Probe(new_probe_id(), "Bench", Region.EU), f"http://127.0.0.1:{port}", Token(TOKEN))
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def _tunnels(server: SshServer, ports: Sequence[int]) -> AsyncIterator[list[RemoteProbe]]:
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(_tunnel(server, port)) for port in ports]


@asynccontextmanager
async def _directs(ports: Sequence[int]) -> AsyncIterator[list[ProbeClient]]:
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(_direct(port)) for port in ports]


@contextmanager
def _feeding(rate: float | None) -> Iterator[int]:
    """Run a probe that makes results up; yield its port."""
    process = spawn(feeding_command(rate), LOAD_CORE, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(TOKEN + "\n")
    process.stdin.flush()
    try:
        yield int(first_line(process)["port"])
    finally:
        end(process)


@contextmanager
def _slow_line(port: int, rtt_ms: float = RTT_MS) -> Iterator[int]:
    command = [sys.executable, "-m", "tests.bench.slow_line", str(port), str(rtt_ms)]
    process = spawn(command, LOAD_CORE, stdin=subprocess.PIPE)
    try:
        yield int(first_line(process)["port"])
    finally:
        end(process)
