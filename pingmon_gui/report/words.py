"""The words of reports, in English, for files that leave this computer."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, tzinfo
from urllib.parse import urlsplit

from pingmon_gui.domain.monitor import MonitorSettings, format_status_set
from pingmon_gui.domain.target import full_url
from pingmon_gui.report.gather import Report

NOTHING = "—"
#: Between a number and its unit, so that a line never breaks there.
NARROW = "\u00a0"
METHOD = (
    "Availability is the share of known time in which a domain was online. Its state follows from what the regions "
    "report: offline when a quorum of the regions that watch it is (1 of 1, 2 of 2 or 3, more than half of 4 and "
    "more), a regional problem when fewer are. Slow and regional time count as available; regional time is also told "
    "apart.",
    "A region is offline when two checks in a row fail, and well again when two in a row succeed; times are those of "
    "the first of the two. A result speaks until the next one, or for 2.5 intervals. Time in which nobody could "
    "measure is unknown: it counts neither way and lowers the coverage, the known share of the time asked for. Pauses "
    "and maintenance are left out of both.",
    "A region’s own availability is that of its results alone. Where results are kept no longer, hours or days at the "
    "edges of the report count by their share.",
    "Latency is the time of a whole check over a cold connection (name, connection, TLS, answer), of good results. "
    "Half of them took no longer than the median, 95 and 99 % no longer than the other two. It is read from histograms "
    "and exact to 15 %.",
    "An incident begins with the first failing result and ends with the first good one. It may reach beyond this "
    "report; only what lies in the report counts.",
)


def share(ratio: float | None) -> str:
    """Return a share as people read it; only what is whole reads 100 %."""
    if ratio is None:
        return NOTHING
    if ratio >= 1:
        return f"100{NARROW}%"
    return f"{math.floor(max(0.0, ratio) * 100_000 + 1e-6) / 1000:.3f}{NARROW}%".replace("100.000", "99.999")


def length(ms: int) -> str:
    """Return a length of time in its two largest units."""
    seconds = max(0, ms) // 1000
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next((place for place, (value, _) in enumerate(parts) if value), 3)
    return " ".join(f"{value}{NARROW}{unit}" for value, unit in parts[first : first + 2] if value or first == 3)


def latency(ms: float | None) -> str:
    """Return a latency as people read it."""
    if ms is None:
        return NOTHING
    if ms < 10:
        return f"{ms:.1f}{NARROW}ms"
    return f"{ms:.0f}{NARROW}ms" if ms < 999.5 else f"{ms / 1000:.2f}{NARROW}s"


def counted(count: int, one: str, many: str = "") -> str:
    """Return a number with what it counts: `1 outage`, `3 outages`, `no outage`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}" if count else f"no {one}"


def moment(at_ms: int, zone: tzinfo) -> str:
    """Return a time of day in a zone, to the second."""
    return datetime.fromtimestamp(at_ms / 1000, zone).strftime("%Y-%m-%d %H:%M:%S")


def minute(at_ms: int, zone: tzinfo) -> str:
    """Return a time of day in a zone, to the minute."""
    return datetime.fromtimestamp(at_ms / 1000, zone).strftime("%Y-%m-%d %H:%M")


def span_of(report: Report) -> str:
    """Return the span of a report."""
    return f"{minute(report.from_ms, report.zone)} to {minute(report.to_ms, report.zone)}"


def zone_of(report: Report) -> str:
    """Return the zone of a report's times, with what it is off UTC by: twice where the clocks were changed."""
    moments = [datetime.fromtimestamp(at_ms / 1000, report.zone) for at_ms in (report.from_ms, report.to_ms)]
    offsets = list(dict.fromkeys(_offset(at.utcoffset() or timedelta()) for at in moments))
    name = getattr(report.zone, "key", None) or str(moments[-1].tzname())
    return "UTC" if "UTC" in name and offsets == ["UTC+00:00"] else f"{name}, {' and '.join(offsets)}"


def bar_date(at_ms: int, zone: tzinfo, *, with_time: bool) -> str:
    """Return what stands below a bar: a day, or a day and an hour."""
    return datetime.fromtimestamp(at_ms / 1000, zone).strftime("%Y-%m-%d %H:%M" if with_time else "%Y-%m-%d")


def how_measured(url: str, settings: MonitorSettings) -> str:
    """Return what is checked and what a good answer is, as half sentences."""
    parts = [full_url(url), f"checked every {length(settings.interval_ms)}", f"timeout {_short(settings.timeout_ms)}"]
    parts.append(f"slow from {_short(settings.slow_ms)}")
    parts.append(f"good: {format_status_set(settings.status_set)}")
    if settings.keyword is not None:
        parts.append(f"{'without' if settings.keyword_absent else 'with'} “{settings.keyword[:60]}”")
    if settings.ignore_certificate and urlsplit(url).scheme == "https":
        parts.append("any certificate")
    return " · ".join(parts)


def _short(ms: int) -> str:
    return f"{ms / 1000:g}{NARROW}s" if ms >= 1000 else f"{ms}{NARROW}ms"


def _offset(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"
