"""The real probe and the real client: what the app relies on, over a real connection."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from contextlib import aclosing
from pathlib import Path

import pytest
from pingmon_probe.protocol import CheckSpec, Plan

from pingmon_gui.domain.error import (
    ProbeOwned,
    ProbeUnauthorised,
    ProbeUnreachable,
    ProbeVersionMismatch,
    RevisionTooLow,
)
from pingmon_gui.domain.result import ResultBatch
from pingmon_gui.engine.link import StreamHeader
from pingmon_gui.fleet.child import ProbeProcess
from pingmon_gui.fleet.client import ProbeClient
from pingmon_gui.fleet.secret import Token
from tests.fleet.scripted_probe import PROBE

_URL = "http://127.0.0.1:1/"
_TOKEN = Token.fresh()
_KILLS = 10


def plan(revision: int = 1, owner: str = "me", count: int = 1, interval_ms: int = 5_000) -> Plan:
    step = interval_ms // max(1, count)
    checks = (
        CheckSpec(_URL, monitor=2 + place, version=3, interval_ms=interval_ms, phase_ms=place * step)
        for place in range(count)
    )
    return Plan(owner, revision, tuple(checks))


class RunningProbe:
    """A real probe process and a client, on one folder that outlives them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def __aenter__(self) -> RunningProbe:
        self.process = ProbeProcess(self._folder, _TOKEN)
        self.ready = await self.process.ready()
        self.client = self.client_with(_TOKEN)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()
        await self.process.stop()

    def client_with(self, token: Token) -> ProbeClient:
        return ProbeClient(PROBE, f"http://127.0.0.1:{self.ready.port}", token)


def test_status_plan_and_results_as_the_app_uses_them(tmp_path: Path) -> None:
    async def run() -> None:
        async with RunningProbe(tmp_path) as probe:
            before = await probe.client.status()
            assert (before.owner, before.revision, before.spool) == (None, 0, probe.ready.spool)
            assert await probe.client.put_plan(plan(5)) == 5
            after = await probe.client.status()
            assert (after.owner, after.revision, after.plan_hash) == ("me", 5, plan(5).content_hash)
            async with aclosing(probe.client.results(0, None, 30)) as items:
                header = await anext(items)
                assert isinstance(header, StreamHeader) and header.spool == before.spool
                async for item in items:
                    if isinstance(item, ResultBatch):
                        assert item.first_seq == 1
                        result = item.result(0)
                        assert (result.monitor, result.version, result.failure) == (2, 3, "connect_refused")
                        assert result.url == _URL and result.message
                        (evidence,) = item.evidence
                        assert (evidence.monitor, evidence.at_ms) == (2, result.started_at_ms)
                        (tried,) = evidence.document["tried"]
                        assert (tried["address"], tried["port"]) == ("127.0.0.1", 1)
                        break

    asyncio.run(run())


def test_plan_of_another_owner_or_an_older_one_is_refused(tmp_path: Path) -> None:
    async def run() -> None:
        async with RunningProbe(tmp_path) as probe:
            await probe.client.put_plan(plan(5))
            with pytest.raises(ProbeOwned):
                await probe.client.put_plan(plan(6, owner="you"))
            with pytest.raises(RevisionTooLow) as caught:
                await probe.client.put_plan(plan(4, count=2))
            assert caught.value.current == 5
            assert await probe.client.put_plan(Plan("you", 1, take_over=True)) == 1

    asyncio.run(run())


def test_wrong_token_is_refused_everywhere(tmp_path: Path) -> None:
    async def run() -> None:
        async with RunningProbe(tmp_path) as probe:
            stranger = probe.client_with(Token.fresh())
            for request in (
                stranger.status(),
                stranger.put_plan(plan()),
                anext(stranger.results(0, None, 0)),
                anext(stranger.run_checks([CheckSpec(_URL)])),
            ):
                with pytest.raises(ProbeUnauthorised):
                    await request
            await stranger.close()

    asyncio.run(run())


def test_checks_on_demand_come_as_they_finish(tmp_path: Path) -> None:
    async def run() -> None:
        async with RunningProbe(tmp_path) as probe:
            specs = [CheckSpec(_URL, monitor=place, version=1) for place in range(30)]
            seen = [result.monitor async for result in probe.client.run_checks(specs)]
            assert sorted(seen) == list(range(30))
            with pytest.raises(ProbeVersionMismatch, match="at most 1000"):
                await anext(probe.client.run_checks([CheckSpec(_URL)] * 1_001))

    asyncio.run(run())


def test_killed_ten_times_no_collected_result_is_lost_or_doubled(tmp_path: Path) -> None:
    """What the app has collected is behind the cursor for ever; after each kill the stream goes on right there."""
    seqs: list[int] = []
    starts: set[tuple[int, int]] = set()

    async def collect(probe: RunningProbe, spool: str | None, wanted: int) -> str:
        async with aclosing(probe.client.results(seqs[-1] if seqs else 0, spool, 60)) as items:
            async for item in items:
                if isinstance(item, StreamHeader):
                    assert spool in (None, item.spool)
                    assert item.last >= (seqs[-1] if seqs else 0)
                    spool = item.spool
                elif isinstance(item, ResultBatch):
                    seqs.extend(range(item.first_seq, item.last_seq + 1))
                    pairs = zip(item.monitor.tolist(), item.started_at_ms.tolist(), strict=True)
                    starts.update(pairs)
                    if len(seqs) >= wanted:
                        break
        assert spool is not None
        return spool

    async def run() -> None:
        spool: str | None = None
        chance = random.Random(1)
        for turn in range(_KILLS + 1):
            async with RunningProbe(tmp_path) as probe:
                if turn == 0:
                    await probe.client.put_plan(plan(count=200))
                spool = await collect(probe, spool, len(seqs) + chance.randrange(1, 12))
                if turn < _KILLS:
                    os.kill(probe.process.pid, signal.SIGKILL)
                    await probe.process.ended()
                    with pytest.raises(ProbeUnreachable):
                        await probe.client.status()

    asyncio.run(run())
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(starts) == len(seqs)
