"""How many bytes of the file each table has, with its indexes: from SQLite's pointer map, without reading the tables.

A gigabyte has 280 pages of pointers, read in a few milliseconds; asking SQLite itself would read all of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import numpy as np

from pingmon_gui.domain.size_forecast import SizeParts
from pingmon_gui.store.database import is_immutable, read_connection
from pingmon_gui.store.trouble import translated

_ENTRY_BYTES = 5
_FREE = 2
#: No tree of ours has more levels, overflow pages included.
_MOST_LEVELS = 200
_JUDGED = ("incident", "incident_note", "failure_evidence", "verdict", "standing")


def size_parts(path: Path) -> SizeParts:
    """Return what makes up the size of a database, its log left out. Blocks for a moment. Raises StorageError."""
    with translated(path), closing(read_connection(path, is_immutable=is_immutable(path))) as database:
        database.connect()
        share = page_share(database.connection(), path)
    free = share.pop("", 0)

    def taken(tables: Iterable[str]) -> int:
        return sum(share.pop(table, 0) for table in tables)

    return SizeParts(
        raw_bytes=taken(("chunk", "journal")),
        fine_bytes=taken(("rollup_5min",)),
        hour_bytes=taken(("rollup_hour",)),
        day_bytes=taken(("rollup_day",)),
        judged_bytes=taken(_JUDGED),
        other_bytes=sum(share.values()),
        free_bytes=free,
    )


def page_share(connection: sqlite3.Connection, path: Path) -> dict[str, int]:
    """Return the bytes of each table by name, indexes with their tables; "" has what is free, `sqlite_schema` the rest.

    The file may be written meanwhile: then the answer is about right.
    """
    page_bytes, pages = connection.execute(
        "SELECT page_size, page_count FROM pragma_page_size, pragma_page_count"
    ).fetchone()
    parent = _parents(path, page_bytes, pages)
    roots = connection.execute("SELECT rootpage, tbl_name FROM sqlite_master WHERE rootpage > 0").fetchall()
    for _ in range(_MOST_LEVELS):
        above = parent[parent]
        if (above == parent).all():
            break
        parent = above
    counts = np.bincount(parent, minlength=pages + 1)
    found = {"": int(counts[0] - 1) * page_bytes}  # page 0 is none
    for root, table in roots:
        if root <= pages:
            found[table] = found.get(table, 0) + int(counts[root]) * page_bytes
    found["sqlite_schema"] = pages * page_bytes - sum(found.values())
    return found


def _parents(path: Path, page_bytes: int, pages: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the page above each page; roots are above themselves, and all that is free is above page 0."""
    parent = np.arange(pages + 1, dtype=np.int64)
    per_map = page_bytes // _ENTRY_BYTES
    with path.open("rb") as file:
        for map_page in range(2, pages + 1, per_map + 1):
            file.seek((map_page - 1) * page_bytes)
            entries = np.frombuffer(file.read(per_map * _ENTRY_BYTES), dtype=np.uint8)
            entries = entries[: len(entries) // _ENTRY_BYTES * _ENTRY_BYTES].reshape(-1, _ENTRY_BYTES)
            entries = entries[: max(0, pages - map_page)]
            above = np.ascontiguousarray(entries[:, 1:]).view(">u4").ravel().astype(np.int64)
            numbers = np.arange(map_page + 1, map_page + 1 + len(entries))
            is_below = (above > 0) & (above <= pages)
            parent[numbers[is_below]] = above[is_below]
            parent[numbers[entries[:, 0] == _FREE]] = 0
    parent[0] = 0
    return parent
