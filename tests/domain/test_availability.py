"""Availability against a model that looks at every second."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pingmon_probe.protocol import MAX_INTERVAL_MS, MAX_TIMEOUT_MS, MIN_INTERVAL_MS, MIN_TIMEOUT_MS

from pingmon_gui.domain.availability import (
    COLLECT_MS,
    HOUR_MS,
    MINUTE_MS,
    Availability,
    hold_ms,
    holding_interval_ms,
    last_hour,
    series_availability,
    total,
)
from pingmon_gui.domain.monitor import MonitorSettings
from pingmon_gui.domain.status import Status

SPAN_S = 300
ROWS = st.lists(
    st.tuples(st.integers(0, SPAN_S), st.sampled_from([4, 10, 40]), st.sampled_from(list(Status))), max_size=15
).map(lambda rows: sorted(rows, key=lambda row: row[0]))


def arrays(rows: list[tuple[int, int, Status]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    at_ms = np.array([at_s * 1000 for at_s, _interval, _status in rows], dtype=np.int64)
    status = np.array([status for _at, _interval, status in rows], dtype=np.int8)
    return at_ms, status, np.array([interval * 1000 for _at, interval, _status in rows], dtype=np.int64)


def by_the_second(rows: list[tuple[int, int, Status]], start_s: int, end_s: int) -> tuple[int, int]:
    """Return (available, known) seconds: at each one the last result speaks, if it is not too old."""
    available = known = 0
    for now_s in range(start_s, end_s):
        before = [row for row in rows if row[0] <= now_s]
        if before and now_s < before[-1][0] + before[-1][1] * 5 // 2:
            status = before[-1][2]
            known += status not in (Status.UNKNOWN, Status.PAUSED)
            available += status in (Status.ONLINE, Status.SLOW)
    return available, known


@given(ROWS, st.integers(0, SPAN_S + 120), st.integers(0, SPAN_S + 120), st.integers(0, SPAN_S))
def test_series_availability_is_what_every_second_says(
    rows: list[tuple[int, int, Status]], one_s: int, other_s: int, asked_s: int
) -> None:
    start_s, end_s = sorted((one_s, other_s))
    found = series_availability(*arrays(rows), start_s * 1000, end_s * 1000, asked_s * 1000)
    available, known = by_the_second(rows, start_s, end_s)
    assert (found.available_ms, found.known_ms) == (available * 1000, known * 1000)
    assert found.asked_ms == max(known * 1000, max(0, end_s - max(start_s, asked_s)) * 1000)
    assert found.available_ms <= found.known_ms <= found.asked_ms


@given(ROWS, st.lists(st.integers(0, SPAN_S + 120), min_size=2, max_size=6).map(sorted))
def test_parts_of_a_span_add_up_to_the_span(rows: list[tuple[int, int, Status]], edges: list[int]) -> None:
    columns = arrays(rows)
    parts = [series_availability(*columns, begin * 1000, end * 1000, 0) for begin, end in itertools.pairwise(edges)]
    assert total(parts) == series_availability(*columns, edges[0] * 1000, edges[-1] * 1000, 0)


def test_arguments_are_left_as_they_were() -> None:
    at_ms, status, interval_ms = arrays([(0, 10, Status.ONLINE), (5, 10, Status.OFFLINE)])
    before = at_ms.copy(), status.copy(), interval_ms.copy()
    series_availability(at_ms, status, interval_ms, 0, 60_000, 0)
    for one, kept in zip((at_ms, status, interval_ms), before, strict=True):
        assert np.array_equal(one, kept)


def test_nothing_known_is_no_ratio_and_nothing_asked_no_coverage() -> None:
    assert Availability(0, 0, 10).ratio is None
    assert Availability(0, 0, 10).coverage == 0.0
    assert Availability().coverage is None
    assert Availability(3, 4, 8).ratio == 0.75 and Availability(3, 4, 8).coverage == 0.5
    assert total([]) == Availability()


INTERVALS = st.integers(MIN_INTERVAL_MS, MAX_INTERVAL_MS)
TIMEOUTS = st.integers(MIN_TIMEOUT_MS, MAX_TIMEOUT_MS)


@given(INTERVALS, TIMEOUTS, st.lists(st.booleans(), min_size=1, max_size=6), st.data())
def test_a_site_that_hangs_is_spoken_of_until_its_next_result_is_there(
    interval_ms: int, timeout_ms: int, rechecks: list[bool], data: st.DataObject
) -> None:
    """Slots that fall into a running check are skipped, and so are those before a re-check."""
    holding_ms = int(hold_ms(np.array([holding_interval_ms(interval_ms, timeout_ms)]))[0])
    start_ms, phase_ms = data.draw(st.integers(0, interval_ms)), data.draw(st.integers(0, interval_ms))
    for is_recheck in rechecks:
        end_ms = start_ms + timeout_ms
        slot_ms = phase_ms + ((end_ms - phase_ms) // interval_ms + 1) * interval_ms
        next_ms = end_ms + min(2_000, interval_ms) if is_recheck else slot_ms
        assert start_ms + holding_ms >= next_ms + timeout_ms + COLLECT_MS
        start_ms = next_ms


@given(INTERVALS, TIMEOUTS)
def test_results_hold_by_their_interval_unless_the_timeout_is_long_beside_it(interval_ms: int, timeout_ms: int) -> None:
    holding_ms = holding_interval_ms(interval_ms, timeout_ms)
    assert interval_ms <= holding_ms <= MAX_INTERVAL_MS
    if interval_ms + 2 * timeout_ms + COLLECT_MS <= 2.5 * interval_ms:
        assert holding_ms == interval_ms
    else:
        # Not longer than it has to be.
        assert 2.5 * (holding_ms - 1) < interval_ms + 2 * timeout_ms + COLLECT_MS


def test_default_settings_hold_for_two_and_a_half_intervals_as_they_are() -> None:
    assert MonitorSettings().holding_interval_ms == MonitorSettings().interval_ms
    assert MonitorSettings(interval_ms=5_000, timeout_ms=30_000).holding_interval_ms == 26_800


def test_hold_is_two_and_a_half_intervals_in_whole_ms() -> None:
    assert hold_ms(np.array([5_000, 10_000, 3_600_000, 5_001])).tolist() == [12_500, 25_000, 9_000_000, 12_502]


@given(st.integers(HOUR_MS, 2**45))
def test_last_hour_is_59_whole_minutes_and_the_running_one(now_ms: int) -> None:
    start_ms, end_ms = last_hour(now_ms)
    assert end_ms == now_ms and start_ms % MINUTE_MS == 0
    assert HOUR_MS - MINUTE_MS <= end_ms - start_ms < HOUR_MS
