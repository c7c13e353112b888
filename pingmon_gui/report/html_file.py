"""A report as one HTML file that needs nothing else. Tables only: the same file is printed as PDF."""

from __future__ import annotations

from html import escape

from pingmon_gui.domain.incident import Incident
from pingmon_gui.domain.region import REGION_NAMES
from pingmon_gui.domain.verdict_time import VerdictTime
from pingmon_gui.report.gather import MonitorReport, Report
from pingmon_gui.report.words import METHOD, NOTHING, latency, length, share, span_of, time_of

#: So many incidents of a domain are listed, the newest.
MOST_INCIDENTS = 50
_STYLE = """
body { font-family: 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif; color: #1b2027; max-width: 60em;
       margin: 2em auto; font-size: 10pt; }
h1 { font-size: 18pt; margin-bottom: 0; } h2 { font-size: 13pt; margin: 1.6em 0 0.3em 0; }
p.quiet, td.quiet { color: #59626e; } table { border-collapse: collapse; }
td, th { padding: 3px 9px; text-align: left; }
th { color: #59626e; font-weight: normal; border-bottom: 1px solid #c9cfd7; } td.number { text-align: right; }
td.bar { padding: 0; } a { color: #1f5fd6; }
"""
_GOOD, _WORSE, _BAD, _UNKNOWN = "#2e8b4a", "#d79a00", "#c62828", "#dde1e6"


def write_html(report: Report) -> str:
    """Return the file's text; every text from outside is escaped."""
    parts = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Availability report</title>',
        f"<style>{_STYLE}</style></head><body>",
        "<h1>Availability report</h1>",
        f'<p class="quiet">{escape(span_of(report))} · made by Pingmon, {escape(time_of(report.made_at_ms))} UTC</p>',
        _summary(report),
        *(_monitor(one, report) for one in report.monitors),
        "<h2>Method</h2>",
        *(f'<p class="quiet">{escape(line)}</p>' for line in METHOD),
        "</body></html>",
    ]
    return "\n".join(parts)


def _summary(report: Report) -> str:
    rows = [
        _row(
            escape(one.monitor.title),
            share(one.time.availability.ratio),
            share(one.time.availability.coverage),
            str(len(one.incidents)),
            length(one.longest_outage_ms(report.to_ms)) if one.incidents else NOTHING,
            latency(one.latency_ms[0]),
            latency(one.latency_ms[1]),
        )
        for one in report.monitors
    ]
    if len(report.monitors) > 1:
        time = report.time
        incidents = str(sum(len(one.incidents) for one in report.monitors))
        all_ = (share(time.availability.ratio), share(time.availability.coverage), incidents, "", "", "")
        rows.append(_row("<b>All of them</b>", *all_))
    heads = ("Domain", "Availability", "Coverage", "Incidents", "Longest", "Median", "95 %")
    return _table(heads, rows) if rows else "<p>Nothing is watched.</p>"


def _monitor(one: MonitorReport, report: Report) -> str:
    parts = [f"<h2>{escape(one.monitor.title)}</h2>", f'<p class="quiet">{escape(one.monitor.url)}</p>']
    parts.append(_bars(one.bars))
    parts.append(f'<p class="quiet">{_bars_text(one, report)}</p>')
    regions = [
        _row(
            escape(REGION_NAMES[region.region]),
            share(region.availability.ratio),
            share(region.availability.coverage),
            f"{region.results:,}",
            *(latency(ms) for ms in region.latency_ms),
        )
        for region in one.regions
    ]
    if regions:
        parts.append(_table(("Region", "Availability", "Coverage", "Results", "Median", "95 %", "99 %"), regions))
    shown = one.incidents[-MOST_INCIDENTS:]
    if shown:
        parts.append("<p></p>")
        parts.append(_table(("Began (UTC)", "Lasted", "What"), [_incident(i, one, report) for i in reversed(shown)]))
    if len(one.incidents) > len(shown):
        parts.append(f'<p class="quiet">and {len(one.incidents) - len(shown)} earlier ones</p>')
    return "\n".join(parts)


def _incident(incident: Incident, one: MonitorReport, report: Report) -> str:
    lasted = length(incident.duration_ms(report.to_ms)) + ("" if incident.end_ms is not None else " so far")
    return _row(time_of(incident.start_ms), lasted, escape(incident.sentence(one.monitor.title)), numbers=0)


def _bars(bars: tuple[VerdictTime, ...]) -> str:
    width = max(2, 620 // max(1, len(bars)) - 1)
    cells = "".join(
        f'<td class="bar" bgcolor="{_colour(bar)}" width="{width}" height="26">&nbsp;</td>'
        '<td class="bar" width="1"></td>'
        for bar in bars
    )
    return f'<table cellspacing="0" cellpadding="0"><tr>{cells}</tr></table>'


def _colour(bar: VerdictTime) -> str:
    ratio = bar.availability.ratio
    if ratio is None:
        return _UNKNOWN
    if ratio < 0.99:
        return _BAD
    return _WORSE if ratio < 1 or bar.regional_ms else _GOOD


def _bars_text(one: MonitorReport, report: Report) -> str:
    texts = [
        f"each bar is {length(report.bar_ms)}: green without, yellow with less than 1 %, red with more time offline",
        "grey: not measured",
    ]
    if one.time.regional_ms:
        texts.append(f"regional problems for {length(one.time.regional_ms)}")
    if one.time.paused_ms:
        texts.append(f"paused for {length(one.time.paused_ms)}")
    return escape("; ".join(texts))


def _table(heads: tuple[str, ...], rows: list[str]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    return f'<table cellspacing="0"><tr>{head}</tr>{"".join(rows)}</table>'


def _row(first: str, *cells: str, numbers: int = 1) -> str:
    kind = ' class="number"' if numbers else ""
    return f"<tr><td>{first}</td>{''.join(f'<td{kind}>{cell}</td>' for cell in cells)}</tr>"
