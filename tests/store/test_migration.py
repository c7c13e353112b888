"""Migrations: from empty, from every released schema, and what a step that fails leaves behind."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from pingmon_gui.domain.alert_change import AlertMemory
from pingmon_gui.domain.alert_rule import first_rules
from pingmon_gui.domain.alert_state import AlertState
from pingmon_gui.domain.error import StorageError, StorageTooNew
from pingmon_gui.domain.incident import IncidentId
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.store.database import write_connection
from pingmon_gui.store.migration import migrate, schema_of
from pingmon_gui.store.migrations import STEPS
from pingmon_gui.store.store import Store
from pingmon_gui.store.table import TABLES
from tests.store.helper import HOUR_MS, START_MS, Clock, run
from tests.store.make_fixture import FIXTURES, KEPT, SPAN, STANDING, WINDOW, cut_short, rows

#: Fixtures up to this schema hold roll-ups of format 1.
LAST_WITHOUT_PHASES = 3


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copy(FIXTURES / f"schema_{len(STEPS)}.db", tmp_path / "pingmon.db"))


@pytest.mark.parametrize("schema", range(1, len(STEPS) + 1))
def test_file_of_every_released_schema_opens_with_all_it_holds(tmp_path: Path, schema: int) -> None:
    path = Path(shutil.copy(FIXTURES / f"schema_{schema}.db", tmp_path / "pingmon.db"))

    async def main() -> None:
        store = Store.open(path, now_ms=Clock())
        found = store.configuration()
        one, two = found.monitors
        assert (one.name, one.tags, one.settings.basic_auth) == ("A", ("shop", "eu"), "user:password")
        assert (two.name, two.version, two.settings.interval_ms) == ("B", 2, 60_000)
        assert found.preferences["keep_raw_days"] == 30
        assert [probe.name for probe in found.probes] == ["This computer"]
        assert next(iter(found.cursors.values())).seq == 100
        for place, monitor in enumerate((one, two)):
            (history,) = await store.results(monitor.id, START_MS, START_MS + 3 * HOUR_MS)
            expected = rows(one.id, two.id, 0, 100)[place::2]
            assert history.at_ms.tolist() == [row.at_ms for row in expected]
            assert history.total_ms.tolist() == [row.total_us / 1000 for row in expected]
            (days,) = await store.rollups(monitor.id, START_MS, START_MS + 24 * HOUR_MS, 24 * HOUR_MS)
            assert days.count.tolist() == [50]
            # Roll-ups of then know no phases; what is still in the journal does.
            assert (days.phased.sum() < days.histogram.sum()) == (schema <= LAST_WITHOUT_PHASES)
            assert days.total_sum_ms.tolist() == [sum(n for n in range(place, 100, 2) if n % 3 < 2)]
        assert (await store.size()).raw_results == 100
        memory = await store.alert_memory()
        if schema < 4:
            assert memory == AlertMemory(None, AlertState(), [])
        else:
            assert memory.book is not None and memory.book.rules == first_rules()
            assert [len(alert.items) for alert in memory.state.alerts.values()] == [2]
            assert len(memory.state.matters) == 2 and len(memory.waiting) == 1
        if schema >= 5:
            await check_judged(store, one.id)
        kept = [one.document for one in await store.failure_evidence(one.id, 0, START_MS + 1)]
        assert kept == ([KEPT] if schema >= 6 else [])
        await store.close()

    run(main())


async def check_judged(store: Store, monitor: MonitorId) -> None:
    """What is known of the past besides results."""
    assert await store.standings() == {monitor: [STANDING]}
    assert (await store.verdict_spans([monitor], 0, START_MS + HOUR_MS))[monitor] == [SPAN]
    assert await store.incident(IncidentId(7)) == cut_short(monitor)
    (window,) = store.configuration().windows
    assert (window.draft, window.since_ms, window.until_ms) == (WINDOW, START_MS, None)


def test_models_describe_the_tables_that_the_frozen_sql_makes(tmp_path: Path) -> None:
    database = write_connection(tmp_path / "pingmon.db")
    database.connect()
    assert migrate(database, tmp_path / "pingmon.db") is None
    names = {name for (name,) in database.execute_sql("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert names - {"sqlite_sequence"} == {model._meta.table_name for model in TABLES}
    for model in TABLES:
        columns = database.get_columns(model._meta.table_name)
        fields = model._meta.sorted_fields
        assert [column.name for column in columns] == [field.column_name for field in fields]
        assert [column.null for column in columns] == [field.null for field in fields]
    database.close()


def test_step_is_made_once_after_a_backup_of_the_old_file(old: Path) -> None:
    steps = (*STEPS, ("CREATE TABLE extra (x INTEGER)", "INSERT INTO extra VALUES (7)"))
    database = write_connection(old)
    database.connect()
    backup = migrate(database, old, steps)
    assert backup is not None and backup.name == f"pingmon-schema-{len(STEPS)}.db"
    assert backup.stat().st_mode & 0o777 == 0o600
    assert migrate(database, old, steps) is None
    assert schema_of(database) == len(steps)
    assert database.execute_sql("SELECT x FROM extra").fetchall() == [(7,)]
    database.close()
    run(Store.open(backup, now_ms=Clock()).close())
    with pytest.raises(StorageTooNew, match=f"schema {len(steps)}; .* up to {len(STEPS)}"):
        Store.open(old, now_ms=Clock())


def test_step_that_fails_leaves_the_file_as_it_was(old: Path) -> None:
    steps = (*STEPS, ("CREATE TABLE extra (x INTEGER)", "DELETE FROM monitor", "INSERT INTO nowhere VALUES (1)"))
    database = write_connection(old)
    database.connect()
    with pytest.raises(StorageError):
        migrate(database, old, steps)
    assert schema_of(database) == len(STEPS)
    database.close()
    with sqlite3.connect(old) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
        assert "extra" not in names
        assert connection.execute("SELECT count(*) FROM monitor").fetchone() == (2,)
    connection.close()
    run(Store.open(old, now_ms=Clock()).close())
