"""Questions of a setup on the terminal: host keys, passphrases, passwords. Without a terminal nobody is asked."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

from pingmon_gui.console import output
from pingmon_gui.domain.error import AuthFailed, HostKeyUnknown, PreflightFailed, UserCancelled
from pingmon_gui.log import one_line
from pingmon_gui.provision.prompt import SecretKind

_Answer = TypeVar("_Answer")
_YES = ("y", "yes")
_INSTEAD = {
    SecretKind.PASSPHRASE: "Load the key into your agent (ssh-add), or run this on a terminal.",
    SecretKind.PASSWORD: "Log in by a key (--identity), or run this on a terminal.",
    SecretKind.ANSWER: "Log in by a key (--identity), or run this on a terminal.",
    SecretKind.SUDO: "Log in as root, allow sudo without a password for this once, or run this on a terminal.",
}


class TerminalPrompter:
    """Asks on stderr and reads stdin, one question at a time, however many hosts are set up at once."""

    def __init__(self, *, is_terminal: Callable[[], bool] | None = None) -> None:
        self._is_terminal = is_terminal or (lambda: sys.stdin.isatty() and sys.stderr.isatty())
        self._turn = asyncio.Lock()

    async def confirm_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        """Return whether the person trusts the key. Raises HostKeyUnknown where nobody can be asked."""
        if not self._is_terminal():
            raise HostKeyUnknown(
                f"The host {host} is not known yet. Its {key_type} key is {fingerprint}.",
                f"If that is right, run it again with --host-key {fingerprint}.",
                host=host,
            )
        return await self._ask(
            lambda: _yes(
                f"The host {host} was never seen before.\nIts {key_type} key is {fingerprint}.\n"
                "Compare it with what the host's provider shows. Is it right? (yes/no) "
            )
        )

    async def secret(self, host: str, kind: SecretKind, question: str) -> str:
        """Return what was typed, unseen. Raises AuthFailed where nobody can be asked, UserCancelled on Ctrl-D."""
        if not self._is_terminal():
            raise AuthFailed(f"{question.rstrip('?:. ')} is asked for, and nobody is there.", _INSTEAD[kind], host=host)
        return await self._ask(lambda: _secret(f"{question.rstrip()} "))

    async def confirm(self, host: str, question: str, detail: str) -> bool:
        """Return whether the person agrees. Raises PreflightFailed where nobody can be asked."""
        if not self._is_terminal():
            words = f"{question} {detail}"
            raise PreflightFailed(
                words if words.endswith((".", "?")) else f"{words}.",
                "Say so by the option for it (--help shows them), or run this on a terminal.",
                host=host,
            )
        return await self._ask(lambda: _yes(f"{detail}\n{question} (yes/no) "))

    async def _ask(self, ask: Callable[[], _Answer]) -> _Answer:
        async with self._turn:
            with _terminal_as_it_was():
                return await _in_thread(ask)


async def _in_thread(ask: Callable[[], _Answer]) -> _Answer:
    """Await an answer typed in a thread that does not hold up the exit: Ctrl-C has to end a question at once."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[_Answer] = loop.create_future()

    def tell(told: Callable[[], None]) -> None:
        if not answer.done():
            told()

    def run() -> None:
        try:
            typed = ask()
        except Exception as exc:
            error = exc
            told = lambda: answer.set_exception(error)  # noqa: E731
        else:
            told = lambda: answer.set_result(typed)  # noqa: E731
        with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits
            loop.call_soon_threadsafe(tell, told)

    threading.Thread(target=run, name="question", daemon=True).start()
    return await answer


@contextlib.contextmanager
def _terminal_as_it_was() -> Iterator[None]:
    """Show what is typed again, whatever ends a question that hid it."""
    try:
        import termios
    except ImportError:  # Windows, whose getpass changes nothing that lasts
        yield
        return
    try:
        before = termios.tcgetattr(sys.stdin)
    except (OSError, ValueError, termios.error):  # no terminal
        yield
        return
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _yes(question: str) -> bool:
    while True:
        _show(question)
        line = sys.stdin.readline()
        if not line:
            raise UserCancelled
        word = line.strip().lower()
        if word in _YES:
            return True
        if word in ("n", "no"):
            return False


def _secret(question: str) -> str:
    try:
        return getpass.getpass(one_line(question), stream=sys.stderr)
    except EOFError as exc:
        raise UserCancelled from exc


def _show(question: str) -> None:
    *lines, last = question.split("\n")
    for line in lines:
        output.say(line)
    # It may quote the host, and terminals obey control characters.
    print(one_line(last), end="", file=sys.stderr, flush=True)
