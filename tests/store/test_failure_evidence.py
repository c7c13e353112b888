"""What probes kept of failures: in the transaction of its result, with its incident, never more than its share."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pingmon_gui.domain.failure_evidence import of_incident, time_of
from pingmon_gui.domain.history import DAY_MS
from pingmon_gui.domain.incident import IncidentId
from pingmon_gui.domain.judgement import Judgement
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.preference import BYTES_PER_MB
from pingmon_gui.domain.result import FailureEvidence, ProbeId, ResultBatch
from pingmon_gui.domain.status import Status
from pingmon_gui.store import failure_evidence, rescue
from pingmon_gui.store.store import Store
from tests.store.helper import HOUR_MS, START_MS, Clock, Measured, add, batch, open_store, run, settle
from tests.store.make_fixture import cut_short

DOCUMENT = {"tried": [{"target": "https://a.example/", "address": "192.0.2.1", "outcome": "It was refused."}]}


def kept(
    monitor: MonitorId, at_ms: int = START_MS, probe: int = 1, document: Any = DOCUMENT, is_route: bool = False
) -> FailureEvidence:
    return FailureEvidence(monitor, ProbeId(probe), at_ms, document, is_route)


def failed(monitor: Monitor, *evidence: FailureEvidence, seq: int = 1) -> ResultBatch:
    return replace(batch([Measured(monitor.id, START_MS, Status.OFFLINE)], first_seq=seq), evidence=evidence)


async def ask(store: Store, monitor: Monitor) -> list[FailureEvidence]:
    return await store.failure_evidence(monitor.id, 0, START_MS + 400 * DAY_MS)


def test_it_is_kept_with_its_result_and_comes_but_once(tmp_path: Path) -> None:
    async def main() -> None:
        store = open_store(tmp_path)
        (monitor,) = await add(store, 1)
        first, route = kept(monitor.id), kept(monitor.id, document={"route": {"address": "192.0.2.1"}}, is_route=True)
        store.append(failed(monitor, first, kept(MonitorId(99))))
        store.append(failed(monitor, first))  # known by its number
        store.append(failed(monitor, route, seq=2))
        await store.flush()
        assert await ask(store, monitor) == [first, route]
        assert await store.failure_evidence(MonitorId(99), 0, START_MS * 2) == []
        await store.delete_monitors([monitor.id])
        await store.close()
        store = open_store(tmp_path, Clock(START_MS + 2 * DAY_MS))
        await settle(store)
        assert await ask(store, monitor) == []
        await store.close()

    run(main())


def test_it_stays_with_its_incident_and_goes_without_one(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        store = open_store(tmp_path, clock)
        one, other = await add(store, 2)
        store.append(failed(one, kept(one.id)))
        store.append(failed(other, kept(other.id), seq=2))
        await store.flush()
        await store.record([Judgement(one.id, (), (cut_short(one.id),))], START_MS)
        await settle(store)
        assert len(await ask(store, other)) == 1
        clock.ms += 2 * DAY_MS
        await settle(store)
        assert await ask(store, other) == []
        incident = await store.incident(IncidentId(7))
        assert incident is not None
        # Late results make it longer, or two of it: what was kept lies in its time all the same.
        longer = replace(incident, start_ms=START_MS - 60_000, end_ms=START_MS + DAY_MS)
        await store.record([Judgement(one.id, (), (longer,))], START_MS)
        await settle(store)
        found = await store.failure_evidence(one.id, *time_of(longer, clock.ms))
        assert of_incident(longer, found) == (kept(one.id),)
        await store.close()

    run(main())


def test_one_monitor_has_its_most_in_a_day_and_all_together_their_share_of_the_file(tmp_path: Path) -> None:
    noise = random.Random(1)

    async def main() -> None:
        clock = Clock()
        store = open_store(tmp_path, clock)
        (monitor,) = await add(store, 1)
        await store.change_preferences({"size_cap_mb": 50})
        several = [kept(monitor.id, START_MS + n * 1000) for n in range(30)]
        store.append(failed(monitor, *several))
        await store.flush()
        assert await ask(store, monitor) == several[: failure_evidence.MOST_PER_DAY]
        body = {"text": "".join(chr(noise.randrange(0x4E00, 0x9FFF)) for _ in range(10_000))}
        for day in range(1, 40):
            clock.ms = START_MS + day * DAY_MS
            long = [kept(monitor.id, START_MS + day * DAY_MS + n, document={"body": body}) for n in range(20)]
            store.append(failed(monitor, *long, seq=1 + day))
            await store.flush()
        incident = replace(cut_short(monitor.id), end_ms=None)
        await store.record([Judgement(monitor.id, (), (incident,))], START_MS)
        await settle(store)
        days = [
            await store.failure_evidence(monitor.id, START_MS + day * DAY_MS, START_MS + (day + 1) * DAY_MS)
            for day in range(40)
        ]
        size = sum(len(failure_evidence.encode(one.document)) for day in days for one in day)
        assert 0 < size <= 50 * BYTES_PER_MB // 8
        assert days[0] == [] and len(days[-1]) == 20
        await store.close()

    run(main())


def test_damaged_row_is_left_out_and_a_rescue_leaves_it_behind(tmp_path: Path) -> None:
    async def fill() -> Monitor:
        store = open_store(tmp_path)
        (monitor,) = await add(store, 1)
        store.append(failed(monitor, kept(monitor.id), kept(monitor.id, START_MS + 1)))
        await store.close()
        return monitor

    async def look(monitor: Monitor) -> list[FailureEvidence]:
        store = open_store(tmp_path)
        found = await ask(store, monitor)
        await store.close()
        return found

    monitor = run(fill())
    with sqlite3.connect(tmp_path / "pingmon.db") as connection:
        connection.execute("UPDATE failure_evidence SET data = zeroblob(bytes) WHERE at_ms = ?", (START_MS,))
    connection.close()
    assert run(look(monitor)) == [kept(monitor.id, START_MS + 1)]
    rescue.rescue(tmp_path / "pingmon.db", START_MS, lambda _share: None)
    assert run(look(monitor)) == [kept(monitor.id, START_MS + 1)]


@pytest.mark.parametrize("garbage", [b"", b"\x00", failure_evidence.encode([1]), failure_evidence.encode({})[:-4]])
def test_whatever_a_row_holds_reading_it_raises_nothing(garbage: bytes) -> None:
    assert failure_evidence.decode(garbage) in (None, {})


def test_a_kill_leaves_evidence_of_exactly_the_results_that_are_there(tmp_path: Path) -> None:
    chance = random.Random(3)
    store = open_store(tmp_path)
    (monitor,) = run(add(store, 1))
    run(store.close())
    for _ in range(4):
        child, ready = _start_writing(tmp_path, monitor)
        for _ in range(chance.randrange(1, 40)):
            assert os.read(ready, 1) == b"!"
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ready)
        assert run(_times(tmp_path, monitor)) > 0


def _start_writing(path: Path, monitor: Monitor) -> tuple[int, int]:
    """Return a child that goes on at the cursor until it is killed, and where it says that something is committed."""
    told, ready = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            run(_write_for_ever(path, monitor, ready))
        finally:
            os._exit(1)
    os.close(ready)
    return child, told


async def _write_for_ever(path: Path, monitor: Monitor, ready: int) -> None:
    store = open_store(path)
    seq = next((cursor.seq for cursor in store.configuration().cursors.values()), 0)
    while True:
        seq += 1
        at_ms = START_MS + seq * 2 * HOUR_MS
        rows = [Measured(monitor.id, at_ms, Status.OFFLINE)]
        store.append(replace(batch(rows, first_seq=seq), evidence=(kept(monitor.id, at_ms),)))
        await store.flush()
        os.write(ready, b"!")


async def _times(path: Path, monitor: Monitor) -> int:
    """Return how many results there are, each with its evidence."""
    store = open_store(path)
    (history,) = await store.results(monitor.id, 0, START_MS * 2)
    count = len(history.at_ms)
    found = []
    for day in range(count // 12 + 1):
        from_ms = START_MS + day * DAY_MS
        found += [one.at_ms for one in await store.failure_evidence(monitor.id, from_ms, from_ms + DAY_MS)]
    await store.close()
    assert found == history.at_ms.tolist()
    return count
