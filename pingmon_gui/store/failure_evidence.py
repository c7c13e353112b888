"""What probes kept of failures: written with the results it came with, kept as long as its incident.

Each function but `retain` works inside the caller's transaction.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import peewee

from pingmon_gui.domain.history import DAY_MS
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.result import FailureEvidence, ProbeId, ResultBatch

#: Of one monitor at one probe, in a day: a target that comes and goes all day long has shown by then what it shows.
MOST_PER_DAY = 20
#: Of the largest size of the file, and in any case.
_SHARE_OF_CAP, _MOST_BYTES = 8, 64 * 1024 * 1024
#: What belongs to no incident is waited for so long: its incident may come with later results.
_ORPHAN_MS = DAY_MS
#: An incident's evidence may lie so much before its start and after its end (`domain.failure_evidence`).
_AROUND_MS = 400_000
_ROWS_PER_STEP = 100
_MOST_READ = 200
_MOST_DOCUMENT_BYTES = 256 * 1024


def write(database: peewee.SqliteDatabase, batches: Sequence[ResultBatch], now_ms: int) -> None:
    """Keep what came along with results; what came before is replaced, of monitors that are gone nothing is kept."""
    rows = []
    for one in (one for batch in batches for one in batch.evidence):
        data = encode(one.document)
        key = (int(one.monitor), one.at_ms, int(one.probe))
        rows.append(
            (*key, one.is_route, now_ms, len(data), data, key[0], key[0], key[2], one.at_ms - DAY_MS, one.at_ms)
        )
    database.connection().executemany(
        "INSERT OR REPLACE INTO failure_evidence (monitor, at_ms, probe, is_route, kept_at_ms, bytes, data)"
        " SELECT ?, ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM monitor WHERE id = ?) AND (SELECT count(*)"
        f" FROM failure_evidence WHERE monitor = ? AND probe = ? AND at_ms > ? AND at_ms < ?) < {MOST_PER_DAY}",
        rows,
    )


def read(database: peewee.SqliteDatabase, monitor: MonitorId, from_ms: int, to_ms: int) -> list[FailureEvidence]:
    """Return what was kept of a monitor's failures in [from_ms, to_ms), by time; what cannot be read is left out."""
    rows: Iterable[tuple[int, int, int, bytes]] = database.execute_sql(
        "SELECT probe, at_ms, is_route, data FROM failure_evidence WHERE monitor = ? AND at_ms >= ? AND at_ms < ?"
        " ORDER BY at_ms LIMIT ?",
        (monitor, from_ms, to_ms, _MOST_READ),
    ).fetchall()
    found = []
    for probe, at_ms, is_route, data in rows:
        document = decode(data)
        if document is not None:
            found.append(FailureEvidence(monitor, ProbeId(probe), at_ms, document, bool(is_route)))
    return found


def encode(document: Any) -> bytes:
    return zlib.compress(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(), 6)


def decode(data: bytes) -> dict[str, Any] | None:
    """Return the document of a row, None where it is damaged."""
    try:
        text = zlib.decompressobj().decompress(data, _MOST_DOCUMENT_BYTES)
        document = json.loads(text)
    except (zlib.error, ValueError):
        return None
    return document if isinstance(document, dict) else None


def retain(database: peewee.SqliteDatabase, now_ms: int, cap_bytes: int) -> Iterator[None]:
    """Let go of what belongs to no incident, and of the oldest where there is too much; a little between two yields."""
    before_ms, last = now_ms - _ORPHAN_MS, 0
    while True:
        rows = database.execute_sql(
            "SELECT id FROM failure_evidence WHERE id > ? ORDER BY id LIMIT ?", (last, _ROWS_PER_STEP)
        ).fetchall()
        if not rows:
            break
        with database.atomic("IMMEDIATE"):
            database.execute_sql(
                "DELETE FROM failure_evidence AS e WHERE id > ? AND id <= ? AND kept_at_ms < ? AND NOT EXISTS (SELECT 1"
                " FROM incident AS i WHERE i.monitor = e.monitor AND i.start_ms <= e.at_ms + ?"
                " AND coalesce(i.end_ms, e.at_ms) >= e.at_ms - ?)",
                (last, rows[-1][0], before_ms, _AROUND_MS, _AROUND_MS),
            )
        last = rows[-1][0]
        yield
    most_bytes = min(_MOST_BYTES, cap_bytes // _SHARE_OF_CAP)
    while _total_bytes(database) > most_bytes:
        with database.atomic("IMMEDIATE"):
            deleted = database.execute_sql(
                "DELETE FROM failure_evidence WHERE id IN"
                " (SELECT id FROM failure_evidence ORDER BY kept_at_ms, id LIMIT ?)",
                (_ROWS_PER_STEP,),
            ).rowcount
        if not deleted:
            break
        yield


def _total_bytes(database: peewee.SqliteDatabase) -> int:
    (total,) = database.execute_sql("SELECT cast(total(bytes) AS INTEGER) FROM failure_evidence").fetchone()
    return int(total)
