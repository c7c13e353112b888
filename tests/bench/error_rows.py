"""Rows of errors: of the total and of each phase, in percentiles, against each peer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.bench.harness import Row, percentile, row
from tests.bench.instrument import PHASES, Measured

SHARES = (0.5, 0.95, 0.99)
#: Total and queue: what the total of an instrument is that counts its own work and wait as the target's.
WALL = "wall"

#: (what, percentile, peer) -> how ours / the peer's may be at most.
Goals = dict[tuple[str, float, str], float]


def error_rows(
    name: str, ours: Sequence[Sequence[Measured]], peers: Mapping[str, Sequence[Sequence[Measured]]], goals: Goals
) -> list[Row]:
    """Return rows of total, phases and wall time, three percentiles of each, per peer; a sequence is a repeat."""
    rows: list[Row] = []
    for what in ("total", *PHASES, WALL):
        if what == "tls" and "TLS" not in name:
            continue
        for share in SHARES:
            for peer_name, peer in peers.items():
                mine = [percentile(errors(run, what), share) for run in ours]
                theirs = [percentile(errors(run, what), share) for run in peer]
                title = f"{name}: error of {what} p{share * 100:.0f}"
                rows.append(row(title, "ms", mine, theirs, peer_name, goals.get((what, share, peer_name))))
    return rows


def errors(run: Sequence[Measured], what: str) -> list[float]:
    """Return the errors of the total, of a phase or of the wall time, in ms."""
    if what == "total":
        return [value.error_ms for value in run]
    if what == WALL:
        return [value.wall_error_ms for value in run]
    return [value.phase_error_ms(what) for value in run]
