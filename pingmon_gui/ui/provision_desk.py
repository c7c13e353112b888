"""The session's provisioning as wizard and fleet page want it: what comes back as sentences and text."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from PySide6.QtCore import QCoreApplication

from pingmon_gui.domain.error import SshUnreachable
from pingmon_gui.domain.probe import Probe
from pingmon_gui.provision.enrolment import BootstrapRequest
from pingmon_gui.provision.progress import Listener
from pingmon_gui.provision.prompt import Prompter
from pingmon_gui.ui.provision_port import LOG_LINES, Outcome, Provisioning

translate = QCoreApplication.translate


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
        try:
            return await self._told(self._make().remove(probe, prompter, listener))
        except SshUnreachable as exc:
            hints = (
                translate("Sentence", exc.hint or ""),
                translate("Fleet", "If the host is gone for good, forget it."),
            )
            exc.hint = " ".join(filter(None, hints))
            raise

    async def logs(self, probe: Probe, prompter: Prompter, listener: Listener) -> Outcome:
        lines = await self._make().logs(probe, LOG_LINES, prompter, listener)
        if not lines:
            return Outcome((translate("Fleet", "It wrote nothing to its log yet."),))
        return Outcome(text="\n".join(lines))

    async def diagnose(self, probe: Probe, prompter: Prompter, listener: Listener) -> Outcome:
        findings = await self._make().diagnose(probe, prompter, listener)
        if not findings:
            return Outcome((translate("Fleet", "Nothing is wrong with the probe, its host and the way there."),))
        sentences = tuple(f"{finding.cause} {finding.cure}".strip() for finding in findings)
        return Outcome(sentences, is_all_well=False)

    @staticmethod
    async def _told(work: Awaitable[Sequence[str]]) -> Outcome:
        return Outcome(tuple(await work))
