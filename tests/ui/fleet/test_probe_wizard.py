from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QLineEdit, QPlainTextEdit
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.error import AuthFailed, StepFailed
from pingmon_gui.domain.probe import Transport
from pingmon_gui.domain.region import Region
from pingmon_gui.provision.enrolment import BootstrapRequest
from pingmon_gui.provision.progress import StepState
from pingmon_gui.provision.prompt import SecretKind
from pingmon_gui.ui.probe_wizard import ProbeWizard
from pingmon_gui.ui.provision_port import Outcome
from pingmon_gui.ui.run_card import RunState
from tests.ui.conftest import RunAsync
from tests.ui.fleet.fakes import KEY_SHA256, Played, settled, spawner, until
from tests.ui.made_up import visible_texts


@dataclass
class Bench:
    """A wizard on a played port."""

    qtbot: QtBot
    port: Played
    tasks: list[asyncio.Task[Any]]
    wizard: ProbeWizard

    async def begin(self, host: str) -> None:
        """Type a host, press Enter, wait for its run."""
        self.wizard.form.host.setText(host)
        self.qtbot.keyClick(self.wizard.form.host, Qt.Key.Key_Return)
        await until(lambda: host in self.port.runs)


Scenario = Callable[[Bench], Awaitable[None]]


@pytest.fixture
def play(qtbot: QtBot, run_async: RunAsync) -> Iterator[Callable[..., None]]:
    """Return a function that shows a wizard and runs a scenario on it."""

    def run(scenario: Scenario, counts: Mapping[Region, int] | None = None) -> None:
        async def life() -> None:
            port, tasks = Played(), list[asyncio.Task[Any]]()
            wizard = ProbeWizard(port, spawner(tasks), lambda: counts or {})
            qtbot.addWidget(wizard)
            wizard.show()
            wizard.activateWindow()
            await until(wizard.isActiveWindow)
            await scenario(Bench(qtbot, port, tasks, wizard))
            for task in tasks:
                task.cancel()
            await settled(tasks)
            # An exception keeps the frames of its way, and those the widgets.
            tasks.clear()

        run_async(life())

    yield run


def test_wizard_sets_a_host_up_and_shows_its_steps_as_they_happen(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        wizard = bench.wizard
        assert wizard.form.host.hasFocus()
        await bench.begin("ops@vps.example")
        assert bench.port.requests == [BootstrapRequest("ops@vps.example", Region.NA)]
        assert wizard.form.isHidden() and not wizard.start_button.isVisible()
        [card], run = wizard.cards, bench.port.runs["ops@vps.example"]
        assert [row.state.text() for row in card.steps.rows.values()] == ["waiting"] * 3
        run.tell("connect", "Connect to the host", StepState.DONE)
        run.tell("file", "Upload the probe", StepState.RUNNING)
        assert card.status.text() == "Step 2 of 3: Upload the probe"
        assert card.bar.value() == 1 and card.bar.maximum() == 3
        assert card.steps.rows["file"].title.accessibleName() == "Upload the probe: running"
        run.tell("file", "Upload the probe", StepState.UNCHANGED, "It is there already.")
        assert card.steps.rows["file"].title.text() == "Upload the probe\nIt is there already."
        run.succeed("A probe runs as pingmon-probe.", "First result: 31 ms.")
        await until(lambda: card.state is RunState.DONE)
        assert card.summary.text() == "A probe runs as pingmon-probe.\nFirst result: 31 ms."
        assert wizard.heading.text() == "The probe measures"
        assert wizard.another_button.isVisible() and not card.again_button.isVisible()
        assert not card.steps.isVisible()

    play(scenario)


def test_wizard_works_on_several_hosts_at_once(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        wizard = bench.wizard
        await bench.begin("ops@one.example")
        wizard.another_button.click()
        assert wizard.form.isVisible() and wizard.form.host.text() == "" and wizard.form.host.hasFocus()
        await bench.begin("ops@two.example")
        assert wizard.heading.text() == "Setting up 2 hosts"
        one, two = wizard.cards
        bench.port.runs["ops@two.example"].succeed()
        await until(lambda: two.is_over)
        assert not one.is_over and wizard.heading.text() == "Setting up 1 host"
        bench.port.runs["ops@one.example"].fail(AuthFailed("The server accepted no key.", "Load it into your agent."))
        await until(lambda: one.is_over)
        assert wizard.heading.text() == "Not everything could be set up"

    play(scenario)


def test_wizard_asks_in_the_card_of_the_host(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.begin("ops@one.example")
        bench.wizard.another_button.click()
        bench.wizard.form.host.clearFocus()
        await bench.begin("ops@two.example")
        one, two = bench.wizard.cards
        key = asyncio.ensure_future(
            bench.port.runs["ops@two.example"].prompter.confirm_host_key("two.example", "ssh-ed25519", KEY_SHA256)
        )
        await until(two.prompter.isVisible)
        assert not one.prompter.isVisible() and two.prompter.no.hasFocus()
        bench.qtbot.keyClick(two.prompter.no, Qt.Key.Key_T, Qt.KeyboardModifier.AltModifier)
        assert await key is True
        secret = asyncio.ensure_future(
            bench.port.runs["ops@one.example"].prompter.secret("one.example", SecretKind.SUDO, "Password of ops")
        )
        await until(one.prompter.isVisible)
        bench.qtbot.keyClicks(one.prompter.line, "hunter2")
        bench.qtbot.keyClick(one.prompter.line, Qt.Key.Key_Return)
        assert await secret == "hunter2"
        seen = [line.text() for line in bench.wizard.findChildren(QLineEdit)]
        seen += [text.toPlainText() for text in bench.wizard.findChildren(QPlainTextEdit)]
        assert not any("hunter2" in text for text in [*seen, *visible_texts(bench.wizard)])

    play(scenario)


def test_wizard_shows_why_a_step_failed_with_hint_and_transcript(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.begin("ops@vps.example")
        [card], run = bench.wizard.cards, bench.port.runs["ops@vps.example"]
        assert not card.transcript_button.isVisible()
        run.say("# systemctl start pingmon-probe")
        run.say("  Job failed.\x1b[31m")
        run.tell("start", "Start the service", StepState.FAILED, "The service does not start.")
        run.tell("file", "Upload the probe", StepState.UNDONE)
        run.fail(StepFailed("The service does not start.", "Look at its log."))
        await until(lambda: card.is_over)
        assert card.status.text() == "The service does not start." and card.summary.text() == "Look at its log."
        assert card.steps.isVisible() and card.steps.rows["file"].state.text() == "undone"
        assert not card.transcript.isVisible()
        card.transcript_button.click()
        assert card.transcript.isVisible()
        assert card.transcript.toPlainText() == "# systemctl start pingmon-probe\nJob failed.[U+001B][31m"
        card.copy_button.click()
        assert "Look at its log." in QGuiApplication.clipboard().text()
        assert "# systemctl start" in QGuiApplication.clipboard().text()

    play(scenario)


def test_wizard_offers_a_failed_host_again_as_it_was_typed(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        wizard = bench.wizard
        wizard.form.choose_region(Region.SA)
        wizard.form.port.setValue(2222)
        wizard.form.name.setText("Lima")
        await bench.begin("ops@vps.example")
        bench.port.runs["ops@vps.example"].fail(AuthFailed("The server accepted no key."))
        await until(lambda: wizard.cards[0].is_over)
        assert wizard.cards[0].again_button.hasFocus()
        wizard.cards[0].again_button.click()
        assert wizard.cards == [] and wizard.form.isVisible()
        request = wizard.form.read()
        assert request == BootstrapRequest("ops@vps.example", Region.SA, "Lima", port=2222)

    play(scenario)


def test_cancel_undoes_and_says_so(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.begin("ops@vps.example")
        [card] = bench.wizard.cards
        assert card.cancel_button.hasFocus()
        bench.qtbot.keyClick(card.cancel_button, Qt.Key.Key_Space)
        assert card.state is RunState.STOPPING and "undoing" in card.status.text()
        assert not card.cancel_button.isEnabled()
        await until(lambda: card.is_over)
        assert bench.port.undone == ["ops@vps.example"]
        assert card.status.text() == "Cancelled. What had been done was undone."

    play(scenario)


def test_closing_with_a_host_under_way_asks_then_undoes_then_closes(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        wizard = bench.wizard
        await bench.begin("ops@vps.example")
        wizard.close()
        box = wizard.question
        assert wizard.isVisible() and box is not None
        assert box.text() == "Stop setting up 1 host?"
        box.reject()
        assert wizard.isVisible() and bench.port.undone == []
        bench.qtbot.keyClick(wizard, Qt.Key.Key_Escape)
        box = wizard.question
        assert box is not None
        [stop] = [button for button in box.buttons() if "undo" in button.text()]
        stop.click()
        await until(lambda: not wizard.isVisible())
        assert bench.port.undone == ["ops@vps.example"]

    play(scenario)


def test_wrong_host_is_said_at_the_field(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        form = bench.wizard.form
        bench.qtbot.keyClick(form.host, Qt.Key.Key_Return)
        assert form.host_field.note.sentence.startswith("Type the host first.")
        bench.qtbot.keyClicks(form.host, "vps!")
        assert not form.host_field.has_error
        bench.qtbot.keyClick(form.host, Qt.Key.Key_Return)
        await until(lambda: form.host_field.has_error)
        assert form.host_field.note.sentence == '"vps!" is no name or address of a host. Type it as for ssh.'
        assert form.host.accessibleDescription() == form.host_field.note.sentence
        assert form.host.hasFocus() and form.host.selectedText() == "vps!"
        assert bench.port.requests == [] and bench.wizard.start_button.isEnabled()

    play(scenario)


def test_wrong_name_and_missing_key_are_said_at_their_fields(play: Callable[..., None], tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        form = bench.wizard.form
        form.host.setText("vps.example")
        form.name.setText("x" * 61)
        form.identity.setText(str(tmp_path / "id_nowhere"))
        assert form.read() is None
        assert "longer than" in form.name_field.note.sentence and form.name.hasFocus()
        assert "no such file" in form.identity_field.note.sentence and form.identity.isVisible()
        key = tmp_path / "id_here"
        key.touch()
        form.name.setText("Lima")
        form.identity.setText(str(key))
        form.host_key.setText("SHA256:abc")
        assert form.read() is None
        assert "no fingerprint" in form.host_key_field.note.sentence and form.host_key.hasFocus()
        fingerprint = "SHA256:" + "A" * 43
        form.host_key.setText(f" {fingerprint} ")
        form.transport.setCurrentIndex(1)
        form.private.setChecked(True)
        request = form.read()
        assert request == BootstrapRequest(
            "vps.example",
            Region.NA,
            "Lima",
            identity=key,
            transport=Transport.DIRECT,
            host_key=fingerprint,
            is_private_allowed=True,
        )
        form.clear()
        assert form.host_key.text() == ""  # of that host alone

    play(scenario)


def test_wizard_proposes_the_first_region_without_a_probe(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        form = bench.wizard.form
        assert form.region.currentData() == Region.AS
        assert form.region.itemText(0) == "North America (1 probe)"
        bench.wizard.ask_for(Region.OC)
        assert form.region.currentData() == Region.OC

    play(scenario, {Region.NA: 1, Region.EU: 2})


def test_wizard_is_used_by_keyboard_alone(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        form, qtbot = bench.wizard.form, bench.qtbot
        qtbot.keyClicks(form.host, "ops@vps.example")
        qtbot.keyClick(form.host, Qt.Key.Key_Tab)
        assert form.region.hasFocus()
        qtbot.keyClick(form.region, Qt.Key.Key_Down)
        qtbot.keyClick(form.region, Qt.Key.Key_Tab)
        assert form.name.hasFocus()
        qtbot.keyClicks(form.name, "Frankfurt")
        qtbot.keyClick(form.name, Qt.Key.Key_Tab)
        assert form.window().focusWidget() is form.more
        qtbot.keyClick(form.more, Qt.Key.Key_Space)
        assert form.advanced.isVisible()
        for editor in (form.port, form.identity, form.browse, form.host_key, form.transport, form.private):
            qtbot.keyClick(form.window().focusWidget(), Qt.Key.Key_Tab)
            assert form.window().focusWidget() is editor
        qtbot.keyClick(form.private, Qt.Key.Key_Space)
        qtbot.keyClick(form.private, Qt.Key.Key_Return)
        await until(lambda: bench.port.requests)
        assert bench.port.requests == [
            BootstrapRequest("ops@vps.example", Region.EU, "Frankfurt", is_private_allowed=True)
        ]

    play(scenario)


def test_wizard_is_translated_and_every_control_has_a_name(play: Callable[..., None], made_up_language: None) -> None:
    async def scenario(bench: Bench) -> None:
        wizard = bench.wizard
        wizard.form.more.setChecked(True)
        texts = visible_texts(wizard)
        await bench.begin("vps.example")
        [card], run = wizard.cards, bench.port.runs["vps.example"]
        run.say("1234")
        run.tell("connect", "Connect to the host", StepState.FAILED, "No answer.")
        texts += visible_texts(wizard)
        run.fail(AuthFailed("The server accepted no key.", "Load it."))
        await until(lambda: card.is_over)
        texts += visible_texts(wizard)
        ignored = ("ops@vps.example", "vps.example")
        assert [text for text in texts if "⟦" not in text and text not in ignored] == []
        nameless = [
            part
            for part in [*wizard.findChildren(QLineEdit), *wizard.findChildren(QPlainTextEdit)]
            if not part.accessibleName()
            and part.objectName() != "qt_spinbox_lineedit"
            and part is not card.prompter.line
        ]
        assert nameless == []
        buttons = [part for part in wizard.findChildren(QAbstractButton) if not card.prompter.isAncestorOf(part)]
        assert [part for part in buttons if not (part.text() or part.accessibleName())] == []

    play(scenario)


def test_bug_in_a_run_ends_its_card_and_reaches_the_reporter(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.begin("vps.example")
        [card] = bench.wizard.cards
        bench.port.runs["vps.example"].end.set_exception(ZeroDivisionError())
        await until(lambda: card.is_over)
        assert card.state is RunState.FAILED and "did not expect" in card.status.text()
        assert isinstance(bench.tasks[-1].exception(), ZeroDivisionError)

    play(scenario)


def test_long_output_is_kept_to_its_end(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.begin("vps.example")
        [card], run = bench.wizard.cards, bench.port.runs["vps.example"]
        run.end.set_result(Outcome(text="\n".join(f"line {number}" for number in range(6_000))))
        await until(lambda: card.is_over)
        lines = card.text.toPlainText().splitlines()
        assert len(lines) == 5_000 and lines[-1] == "line 5999"

    play(scenario)
