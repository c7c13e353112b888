"""Makes a data folder with the generated year: `python -m tests.bench.year FOLDER [--open]`.

It ends now, so the window shows it as history; `--open` opens the window on it, with five probes that make results up
so that it goes on. Without `--open`: `pingmon --data-dir FOLDER`, where nothing new comes.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.bench.year.make import make
from tests.bench.year.story import Shape


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.year", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--monitors", type=_at_least_one, default=100)
    parser.add_argument("--days", type=_at_least_one, default=365)
    parser.add_argument("--raw-days", type=_at_least_one, default=7, help="every result of so many days, at most all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--end-ms", type=int, help="Unix ms (default: the present minute)")
    parser.add_argument(
        "--open", action="store_true", help="open the window on it; a year that is there already is kept"
    )
    args = parser.parse_args(words)
    if not (args.open and args.folder.exists()):
        end_ms = args.end_ms or time.time_ns() // 60_000_000_000 * 60_000
        began_s = time.monotonic()
        raw_days, fine_days = min(args.raw_days, args.days), min(30, args.days)
        shape = Shape(args.monitors, args.days, raw_days, fine_days, args.seed)
        make(args.folder, shape, end_ms)
        print(f"made {args.folder} in {time.monotonic() - began_s:.0f} s", file=sys.stderr)
    return open_window(args.folder) if args.open else 0


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {number}")
    return number


def open_window(folder: Path) -> int:
    """Open the window as `pingmon` does, fed by made-up probes in place of the year's own."""
    from pingmon_gui.app import run_window
    from pingmon_gui.fleet.embedded import EmbeddedProbe
    from pingmon_gui.ownership import Ownership
    from pingmon_gui.ui.window_frame import make_application, open_frame
    from tests.bench.feeding_probe import feeding_command
    from tests.bench.year.judged import PROBES

    with Ownership.take(folder, "window") as ownership:
        application = make_application()
        frame = open_frame(folder, minimized=False)
        code = run_window(
            ownership,
            frame,
            minimized=False,
            debug=False,
            probes=lambda place, _now_ms: [
                EmbeddedProbe(probe, place / f"spool-{probe.id}", feeding_command()) for probe in PROBES.values()
            ],
        )
        del application
    return code


if __name__ == "__main__":
    sys.exit(main())
