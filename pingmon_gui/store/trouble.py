"""SQLite's and the system's errors as sentences: the one place where this room translates them."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import peewee

from pingmon_gui.domain.error import (
    StorageCorrupt,
    StorageError,
    StorageFull,
    StorageReadOnly,
)

#: What SQLite makes its log's index larger by.
_INDEX_BYTES = 32_768
#: What reading and writing a database may raise.
ERRORS = (peewee.PeeweeException, sqlite3.Error, OSError)

_FULL_HINT = "Make room on the disk; Pingmon goes on by itself, and what was measured meanwhile is not lost."
_READ_ONLY_HINT = "Make the folder and the file writable for you, or choose another folder with --data-dir."
CORRUPT_HINT = (
    "“pingmon repair”, and the window at its start, save what can be read into a new database and keep this file."
)


def translate(exc: BaseException, path: Path) -> StorageError:
    """Return the storage error that says what `exc` means for the database at `path`."""
    if isinstance(exc, StorageError):
        return exc
    if isinstance(exc, OSError):
        return _of_system(exc, path)
    code, text = _root(exc)
    if code == sqlite3.SQLITE_FULL or "disk is full" in text or (code == sqlite3.SQLITE_IOERR and _is_full(path)):
        return StorageFull(f"The disk has no room left for the database {path}.", _FULL_HINT)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StorageCorrupt(f"The database {path} is damaged ({text}).", CORRUPT_HINT)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return StorageReadOnly(f"The database {path} cannot be written.", _READ_ONLY_HINT)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StorageError(
            f"The database {path} is in use by another program.", "Close the program that holds it, then try again."
        )
    if code == sqlite3.SQLITE_CANTOPEN:
        return StorageError(f"The database {path} cannot be opened.", "Check that the folder exists and may be read.")
    if code == sqlite3.SQLITE_IOERR:
        return StorageError(f"The disk failed while the database {path} was used ({text}).", "Check the disk.")
    return StorageError(f"The database {path} cannot be used ({text}).")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Let only StorageErrors out of a block that works on the database at `path`."""
    try:
        yield
    except ERRORS as exc:
        raise translate(exc, path) from exc


def _root(exc: BaseException) -> tuple[int, str]:
    """Return SQLite's code and words of what came first.

    A full disk makes SQLite roll back by itself; peewee's own roll back then fails and hides the cause.
    """
    code, text = 0, str(exc)
    one: BaseException | None = exc
    while one is not None:
        found = getattr(one, "sqlite_errorcode", 0) & 0xFF
        if found > sqlite3.SQLITE_ERROR:
            code, text = found, str(one)
        one = one.__cause__ or one.__context__
    return code, text


def _is_full(path: Path) -> bool:
    """Return whether the disk has no room: SQLite calls it a failure of the disk where its log's index cannot grow."""
    try:
        return shutil.disk_usage(path.parent).free < _INDEX_BYTES
    except OSError:
        return False


def _of_system(exc: OSError, path: Path) -> StorageError:
    if exc.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageFull(f"The disk has no room left for {exc.filename or path}.", _FULL_HINT)
    if exc.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StorageReadOnly(f"“{exc.filename or path}” cannot be written: {exc.strerror}.", _READ_ONLY_HINT)
    return StorageError(f"“{exc.filename or path}” cannot be used: {exc.strerror}.")
