"""How far a probe's clock is from this computer's: measured by trips there and back, the best of which counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

#: What two quartz clocks may part in a second, in ms: 100 ppm, twice what is usual.
DRIFT_MS_PER_S = 0.1


class Trip:
    """When a request left and when the head of its answer was there, as httpcore traces it; by the steady clock.

    What comes before (a connection that has to be made first) and after (a body in a packet of its own) would count
    as time on the way, and a probe's clock would seem to be off by half of it.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._left_s = self._back_s = now_s()

    async def __call__(self, event: str, _details: Any) -> None:
        if event.endswith("send_request_headers.started"):
            self._left_s = self._now_s()
        elif event.endswith("receive_response_headers.complete"):
            self._back_s = self._now_s()

    @property
    def round_ms(self) -> float:
        return (self._back_s - self._left_s) * 1000

    def offset_ms(self, probe_wall_ms: int, now_ms: int) -> float:
        """Return probe wall minus app wall at mid round trip; `now_ms` is the app's wall at this moment."""
        since_mid_trip_ms = (self._now_s() - (self._left_s + self._back_s) / 2) * 1000
        return probe_wall_ms - (now_ms - since_mid_trip_ms)


class ClockOffset:
    """The best known offset of a probe's clock. A trip is right to half its length; what it told fades with time.

    Packets that wait for others on the way (a busy line, Nagle's algorithm in an SSH server) make a trip longer on one
    side only, and its offset wrong by half of that.
    """

    def __init__(self) -> None:
        self._offset_ms = 0.0
        self._error_ms: float | None = None
        self._at_s = 0.0

    def take(self, offset_ms: float, round_ms: float, now_s: float) -> float:
        """Take in a measurement and return the best that is known; one that contradicts it is a clock that was set."""
        error_ms = round_ms / 2
        if self._error_ms is not None:
            faded_ms = self._error_ms + (now_s - self._at_s) * DRIFT_MS_PER_S
            if error_ms > faded_ms and abs(offset_ms - self._offset_ms) <= error_ms + faded_ms:
                return self._offset_ms
        self._offset_ms, self._error_ms, self._at_s = offset_ms, error_ms, now_s
        return offset_ms
