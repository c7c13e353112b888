"""The probe that feeds benchmarks speaks the real protocol: the real client reads it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

from pingmon_probe.protocol import CheckSpec, Plan

from pingmon_gui.domain.result import ResultBatch
from pingmon_gui.fleet.embedded import EmbeddedProbe
from tests.bench.feeding_probe import feeding_command
from tests.fleet.scripted_probe import PROBE


def test_feeding_probe_goes_round_its_plan_and_resumes_at_the_cursor(tmp_path: Path) -> None:
    checks = tuple(CheckSpec(f"https://{n}.test/", monitor=n, version=1) for n in range(2, 302))

    async def some(probe: EmbeddedProbe, after: int, spool: str | None, wanted: int) -> list[ResultBatch]:
        batches: list[ResultBatch] = []
        async with aclosing(probe.results(after, spool, 30)) as items:
            async for item in items:
                if isinstance(item, ResultBatch):
                    batches.append(item)
                    if sum(batch.count for batch in batches) >= wanted:
                        break
        return batches

    async def run() -> None:
        probe = EmbeddedProbe(PROBE, tmp_path, feeding_command(rate=2_000))
        await probe.start()
        assert (await probe.status()).version
        assert await probe.put_plan(Plan("me", 4, checks)) == 4
        batches = await some(probe, 0, None, 400)
        monitors = [monitor for batch in batches for monitor in batch.monitor.tolist()]
        assert monitors[:400] == [2 + n % 300 for n in range(400)]
        assert batches[0].url[0] == "https://2.test/"
        more = await some(probe, batches[-1].last_seq, batches[-1].spool, 1)
        assert more[0].first_seq == batches[-1].last_seq + 1
        seen = [result.url async for result in probe.run_checks(checks[:3])]
        assert seen == [check.url for check in checks[:3]]
        await probe.close()

    asyncio.run(run())
