"""The whole app under load: the real window on a real session, five probes that make results up.

Each run, with 500 and with 10,000 monitors, is a process of `app_load`, pinned to one core; its probes and whoever
waits are on the other. "Stall" is by how much a precise timer of 5 ms comes too late in the window's own loop, the
same timer's lateness in the empty loop (its floor) beside it; "own work" is the CPU that the window's thread spent
between two of its calls, or on what is named, whatever else the machine does meanwhile.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.harness import (
    LOAD_CORE,
    MEASURED_CORE,
    ROOT,
    Row,
    calibration_ms,
    end,
    first_line,
    percentile,
    pin,
    python,
    row,
    spawn,
)

MANY, SOME = 10_000, 500
START_MONITORS = 100
START_REPEATS = 7
#: So slow that nothing comes while it is measured.
NEVER = "0.0001"
RUN_LIMIT_S = 120

Figures = dict[str, Any]


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="pingmon-bench-") as name:
        folder = Path(name)
        before_ms = calibration_ms()
        made = _start(folder)
        seeded = _seeded(folder, MANY)
        many = _run(folder, seeded, "still", "scroll", "order")
        made += _load(many, MANY) + _orders(many) + _bytes(many)
        idle = _run(folder, seeded, "idle", rate=NEVER)
        made += _against_idle(many, idle)
        traced = _run(folder, seeded, "shown", "calls")
        made += _traced(traced)
        made += _adding(_run(folder, seeded, "add", rate=NEVER))
        made += _load(_run(folder, _seeded(folder, SOME), "still", "scroll"), SOME)
        after_ms = calibration_ms()
    made.append(row("app: calibration before and after (TLS and JSON)", "ms", [before_ms, after_ms]))
    return made


def _seeded(folder: Path, monitors: int) -> Path:
    seeded = folder / f"seeded-{monitors}"
    _finish(["seed", str(seeded), str(monitors)])
    return seeded


def _run(folder: Path, seeded: Path, *phases: str, rate: str | None = None) -> Figures:
    """Open the window on a copy of the seeded folder; return what it measured."""
    data = folder / f"run-{time.monotonic_ns()}"
    shutil.copytree(seeded, data)
    before = _size(data)
    wanted = [] if rate is None else ["--rate", rate]
    figures: Figures = json.loads(_finish(["run", str(data), "--load-core", str(LOAD_CORE), *wanted, *phases]))
    figures["grown_bytes"] = _size(data) - before
    shutil.rmtree(data)
    return figures


def _finish(arguments: list[str]) -> str:
    command = [*pin(MEASURED_CORE), python(), "-m", "tests.bench.app_load", *arguments]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=RUN_LIMIT_S, cwd=ROOT, env=_environment()
    )
    if done.returncode:
        raise RuntimeError(f"the app under load ended with code {done.returncode}: {done.stderr[-2_000:]}")
    return done.stdout.splitlines()[-1] if done.stdout else ""


def _environment() -> dict[str, str]:
    return dict(os.environ, PYTHONPATH=f"{ROOT}{os.pathsep}{ROOT / 'probes'}", QT_QPA_PLATFORM="offscreen")


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("pingmon.db*"))


# Rows


def _load(figures: Figures, monitors: int) -> list[Row]:
    due = monitors * 5 / 10
    of = f"app, {monitors:,} monitors"
    still, scroll, floor = figures["still_ms"], figures["scroll_ms"], figures["floor_ms"]
    memory = {SOME: 220, MANY: 400}[monitors]
    return [
        row(
            f"{of}: results collected / due ({due:,.0f}/s)",
            "1/s",
            [figures["still"]["results_per_s"]],
            [due],
            "intervals of the plan",
            0.98,
            at_least=True,
        ),
        row(
            f"{of}: the same while scrolling",
            "1/s",
            [figures["scroll"]["results_per_s"]],
            [due],
            "intervals of the plan",
            0.98,
            at_least=True,
        ),
        row(f"{of}: cells of the board with a result", "share", [figures["cells_known"]], (), None, 0.999, False, True),
        row(f"{of}: stall still, p50", "ms", [percentile(still, 0.5)], [percentile(floor, 0.5)], "empty loop"),
        row(
            f"{of}: stall still, p99",
            "ms",
            [percentile(still, 0.99)],
            [percentile(floor, 0.99)],
            "empty loop",
            4,
            is_ratio=False,
        ),
        row(f"{of}: stall still, longest", "ms", [max(still)], [max(floor)], "empty loop"),
        row(f"{of}: own work between two calls, still, p99", "ms", [percentile(figures["still_busy_ms"], 0.99)]),
        row(
            f"{of}: stall scrolling, p99",
            "ms",
            [percentile(scroll, 0.99)],
            [percentile(floor, 0.99)],
            "empty loop",
            16,
            is_ratio=False,
        ),
        row(f"{of}: stall scrolling, longest", "ms", [max(scroll)], [max(floor)], "empty loop"),
        row(f"{of}: own work between two calls, scrolling, p99", "ms", [percentile(figures["scroll_busy_ms"], 0.99)]),
        row(f"{of}: from the window until all that was missed is judged, 12 s at least", "s", [figures["settling_s"]]),
        row(f"{of}: stall until then, p99", "ms", [percentile(figures["settling_ms"], 0.99)]),
        row(f"{of}: stall until then, longest", "ms", [max(figures["settling_ms"])]),
        row(f"{of}: CPU, still", "% of a core", [figures["still"]["process_cpu"]]),
        row(f"{of}: CPU of the GUI thread, still", "% of a core", [figures["still"]["gui_cpu"]]),
        row(f"{of}: CPU, scrolling", "% of a core", [figures["scroll"]["process_cpu"]]),
        row(f"{of}: memory", "MiB", [figures["resident_mb"]], goal=memory, is_ratio=False),
    ]


def _orders(figures: Figures) -> list[Row]:
    """Both with the results flowing, and the repaint included."""
    return [
        row("app: filter keystroke to painted, p50", "ms", figures["filter_ms"]),
        row("app: filter keystroke to painted, slowest", "ms", [max(figures["filter_ms"])], goal=16, is_ratio=False),
        row("app: filter keystroke, own work, slowest", "ms", [max(figures["filter_cpu_ms"])], goal=16, is_ratio=False),
        row("app: sort to painted, p50", "ms", figures["sort_ms"]),
        row("app: sort to painted, slowest", "ms", [max(figures["sort_ms"])], goal=16, is_ratio=False),
        row("app: sort, own work, slowest", "ms", [max(figures["sort_cpu_ms"])], goal=16, is_ratio=False),
    ]


def _bytes(figures: Figures) -> list[Row]:
    """The journal's share; what compaction adds is measured by `store_bench` with hours of results."""
    results = sum(figures[phase]["results"] for phase in ("still", "scroll"))
    written = sum(figures[phase]["written_bytes"] for phase in ("still", "scroll"))
    return [
        row(
            "app: bytes written per result, WAL included, before compaction",
            "B",
            [written / results],
            goal=120,
            is_ratio=False,
        ),
        row("app: bytes on disk per result, before compaction", "B", [figures["grown_bytes"] / figures["collected"]]),
    ]


def _against_idle(fed: Figures, idle: Figures) -> list[Row]:
    """The ratio gets the worse the less is done at rest, so what a result costs stands beside it."""
    busy, rest = fed["still"]["process_cpu"], idle["idle"]["process_cpu"]
    per_thousand = (busy - rest) / fed["still"]["results_per_s"] * 1000
    return [
        row("app: CPU fed / at 0 results/s", "% of a core", [busy], [rest], "0 results/s", 4),
        row("app: CPU at 0 results/s", "% of a core", [rest], goal=1, is_ratio=False),
        row("app: CPU per 1,000 results/s", "% of a core", [per_thousand], goal=3, is_ratio=False),
    ]


def _traced(figures: Figures) -> list[Row]:
    calls, shown = figures["calls"], figures["shown_ms"]
    entered = calls["calls"] / calls["results"]
    often = ", ".join(f"{name} {share:.1f}" for name, share in calls["often"].items())
    return [
        row("app: from bytes received to painted, p50", "ms", [percentile(shown, 0.5)]),
        row("app: from bytes received to painted, p99", "ms", [percentile(shown, 0.99)], goal=300, is_ratio=False),
        row("app: from bytes received to painted, longest", "ms", [max(shown)]),
        row("app: painted results followed", "count", [len(shown)], (), None, 100, False, True),
        row(
            "app: Python functions entered per result or more often" + (f" ({often})" if often else ""),
            "count",
            [len(calls["often"])],
            goal=0,
            is_ratio=False,
        ),
        row("app: Python calls on the GUI thread, all / results", "calls", [entered]),
    ]


def _adding(figures: Figures) -> list[Row]:
    name = "app: adding one monitor to 10,000"
    return [
        row(f"{name}, longest stall", "ms", figures["add_ms"], goal=16, is_ratio=False),
        row(f"{name}, own work in the busiest moment", "ms", figures["add_busy_ms"], goal=16, is_ratio=False),
    ]


def _start(folder: Path) -> list[Row]:
    """Time from starting the process to its first painted frame, and to its domains; a bare table's in turn."""
    seeded = _seeded(folder, START_MONITORS)
    ours, peer, full, heavy = list[float](), list[float](), list[float](), set[str]()
    for _ in range(1 + START_REPEATS):
        for spent, arguments in ((peer, ["start-bare"]), (ours, ["start", str(seeded)])):
            began_s = time.monotonic()
            process = spawn(
                [python(), "-m", "tests.bench.app_load", *arguments],
                MEASURED_CORE,
                env={"QT_QPA_PLATFORM": "offscreen", "PYTHONDONTWRITEBYTECODE": ""},
                stderr=subprocess.DEVNULL,
            )
            told = first_line(process)
            spent.append((told["at_s"] - began_s) * 1000)
            if spent is ours:
                full.append((told["rows_at_s"] - began_s) * 1000)
            heavy.update(told["heavy"])
            process.wait(20)
            end(process)
    return [
        # The first ones compiled the modules, as installing does.
        row("app: start to first painted frame", "ms", ours[1:], peer[1:], "bare QTableView", 1.5),
        row("app: start to first painted domains", "ms", full[1:], peer[1:], "bare QTableView"),
        row("app: pyqtgraph or paramiko imported before it", "count", [len(heavy)], goal=0, is_ratio=False),
    ]
