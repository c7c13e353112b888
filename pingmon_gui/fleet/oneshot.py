"""Checks without a running Pingmon: a probe of its own that lives as long as they take. For `pingmon check`."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

from pingmon_probe.protocol import CheckResult, CheckSpec

from pingmon_gui.domain.error import ProbeUnreachable
from pingmon_gui.domain.probe import EMBEDDED_PROBE, Probe
from pingmon_gui.domain.region import REGION_NAMES, Region
from pingmon_gui.fleet.child import ProbeProcess
from pingmon_gui.fleet.client import ProbeClient
from pingmon_gui.fleet.secret import Token


async def check_once(specs: Sequence[CheckSpec]) -> AsyncGenerator[CheckResult, None]:
    """Run the checks from this computer; yield each result as it is done. Nothing is kept. Raises ProbeError."""
    probe = Probe(EMBEDDED_PROBE, REGION_NAMES[Region.LOCAL], Region.LOCAL)
    token = Token.fresh()
    with tempfile.TemporaryDirectory(prefix="pingmon-check-", ignore_cleanup_errors=True) as folder:
        try:
            process = ProbeProcess(Path(folder), token)
        except OSError as exc:
            raise ProbeUnreachable(f"The probe of this computer cannot be started: {exc.strerror or exc}.") from exc
        try:
            ready = await process.ready()
            client = ProbeClient(probe, f"http://127.0.0.1:{ready.port}", token)
            try:
                async with aclosing(client.run_checks(specs)) as results:
                    async for result in results:
                        yield result
            finally:
                await client.close()
        finally:
            await process.stop()
