"""An hour that was measured on a real store, and reports of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC
from pathlib import Path

from pingmon_gui.domain.monitor import Monitor
from pingmon_gui.report.gather import Report, gather
from tests.engine.fakes import START_MS
from tests.engine.test_incident_tracker import STEP_MS, Place, at, placed

HOUR_MS = 3_600_000


async def measure(place: Place) -> None:
    """Three probes for 400 s: 100 s offline everywhere, 50 s for one region alone, then nobody measured for 100 s."""
    local = "." * 10 + "x" * 10 + "." * 10
    europe = "." * 10 + "x" * 15 + "." * 5
    await place.play({1: local, 2: europe, 3: local})
    place.clock.advance(10 * STEP_MS)
    await place.step()
    await place.store.flush()


async def report_of(place: Place, *more: Monitor, from_ms: int = START_MS, to_ms: int = at(40)) -> Report:
    return await gather(place.store, [place.monitor, *more], from_ms, to_ms, place.clock.now_ms(), UTC)


def reported(tmp_path: Path, check: Callable[[Report], Awaitable[None]]) -> None:
    """Check the report of what was measured."""

    async def main(place: Place) -> None:
        await measure(place)
        await check(await report_of(place))

    placed(tmp_path, main)
