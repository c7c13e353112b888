"""`pingmon report`: how domains have been in a span of time, as CSV, HTML or PDF, with the method printed on it."""

from __future__ import annotations

import argparse
import sys
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pingmon_gui.console import access, output
from pingmon_gui.console.option import WrongUsage, reader
from pingmon_gui.console.span import time_ms
from pingmon_gui.domain import time_zone
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.monitor import Monitor, parse_tags
from pingmon_gui.domain.verdict_time import VerdictTime
from pingmon_gui.qt_library import require_libraries
from pingmon_gui.report.content import PAPER_WIDTH, document
from pingmon_gui.report.gather import SHARES, Latency, MonitorReport, Report, empty_report, gather
from pingmon_gui.report.outlet import Format, replacing, text_of
from pingmon_gui.report.span import Preset, parse_period
from pingmon_gui.report.words import METHOD, span_of, zone_of

if TYPE_CHECKING:
    from pingmon_gui.store.store import Store

Json = dict[str, Any]


def add_parser(commands: Any, common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "report",
        parents=[common],
        help="availability, incidents and latency of a span, as CSV, HTML or PDF",
        description="Report how domains have been: availability, coverage, incidents, the longest outage, latency, "
        "with the method printed on it. Without --output, CSV and HTML go to stdout.",
    )
    parser.add_argument("domains", nargs="*", metavar="URL", help="addresses, names or ids; all where none is given")
    parser.add_argument(
        "--tag", type=reader(parse_tags), action="extend", metavar="TAG", help="domains with this tag; may be repeated"
    )
    parser.add_argument("--from", dest="start", metavar="TIME", help="default: 30d (ago)")
    parser.add_argument("--to", dest="end", metavar="TIME", help="default: now")
    parser.add_argument(
        "--period", metavar="PERIOD", help=f"instead of --from and --to: {', '.join(Preset)}, 2026-11 or 2026"
    )
    parser.add_argument("--zone", metavar="ZONE", help="the time zone of days and times; default: this computer's")
    parser.add_argument(
        "--format", choices=[word.value for word in Format], help="default: what --output ends with, else html"
    )
    parser.add_argument("--title", default="", metavar="TEXT", help="what stands at the top of HTML and PDF")
    parser.add_argument("--summary", action="store_true", help="HTML and PDF without a section for each domain")
    parser.add_argument("--output", "-o", metavar="FILE", help="where it is written; an existing file is replaced")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    now_ms = access.now_ms()
    zone = _zone(args.zone)
    from_ms, to_ms = _span(args, now_ms, zone)
    path = None if args.output is None else Path(args.output).expanduser()
    format_ = _format(args.format, path)
    if format_ is Format.PDF and path is None:
        raise WrongUsage("A PDF needs a file to go to.", "Say where with --output FILE.")
    chosen = _chosen(args)

    async def query(store: Store) -> Report:
        return await gather(store, chosen, from_ms, to_ms, now_ms, zone, _Progress())

    report = access.read(args.data_dir, query, empty_report(from_ms, min(to_ms, now_ms), now_ms, zone))
    if path is not None:
        _write(report, format_, path, args.title, with_domains=not args.summary)
        count = len(report.monitors)
        output.say(f"Report of {count} domain{'' if count == 1 else 's'} written to {path}.")
    if args.json:
        output.write_json(report_json(report))
    elif path is None:
        output.write(text_of(report, format_, args.title, with_domains=not args.summary).rstrip("\r\n"))
    return 0


def _zone(name: str | None) -> tzinfo:
    if name is None:
        return time_zone.local_zone()
    try:
        return time_zone.zone_of(name)
    except InvalidInput as exc:
        raise WrongUsage(exc.message, exc.hint) from exc


def _span(args: argparse.Namespace, now_ms: int, zone: tzinfo) -> tuple[int, int]:
    if args.period is not None and (args.start is not None or args.end is not None):
        raise WrongUsage("--period says all that --from and --to could say.", "Leave one or the other out.")
    try:
        if args.period is not None:
            from_ms, to_ms = parse_period(args.period, now_ms, zone)
        else:
            from_ms, to_ms = time_ms(args.start or "30d", now_ms, zone), time_ms(args.end or "now", now_ms, zone)
    except InvalidInput as exc:
        raise WrongUsage(exc.message, exc.hint) from exc
    if from_ms >= now_ms and args.period is not None:
        raise WrongUsage("This period has not begun yet.")
    if from_ms >= min(to_ms, now_ms):
        raise WrongUsage("--from must lie before --to, and in the past.")
    return from_ms, to_ms


def _format(word: str | None, path: Path | None) -> Format:
    suffix = "" if path is None else path.suffix.lstrip(".").lower()
    return Format(word or (suffix if suffix in list(Format) else Format.HTML))


def _chosen(args: argparse.Namespace) -> list[Monitor]:
    """Return the domains that were named, and those with a tag; all where neither is given. Raises InvalidInput."""
    known = access.monitors(args.data_dir)
    if not args.domains and not args.tag:
        return known
    wanted = {access.find(known, text).id for text in args.domains}
    for tag in args.tag or ():
        tagged = {monitor.id for monitor in known if tag.casefold() in (one.casefold() for one in monitor.tags)}
        if not tagged:
            raise InvalidInput(f"No domain has the tag “{tag}”.")
        wanted |= tagged
    return [monitor for monitor in known if monitor.id in wanted]


class _Progress:
    """Tells a terminal how far it is; anybody else is not bothered."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()

    def __call__(self, done: int, of: int) -> None:
        if self._is_shown:
            print(f"\r{done} of {of}" if done < of else "\r\033[K", end="", file=sys.stderr, flush=True)


def report_json(report: Report) -> Json:
    """Return the figures of a report."""
    return {
        "from_ms": report.from_ms,
        "to_ms": report.to_ms,
        "asked_to_ms": report.asked_to_ms,
        "made_at_ms": report.made_at_ms,
        "span": span_of(report),
        "zone": zone_of(report),
        "method": list(METHOD),
        "bars": {"unit": report.bars.unit.value, "edges_ms": list(report.bars.edges_ms)},
        "monitors": [_monitor_json(one, report) for one in report.monitors],
    }


def _monitor_json(one: MonitorReport, report: Report) -> Json:
    return {
        "url": one.monitor.url,
        "name": one.monitor.title,
        "tags": list(one.monitor.tags),
        **_times_json(one.time),
        "outages": one.outages,
        "regional_problems": one.regional_problems,
        "longest_outage_ms": one.longest_outage_ms,
        "longest_outage_at_ms": one.longest_at_ms,
        "latency_ms": _latency_json(one.latency_ms),
        "incidents": [incident.to_json(one.monitor.url, one.monitor.title) for incident in one.incidents],
        "rests": [
            {"from_ms": rest.start_ms, "to_ms": rest.end_ms, "is_maintenance": rest.is_maintenance}
            for rest in one.rests
        ],
        "regions": [
            {
                "region": region.region.value,
                "availability": region.availability.ratio,
                "coverage": region.availability.coverage,
                "available_ms": region.availability.available_ms,
                "known_ms": region.availability.known_ms,
                "asked_ms": region.availability.asked_ms,
                "results": region.results,
                "latency_ms": _latency_json(region.latency_ms),
            }
            for region in one.regions
        ],
        "bars": [
            {**_times_json(time), "latency_ms": _latency_json(latency)}
            for time, latency in zip(one.bars, one.latency_bars, strict=True)
        ],
    }


def _times_json(time: VerdictTime) -> Json:
    all_ = time.availability
    return {
        "availability": all_.ratio,
        "coverage": all_.coverage,
        "available_ms": all_.available_ms,
        "known_ms": all_.known_ms,
        "asked_ms": all_.asked_ms,
        "offline_ms": time.offline_ms,
        "regional_ms": time.regional_ms,
        "paused_ms": time.paused_ms,
    }


def _latency_json(values: Latency) -> Json:
    return {
        f"p{share * 100:.0f}": None if value is None else round(value, 3)
        for share, value in zip(SHARES, values, strict=True)
    }


def _write(report: Report, format_: Format, path: Path, title: str, *, with_domains: bool) -> None:
    """Write the file whole or not at all. Raises PingmonError."""
    if format_ is Format.PDF:
        require_libraries()
    with replacing(path) as partial:
        if format_ is Format.PDF:
            from pingmon_gui.ui.report_pdf import write_pdf

            write_pdf(document(report, title, width=PAPER_WIDTH, with_domains=with_domains), partial)
        else:
            text = text_of(report, format_, title, with_domains=with_domains)
            partial.write_text(text, encoding="utf-8", newline="")
