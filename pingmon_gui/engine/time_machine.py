"""The time machine: gives the frame of any moment of the kept history.

Every result where those are kept, else roll-ups: the frame says how exact it is. Hours that were read stay for a
while, so that the next moments of them are there at once.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Protocol

from pingmon_gui.domain.availability import last_hour
from pingmon_gui.domain.history import DAY_MS, FIVE_MINUTES_MS, HOUR_MS
from pingmon_gui.domain.past import PastBuckets, PastResults, PastSetup
from pingmon_gui.engine.past_frame import Frame, Pairs, Stage, exact_frame, hour_of_buckets, rolled_frame
from pingmon_gui.engine.tape import Tape

#: The hour of a moment and the one before; the rolling hour of 59 minutes and the running one reaches no further.
_HOURS = 2
#: Of rarely measured monitors a result reaches so many hours further: 2.5 of the longest interval.
_RARE_HOURS = 3
#: So many results an hour have monitors that are measured so rarely that a result reaches out of the two hours.
_RARE = 200
#: Hours and tapes are kept as long as they have no more results than this in all: some 45 bytes each.
KEPT_RESULTS = 2_500_000
#: Spans of roll-ups are small: so many are kept.
_KEPT_SPANS = 24


class PastPort(Protocol):
    """What the time machine needs of a store."""

    async def past_setup(self) -> PastSetup | None: ...

    async def past_hour(self, hour: int, at_most: int | None = None) -> PastResults: ...

    async def past_buckets(self, from_ms: int, to_ms: int, bucket_ms: int) -> PastBuckets: ...


class TimeMachine:
    """`open` reads what there was; then `frame` gives any moment. What is computed is computed in a thread."""

    def __init__(self, store: PastPort) -> None:
        self._store = store
        self._setup: PastSetup | None = None
        self._pairs: Pairs | None = None
        self._hours: OrderedDict[tuple[int, int | None], PastResults] = OrderedDict()
        self._tapes: OrderedDict[int, Tape] = OrderedDict()
        self._buckets: OrderedDict[tuple[int, int, int], PastBuckets] = OrderedDict()

    async def open(self) -> PastSetup | None:
        """Read anew what there was to measure; None where nothing is kept. Raises StorageError."""
        setup = await self._store.past_setup()
        self._setup = setup
        self._pairs = None if setup is None else Pairs.of(setup)
        for kept in (self._hours, self._tapes, self._buckets):
            kept.clear()
        return setup

    def exact_ms(self, at_ms: int) -> int:
        """Return how exactly a moment is known: 0 for every result, else the length of the roll-ups."""
        setup, _pairs = self._opened
        kept, first_ms = setup.kept, setup.first_ms
        if _reaches(last_hour(at_ms)[0], at_ms, kept.whole_raw_ms, first_ms):
            return 0
        if _reaches(hour_of_buckets(at_ms, FIVE_MINUTES_MS)[0], at_ms, kept.five_minutes_ms, first_ms):
            return FIVE_MINUTES_MS
        return HOUR_MS if kept.hour_ms is not None and at_ms >= kept.hour_ms else DAY_MS

    async def quick_frame(self, at_ms: int) -> Frame:
        """Return a moment as exactly as it is there at once: where its hour was not read yet, from roll-ups.

        Raises as `frame` does.
        """
        setup, _pairs = self._opened
        is_read = at_ms // HOUR_MS in self._tapes
        hour = hour_of_buckets(at_ms, FIVE_MINUTES_MS)
        is_rolled_up = hour[1] <= setup.rolled_until_ms and _reaches(
            hour[0], at_ms, setup.kept.five_minutes_ms, setup.first_ms
        )
        if self.exact_ms(at_ms) or is_read or not is_rolled_up:
            return await self.frame(at_ms)
        return await self._rolled_up(at_ms, FIVE_MINUTES_MS)

    async def frame(self, at_ms: int) -> Frame:
        """Return a moment of the past. Raises StorageError; RuntimeError before `open` found anything."""
        setup, pairs = self._opened
        exact_ms = self.exact_ms(at_ms)
        if exact_ms:
            return await self._rolled_up(at_ms, exact_ms)
        tape = await self._tape(at_ms // HOUR_MS)
        return await asyncio.to_thread(_exact, setup, pairs, tape, at_ms)

    async def _rolled_up(self, at_ms: int, exact_ms: int) -> Frame:
        setup, pairs = self._opened
        buckets = await self._read_buckets(*hour_of_buckets(at_ms, exact_ms), exact_ms)
        return await asyncio.to_thread(_rolled, setup, pairs, buckets, at_ms, exact_ms)

    async def prefetch(self, at_ms: int) -> None:
        """Read what the frame of a moment needs, where every result is kept. Raises StorageError."""
        if self.exact_ms(at_ms) == 0:
            await self._tape(at_ms // HOUR_MS)

    @property
    def _opened(self) -> tuple[PastSetup, Pairs]:
        if self._setup is None or self._pairs is None:
            raise RuntimeError("there is no past")
        return self._setup, self._pairs

    async def _tape(self, hour: int) -> Tape:
        if hour in self._tapes:
            self._tapes.move_to_end(hour)
            return self._tapes[hour]
        setup, pairs = self._opened
        wanted: list[tuple[int, int | None]] = [(hour - back, None) for back in range(_HOURS)]
        wanted += [(hour - _HOURS - back, _RARE) for back in range(_RARE_HOURS)]
        parts = [await self._hour(*one) for one in wanted]
        tape = await asyncio.to_thread(_made, setup, pairs, parts, (hour + 1) * HOUR_MS)
        self._tapes[hour] = tape
        while len(self._tapes) > 1 and sum(one.results for one in self._tapes.values()) > KEPT_RESULTS:
            self._tapes.popitem(last=False)
        return tape

    async def _hour(self, hour: int, at_most: int | None) -> PastResults:
        key = (hour, at_most)
        if key not in self._hours:
            self._hours[key] = await self._store.past_hour(hour, at_most)
            while len(self._hours) > _RARE_HOURS + _HOURS and self._kept_results() > KEPT_RESULTS:
                self._hours.popitem(last=False)
        self._hours.move_to_end(key)
        return self._hours[key]

    def _kept_results(self) -> int:
        return sum(len(one.at_ms) for one in self._hours.values())

    async def _read_buckets(self, from_ms: int, to_ms: int, bucket_ms: int) -> PastBuckets:
        key = (from_ms, to_ms, bucket_ms)
        if key not in self._buckets:
            self._buckets[key] = await self._store.past_buckets(from_ms, to_ms, bucket_ms)
            if len(self._buckets) > _KEPT_SPANS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        return self._buckets[key]


def _reaches(start_ms: int, at_ms: int, since_ms: int | None, first_ms: int) -> bool:
    """Return whether what is kept since then has the hour from `start_ms` to a moment whole.

    Before the very first hour nothing is missing.
    """
    return since_ms is not None and at_ms >= since_ms and (start_ms >= since_ms or first_ms >= since_ms)


def _made(setup: PastSetup, pairs: Pairs, parts: list[PastResults], until_ms: int) -> Tape:
    pauses = {one.monitor.id: one.pauses(until_ms) for one in setup.monitors}
    by_pair = {place: pauses[voice[0]] for voice, place in pairs.place.items() if pauses.get(voice[0])}
    return Tape(parts, pairs.pair_of, pairs.url_of, len(pairs.place), by_pair)


def _exact(setup: PastSetup, pairs: Pairs, tape: Tape, at_ms: int) -> Frame:
    return exact_frame(Stage(setup, pairs, at_ms), tape.at(at_ms, last_hour(at_ms)[0]))


def _rolled(setup: PastSetup, pairs: Pairs, buckets: PastBuckets, at_ms: int, bucket_ms: int) -> Frame:
    return rolled_frame(Stage(setup, pairs, at_ms), pairs, buckets, bucket_ms)
