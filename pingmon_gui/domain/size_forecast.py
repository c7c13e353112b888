"""How large the database is going to be: from what is measured, and from how long the user wants it kept.

The numbers per row were measured on generated stores; `tests/domain/test_size_forecast.py` holds them against real
ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from pingmon_gui.domain.history import HOUR_MS
from pingmon_gui.domain.monitor import Monitor
from pingmon_gui.domain.preference import BYTES_PER_MB, Preferences
from pingmon_gui.domain.region import Region

_HOURS_PER_DAY = 24
YEAR_DAYS = 365
_FOR_EVER_DAYS = 100 * YEAR_DAYS
_BUCKETS_PER_HOUR = 12
#: Until compaction gets to them, results lie in the journal: the running hour and a few minutes more, 18 bytes each.
_JOURNAL_HOURS, _JOURNAL_BYTES = 1.2, 18
#: Incidents with their evidence, verdicts, what was asked for: per domain and year.
_JUDGED_BYTES = 23_000
#: Tables and indexes of an empty database.
_EMPTY_BYTES = 200_000


@dataclass(frozen=True)
class Load:
    """So many series that are measured this often."""

    series: int
    interval_ms: int

    @property
    def results_per_hour(self) -> float:
        return HOUR_MS / self.interval_ms


@dataclass(frozen=True)
class SizeParts:
    """What makes up the size of a database, in bytes."""

    raw_bytes: int = 0
    fine_bytes: int = 0
    hour_bytes: int = 0
    day_bytes: int = 0
    judged_bytes: int = 0
    other_bytes: int = 0
    free_bytes: int = 0

    @property
    def total_bytes(self) -> int:
        return (
            self.raw_bytes
            + self.fine_bytes
            + self.hour_bytes
            + self.day_bytes
            + self.judged_bytes
            + self.other_bytes
            + self.free_bytes
        )


@dataclass(frozen=True)
class Forecast:
    """What the database grows to.

    Attributes:
        parts: after that time of measuring what is measured now.
        bytes_per_year: by how much it grows in the year after that.
        raw_days: for how long every result is kept; less than the user wants where the largest size comes first.
        is_capped: whether the largest size comes first.
    """

    parts: SizeParts
    bytes_per_year: int
    raw_days: float
    is_capped: bool

    @property
    def stays(self) -> bool:
        """Whether it stays about as large as it is then."""
        return self.is_capped or self.bytes_per_year < self.parts.total_bytes / 10


def loads(monitors: Iterable[Monitor], regions: Iterable[Region]) -> tuple[Load, ...]:
    """Return what is measured: the monitors that are not paused, from those of the regions that watch them.

    `regions` has one element per probe: two probes of one region measure twice, as one probe does over two families.
    """
    probes = list(regions)
    counts: dict[int, int] = {}
    for monitor in monitors:
        if not monitor.is_paused:
            series = monitor.check_count * sum(monitor.watched_from(region) for region in probes)
            interval_ms = monitor.settings.interval_ms
            counts[interval_ms] = counts.get(interval_ms, 0) + series
    return tuple(Load(series, interval_ms) for interval_ms, series in sorted(counts.items()) if series)


def forecast(measured: Iterable[Load], domains: int, preferences: Preferences, after_days: int = YEAR_DAYS) -> Forecast:
    """Return what the database grows to with these settings; `after_days` is when, else after a year."""
    per_day = {"raw": 0.0, "fine": 0.0, "hour": 0.0, "day": 0.0}
    journal = 0.0
    for load in measured:
        n = load.results_per_hour
        hours = load.series * _HOURS_PER_DAY
        per_day["raw"] += hours * _chunk_bytes(n)
        per_day["fine"] += hours * _fine_bytes(n)
        per_day["hour"] += hours * _hour_bytes(n)
        per_day["day"] += load.series * _day_bytes(n)
        journal += load.series * n * _JOURNAL_HOURS * _JOURNAL_BYTES
    kept = {
        "raw": preferences.integer("keep_raw_days"),
        "fine": preferences.integer("keep_5min_days"),
        "hour": preferences.integer("keep_hour_days"),
        "day": _FOR_EVER_DAYS,
    }
    first = {name: per_day[name] * min(days, after_days) for name, days in kept.items()}
    second = {name: per_day[name] * min(days, after_days + YEAR_DAYS) for name, days in kept.items()}
    judged = round(domains * _JUDGED_BYTES * after_days / YEAR_DAYS)
    rest = first["fine"] + first["hour"] + first["day"] + judged + journal + _EMPTY_BYTES
    cap_bytes = preferences.integer("size_cap_mb") * BYTES_PER_MB
    is_capped = rest + first["raw"] > cap_bytes
    raw = min(first["raw"], max(0.0, cap_bytes - rest)) if is_capped else first["raw"]
    return Forecast(
        parts=SizeParts(
            raw_bytes=round(raw + journal),
            fine_bytes=round(first["fine"]),
            hour_bytes=round(first["hour"]),
            day_bytes=round(first["day"]),
            judged_bytes=judged,
            other_bytes=_EMPTY_BYTES,
        ),
        bytes_per_year=round(sum(second.values()) - sum(first.values())) + domains * _JUDGED_BYTES,
        raw_days=raw / per_day["raw"] if is_capped else float(kept["raw"]),
        is_capped=is_capped,
    )


def _chunk_bytes(results: float) -> float:
    """Return the size of an hour of one series with every result, its share of pages included."""
    return 80 + 12.2 * results + (40 if results < 100 else 175)


def _fine_bytes(results: float) -> float:
    """Return the size of an hour's row of five-minute roll-ups: it has as many buckets as have results."""
    filled = min(results, _BUCKETS_PER_HOUR)
    return 40 + 14.2 * filled + 70 * math.log10(max(1.0, results / _BUCKETS_PER_HOUR)) + 29


def _hour_bytes(results: float) -> float:
    return 37 + 8.6 * math.log10(max(1.0, results)) + 24


def _day_bytes(results: float) -> float:
    return 44 + 11.3 * math.log10(max(1.0, results)) + 16
