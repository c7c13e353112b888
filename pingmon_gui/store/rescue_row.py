"""Which rows found in a damaged file are rows of our tables: by their columns, and by what they should hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import peewee

from pingmon_gui.domain.error import PingmonError
from pingmon_gui.domain.history import DAY_MS, HOUR_MS
from pingmon_gui.domain.incident import Evidence
from pingmon_gui.domain.monitor import MonitorSettings
from pingmon_gui.domain.probe import ProbeAccess, Transport
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.store import chunk, failure_evidence, rollup_row
from pingmon_gui.store.b_tree import Value
from pingmon_gui.store.rollup import HOURS_PER_DAY

Row = tuple[Value, ...]

#: Tables whose ids tell which series and time a row is of, so that a row can be told without its tree.
TELLING = ("chunk", "rollup_5min", "rollup_hour", "rollup_day")
_TYPES: dict[str, tuple[type, ...]] = {"INTEGER": (int,), "TEXT": (str,), "BLOB": (bytes,)}


@dataclass(frozen=True)
class Shape:
    """A table: its columns in the order in which rows have them on disk."""

    table: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    is_required: tuple[bool, ...]
    row_id: int | None
    is_without_row_id: bool

    def row(self, values: Sequence[Value], row_id: int | None) -> Row | None:
        """Return a row of the table, None where these values are none. Columns that came later may be absent."""
        if not 0 < len(values) <= len(self.columns):
            return None
        found = list(values)
        if self.row_id is not None:
            if found[self.row_id] is not None:
                return None
            found[self.row_id] = row_id
        for value, type_, is_required in zip(found, self.types, self.is_required, strict=False):
            if value is None:
                if is_required:
                    return None
            elif not isinstance(value, _TYPES.get(type_, (object,))):
                return None
        return tuple(found)


def shapes(database: peewee.SqliteDatabase) -> dict[str, Shape]:
    """Return the tables of a connected, undamaged database by name."""
    found = {}
    tables = database.execute_sql(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    for table, sql in tables:
        info = database.execute_sql(f"PRAGMA table_info({table})").fetchall()
        is_without_row_id = sql.rstrip().upper().endswith("WITHOUT ROWID")
        if is_without_row_id:  # the key's columns come first there
            info = sorted(info, key=lambda column: column[5] or len(info))
        keys = [place for place, column in enumerate(info) if column[5]]
        is_alias = not is_without_row_id and len(keys) == 1 and info[keys[0]][2].upper() == "INTEGER"
        found[table] = Shape(
            table,
            tuple(column[1] for column in info),
            tuple(column[2].upper() for column in info),
            tuple(bool(column[3]) for column in info),
            keys[0] if is_alias else None,
            is_without_row_id,
        )
    return found


def sensible(shape: Shape, rows: Sequence[Row]) -> list[Row]:
    """Return the rows that the app can read."""
    check = _CHECKS.get(shape.table)
    if check is None:
        return list(rows)
    return [row for row in rows if _passes(check, dict(zip(shape.columns, row, strict=False)))]


def tells(table: str, row: Row) -> bool:
    """Return whether what a row holds is of the time that its id names in a table."""
    id_, data = row[0], row[-1]
    if not isinstance(id_, int) or not isinstance(data, bytes) or len(row) != (3 if table == "chunk" else 2):
        return False
    try:
        if table == "chunk":
            return int(chunk.decode(data)["at_ms"][0]) // HOUR_MS == id_ >> 32
        start_ms = rollup_row.decode(data).start_ms
    except (PingmonError, IndexError):
        return False
    if table == "rollup_5min":
        return len(start_ms) > 0 and bool((start_ms // HOUR_MS == id_ >> 32).all())
    if len(start_ms) != 1:
        return False
    if table == "rollup_day":
        return int(start_ms[0]) == (id_ >> 32) * DAY_MS
    return int(start_ms[0]) == ((id_ >> 37) * HOURS_PER_DAY + (id_ & 31)) * HOUR_MS


def _passes(check: Callable[[Mapping[str, Value]], object], values: Mapping[str, Value]) -> bool:
    try:
        check(values)
    except (PingmonError, ValueError, TypeError, KeyError, IndexError, AttributeError):
        return False
    return True


def _regions(text: Value) -> Iterable[Region]:
    return [Region(word) for word in json.loads(str(text))]


def _check_monitor(row: Mapping[str, Value]) -> None:
    MonitorSettings.from_json(json.loads(str(row["settings"])))
    if row["regions"] is not None:
        _regions(row["regions"])


def _check_probe(row: Mapping[str, Value]) -> None:
    Region(str(row["region"]))
    Transport(str(row["transport"]))
    if row.get("access") is not None:
        ProbeAccess.from_json(json.loads(str(row["access"])))


def _check_chunk(row: Mapping[str, Value]) -> None:
    id_, data = row["id"], row["data"]
    assert isinstance(id_, int) and isinstance(data, bytes)
    columns = chunk.decode(data)
    if len(columns["at_ms"]) != row["count"] or int(columns["at_ms"][0]) // HOUR_MS != id_ >> 32:
        raise ValueError


def _check_rollup(row: Mapping[str, Value]) -> None:
    data = row["data"]
    if not isinstance(data, bytes) or not rollup_row.is_whole(data):
        raise ValueError


def _check_block(row: Mapping[str, Value]) -> None:
    series, data = row["series"], row["data"]
    assert isinstance(series, bytes) and isinstance(data, bytes)
    if not len(chunk.decode_series(series)) == len(chunk.decode(data)["at_ms"]) == row["count"]:
        raise ValueError


def _check_incident(row: Mapping[str, Value]) -> None:
    Verdict(int(str(row["kind"])))
    _regions(row["regions"])
    for part in json.loads(str(row["evidence"])):
        Evidence.from_json(part)


def _check_evidence(row: Mapping[str, Value]) -> None:
    data = row["data"]
    if not isinstance(data, bytes) or len(data) != row["bytes"] or failure_evidence.decode(data) is None:
        raise ValueError


_CHECKS: dict[str, Callable[[Mapping[str, Value]], object]] = {
    "setting": lambda row: json.loads(str(row["value"])),
    "monitor": _check_monitor,
    "probe": _check_probe,
    "detail": lambda row: json.loads(str(row["value"])),
    "standing": lambda row: _regions(row["regions"]),
    "verdict": lambda row: Verdict(int(str(row["verdict"]))),
    "chunk": _check_chunk,
    "rollup_5min": _check_rollup,
    "rollup_hour": _check_rollup,
    "rollup_day": _check_rollup,
    "journal": _check_block,
    "incident": _check_incident,
    "failure_evidence": _check_evidence,
}
