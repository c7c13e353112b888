"""How often something may happen: so many times per second, and some more at once after a pause."""

from __future__ import annotations

from typing import Callable


class Allowance:
    """A token bucket."""

    def __init__(self, per_s: float, burst: int, now_s: Callable[[], float]) -> None:
        self._per_s = per_s
        self._burst = burst
        self._now_s = now_s
        self._left = float(burst)
        self._at_s = now_s()

    def take(self, count: int) -> bool:
        """Take so many, or none if there are not enough."""
        now_s = self._now_s()
        self._left = min(self._burst, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if count > self._left:
            return False
        self._left -= count
        return True

    def give_back(self, count: int) -> None:
        """Take back what was taken for nothing."""
        self._left = min(self._burst, self._left + count)
