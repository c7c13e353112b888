"""When which monitors rested, as columns: says of a whole batch at once which results do not count."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain.maintenance import Span
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.engine.hour import Flags, Ints


class RestTable:
    """Never changes. Spans of one monitor do not overlap."""

    def __init__(self, rests: Iterable[tuple[MonitorId, Span]] = ()) -> None:
        rows = [(monitor, span.start_ms, span.end_ms) for monitor, span in rests]
        columns = np.array(rows, dtype=np.int64).reshape(len(rows), 3)
        columns = columns[np.argsort(columns[:, 0], kind="stable")]
        self._monitor, self._start_ms, self._end_ms = columns.T

    def covers(self, monitor: Ints, at_ms: Ints) -> Flags:
        """Return for each result, of a monitor at a time, whether it was measured in a rest."""
        found = np.zeros(len(monitor), dtype=np.bool_)
        if len(self._monitor) == 0 or len(monitor) == 0:
            return found
        near: npt.NDArray[np.bool_] = (self._start_ms <= at_ms.max()) & (self._end_ms > at_ms.min())
        if not near.any():
            return found
        monitors, start_ms, end_ms = self._monitor[near], self._start_ms[near], self._end_ms[near]
        first = np.searchsorted(monitors, monitor)
        count = np.searchsorted(monitors, monitor, side="right") - first
        for place in range(int(count.max())):
            has = np.flatnonzero(count > place)
            row = first[has] + place
            found[has] |= (start_ms[row] <= at_ms[has]) & (at_ms[has] < end_ms[row])
        return found
