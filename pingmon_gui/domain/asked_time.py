"""Asked time: when a region was asked to watch a monitor, and when the monitor rested. What coverage is a share of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pingmon_gui.domain.availability import Availability
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.span import NO_SPANS, Spans
from pingmon_gui.domain.timeline import Standing


@dataclass(frozen=True)
class AskedTime:
    """What was asked of one region in a span of time; in what is in neither, it did not watch."""

    asked: Spans
    paused: Spans

    def within(self, start_ms: int, end_ms: int) -> AskedTime:
        return AskedTime(self.asked.within(start_ms, end_ms), self.paused.within(start_ms, end_ms))


def asked_time(standings: Sequence[Standing], region: Region, start_ms: int, end_ms: int) -> AskedTime:
    """Return what was asked of a region in [start_ms, end_ms); before the first standing it was nothing.

    `standings` are ordered. Without any, nothing is known of what was asked, and all of the time counts.
    """
    if not standings:
        return AskedTime(Spans.of([(start_ms, end_ms)]), NO_SPANS)
    watched = [one for one in standing_spans(standings, end_ms) if region in one[0].regions]
    return AskedTime(
        Spans.of((begin, end) for one, begin, end in watched if not one.is_paused).within(start_ms, end_ms),
        Spans.of((begin, end) for one, begin, end in watched if one.is_paused).within(start_ms, end_ms),
    )


def standing_spans(standings: Sequence[Standing], end_ms: int) -> list[tuple[Standing, int, int]]:
    """Return each standing with when it began and ended, the last at `end_ms`."""
    until = [*(one.from_ms for one in standings[1:]), end_ms]
    return [(one, one.from_ms, end) for one, end in zip(standings, until, strict=False)]


def asked_from_ms(standings: Sequence[Standing]) -> int:
    """Return since when anything was asked of a monitor; 0 where nothing is known of that."""
    return standings[0].from_ms if standings else 0


def region_availability(available_ms: int, known_ms: int, asked_ms: int, probes: int) -> Availability:
    """Return the availability of a region from the sums over its probes, each of which is asked for `asked_ms`.

    A result may speak on for a moment after its region was asked: what is known was asked for.
    """
    return Availability(available_ms, known_ms, max(known_ms, asked_ms * max(1, probes)))
