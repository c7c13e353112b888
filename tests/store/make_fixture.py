"""Makes `fixtures/schema_N.db`, the file every later version must be able to open. Run once per released schema:
`python -m tests.store.make_fixture`. A fixture that is committed is never made again.
"""

from __future__ import annotations

import sqlite3
import sys
from dataclasses import replace
from pathlib import Path

from pingmon_gui.domain.alert_change import change_of
from pingmon_gui.domain.alert_channel import DESKTOP
from pingmon_gui.domain.alert_rule import AlertBook, first_rules
from pingmon_gui.domain.alert_state import Decision
from pingmon_gui.domain.incident import Evidence, Incident, IncidentId, IncidentNote
from pingmon_gui.domain.judgement import Judgement
from pingmon_gui.domain.maintenance import MaintenanceChange, MaintenanceDraft, Weekly
from pingmon_gui.domain.monitor import MonitorDraft, MonitorId, MonitorSettings
from pingmon_gui.domain.probe import EMBEDDED_PROBE, Probe
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import FailureEvidence
from pingmon_gui.domain.scope import Scope
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.timeline import Standing, VerdictSpan
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.store.migrations import STEPS
from pingmon_gui.store.store import Store
from tests.domain.alert_play import Play, incident, rule
from tests.store.helper import HOUR_MS, START_MS, Clock, Measured, batch, compact, run

FIXTURES = Path(__file__).parent / "fixtures"
STANDING = Standing(START_MS, frozenset({Region.LOCAL}), is_paused=True, is_in_maintenance=True)
SPAN = VerdictSpan(START_MS, START_MS + HOUR_MS, Verdict.OFFLINE)
KEPT = {"tried": [{"target": "https://a.example/", "address": None, "outcome": "It has no address."}]}
WINDOW = MaintenanceDraft(
    "Deploy", Weekly((1, 3), 22 * 60, 2 * HOUR_MS, "Europe/Berlin"), Scope(False, frozenset(("shop",)))
)


def cut_short(monitor: MonitorId) -> Incident:
    seen = Evidence(
        EMBEDDED_PROBE, "This computer", Region.LOCAL, START_MS, Status.OFFLINE, "dns", "It has no address."
    )
    return Incident(
        id=IncidentId(7),
        monitor=monitor,
        kind=Verdict.OFFLINE,
        start_ms=START_MS,
        end_ms=START_MS + 60_000,
        confirmed_at_ms=START_MS + 2_000,
        regions=(Region.LOCAL,),
        evidence=(seen,),
        acknowledged_at_ms=START_MS + 3_000,
        notes=(IncidentNote(START_MS + 4_000, "It is the router again."),),
        is_cut=True,
    )


async def fill(path: Path) -> None:
    """Make a file with something in every table: chunks of two hours, all roll-ups, a journal."""
    clock = Clock()
    store = Store.open(path, now_ms=clock)
    settings = MonitorSettings(keyword="welcome", basic_auth="user:password")
    drafts = [
        MonitorDraft("https://a.example/", "A", settings, ("shop", "eu"), (Region.LOCAL,)),
        MonitorDraft("http://b.example/"),
    ]
    one, two = await store.add_monitors(drafts)
    await store.change_monitors([replace(two, name="B", settings=MonitorSettings(interval_ms=60_000))])
    await store.change_preferences({"keep_raw_days": 30})
    await store.save_probe(Probe(EMBEDDED_PROBE, "This computer", Region.LOCAL))
    store.append(batch(rows(one.id, two.id, 0, 90)))
    await store.flush()
    await compact(store, clock, START_MS + 30 * HOUR_MS)
    kept = FailureEvidence(one.id, EMBEDDED_PROBE, START_MS, KEPT)
    store.append(replace(batch(rows(one.id, two.id, 90, 100), first_seq=91), evidence=(kept,)))
    await _fill_alerts(store)
    await store.save_standings([(one.id, STANDING)], START_MS)
    await store.record([Judgement(one.id, (SPAN,), (cut_short(one.id),))], START_MS + HOUR_MS)
    await store.change_windows(MaintenanceChange(added=(WINDOW,)), START_MS)
    await store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()


async def _fill_alerts(store: Store) -> None:
    play = Play(rule(DESKTOP))
    play.book = AlertBook(first_rules(), play.book.channels)
    await store.save_alert_book(play.book)
    before = play.state
    play.down(incident(1), incident(2))
    decision = Decision(play.state, tuple(play.posts), tuple(play.alerts.values()), None)
    await store.record_alerts(change_of(before, decision))


def rows(one: MonitorId, two: MonitorId, first: int, last: int) -> list[Measured]:
    return [
        Measured((one, two)[n % 2], START_MS + n * 60_000, Status(n % 3), 1000 * n, 60_000, 1 + n % 2)
        for n in range(first, last)
    ]


if __name__ == "__main__":
    target = FIXTURES / f"schema_{len(STEPS)}.db"
    if target.exists():
        sys.exit(f"{target} exists and is never made again")
    FIXTURES.mkdir(exist_ok=True)
    run(fill(target))
