"""Restoring: checked to the last row before anything is replaced, and old or new whatever dies when."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from pingmon_gui.domain.error import (
    InvalidInput,
    PingmonError,
    StorageCorrupt,
    StorageError,
    StorageTooNew,
    UserCancelled,
)
from pingmon_gui.store import replacement
from pingmon_gui.store.aside import Reason, aside_files
from pingmon_gui.store.backup import back_up
from pingmon_gui.store.migrations import STEPS
from pingmon_gui.store.restore import prepare_restore, restore
from pingmon_gui.store.store import Store
from tests.store.damage import PAGE_BYTES, is_sound, root_page, rows_of
from tests.store.helper import Clock, add, open_store, run
from tests.store.kill import killed_at_every_step
from tests.store.test_backup import filled, names_in, nothing

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup of a database of 21 domains."""
    return back_up(filled(tmp_path / "old"), tmp_path / "backup.db", 5, nothing).path


@pytest.fixture
def present(tmp_path: Path) -> Path:
    """A database of two domains, with a log beside it as a kill leaves it."""
    folder = tmp_path / "data"
    child = os.fork()
    if child == 0:
        store = open_store(folder)
        run(add(store, 2))
        os._exit(0)
    os.waitpid(child, 0)
    assert Path(f"{folder / 'pingmon.db'}-wal").stat().st_size > 0
    return folder / "pingmon.db"


def domains(path: Path) -> int:
    store = Store.open(path, now_ms=Clock())
    count = len(store.configuration().monitors)
    run(store.close())
    return count


def test_restored_database_is_the_backup_and_the_former_one_is_kept(backup: Path, present: Path) -> None:
    shares: list[float] = []
    facts = prepare_restore(present, backup, shares.append)
    assert (facts.domains, facts.results, facts.made_at_ms, facts.path) == (21, 1_000, 5, backup)
    assert shares[-1] == 1.0 and shares == sorted(shares)
    aside = restore(present, facts).aside
    before, after = rows_of(backup), rows_of(present)
    before["meta"] = {row for row in before["meta"] if row[0] != "backup_made_at_ms"}
    assert after == before
    assert present.stat().st_mode & 0o777 == 0o600
    assert domains(present) == 21
    assert [file.reason for file in aside_files(present)] == [Reason.REPLACED]
    assert domains(aside) == 2  # what was in its log is there, too
    assert not list(present.parent.glob("*.incoming*")) and not list(present.parent.glob("*.replacement*"))


def test_backup_of_every_schema_is_brought_up_to_date(present: Path) -> None:
    for schema in range(1, len(STEPS) + 1):
        source = FIXTURES / f"schema_{schema}.db"
        before = source.read_bytes()
        facts = prepare_restore(present, source, nothing)
        assert facts.schema == schema
        restore(present, facts)
        assert domains(present) == 2
        assert source.read_bytes() == before


def test_copy_made_by_hand_is_restored_with_its_log(tmp_path: Path, present: Path) -> None:
    by_hand = tmp_path / "by-hand.db"
    for suffix in ("", "-wal"):
        shutil.copy(f"{present}{suffix}", f"{by_hand}{suffix}")
    other = tmp_path / "other" / "pingmon.db"
    facts = prepare_restore(other, by_hand, nothing)
    assert facts.domains == 2
    restore(other, facts)
    assert domains(other) == 2


def spoiled(path: Path, spoil: Callable[[sqlite3.Connection], object]) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        spoil(connection)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def hole(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek((root_page(path, "chunk") - 1) * PAGE_BYTES)
        file.write(bytes(PAGE_BYTES))


@pytest.mark.parametrize(
    ("spoil", "kind", "words"),
    [
        (lambda path: path.write_bytes(b"no database " * 999), StorageCorrupt, "not a database"),
        (lambda path: path.write_bytes(b""), StorageCorrupt, "not a database of Pingmon"),
        (lambda path: spoiled(path, lambda c: c.execute("PRAGMA application_id = 5")), StorageCorrupt, "of Pingmon"),
        (lambda path: spoiled(path, lambda c: c.execute("PRAGMA user_version = 77")), StorageTooNew, "schema 77"),
        (cut, StorageCorrupt, "damaged"),
        (hole, StorageCorrupt, "damaged"),
        (lambda path: spoiled(path, lambda c: c.execute("UPDATE chunk SET data = x'0199'")), StorageCorrupt, "damaged"),
        (
            lambda path: spoiled(path, lambda c: c.execute("UPDATE monitor SET settings = '{' WHERE place = 3")),
            StorageCorrupt,
            "cannot be read",
        ),
        (lambda path: path.unlink(), InvalidInput, "no file"),
        (lambda path: (path.unlink(), path.mkdir()), InvalidInput, "not a file"),
    ],
)
def test_file_that_cannot_be_restored_changes_nothing(
    backup: Path, present: Path, spoil: Callable[[Path], object], kind: type[PingmonError], words: str
) -> None:
    spoil(backup)
    before = {file.name: file.read_bytes() for file in present.parent.iterdir()}
    with pytest.raises(kind) as caught:
        prepare_restore(present, backup, nothing)
    assert type(caught.value) is kind
    assert words in f"{caught.value.message} {caught.value.hint}"
    assert "incoming" not in str(caught.value)
    assert {file.name: file.read_bytes() for file in present.parent.iterdir()} == before


def test_present_database_is_no_backup_of_itself(present: Path) -> None:
    with pytest.raises(InvalidInput, match="present database itself"):
        prepare_restore(present, present, nothing)
    assert domains(present) == 2


def test_cancelled_check_leaves_nothing(backup: Path, present: Path) -> None:
    def cancel(share: float) -> None:
        if share > 0.5:
            raise UserCancelled

    names = names_in(present.parent)
    with pytest.raises(UserCancelled):
        prepare_restore(present, backup, cancel)
    assert names_in(present.parent) == names


def test_kill_at_any_step_leaves_the_old_or_the_new_one_whole(tmp_path: Path, backup: Path, present: Path) -> None:
    folder = tmp_path / "tried"
    path = folder / "pingmon.db"

    def work() -> None:
        restore(path, prepare_restore(path, backup, nothing))

    def fresh() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(present.parent, folder)

    fresh()
    outcomes: list[int] = []
    for _ in killed_at_every_step(work):
        # A reader may look before anybody has ended what was begun; it must not see a mixture.
        try:
            reader = Store.open(path, read_only=True, now_ms=Clock())
            assert len(reader.configuration().monitors) in (2, 21)
            run(reader.close())
        except StorageError as exc:
            assert "being replaced" in str(exc)
        outcomes.append(domains(path))
        assert is_sound(path)
        if outcomes[-1] == 21:
            (aside,) = aside_files(path)
            assert domains(aside.path) == 2
        assert not list(folder.glob("*.incoming*")) and not list(folder.glob("*.replacement"))
        fresh()
    assert set(outcomes) == {2, 21} and outcomes == sorted(outcomes)
    assert len(outcomes) > 12


def test_only_the_newest_two_replaced_databases_stay(backup: Path, present: Path) -> None:
    kept = []
    for number in range(4):
        kept.append(restore(present, prepare_restore(present, backup, nothing)).aside)
        os.utime(kept[-1], (number, number))
    facts = prepare_restore(present, backup, nothing)
    kept.append(restore(present, facts).aside)
    with pytest.raises(StorageError, match="not there any more"):
        restore(present, facts)
    assert {file.path for file in aside_files(present)} == {kept[-1], kept[-2]}


def test_reader_waits_for_a_replacement_that_was_begun(backup: Path, present: Path) -> None:
    prepare_restore(present, backup, nothing)
    note = present.with_name(f"{present.name}.replacement")
    note.write_text('{"aside": "pingmon-replaced-now.db"}')
    with pytest.raises(StorageError, match="being replaced"):
        Store.open(present, read_only=True, now_ms=Clock())
    assert domains(present) == 21
    assert not note.exists()
    replacement.finish(present)
    assert domains(present) == 21
