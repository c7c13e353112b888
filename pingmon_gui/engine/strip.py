"""The history strip: for each monitor and region the worst status in each two minutes of the last hour."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain.status import Codes, Status
from pingmon_gui.engine.move import Move

SLOTS = 30
SLOT_MS = 120_000
NOTHING_KNOWN = 255
#: How much each code counts against others of its slot: the worst is kept, a rest only where there is nothing else.
RANK = np.zeros(256, dtype=np.int8)
RANK[[Status.PAUSED, Status.ONLINE, Status.SLOW, Status.OFFLINE]] = (1, 2, 3, 4)
#: The code of each rank.
CODE = np.array([NOTHING_KNOWN, Status.PAUSED, Status.ONLINE, Status.SLOW, Status.OFFLINE], dtype=np.uint8)


class HistoryStrip:
    """`cells` has shape (rows, columns, 30), newest slot last: a status code, 255 where nothing is known."""

    def __init__(self, rows: int, columns: int, now_ms: int) -> None:
        self.slot = now_ms // SLOT_MS
        self.cells = np.full((rows, columns, SLOTS), NOTHING_KNOWN, dtype=np.uint8)

    def move(self, move: Move) -> None:
        """Follow a new order of the rows; new ones are empty."""
        self.cells = move.carried(self.cells, NOTHING_KNOWN)

    def roll(self, now_ms: int) -> bool:
        """Make room for the running slot; return whether anything moved. A clock running backwards moves nothing."""
        by = min(now_ms // SLOT_MS - self.slot, SLOTS)
        if by <= 0:
            return False
        self.slot = now_ms // SLOT_MS
        self.cells[:, :, : SLOTS - by] = self.cells[:, :, by:].copy()
        self.cells[:, :, SLOTS - by :] = NOTHING_KNOWN
        return True

    def mark(
        self, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], at_ms: npt.NDArray[np.int64], status: Codes
    ) -> None:
        """Take in results in any order: a slot keeps the worst. Results without a vote say nothing, but for rests."""
        place = SLOTS - 1 - np.maximum(0, self.slot - at_ms // SLOT_MS)
        told = (place >= 0) & (status != Status.UNKNOWN)
        rows, columns, place, status = rows[told], columns[told], place[told], status[told]
        flat = self.cells.reshape(-1)
        target = (rows * self.cells.shape[1] + columns) * SLOTS + place
        rank = RANK[status]
        order = np.lexsort((rank, target))
        target, status, rank = target[order], status[order], rank[order]
        is_worst = np.append(target[1:] != target[:-1], True)[: len(target)]
        target, status, rank = target[is_worst], status[is_worst], rank[is_worst]
        is_worse = rank > RANK[flat[target]]
        flat[target[is_worse]] = status[is_worse]
