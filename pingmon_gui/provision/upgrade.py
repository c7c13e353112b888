"""Looks after a probe that is set up: upgrade with the way back, restart, log."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence

from pingmon_probe import __version__ as PROBE_VERSION

from pingmon_gui.domain.error import PreflightFailed, ProvisionError, StepFailed
from pingmon_gui.domain.probe import Probe
from pingmon_gui.engine.link import ProbeLink
from pingmon_gui.fleet.secret_store import ProbeSecrets
from pingmon_gui.provision.acceptance import ReachStep
from pingmon_gui.provision.bundle import version_key
from pingmon_gui.provision.file_step import FileStep
from pingmon_gui.provision.host import Host
from pingmon_gui.provision.host_python import Entry, HostPython
from pingmon_gui.provision.known_host import KnownHosts
from pingmon_gui.provision.known_probe import KnownProbe, must_work_for
from pingmon_gui.provision.layout import Layout
from pingmon_gui.provision.plan import folder_entries, program_entry, unit_entry
from pingmon_gui.provision.progress import Listener
from pingmon_gui.provision.prompt import Prompter
from pingmon_gui.provision.service import START_S, Service, ServiceStep
from pingmon_gui.provision.setup_lock import SetupLock
from pingmon_gui.provision.step import Step, run_steps
from pingmon_gui.provision.visit import Visit, visit
from pingmon_gui.provision.way import Ways

MAX_LOG_LINES = 2_000


async def upgrade(
    probe: Probe,
    *,
    owner: str,
    secrets: ProbeSecrets,
    bundle: bytes,
    known_hosts: KnownHosts,
    prompter: Prompter,
    listener: Listener,
    ways: Ways | None = None,
) -> tuple[str, ...]:
    """Bring the probe of this Pingmon to the host, keeping the previous one; return sentences of what was done.

    One that does not answer afterwards, on the host and over the way that is used, is rolled back. Plan and spool
    stay. `owner` is this app's id: a probe that works for another app by now is left alone. Raises ProvisionError; then
    the host is as it was found.
    """
    async with visit(probe, known_hosts=known_hosts, prompter=prompter, listener=listener, ways=ways) as there:
        _must_be_ours(there, probe, owner, secrets)
        health = there.facts.existing.health if there.facts.existing is not None else None
        before = health.version if health is not None else None
        if before is not None and version_key(before) > version_key(PROBE_VERSION):
            raise PreflightFailed(
                f"The probe “{probe.name}” is version {before}, newer than this Pingmon's {PROBE_VERSION}.",
                "Upgrade Pingmon.",
            )
        layout, service = there.layout, there.service
        python = service.python
        files = [
            FileStep("folders", "Look after its folders", python, folder_entries(layout)),
            FileStep(
                "program",
                f"Upload version {PROBE_VERSION}, keeping the previous one",
                python,
                functools.partial(_program_entries, layout, python, bundle),
            ),
            FileStep("unit", "Look after what keeps it running", python, [unit_entry(layout, probe.region)]),
        ]
        lock = SetupLock(layout, is_fresh=False)
        steps: Sequence[Step] = [
            lock,
            *files,
            ServiceStep(
                service,
                PROBE_VERSION,
                lambda: any(step.is_changed for step in files),
                start_s=there.ways.start_s,
            ),
            ReachStep(probe, secrets, PROBE_VERSION, there.ways, _greet),
        ]
        await run_steps(steps, there.host, there.transcript, reopen=there.reopen)
        with contextlib.suppress(ProvisionError):
            await lock.undo(there.host)
    if not any(step.is_changed for step in files):
        return (f"The probe “{probe.name}” is version {PROBE_VERSION} already.",)
    return (f"The probe “{probe.name}” was upgraded from version {before or 'unknown'} to {PROBE_VERSION}.",)


async def restart(
    probe: Probe,
    *,
    owner: str,
    secrets: ProbeSecrets | None,
    known_hosts: KnownHosts,
    prompter: Prompter,
    listener: Listener,
    ways: Ways | None = None,
) -> tuple[str, ...]:
    """Restart the probe and wait until it answers on its host. Raises ProvisionError.

    `owner` is this app's id, `secrets` what opens the probe as far as this computer has it: a probe that works for
    another app by now is left alone.
    """
    async with visit(probe, known_hosts=known_hosts, prompter=prompter, listener=listener, ways=ways) as there:
        _must_be_ours(there, probe, owner, secrets)
        await there.service.start(there.host)
        await _wait_until_well(there.service, there.host)
    return (f"The probe “{probe.name}” was restarted.",)


async def logs(
    probe: Probe,
    lines: int,
    *,
    known_hosts: KnownHosts,
    prompter: Prompter,
    listener: Listener,
    ways: Ways | None = None,
) -> list[str]:
    """Return the last lines of the probe's log, oldest first, at most MAX_LOG_LINES. Raises ProvisionError."""
    async with visit(probe, known_hosts=known_hosts, prompter=prompter, listener=listener, ways=ways) as there:
        return await there.service.log(there.host, max(1, min(lines, MAX_LOG_LINES)))


async def _greet(link: ProbeLink) -> str:
    """What an upgrade measures first: nothing; that it answers with its version was seen already."""
    return f"The probe “{link.probe.name}” answers."


async def _program_entries(layout: Layout, python: HostPython, bundle: bytes, host: Host) -> Sequence[Entry]:
    """Return the new program, and the one that is there as the previous one where they differ."""
    program = program_entry(layout, bundle)
    (state,) = await python.look(host, [layout.bundle])
    if state is None or state.sha256 == program.sha256:
        return [program]
    (state,) = await python.read(host, [layout.bundle])
    old = state.content if state is not None else None
    if old is None:
        return [program]
    return [Entry("file", layout.previous, program.mode, program.owner, program.group, old), program]


async def _wait_until_well(service: Service, host: Host) -> None:
    health = await service.health(host, START_S)
    if health.code != 200:
        words = await service.last_words(host)
        raise StepFailed(
            f"The probe on {host.name} does not answer after its restart ({health.problem or health.code}).",
            f"Its log ends with: {words}" if words else "“doctor” names the cause.",
        )


def _must_be_ours(there: Visit, probe: Probe, owner: str, secrets: ProbeSecrets | None) -> None:
    if not there.is_there:
        raise PreflightFailed(
            f"{there.host.name} has no probe any more.", f"Set “{probe.name}” up again, or forget it."
        )
    must_work_for(owner, KnownProbe(probe, secrets), there.facts.existing, there.host.name)
