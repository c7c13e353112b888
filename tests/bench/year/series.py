"""What the store keeps of one domain seen from one region: every result of the last days, roll-ups of the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pingmon_gui.domain.history import DAY_MS, EDGES_MS, FIVE_MINUTES_MS, HOUR_MS
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.status import NO_FAILURE, Status, failure_code
from pingmon_gui.store.chunk import FAMILY_4, KERNEL_CLOCK, PHASES_US, Columns, take
from pingmon_gui.store.rollup import regroup, roll_up
from pingmon_gui.store.rollup_row import Buckets, joined_buckets
from tests.bench.year.story import (
    FAR,
    FLUKES,
    INTERVAL_MS,
    SPREADS,
    TAIL,
    TAIL_FACTOR,
    TAIL_SPREAD,
    Floats,
    Ints,
    Story,
)

Span = tuple[int, int]

#: Results before the first one that is kept, so that its hour knows what reached in.
CARRY_MS = 3 * INTERVAL_MS
#: How many phases are done, at least in part, when a check fails so.
_DONE = {"dns": 1, "connect_refused": 2, "connect_timeout": 2, "tls_handshake": 3, "tls_verify": 3, "timeout": 4}
#: Which of them took what was left of the timeout.
_WAITED = {"dns": 0, "connect_timeout": 1, "tls_handshake": 2, "timeout": 3}
_HISTOGRAM_MS = np.sqrt(EDGES_MS[:-1] * EDGES_MS[1:])


def series_id(story: Story, number: int, region: Region, *, is_old: bool = False) -> int:
    """Return the id of a series; a domain that moved has an older one, too."""
    return 1 + (story.shape.monitors * is_old + number) * len(FAR) + FAR.index(region)


def results(story: Story, number: int, region: Region, details: Mapping[str | None, int]) -> Columns:
    """Return every result of the last days, by time, and the few before them that reach in.

    `details` has the row of each reason that a result can have; None is for good ones.
    """
    chance = story.chance(7, number, FAR.index(region))
    first_ms = story.raw_from_ms - CARRY_MS
    slot_ms = np.arange(first_ms + int(chance.integers(INTERVAL_MS)), story.end_ms - 5_000, INTERVAL_MS)
    for start_ms, end_ms in story.unseen(number, region):
        slot_ms = slot_ms[(slot_ms < start_ms) | (slot_ms >= end_ms)]
    count = len(slot_ms)
    late_ms = np.minimum(chance.exponential(0.4, count), 80)
    at_ms = slot_ms + late_ms.astype(np.int64)
    noise = chance.lognormal(0, 1, (count, len(SPREADS))) ** SPREADS
    tail = np.where(chance.random(count) < TAIL, TAIL_FACTOR * chance.lognormal(0, TAIL_SPREAD, count), 1.0)
    noise[:, 3] *= tail
    phases_ms = story.centres_ms(number, region, at_ms) * noise
    failure = np.full(count, NO_FAILURE, dtype=np.int64)
    detail = np.full(count, details[None], dtype=np.int64)
    site = story.sites[number]
    failed = [(np.flatnonzero(chance.random(count) < FLUKES), "timeout")]
    for trouble in story.outages(number, region):
        assert trouble.failure is not None
        failed.append((np.flatnonzero((at_ms >= trouble.start_ms) & (at_ms < trouble.end_ms)), trouble.failure))
    for places, reason in failed:
        failure[places] = failure_code(reason)
        detail[places] = details[reason]
        phases_ms[places, _DONE.get(reason, len(SPREADS)) :] = np.nan
        if reason in _WAITED:
            spent = np.nansum(phases_ms[places, : _WAITED[reason]], axis=1)
            phases_ms[places, _WAITED[reason]] = site.draft.settings.timeout_ms - spent
    us = np.where(np.isnan(phases_ms), -1, np.rint(np.nan_to_num(phases_ms) * 1000)).astype(np.int64)
    total_us = np.maximum(us, 0).sum(axis=1)
    good = np.where(total_us < site.draft.settings.slow_ms * 1000, Status.ONLINE, Status.SLOW)
    is_answered = (failure == NO_FAILURE) | (failure == failure_code("content"))
    return {
        "at_ms": at_ms,
        "interval_ms": np.full(count, INTERVAL_MS, dtype=np.int64),
        "version": np.full(count, 1 if site.moved_at_ms is None else 2, dtype=np.int64),
        "status": np.where(failure == NO_FAILURE, good, Status.OFFLINE).astype(np.int64),
        "failure": failure,
        "http_status": np.select([is_answered, failure == failure_code("http_status")], [200, 503], 0),
        **{name: us[:, place] for place, name in enumerate(PHASES_US)},
        "total_us": total_us,
        "late": np.rint(late_ms * 10).astype(np.int64),
        "queue_us": np.rint(chance.exponential(50, count)).astype(np.int64),
        "flags": np.full(count, KERNEL_CLOCK | FAMILY_4, dtype=np.int64),
        "body_bytes": np.where(is_answered, 20_000 + number * 37, 0),
        "offset_ms": np.zeros(count, dtype=np.int64),
        "detail": detail,
    }


def rolled_up(story: Story, number: int, region: Region, raw: Columns) -> tuple[Buckets, Buckets]:
    """Return the buckets of five minutes and of hours: counted where there are results, made up before."""
    closed_ms = story.end_ms // HOUR_MS * HOUR_MS
    counted = roll_up(raw, story.raw_from_ms, closed_ms, FIVE_MINUTES_MS)
    fine = joined_buckets(
        [made_up(story, number, region, story.fine_from_ms, story.raw_from_ms, FIVE_MINUTES_MS), counted]
    )
    coarse = made_up(story, number, region, story.start_ms, story.fine_from_ms, HOUR_MS)
    return fine, joined_buckets([coarse, regroup(fine, HOUR_MS)])


def made_up(story: Story, number: int, region: Region, from_ms: int, to_ms: int, bucket_ms: int) -> Buckets:
    """Return the buckets that results in [from_ms, to_ms) would have come to: counts drawn, times exact."""
    chance = story.chance(8, number, FAR.index(region), bucket_ms)
    start_ms = np.arange(from_ms, to_ms, bucket_ms, dtype=np.int64)
    unseen = _merged(story.unseen(number, region))
    down = [part for one in story.outages(number, region) for part in _without((one.start_ms, one.end_ms), unseen)]
    known_ms = bucket_ms - _overlap_ms(unseen, start_ms, bucket_ms)
    start_ms, known_ms = start_ms[known_ms > 0], known_ms[known_ms > 0]
    down_ms = _overlap_ms(down, start_ms, bucket_ms)
    count = np.maximum(known_ms // INTERVAL_MS, 1)
    flukes = np.where(down_ms > 0, 0, chance.binomial(count, FLUKES))
    offline = np.minimum(-(-down_ms // INTERVAL_MS) + flukes, count)
    good = count - offline
    centres_ms = story.centres_ms(number, region, start_ms + bucket_ms // 2)
    shares = _shares(centres_ms)
    histogram = chance.multinomial(good, shares).astype(np.uint32)
    slow_ms = story.sites[number].draft.settings.slow_ms
    slow = histogram[:, EDGES_MS[:-1] >= slow_ms].sum(axis=1).astype(np.int64)
    total_us = np.rint((histogram * _HISTOGRAM_MS).sum(axis=1) * 1000).astype(np.int64)
    return Buckets(
        start_ms=start_ms,
        count=count,
        online=good - slow,
        slow=slow,
        offline=offline,
        known_ms=known_ms,
        available_ms=known_ms - np.minimum(down_ms + flukes * INTERVAL_MS, known_ms),
        total_us=total_us,
        phased=good,
        phases_us=_split(chance, total_us, centres_ms, good),
        histogram=histogram,
    )


def hour_slices(start_ms: Ints) -> list[tuple[int, slice]]:
    """Return each hour that has anything of the ordered times, with where it lies."""
    hours, first = np.unique(start_ms // HOUR_MS, return_index=True)
    bounds = [*first.tolist(), len(start_ms)]
    return [(hour, slice(bounds[n], bounds[n + 1])) for n, hour in enumerate(hours.tolist())]


def cut(raw: Columns, from_ms: int, to_ms: int) -> Columns:
    """Return the results in [from_ms, to_ms)."""
    first, last = np.searchsorted(raw["at_ms"], [from_ms, to_ms]).tolist()
    return take(raw, slice(first, last))


def days_of(hours: Buckets, end_ms: int) -> Buckets:
    """Return the buckets of the days that are over."""
    days = regroup(hours, DAY_MS)
    return days.at(days.start_ms + DAY_MS <= end_ms)


def _split(chance: np.random.Generator, total_us: Ints, centres_ms: Floats, good: Ints) -> Ints:
    """Return the sums of the phases that make up these totals, as uncertain as sums of so many results are."""
    noise = chance.normal(0, 1, centres_ms.shape) * SPREADS / np.sqrt(np.maximum(good, 1))[:, None]
    part = centres_ms * np.exp(noise)
    split_us = (total_us[:, None] * (part / part.sum(axis=1, keepdims=True))).astype(np.int64)
    split_us[:, 3] += total_us - split_us.sum(axis=1)
    return split_us


def _shares(centres_ms: Floats) -> Floats:
    """Return the share of each bucket of the histogram, shape (times, 96)."""
    total = centres_ms.sum(axis=1)
    spread = np.sqrt(((centres_ms * SPREADS) ** 2).sum(axis=1)) / total
    answer = centres_ms[:, 3]
    tail = total + answer * (TAIL_FACTOR - 1)
    tail_spread = np.maximum(answer * TAIL_FACTOR * TAIL_SPREAD / tail, spread)
    shares: Floats = (1 - TAIL) * _bell(total, spread) + TAIL * _bell(tail, tail_spread)
    shares[shares < 1e-6] = 0
    return shares / shares.sum(axis=1, keepdims=True)


def _bell(centre_ms: Floats, spread: Floats) -> Floats:
    """Return the share of each bucket where logarithms are spread evenly around a centre (logistic, for speed)."""
    distance = (np.log(EDGES_MS)[None, :] - np.log(centre_ms)[:, None]) / spread[:, None]
    below = 1 / (1 + np.exp(np.clip(-1.702 * distance, -60, 60)))
    below[:, 0], below[:, -1] = 0, 1
    return np.diff(below, axis=1)


def _overlap_ms(spans: Sequence[Span], start_ms: Ints, bucket_ms: int) -> Ints:
    found = np.zeros(len(start_ms), dtype=np.int64)
    for begin, end in spans:
        first, last = np.searchsorted(start_ms, [begin - bucket_ms + 1, end])
        part = start_ms[first:last]
        found[first:last] += np.minimum(part + bucket_ms, end) - np.maximum(part, begin)
    return found


def _merged(spans: Sequence[Span]) -> list[Span]:
    found: list[Span] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def _without(span: Span, holes: Sequence[Span]) -> list[Span]:
    """Return what is left of a span outside of disjoint, ordered holes."""
    begin, end = span
    left = []
    for first, last in holes:
        if first >= end or last <= begin:
            continue
        if begin < first:
            left.append((begin, first))
        begin = last
    if begin < end:
        left.append((begin, end))
    return left
