"""The engine's only source of time, so that tests hold it in their hands; and whether it is right."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Protocol

#: Clocks that differ by no more than this agree (architecture 8).
AGREE_MS = 2_000.0
#: So many probes have to say something before this computer is doubted.
JUDGES = 3


class Clock(Protocol):
    #: By how much this computer's time of day is ahead of the right one, as far as that is known; `now_ms` is right.
    error_ms: float

    def now_ms(self) -> int:
        """Return the time of day as whole Unix milliseconds (UTC); it may jump."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds that never run backwards; while the computer sleeps they may stand still."""
        ...


class SystemClock:
    """The computer's own clocks; the time of day is corrected by `error_ms`."""

    error_ms = 0.0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 - round(self.error_ms)

    def monotonic_s(self) -> float:
        return time.monotonic()


def clock_error_ms(ahead_ms: Sequence[float]) -> float | None:
    """Return how far this computer's clock is ahead of the right time, from how far each probe's is ahead of it.

    Most of at least three probes have to agree with each other: then theirs is the right time, and 0 means that
    this computer agrees as well. None where there is no such majority, and nothing can be said.
    """
    if len(ahead_ms) < JUDGES:
        return None
    ordered = sorted(ahead_ms)
    agreeing: list[float] = []
    for place, low in enumerate(ordered):
        group = [value for value in ordered[place:] if value - low <= AGREE_MS]
        if len(group) > len(agreeing):
            agreeing = group
    if len(agreeing) * 2 <= len(ordered):
        return None
    middle_ms = statistics.median(agreeing)
    return 0.0 if abs(middle_ms) <= AGREE_MS else -middle_ms
