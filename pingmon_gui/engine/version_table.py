"""Whose a result is, which interval it holds by and which limit for slow held for it: by its monitor and version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain import family
from pingmon_gui.domain.availability import holding_interval_ms
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.result import FailureEvidence, ResultBatch
from pingmon_gui.engine.port import VersionPort


class VersionTable:
    """Looks up whole columns at once. Versions of deleted monitors stay: a deletion can be undone."""

    def __init__(self, versions: Mapping[tuple[MonitorId, int], VersionPort]) -> None:
        self._rows = {
            key: (holding_interval_ms(row.interval_ms, row.timeout_ms), row.slow_ms, row.family)
            for key, row in versions.items()
        }
        self._of_each = {id_ for (id_, _), row in versions.items() if row.family == family.EACH}
        self._is_sorted = False

    def add(self, monitors: Iterable[Monitor]) -> None:
        for monitor in monitors:
            s = monitor.settings
            self._rows[monitor.id, monitor.version] = (s.holding_interval_ms, s.slow_ms, s.family)
            if monitor.has_each_family:
                self._of_each.add(monitor.id)
        self._is_sorted = False

    def claimed(self, batch: ResultBatch) -> ResultBatch:
        """Return a batch in which the second checks' results have their monitor, and both checks' their family.

        Where a check failed before it had an address, a probe may not say which family that was.
        """
        if not self._of_each:
            return batch
        if not self._is_sorted:
            self._sort()
        place = np.minimum(np.searchsorted(self._twins, batch.monitor), len(self._twins) - 1)
        is_second = self._twins[place] == batch.monitor
        monitor = np.where(is_second, self._with_twins[place], batch.monitor)
        found, is_known = self._find(monitor, batch.version)
        is_of_each = is_known & (self._setting[found] == family.EACH)
        checked = np.where(is_second, family.IPV6, family.IPV4)
        return replace(
            batch,
            monitor=np.where(is_of_each, monitor, batch.monitor),
            family=np.where(is_of_each, checked, batch.family).astype(np.int8),
            evidence=tuple(self._claimed_evidence(one) for one in batch.evidence),
        )

    def _claimed_evidence(self, one: FailureEvidence) -> FailureEvidence:
        with_twin = MonitorId(family.twin_id(one.monitor))
        return replace(one, monitor=with_twin) if with_twin in self._of_each else one

    def look_up(
        self, monitor: npt.NDArray[np.int64], version: npt.NDArray[np.int32]
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return (is known, holding_interval_ms, slow_ms), one element per result; what is not known reads 0."""
        if not self._is_sorted:
            self._sort()
        if not len(self._keys):
            nothing = np.zeros(len(monitor), dtype=np.int64)
            return np.zeros(len(monitor), dtype=np.bool_), nothing, nothing
        found, is_known = self._find(monitor, version)
        return is_known, np.where(is_known, self._interval_ms[found], 0), np.where(is_known, self._slow_ms[found], 0)

    def are_second(self, batch: ResultBatch) -> npt.NDArray[np.bool_] | None:
        """Return which results of a claimed batch belong to a second series; None while no monitor has two."""
        if not self._of_each:
            return None
        found, is_known = self._find(batch.monitor, batch.version)
        is_second: npt.NDArray[np.bool_] = is_known & (
            (self._setting[found] == family.IPV6)
            | ((self._setting[found] == family.EACH) & (batch.family == family.IPV6))
        )
        return is_second

    def _find(
        self, monitor: npt.NDArray[np.int64], version: npt.NDArray[np.int32]
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        """Return the place of each result's row, and whether it is one at all."""
        # An id has up to 53 bits and a version 31: the place of the id makes both fit into one key.
        place = np.minimum(np.searchsorted(self._ids, monitor), len(self._ids) - 1)
        key = (place << 32) | version.astype(np.int64)
        found = np.minimum(np.searchsorted(self._keys, key), len(self._keys) - 1)
        return found, (self._ids[place] == monitor) & (self._keys[found] == key)

    def _sort(self) -> None:
        # 2^31 versions and 64-bit ids: Python's tuples sort without overflow, and this is rare.
        rows = sorted(self._rows.items())
        monitor = np.array([key[0] for key, _ in rows], dtype=np.int64)
        version = np.array([key[1] for key, _ in rows], dtype=np.int64)
        self._ids, place = np.unique(monitor, return_inverse=True)
        self._keys = (place.astype(np.int64) << 32) | version
        self._interval_ms = np.array([value[0] for _, value in rows], dtype=np.int64)
        self._slow_ms = np.array([value[1] for _, value in rows], dtype=np.int64)
        self._setting = np.array([value[2] for _, value in rows], dtype=np.int64)
        twins = sorted((family.twin_id(id_), id_) for id_ in self._of_each)
        self._twins, self._with_twins = np.array(twins, dtype=np.int64).reshape(-1, 2).T
        self._is_sorted = True
