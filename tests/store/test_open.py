"""Files that cannot be opened: each has its own error and sentence, and nothing is overwritten."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pingmon_gui.domain.error import (
    PingmonError,
    StorageCorrupt,
    StorageError,
    StorageReadOnly,
    StorageTooNew,
)
from pingmon_gui.store.migrations import STEPS
from pingmon_gui.store.store import Store
from tests.store.helper import HOUR_MS, START_MS, Clock, Measured, add, batch, compact, open_store, run

NOBODY = 65534


def filled(folder: Path, count: int = 500) -> Path:
    """Return a database with chunks, roll-ups and a journal."""

    async def main() -> None:
        clock = Clock()
        store = open_store(folder, clock)
        monitors = await add(store, 20)
        rows = [Measured(monitors[n % 20].id, START_MS + n * 17_000, total_us=(n * 7919) % 99991) for n in range(count)]
        store.append(batch(rows))
        await store.flush()
        await compact(store, clock, START_MS + 2 * HOUR_MS)
        await store.close()

    run(main())
    return folder / "pingmon.db"


def as_nobody(work: Callable[[], None]) -> None:
    """Run something in a child process that is not root, whoever runs the tests. Its exit code must be 0."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            work()
            code = 0
        except BaseException as exc:
            print(repr(exc), file=sys.stderr)
        finally:
            os._exit(code)
    _pid, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def reachable(folder: Path) -> None:
    """Let everybody into a folder, so that only the rights that a test sets count."""
    for parent in (folder, *folder.parents):
        if parent.owner() != "root" or parent.stat().st_uid == os.getuid():
            mode = parent.stat().st_mode & 0o7777
            if mode & 0o011 != 0o011:
                parent.chmod(mode | 0o011)


def open_fails(path: Path, kind: type[PingmonError], *words: str, read_only: bool = False) -> None:
    with pytest.raises(StorageError) as caught:
        Store.open(path, read_only=read_only, now_ms=Clock())
    assert type(caught.value) is kind, caught.value
    for word in words:
        assert word in str(caught.value)


def test_missing_folder_is_made_private(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "pingmon.db"
    run(Store.open(path, now_ms=Clock()).close())
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_newer_schema_is_refused_with_both_versions(tmp_path: Path) -> None:
    path = filled(tmp_path, 10)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 42")
    connection.close()
    before = path.read_bytes()
    for read_only in (False, True):
        open_fails(path, StorageTooNew, "42", f"schemas up to {len(STEPS)}", str(path), read_only=read_only)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"this is no database at all" * 300, b"SQLite format 3\0" + b"\xff" * 5000])
def test_file_that_is_no_database_is_corrupt_and_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "pingmon.db"
    path.write_bytes(content)
    open_fails(path, StorageCorrupt, str(path))
    open_fails(path, StorageCorrupt, str(path), read_only=True)
    assert path.read_bytes() == content


def test_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pingmon.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    connection.close()
    open_fails(path, StorageCorrupt, "not one of Pingmon")


def test_file_damaged_in_the_middle_is_noticed_at_start(tmp_path: Path) -> None:
    path = filled(tmp_path)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 16384] = os.urandom(16384)
    path.write_bytes(content)
    open_fails(path, StorageCorrupt)


def test_truncated_file_is_noticed_at_start(tmp_path: Path) -> None:
    path = filled(tmp_path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    open_fails(path, StorageCorrupt)


def test_damaged_chunk_is_named_when_it_is_read(tmp_path: Path) -> None:
    path = filled(tmp_path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE chunk SET data = x'0199aabbccdd'")
    connection.close()

    async def main() -> None:
        store = Store.open(path, now_ms=Clock())
        with pytest.raises(StorageCorrupt):
            await store.results(store.configuration().monitors[0].id, START_MS, START_MS + 9 * HOUR_MS)
        await store.close()

    run(main())


def test_folder_instead_of_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "pingmon.db").mkdir()
    open_fails(tmp_path / "pingmon.db", StorageError, "folder")


def test_parent_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    open_fails(tmp_path / "data" / "pingmon.db", StorageError, str(tmp_path))


def test_reading_what_is_not_there_is_said(tmp_path: Path) -> None:
    open_fails(tmp_path / "pingmon.db", StorageError, "no database", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_read_only_file_and_folder_are_refused_for_writing_and_read_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    path = filled(folder)
    reachable(folder)
    for leftover in folder.glob("*-*"):
        leftover.unlink()
    path.chmod(0o444)
    folder.chmod(0o555)

    def look() -> None:
        open_fails(path, StorageReadOnly, str(path))
        open_fails(folder / "new" / "pingmon.db", StorageReadOnly)

        async def main() -> None:
            store = Store.open(path, read_only=True, now_ms=Clock())
            monitors = store.configuration().monitors
            assert len(await store.results(monitors[0].id, START_MS, START_MS + 9 * HOUR_MS)) == 1
            await store.close()

        run(main())

    try:
        as_nobody(look)
    finally:
        folder.chmod(0o755)
