from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.engine.trail import LENGTH, Trail

SERIES = 3
#: Series and status of results; when they were measured is a permutation, so that no two are of one moment.
RESULTS = st.lists(st.tuples(st.integers(0, SERIES - 1), st.integers(0, 3)), max_size=120)


@given(RESULTS, st.randoms(use_true_random=False), st.lists(st.integers(0, 120), max_size=4))
def test_trail_has_the_newest_of_each_series_however_they_came(results, random, cuts) -> None:  # type: ignore[no-untyped-def]
    times = list(range(1, len(results) + 1))
    random.shuffle(times)
    rows = [(series, at_ms * 1_000, status) for (series, status), at_ms in zip(results, times, strict=True)]
    trail = Trail(SERIES, now_ms=0)
    for begin, end in itertools.pairwise(sorted({0, *(min(cut, len(rows)) for cut in cuts), len(rows)})):
        part = sorted(rows[begin:end], key=lambda row: row[0])
        series, at_ms, status = (np.array(column, dtype=np.int64) for column in zip(*part, strict=True))
        trail.take(series, at_ms, at_ms // 10, status.astype(np.int8))
    for series in range(SERIES):
        newest = sorted(row[1:] for row in rows if row[0] == series)[-LENGTH:]
        track = trail.track(series, ProbeId(1), Region.LOCAL)
        assert list(zip(track.at_ms.tolist(), track.status.tolist(), strict=True)) == newest
        assert (track.interval_ms == track.at_ms // 10).all()
