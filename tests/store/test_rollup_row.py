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

NUMBERS = st.lists(st.integers(0, 1 << 40), min_size=13, max_size=13)


def buckets(first: int, rows: list[list[int]]) -> Buckets:
    """Return one bucket of five minutes per row of 13 numbers, from the bucket `first` on."""
    numbers = np.array(rows, dtype=np.int64).reshape(len(rows), 13)
    histogram = np.zeros((len(rows), HISTOGRAM_BUCKETS), dtype=np.uint32)
    histogram[:, 40] = numbers[:, 1] % (1 << 32)
    return Buckets(
        START_MS + FIVE_MINUTES_MS * (first + np.arange(len(rows))),
        *(numbers[:, place] for place in range(8)),
        phases_us=numbers[:, 8:],
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
    numbers = [[10, 7, 0, 0, 300_000, 300_000, 70_000, 7, 10_000, 20_000, 0, 30_000, 10_000]]
    both = joined_buckets([decode(old_row(buckets(0, numbers))), decode(encode(buckets(1, numbers)))])
    (day,) = (regroup(both, DAY_MS).at(np.array([0])),)
    day = decode(encode(day))
    assert (day.good.tolist(), day.phased.tolist(), day.total_us.tolist()) == ([14], [7], [140_000])
    assert day.phases_us.tolist() == [[10_000, 20_000, 0, 30_000, 10_000]]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x02",
        b"\x02 no zlib",
        b"\x03" + zlib.compress(b"\0\0\0\0"),
        b"\x02" + zlib.compress(b"\0"),
        b"\x02" + zlib.compress(struct.pack("<I", 2) + bytes(14 * 8 + 96 * 4)),
        encode(buckets(0, [[1] * 13]))[:-1],
    ],
)
def test_damaged_row_is_said_to_be(data: bytes) -> None:
    with pytest.raises(StorageCorrupt):
        decode_all([encode(buckets(0, [[1] * 13])), data])
