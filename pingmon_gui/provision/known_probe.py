"""Which of this app's probes a host is the host of, so that a set-up goes on with it instead of adding a second one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pingmon_gui.domain.error import PreflightFailed
from pingmon_gui.domain.probe import Probe, Transport, name_like, name_taken
from pingmon_gui.fleet.key_pair import public_half
from pingmon_gui.fleet.secret_store import ProbeSecrets
from pingmon_gui.provision.fact import ExistingProbe
from pingmon_gui.provision.ssh_config import SshTarget


@dataclass(frozen=True)
class KnownProbe:
    """A remote probe of this app with what opens it; None where that is gone from this computer."""

    probe: Probe
    secrets: ProbeSecrets | None


class Match(NamedTuple):
    """`is_proved`: what opens the known one lies on the host. Else only the place is the same."""

    known: KnownProbe
    is_proved: bool


def known_at(
    known: Sequence[KnownProbe], target: SshTarget, host_key: str, tunnel_user: str, existing: ExistingProbe | None
) -> Match | None:
    """Return the known probe of a host: by its key or certificate, at whatever address; else by its place.

    At the same place it goes on with another key, too: the host was installed anew, the key was lost here, or another
    Pingmon had it meanwhile.
    """
    if existing is not None:
        for each in known:
            if _is_there(each, host_key, existing):
                return Match(each, is_proved=True)
    place = (target.address, target.port, target.proxy_jump, tunnel_user)
    for each in known:
        access = each.probe.access
        if access is not None and place == (
            access.address,
            access.ssh_port,
            access.proxy_jump,
            access.tunnel_user,
        ):
            return Match(each, is_proved=False)
    return None


def must_work_for(owner: str, known: KnownProbe, existing: ExistingProbe | None, host: str, then: str = "") -> None:
    """Leave a probe alone that is another Pingmon's by now: raise PreflightFailed, with `then` ending the advice."""
    if existing is not None and works_for_another(known, owner, existing):
        raise PreflightFailed(
            f"The probe on {host} works for another Pingmon by now.",
            f"Forget it here; or set it up again, which takes it over{then}.",
        )


def works_for_another(known: KnownProbe, owner: str, existing: ExistingProbe) -> bool:
    """Return whether the probe on the host of a known one is another Pingmon's by now: by its word, or by its key.

    `owner` is this app's id. A probe has no word to say of it before it got its first plan.
    """
    if existing.health is not None and existing.health.owner is not None:
        return existing.health.owner != owner
    if known.secrets is None or known.probe.access is None:
        return False
    if existing.transport is Transport.DIRECT:
        there, ours = existing.certificate, known.probe.access.certificate
    else:
        there, ours = existing.public_key, public_half(known.secrets.private_key)
    return there is not None and there.strip() != (ours or "").strip()


def _is_there(known: KnownProbe, host_key: str, existing: ExistingProbe) -> bool:
    access = known.probe.access
    if access is None or known.secrets is None or known.probe.transport is not existing.transport:
        return False
    if access.host_key.split()[:2] != host_key.split()[:2] or access.service_port != existing.port:
        return False
    if existing.transport is Transport.DIRECT:
        return (access.certificate or "").strip() == (existing.certificate or "-").strip()
    return public_half(known.secrets.private_key) == (existing.public_key or "-")


def name_for(asked: str | None, known: Sequence[KnownProbe], match: Match | None, host: str) -> str:
    """Return the name of a probe: as asked for, as it was, or its host's; no two have one. Raises PreflightFailed."""
    others = [each.probe for each in known if match is None or each.probe.id != match.known.probe.id]
    if asked is None:
        return match.known.probe.name if match is not None else name_like(host, others)
    if taken := name_taken(asked, others):
        raise PreflightFailed(taken, "Choose another one.")
    return asked
