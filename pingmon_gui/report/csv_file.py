"""A report as comma-separated values: a line for each domain and one for each of its regions."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from pingmon_gui.domain.availability import Availability
from pingmon_gui.domain.cell import guarded
from pingmon_gui.report.gather import SHARES, MonitorReport, Report
from pingmon_gui.report.span import iso
from pingmon_gui.report.words import METHOD, span_of, zone_of

COLUMNS = (
    "domain", "url", "region", "from_utc", "to_utc", "availability", "coverage", "available_ms", "known_ms",
    "asked_ms", "regional_ms", "paused_ms", "incidents", "longest_outage_ms",
    *(f"p{share * 100:.0f}_ms" for share in SHARES),
    "offline_ms", "outages", "results", "tags",
)  # fmt: skip


def write_csv(report: Report) -> str:
    """Return the file's text. Texts cannot become formulas; None is an empty cell; the method is at the end."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for one in report.monitors:
        writer.writerow(_whole(one, report))
        writer.writerows(_regions(one, report))
    writer.writerow(())
    for line in (f"Pingmon, {span_of(report)} ({zone_of(report)})", *METHOD):
        writer.writerow((line,))
    return stream.getvalue()


def _whole(one: MonitorReport, report: Report) -> list[Any]:
    time, results = one.time, sum(region.results for region in one.regions)
    return [
        *_place(one, report, "all"), *_times(time.availability), time.regional_ms, time.paused_ms, len(one.incidents),
        one.longest_outage_ms, *_milliseconds(one.latency_ms), time.offline_ms, one.outages, results,
        _text(", ".join(one.monitor.tags)),
    ]  # fmt: skip


def _regions(one: MonitorReport, report: Report) -> Iterator[list[Any]]:
    for region in one.regions:
        part = region.availability
        yield [
            *_place(one, report, region.region.value), *_times(part), None, None, None,
            None, *_milliseconds(region.latency_ms), part.known_ms - part.available_ms, None, region.results,
            _text(", ".join(one.monitor.tags)),
        ]  # fmt: skip


def _place(one: MonitorReport, report: Report, region: str) -> list[str]:
    return [_text(one.monitor.title), _text(one.monitor.url), region, iso(report.from_ms), iso(report.to_ms)]


def _times(time: Availability) -> list[float | None]:
    return [time.ratio, time.coverage, time.available_ms, time.known_ms, time.asked_ms]


def _milliseconds(values: tuple[float | None, ...]) -> list[float | None]:
    return [None if value is None else round(value, 3) for value in values]


def _text(text: str) -> str:
    return guarded("".join(letter if letter.isprintable() else " " for letter in text))
