"""The world map and the time machine: painting, idling, and from the slider's move to the painted moment.

The map shows 100 domains from 5 regions; what comes in a second is applied in one go, as the collector does it. The
time machine stands on the generated year (`tests/bench/year`).
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
import qasync
from PySide6.QtCore import QSettings, QSize
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from pingmon_gui.data_folder import database_path
from pingmon_gui.domain.history import DAY_MS, HOUR_MS
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.region import REGIONS
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.time_machine import TimeMachine
from pingmon_gui.store.store import Store
from pingmon_gui.ui.async_slot import Spawner
from pingmon_gui.ui.kiosk import Kiosk
from pingmon_gui.ui.map_places import OwnPlaces
from pingmon_gui.ui.map_scene import map_scene
from pingmon_gui.ui.map_source import MapSource
from pingmon_gui.ui.map_view import MapView
from pingmon_gui.ui.theme import ThemeSwitch
from pingmon_gui.ui.time_window import TimeWindow
from tests.bench.harness import Row, percentile, row
from tests.bench.year import make
from tests.engine.fakes import FakeClock, batch, monitor, voting

MONITORS = 100
FULL_HD, UHD = QSize(1920, 1080), QSize(3840, 2160)
REPEATS = 9
IDLE_S = 20.0
SEEKS = 12


class Live:
    """A board that 100 domains are measured for from 5 regions, every 10 s each, spread over the seconds."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.board = Board(self.clock)
        self._probes = [voting(place + 1, region) for place, region in enumerate(REGIONS[1:])]
        self.board.set_probes(self._probes)
        self.board.put_monitors([monitor(10 + n, name=f"Domain {n}") for n in range(MONITORS)])
        self._random = np.random.default_rng(1)
        self._sequence = 1
        for _ in range(20):
            self.second()

    def second(self) -> None:
        """Let a second pass, with the tenth of all results that it brings."""
        self.clock.advance(1_000)
        turn = self.clock.now_ms() // 1_000 % 10
        for health in self._probes:
            rows = [(10 + n, self.clock.now_ms() - n, 0 if n != 30 else 2) for n in range(turn, MONITORS, 10)]
            made = batch(rows, probe=health.probe.id, first_seq=self._sequence)
            made.total_ms[:] *= self._random.uniform(0.4, 4.0, len(rows))
            self.board.apply(made)
            self._sequence += len(rows)
        self.board.tick(self.clock.now_ms())


def rows() -> list[Row]:
    application = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(application, QApplication)
    application.setQuitOnLastWindowClosed(False)
    theme = ThemeSwitch()
    theme.set_mode("dark")
    made = _painting(theme) + _idling(theme)
    return made + _seeking(theme)


def _timed(work: Callable[[], object], times: int = REPEATS) -> list[float]:
    spent = []
    for _ in range(times):
        began_s = time.perf_counter()
        work()
        spent.append((time.perf_counter() - began_s) * 1000)
    return spent


# The map


def _painting(theme: ThemeSwitch) -> list[Row]:
    live = Live()
    made: list[Row] = []
    for name, size, goal in (("full HD", FULL_HD, 16), ("4K", UHD, 50)):
        view = MapView(is_wall=True)
        view.zoom = size.height() / 520
        view.resize(size)
        view.set_probes(tuple(health.probe for health in live.board.probes.values()), {})
        image = QImage(size, QImage.Format.Format_ARGB32_Premultiplied)
        for shown, chosen in (("one domain", MonitorId(10)), ("all domains", None)):
            view.show_scene(map_scene(live.board, chosen))
            view.render(image)
            spent = _timed(lambda view=view, image=image: view.render(image))
            made.append(row(f"map, {name}: whole repaint, {shown}", "ms", spent, goal=goal, is_ratio=False))
        made.append(row(f"map, {name}: land painted anew", "ms", _timed(lambda view=view: _anew(view), 5)))

        def turn(view: MapView = view) -> None:
            live.second()
            view.show_scene(map_scene(live.board, MonitorId(10)), is_live=False)

        made.append(row(f"map, {name}: a second's results taken in and laid out", "ms", _timed(turn, 20)))
        view.deleteLater()
    theme.set_mode("dark")
    return made


def _anew(view: MapView) -> None:
    view.refresh()
    view.grab()


def _idling(theme: ThemeSwitch) -> list[Row]:
    """CPU of the whole process while results come; what feeds the board is measured alone and taken off."""
    made: list[Row] = []
    settings = QSettings()

    async def fed(live: Live, seconds: float) -> float:
        began_s, spent_s = time.perf_counter(), time.process_time()
        while time.perf_counter() - began_s < seconds:
            live.second()
            await asyncio.sleep(1.0)
        return (time.process_time() - spent_s) / (time.perf_counter() - began_s) * 100

    async def main() -> None:
        alone = await fed(Live(), IDLE_S / 2)
        for name, is_animated, chosen in (
            ("one domain", True, MonitorId(10)),
            ("all domains", True, None),
            ("all domains, nothing moving", False, None),
        ):
            live = Live()
            view = MapView()
            view.is_animated = is_animated
            view.resize(FULL_HD)
            source = MapSource(live.board, view, OwnPlaces(settings))
            source.choose(chosen)
            view.show()
            source.start()
            await asyncio.sleep(1.0)
            cpu = await fed(live, IDLE_S)
            source.stop()
            view.close()
            view.deleteLater()
            made.append(
                row(f"map, full HD: CPU, {name}", "% of a core", [max(0.0, cpu - alone)], goal=3, is_ratio=False)
            )
        live = Live()
        kiosk = Kiosk(live.board, OwnPlaces(settings), theme, live.clock.now_ms, UHD)
        kiosk.begin(None)
        kiosk.resize(UHD)
        await asyncio.sleep(1.0)
        cpu = await fed(live, IDLE_S)
        kiosk.leave()
        kiosk.deleteLater()
        made.append(row("kiosk, 4K: CPU", "% of a core", [max(0.0, cpu - alone)], goal=3, is_ratio=False))

    qasync.run(main())
    return made


# The time machine


def _seeking(theme: ThemeSwitch) -> list[Row]:
    folder = make.cached()
    end_ms = make.BENCH_END_MS
    made: list[Row] = []

    async def main() -> None:
        store = Store.open(database_path(folder), read_only=True, now_ms=lambda: end_ms)
        spawner = Spawner(_raise, _raise)
        settings = QSettings()
        machine = TimeMachine(store)
        window = TimeWindow(machine, store, OwnPlaces(settings), spawner.spawn, lambda: end_ms, theme)
        window.resize(FULL_HD)
        began_s = time.perf_counter()
        window.show()
        await _painted(window, end_ms - 1_000)
        made.append(row("time machine: opened to painted, a year", "ms", [(time.perf_counter() - began_s) * 1000]))
        pick = random.Random(1)
        to_exact: list[float] = []

        async def seek(moments: Sequence[int]) -> list[float]:
            spent = []
            for at_ms in moments:
                began_s = time.perf_counter()
                window.bar.setValue(at_ms // 1_000)
                await _painted(window, at_ms // 1_000 * 1_000)
                spent.append((time.perf_counter() - began_s) * 1000)
                await _painted(window, at_ms // 1_000 * 1_000, exact_ms=machine.exact_ms(at_ms))
                to_exact.append((time.perf_counter() - began_s) * 1000)
            return spent

        base_ms = end_ms - 3 * DAY_MS
        far = [end_ms - pick.randrange(5, 150) * HOUR_MS - pick.randrange(HOUR_MS) for _ in range(SEEKS)]
        made.append(_seek_row("anywhere in the last week, nothing read yet", await seek(far)))
        made.append(row("time machine: the same, to every result, p90", "ms", [percentile(to_exact, 0.9)]))
        await seek([base_ms])
        near = [base_ms // HOUR_MS * HOUR_MS + pick.randrange(HOUR_MS) for _ in range(3 * SEEKS)]
        made.append(_seek_row("within an hour that was read (a drag)", await seek(near)))
        beside: list[float] = []
        for step in range(1, SEEKS):
            await machine.prefetch(base_ms - step * HOUR_MS)
            beside += await seek([base_ms - step * HOUR_MS])
        made.append(_seek_row("on to an hour that was read ahead", beside))
        month = [end_ms - 10 * DAY_MS - pick.randrange(15 * DAY_MS) for _ in range(SEEKS)]
        made.append(_seek_row("where five minutes are kept", await seek(month)))
        year = [end_ms - 40 * DAY_MS - pick.randrange(300 * DAY_MS) for _ in range(SEEKS)]
        made.append(_seek_row("where hours are kept", await seek(year)))
        window.choices.button(1).click()
        await seek([base_ms])
        made.append(_seek_row("within an hour that was read, on the map", await seek(near)))
        window.hide()
        await spawner.close()
        await store.close()
        window.deleteLater()

    qasync.run(main())
    return made


def _seek_row(name: str, spent: Sequence[float]) -> Row:
    told = f"time machine: slider to painted, {name}, p90"
    return row(told, "ms", [percentile(spent, 0.9)], goal=100, is_ratio=False)


async def _painted(window: TimeWindow, at_ms: int, exact_ms: int | None = None) -> None:
    """Wait until a moment is shown, as exactly as that, and have it painted."""

    def is_shown() -> bool:
        frame = window.board.frame
        return frame.at_ms == at_ms and exact_ms in (None, frame.exact_ms)

    for _ in iter(is_shown, True):
        await asyncio.sleep(0.001)
    shown = window.map if window.views.currentIndex() else window.table.viewport()
    shown.repaint()
    window.cards.repaint()


def _raise(error: BaseException) -> None:
    raise error
