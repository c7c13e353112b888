"""What is kept about the past, as columns: read by the store, shown by the time machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain.history import Series
from pingmon_gui.domain.incident import IncidentId
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.resolution import Kept
from pingmon_gui.domain.status import Codes
from pingmon_gui.domain.timeline import Standing
from pingmon_gui.domain.verdict import Verdict

Ints = npt.NDArray[np.int64]
#: An incident that late results brought to light was confirmed long after it; it is looked at so soon all the same.
SEEN_WITHIN_MS = 120_000


@dataclass(frozen=True)
class PastResults:
    """Results of many series, one element each, those of a series together. `series` are the store's numbers."""

    series: Ints
    at_ms: Ints
    interval_ms: Ints
    status: Codes
    failure: Codes
    total_ms: npt.NDArray[np.float64]


@dataclass(frozen=True)
class PastBuckets:
    """Roll-ups of many series, one element per bucket. `total_sum_ms` adds the totals of `good` results."""

    series: Ints
    start_ms: Ints
    slow: Ints
    offline: Ints
    good: Ints
    known_ms: Ints
    available_ms: Ints
    total_sum_ms: npt.NDArray[np.float64]


@dataclass(frozen=True)
class VerdictLine:
    """All verdicts of one monitor: from `start_ms[i]` on it was `verdict[i]`."""

    start_ms: Ints
    verdict: Codes

    def at(self, at_ms: int) -> Verdict:
        """Return the verdict at a moment, UNKNOWN before the first."""
        place = int(np.searchsorted(self.start_ms, at_ms, side="right")) - 1
        return Verdict.UNKNOWN if place < 0 else Verdict(int(self.verdict[place]))


@dataclass(frozen=True)
class IncidentMark:
    """Where an incident lies in time, without what was seen in it; `end_ms` is None while it lasts."""

    id: IncidentId
    monitor: MonitorId
    kind: Verdict
    start_ms: int
    end_ms: int | None
    confirmed_at_ms: int

    @property
    def seen_ms(self) -> int:
        """Return a moment at which the board showed it: when it was confirmed, soon after its start."""
        end_ms = self.start_ms + SEEN_WITHIN_MS
        if self.end_ms is not None:
            end_ms = min(end_ms, self.end_ms - 1)
        return max(self.start_ms, min(self.confirmed_at_ms, end_ms))


@dataclass(frozen=True)
class PastMonitor:
    """A monitor as it is called now, and when it was deleted. `standings` are ordered by time."""

    monitor: Monitor
    deleted_at_ms: int | None
    standings: tuple[Standing, ...]
    verdicts: VerdictLine

    def is_there(self, at_ms: int) -> bool:
        return self.monitor.created_at_ms <= at_ms and (self.deleted_at_ms is None or at_ms < self.deleted_at_ms)

    def standing(self, at_ms: int) -> Standing | None:
        """Return what was asked of it at a moment; None before anything was."""
        return next((one for one in reversed(self.standings) if one.from_ms <= at_ms), None)

    def pauses(self, until_ms: int) -> list[tuple[int, int]]:
        """Return the spans in which it rested, ordered; the last one ends at `until_ms` at the latest."""
        ends = [*(one.from_ms for one in self.standings[1:]), until_ms]
        spans = zip(self.standings, ends, strict=True)
        return [(one.from_ms, min(end, until_ms)) for one, end in spans if one.is_paused and one.from_ms < until_ms]


@dataclass(frozen=True)
class PastProbe:
    """A probe, and from when until when it was ours, as far as that is known."""

    probe: Probe
    since_ms: int
    forgotten_at_ms: int | None

    def is_there(self, at_ms: int) -> bool:
        return self.since_ms <= at_ms and (self.forgotten_at_ms is None or at_ms < self.forgotten_at_ms)


@dataclass(frozen=True)
class PastSetup:
    """Everything about the past but the results: what there was to measure, and what it came to since `first_ms`.

    Up to `rolled_until_ms` there are roll-ups of five minutes.
    """

    monitors: tuple[PastMonitor, ...]
    probes: tuple[PastProbe, ...]
    series: Mapping[int, Series]
    incidents: tuple[IncidentMark, ...]
    kept: Kept
    first_ms: int
    rolled_until_ms: int
