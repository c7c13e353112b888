"""What a report says and in which order: its figures turned into blocks of words, tables and pictures."""

from __future__ import annotations

from collections.abc import Iterator

from pingmon_gui.domain.incident import Incident
from pingmon_gui.domain.region import REGION_NAMES
from pingmon_gui.report.drawing import Ink, latency_chart, strip
from pingmon_gui.report.gather import MonitorReport, Report
from pingmon_gui.report.page import (
    Block,
    Column,
    Document,
    Figure,
    Figures,
    Heading,
    Key,
    Picture,
    Row,
    Section,
    Table,
    Text,
)
from pingmon_gui.report.span import Unit
from pingmon_gui.report.words import (
    METHOD,
    NOTHING,
    counted,
    how_measured,
    latency,
    length,
    minute,
    moment,
    share,
    span_of,
    zone_of,
)

TITLE = "Availability report"
#: So many incidents, and times of rest, of a domain are listed: the newest.
MOST_LISTED = 50
#: The width of pictures in points: on A4 between its margins, and in a browser, where they grow with the window.
PAPER_WIDTH, SCREEN_WIDTH = 515.0, 655.0
_STRIP_HEIGHT, _SMALL_STRIP_HEIGHT, _CHART_HEIGHT = 26.0, 11.0, 96.0
_SMALL_STRIP_PART = 0.13
_LATENCIES = ("Median", "95 %", "99 %")
#: A difference in seconds is no news: results are judged every few seconds.
_NEWS_MS = 300_000


def document(report: Report, title: str = "", *, width: float, with_domains: bool = True) -> Document:
    """Return a report as blocks, its pictures `width` points wide; `with_domains` gives each domain a section."""
    span = f"{span_of(report)} ({zone_of(report)})"
    sections = [Section(tuple(_overview(report, title or TITLE, span, width)))]
    if with_domains:
        sections += [Section(tuple(_domain(one, report, width))) for one in report.monitors]
    method: list[Block] = [Heading("How this was measured"), Text(f"All times are those of {zone_of(report)}.", True)]
    sections.append(Section((*method, *(Text(line, is_quiet=True) for line in METHOD))))
    imprint = f"Made by Pingmon on {minute(report.made_at_ms, report.zone)}"
    return Document(title or TITLE, span, imprint, tuple(sections))


def _overview(report: Report, title: str, span: str, width: float) -> Iterator[Block]:
    yield Heading(title, 1)
    yield Text(span, is_quiet=True)
    if not report.monitors:
        yield Text("Nothing is watched.")
        return
    if report.asked_to_ms - report.to_ms > _NEWS_MS:
        yield Text(
            "It ends where results were judged last; what was measured until "
            f"{minute(report.asked_to_ms, report.zone)} is not in it.",
            is_warning=True,
        )
    yield _figures(report)
    yield _all_domains(report, width)
    yield _key(report)


def _figures(report: Report) -> Figures:
    time, all_ = report.time, report.time.availability
    outages = sum(one.outages for one in report.monitors)
    regional = sum(one.regional_problems for one in report.monitors)
    worst = report.worst
    count = len(report.monitors)
    figures = [
        Figure("Availability", share(all_.ratio), counted(count, "domain")),
        Figure("Coverage", share(all_.coverage), "of time known"),
        Figure("Outages", f"{outages:,}", f"{length(time.offline_ms)} offline" if time.offline_ms else ""),
        Figure("Regional problems", f"{regional:,}", length(time.regional_ms) if time.regional_ms else ""),
        Figure(
            "Longest outage",
            NOTHING if worst is None else length(worst.longest_outage_ms),
            "" if worst is None or count == 1 else worst.monitor.title,
        ),
        Figure("Median latency", latency(report.latency_ms[0]), f"95 %: {latency(report.latency_ms[1])}"),
    ]
    return Figures(tuple(figures))


def _all_domains(report: Report, width: float) -> Table:
    columns = (
        Column("Domain", weight=1),
        Column(f"By {report.bars.unit}"),
        *(Column(name, is_number=True) for name in ("Availability", "Coverage", "Outages", "Regional", "Longest")),
        *(Column(name, is_number=True) for name in _LATENCIES[:2]),
    )
    rows = [
        Row(
            (
                one.monitor.title,
                strip(
                    one.bars, report.bars, report.zone, width * _SMALL_STRIP_PART, _SMALL_STRIP_HEIGHT, with_axis=False
                ),
                share(one.time.availability.ratio),
                share(one.time.availability.coverage),
                str(one.outages),
                str(one.regional_problems),
                length(one.longest_outage_ms) if one.longest_outage_ms else NOTHING,
                latency(one.latency_ms[0]),
                latency(one.latency_ms[1]),
            )
        )
        for one in report.monitors
    ]
    return Table("All domains", columns, tuple(rows))


def _key(report: Report) -> Key:
    article = "an" if report.bars.unit is Unit.HOUR else "a"
    return Key(
        (
            (Ink.GOOD, f"online; a bar is {article} {report.bars.unit}"),
            (Ink.BAD, "offline"),
            (Ink.REGIONAL, "offline for some regions only"),
            (Ink.UNKNOWN, "not measured"),
            (Ink.RESTED, "paused, in maintenance, or not watched yet"),
        )
    )


def _domain(one: MonitorReport, report: Report, width: float) -> Iterator[Block]:
    time, all_ = one.time, one.time.availability
    yield Heading(one.monitor.title)
    yield Text(how_measured(one.monitor.url, one.monitor.settings), is_quiet=True)
    longest = length(one.longest_outage_ms) if one.longest_outage_ms else NOTHING
    yield Figures(
        (
            Figure("Availability", share(all_.ratio), f"of {length(all_.known_ms)} known"),
            Figure("Coverage", share(all_.coverage), f"of {length(all_.asked_ms)}"),
            Figure("Outages", f"{one.outages:,}", f"{length(time.offline_ms)} offline" if time.offline_ms else ""),
            Figure(
                "Regional problems", f"{one.regional_problems:,}", length(time.regional_ms) if time.regional_ms else ""
            ),
            Figure(
                "Longest outage",
                longest,
                "" if one.longest_at_ms is None else minute(one.longest_at_ms, report.zone),
            ),
            Figure("Median latency", latency(one.latency_ms[0]), f"95 %: {latency(one.latency_ms[1])}"),
        )
    )
    bars = strip(one.bars, report.bars, report.zone, width, _STRIP_HEIGHT, with_axis=True)
    yield Picture(bars, f"Availability by {report.bars.unit}")
    if any(row[0] is not None for row in one.latency_bars):
        chart = latency_chart(one.latency_bars, report.bars, report.zone, width, _CHART_HEIGHT)
        by = f"{report.bars.unit} (of UTC)" if report.has_days_of_utc else report.bars.unit
        yield Picture(chart, f"Latency by {by}: the median, the band up to 95 %, and the thin line at 99 %")
    if one.regions:
        yield _regions(one)
    if one.incidents:
        yield from _incidents(one, report)
    if one.rests:
        yield from _rests(one, report)


def _regions(one: MonitorReport) -> Table:
    columns = (
        Column("Region", weight=1),
        *(Column(name, is_number=True) for name in ("Availability", "Coverage", "Results", *_LATENCIES)),
    )
    rows = [
        Row(
            (
                REGION_NAMES[region.region],
                share(region.availability.ratio),
                share(region.availability.coverage),
                f"{region.results:,}",
                *(latency(ms) for ms in region.latency_ms),
            )
        )
        for region in one.regions
    ]
    if len(rows) > 1:
        all_ = one.time.availability
        results = sum(region.results for region in one.regions)
        whole = ("By quorum of all", share(all_.ratio), share(all_.coverage), f"{results:,}")
        rows.append(Row((*whole, *(latency(ms) for ms in one.latency_ms)), is_total=True))
    return Table(f"Regions of {one.monitor.title}", columns, tuple(rows))


def _incidents(one: MonitorReport, report: Report) -> Iterator[Block]:
    yield Heading("Incidents", 3)
    shown = one.incidents[-MOST_LISTED:]
    columns = (Column("Began"), Column("Lasted", is_number=True), Column("What happened", weight=1))
    rows = tuple(Row(_incident(incident, one, report)) for incident in reversed(shown))
    yield Table(f"Incidents of {one.monitor.title}", columns, rows)
    if len(one.incidents) > len(shown):
        yield Text(f"And {len(one.incidents) - len(shown)} earlier ones.", is_quiet=True)


def _incident(incident: Incident, one: MonitorReport, report: Report) -> tuple[str, ...]:
    lasted = length(incident.duration_ms(report.to_ms)) + ("" if incident.end_ms is not None else " so far")
    return moment(incident.start_ms, report.zone), lasted, f"{incident.sentence(one.monitor.title)}."


def _rests(one: MonitorReport, report: Report) -> Iterator[Block]:
    yield Heading("Not counted: paused or in maintenance", 3)
    shown = one.rests[-MOST_LISTED:]
    columns = (Column("From"), Column("To"), Column("Length", is_number=True), Column("Why", weight=1))
    rows = tuple(
        Row(
            (
                moment(rest.start_ms, report.zone),
                moment(rest.end_ms, report.zone),
                length(rest.end_ms - rest.start_ms),
                "maintenance" if rest.is_maintenance else "paused",
            )
        )
        for rest in reversed(shown)
    )
    yield Table(f"When {one.monitor.title} was not counted", columns, rows)
    if len(one.rests) > len(shown):
        yield Text(f"And {len(one.rests) - len(shown)} earlier ones.", is_quiet=True)
