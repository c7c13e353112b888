"""Saves what can be read of a damaged database into a new one, which takes its place; the damaged one is kept.

Pages are read one by one, below SQLite (`page_file`), so that a damaged page costs its own rows and nothing else.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import peewee

from pingmon_gui.domain.backup import Progress
from pingmon_gui.domain.error import StorageCorrupt, StorageError, StorageTooNew
from pingmon_gui.domain.rescue import Count, Kept, Remark, Rescued, added_up
from pingmon_gui.store import replacement
from pingmon_gui.store.aside import Reason, aside_name
from pingmon_gui.store.b_tree import Kind, first_row_id, index_rows, kind_of, table_rows
from pingmon_gui.store.database import APPLICATION_ID, prepare, write_connection
from pingmon_gui.store.migration import upgrade
from pingmon_gui.store.migrations import STEPS
from pingmon_gui.store.page_file import PageFile
from pingmon_gui.store.page_map import SCHEMA_ROOT, PageMap
from pingmon_gui.store.rescue_rebuild import Rebuilt, rebuild
from pingmon_gui.store.rescue_row import TELLING, Row, Shape, sensible, shapes, tells
from pingmon_gui.store.trouble import translated
from pingmon_gui.store.wholeness import check_structure

_log = logging.getLogger(__name__)

#: After what is configured, in this order.
_HISTORY = (
    *("series", "detail", "chunk", "rollup_5min", "rollup_hour", "rollup_day", "journal"),
    *("incident", "incident_note", "failure_evidence", "verdict"),
)
_KINDS = {
    "monitor": Kept.DOMAINS,
    "setting": Kept.SETTINGS,
    "probe": Kept.PROBES,
    "incident": Kept.INCIDENTS,
    "chunk": Kept.RESULTS,
    "journal": Kept.RESULTS,
    "rollup_5min": Kept.ROLLUPS,
    "rollup_hour": Kept.ROLLUPS,
    "rollup_day": Kept.ROLLUPS,
}
_ROWS_PER_TRANSACTION = 2_000
#: Reading is this share of the work; the rest is making anew what follows from what was read.
_READING = 0.9


@dataclass
class _Leaves:
    """Where a table's rows are, and how much of them is gone."""

    pages: list[int] = field(default_factory=list)
    lost_pages: int = 0
    broken_rows: int = 0
    saved_rows: int = 0
    read_pages: int = 0

    def count(self, table: str) -> Count:
        """Return what was saved and lost of a table; how much a page that is gone held is guessed from the others."""
        rows_per_page = self.saved_rows / self.read_pages if self.read_pages else 0
        gone = round(self.lost_pages * rows_per_page)
        return Count(
            _KINDS.get(table, Kept.OTHER),
            self.saved_rows,
            self.broken_rows + gone,
            is_about=gone > 0,
            is_least=self.lost_pages > 0 and gone == 0,
        )


def rescue(path: Path, now_ms: int, progress: Progress) -> Rescued:
    """Save what can be read of the database at `path`. Blocks; nobody may have it open.

    Raises StorageCorrupt for a file that is not ours, StorageTooNew, other StorageErrors, and what `progress` raises;
    then everything is as it was.
    """
    if not path.is_file():
        raise StorageError(f"There is no database at {path}.")
    new = replacement.incoming(path)
    replacement.discard(path)
    try:
        with translated(path), PageFile(path) as file:
            _must_be_ours(file, path)
            prepare(new)
            steps = STEPS[: file.schema] if file.schema else STEPS
            with closing(write_connection(new)) as database:
                database.connect()
                # What is half made is thrown away.
                database.execute_sql("PRAGMA synchronous = OFF")
                upgrade(database, path, steps)
                reader = _Reader(file, database)
                reader.save_all(lambda share: progress(share * _READING))
                rebuilt = rebuild(
                    database,
                    reader.missing,
                    reader.series,
                    now_ms,
                    lambda share: progress(_READING + share * (1 - _READING)),
                )
                counts = _counts(database, reader, rebuilt)
                upgrade(database, path)
                check_structure(database, new)
                database.execute_sql("PRAGMA journal_mode = DELETE").fetchall()
    except BaseException:
        replacement.discard(path)
        raise
    aside = aside_name(path, Reason.DAMAGED)
    replacement.put_in_place(path, aside)
    lost_changes = ((Remark.LOST_CHANGES, file.lost_changes),) if file.lost_changes else ()
    rescued = Rescued(aside, counts, (*rebuilt.remarks, *lost_changes))
    _log.info("saved what could be read of a damaged database: %s", rescued)
    return rescued


def _must_be_ours(file: PageFile, path: Path) -> None:
    if file.application not in (None, 0, APPLICATION_ID):
        raise StorageCorrupt(f"The file {path} is a database, but not one of Pingmon.", "It stays as it is.")
    if (file.schema or 0) > len(STEPS):
        raise StorageTooNew(
            f"The database {path} has schema {file.schema}; this version of Pingmon knows schemas up to {len(STEPS)}.",
            "Use the newer version of Pingmon that wrote it.",
        )


class _Reader:
    def __init__(self, file: PageFile, database: peewee.SqliteDatabase) -> None:
        self._file = file
        self._map = PageMap(file)
        self._database = database
        self._shapes = shapes(database)
        self.leaves: dict[str, _Leaves] = defaultdict(_Leaves)
        #: Pages that are missing and nobody knows what they held.
        self.unknown_pages = 0
        self._orphans: list[int] = []
        self._series_index: list[int] = []
        self._find_pages()

    def save_all(self, progress: Progress) -> None:
        """Write every row that can be read into the new database, what is configured first."""
        # A new file has these, with values of its own; what is missing is seen to when everything is read.
        self._database.execute_sql("DELETE FROM meta")
        self._database.execute_sql("DELETE FROM compaction")
        order = [name for name in self._shapes if name not in _HISTORY]
        order += [name for name in _HISTORY if name in self._shapes]
        total = max(1, sum(len(leaves.pages) for leaves in self.leaves.values()) + len(self._orphans))
        done = 0
        for table in order:
            leaves = self.leaves[table]
            rows = self._rows(self._shapes[table], leaves)
            while some := list(islice(rows, _ROWS_PER_TRANSACTION)):
                new = self._write(self._shapes[table], some)
                leaves.saved_rows += new
                # What is there twice stands where something else stood.
                leaves.broken_rows += len(some) - new
                progress(min(1.0, (done + leaves.read_pages) / total))
            done += len(leaves.pages)
        self._save_orphans()

    @property
    def missing(self) -> set[str]:
        """The tables of which rows are lost."""
        return {name for name, leaves in self.leaves.items() if leaves.lost_pages or leaves.broken_rows}

    @property
    def series(self) -> list[Row]:
        """Rows of the index of series: it has all that the table has."""
        return [row for number in self._series_index for row in self._index_rows(number)]

    # Which page is whose

    def _find_pages(self) -> None:
        roots = self._roots()
        self._map.roots.update(roots)
        for number in self._file.numbers():
            if self._map.is_free(number):
                continue
            page, root = self._file.page(number), self._map.root_of(number)
            kind, table = kind_of(page, number), roots.get(root or 0)
            if root is None:
                if kind is Kind.TABLE_LEAF:
                    self._orphans.append(number)
                elif page is None:
                    self.unknown_pages += 1
            elif table == "sqlite_autoindex_series_1":
                if kind in (Kind.INDEX_LEAF, Kind.INDEX_INNER):
                    self._series_index.append(number)
            elif table in self._shapes:
                shape, leaves = self._shapes[table], self.leaves[table]
                if kind in ((Kind.INDEX_LEAF, Kind.INDEX_INNER) if shape.is_without_row_id else (Kind.TABLE_LEAF,)):
                    leaves.pages.append(number)
                elif self._map.is_tree(number) and (shape.is_without_row_id or not self._map.is_inner(number)):
                    leaves.lost_pages += 1
        for table, leaves in self.leaves.items():
            if not self._shapes[table].is_without_row_id:
                # Ascending, so that the new tables are filled in their order, whatever pages were used again.
                leaves.pages.sort(key=lambda number: first_row_id(self._file.page(number) or b"", number))

    def _roots(self) -> dict[int, str]:
        """Return the names of tables and indexes by their first page: as the file has them, else as a new one would."""
        found: dict[str, int] = dict(
            self._database.execute_sql("SELECT name, rootpage FROM sqlite_master WHERE rootpage > 0").fetchall()
        )
        for number in self._file.numbers():
            page = self._file.page(number)
            if kind_of(page, number) is not Kind.TABLE_LEAF or self._map.root_of(number) != SCHEMA_ROOT:
                continue
            assert page is not None
            for row in table_rows(self._file, page, number):
                values = row[1] if row is not None else []
                if len(values) == 5 and isinstance(values[1], str) and isinstance(values[3], int):
                    found[values[1]] = values[3]
        return {root: name for name, root in found.items()}

    # Rows

    def _rows(self, shape: Shape, leaves: _Leaves) -> Iterator[Row]:
        for number in leaves.pages:
            rows, broken = self._page_rows(shape, number)
            good = sensible(shape, rows)
            if shape.table in TELLING and good and not tells(shape.table, good[0]):
                good = []  # a page of another table
            broken += len(rows) - len(good)
            if broken > len(good):  # what makes no sense for the most part is no page of this table any more
                leaves.lost_pages += 1
                self._orphans.append(number)
            else:
                leaves.read_pages += 1
                leaves.broken_rows += broken
            yield from good

    def _page_rows(self, shape: Shape, number: int) -> tuple[list[Row], int]:
        page = self._file.page(number)
        if page is None:
            return [], 0
        if shape.is_without_row_id:
            found = [shape.row(values, None) if values else None for values in index_rows(self._file, page, number)]
        else:
            found = [shape.row(one[1], one[0]) if one else None for one in table_rows(self._file, page, number)]
        rows = [row for row in found if row is not None]
        return rows, len(found) - len(rows)

    def _index_rows(self, number: int) -> Iterator[Row]:
        page = self._file.page(number)
        if page is not None:
            yield from (tuple(values) for values in index_rows(self._file, page, number) if values)

    def _save_orphans(self) -> None:
        """Save rows of pages whose tree is unknown, as far as they say themselves whose they are."""
        for number in self._orphans:
            for table in TELLING:
                rows, broken = self._page_rows(self._shapes[table], number)
                if rows and broken == 0 and all(tells(table, row) for row in rows):
                    self.leaves[table].saved_rows += self._write(self._shapes[table], rows)
                    break

    def _write(self, shape: Shape, rows: Sequence[Row]) -> int:
        """Write rows; what is there already stays. Returns how many are new."""
        by_length: dict[int, list[Row]] = defaultdict(list)
        for row in rows:
            by_length[len(row)].append(row)
        written = 0
        with self._database.atomic("IMMEDIATE"):
            for length, alike in by_length.items():
                columns = ", ".join(shape.columns[:length])
                places = ", ".join("?" * length)
                statement = f"INSERT OR IGNORE INTO {shape.table} ({columns}) VALUES ({places})"
                written += self._database.connection().executemany(statement, alike).rowcount
        return written


def _counts(database: peewee.SqliteDatabase, reader: _Reader, rebuilt: Rebuilt) -> tuple[Count, ...]:
    counts = []
    for table, leaves in reader.leaves.items():
        count = leaves.count(table)
        (saved,) = database.execute_sql(f"SELECT count(*) FROM {table}").fetchone()
        if table in ("chunk", "journal"):  # a row is many results there
            (results,) = database.execute_sql(f"SELECT cast(total(count) AS INTEGER) FROM {table}").fetchone()
            lost = round(count.lost * results / saved) if saved else 0
            count = replace(count, lost=lost, is_about=lost > 0, is_least=count.is_least or lost < count.lost)
            saved = results
        if reader.unknown_pages and table in _HISTORY:
            count = replace(count, is_least=True)
        if table == "chunk" and rebuilt.results_before is not None:
            count = Count(Kept.RESULTS, saved, max(0, rebuilt.results_before - saved))
        counts.append(replace(count, saved=saved))
    return tuple(_without_rebuilt(one, rebuilt.rows[one.kind], reader.missing) for one in added_up(counts))


def _without_rebuilt(count: Count, rebuilt: int, missing: set[str]) -> Count:
    """Return the count without what could be made anew."""
    lost = max(0, count.lost - rebuilt)
    is_known = count.kind is Kept.DOMAINS and "monitor_version" not in missing
    return replace(
        count,
        lost=0 if is_known else lost,
        is_about=(count.is_about or 0 < count.lost <= rebuilt) and not is_known,
        is_least=count.is_least and not is_known,
    )
