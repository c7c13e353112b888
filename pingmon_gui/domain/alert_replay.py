"""What a rule would have told in the past: the same decisions, replayed over what is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo

import numpy as np

from pingmon_gui.domain.alert import AlertEvent, Post
from pingmon_gui.domain.alert_channel import DESKTOP, desktop_channel
from pingmon_gui.domain.alert_decision import decide
from pingmon_gui.domain.alert_news import (
    CertificateFact,
    RegistrationFact,
    incident_key,
    of_certificate,
    of_incident,
    of_registration,
    of_slowness,
)
from pingmon_gui.domain.alert_rule import DAY_MS, AlertBook, AlertKind, AlertRule, SlowUnit
from pingmon_gui.domain.alert_state import AlertState, Certainty, News, Surroundings
from pingmon_gui.domain.incident import Incident
from pingmon_gui.domain.monitor import Monitor, MonitorId
from pingmon_gui.domain.slowness import slow_by_minutes, slow_by_results, slow_words
from pingmon_gui.domain.timeline import Track, VerdictSpan
from pingmon_gui.domain.verdict import Verdict

#: An end is known when a second good result has confirmed it.
_CONFIRMED_MS = 2_000
#: Slowness is looked at so often.
_STEP_MS = 30_000
#: Of these nothing is kept that could be replayed.
NOT_KEPT = (AlertKind.PROBE_LOST, AlertKind.OWN_NETWORK)


@dataclass(frozen=True)
class Past:
    """What is kept of a span. `tracks` are needed only by a rule about slow results.

    `certificates` and `registrations` are today's; of the latter nothing is known before a rule tells of them.
    """

    from_ms: int
    to_ms: int
    monitors: Sequence[Monitor]
    incidents: Sequence[Incident] = ()
    spans: Mapping[MonitorId, Sequence[VerdictSpan]] = field(default_factory=dict)
    tracks: Mapping[MonitorId, Sequence[Track]] = field(default_factory=dict)
    certificates: Sequence[CertificateFact] = ()
    registrations: Sequence[RegistrationFact] = ()


@dataclass(frozen=True)
class Replay:
    """`alerts` are the first messages of what would have been told, oldest first; `messages` counts all.

    `not_kept` are kinds of the rule of which the past says nothing.
    """

    from_ms: int
    to_ms: int
    alerts: tuple[Post, ...]
    messages: int
    not_kept: tuple[AlertKind, ...]


def replay(rule: AlertRule, past: Past, zone: tzinfo | None = None) -> Replay:
    """Return what a rule would have told on a channel that replaces its messages. Blocks for a moment."""
    news = sorted(_news(rule, past), key=lambda one: one[0])
    channel = desktop_channel()
    alone = replace(rule, channels=(DESKTOP,), escalation=None, is_enabled=True)
    tags = {one.id: frozenset(tag.casefold() for tag in one.tags) for one in past.monitors}
    around = Surroundings(AlertBook((alone,), {channel.id: channel}), tags, zone)
    state = AlertState()
    posts: list[Post] = []
    next_at_ms: int | None = None
    place = 0
    while place < len(news) or (next_at_ms is not None and next_at_ms <= past.to_ms):
        dues = [at_ms for at_ms in (next_at_ms, news[place][0] if place < len(news) else None) if at_ms is not None]
        now_ms = min(dues)
        some: list[News] = []
        while place < len(news) and news[place][0] <= now_ms:
            some.append(news[place][1])
            place += 1
        decision = decide(state, some, now_ms, around)
        state, next_at_ms = decision.state, decision.next_at_ms
        posts += decision.posts
    told = [post for post in posts if post.at_ms >= past.from_ms]
    return Replay(
        past.from_ms,
        past.to_ms,
        tuple(post for post in told if post.event is AlertEvent.TRIGGERED or post.is_first_word),
        len(told),
        tuple(kind for kind in AlertKind if kind in rule.kinds and kind in _not_kept(past)),
    )


def _not_kept(past: Past) -> tuple[AlertKind, ...]:
    return NOT_KEPT if past.registrations else (*NOT_KEPT, AlertKind.REGISTRATION)


def _news(rule: AlertRule, past: Past) -> list[tuple[int, News]]:
    known = {monitor.id: monitor for monitor in past.monitors}
    found: list[tuple[int, News]] = []
    if any(kind.is_outage for kind in rule.kinds):
        for incident in past.incidents:
            # One that was found when it was over raised nothing, and would not.
            if not incident.is_withdrawn and (incident.end_ms is None or incident.confirmed_at_ms <= incident.end_ms):
                found += _of_incident(incident, known, past)
    if AlertKind.SLOW in rule.kinds:
        for monitor in past.monitors:
            found += _of_slowness(rule, monitor, past)
    if AlertKind.CERTIFICATE in rule.kinds:
        for fact in past.certificates:
            titles = [known[id_].title for id_ in fact.monitors if id_ in known]
            # Long before, so that each threshold is passed in its time.
            found.append((fact.until_ms - 366 * DAY_MS, of_certificate(fact, titles)))
    if AlertKind.REGISTRATION in rule.kinds:
        found += [(fact.until_ms - 366 * DAY_MS, of_registration(fact)) for fact in past.registrations]
    return found


def _of_incident(incident: Incident, known: Mapping[MonitorId, Monitor], past: Past) -> list[tuple[int, News]]:
    monitor = known.get(incident.monitor)
    begun = replace(incident, end_ms=None)
    found: list[tuple[int, News]] = [(incident.confirmed_at_ms, of_incident(begun, monitor, incident.kind))]
    end_ms = past.to_ms if incident.end_ms is None else incident.end_ms
    for span in past.spans.get(incident.monitor, ()):
        if span.verdict is Verdict.UNKNOWN and incident.start_ms < span.start_ms < end_ms:
            found.append((span.start_ms, Certainty({incident_key(incident): False})))
            found.append((span.end_ms, Certainty({incident_key(incident): True})))
    if incident.end_ms is not None:
        after = next((s.verdict for s in past.spans.get(incident.monitor, ()) if s.start_ms >= incident.end_ms), None)
        found.append((max(incident.confirmed_at_ms, end_ms) + _CONFIRMED_MS, of_incident(incident, monitor, after)))
    return found


def _of_slowness(rule: AlertRule, monitor: Monitor, past: Past) -> list[tuple[int, News]]:
    times = np.arange(past.from_ms, past.to_ms, _STEP_MS, dtype=np.int64)
    if rule.slow.unit is SlowUnit.MINUTES:
        slow = slow_by_minutes(past.spans.get(monitor.id, ()), rule.slow, times)
    else:
        slow = slow_by_results(past.tracks.get(monitor.id, ()), rule.slow, times)
    if not slow.any():
        return []
    found: list[tuple[int, News]] = []
    turns = np.flatnonzero(slow != np.append(False, slow[:-1]))
    since_ms = 0
    for place in turns.tolist():
        at_ms = int(times[place])
        if slow[place]:
            since_ms = at_ms
        end_ms = None if slow[place] else at_ms
        found.append((at_ms, of_slowness(rule, monitor, since_ms, slow_words(rule.slow), (), end_ms)))
    return found
