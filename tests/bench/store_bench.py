"""What a result costs in the store: bytes kept, bytes written, CPU, against bare `executemany` and a textbook table.

Bytes written are what this process hands to the disk (`write_bytes` of /proc/self/io would miss what the page cache
merges, so the calls themselves are counted: `wchar`), WAL, compaction and roll-ups included.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import peewee

from pingmon_gui.domain.monitor import MonitorDraft
from pingmon_gui.domain.result import ProbeId, ResultBatch, Shared
from pingmon_gui.store.chunk import NAMES, columns_of
from pingmon_gui.store.journal import Journal
from pingmon_gui.store.migration import migrate
from pingmon_gui.store.store import Store
from pingmon_gui.store.writer import GATHER_RESULTS
from tests.bench.harness import Row, row

START_MS = 1_700_006_400_000
HOUR_MS = 3_600_000
INTERVAL_MS = 10_000
_RUNS = 3
_BATCH = 250


def rows() -> list[Row]:
    """Return the rows of the report. Takes about a minute."""
    return [*_cost_of_a_row(), *_bytes()]


class Site:
    """Makes results up: each monitor has its own address, certificate and latencies, with noise as real ones have."""

    def __init__(self, ids: list[int], seed: int = 1) -> None:
        self.ids = np.array(ids, dtype=np.int64)
        self.chance = np.random.default_rng(seed)
        self.base = self.chance.uniform((1, 10, 15, 20, 0.2), (8, 90, 120, 200, 5), (len(ids), 5))
        self.address = [f"198.51.{number // 250}.{number % 250}" for number in range(len(ids))]
        self.certificate = [
            {"subject": f"site{number}", "issuer": "CA", "not_after": "2027-01-01T00:00:00Z", "verify_error": None}
            for number in range(len(ids))
        ]
        self.seq = 0

    def batch(self, places: np.ndarray, slot_ms: np.ndarray) -> ResultBatch:
        count = len(places)
        phases = self.base[places] * self.chance.lognormal(0, 0.08, (count, 5))
        late = self.chance.exponential(0.4, count)
        no, same = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.int64)
        self.seq += count
        return ResultBatch(
            probe=ProbeId(1),
            spool="bench",
            first_seq=self.seq - count + 1,
            count=count,
            clock_offset_ms=0.0,
            monitor=self.ids[places],
            version=np.ones(count, dtype=np.int32),
            started_at_ms=slot_ms + late.astype(np.int64),
            status=np.zeros(count, dtype=np.int8),
            failure=np.full(count, -1, dtype=np.int8),
            http_status=np.full(count, 200, dtype=np.int16),
            total_ms=phases.sum(axis=1),
            phases_ms=phases,
            late_ms=late,
            queue_ms=self.chance.exponential(0.05, count),
            is_kernel_clock=~no,
            low_confidence=no,
            family=np.full(count, 4, dtype=np.int8),
            body_bytes=20_000 + places,
            recheck=no,
            on_demand=no,
            own_network=no,
            interval_ms=np.full(count, INTERVAL_MS, dtype=np.int64),
            message=Shared([""], same),
            address=Shared([self.address[place] for place in places], np.arange(count)),
            url=Shared([""], same),
            hops=Shared([()], same),
            certificate=Shared([self.certificate[place] for place in places], np.arange(count)),
            facts=Shared([None], np.zeros(count, dtype=np.int64)),
        )

    def stream(self, span_ms: int) -> Iterator[ResultBatch]:
        """Yield the batches of a span of time: each monitor at its own phase of the interval."""
        number = len(self.ids)
        total = span_ms // INTERVAL_MS * number
        for first in range(0, total, _BATCH):
            order = np.arange(first, min(first + _BATCH, total))
            yield self.batch(order % number, START_MS + order * INTERVAL_MS // number)


def _written() -> int:
    for line in Path("/proc/self/io").read_text().splitlines():
        if line.startswith("wchar:"):
            return int(line.split()[1])
    raise RuntimeError("the system does not say what was written")


async def _keep(folder: Path, monitors: int, span_ms: int, commit_results: int) -> dict[str, float]:
    """Store a span at a rate and compact it; return bytes per result: written, and kept in chunks."""
    clock = [START_MS]
    store = Store.open(folder / "pingmon.db", now_ms=lambda: clock[0])
    added = await store.add_monitors([MonitorDraft(f"https://site{n}.example/") for n in range(monitors)])
    site = Site([int(monitor.id) for monitor in added])
    before, pending = _written(), 0
    for batch in site.stream(span_ms):
        store.append(batch)
        pending += batch.count
        if pending >= commit_results:
            await store.flush()
            pending = 0
    await store.flush()
    clock[0] = START_MS + span_ms + HOUR_MS
    await store.maintain()
    while store.has_work:
        await store.maintain()
    await store.close()
    written = (_written() - before) / site.seq
    connection = sqlite3.connect(folder / "pingmon.db")
    found = (
        dict(connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name").fetchall())
        if _dbstat(connection)
        else {}
    )
    blob = connection.execute("SELECT sum(length(data) + 12) FROM chunk").fetchone()[0]
    connection.close()
    return {"written": written, "kept": found.get("chunk", blob) / site.seq, "blob": blob / site.seq}


def _dbstat(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("SELECT 1 FROM dbstat LIMIT 1")
    except sqlite3.OperationalError:
        return False
    return True


def _text_table_bytes(monitors: int) -> float:
    """Return bytes per result of a table as a textbook has it: texts, ISO 8601 times, an index."""
    site = Site(list(range(2, monitors + 2)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text.db"
        connection = sqlite3.connect(path)
        connection.execute(
            "CREATE TABLE result (id INTEGER PRIMARY KEY, url TEXT, region TEXT, status TEXT, checked_at TEXT,"
            " total REAL, dns REAL, connect REAL, tls REAL, request REAL, transfer REAL, code INTEGER, error TEXT)"
        )
        connection.execute("CREATE INDEX result_url ON result (url, checked_at)")
        for batch in site.stream(HOUR_MS):
            connection.executemany(
                "INSERT INTO result VALUES (NULL, ?, 'local', 'online', strftime('%Y-%m-%dT%H:%M:%f', ?, 'unixepoch'),"
                " ?, ?, ?, ?, ?, ?, 200, '')",
                [
                    (f"https://site{monitor}.example/", at_ms / 1000, total, *phases)
                    for monitor, at_ms, total, phases in zip(
                        batch.monitor.tolist(),
                        batch.started_at_ms.tolist(),
                        batch.total_ms.tolist(),
                        batch.phases_ms.tolist(),
                        strict=True,
                    )
                ],
            )
        connection.commit()
        connection.close()
        return path.stat().st_size / site.seq


def _bytes() -> list[Row]:
    kept, written_50, written_5000 = [], [], []
    for _ in range(_RUNS):
        with tempfile.TemporaryDirectory() as folder:
            # 500 series at 10 s are 50 results a second, committed every 5 s.
            figures = asyncio.run(_keep(Path(folder), 500, HOUR_MS, _BATCH))
            kept.append(figures["kept"])
            written_50.append(figures["written"])
    with tempfile.TemporaryDirectory() as folder:
        # 5,000/s: commits of 2,000; ten minutes of 50,000 series would take longer than the bench may, so fewer
        # series at the same size of commits and a whole hour: per result the same work.
        written_5000.append(asyncio.run(_keep(Path(folder), 1_000, HOUR_MS, GATHER_RESULTS))["written"])
    text = [_text_table_bytes(100)]
    name = "a table of text columns with an index"
    return [
        row("store: bytes kept per raw result", "B", kept, text, name, goal=16, is_ratio=False),
        row("store: bytes written per result at 50/s", "B", written_50, goal=250, is_ratio=False),
        row("store: bytes written per result, commits as at 5,000/s", "B", written_5000, goal=120, is_ratio=False),
    ]


def _cost_of_a_row() -> list[Row]:
    """Compare the writer's work per result with `executemany` of ready tuples of the same numbers."""
    ours, bare = [], []
    for _ in range(_RUNS):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pingmon.db"
            database = peewee.SqliteDatabase(str(path), pragmas=[("journal_mode", "WAL"), ("synchronous", "NORMAL")])
            database.connect()
            migrate(database, path)
            ids = list(range(2, 502))
            database.connection().executemany(
                "INSERT INTO monitor_version VALUES (?, 1, ?, 0, 10000, 5000, 1000)",
                [(id_, f"https://site{id_}.example/") for id_ in ids],
            )
            journal = Journal()
            batches = list(Site(ids).stream(800_000))
            count = sum(batch.count for batch in batches)
            step = GATHER_RESULTS // _BATCH
            started = time.thread_time()
            for first in range(0, len(batches), step):
                with database.atomic("IMMEDIATE"):
                    journal.write(database, batches[first : first + step], START_MS)
                journal.committed()
            ours.append((time.thread_time() - started) / count * 1e6)
            database.execute_sql(f"CREATE TABLE bare (series INTEGER, {', '.join(NAMES)})")
            ready = [_tuples(batches[first : first + step]) for first in range(0, len(batches), step)]
            statement = f"INSERT INTO bare VALUES ({', '.join('?' * (len(NAMES) + 1))})"
            started = time.thread_time()
            for some in ready:
                with database.atomic("IMMEDIATE"):
                    database.connection().executemany(statement, some)
            bare.append((time.thread_time() - started) / count * 1e6)
            database.close()
    return [row("store: CPU per stored result", "us", ours, bare, "bare executemany of the same numbers", goal=2)]


def _tuples(batches: list[ResultBatch]) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for batch in batches:
        columns = columns_of(batch)
        found += zip(batch.monitor.tolist(), *(columns[name].tolist() for name in NAMES), strict=True)
    return found
