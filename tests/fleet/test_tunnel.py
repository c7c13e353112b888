"""The way to a probe on another host: a real OpenSSH server, our restricted key, a real probe behind it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from pathlib import Path

import paramiko
import pytest
from pingmon_probe.protocol import CheckSpec, Plan

from pingmon_gui.domain.error import ProbeUnauthorised, ProbeUnreachable
from pingmon_gui.domain.result import ResultBatch
from pingmon_gui.fleet.channel_stream import FULL_BYTES, PIECE_BYTES
from pingmon_gui.fleet.tunnel import Tunnel, read_private_key
from tests.engine.fakes import until
from tests.fleet.way import Way
from tests.ports import free_port
from tests.probe.probe_process import ProbeProcess, target
from tests.sshd import make_key, ssh_server


def run(test: Callable[[], Coroutine[object, object, None]]) -> None:
    asyncio.run(test())


def test_probe_answers_through_the_tunnel_and_nothing_is_left_after_close(way: Way) -> None:
    before = threading.active_count()

    async def check() -> None:
        async with way.started() as probe:
            status = await probe.status()
            assert status.version
        with pytest.raises(ProbeUnreachable):
            await probe.status()

    run(check)
    assert threading.active_count() == before


def test_checks_and_results_come_through_the_tunnel(way: Way) -> None:
    async def check() -> None:
        with target() as url:
            async with way.started() as probe:
                spec = CheckSpec(url=url, monitor=5, version=1, interval_ms=60_000)
                await probe.put_plan(Plan(owner="test", revision=1, checks=(spec,)))
                async with aclosing(probe.run_checks([spec])) as checks:
                    assert [result.http_status async for result in checks] == [200]
                seen = 0
                async with aclosing(probe.results(0, None, 5.0)) as items:
                    async for item in items:
                        if isinstance(item, ResultBatch):
                            seen += item.count
                            break
                assert seen == 1

    run(check)


def test_our_key_opens_the_port_and_nothing_else(way: Way) -> None:
    """The server itself refuses shell, command, file transfer, other ports, remote forward and agent."""
    transport = paramiko.Transport(("127.0.0.1", way.server.port))
    try:
        transport.start_client(timeout=10)
        transport.auth_publickey(way.server.user, read_private_key(way.private_key))
        transport.open_channel("direct-tcpip", ("127.0.0.1", way.access.service_port), ("127.0.0.1", 0)).close()
        for place in (("127.0.0.1", way.server.port), ("127.0.0.2", way.access.service_port), ("::1", 22)):
            with pytest.raises(paramiko.ChannelException) as caught:
                transport.open_channel("direct-tcpip", place, ("127.0.0.1", 0))
            assert caught.value.code == 1
        with pytest.raises(paramiko.SSHException):
            transport.request_port_forward("127.0.0.1", 0)
        session = transport.open_session()
        session.exec_command("echo broken in")
        assert session.makefile().read() == b"" and session.recv_exit_status() != 0
        session = transport.open_session()
        with pytest.raises(paramiko.SSHException):
            session.get_pty()
        session = transport.open_session()
        with pytest.raises(paramiko.SSHException):
            session.invoke_subsystem("sftp")
    finally:
        transport.close()
        transport.join()


def test_host_with_another_key_is_a_hard_stop(way: Way, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other").with_suffix(".pub").read_text()

    async def check() -> None:
        with pytest.raises(ProbeUnauthorised, match="another host key"):
            async with way.started(host_key=" ".join(other.split()[:2])):
                pass

    run(check)
    assert "Accepted" not in way.server.log()


def test_host_that_lost_the_pinned_type_of_key_is_a_hard_stop(way: Way, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other", "ecdsa").with_suffix(".pub").read_text()

    async def check() -> None:
        with pytest.raises(ProbeUnauthorised, match="no longer has the host key"):
            async with way.started(host_key=" ".join(other.split()[:2])):
                pass

    run(check)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_the_pinned_key_is_asked_for_where_a_host_has_several(tmp_path: Path, behind: ProbeProcess, kind: str) -> None:
    async def check() -> None:
        with ssh_server(tmp_path / "ssh", key_types=("rsa", "ecdsa", "ed25519")) as server:
            way = Way(server, behind.port)
            async with way.started(host_key=server.host_key(kind)) as probe:
                await probe.status()

    run(check)


def test_revoked_key_says_to_set_the_probe_up_again(way: Way) -> None:
    way.server.authorized_keys.write_text("")

    async def check() -> None:
        with pytest.raises(ProbeUnauthorised, match="does not accept this Pingmon's key"):
            async with way.started():
                pass

    run(check)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"ssh_port": 1}, "refuses connections"),
        ({"address": "no-such-host.invalid"}, "cannot be resolved"),
        ({"service_port": 1}, "forbids the way"),
        ({"host_key": "nonsense"}, "host key of this probe cannot be read"),
    ],
)
def test_what_is_in_the_way_has_its_own_sentence(way: Way, changed: dict[str, object], sentence: str) -> None:
    async def check() -> None:
        with pytest.raises((ProbeUnreachable, ProbeUnauthorised), match=sentence) as caught:
            async with way.started(**changed) as probe:
                await probe.status()
        assert caught.value.hint

    run(check)


def test_probe_that_does_not_run_is_told_from_a_host_that_does_not_answer(tmp_path: Path) -> None:
    async def check() -> None:
        with ssh_server(tmp_path / "ssh") as server:
            async with Way(server, free_port()).started() as probe:
                with pytest.raises(ProbeUnreachable, match="is up, but nothing answers at the probe's port"):
                    await probe.status()

    run(check)


def test_forbidden_forwarding_names_the_line(tmp_path: Path, behind: ProbeProcess) -> None:
    async def check() -> None:
        with ssh_server(tmp_path / "ssh", "AllowTcpForwarding no") as server:
            async with Way(server, behind.port).started() as probe:
                with pytest.raises(ProbeUnauthorised, match="forbids the way") as caught:
                    await probe.status()
                assert "AllowTcpForwarding" in (caught.value.hint or "")

    run(check)


def test_cut_tunnel_breaks_the_stream_off_and_start_makes_it_anew(way: Way) -> None:
    async def check() -> None:
        async with way.started() as probe:
            for cut in (way.server.cut, lambda: (way.server.stop(), way.server.start())):
                stream = probe.results(0, None, 60.0)
                await anext(stream)
                cut()
                with pytest.raises(ProbeUnreachable):
                    async for _ in stream:
                        pass
                await probe.start()
                await probe.status()

    run(check)


def test_server_that_is_away_is_unreachable_until_it_is_back(way: Way) -> None:
    async def check() -> None:
        async with way.started() as probe:
            way.server.stop()
            with pytest.raises(ProbeUnreachable):
                await probe.start()
            with pytest.raises(ProbeUnreachable, match="refuses connections"):
                await probe.start()
            # Whoever asks in between is told the same.
            with pytest.raises(ProbeUnreachable, match="refuses connections"):
                await probe.status()
            way.server.start()
            await probe.start()
            await probe.status()

    run(check)


def test_stream_that_nobody_reads_holds_the_sender_up(tmp_path: Path) -> None:
    """What is sent faster than it is read stays at the other end: memory does not grow with it."""

    async def check() -> None:
        sent = 0

        async def pour(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            try:
                while sent < 64 * 1024 * 1024:
                    writer.write(b"x" * 65536)
                    await writer.drain()
                    sent += 65536
            except OSError:
                pass
            finally:
                writer.close()

        listener = await asyncio.start_server(pour, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        with ssh_server(tmp_path / "ssh") as server:
            way = Way(server, port)
            tunnel = Tunnel(way.access, way.private_key)
            await tunnel.connect()
            try:
                stream = await tunnel.open()
                got = len(await stream.read(1))
                channel = stream.channel
                await until(lambda: len(channel.in_buffer) + channel.in_window_sofar >= channel.in_window_size)
                assert sent < 32 * 1024 * 1024
                assert stream.fed_bytes - got <= FULL_BYTES + PIECE_BYTES
                while data := await stream.read(1 << 20):
                    got += len(data)
                assert got == 64 * 1024 * 1024
            finally:
                await tunnel.close()
                listener.close()

    run(check)


def test_large_request_goes_through_whole(way: Way) -> None:
    async def check() -> None:
        async with way.started() as probe:
            checks = tuple(
                CheckSpec(url=f"https://host{n}.example/{'x' * 100}", monitor=n + 2, version=1, interval_ms=3_600_000)
                for n in range(5_000)
            )
            status = await probe.status()
            revision = await probe.put_plan(Plan(owner="test", revision=status.revision + 1, checks=checks))
            assert (await probe.status()).checks == 5_000 and revision == status.revision + 1
            await probe.put_plan(Plan(owner="test", revision=revision + 1, checks=()))

    run(check)


def test_close_while_it_connects_ends_the_attempt(way: Way) -> None:
    async def check() -> None:
        way.server.freeze()
        probe = way.probe()
        attempt = asyncio.create_task(probe.start())
        await until(lambda: probe._tunnel is not None)
        attempt.cancel()
        await asyncio.gather(attempt, return_exceptions=True)
        await probe.close()

    run(check)
