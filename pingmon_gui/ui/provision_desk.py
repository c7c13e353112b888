"""The session's provisioning as wizard and fleet page want it: what comes back as sentences and text."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from pingmon_gui.domain.probe import Probe
from pingmon_gui.provision.enrolment import BootstrapRequest, Enrolment
from pingmon_gui.provision.progress import Listener
from pingmon_gui.provision.prompt import Prompter
from pingmon_gui.ui.provision_port import LOG_LINES, Outcome


class _Finding(Protocol):
    @property
    def cause(self) -> str: ...

    @property
    def cure(self) -> str: ...


class Provisioning(Protocol):
    """What the session offers; `pingmon_gui.provisioning` says what each does."""

    async def bootstrap(
        self, request: BootstrapRequest, prompter: Prompter, listener: Listener
    ) -> Enrolment | None: ...

    async def upgrade(self, probe: Probe, prompter: Prompter, listener: Listener) -> Sequence[str]: ...

    async def restart(self, probe: Probe, prompter: Prompter, listener: Listener) -> Sequence[str]: ...

    async def logs(self, probe: Probe, lines: int, prompter: Prompter, listener: Listener) -> str: ...

    async def diagnose(self, probe: Probe, prompter: Prompter, listener: Listener) -> Sequence[_Finding]: ...

    async def remove(self, probe: Probe, prompter: Prompter, listener: Listener) -> Sequence[str]: ...


class ProvisionDesk:
    """Implements `ProvisionPort`. `make` is called when something is to be done: SSH takes a moment to import."""

    def __init__(self, make: Callable[[], Provisioning]) -> None:
        self._make = make

    async def look_up(self, request: BootstrapRequest) -> str:
        from pingmon_gui.provision.ssh_config import resolve

        target = await asyncio.to_thread(
            resolve, request.host, port=request.port, identity=request.identity, ssh_config=request.ssh_config
        )
        return target.name

    async def bootstrap(self, request: BootstrapRequest, prompter: Prompter, listener: Listener) -> Outcome:
        enrolment = await self._make().bootstrap(request, prompter, listener)
        return Outcome(() if enrolment is None else enrolment.summary)

    async def upgrade(self, probe: Probe, prompter: Prompter, listener: Listener) -> Outcome:
        return await self._told(self._make().upgrade(probe, prompter, listener))

    async def restart(self, probe: Probe, prompter: Prompter, listener: Listener) -> Outcome:
        return await self._told(self._make().restart(probe, prompter, listener))

    async def remove(self, probe: Probe, prompter: Prompter, listener: Listener) -> Outcome:
        return await self._told(self._make().remove(probe, prompter, listener))

    async def logs(self, probe: Probe, prompter: Prompter, listener: Listener) -> Outcome:
        return Outcome(text=await self._make().logs(probe, LOG_LINES, prompter, listener))

    async def diagnose(self, probe: Probe, prompter: Prompter, listener: Listener) -> Outcome:
        findings = await self._make().diagnose(probe, prompter, listener)
        return Outcome(tuple(f"{finding.cause} {finding.cure}".strip() for finding in findings))

    @staticmethod
    async def _told(work: Awaitable[Sequence[str]]) -> Outcome:
        return Outcome(tuple(await work))
