from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.store.varint import pack, unpack, unzigzag, zigzag

ANY = st.integers(-(1 << 62), (1 << 62) - 1)


@given(st.lists(st.integers(0, (1 << 63) - 1) | st.integers(0, 300)))
def test_numbers_are_read_as_they_were_written(numbers: list[int]) -> None:
    data = pack(np.array(numbers, dtype=np.int64))
    read, begins = unpack(data)
    assert read.tolist() == numbers
    assert len(data) == sum(max(1, -(-number.bit_length() // 7)) for number in numbers)
    assert [int(unpack(data[begin:])[0][0]) for begin in begins.tolist()] == numbers


@given(st.lists(ANY))
def test_zigzag_is_undone(numbers: list[int]) -> None:
    given_ = np.array(numbers, dtype=np.int64)
    assert unzigzag(zigzag(given_)).tolist() == numbers


def test_zigzag_of_what_is_near_0_is_small() -> None:
    assert zigzag(np.array([0, -1, 1, -2, 2])).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("data", [b"\x80", b"\x01\xff", b"\xff" * 9 + b"\x01"])
def test_what_was_not_written_so_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        unpack(data)


def test_number_below_0_is_refused() -> None:
    with pytest.raises(ValueError, match="below 0"):
        pack(np.array([1, -1]))
