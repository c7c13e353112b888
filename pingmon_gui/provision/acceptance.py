"""The last steps of a set-up, which change nothing on the host: reach the probe, prove what its key opens, enrol it."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace

from pingmon_probe.protocol import CheckSpec

from pingmon_gui.domain.error import (
    HealthCheckFailed,
    PingmonError,
    ProbeError,
    ProbeUnauthorised,
    ProvisionError,
    StepFailed,
)
from pingmon_gui.domain.probe import Probe, Transport
from pingmon_gui.engine.link import ProbeLink
from pingmon_gui.fleet.secret_store import ProbeSecrets
from pingmon_gui.provision.enrolment import Enrolment, Roll
from pingmon_gui.provision.host import Host
from pingmon_gui.provision.known_probe import KnownProbe
from pingmon_gui.provision.layout import Layout
from pingmon_gui.provision.progress import Listener
from pingmon_gui.provision.prompt import Prompter
from pingmon_gui.provision.proof import not_refused
from pingmon_gui.provision.ssh_config import SshTarget
from pingmon_gui.provision.step import Step
from pingmon_gui.provision.way import Ways

#: Measures something over the new probe and returns a sentence about it. Raises ProbeError where it cannot.
MeasureFirst = Callable[[ProbeLink], Awaitable[str]]


def measure_url(url: str) -> MeasureFirst:
    """Return a first measurement of one address. Down is an answer as well: it is said, and nothing fails."""

    async def measure(link: ProbeLink) -> str:
        # Left before its end, the stream has to be closed here: elsewhere its request would be ended by another task.
        async with contextlib.aclosing(link.run_checks([CheckSpec(url)])) as results:
            async for result in results:
                if result.failure == "internal":
                    raise ProbeError(f"The probe cannot measure: {result.message}", "Look at its log.")
                if result.failure is None and result.total_ms is not None:
                    return f"First result: {url} answers in {result.total_ms:.0f} ms."
                return f"First result: {url} does not answer well from there: {result.message}"
        raise ProbeError("The probe sent no result.")

    return measure


class ReachStep(Step):
    """Opens the very path that will be used, with the new key, and measures something. Changes nothing."""

    name = "reach"

    def __init__(self, probe: Probe, secrets: ProbeSecrets, version: str, ways: Ways, check: MeasureFirst) -> None:
        self.title = (
            "Reach it through the tunnel and measure" if probe.transport is Transport.TUNNEL else "Reach it and measure"
        )
        self.sentence = ""
        self._probe = probe
        self._secrets = secrets
        self._version = version
        self._ways = ways
        self._check = check

    async def is_done(self, host: Host) -> bool:
        return bool(self.sentence)

    async def apply(self, host: Host) -> None:
        link = self._ways.open_probe(self._probe, self._secrets)
        try:
            await link.start()
            status = await link.status()
            if status.version != self._version:
                raise HealthCheckFailed(
                    f"Version {status.version} of the probe answers on {host.name}, not {self._version}.",
                    "Does another probe listen on its port?",
                )
            self.sentence = await self._check(link)
        except ProbeError as exc:
            hint = exc.hint or ""
            if self._probe.transport is Transport.DIRECT and self._probe.access is not None:
                port = self._probe.access.service_port
                hint = f"Open TCP port {port} in the host's firewall and at its provider. {hint}".strip()
            elif isinstance(exc, ProbeUnauthorised):
                hint = f"{hint} The log of the SSH server there says why.".strip()
            raise HealthCheckFailed(exc.message, hint or None) from exc
        finally:
            await link.close()


class ProveStep(Step):
    """Proves that the app's key opens the probe's port and nothing else; asks where a server cannot refuse the rest."""

    name = "proof"
    title = "Prove that the key opens nothing else"

    def __init__(
        self,
        target: SshTarget,
        layout: Layout,
        secrets: ProbeSecrets,
        ways: Ways,
        prompter: Prompter,
        listener: Listener,
    ) -> None:
        self.accepted: tuple[str, ...] = ()
        self._target = replace(target, user=layout.tunnel_user, identity_files=(), named_identity=None)
        self._port = layout.port
        self._private_key = secrets.private_key or ""
        self._ways = ways
        self._prompter = prompter
        self._listener = listener
        self._is_done = False

    async def is_done(self, host: Host) -> bool:
        return self._is_done

    async def apply(self, host: Host) -> None:
        proof = await self._ways.prove(self._target, self._private_key, self._port, self._listener)
        if proof.allowed:
            error = not_refused(host.name, proof)
            detail = "Whoever steals the key from this computer could do that as the probe's user. Keep the probe?"
            try:
                is_accepted = await self._prompter.confirm(host.name, error.message, detail)
            except ProvisionError:
                is_accepted = False
            if not is_accepted:
                raise error
            self.accepted = proof.allowed
        self._is_done = True


class EnrolStep(Step):
    """Has the app keep the probe and measure with it from now on. Undone, the app knows what it knew before."""

    name = "enrol"
    title = "Measure with it from now on"

    def __init__(self, roll: Roll, make: Callable[[], Enrolment], before: KnownProbe | None) -> None:
        """`make` is called when all before is done; `before` is the entry that the probe takes the place of."""
        self.enrolment: Enrolment | None = None
        self._roll = roll
        self._make = make
        self._before = before

    async def is_done(self, host: Host) -> bool:
        return self.enrolment is not None

    async def apply(self, host: Host) -> None:
        enrolment = self._make()
        try:
            await self._roll.enrol(enrolment)
        except PingmonError as exc:
            raise StepFailed(exc.message, exc.hint) from exc
        except OSError as exc:
            raise StepFailed(
                f"What opens the probe cannot be kept on this computer: {exc.strerror or exc}.",
                "Make room, or make the data folder writable, then try again.",
            ) from exc
        self.enrolment = enrolment

    async def undo(self, host: Host) -> None:
        enrolment, self.enrolment = self.enrolment, None
        if enrolment is None:
            return
        try:
            if self._before is None:
                await self._roll.forget(enrolment.probe.id)
            elif self._before.secrets is not None:
                await self._roll.enrol(Enrolment(self._before.probe, self._before.secrets, ()))
        except (PingmonError, OSError) as exc:
            raise StepFailed(
                f"This Pingmon still has the probe “{enrolment.probe.name}” in its list: forget it."
            ) from exc
