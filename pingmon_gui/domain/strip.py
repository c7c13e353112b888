"""Strips: availability in bars of equal or calendar length, as status pages have them, but of time, not of checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain.asked_time import AskedTime, region_availability
from pingmon_gui.domain.availability import Availability
from pingmon_gui.domain.explanation import Held
from pingmon_gui.domain.history import DAY_MS, FIVE_MINUTES_MS, HOUR_MS, SeriesRollup
from pingmon_gui.domain.span import Ints
from pingmon_gui.domain.timeline import VerdictSpan
from pingmon_gui.domain.verdict_time import verdict_times

#: At most so many bars show how something was over time.
MOST_BARS = 90
_LENGTHS_MS = (FIVE_MINUTES_MS, 15 * 60_000, HOUR_MS, 6 * HOUR_MS, DAY_MS, 7 * DAY_MS, 30 * DAY_MS)


def bar_length_ms(span_ms: int) -> int:
    """Return the length of a bar: the smallest of the usual lengths that gives at most MOST_BARS of them."""
    return next((length for length in _LENGTHS_MS if span_ms <= length * MOST_BARS), _LENGTHS_MS[-1])


@dataclass(frozen=True)
class Bar:
    """What a span of time came to: `time` is the figure, `worst` the worst there was, however short.

    `slow_share` is the share of slow ones among good results (of a region) or of slow time in known time (of a
    domain); `regional_ms` is part of the available time.
    """

    start_ms: int
    end_ms: int
    time: Availability
    worst: Held
    slow_share: float = 0.0
    regional_ms: int = 0
    paused_ms: int = 0


def region_bars(rollups: Sequence[SeriesRollup], asked: AskedTime, edges_ms: Ints) -> list[Bar]:
    """Return a region's bar between each edge and the next, from the buckets of its series.

    Every bucket has to lie between two edges whole.
    """
    number = len(edges_ms) - 1
    asked_ms, paused_ms = asked.asked.time_in(edges_ms), asked.paused.time_in(edges_ms)
    names = ("known_ms", "available_ms", "online", "slow", "offline")
    sums = {name: np.zeros(number, dtype=np.int64) for name in names}
    present: dict[tuple[int, bool], npt.NDArray[np.bool_]] = {}
    for one in rollups:
        place = np.searchsorted(edges_ms, one.start_ms, side="right") - 1
        inside = (place >= 0) & (place < number)
        place = place[inside]
        for name, total in sums.items():
            np.add.at(total, place, getattr(one, name)[inside])
        present.setdefault(one.series.voice, np.zeros(number, dtype=np.bool_))[place] = True
    voices = np.sum(list(present.values()), axis=0, dtype=np.int64) if present else np.zeros(number, dtype=np.int64)
    columns = [edges_ms[:-1], edges_ms[1:], *sums.values(), asked_ms, paused_ms, voices]
    bars = []
    for start, end, known, available, online, slow, offline, asked_for, paused, count in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        time = region_availability(available, known, asked_for, count)
        worst = _worst(time, paused, is_offline=offline > 0, is_slow=slow > 0)
        slow_share = slow / (online + slow) if slow else 0.0
        bars.append(Bar(start, end, time, worst, slow_share, 0, 0 if known else paused))
    return bars


def domain_bars(spans: Sequence[VerdictSpan], edges_ms: Ints, asked_from_ms: int) -> list[Bar]:
    """Return a domain's bar between each edge and the next, from its verdicts."""
    times = verdict_times(spans, edges_ms, asked_from_ms)
    bars = []
    for start, end, one in zip(edges_ms[:-1].tolist(), edges_ms[1:].tolist(), times, strict=True):
        time = one.availability
        worst = _worst(time, one.paused_ms, is_offline=False, is_regional=one.regional_ms > 0, is_slow=one.slow_ms > 0)
        slow_share = one.slow_ms / time.known_ms if one.slow_ms else 0.0
        bars.append(Bar(start, end, time, worst, slow_share, one.regional_ms, one.paused_ms))
    return bars


def _worst(time: Availability, paused_ms: int, *, is_offline: bool, is_slow: bool, is_regional: bool = False) -> Held:
    if is_offline or time.known_ms > time.available_ms:
        return Held.OFFLINE
    if is_regional:
        return Held.REGIONAL
    if is_slow:
        return Held.SLOW
    if time.known_ms:
        return Held.ONLINE
    if time.asked_ms:
        return Held.UNKNOWN
    return Held.PAUSED if paused_ms else Held.NOT_ASKED
