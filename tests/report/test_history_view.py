"""What charts show, on a story that can be told by heart."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from pingmon_gui.domain.history import DAY_MS, FIVE_MINUTES_MS, HOUR_MS, percentile
from pingmon_gui.domain.region import Region
from pingmon_gui.report.gather import SHARES
from pingmon_gui.report.history_view import HistoryView, merged_buckets, read_history
from tests.report.conftest import Told
from tests.report.story import MOVED_MS, NOW_MS, day
from tests.store.helper import START_MS


def read(told: Told, from_ms: int, to_ms: int, span_ms: int = 0) -> HistoryView:
    async def main() -> HistoryView:
        store = told.open()
        view = await read_history(store, told.monitor.id, from_ms, to_ms, span_ms or to_ms - from_ms, NOW_MS)
        await store.close()
        return view

    return asyncio.run(main())


def test_short_spans_are_read_result_by_result_and_longer_ones_in_buckets(told: Told) -> None:
    view = read(told, NOW_MS - HOUR_MS, NOW_MS)
    assert view.is_raw and view.bucket_ms == FIVE_MINUTES_MS
    assert [len(one.results) for one in view.regions] == [1, 1]
    view = read(told, NOW_MS - DAY_MS, NOW_MS)
    assert not view.is_raw and [one.results for one in view.regions] == [(), ()]
    assert (view.regions[0].region, view.regions[1].region) == (Region.NA, Region.EU)


def test_detail_follows_from_what_one_looks_at_not_from_what_is_read_around_it(told: Told) -> None:
    view = read(told, NOW_MS - 8 * HOUR_MS, NOW_MS, span_ms=HOUR_MS)
    assert view.is_raw and view.from_ms == NOW_MS - 8 * HOUR_MS


def test_medians_are_those_of_the_results(told: Told) -> None:
    view = read(told, day(1), day(2))
    for region, ms in ((Region.EU, 80), (Region.NA, 120)):
        one = view.region(region)
        assert one is not None
        assert np.allclose(one.buckets.median_ms, ms, rtol=0.08)
        assert np.allclose(one.buckets.mean_ms, ms)
        assert np.allclose(one.buckets.phases_ms.sum(axis=1), ms)
        assert (one.buckets.good == 5).all()


def test_buckets_of_several_series_are_one_and_absent_where_nothing_was_measured(told: Told) -> None:
    view = read(told, day(2), day(4))
    europe = view.region(Region.EU)
    assert europe is not None and len(europe.rollups) == 2
    starts = europe.buckets.start_ms
    assert (np.diff(starts) >= view.shown_ms).all()
    assert not ((starts >= day(3, 10) + FIVE_MINUTES_MS) & (starts < day(3, 12))).any()
    outage = europe.buckets.offline[(starts >= day(3, 6)) & (starts < day(3, 6.5))]
    assert outage.sum() == 30


def test_merged_stretches_have_the_percentiles_of_all_their_results(told: Told) -> None:
    view = read(told, day(4, 12), day(4, 18))
    europe = view.region(Region.EU)
    assert europe is not None
    whole = merged_buckets(europe.rollups, 6 * HOUR_MS)
    expected = [percentile(europe.buckets.histogram.sum(axis=0), share)[0] for share in SHARES]
    assert whole.percentiles_ms[:, 0].tolist() == expected
    assert whole.slowest_ms[0] == pytest.approx(5_000, rel=0.08)


def test_slower_than_normal_is_found_with_what_is_normal(told: Told) -> None:
    view = read(told, NOW_MS - DAY_MS, NOW_MS)
    europe, america = view.region(Region.EU), view.region(Region.NA)
    assert europe is not None and america is not None
    (one,) = europe.slower
    assert (one.start_ms, one.end_ms) == (day(4, 16), NOW_MS)
    assert one.normal_ms == pytest.approx(80, rel=0.08)
    assert one.median_ms == pytest.approx(400, rel=0.08)
    assert america.slower == ()


def test_nothing_is_known_of_the_future_and_the_running_bucket_ends_now(told: Told) -> None:
    view = read(told, NOW_MS - HOUR_MS // 2, NOW_MS + HOUR_MS, span_ms=HOUR_MS)
    assert view.to_ms == NOW_MS
    europe = view.region(Region.EU)
    assert europe is not None
    assert int(europe.buckets.known_ms.sum()) == NOW_MS - view.from_ms


def test_another_address_is_found_to_the_result_where_there_are_results(told: Told) -> None:
    assert read(told, MOVED_MS - 2 * HOUR_MS, MOVED_MS + 2 * HOUR_MS).address_changes_ms == (MOVED_MS,)
    coarse = read(told, day(0), NOW_MS).address_changes_ms
    assert coarse == (MOVED_MS // (15 * 60_000) * (15 * 60_000),)
    assert read(told, day(4), NOW_MS).address_changes_ms == ()


def test_pauses_incidents_and_verdicts_are_there(told: Told) -> None:
    view = read(told, day(3), day(4))
    assert list(view.paused) == [(day(3, 14), day(3, 15))]
    assert list(view.maintenance) == [(day(3, 14.5), day(3, 15))]
    assert [one.id for one in view.incidents] == [7]
    assert len(view.verdicts) == 7
    assert (view.asked_from_ms, view.judged_until_ms) == (START_MS, NOW_MS)
