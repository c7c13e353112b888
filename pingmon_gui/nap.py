"""Waiting: naps that can be cut short, and how long to wait after something failed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 60.0


class Nap:
    """One sleeper that others may wake. Made anywhere, used on one loop."""

    def __init__(self) -> None:
        self._event: asyncio.Event | None = None

    async def sleep(self, delay_s: float) -> None:
        """Return after `delay_s` or as soon as `wake` is called."""
        self._event = asyncio.Event()
        timer = asyncio.get_running_loop().call_later(delay_s, self._event.set)
        try:
            await self._event.wait()
        finally:
            timer.cancel()
            self._event = None

    def wake(self) -> None:
        if self._event is not None:
            self._event.set()


class BackOff:
    """Waiting times that double from 0.5 s to 60 s, each cut by up to a half so that probes do not march in step."""

    def __init__(self, spread: Callable[[], float] = random.random) -> None:
        self._spread = spread
        self._next_s = FIRST_DELAY_S

    def reset(self) -> None:
        self._next_s = FIRST_DELAY_S

    def next_s(self) -> float:
        delay_s, self._next_s = self._next_s, min(LONGEST_DELAY_S, self._next_s * 2)
        return delay_s * (0.5 + self._spread() / 2)
