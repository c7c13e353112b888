from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.domain.span import Spans, time_in

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
