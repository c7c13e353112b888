"""The engine's only source of time, so that tests hold it in their hands."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    def now_ms(self) -> int:
        """Return the time of day as whole Unix milliseconds (UTC); it may jump."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds that never run backwards; while the computer sleeps they may stand still."""
        ...
