"""A port that plays what tests tell it, and probes to show."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pingmon_gui.domain.error import InvalidInput, PingmonError, ProvisionError
from pingmon_gui.domain.probe import (
    EMBEDDED_PROBE,
    Probe,
    ProbeAccess,
    ProbeHealth,
    ProbeState,
    Supervisor,
    Transport,
    parse_probe_name,
)
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.engine.link import ProbeStatus
from pingmon_gui.provision.enrolment import BootstrapRequest
from pingmon_gui.provision.progress import Listener, StepProgress, StepState, TranscriptLine
from pingmon_gui.provision.prompt import Prompter
from pingmon_gui.ui.provision_port import Outcome
from tests.engine.fakes import START_MS

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ"
KEY_SHA256 = "SHA256:T7SvZ2cslqpPj6nKzitCBHHlpVF3r3MvLwmFL0fk0IE"
STEPS = (("connect", "Connect to the host"), ("file", "Upload the probe"), ("start", "Start the service"))


@dataclass
class Played:
    """A port whose runs wait for the test: `go` lets the next thing happen to a host."""

    requests: list[BootstrapRequest] = field(default_factory=list)
    asked: list[tuple[str, ProbeId]] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    answers: list[object] = field(default_factory=list)
    runs: dict[str, Run] = field(default_factory=dict)
    text: str = ""

    async def look_up(self, request: BootstrapRequest) -> str:
        if "!" in request.host:
            raise ProvisionError(f'"{request.host}" is no name or address of a host.', "Type it as for ssh.")
        return f"{request.host}:{request.port}" if request.port else request.host

    async def bootstrap(self, request: BootstrapRequest, prompter: Prompter, listener: Listener) -> Outcome:
        self.requests.append(request)
        return await self._play(request.host, prompter, listener)

    async def upgrade(self, probe: Probe, prompter: Prompter, listener: Listener) -> Outcome:
        return await self._on("upgrade", probe, prompter, listener)

    async def restart(self, probe: Probe, prompter: Prompter, listener: Listener) -> Outcome:
        return await self._on("restart", probe, prompter, listener)

    async def logs(self, probe: Probe, prompter: Prompter, listener: Listener) -> Outcome:
        return replace(await self._on("logs", probe, prompter, listener), text=self.text)

    async def diagnose(self, probe: Probe, prompter: Prompter, listener: Listener) -> Outcome:
        return await self._on("diagnose", probe, prompter, listener)

    async def remove(self, probe: Probe, prompter: Prompter, listener: Listener) -> Outcome:
        return await self._on("remove", probe, prompter, listener)

    async def _on(self, verb: str, probe: Probe, prompter: Prompter, listener: Listener) -> Outcome:
        self.asked.append((verb, probe.id))
        assert probe.access is not None
        return await self._play(probe.access.host, prompter, listener)

    async def _play(self, host: str, prompter: Prompter, listener: Listener) -> Outcome:
        run = self.runs[host] = Run(host, prompter, listener, asyncio.get_running_loop().create_future())
        for name, title in STEPS:
            run.tell(name, title, StepState.PENDING)
        try:
            return await run.end
        except asyncio.CancelledError:
            self.undone.append(host)
            raise


@dataclass
class Run:
    """A run under way on one host."""

    host: str
    prompter: Prompter
    listener: Listener
    end: asyncio.Future[Outcome]

    def tell(self, step: str, title: str, state: StepState, detail: str = "") -> None:
        self.listener(StepProgress(self.host, step, title, state, detail))

    def say(self, text: str) -> None:
        self.listener(TranscriptLine(self.host, text))

    def succeed(self, *sentences: str) -> None:
        self.end.set_result(Outcome(sentences))

    def find(self, *sentences: str) -> None:
        self.end.set_result(Outcome(sentences, is_all_well=False))

    def fail(self, error: PingmonError) -> None:
        self.end.set_exception(error)


@dataclass
class FakeFleet:
    """A session as far as the fleet page goes."""

    status: ProbeStatus | PingmonError
    did: list[tuple[str, object]] = field(default_factory=list)

    async def ask_probe(self, id_: ProbeId) -> ProbeStatus:
        if isinstance(self.status, PingmonError):
            raise self.status
        return self.status

    async def rename(self, id_: ProbeId, name: str) -> Probe:
        if name == "taken":
            raise InvalidInput("Another probe has this name.")
        self.did.append(("rename", name))
        return replace(remote(), name=parse_probe_name(name))

    def take_over(self, id_: ProbeId) -> None:
        self.did.append(("take_over", id_))

    async def forget(self, id_: ProbeId) -> None:
        self.did.append(("forget", id_))


def remote(number: int = 7, name: str = "Frankfurt", region: Region = Region.EU, **access: Any) -> Probe:
    """Return a probe on another host."""
    given = {
        "host": "ops@vps.example",
        "login_user": "ops",
        "address": "203.0.113.7",
        "ssh_port": 22,
        "tunnel_user": "pingmon-probe",
        "service_port": 46464,
        "host_key": KEY,
        "supervisor": Supervisor.SYSTEMD,
        "installed_at_ms": START_MS,
    }
    return Probe(ProbeId(number), name, region, Transport.TUNNEL, ProbeAccess(**(given | access)))


def health(probe: Probe, state: ProbeState = ProbeState.CONNECTED, **values: Any) -> ProbeHealth:
    given: dict[str, Any] = {
        "votes": state is ProbeState.CONNECTED,
        "version": "1.0.0",
        "clock_offset_ms": 12.4,
        "last_contact_at_ms": START_MS - 2_000,
    }
    return ProbeHealth(probe, state, **(given | values))


def embedded() -> ProbeHealth:
    return ProbeHealth(
        Probe(EMBEDDED_PROBE, "This computer", Region.LOCAL), ProbeState.CONNECTED, votes=True, version="1.0.0"
    )


def answer(**values: Any) -> ProbeStatus:
    """Return a probe's own answer."""
    given: dict[str, Any] = {
        "version": "1.0.0",
        "features": (),
        "owner": "me",
        "revision": 3,
        "plan_hash": "x",
        "spool": "s",
        "last_seq": 1_200,
        "wall_ms": START_MS,
        "clock_offset_ms": 12.4,
        "votes": True,
        "reason": None,
        "late_p99_ms": 0.4,
        "skipped": 0,
        "first_seq": 1,
        "spool_bytes": 400_000,
        "checks": 12,
        "lease_until_ms": START_MS + 6 * 86_400_000,
        "round_trip_ms": 31.5,
    }
    return ProbeStatus(**(given | values))


Spawned = Callable[[Coroutine[Any, Any, Any]], "asyncio.Task[Any]"]


def spawner(tasks: list[asyncio.Task[Any]]) -> Spawned:
    """Return what starts tasks and keeps them."""

    def spawn(work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        tasks.append(task)
        return task

    return spawn


async def until(claim: Callable[[], object], turns: int = 400) -> None:
    """Let the loop go on until something holds."""
    for _ in range(turns):
        if claim():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to hold")


async def settled(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Wait for all tasks, however they end."""
    await asyncio.gather(*tasks, return_exceptions=True)
