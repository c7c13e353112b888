from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from pingmon_gui.domain.error import UserCancelled
from pingmon_gui.provision.prompt import SecretKind
from pingmon_gui.ui.window_prompter import WindowPrompter
from tests.ui.conftest import RunAsync
from tests.ui.fleet.fakes import KEY_SHA256, settled, until
from tests.ui.made_up import visible_texts

HOST = "ops@vps.example"


@pytest.fixture
def prompter(qtbot: QtBot) -> Iterator[WindowPrompter]:
    """A prompter in a window that is in front."""
    top = QWidget()
    made = WindowPrompter(top)
    QVBoxLayout(top).addWidget(made)
    qtbot.addWidget(top)
    top.show()
    top.activateWindow()
    qtbot.waitUntil(top.isActiveWindow)
    yield made
    top.close()


def test_host_key_question_shows_the_fingerprint_and_doubts_first(
    qtbot: QtBot, prompter: WindowPrompter, run_async: RunAsync
) -> None:
    async def scenario() -> None:
        asked = asyncio.ensure_future(prompter.confirm_host_key(HOST, "ssh-ed25519", KEY_SHA256))
        await until(lambda: prompter.is_asking)
        assert KEY_SHA256 in prompter.code.text() and HOST in prompter.title.text()
        assert "ssh_host_ed25519_key.pub" in prompter.detail.text()
        assert prompter.no.hasFocus() and not prompter.line.isVisible()
        qtbot.keyClick(prompter.no, Qt.Key.Key_Tab)
        assert prompter.yes.hasFocus()
        qtbot.keyClick(prompter.yes, Qt.Key.Key_Space)
        assert await asked is True
        assert not prompter.isVisible()

    run_async(scenario())


def test_host_key_question_is_answered_no_by_escape(
    qtbot: QtBot, prompter: WindowPrompter, run_async: RunAsync
) -> None:
    async def scenario() -> None:
        asked = asyncio.ensure_future(prompter.confirm_host_key(HOST, "ecdsa-sha2-nistp256", KEY_SHA256))
        await until(lambda: prompter.is_asking)
        qtbot.keyClick(prompter.no, Qt.Key.Key_Escape)
        assert await asked is False

    run_async(scenario())


@pytest.mark.parametrize("kind", SecretKind)
def test_secret_is_typed_unseen_and_not_kept(
    qtbot: QtBot, prompter: WindowPrompter, run_async: RunAsync, kind: SecretKind
) -> None:
    async def scenario() -> None:
        asked = asyncio.ensure_future(prompter.secret(HOST, kind, "Passphrase of /home/me/.ssh/id_ed25519"))
        await until(lambda: prompter.is_asking)
        assert prompter.line.hasFocus()
        assert prompter.line.echoMode() is QLineEdit.EchoMode.Password
        assert prompter.line.accessibleName() == "Passphrase of /home/me/.ssh/id_ed25519"
        assert HOST in prompter.detail.text()
        qtbot.keyClicks(prompter.line, "open sesame")
        prompter.show_box.setChecked(True)
        assert prompter.line.echoMode() is QLineEdit.EchoMode.Normal
        qtbot.keyClick(prompter.line, Qt.Key.Key_Return)
        assert await asked == "open sesame"
        assert prompter.line.text() == "" and not prompter.line.isUndoAvailable()
        assert prompter.line.echoMode() is QLineEdit.EchoMode.Password

    run_async(scenario())


def test_secret_that_is_not_given_cancels(qtbot: QtBot, prompter: WindowPrompter, run_async: RunAsync) -> None:
    async def scenario() -> None:
        asked = asyncio.ensure_future(prompter.secret(HOST, SecretKind.SUDO, "Password of ops"))
        await until(lambda: prompter.is_asking)
        qtbot.keyClicks(prompter.line, "half")
        qtbot.keyClick(prompter.line, Qt.Key.Key_Escape)
        with pytest.raises(UserCancelled):
            await asked
        assert prompter.line.text() == ""

    run_async(scenario())


def test_questions_come_one_at_a_time(qtbot: QtBot, prompter: WindowPrompter, run_async: RunAsync) -> None:
    async def scenario() -> None:
        first = asyncio.ensure_future(prompter.confirm(HOST, "Install python3?", "apt-get install python3"))
        second = asyncio.ensure_future(prompter.confirm(HOST, "Take the probe over?", ""))
        await until(lambda: prompter.is_asking)
        assert prompter.title.text() == "Install python3?"
        prompter.yes.click()
        assert await first is True
        await until(lambda: prompter.is_asking)
        assert prompter.title.text() == "Take the probe over?" and not prompter.detail.isVisible()
        prompter.no.click()
        assert await second is False

    run_async(scenario())


def test_question_of_a_cancelled_run_goes_away(qtbot: QtBot, prompter: WindowPrompter, run_async: RunAsync) -> None:
    async def scenario() -> None:
        asked = asyncio.ensure_future(prompter.confirm(HOST, "Install python3?", ""))
        await until(lambda: prompter.is_asking)
        asked.cancel()
        await settled([asked])
        assert not prompter.isVisible() and not prompter.is_asking
        prompter.on_yes()

    run_async(scenario())


def test_question_does_not_take_the_keys_of_somebody_who_types(
    qtbot: QtBot, prompter: WindowPrompter, run_async: RunAsync
) -> None:
    elsewhere = QLineEdit(prompter.window())
    layout = prompter.window().layout()
    assert layout is not None
    layout.addWidget(elsewhere)
    elsewhere.setFocus()

    async def scenario() -> None:
        asked = asyncio.ensure_future(prompter.secret(HOST, SecretKind.PASSWORD, "Password of ops"))
        await until(lambda: prompter.is_asking)
        assert elsewhere.hasFocus()
        prompter.no.click()
        await settled([asked])

    run_async(scenario())


def test_what_a_host_says_is_shown_as_plain_text(qtbot: QtBot, prompter: WindowPrompter, run_async: RunAsync) -> None:
    async def scenario() -> None:
        asked = asyncio.ensure_future(prompter.secret(HOST, SecretKind.ANSWER, "<b>Code</b>\x1b[2J\u202eedoC"))
        await until(lambda: prompter.is_asking)
        assert prompter.title.text() == "<b>Code</b>[U+001B][2J[U+202E]edoC"
        assert prompter.title.textFormat() is Qt.TextFormat.PlainText
        prompter.no.click()
        await settled([asked])

    run_async(scenario())


def test_questions_are_translated(made_up_language: None, prompter: WindowPrompter, run_async: RunAsync) -> None:
    async def scenario() -> None:
        for ask in (
            prompter.confirm_host_key(HOST, "ssh-ed25519", KEY_SHA256),
            prompter.secret(HOST, SecretKind.SUDO, "Password of ops"),
            prompter.confirm(HOST, "Install python3?", "It is done by apt-get."),
        ):
            asked = asyncio.ensure_future(ask)
            await until(lambda: prompter.is_asking)
            texts = [text for text in visible_texts(prompter) if KEY_SHA256 not in text or "⟦" in text]
            assert [text for text in texts if "⟦" not in text] == []
            prompter.no.click()
            await settled([asked])

    run_async(scenario())
