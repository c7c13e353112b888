"""Timeline: the same results give the same spans, and the board's rules give the same states."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Confirmation, Status
from pingmon_gui.domain.timeline import (
    Standing,
    Track,
    VerdictSpan,
    confirmed_states,
    joined_spans,
    verdict_spans,
)
from pingmon_gui.domain.verdict import Verdict

STEP_MS = 10_000
LETTERS = {".": Status.ONLINE, "s": Status.SLOW, "x": Status.OFFLINE, "?": Status.UNKNOWN}
ON, SLOW, OFF, UNKNOWN = Verdict.ONLINE, Verdict.SLOW, Verdict.OFFLINE, Verdict.UNKNOWN


def track(text: str, region: Region = Region.EU, probe: int = 1, step_ms: int = STEP_MS) -> Track:
    """A result each step: a letter of LETTERS, or a space where there was none."""
    places = [place for place, letter in enumerate(text) if letter != " "]
    return Track(
        ProbeId(probe),
        region,
        np.array(places, dtype=np.int64) * step_ms,
        np.full(len(places), step_ms, dtype=np.int64),
        np.array([LETTERS[text[place]] for place in places], dtype=np.int8),
    )


def states(text: str) -> str:
    """The confirmed state at each step, in letters."""
    letters = {status: letter for letter, status in LETTERS.items()}
    found = confirmed_states(track(text)).at(np.arange(len(text), dtype=np.int64) * STEP_MS)
    return "".join(letters[Status(int(code))] for code in found)


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ("", ""),
        (".....", "....."),
        ("..x..", "....."),  # one failure alone is none
        ("..xx..", "..xx.."),  # true start and true end, not the time of confirmation
        ("..xxxx.x..", "..xxxxxx.."),  # one good result alone is none
        ("x....", "?...."),  # the first good result is believed at once
        ("xx...", "xx..."),
        ("xxx.xx", "xxxxxx"),
        ("..s..", "....."),
        ("..s.s.", "....s."),  # two of the last three
        ("s....", "s...."),
        ("..    ..", "...??..."),  # a result speaks for 2.5 intervals
        ("..x   x..", "..." + "??" + "." + "..."),
        ("....?...", "........"),
        ("..x?x...", "..xxx..."),
        (".ss.xx.ss", ".." + "ss" + "xx" + "..s"),
    ],
)
def test_confirmed_states(results: str, expected: str) -> None:
    if " " not in results:
        assert states(results) == expected
        return
    found = states(results)
    for place, (is_there, letter) in enumerate(zip(results, found, strict=True)):
        if is_there == " ":
            nearest = max(i for i in range(place) if results[i] != " ")
            assert (letter == "?") == ((place - nearest) > 2)


@given(st.text(alphabet=".sx? ", max_size=40))
def test_states_are_those_of_the_board_counted_from_the_first_result_that_made_them(text: str) -> None:
    one = track(text)
    confirmation, row = Confirmation.fresh(1), np.array([0])
    after: list[int] = []
    pairs: list[bool] = []
    for place in range(len(one.at_ms)):
        if place and one.at_ms[place] > one.at_ms[place - 1] + STEP_MS * 5 // 2:
            confirmation.is_checking[:] = False
        was_checking = bool(confirmation.is_checking[0])
        confirmation.apply(row, one.status[place : place + 1])
        after.append(int(confirmation.confirmed[0]))
        pairs.append(was_checking)
    found = confirmed_states(one)
    voting = [place for place in range(len(after)) if one.status[place] != Status.UNKNOWN]
    for number, place in enumerate(voting):
        expected = after[place]
        if number + 1 < len(voting):
            following = voting[number + 1]
            turned = (after[following] == Status.OFFLINE) != (expected == Status.OFFLINE) or expected == Status.UNKNOWN
            if turned and pairs[following]:  # the next one confirms this one
                expected = after[following]
                if expected != Status.OFFLINE:
                    continue  # online or slow: tested by examples
        assert int(found.at(one.at_ms[place : place + 1])[0]) == expected, (text, place)


def spans(tracks: list[Track], standings: list[Standing], end: int, start: int = 0) -> list[tuple[int, Verdict]]:
    found = verdict_spans(tracks, standings, start * STEP_MS, end * STEP_MS)
    assert found[0].start_ms == start * STEP_MS
    assert found[-1].end_ms == end * STEP_MS
    for before, after in itertools.pairwise(found):
        assert before.end_ms == after.start_ms
        assert before.verdict is not after.verdict
    return [(span.start_ms // STEP_MS, span.verdict) for span in found]


THREE = frozenset({Region.EU, Region.NA, Region.AS})


def test_outage_begins_with_the_first_failure_that_made_the_quorum_and_ends_with_the_first_good_result() -> None:
    tracks = [
        track("..xxxx....", Region.EU, 1),
        track("...xxxx...", Region.NA, 2),
        track("..........", Region.AS, 3),
    ]
    assert spans(tracks, [Standing(0, THREE)], 10) == [
        (0, ON),
        (2, Verdict.REGIONAL),
        (3, OFF),
        (6, Verdict.REGIONAL),
        (7, ON),
    ]


def test_quorum_comes_from_the_regions_asked_for_then() -> None:
    tracks = [track("..xxxxxx", Region.EU, 1), track("........", Region.NA, 2)]
    both, alone = frozenset({Region.EU, Region.NA}), frozenset({Region.EU})
    assert spans(tracks, [Standing(0, both), Standing(50_000, alone)], 8) == [(0, ON), (2, Verdict.REGIONAL), (5, OFF)]


def test_pause_and_time_before_the_first_standing() -> None:
    tracks = [track("..........", Region.EU, 1)]
    eu = frozenset({Region.EU})
    standings = [Standing(20_000, eu), Standing(50_000, eu, is_paused=True), Standing(70_000, eu)]
    assert spans(tracks, standings, 10) == [(0, UNKNOWN), (2, ON), (5, Verdict.PAUSED), (7, ON)]


def test_nothing_measured_is_unknown() -> None:
    assert spans([], [Standing(0, THREE)], 5) == [(0, UNKNOWN)]
    assert verdict_spans([], [], 5, 5) == []


def test_two_probes_of_a_region_are_offline_together_only() -> None:
    tracks = [track("..xxxx..", Region.EU, 1), track("....xxx.", Region.EU, 2)]
    assert spans(tracks, [Standing(0, frozenset({Region.EU}))], 8) == [(0, ON), (4, OFF), (6, ON)]


@given(
    st.lists(st.tuples(st.sampled_from([Region.EU, Region.NA]), st.text(".sx? ", max_size=30)), max_size=4),
    st.integers(0, 30),
)
def test_a_part_is_judged_as_the_whole_is(pieces: list[tuple[Region, str]], cut: int) -> None:
    tracks = [track(text, region, number) for number, (region, text) in enumerate(pieces)]
    standings = [Standing(0, frozenset({Region.EU, Region.NA}))]
    whole = verdict_spans(tracks, standings, 0, 40 * STEP_MS)
    parts = [
        *verdict_spans(tracks, standings, 0, cut * STEP_MS),
        *verdict_spans(tracks, standings, cut * STEP_MS, 40 * STEP_MS),
    ]
    assert joined_spans(parts) == whole


def test_joined_spans_drops_what_is_empty() -> None:
    parts = [VerdictSpan(0, 5, ON), VerdictSpan(5, 5, OFF), VerdictSpan(5, 9, ON)]
    assert joined_spans(parts) == [VerdictSpan(0, 9, ON)]
