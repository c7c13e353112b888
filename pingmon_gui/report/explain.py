"""Reads what an availability is made of, for `domain.explanation`. The figures are those of `domain.strip`."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Protocol

from pingmon_gui.domain.asked_time import asked_from_ms, asked_time, maintenance_time
from pingmon_gui.domain.explanation import Explanation, explain_domain, explain_region
from pingmon_gui.domain.family import AUTOMATIC, IPV6
from pingmon_gui.domain.history import SeriesHistory, SeriesRollup
from pingmon_gui.domain.incident import Incident
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.resolution import Kept, bucket_length_ms
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.timeline import Standing, VerdictSpan


class HistoryStore(Protocol):
    """What history is read from."""

    async def flush(self) -> None: ...

    async def kept_since(self) -> Kept: ...

    async def results(self, monitor: MonitorId, from_ms: int, to_ms: int) -> list[SeriesHistory]: ...

    async def rollups(
        self, monitor: MonitorId, from_ms: int, to_ms: int, bucket_ms: int, now_ms: int | None = None
    ) -> list[SeriesRollup]: ...

    async def standings(self, monitors: Collection[MonitorId] | None = None) -> dict[MonitorId, list[Standing]]: ...

    async def all_probes(self) -> dict[ProbeId, Probe]: ...

    async def judged_until_ms(self) -> int | None: ...

    async def verdict_spans(
        self, monitors: Collection[MonitorId], from_ms: int, to_ms: int
    ) -> dict[MonitorId, list[VerdictSpan]]: ...

    async def incidents(
        self, from_ms: int, to_ms: int, monitors: Collection[MonitorId] | None = None
    ) -> list[Incident]: ...


async def explained_region(
    store: HistoryStore,
    monitor: MonitorId,
    region: Region,
    from_ms: int,
    to_ms: int,
    now_ms: int,
    family: int = AUTOMATIC,
) -> Explanation:
    """Return what made a region's availability in [from_ms, to_ms), which ends by now. Raises StorageError.

    Where each family is measured it is that of `family`, or of both together. Where results are kept no longer,
    `from_ms` has to be the beginning of a bucket of `bucket_length_ms`.
    """
    # What the board has counted already may wait to be written.
    await store.flush()
    kept = await store.kept_since()
    standings = (await store.standings([monitor])).get(monitor, [])
    mine = {id_ for id_, probe in (await store.all_probes()).items() if probe.region is region}
    bucket_ms = bucket_length_ms(from_ms, to_ms, kept)
    raw_from_ms = to_ms if kept.whole_raw_ms is None else -(-kept.whole_raw_ms // bucket_ms) * bucket_ms
    raw_from_ms = min(max(from_ms, raw_from_ms), to_ms)
    rollups = []
    if from_ms < raw_from_ms:
        rollups = await store.rollups(monitor, from_ms, raw_from_ms, bucket_ms, now_ms)
    histories = await store.results(monitor, raw_from_ms, to_ms) if raw_from_ms < to_ms else []
    has_two = any(one.series.is_second for one in histories) or any(one.series.is_second for one in rollups)
    if family and has_two:
        histories = [one for one in histories if one.series.is_second == (family == IPV6)]
        rollups = [one for one in rollups if one.series.is_second == (family == IPV6)]
    return await asyncio.to_thread(
        explain_region,
        [one for one in histories if one.series.probe in mine],
        [one for one in rollups if one.series.probe in mine],
        asked_time(standings, region, from_ms, to_ms),
        from_ms,
        raw_from_ms,
        to_ms,
    )


async def explained_domain(store: HistoryStore, monitor: MonitorId, from_ms: int, to_ms: int) -> Explanation:
    """Return what made a domain's availability in [from_ms, to_ms): its verdicts. Raises StorageError."""
    standings = (await store.standings([monitor])).get(monitor, [])
    spans = (await store.verdict_spans([monitor], from_ms, to_ms))[monitor]
    incidents = await store.incidents(from_ms, to_ms, [monitor])
    maintenance = maintenance_time(standings, from_ms, to_ms)
    begin_ms = asked_from_ms(standings)
    return await asyncio.to_thread(explain_domain, spans, incidents, maintenance, from_ms, to_ms, begin_ms)
