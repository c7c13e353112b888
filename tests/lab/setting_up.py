"""Sets probes up on hosts of the lab as the app does, with a person who answers as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from pingmon_probe.protocol import CheckResult, CheckSpec

from pingmon_gui.domain.error import ProbeError
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.fleet.remote import RemoteProbe
from pingmon_gui.provision.acceptance import MeasureFirst, measure_url
from pingmon_gui.provision.bootstrap import bootstrap
from pingmon_gui.provision.bundle import probe_bundle
from pingmon_gui.provision.enrolment import BootstrapRequest, Enrolment
from pingmon_gui.provision.known_host import KnownHosts
from pingmon_gui.provision.known_probe import KnownProbe
from pingmon_gui.provision.progress import StepProgress, StepState, TranscriptLine
from pingmon_gui.provision.prompt import SecretKind
from pingmon_gui.provision.removal import remove
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.target import ZONE

TARGET = f"http://shop4.{ZONE}/"
OWNER = "an-app-of-the-lab"


@dataclass
class Person:
    """Somebody who trusts host keys, knows these secrets (else presses Enter), agrees or not; keeps the questions."""

    secrets: dict[SecretKind, list[str]] = field(default_factory=dict)
    agrees: bool = False
    asked: list[str] = field(default_factory=list)

    async def confirm_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        self.asked.append(f"{key_type} {fingerprint}")
        return True

    async def secret(self, host: str, kind: SecretKind, question: str) -> str:
        self.asked.append(question)
        known = self.secrets.get(kind, [])
        return known.pop(0) if known else ""

    async def confirm(self, host: str, question: str, detail: str) -> bool:
        self.asked.append(question)
        return self.agrees


@dataclass
class App:
    """An app that sets probes up: its data folder, its id, the person before it, and what it was told of its runs."""

    lab: Lab
    data_dir: Path
    owner: str = OWNER
    enrolled: dict[ProbeId, Enrolment] = field(default_factory=dict)
    person: Person = field(default_factory=Person)
    states: dict[str, list[StepState]] = field(default_factory=dict)
    check: MeasureFirst = field(default_factory=lambda: measure_url(TARGET))
    on_step: Callable[[StepProgress], None] = lambda _progress: None

    async def set_up(self, host: Host, user: str = "ops", **wanted: object) -> Enrolment:
        """Run the setup whole and return what came of it. `wanted` are fields of the request."""
        enrolment = await self.attempt(host, user, **wanted)
        assert enrolment is not None
        return enrolment

    async def attempt(self, host: Host, user: str = "ops", *, name: str = "", **wanted: object) -> Enrolment | None:
        """`name` is typed instead of the one that the lab's ssh_config knows."""
        self.states = {}
        fields = {
            "host": f"{user}@{name or host.name}",
            "region": Region.EU,
            "ssh_config": self.lab.ssh_config,
            **wanted,
        }
        return await bootstrap(
            BootstrapRequest(**fields),  # type: ignore[arg-type]
            known_hosts=KnownHosts(self.data_dir / "known_hosts"),
            prompter=self.person,
            listener=self._listen,
            check=self.check,
            owner=self.owner,
            roll=self,
            bundle=probe_bundle(),
            known=[KnownProbe(each.probe, each.secrets) for each in self.enrolled.values()],
        )

    async def enrol(self, enrolment: Enrolment) -> None:
        self.enrolled[enrolment.probe.id] = enrolment

    async def forget(self, id_: ProbeId) -> None:
        del self.enrolled[id_]

    async def take_off(self, enrolment: Enrolment) -> None:
        """Remove a probe from its host."""
        self.states = {}
        known_hosts = KnownHosts(self.data_dir / "known_hosts")
        await remove(
            enrolment.probe,
            owner=self.owner,
            secrets=enrolment.secrets,
            known_hosts=known_hosts,
            prompter=self.person,
            listener=self._listen,
        )
        await self.forget(enrolment.probe.id)

    def _listen(self, event: StepProgress | TranscriptLine) -> None:
        if isinstance(event, StepProgress):
            self.states.setdefault(event.step, []).append(event.state)
            self.on_step(event)

    def last_states(self) -> dict[str, StepState]:
        """Return how each step of the last run came out."""
        return {step: states[-1] for step, states in self.states.items()}


async def measure(enrolment: Enrolment, url: str = TARGET, *, patience_s: float = 60.0) -> CheckResult:
    """Reach a probe as the app does later, trying again while it comes up, and run one check there."""
    probe = RemoteProbe(enrolment.probe, enrolment.secrets)
    try:
        await reach(probe, patience_s)
        async with aclosing(probe.run_checks([CheckSpec(url)])) as results:
            return await anext(results)
    finally:
        await probe.close()


async def reach(probe: RemoteProbe, patience_s: float) -> None:
    """Start a link, again and again like the collector, until the probe answers."""
    until_s = asyncio.get_running_loop().time() + patience_s
    while True:
        try:
            await probe.start()
            await probe.status()
            return
        except ProbeError:
            if asyncio.get_running_loop().time() > until_s:
                raise
            await asyncio.sleep(0.1)
