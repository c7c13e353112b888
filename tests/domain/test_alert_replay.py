"""The preview: what a rule would have told, from what is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import numpy as np

from pingmon_gui.domain.alert_news import CertificateFact
from pingmon_gui.domain.alert_replay import Past, replay
from pingmon_gui.domain.alert_rule import DAY_MS, AlertKind, SlowCondition, SlowUnit
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.quiet_hours import QuietSpan
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.scope import Scope
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.timeline import Track, VerdictSpan
from pingmon_gui.domain.verdict import Verdict
from tests.domain.alert_play import MINUTE, NOON_MS, Play, incident, rule

WEEK_MS = 7 * DAY_MS
FROM_MS = NOON_MS - WEEK_MS
MONITORS = list(Play().monitors.values())[:6]


def past(**values: object) -> Past:
    return Past(FROM_MS, NOON_MS, MONITORS, **values)  # type: ignore[arg-type]


def outage(number: int, day: float, minutes: float, id_: int) -> object:
    begin_ms = FROM_MS + round(day * DAY_MS)
    one = incident(number, begin_ms, id_=id_)
    return replace(one, confirmed_at_ms=begin_ms + 12_000, end_ms=begin_ms + round(minutes * MINUTE))


OUTAGES = [outage(1, 1, 3, 10), outage(1, 2, 20, 11), outage(2, 2.00001, 20, 12), outage(3, 5, 90, 13)]


def test_outages_that_would_have_been_told_are_listed_with_their_time() -> None:
    found = replay(rule(), past(incidents=OUTAGES))
    assert [(post.at_ms - FROM_MS) / DAY_MS for post in found.alerts] == [
        1 + 12_000 / DAY_MS,
        2 + 12_000 / DAY_MS,
        5 + 12_000 / DAY_MS,
    ]
    assert found.messages > 3


def test_delay_scope_and_quiet_hours_count() -> None:
    assert len(replay(rule(after_ms=5 * MINUTE), past(incidents=OUTAGES)).alerts) == 2
    alone = rule(scope=Scope(False, monitors=frozenset((MonitorId(3),))))
    assert len(replay(alone, past(incidents=OUTAGES)).alerts) == 1
    always = (QuietSpan(frozenset(range(7)), 0, 0),)
    assert replay(rule(quiet=always), past(incidents=OUTAGES), UTC).alerts == ()


def test_what_nobody_knew_at_the_time_does_not_fire() -> None:
    begin_ms = FROM_MS + 5 * DAY_MS
    spans = {MonitorId(3): [VerdictSpan(begin_ms, begin_ms + MINUTE, Verdict.OFFLINE)]}
    spans[MonitorId(3)].append(VerdictSpan(begin_ms + MINUTE, begin_ms + 80 * MINUTE, Verdict.UNKNOWN))
    spans[MonitorId(3)].append(VerdictSpan(begin_ms + 80 * MINUTE, begin_ms + 90 * MINUTE, Verdict.OFFLINE))
    (told,) = replay(rule(after_ms=5 * MINUTE), past(incidents=OUTAGES[3:], spans=spans)).alerts
    assert told.at_ms == begin_ms + 80 * MINUTE


def test_incident_that_was_withdrawn_or_found_too_late_is_passed_over() -> None:
    late = replace(OUTAGES[0], confirmed_at_ms=NOON_MS)  # type: ignore[type-var]
    withdrawn = replace(OUTAGES[1], is_withdrawn=True)  # type: ignore[type-var]
    assert replay(rule(), past(incidents=[late, withdrawn])).alerts == ()


def test_slowness_by_minutes_follows_the_verdicts() -> None:
    slow = rule(kinds=frozenset((AlertKind.SLOW,)), slow=SlowCondition(SlowUnit.MINUTES, 5, 10))
    begin_ms = FROM_MS + DAY_MS
    spans = {
        MonitorId(1): [VerdictSpan(begin_ms, begin_ms + 4 * MINUTE, Verdict.SLOW)],
        MonitorId(2): [
            VerdictSpan(begin_ms, begin_ms + 3 * MINUTE, Verdict.SLOW),
            VerdictSpan(begin_ms + 3 * MINUTE, begin_ms + 6 * MINUTE, Verdict.ONLINE),
            VerdictSpan(begin_ms + 6 * MINUTE, begin_ms + 60 * MINUTE, Verdict.SLOW),
        ],
    }
    found = replay(slow, past(spans=spans))
    (told,) = found.alerts
    assert told.at_ms == begin_ms + 8 * MINUTE
    assert told.items[0].text == "site2 is slow: in 5 of the last 10 minutes"


def test_slowness_by_results_needs_half_of_the_regions() -> None:
    slow = rule(kinds=frozenset((AlertKind.SLOW,)), slow=SlowCondition(SlowUnit.RESULTS, 3, 5))

    def track(region: Region, word: str) -> Track:
        status = np.array([Status.SLOW if letter == "s" else Status.ONLINE for letter in word], dtype=np.int8)
        at_ms = FROM_MS + DAY_MS + np.arange(len(word), dtype=np.int64) * MINUTE
        return Track(ProbeId(2), region, at_ms, np.full(len(word), MINUTE, dtype=np.int64), status)

    for other in ("..........", "..s.s.s..."):
        tracks = {MonitorId(1): [track(Region.EU, "..s.s.s..."), track(Region.NA, other)]}
        (told,) = replay(slow, past(tracks=tracks)).alerts
        assert told.at_ms == FROM_MS + DAY_MS + 6 * MINUTE
    three = {MonitorId(1): [track(Region.EU, "..s.s.s..."), *(track(r, "." * 10) for r in (Region.NA, Region.AS))]}
    assert replay(slow, past(tracks=three)).alerts == ()


def test_certificates_of_today_passed_their_thresholds_then() -> None:
    watching = rule(kinds=frozenset((AlertKind.CERTIFICATE, AlertKind.PROBE_LOST)), expiry_days=(30, 14, 7))
    facts = [CertificateFact("a", "CA", NOON_MS + days * DAY_MS, (MonitorId(1),)) for days in (10, 40, 29, 5)]
    found = replay(watching, past(certificates=facts))
    assert sorted(post.items[0].level for post in found.alerts) == [7, 14, 30]
    assert found.not_kept == (AlertKind.PROBE_LOST,)
