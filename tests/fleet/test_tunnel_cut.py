"""Tunnels whose line is cut, falls silent or exchanges its keys: all arrives once, and nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import os
import subprocess
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest
from pingmon_probe.protocol import CheckSpec, Plan

from pingmon_gui.domain.error import ProbeUnreachable
from pingmon_gui.domain.probe import Probe, new_probe_id
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ResultBatch
from pingmon_gui.fleet.channel_stream import FULL_BYTES, PIECE_BYTES
from pingmon_gui.fleet.client import ProbeClient
from pingmon_gui.fleet.remote import RemoteProbe
from pingmon_gui.fleet.secret import Token
from pingmon_gui.fleet.secret_store import ProbeSecrets
from pingmon_gui.fleet.tunnel import Tunnel
from pingmon_gui.fleet.tunnel_transport import TunnelTransport
from tests.bench.feeding_probe import feeding_command
from tests.engine.fakes import until
from tests.fleet.scripted_probe import PROBE
from tests.fleet.way import Collection, Way
from tests.probe.probe_process import TOKEN, ProbeProcess, refused_url, rows
from tests.sshd import SshServer, ssh_server

MEGABYTE = 1024 * 1024


@asynccontextmanager
async def connected(way: Way) -> AsyncIterator[Tunnel]:
    tunnel = Tunnel(way.access, way.private_key)
    try:
        await tunnel.connect()
        yield tunnel
    finally:
        await tunnel.close()


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[int]:
    """Serve on loopback, and yield the port; connections stay open until the end."""
    writers: list[asyncio.StreamWriter] = []
    tasks: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        tasks.append(asyncio.current_task())
        with suppress(OSError, asyncio.IncompleteReadError):
            await answer(reader, writer)

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*filter(None, tasks))


@contextmanager
def feeding(rate: float) -> Iterator[int]:
    """Run a probe that makes results up; yield its port."""
    with subprocess.Popen(feeding_command(rate), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(TOKEN.encode() + b"\n")
        process.stdin.flush()
        yield int(json.loads(process.stdout.readline())["port"])


async def listen_not(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """Leave what comes where it is."""


def test_results_arrive_once_each_while_the_line_is_cut_again_and_again(way: Way, behind: ProbeProcess) -> None:
    """The last word is the spool's: what was collected through the cuts is what it holds, no more and no less."""
    checks = [{"url": refused_url(), "monitor": n, "version": 1, "interval_ms": 3_600_000} for n in range(2, 52)]
    rounds = 16  # as many as a probe runs on demand without a pause

    def measure() -> None:
        for _ in range(rounds):
            behind.run_checks(checks)

    async def check() -> None:
        behind.put_plan(checks, revision=behind.status()["revision"] + 1, owner="test").raise_for_status()
        last = rounds * len(checks)
        async with way.started() as probe, asyncio.TaskGroup() as group:
            collection = Collection(probe)
            group.create_task(asyncio.to_thread(measure))
            collecting = group.create_task(collection.until_last(last))
            for part in (0.1, 0.3, 0.5, 0.7, 0.9):
                goal = int(last * part)
                await until(lambda goal=goal: collection.after >= goal or collecting.done())  # type: ignore[misc]
                way.server.cut()
            way.server.stop()
            way.server.start()
        spooled = [row for row in rows(behind.results()) if row[0] <= last]
        assert collection.got == spooled
        assert len(spooled) == last and collection.broken >= 1

    asyncio.run(check())


def test_ten_megabytes_of_results_come_through_whole(tmp_path: Path) -> None:
    wanted = 50_000

    async def check(feeding_port: int, server: SshServer) -> None:
        async with connected(Way(server, feeding_port)) as tunnel:
            client = ProbeClient(PROBE, "http://127.0.0.1", Token(TOKEN), transport=TunnelTransport(tunnel))
            checks = tuple(CheckSpec(f"https://{n}.test/", monitor=n, version=1) for n in range(2, 502))
            await client.put_plan(Plan("test", 1, checks))
            seen = 0
            async with aclosing(client.results(0, None, 30.0)) as items:
                async for item in items:
                    if isinstance(item, ResultBatch):
                        assert item.first_seq == seen + 1
                        seen = item.last_seq
                        if seen >= wanted:
                            break
            await client.close()

    with feeding(200_000) as port, ssh_server(tmp_path / "ssh") as server:
        asyncio.run(check(port, server))


@pytest.mark.parametrize("limit", ["default none", "64K none"], ids=["keys-kept", "keys-changed-often"])
def test_many_megabytes_go_through_both_ways_whole(tmp_path: Path, limit: str) -> None:
    """Servers may ask for new keys at any time; meanwhile nothing may be sent, and nothing is lost."""
    sent = os.urandom(MEGABYTE) * 3

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(PIECE_BYTES):
            writer.write(data)
            await writer.drain()

    async def check() -> None:
        async with serving(echo) as port:
            with ssh_server(tmp_path / "ssh", f"RekeyLimit {limit}") as server:
                async with connected(Way(server, port)) as tunnel:
                    stream = await tunnel.open()
                    writing = asyncio.create_task(stream.write(sent))
                    came = hashlib.sha256()
                    left = len(sent)
                    while left:
                        data = await stream.read(PIECE_BYTES)
                        assert data
                        came.update(data)
                        left -= len(data)
                    await writing
                    assert came.digest() == hashlib.sha256(sent).digest()

    asyncio.run(check())


def test_line_that_falls_silent_ends_the_stream_and_another_tunnel_opens(way: Way) -> None:
    async def check() -> None:
        async with connected(way) as tunnel:
            probe = Probe(new_probe_id(), "Test", Region.EU)
            client = ProbeClient(
                probe, "http://127.0.0.1", Token(TOKEN), transport=TunnelTransport(tunnel), silence_s=2.0
            )
            stream = client.results(10**9, None, 60.0)
            await anext(stream)
            way.server.freeze()
            with pytest.raises(ProbeUnreachable, match="does not answer"):
                async for _ in stream:
                    pass
            assert tunnel.is_alive  # as far as this end can know
            async with way.started() as another:
                await another.status()
            await client.close()
        assert not tunnel.is_alive

    asyncio.run(check())


def test_line_that_did_not_survive_a_sleep_ends_its_streams_at_once(way: Way) -> None:
    async def check() -> None:
        probe = RemoteProbe(way.probe().probe, ProbeSecrets(Token(TOKEN), way.private_key), look_s=20.0)
        probe.hurry()
        await probe.start()
        try:
            stream = probe.results(10**9, None, 60.0)
            await anext(stream)
            tunnel = probe._tunnel
            probe.hurry()
            await until(lambda: probe._looking is None)
            assert probe._tunnel is tunnel is not None and tunnel.is_alive
            way.server.freeze()
            probe._look_s = 0.1
            probe.hurry()
            with pytest.raises(ProbeUnreachable):
                async for _ in stream:
                    pass
            assert not tunnel.is_alive
            probe._look_s = 20.0
            await probe.start()
            await probe.status()
            probe.hurry()
        finally:
            await probe.close()

    asyncio.run(check())


@pytest.mark.parametrize("is_cut", [True, False], ids=["cut", "silent-then-closed"])
def test_request_that_is_stuck_ends_with_its_line(tmp_path: Path, is_cut: bool) -> None:
    """What nobody takes at the other end waits here, a little of it; the rest waits with its sender."""

    async def check(server: SshServer) -> None:
        async with serving(listen_not) as port, connected(Way(server, port)) as tunnel:
            stream = await tunnel.open()
            if not is_cut:
                server.freeze()
            writing = asyncio.create_task(stream.write(bytes(64 * MEGABYTE)))
            await until(lambda: stream.sent_bytes > 0)
            assert not writing.done()
            if is_cut:
                server.cut()
            else:
                await tunnel.close()
            with pytest.raises(ConnectionError):
                await writing
            assert await stream.read(1) == b"" and stream.is_readable
            with pytest.raises(ConnectionError):
                await stream.write(b"x")

    with ssh_server(tmp_path / "ssh") as server:
        asyncio.run(check(server))


def test_small_requests_are_not_held_up_by_a_stream_that_is_stuck(tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readexactly(4) == b"ping":
            writer.write(b"pong")

    async def check() -> None:
        async with serving(answer) as port:
            with ssh_server(tmp_path / "ssh") as server:
                async with connected(Way(server, port)) as tunnel:
                    stuck = await tunnel.open()
                    writing = asyncio.create_task(stuck.write(bytes(64 * MEGABYTE)))
                    await until(lambda: stuck.sent_bytes > FULL_BYTES)
                    for _ in range(20):
                        small = await tunnel.open()
                        await small.write(b"ping")
                        assert await small.read(100) == b"pong"
                        small.close()
                    assert not writing.done()
                    stuck.close()
                    with pytest.raises(ConnectionError):
                        await writing

    asyncio.run(check())


def test_opening_that_is_given_up_leaves_no_channel(way: Way) -> None:
    async def check() -> None:
        async with connected(way) as tunnel:
            way.server.freeze()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await tunnel.open()
            way.server.thaw()
            stream = await tunnel.open()
            channels = tunnel._transport._channels  # type: ignore[union-attr]
            await until(lambda: len(channels) == 1)
            stream.close()
            await until(lambda: len(channels) == 0)

    asyncio.run(check())


def test_close_leaves_no_thread_no_task_no_file_and_no_connection(way: Way) -> None:
    def threads() -> set[str]:
        """All but the executor's, which stay."""
        return {thread.name for thread in threading.enumerate() if not thread.name.startswith("asyncio_")}

    def files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async def once() -> None:
        async with way.started() as probe:
            streams = [probe.results(10**9, None, 60.0) for _ in range(3)]
            for stream in streams:
                await anext(stream)
            for stream in streams[1:]:
                await stream.aclose()
            await probe.close()
            with pytest.raises(ProbeUnreachable):
                await anext(streams[0])

    async def check() -> None:
        before = threads()
        await once()  # what stays for good is open now
        open_files = files()
        for _ in range(3):
            await once()
        # The loop closes the generators of a cut stream in tasks of its own, when the collector finds them.
        gc.collect()
        await until(lambda: len(asyncio.all_tasks()) == 1)
        await until(lambda: threads() == before)
        await until(lambda: files() <= open_files)
        await until(lambda: not way.server.sessions())

    asyncio.run(check())
