"""A board as Prometheus reads it: verdicts, regions and probes as metrics, a piece of text at a time.

What is written is the moment at which `board_metrics` is called: it copies the arrays, to be written out afterwards.
Nothing is asked of the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pingmon_probe.exposition import Metric, Sample, head_of, labels_text, text_of

from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.probe import ProbeHealth, ProbeState
from pingmon_gui.domain.region import REGIONS
from pingmon_gui.domain.status import NO_FAILURE, Status, failure_name
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board_view import BoardView

#: Lines of a piece: about a millisecond of work.
LINES_A_PIECE = 1_500

_REGION_LABELS = [labels_text({"region": region.value}) for region in REGIONS]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Grid:
    """A metric with a value per monitor and region; NaN where there is none."""

    name: str
    words: str
    values: Values


@dataclass(frozen=True)
class Ends:
    """A metric with a time of some monitors; `read` returns it as Unix ms, when its turn to be written comes."""

    name: str
    words: str
    read: Callable[[], Mapping[MonitorId, int]]


def board_metrics(board: BoardView, others: Sequence[Metric] = (), ends: Sequence[Ends] = ()) -> Iterator[bytes]:
    """Return the text of everything on the board now and of the rest, in pieces of about a millisecond of work."""
    probes = text_of([*others, *_probe_metrics(list(board.probes.values()))])
    monitors = [board.monitors[id_] for id_ in board.ids]
    verdict, failure = board.verdict.copy(), board.failure.copy()
    votes = board.assigned & (board.state <= Status.OFFLINE)
    at_s = np.where(board.assigned & (board.at_ms > 0), board.at_ms / 1000, np.nan)
    grids = (
        _Grid(
            "pingmon_monitor_success",
            "Whether the region has the domain online (1) or offline (0); absent where nobody can say",
            np.where(votes, board.state != Status.OFFLINE, np.nan),
        ),
        _Grid(
            "pingmon_monitor_duration_seconds",
            "Total time of the newest result",
            _rounded(np.where(board.assigned, board.total_ms / 1000, np.nan)),
        ),
        _Grid(
            "pingmon_monitor_availability_ratio",
            "Share of the known time of the last hour in which the domain was there",
            _rounded(np.where(board.assigned, board.availability, np.nan)),
        ),
        _Grid(
            "pingmon_monitor_coverage_ratio",
            "Share of the last hour's time that is known",
            _rounded(np.where(board.assigned, board.coverage, np.nan)),
        ),
        _Grid("pingmon_monitor_last_result_timestamp_seconds", "When the newest result began, in unixtime", at_s),
    )
    failed = board.assigned & (failure != NO_FAILURE)
    ids = list(board.ids)

    def pieces() -> Iterator[bytes]:
        yield probes
        names = _Names(monitors)
        yield from names.make()
        yield from _verdict_pieces(names.labels, verdict)
        for grid in grids:
            yield from _grid_pieces(names.labels, grid)
        yield from _failure_pieces(names.labels, failed, failure)
        for end in ends:
            yield from _end_pieces(names.labels, ids, end)

    return pieces()


def _rounded(values: Values) -> Values:
    """Return values without digits that nobody measured."""
    rounded: Values = np.round(values, 6)
    return rounded


class _Names:
    """What stands between the braces for each monitor: its address and its name, different for all."""

    def __init__(self, monitors: Sequence[Monitor]) -> None:
        self._monitors = monitors
        self.labels: list[str] = []

    def make(self) -> Iterator[bytes]:
        """Fill `labels`, handing back control now and then."""
        used: set[str] = set()
        for place, monitor in enumerate(self._monitors, start=1):
            labels, count = _monitor_labels(monitor, 1), 1
            while labels in used:
                count += 1
                labels = _monitor_labels(monitor, count)
            used.add(labels)
            self.labels.append(labels)
            if place % (LINES_A_PIECE // 4) == 0:
                yield b""


def _monitor_labels(monitor: Monitor, count: int) -> str:
    name = monitor.title if count == 1 else f"{monitor.title} ({count})"
    return labels_text({"url": monitor.url, "name": name})


def _verdict_pieces(labels: Sequence[str], verdict: npt.NDArray[Any]) -> Iterator[bytes]:
    """A set of states per monitor: 1 for the one that holds, 0 for the others."""
    name = "pingmon_monitor_verdict"
    if labels:
        yield head_of(name, "gauge", "What all regions together say: 1 for the verdict that holds, else 0").encode()
    words = [labels_text({"verdict": word.word}) for word in Verdict]
    step = LINES_A_PIECE // len(words)
    for start in range(0, len(labels), step):
        rows = zip(labels[start : start + step], verdict[start : start + step].tolist(), strict=True)
        lines = [
            f"{name}{{{label},{word}}} {int(held == code)}\n" for label, held in rows for code, word in enumerate(words)
        ]
        yield "".join(lines).encode()


def _grid_pieces(labels: Sequence[str], grid: _Grid) -> Iterator[bytes]:
    rows, columns = np.nonzero(~np.isnan(grid.values))
    if len(rows):
        yield head_of(grid.name, "gauge", grid.words).encode()
    for start in range(0, len(rows), LINES_A_PIECE):
        some = slice(start, start + LINES_A_PIECE)
        values = grid.values[rows[some], columns[some]].tolist()
        cells = zip(rows[some].tolist(), columns[some].tolist(), values, strict=True)
        yield "".join(
            f"{grid.name}{{{labels[row]},{_REGION_LABELS[column]}}} {value!r}\n" for row, column, value in cells
        ).encode()


def _failure_pieces(labels: Sequence[str], failed: npt.NDArray[np.bool_], failure: npt.NDArray[Any]) -> Iterator[bytes]:
    name = "pingmon_monitor_failure_info"
    rows, columns = np.nonzero(failed)
    if len(rows):
        yield head_of(name, "gauge", "Why the newest result failed, by class").encode()
    for start in range(0, len(rows), LINES_A_PIECE):
        some = slice(start, start + LINES_A_PIECE)
        codes = failure[rows[some], columns[some]].tolist()
        cells = zip(rows[some].tolist(), columns[some].tolist(), codes, strict=True)
        yield "".join(
            f'{name}{{{labels[row]},{_REGION_LABELS[column]},failure="{failure_name(code)}"}} 1\n'
            for row, column, code in cells
        ).encode()


def _end_pieces(labels: Sequence[str], ids: Sequence[MonitorId], end: Ends) -> Iterator[bytes]:
    at_ms = end.read()
    if any(id_ in at_ms for id_ in ids):
        yield head_of(end.name, "gauge", end.words).encode()
    for start in range(0, len(ids), LINES_A_PIECE):
        rows = zip(labels[start : start + LINES_A_PIECE], ids[start : start + LINES_A_PIECE], strict=True)
        yield "".join(f"{end.name}{{{label}}} {at_ms[id_] / 1000!r}\n" for label, id_ in rows if id_ in at_ms).encode()


def _probe_metrics(probes: Sequence[ProbeHealth]) -> list[Metric]:
    labelled = [({"probe": health.probe.name, "region": health.probe.region.value}, health) for health in probes]

    def each(name: str, kind: str, words: str, value: Any) -> Metric:
        found = ((labels, value(health)) for labels, health in labelled)
        return name, kind, words, [(labels, float(number)) for labels, number in found if number is not None]

    states: list[Sample] = [
        ({**labels, "state": state.value.replace(" ", "_")}, float(health.state is state))
        for labels, health in labelled
        for state in ProbeState
    ]
    return [
        ("pingmon_probe_state", "gauge", "How Pingmon stands with a probe: 1 for the state that holds, else 0", states),
        each("pingmon_probe_counted", "gauge", "Whether the probe's results count just now", lambda h: h.votes),
        each(
            "pingmon_probe_clock_offset_seconds",
            "gauge",
            "How far the probe's clock is ahead",
            lambda h: None if h.clock_offset_ms is None else h.clock_offset_ms / 1000,
        ),
        each(
            "pingmon_probe_last_contact_timestamp_seconds",
            "gauge",
            "When the probe was last heard of, in unixtime",
            lambda h: None if h.last_contact_at_ms is None else h.last_contact_at_ms / 1000,
        ),
        each(
            "pingmon_probe_late_p99_seconds",
            "gauge",
            "How late the beats of the probe's measuring loop were in the last minute",
            lambda h: None if h.late_p99_ms is None else h.late_p99_ms / 1000,
        ),
        each("pingmon_probe_restarts_total", "counter", "How often Pingmon had to start it anew", lambda h: h.restarts),
        each("pingmon_results_collected_total", "counter", "Results that came from the probe", lambda h: h.collected),
    ]
