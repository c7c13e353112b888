"""What a check and the probe cost: CPU, memory, punctuality, start, size, against prometheus-blackbox-exporter."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from pingmon_gui.provision.bundle import probe_bundle
from tests.bench.harness import LOAD_CORE, Row, cpu_s, on_core, resident_mb, row
from tests.bench.instrument import (
    BLACKBOX,
    Blackbox,
    Instruments,
    OurProbe,
    Target,
    core_at_work,
    instruments,
    make_authority,
)

REPEATS = 5
HANGING = 1_000
#: A plan can be no larger, and no faster.
FULL_PLAN, FULL_INTERVAL_MS = 20_000, 5_000
MANY_CHECKS = 100_000


def batch_rows(alive: Instruments) -> list[Row]:
    """500 checks asked for at once; blackbox_exporter, which lets some of so many fail, gets them at a pace."""
    rows: list[Row] = []
    for kind, goal in (("plain", 0.2), ("TLS", 0.8)):
        ours: list[float] = []
        peer: list[float] = []
        urls = [alive.targets[kind].url(str(n), "/wait/1") for n in range(500)]
        for _ in range(REPEATS):
            before = cpu_s(alive.ours.pid)
            alive.ours.run(urls)
            ours.append((cpu_s(alive.ours.pid) - before) * 1000 / len(urls))
            before = cpu_s(alive.blackbox.pid)
            alive.blackbox.reports(urls, 200)
            peer.append((cpu_s(alive.blackbox.pid) - before) * 1000 / len(urls))
        rows.append(row(f"CPU per {kind} check", "ms", ours, peer, BLACKBOX, goal))
    return rows


def streaming_rows(alive: Instruments) -> list[Row]:
    """200 checks on demand of which one hangs: when the others have arrived."""
    target = alive.targets["plain"]
    spent_ms = []
    for _ in range(REPEATS):
        urls = [target.url(str(n), "/hang" if n == 100 else "/wait/1") for n in range(200)]
        body = {"checks": [{"url": url, "timeout_ms": 2_000} for url in urls]}
        time.sleep(1)
        began_s = time.monotonic()
        with alive.ours.client.stream("POST", "/v1/checks", json=body) as answer:
            lines = answer.raise_for_status().iter_lines()
            arrived = [next(lines) for _ in range(199)]
            spent_ms.append((time.monotonic() - began_s) * 1000)
        assert all(json.loads(line)["failure"] is None for line in arrived)
    return [row("200 on demand, one hangs: the 199th result", "ms", spent_ms, goal=200, is_ratio=False)]


def hanging_memory_rows() -> list[Row]:
    """1,000 checks of a TLS target that takes the request and never answers: begun at a plan's pace, and in a burst."""
    return [_hanging_memory("begun 100 a second", 100, 30), _hanging_memory("begun at once", None, None)]


def _hanging_memory(how: str, rate_per_s: int | None, goal: float | None) -> Row:
    with _fresh() as (target, ours, blackbox):
        first = target.url("first", "/wait/1")
        ours.reports([first])
        blackbox.reports([first])
        urls = [target.url(str(n), "/hang") for n in range(HANGING)]
        before_mb = resident_mb(ours.pid), resident_mb(blackbox.pid)
        if rate_per_s:
            ours.plan_steady(urls, HANGING * 1_000 // rate_per_s, timeout_ms=30_000)
            # The plan is there before anything hangs.
            before_mb = resident_mb(ours.pid), before_mb[1]
        else:
            _leave_waiting(lambda: ours.run(urls, timeout_ms=30_000))
        _leave_waiting(lambda: blackbox.scrape("http", urls, rate_per_s))
        deadline_s = time.monotonic() + 25
        while target.hanging() < 2 * HANGING and time.monotonic() < deadline_s:
            time.sleep(0.1)
        if (missing := 2 * HANGING - target.hanging()) > 0:
            print(f"{missing} of {2 * HANGING} checks never came to hang", file=sys.stderr)
        grown_mb = resident_mb(ours.pid) - before_mb[0], resident_mb(blackbox.pid) - before_mb[1]
    title = f"{HANGING:,} hanging TLS targets, {how}: memory on top"
    return row(title, "MiB", [grown_mb[0]], [grown_mb[1]], BLACKBOX, goal, is_ratio=False)


def _leave_waiting(hang: Callable[[], object]) -> None:
    """Wait with them in a thread: when they are ended, so is that."""

    def wait() -> None:
        with contextlib.suppress(OSError, RuntimeError, httpx.HTTPError):
            hang()

    threading.Thread(target=wait, daemon=True).start()


def start_rows() -> list[Row]:
    """From the start of the one file to the first answer over HTTP."""
    ours: list[float] = []
    peer: list[float] = []
    bundle = probe_bundle()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        authority, _ = make_authority(folder)
        program = folder / "pingmon-probe.pyz"
        program.write_bytes(bundle)
        for turn in range(1 + REPEATS):
            began_s = time.monotonic()
            probe = OurProbe(folder / f"spool{turn}", authority, program=[str(program)])
            probe.status()
            ours.append((time.monotonic() - began_s) * 1000)
            at_start_mb = resident_mb(probe.pid)
            probe.close()
            began_s = time.monotonic()
            blackbox = Blackbox(folder, authority)
            peer.append((time.monotonic() - began_s) * 1000)
            peer_mb = resident_mb(blackbox.pid)
            blackbox.close()
    binary = Path(shutil.which(BLACKBOX) or BLACKBOX)
    return [
        # The first ones read everything from the disk.
        row("probe: start to accepting", "ms", ours[1:], goal=300, is_ratio=False),
        row("probe: start to accepting, beside", "ms", ours[1:], peer[1:], BLACKBOX),
        row("probe: memory at start", "MiB", [at_start_mb], [peer_mb], BLACKBOX, 28, is_ratio=False),
        row(
            "probe: size of the one file",
            "kB",
            [len(bundle) / 1e3],
            [binary.stat().st_size / 1e3],
            BLACKBOX,
            200,
            False,
        ),
    ]


def thousand_rows() -> list[Row]:
    """1,000 monitors at 10 s through one probe, for 20 s: punctuality, CPU and memory."""
    with _fresh() as (target, ours, _):
        urls = [target.url(str(n * 7919 % 1_000), "/wait/20") for n in range(1_000)]
        ours.plan_steady(urls, 10_000)
        time.sleep(1)
        before, started = cpu_s(ours.pid), time.monotonic()
        time.sleep(20)
        share = (cpu_s(ours.pid) - before) / (time.monotonic() - started)
        late = [result["late_ms"] for result in ours.results_after(0)]
        on_time = sum(value <= 50 for value in late) / len(late)
        load = "1,000 monitors at 10 s"
        return [
            row(f"{load}: started within 50 ms", "share", [on_time], goal=0.999, is_ratio=False, at_least=True),
            row(f"{load}: CPU of one core", "share", [share], goal=0.15, is_ratio=False),
            row(f"{load}: memory", "MiB", [resident_mb(ours.pid)], goal=35, is_ratio=False),
        ]


def many_checks_rows() -> list[Row]:
    """100,000 checks by the measuring core, 100 at once; then the largest plan at the shortest interval."""
    with _fresh(is_tls=False) as (target, ours, _):
        core = core_at_work([target.url(str(n), "/wait/1") for n in range(100)], MANY_CHECKS, 100, ours.authority)
        before_mb = resident_mb(ours.pid)
        ours.plan_steady([target.url(str(n), "/wait/20") for n in range(FULL_PLAN)], FULL_INTERVAL_MS)
        time.sleep(2)
        taken_up, cpu_began_s, began_s = ours.last_seq(), cpu_s(ours.pid), time.monotonic()
        time.sleep(8)
        spent_s = time.monotonic() - began_s
        share = (cpu_s(ours.pid) - cpu_began_s) / spent_s
        per_s = (ours.last_seq() - taken_up) / spent_s
        grown_mb = resident_mb(ours.pid) - before_mb
        asked_per_s = FULL_PLAN / FULL_INTERVAL_MS * 1000
        plan = "20,000 monitors at 5 s"
        return [
            row("measuring core: most memory in 100,000 checks", "MiB", [core["peak_mb"]], goal=35, is_ratio=False),
            row(f"{plan}: results per second", "1/s", [per_s], [asked_per_s], "asked for", 0.99, at_least=True),
            row(f"{plan}: CPU of one core", "share", [share]),
            row(f"{plan}: memory on top", "MiB", [grown_mb]),
        ]


@contextlib.contextmanager
def _fresh(is_tls: bool = True) -> Iterator[tuple[Target, OurProbe, Blackbox]]:
    """A target, a probe and an exporter that have done nothing yet."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack, on_core(LOAD_CORE):
        folder = Path(name)
        authority, certificate = make_authority(folder)
        target = Target(certificate if is_tls else None)
        stack.callback(target.close)
        ours = OurProbe(folder / "spool", authority)
        stack.callback(ours.close)
        blackbox = Blackbox(folder, authority)
        stack.callback(blackbox.close)
        yield target, ours, blackbox


def rows() -> list[Row]:
    """Return every row of this file; takes about two minutes."""
    with instruments() as alive:
        measured = batch_rows(alive) + streaming_rows(alive)
    return measured + hanging_memory_rows() + start_rows() + thousand_rows() + many_checks_rows()
