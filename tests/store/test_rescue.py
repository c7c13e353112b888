"""A damaged file: what can be read is saved, nothing is made up, and the person is told what is lost."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pingmon_gui.domain.error import StorageCorrupt, StorageTooNew, UserCancelled
from pingmon_gui.domain.history import DAY_MS
from pingmon_gui.domain.rescue import Kept, Remark, Rescued
from pingmon_gui.store.b_tree import children, index_rows, kind_of, table_rows
from pingmon_gui.store.page_file import PageFile
from pingmon_gui.store.page_map import PageMap
from pingmon_gui.store.rescue import rescue
from pingmon_gui.store.rollup_row import decode
from pingmon_gui.store.store import Store
from tests.bench.year.make import make
from tests.bench.year.story import Shape
from tests.store.damage import (
    PAGE_BYTES,
    Rows,
    damage_pages,
    is_sound,
    overwrite,
    root_page,
    rows_of,
)
from tests.store.helper import HOUR_MS, START_MS, Clock, Measured, add, batch, compact, open_store, run
from tests.store.kill import killed_at_every_step
from tests.store.test_backup import void

END_MS = 1_795_371_600_000
#: What is made anew or counted anew differs from what was there.
RECOUNTED = {"meta", "compaction", "rollup_day"}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with something in every table that matters; nobody may write there."""
    folder = tmp_path_factory.mktemp("sound")
    make(folder, Shape(monitors=2, days=20, raw_days=1, fine_days=4, seed=5), END_MS)
    return folder / "pingmon.db"


@pytest.fixture
def path(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "pingmon.db"))


def saved(path: Path) -> Rescued:
    before = path.read_bytes()
    rescued = rescue(path, END_MS, lambda _share: None)
    assert rescued.aside.read_bytes() == before
    assert is_sound(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert not list(path.parent.glob("*.incoming*"))
    return rescued


def rows_on_pages(path: Path) -> dict[int, int]:
    """Return how many rows would be lost with each page of an undamaged file: those on it, or that run over it."""
    found: dict[int, int] = {}
    with PageFile(path) as file:
        map_ = PageMap(file)
        for number in file.numbers():
            page = file.page(number)
            if map_.is_free(number) or page is None:
                continue
            kind = kind_of(page, number)
            rows = [] if kind is None else list((table_rows if kind in (5, 13) else index_rows)(file, page, number))
            found[number] = 1 if kind is None else 0 if kind == 5 else len(rows)
    return found


def test_undamaged_file_is_saved_to_the_last_row(path: Path) -> None:
    before = rows_of(path)
    rescued = saved(path)
    assert rows_of(path) == before
    assert rescued.is_whole
    assert rescued.count(Kept.DOMAINS).saved == 2
    assert rescued.count(Kept.PROBES).saved == 5
    assert rescued.count(Kept.INCIDENTS).saved == len(before["incident"]) > 0


@pytest.mark.parametrize("seed", range(8))
def test_random_pages_cost_their_own_rows_and_nothing_is_made_up(sound: Path, path: Path, seed: int) -> None:
    chance = random.Random(seed)
    before = rows_of(path)
    at_stake = rows_on_pages(path)
    damaged = damage_pages(path, chance, chance.choice([1, 3, 12, 40]))
    rescued = saved(path)
    after = rows_of(path)
    assert_nothing_made_up(rescued, before, after)
    lost = sum(len(before[table] - after[table]) for table in before if table not in RECOUNTED)
    # A domain, a series or an incident that is lost takes with it what would belong to nobody.
    homeless = 0 if has_all(before, after, "series", "incident") else len(before["incident_note"]) + at_stake_of(before)
    assert lost <= sum(at_stake.get(page, 0) for page in damaged) + homeless
    check_told(rescued, before, after)
    run(check_usable(path))


def assert_nothing_made_up(rescued: Rescued, before: Rows, after: Rows) -> None:
    made_up = {table: after[table] - before[table] for table in before if table not in RECOUNTED}
    rebuilt = [remark for remark, _count in rescued.remarks]
    for table, remark in (("monitor", Remark.REBUILT_DOMAINS), ("probe", Remark.REBUILT_PROBES)):
        assert not made_up.pop(table) or remark in rebuilt
    for table in ("rollup_5min", "rollup_hour"):
        known = dict(before[table])
        for id_, data in made_up.pop(table):
            # Made anew: what reached in from an hour that is lost is not known any more.
            one, was = decode(data), decode(known[id_])
            assert one.count.tolist() == was.count.tolist() and (one.known_ms <= was.known_ms).all()
    assert not any(made_up.values()), {table: len(rows) for table, rows in made_up.items() if rows}


def at_stake_of(rows: Rows) -> int:
    return sum(len(rows[table]) for table in ("chunk", "rollup_5min", "rollup_hour", "rollup_day"))


def has_all(before: Rows, after: Rows, *tables: str) -> bool:
    return all(before[table] == after[table] for table in tables)


def check_told(rescued: Rescued, before: Rows, after: Rows) -> None:
    """What is said must be true: saved counts are the rows that are there, what is lost is never silent."""
    assert rescued.count(Kept.DOMAINS).saved == len(after["monitor"])
    assert rescued.count(Kept.INCIDENTS).saved == len(after["incident"])
    results = sum(int(str(row[1])) for row in after["chunk"]) + sum(int(str(row[2])) for row in after["journal"])
    assert rescued.count(Kept.RESULTS).saved == results
    for kind, tables in (
        (Kept.RESULTS, ("chunk", "journal")),
        (Kept.INCIDENTS, ("incident",)),
        (Kept.ROLLUPS, ("rollup_5min", "rollup_hour")),
        (Kept.SETTINGS, ("setting",)),
    ):
        is_lost = any(before[table] - after[table] for table in tables)
        assert not (is_lost and rescued.count(kind).is_whole), kind


async def check_usable(path: Path) -> None:
    store = Store.open(path, now_ms=Clock(END_MS))
    for monitor in store.configuration().monitors:
        await store.results(monitor.id, END_MS - DAY_MS, END_MS)
        await store.rollups(monitor.id, END_MS - 30 * DAY_MS, END_MS, HOUR_MS)
    await store.incidents(0, END_MS)
    await store.close()


def test_first_page_that_is_gone_costs_nothing(path: Path) -> None:
    before = rows_of(path)
    overwrite(path, 1, bytes(PAGE_BYTES))
    rescued = saved(path)
    assert rows_of(path) == before
    assert rescued.is_whole


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_truncated_file_keeps_what_lies_before_the_cut(path: Path, share: float) -> None:
    before = rows_of(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    rescued = saved(path)
    after = rows_of(path)
    for table in ("monitor", "monitor_version", "probe", "setting", "standing", "cursor"):
        assert after[table] == before[table]
    assert_nothing_made_up(rescued, before, after)
    check_told(rescued, before, after)
    run(check_usable(path))


def test_pointer_map_that_is_gone_costs_nothing(path: Path) -> None:
    before = rows_of(path)
    overwrite(path, 2, random.Random(1).randbytes(PAGE_BYTES))
    rescued = saved(path)
    assert rows_of(path) == before
    assert rescued.is_whole


def test_inner_pages_that_are_gone_cost_nothing(path: Path) -> None:
    before = rows_of(path)
    with PageFile(path) as file:
        inner = [number for number in file.numbers() if kind_of(file.page(number), number) == 5]
        assert len(inner) > 3 and children(file.page(inner[-1]) or b"", inner[-1])
    for number in inner:
        overwrite(path, number, b"\xff" * PAGE_BYTES)
    assert saved(path).is_whole
    assert rows_of(path) == before


def test_series_are_read_from_their_index(path: Path) -> None:
    before = rows_of(path)
    overwrite(path, root_page(path, "series"), bytes(PAGE_BYTES))
    saved(path)
    assert rows_of(path) == before


def test_lost_domains_come_back_paused_from_their_versions(path: Path) -> None:
    before = rows_of(path)
    overwrite(path, root_page(path, "monitor"), bytes(PAGE_BYTES))
    rescued = saved(path)
    assert (Remark.REBUILT_DOMAINS, 2) in rescued.remarks
    assert rescued.count(Kept.DOMAINS).is_whole

    async def look() -> None:
        store = Store.open(path, now_ms=Clock(END_MS))
        monitors = store.configuration().monitors
        assert {(one.id, one.url, one.is_paused) for one in monitors} == {
            (row[1], row[3], True) for row in before["monitor"]
        }
        assert {tag for one in monitors for tag in one.tags} == {row[2] for row in before["tag"]}
        assert await store.results(monitors[0].id, END_MS - HOUR_MS, END_MS)
        await store.close()

    run(look())


def test_lost_versions_are_those_of_the_domains(path: Path) -> None:
    before = rows_of(path)
    overwrite(path, root_page(path, "monitor_version"), bytes(PAGE_BYTES))
    saved(path)
    assert rows_of(path)["monitor_version"] == before["monitor_version"]


def test_lost_probes_are_named_by_what_incidents_tell(path: Path) -> None:
    before = rows_of(path)
    overwrite(path, root_page(path, "probe"), bytes(PAGE_BYTES))
    rescued = saved(path)
    assert (Remark.REBUILT_PROBES, 5) in rescued.remarks
    assert {row[:3] for row in rows_of(path)["probe"]} == {row[:3] for row in before["probe"]}


def test_lost_owner_is_a_new_one_and_said(path: Path) -> None:
    before = dict(rows_of(path)["meta"])
    overwrite(path, root_page(path, "meta"), bytes(PAGE_BYTES))
    rescued = saved(path)
    after = dict(rows_of(path)["meta"])
    assert (Remark.NEW_OWNER, 1) in rescued.remarks
    assert len(str(after["owner"])) == 32 and after["owner"] != before["owner"]
    assert after["chunk_results"] == before["chunk_results"]


def test_lost_rollups_are_made_anew_of_finer_ones(path: Path) -> None:
    before = rows_of(path)
    overwrite(path, root_page(path, "rollup_day"), bytes(PAGE_BYTES))
    with closing(sqlite3.connect(path)) as connection, connection:
        # Nothing is there any more of what reached into the first hour of results.
        second = connection.execute("SELECT (min(id) >> 32) + 1 FROM chunk").fetchone()[0]
        gone = connection.execute("DELETE FROM rollup_5min WHERE id >> 32 >= ?", (second,)).rowcount
        gone += connection.execute(
            "DELETE FROM rollup_hour WHERE id >> 37 > (SELECT max(id) >> 37 FROM rollup_hour) - 3"
        ).rowcount
        assert gone > 100
    saved(path)
    after = rows_of(path)
    assert after["rollup_5min"] == before["rollup_5min"]
    assert after["rollup_hour"] == before["rollup_hour"]
    assert after["rollup_day"] == before["rollup_day"]


def test_results_that_come_again_after_the_cursor_is_lost_are_not_doubled(tmp_path: Path) -> None:
    path = tmp_path / "pingmon.db"
    rows: list[Measured] = []

    async def before() -> None:
        clock = Clock()
        store = open_store(tmp_path, clock)
        monitors = await add(store, 2)
        rows.extend(Measured(monitors[n % 2].id, START_MS + n * 5_000, total_us=1000 + n) for n in range(1_500))
        store.append(batch(rows[:1_000]))
        await store.flush()
        await compact(store, clock, START_MS + 2 * HOUR_MS)
        store.append(batch(rows[1_000:], first_seq=1_001))
        await store.close()

    async def after() -> None:
        clock = Clock(START_MS + 2 * HOUR_MS)
        store = open_store(tmp_path, clock)
        assert store.configuration().cursors == {}
        store.append(batch(rows))
        await store.flush()
        for _ in range(2):
            for monitor in store.configuration().monitors:
                (history,) = await store.results(monitor.id, START_MS, START_MS + DAY_MS)
                assert len(history.at_ms) == 750
            await compact(store, clock, clock.ms + 3 * HOUR_MS)
        assert (await store.size()).raw_results == 1_500
        await store.close()

    run(before())
    overwrite(path, root_page(path, "cursor"), bytes(PAGE_BYTES))
    rescued = saved(path)
    assert (Remark.CURSORS, 1) in rescued.remarks
    run(after())


def test_lost_mark_of_compaction_doubles_nothing(path: Path) -> None:
    before = rows_of(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        # As in the middle of a job: the first hour of the journal lies in chunks already.
        connection.execute("UPDATE journal SET hour = (SELECT max(id) >> 32 FROM chunk) WHERE id < 20")
        connection.execute("UPDATE compaction SET last_block = 19, before_hour = 1 << 40, done_series = 1 << 40")
    overwrite(path, root_page(path, "compaction"), bytes(PAGE_BYTES))
    rescued = saved(path)
    assert rows_of(path)["compaction"] == {(1, 0, 0, 0)}
    assert len(rows_of(path)["journal"]) == len(before["journal"]) - 19
    assert not rescued.is_whole


def test_foreign_and_newer_files_are_left_alone(tmp_path: Path, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StorageTooNew):
        rescue(path, END_MS, lambda _share: None)
    other = tmp_path / "songs.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("PRAGMA application_id = 7")
        connection.execute("CREATE TABLE songs (title TEXT)")
    with pytest.raises(StorageCorrupt, match="not one of Pingmon"):
        rescue(other, END_MS, lambda _share: None)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["pingmon.db", "songs.db"]


@pytest.mark.parametrize("content", [b"", b"no database at all " * 5_000, b"SQLite format 3\0" + b"\xff" * 9_000])
def test_nonsense_gives_an_empty_database_and_keeps_the_nonsense(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "pingmon.db"
    path.write_bytes(content)
    rescued = rescue(path, END_MS, lambda _share: None)
    assert rescued.aside.read_bytes() == content
    assert rescued.count(Kept.DOMAINS).saved == 0
    assert (Remark.NEW_OWNER, 1) in rescued.remarks
    run(Store.open(path, now_ms=Clock()).close())


def test_cancelled_rescue_changes_nothing(path: Path) -> None:
    before = path.read_bytes()

    def progress(share: float) -> None:
        if share > 0.3:
            raise UserCancelled

    with pytest.raises(UserCancelled):
        rescue(path, END_MS, progress)
    assert [file.name for file in path.parent.iterdir()] == ["pingmon.db"]
    assert path.read_bytes() == before


def test_file_of_an_older_schema_is_saved_and_brought_up_to_date(tmp_path: Path) -> None:
    for schema in (1, 2, 3):
        fixture = Path(__file__).parent / "fixtures" / f"schema_{schema}.db"
        path = Path(shutil.copy(fixture, tmp_path / f"schema-{schema}.db"))
        overwrite(path, root_page(path, "tag"), bytes(PAGE_BYTES))
        rescue(path, END_MS, lambda _share: None)
        store = Store.open(path, now_ms=Clock())
        assert [monitor.name for monitor in store.configuration().monitors] == ["A", "B"]
        run(store.close())


def test_kill_at_any_step_leaves_the_damaged_or_the_saved_one(sound: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    path = folder / "pingmon.db"

    def fresh() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        shutil.copy(sound, path)
        overwrite(path, 1, bytes(PAGE_BYTES))

    fresh()
    outcomes: list[bool] = []
    for _ in killed_at_every_step(lambda: void(rescue(path, END_MS, lambda _share: None))):
        try:
            run(check_usable(path))
            outcomes.append(True)
        except StorageCorrupt:
            outcomes.append(False)
        assert not list(folder.glob("*.incoming*"))
        assert len(list(folder.glob("pingmon-damaged-*.db"))) == outcomes[-1]
        fresh()
    assert set(outcomes) == {True, False} and outcomes == sorted(outcomes)
