"""What verification said of a certificate, remembered for a while.

Where a monitor ignores the certificate, its verify error is still shown; learning it takes a connection of
its own, outside of the timed one, so it is not learnt anew on every check.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Optional, Tuple

MAX_ENTRIES = 512
KEPT_S = 600.0

#: (OpenSSL's code, its words); None = the certificate holds.
Verdict = Optional[Tuple[int, str]]


class VerdictCache:
    """Verdicts by host and certificate, for ten minutes, the oldest dropped first."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Tuple[str, bytes], Tuple[float, Verdict]] = OrderedDict()

    def get(self, host: str, der: bytes, now_s: float) -> Optional[Tuple[Verdict]]:
        """Return the verdict in a tuple of one, or None if there is none that is young enough."""
        entry = self._entries.get((host, der))
        if entry is None or now_s - entry[0] > KEPT_S:
            return None
        return (entry[1],)

    def put(self, host: str, der: bytes, now_s: float, verdict: Verdict) -> None:
        self._entries.pop((host, der), None)
        self._entries[host, der] = (now_s, verdict)
        if len(self._entries) > MAX_ENTRIES:
            self._entries.popitem(last=False)
