"""Batches with made-up numbers, and a store on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from pingmon_gui.domain.monitor import Monitor, MonitorDraft
from pingmon_gui.domain.result import ProbeId, ResultBatch, Shared
from pingmon_gui.domain.status import NO_FAILURE, Status
from pingmon_gui.store.store import Store

T = TypeVar("T")
HOUR_MS = 3_600_000
#: Midnight of some day.
START_MS = 1_700_006_400_000


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


class Clock:
    def __init__(self, now_ms: int = START_MS) -> None:
        self.ms = now_ms

    def __call__(self) -> int:
        return self.ms


def drafts(count: int) -> list[MonitorDraft]:
    return [MonitorDraft(f"https://site{number}.example/") for number in range(count)]


@dataclass(frozen=True)
class Measured:
    """One result of a test: what tells it from others."""

    monitor: int
    at_ms: int
    status: Status = Status.ONLINE
    total_us: int = 50_000
    interval_ms: int = 10_000
    version: int = 1


def phases_us(total_us: int) -> tuple[int, ...]:
    """Return how a made-up total is spent on the five phases; -1 where one did not happen."""
    name = total_us // 10 if total_us % 3 else -1
    tls = total_us // 5 if total_us % 2 else -1
    connect, transfer = total_us // 4, total_us // 8
    return (name, connect, tls, total_us - max(0, name) - connect - max(0, tls) - transfer, transfer)


def batch(rows: Sequence[Measured], *, probe: int = 1, first_seq: int = 1, spool: str = "spool") -> ResultBatch:
    """Return a judged batch; a failed result was `timeout`, an unknown one `blocked`."""
    count = len(rows)
    code = np.array([row.status for row in rows], dtype=np.int8).reshape(count)
    total = np.array([row.total_us / 1000 for row in rows], dtype=np.float64).reshape(count)
    failure = np.select([code == Status.OFFLINE, code == Status.UNKNOWN], [5, 11], default=NO_FAILURE)
    phases = np.array([phases_us(row.total_us) for row in rows], dtype=np.float64).reshape(count, 5) / 1000
    phases[phases < 0] = np.nan
    nothing, no = np.zeros(count), np.zeros(count, dtype=np.bool_)
    number = np.arange(count, dtype=np.int64)
    return ResultBatch(
        probe=ProbeId(probe),
        spool=spool,
        first_seq=first_seq,
        count=count,
        clock_offset_ms=0.0,
        monitor=np.array([row.monitor for row in rows], dtype=np.int64),
        version=np.array([row.version for row in rows], dtype=np.int32),
        started_at_ms=np.array([row.at_ms for row in rows], dtype=np.int64),
        status=code,
        failure=failure.astype(np.int8),
        http_status=np.where(failure == NO_FAILURE, 200, 0).astype(np.int16),
        total_ms=total,
        phases_ms=phases,
        late_ms=nothing,
        queue_ms=nothing,
        is_kernel_clock=no,
        low_confidence=no,
        family=np.full(count, 4, dtype=np.int8),
        body_bytes=np.full(count, 1234, dtype=np.int64),
        recheck=no,
        on_demand=no,
        own_network=no,
        interval_ms=np.array([row.interval_ms for row in rows], dtype=np.int64),
        message=Shared(["", "no answer in time"], np.where(failure == NO_FAILURE, 0, 1)),
        address=Shared([f"192.0.2.{place % 3}" for place in range(count)], number),
        url=Shared(["https://site.example/"], number * 0),
        hops=Shared([(), ({"url": "https://a.example/", "http_status": 301, "total_ms": 3.25},)], number % 2),
        certificate=Shared([None, {"subject": "site", "not_after": "2030-01-01"}], number % 2),
        facts=Shared([None, {"sent": 3, "received": 2, "rtt_min_ms": 1.5}], number % 2),
    )


def open_store(path: Path, clock: Clock | None = None) -> Store:
    return Store.open(path / "pingmon.db", now_ms=clock or Clock())


async def add(store: Store, count: int) -> list[Monitor]:
    return await store.add_monitors(drafts(count))


async def compact(store: Store, clock: Clock, at_ms: int | None = None) -> None:
    """Move the clock (by an hour and a half, if not told otherwise) and let maintenance do all it has to do."""
    clock.ms = clock.ms + HOUR_MS * 3 // 2 if at_ms is None else at_ms
    await settle(store)


async def settle(store: Store) -> None:
    for _ in range(2):  # compaction, then retention
        await store.maintain()
        while store.has_work:
            await store.maintain()
