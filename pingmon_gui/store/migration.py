"""Brings a file to the schema of this version: one transaction per step, with a backup before the first."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import peewee

from pingmon_gui.domain.error import StorageTooNew
from pingmon_gui.store.aside import Reason, keep_few
from pingmon_gui.store.database import APPLICATION_ID
from pingmon_gui.store.migrations import STEPS
from pingmon_gui.store.trouble import translated

_log = logging.getLogger(__name__)


def schema_of(database: peewee.SqliteDatabase) -> int:
    """Return the schema version of a connected file; 0 for an empty one."""
    (version,) = database.execute_sql("PRAGMA user_version").fetchone()
    return int(version)


def refuse_newer(database: peewee.SqliteDatabase, path: Path, known: int = len(STEPS)) -> None:
    """Raises StorageTooNew, naming both versions, when a newer Pingmon wrote the file."""
    with translated(path):
        found = schema_of(database)
    if found > known:
        raise StorageTooNew(
            f"The database {path} has schema {found}; this version of Pingmon knows schemas up to {known}.",
            "Use the newer version of Pingmon that wrote it, or another folder with --data-dir.",
        )


def migrate(database: peewee.SqliteDatabase, path: Path, steps: Sequence[Sequence[str]] = STEPS) -> Path | None:
    """Bring the connected file to schema `len(steps)`; return the backup's path, None if none was needed.

    A step that fails leaves the file at the schema before it. Raises StorageError subclasses.
    """
    refuse_newer(database, path, len(steps))
    backup: Path | None = None
    with translated(path):
        found = schema_of(database)
        if 0 < found < len(steps):
            backup = _back_up(database, path, found)
    upgrade(database, path, steps)
    if backup is not None:
        with translated(path):
            keep_few(path, Reason.UPGRADED)
    return backup


def upgrade(database: peewee.SqliteDatabase, path: Path, steps: Sequence[Sequence[str]] = STEPS) -> None:
    """Bring the connected file to schema `len(steps)`, without a backup. Raises StorageError subclasses."""
    refuse_newer(database, path, len(steps))
    with translated(path):
        for number in range(schema_of(database), len(steps)):
            with database.atomic("IMMEDIATE"):
                if schema_of(database) > number:
                    continue  # Another process has just done it.
                for statement in steps[number]:
                    database.execute_sql(statement)
                database.execute_sql(f"PRAGMA application_id = {APPLICATION_ID}")
                database.execute_sql(f"PRAGMA user_version = {number + 1}")
            _log.info("the database is at schema %d now", number + 1)


def _back_up(database: peewee.SqliteDatabase, path: Path, schema: int) -> Path:
    backup = path.with_name(f"{path.stem}-{Reason.UPGRADED}-{schema}{path.suffix}")
    partial = path.with_name(f"{backup.name}.partial")
    partial.unlink(missing_ok=True)
    database.execute_sql("VACUUM INTO ?", (str(partial),))
    partial.chmod(0o600)
    partial.replace(backup)
    _log.info("the database of schema %d was backed up to %s", schema, backup)
    return backup
