"""The log: a rotating file that a person can read, and stderr for `pingmon run`. Nothing secret gets into either."""

from __future__ import annotations

import logging
import logging.handlers
import os
import re
import sys
import unicodedata
from io import TextIOWrapper
from pathlib import Path

FILE_BYTES = 2 * 1024 * 1024
KEPT_FILES = 5
_FORMAT = "{asctime} {levelname:<7} {name}: {message}"
#: Of these only what goes wrong is of interest: a line for each request or query would drown all else.
_CHATTY = ("httpx", "httpcore", "peewee", "asyncio", "qasync", "hpack", "markdown_it")
#: These write addresses with all that is secret in them, or may: what goes wrong with them is told by who uses them.
_SECRETIVE = ("httpx", "urllib3", "requests")
#: systemd reads a number in front of a line as its priority.
_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}

_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b(authorization[\"']?\s*[:=]\s*[\"']?)[^\"'\r\n,}\])]+"), r"\1***"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}"), r"\1 ***"),
    # user:password@ of an address; the password may hold anything but white space, / and @.
    (re.compile(r"(\b[A-Za-z][A-Za-z0-9+.-]*://)[^\s/?#@]*(?:@[^\s/?#@]*)*@"), r"\1***@"),
    (
        re.compile(
            r"(?i)([\"']?\b(?:basic_auth|bearer|password|passphrase|token|secret)\b[\"']?\s*[:=]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&}\])]+)"
        ),
        r"\1***",
    ),
)


def without_secrets(text: str) -> str:
    """Return the text with tokens, passwords and user names in addresses replaced by ***."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def one_line(text: str) -> str:
    """Return the text with line ends, control and invisible characters made visible: hostile data stays in its line."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        letter
        if letter.isprintable() or unicodedata.category(letter) == "Zs"
        else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


class _PlainFormatter(logging.Formatter):
    """One line a record, a traceback below it; secrets taken out of all of it."""

    def __init__(self, is_journal: bool = False) -> None:
        super().__init__("{levelname}: {message}" if is_journal else _FORMAT, "%Y-%m-%d %H:%M:%S", style="{")
        self._is_journal = is_journal

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = one_line(record.message)
        record.levelname = record.levelname.lower()
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        # The record goes to other handlers as well: it is left as it was.
        text = without_secrets(super().format(logging.makeLogRecord(record.__dict__)))
        if not self._is_journal:
            return text
        mark = f"<{_PRIORITY.get(record.levelno, 6)}>"
        return "\n".join(mark + line for line in text.splitlines())


class _QuietFile(logging.handlers.RotatingFileHandler):
    """A log that cannot be written (a full disk) stops nothing and says so once on stderr."""

    _has_complained = False

    def handleError(self, record: logging.LogRecord) -> None:
        if not self._has_complained:
            self._has_complained = True
            cause = sys.exception()
            print(f"The log file {self.baseFilename} cannot be written: {cause}", file=sys.stderr)

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")


def log_path(data_dir: Path) -> Path:
    """Return the log file that is written just now; older ones stand beside it with a number."""
    return data_dir / "log" / "pingmon.log"


_ours: list[logging.Handler] = []
_is_debug = False


def set_up(data_dir: Path | None, level: str = "info", *, debug: bool = False, on_stderr: bool = False) -> None:
    """Send the log to the data folder's file and, if asked, to stderr; what an earlier call set up is replaced.

    A folder that cannot be written is no reason not to start: then a sentence goes to stderr.
    """
    global _is_debug  # noqa: PLW0603 - the logging module is global as well
    take_down()
    _is_debug = debug
    if data_dir is not None:
        path = log_path(data_dir)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _ours.append(_QuietFile(path, maxBytes=FILE_BYTES, backupCount=KEPT_FILES, delay=False))
        except OSError as exc:
            print(f"The log file {path} cannot be written: {exc.strerror or exc}", file=sys.stderr)
    if on_stderr:
        _ours.append(logging.StreamHandler())
    for handler in _ours:
        is_journal = not isinstance(handler, _QuietFile) and "JOURNAL_STREAM" in os.environ
        handler.setFormatter(_PlainFormatter(is_journal))
        logging.getLogger().addHandler(handler)
    set_level(level)


def set_level(level: str) -> None:
    """Write what is at least this serious: error, warning, info or debug. With `--debug` it is always debug."""
    wanted = logging.DEBUG if _is_debug else logging.getLevelNamesMapping()[level.upper()]
    root = logging.getLogger()
    root.setLevel(wanted)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(wanted, logging.INFO if _is_debug else logging.WARNING))
    for name in _SECRETIVE:
        logging.getLogger(name).setLevel(max(wanted, logging.ERROR))


def take_down() -> None:
    """Close what `set_up` opened."""
    while _ours:
        handler = _ours.pop()
        logging.getLogger().removeHandler(handler)
        handler.close()
