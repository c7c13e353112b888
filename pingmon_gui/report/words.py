"""The words of reports, in English, for files that leave this computer."""

from __future__ import annotations

from datetime import UTC, datetime

from pingmon_gui.report.gather import Report

NOTHING = "—"
METHOD = (
    "Availability is the share of known time in which the domain was online. Its state follows from what the regions "
    "report: offline when a quorum of the regions that watch it is (1 of 1, 2 of 2 or 3, more than half of 4 and "
    "more), a regional problem when fewer are. Slow and regional time count as available; regional time is also told "
    "apart.",
    "A region is offline when two checks in a row fail, and well again when two in a row succeed; times are those of "
    "the first of the two. A result speaks until the next one, or for 2.5 intervals. Time in which nobody could "
    "measure is unknown, counts neither way and lowers the coverage. Pauses and maintenance are left out.",
    "Latency is the time of a whole check over a cold connection (name, connection, TLS, answer), of good results, at "
    "50, 95 and 99 %; it is read from histograms and exact to 15 %. Incidents begin with the first failing result and "
    "end with the first good one.",
)


def share(ratio: float | None) -> str:
    """Return a share as people read it; never rounded up to 100 %."""
    if ratio is None:
        return NOTHING
    return "100 %" if ratio >= 1 else f"{min(ratio * 100, 99.999):.3f} %"


def length(ms: int) -> str:
    """Return a length of time in its two largest units."""
    seconds = max(0, ms) // 1000
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next((place for place, (value, _) in enumerate(parts) if value), 3)
    return " ".join(f"{value} {unit}" for value, unit in parts[first : first + 2] if value or first == 3)


def latency(ms: float | None) -> str:
    """Return a latency as people read it."""
    if ms is None:
        return NOTHING
    return f"{ms:.1f} ms" if ms < 10 else f"{ms:.0f} ms" if ms < 999.5 else f"{ms / 1000:.2f} s"


def time_of(at_ms: int) -> str:
    """Return a time of day in UTC, to the second."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def span_of(report: Report) -> str:
    """Return the span of a report."""
    return f"{time_of(report.from_ms)} to {time_of(report.to_ms)} UTC"
