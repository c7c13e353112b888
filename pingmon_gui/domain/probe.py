"""A probe as the app knows it: where it is, how it is reached, and how it is doing."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId

#: The embedded probe's id in every store; other probes get random ids.
EMBEDDED_PROBE = ProbeId(1)


class ProbeState(StrEnum):
    """How the app stands with a probe. Only CONNECTED probes may vote."""

    STARTING = "starting"
    CONNECTED = "connected"
    CATCHING_UP = "catching up"
    UNREACHED = "unreached"
    REFUSED = "refused"  # token, owner or version
    STOPPED = "stopped"


MAX_NAME_CHARACTERS = 60


def parse_probe_name(text: str) -> str:
    """Return a probe's name as it is kept: one line without surrounding blanks. Raises InvalidInput."""
    name = " ".join(text.split())
    if not name:
        raise InvalidInput("A probe needs a name.", "The name of its city or its host is a good one.")
    if len(name) > MAX_NAME_CHARACTERS:
        raise InvalidInput(f"The name is longer than {MAX_NAME_CHARACTERS} characters.")
    if not name.isprintable():
        raise InvalidInput("The name has characters that cannot be shown.")
    return name


def name_taken(name: str, others: Iterable[Probe]) -> str | None:
    """Return the sentence that says that another probe has this name, None where none has."""
    is_taken = any(other.name.casefold() == name.casefold() for other in others)
    return f"Another probe is named “{name}” already." if is_taken else None


def name_like(wish: str, others: Iterable[Probe]) -> str:
    """Return a name that no other probe has: the wish itself, else with a number behind it."""
    known = list(others)
    wish = wish[: MAX_NAME_CHARACTERS - 5]
    names = itertools.chain([wish], (f"{wish} {number}" for number in itertools.count(2)))
    return next(name for name in names if name_taken(name, known) is None)


def new_probe_id() -> ProbeId:
    """Return a random id for a probe: 2 to 2**53 - 1, as the ids of monitors."""
    return ProbeId(2 + secrets.randbelow(2**53 - 2))


class Transport(StrEnum):
    """What carries the bytes between app and probe."""

    EMBEDDED = "embedded"  # a child process on this computer
    TUNNEL = "tunnel"  # a channel of an SSH connection
    DIRECT = "direct"  # TLS with a pinned certificate


class Supervisor(StrEnum):
    """What keeps a remote probe running on its host."""

    SYSTEMD = "systemd"  # a system unit with a user of its own
    SYSTEMD_USER = "systemd-user"  # a unit of the login user, lingering
    CRON = "cron"  # a loop in the shell that an @reboot line starts again


@dataclass(frozen=True)
class ProbeAccess:
    """How a remote probe is reached, and what was set up on its host. No secrets: those are with the fleet.

    Attributes:
        host: what the user typed: an alias of their SSH configuration, a name or an address.
        login_user: who set the probe up there, and who may upgrade or remove it.
        address: name or address the host was reached at, after the SSH configuration.
        ssh_port: port of the host's SSH server.
        tunnel_user: whose login the app's own restricted key opens.
        service_port: where the probe listens: on loopback, for "direct" on all addresses.
        host_key: the pinned host key as in known_hosts: type, blank, base64.
        supervisor: what keeps it running.
        identity: path of the private key the user named, None if none.
        ssh_config: path of the SSH configuration the user named, None for their own.
        proxy_jump: jump hosts as in the SSH configuration (`user@host:port,...`), None for none.
        certificate: the probe's pinned certificate in PEM, for "direct" only.
        is_private_allowed: whether it may measure private addresses.
        installed_at_ms: Unix ms of the setup.
        is_taken_over: whether the user agreed that another Pingmon, whose plan it may still have, gives way to us.
    """

    host: str
    login_user: str
    address: str
    ssh_port: int
    tunnel_user: str
    service_port: int
    host_key: str
    supervisor: Supervisor
    identity: str | None = None
    ssh_config: str | None = None
    proxy_jump: str | None = None
    certificate: str | None = None
    is_private_allowed: bool = False
    installed_at_ms: int = 0
    is_taken_over: bool = False

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> ProbeAccess:
        """Read what `to_json` wrote. Raises ValueError, TypeError or KeyError for anything else."""
        return cls(**{**document, "supervisor": Supervisor(document["supervisor"])})


@dataclass(frozen=True)
class Probe:
    """Configuration of a probe; `access` is None for the embedded one."""

    id: ProbeId
    name: str
    region: Region
    transport: Transport = Transport.EMBEDDED
    access: ProbeAccess | None = None


@dataclass(frozen=True)
class ProbeHealth:
    """What the app knows of a probe just now. Times are Unix ms; None where it is not known.

    `reason` is a sentence for a person while the probe does not vote. `votes` is false while it is not
    reached, its own network is down, it is late, or its clock is off. `caught_up` is the share of what it measured
    meanwhile that is here by now, 0 to 1, while it is CATCHING_UP. `collected` counts its results since the start.
    """

    probe: Probe
    state: ProbeState = ProbeState.STARTING
    reason: str = ""
    votes: bool = False
    version: str | None = None
    clock_offset_ms: float | None = None
    last_contact_at_ms: int | None = None
    late_p99_ms: float | None = None
    skipped: int = 0
    restarts: int = 0
    caught_up: float | None = None
    #: Whether its version keeps evidence of failures.
    keeps_evidence: bool | None = None
    collected: int = 0
