"""What the engine needs of a probe, whatever carries the bytes. The fleet implements it, the session joins them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from pingmon_probe.protocol import CheckResult, CheckSpec, Plan

from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.result import ResultBatch


@dataclass(frozen=True)
class StreamHeader:
    """First item of a results stream: the spool's name and extent, spans it dropped, and the probe's clock.

    `clock_offset_ms` is probe wall minus app wall at mid round trip. An empty spool has last = first - 1.
    """

    spool: str
    first: int
    last: int
    dropped: tuple[tuple[int, int], ...]
    wall_ms: int
    clock_offset_ms: float


@dataclass(frozen=True)
class Heartbeat:
    """Sign of life on a results stream that has nothing else to say; `reason` is a sentence while it does not vote."""

    wall_ms: int
    late_p99_ms: float
    skipped: int
    votes: bool
    reason: str | None
    revision: int


@dataclass(frozen=True)
class ProbeStatus:
    """Answer to "how are you": who owns the probe, which plan it runs, its spool and its self-check.

    `round_trip_ms` is the time from question to answer; `lease_until_ms` Unix ms by the probe's clock, None
    without a plan; `first_seq` > `last_seq` for an empty spool; `problem` a sentence if the spool cannot be written.
    """

    version: str
    features: tuple[str, ...]
    owner: str | None
    revision: int
    plan_hash: str | None
    spool: str
    last_seq: int
    wall_ms: int
    clock_offset_ms: float
    votes: bool
    reason: str | None
    late_p99_ms: float
    skipped: int
    first_seq: int = 1
    spool_bytes: int = 0
    problem: str | None = None
    checks: int = 0
    is_measuring: bool = True
    lease_until_ms: int | None = None
    round_trip_ms: float = 0.0


class ProbeLink(Protocol):
    """One probe. Every method raises only subclasses of ProbeError."""

    @property
    def probe(self) -> Probe: ...

    @property
    def restarts(self) -> int:
        """How often the probe's process was started again; 0 for one that is not ours to start."""
        ...

    @property
    def problem(self) -> str | None:
        """Why it cannot be reached just now as a sentence, None where nothing is known to be wrong."""
        ...

    async def start(self) -> None: ...

    def hurry(self) -> None:
        """Something happened that connections may not have survived (a wake from sleep): open streams end if so."""
        ...

    async def close(self) -> None: ...

    async def status(self) -> ProbeStatus: ...

    async def put_plan(self, plan: Plan) -> int:
        """Replace the plan; return the revision now in force. Raises ProbeOwned, RevisionTooLow and others."""
        ...

    def results(
        self, after: int, spool: str | None, wait_s: float
    ) -> AsyncGenerator[StreamHeader | ResultBatch | Heartbeat, None]:
        """Yield one StreamHeader, then batches in order and heartbeats, for about `wait_s`, then end.

        Batches are trimmed to seq > `after` if the spool is still `spool`; their status is UNKNOWN
        everywhere and their times are corrected by the clock offset where the rule says so.
        """
        ...

    def run_checks(self, specs: Sequence[CheckSpec]) -> AsyncGenerator[CheckResult, None]:
        """Run the checks at once; yield each result as it is done. At most 1,000 checks at a time."""
        ...
