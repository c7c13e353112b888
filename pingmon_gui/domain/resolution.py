"""In which detail a span of time is shown: every result while there are few, longer and longer buckets after that."""

from __future__ import annotations

from dataclasses import dataclass

from pingmon_probe.protocol import MAX_INTERVAL_MS

from pingmon_gui.domain.history import DAY_MS, FIVE_MINUTES_MS, HOUR_MS

#: No result speaks for longer; in whole hours.
LONGEST_HOLD_MS = -(-(MAX_INTERVAL_MS * 5 // 2) // HOUR_MS) * HOUR_MS
#: Spans up to this long are shown with every result.
RAW_SPAN_MS = 6 * HOUR_MS
#: Spans up to so long are shown in buckets of such a length, longer ones in days.
_STEPS_MS = (
    (2 * DAY_MS, FIVE_MINUTES_MS),
    (8 * DAY_MS, 3 * FIVE_MINUTES_MS),
    (120 * DAY_MS, HOUR_MS),
)
#: At most so many stretches are drawn, each of so many buckets.
MOST_SHOWN = 800
_TIMES = (1, 2, 3, 4, 6, 12, 24)


@dataclass(frozen=True)
class Kept:
    """Since when results, and roll-ups of five minutes, hours and days are kept; None where there are none."""

    raw_ms: int | None
    five_minutes_ms: int | None
    hour_ms: int | None
    day_ms: int | None

    @property
    def first_ms(self) -> int | None:
        """Since when anything is kept."""
        known = [ms for ms in (self.raw_ms, self.five_minutes_ms, self.hour_ms, self.day_ms) if ms is not None]
        return min(known, default=None)

    @property
    def whole_raw_ms(self) -> int | None:
        """Since when results say all that roll-ups do: the first hours that are kept lack what reached into them."""
        if self.raw_ms is None or self.first_ms is None or self.first_ms >= self.raw_ms:
            return self.raw_ms
        return self.raw_ms + LONGEST_HOLD_MS


def bucket_length_ms(from_ms: int, to_ms: int, kept: Kept) -> int:
    """Return the length of the buckets that show [from_ms, to_ms): as fine as makes sense and as is still kept."""
    span_ms = to_ms - from_ms
    wanted = next((bucket for span, bucket in _STEPS_MS if span_ms <= span), DAY_MS)
    if wanted < HOUR_MS and not _reaches(kept.five_minutes_ms, kept, from_ms):
        wanted = HOUR_MS
    if wanted == HOUR_MS and not _reaches(kept.hour_ms, kept, from_ms):
        wanted = DAY_MS
    return wanted


def shown_length_ms(span_ms: int, bucket_ms: int) -> int:
    """Return how long the stretches are that are drawn of buckets of some length: whole numbers of these."""
    times = next((n for n in _TIMES if span_ms <= n * bucket_ms * MOST_SHOWN), _TIMES[-1])
    return times * bucket_ms


def shows_results(from_ms: int, to_ms: int, kept: Kept) -> bool:
    """Return whether [from_ms, to_ms) is shown result by result: it is short, and they are kept."""
    return to_ms - from_ms <= RAW_SPAN_MS and _reaches(kept.raw_ms, kept, from_ms)


def _reaches(since_ms: int | None, kept: Kept, from_ms: int) -> bool:
    """Return whether what is kept since then shows a span from its start, or from where anything begins."""
    first_ms = kept.first_ms
    return since_ms is not None and first_ms is not None and (from_ms >= since_ms or since_ms <= first_ms)
