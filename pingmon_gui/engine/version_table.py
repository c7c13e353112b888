"""Which interval a result holds by, and which limit for slow held for it: by its monitor and version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain.availability import holding_interval_ms
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.engine.port import VersionPort


class VersionTable:
    """Looks up whole columns at once. Versions of deleted monitors stay: a deletion can be undone."""

    def __init__(self, versions: Mapping[tuple[MonitorId, int], VersionPort]) -> None:
        self._rows = {
            key: (holding_interval_ms(row.interval_ms, row.timeout_ms), row.slow_ms) for key, row in versions.items()
        }
        self._is_sorted = False

    def add(self, monitors: Iterable[Monitor]) -> None:
        for monitor in monitors:
            self._rows[monitor.id, monitor.version] = (monitor.settings.holding_interval_ms, monitor.settings.slow_ms)
        self._is_sorted = False

    def look_up(
        self, monitor: npt.NDArray[np.int64], version: npt.NDArray[np.int32]
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return (is known, holding_interval_ms, slow_ms), one element per result; what is not known reads 0."""
        if not self._is_sorted:
            self._sort()
        if not len(self._keys):
            nothing = np.zeros(len(monitor), dtype=np.int64)
            return np.zeros(len(monitor), dtype=np.bool_), nothing, nothing
        # An id has up to 53 bits and a version 31: the place of the id makes both fit into one key.
        place = np.minimum(np.searchsorted(self._ids, monitor), len(self._ids) - 1)
        key = (place << 32) | version.astype(np.int64)
        found = np.minimum(np.searchsorted(self._keys, key), len(self._keys) - 1)
        is_known = (self._ids[place] == monitor) & (self._keys[found] == key)
        return is_known, np.where(is_known, self._interval_ms[found], 0), np.where(is_known, self._slow_ms[found], 0)

    def _sort(self) -> None:
        # 2^31 versions and 64-bit ids: Python's tuples sort without overflow, and this is rare.
        rows = sorted(self._rows.items())
        monitor = np.array([key[0] for key, _ in rows], dtype=np.int64)
        version = np.array([key[1] for key, _ in rows], dtype=np.int64)
        self._ids, place = np.unique(monitor, return_inverse=True)
        self._keys = (place.astype(np.int64) << 32) | version
        self._interval_ms = np.array([value[0] for _, value in rows], dtype=np.int64)
        self._slow_ms = np.array([value[1] for _, value in rows], dtype=np.int64)
        self._is_sorted = True
