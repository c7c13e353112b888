"""What can be seen of each region's cell, rounded as it is shown, so that cells that look the same are left alone.

Only rows in sight are compared with the board frame by frame; any other is read when it comes into sight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain.region import REGIONS
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board_view import BoardView
from pingmon_gui.engine.hour import Flags
from pingmon_gui.ui.row_order import Rows

_CELL = np.dtype(
    [
        ("state", "i1"),
        ("is_checking", "i1"),
        ("assigned", "i1"),
        ("failure", "i1"),
        ("availability", "i2"),
        ("coverage", "i2"),
        ("total_ms", "f4"),
        ("strip", "u1", 30),
    ]
)


@dataclass(frozen=True)
class Differences:
    """Rows that look different now: `verdict` says of each whether the verdict does, `regions` which cells do."""

    rows: Rows
    verdict: Flags
    regions: Flags


class SeenCells:
    """Everything is by the board's rows and columns; `restart` after the board's rows moved."""

    def __init__(self, board: BoardView) -> None:
        self._board = board
        self.restart()

    def restart(self) -> None:
        """Forget what was seen: every row is read anew when it is asked for."""
        count = len(self._board.ids)
        self._cells = np.zeros((count, len(REGIONS)), dtype=_CELL)
        self._verdict = np.full(count, -1, dtype=np.int8)
        self._is_stale = np.ones(count, dtype=np.bool_)

    def cell(self, row: int, column: int) -> np.void:
        """Return what can be seen of a cell, as of the last frame."""
        if self._is_stale[row]:
            self._freshen(np.array([row]))
        return self._cells[row, column]

    def outdate(self, rows: Rows) -> None:
        """Take note that something changed in these rows."""
        self._is_stale[rows] = True

    def freshen(self, rows: Rows) -> Differences:
        """Read those of these rows anew in which something changed; return what looks different now."""
        rows = rows[self._is_stale[rows]]
        before, verdict_before = self._cells[rows], self._verdict[rows]
        self._freshen(rows)
        size = (len(rows), len(REGIONS), _CELL.itemsize)
        now = self._cells[rows]
        regions = (now.view(np.uint8).reshape(size) != before.view(np.uint8).reshape(size)).any(axis=2)
        verdict = self._verdict[rows] != verdict_before
        differs = np.flatnonzero(verdict | regions.any(axis=1))
        return Differences(rows[differs], verdict[differs], regions[differs])

    def _freshen(self, rows: Rows) -> None:
        board = self._board
        cells: npt.NDArray[np.void] = np.zeros((len(rows), len(REGIONS)), dtype=_CELL)
        for name in ("state", "is_checking", "assigned", "failure", "strip"):
            cells[name] = getattr(board, name)[rows]
        for name in ("availability", "coverage"):
            share = getattr(board, name)[rows]
            cells[name] = np.where(np.isnan(share), -1, share * 10_000)
        # To what is shown of it: more digits would only make equal looks differ.
        total_ms = np.where(np.isnan(board.total_ms[rows]), -1, board.total_ms[rows])
        cells["total_ms"] = np.where(total_ms < 10, np.round(total_ms, 2), np.round(total_ms))
        self._cells[rows] = cells
        self._verdict[rows] = board.verdict[rows]
        # A pause and a maintenance window have one verdict and two words.
        self._verdict[rows[board.in_maintenance[rows]]] += len(Verdict)
        self._is_stale[rows] = False
