"""Whether a database can be read to the last row: SQLite's own structure, and what the rows hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import peewee

from pingmon_gui.domain.backup import Progress
from pingmon_gui.domain.error import StorageCorrupt
from pingmon_gui.store import chunk, configuration, judgement, rollup_row
from pingmon_gui.store.database import check, check_log, damaged_file, is_immutable, read_connection
from pingmon_gui.store.migration import refuse_newer, schema_of
from pingmon_gui.store.migrations import STEPS
from pingmon_gui.store.trouble import translated

_ROWS_PER_STEP = 500


def damage_of(path: Path, progress: Progress, *, with_log: bool) -> StorageCorrupt | None:
    """Read a database to its last row and return what is wrong with it; None for one that is whole.

    `with_log`: nobody writes it just now, so the log of latest changes should be whole, too. Raises StorageError for
    what is no damage.
    """
    try:
        if with_log:
            check_log(path)
        with translated(path), closing(read_connection(path, is_immutable=is_immutable(path))) as database:
            database.connect()
            check(database, path)
            refuse_newer(database, path)
            check_structure(database, path)
            if schema_of(database) == len(STEPS):
                check_contents(database, progress)
    except StorageCorrupt as exc:
        return exc
    return None


def check_structure(database: peewee.SqliteDatabase, path: Path) -> None:
    """Let SQLite look at every page (about 1 s per GB). Raises StorageCorrupt."""
    (word,) = database.execute_sql("PRAGMA integrity_check(1)").fetchone()
    if word != "ok":
        raise damaged_file(path, word)


def check_contents(database: peewee.SqliteDatabase, progress: Progress) -> None:
    """Read everything that is kept in a form of ours (about 30 s per GB). Raises StorageCorrupt."""
    configuration.read_configuration(database)
    judgement.standings_of(database)
    judgement.all_probes(database)
    judgement.incidents(database, 0, 1 << 62)
    tables: Sequence[tuple[str, str, Callable[[Sequence[tuple[bytes, ...]]], None]]] = (
        ("journal", "series, data", _read_blocks),
        ("chunk", "data", _read_chunks),
        ("rollup_5min", "data", _read_rollups),
        ("rollup_hour", "data", _read_rollups),
        ("rollup_day", "data", _read_rollups),
    )
    counts = [database.execute_sql(f"SELECT count(*) FROM {table}").fetchone()[0] for table, *_ in tables]
    done, all_rows = 0, max(1, sum(counts))
    for table, columns, read in tables:
        for rows in _portions(database, f"SELECT {columns} FROM {table}"):
            read(rows)
            done += len(rows)
            progress(min(1.0, done / all_rows))


def _portions(database: peewee.SqliteDatabase, statement: str) -> Iterator[list[tuple[bytes, ...]]]:
    cursor = database.execute_sql(statement)
    while rows := cursor.fetchmany(_ROWS_PER_STEP):
        yield rows


def _read_blocks(rows: Sequence[tuple[bytes, ...]]) -> None:
    for series, data in rows:
        chunk.decode_series(series)
        chunk.decode(data)


def _read_chunks(rows: Sequence[tuple[bytes, ...]]) -> None:
    for (data,) in rows:
        chunk.decode(data)


def _read_rollups(rows: Sequence[tuple[bytes, ...]]) -> None:
    for (data,) in rows:
        if not rollup_row.is_whole(data):
            raise chunk.damaged(ValueError("checksum"))
