"""A board that the maps of these tests show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QApplication

from pingmon_gui.domain.probe import ProbeHealth
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.status import Status
from pingmon_gui.engine.board import Board
from pingmon_gui.ui.theme import ThemeSwitch
from tests.engine.fakes import FakeClock, batch, monitor, voting

ON, SLOW, OFF = Status.ONLINE, Status.SLOW, Status.OFFLINE
#: Latency from the probes of `abroad`, in their order.
LATENCY_MS = {1: 96.0, 2: 18.0, 3: 182.0, 4: 9.0}


def abroad() -> list[ProbeHealth]:
    regions = (Region.NA, Region.EU, Region.AS, Region.LOCAL)
    probes = [voting(place + 1, region) for place, region in enumerate(regions)]
    return [replace(one, probe=replace(one.probe, name=f"vps-{one.probe.region}")) for one in probes]


class Live:
    """A board and its clock; `feed` lets every probe measure, `bad` holds what is not well by (probe, monitor)."""

    def __init__(self, *names: str, probes: list[ProbeHealth] | None = None) -> None:
        self.clock = FakeClock()
        self.board = Board(self.clock)
        self.board.set_probes(abroad() if probes is None else probes)
        self.board.put_monitors([monitor(10 + n, name=name) for n, name in enumerate(names)])

    def feed(self, bad: dict[tuple[int, int], Status] | None = None, rounds: int = 2) -> None:
        for _ in range(rounds):
            self.clock.advance(10_000)
            for id_ in self.board.probes:
                statuses = {one: (bad or {}).get((int(id_), int(one)), ON) for one in self.board.ids}
                made = batch([(one, self.clock.now_ms(), status) for one, status in statuses.items()], probe=id_)
                made.total_ms[made.status == ON] = LATENCY_MS[int(id_)]
                self.board.apply(made)
        self.board.tick(self.clock.now_ms())


@pytest.fixture
def live() -> Callable[..., Live]:
    return Live


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[ThemeSwitch]:
    switch = ThemeSwitch()
    switch.set_mode("light")
    yield switch
    switch.set_mode("system")
