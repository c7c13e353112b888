"""Ways to damage a database file, and what was in it before."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

PAGE_BYTES = 4096
Rows = dict[str, set[tuple[object, ...]]]


def rows_of(path: Path) -> Rows:
    """Return every row of every table."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        return {table: set(connection.execute(f"SELECT * FROM {table}").fetchall()) for (table,) in tables}


def root_page(path: Path, name: str) -> int:
    """Return the first page of a table or an index."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()
    return int(page)


def overwrite(path: Path, page: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE_BYTES)
        file.write(content[:PAGE_BYTES])


def damage_pages(path: Path, chance: random.Random, count: int) -> set[int]:
    """Overwrite some pages, each by noise, by nothing, or by another page of the file; return which."""
    pages = path.stat().st_size // PAGE_BYTES
    chosen = set(chance.sample(range(1, pages + 1), count))
    content = path.read_bytes()
    for page in sorted(chosen):
        other = chance.randrange(pages) * PAGE_BYTES
        ways = (chance.randbytes(PAGE_BYTES), bytes(PAGE_BYTES), content[other : other + PAGE_BYTES])
        overwrite(path, page, chance.choice(ways))
    return chosen


def is_sound(path: Path) -> bool:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)])
