"""The journal: results in order of arrival, written as blocks. Used by the writer's thread only.

A block holds the results of one commit and one hour of measured time, ordered by series. Series and details are
interned: a result costs 15 to 20 bytes here until compaction moves it into its chunk.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import peewee
from pingmon_probe.protocol import FLEETING_FACTS

from pingmon_gui.domain.family import of_check
from pingmon_gui.domain.history import DAY_MS, HOUR_MS
from pingmon_gui.domain.result import ProbeId, ResultBatch
from pingmon_gui.store import failure_evidence
from pingmon_gui.store.chunk import Columns, Ints, columns_of, encode, encode_series, joined, take
from pingmon_gui.store.configuration import Cursor
from pingmon_gui.store.table import CursorRow

_log = logging.getLogger(__name__)

#: Beyond this many entries a cache starts anew.
_CACHE_LIMIT = 300_000
_NOWHERE = -1

_SeriesKey = tuple[int, int, int, int]
_DetailKey = tuple[Any, ...]


class Journal:
    """Writes batches inside the caller's transaction; `committed` or `rolled_back` must follow."""

    def __init__(self) -> None:
        self._series: dict[_SeriesKey, int] = {}
        self._details: dict[_DetailKey, tuple[int, int]] = {}
        self._new_series: dict[_SeriesKey, int] = {}
        self._new_details: dict[_DetailKey, tuple[int, int]] = {}

    def write(self, database: peewee.SqliteDatabase, batches: Sequence[ResultBatch], now_ms: int) -> int:
        """Write what lies beyond the cursors and move them; return how many results were written.

        Results of monitors that were purged meanwhile are passed over.
        """
        cursors = {ProbeId(row.probe): Cursor(row.spool, row.seq) for row in CursorRow.select().execute(database)}
        moved: dict[ProbeId, Cursor] = {}
        parts: list[Columns] = []
        new: list[ResultBatch] = []
        for batch in batches:
            cursor = cursors.get(batch.probe)
            first = 0
            if cursor is not None and cursor.spool == batch.spool:
                if batch.last_seq <= cursor.seq:
                    continue
                first = max(0, cursor.seq + 1 - batch.first_seq)
            cursors[batch.probe] = moved[batch.probe] = Cursor(batch.spool, batch.last_seq)
            new.append(batch)
            if batch.count > first:
                columns = columns_of(batch)
                columns["detail"] = self._details_of(database, batch, now_ms // DAY_MS)
                columns["series"] = self._series_of(database, batch)
                parts.append(take(columns, slice(first, None)) if first else columns)
        failure_evidence.write(database, new, now_ms)
        written = self._write_blocks(database, joined(parts)) if parts else 0
        database.connection().executemany(
            "INSERT OR REPLACE INTO cursor (probe, spool, seq) VALUES (?, ?, ?)",
            [(probe, cursor.spool, cursor.seq) for probe, cursor in moved.items()],
        )
        return written

    def committed(self) -> None:
        """Believe in the rows that were made for series and details."""
        for cache, new in ((self._series, self._new_series), (self._details, self._new_details)):
            if len(cache) > _CACHE_LIMIT:
                cache.clear()
            cache.update(new)  # type: ignore[arg-type]
            new.clear()

    def rolled_back(self) -> None:
        """Forget the rows that were made: they are gone."""
        self._new_series.clear()
        self._new_details.clear()

    def forget(self) -> None:
        """Look everything up anew: rows were purged."""
        self._series.clear()
        self._details.clear()

    def _write_blocks(self, database: peewee.SqliteDatabase, columns: Columns) -> int:
        series = columns.pop("series")
        if (series == _NOWHERE).any():
            known = series != _NOWHERE
            _log.info("%d results of monitors that are gone were passed over", int((~known).sum()))
            series, columns = series[known], take(columns, known)
        hour = columns["at_ms"] // HOUR_MS
        rows = []
        for one in np.unique(hour).tolist():
            places = np.flatnonzero(hour == one)
            places = places[np.lexsort((columns["at_ms"][places], series[places]))]
            blob = encode(take(columns, places), level=1)
            rows.append((one, len(places), encode_series(series[places]), blob))
        database.connection().executemany("INSERT INTO journal (hour, count, series, data) VALUES (?, ?, ?, ?)", rows)
        return len(series)

    def _series_of(self, database: peewee.SqliteDatabase, batch: ResultBatch) -> Ints:
        probe = int(batch.probe)
        known, new = self._series, self._new_series
        ids = []
        columns = (batch.monitor.tolist(), batch.version.tolist(), batch.family.tolist())
        for monitor, version, checked in zip(*columns, strict=True):
            key = (monitor, version, probe, checked)
            found = known.get(key) or new.get(key)
            ids.append(self._make_series(database, key) if found is None else found)
        return np.array(ids, dtype=np.int64)

    def _make_series(self, database: peewee.SqliteDatabase, key: _SeriesKey) -> int:
        monitor, version, probe, checked = key
        found = database.execute_sql(
            "SELECT url, family FROM monitor_version WHERE monitor = ? AND version = ?", (monitor, version)
        ).fetchone()
        if found is None:
            return _NOWHERE
        url, setting = found
        values = (monitor, probe, of_check(setting, checked), url)
        database.execute_sql("INSERT OR IGNORE INTO series (monitor, probe, family, url) VALUES (?, ?, ?, ?)", values)
        (id_,) = database.execute_sql(
            "SELECT id FROM series WHERE monitor = ? AND probe = ? AND family = ? AND url = ?", values
        ).fetchone()
        self._new_series[key] = id_
        return int(id_)

    def _details_of(self, database: peewee.SqliteDatabase, batch: ResultBatch, day: int) -> Ints:
        hop_keys = [tuple(tuple(_timeless(hop).values()) for hop in hops or ()) for hops in batch.hops.values]
        certificate_keys = [None if value is None else tuple(value.values()) for value in batch.certificate.values]
        messages, addresses = batch.message.values, batch.address.values
        facts = [kept_facts(value) for value in batch.facts.values]
        facts_keys = [None if value is None else json.dumps(value, sort_keys=True) for value in facts]
        known, new = self._details, self._new_details
        ids = []
        for m, a, h, c, f in zip(
            batch.message.index.tolist(),
            batch.address.index.tolist(),
            batch.hops.index.tolist(),
            batch.certificate.index.tolist(),
            batch.facts.index.tolist(),
            strict=True,
        ):
            key = (messages[m], addresses[a], hop_keys[h], certificate_keys[c], facts_keys[f])
            found = known.get(key)
            if found is None or found[1] < day:
                found = new.get(key)
                if found is None:
                    value = detail_value(
                        messages[m], addresses[a], batch.hops.values[h], batch.certificate.values[c], facts[f]
                    )
                    found = new[key] = (keep_detail(database, value, day), day)
            ids.append(found[0])
        return np.array(ids, dtype=np.int64)


def detail_value(
    message: str,
    address: str | None,
    hops: Any,
    certificate: Mapping[str, Any] | None,
    facts: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what is kept beside a result's numbers; hops lose their times, which no two results share."""
    value = {
        "message": message,
        "address": address,
        "hops": [_timeless(hop) for hop in hops or ()],
        "certificate": certificate,
    }
    return value if facts is None else {**value, "facts": facts}


def kept_facts(facts: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the facts that results share, None where there are none."""
    kept = {name: value for name, value in (facts or {}).items() if name not in FLEETING_FACTS}
    return kept or None


def _timeless(hop: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in hop.items() if name != "total_ms"}


def keep_detail(database: peewee.SqliteDatabase, value: dict[str, Any], day: int) -> int:
    """Return the id of a detail that is used on a day; the same value has one row."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode("ascii")).digest()[:16]
    database.execute_sql(
        "INSERT INTO detail (digest, used_day, value) VALUES (?, ?, ?)"
        " ON CONFLICT (digest) DO UPDATE SET used_day = max(used_day, excluded.used_day)",
        (digest, day, text),
    )
    (id_,) = database.execute_sql("SELECT id FROM detail WHERE digest = ?", (digest,)).fetchone()
    return int(id_)
