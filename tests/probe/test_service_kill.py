"""kill -9 of the probe at random moments: what the app has committed stays true, and numbers have no holes."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx

from .probe_process import ProbeProcess, refused_url, rows

KILLS = 30
MONITORS = 150


class Reader:
    """Does what the app does: takes what is above its cursor, and moves the cursor with it in one step."""

    def __init__(self) -> None:
        self.spool: str | None = None
        self.committed: list[tuple[int, int, int]] = []

    @property
    def cursor(self) -> int:
        return self.committed[-1][0] if self.committed else 0

    def collect(self, probe: ProbeProcess, wait_s: float, kill_at: int | None = None) -> None:
        """Read until the stream ends or breaks; a line without its end does not count.

        Kills the probe once this many results were committed, if it has not been killed before.
        """
        parameters = {"after": self.cursor, "wait_s": wait_s, **({"spool": self.spool} if self.spool else {})}
        with probe.new_client() as client, client.stream("GET", "/v1/results", params=parameters) as answer:
            header_seen = False
            for line in whole_lines(answer):
                document = json.loads(line)
                if not header_seen:
                    header_seen = True
                    assert self.spool in (None, document["spool"]), "a new spool without need"
                    assert document["dropped"] == []
                    self.spool = document["spool"]
                self.committed += rows([document], self.cursor)
                if kill_at is not None and len(self.committed) >= kill_at:
                    probe.process.kill()


def whole_lines(answer: httpx.Response) -> Iterator[bytes]:
    rest = b""
    for data in answer.iter_raw():
        *lines, rest = (rest + data).split(b"\n")
        yield from lines


def test_kill_at_random_moments_loses_and_doubles_nothing_committed(tmp_path: Path) -> None:
    moments = random.Random(20)
    checks = [{"url": refused_url(), "monitor": number, "interval_ms": 5_000} for number in range(1, MONITORS + 1)]
    reader = Reader()
    broken = 0
    for place in range(KILLS):
        probe = ProbeProcess(tmp_path)
        assert probe.put_plan(checks).status_code == 200
        # Every other kill comes at any moment, the rest after any number of results.
        killer = threading.Timer(moments.uniform(0.0, 0.2), probe.process.kill)
        kill_at = None
        if place % 2:
            killer.start()
        else:
            kill_at = len(reader.committed) + moments.randint(1, MONITORS)
        try:
            with probe.new_client() as other, other.stream("POST", "/v1/checks", json={"checks": checks}):
                reader.collect(probe, 10, kill_at)
        except httpx.TransportError:
            broken += 1
        if place % 2:
            killer.join()
        probe.kill()
        probe.end()
    assert broken == KILLS, "a kill came too late to hit anything"
    with ProbeProcess(tmp_path) as probe:
        reader.collect(probe, wait_s=0)
        fresh = Reader()
        fresh.collect(probe, wait_s=0)
    assert fresh.spool == reader.spool
    assert [seq for seq, _, _ in reader.committed] == list(range(1, len(reader.committed) + 1))
    assert reader.committed == fresh.committed
    assert len(reader.committed) >= KILLS // 2
