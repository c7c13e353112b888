"""Explanations: the intervals that were, in words a test can read, and sums that are the figure's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pingmon_probe.protocol import FAILURES

from pingmon_gui.domain.asked_time import AskedTime, asked_time, maintenance_time
from pingmon_gui.domain.availability import Availability, series_availability
from pingmon_gui.domain.explanation import (
    AVAILABLE,
    KNOWN,
    Explanation,
    Held,
    Reason,
    explain_domain,
    explain_region,
)
from pingmon_gui.domain.history import Series, SeriesHistory
from pingmon_gui.domain.incident import Incident, IncidentId
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId, Shared
from pingmon_gui.domain.span import NO_SPANS, Spans
from pingmon_gui.domain.status import NO_FAILURE, Status
from pingmon_gui.domain.timeline import Standing, VerdictSpan
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.domain.verdict_time import verdict_time
from tests.domain.test_verdict_time import spans

STEP = 10
LETTERS = {"o": Status.ONLINE, "s": Status.SLOW, "x": Status.OFFLINE, "b": Status.UNKNOWN, "n": Status.UNKNOWN}
LETTERS["p"] = Status.PAUSED
TIMEOUT, BLOCKED = FAILURES.index("timeout"), FAILURES.index("blocked")
REASONS = {"x": TIMEOUT, "b": BLOCKED, "n": TIMEOUT}


def results(text: str, probe: int = 1, url: str = "https://a.example/", first: int = 0) -> SeriesHistory:
    """A result each step: a letter (b is blocked, n the probe's own network), or a space where there was none."""
    places = [place for place, letter in enumerate(text) if letter != " "]
    letters = [text[place] for place in places]
    count = len(places)
    return SeriesHistory(
        series=Series(MonitorId(2), ProbeId(probe), 0, url),
        at_ms=(np.array(places, dtype=np.int64) + first) * STEP,
        interval_ms=np.full(count, STEP, dtype=np.int64),
        status=np.array([LETTERS[letter] for letter in letters], dtype=np.int8),
        failure=np.array([REASONS.get(letter, NO_FAILURE) for letter in letters], dtype=np.int8),
        http_status=np.zeros(count, dtype=np.int16),
        total_ms=np.zeros(count),
        phases_ms=np.zeros((count, 5)),
        queue_ms=np.zeros(count),
        recheck=np.zeros(count, dtype=np.bool_),
        low_confidence=np.zeros(count, dtype=np.bool_),
        detail=Shared(["", {"message": "no answer in time"}], np.array([int(each == "x") for each in letters])),
    )


def all_of(end: int) -> AskedTime:
    return AskedTime(Spans.of([(0, end)]), NO_SPANS)


def told(explanation: Explanation) -> list[tuple[int, int, str]]:
    """Return (start, end, what) in steps; everything has to be an interval of its full length."""
    assert all(one.length_ms == one.end_ms - one.start_ms for one in explanation.intervals)
    return [(one.start_ms, one.end_ms, one.held.name.lower()) for one in explanation.intervals]


def assert_sums(explanation: Explanation) -> None:
    time = explanation.time
    assert explanation.total_ms(*AVAILABLE) == time.available_ms
    assert explanation.total_ms(*KNOWN) == time.known_ms
    assert time.known_ms + explanation.total_ms(Held.UNKNOWN) - explanation.beyond_ms == time.asked_ms
    assert explanation.beyond_ms >= 0


def test_results_that_say_the_same_are_one_interval() -> None:
    found = explain_region([results("oooxxso")], [], all_of(70), 0, 0, 70)
    assert told(found) == [(0, 30, "online"), (30, 50, "offline"), (50, 60, "slow"), (60, 70, "online")]
    offline = found.intervals[1]
    assert (offline.reason, offline.failure, offline.text, offline.probe) == (
        Reason.RESULTS,
        "timeout",
        "no answer in time",
        1,
    )
    assert found.time == Availability(50, 70, 70)
    assert_sums(found)


def test_result_speaks_for_two_and_a_half_intervals_and_then_nothing_is_known() -> None:
    found = explain_region([results("oo   o")], [], all_of(60), 0, 0, 60)
    assert told(found) == [(0, 35, "online"), (35, 50, "unknown"), (50, 60, "online")]
    assert found.intervals[1].reason is Reason.NO_RESULT
    assert found.time == Availability(45, 45, 60)
    assert_sums(found)


def test_result_before_the_span_reaches_in_and_one_at_its_end_reaches_no_further() -> None:
    found = explain_region([results("xo")], [], all_of(100), 5, 5, 12)
    assert told(found) == [(5, 10, "offline"), (10, 12, "online")]


@pytest.mark.parametrize(("letter", "reason"), [("b", Reason.NO_VOTE), ("n", Reason.OWN_NETWORK), ("p", Reason.PAUSED)])
def test_results_without_a_vote_are_unknown_and_say_why(letter: str, reason: Reason) -> None:
    found = explain_region([results(f"o{letter * 3}o")], [], all_of(50), 0, 0, 50)
    assert told(found) == [(0, 10, "online"), (10, 40, "unknown"), (40, 50, "online")]
    assert found.intervals[1].reason is reason
    assert_sums(found)


def test_pause_counts_in_neither_and_what_still_spoke_in_it_is_made_up_for() -> None:
    standings = [Standing(0, frozenset({Region.EU})), Standing(20, frozenset({Region.EU}), is_paused=True)]
    asked = asked_time(standings, Region.EU, 0, 100)
    found = explain_region([results("oo")], [], asked, 0, 0, 100)
    assert told(found) == [(0, 35, "online"), (35, 100, "paused")]
    assert found.time == Availability(35, 35, 35)
    found = explain_region([results(" o")], [], asked, 0, 0, 100)
    assert told(found) == [(0, 10, "unknown"), (10, 35, "online"), (35, 100, "paused")]
    assert (found.time, found.beyond_ms) == (Availability(25, 25, 25), 10)
    assert_sums(found)


def test_maintenance_is_told_from_a_pause() -> None:
    here = frozenset({Region.EU})
    standings = [
        Standing(0, here),
        Standing(20, here, is_paused=True, is_in_maintenance=True),
        Standing(70, here, is_paused=True),
    ]
    found = explain_region([results("oopp")], [], asked_time(standings, Region.EU, 0, 100), 0, 0, 100)
    assert told(found) == [(0, 20, "online"), (20, 70, "paused"), (70, 100, "paused")]
    assert [one.reason for one in found.intervals[1:]] == [Reason.MAINTENANCE, Reason.PAUSED]
    assert_sums(found)
    windows = maintenance_time(standings, 0, 100)
    judged = [VerdictSpan(0, 20, Verdict.ONLINE), VerdictSpan(20, 100, Verdict.PAUSED)]
    found = explain_domain(judged, [], windows, 0, 100, 0)
    assert told(found) == [(0, 20, "online"), (20, 70, "paused"), (70, 100, "paused")]
    assert [one.reason for one in found.intervals[1:]] == [Reason.MAINTENANCE, Reason.PAUSED]


def test_region_that_did_not_watch_yet_was_not_asked() -> None:
    asked = asked_time([Standing(40, frozenset({Region.EU}))], Region.EU, 0, 100)
    found = explain_region([], [], asked, 0, 0, 100)
    assert told(found) == [(0, 40, "not_asked"), (40, 100, "unknown")]
    assert found.time == Availability(0, 0, 60)


def test_each_probe_of_a_region_counts_by_itself() -> None:
    found = explain_region([results("oooo"), results("oxxo", probe=2)], [], all_of(40), 0, 0, 40)
    assert found.time == Availability(60, 80, 80)
    assert sorted(one.probe for one in found.intervals if one.probe) == [1, 2, 2, 2]
    assert_sums(found)


def test_another_address_may_speak_beside_the_one_before() -> None:
    found = explain_region([results("oo"), results("oo", url="https://b.example/", first=2)], [], all_of(40), 0, 0, 40)
    assert (found.time, found.beyond_ms) == (Availability(55, 55, 55), 0)
    assert_sums(found)


HISTORIES = st.lists(
    st.tuples(st.text(alphabet="osxbnp ", max_size=25), st.integers(1, 2), st.integers(0, 6)), max_size=4
)
STANDINGS = st.lists(st.tuples(st.integers(0, 300), st.booleans(), st.booleans()), max_size=5)


@given(HISTORIES, STANDINGS, st.integers(0, 300), st.integers(0, 300))
def test_sums_are_the_figure_for_any_history(
    texts: list[tuple[str, int, int]], stood: list[tuple[int, bool, bool]], one: int, other: int
) -> None:
    start, end = sorted((one, other))
    histories = [
        results(text, probe, f"https://{number}.example/", first) for number, (text, probe, first) in enumerate(texts)
    ]
    standings = [
        Standing(from_ms, frozenset({Region.EU} if is_watched else ()), is_paused, is_paused and from_ms % 2 == 0)
        for from_ms, is_watched, is_paused in sorted(stood)
    ]
    asked = asked_time(standings, Region.EU, start, end)
    found = explain_region(histories, [], asked, start, start, end)
    assert_sums(found)
    by_rule = sum(
        (series_availability(h.at_ms, h.status, h.interval_ms, start, end, end) for h in histories), Availability()
    )
    assert (found.time.available_ms, found.time.known_ms) == (by_rule.available_ms, by_rule.known_ms)
    # With at most one series nothing is told twice, and together the intervals are the whole span.
    if len(histories) <= 1:
        assert sum(interval.length_ms for interval in found.intervals) == end - start
        assert Spans.of((i.start_ms, i.end_ms) for i in found.intervals).total_ms == end - start


INCIDENT = Incident(IncidentId(1), MonitorId(2), Verdict.OFFLINE, 10, 20, 12, (Region.EU, Region.NA))


def test_domain_is_explained_by_its_verdicts_and_incidents() -> None:
    found = explain_domain(spans("oXrs?p o"), [INCIDENT], NO_SPANS, 0, 90, 5)
    assert told(found) == [
        (0, 5, "not_asked"),
        (5, 10, "online"),
        (10, 20, "offline"),
        (20, 30, "regional"),
        (30, 40, "slow"),
        (40, 50, "unknown"),
        (50, 60, "paused"),
        (60, 70, "unknown"),
        (70, 80, "online"),
        (80, 90, "unknown"),
    ]
    assert found.intervals[2].text == "Europe and North America"
    assert [found.intervals[place].reason for place in (3, 6, 7)] == [Reason.VERDICT, Reason.PAUSED, Reason.NOT_JUDGED]
    assert_sums(found)


@given(
    st.text(alphabet="osXr?p ", max_size=25),
    st.lists(st.tuples(st.integers(0, 250), st.integers(0, 60)), max_size=3),
    st.integers(0, 300),
    st.integers(0, 300),
    st.integers(0, 300),
)
def test_sums_of_a_domain_are_the_figure(
    text: str, windows: list[tuple[int, int]], one: int, other: int, asked_from: int
) -> None:
    start, end = sorted((one, other))
    maintenance = Spans.of((begin, begin + length) for begin, length in windows)
    found = explain_domain(spans(text), [], maintenance, start, end, asked_from)
    assert found.time == verdict_time(spans(text), start, end, asked_from).availability
    assert_sums(found)
    assert found.beyond_ms == 0
    assert sum(interval.length_ms for interval in found.intervals) == end - start
