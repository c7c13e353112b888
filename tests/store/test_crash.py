"""A process that writes is killed at random moments: nothing committed is lost or doubled, the file stays whole."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import time
from pathlib import Path

import numpy as np

from pingmon_gui.store.store import Store
from tests.store.helper import HOUR_MS, START_MS, Clock, Measured, add, batch, open_store, run

MONITORS = 5
STEP_MS = 60_000


async def write_for_ever(path: Path, ready: int) -> None:
    """Continue at the cursor as a collector does; the clock runs with the results, so compaction never rests."""
    clock = Clock()
    store = Store.open(path, now_ms=clock)
    found = store.configuration()
    ids = [int(monitor.id) for monitor in found.monitors]
    cursor = next(iter(found.cursors.values()), None)
    seq = 0 if cursor is None else cursor.seq
    is_told = False
    while True:
        rows = [measured(ids, seq + place) for place in range(1, 41)]
        store.append(batch(rows, first_seq=seq + 1))
        seq += 40
        clock.ms = rows[-1].at_ms
        if seq % 80 == 0:
            await store.flush()
            if not is_told:
                is_told = True
                os.write(ready, b"!")
        await store.maintain()


def start_writing(path: Path) -> int:
    """Return the process id of a child that writes until it is killed; it has committed something."""
    read, ready = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(write_for_ever(path, ready))
        finally:
            os._exit(1)
    os.close(ready)
    assert os.read(read, 1) == b"!"
    os.close(read)
    return child


def measured(ids: list[int], seq: int) -> Measured:
    """Return the result with a seq; every seventh arrives three hours late."""
    late_ms = 3 * HOUR_MS if seq % 7 == 0 else 0
    return Measured(ids[seq % MONITORS], START_MS + seq * STEP_MS - late_ms, total_us=seq)


def assert_whole(path: Path, ids: list[int]) -> int:
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()

    async def main() -> int:
        store = Store.open(path, now_ms=Clock())
        cursors = store.configuration().cursors
        last = next(iter(cursors.values())).seq if cursors else 0
        seqs: list[int] = []
        for id_ in ids:
            for history in await store.results(id_, 0, START_MS * 2):  # type: ignore[arg-type]
                seqs += np.rint(history.total_ms * 1000).astype(int).tolist()
        assert sorted(seqs) == list(range(1, last + 1))
        assert (await store.size()).raw_results == last
        for bucket_ms in (300_000, HOUR_MS):
            rolled = [one for id_ in ids for one in await store.rollups(id_, 0, START_MS * 2, bucket_ms)]  # type: ignore[arg-type]
            assert sum(int(one.count.sum()) for one in rolled) == last
        await store.close()
        return last

    return run(main())


def test_kill_at_random_moments_loses_and_doubles_nothing(tmp_path: Path) -> None:
    async def prepare() -> list[int]:
        store = open_store(tmp_path)
        monitors = await add(store, MONITORS)
        await store.close()
        return [int(monitor.id) for monitor in monitors]

    ids = run(prepare())
    path = tmp_path / "pingmon.db"
    chance = random.Random(20261122)
    last = 0
    for _ in range(30):
        child = start_writing(path)
        time.sleep(chance.uniform(0.0, 0.08))  # The moment of the kill is the input of this test.
        os.kill(child, signal.SIGKILL)
        _pid, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL
        now = assert_whole(path, ids)
        assert now >= last
        last = now
    assert last > 0
