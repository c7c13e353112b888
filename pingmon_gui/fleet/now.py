"""The time that probes' clocks are held against, where nobody says otherwise: this computer's own."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Tells the time of day as whole Unix ms.
NowMs = Callable[[], int]


def system_now_ms() -> int:
    return time.time_ns() // 1_000_000
