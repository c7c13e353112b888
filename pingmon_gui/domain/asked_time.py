"""Asked time: when a region was asked to watch a monitor, and when the monitor rested. What coverage is a share of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pingmon_gui.domain.availability import Availability
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.span import NO_SPANS, Spans
from pingmon_gui.domain.timeline import Standing


@dataclass(frozen=True)
class AskedTime:
    """What was asked of one region in a span of time; in what is in neither `asked` nor `paused`, it did not watch.

    `maintenance` is what of `paused` a maintenance window was on in.
    """

    asked: Spans
    paused: Spans
    maintenance: Spans = NO_SPANS

    def within(self, start_ms: int, end_ms: int) -> AskedTime:
        return AskedTime(*(spans.within(start_ms, end_ms) for spans in (self.asked, self.paused, self.maintenance)))


def asked_time(standings: Sequence[Standing], region: Region, start_ms: int, end_ms: int) -> AskedTime:
    """Return what was asked of a region in [start_ms, end_ms); before the first standing it was nothing.

    `standings` are ordered. Without any, nothing is known of what was asked, and all of the time counts.
    """
    if not standings:
        return AskedTime(Spans.of([(start_ms, end_ms)]), NO_SPANS)
    mine = standing_spans(standings, end_ms, lambda one: region in one.regions and not one.is_paused)
    paused = standing_spans(standings, end_ms, lambda one: region in one.regions and one.is_paused)
    return AskedTime(mine, paused, maintenance_time(standings, start_ms, end_ms).common(paused)).within(
        start_ms, end_ms
    )


def maintenance_time(standings: Sequence[Standing], start_ms: int, end_ms: int) -> Spans:
    """Return when maintenance windows were on in [start_ms, end_ms)."""
    return standing_spans(standings, end_ms, lambda one: one.is_in_maintenance).within(start_ms, end_ms)


def standing_spans(standings: Sequence[Standing], end_ms: int, wanted: Callable[[Standing], bool]) -> Spans:
    """Return when what was asked was as wanted; the last standing ends at `end_ms`."""
    until = [*(one.from_ms for one in standings[1:]), end_ms]
    return Spans.of((one.from_ms, end) for one, end in zip(standings, until, strict=False) if wanted(one))


def asked_from_ms(standings: Sequence[Standing]) -> int:
    """Return since when anything was asked of a monitor; 0 where nothing is known of that."""
    return standings[0].from_ms if standings else 0


def region_availability(available_ms: int, known_ms: int, asked_ms: int, probes: int) -> Availability:
    """Return the availability of a region from the sums over its probes, each of which is asked for `asked_ms`.

    A result may speak on for a moment after its region was asked: what is known was asked for.
    """
    return Availability(available_ms, known_ms, max(known_ms, asked_ms * max(1, probes)))
