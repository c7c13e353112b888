"""A session that watches pages of the lab's website, and what it keeps, held against what the website was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pingmon_gui.domain.history import SeriesHistory
from pingmon_gui.domain.monitor import Monitor, MonitorDraft, MonitorSettings
from pingmon_gui.domain.probe import ProbeState
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import NO_FAILURE
from pingmon_gui.engine.event import Event, ProbeChanged
from pingmon_gui.session import Session
from tests.lab.lab import Lab
from tests.lab.target import ZONE, Page
from tests.lab.waiting import PATIENCE_S, until

#: As often as can be, and soon at an end.
INTERVAL_MS = 5_000
SETTINGS = MonitorSettings(interval_ms=INTERVAL_MS, timeout_ms=1_000, slow_ms=1_000)


class Watch:
    """Give it paths of the website; `start` opens a session on the folder, `stop` closes it. No probe is local."""

    def __init__(self, lab: Lab, folder: Path, paths: Sequence[str]) -> None:
        self.lab = lab
        self.paths = paths
        self.events: list[Event] = []
        self.session = Session(folder, probes=lambda *_: [])
        self._folder = folder
        for path in paths:
            lab.target.set_page(path, Page())

    @property
    def monitors(self) -> list[Monitor]:
        return list(self.session.board.monitors.values())

    async def start(self) -> None:
        """Begin or go on; `events` begins anew."""
        self.events = []
        self.session = Session(self._folder, probes=lambda *_: [])
        self.session.hub.subscribe(self.events.append)
        await self.session.start()
        if not self.monitors:
            urls = [f"http://shop4.{ZONE}{path}" for path in self.paths]
            await self.session.commands.add([MonitorDraft(url, settings=SETTINGS) for url in urls])

    async def stop(self) -> None:
        await self.session.stop()

    def asked(self, *addresses: str) -> int:
        """Return how often hosts of these addresses asked the website for the pages."""
        return sum(hit.client in addresses and hit.path in self.paths for hit in self.lab.target.hits())

    async def asked_again(self, times: int, *addresses: str) -> None:
        """Wait until every page was asked for so many times more."""
        before = self.asked(*addresses)
        await until(
            lambda: self.asked(*addresses) >= before + times * len(self.paths), f"nothing is measured from {addresses}"
        )

    async def stored(self) -> list[int]:
        """Return the start times of all results, one series after the other; none is there twice."""
        return [int(at_ms) for series in await self._series() for at_ms in series.at_ms]

    async def answered(self) -> int:
        """Return how many results say that the website answered: one that ran out of time may not have asked it."""
        return sum(int((series.failure == NO_FAILURE).sum()) for series in await self._series())

    async def _series(self) -> list[SeriesHistory]:
        await self.session.store.flush()
        found = [await self.session.store.results(monitor.id, 0, 2**62) for monitor in self.monitors]
        flat = [series for each in found for series in each]
        assert all(len(np.unique(series.at_ms)) == len(series.at_ms) for series in flat), "a result is there twice"
        return flat

    async def stands_still(self, probe: ProbeId) -> int:
        """Pause everything, and wait until all that the probe has measured is stored; return how much that is."""
        await self.session.commands.set_paused([monitor.id for monitor in self.monitors], True)
        async with asyncio.timeout(PATIENCE_S):
            while True:
                before = await self.session.ask_probe(probe)
                count = len(await self.stored())
                after = await self.session.ask_probe(probe)
                assert count <= after.last_seq, "more is stored than was measured"
                if not before.checks and before.last_seq == count == after.last_seq:
                    return count
                await asyncio.sleep(0.1)

    async def in_state(self, probe: ProbeId, state: ProbeState) -> None:
        """Wait until a probe is in a state."""
        probes = self.session.board.probes
        await until(
            lambda: probe in probes and self.session.board.probes[probe].state is state,
            f"the probe is not {state.value}: {self.session.board.probes.get(probe)}",
        )

    def states(self, probe: ProbeId) -> list[ProbeState]:
        """Return the states of a probe that were told of, in order."""
        return [
            event.health.state
            for event in self.events
            if isinstance(event, ProbeChanged) and event.health.probe.id == probe
        ]
