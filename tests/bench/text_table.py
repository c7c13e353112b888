"""The peer of the history's benchmark: a textbook's table of results, text columns with an index on each of some."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

NAME = "a table of text columns, single-column indexes"
#: url, region, Unix ms, status, total and the five phases in ms.
Result = tuple[str, str, int, str, float, float, float, float, float, float]
_COMMIT_RESULTS = 2_000


class TextTable:
    """A file of its own; what is asked of it is what a chart needs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(
                "CREATE TABLE result (id INTEGER PRIMARY KEY, url TEXT, region TEXT, status TEXT, checked_at TEXT,"
                " total REAL, dns REAL, connect REAL, tls REAL, request REAL, transfer REAL, code INTEGER, error TEXT)"
            )
            for column in ("url", "region", "checked_at"):
                connection.execute(f"CREATE INDEX result_{column} ON result ({column})")

    def add(self, results: Iterable[Result]) -> float:
        """Write results in commits of 2,000; return the seconds that took, without making the texts."""
        rows = [
            (url, region, status, _text(at_ms), total, *phases, 200, "")
            for url, region, at_ms, status, total, *phases in results
        ]
        began_s = time.perf_counter()
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute("PRAGMA synchronous = NORMAL")
            for first in range(0, len(rows), _COMMIT_RESULTS):
                with connection:
                    connection.executemany(
                        "INSERT INTO result VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        rows[first : first + _COMMIT_RESULTS],
                    )
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return time.perf_counter() - began_s

    def size_bytes(self) -> int:
        return self.path.stat().st_size

    def chart(self, url: str, from_ms: int, to_ms: int, bucket_s: int) -> float:
        """Read what a latency chart shows: count, failures and mean per region and bucket. Return the ms it took."""
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as connection:
            began_s = time.perf_counter()
            connection.execute(
                "SELECT region, CAST(strftime('%s', checked_at) AS INTEGER) / ?, count(*), sum(status <> 'online'),"
                " avg(total) FROM result WHERE url = ? AND checked_at >= ? AND checked_at < ? GROUP BY 1, 2",
                (bucket_s, url, _text(from_ms), _text(to_ms)),
            ).fetchall()
            return (time.perf_counter() - began_s) * 1000


def _text(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
