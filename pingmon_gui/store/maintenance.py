"""Maintenance in turns: compaction when an hour has closed, retention now and then, never more than about 20 ms."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import peewee

from pingmon_gui.store.compaction import compact
from pingmon_gui.store.journal import Journal
from pingmon_gui.store.retention import retain

#: No step begins later than this in a turn; a step takes up to 10 ms (`compaction.TRANSACTION_S`).
TURN_S = 0.008
#: Compaction and retention begin anew at most so often: what comes late is gathered meanwhile.
COMPACT_EVERY_MS = 10 * 60_000
RETAIN_EVERY_MS = 30 * 60_000


class Maintenance:
    """Used on the writer's thread only; a job that fails is begun anew later.

    Attributes:
        cut_hour: the first hour of which every result is kept, since the largest size made younger ones go; None where
            it did not. Whoever tells it sets it back.
    """

    def __init__(self, journal: Journal, now_ms: Callable[[], int]) -> None:
        self._journal = journal
        self._now_ms = now_ms
        self.cut_hour: int | None = None
        self._job: Iterator[None] | None = None
        self._compacted_at_ms = 0
        self._retained_at_ms = 0

    @property
    def has_work(self) -> bool:
        return self._job is not None

    def turn(self, database: peewee.SqliteDatabase) -> None:
        """Do a little; `has_work` tells whether there is more to do at once."""
        if self._job is None:
            self._job = self._next_job(database)
        if self._job is None:
            return
        job, self._job = self._job, None
        until_s = time.perf_counter() + TURN_S
        for _step in job:
            if time.perf_counter() >= until_s:
                self._job = job
                break

    def _next_job(self, database: peewee.SqliteDatabase) -> Iterator[None] | None:
        now_ms = self._now_ms()
        if abs(now_ms - self._compacted_at_ms) >= COMPACT_EVERY_MS:
            self._compacted_at_ms = now_ms
            return compact(database, now_ms)
        if abs(now_ms - self._retained_at_ms) >= RETAIN_EVERY_MS:
            self._retained_at_ms = now_ms
            return retain(database, self._journal, now_ms, self._cut)
        return None

    def _cut(self, hour: int) -> None:
        self.cut_hour = hour
