"""Runs the benchmarks: `python -m tests.bench [name ...]`, a name being the front of a `*_bench.py` file.

Prints a table and writes `build/bench.json`. Every row is reported, a goal that is missed as missed.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_OUTPUT = _HERE.parents[1] / "build" / "bench.json"
_COLUMNS = ("name", "unit", "ours", "peer", "peer_name", "ratio", "goal", "met", "runs")
_MET = {True: "yes", False: "MISSED", None: ""}


def main(wanted: list[str]) -> int:
    known = sorted(path.stem.removesuffix("_bench") for path in _HERE.glob("*_bench.py"))
    if unknown := sorted(set(wanted) - set(known)):
        print(f"There is no benchmark {', '.join(unknown)}; known: {', '.join(known)}", file=sys.stderr)
        return 2
    rows: list[dict[str, Any]] = []
    for name in wanted or known:
        print(f"running {name} ...", file=sys.stderr, flush=True)
        rows += importlib.import_module(f"tests.bench.{name}_bench").rows()
        _OUTPUT.parent.mkdir(exist_ok=True)
        _OUTPUT.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(_table(rows))
    return 0


def _table(rows: list[dict[str, Any]]) -> str:
    cells = [list(_COLUMNS)]
    cells += [[_MET[row["met"]] if name == "met" else _text(row[name]) for name in _COLUMNS] for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_COLUMNS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
