"""One command on a remote host: quoted for every login shell, told apart from what start-up files print, by deadline.

Blocking: runs on the connection's thread. Knows nothing of who asks or why.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import selectors
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import paramiko
from paramiko.ssh_exception import ChannelException, SSHException

#: Of each output; the rest is read and dropped.
MOST_BYTES = 1024 * 1024
#: A host with MaxSessions 1 needs a moment to see that the session before has ended.
_SESSION_S = 3.0
_SESSION_PAUSE_S = 0.05
#: For a background process that keeps the output open after the command has ended.
_LINGER_S = 1.0
_SEND_PAUSE_S = 0.02
_CHUNK = 32 * 1024

_SAFE = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
_PARTS = re.compile(r"[^'\\]+|'|\\")

#: Run by /bin/sh whatever the login shell is. Programs of the administrator are found, messages are in English, and the
#: mark tells where the output of start-up files ends. `exec` leaves no shell behind that could add to it.
_WORDS = "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin LC_ALL=C; export PATH LC_ALL; "
_PLAIN = _WORDS + 'echo "$1"; echo "$1" >&2; shift; exec "$@"'
_SUDO = _WORDS + 'prompt=$1; shift; exec sudo -S -p "$prompt" -- /bin/sh -c "$@"'
_SUDO_SILENT = _WORDS + 'exec sudo -n -- /bin/sh -c "$@"'


class SessionRefused(Exception):
    """The server opens no session; the text is its reason."""


class ConnectionLost(Exception):
    """The connection broke off before the command ended."""


@dataclass(frozen=True)
class Outcome:
    """What came of a command. `has_started` is false where a shell, sudo or sshd stopped it; then `err` says why.

    `code` is the exit code, -1 where a signal ended it. `is_refused` tells that sudo did not take the password.
    """

    code: int
    out: bytes
    err: bytes
    has_started: bool
    is_refused: bool = False


def quote(argv: Sequence[str]) -> str:
    """Return a command line that means these very arguments to sh, bash, dash, zsh, ksh and fish.

    In single quotes fish takes a backslash for an escape where the others do not, so neither ' nor \\ stays inside.
    """
    return " ".join(_quoted(argument) for argument in argv)


def _quoted(argument: str) -> str:
    if _SAFE.fullmatch(argument):
        return argument
    outside = {"'": '"' + "'" + '"', "\\": "\\\\"}
    return "".join(outside.get(part) or f"'{part}'" for part in _PARTS.findall(argument)) or "''"


def run(
    transport: paramiko.Transport,
    argv: Sequence[str],
    *,
    stdin: bytes = b"",
    deadline_s: float,
    as_sudo: bool = False,
    password: str | None = None,
) -> Outcome:
    """Run a program by its arguments, by sudo if asked; `password` is given to sudo when it asks, and to nobody else.

    Raises TimeoutError, SessionRefused, ConnectionLost.
    """
    until = time.monotonic() + deadline_s
    mark, prompt = (f"pingmon-{secrets.token_hex(12)}" for _ in range(2))
    plain = [_PLAIN, "sh", mark, *argv]
    if not as_sudo:
        script = plain
    elif password is None:
        script = [_SUDO_SILENT, "sh", *plain]
    else:
        script = [_SUDO, "sh", prompt, *plain]
    channel = _open_session(transport, until)
    try:
        try:
            _request(transport, channel, "exec " + quote(["/bin/sh", "-c", *script]))
        except (SSHException, EOFError, OSError) as exc:
            raise ConnectionLost from exc
        exchange = _Exchange(transport, channel, mark.encode(), stdin, until)
        if password is not None:
            exchange.answer(prompt.encode(), password)
        return exchange.run()
    finally:
        channel.close()


def _open_session(transport: paramiko.Transport, until: float) -> paramiko.Channel:
    give_up = min(until, time.monotonic() + _SESSION_S)
    while True:
        try:
            return transport.open_session(timeout=max(0.0, until - time.monotonic()))
        except ChannelException as exc:
            is_for_good = exc.code == paramiko.common.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
            if is_for_good or time.monotonic() >= give_up:
                raise SessionRefused(exc.text) from exc
            time.sleep(_SESSION_PAUSE_S)
        except (SSHException, EOFError, OSError) as exc:
            if transport.is_active() and time.monotonic() >= until:
                raise TimeoutError from exc
            raise ConnectionLost from exc


def _request(transport: paramiko.Transport, channel: paramiko.Channel, command: str) -> None:
    """Ask for a command as `Channel.exec_command` does, without its wait: the input may follow at once.

    A round trip less for every command. A server that refuses closes the channel.
    """
    message = paramiko.Message()
    message.add_byte(bytes([paramiko.common.MSG_CHANNEL_REQUEST]))
    message.add_int(channel.remote_chanid)
    message.add_string("exec")
    message.add_boolean(True)
    message.add_string(command)
    channel._event_pending()  # type: ignore[attr-defined]
    transport._send_user_message(message)  # type: ignore[attr-defined]


@dataclass
class _Stream:
    """One output of the command: what came before the mark is somebody else's."""

    receive: Callable[[int], bytes]
    mark: bytes
    content: bytearray = field(default_factory=bytearray)
    has_started: bool = False
    is_done: bool = False

    def read(self) -> bool:
        """Take in what is there now; returns whether that was anything."""
        if self.is_done:
            return False
        try:
            data = self.receive(_CHUNK)
        except TimeoutError:
            return False
        if not data:
            self.is_done = True
            return True
        if self.has_started:
            self.content += data[: MOST_BYTES - len(self.content)]
            return True
        self.content += data
        _before, found, after = self.content.partition(self.mark + b"\n")
        if found:
            self.has_started, self.content = True, after
        elif len(self.content) > MOST_BYTES:
            # A start-up file that prints without end; the mark may yet come.
            del self.content[: -len(self.mark)]
        return True


class _Exchange:
    """Feeds a command and reads it, both at once, so that neither side ever waits for the other for good."""

    def __init__(
        self, transport: paramiko.Transport, channel: paramiko.Channel, mark: bytes, stdin: bytes, until: float
    ) -> None:
        self._transport = transport
        self._channel = channel
        self._out = _Stream(channel.recv, mark)
        self._err = _Stream(channel.recv_stderr, mark)
        self._stdin = memoryview(stdin)
        self._until = until
        self._prompt = b""
        self._password = ""
        self._is_stdin_open = True
        self._is_refused = False

    def answer(self, prompt: bytes, password: str) -> None:
        """Give sudo this password the first time it asks; the second time it did not like it."""
        self._prompt, self._password = prompt, password

    def run(self) -> Outcome:
        channel = self._channel
        channel.setblocking(False)
        linger_until = None
        with selectors.DefaultSelector() as selector:
            selector.register(channel.fileno(), selectors.EVENT_READ)
            while True:
                has_moved = self._out.read() | self._err.read()
                self._heed_prompt()
                has_moved |= self._feed()
                if self._out.is_done and self._err.is_done:
                    break
                if has_moved:
                    linger_until = None
                    self._left_s()
                    continue
                if channel.exit_status_ready():
                    linger_until = linger_until or time.monotonic() + _LINGER_S
                    if time.monotonic() >= linger_until:
                        break
                pause = _SEND_PAUSE_S if self._may_feed() else _LINGER_S if linger_until is None else _SEND_PAUSE_S
                selector.select(min(pause, self._left_s()))
        if not channel.status_event.wait(self._left_s()):
            raise TimeoutError
        code = channel.exit_status
        if code == -1 and not self._transport.is_active():
            raise ConnectionLost
        if code == -1 and not channel.event_ready:
            raise SessionRefused("it runs no commands")
        has_started = self._out.has_started
        return Outcome(code, bytes(self._out.content), bytes(self._err.content), has_started, self._is_refused)

    def _left_s(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _may_feed(self) -> bool:
        # To wait for a command to start costs a round trip; only sudo could take the input for its own.
        return self._is_stdin_open and (not self._prompt or self._out.has_started)

    def _heed_prompt(self) -> None:
        """Answer sudo's question. Only then the password is sent, so that it can never end in the command's input."""
        if not self._prompt or self._err.has_started or self._prompt not in self._err.content:
            return
        self._err.content[:] = self._err.content.replace(self._prompt, b"", 1)
        if self._is_refused:
            return
        if self._password:
            self._send(self._password.encode() + b"\n")
            self._password = ""
        else:
            self._is_refused = True
            self._end_stdin()

    def _feed(self) -> bool:
        """Send a piece of the input, and its end; where sudo may ask for a password, once the command has started."""
        if not self._may_feed():
            return False
        if not self._stdin:
            self._end_stdin()
            return False
        sent = self._send(self._stdin[:_CHUNK])
        self._stdin = self._stdin[sent:]
        return sent > 0

    def _send(self, data: bytes | memoryview) -> int:
        try:
            return self._channel.send(bytes(data))
        except TimeoutError:
            return 0
        except (SSHException, EOFError, OSError):
            # The command ended without reading to the end, or the connection with it: the reading tells which.
            self._stdin = memoryview(b"")
            self._is_stdin_open = False
            return 0

    def _end_stdin(self) -> None:
        self._is_stdin_open = False
        with contextlib.suppress(SSHException, EOFError, OSError):
            self._channel.shutdown_write()
