"""What every benchmark shares: rows, pinned processes, percentiles, and whether the machine was quiet.

The process that is measured is pinned to one core; targets and load generators to the other. A peer is
measured in the same run, interleaved with ours, and the ratio is the goal.
"""

from __future__ import annotations

import contextlib
import json
import os
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
#: Where targets and load generators run, and where what is measured runs.
LOAD_CORE, MEASURED_CORE = CORES[0], CORES[-1]
ROOT = Path(__file__).resolve().parents[2]

Row = dict[str, Any]


def row(
    name: str,
    unit: str,
    ours: Sequence[float],
    peer: Sequence[float] = (),
    peer_name: str | None = None,
    goal: float | None = None,
    is_ratio: bool = True,
    at_least: bool = False,
) -> Row:
    """Return one line of the report: medians over the repeats, and whether the goal was met.

    `goal` bounds the ratio ours / peer (or, with `is_ratio=False`, our own figure) from above, from below
    with `at_least`.
    """
    our_median = statistics.median(ours)
    peer_median = statistics.median(peer) if peer else None
    ratio = our_median / peer_median if peer_median else None
    figure = ratio if is_ratio else our_median
    met = None
    if goal is not None and figure is not None:
        met = figure >= goal if at_least else figure <= goal
    return {
        "name": name,
        "unit": unit,
        "ours": round(our_median, 4),
        "peer": None if peer_median is None else round(peer_median, 4),
        "peer_name": peer_name,
        "ratio": None if ratio is None else round(ratio, 3),
        "goal": goal,
        "met": met,
        "runs": len(ours),
    }


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value at `share` of the sorted values (nearest rank). Raises ValueError for none."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values were measured")
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def pin(core: int) -> list[str]:
    """Return the command prefix that keeps a process on one core."""
    return ["taskset", "-c", str(core)]


@contextlib.contextmanager
def on_core(core: int) -> Iterator[None]:
    """Keep this process on one core for a while: a load generator must not run where something is measured."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def spawn(command: list[str], core: int, **options: Any) -> subprocess.Popen[str]:
    """Start a pinned process that prints one line when it is ready; its stdout is a text pipe."""
    environment = dict(os.environ, PYTHONPATH=f"{ROOT}{os.pathsep}{ROOT / 'probes'}", **options.pop("env", {}))
    return subprocess.Popen(
        pin(core) + command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT, **options
    )


def first_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Return the JSON document on the process's first line. Raises RuntimeError if it ended before."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"a process of the benchmark ended at its start with code {process.wait()}")
    document: dict[str, Any] = json.loads(line)
    return document


def end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def cpu_s(pid: int) -> float:
    """Return the CPU seconds a process and its threads have used."""
    spent_ns = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        spent_ns += int((task / "schedstat").read_text().split()[0])
    return spent_ns / 1e9


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} has no resident memory")


def calibration_ms() -> float:
    """Return how long a fixed piece of work takes here just now: TLS handshakes in memory and JSON."""
    import trustme

    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("bench.example").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    document = {"values": list(range(2_000)), "texts": ["x" * 20] * 500}
    started = time.perf_counter()
    for _ in range(40):
        a_in, a_out = ssl.MemoryBIO(), ssl.MemoryBIO()
        left = client.wrap_bio(a_in, a_out, server_hostname="bench.example")
        right = server.wrap_bio(a_out, a_in, server_side=True)
        for side in (left, right, left, right):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
        json.loads(json.dumps(document))
    return (time.perf_counter() - started) * 1000


def python() -> str:
    return sys.executable
