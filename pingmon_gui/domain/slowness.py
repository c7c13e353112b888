"""Slowness by a rule: in how many of the last results, or for how many of the last minutes, live and in the past.

The functions take moments and say for each whether it was slow then, so that a preview asks for a week at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain.alert_rule import MINUTE_MS, SlowCondition, SlowUnit
from pingmon_gui.domain.availability import hold_ms
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.timeline import Track, VerdictSpan
from pingmon_gui.domain.verdict import Verdict

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def slow_by_minutes(spans: Sequence[VerdictSpan], condition: SlowCondition, times_ms: Ints) -> Flags:
    """Return at each moment whether the verdict was slow for so many of the minutes before it."""
    slow = [span for span in spans if span.verdict is Verdict.SLOW]
    if not slow:
        return np.zeros(len(times_ms), dtype=np.bool_)
    edges = np.array([edge for span in slow for edge in (span.start_ms, span.end_ms)], dtype=np.int64)
    lengths = np.array([part for span in slow for part in (0, span.end_ms - span.start_ms)], dtype=np.int64)
    total = np.cumsum(lengths)

    def until(moments: Ints) -> npt.NDArray[np.float64]:
        return np.interp(moments, edges, total, left=0)

    found: Flags = until(times_ms) - until(times_ms - condition.of * MINUTE_MS) >= condition.count * MINUTE_MS
    return found


def slow_by_results(tracks: Sequence[Track], condition: SlowCondition, times_ms: Ints) -> Flags:
    """Return at each moment whether at least half of the regions that spoke had so many slow results among the last.

    A region with several probes is slow when all of them are, as everywhere; one that is measured over each family is
    when it is over one of them.
    """
    of_families = [
        _spoken_and_slow([one for one in tracks if one.is_second == is_second], condition, times_ms)
        for is_second in sorted({track.is_second for track in tracks})
    ]
    if not of_families:
        return np.zeros(len(times_ms), dtype=np.bool_)
    speaks = np.logical_or.reduce([spoken for spoken, _ in of_families])
    slow = np.logical_or.reduce([spoken & slow for spoken, slow in of_families])
    voting = speaks.sum(axis=1)
    found: Flags = (voting > 0) & (slow.sum(axis=1) * 2 >= voting)
    return found


def _spoken_and_slow(tracks: Sequence[Track], condition: SlowCondition, times_ms: Ints) -> tuple[Flags, Flags]:
    """Return at each moment which regions spoke, and which of them were slow by all of their probes."""
    speaks = np.zeros((len(times_ms), len(REGIONS)), dtype=np.bool_)
    slow = np.ones((len(times_ms), len(REGIONS)), dtype=np.bool_)
    for track in tracks:
        votes = np.flatnonzero(track.status <= Status.OFFLINE)
        if not len(votes):
            continue
        at_ms, until_ms = track.at_ms[votes], (track.at_ms + hold_ms(track.interval_ms))[votes]
        count = np.concatenate(([0], np.cumsum(track.status[votes] == Status.SLOW)))
        place = np.arange(1, len(votes) + 1)
        among = count[place] - count[np.maximum(0, place - condition.of)]
        newest = np.searchsorted(at_ms, times_ms, side="right") - 1
        known = (newest >= 0) & (until_ms[np.maximum(newest, 0)] > times_ms)
        column = REGIONS.index(track.region)
        slow[:, column] &= ~known | (among[np.maximum(newest, 0)] >= condition.count)
        speaks[:, column] |= known
    return speaks, slow


def slow_regions(tracks: Sequence[Track]) -> tuple[Region, ...]:
    """Return the regions whose newest result is slow, in the order of REGIONS."""
    slow = {track.region for track in tracks if len(track.status) and track.status[-1] == Status.SLOW}
    return tuple(region for region in REGIONS if region in slow)


def slow_words(condition: SlowCondition) -> str:
    """Return a condition as half a sentence."""
    unit = "results" if condition.unit is SlowUnit.RESULTS else "minutes"
    return f"in {condition.count} of the last {condition.of} {unit}"
