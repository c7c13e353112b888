"""The incident page: list, line of time and detail on made-up incidents; what a person does goes to the keeper."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QApplication, QLabel, QPlainTextEdit, QScrollArea
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.incident import Evidence, Incident, IncidentGroup, IncidentId, noted
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.resolution import Kept
from pingmon_gui.domain.result import FailureEvidence, ProbeId
from pingmon_gui.domain.span import Spans
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.report.history_view import HistoryView
from pingmon_gui.ui import wording
from pingmon_gui.ui.fold import Fold
from pingmon_gui.ui.incident_page import IncidentPage
from pingmon_gui.ui.incident_table import Column, IncidentTable, group_sentence
from pingmon_gui.ui.plain_label import PlainLabel
from tests.engine.fakes import START_MS
from tests.ui.conftest import RunAsync
from tests.ui.made_up import visible_texts

HOUR_MS = 3_600_000
MINUTE_MS = 60_000


def evidence(region: Region, status: Status = Status.OFFLINE) -> Evidence:
    is_out = status is Status.OFFLINE
    message = "The TLS handshake failed." if is_out else ""
    return Evidence(
        ProbeId(1), f"vps-{region}", region, START_MS, status, "tls_handshake" if is_out else None, message, None, 40.0
    )


def incident(number: int, start_ms: int, end_ms: int | None, **values: Any) -> Incident:
    one = Incident(
        IncidentId(number),
        MonitorId(number),
        Verdict.REGIONAL,
        start_ms,
        end_ms,
        start_ms + 2_000,
        (Region.EU,),
        (evidence(Region.EU), evidence(Region.NA, Status.ONLINE)),
    )
    return replace(one, **values)


def some() -> list[Incident]:
    many = [incident(n, START_MS - HOUR_MS + n * 1_000, START_MS - HOUR_MS + 9 * MINUTE_MS) for n in range(10, 17)]
    lasting = incident(2, START_MS - 5 * MINUTE_MS, None, kind=Verdict.OFFLINE, regions=(Region.EU, Region.NA))
    return [lasting, incident(3, START_MS - 20 * HOUR_MS, START_MS - 19 * HOUR_MS), *many]


def nothing_kept(monitor: MonitorId, from_ms: int, to_ms: int, now_ms: int) -> HistoryView:
    span = (monitor, from_ms, to_ms, now_ms, 5 * MINUTE_MS, 5 * MINUTE_MS)
    return HistoryView(*span, False, Kept(None, None, None, None), 0, 0, (), (), (), Spans.of([]), Spans.of([]), ())


@dataclass
class Played:
    """A source and a keeper that hold what they are given."""

    kept: list[Incident] = field(default_factory=some)
    asked: list[int] = field(default_factory=list)
    framed: list[MonitorId] = field(default_factory=list)
    evidence: list[FailureEvidence] = field(default_factory=list)

    async def read_frame(self, monitor: MonitorId, from_ms: int, to_ms: int, now_ms: int) -> HistoryView:
        self.framed.append(monitor)
        await asyncio.sleep(0)
        return nothing_kept(monitor, from_ms, to_ms, now_ms)

    async def incidents(
        self, from_ms: int, to_ms: int, monitors: Collection[MonitorId] | None = None
    ) -> list[Incident]:
        self.asked.append(to_ms - from_ms)
        await asyncio.sleep(0)
        return [one for one in self.kept if one.end_ms is None or one.end_ms >= from_ms]

    async def failure_evidence(self, monitor: MonitorId, from_ms: int, to_ms: int) -> list[FailureEvidence]:
        await asyncio.sleep(0)
        return [one for one in self.evidence if one.monitor == monitor and from_ms <= one.at_ms < to_ms]

    async def acknowledge(self, id_: IncidentId, is_acknowledged: bool = True) -> Incident:
        return self._change(id_, lambda one: replace(one, acknowledged_at_ms=START_MS if is_acknowledged else None))

    async def add_note(self, id_: IncidentId, text: str) -> Incident:
        return self._change(id_, lambda one: noted(one, START_MS, text))

    def _change(self, id_: IncidentId, change: Callable[[Incident], Incident]) -> Incident:
        place = next(place for place, one in enumerate(self.kept) if one.id == id_)
        self.kept[place] = change(self.kept[place])
        return self.kept[place]


def title(monitor: MonitorId) -> str:
    return f"shop{monitor}.example"


@pytest.fixture
def show(qtbot: QtBot, run_async: RunAsync) -> Callable[..., None]:
    def run(
        check: Callable[[IncidentPage, Played], Awaitable[None]],
        kept: list[Incident] | None = None,
        left: Sequence[FailureEvidence] = (),
        older: Collection[int] = (),
    ) -> None:
        async def main() -> None:
            tasks: list[asyncio.Task[Any]] = []

            def spawn(work: Coroutine[Any, Any, Any], **_: Any) -> asyncio.Task[Any]:
                tasks.append(asyncio.get_running_loop().create_task(work))
                return tasks[-1]

            played = Played() if kept is None else Played(kept)
            played.evidence += left
            page = IncidentPage(
                played,
                played,
                played.read_frame,
                title,
                spawn,
                lambda: START_MS,
                keeps_evidence=lambda probe: probe not in older,
            )
            qtbot.addWidget(page)
            page.show()
            await settled(tasks)
            page.settle = lambda: settled(tasks)  # type: ignore[attr-defined]
            await check(page, played)
            page.hide()

        run_async(main())

    return run


async def settled(tasks: list[asyncio.Task[Any]]) -> None:
    while pending := [task for task in tasks if not task.done()]:
        await asyncio.gather(*pending, return_exceptions=True)


def test_model_is_sound_and_keeps_the_selection(qtmodeltester: ModelTester) -> None:
    model = IncidentTable(title, lambda: START_MS)
    qtmodeltester.check(model)
    model.show_incidents(some())
    qtmodeltester.check(model)
    index = model.index(2, 0)
    kept = model.group_at(2).incidents[0].id
    from PySide6.QtCore import QPersistentModelIndex

    persistent = QPersistentModelIndex(index)
    model.show_incidents([incident(99, START_MS - 1_000, None), *some()])
    assert model.group_at(persistent.row()).incidents[0].id == kept
    model.show_incidents([])
    assert not persistent.isValid()
    qtmodeltester.check(model)


def test_words_of_one_cause_tell_offline_and_regional_apart(qapp: object) -> None:
    here = incident(1, START_MS, None)
    group = IncidentGroup((here, replace(here, kind=Verdict.OFFLINE), replace(here, regions=(Region.NA,))))
    where = wording.joined(["North America", "Europe"])
    assert group_sentence(group, title) == f"1 domain offline; 2 domains, {where} only: the TLS handshake fails"


def test_one_cause_over_many_domains_is_one_row_and_its_words_say_so(show: Callable[..., None]) -> None:
    async def check(page: IncidentPage, played: Played) -> None:
        rows = [page.model.index(row, Column.WHAT).data() for row in range(page.model.rowCount())]
        assert rows == [
            "shop2.example is offline: the TLS handshake fails",
            "7 domains, Europe only: the TLS handshake failed",
            "shop3.example was offline for Europe only: the TLS handshake failed; North America was fine",
        ]
        assert page.model.index(0, Column.STATE).data() == "open"
        assert page.model.index(0, Column.LASTED).data().split() == ["5", "min"]
        texts = " ".join(visible_texts(page))
        assert "Europe (vps-eu)" in texts and "The TLS handshake failed." in texts

    show(check)


def test_acknowledge_and_note_reach_the_keeper_and_show(show: Callable[..., None], qtbot: QtBot) -> None:
    async def check(page: IncidentPage, played: Played) -> None:
        page.detail.acknowledge.click()
        await page.settle()  # type: ignore[attr-defined]
        assert page.model.index(0, Column.STATE).data() == "open, looked after"
        page.detail.note.setText("I restart it")
        qtbot.keyClick(page.detail.note, Qt.Key.Key_Return)
        await page.settle()  # type: ignore[attr-defined]
        assert any("I restart it" in text for text in visible_texts(page))
        assert page.detail.note.text() == ""
        page.detail.acknowledge.click()
        await page.settle()  # type: ignore[attr-defined]
        assert page.model.index(0, Column.STATE).data() == "open"

    show(check)


def test_search_open_only_and_span(show: Callable[..., None]) -> None:
    async def check(page: IncidentPage, played: Played) -> None:
        page.search.setText("shop3")
        assert page.model.rowCount() == 1
        page.search.setText("europe")
        assert page.model.rowCount() == 2
        page.search.clear()
        page.only_open.setChecked(True)
        assert page.model.rowCount() == 1
        page.search.setText("nothing like it")
        assert page.model.rowCount() == 0
        assert any("No incident fits" in text for text in visible_texts(page))
        assert not page.detail.isVisible()
        page.span.setCurrentIndex(2)
        await page.settle()  # type: ignore[attr-defined]
        assert played.asked[-1] == 30 * 24 * HOUR_MS

    show(check)


def test_line_of_time_is_clicked_and_walked_with_keys(show: Callable[..., None], qtbot: QtBot) -> None:
    async def check(page: IncidentPage, played: Played) -> None:
        bar = page.timeline.bar_of(played.kept[1])
        qtbot.mouseClick(page.timeline, Qt.MouseButton.LeftButton, pos=bar.center().toPoint())
        chosen = page.selected()
        assert chosen is not None and chosen.incidents[0].id == 3
        qtbot.keyClick(page.timeline, Qt.Key.Key_Right)
        chosen = page.selected()
        assert chosen is not None and chosen.incidents[0].id == 10
        for _ in range(20):
            qtbot.keyClick(page.timeline, Qt.Key.Key_Right)
        chosen = page.selected()
        assert chosen is not None and chosen.incidents[0].id == 2
        assert page.timeline.incident_at(QPoint(-5, -5)) is None

    show(check)


def test_of_one_cause_over_many_domains_the_selected_one_is_told_in_full(
    show: Callable[..., None], qtbot: QtBot
) -> None:
    async def check(page: IncidentPage, played: Played) -> None:
        page.select(IncidentId(12))
        await page.settle()  # type: ignore[attr-defined]
        assert played.framed[-1] == 12
        assert "What the regions saw of shop12.example:" in visible_texts(page)
        with qtbot.waitSignal(page.history_asked) as asked:
            page.detail.history.click()
        assert asked.args is not None and asked.args[0].id == 12
        # Another one of the same row.
        page.select(IncidentId(14))
        await page.settle()  # type: ignore[attr-defined]
        assert played.framed[-1] == 14
        assert "What the regions saw of shop14.example:" in visible_texts(page)
        page.detail.note.setText("It is the proxy")
        qtbot.keyClick(page.detail.note, Qt.Key.Key_Return)
        await page.settle()  # type: ignore[attr-defined]
        assert [one.id for one in played.kept if one.notes] == [14]
        assert page.detail.chosen is not None and page.detail.chosen.id == 14
        # A note changes nothing of the chart.
        assert played.framed.count(MonitorId(14)) == 1

    show(check)


@pytest.mark.parametrize(("characters", "is_wide"), [(160, True), (100, False)])
def test_what_every_region_saw_is_seen_whole_at_once(show: Callable[..., None], characters: int, is_wide: bool) -> None:
    async def check(page: IncidentPage, played: Played) -> None:
        page.resize(page.fontMetrics().averageCharWidth() * characters, page.fontMetrics().lineSpacing() * 48)
        QApplication.processEvents()
        area = page.splitter.widget(1)
        assert isinstance(area, QScrollArea)
        assert page.detail.width() <= area.viewport().width()
        seen = area.viewport().rect()
        labels = page.detail.findChildren(QLabel)
        places = [one for one in labels if "(vps-" in one.text() and not page.detail.kept.isAncestorOf(one)]
        assert len(places) == 5
        for label in places:
            assert seen.contains(QRect(label.mapTo(area.viewport(), QPoint()), label.size()))
        chart = page.detail.chart
        is_beside = chart.mapTo(page, QPoint()).x() > places[0].mapTo(page, QPoint(places[0].width(), 0)).x()
        assert is_beside == is_wide
        if is_wide:
            assert seen.contains(QRect(chart.mapTo(area.viewport(), QPoint()), chart.size()))
        # What a person arranges stays.
        page.splitter.moveSplitter(200, 1)
        page.resize(page.width() + 40, page.height())
        assert page.splitter.sizes()[0] == 200

    regions = [Region.NA, Region.EU, Region.AS, Region.SA, Region.OC]
    show(check, [incident(1, START_MS - HOUR_MS, None, evidence=tuple(evidence(region) for region in regions))])


def test_an_incident_that_is_not_read_yet_is_brought_up_when_it_is(show: Callable[..., None]) -> None:
    async def check(page: IncidentPage, played: Played) -> None:
        played.kept.append(incident(5, START_MS - 30 * HOUR_MS, START_MS - 29 * HOUR_MS))
        page.reload()
        page.select(IncidentId(5))
        await page.settle()  # type: ignore[attr-defined]
        assert page.detail.chosen is not None and page.detail.chosen.id == 5
        assert played.framed[-1] == 5

    show(check)


def test_importing_the_page_does_not_import_pyqtgraph() -> None:
    code = "import sys, pingmon_gui.ui.incident_page; sys.exit('pyqtgraph' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_nothing_happened_is_said(show: Callable[..., None]) -> None:
    async def check(page: IncidentPage, played: Played) -> None:
        assert any("No incidents in this time." in text for text in visible_texts(page))
        assert page.selected() is None

    show(check, [])


def test_every_text_is_translated(show: Callable[..., None], made_up_language: None) -> None:
    async def check(page: IncidentPage, played: Played) -> None:
        header = [page.model.headerData(column, Qt.Orientation.Horizontal) for column in Column]
        assert [text for text in [*visible_texts(page), *header] if "⟦" not in text] == []

    show(check, [])


KEPT = {
    "tried": [{"target": "https://shop2.example/", "address": "192.0.2.10", "port": 443, "outcome": "It said 503."}],
    "answers": [
        {
            "url": "https://shop2.example/",
            "status_line": "HTTP/1.1 503 No",
            "headers": [["Server", "<b>nginx</b>"]],
            "is_cut": False,
        }
    ],
    "body": {"text": "<h1>We will be <i>back</i></h1>\n", "body_bytes": 9_000, "is_cut": True, "coding": ""},
}
ROUTE = {
    "route": {
        "address": "192.0.2.10",
        "method": "TCP port 443",
        "hops": [{"ttl": 1, "address": "10.0.0.1", "ms": 0.4, "note": None}],
        "is_reached": False,
        "note": "Nobody answers after that (6 more tried).",
    }
}


def left(document: dict[str, Any], at_ms: int, *, probe: int = 1, is_route: bool = False) -> FailureEvidence:
    return FailureEvidence(MonitorId(2), ProbeId(probe), at_ms, document, is_route)


def lasting(*seen: Evidence) -> Incident:
    return incident(2, START_MS - MINUTE_MS, None, evidence=seen)


def heads(page: IncidentPage) -> list[str]:
    return [fold.head.text() for fold in page.detail.kept.findChildren(Fold) if fold.isVisibleTo(page)]


def test_evidence_is_shown_part_by_part_as_plain_text(show: Callable[..., None], qtbot: QtBot) -> None:
    async def check(page: IncidentPage, played: Played) -> None:
        panel = page.detail.kept
        assert heads(page) == ["What was tried", "Answer", "Body: 9,000 bytes came, here is the beginning"]
        tried, answer, _body = panel.findChildren(Fold)
        assert tried.head.isChecked() and not answer.head.isChecked()
        qtbot.keyClick(answer.head, Qt.Key.Key_Space)
        assert answer.head.isChecked() and answer.head.accessibleName() == "Answer, open"
        assert isinstance(answer.inside, QPlainTextEdit) and answer.inside.isReadOnly()
        assert answer.inside.toPlainText() == "HTTP/1.1 503 No\nServer: <b>nginx</b>"
        assert "Answer, Europe (vps-eu)" in answer.inside.accessibleName()
        # What somebody reads and marks stays while the list is read again.
        answer.inside.selectAll()
        page.reload()
        await page.settle()  # type: ignore[attr-defined]
        assert answer.inside.textCursor().hasSelection() and answer.isVisibleTo(page)
        panel.copy.click()
        text = QApplication.clipboard().text()
        assert text.startswith("Europe (vps-eu), ") and "\n    <h1>We will be <i>back</i></h1>\n" in text
        # The route comes with a later result; what was opened stays so.
        played.evidence.append(left(ROUTE, START_MS - MINUTE_MS + 4, is_route=True))
        panel.on_again_due()
        await page.settle()  # type: ignore[attr-defined]
        assert heads(page)[-1] == "Route: to 192.0.2.10 by TCP port 443"
        opened = [fold.head.isChecked() for fold in panel.findChildren(Fold) if fold.isVisibleTo(page)]
        assert opened == [True, True, False, False]

    show(check, [lasting(evidence(Region.EU))], [left(KEPT, START_MS - MINUTE_MS)])


def test_probe_that_kept_nothing_is_named_and_evidence_of_just_before_is_shown(show: Callable[..., None]) -> None:
    async def check(page: IncidentPage, _played: Played) -> None:
        texts = [label.text() for label in page.detail.kept.findChildren(PlainLabel) if label.isVisibleTo(page)]
        assert any(text.startswith("Asia (vps-as): this probe is of an older version") for text in texts)
        assert any(text.startswith("South America (vps-sa): nothing was kept.") for text in texts)
        assert any(text.startswith("Europe (vps-eu), ") for text in texts)
        assert not any("North America" in text for text in texts)
        page.detail.show_group(None, None)
        assert not page.detail.kept.isVisibleTo(page.detail)

    silent = replace(evidence(Region.AS), probe=ProbeId(9))
    passed_over = replace(evidence(Region.SA), probe=ProbeId(8))
    fine = replace(evidence(Region.NA, Status.ONLINE), probe=ProbeId(7))
    # What a probe that was fine then had left before has nothing to do with it.
    earlier = [left(KEPT, START_MS - 3 * MINUTE_MS), left(KEPT, START_MS - 2 * MINUTE_MS, probe=7)]
    show(check, [lasting(evidence(Region.EU), silent, passed_over, fine)], earlier, older={9})
