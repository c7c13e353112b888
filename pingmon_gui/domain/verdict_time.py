"""The availability of a monitor, from its verdicts. Rules of architecture section 5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pingmon_gui.domain.availability import Availability
from pingmon_gui.domain.span import Ints, time_in
from pingmon_gui.domain.timeline import VerdictSpan
from pingmon_gui.domain.verdict import Verdict


@dataclass(frozen=True)
class VerdictTime:
    """Exact times of a monitor in a span, in ms. Slow and regional time are part of the available time, told apart."""

    availability: Availability = field(default_factory=Availability)
    regional_ms: int = 0
    paused_ms: int = 0
    slow_ms: int = 0

    @property
    def offline_ms(self) -> int:
        return self.availability.known_ms - self.availability.available_ms

    def __add__(self, other: VerdictTime) -> VerdictTime:
        return VerdictTime(
            self.availability + other.availability,
            self.regional_ms + other.regional_ms,
            self.paused_ms + other.paused_ms,
            self.slow_ms + other.slow_ms,
        )


def verdict_time(spans: Sequence[VerdictSpan], start_ms: int, end_ms: int, asked_from_ms: int) -> VerdictTime:
    """Return the times in [start_ms, end_ms): see `verdict_times`."""
    return verdict_times(spans, np.array([start_ms, max(start_ms, end_ms)], dtype=np.int64), asked_from_ms)[0]


def verdict_times(spans: Sequence[VerdictSpan], edges_ms: Ints, asked_from_ms: int) -> list[VerdictTime]:
    """Return the times between each edge and the next: online, slow, regional are available, offline is known as well.

    `spans` are disjoint and by time. Pause and maintenance count in neither, and are not asked for. Asked time starts
    at `asked_from_ms` at the earliest; what no span covers is unknown.
    """
    asked_edges = np.maximum(edges_ms, asked_from_ms)
    begin, end = (np.array([getattr(one, name) for one in spans], dtype=np.int64) for name in ("start_ms", "end_ms"))
    kind = np.array([one.verdict for one in spans], dtype=np.int8)
    begin = np.maximum(begin, asked_from_ms)

    def spent(verdict: Verdict) -> Ints:
        chosen = (kind == verdict) & (begin < end)
        return time_in(begin[chosen], end[chosen], edges_ms)

    online, slow, regional = spent(Verdict.ONLINE), spent(Verdict.SLOW), spent(Verdict.REGIONAL)
    paused = spent(Verdict.PAUSED)
    available = online + slow + regional
    columns = (available, available + spent(Verdict.OFFLINE), np.diff(asked_edges) - paused, regional, paused, slow)
    return [
        VerdictTime(Availability(good, known, asked), regional_ms, paused_ms, slow_ms)
        for good, known, asked, regional_ms, paused_ms, slow_ms in zip(*(c.tolist() for c in columns), strict=True)
    ]
