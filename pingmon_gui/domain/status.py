"""Status: what one result says, and what a region is confirmed to be. Rules of architecture section 5.

Status codes are small integers so that whole batches are judged at once; `Status(code).word` is the word.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from pingmon_probe.protocol import FAILURES, NO_VOTE_FAILURES, STATUSES

Codes = npt.NDArray[np.int8]


class Status(IntEnum):
    """Status of one monitor seen from one region, or of one result. The number is stored: never reorder."""

    ONLINE = 0
    SLOW = 1
    OFFLINE = 2
    UNKNOWN = 3
    PAUSED = 4

    @property
    def word(self) -> str:
        return STATUSES[self]


# Whole arrays are compared with these: reading a member of an enum costs as much as comparing 1,000 elements.
_ONLINE, _SLOW, _OFFLINE, _UNKNOWN, _PAUSED = (int(status) for status in Status)

#: Failure code of a result without a failure; otherwise the code is the place in `protocol.FAILURES`.
NO_FAILURE = -1
#: Failure code of a class this version does not know (a newer probe's).
OTHER_FAILURE = 127

_NO_VOTE_CODES = np.array([FAILURES.index(name) for name in NO_VOTE_FAILURES], dtype=np.int8)


def failure_code(name: str | None) -> int:
    """Return the stored number of a failure class; an unknown class gives OTHER_FAILURE."""
    if name is None:
        return NO_FAILURE
    return FAILURES.index(name) if name in FAILURES else OTHER_FAILURE


def failure_name(code: int) -> str | None:
    """Return the word of a stored failure code, None where there was no failure."""
    if code == NO_FAILURE:
        return None
    return FAILURES[code] if 0 <= code < len(FAILURES) else "other"


def judge(
    failure: Codes, total_ms: npt.NDArray[np.float64], slow_ms: npt.NDArray[Any], own_network: npt.NDArray[np.bool_]
) -> Codes:
    """Return the status code of each result; all arrays have one element per result.

    The one place where the app makes a status; `protocol.status_of` is the same rule for one
    result in the probe's language, and a test holds the two together. NaN means "no total".
    """
    measured = np.where(total_ms < slow_ms, _ONLINE, _SLOW)
    measured = np.where(np.isnan(total_ms), _UNKNOWN, measured)
    status = np.where(failure == NO_FAILURE, measured, _OFFLINE)
    no_vote = np.isin(failure, _NO_VOTE_CODES) | own_network
    return np.where(no_vote, _UNKNOWN, status).astype(np.int8)


@dataclass
class Confirmation:
    """Confirmed state of many series, as arrays of one length; `fresh(n)` makes one that knows nothing.

    `confirmed` holds status codes (UNKNOWN until something is known), `is_checking` is true while a
    result stands that would change up to down or back and has not been confirmed by a second one,
    `slow_bits` remembers for the last three good results whether they were slow (bit 0 = newest).
    """

    confirmed: Codes
    is_checking: npt.NDArray[np.bool_]
    slow_bits: npt.NDArray[np.uint8]

    @classmethod
    def fresh(cls, count: int) -> Confirmation:
        return cls(
            np.full(count, _UNKNOWN, dtype=np.int8),
            np.zeros(count, dtype=np.bool_),
            np.zeros(count, dtype=np.uint8),
        )

    def apply(self, rows: npt.NDArray[np.intp], status: Codes) -> npt.NDArray[np.bool_]:
        """Take in one newer result for each of `rows` (all different); return where `confirmed` changed.

        Two results in a row change up to down and back; the very first good result is believed at
        once, the very first bad one is not. Slow is confirmed by two of the last three good
        results. A result without a vote (UNKNOWN) changes nothing.
        """
        voting = (status != _UNKNOWN) & (status != _PAUSED)
        before = self.confirmed[rows]
        checking = self.is_checking[rows]
        bits = self.slow_bits[rows]
        is_down = status == _OFFLINE
        was_down = before == _OFFLINE
        is_first = before == _UNKNOWN
        good = voting & ~is_down
        slow = status == _SLOW
        opposes = voting & np.where(is_first, is_down, is_down != was_down)
        flips = opposes & checking
        shifted = ((bits << np.uint8(1)) | slow.astype(np.uint8)) & np.uint8(0b111)
        # What was good in an outage does not count: the two that end it are the first.
        shifted &= np.where(flips, np.uint8(0b011), np.uint8(0b111))
        bits = np.where(good, shifted, bits).astype(np.uint8)
        slow_count = (bits & 1) + ((bits >> 1) & 1) + ((bits >> 2) & 1)
        up_state = np.where(slow_count >= 2, _SLOW, _ONLINE)
        up_state = np.where(is_first, np.where(slow, _SLOW, _ONLINE), up_state)
        after = np.where(flips & is_down, _OFFLINE, before)
        becomes_up = good & (~was_down | flips)
        after = np.where(becomes_up, up_state, after).astype(np.int8)
        self.slow_bits[rows] = bits
        self.is_checking[rows] = np.where(voting, opposes & ~flips, checking)
        self.confirmed[rows] = after
        changed: npt.NDArray[np.bool_] = after != before
        return changed
