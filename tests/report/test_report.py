"""Reports on a real store with made-up results: figures that can be counted by hand, files that stand alone."""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pingmon_gui.domain.monitor import MonitorDraft
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.strip import MOST_BARS, bar_length_ms
from pingmon_gui.report.csv_file import write_csv
from pingmon_gui.report.gather import Report, gather
from pingmon_gui.report.html_file import write_html
from pingmon_gui.report.words import length, share
from tests.engine.fakes import START_MS
from tests.engine.test_incident_tracker import STEP_MS, Place, at, placed

HOUR_MS = 3_600_000


async def an_hour(place: Place) -> Report:
    """Three probes for 400 s: 100 s offline everywhere, 50 s for one region alone, then nobody measured for 100 s."""
    local = "." * 10 + "x" * 10 + "." * 10
    europe = "." * 10 + "x" * 15 + "." * 5
    await place.play({1: local, 2: europe, 3: local})
    place.clock.advance(10 * STEP_MS)
    await place.step()
    await place.store.flush()
    return await gather(place.store, [place.monitor], START_MS, at(40), place.clock.now_ms())


def reported(tmp_path: Path, check: Callable[[Report], Awaitable[None]]) -> None:
    async def main(place: Place) -> None:
        await check(await an_hour(place))

    placed(tmp_path, main)


def test_figures_can_be_counted_by_hand(tmp_path: Path) -> None:
    async def check(report: Report) -> None:
        (one,) = report.monitors
        all_ = one.time.availability
        assert report.to_ms == at(40)
        # Up for 200 s, and for 15 s after the last result, which speaks for 2.5 intervals.
        assert (all_.available_ms, all_.known_ms, all_.asked_ms) == (215_000, 315_000, 400_000)
        assert one.time.regional_ms == 50_000
        assert [(each.start_ms, each.end_ms) for each in one.incidents] == [(at(10), at(25))]
        assert one.longest_outage_ms(report.to_ms) == 150_000
        assert [region.region for region in one.regions] == [Region.LOCAL, Region.NA, Region.EU]
        europe = one.regions[2]
        assert europe.results == 30
        assert europe.availability.ratio == pytest.approx(165 / 315)
        assert one.latency_ms[0] == pytest.approx(50, rel=0.15)
        assert sum(bar.availability.known_ms for bar in one.bars) == all_.known_ms

    reported(tmp_path, check)


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_html_stands_alone_and_shows_hostile_names_as_text(tmp_path: Path) -> None:
    async def main(place: Place) -> None:
        (evil,) = await place.store.add_monitors([MonitorDraft("https://b.example/", "<script>alert(1)</script>")])
        await an_hour(place)
        report = await gather(place.store, [place.monitor, evil], START_MS, at(40), place.clock.now_ms())
        read = _Texts()
        read.feed(write_html(report))
        assert "script" not in read.tags and read.addresses == []
        text = " ".join(read.texts)
        assert "<script>alert(1)</script>" in text
        assert "shop.example was offline: no connection was accepted in time" in text
        assert "68.254 %" in text
        assert "Method" in text and "2.5 intervals" in text

    placed(tmp_path, main)


def test_csv_has_a_line_for_each_region_and_no_formula(tmp_path: Path) -> None:
    async def main(place: Place) -> None:
        (evil,) = await place.store.add_monitors([MonitorDraft("https://b.example/", '=HYPERLINK("http://x")')])
        await an_hour(place)
        report = await gather(place.store, [place.monitor, evil], START_MS, at(40), place.clock.now_ms())
        rows = list(csv.DictReader(io.StringIO(write_csv(report))))
        mine = [row for row in rows if row["url"] == "https://shop.example/"]
        assert [row["region"] for row in mine] == ["all", "local", "na", "eu"]
        assert (mine[0]["known_ms"], mine[0]["incidents"], mine[0]["longest_outage_ms"]) == ("315000", "1", "150000")
        assert next(row for row in rows if row["url"] == "https://b.example/")["domain"].startswith("'=")

    placed(tmp_path, main)


def test_nothing_watched_and_nothing_measured_are_dashes(tmp_path: Path) -> None:
    async def main(place: Place) -> None:
        report = await gather(place.store, [place.monitor], START_MS, at(1), place.clock.now_ms() + STEP_MS)
        assert report.time.availability.ratio is None
        assert "—" in write_html(report)
        assert "Nothing is watched." in write_html(Report(0, 1, 1, 1, ()))

    placed(tmp_path, main)


@pytest.mark.parametrize("span_ms", [1, HOUR_MS, 24 * HOUR_MS, 30 * 24 * HOUR_MS, 400 * 24 * HOUR_MS])
def test_bars_stay_few(span_ms: int) -> None:
    assert -(-span_ms // bar_length_ms(span_ms)) <= MOST_BARS


def test_words() -> None:
    assert [length(ms) for ms in (0, 999, 61_000, 3_600_000, 90_061_000)] == [
        "0 s",
        "0 s",
        "1 min 1 s",
        "1 h",
        "1 d 1 h",
    ]
    assert [share(ratio) for ratio in (None, 1.0, 0.999999, 0.5)] == ["—", "100 %", "99.999 %", "50.000 %"]


def test_pdf_is_written(tmp_path: Path, qapp: object) -> None:
    from pingmon_gui.ui.report_pdf import write_pdf

    async def check(report: Report) -> None:
        write_pdf(write_html(report), tmp_path / "r.pdf", "Report")
        assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF-")

    reported(tmp_path, check)
