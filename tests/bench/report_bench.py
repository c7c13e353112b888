"""What a report of the generated year costs, in a process of its own: time and peak memory. Imports stand here, too."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from pingmon_gui.data_folder import database_path
from pingmon_gui.domain.history import DAY_MS
from pingmon_gui.report.content import PAPER_WIDTH, document
from pingmon_gui.report.gather import Report, gather
from pingmon_gui.report.outlet import Format, text_of
from pingmon_gui.store.store import Store
from tests.bench.harness import MEASURED_CORE, ROOT, Row, pin, python, row
from tests.bench.year.make import BENCH_END_MS, cached

REPEATS = 5
MANY = 10_000
#: Days, format, and the goals in seconds and MB.
REPORTS = ((365, Format.HTML, 4.0, 150.0), (365, Format.PDF, 8.0, 250.0), (30, Format.PDF, 8.0, 250.0))


def rows() -> list[Row]:
    """Return the rows of the report. Takes about a minute, and five more the first time."""
    year = cached()
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for days, format_, goal_s, goal_mb in REPORTS:
            words = ("tests.bench.report_bench", str(year), str(days), str(folder / f"report.{format_}"))
            runs = [_run(words) for _ in range(REPEATS)]
            title = f"report of 100 domains x 5 regions over {days} days, {format_.upper()}"
            found.append(row(title, "s", [seconds for seconds, _ in runs], goal=goal_s, is_ratio=False))
            found.append(row(f"{title}, peak", "MB", [mb for _, mb in runs], goal=goal_mb, is_ratio=False))
        found += _import_rows(folder)
    return found


def _import_rows(folder: Path) -> list[Row]:
    backup = folder / "backup.json"
    monitors = [
        {
            "id": n,
            "name": f"Site {n}",
            "type": "http",
            "url": f"https://site{n}.example/",
            "interval": 60,
            "active": True,
        }
        for n in range(1, MANY + 1)
    ]
    backup.write_text(json.dumps({"version": "1.23.16", "monitorList": monitors}), encoding="utf-8")
    commands = [
        ("pingmon_gui.cli", "--data-dir", str(folder / f"data{n}"), "import", str(backup), "--yes") for n in range(3)
    ]
    fresh, again = [_run(words) for words in commands], [_run(words) for words in commands]
    return [
        row(f"{MANY:,} domains of another product imported", "s", [s for s, _ in fresh], goal=10, is_ratio=False),
        row(f"{MANY:,} domains imported again: nothing to do", "s", [s for s, _ in again], goal=5, is_ratio=False),
    ]


def _run(words: Sequence[str]) -> tuple[float, float]:
    """Run a module on one core; return its seconds and its peak memory in MB. Raises RuntimeError if it fails."""
    began_s = time.perf_counter()
    command = [*pin(MEASURED_CORE), python(), "-m", *words]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    with process:
        assert process.stderr is not None
        said = process.stderr.read()
        # Its own peak: what is told of all children is the highest of them.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(said.decode(errors="replace"))
    return time.perf_counter() - began_s, usage.ru_maxrss / 1024


async def _gathered(folder: Path, days: int) -> Report:
    store = Store.open(database_path(folder), read_only=True, now_ms=lambda: BENCH_END_MS)
    monitors = store.configuration().monitors
    from_ms = BENCH_END_MS - days * DAY_MS
    report = await gather(store, monitors, from_ms, BENCH_END_MS, BENCH_END_MS, ZoneInfo("Europe/Berlin"))
    await store.close()
    return report


def main(folder: Path, days: int, file: Path) -> None:
    """Make a report as the command line does, but at the end of the generated year."""
    report = asyncio.run(_gathered(folder, days))
    format_ = Format(file.suffix.lstrip("."))
    if format_ is Format.PDF:
        from pingmon_gui.ui.report_pdf import write_pdf

        write_pdf(document(report, "Report", width=PAPER_WIDTH, with_domains=True), file)
    else:
        file.write_text(text_of(report, format_, "Report", with_domains=True), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
