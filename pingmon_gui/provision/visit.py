"""Goes back to the host of an enrolled probe with the user's own login: for removal, upgrade, restart, logs, doctor."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

from pingmon_gui.domain.error import AuthFailed, PreflightFailed, ProvisionError
from pingmon_gui.domain.probe import Probe, ProbeAccess
from pingmon_gui.provision.enrolment import BootstrapRequest
from pingmon_gui.provision.fact import ACCOUNT, ExistingProbe, HostFacts, gather
from pingmon_gui.provision.host import Host, RootedHost
from pingmon_gui.provision.known_host import KnownHosts
from pingmon_gui.provision.layout import Layout, existing_layout
from pingmon_gui.provision.progress import Listener
from pingmon_gui.provision.prompt import Prompter
from pingmon_gui.provision.service import Service
from pingmon_gui.provision.ssh_config import SshTarget
from pingmon_gui.provision.step import Reopen, Transcript
from pingmon_gui.provision.way import Ways, real_ways


@dataclass(frozen=True)
class Visit:
    """An open connection to the host of a probe, and where everything is there.

    `is_there`: whether the host still has a probe of ours; else `layout` says where it used to be.
    """

    host: RootedHost
    facts: HostFacts
    layout: Layout
    is_there: bool
    transcript: Transcript
    target: SshTarget
    ways: Ways
    reopen: Reopen

    @property
    def service(self) -> Service:
        return Service(self.layout)


@contextlib.asynccontextmanager
async def visit(
    probe: Probe,
    *,
    known_hosts: KnownHosts,
    prompter: Prompter,
    listener: Listener,
    ways: Ways | None = None,
) -> AsyncIterator[Visit]:
    """Connect as at the set-up and look around. A ProvisionError, from inside too, comes with the transcript."""
    access = access_of(probe)
    request = request_of(probe)
    ways = ways or real_ways(request, known_hosts, prompter)
    transcript = Transcript(listener)
    try:
        target = await asyncio.to_thread(ways.resolve, request)
        opened = await ways.open_host(target, transcript)
        try:
            facts = await gather(opened.host)
            facts = replace(facts, is_dropbear="dropbear" in opened.server.lower())
            ours = _as_enrolled(probe, access)
            is_there = facts.existing is not None and facts.existing.is_system == ours.is_system
            existing = facts.existing if is_there and facts.existing is not None else ours
            layout = existing_layout(facts, existing)
            if layout.is_system and not facts.is_admin:
                raise AuthFailed(
                    f"The user {facts.user} may not change the probe on {opened.host.name}: it is the whole host's.",
                    facts.sudo_problem or "Log in as root, or as a user with sudo.",
                )

            async def reopen() -> Host:
                return (await ways.open_host(target, transcript)).host

            yield Visit(opened.host, facts, layout, is_there, transcript, target, ways, reopen)
        finally:
            await opened.host.close()
    except ProvisionError as exc:
        exc.host = exc.host or access.host
        exc.transcript = exc.transcript or transcript.lines
        raise


def access_of(probe: Probe) -> ProbeAccess:
    """Return how a probe is reached. Raises PreflightFailed for the embedded one."""
    if probe.access is None:
        raise PreflightFailed(f"The probe “{probe.name}” runs in this Pingmon itself; there is no host to change.")
    return probe.access


def request_of(probe: Probe) -> BootstrapRequest:
    """Return the request that the probe was set up with, as far as it matters for reaching its host."""
    access = access_of(probe)
    return BootstrapRequest(
        host=access.host,
        region=probe.region,
        name=probe.name,
        user=access.login_user,
        port=access.ssh_port,
        identity=Path(access.identity) if access.identity is not None else None,
        ssh_config=Path(access.ssh_config) if access.ssh_config is not None else None,
        transport=probe.transport,
        is_private_allowed=access.is_private_allowed,
    )


def _as_enrolled(probe: Probe, access: ProbeAccess) -> ExistingProbe:
    return ExistingProbe(
        is_system=access.tunnel_user == ACCOUNT,
        supervisor=access.supervisor,
        transport=probe.transport,
        port=access.service_port,
        is_private_allowed=access.is_private_allowed,
        installed_at_ms=access.installed_at_ms,
    )
