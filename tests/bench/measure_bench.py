"""How exact a measurement is, against prometheus-blackbox-exporter and curl: alone, at a pace, in bursts, saturated.

Error = what is reported, less what the target timed itself (delay_target.py: its wait, and its own part of the TLS
handshake), in ms, without its sign. A phase's error is its own: a request's is that beside the target's wait.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

from tests.bench.error_rows import Goals, error_rows, errors
from tests.bench.harness import Row, cpu_s, percentile, row
from tests.bench.instrument import (
    BLACKBOX,
    CURL,
    CURL_MANY,
    Instruments,
    Measured,
    OurProbe,
    Report,
    Target,
    as_report,
    instruments,
    matched,
    timed,
)
from tests.bench.name_rows import name_rows
from tests.bench.saturation_rows import saturation_rows

REPEATS = 5
#: One at a time, so many times in turns.
ALONE = 120
ALONE_DELAY_MS = 20
ORDERS = tuple(itertools.permutations(("ours", BLACKBOX, CURL)))


def alone_rows(alive: Instruments) -> list[Row]:
    """One check at a time, in turns: each comes after each other one equally often, as a new process cools caches."""
    rows: list[Row] = []
    for kind, target in alive.targets.items():
        target.taken()
        reports: dict[str, list[Report]] = {"ours": [], BLACKBOX: [], CURL: []}
        for place in range(ALONE):
            for name in ORDERS[place % len(ORDERS)]:
                url = target.url(f"{name[0]}{place}", f"/wait/{ALONE_DELAY_MS}")
                if name == CURL:
                    reports[name].append(alive.curl.report(url))
                else:
                    reports[name] += (alive.ours if name == "ours" else alive.blackbox).reports([url])
        taken = target.taken()
        ours, *others = ([matched(done, taken)] for done in reports.values())
        goals: Goals = {("total", 0.5, CURL): 0.7, ("total", 0.5, BLACKBOX): 0.7, ("tls", 0.5, BLACKBOX): 0.7}
        peers = dict(zip((BLACKBOX, CURL), others, strict=True))
        rows += error_rows(f"one {kind} at a time", ours, peers, goals)
    return rows


def steady_rows(alive: Instruments) -> list[Row]:
    """So many a second, evenly spread, for three seconds each in turns: ours by a plan, like every day."""
    rows: list[Row] = []
    for kind, rate, goal in (("plain", 100, 0.4), ("TLS", 100, 1.0), ("TLS", 600, 0.3)):
        target = alive.targets[kind]
        urls = [target.url(str(place)) for place in range(rate * 3)]
        ours: list[list[Measured]] = []
        peers: dict[str, list[list[Measured]]] = {BLACKBOX: []}
        if (kind, rate) == ("plain", 100):
            # A process per check with TLS takes a whole core at this pace.
            peers[CURL] = []
        cpu_ms: tuple[list[float], list[float]] = ([], [])
        for _ in range(REPEATS):
            began_s = cpu_s(alive.ours.pid)
            ours.append(timed(target, _by_plan, alive.ours, target, rate))
            cpu_ms[0].append((cpu_s(alive.ours.pid) - began_s) * 1000 / len(ours[-1]))
            began_s = cpu_s(alive.blackbox.pid)
            peers[BLACKBOX].append(timed(target, alive.blackbox.reports, urls, rate))
            cpu_ms[1].append((cpu_s(alive.blackbox.pid) - began_s) * 1000 / len(urls))
            if CURL in peers:
                peers[CURL].append(timed(target, alive.curl.reports_at, urls, rate))
        name = f"{kind} {rate}/s"
        goals: Goals = {("total", 0.99, BLACKBOX): goal}
        if rate == 100:
            goals["connect", 0.99, BLACKBOX] = 0.2
        rows += error_rows(name, ours, peers, goals)
        rows.append(row(f"{name}: CPU per check", "ms", *cpu_ms, BLACKBOX))
    return rows


def _by_plan(ours: OurProbe, target: Target, rate_per_s: int) -> list[Report]:
    """Return what a plan of `rate_per_s` checks a second measures in three seconds."""
    before = ours.last_seq()
    ours.plan_steady([target.url(str(place)) for place in range(rate_per_s * 5)])
    time.sleep(3)
    ours.rest()
    return [as_report(result) for result in ours.results_after(before)]


def burst_rows(alive: Instruments) -> list[Row]:
    """200 checks asked for at the same moment."""
    rows: list[Row] = []
    for kind, goal in (("plain", 0.3), ("TLS", 0.5)):
        target = alive.targets[kind]
        urls = [target.url(str(place)) for place in range(200)]
        measure: dict[str, Callable[[], list[Report]]] = {
            "ours": lambda urls=urls: alive.ours.reports(urls),
            BLACKBOX: lambda urls=urls: alive.blackbox.reports(urls),
            CURL_MANY: lambda urls=urls: alive.curl.reports(urls, len(urls)),
        }
        p99: dict[str, list[float]] = {name: [] for name in measure}
        for _ in range(REPEATS):
            for name, reports in measure.items():
                p99[name].append(percentile(errors(timed(target, reports), "total"), 0.99))
        for peer, ratio in ((BLACKBOX, goal), (CURL_MANY, None)):
            name = f"burst of 200 {kind}: error of total p99"
            rows.append(row(name, "ms", p99["ours"], p99[peer], peer, ratio))
    return rows


def hanging_rows(alive: Instruments) -> list[Row]:
    """50 hanging targets beside 50 healthy ones: what changes for the healthy ones."""
    target = alive.targets["plain"]
    healthy = [
        {"url": target.url(str(n)), "monitor": n + 1, "interval_ms": 5000, "phase_ms": n * 100} for n in range(50)
    ]
    hanging = [
        {"url": target.url(str(n), "/hang"), "monitor": 1000 + n, "interval_ms": 5000, "phase_ms": n * 100 + 5}
        for n in range(50)
    ]

    def healthy_p99(specs: list[dict[str, object]]) -> float:
        target.taken()
        before = alive.ours.last_seq()
        alive.ours.plan(specs)
        time.sleep(6.2)
        alive.ours.plan([])
        time.sleep(0.2)
        results = [one for one in alive.ours.results_after(before) if one["monitor"] < 1000]
        return percentile(errors(matched([as_report(one) for one in results], target.taken()), "total"), 0.99)

    changes = [healthy_p99(healthy + hanging) - healthy_p99(healthy) for _ in range(3)]
    return [row("50 hanging beside 50 healthy: change of error p99", "ms", changes, goal=0.5, is_ratio=False)]


def rows() -> list[Row]:
    """Return every row of this file; takes about four minutes."""
    with instruments() as alive:
        measured = alone_rows(alive) + steady_rows(alive) + burst_rows(alive) + saturation_rows(alive)
        measured += hanging_rows(alive)
    return measured + name_rows()
