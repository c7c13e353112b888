"""The availability of a monitor, from its verdicts. Rules of architecture section 5."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pingmon_gui.domain.availability import Availability
from pingmon_gui.domain.timeline import VerdictSpan
from pingmon_gui.domain.verdict import Verdict

_UP = (Verdict.ONLINE, Verdict.SLOW, Verdict.REGIONAL)


@dataclass(frozen=True)
class VerdictTime:
    """Exact times of a monitor in a span, in ms. Regional time is part of the available time and told apart."""

    availability: Availability = field(default_factory=Availability)
    regional_ms: int = 0
    paused_ms: int = 0

    def __add__(self, other: VerdictTime) -> VerdictTime:
        return VerdictTime(
            self.availability + other.availability,
            self.regional_ms + other.regional_ms,
            self.paused_ms + other.paused_ms,
        )


def verdict_time(spans: Iterable[VerdictSpan], start_ms: int, end_ms: int, asked_from_ms: int) -> VerdictTime:
    """Return the times in [start_ms, end_ms): online, slow and regional are available, offline is known as well.

    Pause and maintenance count in neither, and are not asked for. Asked time starts at `asked_from_ms` at the
    earliest; what no span covers is unknown.
    """
    begin_ms = max(start_ms, asked_from_ms)
    available = known = regional = paused = 0
    for span in spans:
        length = min(span.end_ms, end_ms) - max(span.start_ms, begin_ms)
        if length <= 0:
            continue
        if span.verdict is Verdict.PAUSED:
            paused += length
        elif span.verdict in _UP:
            available += length
            known += length
            regional += length if span.verdict is Verdict.REGIONAL else 0
        elif span.verdict is Verdict.OFFLINE:
            known += length
    asked = max(0, end_ms - begin_ms) - paused
    return VerdictTime(Availability(available, known, asked), regional, paused)
