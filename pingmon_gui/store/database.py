"""Opening the file: folders and modes, connections, and what a file must look like."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import peewee

from pingmon_gui.domain.error import StorageCorrupt, StorageError, StorageReadOnly
from pingmon_gui.store.change_log import read_change_log
from pingmon_gui.store.page_file import USUAL_PAGE_BYTES, page_bytes_of
from pingmon_gui.store.trouble import CORRUPT_HINT, translated

#: Marks a file as ours in SQLite's header ("Ping").
APPLICATION_ID = 0x50696E67
#: Up to this size the whole file is checked at every start (about 5 ms per MB).
_FULL_CHECK_BYTES = 16 * 1024 * 1024


def write_connection(path: Path) -> peewee.SqliteDatabase:
    """Return a database to write with, not yet connected; it belongs to the thread that connects it."""
    pragmas = [
        ("busy_timeout", 5_000),
        # Pages that are changed again and again go from the log to the file once in 16 MB, not in 4.
        ("wal_autocheckpoint", 4_000),
        ("auto_vacuum", "INCREMENTAL"),
        # Some builds of SQLite write zeros over every page that is given up; here that is each journal page once more.
        ("secure_delete", "FAST"),
        ("journal_mode", "WAL"),
        ("synchronous", "NORMAL"),
        ("journal_size_limit", 8 * 1024 * 1024),
        ("cache_size", -8_000),
    ]
    return peewee.SqliteDatabase(str(path), pragmas=pragmas)


def read_connection(path: Path, *, is_immutable: bool = False) -> peewee.SqliteDatabase:
    """Return a read-only database, not yet connected; `is_immutable`: no file may be made beside it."""
    mode = "immutable=1" if is_immutable else "mode=ro"
    address = f"file:{quote(str(path.absolute()))}?{mode}"
    return peewee.SqliteDatabase(address, uri=True, pragmas=[("busy_timeout", 5_000), ("query_only", 1)])


def prepare(path: Path) -> None:
    """Make the folder (0700) and an empty file (0600) where there is none. Raises StorageError subclasses."""
    with translated(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except IsADirectoryError as exc:
            raise StorageError(f"“{path}” is a folder, not a database.") from exc
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        raise StorageReadOnly(
            f"The database {path} cannot be written.",
            "Make the folder and the file writable for you, or choose another folder with --data-dir.",
        )


def is_immutable(path: Path) -> bool:
    """Return whether a reader may not make the files that sharing with a writer needs."""
    return not Path(f"{path}-shm").exists() and not os.access(path.parent, os.W_OK)


def check(database: peewee.SqliteDatabase, path: Path) -> None:
    """Look whether the connected file is ours and whole. Raises StorageCorrupt."""
    with translated(path):
        (application,) = database.execute_sql("PRAGMA application_id").fetchone()
        (tables,) = database.execute_sql("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and application != APPLICATION_ID:
            raise StorageCorrupt(
                f"The file {path} is a database, but not one of Pingmon.",
                "Move it away, or choose another folder with --data-dir.",
            )
        if path.stat().st_size <= _FULL_CHECK_BYTES:
            (word,) = database.execute_sql("PRAGMA quick_check(1)").fetchone()
            if word != "ok":
                raise damaged_file(path, word)


def check_log(path: Path) -> None:
    """Look whether the log of latest changes, left by a crash, can be read up to its last commit.

    SQLite would leave out everything behind a damage, and not say so. Raises StorageCorrupt.
    """
    log_path = Path(f"{path}-wal")
    with translated(path):
        if not log_path.exists() or log_path.stat().st_size == 0:
            return
        with path.open("rb") as file:
            page_bytes = page_bytes_of(file.read(100))
        log = read_change_log(log_path, page_bytes or USUAL_PAGE_BYTES)
    if log.is_cut:
        raise StorageCorrupt(
            f"The log of the latest changes of the database {path} is damaged: {log.lost_frames} changed pages in it"
            " cannot be read.",
            CORRUPT_HINT,
        )


def damaged_file(path: Path, complaint: str) -> StorageCorrupt:
    """Return the error for what SQLite complains of, which may begin with a line that says nothing."""
    return StorageCorrupt(f"The database {path} is damaged ({complaint.splitlines()[-1]}).", CORRUPT_HINT)
