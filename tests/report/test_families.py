"""History, explanation and report of a domain that is measured over each family: of both, or of one of them."""

from __future__ import annotations

import asyncio
from datetime import UTC
from pathlib import Path

import numpy as np

from pingmon_gui.domain.explanation import Held
from pingmon_gui.domain.history import HOUR_MS
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.timeline import Standing
from pingmon_gui.report.explain import explained_region
from pingmon_gui.report.gather import gather
from pingmon_gui.report.history_view import read_history
from tests.store.helper import START_MS, Clock, Measured, open_store
from tests.store.test_families import add_each, over

END_MS = START_MS + HOUR_MS
STEPS = range(0, HOUR_MS, 10_000)


def test_each_family_and_both_together_have_figures_that_explain_themselves(tmp_path: Path) -> None:
    async def main() -> None:
        store = open_store(tmp_path, Clock(END_MS))
        site = await add_each(store)
        # IPv4 is well for the hour; IPv6 fails in its second half, five seconds after each of them.
        store.append(over(4, [Measured(site.id, START_MS + ms, total_us=20_000) for ms in STEPS], 1))
        rows = [
            Measured(site.id, START_MS + ms, Status.OFFLINE if ms >= HOUR_MS // 2 else Status.ONLINE, 40_000)
            for ms in STEPS
        ]
        store.append(over(6, rows, len(rows) + 1))
        await store.save_standings([(site.id, Standing(START_MS, frozenset({Region.EU})))], END_MS)
        await store.flush()

        for family, voices, latency_ms, lost_ms in (
            (0, 2, (20, 40), HOUR_MS // 2),
            (4, 1, (20,), 0),
            (6, 1, (40,), HOUR_MS // 2),
        ):
            view = await read_history(store, site.id, START_MS, END_MS, HOUR_MS, END_MS, family)
            (eu,) = view.regions
            assert view.has_families and eu.voices == voices
            means = sorted({float(one.total_ms[0]) for one in eu.results})
            assert np.allclose(means, latency_ms)
            assert int(eu.buckets.known_ms.sum()) == voices * HOUR_MS
            told = await explained_region(store, site.id, Region.EU, START_MS, END_MS, END_MS, family)
            assert told.time.asked_ms == voices * HOUR_MS
            assert told.time.known_ms - told.time.available_ms == told.total_ms(Held.OFFLINE) == lost_ms
            assert {one.family for one in told.intervals} == ({4, 6} if not family else {6} if family == 6 else {0})

        report = await gather(store, [site], START_MS, END_MS, END_MS, UTC)
        (region,) = report.monitors[0].regions
        assert region.availability == (await explained_region(store, site.id, Region.EU, START_MS, END_MS, END_MS)).time
        assert region.availability.ratio == 0.75 and region.availability.coverage == 1.0
        assert region.results == 2 * len(STEPS)
        await store.close()

    asyncio.run(main())
