"""A window on a real board, real commands and a store in memory; coroutines run on qasync's loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from pingmon_gui.alerting import Alerting
from pingmon_gui.domain.error import ProbeUnreachable
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.command import Commands
from pingmon_gui.engine.event import EventHub
from pingmon_gui.engine.incident_tracker import IncidentTracker
from pingmon_gui.engine.link import ProbeStatus
from pingmon_gui.engine.standing_book import StandingBook
from pingmon_gui.engine.version_table import VersionTable
from pingmon_gui.fleet.secret_store import ChannelSecretStore
from pingmon_gui.ui.crash_dialog import CrashReporter
from pingmon_gui.ui.main_window import MainWindow
from pingmon_gui.ui.provision_port import Provisioning
from pingmon_gui.ui.theme import ThemeSwitch
from tests.engine.fakes import FakeClock, FakeStore, batch, monitor, voting


@dataclass
class Bench:
    """What the window stands on, and ways to feed it."""

    clock: FakeClock
    board: Board
    hub: EventHub
    store: FakeStore
    standings: StandingBook
    commands: Commands
    data_dir: Path
    sequence: int = 1

    def __post_init__(self) -> None:
        self.incidents = IncidentTracker(self.store, self.board, self.standings, self.hub, self.clock)
        secrets = ChannelSecretStore(self.data_dir)
        self.alerts = Alerting(self.store, self.board, self.incidents, self.hub, self.clock, secrets)  # type: ignore[arg-type]

    @property
    def preferences(self) -> Preferences:
        return self.commands.preferences

    async def ask_probe(self, id_: ProbeId) -> ProbeStatus:
        raise ProbeUnreachable("There is no probe behind this board.")

    async def rename(self, id_: ProbeId, name: str) -> Probe:
        return replace(self.board.probes[id_].probe, name=name)

    async def recall(self, monitor: MonitorId) -> None:
        for probe, result, _status in await self.store.latest(monitor):
            self.board.put_detail(monitor, probe, result)

    def take_over(self, id_: ProbeId) -> None:
        raise AssertionError("nobody asked for this")

    async def forget(self, id_: ProbeId) -> None:
        self.board.set_probes(health for health in self.board.probes.values() if health.probe.id != id_)

    def provisioning(self) -> Provisioning:
        raise AssertionError("nothing is set up on a board")

    def feed(self, *statuses: tuple[int, int], probe: int = 1, rounds: int = 2) -> None:
        """Let (monitor, status) be measured by a probe, as often as confirms it."""
        for _ in range(rounds):
            self.clock.advance(2_000)
            rows = [(number, self.clock.now_ms(), status) for number, status in statuses]
            self.board.apply(batch(rows, probe=probe, first_seq=self.sequence))
            self.sequence += len(rows)


MakeBench = Callable[..., Bench]


@pytest.fixture
def make_bench(tmp_path: Path) -> MakeBench:
    """Return a maker of boards: monitors, and the regions that have a probe (probe 1, 2, ...)."""

    def make(monitors: Sequence[Monitor] = (), regions: Sequence[Region] = (Region.LOCAL,)) -> Bench:
        clock = FakeClock()
        board = Board(clock)
        board.set_probes([voting(place + 1, region) for place, region in enumerate(regions)])
        board.put_monitors(monitors)
        board.take_changes()
        hub, store = EventHub(), FakeStore(*monitors)
        versions = VersionTable(store.kept.versions)
        standings = StandingBook(store, board, hub, clock)
        commands = Commands(store, board, versions, hub, lambda: [], Preferences({}), standings)
        return Bench(clock, board, hub, store, standings, commands, tmp_path)

    return make


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[ThemeSwitch]:
    switch = ThemeSwitch()
    switch.set_mode("light")
    yield switch
    switch.set_mode("system")


@pytest.fixture
def show_window(qtbot: QtBot, theme: ThemeSwitch) -> Iterator[Callable[[Bench], MainWindow]]:
    """Return a function that shows the window on a bench and waits until it is there."""
    windows: list[MainWindow] = []

    def show(bench: Bench) -> MainWindow:
        window = MainWindow(bench, theme, CrashReporter(), bench.clock.now_ms)
        windows.append(window)
        window.resize(1200, 700)
        with qtbot.waitExposed(window):
            window.show()
        window.activateWindow()
        return window

    yield show
    for window in windows:
        window.bridge.stop()
        window.allow_close()
        window.close()
        window.deleteLater()
    QApplication.processEvents()


def numbered(count: int, **values: Any) -> list[Monitor]:
    """Return monitors 10, 11 ... named "site 10" ..."""
    return [monitor(10 + place, name=f"site {10 + place}", **values) for place in range(count)]
