"""Backups: whole, checked, private, made while results come in; and what may not be overwritten."""

from __future__ import annotations

import random
import resource
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from pingmon_gui.domain.backup import BackupFacts
from pingmon_gui.domain.error import InvalidInput, StorageCorrupt, StorageError, StorageFull, UserCancelled
from pingmon_gui.domain.monitor import MonitorDraft, MonitorSettings
from pingmon_gui.store.backup import back_up, must_have_room
from pingmon_gui.store.store import Store
from tests.store.damage import damage_pages, is_sound, rows_of
from tests.store.helper import HOUR_MS, START_MS, Clock, Measured, add, batch, compact, open_store, run
from tests.store.kill import killed_at_every_step


def nothing(_share: float) -> None:
    """Hear no progress."""


def names_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def void(_value: object) -> None:
    """Drop a value."""


def filled(folder: Path) -> Path:
    """Return a database with chunks, roll-ups, a journal, and a domain with a password."""

    async def main() -> None:
        clock = Clock()
        store = open_store(folder, clock)
        monitors = await add(store, 20)
        await store.add_monitors([MonitorDraft("https://x.example/", settings=MonitorSettings(basic_auth="me:secret"))])
        rows = [Measured(monitors[n % 20].id, START_MS + n * 7_000, total_us=n + 1) for n in range(1_000)]
        store.append(batch(rows))
        await store.flush()
        await compact(store, clock, START_MS + 3 * HOUR_MS // 2)
        await store.close()

    run(main())
    return folder / "pingmon.db"


def test_backup_holds_everything_in_one_private_file(tmp_path: Path) -> None:
    path = filled(tmp_path / "data")
    target = tmp_path / "copy.db"
    shares: list[float] = []
    facts = back_up(path, target, 7, shares.append)
    before, after = rows_of(path), rows_of(target)
    assert dict(after.pop("meta")) == {**dict(before.pop("meta")), "backup_made_at_ms": "7"}
    assert after == before
    assert target.stat().st_mode & 0o777 == 0o600
    assert names_in(tmp_path) == ["copy.db", "data"]
    assert shares[-1] == 1.0 and shares == sorted(shares)
    assert facts == BackupFacts(
        path=target,
        file_bytes=target.stat().st_size,
        schema=facts.schema,
        domains=21,
        remote_probes=0,
        with_passwords=1,
        results=1_000,
        from_ms=START_MS,
        to_ms=START_MS + 2 * HOUR_MS,
        made_at_ms=7,
    )
    run(Store.open(target, now_ms=Clock()).close())


def test_results_go_no_further_than_the_moment_a_backup_was_made(tmp_path: Path) -> None:
    path, made_at_ms = filled(tmp_path / "data"), START_MS + 2 * HOUR_MS - 1
    facts = back_up(path, tmp_path / "copy.db", made_at_ms, nothing)
    assert facts.to_ms == START_MS + 2 * HOUR_MS and facts.until_ms == made_at_ms
    # A clock that was set says nothing of the results.
    assert replace(facts, made_at_ms=7).until_ms == replace(facts, made_at_ms=None).until_ms == facts.to_ms


def test_folder_gets_a_file_with_the_date(tmp_path: Path) -> None:
    path = filled(tmp_path / "data")
    facts = back_up(path, tmp_path, 1, nothing)
    assert facts.path.parent == tmp_path
    assert facts.path.name.startswith("pingmon-backup-20") and facts.path.suffix == ".db"
    assert is_sound(facts.path)


def test_backup_is_of_one_moment_while_results_come_in(tmp_path: Path) -> None:
    """Each commit adds two results: a backup that mixed moments would have an odd number, or a cursor ahead."""

    async def main() -> None:
        clock = Clock()
        store = open_store(tmp_path, clock)
        (one,) = await add(store, 1)
        stop = threading.Event()
        taken: list[BackupFacts] = []

        def take() -> None:
            while not stop.is_set():
                taken.append(back_up(store.path, tmp_path / f"copy-{len(taken)}.db", 1, nothing))

        thread = threading.Thread(target=take)
        thread.start()
        seq = 0
        while len(taken) < 6:
            store.append(batch([Measured(one.id, START_MS + (seq + n) * 1_000) for n in range(2)], first_seq=seq + 1))
            seq += 2
            await store.flush()
            if seq % 400 == 0:
                clock.ms = START_MS + seq * 1_000
                await store.maintain()
        stop.set()
        thread.join()
        await store.close()
        for facts in taken:
            copy = Store.open(facts.path, read_only=True, now_ms=clock)
            cursors = copy.configuration().cursors
            assert (await copy.size()).raw_results == (cursors[1].seq if cursors else 0)
            await copy.close()
        assert taken[-1].results > taken[0].results

    run(main())


def test_store_backs_up_what_was_appended_a_moment_ago(tmp_path: Path) -> None:
    async def main() -> None:
        store = open_store(tmp_path)
        (one,) = await add(store, 1)
        store.append(batch([Measured(one.id, START_MS)]))
        facts = await store.back_up(tmp_path / "copy.db", nothing)
        assert (facts.results, facts.made_at_ms) == (1, START_MS)
        await store.close()

    run(main())


def test_backup_replaces_a_backup_and_nothing_else(tmp_path: Path) -> None:
    path = filled(tmp_path / "data")
    target = tmp_path / "copy.db"
    assert back_up(path, target, 1, nothing).made_at_ms == 1
    assert back_up(path, target, 2, nothing).made_at_ms == 2
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("years of work")
    with closing(sqlite3.connect(tmp_path / "songs.db")) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    for name in ("thesis.txt", "songs.db"):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(InvalidInput, match="no backup of Pingmon"):
            back_up(path, tmp_path / name, 3, nothing)
        assert (tmp_path / name).read_bytes() == before
    link = tmp_path / "link.db"
    link.symlink_to(path)
    for itself in (path, link, Path(f"{path}-wal")):
        with pytest.raises(InvalidInput, match="the database itself"):
            back_up(path, itself, 3, nothing)
    with pytest.raises(InvalidInput, match="no folder"):
        back_up(path, tmp_path / "nowhere" / "copy.db", 3, nothing)
    assert is_sound(path)


def test_cancelled_backup_leaves_nothing(tmp_path: Path) -> None:
    path = filled(tmp_path / "data")

    def cancel(_share: float) -> None:
        raise UserCancelled

    with pytest.raises(UserCancelled):
        back_up(path, tmp_path / "copy.db", 1, cancel)
    assert names_in(tmp_path) == ["data"]


def test_damaged_database_makes_no_backup(tmp_path: Path) -> None:
    path = filled(tmp_path / "data")
    damage_pages(path, random.Random(3), 8)
    with pytest.raises(StorageCorrupt, match="damaged"):
        back_up(path, tmp_path / "copy.db", 1, nothing)
    assert names_in(tmp_path) == ["data"]


def test_disk_that_takes_no_more_leaves_the_former_backup(tmp_path: Path) -> None:
    path = filled(tmp_path / "data")
    target = tmp_path / "copy.db"
    back_up(path, target, 1, nothing)
    before = target.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size // 2, limits[1]))
    try:
        with pytest.raises(StorageError, match=str(target)):
            back_up(path, target, 2, nothing)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert target.read_bytes() == before
    assert names_in(tmp_path) == ["copy.db", "data"]


def test_too_little_room_is_known_beforehand_with_numbers(tmp_path: Path) -> None:
    must_have_room(tmp_path, 1_000)
    with pytest.raises(StorageFull, match="1,152,921,504,607 MB are needed"):
        must_have_room(tmp_path, 1 << 60)


def test_killed_backup_leaves_the_former_one_whole(tmp_path: Path) -> None:
    path = filled(tmp_path / "data")
    target = tmp_path / "copy.db"
    back_up(path, target, 1, nothing)
    kills = 0
    for _ in killed_at_every_step(lambda: void(back_up(path, target, 2, nothing))):
        kills += 1
        assert is_sound(target)
    assert kills >= 4
    assert dict(rows_of(target)["meta"])["backup_made_at_ms"] == "2"
    assert names_in(tmp_path) == ["copy.db", "data"]
