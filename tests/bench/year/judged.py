"""Verdicts and incidents of the year: of the last days from the results, by the rules of the app; before, as told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pingmon_gui.domain.history import DAY_MS
from pingmon_gui.domain.incident import Evidence, Incident, IncidentId, IncidentNote, outages
from pingmon_gui.domain.judgement import Judgement
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.timeline import Standing, Track, VerdictSpan, joined_spans, offline_regions, verdict_spans
from pingmon_gui.domain.verdict import Verdict, verdicts
from pingmon_gui.store.chunk import Columns
from tests.bench.year.story import FAR, INTERVAL_MS, MESSAGES, Story

_CITIES = ("Virginia", "Frankfurt", "Singapore", "São Paulo", "Sydney")
#: Their ids are those of the made-up probes that can feed the window (`app_load.feeding_links`).
PROBES = {region: Probe(ProbeId(10 + n), _CITIES[n], region) for n, region in enumerate(FAR)}
_CONFIRMED_AFTER_MS = 12_000


def standings(story: Story, number: int) -> list[Standing]:
    site = story.sites[number]
    found = [Standing(site.born_ms, frozenset(FAR))]
    if site.paused_from_ms is not None:
        found.append(Standing(site.paused_from_ms, frozenset(FAR), is_paused=True))
    return found


def judgement(story: Story, number: int, monitor: MonitorId, raw: dict[Region, Columns]) -> Judgement:
    """Return everything that one domain's year comes to."""
    asked = standings(story, number)
    tracks = [
        Track(PROBES[region].id, region, one["at_ms"], one["interval_ms"], one["status"].astype(np.int8))
        for region, one in raw.items()
    ]
    late = verdict_spans(tracks, asked, story.raw_from_ms, story.end_ms)
    spans = joined_spans([*_told(story, number, asked), *late])
    chance = story.chance(9, number)
    incidents = []
    for outage in outages(spans):
        end_ms = story.end_ms if outage.end_ms is None else outage.end_ms
        if outage.start_ms >= story.raw_from_ms:
            regions = offline_regions(tracks, asked, outage.start_ms, end_ms)
        else:
            regions = tuple(
                region
                for region in FAR
                if any(one.start_ms < end_ms and one.end_ms > outage.start_ms for one in story.outages(number, region))
            )
        one = Incident(
            id=IncidentId(int(chance.integers(1, 2**53))),
            monitor=monitor,
            kind=outage.kind,
            start_ms=outage.start_ms,
            end_ms=outage.end_ms,
            confirmed_at_ms=outage.start_ms + _CONFIRMED_AFTER_MS,
            regions=regions,
            evidence=_evidence(story, number, outage.start_ms + _CONFIRMED_AFTER_MS),
        )
        if chance.random() < 0.3:
            at_ms = one.start_ms + int(chance.integers(1, 20)) * 60_000
            one = replace(one, acknowledged_at_ms=at_ms, notes=(IncidentNote(at_ms, "Told the hoster."),))
        incidents.append(one)
    return Judgement(monitor, tuple(spans), tuple(incidents))


def _told(story: Story, number: int, asked: Sequence[Standing]) -> list[VerdictSpan]:
    """Return the verdicts before there is every result: from the regions' states at each moment that can change one."""
    moments = {story.start_ms, *(one.from_ms for one in asked)}
    for region in FAR:
        for begin, end in story.unseen(number, region):
            moments.update((begin, end))
    for trouble in story.troubles[number]:
        moments.update((trouble.start_ms, trouble.end_ms))
    # Slow is a matter of the hour of the day, too.
    moments.update(range(story.start_ms, story.raw_from_ms, DAY_MS // 8))
    times = np.array(sorted(ms for ms in moments if story.start_ms <= ms < story.raw_from_ms), dtype=np.int64)
    states = np.full((len(times), len(REGIONS)), Status.UNKNOWN, dtype=np.int8)
    for region in FAR:
        states[:, REGIONS.index(region)] = story.states(number, region, times)
    is_asked = np.tile([region in FAR for region in REGIONS], (len(times), 1))
    is_asked &= (times >= asked[0].from_ms)[:, None]
    paused_from_ms = story.sites[number].paused_from_ms
    paused = np.zeros(len(times), dtype=np.bool_) if paused_from_ms is None else times >= paused_from_ms
    found = verdicts(states, is_asked, paused)
    ends = np.append(times[1:], story.raw_from_ms)
    return joined_spans(
        [
            VerdictSpan(start, end, Verdict(kind))
            for start, end, kind in zip(times.tolist(), ends.tolist(), found.tolist(), strict=True)
        ]
    )


def _evidence(story: Story, number: int, at_ms: int) -> tuple[Evidence, ...]:
    found = []
    for region in FAR:
        if any(begin <= at_ms < end for begin, end in story.unseen(number, region)):
            continue
        bad = next((one for one in story.outages(number, region) if one.start_ms <= at_ms < one.end_ms), None)
        phases = story.centres_ms(number, region, np.array([at_ms - INTERVAL_MS // 2]))[0]
        failure = None if bad is None else bad.failure
        found.append(
            Evidence(
                probe=PROBES[region].id,
                probe_name=PROBES[region].name,
                region=region,
                at_ms=at_ms - INTERVAL_MS // 2,
                status=Status.ONLINE if failure is None else Status.OFFLINE,
                failure=failure,
                message="" if failure is None else MESSAGES[failure],
                http_status={None: 200, "http_status": 503, "content": 200}.get(failure),
                total_ms=round(float(phases.sum()), 3),
                phases_ms=tuple(round(ms, 3) for ms in phases.tolist()),
                address=f"198.51.{number // 250}.{number % 250}",
            )
        )
    return tuple(found)
