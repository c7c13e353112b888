"""Whole batches are told what each result is told alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.domain.maintenance import Span
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.engine.rest_table import RestTable

MOMENTS = st.lists(st.integers(0, 60), max_size=8, unique=True).map(sorted)


@given(st.dictionaries(st.integers(2, 6), MOMENTS), st.lists(st.tuples(st.integers(2, 8), st.integers(-2, 62))))
def test_batch_is_told_what_each_result_is(ends: dict[int, list[int]], results: list[tuple[int, int]]) -> None:
    rests = {
        monitor: [Span(a, b) for a, b in zip(moments[::2], moments[1::2], strict=False)]
        for monitor, moments in ends.items()
    }
    table = RestTable((MonitorId(monitor), span) for monitor, mine in rests.items() for span in mine)
    found = table.covers(
        np.array([monitor for monitor, _ in results], dtype=np.int64),
        np.array([at for _, at in results], dtype=np.int64),
    )
    assert found.tolist() == [
        any(span.start_ms <= at < span.end_ms for span in rests.get(monitor, ())) for monitor, at in results
    ]
