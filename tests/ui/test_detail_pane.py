from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from pingmon_probe.protocol import FAILURES, CheckResult
from PySide6.QtCore import QPoint
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.availability import Availability
from pingmon_gui.domain.history import SeriesHistory
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.registration import DAY_MS, Registration
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board import Board
from pingmon_gui.ui import wording
from pingmon_gui.ui.detail_pane import DetailPane
from pingmon_gui.ui.kind_facts import kind_facts
from pingmon_gui.ui.monitor_detail import Measured, MonitorDetail, RegionDetail, detail_of
from pingmon_gui.ui.phase_bar import PhaseBar
from pingmon_gui.ui.region_section import RegionSection
from pingmon_gui.ui.share_button import ShareButton
from tests.engine.fakes import FakeClock, batch, monitor, voting
from tests.ui.conftest import RunAsync
from tests.ui.made_up import visible_texts
from tests.ui.test_chart_data import START, history

KNOWN = Registration("example.com", START, START, START, source="https://x.example/domain/example.com")
HERE = Probe(ProbeId(1), "This computer", Region.LOCAL)
GOOD = CheckResult(
    url="https://shop.example/",
    started_at_ms=START,
    http_status=200,
    total_ms=60.0,
    dns_ms=5.0,
    connect_ms=10.0,
    tls_ms=20.0,
    request_ms=24.0,
    transfer_ms=1.0,
    address="192.0.2.7",
    family=4,
    hops=({"url": "http://shop.example/", "http_status": 301, "address": "192.0.2.7"},),
    certificate={
        "subject": "shop.example",
        "issuer": "A CA",
        "not_after": "2023-12-14T22:13:20Z",
        "verify_error": None,
    },
)


@dataclass
class History:
    """Answers with one series, when it is let."""

    found: list[SeriesHistory] = field(default_factory=list)
    asked: list[tuple[int, int, int]] = field(default_factory=list)

    async def results(self, monitor: MonitorId, from_ms: int, to_ms: int) -> list[SeriesHistory]:
        self.asked.append((monitor, from_ms, to_ms))
        await asyncio.sleep(0)
        return self.found


class Idle:
    """Stands for a task where no loop runs."""

    def __init__(self, work: Coroutine[Any, Any, Any]) -> None:
        work.close()

    def cancel(self) -> bool:
        return True


def pane_of(qtbot: QtBot, source: History | None = None, spawn: Any = Idle) -> DetailPane:
    pane = DetailPane(source or History(), spawn, lambda: START)
    qtbot.addWidget(pane)
    pane.resize(380, 900)
    pane.show()
    return pane


def detail(result: CheckResult | None = GOOD, state: Status = Status.ONLINE, **changes: Any) -> MonitorDetail:
    region = RegionDetail(
        Region.LOCAL, state, False, Availability(3_540_000, 3_590_000, 3_600_000), (Measured(HERE, result, state),)
    )
    shown = replace(monitor(10, name="shop", url="https://shop.example/", tags=("prod",)), **changes)
    verdict = Verdict.OFFLINE if state is Status.OFFLINE else Verdict.ONLINE
    return MonitorDetail(
        shown, verdict, (region,), {HERE.id: HERE}, START, wording.verdict_sentence(shown.title, verdict, {})
    )


def words(pane: DetailPane) -> str:
    # What a layout was given is shown with the next events.
    QApplication.processEvents()
    return "\n".join(label.text() for label in pane.findChildren(QLabel) if label.isVisible())


def test_detail_pane_invites_when_there_is_nothing(qtbot: QtBot) -> None:
    pane = pane_of(qtbot)
    pane.show_nothing(False)
    assert "Add a domain" in words(pane)
    with qtbot.waitSignal(pane.add_requested):
        next(b for b in pane.findChildren(QPushButton) if b.isVisible()).click()
    pane.show_nothing(True)
    assert "Select a domain" in words(pane)


def test_detail_pane_shows_phases_facts_and_the_share_explained(qtbot: QtBot) -> None:
    pane = pane_of(qtbot)
    pane.show_monitor(detail())
    text = words(pane).replace("\u00a0", " ")
    for part in (
        "is online.",
        "every 10 s",
        "#prod",
        "Name lookup",
        "20.00 ms",
        "HTTP 200 · 192.0.2.7 (IPv4)",
        "redirected by http://shop.example/ (301)",
        "certificate of shop.example by A CA, expires in 30 days",
        "Available in the last hour",
        "59 min 50 s of 1 h known; available 59 min.",
    ):
        assert part in text
    (share,) = pane.findChildren(ShareButton)
    assert share.text().replace("\u00a0", " ") == "98.6 %"
    with qtbot.waitSignal(pane.explain_requested, check_params_cb=lambda region: region is Region.LOCAL):
        share.click()


@pytest.mark.parametrize(
    ("known", "line"),
    [
        (None, ""),
        (Registration("example.com"), "Registration: not asked for yet"),
        (Registration("example.com", problem="No\nRDAP."), "Registration: end not known. No RDAP."),
        (
            replace(KNOWN, expires_at_ms=START + 93 * DAY_MS),
            "Registration: ends ON (in 93 days), according to x.example",
        ),
        (replace(KNOWN, expires_at_ms=START - DAY_MS), "Registration: ended ON (1 day ago), according to x.example"),
        (
            replace(KNOWN, expires_at_ms=START + DAY_MS, registrar="<b>R", problem="It hangs."),
            "Registration: ends ON (in 1 day), according to x.example; registrar: <b>R. Last heard on ASKED: It hangs.",
        ),
    ],
)
def test_detail_pane_says_until_when_the_name_is_registered(
    qtbot: QtBot, known: Registration | None, line: str
) -> None:
    pane = pane_of(qtbot)
    pane.show_monitor(replace(detail(), registration=known))
    if known is not None:
        on, asked = wording.date(known.expires_at_ms or 0), wording.date(known.answered_at_ms)
        line = line.replace("ON", on).replace("ASKED", asked)
        assert line in words(pane).splitlines()
    else:
        assert "Registration" not in words(pane)


@pytest.mark.parametrize("failure", FAILURES)
def test_detail_pane_shows_the_sentence_of_every_failure(qtbot: QtBot, failure: str) -> None:
    pane = pane_of(qtbot)
    failed = replace(GOOD, failure=failure, message=f"A sentence about {failure}.", http_status=None)
    pane.show_monitor(detail(failed, Status.OFFLINE))
    assert f"A sentence about {failure}." in words(pane)


def test_detail_pane_shows_hostile_text_as_it_is(qtbot: QtBot) -> None:
    pane = pane_of(qtbot)
    pane.show_monitor(detail(replace(GOOD, failure="content", message="<b>x</b>\u202e evil"), Status.OFFLINE))
    assert "<b>x</b>[U+202E] evil" in words(pane)


def test_detail_pane_without_a_result_says_so(qtbot: QtBot) -> None:
    pane = pane_of(qtbot)
    pane.show_monitor(detail(None, Status.UNKNOWN))
    assert "Nothing was measured from here yet." in words(pane)


def test_detail_pane_offers_to_resume_what_is_paused(qtbot: QtBot) -> None:
    pane = pane_of(qtbot)
    pane.show_monitor(detail(is_paused=True))
    button = next(b for b in pane.findChildren(QPushButton) if b.isVisible() and b.text() == "Resume")
    with qtbot.waitSignal(pane.resume_requested):
        button.click()


def test_detail_pane_copies_the_address(qtbot: QtBot) -> None:
    pane = pane_of(qtbot)
    pane.show_monitor(detail())
    pane.on_copy_clicked()
    assert QGuiApplication.clipboard().text() == "https://shop.example/"


def test_detail_pane_fills_the_chart_and_appends_what_comes_later(qtbot: QtBot, run_async: RunAsync) -> None:
    source = History([history([-20, -10], [1.0, 2.0])])

    async def scene() -> None:
        tasks: list[asyncio.Task[Any]] = []

        def spawn(work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
            tasks.append(asyncio.ensure_future(work))
            return tasks[-1]

        pane = pane_of(qtbot, source, spawn)
        pane.show_monitor(detail())
        await tasks[0]
        [points] = pane.chart._points.values()
        assert list(points.total_ms) == [1, 2, 60]
        pane.show_monitor(detail(replace(GOOD, started_at_ms=START + 10_000, total_ms=70.0)))
        [points] = pane.chart._points.values()
        assert list(points.total_ms) == [1, 2, 60, 70]
        assert len(tasks) == 1

    run_async(scene())
    assert source.asked == [(10, START - 3_600_000, START)]


def test_detail_pane_puts_its_parts_side_by_side_where_it_is_wide(qtbot: QtBot) -> None:
    pane = pane_of(qtbot)
    pane.show_monitor(detail())
    places = []
    for width, height in ((340, 900), (1200, 330)):
        pane.resize(width, height)
        QApplication.processEvents()
        title = next(label for label in pane.findChildren(QLabel) if label.text() == detail().monitor.title)
        section = pane.findChildren(RegionSection)[0]
        places.append([part.mapTo(pane, QPoint(0, 0)) for part in (title, pane.chart, section)])
        assert pane.chart.height() <= pane.height()
    (title, chart, section), beside = places
    assert title.y() < chart.y() < section.y()
    assert beside[0].x() < beside[1].x() < beside[2].x()
    assert beside[1].y() < 60 and beside[2].y() < 60


def test_detail_pane_cuts_nothing_off_where_it_is_narrowest(qtbot: QtBot) -> None:
    pane = pane_of(qtbot)
    font = pane.font()
    font.setPointSizeF(1.5 * font.pointSizeF())
    pane.setFont(font)
    far = Probe(ProbeId(1), "the one beside the coffee machine on the second floor", Region.NA)
    shown = detail()
    [region] = shown.regions
    measured = (Measured(far, GOOD, Status.ONLINE),)
    pane.show_monitor(replace(shown, regions=(replace(region, region=far.region, measured=measured),)))
    pane.resize(pane.minimumSizeHint().width(), 700)
    QApplication.processEvents()
    parts = pane.findChildren(RegionSection) + pane.findChildren(QPushButton)
    for part in (part for part in parts if part.isVisible()):
        assert part.width() >= part.minimumSizeHint().width()
        assert part.mapTo(pane, QPoint(part.width(), 0)).x() <= pane.width()


def test_detail_is_read_from_the_board(qtbot: QtBot) -> None:
    clock = FakeClock()
    board = Board(clock)
    board.set_probes([voting()])
    board.put_monitors([monitor(10)])
    board.apply(batch([(10, clock.now_ms(), Status.ONLINE)]))
    read = detail_of(board, MonitorId(10), clock.now_ms())
    assert read is not None
    [region] = read.regions
    [measured] = region.measured
    assert (read.verdict, region.state, measured.status) == (Verdict.ONLINE, Status.ONLINE, Status.ONLINE)
    assert measured.result is not None
    assert measured.result.total_ms == 50.0
    assert detail_of(board, MonitorId(11), clock.now_ms()) is None


def test_phase_bar_gives_every_phase_its_share_and_name(qtbot: QtBot) -> None:
    bar = PhaseBar()
    qtbot.addWidget(bar)
    bar.resize(210, 12)
    bar.show_result(GOOD)
    widths = {phase: place.width() for phase, _, place in bar.segments()}
    assert sum(widths.values()) == pytest.approx(210)
    assert widths["tls_ms"] > widths["connect_ms"] > widths["dns_ms"] > widths["transfer_ms"] >= 2
    assert "TLS 20.00\u00a0ms" in bar.accessibleDescription()
    assert bar.segments()[0][2].contains(QPoint(1, 5).toPointF())


def test_detail_pane_is_translated(qtbot: QtBot, made_up_language: None) -> None:
    pane = pane_of(qtbot)
    pane.show_monitor(detail(replace(GOOD, message="123")))
    ignored = ("shop", "https://shop.example", "A CA")
    assert [text for text in visible_texts(pane) if "⟦" not in text and text not in ignored] == []


@pytest.mark.parametrize(
    ("kind", "facts", "lines"),
    [
        ("http", {"said": "x"}, []),
        ("tcp", {"said": "220 mail\u202e"}, ["said “220 mail[U+202E]”"]),
        (
            "tls",
            {"protocol": "TLSv1.3", "cipher": "X", "names": ["a", "b"], "chain": [{"subject": "a"}, {"subject": "CA"}]},
            ["TLSv1.3 · X", "made out for a, b", "chain: a → CA"],
        ),
        (
            "dns",
            {"record_type": "A", "answers": ["192.0.2.1"], "answer_count": 3, "rcode": "NOERROR", "server": "9.9.9.9",
             "transport": "udp", "ttl_s": 60, "is_authentic": True},
            ["A 192.0.2.1 and 2 more", "answered by 9.9.9.9 over UDP: NOERROR", "valid for 60 s · confirmed by DNSSEC"],
        ),
        ("icmp", {"sent": 3, "received": 0}, ["0 of 3 echoes came back"]),
    ],
)  # fmt: skip
def test_what_a_kind_found_out_is_told(kind: str, facts: dict[str, Any], lines: list[str]) -> None:
    assert kind_facts(kind, facts) == lines


def test_round_trips_of_a_ping_are_told() -> None:
    facts = {"sent": 3, "received": 2, "rtt_min_ms": 1.0, "rtt_avg_ms": 2.0, "rtt_max_ms": 3.0}
    _, times = kind_facts("icmp", facts)
    assert times.replace("\xa0", " ") == "round trip 1.00 ms at least, 2.00 ms on average, 3.00 ms at most"
