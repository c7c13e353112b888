"""The history window on the generated year: first pixels, frames while one moves, queries, and what roll-ups take.

A chart of 30 days has to be as quick as one of a day: both are drawn from what is rolled up to what can be seen.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import peewee
import qasync
from PySide6.QtWidgets import QApplication

from pingmon_gui.data_folder import database_path
from pingmon_gui.domain.baseline import NORMAL_DAYS
from pingmon_gui.domain.history import DAY_MS, HOUR_MS
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.resolution import bucket_length_ms
from pingmon_gui.report.history_view import read_history
from pingmon_gui.store.rollup_row import decode
from pingmon_gui.store.store import Store
from pingmon_gui.ui.history_curves import Kind
from pingmon_gui.ui.history_window import Domain, HistoryWindow
from pingmon_gui.ui.theme import ThemeSwitch
from tests.bench.harness import Row, row
from tests.bench.year import make
from tests.store.test_rollup_row import old_row

#: Full HD.
WIDTH, HEIGHT = 1920, 1080
REPEATS = 9
_FRAMES = 40
_RANGES = {"1 day": DAY_MS, "30 days": 30 * DAY_MS, "1 year": 365 * DAY_MS}
_QUERY_GOAL_MS = 30.0
_SAMPLE = 2_000


def rows() -> list[Row]:
    application = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(application, QApplication)
    theme = ThemeSwitch()
    theme.set_mode("light")
    folder = make.cached()
    store = Store.open(database_path(folder), read_only=True, now_ms=lambda: make.BENCH_END_MS)
    found: list[Row] = []
    chart = _Chart(store, theme, application)

    async def main() -> None:
        monitors = [monitor.id for monitor in store.configuration().monitors[:REPEATS]]
        found.extend(await _queries(store, monitors))
        found.extend(await chart.rows(monitors))
        await store.close()

    qasync.run(main())
    return [*found, *_sizes(database_path(folder))]


async def _queries(store: Store, monitors: list[MonitorId]) -> list[Row]:
    """Return for each range how long the slowest query behind its chart takes, and all of them together."""
    now_ms = make.BENCH_END_MS
    made: list[Row] = []
    kept = await store.kept_since()
    for name, span_ms in _RANGES.items():
        from_ms = now_ms - span_ms
        bucket_ms = bucket_length_ms(from_ms, now_ms, kept)
        days_ms = (from_ms // DAY_MS - NORMAL_DAYS) * DAY_MS
        slowest, whole = [], []
        for monitor in monitors:
            spent = [
                await _timed(store.rollups(monitor, from_ms, now_ms, bucket_ms, now_ms)),
                await _timed(store.rollups(monitor, days_ms, now_ms, DAY_MS)),
                await _timed(store.standings([monitor])),
                await _timed(store.verdict_spans([monitor], from_ms, now_ms)),
                await _timed(store.incidents(from_ms, now_ms, [monitor])),
            ]
            slowest.append(max(spent))
            whole.append(await _timed(read_history(store, monitor, from_ms, now_ms, span_ms, now_ms)))
        made.append(row(f"charts: slowest query behind {name}", "ms", slowest, goal=_QUERY_GOAL_MS, is_ratio=False))
        made.append(row(f"charts: all that is read for {name}", "ms", whole))
    results = [await _timed(store.results(monitor, now_ms - HOUR_MS, now_ms)) for monitor in monitors]
    made.append(row("charts: every result of an hour", "ms", results, goal=_QUERY_GOAL_MS, is_ratio=False))
    return made


async def _timed(work: Awaitable[Any]) -> float:
    started = time.perf_counter()
    await work
    return (time.perf_counter() - started) * 1000


class _Chart:
    """One window, opened and moved again and again; a day and 30 days take turns."""

    def __init__(self, store: Store, theme: ThemeSwitch, application: QApplication) -> None:
        self._tasks: list[asyncio.Task[Any]] = []
        self.window = HistoryWindow(store, self._spawn, lambda: make.BENCH_END_MS, theme)
        self.window.resize(WIDTH, HEIGHT)
        self.window.show()
        self.window._follow.stop()
        application.processEvents()

    def _spawn(self, work: Coroutine[Any, Any, Any], **_: Any) -> asyncio.Task[Any]:
        self._tasks.append(asyncio.get_running_loop().create_task(work))
        return self._tasks[-1]

    async def _show(self, monitor: MonitorId, span_ms: int) -> float:
        """Return the ms from asking for a domain's chart until it is painted."""
        window = self.window
        started = time.perf_counter()
        window._take(Domain(monitor, f"Domain {monitor}"))
        window._go(make.BENCH_END_MS - span_ms, make.BENCH_END_MS, span_ms)
        await asyncio.gather(*self._tasks)
        self._paint()
        spent = (time.perf_counter() - started) * 1000
        self._tasks.clear()
        await asyncio.sleep(0)
        return spent

    def _paint(self) -> None:
        """Draw and paint at once what is due with the next events."""
        window = self.window
        window._settle.stop()
        window.plot._timer.stop()
        window.plot.draw()
        window.plot.viewport().repaint()
        window.rows.repaint()

    def _frames(self, move: Callable[[int], None]) -> list[float]:
        """Return the ms of each of some moves, painted."""
        spent = []
        for number in range(_FRAMES):
            started = time.perf_counter()
            move(number)
            self._paint()
            spent.append((time.perf_counter() - started) * 1000)
        return spent

    def _pan(self, _number: int) -> None:
        self.window.plot.pan(-0.002)

    def _zoom(self, number: int) -> None:
        self.window.plot.zoom(1.01 if number % 2 else 1 / 1.01)

    async def rows(self, monitors: list[MonitorId]) -> list[Row]:
        window = self.window
        first: dict[int, list[float]] = {DAY_MS: [], 30 * DAY_MS: []}
        frames: dict[tuple[int, str], list[float]] = {}
        points: list[float] = []
        await self._show(monitors[0], DAY_MS)
        for monitor in monitors:
            for span_ms, spent in first.items():
                spent.append(await self._show(monitor, span_ms))
                points.append(window.plot.points / window.plot.plot_rect.width())
                for name, move in (("pan", self._pan), ("zoom", self._zoom)):
                    frames.setdefault((span_ms, name), []).extend(self._frames(move))
        month, day = 30 * DAY_MS, DAY_MS
        made = [
            row("charts: asked for to painted, 30 days", "ms", first[month], first[day], "1 day", 1.5),
            row("charts: most points of a curve per pixel", "", points, goal=2, is_ratio=False),
        ]
        for name in ("pan", "zoom"):
            ours, peer = frames[month, name], frames[day, name]
            made.append(row(f"charts: frame of a {name}, 30 days", "ms", ours, peer, "1 day", 1.5))
        for kind in (Kind.PERCENTILES, Kind.PHASES):
            window.tools.choose(kind)
            of_kind: dict[int, list[float]] = {}
            for span_ms in first:
                await self._show(monitors[0], span_ms)
                of_kind[span_ms] = self._frames(self._pan)
            name = f"charts: frame of a pan, {kind.name.lower()}, 30 days"
            made.append(row(name, "ms", of_kind[month], of_kind[day], "1 day", 1.5))
        window.hide()
        return made


def _sizes(path: Any) -> list[Row]:
    """Return the bytes of rows with phases against those of the format that had none, of the same buckets."""
    database = peewee.SqliteDatabase(str(path))
    database.connect()
    made = []
    tables = {"rollup_5min": "twelve buckets of 5 minutes", "rollup_hour": "an hour", "rollup_day": "a day"}
    for table, name in tables.items():
        (number,) = database.execute_sql(f"SELECT count(*) FROM {table}").fetchone()
        query = f"SELECT data FROM {table} WHERE id % {max(1, number // _SAMPLE)} = 0 LIMIT {_SAMPLE}"
        some = [data for (data,) in database.execute_sql(query)]
        ours, peer = [len(data) for data in some], [len(old_row(decode(data))) for data in some]
        made.append(row(f"roll-ups: bytes of {name}", "B", ours, peer, "the same without phases (format 1)"))
    database.close()
    return made
