"""An app that starts its embedded probe, prints the probe's process id, and waits to be killed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from pingmon_gui.domain.probe import EMBEDDED_PROBE, Probe
from pingmon_gui.domain.region import Region
from pingmon_gui.fleet.child import ProbeProcess
from pingmon_gui.fleet.embedded import EmbeddedProbe
from pingmon_gui.fleet.secret import Token


async def main(folder: Path, is_early: bool) -> None:
    if is_early:
        print(ProbeProcess(folder, Token.fresh()).pid, flush=True)
    else:
        probe = EmbeddedProbe(Probe(EMBEDDED_PROBE, "This computer", Region.LOCAL), folder)
        await probe.start()
        print(probe.pid, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2] == "early"))
