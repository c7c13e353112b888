"""What wizard and fleet page need of whoever sets probes up, and of the session that measures with them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.engine.link import ProbeStatus
from pingmon_gui.provision.enrolment import BootstrapRequest, Enrolment
from pingmon_gui.provision.progress import Listener
from pingmon_gui.provision.prompt import Prompter

#: Lines of a probe's log that are fetched.
LOG_LINES = 200


@dataclass(frozen=True)
class Outcome:
    """How a run came to its end: sentences for people, and a text to read where that is what was asked for.

    `is_all_well` is False where the sentences say what is wrong.
    """

    sentences: tuple[str, ...] = ()
    text: str = ""
    is_all_well: bool = True


#: One run on one host: it may ask, and tells what it does.
Work = Callable[[Prompter, Listener], Awaitable[Outcome]]


class ProvisionPort(Protocol):
    """Work on hosts. Every method but `look_up` may take minutes, raises PingmonError or UserCancelled, and undoes
    what it did where it fails or is cancelled."""

    async def look_up(self, request: BootstrapRequest) -> str:
        """Return where that is, as `user@name:port`. Opens no connection. Raises ProvisionError for what is wrong."""
        ...

    async def bootstrap(self, request: BootstrapRequest, prompter: Prompter, listener: Listener) -> Outcome:
        """Set a probe up and measure with it from now on."""
        ...

    async def upgrade(self, probe: Probe, prompter: Prompter, listener: Listener) -> Outcome: ...

    async def restart(self, probe: Probe, prompter: Prompter, listener: Listener) -> Outcome: ...

    async def logs(self, probe: Probe, prompter: Prompter, listener: Listener) -> Outcome:
        """Return the newest LOG_LINES lines as the text."""
        ...

    async def diagnose(self, probe: Probe, prompter: Prompter, listener: Listener) -> Outcome:
        """Return causes with their cures as sentences; none where nothing is wrong."""
        ...

    async def remove(self, probe: Probe, prompter: Prompter, listener: Listener) -> Outcome:
        """Take everything off the host, then forget the probe."""
        ...


class FleetPort(Protocol):
    """The session, as far as probes on other hosts go."""

    async def ask_probe(self, id_: ProbeId) -> ProbeStatus: ...

    async def rename(self, id_: ProbeId, name: str) -> Probe: ...

    def take_over(self, id_: ProbeId) -> None: ...

    async def forget(self, id_: ProbeId) -> None: ...


class _Finding(Protocol):
    @property
    def cause(self) -> str: ...

    @property
    def cure(self) -> str: ...


class Provisioning(Protocol):
    """What a session gives for that; `pingmon_gui.provisioning` says what each does."""

    async def bootstrap(
        self, request: BootstrapRequest, prompter: Prompter, listener: Listener
    ) -> Enrolment | None: ...

    async def upgrade(self, probe: Probe, prompter: Prompter, listener: Listener) -> Sequence[str]: ...

    async def restart(self, probe: Probe, prompter: Prompter, listener: Listener) -> Sequence[str]: ...

    async def logs(self, probe: Probe, lines: int, prompter: Prompter, listener: Listener) -> Sequence[str]: ...

    async def diagnose(self, probe: Probe, prompter: Prompter, listener: Listener) -> Sequence[_Finding]: ...

    async def remove(self, probe: Probe, prompter: Prompter, listener: Listener) -> Sequence[str]: ...


class ProbeSession(FleetPort, Protocol):
    """All that is needed of a session."""

    def provisioning(self) -> Provisioning: ...


def as_work(command: Callable[[], Awaitable[object]], sentences: Sequence[str]) -> Work:
    """Return a command that asks and tells nothing as a run."""

    async def work(_prompter: Prompter, _listener: Listener) -> Outcome:
        await command()
        return Outcome(tuple(sentences))

    return work
