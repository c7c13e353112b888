"""Makes anew what follows from the rows that were saved: series from their index, domains from their versions, roll-ups
from finer ones, and what a database cannot be without.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import peewee

from pingmon_gui.domain.backup import Progress
from pingmon_gui.domain.history import HOUR_MS
from pingmon_gui.domain.incident import Evidence
from pingmon_gui.domain.monitor import MonitorSettings
from pingmon_gui.domain.probe import EMBEDDED_PROBE, Transport
from pingmon_gui.domain.region import REGION_NAMES, Region
from pingmon_gui.domain.rescue import Kept, Remark
from pingmon_gui.store.compaction import Chunks, hour_buckets, roll_up_day
from pingmon_gui.store.rescue_row import Row
from pingmon_gui.store.rollup import HOURS_PER_DAY, regroup
from pingmon_gui.store.rollup_row import Buckets, decode, encode

_LOW = (1 << 32) - 1
_ROLLUPS_PER_TRANSACTION = 200
#: The id of the hour's row in `rollup_hour` that goes with a row `r` of chunks or of five minutes.
_HOUR_ID = f"((((r.id >> 32) / {HOURS_PER_DAY}) << 32 | (r.id & {_LOW})) << 5 | ((r.id >> 32) % {HOURS_PER_DAY}))"


@dataclass(frozen=True)
class Rebuilt:
    """`rows` are how many of each kind were made anew; `results_before` how many chunks held, None if nobody knows."""

    rows: Counter[Kept]
    remarks: tuple[tuple[Remark, int], ...]
    results_before: int | None


def rebuild(
    database: peewee.SqliteDatabase, missing: set[str], series: Sequence[Row], now_ms: int, progress: Progress
) -> Rebuilt:
    """Complete a database of which rows of the `missing` tables are lost; `series` are rows of the index of series."""
    rows: Counter[Kept] = Counter()
    remarks: list[tuple[Remark, int]] = []
    with database.atomic("IMMEDIATE"):
        results_before = _meta(database, remarks)
        _mark(database)
        _series(database, series)
        if rebuilt := _domains(database, missing, now_ms):
            rows[Kept.DOMAINS] = rebuilt
            remarks.append((Remark.REBUILT_DOMAINS, rebuilt))
        rows[Kept.PROBES], unknown = _probes(database, now_ms)
        if rows[Kept.PROBES]:
            remarks.append((Remark.REBUILT_PROBES, rows[Kept.PROBES]))
        if unknown:
            remarks.append((Remark.UNKNOWN_PROBES, unknown))
        if "cursor" in missing:
            remarks.append((Remark.CURSORS, 1))
        _forget_homeless(database)
    for done, count in _rollups(database):
        rows[Kept.ROLLUPS] = count
        progress(done)
    database.execute_sql(
        "UPDATE meta SET value = cast((SELECT total(count) FROM chunk) AS INTEGER) WHERE key = 'chunk_results'"
    )
    return Rebuilt(rows, tuple(remarks), results_before)


def _meta(database: peewee.SqliteDatabase, remarks: list[tuple[Remark, int]]) -> int | None:
    """See to it that the file has an owner; return how many results its chunks held."""
    known = dict(database.execute_sql("SELECT key, value FROM meta").fetchall())
    if "owner" not in known:
        database.execute_sql("INSERT INTO meta VALUES ('owner', lower(hex(randomblob(16))))")
        remarks.append((Remark.NEW_OWNER, 1))
    count = known.get("chunk_results", "")
    if not count.isdigit():
        database.execute_sql("INSERT OR REPLACE INTO meta VALUES ('chunk_results', '0')")
        return None
    return int(count)


def _mark(database: peewee.SqliteDatabase) -> None:
    """Without its mark nobody knows what of the journal lies in chunks already: what might, goes."""
    if database.execute_sql("SELECT 1 FROM compaction").fetchone() is None:
        database.execute_sql("INSERT INTO compaction VALUES (1, 0, 0, 0)")
        database.execute_sql("DELETE FROM journal WHERE hour <= (SELECT max(id) >> 32 FROM chunk)")


def _series(database: peewee.SqliteDatabase, rows: Sequence[Row]) -> None:
    database.connection().executemany(
        "INSERT OR IGNORE INTO series (monitor, probe, family, url, id) VALUES (?, ?, ?, ?, ?)",
        [row for row in rows if [type(value) for value in row] == [int, int, int, str, int]],
    )


def _domains(database: peewee.SqliteDatabase, missing: set[str], now_ms: int) -> int:
    """Make domains of their last version, and versions of their domains; return how many domains.

    They are paused: a domain that was deleted cannot be told from one that was lost.
    """
    rows = database.execute_sql(
        "SELECT monitor, max(version), url, family, interval_ms, timeout_ms, slow_ms FROM monitor_version"
        " WHERE monitor NOT IN (SELECT id FROM monitor) GROUP BY monitor ORDER BY url"
    ).fetchall()
    if "monitor" not in missing:
        rows = []
    for monitor, version, url, family, interval_ms, timeout_ms, slow_ms in rows:
        settings = MonitorSettings(family=family, interval_ms=interval_ms, timeout_ms=timeout_ms, slow_ms=slow_ms)
        database.execute_sql(
            "INSERT INTO monitor (id, version, url, name, settings, created_at_ms, is_paused)"
            " VALUES (?, ?, ?, '', ?, ?, 1)",
            (monitor, version, url, json.dumps(settings.to_json()), now_ms),
        )
    for monitor, version, url, text in database.execute_sql(
        "SELECT id, version, url, settings FROM monitor AS m WHERE NOT EXISTS"
        " (SELECT 1 FROM monitor_version AS v WHERE v.monitor = m.id AND v.version = m.version)"
    ).fetchall():
        known = MonitorSettings.from_json(json.loads(text))
        database.execute_sql(
            "INSERT INTO monitor_version (monitor, version, url, family, interval_ms, timeout_ms, slow_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (monitor, version, url, known.family, known.interval_ms, known.timeout_ms, known.slow_ms),
        )
    return len(rows)


def _probes(database: peewee.SqliteDatabase, now_ms: int) -> tuple[int, int]:
    """Make probes of what incidents tell of them; return how many, and of how many that measured nothing is known.

    They are as if forgotten: their history has a name and a region again, but nobody knows how to reach them.
    """
    gone = {
        probe
        for (probe,) in database.execute_sql(
            "SELECT DISTINCT probe FROM series WHERE probe NOT IN (SELECT id FROM probe)"
        ).fetchall()
    }
    if not gone:
        return 0, 0
    told: dict[int, tuple[str, Region]] = {int(EMBEDDED_PROBE): (REGION_NAMES[Region.LOCAL], Region.LOCAL)}
    if "incident" in database.get_tables():
        for (text,) in database.execute_sql("SELECT evidence FROM incident ORDER BY start_ms").fetchall():
            for one in map(Evidence.from_json, json.loads(text)):
                told[int(one.probe)] = (one.probe_name, one.region)
    columns = [column.name for column in database.get_columns("probe")]
    made = 0
    for probe in gone & told.keys():
        name, region = told[probe]
        transport = Transport.EMBEDDED if probe == EMBEDDED_PROBE else Transport.TUNNEL
        database.execute_sql(
            "INSERT INTO probe (id, name, region, transport) VALUES (?, ?, ?, ?)",
            (probe, name, region.value, transport.value),
        )
        if "forgotten_at_ms" in columns and probe != EMBEDDED_PROBE:
            database.execute_sql("UPDATE probe SET forgotten_at_ms = ? WHERE id = ?", (now_ms, probe))
        made += 1
    return made, len(gone) - made


def _forget_homeless(database: peewee.SqliteDatabase) -> None:
    """Delete history that belongs to nobody: its series is lost, or was purged and its page was found all the same."""
    for table in ("chunk", "rollup_5min", "rollup_day"):
        database.execute_sql(f"DELETE FROM {table} WHERE (id & {_LOW}) NOT IN (SELECT id FROM series)")
    database.execute_sql(f"DELETE FROM rollup_hour WHERE (id >> 5 & {_LOW}) NOT IN (SELECT id FROM series)")
    if "incident_note" in database.get_tables():
        database.execute_sql("DELETE FROM incident_note WHERE incident NOT IN (SELECT id FROM incident)")
    if "failure_evidence" in database.get_tables():
        database.execute_sql("DELETE FROM failure_evidence WHERE monitor NOT IN (SELECT id FROM monitor)")


def _rollups(database: peewee.SqliteDatabase) -> Iterator[tuple[float, int]]:
    """Make missing roll-ups of results, then of finer ones; yield how much of the work and how many rows are done."""
    done = 0
    hours = database.execute_sql(
        "SELECT r.id FROM chunk AS r WHERE NOT EXISTS (SELECT 1 FROM rollup_5min AS f WHERE f.id = r.id) ORDER BY r.id"
    ).fetchall()
    for some in _portions(hours):
        with database.atomic("IMMEDIATE"):
            for (id_,) in some:
                _put(database, "rollup_5min", id_, hour_buckets(id_ >> 32, Chunks(database, id_ & _LOW)))
        done += len(some)
        yield 0.4 * done / len(hours), done
    fine = database.execute_sql(
        f"SELECT r.id, {_HOUR_ID}, r.data FROM rollup_5min AS r WHERE NOT EXISTS"
        f" (SELECT 1 FROM rollup_hour AS h WHERE h.id = {_HOUR_ID})"
    ).fetchall()
    for some in _portions(fine):
        with database.atomic("IMMEDIATE"):
            for _id, hour_id, data in some:
                _put(database, "rollup_hour", hour_id, regroup(decode(data), HOUR_MS))
        done += len(some)
        yield 0.6, done
    # The last day is rolled up when it is over.
    days = database.execute_sql(
        "SELECT DISTINCT id >> 5 FROM rollup_hour WHERE id >> 37 < (SELECT max(id) >> 37 FROM rollup_hour)"
        " EXCEPT SELECT id FROM rollup_day"
    ).fetchall()
    for some in _portions(days):
        with database.atomic("IMMEDIATE"):
            for (id_,) in some:
                roll_up_day(database, id_ & _LOW, id_ >> 32)
        done += len(some)
        yield 0.8, done


def _put(database: peewee.SqliteDatabase, table: str, id_: int, buckets: Buckets) -> None:
    """Write a roll-up that is missing; one that is there was made when there was more to make it of."""
    if len(buckets):
        database.execute_sql(f"INSERT OR IGNORE INTO {table} (id, data) VALUES (?, ?)", (id_, encode(buckets)))


def _portions(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for first in range(0, len(rows), _ROLLUPS_PER_TRANSACTION):
        yield rows[first : first + _ROLLUPS_PER_TRANSACTION]
