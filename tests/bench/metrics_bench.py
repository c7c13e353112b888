"""A scrape of /metrics of 10,000 domains x 5 regions from the loop of a window: how much, how long, and who waits."""

from __future__ import annotations

import asyncio
import statistics
import time
import urllib.request
from functools import partial

import qasync
from PySide6.QtWidgets import QApplication

from pingmon_gui.domain.metrics_access import LOOPBACK, MetricsAccess
from pingmon_gui.engine.board_metrics import Ends, board_metrics
from pingmon_gui.metrics import service as service_module
from pingmon_gui.metrics.service import MetricsService
from tests.bench.app_load import BEAT_MS, Beat
from tests.bench.harness import Row, percentile, row
from tests.bench.table_bench import filled_board

REPEATS = 7
ENCODINGS = ("identity", "gzip")


def rows() -> list[Row]:
    """Return the rows of the report. Takes ten seconds."""
    application = QApplication.instance() or QApplication([])
    found: list[Row] = qasync.run(_scrapes())
    del application
    return found


async def _scrapes() -> list[Row]:
    board, _ = filled_board()
    service_module.KEPT_S = 0.0
    certificates = Ends("pingmon_x_timestamp_seconds", "As many as domains", lambda: dict.fromkeys(board.ids, 1))
    pieces = partial(board_metrics, board, ends=(certificates,))
    service = MetricsService(MetricsAccess(LOOPBACK, 0, False), None, pieces)
    await service.start()
    beat = Beat()
    url = f"http://127.0.0.1:{service.port}/metrics"
    sizes: dict[str, int] = {}
    took: dict[str, list[float]] = {encoding: [] for encoding in ENCODINGS}
    stalls: dict[str, list[float]] = {encoding: [] for encoding in ENCODINGS}
    try:
        for _ in range(REPEATS):
            for encoding in ENCODINGS:
                beat.start()
                began_s = time.perf_counter()
                sizes[encoding] = await asyncio.to_thread(_fetch, url, encoding)
                took[encoding].append((time.perf_counter() - began_s) * 1000)
                # What this thread worked beyond the time of a beat: others that the machine does are not its fault.
                stalls[encoding].append(percentile((max(0.0, busy - BEAT_MS) for busy in beat.busy_ms), 0.99))
                beat.stop()
    finally:
        await service.stop()
    found = [row("metrics of 10,000 domains x 5 regions", "MB", [sizes["identity"] / 1e6])]
    found.append(row("the same in gzip", "MB", [sizes["gzip"] / 1e6]))
    for encoding, title in zip(ENCODINGS, ("a scrape of them", "a scrape of them in gzip"), strict=True):
        found.append(row(title, "ms", took[encoding]))
        stall = [statistics.median(stalls[encoding])]
        found.append(row(f"{title}, stall of the loop p99", "ms", stall, goal=4.0, is_ratio=False))
    return found


def _fetch(url: str, encoding: str) -> int:
    """Return how many bytes came; read as Prometheus does, by another thread."""
    request = urllib.request.Request(url, headers={"Accept-Encoding": encoding})
    total = 0
    with urllib.request.urlopen(request) as answer:
        while part := answer.read(1 << 20):
            total += len(part)
    return total
