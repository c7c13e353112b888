"""Availability explained: the very intervals that a figure is made of, each with its reason, and their sums.

Of a region they come from its results where these are kept, before that from roll-ups, which still know the sums of
an interval but not what happened when in it. Of a domain they are its verdicts. The sums are those of the figure, to
the millisecond.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, IntEnum, auto
from typing import Any

import numpy as np
import numpy.typing as npt
from pingmon_probe.protocol import NO_VOTE_FAILURES

from pingmon_gui.domain.asked_time import AskedTime, region_availability
from pingmon_gui.domain.availability import Availability, held_until_ms, is_known
from pingmon_gui.domain.family import AUTOMATIC, IPV4, IPV6
from pingmon_gui.domain.history import SeriesHistory, SeriesRollup
from pingmon_gui.domain.incident import Incident, cause_phrase, region_names
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.span import Ints, Spans, merged, runs
from pingmon_gui.domain.status import Status, failure_name
from pingmon_gui.domain.timeline import VerdictSpan
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.domain.verdict_time import verdict_time


class Held(IntEnum):
    """What an interval counts as, the worst last of those that were watched."""

    NOT_ASKED = 0
    PAUSED = 1
    UNKNOWN = 2
    ONLINE = 3
    SLOW = 4
    REGIONAL = 5
    OFFLINE = 6


AVAILABLE = (Held.ONLINE, Held.SLOW, Held.REGIONAL)
KNOWN = (*AVAILABLE, Held.OFFLINE)


class Reason(Enum):
    """Why an interval is what it is; `Interval.failure` and `text` say more."""

    RESULTS = auto()  # results said so
    SUMS = auto()  # roll-ups say how much of the interval it was
    NO_RESULT = auto()  # nothing came for longer than results speak
    NO_VOTE = auto()  # results came that say nothing about the target
    OWN_NETWORK = auto()  # the probe's own network was down
    PAUSED = auto()
    MAINTENANCE = auto()
    NOT_ASKED = auto()
    VERDICT = auto()  # what the regions said together
    NOT_JUDGED = auto()  # no verdict was found for it


@dataclass(frozen=True)
class Interval:
    """One interval. `length_ms` is less than from start to end where only the sum of it is known (SUMS).

    `family` is 4 or 6 where each was measured, else 0.
    """

    start_ms: int
    end_ms: int
    length_ms: int
    held: Held
    reason: Reason
    probe: ProbeId | None = None
    failure: str | None = None
    text: str = ""
    family: int = 0


@dataclass(frozen=True)
class Explanation:
    """`time` is the figure; `intervals` are by start.

    available = ONLINE + SLOW + REGIONAL; known = available + OFFLINE; asked = known + UNKNOWN - `beyond_ms`. The last
    is time that is known although nobody asked: results speak on for a moment into a pause, or beside those of
    another address. It makes up for as much that is unknown.
    """

    start_ms: int
    end_ms: int
    time: Availability
    intervals: tuple[Interval, ...]
    beyond_ms: int = 0

    def total_ms(self, *held: Held) -> int:
        """Return the sum of the intervals that count so."""
        return sum(one.length_ms for one in self.intervals if one.held in held)


def explain_region(
    histories: Sequence[SeriesHistory],
    rollups: Sequence[SeriesRollup],
    asked: AskedTime,
    start_ms: int,
    raw_from_ms: int,
    end_ms: int,
) -> Explanation:
    """Return what made a region's availability in [start_ms, end_ms).

    `histories` are its results from `raw_from_ms` on, beginning with the last ones before; `rollups` its buckets in
    [start_ms, raw_from_ms), each of which lies in there whole. `asked` covers the whole span.
    """
    raw_from_ms = min(max(raw_from_ms, start_ms), end_ms)
    voices = sorted(
        _voices(histories, raw_from_ms, end_ms) | {one.series.voice for one in rollups if len(one.start_ms)}
    )
    summed = _from_rollups(rollups, voices, asked.within(start_ms, raw_from_ms), start_ms, raw_from_ms)
    told = _from_results(histories, voices, asked.within(raw_from_ms, end_ms), raw_from_ms, end_ms)
    intervals = tuple(sorted([*summed, *told], key=lambda one: (one.start_ms, one.end_ms, one.held)))
    available_ms, known_ms = _sum(intervals, AVAILABLE), _sum(intervals, KNOWN)
    time = region_availability(available_ms, known_ms, asked.asked.total_ms, len(voices))
    beyond_ms = known_ms + _sum(intervals, (Held.UNKNOWN,)) - time.asked_ms
    return Explanation(start_ms, end_ms, time, intervals, beyond_ms)


def explain_domain(
    spans: Sequence[VerdictSpan],
    incidents: Sequence[Incident],
    maintenance: Spans,
    start_ms: int,
    end_ms: int,
    asked_from_ms: int,
) -> Explanation:
    """Return what made a domain's availability in [start_ms, end_ms): its verdicts, with the causes of incidents.

    `maintenance` is when maintenance windows were on.
    """
    begin_ms = min(max(start_ms, asked_from_ms), max(start_ms, end_ms))
    intervals = []
    judged = []
    for span in spans:
        first, last = max(span.start_ms, begin_ms), min(span.end_ms, end_ms)
        if first >= last:
            continue
        judged.append((first, last))
        held = _HELD_OF_VERDICT[span.verdict]
        if held is Held.PAUSED:
            intervals += _paused(Spans.of([(first, last)]), maintenance)
            continue
        failure, text = _cause(incidents, first, last) if held in (Held.OFFLINE, Held.REGIONAL) else (None, "")
        intervals.append(Interval(first, last, last - first, held, Reason.VERDICT, None, failure, text))
    whole = Spans.of([(begin_ms, end_ms)])
    intervals += _plain(whole.without(Spans.of(judged)), Held.UNKNOWN, Reason.NOT_JUDGED)
    intervals += _plain(Spans.of([(start_ms, begin_ms)]), Held.NOT_ASKED, Reason.NOT_ASKED)
    time = verdict_time(spans, start_ms, end_ms, asked_from_ms).availability
    return Explanation(start_ms, end_ms, time, tuple(sorted(intervals, key=lambda one: one.start_ms)))


_HELD_OF_VERDICT = {
    Verdict.ONLINE: Held.ONLINE,
    Verdict.SLOW: Held.SLOW,
    Verdict.OFFLINE: Held.OFFLINE,
    Verdict.UNKNOWN: Held.UNKNOWN,
    Verdict.PAUSED: Held.PAUSED,
    Verdict.REGIONAL: Held.REGIONAL,
}
_HELD_OF_STATUS = {Status.ONLINE: Held.ONLINE, Status.SLOW: Held.SLOW, Status.OFFLINE: Held.OFFLINE}


def _sum(intervals: Iterable[Interval], held: Collection[Held]) -> int:
    return sum(one.length_ms for one in intervals if one.held in held)


def _plain(spans: Spans, held: Held, reason: Reason, probe: ProbeId | None = None, family: int = 0) -> list[Interval]:
    return [Interval(begin, end, end - begin, held, reason, probe, family=family) for begin, end in spans]


def _paused(paused: Spans, maintenance: Spans) -> list[Interval]:
    windows = _plain(paused.common(maintenance), Held.PAUSED, Reason.MAINTENANCE)
    return windows + _plain(paused.without(maintenance), Held.PAUSED, Reason.PAUSED)


def _cause(incidents: Sequence[Incident], first_ms: int, last_ms: int) -> tuple[str | None, str]:
    """Return failure and words of the incident that lasted longest in a span; nothing where there was none."""

    def common_ms(one: Incident) -> int:
        return min(last_ms, last_ms if one.end_ms is None else one.end_ms) - max(first_ms, one.start_ms)

    found = max((one for one in incidents if not one.is_withdrawn), key=common_ms, default=None)
    if found is None or common_ms(found) <= 0:
        return None, ""
    where = region_names(found.regions)
    cause = cause_phrase(found, is_over=found.end_ms is not None)
    return found.failure, ": ".join(part for part in (where, cause) if part)


# From results


#: A probe, or one of its two families.
Voice = tuple[ProbeId, bool]


def _families(voices: Sequence[Voice]) -> dict[Voice, int]:
    """Return which family each voice is of: 0 for all where no probe has two."""
    has_two = any(is_second for _, is_second in voices)
    return {voice: (IPV6 if voice[1] else IPV4) if has_two else AUTOMATIC for voice in voices}


def _voices(histories: Sequence[SeriesHistory], from_ms: int, to_ms: int) -> set[Voice]:
    """Return what measured in a span, or whose result from before is known to reach in."""
    found = set()
    for one in histories:
        is_inside = bool(((one.at_ms >= from_ms) & (one.at_ms < to_ms)).any())
        if is_inside or len(_spoken(one, from_ms, to_ms, is_known(one.status))):
            found.add(one.series.voice)
    return found


def _spoken(one: SeriesHistory, from_ms: int, to_ms: int, wanted: npt.NDArray[np.bool_]) -> Spans:
    return merged(one.at_ms[wanted], held_until_ms(one.at_ms, one.interval_ms)[wanted]).within(from_ms, to_ms)


def _from_results(
    histories: Sequence[SeriesHistory], voices: Sequence[Voice], asked: AskedTime, from_ms: int, to_ms: int
) -> list[Interval]:
    if from_ms >= to_ms:
        return []
    intervals: list[Interval] = []
    known_anywhere = Spans.of([])
    for (probe, is_second), family in _families(voices).items():
        mine = [one for one in histories if one.series.voice == (probe, is_second)]
        runs = [replace(run, family=family) for one in mine for run in _runs(one, from_ms, to_ms)]
        told = [run for run in runs if run.held in KNOWN]
        known = Spans.of((run.start_ms, run.end_ms) for run in told)
        known_anywhere = Spans.of([*known_anywhere, *known])
        left = asked.asked.without(known)
        intervals += told
        for run in runs:
            if run.held is Held.UNKNOWN:
                part = left.common(Spans.of([(run.start_ms, run.end_ms)]))
                left = left.without(part)
                intervals += (
                    Interval(begin, end, end - begin, Held.UNKNOWN, run.reason, probe, run.failure, run.text, family)
                    for begin, end in part
                )
        intervals += _plain(left, Held.UNKNOWN, Reason.NO_RESULT, probe, family)
    if not voices:
        intervals += _plain(asked.asked, Held.UNKNOWN, Reason.NO_RESULT)
    whole = Spans.of([(from_ms, to_ms)])
    intervals += _paused(asked.paused.without(known_anywhere), asked.maintenance)
    not_asked = whole.without(asked.asked).without(asked.paused).without(known_anywhere)
    return intervals + _plain(not_asked, Held.NOT_ASKED, Reason.NOT_ASKED)


def _runs(one: SeriesHistory, from_ms: int, to_ms: int) -> list[Interval]:
    """Return the time that results of a series speak for, those that say the same and follow each other as one."""
    until = np.minimum(held_until_ms(one.at_ms, one.interval_ms), to_ms)
    begin = np.maximum(one.at_ms, from_ms)
    places = np.flatnonzero(begin < until)
    begin, until, status, failure = begin[places], until[places], one.status[places], one.failure[places]
    is_same = (status[1:] == status[:-1]) & (failure[1:] == failure[:-1]) & (begin[1:] == until[:-1])
    first, last = runs(is_same, len(places))
    found = []
    for place, end in zip(first.tolist(), last.tolist(), strict=True):
        held, reason = _held_of(Status(int(status[place])), failure_name(int(failure[place])))
        detail: Any = one.detail[int(places[place])]
        start_ms, end_ms = int(begin[place]), int(until[end])
        text = (detail or {}).get("message") or ""
        name = failure_name(int(failure[place]))
        found.append(Interval(start_ms, end_ms, end_ms - start_ms, held, reason, one.series.probe, name, text))
    return found


def _held_of(status: Status, failure: str | None) -> tuple[Held, Reason]:
    if status in _HELD_OF_STATUS:
        return _HELD_OF_STATUS[status], Reason.RESULTS
    if status is Status.PAUSED:
        return Held.UNKNOWN, Reason.PAUSED
    return Held.UNKNOWN, Reason.NO_VOTE if failure in NO_VOTE_FAILURES else Reason.OWN_NETWORK


# From roll-ups


def _from_rollups(
    rollups: Sequence[SeriesRollup], voices: Sequence[Voice], asked: AskedTime, from_ms: int, to_ms: int
) -> list[Interval]:
    """Return what roll-ups say of whole buckets: of each probe, how much of each bucket it was available and so on."""
    if from_ms >= to_ms or not rollups:
        return _from_results([], voices, asked, from_ms, to_ms)
    bucket_ms = rollups[0].bucket_ms
    first = from_ms // bucket_ms
    count = -(-to_ms // bucket_ms) - first
    edges = (first + np.arange(count + 1, dtype=np.int64)) * bucket_ms
    edges[0], edges[-1] = from_ms, to_ms
    asked_ms, paused_ms, maintenance_ms = (
        spans.time_in(edges) for spans in (asked.asked, asked.paused, asked.maintenance)
    )
    intervals: list[Interval] = []
    known_anywhere_ms = np.zeros(count, dtype=np.int64)
    for voice, family in _families(voices).items():
        of = voice[0], family
        sums = {name: np.zeros(count, dtype=np.int64) for name in ("known_ms", "available_ms", "slow")}
        for one in rollups:
            if one.series.voice == voice:
                for name, total in sums.items():
                    np.add.at(total, one.start_ms // bucket_ms - first, getattr(one, name))
        known, available = sums["known_ms"], sums["available_ms"]
        known_anywhere_ms = np.maximum(known_anywhere_ms, known)
        fine = np.where(sums["slow"] > 0, Held.SLOW, Held.ONLINE)
        for held in (Held.ONLINE, Held.SLOW):
            intervals += _in_buckets(edges, np.where(fine == held, available, 0), held, Reason.SUMS, *of)
        intervals += _in_buckets(edges, known - available, Held.OFFLINE, Reason.SUMS, *of)
        unknown = np.maximum(0, asked_ms - known)
        intervals += _in_buckets(edges, unknown, Held.UNKNOWN, Reason.NO_RESULT, *of)
    rest = np.maximum(0, np.diff(edges) - np.maximum(known_anywhere_ms, asked_ms))
    paused = np.minimum(paused_ms, rest)
    windows = np.minimum(maintenance_ms, paused)
    intervals += _in_buckets(edges, windows, Held.PAUSED, Reason.MAINTENANCE, None)
    intervals += _in_buckets(edges, paused - windows, Held.PAUSED, Reason.PAUSED, None)
    return intervals + _in_buckets(edges, rest - paused, Held.NOT_ASKED, Reason.NOT_ASKED, None)


def _in_buckets(
    edges: Ints, length_ms: Ints, held: Held, reason: Reason, probe: ProbeId | None, family: int = 0
) -> list[Interval]:
    """Return an interval per bucket with such time; buckets that are full of it and follow each other are one."""
    places = np.flatnonzero(length_ms)
    is_full = length_ms == np.diff(edges)
    goes_on = is_full[places[1:]] & is_full[places[:-1]] & (np.diff(places) == 1)
    first, last = runs(goes_on, len(places))
    return [
        Interval(
            int(edges[places[begin]]),
            int(edges[places[end] + 1]),
            int(length_ms[places[begin] : places[end] + 1].sum()),
            held,
            reason,
            probe,
            family=family,
        )
        for begin, end in zip(first.tolist(), last.tolist(), strict=True)
    ]
