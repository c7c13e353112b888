"""The rules of architecture section 5 said once more, result by result and moment by moment: slow, and easy to check.

What the arrays of `domain.timeline` say, what the tracker keeps and what the store gives back must equal this.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.verdict import Verdict

VOTES = (Status.ONLINE, Status.SLOW, Status.OFFLINE)


@dataclass(frozen=True)
class Seen:
    """One result of a probe."""

    at_ms: int
    interval_ms: int
    status: Status

    @property
    def until_ms(self) -> int:
        return self.at_ms + self.interval_ms * 5 // 2


@dataclass(frozen=True)
class Asked:
    """What was asked for from a moment on. `is_fresh`: what was seen before says nothing of what comes."""

    from_ms: int
    regions: frozenset[Region]
    is_resting: bool = False
    is_fresh: bool = False


Probes = Sequence[tuple[Region, Sequence[Seen]]]
Span = tuple[int, Verdict]
#: What a probe says in a region, whether it is the second of two families, and when it said what.
Spoken = tuple[Region, bool, list[tuple[int, int, Status]]]


def states(results: Sequence[Seen]) -> list[tuple[int, int, Status]]:
    """Return (from, until, state) of results in order: two in a row turn it, from the first of the two on."""
    found: list[list[object]] = []
    known: Status | None = None
    good: list[bool] = []  # slow or not, since it is up
    vote: Seen | None = None
    for result in results:
        if result.status not in VOTES:
            continue
        if vote is not None and result.at_ms > vote.until_ms:
            vote = None  # nothing is confirmed across an unknown time
        is_down = result.status is Status.OFFLINE
        agrees = vote is not None and (vote.status is Status.OFFLINE) == is_down
        vote = result
        if found and result.at_ms < found[-1][1]:  # type: ignore[operator]
            found[-1][1] = result.at_ms
        if is_down:
            if agrees:
                if known is not Status.OFFLINE:
                    found[-1][2] = Status.OFFLINE
                known = Status.OFFLINE
            state = Status.UNKNOWN if known is None else known
        else:
            good.append(result.status is Status.SLOW)
            state = Status.SLOW if sum(good[-3:]) >= 2 else Status.ONLINE
            if known is None:
                state = result.status
                known = state
            elif known is Status.OFFLINE:
                if agrees:
                    good = good[-2:]
                    found[-1][2] = Status.ONLINE  # one good result alone is not yet slow
                    known = state = Status.SLOW if sum(good) == 2 else Status.ONLINE
                else:
                    state = Status.OFFLINE
            else:
                known = state
        found.append([result.at_ms, result.until_ms, state])
    return [(start, until, state) for start, until, state in found]  # type: ignore[misc]


def verdicts(
    probes: Probes, asked: Sequence[Asked], start_ms: int, end_ms: int, seconds: Collection[int] = ()
) -> list[Span]:
    """Return the verdicts in [start_ms, end_ms): (from, verdict), neighbours differing.

    Those of `probes` at the places `seconds` speak for IPv6 of a monitor that is measured over each family.
    """
    fresh = [one.from_ms for one in asked if one.is_fresh]
    fresh += [now.from_ms for old, now in pairwise(asked) if old.is_resting and not now.is_resting]
    bounds = [-(1 << 62), *sorted(fresh), 1 << 62]
    spoken: list[Spoken] = []
    moments = {start_ms, *(one.from_ms for one in asked)}
    for place, (region, results) in enumerate(probes):
        said: list[tuple[int, int, Status]] = []
        for low, high in pairwise(bounds):
            part = states([one for one in sorted(results, key=lambda one: one.at_ms) if low <= one.at_ms < high])
            said += [(start, min(until, high), state) for start, until, state in part]
        spoken.append((region, place in seconds, said))
        moments |= {start for start, _, _ in said} | {until for _, until, _ in said}
    found: list[Span] = []
    for at_ms in sorted(moment for moment in moments if start_ms <= moment < end_ms):
        verdict = verdict_at(at_ms, spoken, asked)
        if not found or found[-1][1] is not verdict:
            found.append((at_ms, verdict))
    return found


def verdict_at(at_ms: int, spoken: Sequence[Spoken], asked: Sequence[Asked]) -> Verdict:
    now = [one for one in asked if one.from_ms <= at_ms]
    if not now:
        return Verdict.UNKNOWN
    if now[-1].is_resting:
        return Verdict.PAUSED
    regions = now[-1].regions
    states_of = {}
    for region in REGIONS:
        families = []
        for family in (False, True):
            here = [
                next((state for start, until, state in said if start <= at_ms < until), Status.UNKNOWN)
                for one, is_second, said in spoken
                if one is region and is_second is family
            ]
            voting = [state for state in here if state is not Status.UNKNOWN]
            families += [min(voting)] if voting else []
        if region in regions and families:
            states_of[region] = max(families)
    count = len(regions)
    needed = 1 if count <= 1 else 2 if count <= 3 else count // 2 + 1
    offline = sum(state is Status.OFFLINE for state in states_of.values())
    slow = sum(state is Status.SLOW for state in states_of.values())
    if not states_of:
        return Verdict.UNKNOWN
    if offline >= needed:
        return Verdict.OFFLINE
    if offline:
        return Verdict.REGIONAL
    return Verdict.SLOW if slow * 2 >= len(states_of) else Verdict.ONLINE


def incidents(spans: Sequence[Span]) -> list[tuple[int, int | None, Verdict]]:
    """Return (start, end, worst) of the spans' incidents; while nobody can measure one goes on."""
    found: list[tuple[int, int | None, Verdict]] = []
    start: int | None = None
    worst = Verdict.REGIONAL
    for at_ms, verdict in spans:
        if verdict in (Verdict.OFFLINE, Verdict.REGIONAL):
            if start is None:
                start, worst = at_ms, verdict
            elif verdict is Verdict.OFFLINE:
                worst = verdict
        elif verdict is not Verdict.UNKNOWN and start is not None:
            found.append((start, at_ms, worst))
            start = None
    if start is not None:
        found.append((start, None, worst))
    return found
