"""Runs the benchmarks: `python -m tests.bench [name ...]`, a name being the front of a `*_bench.py` file.

Prints a table and writes `build/bench.json`. Every row is reported, a goal that is missed as missed. A goal without a
peer beside it counts only while the machine is as quiet as for the reference: a fixed piece of work is timed before and
after, and where that took over 20 % longer the row says "machine busy" and its `met` is null.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

from tests.bench.harness import calibration_ms, row

_HERE = Path(__file__).parent
_OUTPUT = _HERE.parents[1] / "build" / "bench.json"
_COLUMNS = ("name", "unit", "ours", "peer", "peer_name", "ratio", "goal", "met", "runs")
_MET = {True: "yes", False: "MISSED", None: ""}
#: What `calibration_ms` takes on the machine of the goals when nothing else runs.
REFERENCE_MS = 70.0
BUSY_FACTOR = 1.2


def main(wanted: list[str]) -> int:
    known = sorted(path.stem.removesuffix("_bench") for path in _HERE.glob("*_bench.py"))
    if unknown := sorted(set(wanted) - set(known)):
        print(f"There is no benchmark {', '.join(unknown)}; known: {', '.join(known)}", file=sys.stderr)
        return 2
    rows: list[dict[str, Any]] = []
    before_ms = _calibrate()
    for name in wanted or known:
        print(f"running {name} ...", file=sys.stderr, flush=True)
        rows += importlib.import_module(f"tests.bench.{name}_bench").rows()
        _OUTPUT.parent.mkdir(exist_ok=True)
        _OUTPUT.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    calibration = row("calibration, slower of before and after", "ms", [max(before_ms, _calibrate())], [REFERENCE_MS])
    is_busy = calibration["ours"] > REFERENCE_MS * BUSY_FACTOR
    for done in rows:
        if is_busy and done["goal"] is not None and done["peer"] is None:
            done["met"] = None
    rows.insert(0, calibration)
    _OUTPUT.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(_table(rows))
    return 0


def _calibrate() -> float:
    return min(calibration_ms() for _ in range(5))


def _table(rows: list[dict[str, Any]]) -> str:
    cells = [list(_COLUMNS)]
    cells += [[_verdict(row) if name == "met" else _text(row[name]) for name in _COLUMNS] for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_COLUMNS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)


def _verdict(row: dict[str, Any]) -> str:
    return "machine busy" if row["goal"] is not None and row["met"] is None else _MET[row["met"]]


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
