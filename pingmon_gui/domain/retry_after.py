"""For how long a server asks to be left alone (RFC 9110, 10.2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime


def retry_after_s(headers: Mapping[str, str], most_s: float) -> float:
    """Return what `retry-after` asks for, at most so much; 0 where it asks for nothing, or cannot be read.

    A date counts from the answer's own `date`: the two clocks need not agree.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:12]), most_s)
    try:
        until = parsedate_to_datetime(value).timestamp()
        sent = parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return min(max(0.0, until - sent), most_s)
