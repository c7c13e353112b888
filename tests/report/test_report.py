"""Reports on a real store with made-up results: figures that can be counted by hand, files that stand alone."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pingmon_gui.domain.availability import last_hour
from pingmon_gui.domain.error import UserCancelled
from pingmon_gui.domain.monitor import MonitorDraft, MonitorId
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.timeline import Standing, VerdictSpan
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.event import MonitorsChanged
from pingmon_gui.report.content import document
from pingmon_gui.report.csv_file import write_csv
from pingmon_gui.report.explain import explained_domain, explained_region
from pingmon_gui.report.gather import Report, Rest, empty_report, gather
from pingmon_gui.report.html_file import write_html
from pingmon_gui.report.page import Table
from pingmon_gui.report.words import length, share
from tests.engine.fakes import START_MS, FakeStore, monitor
from tests.engine.test_incident_tracker import STEP_MS, Place, at, placed
from tests.report.helper import measure, report_of, reported


def page(report: Report) -> str:
    return write_html(document(report, width=600))


def test_figures_can_be_counted_by_hand(tmp_path: Path) -> None:
    async def check(report: Report) -> None:
        (one,) = report.monitors
        all_ = one.time.availability
        assert report.to_ms == at(40)
        # Up for 200 s, and for 15 s after the last result, which speaks for 2.5 intervals.
        assert (all_.available_ms, all_.known_ms, all_.asked_ms) == (215_000, 315_000, 400_000)
        assert (one.time.offline_ms, one.time.regional_ms) == (100_000, 50_000)
        assert [(each.start_ms, each.end_ms) for each in one.incidents] == [(at(10), at(25))]
        # Offline in a row; the incident went on for one region.
        assert (one.longest_outage_ms, one.longest_at_ms) == (100_000, at(10))
        assert (one.outages, one.regional_problems) == (1, 0)
        assert [region.region for region in one.regions] == [Region.LOCAL, Region.NA, Region.EU]
        europe = one.regions[2]
        assert europe.results == 30
        # Its results alone: failing from the eleventh to the twenty-fifth.
        assert (europe.availability.available_ms, europe.availability.known_ms) == (165_000, 315_000)
        assert europe.availability.coverage == pytest.approx(315 / 400)
        assert one.latency_ms[0] == pytest.approx(50, rel=0.15)
        assert sum(bar.availability.known_ms for bar in one.bars) == all_.known_ms
        assert report.worst is one

    reported(tmp_path, check)


def test_figures_are_those_of_the_window_for_the_same_hour(tmp_path: Path) -> None:
    async def main(place: Place) -> None:
        await measure(place)
        start_ms, end_ms = last_hour(place.clock.now_ms())
        (one,) = (await report_of(place, from_ms=start_ms, to_ms=end_ms)).monitors
        assert [region.region for region in one.regions] == [Region.LOCAL, Region.NA, Region.EU]
        for region in one.regions:
            assert region.availability == place.board.availability_of(place.monitor.id, region.region)

    placed(tmp_path, main)


def test_only_what_lies_in_the_span_counts(tmp_path: Path) -> None:
    async def main(place: Place) -> None:
        await measure(place)
        (one,) = (await report_of(place, from_ms=at(12) + 1, to_ms=at(18))).monitors
        assert one.time.availability.ratio == 0
        assert one.longest_outage_ms == one.time.offline_ms == 6 * STEP_MS - 1
        assert len(one.incidents) == 1
        assert [region.availability.known_ms for region in one.regions] == [6 * STEP_MS - 1] * 3

    placed(tmp_path, main)


def test_pauses_are_listed_and_asked_of_no_region(tmp_path: Path) -> None:
    async def main(place: Place) -> None:
        await place.play({1: "." * 10})
        await place.store.flush()
        place.monitor = replace(place.monitor, is_paused=True)
        place.board.put_monitors([place.monitor])
        place.hub.publish(MonitorsChanged((place.monitor.id,)))
        await place.step()
        place.clock.advance(10 * STEP_MS)
        await place.step()
        report = await report_of(place, to_ms=at(20))
        (one,) = report.monitors
        assert one.time.paused_ms == sum(span.end_ms - span.start_ms for span in one.rests) == 10 * STEP_MS
        assert one.time.availability.asked_ms == 10 * STEP_MS
        # Its last result speaks for 15 s more.
        assert one.regions[0].availability.asked_ms == 10 * STEP_MS + 15_000
        assert "Not counted: paused or in maintenance" in page(report)

    placed(tmp_path, main, probes=1)


class _Rested(FakeStore):
    async def verdict_spans(
        self, monitors: Collection[MonitorId], from_ms: int, to_ms: int
    ) -> dict[MonitorId, list[VerdictSpan]]:
        spans = [VerdictSpan(0, 10, Verdict.ONLINE), VerdictSpan(10, 40, Verdict.PAUSED),
                 VerdictSpan(50, 60, Verdict.PAUSED)]  # fmt: skip
        return {id_: spans for id_ in monitors}


def test_pause_and_maintenance_are_told_apart() -> None:
    store = _Rested(monitor(2))
    nowhere: frozenset[Region] = frozenset()
    store.stood[MonitorId(2)] = [
        Standing(0, nowhere),
        Standing(10, nowhere, is_paused=True, is_in_maintenance=True),
        Standing(20, nowhere, is_paused=True),
        Standing(30, nowhere, is_paused=True),
        Standing(40, nowhere),
        Standing(45, nowhere, is_paused=True, is_in_maintenance=True),
    ]
    report = asyncio.run(gather(store, [monitor(2)], 0, 60, 60, UTC))
    assert report.monitors[0].rests == (Rest(10, 20, True), Rest(20, 40, False), Rest(50, 60, True))
    text = page(report)
    assert (text.count(">maintenance<"), text.count(">paused<")) == (2, 1)


def test_figures_are_those_of_the_explanation_for_any_span(tmp_path: Path) -> None:
    async def main(place: Place) -> None:
        await measure(place)
        now_ms = place.clock.now_ms()
        for from_ms, to_ms in ((at(0), at(40)), (at(3) + 17, at(21) + 4_321), (at(12), at(13))):
            (one,) = (await report_of(place, from_ms=from_ms, to_ms=to_ms)).monitors
            told = await explained_domain(place.store, one.monitor.id, from_ms, to_ms)
            assert one.time.availability == told.time
            for region in one.regions:
                told = await explained_region(place.store, one.monitor.id, region.region, from_ms, to_ms, now_ms)
                assert region.availability == told.time

    placed(tmp_path, main)


def test_report_ends_where_results_were_judged_and_says_so(tmp_path: Path) -> None:
    async def main(place: Place) -> None:
        await measure(place)
        place.clock.advance(10 * 60_000)
        report = await report_of(place, to_ms=place.clock.now_ms())
        assert report.to_ms < report.asked_to_ms
        assert "It ends where results were judged last" in page(report)
        assert "It ends where results" not in page(await report_of(place))

    placed(tmp_path, main)


def test_progress_is_told_and_can_end_the_work(tmp_path: Path) -> None:
    async def main(place: Place) -> None:
        more = await place.store.add_monitors([MonitorDraft(f"https://{n}.example/") for n in range(12)])
        told: list[tuple[int, int]] = []
        now_ms = place.clock.now_ms() + STEP_MS
        await gather(place.store, more, START_MS, now_ms, now_ms, UTC, lambda *step: told.append(step))
        assert told == [(done, 12) for done in range(13)]

        def stop(_done: int, _of: int) -> None:
            raise UserCancelled

        with pytest.raises(UserCancelled):
            await gather(place.store, more, START_MS, now_ms, now_ms, UTC, stop)

    placed(tmp_path, main)


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "style")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_html_stands_alone_and_shows_hostile_names_as_text(tmp_path: Path) -> None:
    async def main(place: Place) -> None:
        (evil,) = await place.store.add_monitors([MonitorDraft("https://b.example/", "<script>alert(1)</script>")])
        await measure(place)
        html = page(await report_of(place, evil))
        read = _Texts()
        read.feed(html)
        assert "script" not in read.tags and read.addresses == []
        assert "url(" not in html and "@import" not in html and "http://" not in html
        assert html.count("<svg") == read.tags.count("svg") == 5  # two in the table, of the one that was measured two
        text = " ".join(read.texts).replace("\u00a0", " ")
        assert "<script>alert(1)</script>" in text
        assert "shop.example was offline: no connection was accepted in time." in text
        assert "68.253 %" in text
        assert "All times are those of UTC." in text
        assert "2.5 intervals" in text

    placed(tmp_path, main)


def test_summary_has_no_section_for_each_domain(tmp_path: Path) -> None:
    async def check(report: Report) -> None:
        whole, short = (document(report, width=500, with_domains=with_domains) for with_domains in (True, False))
        assert len(whole.sections) == len(short.sections) + 1
        assert [block.name for section in short.sections for block in section.blocks if isinstance(block, Table)] == [
            "All domains"
        ]

    reported(tmp_path, check)


def test_csv_has_a_line_for_each_region_and_no_formula(tmp_path: Path) -> None:
    async def main(place: Place) -> None:
        (evil,) = await place.store.add_monitors([MonitorDraft("https://b.example/", '=HYPERLINK("http://x")')])
        await measure(place)
        report = await report_of(place, evil)
        rows = list(csv.DictReader(io.StringIO(write_csv(report), newline="")))
        mine = [row for row in rows if row["url"] == "https://shop.example/"]
        assert [row["region"] for row in mine] == ["all", "local", "na", "eu"]
        assert (mine[0]["known_ms"], mine[0]["incidents"], mine[0]["longest_outage_ms"]) == ("315000", "1", "100000")
        assert (mine[3]["offline_ms"], mine[3]["results"]) == ("150000", "30")
        assert mine[0]["from_utc"].endswith("Z")
        assert next(row for row in rows if row["url"] == "https://b.example/")["domain"].startswith("'=")

    placed(tmp_path, main)


def test_nothing_watched_and_nothing_measured_are_dashes(tmp_path: Path) -> None:
    async def main(place: Place) -> None:
        report = await gather(place.store, [place.monitor], START_MS, at(1), place.clock.now_ms() + STEP_MS, UTC)
        assert report.time.availability.ratio is None
        assert report.worst is None
        assert "—" in page(report)
        assert "Nothing is watched." in page(empty_report(0, 1, 1, UTC))

    placed(tmp_path, main)


def test_words() -> None:
    lengths = [length(ms).replace("\u00a0", " ") for ms in (0, 999, 61_000, 3_600_000, 90_061_000)]
    assert lengths == ["0 s", "0 s", "1 min 1 s", "1 h", "1 d 1 h"]
    shares = [share(ratio).replace("\u00a0", " ") for ratio in (None, 1.0, 0.9999999, 0.5, 0.999996, 0.0)]
    assert shares == ["—", "100 %", "99.999 %", "50.000 %", "99.999 %", "0.000 %"]
