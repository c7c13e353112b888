"""Availability: available time over known time, in exact milliseconds. Rules of architecture section 5."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pingmon_gui.domain.status import Codes, Status

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
#: From the end of a check to its result in the app at the latest, as the formula of alerts has it.
COLLECT_MS = 2_000
_ONLINE, _SLOW, _UNKNOWN, _PAUSED = (int(s) for s in (Status.ONLINE, Status.SLOW, Status.UNKNOWN, Status.PAUSED))


@dataclass(frozen=True)
class Availability:
    """Time that was available, known and asked for, in ms; available <= known <= asked. Adding two adds times."""

    available_ms: int = 0
    known_ms: int = 0
    asked_ms: int = 0

    @property
    def ratio(self) -> float | None:
        """Available share of known time in [0, 1]; None where nothing is known ("no data" is not 0 %)."""
        return self.available_ms / self.known_ms if self.known_ms > 0 else None

    @property
    def coverage(self) -> float | None:
        """Known share of asked time in [0, 1]; None where no time was asked for."""
        return min(1.0, self.known_ms / self.asked_ms) if self.asked_ms > 0 else None

    def __add__(self, other: Availability) -> Availability:
        return Availability(
            self.available_ms + other.available_ms, self.known_ms + other.known_ms, self.asked_ms + other.asked_ms
        )


def total(parts: Iterable[Availability]) -> Availability:
    """Return the sum of disjoint parts; none gives zero times."""
    return sum(parts, Availability())


def holding_interval_ms(interval_ms: int, timeout_ms: int) -> int:
    """Return the interval that a monitor's results hold by: its own, unless checks that hang come more seldom.

    A slot that falls into a running check is skipped. So where a site hangs, the next result is there an interval and
    twice the timeout after the start of the one before, and then it has to be collected; until then that one speaks.
    """
    return max(interval_ms, -(-2 * (interval_ms + 2 * timeout_ms + COLLECT_MS) // 5))


def hold_ms(interval_ms: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return for how long at most a result speaks: 2.5 of the intervals that came with it, in whole ms."""
    return interval_ms * 5 // 2


def held_until_ms(at_ms: npt.NDArray[np.int64], interval_ms: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the end of what each result speaks for: the next result's start or its hold, whichever is first.

    Both arrays belong to one series, ordered by `at_ms`.
    """
    until = at_ms + hold_ms(interval_ms)
    until[:-1] = np.minimum(until[:-1], at_ms[1:])
    return until


def is_available(status: Codes) -> npt.NDArray[np.bool_]:
    """Return where the target could be used: online or slow."""
    available: npt.NDArray[np.bool_] = (status == _ONLINE) | (status == _SLOW)
    return available


def is_known(status: Codes) -> npt.NDArray[np.bool_]:
    """Return where the result says something about the target: neither unknown nor paused."""
    known: npt.NDArray[np.bool_] = (status != _UNKNOWN) & (status != _PAUSED)
    return known


def series_availability(
    at_ms: npt.NDArray[np.int64],
    status: Codes,
    interval_ms: npt.NDArray[np.int64],
    start_ms: int,
    end_ms: int,
    asked_from_ms: int,
) -> Availability:
    """Return the availability of one series in [start_ms, end_ms).

    The arrays have one element per result, ordered by time, and should begin with the last result
    before `start_ms`, whose hold reaches in. Asked time starts at `asked_from_ms` at the earliest.
    """
    asked = max(0, end_ms - max(start_ms, asked_from_ms))
    if len(at_ms) == 0:
        return Availability(0, 0, asked)
    begin = np.clip(at_ms, start_ms, end_ms)
    until = np.clip(held_until_ms(at_ms, interval_ms), start_ms, end_ms)
    span = np.maximum(0, until - begin)
    known = int(span[is_known(status)].sum())
    return Availability(int(span[is_available(status)].sum()), known, max(asked, known))


def last_hour(now_ms: int) -> tuple[int, int]:
    """Return (start_ms, end_ms) of the rolling hour: 59 whole minutes and the running one, the same everywhere."""
    return now_ms // MINUTE_MS * MINUTE_MS - 59 * MINUTE_MS, now_ms
