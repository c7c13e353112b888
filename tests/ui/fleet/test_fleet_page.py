from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.error import ProbeUnreachable, SshUnreachable
from pingmon_gui.domain.probe import ProbeHealth, ProbeState
from pingmon_gui.domain.region import Region
from pingmon_gui.provision.progress import StepState
from pingmon_gui.ui.fleet_page import FleetPage
from pingmon_gui.ui.probe_table import Column, ProbeTable
from pingmon_gui.ui.rename_dialog import RenameDialog
from pingmon_gui.ui.run_card import RunState
from tests.engine.fakes import START_MS
from tests.ui.conftest import RunAsync
from tests.ui.fleet.fakes import (
    FakeFleet,
    Played,
    answer,
    embedded,
    health,
    remote,
    settled,
    spawner,
    until,
)
from tests.ui.made_up import visible_texts

FRANKFURT = remote(7, "Frankfurt", Region.EU)
LIMA = remote(8, "Lima", Region.SA, host="root@lima.example")


@dataclass
class Bench:
    """A fleet page on a played port and a session that does not exist."""

    qtbot: QtBot
    port: Played
    fleet: FakeFleet
    tasks: list[asyncio.Task[Any]]
    page: FleetPage

    def question(self) -> QMessageBox:
        box = self.page.question
        assert box is not None
        return box

    def say_yes(self) -> None:
        """Press the first button, which does what was asked."""
        box = self.question()
        next(button for button in box.buttons() if button is not box.escapeButton()).click()

    def texts(self, row: int) -> list[str]:
        return [self.page.model.index(row, column).data() for column in Column]


@pytest.fixture
def play(qtbot: QtBot, run_async: RunAsync) -> Callable[..., None]:
    """Return a function that shows a fleet page and runs a scenario on it."""

    def run(
        scenario: Callable[[Bench], Awaitable[None]], known: Sequence[ProbeHealth] = (embedded(), health(FRANKFURT))
    ) -> None:
        async def life() -> None:
            port, fleet, tasks = Played(), FakeFleet(answer()), list[asyncio.Task[Any]]()
            page = FleetPage(port, fleet, spawner(tasks), lambda: START_MS)
            qtbot.addWidget(page)
            page.show_probes(known)
            page.show()
            page.activateWindow()
            await until(page.isActiveWindow)
            await scenario(Bench(qtbot, port, fleet, tasks, page))
            for task in tasks:
                task.cancel()
            await settled(tasks)
            tasks.clear()

        run_async(life())

    return run


def test_fleet_page_shows_every_probe_in_words(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        await until(lambda: bench.texts(1)[Column.LATENCY] != "—")
        assert bench.texts(0)[:4] == ["This computer", "This computer", "this computer", "connected"]
        assert [text.replace("\u00a0", " ") for text in bench.texts(1)] == [
            "Frankfurt",
            "Europe",
            "ops@vps.example",
            "connected",
            "1.0.0",
            "32 ms",
            "12 ms ahead",
            "2 s ago",
        ]
        bench.page.select(FRANKFURT.id)
        shown = "\n".join(visible_texts(bench.page)).replace("\u00a0", " ")
        for part in (
            "SHA256:T7SvZ2cslqpPj6nKzitCBHHlpVF3r3MvLwmFL0fk0IE",
            "ops@203.0.113.7:22",
            "goes on for 6 days without Pingmon",
            "1200 results",
            "systemd, with a user of its own",
        ):
            assert part in shown

    play(scenario)


def test_probe_that_does_not_answer_says_why_and_shows_no_old_figures(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        await until(lambda: bench.texts(1)[Column.LATENCY] != "—")
        bench.fleet.status = ProbeUnreachable("No answer.")
        reason = "The connection to vps.example is cut since 12:03; trying again in 20 s."
        bench.page.show_probes([embedded(), health(FRANKFURT, ProbeState.UNREACHED, reason=reason)])
        bench.page.ask_all()
        bench.page.select(FRANKFURT.id)
        assert bench.texts(1)[Column.STATE] == "not reached" and bench.texts(1)[Column.LATENCY] == "—"
        (said,) = (text for text in visible_texts(bench.page) if text.startswith(reason))
        assert "it goes on measuring" in said

    play(scenario)


def test_probe_without_a_vote_says_so_in_the_table(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        assert bench.texts(1)[Column.STATE] == "connected, no vote"

    play(scenario, [embedded(), health(FRANKFURT, votes=False, reason="Its clock is off by 2 min.")])


def test_selection_stays_while_probes_come_and_go(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        page = bench.page
        page.select(FRANKFURT.id)
        page.show_probes([embedded(), health(FRANKFURT), health(LIMA), health(remote(9, "Boston", Region.NA))])
        assert [bench.texts(row)[0] for row in range(4)] == ["This computer", "Boston", "Frankfurt", "Lima"]
        facts = page.selected()
        assert facts is not None and facts.probe.id == FRANKFURT.id
        page.show_probes([embedded(), health(LIMA), health(replace(FRANKFURT, region=Region.OC))])
        assert [bench.texts(row)[0] for row in range(3)] == ["This computer", "Lima", "Frankfurt"]
        facts = page.selected()
        assert facts is not None and facts.probe.id == FRANKFURT.id

    play(scenario)


def test_embedded_probe_offers_nothing_that_needs_a_host(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        page = bench.page
        page.table.selectRow(0)
        actions = (page.upgrade, page.restart, page.logs, page.doctor, page.rename, page.remove, page.forget)
        assert not any(action.isEnabled() for action in actions)
        page.table.selectRow(1)
        assert all(action.isEnabled() for action in actions) and not page.take_over.isEnabled()

    play(scenario)


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("upgrade", "If it does not prove healthy, the previous one is put back"),
        ("restart", "is stopped and started"),
        ("remove", "service, user, files, key and crontab line"),
    ],
)
def test_action_says_what_happens_then_runs_with_progress(play: Callable[..., None], verb: str, said: str) -> None:
    async def scenario(bench: Bench) -> None:
        page = bench.page
        page.select(FRANKFURT.id)
        getattr(page, verb).trigger()
        box = bench.question()
        assert "Frankfurt" in box.text() and said in box.informativeText()
        assert box.defaultButton() is box.escapeButton()
        box.reject()
        assert bench.port.asked == [] and page.cards == {}
        getattr(page, verb).trigger()
        bench.say_yes()
        await until(lambda: bench.port.runs)
        assert bench.port.asked == [(verb, FRANKFURT.id)]
        card, run = page.cards[FRANKFURT.id], bench.port.runs["ops@vps.example"]
        assert card.isVisible() and not page.upgrade.isEnabled() and not page.remove.isEnabled()
        run.tell("connect", "Connect to the host", StepState.RUNNING)
        assert card.status.text() == "Step 1 of 3: Connect to the host"
        run.succeed("It is as it should be.")
        await until(lambda: card.state is RunState.DONE)
        assert card.summary.text() == "It is as it should be." and page.upgrade.isEnabled()

    play(scenario)


def test_logs_and_doctor_change_nothing_so_they_ask_nothing(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        page = bench.page
        bench.port.text = "one\ntwo \x1b[0m"
        page.select(FRANKFURT.id)
        page.logs.trigger()
        await until(lambda: bench.port.runs)
        bench.port.runs["ops@vps.example"].succeed()
        card = page.cards[FRANKFURT.id]
        await until(lambda: card.is_over)
        assert card.text.toPlainText() == "one\ntwo [U+001B][0m" and card.text.isVisible()
        bench.port.runs.clear()
        page.doctor.trigger()
        await until(lambda: bench.port.runs)
        bench.port.runs["ops@vps.example"].succeed("The disk is full. Make room in /var.")
        card = page.cards[FRANKFURT.id]
        await until(lambda: card.is_over)
        assert card.summary.text() == "The disk is full. Make room in /var." and not card.text.isVisible()

    play(scenario)


def test_each_probe_has_its_own_card(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        page = bench.page
        page.select(FRANKFURT.id)
        page.doctor.trigger()
        page.select(LIMA.id)
        page.logs.trigger()
        await until(lambda: len(bench.port.runs) == 2)
        assert page.cards[LIMA.id].isVisible() and not page.cards[FRANKFURT.id].isVisible()
        assert len(page.running) == 2
        page.close()
        assert not page.isVisible() and len(page.running) == 2
        page.show()
        page.select(FRANKFURT.id)
        assert page.cards[FRANKFURT.id].isVisible()

    play(scenario, [embedded(), health(FRANKFURT), health(LIMA)])


def test_failed_action_can_be_tried_again(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        page = bench.page
        page.select(FRANKFURT.id)
        page.doctor.trigger()
        await until(lambda: bench.port.runs)
        bench.port.runs.pop("ops@vps.example").fail(SshUnreachable("No SSH server answers.", "Is the host up?"))
        card = page.cards[FRANKFURT.id]
        await until(lambda: card.state is RunState.FAILED)
        assert (card.status.text(), card.summary.text()) == ("No SSH server answers.", "Is the host up?")
        card.again_button.click()
        await until(lambda: bench.port.runs)
        assert page.cards[FRANKFURT.id] is not card
        assert bench.port.asked == [("diagnose", FRANKFURT.id)] * 2

    play(scenario)


def test_take_over_and_forget_ask_then_tell_the_session(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        page = bench.page
        page.select(FRANKFURT.id)
        page.take_over.trigger()
        assert "works for another Pingmon" in bench.question().informativeText()
        bench.say_yes()
        await until(lambda: page.cards[FRANKFURT.id].is_over)
        page.forget.trigger()
        assert "is not touched" in bench.question().informativeText()
        bench.say_yes()
        await until(lambda: len(bench.fleet.did) == 2)
        assert bench.fleet.did == [("take_over", FRANKFURT.id), ("forget", FRANKFURT.id)]

    play(scenario, [embedded(), health(FRANKFURT, ProbeState.REFUSED, reason="It works for another Pingmon.")])


def test_doctor_that_found_something_shows_no_tick_and_can_look_again(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        page = bench.page
        page.select(FRANKFURT.id)
        page.doctor.trigger()
        await until(lambda: bench.port.runs)
        bench.port.runs["ops@vps.example"].find("The disk is full. Make room.")
        card = page.cards[FRANKFURT.id]
        await until(lambda: card.is_over)
        assert card.state is RunState.FOUND and card.again_button.isVisible()
        assert card.status.text() == "1 thing to look at:" and card.summary.text() == "The disk is full. Make room."

    play(scenario)


def test_outcome_of_a_removal_stays_when_the_probe_is_gone(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        page = bench.page
        page.select(FRANKFURT.id)
        page.remove.trigger()
        bench.say_yes()
        await until(lambda: bench.port.runs)
        page.show_probes([embedded()])
        assert len(page.running) == 1
        bench.port.runs["ops@vps.example"].succeed("Nothing of it is left on vps.example.")
        await until(lambda: page.notice.sentence)
        said = page.notice.sentence.replace("\u2068", "").replace("\u2069", "")
        assert said == "Removing Frankfurt: Done. Nothing of it is left on vps.example."
        assert page.cards == {} and page.running == []
        page.show_probes([embedded(), health(LIMA)])
        page.select(LIMA.id)
        page.doctor.trigger()
        assert page.notice.sentence == ""

    play(scenario)


def test_rename_says_at_the_field_what_is_wrong_and_stays_open_when_refused(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        page = bench.page
        page.select(FRANKFURT.id)
        page.rename.trigger()
        [dialog] = page.findChildren(RenameDialog)
        assert dialog.name.selectedText() == "Frankfurt"
        dialog.name.clear()
        dialog.submit()
        assert "needs a name" in dialog.field.note.sentence
        dialog.name.setText("taken")
        dialog.submit()
        await until(lambda: dialog.message.is_error)
        assert dialog.message.sentence == "Another probe has this name."
        dialog.name.setText(" Frankfurt  am Main ")
        bench.qtbot.keyClick(dialog.name, Qt.Key.Key_Return)
        await until(lambda: bench.fleet.did)
        assert bench.fleet.did == [("rename", "Frankfurt am Main")]

    play(scenario)


def test_fleet_page_is_used_by_keyboard_alone(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        page, qtbot = bench.page, bench.qtbot
        assert page.table.hasFocus()
        qtbot.keyClick(page.table, Qt.Key.Key_Down)
        qtbot.keyClick(page.table, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
        await until(lambda: bench.port.runs)
        assert page.cards[FRANKFURT.id].cancel_button.hasFocus()
        qtbot.keyClick(page.cards[FRANKFURT.id].cancel_button, Qt.Key.Key_Space)
        await until(lambda: page.cards[FRANKFURT.id].is_over)
        assert page.cards[FRANKFURT.id].state is RunState.CANCELLED
        asked: list[bool] = []
        page.add_asked.connect(lambda: asked.append(True))
        qtbot.keyClick(page, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
        assert asked == [True]

    play(scenario)


def test_no_two_actions_share_a_key(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        keys = [
            key.toString(QKeySequence.SequenceFormat.PortableText)
            for a in bench.page.actions()
            for key in a.shortcuts()
        ]
        assert len(keys) == 9 and len(set(keys)) == 9

    play(scenario)


def test_fleet_page_is_translated(play: Callable[..., None], made_up_language: None) -> None:
    async def scenario(bench: Bench) -> None:
        page = bench.page
        page.select(FRANKFURT.id)
        await until(lambda: page.selected() is not None and page.selected().status is not None)  # type: ignore[union-attr]
        texts = visible_texts(page)
        header = [page.model.headerData(column, Qt.Orientation.Horizontal) for column in Column]
        own = ("ops@", "ssh-ed25519", "1.0.0")
        assert [text for text in [*texts, *map(str, header)] if "⟦" not in text and not text.startswith(own)] == []

    play(scenario)


def test_probe_table_keeps_the_rules_of_models(qtmodeltester: Any) -> None:
    model = ProbeTable(lambda: START_MS)
    model.show_probes([embedded(), health(FRANKFURT), health(LIMA)])
    qtmodeltester.check(model)
