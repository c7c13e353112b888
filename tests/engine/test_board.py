"""The board against a naive model of one series at a time, and rule by rule."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pingmon_gui.domain.availability import last_hour, series_availability
from pingmon_gui.domain.maintenance import Span
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.probe import ProbeHealth, ProbeState
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board import ROWS_PER_TICK, Board
from tests.domain.test_verdict import by_the_rules
from tests.engine.fakes import START_MS, FakeClock, batch, history, monitor, voting

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
        if at > self.voted_until:
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
                self.confirmed = OFF
            return
        self.good = [*self.good, status == SLOW][-2 if flips else -3 :]
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


many_probes = st.lists(
    st.tuples(
        st.integers(1, 6),  # probe: a region each
        st.sampled_from([5_000, 10_000, 30_000]),  # ms until it starts
        st.sampled_from([ON, SLOW, OFF, OFF, UNKNOWN]),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=60)
@given(many_probes, st.sets(st.integers(1, 6)), st.integers(1, 6), st.integers(0, 40_000))
def test_verdict_with_any_results_and_lost_probes_equals_a_naive_model(
    rows: list[tuple[int, int, Status]], lost: set[int], watching: int, after_ms: int
) -> None:
    clock = FakeClock()
    board = world_board(clock, 2, regions=REGIONS[:watching])
    model = {number: NaiveSeries() for number in range(1, 7)}
    for number, step, status in rows:
        clock.advance(step)
        send(board, 2, clock.now_ms(), status, probe=number)
        model[number].take(clock.now_ms(), 10_000, status)
    for number in lost:
        board.set_health(replace(board.probes[ProbeId(number)], state=ProbeState.UNREACHED, votes=False))
    clock.advance(after_ms)
    board.tick(clock.now_ms())
    states = [
        UNKNOWN if number in lost or model[number].voted_until <= clock.now_ms() else model[number].confirmed
        for number in range(1, watching + 1)
    ]
    assert board.state[0].tolist() == states + [UNKNOWN] * (6 - watching)
    assert board.verdict[0] == by_the_rules(tuple(Status(state) for state in states))


def world_board(clock: FakeClock, *numbers: int, **values: object) -> Board:
    """A board with a probe in each of six regions and monitors that all of them watch."""
    board = Board(clock)
    board.set_probes(voting(1 + column, region) for column, region in enumerate(REGIONS))
    board.put_monitors([monitor(number, **values) for number in numbers])  # type: ignore[arg-type]
    board.take_changes()
    return board


def send(board: Board, number: int, at_ms: int, status: Status, *, probe: int = 1, times: int = 1) -> None:
    board.apply(batch([(number, at_ms + 10 * i, status) for i in range(times)], probe=probe))


def test_result_older_than_two_and_a_half_intervals_makes_unknown(clock: FakeClock) -> None:
    board = local_board(clock, 2)
    send(board, 2, START_MS, OFF, times=2)
    board.tick(START_MS + 25_009)
    assert (board.state[0, 0], board.verdict[0]) == (OFF, Verdict.OFFLINE)
    board.tick(START_MS + 25_010)
    assert (board.state[0, 0], board.verdict[0]) == (UNKNOWN, Verdict.UNKNOWN)
    assert board.take_changes().rows.tolist() == [0]


def test_results_age_in_every_row_of_a_long_board(clock: FakeClock) -> None:
    numbers = range(10, 10 + 3 * ROWS_PER_TICK)
    board = local_board(clock, *numbers)
    board.apply(batch([(number, START_MS, ON) for number in numbers]))
    board.tick(START_MS + 1_000)
    clock.advance(24_999)
    send(board, 10, START_MS + 24_999, ON)  # taken in between two ticks
    board.tick(START_MS + 25_000)
    assert (board.state[:, 0] == ON).tolist() == [True] + [False] * (len(numbers) - 1)


def test_shares_of_rows_without_results_are_counted_in_turns(clock: FakeClock) -> None:
    numbers = range(10, 10 + 2 * ROWS_PER_TICK + 1)
    board = local_board(clock, *numbers)
    board.apply(batch([(number, START_MS, ON) for number in numbers]))
    for _ in range(3):
        board.tick(START_MS + 10_000)
    expected = board.availability_of(MonitorId(10), Region.LOCAL).coverage
    assert board.coverage[:, 0].tolist() == [expected] * len(numbers)


def test_result_without_a_vote_keeps_the_state_until_the_last_vote_has_aged(clock: FakeClock) -> None:
    board = local_board(clock, 2)
    send(board, 2, START_MS, ON)
    send(board, 2, START_MS + 10_000, UNKNOWN)
    send(board, 2, START_MS + 20_000, UNKNOWN)
    clock.advance(20_000)
    board.tick(clock.now_ms())
    assert (board.state[0, 0], board.failure[0, 0]) == (ON, 11)
    board.tick(START_MS + 25_000)
    assert board.state[0, 0] == UNKNOWN


def test_gap_between_two_failures_confirms_nothing(clock: FakeClock) -> None:
    board = local_board(clock, 2)
    send(board, 2, START_MS, ON)
    send(board, 2, START_MS + 10_000, OFF)
    clock.advance(60_000)
    send(board, 2, START_MS + 60_000, OFF)
    assert (board.state[0, 0], board.is_checking[0, 0]) == (ON, True)


def test_monitor_seen_from_six_regions_is_regional_below_the_quorum_and_offline_from_it(clock: FakeClock) -> None:
    board = world_board(clock, 2)
    for number in range(1, 7):
        send(board, 2, START_MS, ON, probe=number)
    assert board.verdict[0] == Verdict.ONLINE
    seen = []
    for number in range(1, 5):
        send(board, 2, START_MS + 1_000, OFF, probe=number, times=2)
        seen.append(Verdict(int(board.verdict[0])))
    assert seen == [Verdict.REGIONAL, Verdict.REGIONAL, Verdict.REGIONAL, Verdict.OFFLINE]


def test_losing_probes_turns_regional_into_no_outage(clock: FakeClock) -> None:
    board = world_board(clock, 2)
    for number in range(1, 7):
        send(board, 2, START_MS, OFF if number <= 2 else ON, probe=number, times=2)
    for number in range(3, 7):
        lost = board.probes[ProbeId(number)]
        board.set_health(replace(lost, state=ProbeState.UNREACHED, votes=False))
        assert board.verdict[0] == Verdict.REGIONAL
    assert board.state[0].tolist() == [OFF, OFF, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN]


def test_probe_that_catches_up_has_no_vote(clock: FakeClock) -> None:
    board = local_board(clock, 2)
    send(board, 2, START_MS, ON)
    board.set_health(replace(voting(), state=ProbeState.CATCHING_UP))
    assert board.state[0, 0] == UNKNOWN


def test_quorum_counts_the_regions_that_were_asked_for_only(clock: FakeClock) -> None:
    board = world_board(clock, 2, regions=(Region.LOCAL, Region.EU))
    assert board.assigned[0].tolist() == [True, False, True, False, False, False]
    send(board, 2, START_MS, OFF, probe=1, times=2)
    send(board, 2, START_MS, OFF, probe=2, times=2)  # North America was not asked
    assert board.verdict[0] == Verdict.REGIONAL
    assert board.state[0, 1] == UNKNOWN
    send(board, 2, START_MS, OFF, probe=3, times=2)
    assert board.verdict[0] == Verdict.OFFLINE


def test_region_without_a_probe_is_assigned_to_nobody(clock: FakeClock) -> None:
    board = local_board(clock, 2)
    assert board.has_probe.tolist() == [True] + [False] * 5
    assert board.assigned[0].tolist() == [True] + [False] * 5


def test_region_with_two_probes_shows_the_newest_and_adds_their_time(clock: FakeClock) -> None:
    board = Board(clock)
    board.set_probes([voting(1, Region.EU), voting(7, Region.EU)])
    board.put_monitors([monitor(2)])
    send(board, 2, START_MS - 2_000, OFF, probe=1, times=2)
    send(board, 2, START_MS - 1_000, SLOW, probe=7)
    column = REGIONS.index(Region.EU)
    board.tick(START_MS)
    assert (board.state[0, column], board.total_ms[0, column]) == (SLOW, 1_500.0)
    times = board.availability_of(MonitorId(2), Region.EU)
    assert (times.known_ms, times.available_ms) == (3_000, 1_000)
    assert times.asked_ms == 2 * (59 * 60_000 + START_MS % 60_000)
    latest = board.latest(MonitorId(2), Region.EU)
    assert [(found.probe.id, found.status, found.result.message) for found in latest] == [
        (1, OFF, "no answer in time"),
        (7, SLOW, ""),
    ]


def test_pause_counts_in_neither_known_nor_asked_time(clock: FakeClock) -> None:
    board = local_board(clock, 2)
    send(board, 2, START_MS, ON)
    clock.advance(5_000)
    board.put_monitors([replace(board.monitors[MonitorId(2)], is_paused=True)])
    assert (board.state[0, 0], board.verdict[0]) == (Status.PAUSED, Verdict.PAUSED)
    clock.advance(600_000)
    board.put_monitors([replace(board.monitors[MonitorId(2)], is_paused=False)])
    board.put_rest([MonitorId(2)], [Span(START_MS + 5_000, START_MS + 605_000)])
    clock.advance(1_000)
    board.tick(clock.now_ms())
    times = board.availability_of(MonitorId(2), Region.LOCAL)
    assert (times.known_ms, times.available_ms) == (5_000, 5_000)
    start, end = last_hour(clock.now_ms())
    assert times.asked_ms == end - start - 600_000


def test_asked_time_begins_with_the_monitor(clock: FakeClock) -> None:
    board = Board(clock)
    board.set_probes([voting()])
    board.put_monitors([monitor(2, created_at_ms=START_MS)])
    send(board, 2, START_MS, ON)
    board.tick(START_MS + 4_000)
    assert (board.availability[0, 0], board.coverage[0, 0]) == (1.0, 1.0)


def test_monitor_without_results_has_no_data_rather_than_a_share(clock: FakeClock) -> None:
    board = local_board(clock, 2)
    board.tick(START_MS + 1_000)
    assert np.isnan(board.availability[0, 0])
    assert board.coverage[0, 0] == 0.0
    assert np.isnan(board.coverage[0, 1])


def test_late_result_leaves_the_dot_alone_and_asks_for_a_recount(clock: FakeClock) -> None:
    board = local_board(clock, 2)
    send(board, 2, START_MS, ON)
    send(board, 2, START_MS - 40_000, OFF)
    assert (board.state[0, 0], board.is_checking[0, 0], board.at_ms[0, 0]) == (ON, False, START_MS)
    assert board.take_late() == [(2, 1)]
    assert board.take_late() == []


def test_recount_equals_the_rule_on_the_stored_results(clock: FakeClock) -> None:
    board = local_board(clock, 2)
    rows = [(2, START_MS - 40_000, OFF), (2, START_MS - 30_000, ON), (2, START_MS, ON)]
    send(board, 2, START_MS, ON)
    stored = history(batch(rows), 2)
    clock.advance(3_000)
    board.tick(clock.now_ms())
    assert board.recount(MonitorId(2), ProbeId(1), [stored])
    start, end = last_hour(clock.now_ms())
    expected = series_availability(stored.at_ms, stored.status, stored.interval_ms, start, end, 0)
    assert board.availability_of(MonitorId(2), Region.LOCAL) == expected
    assert board.latest(MonitorId(2), Region.LOCAL)[0].result.address == "192.0.2.1"  # details stay


def test_recount_that_is_older_than_the_board_is_refused(clock: FakeClock) -> None:
    board = local_board(clock, 2)
    send(board, 2, START_MS - 10_000, ON)
    send(board, 2, START_MS, ON)
    before = board.availability_of(MonitorId(2), Region.LOCAL)
    assert not board.recount(MonitorId(2), ProbeId(1), [history(batch([(2, START_MS - 10_000, ON)]), 2)])
    assert not board.recount(MonitorId(2), ProbeId(1), [])
    assert board.availability_of(MonitorId(2), Region.LOCAL) == before


def test_recount_of_a_series_the_board_knows_nothing_of_brings_back_its_state(clock: FakeClock) -> None:
    board = local_board(clock, 2)
    rows = [(2, START_MS - 20_000, OFF), (2, START_MS - 10_000, OFF)]
    assert board.recount(MonitorId(2), ProbeId(1), [history(batch(rows), 2)])
    assert (board.state[0, 0], board.at_ms[0, 0]) == (OFF, START_MS - 10_000)


def test_strip_keeps_the_worst_of_each_two_minutes(clock: FakeClock) -> None:
    board = local_board(clock, 2)
    slot = START_MS // 120_000 * 120_000
    rows = [(2, slot - 240_000, ON), (2, slot - 239_000, OFF), (2, slot - 238_000, ON), (2, slot, SLOW)]
    board.apply(batch(rows))
    assert board.strip[0, 0, -3:].tolist() == [OFF, 255, SLOW]
    board.tick(slot + 120_000)
    assert board.strip[0, 0, -4:].tolist() == [OFF, 255, SLOW, 255]
    assert board.take_changes().rows.tolist() == [0]
    board.tick(slot + 30 * 120_000)
    assert set(board.strip[0, 0].tolist()) == {255}


def test_strip_of_a_rare_monitor_is_filled_as_far_as_its_result_reaches(clock: FakeClock) -> None:
    board = local_board(clock, 2, interval_ms=600_000)
    slot = START_MS // 120_000 * 120_000
    board.apply(batch([(2, slot, SLOW)], interval_ms=600_000))
    for minutes in range(2, 30, 2):
        board.tick(slot + minutes * 60_000)
    reached = 1 + 1_500_000 // 120_000
    assert board.strip[0, 0, -15:].tolist() == [SLOW] * reached + [255] * (15 - reached)
    again = local_board(clock, 2, interval_ms=600_000)
    again.tick(slot + 28 * 60_000)
    again.recount(MonitorId(2), ProbeId(1), [history(batch([(2, slot, SLOW)], interval_ms=600_000), 2)])
    assert again.strip[0, 0].tolist() == board.strip[0, 0].tolist()


def test_changes_name_the_rows_that_a_person_would_see_change(clock: FakeClock) -> None:
    board = local_board(clock, 2, 3, 4)
    send(board, 3, START_MS, ON)
    changes = board.take_changes()
    assert (changes.rows.tolist(), changes.generation, changes.probes_changed) == ([1], board.generation, False)
    assert board.take_changes().rows.tolist() == []


def test_quiet_tick_changes_no_row(clock: FakeClock) -> None:
    board = Board(clock)
    board.set_probes([voting()])
    board.put_monitors([monitor(2, created_at_ms=START_MS)])
    send(board, 2, START_MS, ON)
    board.tick(START_MS + 1_000)
    board.take_changes()
    board.tick(START_MS + 2_000)
    assert board.take_changes().rows.tolist() == []


def test_rows_follow_their_monitors_when_others_come_and_go(clock: FakeClock) -> None:
    board = local_board(clock, 2, 3, 4)
    board.apply(batch([(2, START_MS, ON), (3, START_MS, SLOW), (4, START_MS, ON)]))
    generation = board.generation
    board.remove_monitors([MonitorId(2), MonitorId(77)])
    assert (board.ids, board.generation > generation) == ([3, 4], True)
    assert board.state[:, 0].tolist() == [SLOW, ON]
    board.put_monitors([monitor(1), monitor(9)])
    assert board.ids == [3, 4, 1, 9]
    assert board.state[:, 0].tolist() == [SLOW, ON, UNKNOWN, UNKNOWN]
    send(board, 1, START_MS, SLOW)
    assert board.state[:, 0].tolist() == [SLOW, ON, SLOW, UNKNOWN]
    assert board.availability_of(MonitorId(3), Region.LOCAL).known_ms == 0
    board.tick(START_MS + 500)
    assert board.availability_of(MonitorId(3), Region.LOCAL).known_ms == 500
    assert board.latest(MonitorId(4), Region.LOCAL)[0].result.total_ms == 50.0


def test_probes_that_come_keep_what_the_others_told(clock: FakeClock) -> None:
    board = local_board(clock, 2)
    send(board, 2, START_MS, SLOW)
    board.set_probes([voting(9, Region.OC), voting()])
    assert board.state[0].tolist() == [SLOW] + [UNKNOWN] * 5
    assert board.assigned[0].tolist() == [True, False, False, False, False, True]
    send(board, 2, START_MS, ON, probe=9)
    assert board.state[0, 5] == ON


def test_results_of_strangers_are_passed_over(clock: FakeClock) -> None:
    board = local_board(clock, 2)
    board.apply(batch([(99, START_MS, ON)]))
    board.apply(batch([(2, START_MS, ON)], probe=50))
    board.apply(batch([]))
    assert board.state[0, 0] == UNKNOWN
    Board(clock).apply(batch([(2, START_MS, ON)]))


def test_result_from_far_ahead_is_not_shown_as_live(clock: FakeClock) -> None:
    board = local_board(clock, 2)
    send(board, 2, START_MS + 3_600_000, OFF)
    send(board, 2, START_MS, ON)
    assert (board.state[0, 0], board.take_late()) == (ON, [])


def test_batches_are_let_go_of_when_newer_ones_have_replaced_them(clock: FakeClock) -> None:
    board = local_board(clock, 2, 3)
    first = batch([(2, START_MS, ON), (3, START_MS, ON)])
    gone = weakref.ref(first.total_ms)
    board.apply(first)
    del first
    send(board, 2, START_MS + 10, ON)
    assert gone() is not None
    send(board, 3, START_MS + 10, ON)
    gc.collect()
    assert gone() is None


def test_moved_monitor_starts_from_unknown_and_keeps_its_hour(clock: FakeClock) -> None:
    board = local_board(clock, 2)
    send(board, 2, START_MS - 1_000, OFF, times=2)
    board.restart_series([MonitorId(2)])
    assert board.state[0, 0] == UNKNOWN
    assert board.availability_of(MonitorId(2), Region.LOCAL).known_ms == 1_000
    send(board, 2, START_MS, ON)
    assert board.state[0, 0] == ON


def test_cards_count_what_they_say(clock: FakeClock) -> None:
    board = world_board(clock, 2, 3, 4, 5)
    board.put_monitors([replace(board.monitors[MonitorId(5)], is_paused=True)])
    for number in range(1, 7):
        send(board, 2, START_MS, ON, probe=number)
        send(board, 3, START_MS, OFF if number > 1 else ON, probe=number, times=2)
        send(board, 5, START_MS, ON, probe=number)
    board.set_health(replace(board.probes[ProbeId(6)], state=ProbeState.UNREACHED, votes=False, reason="No answer."))
    cards = board.cards()
    assert (cards.total, cards.paused, cards.not_paused) == (4, 1, 3)
    assert (cards.online, cards.reachable_somewhere) == (1, 2)
    assert (cards.active_regions, cards.regions_with_probe) == (5, 6)
    assert (cards.health, cards.healthy) == ("No answer.", False)


@pytest.mark.parametrize(
    ("health", "problem", "words"),
    [
        (voting(), None, "good"),
        (voting(), "The disk is full.", "The disk is full."),
        (replace(voting(), votes=False, reason="Its network is down."), None, "Its network is down."),
        (replace(voting(), late_p99_ms=80.0), None, "late by 80 ms"),
        (replace(voting(), state=ProbeState.REFUSED, reason="Another owner."), None, "Another owner."),
        (replace(voting(), state=ProbeState.STARTING), None, "starting"),
        (replace(voting(), state=ProbeState.CATCHING_UP), None, "catching up"),
    ],
)
def test_health_is_the_worst_cause_in_words(
    clock: FakeClock, health: ProbeHealth, problem: str | None, words: str
) -> None:
    board = Board(clock)
    board.set_probes([health])
    board.set_problem(problem)
    assert words in board.cards().health


def test_by_probe_tells_the_probes_of_one_region_apart(clock: FakeClock) -> None:
    board = Board(clock)
    board.set_probes([voting(1, Region.EU), voting(2, Region.EU), voting(3, Region.NA)])
    board.put_monitors([monitor(2), monitor(3, regions=(Region.EU,)), monitor(4, is_paused=True)])
    for number, status in ((1, ON), (2, OFF), (3, ON)):
        send(board, 2, START_MS, status, probe=number, times=2)
        send(board, 3, START_MS, ON, probe=number)
    send(board, 2, START_MS + 20_000, OFF, probe=3)
    board.set_health(replace(board.probes[ProbeId(1)], votes=False))
    told = board.by_probe(np.array([0, 1, 2]))
    assert told.probes == (1, 2, 3)
    assert told.state.tolist() == [[UNKNOWN, OFF, ON], [UNKNOWN, ON, UNKNOWN], [Status.PAUSED] * 3]
    assert told.is_checking.tolist() == [[False, False, True], [False] * 3, [False] * 3]
    assert told.assigned.tolist() == [[True] * 3, [True, True, False], [True] * 3]
    assert told.at_ms[0, 2] == START_MS + 20_000 and told.at_ms[1, 2] == told.at_ms[2, 0] == 0
    assert np.isnan(told.total_ms[1, 2]) and told.total_ms[1, 0] == 50
