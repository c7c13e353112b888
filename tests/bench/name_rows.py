"""200 names asked for at once of a name server that answers after 20 ms: what becomes of the phase dns.

The host's resolver has no port to choose, so the server stands at port 53 of an address of loopback, and what measures
gets a resolv.conf of its own (a mount namespace; root).
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench.harness import LOAD_CORE, Row, end, first_line, on_core, percentile, python, row, spawn
from tests.bench.instrument import BLACKBOX, Blackbox, OurProbe, Report, Target, make_authority, matched

REPEATS = 5
NAMES = 200
WAIT_MS = 20
ADDRESS = "127.0.9.53"
#: A question of the type TXT for the name `taken`.
_GIVE_TAKEN = b"\0\1\1\0\0\1\0\0\0\0\0\0\5taken\0\0\x10\0\1"


class NameServer:
    """The delaying name server in a process of its own."""

    def __init__(self, delay_ms: int, address: str = "127.0.0.1", port: int = 0) -> None:
        command = [python(), "-m", "tests.bench.delay_dns", str(delay_ms), "--address", address, "--port", str(port)]
        self.process = spawn(command, LOAD_CORE)
        self.address = address
        self.port: int = first_line(self.process)["port"]

    def taken(self) -> dict[str, list[float]]:
        """Return how long answers took since the last time, by the first label of the name asked for, in ms."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(_GIVE_TAKEN, (self.address, self.port))
        assert self.process.stdout is not None
        taken: dict[str, list[float]] = json.loads(self.process.stdout.readline())
        return taken

    def close(self) -> None:
        end(self.process)


def name_rows() -> list[Row]:
    """Return errors of the phase dns and of the total, in ms; none where this needs root."""
    if os.geteuid() != 0:
        print("200 names at once: not measured, a resolv.conf of its own needs root", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory() as name, on_core(LOAD_CORE):
        folder = Path(name)
        authority, _ = make_authority(folder)
        server, target = NameServer(WAIT_MS, ADDRESS, 53), Target()
        own = _own_resolver(folder)
        ours = OurProbe(folder / "spool", authority, prefix=own)
        blackbox = Blackbox(folder, authority, prefix=own)
        try:
            urls = [target.url(str(n), "/wait/20", f"n{n}.bench.test") for n in range(NAMES)]
            runs: dict[str, list[tuple[float, float]]] = {"ours": [], BLACKBOX: []}
            for _ in range(REPEATS):
                runs["ours"].append(_errors_p99(server, target, lambda: ours.reports(urls)))
                runs[BLACKBOX].append(_errors_p99(server, target, lambda: blackbox.reports(urls)))
        finally:
            ours.close()
            blackbox.close()
            target.close()
            server.close()
    title = f"{NAMES} names at once, answered after {WAIT_MS} ms"
    rows = []
    for place, what in enumerate(("dns", "total")):
        mine, theirs = ([run[place] for run in runs[name]] for name in ("ours", BLACKBOX))
        rows.append(row(f"{title}: error of {what} p99", "ms", mine, theirs, BLACKBOX, goal=0.2))
    return rows


def _own_resolver(folder: Path) -> list[str]:
    """Return the prefix of a command that asks our name server for names."""
    configuration = folder / "resolv.conf"
    configuration.write_text(f"nameserver {ADDRESS}\noptions timeout:5 attempts:1\n")
    mount = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
    subprocess.run(["unshare", "-m", "true"], check=True)
    return ["unshare", "-m", "sh", "-c", mount, str(configuration)]


def _errors_p99(server: NameServer, target: Target, measure: Callable[[], list[Report]]) -> tuple[float, float]:
    """Return the 99th percentile of the errors of dns and total. A name's wait is that for its last answer."""
    server.taken()
    target.taken()
    measured = matched(measure(), target.taken())
    waited = server.taken()
    pairs = []
    for one in measured:
        resolved_ms = max(waited[f"n{one.report.url.rpartition('=')[2]}"])
        rest_ms = one.report.total_ms - one.waited_ms - resolved_ms
        pairs.append((abs(one.report.phases_ms["dns"] - resolved_ms), abs(rest_ms)))
    dns, total = zip(*pairs, strict=True)
    return percentile(dns, 0.99), percentile(total, 0.99)
