"""Whether a database can be read to the last row: SQLite's own structure, and what the rows hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import peewee

from pingmon_gui.domain.backup import Progress
from pingmon_gui.domain.error import StorageCorrupt
from pingmon_gui.store import chunk, configuration, judgement, rollup_row
from pingmon_gui.store.trouble import CORRUPT_HINT

_ROWS_PER_STEP = 500


def check_structure(database: peewee.SqliteDatabase, path: Path) -> None:
    """Let SQLite look at every page (about 1 s per GB). Raises StorageCorrupt."""
    (word,) = database.execute_sql("PRAGMA integrity_check(1)").fetchone()
    if word != "ok":
        raise StorageCorrupt(f"The database {path} is damaged ({word}).", CORRUPT_HINT)


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
