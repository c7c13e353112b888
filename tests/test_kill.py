"""kill -9 of the app or of its embedded probe at random moments: nothing committed is lost or doubled."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pingmon_gui.data_folder import database_path
from pingmon_gui.domain.error import DataFolderBusy
from pingmon_gui.domain.monitor import MonitorDraft, MonitorSettings
from pingmon_gui.domain.probe import EMBEDDED_PROBE
from pingmon_gui.ownership import ask, is_owned
from pingmon_gui.session import Session
from pingmon_gui.store.configuration import Cursor
from pingmon_gui.store.store import Store
from tests.cli.conftest import Processes, wait_until
from tests.engine.fakes import until
from tests.probe.probe_process import ProbeProcess, refused_url, rows, target

KILLS = 30
MONITORS = 20
#: Its pauses between starts grow with every death of the probe, so a life of the app ends after this many.
PROBE_KILLS_IN_A_LIFE = 3
ALL_TIME = (0, 2**53)

#: Monitor and start of a result: what it is known by in the store and in the spool.
Known = Counter[tuple[int, int]]


@dataclass(frozen=True)
class Kept:
    """What a reader finds in the database."""

    results: Known
    raw_results: int
    cursor: Cursor | None


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def read_kept(data_dir: Path) -> Kept:
    store = Store.open(database_path(data_dir), read_only=True, now_ms=now_ms)
    found = await asyncio.to_thread(store.configuration)
    results: Known = Counter()
    for monitor in found.monitors:
        for history in await store.results(monitor.id, *ALL_TIME):
            results.update((int(monitor.id), at_ms) for at_ms in history.at_ms.tolist())
    size = await store.size()
    await store.close()
    return Kept(results, size.raw_results, found.cursors.get(EMBEDDED_PROBE))


def kept(data_dir: Path) -> Kept:
    return asyncio.run(read_kept(data_dir))


def assert_whole(data_dir: Path, seen: Known) -> Kept:
    """Check the data of a folder that nobody works on: sound, each result once, and all that was `seen`."""
    with closing(sqlite3.connect(database_path(data_dir))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    now = kept(data_dir)
    assert not seen - now.results, "committed results were lost"
    last = now.cursor.seq if now.cursor is not None else 0
    # The spool counts from one and no monitor is ever removed: every number up to the cursor is one result.
    assert now.raw_results == now.results.total() == last
    return now


def processes_of(data_dir: Path) -> dict[int, str]:
    """Return command lines by process id of everything that runs on a data folder."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:  # it has just ended
                continue
            if str(data_dir) in words:
                found[int(folder.name)] = words
    return found


def probe_of(data_dir: Path) -> int | None:
    return next((pid for pid, words in processes_of(data_dir).items() if "pingmon_probe" in words), None)


@contextmanager
def steady_load(data_dir: Path, monitors: list[int]) -> Iterator[None]:
    """Ask whoever runs on the folder to measure everything now, over and over."""
    stop = threading.Event()

    def load() -> None:
        while not stop.wait(0.02):
            try:
                ask(data_dir, {"command": "check_now", "ids": monitors}, timeout_s=2.0)
            except DataFolderBusy:  # killed, or just starting
                continue

    thread = threading.Thread(target=load, name="load")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


async def add_monitors(data_dir: Path, urls: list[str]) -> list[int]:
    store = Store.open(database_path(data_dir), now_ms=now_ms)
    settings = MonitorSettings(interval_ms=5_000)
    monitors = await store.add_monitors([MonitorDraft(url, settings=settings) for url in urls])
    await store.close()
    return [int(monitor.id) for monitor in monitors]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Processes]:
    processes = Processes(tmp_path / "data")
    yield processes
    processes.close()


@pytest.mark.timeout(300)
@pytest.mark.lengthy
def test_kill_of_app_or_probe_at_random_moments_loses_and_doubles_nothing(running: Processes) -> None:
    data_dir = running.data_dir
    chance = random.Random(20261122)
    victims: Counter[str] = Counter()
    with target() as url:
        urls = [f"{url}{place}" for place in range(MONITORS - 2)] + [refused_url(), f"{refused_url()}again"]
        monitors = asyncio.run(add_monitors(data_dir, urls))
        seen: Known = Counter()
        with steady_load(data_dir, monitors):
            while victims.total() < KILLS:
                app = running.start("run")
                app_is_alive, probe_kills = True, 0
                while app_is_alive:
                    if chance.random() < 0.7:  # else it may be hit while it starts
                        wait_until(lambda: probe_of(data_dir) is not None and is_owned(data_dir))
                        if chance.random() < 0.3:  # results are gathered for seconds: let some lives last so long
                            known = seen.total()
                            wait_until(lambda known=known: kept(data_dir).raw_results > known)
                    time.sleep(chance.uniform(0.0, 0.6))  # The moment of the kill is the input of this test.
                    seen = kept(data_dir).results
                    probe = probe_of(data_dir)
                    if probe is not None and probe_kills < PROBE_KILLS_IN_A_LIFE and chance.random() < 0.6:
                        probe_kills += 1
                        victims["probe"] += 1
                        os.kill(probe, signal.SIGKILL)
                    else:
                        victims["app"] += 1
                        app_is_alive = False
                        app.kill()
                        _out, err = app.communicate()
                        assert "Traceback" not in err, err
                wait_until(lambda: not processes_of(data_dir))  # the probe ends with its app
                seen = assert_whole(data_dir, seen).results
        assert min(victims["app"], victims["probe"]) >= KILLS // 4, victims
        assert seen, "no life was long enough to commit anything"
        asyncio.run(assert_history_is_shown_at_once(data_dir, seen))
    last = assert_whole(data_dir, seen)
    assert last.cursor is not None
    # The spool still knows everything that was ever measured: the store has just that, as far as the cursor.
    with ProbeProcess(data_dir / "probe") as again:
        lines = again.results()
    assert (lines[0]["spool"], lines[0]["dropped"]) == (last.cursor.spool, [])
    assert last.results == Counter((m, at_ms) for seq, m, at_ms in rows(lines) if seq <= last.cursor.seq)


async def assert_history_is_shown_at_once(data_dir: Path, seen: Known) -> None:
    """Start the app once more: what was kept is on the board before anything new, then the rest is collected."""
    session = Session(data_dir)
    await session.start()
    try:
        board = session.board
        latest: dict[int, int] = {}
        for monitor, at_ms in seen:
            latest[monitor] = max(at_ms, latest.get(monitor, 0))
        assert {int(id_): int(board.at_ms[row, 0]) for id_, row in board.row_of.items()} == latest
        await until(lambda: bool((board.at_ms[:, 0] > max(latest.values())).all()))
    finally:
        await session.stop()
