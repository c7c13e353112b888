"""Rows of roll-ups: both formats are read, alone and mixed; what is damaged is said to be."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.domain.error import StorageCorrupt
from pingmon_gui.domain.history import DAY_MS, FIVE_MINUTES_MS, HISTOGRAM_BUCKETS
from pingmon_gui.store.rollup import regroup
from pingmon_gui.store.rollup_row import FIELDS, Buckets, decode, decode_all, encode, joined_buckets
from tests.store.helper import START_MS

NUMBERS = st.lists(st.integers(0, 1 << 40) | st.integers(0, 300), min_size=16, max_size=16)


def buckets(first: int, rows: list[list[int]]) -> Buckets:
    """Return one bucket of five minutes per row of 16 numbers, from the bucket `first` on."""
    n = np.array(rows, dtype=np.int64).reshape(len(rows), 16)
    histogram = np.zeros((len(rows), HISTOGRAM_BUCKETS), dtype=np.uint32)
    for place in range(0, 3):
        histogram[np.arange(len(rows)), (n[:, 13 + place] * 7) % HISTOGRAM_BUCKETS] += (n[:, 13 + place] % 500).astype(
            np.uint32
        )
    return Buckets(
        start_ms=START_MS + FIVE_MINUTES_MS * (first + np.arange(len(rows))),
        count=n[:, 0] + n[:, 1],
        online=n[:, 1],
        slow=n[:, 2],
        offline=n[:, 3],
        known_ms=n[:, 4] + n[:, 5],
        available_ms=n[:, 5],
        total_us=n[:, 6],
        phased=histogram.sum(axis=1, dtype=np.int64) * (n[:, 7] % 2),
        phases_us=n[:, 8:13],
        histogram=histogram,
    )


def old_row(made: Buckets) -> bytes:
    """Return the row that format 1 had: no phases."""
    columns = (
        made.start_ms, made.count, made.online, made.slow, made.offline, made.known_ms, made.available_ms,
        made.total_us,
    )  # fmt: skip
    numbers = b"".join(column.astype("<i8").tobytes() for column in columns)
    planes = made.histogram.astype("<u4").view(np.uint8).reshape(-1, 4).T.tobytes()
    return b"\x01" + zlib.compress(struct.pack("<I", len(made)) + numbers + planes)


def assert_same(one: Buckets, other: Buckets, without: tuple[str, ...] = ()) -> None:
    for name in FIELDS:
        if name not in without:
            assert np.array_equal(getattr(one, name), getattr(other, name)), name


@given(st.lists(NUMBERS, max_size=12))
def test_row_is_read_as_it_was_written(rows: list[list[int]]) -> None:
    made = buckets(0, rows)
    assert_same(decode(encode(made)), made)


@given(st.lists(NUMBERS, max_size=12))
def test_row_of_format_1_has_all_but_phases(rows: list[list[int]]) -> None:
    made = buckets(0, rows)
    read = decode(old_row(made))
    assert_same(read, made, without=("phased", "phases_us"))
    assert not read.phased.any() and not read.phases_us.any() and read.phases_us.shape == (len(rows), 5)


@given(st.lists(st.tuples(st.booleans(), st.lists(NUMBERS, min_size=1, max_size=4)), max_size=9))
def test_rows_of_both_formats_and_all_lengths_are_read_together(parts: list[tuple[bool, list[list[int]]]]) -> None:
    made, rows = [], []
    for place, (is_old, numbers) in enumerate(parts):
        one = buckets(place * 12, numbers)
        rows.append(old_row(one) if is_old else encode(one))
        made.append(decode(rows[-1]))
    assert_same(decode_all(rows), joined_buckets(made))


def test_day_of_both_formats_says_of_how_many_results_it_knows_phases() -> None:
    numbers = [[3, 7, 0, 0, 0, 300_000, 70_000, 1, 10_000, 20_000, 0, 30_000, 10_000, 7, 0, 0]]
    both = joined_buckets([decode(old_row(buckets(0, numbers))), decode(encode(buckets(1, numbers)))])
    day = decode(encode(regroup(both, DAY_MS)))
    assert (day.good.tolist(), day.phased.tolist(), day.total_us.tolist()) == ([14], [7], [140_000])
    assert day.phases_us.tolist() == [[10_000, 20_000, 0, 30_000, 10_000]]


GOOD = encode(buckets(0, [[1] * 16]))


@pytest.mark.parametrize(
    "row",
    [
        b"",
        b"\x02",
        b"\x02 no zlib",
        b"\x04" + GOOD[1:],
        GOOD[:-1],
        GOOD[:9] + bytes((GOOD[9] ^ 1,)) + GOOD[10:],
        b"\x02" + zlib.compress(b"\x01"),
        b"\x02" + zlib.compress(b"\x80"),
        b"\x02" + zlib.compress(b"\xff" * 10 + b"\x01"),
        b"\x02" + zlib.compress(GOOD[5:] + b"\x01"),
        b"\x02" + zlib.compress(b"\x01" * 16 + b"\x60\x01"),
        encode(buckets(0, [[1] * 16] * 2))[:-1],
        old_row(buckets(0, [[1] * 16]))[:-1],
    ],
)
def test_damaged_row_is_said_to_be(row: bytes) -> None:
    with pytest.raises(StorageCorrupt):
        decode_all([GOOD, row])
