"""What the cells of a board show, from what is known of every series: the one rule for now and for the past."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain.status import NO_FAILURE, Codes, Status
from pingmon_gui.domain.verdict import is_worse, region_state
from pingmon_gui.engine.hour import Flags, Ints
from pingmon_gui.engine.move import Places


class KnownSeries(Protocol):
    """What is known of every series: arrays with one element each, read only."""

    @property
    def confirmed(self) -> Codes: ...

    @property
    def is_checking(self) -> Flags: ...

    @property
    def at_ms(self) -> Ints: ...

    @property
    def total_ms(self) -> npt.NDArray[np.float64]: ...

    @property
    def failure(self) -> Codes: ...


@dataclass(frozen=True)
class Cells:
    """Arrays of the shape (rows, columns), each named as the board's array that it is for."""

    state: Codes
    is_checking: Flags
    total_ms: npt.NDArray[np.float64]
    failure: Codes
    at_ms: Ints
    availability: npt.NDArray[np.float64]
    coverage: npt.NDArray[np.float64]


CELL_ARRAYS = tuple(field.name for field in fields(Cells))


def visible_cells(
    known: KnownSeries,
    series: Places,
    votes: Flags,
    assigned: Flags,
    paused: Flags,
    times: tuple[Ints, Ints, Ints],
) -> Cells:
    """Return what some cells show.

    `series` are those behind each cell, shape (rows, columns, most probes of a region), `votes` where one may vote
    and speaks still; `assigned` (rows, columns), `paused` (rows); `times` are known, available and asked ms of the
    rolling hour, each (rows, columns).
    """
    state = region_state(known.confirmed[series], votes)
    state = np.where(assigned, np.where(paused[:, None], Status.PAUSED, state), Status.UNKNOWN).astype(np.int8)
    is_checking = (known.is_checking[series] & votes).any(axis=-1)
    newest = series[..., 0]
    if series.shape[-1] > 1:
        place = known.at_ms[series].argmax(axis=-1)
        newest = np.take_along_axis(series, place[..., None], axis=-1)[..., 0]
    known_ms, available_ms, asked_ms = times
    with np.errstate(divide="ignore", invalid="ignore"):
        availability = np.where(assigned & (known_ms > 0), available_ms / known_ms, np.nan)
        coverage = np.where(assigned & (asked_ms > 0), known_ms / asked_ms, np.nan)
    return Cells(
        state=state,
        is_checking=is_checking & assigned & ~paused[:, None],
        total_ms=np.where(assigned, known.total_ms[newest], np.nan),
        failure=np.where(assigned, known.failure[newest], NO_FAILURE).astype(np.int8),
        at_ms=np.where(assigned, known.at_ms[newest], 0),
        availability=availability,
        coverage=coverage,
    )


def with_seconds(first: Cells, second: Cells, rows: Places) -> Cells:
    """Return what cells show where some of their rows are measured over each family: the worse of the two.

    `second` are the cells over IPv6 of these `rows`, with the shares of both. Of two that are alike it is the slower.
    """
    before = Cells(**{name: getattr(first, name)[rows] for name in CELL_ARRAYS})
    is_slower = (before.state <= Status.SLOW) & (second.total_ms > before.total_ms)
    is_alike = second.state == before.state
    is_shown = is_worse(second.state, before.state) | (is_alike & (is_slower | (before.at_ms == 0)))
    shown = {name: np.where(is_shown, getattr(second, name), getattr(before, name)) for name in CELL_ARRAYS}
    shown["is_checking"] = before.is_checking | second.is_checking
    whole = {name: getattr(first, name).copy() for name in CELL_ARRAYS}
    for name, values in shown.items():
        whole[name][rows] = values
    return replace(first, **whole)
