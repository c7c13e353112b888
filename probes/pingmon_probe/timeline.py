"""How the time of one check is shared out: the phases wait for the world, the rest is the probe's own.

Sum of the phases plus queue is, by construction, the wall time from the start to the last mark.
"""

from __future__ import annotations

from typing import List, Optional

DNS, CONNECT, TLS, REQUEST, TRANSFER = range(5)
#: What a check is doing in each phase, for sentences.
PHASE_WORDS = (
    "resolving the name",
    "connecting",
    "the TLS handshake",
    "waiting for the first byte",
    "reading the answer",
)


class Timeline:
    """A mark that moves forward; each step is booked on a phase or on the probe itself. Seconds."""

    __slots__ = ("mark_s", "phases_s", "queue_s", "started_s")

    def __init__(self, started_s: float) -> None:
        self.started_s = started_s
        self.mark_s = started_s
        self.phases_s: List[Optional[float]] = [None, None, None, None, None]
        self.queue_s = 0.0

    def world(self, phase: int, until_s: float) -> None:
        """Book the time up to `until_s` on a phase. A time before the mark books nothing."""
        spent_s = self.phases_s[phase] or 0.0
        if until_s > self.mark_s:
            spent_s += until_s - self.mark_s
            self.mark_s = until_s
        self.phases_s[phase] = spent_s

    def own(self, until_s: float) -> None:
        """Book the time up to `until_s` on the probe: it was there, the probe was not ready."""
        if until_s > self.mark_s:
            self.queue_s += until_s - self.mark_s
            self.mark_s = until_s

    def measured(self, phase: int, spent_s: float) -> None:
        """Put a time on a phase that was measured beside this line: a mean of several waits."""
        self.phases_s[phase] = spent_s

    @property
    def total_s(self) -> float:
        return sum(phase or 0.0 for phase in self.phases_s)
