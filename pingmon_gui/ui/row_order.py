"""Which monitors the table shows, and in which order: search, filter and sort over the board's arrays, without Qt.

Everything is done for all rows at once; no row's text is made anew unless its monitor changed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.target import display_url
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board_view import BoardView

Rows = npt.NDArray[np.intp]

VERDICT_COLUMN = 0
NAME_COLUMN = 1
FIRST_REGION_COLUMN = 2

#: Rank of each verdict code when sorted: what asks for attention comes first.
_URGENCY = np.zeros(len(Verdict), dtype=np.int8)
for _rank, _verdict in enumerate(
    (Verdict.OFFLINE, Verdict.REGIONAL, Verdict.SLOW, Verdict.UNKNOWN, Verdict.ONLINE, Verdict.PAUSED)
):
    _URGENCY[_verdict] = _rank


class Show(StrEnum):
    """What part of the monitors is shown."""

    ALL = "all"
    PROBLEMS = "problems"
    ONLINE = "online"
    UNKNOWN = "unknown"
    PAUSED = "paused"


_VERDICTS: dict[Show, tuple[Verdict, ...]] = {
    Show.ALL: tuple(Verdict),
    Show.PROBLEMS: (Verdict.OFFLINE, Verdict.REGIONAL, Verdict.SLOW),
    Show.ONLINE: (Verdict.ONLINE, Verdict.SLOW),
    Show.UNKNOWN: (Verdict.UNKNOWN,),
    Show.PAUSED: (Verdict.PAUSED,),
}
_IS_SHOWN = {show: np.isin(np.arange(len(Verdict)), verdicts) for show, verdicts in _VERDICTS.items()}


class RowOrder:
    """The rules set by the user; `rows()` applies them. Call `describe()` after monitors changed."""

    def __init__(self, board: BoardView) -> None:
        self._board = board
        self.search = ""
        self.show = Show.ALL
        self.tag: str | None = None
        self.column = NAME_COLUMN
        self.is_descending = False
        self._known: dict[MonitorId, tuple[Monitor, str, str]] = {}
        self._haystack: list[str] = []
        self._name_rank: Rows = np.zeros(0, dtype=np.intp)
        self.tags: tuple[str, ...] = ()
        self.describe()

    @property
    def is_live(self) -> bool:
        """Return whether results alone can change what `rows()` gives."""
        return self.show is not Show.ALL or self.column != NAME_COLUMN

    def describe(self) -> None:
        """Read the texts of monitors that came or changed."""
        known, before, monitors = {}, self._known, self._board.monitors
        for monitor in self._board.ids:
            wanted, found = monitors[monitor], before.get(monitor)
            if found is None or found[0] is not wanted:
                address = display_url(wanted.url)
                title = (wanted.name or address).casefold()
                found = (wanted, title, "\n".join((title, address, wanted.url, *wanted.tags)).casefold())
            known[monitor] = found
        self._known = known
        self._haystack = [text for _, _, text in known.values()]
        titles = [title for _, title, _ in known.values()]
        by_name = np.array(sorted(range(len(titles)), key=titles.__getitem__), dtype=np.intp)
        self._name_rank = np.empty(len(titles), dtype=np.intp)
        self._name_rank[by_name] = np.arange(len(titles))
        tags = set[str]().union(*{monitor.tags for monitor, _, _ in known.values()})
        self.tags = tuple(sorted(tags, key=str.casefold))
        if self.tag is not None and self.tag not in tags:
            self.tag = None

    def rows(self) -> Rows:
        """Return the board's rows to show, in order."""
        kept = _IS_SHOWN[self.show][self._board.verdict]
        for word in self.search.casefold().split():
            kept = kept & np.array([word in text for text in self._haystack], dtype=np.bool_)
        if self.tag is not None:
            kept = kept & np.fromiter(
                (self.tag in self._known[monitor][0].tags for monitor in self._board.ids), np.bool_, len(kept)
            )
        rows = np.flatnonzero(kept)
        return rows[np.lexsort((self._name_rank[rows], *self._keys(rows)))]

    def counts(self) -> dict[Show, int]:
        """Return how many monitors each choice of `show` would give without search and tag."""
        by_verdict = np.bincount(self._board.verdict, minlength=len(Verdict))
        return {show: int(by_verdict[is_shown].sum()) for show, is_shown in _IS_SHOWN.items()}

    def _keys(self, rows: Rows) -> tuple[npt.NDArray[Any], ...]:
        """Return the sort keys, the last one first in importance (as `lexsort` has it)."""
        sign = -1.0 if self.is_descending else 1.0
        if self.column == NAME_COLUMN:
            return (self._name_rank[rows] * sign,)
        if self.column == VERDICT_COLUMN:
            return (_URGENCY[self._board.verdict[rows]] * sign,)
        # A region: by latency, then what is offline; where nothing is known comes last in both directions.
        place = self.column - FIRST_REGION_COLUMN
        state, total_ms = self._board.state[rows, place], self._board.total_ms[rows, place]
        is_up = ((state == Status.ONLINE) | (state == Status.SLOW)) & ~np.isnan(total_ms)
        key = np.where(is_up, total_ms, np.where(state == Status.OFFLINE, 1e9, 0.0)) * sign
        return key, (~is_up & (state != Status.OFFLINE)).astype(np.float64)
