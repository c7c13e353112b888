from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.domain.span import Spans, runs, time_in

PAIRS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12)


def moments(pairs: list[tuple[int, int]]) -> set[int]:
    return {ms for begin, end in pairs for ms in range(begin, end)}


def held(spans: Spans) -> set[int]:
    """Return the moments of spans, which have to be by time, disjoint, and neither empty nor touching."""
    assert (spans.begin_ms < spans.end_ms).all()
    assert (spans.begin_ms[1:] > spans.end_ms[:-1]).all()
    return moments(list(spans))


@given(PAIRS)
def test_spans_of_pairs_cover_what_any_of_them_does(pairs: list[tuple[int, int]]) -> None:
    spans = Spans.of(pairs)
    assert held(spans) == moments(pairs)
    assert spans.total_ms == len(moments(pairs))


@given(PAIRS, PAIRS, st.integers(0, 60), st.integers(0, 60))
def test_differences_and_common_parts(
    one: list[tuple[int, int]], other: list[tuple[int, int]], start: int, end: int
) -> None:
    first, second = Spans.of(one), Spans.of(other)
    assert held(first.without(second)) == moments(one) - moments(other)
    assert held(first.common(second)) == moments(one) & moments(other)
    assert held(first.within(start, end)) == moments(one) & set(range(start, end))


@given(PAIRS, st.lists(st.integers(0, 60), min_size=2, max_size=9))
def test_time_between_edges(pairs: list[tuple[int, int]], edges: list[int]) -> None:
    edges = sorted(edges)
    found = Spans.of(pairs).time_in(np.array(edges))
    assert found.tolist() == [len(moments(pairs) & set(range(begin, end))) for begin, end in pairwise(edges)]


def test_time_of_no_spans_is_none() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    assert time_in(nothing, nothing, np.array([0, 10, 20])).tolist() == [0, 0]


@given(st.lists(st.booleans(), max_size=12))
def test_runs_are_the_longest_stretches_that_belong_together(joins: list[bool]) -> None:
    first, last = runs(np.array(joins, dtype=np.bool_), len(joins) + 1)
    inside = [joins[place] for begin, end in zip(first, last, strict=True) for place in range(begin, end)]
    assert all(inside) and not any(joins[place - 1] for place in first[1:].tolist())
    assert first[0] == 0 and last[-1] == len(joins) and (first[1:] == last[:-1] + 1).all()


def test_nothing_has_no_runs() -> None:
    first, last = runs(np.zeros(0, dtype=np.bool_), 0)
    assert len(first) == len(last) == 0
