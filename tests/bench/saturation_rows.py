"""How many checks one core can do in a second of its time, and how exact they are: so many at once, always.

What else runs on the core makes that slower, but counts for nobody: a second is one of the instrument's own CPU time.
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.error_rows import error_rows
from tests.bench.harness import Row, cpu_s, row
from tests.bench.instrument import (
    BLACKBOX,
    CURL_MANY,
    Blackbox,
    Curl,
    Instruments,
    Measured,
    Report,
    Target,
    as_report,
    core_at_work,
    matched,
)

REPEATS = 3
AT_ONCE = 100
DELAY_MS = 5
#: How many checks make about two seconds.
CHECKS = {"ours": {"plain": 16_000, "TLS": 2_400}, BLACKBOX: {"plain": 2_500, "TLS": 1_600}}
CHECKS[CURL_MANY] = CHECKS["ours"]


#: Measures addresses, `AT_ONCE` at once; returns the reports and the CPU seconds that took.
Measure = Callable[[Sequence[str]], tuple[list[Report], float]]


@dataclass
class _Run:
    measured: list[Measured]
    per_cpu_s: float
    target_share: float


def saturation_rows(alive: Instruments) -> list[Row]:
    """Return rates and errors. Where the target's CPU time comes near the instrument's, it is the limit itself."""
    rows: list[Row] = []
    instruments: dict[str, Measure] = {
        "ours": lambda urls: _our_core(urls, alive.authority),
        BLACKBOX: lambda urls: _blackbox(urls, alive.blackbox),
        CURL_MANY: lambda urls: _curl(urls, alive.curl),
    }
    for kind, goal in (("plain", 8_000), ("TLS", 1_000)):
        runs: dict[str, list[_Run]] = {name: [] for name in instruments}
        for _ in range(REPEATS):
            for name, measure in instruments.items():
                runs[name].append(_run(alive.targets[kind], CHECKS[name][kind], measure))
        name = f"{kind}, {AT_ONCE} at once"
        ours = runs.pop("ours")
        for peer, done in runs.items():
            rates = [run.per_cpu_s for run in ours], [run.per_cpu_s for run in done]
            title = f"{name}: checks per second on one core"
            rows.append(row(title, "1/s", *rates, peer, goal, is_ratio=False, at_least=True))
            shares = [run.target_share for run in ours], [run.target_share for run in done]
            rows.append(row(f"{name}: the target's CPU beside it", "share", *shares, peer))
        peers = {peer: [run.measured for run in done] for peer, done in runs.items()}
        rows += error_rows(name, [run.measured for run in ours], peers, {})
    return rows


def _run(target: Target, count: int, measure: Measure) -> _Run:
    urls = [target.url(str(place), f"/wait/{DELAY_MS}") for place in range(count)]
    target.taken()
    began_s = cpu_s(target.pid)
    reports, spent_s = measure(urls)
    target_s = cpu_s(target.pid) - began_s
    return _Run(matched(reports, target.taken()), count / spent_s, target_s / spent_s)


def _blackbox(urls: Sequence[str], blackbox: Blackbox) -> tuple[list[Report], float]:
    began_s = cpu_s(blackbox.pid)
    return blackbox.reports(urls, at_once=AT_ONCE), cpu_s(blackbox.pid) - began_s


def _curl(urls: Sequence[str], curl: Curl) -> tuple[list[Report], float]:
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    reports = curl.reports(urls, AT_ONCE)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return reports, ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime


def _our_core(urls: Sequence[str], authority: Path) -> tuple[list[Report], float]:
    done = core_at_work(urls, len(urls), AT_ONCE, authority)
    return [as_report(check) for check in done["checks"]], done["cpu_s"]
