"""Provisioning joined with what keeps probes: both front ends set probes up, upgrade and remove them through this.

What happens on a host is the business of `provision`; here it meets the list of probes and their secrets.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from pingmon_gui.domain.error import ProbeUnauthorised
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.fleet.secret_store import ProbeSecrets, SecretStore
from pingmon_gui.provision.acceptance import measure_url
from pingmon_gui.provision.bootstrap import bootstrap
from pingmon_gui.provision.bundle import probe_bundle
from pingmon_gui.provision.doctor import Finding, diagnose
from pingmon_gui.provision.enrolment import BootstrapRequest, Enrolment, Roll
from pingmon_gui.provision.known_host import KnownHosts
from pingmon_gui.provision.known_probe import KnownProbe
from pingmon_gui.provision.progress import Listener
from pingmon_gui.provision.prompt import Prompter
from pingmon_gui.provision.removal import remove
from pingmon_gui.provision.upgrade import logs, restart, upgrade

#: Measured first where nothing is watched yet: a site that is there to be asked for (RFC 2606).
FIRST_URL = "https://example.com/"


class Keeper(Roll, Protocol):
    """Who keeps probes: a running session, or a command for the moment. Raises PingmonError, OSError."""

    async def owner(self) -> str:
        """Return the random id by which probes know whose plan they hold."""
        ...

    async def probes(self) -> Sequence[Probe]:
        """Return the probes on other hosts."""
        ...

    async def some_url(self) -> str | None:
        """Return an address worth a first measurement, None if nothing is watched yet."""
        ...

    def try_again(self, id_: ProbeId) -> None:
        """Try at once whether a probe answers: something was done on its host."""
        ...


class Provisioning:
    """Every method raises ProvisionError with host, step and transcript, or UserCancelled; the host is as found."""

    def __init__(self, data_dir: Path, secrets: SecretStore, keeper: Keeper) -> None:
        self._known_hosts = KnownHosts(data_dir)
        self._secrets = secrets
        self._keeper = keeper

    async def bootstrap(self, request: BootstrapRequest, prompter: Prompter, listener: Listener) -> Enrolment | None:
        """Set a probe up and measure with it from now on. Returns None for a dry run."""
        return await bootstrap(
            request,
            known_hosts=self._known_hosts,
            prompter=prompter,
            listener=listener,
            check=measure_url(await self._keeper.some_url() or FIRST_URL),
            owner=await self._keeper.owner(),
            roll=self._keeper,
            bundle=await asyncio.to_thread(probe_bundle),
            known=[KnownProbe(probe, await self._secrets_if_any(probe)) for probe in await self._keeper.probes()],
        )

    async def upgrade(self, probe: Probe, prompter: Prompter, listener: Listener) -> tuple[str, ...]:
        """Bring a probe to this Pingmon's version; the one before comes back if the new one is not well."""
        sentences = await upgrade(
            probe,
            owner=await self._keeper.owner(),
            secrets=await self._secrets_of(probe),
            bundle=await asyncio.to_thread(probe_bundle),
            known_hosts=self._known_hosts,
            prompter=prompter,
            listener=listener,
        )
        self._keeper.try_again(probe.id)
        return sentences

    async def restart(self, probe: Probe, prompter: Prompter, listener: Listener) -> tuple[str, ...]:
        """Restart a probe on its host; one that does not answer any more may come back by it."""
        sentences = await restart(
            probe,
            owner=await self._keeper.owner(),
            secrets=await self._secrets_if_any(probe),
            known_hosts=self._known_hosts,
            prompter=prompter,
            listener=listener,
        )
        self._keeper.try_again(probe.id)
        return sentences

    async def logs(self, probe: Probe, lines: int, prompter: Prompter, listener: Listener) -> list[str]:
        """Return the last lines of what the probe wrote to its log, oldest first."""
        return await logs(probe, lines, known_hosts=self._known_hosts, prompter=prompter, listener=listener)

    async def diagnose(self, probe: Probe, prompter: Prompter, listener: Listener) -> list[Finding]:
        """Look for what is wrong on the way to a probe and on its host; empty for one that is well."""
        return await diagnose(
            probe,
            secrets=await self._secrets_if_any(probe),
            owner=await self._keeper.owner(),
            known_hosts=self._known_hosts,
            prompter=prompter,
            listener=listener,
        )

    async def remove(self, probe: Probe, prompter: Prompter, listener: Listener) -> tuple[str, ...]:
        """Take a probe off its host without a trace, then forget it. What it measured stays."""
        sentences = await remove(
            probe,
            owner=await self._keeper.owner(),
            secrets=await self._secrets_if_any(probe),
            known_hosts=self._known_hosts,
            prompter=prompter,
            listener=listener,
        )
        await self._keeper.forget(probe.id)
        return sentences

    async def _secrets_of(self, probe: Probe) -> ProbeSecrets:
        return await asyncio.to_thread(self._secrets.load, probe.id)

    async def _secrets_if_any(self, probe: Probe) -> ProbeSecrets | None:
        with contextlib.suppress(ProbeUnauthorised):
            return await self._secrets_of(probe)
        return None
