"""Setting probes up on real hosts of the lab: how long it takes, how well the service is confined. As root, on Debian.

The times are those a person waits: from the command to its end, interpreter and proof included.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.harness import ROOT, Row, row
from tests.lab.host import Host
from tests.lab.lab import REGION_RTT_MS, Lab

RUNS = 3
FAR = "eu"
_UNIT = "pingmon-probe.service"


def rows() -> list[Row]:
    """Return the rows of the report; none, and a sentence, where there can be no lab. Takes about three minutes."""
    if os.geteuid() != 0 or not Path("/dev/net/tun").exists():
        print("provision: the lab needs root and /dev/net/tun; these rows are missing.", file=sys.stderr)
        return []
    lab = Lab("bench")
    lab.up()
    try:
        hosts = {region: lab.region_host(region) for region in REGION_RTT_MS}
        for host in hosts.values():
            host.wait_until_up()
        return _measured(lab, hosts)
    finally:
        lab.down()


def _measured(lab: Lab, hosts: dict[str, Host]) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="pingmon-bench-") as name:
        folder = Path(name)
        alone, removal, together = [], [], []
        for _ in range(RUNS):
            alone.append(_bootstrap(lab, folder, [FAR]))
            removal.append(_timed([_pingmon(lab, folder, "probe", "remove", FAR, "--yes")]))
        for run in range(RUNS):
            together.append(_bootstrap(lab, folder, list(hosts)))
            if run < RUNS - 1:
                _timed([_pingmon(lab, folder, "probe", "remove", region, "--yes") for region in hosts])
        security = hosts[FAR].run("systemd-analyze", "security", "--no-pager", _UNIT)
        found = re.search(r"exposure level for \S+: ([0-9.]+)", security)
        assert found, security[-300:]
    rtt = f"{REGION_RTT_MS[FAR]:.0f} ms round trip"
    return [
        row(f"bootstrap of a ready host, {rtt}", "s", alone, goal=15, is_ratio=False),
        row("bootstrap of five hosts at once, 20 to 180 ms", "s", together, goal=30, is_ratio=False),
        row(f"removal, {rtt}", "s", removal),
        row(
            "systemd-analyze security: exposure of the probe's unit",
            "of 10",
            [float(found[1])],
            goal=2.0,
            is_ratio=False,
        ),
    ]


def _bootstrap(lab: Lab, folder: Path, regions: Sequence[str]) -> float:
    options = ("--ssh-config", str(lab.ssh_config))
    return _timed([_pingmon(lab, folder, "probe", "bootstrap", r, "--region", r, *options) for r in regions])


def _pingmon(lab: Lab, folder: Path, *words: str) -> list[str]:
    return lab.desk_command(sys.executable, "-m", "pingmon_gui", "--data-dir", str(folder), *words)


def _timed(commands: Sequence[list[str]]) -> float:
    """Run commands beside each other; return the seconds until the last is done."""
    environment = {**os.environ, "PINGMON_KEYRING": "off", "PYTHONPATH": f"{ROOT}:{ROOT / 'probes'}"}
    began_s = time.monotonic()
    running = [
        subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for command in commands
    ]
    said = [process.communicate()[1] for process in running]
    took_s = time.monotonic() - began_s
    for process, text in zip(running, said, strict=True):
        assert process.returncode == 0, text[-2_000:]
    return took_s
