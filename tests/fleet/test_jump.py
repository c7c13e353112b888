"""Hosts behind jump hosts: the user's own `ssh`, with a configuration of the test's, crosses real servers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pingmon_gui.domain.error import ProbeUnreachable
from pingmon_gui.fleet.jump import command
from tests.fleet.way import Way
from tests.sshd import SshServer, make_key, process_name, processes_below, ssh_server


class Crossing:
    """A jump host called `bastion`, and the configuration that says how to log in there."""

    def __init__(self, folder: Path, server: SshServer) -> None:
        self.server = server
        self.key = make_key(folder / "user-key")
        server.allow(self.key.with_suffix(".pub").read_text())
        self.known_hosts = folder / "known_hosts"
        self.known_hosts.write_text(f"[127.0.0.1]:{server.port} {server.host_key()}\n")
        self.config = folder / "config"
        lines = ("HostName 127.0.0.1", f"Port {server.port}", f"IdentityFile {self.key}", "IdentitiesOnly yes")
        lines += (f"UserKnownHostsFile {self.known_hosts}", "StrictHostKeyChecking yes", "IdentityAgent none")
        self.config.write_text("\n  ".join(("Host bastion second", *lines)) + "\n")

    def ask(self, way: Way, hops: str = "bastion") -> None:
        """Ask the probe over the jump hosts how it is."""

        async def check() -> None:
            async with way.started(proxy_jump=hops, ssh_config=str(self.config)) as probe:
                assert (await probe.status()).version

        asyncio.run(check())


@pytest.fixture
def crossing(tmp_path: Path) -> Iterator[Crossing]:
    with ssh_server(tmp_path / "bastion") as server:
        yield Crossing(tmp_path, server)
    assert "ssh" not in [process_name(pid) for pid in processes_below(os.getpid())]


@pytest.mark.parametrize("hops", ["bastion", "second,bastion"])
def test_probe_answers_over_jump_hosts_and_no_ssh_is_left(way: Way, crossing: Crossing, hops: str) -> None:
    crossing.ask(way, hops)


def test_jump_host_that_is_away_is_named(way: Way, crossing: Crossing) -> None:
    crossing.server.stop()
    with pytest.raises(ProbeUnreachable, match=r"over the jump host bastion does not work: .*refused") as caught:
        crossing.ask(way)
    assert "ssh bastion" in (caught.value.hint or "")
    crossing.server.start()


def test_jump_host_that_refuses_or_is_unknown_is_told_in_the_words_of_ssh(way: Way, crossing: Crossing) -> None:
    crossing.server.authorized_keys.write_text("")
    with pytest.raises(ProbeUnreachable, match="Permission denied"):
        crossing.ask(way)
    crossing.known_hosts.write_text("")
    with pytest.raises(ProbeUnreachable, match="Host key verification failed"):
        crossing.ask(way)


def test_cut_jump_host_ends_the_stream_and_start_crosses_anew(way: Way, crossing: Crossing) -> None:
    async def check() -> None:
        async with way.started(proxy_jump="bastion", ssh_config=str(crossing.config)) as probe:
            stream = probe.results(10**9, None, 60.0)
            await anext(stream)
            crossing.server.cut()
            with pytest.raises(ProbeUnreachable):
                async for _ in stream:
                    pass
            await probe.start()
            await probe.status()

    asyncio.run(check())


@pytest.mark.parametrize(
    ("hops", "words"),
    [
        ("bastion", ["--", "bastion"]),
        ("ops@bastion:2222", ["-p", "2222", "--", "ops@bastion"]),
        ("ops@[2001:db8::1]:2222", ["-p", "2222", "--", "ops@2001:db8::1"]),
        ("2001:db8::1", ["--", "2001:db8::1"]),
        ("a:1,b@c:2,d", ["-J", "a:1,b@c:2", "--", "d"]),
        ("-oProxyCommand=x", ["--", "-oProxyCommand=x"]),
    ],
)
def test_hops_become_words_of_the_command(way: Way, hops: str, words: list[str]) -> None:
    found = command(replace(way.access, proxy_jump=hops), 10)
    place = found.index("-W")
    del found[place : place + 2]
    assert found[-len(words) :] == words
