"""The forecast of the database's size, against stores that really grew, and what it says at its limits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pingmon_gui.data_folder import database_path
from pingmon_gui.domain.family import EACH
from pingmon_gui.domain.history import HOUR_MS
from pingmon_gui.domain.monitor import Monitor, MonitorId, MonitorSettings
from pingmon_gui.domain.preference import Preferences
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.size_forecast import Forecast, Load, SizeParts, forecast, loads
from pingmon_gui.store.chunk import count_of, joined, take
from pingmon_gui.store.page_share import size_parts
from pingmon_gui.store.store import Store
from tests.bench.year import series
from tests.bench.year.make import Kept, batch_of, make
from tests.bench.year.story import FAR, MESSAGES, Shape, Story
from tests.store.helper import Clock, run, settle

END_MS = 1_795_371_600_000
DEFAULTS = Preferences({})
#: 100 domains from 5 regions every 10 s.
MANY = (Load(500, 10_000),)


def assert_near(told: int, real: int) -> None:
    assert 0.75 <= told / real <= 1.25, (told, real)


@pytest.mark.parametrize("shape", [Shape(3, 30, 2, 10), Shape(2, 60, 1, 5, seed=3)])
def test_generated_store_has_the_size_that_was_told(tmp_path: Path, shape: Shape) -> None:
    make(tmp_path, shape, END_MS)
    real = size_parts(database_path(tmp_path))
    kept = {"keep_raw_days": shape.raw_days, "keep_5min_days": shape.fine_days, "keep_hour_days": shape.days}
    measured = [Load(shape.monitors * len(FAR), 10_000)]
    told = forecast(measured, shape.monitors, Preferences(kept), shape.days).parts
    assert_near(told.raw_bytes, real.raw_bytes)
    assert_near(told.fine_bytes, real.fine_bytes)
    assert_near(told.hour_bytes, real.hour_bytes)
    assert_near(told.day_bytes, real.day_bytes)
    assert_near(told.total_bytes, real.total_bytes)


@pytest.mark.parametrize(("interval_ms", "days"), [(60_000, 2), (600_000, 6)])
def test_store_that_grew_hour_by_hour_has_the_size_that_was_told(tmp_path: Path, interval_ms: int, days: int) -> None:
    """The real way: results come in, are compacted every hour, and what is too old goes."""
    story = Story(Shape(3, 30, days, days), END_MS)
    # Hours go by whole days: of so few days that would be too much of a difference.
    kept_days = {"keep_raw_days": days - 1, "keep_5min_days": days - 1, "keep_hour_days": days + 1}

    async def main() -> None:
        clock = Clock(story.raw_from_ms)
        store = Store.open(tmp_path / "pingmon.db", now_ms=clock)
        preferences = await store.change_preferences(kept_days)
        settings = MonitorSettings(interval_ms=interval_ms)
        monitors = await store.add_monitors([replace(site.draft, settings=settings) for site in story.sites])
        reasons = {reason: place for place, reason in enumerate((None, *MESSAGES))}
        kept = [Kept(monitor.id, reasons) for monitor in monitors]
        everything = {region: thinned(story, kept, region, interval_ms) for region in FAR}
        seqs = dict.fromkeys(FAR, 0)
        for hour in range(story.raw_from_ms // HOUR_MS, END_MS // HOUR_MS):
            for region, columns in everything.items():
                part = series.cut(columns, hour * HOUR_MS, (hour + 1) * HOUR_MS)
                if count_of(part):
                    store.append(batch_of(story, kept, region, part, seqs[region] + 1))
                    seqs[region] += count_of(part)
            await store.flush()
            clock.ms = (hour + 1) * HOUR_MS + 5 * 60_000
            await settle(store)
        await store.close()
        told = forecast([Load(3 * len(FAR), interval_ms)], 3, preferences, days).parts
        real = size_parts(tmp_path / "pingmon.db")
        assert_near(told.raw_bytes, real.raw_bytes)
        assert_near(told.fine_bytes, real.fine_bytes)
        assert_near(told.hour_bytes, real.hour_bytes)

    run(main())


def thinned(story: Story, kept: list[Kept], region: Region, interval_ms: int) -> dict[str, np.ndarray]:
    """Return the results of all domains from a region, as if measured less often, by time."""
    parts = []
    for number, one in enumerate(kept):
        columns = take(series.results(story, number, region, one.details), slice(None, None, interval_ms // 10_000))
        columns["interval_ms"] = np.full(count_of(columns), interval_ms, dtype=np.int64)
        columns["version"] = np.ones(count_of(columns), dtype=np.int64)
        columns["number"] = np.full(count_of(columns), number, dtype=np.int64)
        parts.append(columns)
    everything = joined(parts)
    return take(everything, np.argsort(everything["at_ms"], kind="stable"))


def test_default_settings_keep_a_year_of_many_domains_below_the_promise() -> None:
    told = forecast(MANY, 100, DEFAULTS)
    assert 700e6 < told.parts.total_bytes < 1.5e9
    assert not told.is_capped and told.raw_days == 7
    assert told.stays and told.bytes_per_year < 100e6


def test_each_setting_changes_its_part_only() -> None:
    before = forecast(MANY, 100, DEFAULTS).parts
    for key, part in (
        ("keep_raw_days", "raw_bytes"),
        ("keep_5min_days", "fine_bytes"),
        ("keep_hour_days", "hour_bytes"),
    ):
        after = forecast(MANY, 100, Preferences({key: 2})).parts
        changed = {name for name in vars(before) if getattr(before, name) != getattr(after, name)}
        assert changed == {part}
        assert getattr(after, part) < getattr(before, part)


def test_largest_size_cuts_the_results_first() -> None:
    wanted = forecast(MANY, 100, Preferences({"keep_raw_days": 30}))
    assert not wanted.is_capped and wanted.raw_days == 30
    capped = forecast(MANY, 100, Preferences({"keep_raw_days": 30, "size_cap_mb": 1000}))
    assert capped.is_capped and capped.stays
    assert capped.parts.total_bytes == pytest.approx(1e9, rel=0.001)
    assert 1 < capped.raw_days < 30
    assert capped.parts.fine_bytes == wanted.parts.fine_bytes
    tiny = forecast(MANY, 100, Preferences({"size_cap_mb": 50}))
    assert tiny.is_capped and tiny.raw_days == 0


def test_hourly_rollups_kept_for_ever_go_on_growing() -> None:
    told = forecast(MANY, 100, Preferences({"keep_hour_days": 40_000}))
    assert not told.stays
    assert told.bytes_per_year > 300e6


def test_nothing_measured_needs_next_to_nothing() -> None:
    told = forecast((), 0, DEFAULTS)
    assert told.parts.total_bytes < 1e6 and told.stays
    assert SizeParts().total_bytes == 0
    assert isinstance(told, Forecast)


def test_loads_count_what_is_watched_and_not_paused() -> None:
    def one(id_: int, **values: object) -> Monitor:
        return Monitor(MonitorId(id_), 1, f"https://{id_}.example/", "", MonitorSettings(), 0, **values)  # type: ignore[arg-type]

    rare = replace(one(5), settings=MonitorSettings(interval_ms=60_000))
    monitors = [one(2), one(3, is_paused=True), one(4, regions=(Region.EU,)), rare]
    probes = [Region.LOCAL, Region.EU, Region.EU]
    assert loads(monitors, probes) == (Load(5, 10_000), Load(3, 60_000))
    assert loads(monitors, []) == ()
    both = replace(one(6), settings=MonitorSettings(family=EACH))
    assert loads([both], probes) == (Load(6, 10_000),)


def test_parts_of_a_store_add_up_to_its_file(tmp_path: Path) -> None:
    make(tmp_path, Shape(1, 10, 1, 3), END_MS)
    path = database_path(tmp_path)
    parts = size_parts(path)
    assert parts.total_bytes == path.stat().st_size
    assert min(parts.raw_bytes, parts.fine_bytes, parts.hour_bytes, parts.day_bytes, parts.judged_bytes) > 0
