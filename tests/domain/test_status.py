"""Status of a result and the confirmed state of a region."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from pingmon_probe.protocol import FAILURES, NO_VOTE_FAILURES, status_of

from pingmon_gui.domain.status import (
    NO_FAILURE,
    OTHER_FAILURE,
    Confirmation,
    Status,
    failure_code,
    failure_name,
    judge,
)

ON, SLOW, OFF, UNKNOWN = Status.ONLINE, Status.SLOW, Status.OFFLINE, Status.UNKNOWN


def test_judge_says_what_the_wires_rule_says_for_every_case() -> None:
    totals = (None, 0.0, 0.1, 999.999, 1_000.0, 1_000.001, 4_999.0, 30_000.0)
    cases = list(product((None, *FAILURES), totals, (1, 1_000, 30_000), (False, True)))
    status = judge(
        np.array([failure_code(failure) for failure, *_ in cases], dtype=np.int8),
        np.array([np.nan if total is None else total for _, total, _, _ in cases]),
        np.array([slow for _, _, slow, _ in cases]),
        np.array([own for *_, own in cases]),
    )
    expected = [status_of(failure, total, slow, own) for failure, total, slow, own in cases]
    assert [Status(code).word for code in status] == expected


def test_judge_calls_a_failure_of_a_newer_probe_offline() -> None:
    status = judge(np.array([OTHER_FAILURE], dtype=np.int8), np.array([10.0]), np.array([1_000]), np.array([False]))
    assert status.tolist() == [OFF]


@pytest.mark.parametrize("name", [None, *FAILURES])
def test_failure_code_reads_back_as_its_word(name: str | None) -> None:
    assert failure_name(failure_code(name)) == name


def test_failure_of_a_newer_probe_has_a_word_too() -> None:
    assert (failure_code("quantum"), failure_name(OTHER_FAILURE), failure_name(NO_FAILURE)) == (127, "other", None)
    assert sorted(NO_VOTE_FAILURES) == ["blocked", "internal", "refused_target"]


@pytest.mark.parametrize(
    ("results", "confirmed", "is_checking"),
    [
        ([], UNKNOWN, False),
        ([ON], ON, False),  # the first good result is believed at once
        ([SLOW], SLOW, False),
        ([OFF], UNKNOWN, True),  # the first bad one is not
        ([OFF, OFF], OFF, False),
        ([OFF, ON], ON, False),
        ([ON, OFF], ON, True),
        ([ON, OFF, ON], ON, False),  # a blip
        ([ON, OFF, OFF], OFF, False),
        ([ON, OFF, ON, OFF], ON, True),  # not two in a row
        ([OFF, OFF, ON], OFF, True),  # the way back is confirmed too
        ([OFF, OFF, ON, OFF], OFF, False),
        ([OFF, OFF, ON, ON], ON, False),
        ([OFF, OFF, SLOW, SLOW], SLOW, False),
        ([ON, SLOW], ON, False),  # slow takes two of the last three
        ([ON, SLOW, SLOW], SLOW, False),
        ([ON, SLOW, ON, SLOW], SLOW, False),
        ([ON, SLOW, ON, ON, SLOW], ON, False),
        ([SLOW, SLOW, ON], SLOW, False),
        ([SLOW, SLOW, ON, ON], ON, False),
        ([SLOW, SLOW, OFF, ON], SLOW, False),  # a blip leaves what was slow
        ([ON, UNKNOWN, UNKNOWN], ON, False),  # no vote changes nothing
        ([ON, OFF, UNKNOWN, OFF], OFF, False),
        ([UNKNOWN, OFF, UNKNOWN], UNKNOWN, True),
    ],
)
def test_confirmation_rule_by_rule(results: list[Status], confirmed: Status, is_checking: bool) -> None:
    series = Confirmation.fresh(3)
    before = [(UNKNOWN, False)] * 3
    for status in results:
        series.apply(np.array([1]), np.array([status], dtype=np.int8))
    expected = [before[0], (confirmed, is_checking), before[2]]
    assert [(Status(c), bool(k)) for c, k in zip(series.confirmed, series.is_checking, strict=True)] == expected


def test_confirmation_tells_where_it_changed() -> None:
    series = Confirmation.fresh(3)
    first = series.apply(np.array([0, 1, 2]), np.array([ON, OFF, UNKNOWN], dtype=np.int8))
    second = series.apply(np.array([2, 1]), np.array([SLOW, OFF], dtype=np.int8))
    assert (first.tolist(), second.tolist()) == ([True, False, False], [True, True])
    assert series.confirmed.tolist() == [ON, OFF, SLOW]
