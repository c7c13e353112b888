"""A report as comma-separated values: a line for each domain and one for each of its regions."""

from __future__ import annotations

import csv
import io

from pingmon_gui.report.gather import SHARES, Report
from pingmon_gui.report.words import METHOD, span_of, time_of

#: A spreadsheet takes a cell that begins so for a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
COLUMNS = (
    "domain", "url", "region", "from_utc", "to_utc", "availability", "coverage", "available_ms", "known_ms",
    "asked_ms", "regional_ms", "paused_ms", "incidents", "longest_outage_ms",
    *(f"p{share * 100:.0f}_ms" for share in SHARES),
)  # fmt: skip


def write_csv(report: Report) -> str:
    """Return the file's text. Texts cannot become formulas; None is an empty cell; the method is at the end."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    span = (time_of(report.from_ms), time_of(report.to_ms))
    for one in report.monitors:
        name, url, time = _text(one.monitor.title), _text(one.monitor.url), one.time
        all_ = time.availability
        writer.writerow(
            (
                name, url, "all", *span, all_.ratio, all_.coverage, all_.available_ms, all_.known_ms, all_.asked_ms,
                time.regional_ms, time.paused_ms, len(one.incidents), one.longest_outage_ms(report.to_ms),
                *one.latency_ms,
            )
        )  # fmt: skip
        for region in one.regions:
            part = region.availability
            writer.writerow(
                (
                    name, url, region.region.value, *span, part.ratio, part.coverage, part.available_ms,
                    part.known_ms, part.asked_ms, None, None, None, None, *region.latency_ms,
                )
            )  # fmt: skip
    writer.writerow(())
    for line in (f"Pingmon, {span_of(report)}", *METHOD):
        writer.writerow((line,))
    return stream.getvalue()


def _text(text: str) -> str:
    clean = "".join(letter if letter.isprintable() else " " for letter in text)
    return f"'{clean}" if clean.startswith(_FORMULA_STARTS) else clean
