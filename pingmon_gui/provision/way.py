"""How a set-up and its upkeep get to hosts and probes: by SSH, by the probe's own way; tests replace them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

from pingmon_gui.domain.probe import Probe
from pingmon_gui.engine.link import ProbeLink
from pingmon_gui.fleet.remote import RemoteProbe
from pingmon_gui.fleet.secret_store import ProbeSecrets
from pingmon_gui.provision.enrolment import BootstrapRequest
from pingmon_gui.provision.host import RootedHost
from pingmon_gui.provision.known_host import KnownHosts
from pingmon_gui.provision.layout import DEFAULT_PORT
from pingmon_gui.provision.progress import Listener
from pingmon_gui.provision.prompt import Prompter
from pingmon_gui.provision.proof import Proof, prove
from pingmon_gui.provision.service import START_S
from pingmon_gui.provision.ssh import connect
from pingmon_gui.provision.ssh_config import SshTarget, resolve
from pingmon_gui.provision.ssh_login import Memory


class OpenHost(NamedTuple):
    """A host with how it was reached: its key as in known_hosts, and what its SSH server calls itself."""

    host: RootedHost
    target: SshTarget
    host_key: str
    server: str


@dataclass(frozen=True)
class Ways:
    """How hosts and probes are reached."""

    resolve: Callable[[BootstrapRequest], SshTarget]
    open_host: Callable[[SshTarget, Listener], Awaitable[OpenHost]]
    open_probe: Callable[[Probe, ProbeSecrets], ProbeLink]
    prove: Callable[[SshTarget, str, int, Listener], Awaitable[Proof]]
    first_port: int = DEFAULT_PORT
    start_s: float = START_S


def real_ways(request: BootstrapRequest, known_hosts: KnownHosts, prompter: Prompter) -> Ways:
    """Return the ways by SSH. What a person was asked once is known when a host is opened again, to undo."""
    memory = Memory()

    async def open_host(target: SshTarget, listener: Listener) -> OpenHost:
        host = await connect(
            target, prompter, known_hosts, listener=listener, expected_host_key=request.host_key, memory=memory
        )
        return OpenHost(host, target, host.host_key, host.transport.remote_version)

    async def prove_key(target: SshTarget, private_key: str, port: int, listener: Listener) -> Proof:
        return await prove(target, known_hosts, private_key, port, listener=listener)

    return Ways(resolve=_resolve, open_host=open_host, open_probe=RemoteProbe, prove=prove_key)


def _resolve(request: BootstrapRequest) -> SshTarget:
    return resolve(
        request.host,
        user=request.user,
        port=request.port,
        identity=request.identity,
        ssh_config=request.ssh_config,
    )
