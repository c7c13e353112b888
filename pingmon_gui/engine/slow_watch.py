"""The slow watch: which monitors are slow by rules that say in how many results or for how many minutes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from pingmon_gui.domain.alert_news import of_slowness
from pingmon_gui.domain.alert_rule import MINUTE_MS, AlertKind, AlertRule, RuleId, SlowUnit
from pingmon_gui.domain.alert_state import MatterNews
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.slowness import slow_by_minutes, slow_by_results, slow_regions, slow_words
from pingmon_gui.domain.timeline import VerdictSpan
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board import Board

_DAY_MS = 24 * 60 * MINUTE_MS


class SlowWatch:
    """`look` is called about once a second. What it costs depends on how many monitors are slow, or were lately."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._past: dict[MonitorId, list[VerdictSpan]] = {}
        self._slow_since: dict[MonitorId, int] = {}
        self._known: dict[tuple[RuleId, MonitorId], int] = {}

    def start(
        self, past: Mapping[MonitorId, Sequence[VerdictSpan]], known: Mapping[tuple[RuleId, MonitorId], int]
    ) -> None:
        """Take over the verdicts of the last day, and what was slow by a rule since when."""
        for monitor, spans in past.items():
            slow = [span for span in spans if span.verdict is Verdict.SLOW]
            if slow:
                self._past[monitor] = slow
        self._known = dict(known)

    def look(self, rules: Iterable[AlertRule], now_ms: int) -> list[MatterNews]:
        """Return what began and what ended to be slow by a rule."""
        self._note_turns(now_ms)
        found: list[MatterNews] = []
        wanted = [rule for rule in rules if rule.is_enabled and AlertKind.SLOW in rule.kinds]
        if not wanted and not self._known:
            return found
        newest = self._board.newest_slow()
        for rule in wanted:
            lately = {*self._past, *self._slow_since} if rule.slow.unit is SlowUnit.MINUTES else newest
            monitors = {*lately, *(monitor for id_, monitor in self._known if id_ == rule.id)}
            for id_ in monitors:
                if id_ in self._board.row_of:
                    found += self._judged(rule, id_, now_ms)
        kept = {rule.id for rule in wanted}
        for key in [key for key in self._known if key[0] not in kept or key[1] not in self._board.row_of]:
            del self._known[key]
        return found

    def _judged(self, rule: AlertRule, id_: MonitorId, now_ms: int) -> list[MatterNews]:
        monitor, now = self._board.monitors[id_], np.array([now_ms])
        tracks = self._board.tracks(id_)
        is_resting = bool(self._board.verdict[self._board.row_of[id_]] == Verdict.PAUSED)
        if is_resting:
            is_slow = False
        elif rule.slow.unit is SlowUnit.MINUTES:
            is_slow = bool(slow_by_minutes(self._spans(id_, now_ms), rule.slow, now)[0])
        else:
            is_slow = bool(slow_by_results(tracks, rule.slow, now)[0])
        since_ms = self._known.get((rule.id, id_))
        if is_slow == (since_ms is not None):
            return []
        regions = [region.value for region in slow_regions(tracks)]
        words = slow_words(rule.slow)
        if since_ms is None:
            self._known[rule.id, id_] = now_ms
            return [of_slowness(rule, monitor, now_ms, words, regions)]
        del self._known[rule.id, id_]
        return [of_slowness(rule, monitor, since_ms, words, regions, now_ms, is_resting=is_resting)]

    def _spans(self, id_: MonitorId, now_ms: int) -> list[VerdictSpan]:
        since_ms = self._slow_since.get(id_)
        now = [] if since_ms is None else [VerdictSpan(since_ms, now_ms, Verdict.SLOW)]
        return [*self._past.get(id_, ()), *now]

    def _note_turns(self, now_ms: int) -> None:
        """Keep the slow time of the last day of every monitor that has some."""
        ids = self._board.ids
        slow = {ids[row] for row in np.flatnonzero(self._board.verdict == Verdict.SLOW).tolist()}
        for id_ in slow - set(self._slow_since):
            self._slow_since[id_] = now_ms
        for id_ in set(self._slow_since) - slow:
            self._past.setdefault(id_, []).append(VerdictSpan(self._slow_since.pop(id_), now_ms, Verdict.SLOW))
        for id_, spans in list(self._past.items()):
            self._past[id_] = [span for span in spans if span.end_ms > now_ms - _DAY_MS]
            if not self._past[id_]:
                del self._past[id_]
