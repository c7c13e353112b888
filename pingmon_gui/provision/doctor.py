"""Finds out why a probe does not do what it should: over the way that is used, then on its host. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from pingmon_probe import __version__ as PROBE_VERSION

from pingmon_gui.domain.error import ProbeError, ProvisionError
from pingmon_gui.domain.probe import Probe, Transport
from pingmon_gui.fleet.key_pair import public_half
from pingmon_gui.fleet.secret_store import ProbeSecrets
from pingmon_gui.provision.bundle import version_key
from pingmon_gui.provision.known_host import KnownHosts
from pingmon_gui.provision.preflight import CLOCK_FATAL_MS, CLOCK_NOTED_MS, problems
from pingmon_gui.provision.progress import Listener
from pingmon_gui.provision.prompt import Prompter
from pingmon_gui.provision.visit import Visit, access_of, request_of, visit
from pingmon_gui.provision.way import Ways, real_ways


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong and what to do about it; both are sentences."""

    cause: str
    cure: str


async def diagnose(
    probe: Probe,
    *,
    secrets: ProbeSecrets | None,
    owner: str,
    known_hosts: KnownHosts,
    prompter: Prompter,
    listener: Listener,
    ways: Ways | None = None,
) -> list[Finding]:
    """Return what is wrong, the likeliest cause first; empty for a probe that is well.

    The host is visited only if the probe is not reached or does not answer as it should. `secrets` None: they are
    gone from this computer. Raises UserCancelled; whatever else goes wrong is a finding.
    """
    access_of(probe)
    ways = ways or real_ways(request_of(probe), known_hosts, prompter)
    seen = await _over_the_way(probe, secrets, owner, ways)
    if seen.is_reached:
        return seen.findings
    try:
        async with visit(probe, known_hosts=known_hosts, prompter=prompter, listener=listener, ways=ways) as there:
            found = await _on_the_host(probe, secrets, owner, there)
    except ProvisionError as exc:
        return [Finding(exc.message, exc.hint or "Try again later."), *seen.findings]
    # What is seen from afar is only what follows from what was found there.
    return found or seen.findings


@dataclass(frozen=True)
class _Seen:
    is_reached: bool
    findings: list[Finding]


async def _over_the_way(probe: Probe, secrets: ProbeSecrets | None, owner: str, ways: Ways) -> _Seen:
    """Ask the probe as the engine does."""
    if secrets is None:
        cause = "The key of this probe is not on this computer, or the system's keyring is locked."
        return _Seen(False, [Finding(cause, "Unlock the keyring, or set the probe up again: it keeps its results.")])
    link = ways.open_probe(probe, secrets)
    try:
        await link.start()
        status = await link.status()
    except ProbeError as exc:
        return _Seen(False, [Finding(exc.message, exc.hint or "See what is found on its host.")])
    finally:
        await link.close()
    found: list[Finding] = []
    if status.owner is not None and status.owner != owner:
        found.append(
            Finding(
                f"The probe “{probe.name}” works for another Pingmon.",
                "Take it over, or forget it here.",
            )
        )
    if abs(status.clock_offset_ms) >= CLOCK_FATAL_MS:
        cause = f"Its clock is {abs(status.clock_offset_ms) / 1000:.0f} s off this computer's: it has no vote."
        found.append(Finding(cause, "Set both clocks: timedatectl set-ntp true."))
    elif abs(status.clock_offset_ms) >= CLOCK_NOTED_MS:
        cause = f"Its clock is {abs(status.clock_offset_ms) / 1000:.0f} s off this computer's; times are corrected."
        found.append(Finding(cause, "Better turn on NTP there: timedatectl set-ntp true."))
    if not status.votes:
        cause = f"It has no vote: {status.reason or 'its self-check fails'}"
        found.append(Finding(cause, "Look at the network and the load of its host."))
    if version_key(status.version) < version_key(PROBE_VERSION):
        cause = f"It is version {status.version}, this Pingmon brings {PROBE_VERSION}."
        found.append(Finding(cause, "Upgrade the probe."))
    return _Seen(True, found)


async def _on_the_host(probe: Probe, secrets: ProbeSecrets | None, owner: str, there: Visit) -> list[Finding]:
    """Look at what was set up, in the order in which one thing needs the other."""
    name, facts, layout = there.host.name, there.facts, there.layout
    if not there.is_there:
        cause = f"{name} has no probe any more: what keeps it running is gone."
        return [Finding(cause, "Set the probe up again, or forget it here.")]
    found = [Finding(each.message, each.hint) for each in problems(facts, request_of(probe)) if each.is_fatal]
    states = await there.service.python.look(there.host, [layout.bundle, layout.token, layout.spool])
    if not all(states):
        paths = (layout.bundle, layout.token, layout.spool)
        missing = [path for path, state in zip(paths, states, strict=True) if state is None]
        found.append(Finding(f"{' and '.join(missing)} is missing on {name}.", "Set the probe up again."))
        return found
    is_enabled, is_running = await there.service.state(there.host)
    health = await there.service.health(there.host, 2.0 if is_running else 0.0)
    if not is_running or health.code == 0:
        words = await there.service.last_words(there.host)
        ends = f" Its log ends with: {words}" if words else ""
        is_taken = not is_running and layout.port in facts.listening_ports
        if is_taken:
            cause = f"The probe does not run on {name}, and another program listens on its port {layout.port}.{ends}"
            cure = "End that program and restart the probe, or set the probe up again: it moves to another port."
            found.append(Finding(cause, cure))
        elif is_running:
            found.append(Finding(f"The probe on {name} does not answer: {health.problem}.{ends}", "Restart the probe."))
        else:
            found.append(Finding(f"The probe does not run on {name}.{ends}", "Restart the probe."))
    elif health.code == 401:
        found.append(Finding(f"The probe on {name} runs with another token.", "Restart the probe."))
    elif health.owner not in (None, owner):
        found.append(Finding(f"The probe on {name} works for another Pingmon.", "Set it up again to take it over."))
    if not is_enabled:
        found.append(Finding(f"The probe on {name} does not start after a reboot.", "Set the probe up again."))
    key = facts.existing.public_key if facts.existing is not None else None
    if probe.transport is Transport.TUNNEL and secrets is not None and key != public_half(secrets.private_key):
        if key is None:
            cause = f"The app's key is not, or no longer, in {layout.authorized_keys} on {name}."
            found.append(Finding(cause, "Set the probe up again."))
        else:
            cause = f"The probe on {name} lets another Pingmon in and not this one: it was taken over."
            found.append(Finding(cause, "Set it up again to take it over in turn, or forget it here."))
    if probe.transport is Transport.DIRECT and not found:
        cause = f"The probe runs on {name}, but port {layout.port} is not reached from here."
        found.append(Finding(cause, "Open it in the host's firewall and at its provider."))
    return found
