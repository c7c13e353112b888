"""The JSON of `pingmon status` (architecture 9), from a board."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Sequence
from typing import Any

from pingmon_gui.domain.monitor import Monitor
from pingmon_gui.domain.probe import ProbeHealth
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.status import Status, failure_name
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board import Board
from pingmon_gui.engine.board_view import FamilyCell, LatestResult

MONITORS_A_TURN = 20


async def status_document(board: Board, probes: Iterable[ProbeHealth], now_ms: int) -> dict[str, Any]:
    """Return every monitor with its verdict and one entry per region that watches it; shares are 0..1 or None.

    Where each address family is measured, a region's entry is that of the worse one and has an entry of each in
    `families`, which is empty elsewhere.

    `total_ms`, `failure` and `at_ms` are those of the newest result, however old; `status` is what holds
    now. Gives the loop its turn every few monitors: ten thousand take a second.
    """
    known = list(probes)
    monitors = []
    for place, monitor in enumerate(list(board.ids), start=1):
        if monitor in board.monitors:
            monitors.append(_monitor(board, known, board.monitors[monitor]))
        if place % MONITORS_A_TURN == 0:
            await asyncio.sleep(0)
    return {
        "at_ms": now_ms,
        "monitors": monitors,
        "probes": [
            {
                "name": health.probe.name,
                "region": health.probe.region.value,
                "state": health.state.value,
                "version": health.version,
                "clock_offset_ms": health.clock_offset_ms,
                "last_contact_ms": health.last_contact_at_ms,
            }
            for health in known
        ],
    }


def _monitor(board: Board, probes: list[ProbeHealth], monitor: Monitor) -> dict[str, Any]:
    row = board.row_of[monitor.id]
    watching = [column for column in range(len(REGIONS)) if board.assigned[row, column]]
    return {
        "url": monitor.url,
        "name": monitor.name,
        "verdict": Verdict(int(board.verdict[row])).word,
        "maintenance_until_ms": board.maintenance_until_ms(monitor.id),
        "regions": [_region(board, probes, row, monitor, column) for column in watching],
    }


def _region(board: Board, probes: list[ProbeHealth], row: int, monitor: Monitor, column: int) -> dict[str, Any]:
    region = REGIONS[column]
    told = board.latest(monitor.id, region)
    families = [_family(board, told, monitor, cell) for cell in board.by_family(monitor.id, region)]
    at_ms = int(board.at_ms[row, column])
    shown = [one for one in told if not families or one.result.started_at_ms == at_ms]
    latest = max(shown, key=lambda found: found.result.started_at_ms, default=None)
    here = [health for health in probes if health.probe.region is region]
    health = next((health for health in here if latest and health.probe.id == latest.probe.id), here[0])
    status = Status(int(board.state[row, column]))
    return {
        "region": region.value,
        "probe": health.probe.name,
        "status": status.word,
        "total_ms": _number(float(board.total_ms[row, column])),
        "failure": failure_name(int(board.failure[row, column])),
        "message": _message(board, health, monitor, region, status, latest.result.message if latest else ""),
        "availability_1h": _number(float(board.availability[row, column])),
        "coverage_1h": _number(float(board.coverage[row, column])),
        "at_ms": at_ms or None,
        "families": families,
    }


def _family(board: Board, told: Sequence[LatestResult], monitor: Monitor, cell: FamilyCell) -> dict[str, Any]:
    mine = [one for one in told if one.family == cell.family]
    latest = max(mine, key=lambda found: found.result.started_at_ms, default=None)
    return {
        "family": cell.family,
        "status": cell.state.word,
        "total_ms": cell.total_ms,
        "failure": cell.failure,
        "message": latest.result.message if latest else "",
        "address": latest.result.address if latest else None,
        "availability_1h": cell.availability,
        "coverage_1h": cell.coverage,
        "at_ms": cell.at_ms or None,
    }


def _message(board: Board, health: ProbeHealth, monitor: Monitor, region: Region, status: Status, told: str) -> str:
    """Return the result's own sentence; where nobody can measure just now, the reason for that."""
    if status is Status.UNKNOWN:
        left_out = board.left_out.get(health.probe.id, {}).get(monitor.id)
        return left_out or ("" if health.votes else health.reason) or told
    return told


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
