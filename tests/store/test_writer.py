"""The writer when the disk fails: it says so, keeps what it has within bounds, and loses nothing for good."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import threading
from pathlib import Path

import peewee
import pytest

from pingmon_gui.domain.error import StorageError, StorageFull
from pingmon_gui.store import configuration, history, writer
from pingmon_gui.store.database import read_connection
from pingmon_gui.store.writer import Writer
from tests.conftest import ExpectLog
from tests.store.helper import HOUR_MS, START_MS, Clock, Measured, add, batch, open_store, run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def prepared(tmp_path: Path) -> tuple[Path, int]:
    async def main() -> int:
        store = open_store(tmp_path)
        (one,) = await add(store, 1)
        await store.close()
        return int(one.id)

    return tmp_path / "pingmon.db", run(main())


def stored(path: Path, monitor: int) -> tuple[list[int], int]:
    """Return the seqs that are in the database and the cursor."""
    database = read_connection(path)
    database.connect()
    cursors = configuration.read_configuration(database).cursors
    found = history.results(database, monitor, START_MS, START_MS + 100 * HOUR_MS)  # type: ignore[arg-type]
    database.close()
    seqs = [int(at_ms - START_MS) // 1000 for one in found for at_ms in one.at_ms]
    return seqs, cursors[1].seq if cursors else 0  # type: ignore[index]


def rows(monitor: int, first: int, last: int) -> list[Measured]:
    # Numbers that do not compress, so that they need new pages.
    chance = random.Random(first)
    return [
        Measured(monitor, START_MS + seq * 1000, total_us=chance.randrange(10**6)) for seq in range(first, last + 1)
    ]


def limit(database: peewee.SqliteDatabase, pages: int) -> None:
    (now,) = database.execute_sql("PRAGMA page_count").fetchone()
    database.execute_sql(f"PRAGMA max_page_count = {now + pages}").fetchone()


def test_full_disk_is_told_and_pending_results_are_kept_until_there_is_room(
    prepared: tuple[Path, int], expect_log: ExpectLog
) -> None:
    expect_log("nothing can be written")
    path, monitor = prepared
    told: list[StorageError | None] = []
    there_is_trouble = threading.Event()

    def listen(problem: StorageError | None) -> None:
        told.append(problem)
        there_is_trouble.set()

    one = Writer(path, Clock())
    one.on_problem = listen
    one.start()
    one.submit(lambda database: limit(database, 0)).result(10)
    for seq in range(1, 2001, 200):
        one.append(batch(rows(monitor, seq, seq + 199), first_seq=seq))
    assert there_is_trouble.wait(10)
    with pytest.raises(StorageFull):
        one.flush().result(10)
    assert isinstance(one.problem, StorageFull) and "room" in one.problem.message
    assert stored(path, monitor) == ([], 0)
    one.submit(lambda database: limit(database, 10_000)).result(10)
    one.append(batch(rows(monitor, 2001, 2010), first_seq=2001))
    one.flush().result(10)
    assert one.problem is None and [type(problem) for problem in told] == [StorageFull, type(None)]
    one.close()
    assert stored(path, monitor) == (list(range(1, 2011)), 2010)


def test_too_much_waiting_is_refused_from_one_seq_on_so_the_cursor_stays_before_it(
    prepared: tuple[Path, int], expect_log: ExpectLog
) -> None:
    expect_log("nothing can be written")
    path, monitor = prepared
    one = Writer(path, Clock(), waiting_results=3_100)
    one.start()
    one.submit(lambda database: limit(database, 0)).result(10)
    one.append(batch(rows(monitor, 1, 3000), first_seq=1))
    with pytest.raises(StorageFull):
        one.flush().result(10)
    one.append(batch(rows(monitor, 3001, 3110), first_seq=3001))
    one.append(batch(rows(monitor, 3111, 3112), first_seq=3111))
    one.submit(lambda database: limit(database, 10_000)).result(10)
    one.flush().result(10)
    one.append(batch(rows(monitor, 3113, 3114), first_seq=3113))
    one.flush().result(10)
    assert stored(path, monitor) == (list(range(1, 3001)), 3000)
    one.append(batch(rows(monitor, 3001, 3120), first_seq=3001))
    one.close()
    assert stored(path, monitor) == (list(range(1, 3121)), 3120)


def test_failing_command_changes_nothing_and_hurts_no_other(prepared: tuple[Path, int]) -> None:
    path, _monitor = prepared
    one = Writer(path, Clock())
    one.start()

    def bad(database: peewee.SqliteDatabase) -> None:
        with database.atomic("IMMEDIATE"):
            database.execute_sql("DELETE FROM monitor")
            raise ZeroDivisionError

    future = one.submit(bad)
    with pytest.raises(ZeroDivisionError):
        future.result(10)
    assert one.submit(lambda database: database.execute_sql("SELECT count(*) FROM monitor").fetchone()).result(10) == (
        1,
    )
    one.close()
    with pytest.raises(StorageError):
        one.flush().result(10)


def test_results_are_committed_by_number_without_being_asked(prepared: tuple[Path, int]) -> None:
    path, monitor = prepared
    one = Writer(path, Clock())
    one.start()
    one.append(batch(rows(monitor, 1, writer.GATHER_RESULTS)))
    # A command is carried out after what is due before it, at the latest in the next turn.
    until = threading.Event()
    for _ in range(1000):
        if stored(path, monitor)[1]:
            break
        until.wait(0.01)
    assert stored(path, monitor)[1] == writer.GATHER_RESULTS
    one.close()


_LIMITED = """
import asyncio, resource, signal, sys
from pathlib import Path
sys.path[:0] = [{root!r}, {root!r} + "/probes"]
from pingmon_gui.domain.error import StorageError
from pingmon_gui.store.store import Store
from tests.store.helper import START_MS, Clock, Measured, batch
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

async def main():
    path = Path({path!r})
    store = Store.open(path, now_ms=Clock())
    monitor = store.configuration().monitors[0].id
    resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, resource.RLIM_INFINITY))
    seq = 0
    try:
        while seq < 100000:
            numbers = range(seq + 1, seq + 501)
            rows = [Measured(monitor, START_MS + n * 1000, total_us=n * 7919 % 9999991) for n in numbers]
            store.append(batch(rows, first_seq=seq + 1))
            seq += 500
            await store.flush()
    except StorageError as error:
        print(type(error).__name__)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await store.flush()
    print(seq, store.problem)
    await store.close()

asyncio.run(main())
"""


def test_file_size_limit_of_the_system_is_survived(prepared: tuple[Path, int]) -> None:
    path, monitor = prepared
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    code = _LIMITED.format(root=str(ROOT), path=str(path), size=300_000)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    kind, last = done.stdout.split("\n")[:2]
    assert kind in ("StorageFull", "StorageError")
    seq, problem = last.split()
    assert problem == "None"
    assert stored(path, monitor) == (list(range(1, int(seq) + 1)), int(seq))
