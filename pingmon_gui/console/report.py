"""`pingmon report`: how domains have been in a span of time, as CSV, HTML or PDF, with the method printed on it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pingmon_gui.console import access, output
from pingmon_gui.console.option import WrongUsage, time_ms
from pingmon_gui.domain.error import InvalidInput, PingmonError
from pingmon_gui.report.csv_file import write_csv
from pingmon_gui.report.gather import SHARES, Report, gather
from pingmon_gui.report.html_file import write_html
from pingmon_gui.report.words import METHOD, span_of

if TYPE_CHECKING:
    from pingmon_gui.store.store import Store

Json = dict[str, Any]
_FORMATS = ("csv", "html", "pdf")
_TEXTS: dict[str, Callable[[Report], str]] = {"csv": write_csv, "html": write_html}


def add_parser(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "report",
        parents=[common],
        help="availability, incidents and latency of a span, as CSV, HTML or PDF",
        description="Report how domains have been: availability, coverage, incidents, the longest outage, latency, "
        "with the method printed on it. Without --output, CSV and HTML go to stdout.",
    )
    parser.add_argument("domains", nargs="*", metavar="URL", help="addresses, names or ids; all where none is given")
    parser.add_argument("--from", dest="start", default="30d", metavar="TIME", help="default: 30d (ago)")
    parser.add_argument("--to", dest="end", default="now", metavar="TIME", help="default: now")
    parser.add_argument("--format", choices=_FORMATS, help="default: what --output ends with, else html")
    parser.add_argument("--output", "-o", metavar="FILE", help="where it is written; an existing file is replaced")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    now_ms = access.now_ms()
    try:
        from_ms, to_ms = time_ms(args.start, now_ms), time_ms(args.end, now_ms)
    except InvalidInput as exc:
        raise WrongUsage(exc.message, exc.hint) from exc
    if from_ms >= min(to_ms, now_ms):
        raise WrongUsage("--from must lie before --to, and in the past.")
    path = None if args.output is None else Path(args.output).expanduser()
    suffix = "" if path is None else path.suffix.lstrip(".").lower()
    kind = args.format or (suffix if suffix in _FORMATS else "html")
    if kind == "pdf" and path is None:
        raise WrongUsage("A PDF needs a file to go to.", "Say where with --output FILE.")
    known = access.monitors(args.data_dir)
    chosen = [access.find(known, text) for text in args.domains] if args.domains else known

    async def query(store: Store) -> Report:
        return await gather(store, chosen, from_ms, to_ms, now_ms)

    report = access.read(args.data_dir, query, Report(from_ms, min(to_ms, now_ms), now_ms, to_ms - from_ms, ()))
    if path is not None:
        _write(report, kind, path)
        output.say(f"Report of {len(report.monitors)} domains written to {path}.")
    if args.json:
        output.write_json(report_json(report))
    elif path is None:
        output.write(_TEXTS[kind](report).rstrip("\n"))
    return 0


def report_json(report: Report) -> Json:
    """Return the figures of a report."""
    monitors = []
    for one in report.monitors:
        all_ = one.time.availability
        monitors.append(
            {
                "url": one.monitor.url,
                "name": one.monitor.title,
                "availability": all_.ratio,
                "coverage": all_.coverage,
                "available_ms": all_.available_ms,
                "known_ms": all_.known_ms,
                "asked_ms": all_.asked_ms,
                "regional_ms": one.time.regional_ms,
                "paused_ms": one.time.paused_ms,
                "longest_outage_ms": one.longest_outage_ms(report.to_ms),
                "latency_ms": _latency(one.latency_ms),
                "incidents": [incident.to_json(one.monitor.url, one.monitor.title) for incident in one.incidents],
                "regions": [
                    {
                        "region": region.region.value,
                        "availability": region.availability.ratio,
                        "coverage": region.availability.coverage,
                        "results": region.results,
                        "latency_ms": _latency(region.latency_ms),
                    }
                    for region in one.regions
                ],
            }
        )
    return {
        "from_ms": report.from_ms,
        "to_ms": report.to_ms,
        "made_at_ms": report.made_at_ms,
        "span": span_of(report),
        "method": list(METHOD),
        "monitors": monitors,
    }


def _latency(values: tuple[float | None, ...]) -> Json:
    return {
        f"p{share * 100:.0f}": None if value is None else round(value, 3)
        for share, value in zip(SHARES, values, strict=True)
    }


def _write(report: Report, kind: str, path: Path) -> None:
    """Write the file whole or not at all. Raises PingmonError."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.touch()  # Qt complains at length where it cannot write
        if kind == "pdf":
            _write_pdf(write_html(report), partial)
        else:
            partial.write_text(_TEXTS[kind](report), encoding="utf-8", newline="")
        partial.replace(path)
    except OSError as exc:
        raise PingmonError(f"The file {path} cannot be written: {exc.strerror or exc}.") from exc
    finally:
        partial.unlink(missing_ok=True)


def _write_pdf(html: str, path: Path) -> None:
    # Qt draws the pages; without a display it draws them all the same.
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from pingmon_gui.ui.report_pdf import write_pdf

    write_pdf(html, path, "Availability report")
