"""A probe as the app knows it: where it is, how it is reached, and how it is doing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

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


@dataclass(frozen=True)
class Probe:
    """Configuration of a probe. `transport` is "embedded", "tunnel" or "direct"."""

    id: ProbeId
    name: str
    region: Region
    transport: str = "embedded"


@dataclass(frozen=True)
class ProbeHealth:
    """What the app knows of a probe just now. Times are Unix ms; None where it is not known.

    `reason` is a sentence for a person while the probe does not vote. `votes` is false while it is not
    reached, its own network is down, it is late, or its clock is off.
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
