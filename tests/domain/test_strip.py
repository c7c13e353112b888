"""Bars: what they say is counted by hand; their sums are those of the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.domain.asked_time import AskedTime
from pingmon_gui.domain.availability import Availability
from pingmon_gui.domain.explanation import Held
from pingmon_gui.domain.history import FIVE_MINUTES_MS, HISTOGRAM_BUCKETS, Series, SeriesRollup
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.span import NO_SPANS, Spans
from pingmon_gui.domain.strip import MOST_BARS, bar_length_ms, domain_bars, region_bars
from tests.domain.test_verdict_time import spans

BUCKET = FIVE_MINUTES_MS
Row = tuple[int, int, int, int, int, int]  # bucket, known, available (both in 1/10 of it), online, slow, offline


def rollup(rows: list[Row], probe: int = 1) -> SeriesRollup:
    place, known, available, online, slow, offline = np.array(rows, dtype=np.int64).reshape(len(rows), 6).T
    nothing = np.zeros(len(rows))
    return SeriesRollup(
        Series(MonitorId(2), ProbeId(probe), 0, "https://a.example/"), BUCKET, place * BUCKET,
        online + slow + offline, online, slow, offline, known * BUCKET // 10, available * BUCKET // 10, nothing,
        online + slow, np.zeros((len(rows), 5)), np.zeros((len(rows), HISTOGRAM_BUCKETS), dtype=np.uint32),
    )  # fmt: skip


def asked(buckets: int, paused_from: int | None = None) -> AskedTime:
    end = buckets if paused_from is None else paused_from
    return AskedTime(Spans.of([(0, end * BUCKET)]), Spans.of([(end * BUCKET, buckets * BUCKET)]))


def edges(*places: int) -> np.ndarray:
    return np.array(places, dtype=np.int64) * BUCKET


@pytest.mark.parametrize(
    ("row", "worst", "share", "coverage"),
    [
        ((0, 10, 10, 30, 0, 0), Held.ONLINE, 1.0, 1.0),
        ((0, 10, 10, 29, 1, 0), Held.SLOW, 1.0, 1.0),
        ((0, 10, 9, 27, 0, 3), Held.OFFLINE, 0.9, 1.0),
        ((0, 10, 0, 0, 0, 30), Held.OFFLINE, 0.0, 1.0),
        ((0, 5, 5, 15, 0, 0), Held.ONLINE, 1.0, 0.5),
        # The hold of a failure before reaches in, no result lies in it.
        ((0, 1, 0, 0, 0, 0), Held.OFFLINE, 0.0, 0.1),
    ],
)
def test_bar_of_a_region(row: Row, worst: Held, share: float, coverage: float) -> None:
    (bar,) = region_bars([rollup([row])], asked(1), edges(0, 1))
    assert (bar.worst, bar.time.ratio, bar.time.coverage) == (worst, share, pytest.approx(coverage))


def test_bars_without_results_say_why() -> None:
    bars = region_bars([], asked(2, paused_from=1), edges(0, 1, 2, 3))
    assert [bar.worst for bar in bars] == [Held.UNKNOWN, Held.PAUSED, Held.NOT_ASKED]
    assert [bar.time for bar in bars] == [Availability(0, 0, BUCKET), Availability(), Availability()]


def test_each_probe_of_a_region_is_asked_where_it_measured() -> None:
    two = [rollup([(0, 10, 10, 30, 0, 0), (1, 10, 10, 30, 0, 0)]), rollup([(1, 10, 5, 15, 0, 15)], probe=2)]
    first, second = region_bars(two, asked(2), edges(0, 1, 2))
    assert first.time == Availability(BUCKET, BUCKET, BUCKET)
    assert second.time == Availability(BUCKET * 3 // 2, 2 * BUCKET, 2 * BUCKET)
    (whole,) = region_bars(two, asked(2), edges(0, 2))
    assert whole.time == Availability(BUCKET * 5 // 2, 3 * BUCKET, 4 * BUCKET)


def test_share_of_slow_is_one_of_good_results() -> None:
    (bar,) = region_bars([rollup([(0, 10, 10, 15, 5, 10)])], asked(1), edges(0, 1))
    assert bar.slow_share == 0.25


@pytest.mark.parametrize(
    ("text", "worst"),
    [
        ("oooo", Held.ONLINE),
        ("ooso", Held.SLOW),
        ("osro", Held.REGIONAL),
        ("orXo", Held.OFFLINE),
        ("????", Held.UNKNOWN),
        ("pppp", Held.PAUSED),
        ("oopp", Held.ONLINE),
    ],
)
def test_bar_of_a_domain(text: str, worst: Held) -> None:
    (bar,) = domain_bars(spans(text), np.array([0, 40]), 0)
    assert bar.worst is worst


def test_bar_before_the_domain_was_there_is_not_asked() -> None:
    assert [bar.worst for bar in domain_bars([], np.array([0, 10, 20]), 10)] == [Held.NOT_ASKED, Held.UNKNOWN]


@given(st.text(alphabet="osXr?p", max_size=20), st.sets(st.integers(0, 20), min_size=2))
def test_bars_of_a_domain_add_up(text: str, cuts: set[int]) -> None:
    bars = domain_bars(spans(text), np.array(sorted(cuts)) * 10, 0)
    (whole,) = domain_bars(spans(text), np.array([min(cuts), max(cuts)]) * 10, 0)
    assert sum((bar.time for bar in bars), Availability()) == whole.time
    assert max(bar.worst for bar in bars) == whole.worst or whole.time.known_ms == 0


@given(st.integers(1, 40 * 365 * 86_400_000))
def test_length_of_bars_gives_enough_and_not_too_many(span_ms: int) -> None:
    length = bar_length_ms(span_ms)
    assert -(-span_ms // length) <= MOST_BARS or length == 30 * 86_400_000


@pytest.mark.parametrize(
    ("hours", "length_h"), [(1, 1 / 12), (24, 1), (7 * 24, 6), (30 * 24, 24), (90 * 24, 24), (365 * 24, 7 * 24)]
)
def test_usual_ranges_have_the_usual_bars(hours: int, length_h: float) -> None:
    assert bar_length_ms(hours * 3_600_000) == length_h * 3_600_000


def test_no_spans_are_asked_without_a_standing_of_the_region() -> None:
    (bar,) = region_bars([], AskedTime(NO_SPANS, NO_SPANS), edges(0, 1))
    assert bar.worst is Held.NOT_ASKED
