"""Questions of a setup: on a real terminal (a pseudo one), and where there is none."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pingmon_gui.console.prompter import TerminalPrompter
from pingmon_gui.domain.error import AuthFailed, HostKeyUnknown, PreflightFailed
from pingmon_gui.provision.prompt import SecretKind
from tests.cli.conftest import environment

ROOT = Path(__file__).parents[2]


class Terminal:
    """A program whose terminal is in the test's hands."""

    def __init__(self, program: str) -> None:
        self.ours, theirs = pty.openpty()
        head = """
        import asyncio, fcntl, signal, sys, termios
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        # Who started the tests in the background lets them ignore Ctrl-C, and they hand that on.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        from pingmon_gui.console.prompter import TerminalPrompter
        from pingmon_gui.provision.prompt import SecretKind
        from pingmon_gui.domain.error import UserCancelled
        """
        code = textwrap.dedent(head) + textwrap.dedent(program)
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment(),
            cwd=ROOT,
            start_new_session=True,
        )
        os.close(theirs)
        self.seen = ""

    def read_until(self, text: str) -> None:
        while text not in self.seen:
            try:
                piece = os.read(self.ours, 4096)
            except OSError:
                piece = b""
            assert piece, f"it ended after {self.seen!r}"
            self.seen += piece.decode()

    def type(self, text: str) -> None:
        os.write(self.ours, text.encode())

    def end(self) -> int:
        code = self.process.wait(30)
        os.close(self.ours)
        return code


def test_host_key_is_shown_with_its_fingerprint_and_asked_for_until_the_answer_is_clear() -> None:
    terminal = Terminal(
        """
        yes = asyncio.run(TerminalPrompter().confirm_host_key("vps", "ssh-ed25519", "SHA256:abc"))
        print("answer", yes)
        """
    )
    terminal.read_until("(yes/no)")
    assert "SHA256:abc" in terminal.seen
    terminal.type("perhaps\n")
    terminal.read_until("perhaps")
    terminal.type("yes\n")
    terminal.read_until("answer True")
    assert terminal.end() == 0


def test_secret_is_not_echoed_and_control_characters_of_the_question_are_made_harmless() -> None:
    terminal = Terminal(
        r"""
        answer = asyncio.run(TerminalPrompter().secret("vps", SecretKind.ANSWER, "Code\x1b[2J of today:"))
        print("length", len(answer))
        """
    )
    terminal.read_until("of today:")
    terminal.type("geheim\n")
    terminal.read_until("length 6")
    assert "geheim" not in terminal.seen and "\x1b[2J" not in terminal.seen
    assert terminal.end() == 0


def test_ctrl_c_ends_a_question_at_once_and_leaves_the_terminal_showing_what_is_typed() -> None:
    terminal = Terminal(
        """
        try:
            asyncio.run(TerminalPrompter().secret("vps", SecretKind.SUDO, "Password for sudo:"))
        except KeyboardInterrupt:
            print("echo", bool(termios.tcgetattr(0)[3] & termios.ECHO), flush=True)
        """
    )
    terminal.read_until("Password for sudo:")
    os.kill(terminal.process.pid, signal.SIGINT)
    terminal.read_until("echo True")
    assert terminal.end() == 0


def test_ctrl_d_is_a_change_of_mind() -> None:
    terminal = Terminal(
        """
        try:
            asyncio.run(TerminalPrompter().confirm("vps", "Install python3?", "It is missing."))
        except UserCancelled:
            print("cancelled")
        """
    )
    terminal.read_until("(yes/no)")
    terminal.type("\x04")
    terminal.read_until("cancelled")
    assert terminal.end() == 0


def test_without_a_terminal_nobody_is_asked_and_the_error_says_what_to_do() -> None:
    prompter = TerminalPrompter(is_terminal=lambda: False)

    async def check() -> None:
        with pytest.raises(HostKeyUnknown) as unknown:
            await prompter.confirm_host_key("vps", "ssh-ed25519", "SHA256:abc")
        assert "--host-key SHA256:abc" in (unknown.value.hint or "")
        for kind in SecretKind:
            with pytest.raises(AuthFailed) as refused:
                await prompter.secret("vps", kind, "The passphrase of key x:")
            assert refused.value.hint
        with pytest.raises(PreflightFailed):
            await prompter.confirm("vps", "Install python3?", "It is missing.")

    asyncio.run(check())
