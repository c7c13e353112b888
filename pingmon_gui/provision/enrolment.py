"""What is asked for when a probe is set up, and what comes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pingmon_gui.domain.probe import Probe, Transport
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.fleet.secret_store import ProbeSecrets

_FINGERPRINT = re.compile(r"[A-Za-z0-9+/]{43}")


def read_fingerprint(text: str) -> str | None:
    """Return a fingerprint of a host key that was typed as ssh shows it (`SHA256:...`), None where it can be none."""
    letters = text.strip().removeprefix("SHA256:").rstrip("=")
    return f"SHA256:{letters}" if _FINGERPRINT.fullmatch(letters) else None


@dataclass(frozen=True)
class BootstrapRequest:
    """What the user wants.

    Attributes:
        host: as typed: an alias of the SSH configuration, a name or address, `user@host`, `user@host:port`.
        region: the column that the probe serves.
        name: its name in the window, None for one made of the host's.
        user, port, identity, ssh_config: in place of what the SSH configuration says.
        transport: how the app will reach it.
        host_key: the expected fingerprint (`SHA256:...`), in place of asking.
        is_private_allowed: whether the probe may measure private addresses.
        is_dry_run: look and tell, change nothing.
        may_install_python: whether a missing Python may be installed by the host's package manager without asking.
        may_take_over: whether a probe of another Pingmon may be taken over without asking.
    """

    host: str
    region: Region
    name: str | None = None
    user: str | None = None
    port: int | None = None
    identity: Path | None = None
    ssh_config: Path | None = None
    transport: Transport = Transport.TUNNEL
    host_key: str | None = None
    is_private_allowed: bool = False
    is_dry_run: bool = False
    may_install_python: bool = False
    may_take_over: bool = False


@dataclass(frozen=True)
class Enrolment:
    """A probe that was set up and proved, with what opens it.

    `summary` are sentences: what was set up, what is weaker than it could be.
    """

    probe: Probe
    secrets: ProbeSecrets
    summary: tuple[str, ...]


class Roll(Protocol):
    """The app's list of probes. Raises PingmonError, OSError; then it is as it was."""

    async def enrol(self, enrolment: Enrolment) -> None:
        """Keep a probe and measure with it; one with its id is replaced."""
        ...

    async def forget(self, id_: ProbeId) -> None:
        """Drop a probe and what opens it. Its host is not asked, what it measured stays."""
        ...
