"""Timeline: the verdict of a monitor over time as a pure function of its results. Rules of architecture section 5.

It has the last word: whatever order results arrived in, the same results give the same spans. The board says the
same of the present moment, from the same rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain.availability import hold_ms
from pingmon_gui.domain.maintenance import Span
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Codes, Status
from pingmon_gui.domain.verdict import Verdict, region_state, verdicts, worse

Ints = npt.NDArray[np.int64]
_NO_MOMENTS: Ints = np.zeros(0, dtype=np.int64)
#: Later than everything.
LAST_MS = int(np.iinfo(np.int64).max)
_ONLINE, _SLOW, _OFFLINE, _UNKNOWN = (
    np.int8(status) for status in (Status.ONLINE, Status.SLOW, Status.OFFLINE, Status.UNKNOWN)
)


@dataclass(frozen=True)
class Track:
    """Results of one monitor by one probe, ordered by time; every array has one element per result.

    Those over IPv6 of a monitor that is measured over each family are a track apart: the one that `is_second`.
    """

    probe: ProbeId
    region: Region
    at_ms: Ints
    interval_ms: Ints
    status: Codes
    is_second: bool = False

    def is_beside(self, other: Track) -> bool:
        """Return whether both tell of one region over one family: probes of which one is enough."""
        return self.region is other.region and self.is_second == other.is_second


@dataclass(frozen=True)
class Standing:
    """What was asked for from a moment on: the regions that watch, and whether the monitor rests.

    `is_paused`: nothing counts, because the user paused it or because a maintenance window is on; `is_in_maintenance`
    tells the latter apart. `starts_anew`: another address is measured from then on, so that nothing seen before
    confirms anything after.
    """

    from_ms: int
    regions: frozenset[Region]
    is_paused: bool = False
    is_in_maintenance: bool = False
    starts_anew: bool = False

    def asks_as(self, other: Standing) -> bool:
        """Return whether both ask for the same."""
        mine, others = ((one.regions, one.is_paused, one.is_in_maintenance) for one in (self, other))
        return mine == others


@dataclass(frozen=True)
class VerdictSpan:
    """The verdict from `start_ms` (inclusive) to `end_ms`."""

    start_ms: int
    end_ms: int
    verdict: Verdict


@dataclass(frozen=True)
class StateSpans:
    """Confirmed states of one track: from `start_ms[i]` on it was `state[i]`; UNKNOWN before the first."""

    start_ms: Ints
    state: Codes

    def at(self, times_ms: Ints) -> Codes:
        """Return the state at each moment."""
        place = np.searchsorted(self.start_ms, times_ms, side="right")
        return np.append(_UNKNOWN, self.state)[place].astype(np.int8)


def rests(standings: Sequence[Standing], since_ms: int) -> list[Span]:
    """Return when a monitor rested, as far as it is later than `since_ms`; a rest that lasts ends at LAST_MS."""
    found: list[Span] = []
    start_ms: int | None = None
    for standing in standings:
        if standing.is_paused and start_ms is None:
            start_ms = standing.from_ms
        elif not standing.is_paused and start_ms is not None:
            found.append(Span(start_ms, standing.from_ms))
            start_ms = None
    if start_ms is not None:
        found.append(Span(start_ms, LAST_MS))
    return [span for span in found if span.end_ms > since_ms]


def fresh_moments(standings: Sequence[Standing]) -> Ints:
    """Return the moments from which on nothing that was seen before counts: rests that end, other addresses."""
    return np.array(
        [
            standing.from_ms
            for before, standing in zip([None, *standings], standings, strict=False)
            if standing.starts_anew or (before is not None and before.is_paused and not standing.is_paused)
        ],
        dtype=np.int64,
    )


def confirmed_states(track: Track, fresh_ms: Ints = _NO_MOMENTS) -> StateSpans:
    """Return what one probe's results come to: ups and downs once two in a row agree, from the first of the two on.

    The first good result of all is believed at once. Slow is confirmed by two of the last three good results. A
    result speaks until the next one with a vote, or for 2.5 of its intervals; after that the state is unknown. Two
    results with an unknown time between them confirm nothing together. At each of `fresh_ms` all begins anew.
    """
    votes = np.flatnonzero((track.status == _ONLINE) | (track.status == _SLOW) | (track.status == _OFFLINE))
    if len(votes) == 0:
        return StateSpans(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int8))
    at_ms, until_ms = track.at_ms[votes], (track.at_ms + hold_ms(track.interval_ms))[votes]
    era = np.searchsorted(fresh_ms, at_ms, side="right")
    until_ms = np.minimum(until_ms, np.append(fresh_ms, LAST_MS)[era])
    parts = np.split(votes, np.flatnonzero(np.diff(era)) + 1)
    state = np.concatenate([_settled(track, part) for part in parts])
    is_followed = np.append(at_ms[1:] <= until_ms[:-1], False)
    starts = np.concatenate((at_ms, until_ms[~is_followed]))
    states = np.concatenate((state, np.full(int((~is_followed).sum()), _UNKNOWN, dtype=np.int8)))
    # An end and a beginning at one moment: the beginning counts, so it comes last.
    order = np.lexsort((states != _UNKNOWN, starts))
    starts, states = starts[order], states[order]
    is_last_of_moment = np.append(starts[1:] != starts[:-1], True)
    starts, states = starts[is_last_of_moment], states[is_last_of_moment]
    is_change = np.append(True, states[1:] != states[:-1])
    return StateSpans(starts[is_change], states[is_change].astype(np.int8))


def sure_from_ms(track: Track, whole_from_ms: int, silent_from_ms: int, fresh_ms: Ints = _NO_MOMENTS) -> int | None:
    """Return from when on a track says what it would say with all that came before it; None if it never does.

    It has every result since `whole_from_ms`, and from `silent_from_ms` on what came before that has no say any more.
    Two in a row tell up from down whatever was before them; online is told from slow by three good ones.
    """
    fresh = fresh_ms[fresh_ms >= whole_from_ms][:1]
    at_ms = track.at_ms
    is_usable = (track.status <= _OFFLINE) & (at_ms >= whole_from_ms) & (at_ms < (fresh[0] if len(fresh) else LAST_MS))
    votes = np.flatnonzero(is_usable)
    if len(votes) == 0:
        return int(min([silent_from_ms, *fresh.tolist()]))
    is_down = track.status[votes] == _OFFLINE
    agrees = (is_down == _shifted(is_down, 1, False)) & _same_stretch(track, votes)
    downs, ups, good = np.flatnonzero(agrees & is_down), np.flatnonzero(agrees & ~is_down), votes[~is_down]
    moments = [*fresh.tolist(), *at_ms[votes[downs[:1] - 1]].tolist()]
    if len(ups):
        third = int(np.searchsorted(good, votes[ups[0] - 1])) + 2
        moments += at_ms[good[third : third + 1]].tolist()
    return int(min(moments)) if moments else None


def _settled(track: Track, votes: npt.NDArray[np.intp]) -> Codes:
    """Return the confirmed state at each voting result; a change counts from the first of the results that made it."""
    status = track.status[votes]
    if not status.any():  # all online, as nearly always
        return status
    is_down = status == _OFFLINE
    agrees = (is_down == _shifted(is_down, 1, False)) & _same_stretch(track, votes)
    confirms = agrees.copy()
    if not is_down.all() and not agrees[: (first_good := int(np.argmin(is_down)))].any():
        confirms[first_good] = True  # the first good result is believed at once
    newest = np.maximum.accumulate(np.where(confirms, np.arange(len(votes)), -1))
    is_known = newest >= 0
    is_out = is_known & is_down[newest]
    was_known, was_out = _shifted(is_known, 1, False), _shifted(is_out, 1, False)
    begun = np.flatnonzero(agrees & ((is_out != was_out) | (is_known & ~was_known)))
    up_state = _up_state(status, begun - 1, is_alone=confirms & ~agrees)
    state = np.where(is_out, _OFFLINE, np.where(is_known, up_state, _UNKNOWN)).astype(np.int8)
    state[begun - 1] = np.where(is_out[begun], _OFFLINE, up_state[begun - 1])
    return state


def _same_stretch(track: Track, votes: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Return for each voting result whether the one before it spoke until then: no unknown time lies between them."""
    at_ms, until_ms = track.at_ms[votes], (track.at_ms + hold_ms(track.interval_ms))[votes]
    return np.append(False, at_ms[1:] <= until_ms[:-1])


def _up_state(status: Codes, turns: npt.NDArray[np.intp], is_alone: npt.NDArray[np.bool_]) -> Codes:
    """Return online or slow for each voting result: slow if two of the last three good ones since it is up were.

    `turns` are the first results of new states. A result that `is_alone` speaks for itself. A bad result has what
    the good one before it had.
    """
    good = np.flatnonzero(status != _OFFLINE)
    if len(good) == 0:
        return np.full(len(status), _ONLINE, dtype=np.int8)
    slow, era = status[good] == _SLOW, np.searchsorted(turns, good, side="right")
    count = slow.astype(np.int8)
    for back in (1, 2):
        count += _shifted(slow, back, False) & (era == _shifted(era, back, -1))
    is_slow = np.where(is_alone[good], slow, count >= 2)
    place = np.searchsorted(good, np.arange(len(status)), side="right") - 1
    return np.where(is_slow[np.maximum(place, 0)], _SLOW, _ONLINE).astype(np.int8)


def _shifted(values: npt.NDArray[Any], back: int, fill: object) -> npt.NDArray[Any]:
    """Return at each place the value `back` places earlier."""
    return np.concatenate((np.full(min(back, len(values)), fill, dtype=values.dtype), values[:-back]))


def verdict_spans(
    tracks: Sequence[Track], standings: Sequence[Standing], start_ms: int, end_ms: int
) -> list[VerdictSpan]:
    """Return the verdicts in [start_ms, end_ms), without holes, neighbours differing.

    `tracks` should reach back before `start_ms` far enough to have two results in a row of each probe. `standings`
    are ordered; before the first nothing was asked for and the verdict is unknown.
    """
    if end_ms <= start_ms:
        return []
    spans, times = _laid_out(tracks, standings, start_ms, end_ms)
    verdict = _verdicts_at(times, tracks, spans, standings)
    is_change = np.append(True, verdict[1:] != verdict[:-1])
    starts = times[is_change].tolist()
    ends = [*starts[1:], end_ms]
    kinds = verdict[is_change].tolist()
    return [VerdictSpan(start, end, Verdict(kind)) for start, end, kind in zip(starts, ends, kinds, strict=True)]


def offline_regions(
    tracks: Sequence[Track], standings: Sequence[Standing], start_ms: int, end_ms: int
) -> tuple[Region, ...]:
    """Return the regions that were offline at any time in [start_ms, end_ms), in the order of REGIONS."""
    spans, times = _laid_out(tracks, standings, start_ms, end_ms)
    states, _assigned, _paused = _region_states(times, tracks, spans, standings)
    is_out = (states == _OFFLINE).any(axis=0)
    return tuple(region for region, out in zip(REGIONS, is_out.tolist(), strict=True) if out)


def _laid_out(
    tracks: Sequence[Track], standings: Sequence[Standing], start_ms: int, end_ms: int
) -> tuple[list[StateSpans], Ints]:
    """Return the states of each track, and every moment in [start_ms, end_ms) at which anything may turn."""
    fresh_ms = fresh_moments(standings)
    spans = [confirmed_states(track, fresh_ms) for track in tracks]
    standing_ms = np.array([standing.from_ms for standing in standings], dtype=np.int64)
    times = np.unique(np.concatenate([np.array([start_ms]), standing_ms, *(span.start_ms for span in spans)]))
    return spans, times[(times >= start_ms) & (times < end_ms)]


def _verdicts_at(
    times: Ints, tracks: Sequence[Track], spans: Sequence[StateSpans], standings: Sequence[Standing]
) -> Codes:
    return verdicts(*_region_states(times, tracks, spans, standings))


def _region_states(
    times: Ints, tracks: Sequence[Track], spans: Sequence[StateSpans], standings: Sequence[Standing]
) -> tuple[Codes, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return at each moment the regions' states, which of them were asked for, and whether the monitor rested."""
    place = np.searchsorted(np.array([s.from_ms for s in standings], dtype=np.int64), times, side="right") - 1
    asked = np.array([[region in s.regions for region in REGIONS] for s in standings] + [[False] * len(REGIONS)])
    resting = np.array([s.is_paused for s in standings] + [False])
    assigned = asked[place]
    states = np.full((len(times), len(REGIONS)), _UNKNOWN, dtype=np.int8)
    for track in {(one.region, one.is_second): one for one in tracks}.values():
        of_probes = [span.at(times) for span, one in zip(spans, tracks, strict=True) if one.is_beside(track)]
        state = np.stack(of_probes, axis=-1)
        column = REGIONS.index(track.region)
        states[:, column] = worse(states[:, column], region_state(state, np.ones(state.shape, dtype=np.bool_)))
    return np.where(assigned, states, _UNKNOWN).astype(np.int8), assigned, resting[place]


def joined_spans(parts: Sequence[VerdictSpan]) -> list[VerdictSpan]:
    """Return spans that follow each other with equal neighbours made one."""
    found: list[VerdictSpan] = []
    for part in parts:
        if found and found[-1].verdict is part.verdict and found[-1].end_ms == part.start_ms:
            found[-1] = VerdictSpan(found[-1].start_ms, part.end_ms, part.verdict)
        elif part.end_ms > part.start_ms:
            found.append(part)
    return found
