"""A past in memory: what a store would have kept of a live board, for the time machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pingmon_gui.domain.history import HOUR_MS, Series
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.past import (
    IncidentMark,
    PastBuckets,
    PastMonitor,
    PastProbe,
    PastResults,
    PastSetup,
    VerdictLine,
)
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.resolution import Kept
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import NO_FAILURE, Status
from pingmon_gui.domain.timeline import Standing

NO_VERDICTS = VerdictLine(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int8))


@dataclass(frozen=True)
class Told:
    """One result: what a probe said of a monitor, at which address."""

    monitor: int
    probe: int
    at_ms: int
    interval_ms: int
    status: int
    total_ms: float
    url: str = "a"
    is_second: bool = False

    @property
    def series(self) -> tuple[int, int, str, bool]:
        return self.monitor, self.probe, self.url, self.is_second


@dataclass
class FakePast:
    """Fill `monitors`, `probes` and `told`; roll-ups are not made here."""

    monitors: dict[MonitorId, Monitor] = field(default_factory=dict)
    standings: dict[MonitorId, list[Standing]] = field(default_factory=dict)
    deleted: dict[MonitorId, int] = field(default_factory=dict)
    probes: dict[ProbeId, Probe] = field(default_factory=dict)
    forgotten: dict[ProbeId, int] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    incidents: tuple[IncidentMark, ...] = ()
    asked: list[tuple[int, int | None]] = field(default_factory=list)

    async def past_setup(self) -> PastSetup | None:
        if not self.told:
            return None
        first = min(one.at_ms for one in self.told) // HOUR_MS * HOUR_MS
        return PastSetup(
            tuple(
                PastMonitor(one, self.deleted.get(id_), tuple(self.standings.get(id_, ())), NO_VERDICTS)
                for id_, one in self.monitors.items()
            ),
            tuple(PastProbe(one, 0, self.forgotten.get(id_)) for id_, one in self.probes.items()),
            {
                number: Series(MonitorId(monitor), ProbeId(probe), 6 if is_second else 0, url, is_second)
                for (monitor, probe, url, is_second), number in self._numbers().items()
            },
            self.incidents,
            Kept(first, first, first, first),
            first,
            rolled_until_ms=0,
        )

    def _numbers(self) -> dict[tuple[int, int, str, bool], int]:
        found: dict[tuple[int, int, str, bool], int] = {}
        for one in self.told:
            found.setdefault(one.series, len(found) + 1)
        return found

    async def past_hour(self, hour: int, at_most: int | None = None) -> PastResults:
        self.asked.append((hour, at_most))
        numbers = self._numbers()
        by_series: dict[int, list[Told]] = {}
        for one in self.told:
            if one.at_ms // HOUR_MS == hour:
                by_series.setdefault(numbers[one.series], []).append(one)
        rows = [
            (number, one)
            for number, some in sorted(by_series.items())
            if at_most is None or len(some) <= at_most
            for one in sorted(some, key=lambda one: one.at_ms)
        ]
        return results(rows)

    async def past_buckets(self, from_ms: int, to_ms: int, bucket_ms: int) -> PastBuckets:
        raise AssertionError("every result is kept here")


def results(rows: Sequence[tuple[int, Told]]) -> PastResults:
    status = np.array([one.status for _, one in rows], dtype=np.int8)
    failure = np.select([status == Status.OFFLINE, status == Status.UNKNOWN], [5, 11], default=NO_FAILURE)
    return PastResults(
        series=np.array([number for number, _ in rows], dtype=np.int64),
        at_ms=np.array([one.at_ms for _, one in rows], dtype=np.int64),
        interval_ms=np.array([one.interval_ms for _, one in rows], dtype=np.int64),
        status=status,
        failure=failure.astype(np.int8),
        total_ms=np.array([one.total_ms for _, one in rows], dtype=np.float64),
    )
