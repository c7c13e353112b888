"""Doubles of what the engine reaches through its protocols, and makers of batches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pingmon_gui.domain.monitor import Monitor, MonitorId, MonitorSettings
from pingmon_gui.domain.probe import EMBEDDED_PROBE, Probe, ProbeHealth, ProbeState
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId, ResultBatch, Shared
from pingmon_gui.domain.status import NO_FAILURE, Status

START_MS = 1_700_000_000_000


class FakeClock:
    """A clock that moves only when told; `sleep` moves the time of day alone, as a sleeping computer does."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self.wall_ms = now_ms
        self.steady_s = 1_000.0

    def now_ms(self) -> int:
        return self.wall_ms

    def monotonic_s(self) -> float:
        return self.steady_s

    def advance(self, ms: int) -> None:
        self.wall_ms += ms
        self.steady_s += ms / 1000

    def sleep(self, ms: int) -> None:
        self.wall_ms += ms


def probe(number: int = EMBEDDED_PROBE, region: Region = Region.LOCAL) -> Probe:
    return Probe(ProbeId(number), f"probe {number}", region)


def voting(number: int = EMBEDDED_PROBE, region: Region = Region.LOCAL) -> ProbeHealth:
    return ProbeHealth(probe(number, region), ProbeState.CONNECTED, votes=True)


def monitor(number: int = 2, *, interval_ms: int = 10_000, slow_ms: int = 1_000, **values: object) -> Monitor:
    settings = MonitorSettings(interval_ms=interval_ms, slow_ms=slow_ms)
    given = {"version": 1, "url": f"https://site{number}.example/", "name": "", "created_at_ms": START_MS - 86_400_000}
    return Monitor(id=MonitorId(number), settings=settings, **(given | values))  # type: ignore[arg-type]


Row = tuple[int, int, int]


def batch(
    rows: Sequence[Row],
    *,
    probe: int = EMBEDDED_PROBE,
    first_seq: int = 1,
    spool: str = "spool",
    interval_ms: int | Sequence[int] = 10_000,
    judged: bool = True,
    own_network: bool = False,
) -> ResultBatch:
    """Return a batch of (monitor, started_at_ms, status code): online takes 50 ms, slow 1,500 ms, offline timed out.

    An unknown one was `blocked`. `judged=False` leaves the status to the collector.
    """
    count = len(rows)
    code = np.array([row[2] for row in rows], dtype=np.int8).reshape(count)
    total = np.select([code == Status.ONLINE, code == Status.SLOW], [50.0, 1_500.0], default=5_000.0)
    failure = np.select([code == Status.OFFLINE, code == Status.UNKNOWN], [5, 11], default=NO_FAILURE).astype(np.int8)
    nothing, no = np.zeros(count), np.zeros(count, dtype=np.bool_)
    phases = np.full((count, 5), np.nan)
    phases[:, 1] = total
    same = np.zeros(count, dtype=np.int64)
    return ResultBatch(
        probe=ProbeId(probe),
        spool=spool,
        first_seq=first_seq,
        count=count,
        clock_offset_ms=0.0,
        monitor=np.array([row[0] for row in rows], dtype=np.int64),
        version=np.ones(count, dtype=np.int32),
        started_at_ms=np.array([row[1] for row in rows], dtype=np.int64),
        status=code if judged else np.full(count, Status.UNKNOWN, dtype=np.int8),
        failure=failure,
        http_status=np.where(failure == NO_FAILURE, 200, 0).astype(np.int16),
        total_ms=total,
        phases_ms=phases,
        late_ms=nothing,
        queue_ms=nothing,
        is_kernel_clock=no,
        low_confidence=no,
        family=np.full(count, 4, dtype=np.int8),
        body_bytes=np.zeros(count, dtype=np.int64),
        recheck=no,
        on_demand=no,
        own_network=np.full(count, own_network),
        interval_ms=np.broadcast_to(np.asarray(interval_ms, dtype=np.int64), (count,)).copy(),
        message=Shared(
            ["", "no answer in time", "a bot wall"], np.where(failure == 5, 1, np.where(failure == 11, 2, 0))
        ),
        address=Shared(["192.0.2.1"], same),
        url=Shared(["https://site.example/"], same),
        hops=Shared([()], same),
        certificate=Shared([None], same),
    )
