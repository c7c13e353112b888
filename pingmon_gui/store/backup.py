"""Backups: a copy of the whole database in one file, made beside a running writer and checked before it counts."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import peewee

from pingmon_gui.domain.backup import BackupFacts, Progress
from pingmon_gui.domain.error import InvalidInput, StorageCorrupt, StorageError, StorageFull
from pingmon_gui.domain.history import HOUR_MS
from pingmon_gui.store.aside import companions
from pingmon_gui.store.database import APPLICATION_ID, read_connection
from pingmon_gui.store.durable import sync_file, sync_folder
from pingmon_gui.store.history import hours_with_results, result_count
from pingmon_gui.store.migration import refuse_newer, schema_of
from pingmon_gui.store.trouble import translated
from pingmon_gui.store.wholeness import check_structure

#: Where a backup says of itself when it was made.
MADE_KEY = "backup_made_at_ms"
#: So many pages are copied between two looks at whether to go on: 4 MB, some 10 ms.
_PAGES_PER_STEP = 1_000
_SCHEMA_WITH_REMOTE_PROBES = 2


def back_up(path: Path, target: Path, now_ms: int, progress: Progress) -> BackupFacts:
    """Copy the database at `path` to a file, or into a folder under a name with the date; return what is in it.

    Blocks for as long as that takes, and holds up no writer. The file is there whole and checked, or not at all; one
    that is there already is replaced only if it is a database of Pingmon's.

    Raises InvalidInput for a target that cannot be used, StorageError, and what `progress` raises.
    """
    target = _usable(path, target)
    partial = target.with_name(f".{target.name}.partial")
    with translated(path), closing(read_connection(path)) as database:
        database.connect()
        refuse_other_programs(database, path)
        with translated(target):
            try:
                _copy(database.connection(), partial, now_ms, progress)
                with closing(read_connection(partial, is_immutable=True)) as copy:
                    copy.connect()
                    # A page that is damaged is copied like any other: that is found out here.
                    check_structure(copy, path)
                    facts = facts_of(copy, target)
                sync_file(partial)
                partial.replace(target)
                sync_folder(target.parent)
            finally:
                for file in companions(partial):
                    file.unlink(missing_ok=True)
    return facts


def facts_of(database: peewee.SqliteDatabase, path: Path) -> BackupFacts:
    """Return what is in a database of any schema that this version knows; `path` is how people know it."""
    schema = schema_of(database)
    meta = dict(database.execute_sql("SELECT key, value FROM meta").fetchall())
    # Quotation marks in a text are escaped, so only the key itself looks like this.
    domains, with_passwords = database.execute_sql(
        """SELECT count(*), count(CASE WHEN settings LIKE '%"basic_auth": "%' OR settings LIKE '%"bearer": "%'"""
        """ OR settings LIKE '%"headers": [[%' THEN 1 END) FROM monitor WHERE deleted_at_ms IS NULL"""
    ).fetchone()
    remote = 0
    if schema >= _SCHEMA_WITH_REMOTE_PROBES:
        (remote,) = database.execute_sql("SELECT count(*) FROM probe WHERE access IS NOT NULL").fetchone()
    (file_bytes,) = database.execute_sql(
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    ).fetchone()
    hours = hours_with_results(database)
    return BackupFacts(
        path=path,
        file_bytes=file_bytes,
        schema=schema,
        domains=domains,
        remote_probes=remote,
        with_passwords=with_passwords,
        results=result_count(database),
        from_ms=None if hours is None else hours[0] * HOUR_MS,
        to_ms=None if hours is None else (hours[1] + 1) * HOUR_MS,
        made_at_ms=int(meta[MADE_KEY]) if MADE_KEY in meta else None,
    )


def refuse_other_programs(database: peewee.SqliteDatabase, path: Path) -> None:
    """Raise StorageCorrupt for a connected file that is not one of Pingmon's, StorageTooNew for a newer one's."""
    (application,) = database.execute_sql("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        raise StorageCorrupt(f"The file {path} is not a database of Pingmon.", "Is it the right file?")
    refuse_newer(database, path)


def must_have_room(folder: Path, needed_bytes: int) -> None:
    """Raise StorageFull where a folder's disk has not so much room."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise StorageFull(
            f"There are {free_bytes / 1e6:,.0f} MB free on the disk of {folder}, and {needed_bytes / 1e6:,.0f} MB"
            " are needed.",
            "Make room, or choose another disk.",
        )


def _usable(path: Path, target: Path) -> Path:
    """Return the file to write. Raises InvalidInput, StorageError."""
    if target.is_dir():
        target = target / time.strftime("pingmon-backup-%Y-%m-%d-%H%M%S.db")
    target = Path(os.path.realpath(target))
    if not target.parent.is_dir():
        raise InvalidInput(f"There is no folder {target.parent}.", "Make it first, or choose another.")
    if target in [Path(os.path.realpath(file)) for file in companions(path)]:
        raise InvalidInput("That is the database itself.", "Choose another name, best of all on another disk.")
    if target.exists():
        try:
            with closing(read_connection(target, is_immutable=True)) as database:
                database.connect()
                refuse_other_programs(database, target)
        except (peewee.DatabaseError, StorageError) as exc:
            raise InvalidInput(
                f"{target} is there already and is no backup of Pingmon.", "Choose another name: it stays as it is."
            ) from exc
    return target


def _copy(source: sqlite3.Connection, partial: Path, now_ms: int, progress: Progress) -> None:
    # One moment of the database for as long as it takes: what is written meanwhile is not in it.
    source.execute("BEGIN")
    (pages, page_bytes) = source.execute(
        "SELECT page_count, page_size FROM pragma_page_count, pragma_page_size"
    ).fetchone()
    must_have_room(partial.parent, pages * page_bytes)
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(partial)) as copy:
        # Nobody looks on, and a copy that is half made is thrown away.
        copy.execute("PRAGMA synchronous = OFF")

        def step(_status: int, left: int, total: int) -> None:
            progress((total - left) / max(1, total))

        source.backup(copy, pages=_PAGES_PER_STEP, progress=step)
        # The copy is one file, whatever the source was.
        copy.execute("PRAGMA journal_mode = DELETE").fetchall()
        with copy:
            copy.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (MADE_KEY, str(now_ms)))
