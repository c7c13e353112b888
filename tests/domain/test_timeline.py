"""Timeline: the same results give the same spans, and the board's rules give the same states."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.timeline import (
    Standing,
    Track,
    VerdictSpan,
    confirmed_states,
    fresh_moments,
    joined_spans,
    sure_from_ms,
    verdict_spans,
)
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.series import Incoming, SeriesState
from tests import naive_timeline as naive

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
        ("..x??x...", "........."),  # an unknown time lies between them
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
def test_state_at_the_newest_result_is_that_of_the_board(text: str) -> None:
    one, board = track(text), SeriesState(1, 0)
    for place in range(len(one.at_ms)):
        now = slice(place, place + 1)
        nothing = np.zeros(1)
        result = Incoming(
            np.array([0]),
            one.at_ms[now],
            one.interval_ms[now],
            one.status[now],
            nothing.astype(np.int8),
            nothing,
            nothing,
        )
        board.take(result, None)
        so_far = Track(
            one.probe, one.region, *(column[: place + 1] for column in (one.at_ms, one.interval_ms, one.status))
        )
        if one.status[place] != Status.UNKNOWN:
            assert confirmed_states(so_far).at(one.at_ms[now])[0] == board.confirmation.confirmed[0]


@st.composite
def asked(draw: st.DrawFn) -> list[Standing]:
    """What is asked for over 30 steps: pauses, windows, other addresses, one or two regions."""
    moments = sorted(draw(st.sets(st.integers(1, 30), max_size=5)))
    regions = st.sampled_from([frozenset({Region.EU}), frozenset({Region.EU, Region.NA})])
    rest = st.sampled_from([(False, False), (False, False), (True, False), (True, True)])
    return [
        Standing(step * STEP_MS + draw(st.sampled_from([0, 3_000])), draw(regions), *draw(rest), draw(st.booleans()))
        for step in (0, *moments)
    ]


PIECES = st.lists(st.tuples(st.sampled_from([Region.EU, Region.NA]), st.text(".sx? ", max_size=30)), max_size=4)


@given(PIECES, asked())
def test_verdicts_are_those_of_the_rules_told_moment_by_moment(
    pieces: list[tuple[Region, str]], standings: list[Standing]
) -> None:
    tracks = [track(text, region, number) for number, (region, text) in enumerate(pieces)]
    found = verdict_spans(tracks, standings, 0, 40 * STEP_MS)
    assert [(span.start_ms, span.verdict) for span in found] == naive.verdicts(
        [(one.region, seen(one)) for one in tracks], [as_asked(one) for one in standings], 0, 40 * STEP_MS
    )


@given(PIECES, st.sets(st.integers(0, 3)), asked())
def test_region_that_is_measured_over_each_family_is_the_worse_of_the_two_at_every_moment(
    pieces: list[tuple[Region, str]], seconds: set[int], standings: list[Standing]
) -> None:
    tracks = [
        replace(track(text, region, number), is_second=number in seconds)
        for number, (region, text) in enumerate(pieces)
    ]
    found = verdict_spans(tracks, standings, 0, 40 * STEP_MS)
    assert [(span.start_ms, span.verdict) for span in found] == naive.verdicts(
        [(one.region, seen(one)) for one in tracks], [as_asked(one) for one in standings], 0, 40 * STEP_MS, seconds
    )


def test_family_that_only_one_probe_cannot_reach_is_that_of_the_other_probe() -> None:
    over_6 = [replace(track(text, Region.EU, probe), is_second=True) for probe, text in ((1, "xxxx"), (2, "...."))]
    tracks = [track("....", Region.EU, 1), track("....", Region.EU, 2), *over_6]
    standing = [Standing(0, frozenset({Region.EU}))]
    assert verdict_spans(tracks, standings=standing, start_ms=0, end_ms=30_000) == [VerdictSpan(0, 30_000, ON)]
    assert verdict_spans(tracks[:3], standing, 0, 30_000) == [VerdictSpan(0, 30_000, OFF)]


def seen(one: Track) -> list[naive.Seen]:
    rows = zip(one.at_ms.tolist(), one.interval_ms.tolist(), one.status.tolist(), strict=True)
    return [naive.Seen(at_ms, interval_ms, Status(status)) for at_ms, interval_ms, status in rows]


def as_asked(standing: Standing) -> naive.Asked:
    return naive.Asked(standing.from_ms, standing.regions, standing.is_paused, standing.starts_anew)


@given(st.text(".sx? ", min_size=1, max_size=30), asked(), st.integers(0, 30), st.integers(0, 3))
def test_newest_results_alone_say_the_same_from_when_they_are_sure(
    text: str, standings: list[Standing], cut: int, more: int
) -> None:
    """`more` results from before `cut` are there as well, with others missing between them."""
    whole, whole_from_ms = track(text), cut * STEP_MS
    first = int(np.searchsorted(whole.at_ms, whole_from_ms))
    places = [*range(0, first, 2)[:more], *range(first, len(whole.at_ms))]
    part = Track(whole.probe, whole.region, *(c[places] for c in (whole.at_ms, whole.interval_ms, whole.status)))
    fresh_ms = fresh_moments(standings)
    sure_ms = sure_from_ms(part, whole_from_ms, whole_from_ms + STEP_MS * 5 // 2, fresh_ms)
    if sure_ms is not None:
        end_ms = max(sure_ms, 40 * STEP_MS) + 1
        assert verdict_spans([part], standings, sure_ms, end_ms) == verdict_spans([whole], standings, sure_ms, end_ms)


def test_newest_results_are_sure_as_soon_as_two_agree() -> None:
    def sure(text: str) -> int | None:
        found = sure_from_ms(track(text), 0, 25_000)
        return None if found is None else found // STEP_MS

    assert sure(".x.x.x.x.x") is None  # nobody knows what was before: it may have been offline all the time
    assert sure(".x.xx.") == 3
    assert sure("x...x") == 3  # two say it is up, three whether it is slow
    assert sure("??") == 2  # nothing is known, and nothing of before holds on


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


@given(PIECES, st.integers(0, 30))
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
