"""The real window under load, measured from inside: a process of `app_bench`, which see.

`seed FOLDER MONITORS` makes a data folder; `run FOLDER [--rate R] PHASE...` opens the window on it with five
probes that make results up and prints one JSON object of figures; `start FOLDER` and `start-bare` print when their
first frame was painted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, ClassVar

#: Before anything of Qt is imported: a screen of its own size and no compositor.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

WIDTH, HEIGHT = 1920, 1080
BEAT_MS = 5
FRAME_S = 1 / 60
SCROLL_PIXELS = 40
#: Every series has its first result after one interval; then plan, warm start and first paints are over, too. What
#: may remain is to judge what the time since the last run was like.
SETTLE_S = 12.0

Figures = dict[str, Any]


def seed(folder: Path, count: int) -> None:
    """Make a data folder with monitors."""
    from pingmon_gui.data_folder import database_path
    from pingmon_gui.domain.monitor import MonitorDraft
    from pingmon_gui.store.store import Store

    async def add() -> None:
        store = Store.open(database_path(folder), now_ms=lambda: time.time_ns() // 1_000_000)
        await store.add_monitors(
            [MonitorDraft(f"https://d{n}.example/", f"Domain {n}", tags=(f"team {n % 7}",)) for n in range(count)]
        )
        await store.close()

    folder.mkdir(parents=True)
    asyncio.run(add())


def feeding_links(rate: float | None, load_core: str | None) -> Callable[[Path, object], Sequence[Any]]:
    """Return a factory of five links to probes that make up `rate` results/s each (None: what the plan asks for)."""
    from pingmon_gui.domain.probe import Probe
    from pingmon_gui.domain.region import REGIONS
    from pingmon_gui.domain.result import ProbeId
    from pingmon_gui.fleet.embedded import EmbeddedProbe
    from tests.bench.feeding_probe import feeding_command
    from tests.bench.harness import pin

    command = feeding_command(rate)
    if load_core is not None:
        command = [*pin(int(load_core)), *command]

    def make(folder: Path, _now_ms: object) -> Sequence[Any]:
        return [
            EmbeddedProbe(Probe(ProbeId(10 + n), region.value, region), folder / f"spool-{n}", command)
            for n, region in enumerate(REGIONS[1:])
        ]

    return make


class Beat:
    """A timer that asks to be called every 5 ms.

    `late_ms` is by how much each call came too late, `busy_ms` what this thread worked between two calls: at least as
    much as it was late by its own fault, however busy the machine is.
    """

    def __init__(self) -> None:
        from PySide6.QtCore import Qt, QTimer

        self.late_ms: list[float] = []
        self.busy_ms: list[float] = []
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._on_beat)
        self._before_s = self._before_cpu_s = 0.0

    def start(self) -> None:
        self.late_ms, self.busy_ms = [], []
        self._before_s, self._before_cpu_s = time.perf_counter(), time.thread_time()
        self._timer.start()

    def stop(self) -> list[float]:
        self._timer.stop()
        return self.late_ms

    def _on_beat(self) -> None:
        now_s, cpu_s = time.perf_counter(), time.thread_time()
        self.late_ms.append(max(0.0, (now_s - self._before_s) * 1000 - BEAT_MS))
        self.busy_ms.append((cpu_s - self._before_cpu_s) * 1000)
        self._before_s, self._before_cpu_s = now_s, cpu_s


class Watch:
    """What the process spent and collected between two moments."""

    def __init__(self, collected: Callable[[], int]) -> None:
        self._collected = collected
        self._began = self._now()

    def figures(self) -> Figures:
        then, now = self._began, self._now()
        spent = {name: now[name] - then[name] for name in now}
        seconds = spent.pop("at_s")
        return {
            "seconds": seconds,
            "results": spent["results"],
            "results_per_s": spent["results"] / seconds,
            "process_cpu": spent["process_cpu_s"] / seconds * 100,
            "gui_cpu": spent["thread_cpu_s"] / seconds * 100,
            "written_bytes": spent["written"],
        }

    def _now(self) -> dict[str, float]:
        io = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
        return {
            "at_s": time.perf_counter(),
            "results": self._collected(),
            "process_cpu_s": time.process_time(),
            "thread_cpu_s": time.thread_time(),
            "written": int(io["write_bytes"]),
        }


class Meter:
    """Runs the phases in the window's own loop."""

    def __init__(self, run: Any, opened: asyncio.Event) -> None:
        self._run = run
        self._opened = opened
        self._beat = Beat()
        self.figures: Figures = {}

    async def measure_floor(self) -> None:
        """Measure the timer itself, in a loop that has nothing else to do."""
        self._beat.start()
        await asyncio.sleep(1.5)
        self.figures["floor_ms"] = self._beat.stop()

    async def measure(self, phases: Sequence[str]) -> None:
        """Wait until everything that a start brings with it is over, go through the phases, quit."""
        await self._opened.wait()
        window = self._run.window
        window.window().resize(WIDTH, HEIGHT)
        self._beat.start()
        began_s = time.perf_counter()
        await asyncio.sleep(SETTLE_S)
        while self._is_judging():  # noqa: ASYNC110
            await asyncio.sleep(0.5)
        self.figures["settling_ms"] = self._beat.stop()
        self.figures["settling_s"] = time.perf_counter() - began_s
        for phase in phases:
            await getattr(self, f"_{phase}")(window)
        self.figures["resident_mb"] = _resident_mb()
        self.figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        self.figures["collected"] = self._collected()
        self._run.on_quit_asked()

    def _is_judging(self) -> bool:
        session = self._run.session
        return bool(session._engine.incidents._waiting) or session.board.past_from_ms < time.time_ns() // 1_000_000

    def _collected(self) -> int:
        return sum(room.collector._seq for room in self._run.session._engine._rooms)

    def _watch(self) -> Watch:
        return Watch(self._collected)

    async def _still(self, _window: Any) -> None:
        watch = self._watch()
        self._beat.start()
        await asyncio.sleep(15.0)
        self.figures["still_ms"], self.figures["still_busy_ms"] = self._beat.stop(), self._beat.busy_ms
        self.figures["still"] = watch.figures()
        known = self._run.session.board.at_ms[:, 1:] > 0
        self.figures["cells_known"] = float(known.mean())

    async def _idle(self, _window: Any) -> None:
        watch = self._watch()
        await asyncio.sleep(6.0)
        self.figures["idle"] = watch.figures()

    async def _prune(self, _window: Any) -> None:
        """Let the store prune what the preferences of the folder let go; how much it does tells that it does."""
        store = self._run.session.store
        before, began_s = await store.size_parts(), time.perf_counter()
        self._beat.start()
        await asyncio.sleep(20.0)
        self.figures["prune_ms"] = self._beat.stop()
        after = await store.size_parts()
        given_up = (before.total_bytes - before.free_bytes) - (after.total_bytes - after.free_bytes)
        self.figures["pruned_bytes_per_s"] = given_up / (time.perf_counter() - began_s)

    async def _backup(self, _window: Any) -> None:
        """Back everything up, twice."""
        session = self._run.session
        self._beat.start()
        for name in ("first.db", "second.db"):
            await session.store.back_up(session.data_dir / name, lambda _share: None)
        self.figures["backup_ms"] = self._beat.stop()

    async def _scroll(self, window: Any) -> None:
        """Scroll on through rows that were never painted before, 60 times a second, and back."""
        bar = window.table.verticalScrollBar()
        watch = self._watch()
        step = SCROLL_PIXELS
        self._beat.start()
        until_s = time.perf_counter() + 10.0
        while time.perf_counter() < until_s:
            if not 0 <= bar.value() + step <= bar.maximum():
                step = -step
            bar.setValue(bar.value() + step)
            await asyncio.sleep(FRAME_S)
        self.figures["scroll_ms"], self.figures["scroll_busy_ms"] = self._beat.stop(), self._beat.busy_ms
        self.figures["scroll"] = watch.figures()
        bar.setValue(0)

    async def _order(self, window: Any) -> None:
        """Type into the search and sort by every column; each timed until the table is painted anew."""
        from PySide6.QtCore import Qt

        async def timed(name: str, act: Callable[[], None]) -> None:
            began_s, began_cpu_s = time.perf_counter(), time.thread_time()
            act()
            window.table.viewport().repaint()
            spent_s, spent_cpu_s = time.perf_counter() - began_s, time.thread_time() - began_cpu_s
            self.figures.setdefault(f"{name}_ms", []).append(spent_s * 1000)
            self.figures.setdefault(f"{name}_cpu_ms", []).append(spent_cpu_s * 1000)
            await asyncio.sleep(0.05)

        search = window.top.search
        for text in ["d", "do", "dom", "domain 7", "domain 77", "nothing at all", ""] * 3:
            await timed("filter", lambda text=text: search.setText(text))
        orders = (Qt.SortOrder.DescendingOrder, Qt.SortOrder.AscendingOrder)
        sorts = [(column, order) for order in orders for column in (0, 1, 3, 4)] * 2
        for one in [*sorts, (1, orders[1])]:
            await timed("sort", lambda one=one: window.table.sortByColumn(*one))

    async def _add(self, _window: Any) -> None:
        """Add one monitor a second: what everybody waits for on the loop."""
        from pingmon_gui.domain.monitor import MonitorDraft

        slowest, busiest = [], []
        for n in range(4):
            self._beat.start()
            await self._run.session.commands.add([MonitorDraft(f"https://new{n}.example/")])
            await asyncio.sleep(1.5)
            slowest.append(max(self._beat.stop()))
            busiest.append(max(self._beat.busy_ms))
        self.figures["add_ms"], self.figures["add_busy_ms"] = slowest, busiest

    async def _shown(self, _window: Any) -> None:
        """Time from bytes received to painted cell; `watch_painting` has to be called before the window is made."""
        _painting.begin(self._run.window, self._run.session.board)
        await asyncio.sleep(16.0)
        self.figures["shown_ms"] = _painting.end()

    async def _calls(self, _window: Any) -> None:
        """Count the Python functions entered on this thread."""
        counts: Counter[CodeType] = Counter()

        def count(frame: FrameType, event: str, _: object) -> None:
            if event == "call":
                counts[frame.f_code] += 1

        before = self._collected()
        sys.setprofile(count)
        await asyncio.sleep(3.0)
        sys.setprofile(None)
        results = self._collected() - before
        self.figures["calls"] = {
            "results": results,
            "calls": sum(counts.values()),
            "often": {
                f"{Path(code.co_filename).name}:{code.co_name}": number / results
                for code, number in counts.most_common()
                if number >= results / 2
            },
            "top": [(Path(c.co_filename).name, c.co_name, n) for c, n in counts.most_common(15)],
        }

    async def _profile(self, _window: Any) -> None:
        """Print where the GUI thread's time goes; for people, not for rows."""
        import cProfile
        import pstats

        profile = cProfile.Profile()
        profile.enable()
        await asyncio.sleep(10.0)
        profile.disable()
        pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(40)


class Painting:
    """Follows results on their way from the socket to the screen."""

    def __init__(self) -> None:
        self._arrived_s: dict[Any, float] = {}
        self._waiting: dict[tuple[int, int], float] = {}
        self._spent_ms: list[float] = []
        self._window: Any = None

    def hook(self) -> None:
        """Note when bytes arrive and when a cell is painted."""
        import httpx

        from pingmon_gui.ui.cell_delegate import CellDelegate
        from pingmon_gui.ui.row_order import FIRST_REGION_COLUMN

        read, paint = httpx.Response.aiter_raw, CellDelegate.paint

        async def aiter_raw(response: Any, *rest: Any) -> AsyncIterator[bytes]:
            async for chunk in read(response, *rest):
                self._arrived_s[asyncio.current_task()] = time.perf_counter()
                yield chunk

        def painted(delegate: Any, painter: Any, option: Any, index: Any) -> None:
            paint(delegate, painter, option, index)
            place = (int(delegate._model.board_row(index.row())), index.column() - FIRST_REGION_COLUMN)
            since_s = self._waiting.pop(place, None)
            if since_s is not None:
                self._spent_ms.append((time.perf_counter() - since_s) * 1000)

        httpx.Response.aiter_raw = aiter_raw  # type: ignore[method-assign]
        CellDelegate.paint = painted  # type: ignore[method-assign]

    def begin(self, window: Any, board: Any) -> None:
        import numpy as np

        from pingmon_gui.ui.seen_cells import SeenCells

        apply = board.apply
        model, table = window.model, window.table
        cells = SeenCells(board)

        def applied(batch: Any, *rest: Any) -> None:
            first, last = table.visible_rows()
            rows = np.array([model.board_row(row) for row in range(first, last + 1)], dtype=np.intp)
            # What time alone has changed since is not this batch's, and may be painted already.
            cells.outdate(rows)
            cells.freshen(rows)
            apply(batch, *rest)
            # What looks the same is not painted anew, so nobody waits for it.
            cells.outdate(rows)
            differing = cells.freshen(rows)
            arrived_s = self._arrived_s.get(asyncio.current_task(), time.perf_counter())
            for at, column in zip(*(found.tolist() for found in differing.regions.nonzero()), strict=True):
                self._waiting.setdefault((int(differing.rows[at]), column), arrived_s)

        self._waiting.clear()
        self._spent_ms = []
        board.apply = applied

    def end(self) -> list[float]:
        """Return the milliseconds of each; those that wait still, count with what they have waited."""
        now_s = time.perf_counter()
        return self._spent_ms + [(now_s - since_s) * 1000 for since_s in self._waiting.values() if now_s - since_s > 1]


_painting = Painting()


def _resident_mb() -> float:
    from tests.bench.harness import resident_mb

    return resident_mb(os.getpid())


def run(folder: Path, rate: float | None, load_core: str | None, phases: Sequence[str]) -> Figures:
    """Open the window as the app does, measure, quit; return the figures."""
    import qasync

    from pingmon_gui.app import WindowRun
    from pingmon_gui.ownership import Ownership
    from pingmon_gui.ui.crash_dialog import CrashReporter
    from pingmon_gui.ui.theme import ThemeSwitch
    from pingmon_gui.ui.window_frame import make_application

    if "shown" in phases:
        _painting.hook()
    application = make_application()
    opened = asyncio.Event()

    class SeenRun(WindowRun):
        def _open(self) -> tuple[Any, Any]:
            made = super()._open()
            opened.set()
            return made

    with Ownership.take(folder, "window") as ownership:
        window_run = SeenRun(
            ownership,
            ThemeSwitch(application),
            CrashReporter(application),
            minimized=False,
            probes=feeding_links(rate, load_core),
        )
        meter = Meter(window_run, opened)

        async def both() -> None:
            await meter.measure_floor()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(window_run.main())
                tasks.create_task(meter.measure(phases))

        qasync.run(both())
    return meter.figures


def start(folder: Path | None) -> None:
    """Print when the first frame was painted and when the first one with rows, by the monotonic clock; end.

    What had been imported by the first frame is told, too.
    """
    from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt
    from PySide6.QtWidgets import QTableView, QWidget

    class FirstFrames(QObject):
        told: ClassVar[Figures] = {}

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint and isinstance(watched, QWidget):
                table = watched.parent()
                has_rows = isinstance(table, QTableView) and table.model().rowCount() > 0
                name = "rows_at_s" if has_rows else "at_s"
                if name not in self.told:
                    self.told[name] = 0.0
                    # Comes right after the painting, before anything that waits for it.
                    QCoreApplication.postEvent(self, QEvent(QEvent.Type.User), Qt.EventPriority.HighEventPriority.value)
            return False

        def customEvent(self, event: QEvent) -> None:
            now_s = time.monotonic()
            self.told.update((name, now_s) for name, at_s in self.told.items() if at_s == 0.0)
            self.told.setdefault("at_s", now_s)
            self.told.setdefault("heavy", sorted({"pyqtgraph", "paramiko"} & set(sys.modules)))
            if "rows_at_s" in self.told:
                print(json.dumps(self.told), flush=True)
                os.kill(os.getpid(), signal.SIGTERM)

    if folder is None:
        from PySide6.QtGui import QStandardItemModel
        from PySide6.QtWidgets import QApplication

        application = QApplication(sys.argv[:1])
        first = FirstFrames()
        application.installEventFilter(first)
        view, model = QTableView(), QStandardItemModel(100, 8)
        view.setModel(model)
        view.resize(WIDTH, HEIGHT)
        view.show()
        application.exec()
        return
    # As `pingmon` does it.
    from pingmon_gui.ownership import Ownership

    with Ownership.take(folder, "window") as ownership:
        from pingmon_gui.ui.window_frame import make_application, open_frame

        application = make_application()
        first = FirstFrames()
        application.installEventFilter(first)
        frame = open_frame(folder, minimized=False)
        from pingmon_gui.app import run_window

        run_window(ownership, frame, minimized=False, debug=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    seeding = verbs.add_parser("seed")
    seeding.add_argument("folder", type=Path)
    seeding.add_argument("monitors", type=int)
    running = verbs.add_parser("run")
    running.add_argument("folder", type=Path)
    running.add_argument("--rate", type=float)
    running.add_argument("--load-core")
    running.add_argument("phases", nargs="+")
    starting = verbs.add_parser("start")
    starting.add_argument("folder", type=Path)
    verbs.add_parser("start-bare")
    options = parser.parse_args()
    match options.verb:
        case "seed":
            seed(options.folder, options.monitors)
        case "run":
            print(json.dumps(run(options.folder, options.rate, options.load_core, options.phases)), flush=True)
        case "start":
            start(options.folder)
        case _:
            start(None)


if __name__ == "__main__":
    main()
