from __future__ import annotations

import pytest

from pingmon_gui.domain.history import DAY_MS, FIVE_MINUTES_MS, HOUR_MS
from pingmon_gui.domain.resolution import Kept, bucket_length_ms, shown_length_ms, shows_results

NOW = 400 * DAY_MS
KEPT = Kept(NOW - 7 * DAY_MS, NOW - 30 * DAY_MS, NOW - 365 * DAY_MS, NOW - 399 * DAY_MS)
YOUNG = Kept(NOW - HOUR_MS, NOW - HOUR_MS, None, None)


@pytest.mark.parametrize(
    ("from_ms", "to_ms", "bucket_ms", "is_raw"),
    [
        (NOW - HOUR_MS, NOW, FIVE_MINUTES_MS, True),
        (NOW - 6 * HOUR_MS, NOW, FIVE_MINUTES_MS, True),
        (NOW - DAY_MS, NOW, FIVE_MINUTES_MS, False),
        (NOW - 7 * DAY_MS, NOW, 3 * FIVE_MINUTES_MS, False),
        (NOW - 30 * DAY_MS, NOW, HOUR_MS, False),
        (NOW - 90 * DAY_MS, NOW, HOUR_MS, False),
        (NOW - 365 * DAY_MS, NOW, DAY_MS, False),
        # What is kept no longer is shown from the finest there is.
        (NOW - 8 * DAY_MS, NOW - 8 * DAY_MS + HOUR_MS, FIVE_MINUTES_MS, False),
        (NOW - 31 * DAY_MS, NOW - 30 * DAY_MS, HOUR_MS, False),
        (NOW - 370 * DAY_MS, NOW - 369 * DAY_MS, DAY_MS, False),
    ],
)
def test_detail_follows_from_the_span_and_from_what_is_kept(
    from_ms: int, to_ms: int, bucket_ms: int, is_raw: bool
) -> None:
    assert bucket_length_ms(from_ms, to_ms, KEPT) == bucket_ms
    assert shows_results(from_ms, to_ms, KEPT) is is_raw


def test_span_that_begins_before_anything_is_shown_as_fine_as_what_there_is() -> None:
    assert bucket_length_ms(NOW - DAY_MS, NOW, YOUNG) == FIVE_MINUTES_MS
    assert shows_results(NOW - 5 * HOUR_MS, NOW, YOUNG)
    nothing = Kept(None, None, None, None)
    assert bucket_length_ms(NOW - DAY_MS, NOW, nothing) == DAY_MS
    assert not shows_results(NOW - HOUR_MS, NOW, nothing)


@pytest.mark.parametrize(
    ("days", "bucket_ms", "shown_ms"),
    [
        (1, FIVE_MINUTES_MS, FIVE_MINUTES_MS),
        (30, HOUR_MS, HOUR_MS),
        (90, HOUR_MS, 3 * HOUR_MS),
        (120, HOUR_MS, 4 * HOUR_MS),
        (365, DAY_MS, DAY_MS),
        (10_000, DAY_MS, 24 * DAY_MS),
    ],
)
def test_long_spans_are_drawn_in_whole_numbers_of_buckets(days: int, bucket_ms: int, shown_ms: int) -> None:
    assert shown_length_ms(days * DAY_MS, bucket_ms) == shown_ms


def test_first_raw_hours_are_not_whole_where_there_was_something_before() -> None:
    assert KEPT.whole_raw_ms == NOW - 7 * DAY_MS + 3 * HOUR_MS
    assert YOUNG.whole_raw_ms == NOW - HOUR_MS
    assert Kept(None, 0, 0, 0).whole_raw_ms is None
