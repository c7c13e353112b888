"""A year of 100 domains from 5 regions: its size, each query behind a chart, back-up, and pruning under the window.

The peer holds every result of two domains over 30 days, which is what it would have to keep to answer the same: the
same results as in the year for its last week, and from the same story before.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pingmon_gui.data_folder import database_path
from pingmon_gui.domain.history import DAY_MS, FIVE_MINUTES_MS, HOUR_MS
from pingmon_gui.domain.monitor import Monitor, MonitorDraft
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.domain.size_forecast import Load, forecast
from pingmon_gui.domain.status import Status
from pingmon_gui.report.history_view import read_history
from pingmon_gui.store.backup import back_up
from pingmon_gui.store.chunk import PHASES_US
from pingmon_gui.store.page_share import size_parts
from pingmon_gui.store.retention import used_bytes
from pingmon_gui.store.store import Store
from pingmon_gui.store.writer import GATHER_RESULTS
from tests.bench import text_table
from tests.bench.harness import LOAD_CORE, MEASURED_CORE, ROOT, Row, percentile, pin, python, row
from tests.bench.store_bench import START_MS, Site
from tests.bench.text_table import TextTable
from tests.bench.year import series
from tests.bench.year.make import BENCH_END_MS, cached
from tests.bench.year.story import FAR, MESSAGES, Shape, Story

Figures = dict[str, Any]
Query = Callable[[Monitor], Awaitable[object]]

#: What is left of the year: a day of results, a week of five minutes, a month of hours; and all of it.
PRUNED = {"keep_raw_days": 1, "keep_5min_days": 7, "keep_hour_days": 30}
KEPT = {"keep_raw_days": 400, "keep_5min_days": 400, "keep_hour_days": 4000}
SPANS = ((DAY_MS, FIVE_MINUTES_MS, "1 day"), (30 * DAY_MS, HOUR_MS, "30 days"), (365 * DAY_MS, DAY_MS, "1 year"))
_DOMAINS_ASKED = 12
_WHOLE = "all that a chart shows"
_PEER_DOMAINS, _PEER_DAYS = 2, 30
_WRITTEN_DOMAINS = 500
_RUN_LIMIT_S = 300


def rows() -> list[Row]:
    """Return the rows of the report. Takes about five minutes, the making of the year included."""
    year = cached()
    with tempfile.TemporaryDirectory(prefix="pingmon-bench-") as name:
        folder = Path(name)
        peer = TextTable(folder / "text.db")
        story = Story(replace(Shape(), monitors=_PEER_DOMAINS, raw_days=_PEER_DAYS), BENCH_END_MS)
        results = _results(story)
        spent_s = peer.add(results)
        made = _writing(folder, len(results) / spent_s)
        del results
        made += _sizes(year, peer)
        made += asyncio.run(_queries(database_path(year), peer, story))
        made += _backups(year, folder)
        made += _pruning(year, folder)
        made += _under_the_window(year, folder)
    return made


def _results(story: Story) -> list[text_table.Result]:
    """Return every result of a story that has them, by time."""
    found: list[text_table.Result] = []
    details: dict[str | None, int] = dict.fromkeys((None, *MESSAGES), 0)
    for number, site in enumerate(story.sites):
        for region in FAR:
            columns = series.results(story, number, region, details)
            phases = zip(*((columns[name] / 1000).tolist() for name in PHASES_US), strict=True)
            status = [Status(code).word for code in columns["status"].tolist()]
            found += [
                (site.draft.url, region.value, at_ms, word, total, *five)
                for at_ms, word, total, five in zip(
                    columns["at_ms"].tolist(), status, (columns["total_us"] / 1000).tolist(), phases, strict=True
                )
            ]
    return sorted(found, key=lambda result: result[2])


def _writing(folder: Path, theirs: float) -> list[Row]:
    """Write results in commits of 2,000, as the peer does, without and with what makes chunks and roll-ups of them."""

    async def write() -> tuple[float, float]:
        clock = [START_MS]
        store = Store.open(folder / "written.db", now_ms=lambda: clock[0])
        added = await store.add_monitors([MonitorDraft(f"https://site{n}.example/") for n in range(_WRITTEN_DOMAINS)])
        site = Site([int(monitor.id) for monitor in added])
        batches = list(site.stream(HOUR_MS))
        began_s, pending = time.perf_counter(), 0
        for batch in batches:
            store.append(batch)
            pending += batch.count
            if pending >= GATHER_RESULTS:
                await store.flush()
                pending = 0
        await store.flush()
        written_s = time.perf_counter() - began_s
        clock[0] = START_MS + 2 * HOUR_MS
        await store.maintain()
        while store.has_work:
            await store.maintain()
        compacted_s = time.perf_counter() - began_s
        await store.close()
        return site.seq / written_s, site.seq / compacted_s

    written, compacted = asyncio.run(write())
    return [
        row("history: results written", "1/s", [written], [theirs], text_table.NAME),
        row("history: results written, compacted and rolled up", "1/s", [compacted], [theirs], text_table.NAME),
    ]


def _sizes(year: Path, peer: TextTable) -> list[Row]:
    parts = size_parts(database_path(year))
    results = _PEER_DOMAINS * len(FAR) * _PEER_DAYS * DAY_MS // 10_000
    per_result = peer.size_bytes() / results
    told = forecast([Load(100 * len(FAR), 10_000)], 100, Preferences({})).parts
    raw = 100 * len(FAR) * 7 * DAY_MS // 10_000
    return [
        row("history: 100 domains x 5 regions x 1 year", "GB", [parts.total_bytes / 1e9], goal=1.5, is_ratio=False),
        row("history: bytes per raw result", "B", [parts.raw_bytes / raw], [per_result], text_table.NAME, 16, False),
        row("history: hourly and daily roll-ups", "GB", [(parts.hour_bytes + parts.day_bytes) / 1e9]),
        row(
            "history: size told by the preferences / real",
            "GB",
            [told.total_bytes / 1e9],
            [parts.total_bytes / 1e9],
            "the generated year",
            1.25,
        ),
    ]


async def _queries(path: Path, peer: TextTable, story: Story) -> list[Row]:
    """Time each query behind a chart for a dozen domains; the file is in the system's cache, as for a second look."""
    store = Store.open(path, read_only=True, now_ms=lambda: BENCH_END_MS)
    monitors = list(store.configuration().monitors)[:_DOMAINS_ASKED]
    url = story.sites[0].draft.url
    made: list[Row] = []
    for span_ms, bucket_ms, words in SPANS:
        asked = min(span_ms, _PEER_DAYS * DAY_MS)
        theirs = [peer.chart(url, BENCH_END_MS - asked, BENCH_END_MS, bucket_ms // 1000) for _ in range(3)]
        peer_name = text_table.NAME if asked == span_ms else f"{text_table.NAME} (30 days of it)"
        for query, ask in _chart_queries(store, span_ms, bucket_ms).items():
            spent = [await _timed(ask, monitor) for monitor in monitors]
            name = f"history: {query} of {words}"
            if query != "roll-ups":
                goal = None if query == _WHOLE else 30
                made.append(row(f"{name}, median", "ms", spent, goal=goal, is_ratio=False))
                continue
            made.append(row(f"{name}, median", "ms", spent, theirs, peer_name, 30, is_ratio=False))
            made.append(row(f"{name}, slowest domain", "ms", [max(spent)], goal=30, is_ratio=False))
    spent = [await _timed(lambda one: store.results(one.id, BENCH_END_MS - HOUR_MS, BENCH_END_MS), m) for m in monitors]
    made.append(row("history: every result of 1 hour, median", "ms", spent, goal=30, is_ratio=False))
    await store.close()
    return made


def _chart_queries(store: Store, span_ms: int, bucket_ms: int) -> dict[str, Query]:
    """Return what a chart of a span asks for, each part by itself and all that its window reads."""
    from_ms = BENCH_END_MS - span_ms
    return {
        "roll-ups": lambda one: store.rollups(one.id, from_ms, BENCH_END_MS, bucket_ms),
        "verdicts": lambda one: store.verdict_spans([one.id], from_ms, BENCH_END_MS),
        "incidents": lambda one: store.incidents(from_ms, BENCH_END_MS, [one.id]),
        _WHOLE: lambda one: read_history(store, one.id, from_ms, BENCH_END_MS, span_ms, BENCH_END_MS),
    }


async def _timed(ask: Query, monitor: Monitor) -> float:
    """Return the median ms of three."""
    spent = []
    for _ in range(3):
        began_s = time.perf_counter()
        await ask(monitor)
        spent.append((time.perf_counter() - began_s) * 1000)
    return statistics.median(spent)


def _backups(year: Path, folder: Path) -> list[Row]:
    path, target = database_path(year), folder / "copy.db"
    spent = []
    for _ in range(3):
        began_s = time.perf_counter()
        back_up(path, target, BENCH_END_MS, lambda _share: None)
        spent.append(time.perf_counter() - began_s)
        target.unlink()
    return [row("history: back-up of the year, checked", "s", spent)]


def _pruning(year: Path, folder: Path) -> list[Row]:
    """Prune most of the year in a tight loop: the work that the window spreads over its turns."""
    data = folder / "pruned"
    shutil.copytree(year, data)
    path = database_path(data)

    async def prune() -> tuple[float, list[float], int]:
        store = Store.open(path, now_ms=lambda: BENCH_END_MS)
        await store.change_preferences(PRUNED)
        turns: list[float] = []
        began_s = time.process_time()
        for _ in range(2):  # compaction, retention
            while True:
                turn_s = time.perf_counter()
                await store.maintain()
                turns.append((time.perf_counter() - turn_s) * 1000)
                if not store.has_work:
                    break
        spent_s = time.process_time() - began_s
        used = await store._read(used_bytes)
        await store.close()
        return spent_s, turns, used

    spent_s, turns, used = asyncio.run(prune())
    size = path.stat().st_size
    shutil.rmtree(data)
    return [
        row("history: pruning 11 months, CPU in all", "s", [spent_s]),
        row("history: pruning, one turn of the writer, p99", "ms", [percentile(turns, 0.99)], goal=20, is_ratio=False),
        row("history: pruning, longest turn", "ms", [max(turns)]),
        row("history: file after pruning / what is in use", "MB", [size / 1e6], [used / 1e6], "in use", 1.25),
    ]


def _under_the_window(year: Path, folder: Path) -> list[Row]:
    """Prune, and back up, while the real window is fed with 50 results a second: by how much is its loop late?"""
    made: list[Row] = []
    for phase, words, preferences in (
        ("still", "nothing else", KEPT),
        ("prune", "a year is pruned", PRUNED),
        ("backup", "a year is backed up", KEPT),
    ):
        data = folder / phase
        shutil.copytree(year, data)
        asyncio.run(_prefer(database_path(data), preferences))
        figures = _window(data, phase)
        late, floor = figures[f"{phase}_ms"], figures["floor_ms"]
        name = f"history: window's stall, {words}"
        made.append(
            row(f"{name}, p99", "ms", [percentile(late, 0.99)], [percentile(floor, 0.99)], "empty loop", 4, False)
        )
        made.append(row(f"{name}, longest", "ms", [max(late)], [max(floor)], "empty loop"))
        if phase == "prune":
            made.append(row("history: pruned under the window", "kB/s", [figures["pruned_bytes_per_s"] / 1e3]))
        shutil.rmtree(data)
    return made


async def _prefer(path: Path, values: dict[str, int]) -> None:
    store = Store.open(path, now_ms=lambda: BENCH_END_MS)
    await store.change_preferences(values)
    await store.close()


def _window(data: Path, phase: str) -> Figures:
    command = [*pin(MEASURED_CORE), python(), "-m", "tests.bench.app_load", "run", str(data)]
    command += ["--load-core", str(LOAD_CORE), phase]
    environment = dict(os.environ, PYTHONPATH=f"{ROOT}{os.pathsep}{ROOT / 'probes'}", QT_QPA_PLATFORM="offscreen")
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=_RUN_LIMIT_S, cwd=ROOT, env=environment
    )
    if done.returncode:
        raise RuntimeError(f"the window ended with code {done.returncode}: {done.stderr[-2_000:]}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures
