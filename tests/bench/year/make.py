"""Writes the year into a database: a few domains each into a part of its own, in parallel, then all by time."""

from __future__ import annotations

import hashlib
import heapq
import multiprocessing
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import peewee

from pingmon_gui.data_folder import database_path
from pingmon_gui.domain.history import DAY_MS, HOUR_MS
from pingmon_gui.domain.judgement import Judgement
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ResultBatch, Shared
from pingmon_gui.store import configuration, judgement, rollup, rollup_row
from pingmon_gui.store.chunk import PHASES_US, Columns, count_of, encode, joined, milliseconds, take
from pingmon_gui.store.compaction import GRACE_MS
from pingmon_gui.store.database import write_connection
from pingmon_gui.store.journal import Journal, detail_value, keep_detail
from pingmon_gui.store.migration import migrate
from tests.bench.harness import CORES, ROOT
from tests.bench.year import judged, series
from tests.bench.year.judged import PROBES
from tests.bench.year.story import FAR, MESSAGES, Shape, Story

#: Where the year of the benchmarks ends: 2026-11-22 18:20 UTC.
BENCH_END_MS = 1_795_371_600_000
_SITES_PER_PART = 5
_ROWS_PER_TRANSACTION = 20_000
_TABLES = {"chunk": "id, count, data", "rollup_5min": "id, data", "rollup_hour": "id, data", "rollup_day": "id, data"}
#: Rows come in this order in the course of time; by their id where nothing else is said.
_ARRIVAL = {"rollup_hour": "id >> 37, id & 31, id"}

Details = Mapping[str | None, int]


@dataclass(frozen=True)
class Kept:
    """A domain as the database knows it: its id, and the rows of its details by reason."""

    id: MonitorId
    details: Details


def cached(shape: Shape | None = None, end_ms: int = BENCH_END_MS) -> Path:
    """Return a folder with the year, made once for each version of what makes it. Nobody may write there."""
    shape = shape or Shape()
    prefix = f"year-{shape.monitors}x{shape.days}-"
    folder = ROOT / "build" / f"{prefix}{_fingerprint(shape, end_ms)}"
    if not folder.exists():
        for stale in folder.parent.glob(f"{prefix}*"):
            shutil.rmtree(stale)
        partial = folder.with_name(f"{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        make(partial, shape, end_ms)
        partial.rename(folder)
    return folder


def make(folder: Path, shape: Shape, end_ms: int) -> None:
    """Make a data folder with the year that ends at `end_ms`. Raises FileExistsError where there is a database."""
    path = database_path(folder)
    if path.exists():
        raise FileExistsError(f"{path} is there already")
    parts_dir = folder / "parts"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    parts_dir.mkdir()
    story = Story(shape, end_ms)
    database = write_connection(path)
    try:
        with closing(database):
            database.connect()
            migrate(database, path)
            # Nobody else looks on, and a file that is half made is thrown away.
            database.execute_sql("PRAGMA journal_mode = OFF").fetchall()
            database.execute_sql("PRAGMA synchronous = OFF")
            with database.atomic():
                kept = [_keep_site(database, story, number) for number in range(shape.monitors)]
                for probe in PROBES.values():
                    configuration.save_probe(database, probe)
            parts, judgements = _parts(story, kept, parts_dir)
            for table, columns in _TABLES.items():
                _merge(database, table, columns, parts)
            with database.atomic():
                _write_journal(database, story, kept)
                judgement.record(database, judgements, end_ms)
                database.execute_sql(
                    "UPDATE meta SET value = cast((SELECT total(count) FROM chunk) AS INTEGER)"
                    " WHERE key = 'chunk_results'"
                )
            database.execute_sql("PRAGMA journal_mode = WAL").fetchall()
    finally:
        shutil.rmtree(parts_dir)
    path.chmod(0o600)


def closed_ms(story: Story) -> int:
    """Return the end of the hours that compaction would have dealt with."""
    return (story.end_ms - GRACE_MS) // HOUR_MS * HOUR_MS


def _keep_site(database: peewee.SqliteDatabase, story: Story, number: int) -> Kept:
    site = story.sites[number]
    id_ = MonitorId(int(story.chance(10, number).integers(2, 2**53)))
    draft = site.draft if site.moved_at_ms is None else replace(site.draft, url=site.old_url)
    (monitor,) = configuration.add_monitors(database, [draft], site.born_ms, lambda: id_)
    now = replace(monitor, url=site.draft.url, is_paused=site.paused_from_ms is not None)
    configuration.change_monitors(database, [now])
    judgement.write_standings(database, [(id_, one) for one in judged.standings(story, number)])
    for region in FAR:
        urls = (
            [(False, site.draft.url)] if site.moved_at_ms is None else [(False, site.draft.url), (True, site.old_url)]
        )
        for is_old, url in urls:
            row = (series.series_id(story, number, region, is_old=is_old), id_, PROBES[region].id, url)
            database.execute_sql("INSERT INTO series (id, monitor, probe, family, url) VALUES (?, ?, ?, 0, ?)", row)
    reasons = {one.failure for region in FAR for one in story.outages(number, region)}
    details: dict[str | None, int] = {}
    for reason in (None, *(word for word in MESSAGES if word == "timeout" or word in reasons)):
        value = detail_value(_message(reason), _address(number), (), _certificate(story, number))
        details[reason] = keep_detail(database, value, story.end_ms // DAY_MS)
    return Kept(id_, details)


# Parts: what a process of its own makes of a few domains


def _parts(story: Story, kept: Sequence[Kept], folder: Path) -> tuple[list[Path], list[Judgement]]:
    """Make the parts; return their files and what the results come to."""
    numbers = list(range(len(kept)))
    portions = [numbers[first : first + _SITES_PER_PART] for first in range(0, len(numbers), _SITES_PER_PART)]
    paths = [folder / f"part-{place}.db" for place in range(len(portions))]
    judgements: list[Judgement] = []
    if len(portions) == 1:
        return paths, _make_part(story.shape, story.end_ms, portions[0], kept, paths[0])
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(CORES), mp_context=context) as pool:
        made = [
            pool.submit(_make_part, story.shape, story.end_ms, portion, kept, path)
            for portion, path in zip(portions, paths, strict=True)
        ]
        for one in made:
            judgements += one.result()
    return paths, judgements


def _make_part(shape: Shape, end_ms: int, numbers: Sequence[int], kept: Sequence[Kept], path: Path) -> list[Judgement]:
    story = Story(shape, end_ms)
    judgements = []
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = OFF").fetchall()
        connection.execute("PRAGMA synchronous = OFF")
        for table, columns in _TABLES.items():
            connection.execute(f"CREATE TABLE {table} ({columns.replace('id', 'id INTEGER PRIMARY KEY', 1)})")
        for number in numbers:
            raw = {region: series.results(story, number, region, kept[number].details) for region in FAR}
            for region, columns in raw.items():
                _write_series(connection, story, number, region, columns)
            inside = {region: series.cut(columns, story.raw_from_ms, story.end_ms) for region, columns in raw.items()}
            judgements.append(judged.judgement(story, number, kept[number].id, inside))
            connection.commit()
    return judgements


def _write_series(connection: sqlite3.Connection, story: Story, number: int, region: Region, raw: Columns) -> None:
    moved_ms = story.sites[number].moved_at_ms or 0

    def key(at_ms: int) -> int:
        return series.series_id(story, number, region, is_old=at_ms < moved_ms)

    kept = series.cut(raw, story.raw_from_ms, closed_ms(story))
    chunks = []
    for hour, place in series.hour_slices(kept["at_ms"]):
        one = take(kept, place)
        chunks.append((hour << 32 | key(hour * HOUR_MS), count_of(one), encode(one)))
    connection.executemany("INSERT INTO chunk VALUES (?, ?, ?)", chunks)
    fine, hours = series.rolled_up(story, number, region, raw)
    fine_rows = [
        (hour << 32 | key(hour * HOUR_MS), rollup_row.encode(fine.at(place)))
        for hour, place in series.hour_slices(fine.start_ms)
    ]
    connection.executemany("INSERT INTO rollup_5min VALUES (?, ?)", fine_rows)
    hour_rows = [
        (rollup.hour_row_id(start_ms // HOUR_MS, key(start_ms)), rollup_row.encode(hours.at(slice(place, place + 1))))
        for place, start_ms in enumerate(hours.start_ms.tolist())
    ]
    connection.executemany("INSERT INTO rollup_hour VALUES (?, ?)", hour_rows)
    days = series.days_of(hours, closed_ms(story))
    day_rows = [
        (start_ms // DAY_MS << 32 | key(start_ms), rollup_row.encode(days.at(slice(place, place + 1))))
        for place, start_ms in enumerate(days.start_ms.tolist())
    ]
    connection.executemany("INSERT INTO rollup_day VALUES (?, ?)", day_rows)


def _merge(database: peewee.SqliteDatabase, table: str, columns: str, parts: Sequence[Path]) -> None:
    """Append the rows of all parts in the order in which compaction would have written them."""
    statement = f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * len(columns.split(',')))})"
    order = _ARRIVAL.get(table, "id")
    keys = len(order.split(","))
    with ExitStack() as stack:
        connections = [stack.enter_context(closing(sqlite3.connect(part))) for part in parts]
        rows: Iterator[tuple[object, ...]] = heapq.merge(
            *(
                connection.execute(f"SELECT {order}, {columns} FROM {table} ORDER BY {order}")
                for connection in connections
            )
        )
        while some := [row[keys:] for row in islice(rows, _ROWS_PER_TRANSACTION)]:
            with database.atomic():
                database.connection().executemany(statement, some)


# The running hour


def _write_journal(database: peewee.SqliteDatabase, story: Story, kept: Sequence[Kept]) -> None:
    """Write what compaction has not dealt with yet as it came in: one batch per probe and minute."""
    journal = Journal()
    for region in FAR:
        parts = []
        for number, site in enumerate(kept):
            columns = series.cut(series.results(story, number, region, site.details), closed_ms(story), story.end_ms)
            columns["number"] = np.full(count_of(columns), number, dtype=np.int64)
            parts.append(columns)
        everything = joined(parts)
        everything = take(everything, np.argsort(everything["at_ms"], kind="stable"))
        minute = everything["at_ms"] // 60_000
        seq = 0
        for one in np.unique(minute).tolist():
            columns = take(everything, minute == one)
            journal.write(database, [batch_of(story, kept, region, columns, seq + 1)], story.end_ms)
            journal.committed()
            seq += count_of(columns)


def batch_of(story: Story, kept: Sequence[Kept], region: Region, columns: Columns, first_seq: int) -> ResultBatch:
    """Return results of one region as a probe would deliver them; `number` says of which domain each is."""
    count = count_of(columns)
    number = columns["number"]
    reasons = {row: reason for site in kept for reason, row in site.details.items()}
    messages = list(dict.fromkeys(_message(reason) for reason in (None, *MESSAGES)))
    message = [messages.index(_message(reasons[row])) for row in columns["detail"].tolist()]
    no, same = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.int64)
    return ResultBatch(
        probe=PROBES[region].id,
        spool="year",
        first_seq=first_seq,
        count=count,
        clock_offset_ms=0.0,
        monitor=np.array([kept[place].id for place in number.tolist()], dtype=np.int64),
        version=columns["version"].astype(np.int32),
        started_at_ms=columns["at_ms"],
        status=columns["status"].astype(np.int8),
        failure=columns["failure"].astype(np.int8),
        http_status=columns["http_status"].astype(np.int16),
        total_ms=milliseconds(columns["total_us"]),
        phases_ms=np.stack([milliseconds(columns[name]) for name in PHASES_US], axis=1),
        late_ms=columns["late"] / 10,
        queue_ms=columns["queue_us"] / 1000,
        is_kernel_clock=~no,
        low_confidence=no,
        family=np.full(count, 4, dtype=np.int8),
        body_bytes=columns["body_bytes"],
        recheck=no,
        on_demand=no,
        own_network=no,
        interval_ms=columns["interval_ms"],
        message=Shared(messages, np.array(message, dtype=np.int64)),
        address=Shared([_address(place) for place in range(len(kept))], number),
        url=Shared([""], same),
        hops=Shared([()], same),
        certificate=Shared([_certificate(story, place) for place in range(len(kept))], number),
        facts=Shared([None], number * 0),
    )


def _message(reason: str | None) -> str:
    return "" if reason is None else MESSAGES[reason]


def _address(number: int) -> str:
    return f"198.51.{number // 250}.{number % 250}"


def _certificate(story: Story, number: int) -> dict[str, object]:
    host = story.sites[number].draft.url.split("/")[2]
    return {
        "subject": f"CN={host}",
        "issuer": "CN=Example CA",
        "not_after": "2027-06-01T00:00:00Z",
        "verify_error": None,
    }


def _fingerprint(shape: Shape, end_ms: int) -> str:
    """Return what changes whenever the file would."""
    store = ROOT / "pingmon_gui" / "store"
    sources = [*Path(__file__).parent.glob("*.py"), store / "chunk.py", store / "rollup_row.py"]
    sources += (store / "migrations").glob("*.py")
    digest = hashlib.sha256(repr((shape, end_ms)).encode())
    for path in sorted(sources):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
