"""The proof of what the app's key opens, against real SSH servers that let it do more, or less, than it should."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pingmon_gui.domain.error import HealthCheckFailed
from pingmon_gui.fleet.key_pair import restricted_line
from pingmon_gui.provision.known_host import KnownHosts
from pingmon_gui.provision.proof import Proof, not_refused, prove
from tests.provision.sshd import Sshd, StartSshd

EVERYTHING = (
    "reach other ports of the host",
    "run commands",
    "open a terminal",
    "forward the SSH agent",
    "open ports on the host (remote forwarding)",
)


@pytest.fixture
def port() -> Iterator[int]:
    """Return the port of a probe: something that listens on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def proof(server: Sshd, key: Path, port: int, known_hosts: KnownHosts) -> Proof:
    return asyncio.run(prove(server.target(), known_hosts, key.read_text(), port, listener=lambda _event: None))


def options(port: int) -> str:
    return restricted_line("", port).strip()


def test_restricted_key_is_proved_to_open_the_port_and_nothing_else(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path, port: int
) -> None:
    server = start_sshd(allow=())
    server.allow(made_keys / "ed", options(port))
    assert proof(server, made_keys / "ed", port, known_hosts) == Proof(())


def test_all_that_a_key_may_do_besides_is_named(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path, port: int
) -> None:
    server = start_sshd()
    found = proof(server, made_keys / "ed", port, known_hosts)
    assert found == Proof(EVERYTHING)
    assert ", ".join(EVERYTHING) in not_refused("eu", found).message


@pytest.mark.parametrize(
    ("left_out", "allowed"),
    [
        ('permitopen="127.0.0.1:{port}"', EVERYTHING[0]),
        ('permitlisten="localhost:1"', EVERYTHING[4]),
        ('command="/bin/false"', EVERYTHING[1]),
    ],
)
def test_each_option_of_the_line_is_needed(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path, port: int, left_out: str, allowed: str
) -> None:
    server = start_sshd(allow=())
    line = options(port).replace(f",{left_out.format(port=port)}", "")
    assert line != options(port)
    server.allow(made_keys / "ed", line)
    assert proof(server, made_keys / "ed", port, known_hosts) == Proof((allowed,))


def test_key_that_does_not_reach_the_port_is_told(
    start_sshd: StartSshd, known_hosts: KnownHosts, made_keys: Path, port: int
) -> None:
    server = start_sshd(allow=())
    server.allow(made_keys / "ed", options(port + 1))
    with pytest.raises(HealthCheckFailed, match=f"does not reach the probe's port {port}"):
        proof(server, made_keys / "ed", port, known_hosts)
