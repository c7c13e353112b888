"""The database of Uptime Kuma, read without touching it: as it lies where nothing is pending, else a copy of it."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.exchange.reading import MAX_ITEMS, require_room

SIGNATURE = b"SQLite format 3\x00"
_RECOVER = "“sqlite3 kuma.db .recover” may save what is left of it."
#: Where SQLite keeps changes that are not in the file yet.
_PENDING = ("-wal", "-journal")
#: A hostile file can make a query run for ever; a real one answers in milliseconds.
_PATIENCE_S = 20.0
_MAX_CELL_BYTES = 1_000_000
#: A file that is written to all the time cannot be copied as of one moment.
_MOST_COPIES = 4
#: Tables of things that are not taken over, with what they are called.
_OTHERS = (("notification", "notification"), ("maintenance", "maintenance window"), ("status_page", "status page"))


@dataclass(frozen=True)
class KumaTables:
    """What a database holds: monitors as they lie there, each with its `tags`, and how much of other things."""

    monitors: list[dict[str, Any]]
    others: dict[str, int]


def read_tables(path: Path) -> KumaTables:
    """Read `kuma.db`. Blocks; raises InvalidInput with a sentence."""
    try:
        with _settled(path) as (settled, is_still), contextlib.closing(_opened(settled, is_still=is_still)) as database:
            rows = _rows(database, "monitor", MAX_ITEMS + 1)
            require_room(len(rows))
            tags = _tags(database)
            others = {word: _count(database, table) for table, word in _OTHERS}
    except sqlite3.DatabaseError as exc:
        raise InvalidInput(*_trouble(exc)) from exc
    except UnicodeDecodeError as exc:  # names in its schema, and SQLite's words about them
        raise InvalidInput("The database is damaged: names in it are no text.", _RECOVER) from exc
    for row in rows:
        row["tags"] = tags.get(row.get("id"), [])
    return KumaTables(rows, others)


@contextlib.contextmanager
def _settled(path: Path) -> Iterator[tuple[Path, bool]]:
    """Give the path of a database that nobody changes, and whether it is the one that was named."""
    path = path.resolve()
    if not any(size for _, size in _state(path)[1:]):
        yield path, True
        return
    with tempfile.TemporaryDirectory(prefix="pingmon-import-") as folder:
        _copy(path, Path(folder) / "kuma.db")
        yield Path(folder) / "kuma.db", False


def _copy(path: Path, copy: Path) -> None:
    """Copy a database with its pending changes, as of one moment. Raises InvalidInput."""
    try:
        size = sum(size for _, size in _state(path))
        if shutil.disk_usage(copy.parent).free < size * 1.1:
            raise InvalidInput(
                f"The database is in use, and there is no room for a copy of its {size / 1e9:.1f} GB.",
                "Stop Uptime Kuma: then it can be read as it lies.",
            )
        for _ in range(_MOST_COPIES):
            before = _state(path)
            for end in ("", *_PENDING):
                Path(f"{copy}{end}").unlink(missing_ok=True)
                with contextlib.suppress(FileNotFoundError):
                    shutil.copyfile(f"{path}{end}", f"{copy}{end}")
            if _state(path) == before and copy.exists():
                return
    except OSError as exc:
        raise InvalidInput(f"{path} cannot be copied: {exc.strerror or exc}.") from exc
    raise InvalidInput(
        "The database is being written to all the time.", "Stop Uptime Kuma, or import a copy of the file."
    )


def _state(path: Path) -> list[tuple[int, int]]:
    """Return when the database and each file beside it were written last, and their sizes; zeros for none."""
    states = []
    for end in ("", *_PENDING):
        try:
            status = Path(f"{path}{end}").stat()
        except FileNotFoundError:
            states.append((0, 0))
        else:
            states.append((status.st_mtime_ns, status.st_size))
    return states


def _opened(path: Path, *, is_still: bool) -> sqlite3.Connection:
    """Open a database; one that lies still is taken as it is, and nothing is made beside it."""
    mode = "mode=ro&immutable=1" if is_still else "mode=rw"  # a copy takes in what is pending
    database = sqlite3.connect(f"file:{quote(str(path))}?{mode}", uri=True)
    database.text_factory = lambda data: data.decode("utf-8", "replace")
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_CELL_BYTES)
    until = time.monotonic() + _PATIENCE_S
    database.set_progress_handler(lambda: time.monotonic() > until, 100_000)
    try:
        database.execute("PRAGMA trusted_schema = OFF")
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database


def _rows(database: sqlite3.Connection, table: str, limit: int) -> list[dict[str, Any]]:
    found = database.execute("SELECT type FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    if found is None or found[0] != "table":
        raise InvalidInput("The database is not Uptime Kuma's.", f"It has no table named {table}.")
    cursor = database.execute(f'SELECT * FROM "{table}" LIMIT {limit}')
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _tags(database: sqlite3.Connection) -> dict[Any, list[dict[str, Any]]]:
    """Return the tags of each monitor's id; none where the database is older than tags."""
    tags: dict[Any, list[dict[str, Any]]] = {}
    if {"tag", "monitor_tag"} <= _tables(database):
        query = (
            "SELECT m.monitor_id, t.name, m.value FROM monitor_tag m JOIN tag t ON t.id = m.tag_id"
            f" ORDER BY m.id LIMIT {20 * MAX_ITEMS}"
        )
        for monitor, name, value in database.execute(query):
            tags.setdefault(monitor, []).append({"name": name, "value": value})
    return tags


def _count(database: sqlite3.Connection, table: str) -> int:
    if table not in _tables(database):
        return 0
    count: int = database.execute(f'SELECT count(*) FROM (SELECT 1 FROM "{table}" LIMIT {MAX_ITEMS})').fetchone()[0]
    return count


def _tables(database: sqlite3.Connection) -> set[str]:
    return {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _trouble(cause: sqlite3.DatabaseError) -> tuple[str, str]:
    code = getattr(cause, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None
    if primary == sqlite3.SQLITE_INTERRUPT:
        return "The database took too long to answer.", "It may be damaged, or made to keep readers busy."
    if primary in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY):
        return "The database cannot be opened.", "Import a copy of the file that you may read."
    return f"The database is damaged ({cause}).", _RECOVER
