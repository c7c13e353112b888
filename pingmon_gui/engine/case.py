"""The incidents of one monitor as far as they may still change, and what becomes of them when more is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from pingmon_gui.domain.incident import Incident, IncidentId, Outage, reconcile, remarked
from pingmon_gui.domain.region import REGIONS, Region
from pingmon_gui.domain.timeline import Standing, Track, VerdictSpan, offline_regions
from pingmon_gui.domain.verdict import Verdict


@dataclass
class Case:
    """What is known of one monitor: the incidents that the present may still change, by their start.

    Those that were over before `from_ms` are forgotten, and nothing before it is judged by the present. `spans` are
    the verdicts as they were judged last; the last one goes on. What is worst of an incident before `from_ms` is kept
    apart: what comes after may still turn out to be less.
    """

    from_ms: int
    incidents: list[Incident] = field(default_factory=list)
    spans: Sequence[VerdictSpan] = ()
    _worst: dict[IncidentId, Verdict] = field(default_factory=dict)

    @property
    def open(self) -> Incident | None:
        return next((incident for incident in self.incidents if incident.is_open), None)

    def put(self, incidents: Iterable[Incident]) -> None:
        """Replace incidents by id, add new ones."""
        by_id = {one.id: one for one in self.incidents} | {one.id: one for one in incidents}
        self.incidents = sorted(by_id.values(), key=lambda one: one.start_ms)

    def forget_before(self, time_ms: int) -> None:
        self.incidents = [one for one in self.incidents if not one.is_withdrawn and reaches(one, time_ms)]
        self._worst = {
            one.id: max(self.worst(one), _worst_in(self.spans, max(one.start_ms, self.from_ms), time_ms), key=_badness)
            for one in self.incidents
            if one.start_ms < time_ms
        }
        self.from_ms = time_ms

    def judged_anew(self, spans: Sequence[VerdictSpan]) -> None:
        """Take over verdicts that begin with the first of the incidents at the latest."""
        self.spans = spans
        self._worst = {one.id: _worst_in(spans, one.start_ms, self.from_ms) for one in self.incidents}

    def worst(self, incident: Incident) -> Verdict:
        """Return what an incident was at its worst before `from_ms`."""
        return self._worst.get(incident.id, Verdict.REGIONAL)

    def before(self) -> list[VerdictSpan]:
        """Return what was before `from_ms`, as far as incidents reach back."""
        return [
            VerdictSpan(one.start_ms, self.from_ms, self.worst(one))
            for one in self.incidents
            if one.start_ms < self.from_ms
        ]


def _badness(verdict: Verdict) -> int:
    return int(verdict is Verdict.OFFLINE)


def _worst_in(spans: Sequence[VerdictSpan], start_ms: int, end_ms: int) -> Verdict:
    """Return whether anything in a part of an incident was an outage; the last span goes on."""
    for place, span in enumerate(spans):
        until_ms = span.end_ms if place + 1 < len(spans) else end_ms
        if span.verdict is Verdict.OFFLINE and span.start_ms < end_ms and until_ms > start_ms:
            return Verdict.OFFLINE
    return Verdict.REGIONAL


@dataclass(frozen=True)
class News:
    """What is different about incidents: pairs (before, after), new ones with their regions, and what was none.

    `kept` are all that go on, changed or not.
    """

    kept: tuple[Incident, ...]
    changed: tuple[tuple[Incident, Incident], ...]
    opened: tuple[tuple[Outage, tuple[Region, ...]], ...]
    withdrawn: tuple[Incident, ...]


def compare(
    known: Sequence[Incident],
    found: Sequence[Outage],
    tracks: Sequence[Track],
    standings: Sequence[Standing],
    from_ms: int,
    now_ms: int,
) -> News:
    """Compare incidents with outages; from `from_ms` on `tracks` say which regions were offline in them."""
    matched = reconcile(known, found)

    def regions_of(start_ms: int, end_ms: int | None) -> set[Region]:
        return set(offline_regions(tracks, standings, max(start_ms, from_ms), now_ms + 1 if end_ms is None else end_ms))

    def ordered(regions: set[Region]) -> tuple[Region, ...]:
        return tuple(region for region in REGIONS if region in regions)

    kept, changed = [], []
    for before, after in matched.kept:
        regions = regions_of(after.start_ms, after.end_ms)
        if after.start_ms < from_ms:
            regions |= set(before.regions)
        whole = replace(after, regions=ordered(regions))
        kept.append(whole)
        if whole != before:
            changed.append((before, whole))
    opened = tuple((one, ordered(regions_of(one.start_ms, one.end_ms))) for one in matched.opened)
    return News(tuple(kept), tuple(changed), opened, matched.withdrawn)


def reaches(incident: Incident, time_ms: int) -> bool:
    return incident.end_ms is None or incident.end_ms >= time_ms


def is_corrected(before: Incident, after: Incident) -> bool:
    """Return whether what was said of the past was wrong; that one ends or gets worse is no correction."""
    if before.end_ms is not None:
        return replace(before, notes=()) != replace(after, notes=())
    is_less = before.kind is Verdict.OFFLINE and after.kind is Verdict.REGIONAL
    return before.start_ms != after.start_ms or is_less


def cut_noted(before: Incident, after: Incident, standings: Sequence[Standing], now_ms: int) -> Incident:
    """Say why an incident ended although nobody saw the target well."""
    if not after.is_cut or before.is_cut:
        return after
    cause = next((one for one in standings if one.from_ms == after.end_ms), None)
    in_maintenance = cause is not None and cause.is_in_maintenance
    return remarked(after, now_ms, "Maintenance began." if in_maintenance else "The domain was paused.")


def is_worse(before: Incident, after: Incident) -> bool:
    """Return whether it lasts and has spread, so that what was seen at its start says no longer what it is."""
    return after.is_open and (after.regions != before.regions or after.kind != before.kind)


def withdrawn_by(incident: Incident, kept: Iterable[Incident], now_ms: int) -> Incident:
    """Return an incident that is none any more: nothing was there, or it is part of one that is kept."""
    end_ms = now_ms if incident.end_ms is None else incident.end_ms
    is_part = any(one.start_ms < end_ms and (one.end_ms is None or one.end_ms > incident.start_ms) for one in kept)
    gone = replace(incident, is_withdrawn=True, end_ms=incident.start_ms)
    reason = "it is one with an earlier incident" if is_part else "results that arrived later show no problem"
    return remarked(gone, now_ms, f"Withdrawn: {reason}.")
