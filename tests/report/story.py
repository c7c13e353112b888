"""Five days of a domain that can be told by heart, in a database: what charts, strips and explanations are tested on.

Measured every minute from Europe and North America, 80 and 120 ms. Day 2 at 12:00: another address. Day 3: Europe is
offline from 06:00 to 06:30; nobody measures from 10:00 to 12:00; paused from 14:00 on, in maintenance from 14:30 to
15:00. Day 4, the last one: Europe takes 400 ms from 16:00 on, and one result at 12:00 took 5 s. It ends at 18:30.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pingmon_gui.domain.history import DAY_MS, HOUR_MS
from pingmon_gui.domain.incident import Evidence, Incident, IncidentId
from pingmon_gui.domain.judgement import Judgement
from pingmon_gui.domain.monitor import Monitor, MonitorDraft, MonitorSettings
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.timeline import Standing, VerdictSpan
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.store.store import Store
from tests.store.helper import START_MS, Clock, Measured, batch, settle

MINUTE_MS = 60_000
BOTH = frozenset({Region.EU, Region.NA})
EUROPE, AMERICA = ProbeId(1), ProbeId(2)
NOW_MS = START_MS + 4 * DAY_MS + 18 * HOUR_MS + HOUR_MS // 2
MOVED_MS = START_MS + 2 * DAY_MS + 12 * HOUR_MS


def day(number: int, hour: float = 0) -> int:
    """Return a moment of the story; days count from 0."""
    return START_MS + number * DAY_MS + round(hour * HOUR_MS)


def _measured(monitor: Monitor, probe: ProbeId, at_ms: int) -> Measured | None:
    is_unseen = day(3, 10) <= at_ms < day(3, 12) or day(3, 14) <= at_ms < day(3, 15)
    if is_unseen:
        return None
    status, took_us = Status.ONLINE, 80_000 if probe == EUROPE else 120_000
    if probe == EUROPE:
        if day(3, 6) <= at_ms < day(3, 6.5):
            status = Status.OFFLINE
        if at_ms >= day(4, 16):
            took_us = 400_000
        if at_ms == day(4, 12):
            status, took_us = Status.SLOW, 5_000_000
    version = 2 if at_ms >= MOVED_MS else 1
    return Measured(monitor.id, at_ms, status, took_us, MINUTE_MS, version)


def incident(monitor: Monitor) -> Incident:
    seen = Evidence(
        EUROPE, "Frankfurt", Region.EU, day(3, 6), Status.OFFLINE, "timeout", "no answer in time",
        phases_ms=(5.0, 10.0, 20.0, 4_965.0, None),
    )  # fmt: skip
    return Incident(
        IncidentId(7), monitor.id, Verdict.REGIONAL, day(3, 6), day(3, 6.5), day(3, 6) + 2_000, (Region.EU,), (seen,)
    )


async def write(path: Path) -> Monitor:
    """Make the database of the story; returns its domain."""
    clock = Clock(START_MS)
    store = Store.open(path, now_ms=clock)
    (one,) = await store.add_monitors(
        [MonitorDraft("https://a.example/", "Shop", MonitorSettings(interval_ms=MINUTE_MS))]
    )
    await store.change_monitors([replace(one, url="https://b.example/")])
    for probe, name, region in ((EUROPE, "Frankfurt", Region.EU), (AMERICA, "Virginia", Region.NA)):
        await store.save_probe(Probe(probe, name, region))
        rows = [_measured(one, probe, at_ms) for at_ms in range(START_MS, NOW_MS, MINUTE_MS)]
        store.append(batch([row for row in rows if row is not None], probe=probe))
    await store.save_standings(
        [
            (one.id, Standing(START_MS, BOTH)),
            (one.id, Standing(day(3, 14), BOTH, is_paused=True)),
            (one.id, Standing(day(3, 14.5), BOTH, is_paused=True, is_in_maintenance=True)),
            (one.id, Standing(day(3, 15), BOTH)),
        ]
    )
    spans = (
        VerdictSpan(START_MS, day(3, 6), Verdict.ONLINE),
        VerdictSpan(day(3, 6), day(3, 6.5), Verdict.REGIONAL),
        VerdictSpan(day(3, 6.5), day(3, 10), Verdict.ONLINE),
        VerdictSpan(day(3, 10), day(3, 12), Verdict.UNKNOWN),
        VerdictSpan(day(3, 12), day(3, 14), Verdict.ONLINE),
        VerdictSpan(day(3, 14), day(3, 15), Verdict.PAUSED),
        VerdictSpan(day(3, 15), NOW_MS, Verdict.ONLINE),
    )
    await store.flush()
    await store.record([Judgement(one.id, spans, (incident(one),))], NOW_MS)
    clock.ms = NOW_MS
    await settle(store)
    await store.close()
    return one
