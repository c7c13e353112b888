"""SQLite's log of latest changes: what is read of it, whole and damaged, and that a damage in its middle is noticed."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pingmon_gui.domain.error import StorageCorrupt
from pingmon_gui.domain.rescue import Remark
from pingmon_gui.store.change_log import read_change_log
from pingmon_gui.store.rescue import rescue
from pingmon_gui.store.store import Store
from tests.store.damage import PAGE_BYTES
from tests.store.helper import START_MS, Clock, Measured, add, batch, open_store, run

FRAME_BYTES = 24 + PAGE_BYTES
HEAD_BYTES = 32
TRANSACTIONS = 12


@pytest.fixture
def crashed(tmp_path: Path) -> Path:
    """A database with a log of twelve commits, as a process that was killed leaves it."""
    path = tmp_path / "plain.db"
    crash = tmp_path / "crashed" / "plain.db"
    crash.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        for number in range(TRANSACTIONS):
            with connection:
                connection.execute(f"CREATE TABLE t{number} (x TEXT)")
                connection.execute(f"INSERT INTO t{number} VALUES (?)", ("x" * 3000,))
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", f"{crash}{suffix}")
    return crash


def log_of(path: Path) -> Path:
    return Path(f"{path}-wal")


def damage(path: Path, place: int, length: int = 64) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(random.Random(place).randbytes(length))


def frame(number: int) -> int:
    """Return where the page of a frame (from 1) begins in the log."""
    return HEAD_BYTES + (number - 1) * FRAME_BYTES + 24


def test_whole_log_gives_the_pages_that_sqlite_sees(crashed: Path) -> None:
    log = read_change_log(log_of(crashed), PAGE_BYTES)
    with closing(sqlite3.connect(crashed)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
    content = crashed.read_bytes()
    assert (log.page_count, log.lost_frames, log.is_cut) == (pages, 0, False)
    assert len(log.pages) == pages
    for number, page in log.pages.items():
        assert content[(number - 1) * PAGE_BYTES : number * PAGE_BYTES] == page


def test_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    (tmp_path / "empty-wal").write_bytes(b"")
    for name in ("nothing-wal", "empty-wal"):
        log = read_change_log(tmp_path / name, PAGE_BYTES)
        assert (log.pages, log.page_count, log.lost_frames, log.is_cut) == ({}, None, 0, False)


@pytest.mark.parametrize("offset", [0, -20])
def test_damaged_frame_costs_itself_and_is_noticed(crashed: Path, offset: int) -> None:
    whole = read_change_log(log_of(crashed), PAGE_BYTES)
    damage(log_of(crashed), frame(4) + offset, 12)
    log = read_change_log(log_of(crashed), PAGE_BYTES)
    assert log.is_cut and log.page_count == whole.page_count
    # A damaged head takes the frame behind it along: nothing says what its checksum began with.
    assert log.lost_frames == (1 if offset == 0 else 2)
    assert all(log.pages[number] == whole.pages[number] for number in log.pages if number > 4)


def test_torn_end_is_what_a_crash_leaves_and_no_damage(crashed: Path) -> None:
    content = log_of(crashed).read_bytes()
    log_of(crashed).write_bytes(content[: -PAGE_BYTES // 2])
    assert not read_change_log(log_of(crashed), PAGE_BYTES).is_cut
    log_of(crashed).write_bytes(content[:-200] + bytes(200))
    assert not read_change_log(log_of(crashed), PAGE_BYTES).is_cut


def test_damaged_head_of_the_log_costs_one_frame(crashed: Path) -> None:
    whole = read_change_log(log_of(crashed), PAGE_BYTES)
    damage(log_of(crashed), 0, HEAD_BYTES)
    log = read_change_log(log_of(crashed), PAGE_BYTES)
    assert (log.is_cut, log.lost_frames, log.page_count) == (True, 1, whole.page_count)


def test_frames_of_an_earlier_round_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "plain.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (x TEXT)")
        connection.executemany("INSERT INTO t VALUES (?)", [("early" * 500,)] * 50)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
        with connection:
            connection.execute("INSERT INTO t VALUES ('late')")
        log = read_change_log(log_of(path), PAGE_BYTES)
    assert 0 < len(log.pages) < 5
    assert (log.lost_frames, log.is_cut) == (0, False)


async def written(folder: Path, crash: Path) -> list[Measured]:
    """Write results in many commits and copy the files to a folder as a kill would leave them."""
    store = open_store(folder)
    (monitor,) = await add(store, 1)
    rows = [Measured(monitor.id, START_MS + n * 10_000, total_us=1000 + n) for n in range(400)]
    for first in range(0, len(rows), 10):
        store.append(batch(rows[first : first + 10], first_seq=first + 1))
        await store.flush()
    for suffix in ("", "-wal"):
        shutil.copy(folder / f"pingmon.db{suffix}", crash / f"pingmon.db{suffix}")
    await store.close()
    return rows


def test_damage_in_the_log_is_an_error_and_costs_what_it_hit(tmp_path: Path) -> None:
    crash = tmp_path / "crash"
    crash.mkdir()
    rows = run(written(tmp_path / "whole", crash))
    path = crash / "pingmon.db"
    frames = (log_of(path).stat().st_size - HEAD_BYTES) // FRAME_BYTES
    damage(log_of(path), frame(frames // 2))
    with pytest.raises(StorageCorrupt, match="log of the latest changes"):
        Store.open(path, now_ms=Clock())
    rescued = rescue(path, START_MS, lambda _share: None)
    assert (Remark.LOST_CHANGES, 1) in rescued.remarks

    async def look() -> None:
        store = Store.open(path, now_ms=Clock())
        (monitor,) = store.configuration().monitors
        (history,) = await store.results(monitor.id, START_MS, START_MS + len(rows) * 10_000)
        known = {row.at_ms for row in rows}
        assert set(history.at_ms.tolist()) <= known
        # SQLite itself would have given the first half.
        assert len(history.at_ms) >= len(rows) - 10
        await store.close()

    run(look())
