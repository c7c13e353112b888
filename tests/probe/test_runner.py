"""The plan runner on a clock and a measurer that the test drives: slots, skips, second looks, plan changes."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pingmon_probe.evidence_desk import EvidenceDesk
from pingmon_probe.loop import Timer
from pingmon_probe.protocol import NO_VOTE_FAILURES, CheckResult, CheckSpec, Plan, phase_ms
from pingmon_probe.runner import MAX_LATE_S, Runner, first_slot_s

from pingmon_gui.domain.status import Confirmation, Status

WALL_S = 1_700_000_000.0


class FakeClock:
    """The loop's clock and timers; time passes only in `run_until`."""

    def __init__(self) -> None:
        self.time_s = 1_000.0
        self._timers: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()

    def now(self) -> float:
        return self.time_s

    def wall_s(self) -> float:
        return WALL_S + self.time_s - 1_000.0

    def call_at(self, when_s: float, fn: Callable[..., None], *args: Any) -> Timer:
        timer = Timer(cast(Any, self), when_s, fn, args)
        heapq.heappush(self._timers, (when_s, next(self._numbers), timer))
        return timer

    def on_timer_cancelled(self) -> None:
        """The loop counts these."""

    def run_until(self, end_s: float) -> None:
        while self._timers and self._timers[0][0] <= end_s:
            when_s, _, timer = heapq.heappop(self._timers)
            if timer.fn is not None:
                self.time_s = max(self.time_s, when_s)
                fn, args, timer.fn = timer.fn, timer.args, None
                fn(*args)
        self.time_s = max(self.time_s, end_s)

    def stall(self, seconds: float) -> None:
        """Let time pass without a timer being served, as in a sleep of the machine."""
        self.time_s += seconds


@dataclass
class Start:
    at_s: float
    slot_s: float | None
    spec: CheckSpec
    recheck: bool
    on_demand: bool
    revision: int


Outcome = tuple[float, str | None]


@dataclass
class FakeMeasurer:
    """Answers each start after the time and with the failure that `outcomes` says, the last one for ever."""

    clock: FakeClock
    outcomes: list[Outcome] = field(default_factory=lambda: [(0.1, None)])
    starts: list[Start] = field(default_factory=list)
    running: int = 0
    most_running: int = 0

    def start(
        self,
        spec: CheckSpec,
        planned_at_s: float | None,
        done: Callable[[CheckResult], None],
        *,
        on_demand: bool = False,
        recheck: bool = False,
        revision: int = 0,
        keeps_evidence: Callable[[], bool] | None = None,
    ) -> None:
        self.starts.append(Start(self.clock.now(), planned_at_s, spec, recheck, on_demand, revision))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        took_s, failure = self.outcomes[min(len(self.starts), len(self.outcomes)) - 1]
        result = CheckResult(url=spec.url, monitor=spec.monitor, failure=failure, recheck=recheck, on_demand=on_demand)

        def end() -> None:
            self.running -= 1
            if failure is not None and keeps_evidence is not None and keeps_evidence():
                result.evidence = {"tried": [{"target": spec.url, "address": None, "port": None, "outcome": "late"}]}
            done(result)

        self.clock.call_at(self.clock.now() + took_s, end)


class Bench:
    def __init__(self, outcomes: Sequence[Outcome] = ((0.1, None),)) -> None:
        self.clock = FakeClock()
        self.measurer = FakeMeasurer(self.clock, list(outcomes))
        self.results: list[CheckResult] = []
        self.runner = Runner(self.clock, self.measurer, self.results.append, wall_s=self.clock.wall_s)

    def apply(self, *checks: CheckSpec, revision: int = 1) -> None:
        self.runner.apply(self.runner.prepare(Plan("tests", revision, tuple(checks))))
        self.runner.resume()

    def run(self, seconds: float) -> list[Start]:
        """Let time pass; return what was started in it."""
        before = len(self.measurer.starts)
        self.clock.run_until(self.clock.time_s + seconds)
        return self.measurer.starts[before:]


def spec(monitor: int = 1, interval_ms: int = 10_000, **fields: Any) -> CheckSpec:
    return CheckSpec("http://a/", monitor=monitor, interval_ms=interval_ms, **{"phase_ms": 1_000, **fields})


def test_slots_lie_at_the_phase_on_the_wall_clock() -> None:
    bench = Bench()
    bench.apply(spec(phase_ms=3_250), spec(2, 5_000, phase_ms=4_999))
    starts = bench.run(60)
    assert len(starts) == 6 + 12
    for start in starts:
        wall_ms = round((start.at_s - 1_000 + WALL_S) * 1000)
        assert wall_ms % start.spec.interval_ms == start.spec.phase_ms
        assert start.slot_s == pytest.approx(start.at_s)
    assert bench.runner.skipped == 0


def test_restart_moves_no_slot() -> None:
    check = spec(phase_ms=phase_ms(77, 10_000, 2, 3))
    first = first_slot_s(check, now_s=50.0, wall_s=WALL_S)
    later = first_slot_s(check, now_s=9_000.0, wall_s=WALL_S + 123.456)
    apart_s = (later - 9_000.0 + 123.456) - (first - 50.0)
    assert apart_s / 10 == pytest.approx(round(apart_s / 10), abs=1e-5)


def test_step_of_the_wall_clock_moves_nothing() -> None:
    bench = Bench()
    bench.apply(spec())
    before = bench.run(30)
    bench.runner._wall_s = lambda: WALL_S + 86_400 + 3.3
    after = bench.run(30)
    gaps = [b.at_s - a.at_s for a, b in itertools.pairwise(before + after)]
    assert gaps == pytest.approx([10.0] * 5)


def test_check_that_still_runs_at_its_slot_skips_it_and_is_counted() -> None:
    bench = Bench([(25.0, None), (0.1, None)])
    bench.apply(spec())
    starts = bench.run(60)
    assert [round(start.at_s - starts[0].at_s) for start in starts] == [0, 30, 40, 50]
    assert bench.runner.skipped == 2
    assert bench.measurer.most_running == 1


def test_first_good_result_is_believed_at_once() -> None:
    bench = Bench()
    bench.apply(spec())
    assert [start.recheck for start in bench.run(30)] == [False] * 3


def test_first_bad_result_is_looked_at_again_2_s_after_its_end() -> None:
    bench = Bench([(1.5, "dns")])
    bench.apply(spec())
    first, second, third, *_ = bench.run(30)
    assert (first.recheck, second.recheck, third.recheck) == (False, True, False)
    assert second.at_s - first.at_s == pytest.approx(1.5 + 2.0)
    assert second.slot_s is None
    assert third.at_s - first.at_s == pytest.approx(10.0)


def test_change_is_looked_at_again_in_both_directions_once_each() -> None:
    good, bad = (0.1, None), (0.1, "timeout")
    bench = Bench([good, bad, bad, bad, good, good, good])
    bench.apply(spec())
    starts = bench.run(50)
    assert [start.recheck for start in starts] == [False, False, True, False, False, True, False]
    assert bench.runner.started == len(starts)


def test_one_bad_result_between_good_ones_changes_nothing() -> None:
    good, bad = (0.1, None), (0.1, "timeout")
    bench = Bench([good, bad, good, good, bad, good])
    bench.apply(spec())
    assert [start.recheck for start in bench.run(50)][:6] == [False, False, True, False, False, True]


def test_slot_before_a_second_look_is_skipped_and_counted() -> None:
    bench = Bench([(9.0, "timeout"), (0.1, "timeout")])
    bench.apply(spec())
    first, second, third = bench.run(29)
    assert second.recheck and second.at_s - first.at_s == pytest.approx(11.0)
    assert third.at_s - first.at_s == pytest.approx(20.0)
    assert bench.runner.skipped == 1


@pytest.mark.parametrize("failure", ["blocked", "refused_target", "internal"])
def test_result_without_a_vote_changes_nothing(failure: str) -> None:
    bench = Bench([(0.1, None), (0.1, failure)])
    bench.apply(spec())
    assert not any(start.recheck for start in bench.run(60))


def test_result_of_our_own_broken_network_changes_nothing() -> None:
    bench = Bench([(0.1, "dns")])

    def judge(result: CheckResult, deliver: Callable[[CheckResult], None]) -> None:
        result.own_network = True
        bench.clock.call_at(bench.clock.now() + 1.9, deliver, result)

    bench.runner._judge = judge
    bench.apply(spec())
    assert [start.recheck for start in bench.run(30)] == [False] * 3
    assert all(result.own_network for result in bench.results)


def test_second_look_counts_from_the_end_not_from_the_anchors_answer() -> None:
    bench = Bench([(0.5, "dns")])
    bench.runner._judge = lambda result, deliver: bench.clock.call_at(bench.clock.now() + 1.9, deliver, result) and None
    bench.apply(spec())
    first, second, *_ = bench.run(12)
    assert second.recheck and second.at_s - first.at_s == pytest.approx(2.5)


@pytest.mark.parametrize("stall_s", [MAX_LATE_S + 9.5, 35.0, 86_400.0])
def test_sleep_makes_a_gap_and_no_burst(stall_s: float) -> None:
    bench = Bench()
    bench.apply(*(spec(number, phase_ms=phase_ms(number, 10_000, 0, 1)) for number in range(1, 201)))
    bench.run(20)
    bench.clock.stall(stall_s)
    before = len(bench.measurer.starts)
    bench.clock.run_until(bench.clock.time_s)
    at_once = len(bench.measurer.starts) - before
    assert at_once <= 200 * (MAX_LATE_S / 10) * 1.6, "only slots of the last second may still start"
    assert bench.runner.skipped > 0
    assert len(bench.run(10)) == pytest.approx(200, abs=1)
    slots = {round((start.at_s - 1_000) * 1000) % 10_000 for start in bench.measurer.starts[-50:]}
    assert slots <= {start.spec.phase_ms for start in bench.measurer.starts}


def test_plan_change_keeps_slot_and_state_of_unchanged_checks() -> None:
    kept, changed, gone = spec(1), spec(2), spec(3)
    bench = Bench([(0.1, None)])
    bench.apply(kept, changed, gone)
    bench.run(21)
    bench.measurer.outcomes = [(0.1, "timeout")]
    slot_s = bench.runner._checks[1].next_s
    bench.clock.stall(0.5)
    bench.runner._wall_s = lambda: WALL_S + 4.2
    bench.apply(kept, replace(changed, version=2, phase_ms=77), spec(4), revision=2)
    assert bench.runner._checks[1].next_s == slot_s
    assert bench.runner._checks[1].was_up is True
    assert bench.runner._checks[2].was_up is None
    starts = bench.run(40)
    assert {start.spec.monitor for start in starts} == {1, 2, 4}
    assert {start.revision for start in starts} == {2}
    assert bench.runner.count == 3


def test_removed_check_is_not_looked_at_again() -> None:
    bench = Bench([(0.1, "timeout")])
    bench.apply(spec())
    [first] = bench.run(1) or bench.run(10)
    bench.apply(revision=2)
    assert bench.run(30) == []
    assert len(bench.results) == 1 and first.spec.monitor == 1


def test_pause_stops_and_resume_goes_on_in_the_same_slots() -> None:
    bench = Bench()
    bench.apply(spec())
    first = bench.run(10)[0]
    bench.runner.pause()
    assert bench.run(100) == []
    bench.runner.resume()
    again = bench.run(10)[0]
    assert (again.at_s - first.at_s) % 10 == pytest.approx(0, abs=1e-6)
    assert bench.runner.skipped == 0


def test_check_on_demand_of_the_plan_counts_as_its_result() -> None:
    bench = Bench([(0.1, "timeout"), (0.1, "timeout"), (0.1, None)])
    check = spec(phase_ms=9_000)
    bench.apply(check)
    answers: list[CheckResult] = []
    bench.runner.run_on_demand(check, answers.append)
    bench.runner.run_on_demand(replace(check, version=9), answers.append)
    starts = bench.measurer.starts
    bench.run(5)
    assert [(start.on_demand, start.recheck) for start in starts] == [(True, False), (True, False), (False, True)]
    assert len(answers) == 2 and len(bench.results) == 2


STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.001, 0.4, 1.999, 2.0, 4.9, 5.0, 7.9, 8.0, 12.0, 29.9]),
        st.sampled_from([None, None, "timeout", "dns", "http_status", "blocked", "internal"]),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=200, deadline=None)
@given(STEPS, st.sampled_from([5_000, 10_000, 60_000]), st.integers(0, 4_999))
def test_rules_hold_for_any_history(outcomes: list[Outcome], interval_ms: int, phase: int) -> None:
    """The same rule as the app's `Confirmation`, plus: each doubt is looked at again once, 2 s after its end."""
    bench = Bench(outcomes)
    bench.apply(spec(interval_ms=interval_ms, phase_ms=phase))
    bench.run(40 * interval_ms / 1000)
    bench.runner.pause()
    bench.run(40)
    starts = bench.measurer.starts
    assert bench.measurer.most_running == 1
    assert len(bench.results) == len(starts)
    regular = [start for start in starts if not start.recheck]
    assert len(regular) + bench.runner.skipped in (40, 41), "every slot is used or counted"
    for start in regular:
        assert round((start.at_s - 1_000 + WALL_S) * 1000) % interval_ms == phase
    known, row = Confirmation.fresh(1), np.array([0])
    is_doubted, end_s = False, 0.0
    for place, start in enumerate(starts):
        assert start.recheck == is_doubted
        if is_doubted:
            assert start.at_s == pytest.approx(end_s + 2.0)
        took_s, failure = outcomes[min(place, len(outcomes) - 1)]
        end_s = start.at_s + took_s
        was_checking = bool(known.is_checking[0])
        status = Status.ONLINE if failure is None else Status.OFFLINE
        status = Status.UNKNOWN if failure in NO_VOTE_FAILURES else status
        known.apply(row, np.array([status], dtype=np.int8))
        is_doubted = bool(known.is_checking[0]) and not was_checking
    expected = {Status.UNKNOWN: None, Status.ONLINE: True, Status.OFFLINE: False}
    assert bench.runner._checks[1].was_up is expected[Status(int(known.confirmed[0]))]


def test_many_checks_of_one_slot_are_spread_over_turns_and_none_is_lost() -> None:
    bench = Bench()
    bench.apply(*(spec(number) for number in range(1, 1_001)))
    starts = bench.run(9)
    assert len(starts) == 1_000 == len({start.spec.monitor for start in starts})
    assert bench.runner.skipped == 0


def kept(bench: Bench) -> list[bool]:
    """Which results have evidence, in their order."""
    return [result.evidence is not None for result in bench.results]


def test_an_outage_leaves_evidence_once_and_the_first_result_ever_may_be_it() -> None:
    bench = Bench([(0.1, "timeout")])
    bench.apply(spec())
    bench.run(1_000)
    assert kept(bench)[:2] == [True, False] and sum(kept(bench)) == 1


def test_a_flapping_check_leaves_evidence_once_in_five_minutes() -> None:
    flapping: list[Outcome] = [(0.1, None), (0.1, None), (0.1, "timeout"), (0.1, "timeout")]
    bench = Bench(flapping * 200)
    bench.apply(spec())
    bench.run(1_500)
    times_s = [start.at_s for start, has in zip(bench.measurer.starts, kept(bench), strict=False) if has]
    assert 4 <= len(times_s) <= 5
    assert all(after - before >= 300 for before, after in itertools.pairwise(times_s))


def test_many_that_fail_together_share_what_may_be_kept_and_the_others_get_theirs_later() -> None:
    bench = Bench([(0.1, "timeout")])
    bench.runner = Runner(
        bench.clock,
        bench.measurer,
        bench.results.append,
        wall_s=bench.clock.wall_s,
        desk=EvidenceDesk(bench.clock.now, burst=100, per_s=1 / 60),
    )
    bench.apply(*(spec(monitor, phase_ms=monitor) for monitor in range(1, 1_001)))
    bench.run(30)
    assert sum(kept(bench)) == 100
    bench.run(600)
    assert 109 <= sum(kept(bench)) <= 111
    with_evidence = [result.monitor for result in bench.results if result.evidence is not None]
    assert len(set(with_evidence)) == len(with_evidence)


def test_own_network_that_is_down_leaves_nothing_and_uses_nothing_up() -> None:
    bench = Bench([(0.1, "timeout")])
    is_down = [True]

    def judge(result: CheckResult, deliver: Callable[[CheckResult], None]) -> None:
        result.own_network = is_down[0]
        deliver(result)

    desk = EvidenceDesk(bench.clock.now, burst=1, per_s=0)
    bench.runner = Runner(
        bench.clock, bench.measurer, bench.results.append, judge=judge, wall_s=bench.clock.wall_s, desk=desk
    )
    bench.apply(spec())
    bench.run(60)
    assert not any(kept(bench))
    is_down[0] = False
    bench.run(30)
    assert sum(kept(bench)) == 1
