"""The availability of a monitor from its verdicts: exact times, what counts and what does not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.domain.availability import Availability
from pingmon_gui.domain.timeline import VerdictSpan
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.domain.verdict_time import VerdictTime, verdict_time, verdict_times

WORDS = {"o": Verdict.ONLINE, "s": Verdict.SLOW, "X": Verdict.OFFLINE, "r": Verdict.REGIONAL, "?": Verdict.UNKNOWN}
WORDS["p"] = Verdict.PAUSED


def spans(text: str) -> list[VerdictSpan]:
    return [VerdictSpan(n * 10, n * 10 + 10, WORDS[letter]) for n, letter in enumerate(text) if letter != " "]


@pytest.mark.parametrize(
    ("text", "available", "known", "asked", "regional", "paused", "slow"),
    [
        ("oooo", 40, 40, 40, 0, 0, 0),
        ("osrX", 30, 40, 40, 10, 0, 10),
        ("oX??", 10, 20, 40, 0, 0, 0),
        ("oopp", 20, 20, 20, 0, 20, 0),
        ("pppp", 0, 0, 0, 0, 40, 0),
        ("  oo", 20, 20, 40, 0, 0, 0),
        ("    ", 0, 0, 40, 0, 0, 0),
    ],
)
def test_times(text: str, available: int, known: int, asked: int, regional: int, paused: int, slow: int) -> None:
    expected = VerdictTime(Availability(available, known, asked), regional, paused, slow)
    assert verdict_time(spans(text), 0, 40, 0) == expected


def test_asked_time_begins_with_the_monitor() -> None:
    time = verdict_time(spans("oooo"), 0, 40, 25)
    assert time.availability == Availability(15, 15, 15)
    assert verdict_time(spans("oooo"), 0, 40, 90).availability == Availability(0, 0, 0)


@given(st.text(alphabet="osXr?p ", max_size=20), st.integers(0, 200), st.integers(0, 200))
def test_parts_add_up_to_the_whole(text: str, cut: int, asked_from: int) -> None:
    cut = min(cut, 200)
    whole = verdict_time(spans(text), 0, 200, asked_from)
    assert verdict_time(spans(text), 0, cut, asked_from) + verdict_time(spans(text), cut, 200, asked_from) == whole
    edges = np.array(sorted({0, cut // 2, cut, 200}))
    parts = verdict_times(spans(text), edges, asked_from)
    assert sum(parts, VerdictTime()) == whole
    assert parts[-1] == verdict_time(spans(text), int(edges[-2]), 200, asked_from)
    all_ = whole.availability
    assert 0 <= all_.available_ms <= all_.known_ms <= all_.asked_ms
