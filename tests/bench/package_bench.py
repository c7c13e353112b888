"""The packaged app beside the one that `make run` starts: its size, and how soon each has its first frame painted.

Needs what `make package` has built.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

from pingmon_gui.ui.window_frame import FIRST_FRAME
from tests.bench.harness import MEASURED_CORE, ROOT, Row, python, row, spawn

REPEATS = 7
APP = ROOT / "build" / "app" / "pingmon"


def rows() -> list[Row]:
    (package,) = (ROOT / "build").glob("pingmon_*.deb")
    installed = sum(path.stat().st_size for path in APP.rglob("*") if path.is_file() and not path.is_symlink())
    packaged, run = list[float](), list[float]()
    with tempfile.TemporaryDirectory(prefix="pingmon-bench-") as folder:
        for _ in range(1 + REPEATS):
            for spent, program in ((packaged, [str(APP / "pingmon")]), (run, [python(), "-m", "pingmon_gui"])):
                spent.append(_first_frame_ms(program, Path(folder)))
    return [
        row("package: the .deb", "MB", [package.stat().st_size / 1e6]),
        row("package: installed", "MB", [installed / 1e6]),
        # The first ones read everything from the disk and compile the modules.
        row("package: start to first painted frame", "ms", packaged[1:], run[1:], "make run", 1.3),
    ]


def _first_frame_ms(program: list[str], folder: Path) -> float:
    began_s = time.monotonic()
    process = spawn(
        [*program, "--debug", "--data-dir", str(folder)],
        MEASURED_CORE,
        env={"QT_QPA_PLATFORM": "offscreen", "PYTHONDONTWRITEBYTECODE": ""},
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if FIRST_FRAME in line:
            break
    else:
        raise RuntimeError(f"{program[0]} ended without a frame")
    spent_ms = (time.monotonic() - began_s) * 1000
    process.terminate()
    # What it says until its end must find room.
    process.communicate()
    return spent_ms
