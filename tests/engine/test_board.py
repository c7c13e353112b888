"""The board against a naive model of one series at a time, and rule by rule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pingmon_gui.domain.availability import last_hour, series_availability
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.status import Status
from pingmon_gui.engine.board import Board
from tests.engine.fakes import START_MS, FakeClock, batch, monitor, voting

ON, SLOW, OFF, UNKNOWN = Status.ONLINE, Status.SLOW, Status.OFFLINE, Status.UNKNOWN


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def local_board(clock: FakeClock, *numbers: int, interval_ms: int = 10_000) -> Board:
    board = Board(clock)
    board.set_probes([voting()])
    board.put_monitors([monitor(number, interval_ms=interval_ms) for number in numbers])
    board.take_changes()
    return board


class NaiveSeries:
    """One result at a time, straight from the rules."""

    def __init__(self) -> None:
        self.at: list[int] = []
        self.interval: list[int] = []
        self.status: list[int] = []
        self.confirmed = UNKNOWN
        self.is_checking = False
        self.good: list[bool] = []
        self.voted_until = 0

    def take(self, at: int, interval: int, status: int) -> None:
        if self.at and at > self.at[-1] + interval_hold(self.interval[-1]):
            self.is_checking = False
        self.at.append(at)
        self.interval.append(interval)
        self.status.append(status)
        if status == UNKNOWN:
            return
        self.voted_until = at + interval_hold(interval)
        opposes = (status == OFF) if self.confirmed == UNKNOWN else (status == OFF) != (self.confirmed == OFF)
        flips = opposes and self.is_checking
        self.is_checking = opposes and not flips
        if status == OFF:
            if flips:
                self.confirmed, self.good = OFF, []
            return
        self.good = [*self.good, status == SLOW][-3:]
        if self.confirmed == UNKNOWN:
            self.confirmed = SLOW if status == SLOW else ON
        elif self.confirmed != OFF or flips:
            self.confirmed = SLOW if sum(self.good) >= 2 else ON


def interval_hold(interval: int) -> int:
    return interval * 5 // 2


results = st.lists(
    st.tuples(
        st.integers(0, 2),  # monitor
        st.sampled_from([5_000, 9_999, 10_000, 30_000, 300_000]),  # ms since its last result
        st.sampled_from([5_000, 10_000, 60_000, 1_500_000]),  # interval
        st.sampled_from([ON, ON, SLOW, OFF, OFF, UNKNOWN]),
    ),
    max_size=60,
)


@settings(deadline=None, max_examples=60)
@given(results, st.lists(st.integers(1, 20), max_size=20), st.integers(0, 130_000))
def test_board_with_any_batches_equals_a_naive_model(
    rows: list[tuple[int, int, int, Status]], cuts: list[int], after_ms: int
) -> None:
    clock = FakeClock()
    board = local_board(clock, 10, 11, 12)
    model = {number: NaiveSeries() for number in (10, 11, 12)}
    times = dict.fromkeys(model, START_MS)
    told = []
    for place, step, interval, status in rows:
        number = 10 + place
        times[number] += step
        told.append((number, times[number], interval, status))
    seq = 1
    while told:
        size = cuts.pop() if cuts else len(told)
        part, told = told[:size], told[size:]
        clock.wall_ms = max(clock.wall_ms, *(row[1] for row in part)) + 1
        board.apply(batch([(n, at, s) for n, at, _, s in part], first_seq=seq, interval_ms=[i for _, _, i, _ in part]))
        if seq % 2:
            board.tick(clock.wall_ms)
        seq += size
        for number, at, interval, status in part:
            model[number].take(at, interval, status)
    clock.advance(after_ms)
    now = clock.now_ms()
    board.tick(now)
    start, end = last_hour(now)
    for number, naive in model.items():
        row = board.row_of[MonitorId(number)]
        fresh = naive.voted_until > now
        assert board.state[row, 0] == (naive.confirmed if fresh else UNKNOWN)
        assert board.is_checking[row, 0] == (naive.is_checking and fresh)
        expected = series_availability(
            np.array(naive.at, dtype=np.int64),
            np.array(naive.status, dtype=np.int8),
            np.array(naive.interval, dtype=np.int64),
            start,
            end,
            0,
        )
        assert board.availability_of(MonitorId(number), Region.LOCAL) == expected
        assert board.at_ms[row, 0] == (naive.at[-1] if naive.at else 0)
        ratio = board.availability[row, 0]
        assert (None if np.isnan(ratio) else ratio) == expected.ratio
