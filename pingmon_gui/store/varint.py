"""Whole numbers in as few bytes as they need: unsigned LEB128, seven bits a byte, many numbers at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

_BITS = 7
_MORE = 0x80
#: Nine bytes hold 63 bits: all that an int64 can be from 0 on.
_MAX_BYTES = 9
_LIMITS = np.int64(1) << np.arange(_BITS, _BITS * _MAX_BYTES, _BITS, dtype=np.int64)


def pack(numbers: Ints) -> bytes:
    """Return the bytes of numbers from 0 on. Raises ValueError for a smaller one."""
    if numbers.min(initial=0) < 0:
        raise ValueError("a number below 0")
    length = np.searchsorted(_LIMITS, numbers, side="right") + 1
    place = np.arange(int(length.max(initial=1)))
    parts = (numbers[:, None] >> _BITS * place & (_MORE - 1)).astype(np.uint8)
    parts |= np.where(place < length[:, None] - 1, _MORE, 0).astype(np.uint8)
    return parts[place < length[:, None]].tobytes()


def unpack(data: bytes) -> tuple[Ints, Ints]:
    """Return the numbers, and where each begins. Raises ValueError for what `pack` did not write."""
    raw = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(raw < _MORE)
    if len(raw) and (len(ends) == 0 or ends[-1] != len(raw) - 1):
        raise ValueError("a number without an end")
    begins = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
    length = ends - begins + 1
    longest = int(length.max(initial=0))
    if longest > _MAX_BYTES:
        raise ValueError("a number that is too large")
    numbers = raw[begins].astype(np.int64) & (_MORE - 1)
    left = np.flatnonzero(length > 1)
    for place in range(1, longest):
        numbers[left] |= (raw[begins[left] + place].astype(np.int64) & (_MORE - 1)) << _BITS * place
        left = left[length[left] > place + 1]
    return numbers, begins


def zigzag(numbers: Ints) -> Ints:
    """Return numbers from 0 on for any of 63 bits: small ones for those near 0."""
    folded: Ints = numbers << 1 ^ numbers >> 63
    return folded


def unzigzag(numbers: Ints) -> Ints:
    """Return what `zigzag` was given."""
    unfolded: Ints = numbers >> 1 ^ -(numbers & 1)
    return unfolded
