"""Incidents: spans in which a monitor was offline or had a regional problem, with their evidence and their words.

They follow from verdict spans (`timeline`) alone; what a person adds (acknowledgement, notes) is kept through every
correction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NewType

from pingmon_probe.protocol import PHASES, CheckResult

from pingmon_gui.domain.cause import SAME_CAUSE_MS, Cause
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.family import names as family_names
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.region import REGION_NAMES, REGIONS, Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.timeline import VerdictSpan
from pingmon_gui.domain.verdict import Verdict

IncidentId = NewType("IncidentId", int)

MAX_NOTE_CHARACTERS = 2_000
_BAD = (Verdict.OFFLINE, Verdict.REGIONAL)
_GOOD = (Verdict.ONLINE, Verdict.SLOW, Verdict.PAUSED)


@dataclass(frozen=True)
class Evidence:
    """What one probe saw when the incident was confirmed. `status` is the word of its newest result.

    `family` is 4 or 6 where each is measured, so that a probe is a witness for both; else 0.
    """

    probe: ProbeId
    probe_name: str
    region: Region
    at_ms: int
    status: Status
    failure: str | None = None
    message: str = ""
    http_status: int | None = None
    total_ms: float | None = None
    phases_ms: tuple[float | None, ...] = (None,) * len(PHASES)
    address: str | None = None
    certificate: Mapping[str, Any] | None = None
    family: int = 0

    @classmethod
    def of(cls, probe: Probe, result: CheckResult, status: Status, family: int = 0) -> Evidence:
        return cls(
            probe=probe.id,
            probe_name=probe.name,
            region=probe.region,
            at_ms=result.started_at_ms,
            status=status,
            failure=result.failure,
            message=result.message,
            http_status=result.http_status,
            total_ms=result.total_ms,
            phases_ms=(result.dns_ms, result.connect_ms, result.tls_ms, result.request_ms, result.transfer_ms),
            address=result.address,
            certificate=result.certificate,
            family=family,
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "probe": self.probe,
            "probe_name": self.probe_name,
            "region": self.region.value,
            "at_ms": self.at_ms,
            "status": self.status.word,
            "failure": self.failure,
            "message": self.message,
            "http_status": self.http_status,
            "total_ms": self.total_ms,
            "phases": dict(zip(PHASES, self.phases_ms, strict=True)),
            "address": self.address,
            "certificate": None if self.certificate is None else dict(self.certificate),
            "family": self.family,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Evidence:
        """Read what `to_json` wrote. Raises KeyError, ValueError, TypeError for anything else."""
        values = dict(document)
        phases = values.pop("phases")
        return cls(
            **{
                **values,
                "probe": ProbeId(values["probe"]),
                "region": Region(values["region"]),
                "status": Status[values["status"].upper()],
                "phases_ms": tuple(phases[name] for name in PHASES),
            }
        )


@dataclass(frozen=True)
class IncidentNote:
    """A line of a person's, or of Pingmon's own where later results corrected the incident."""

    at_ms: int
    text: str


@dataclass(frozen=True)
class Incident:
    """One incident. `kind` is the worst it was; `end_ms` is None while it lasts.

    `start_ms` and `end_ms` are the starts of the first failing and of the first good result; `confirmed_at_ms` is
    when Pingmon was sure. `regions` were offline in it. An incident that later results disproved is `is_withdrawn`;
    one that ended because nobody asked any more (pause, maintenance, deletion) `is_cut`: it was not seen well again.
    """

    id: IncidentId
    monitor: MonitorId
    kind: Verdict
    start_ms: int
    end_ms: int | None
    confirmed_at_ms: int
    regions: tuple[Region, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    acknowledged_at_ms: int | None = None
    notes: tuple[IncidentNote, ...] = ()
    is_withdrawn: bool = False
    is_cut: bool = False

    @property
    def is_open(self) -> bool:
        return self.end_ms is None and not self.is_withdrawn

    @property
    def failure(self) -> str | None:
        """The failure class that most probes saw, None where nothing is known of it."""
        counted = Counter(one.failure for one in self.evidence if one.status is Status.OFFLINE and one.failure)
        return counted.most_common(1)[0][0] if counted else None

    @property
    def fine_regions(self) -> tuple[Region, ...]:
        """Regions whose probes saw the target well at confirmation."""
        fine = {one.region for one in self.evidence if one.status in (Status.ONLINE, Status.SLOW)}
        return tuple(region for region in REGIONS if region in fine and region not in self.regions)

    @property
    def lacks_family(self) -> int:
        """The family whose addresses were not found, though the name is known by one of the other; else 0."""
        failed = {one.family for one in self.evidence if one.status is Status.OFFLINE and one.failure == "dns"}
        resolved = {one.family for one in self.evidence if one.family and one.address}
        return min(failed) if len(failed) == 1 and failed != {0} and resolved - failed else 0

    def duration_ms(self, now_ms: int) -> int:
        return max(0, (now_ms if self.end_ms is None else self.end_ms) - self.start_ms)

    def to_json(self, url: str, title: str) -> dict[str, Any]:
        """Return the incident of a monitor as the command line and exports show it."""
        return {
            "id": self.id,
            "url": url,
            "name": title,
            "kind": self.kind.word,
            "sentence": self.sentence(title),
            "start_at_ms": self.start_ms,
            "end_at_ms": self.end_ms,
            "confirmed_at_ms": self.confirmed_at_ms,
            "regions": [region.value for region in self.regions],
            "failure": self.failure,
            "acknowledged_at_ms": self.acknowledged_at_ms,
            "is_withdrawn": self.is_withdrawn,
            "is_cut": self.is_cut,
            "notes": [{"at_ms": note.at_ms, "text": note.text} for note in self.notes],
            "evidence": [one.to_json() for one in self.evidence],
        }

    def sentence(self, title: str) -> str:
        """Return what happened, for a person: who, for whom, why, and who is fine."""
        is_over = self.end_ms is not None or self.is_withdrawn
        verb = "was" if is_over else "is"
        cause = cause_phrase(self, is_over=is_over)
        over, fine = self._families()
        text = f"{title} {verb} offline"
        if self.kind is Verdict.REGIONAL:
            text += f" for {region_names(self.regions) or 'some regions'} only" + (f", {over}" if over else "")
            fine += [REGION_NAMES[region] for region in self.fine_regions]
        elif over:
            text += f" {over} only" if fine else f" {over}"
        text += f": {cause}" if cause else ""
        if fine:
            are = ("was" if is_over else "is") if len(fine) == 1 else ("were" if is_over else "are")
            text += f"; {listed(fine)} {are} fine"
        return text

    def _families(self) -> tuple[str, list[str]]:
        """Return over which of two families it was offline, and the other one if that was fine in its regions."""
        here = [one for one in self.evidence if one.family and (not self.regions or one.region in self.regions)]
        failing = {one.family for one in here if one.status is Status.OFFLINE}
        fine = {one.family for one in here if one.status in (Status.ONLINE, Status.SLOW)} - failing
        if len(failing) != 1:
            return "", []
        return f"over {family_names(failing)}", [family_names(fine)] if fine else []


@dataclass(frozen=True)
class Outage:
    """A span in which the verdict was offline or regional, as the spans have it; `end_ms` None while it lasts.

    `is_cut`: a pause or maintenance ended it.
    """

    start_ms: int
    end_ms: int | None
    kind: Verdict
    is_cut: bool = False


@dataclass(frozen=True)
class IncidentGroup:
    """Incidents of one cause, as `cause.Cause` tells what that is."""

    incidents: tuple[Incident, ...]

    @property
    def start_ms(self) -> int:
        return min(incident.start_ms for incident in self.incidents)

    @property
    def kind(self) -> Verdict:
        """The worst of them."""
        is_offline = any(incident.kind is Verdict.OFFLINE for incident in self.incidents)
        return Verdict.OFFLINE if is_offline else self.incidents[0].kind

    @property
    def is_open(self) -> bool:
        return any(incident.is_open for incident in self.incidents)


def outages(spans: Sequence[VerdictSpan]) -> list[Outage]:
    """Return the outages in spans that follow each other.

    One lasts until the target is seen well again or is paused: while nobody can measure, it goes on, because
    nothing says that it is over.
    """
    found: list[Outage] = []
    start_ms: int | None = None
    kind = Verdict.REGIONAL
    for span in spans:
        if span.verdict in _BAD:
            if start_ms is None:
                start_ms, kind = span.start_ms, span.verdict
            elif span.verdict is Verdict.OFFLINE:
                kind = Verdict.OFFLINE
        elif span.verdict in _GOOD and start_ms is not None:
            found.append(Outage(start_ms, span.start_ms, kind, is_cut=span.verdict is Verdict.PAUSED))
            start_ms = None
    if start_ms is not None:
        found.append(Outage(start_ms, None, kind))
    return found


@dataclass(frozen=True)
class Reconciled:
    """What became of incidents when their span was judged again: pairs (before, after), what is new, what is gone."""

    kept: tuple[tuple[Incident, Incident], ...]
    opened: tuple[Outage, ...]
    withdrawn: tuple[Incident, ...]


def reconcile(known: Sequence[Incident], found: Sequence[Outage]) -> Reconciled:
    """Match known incidents of one monitor with the outages that the results come to now.

    An incident goes on as the first outage that it overlaps (an end that is open reaches for ever); each outage
    takes at most one. What matches none is withdrawn.
    """
    left = list(found)
    kept: list[tuple[Incident, Incident]] = []
    withdrawn: list[Incident] = []
    for incident in sorted(known, key=lambda one: one.start_ms):
        match = next((outage for outage in left if _overlap(incident, outage)), None)
        if match is None:
            withdrawn.append(incident)
            continue
        left.remove(match)
        after = replace(
            incident,
            kind=match.kind,
            start_ms=match.start_ms,
            end_ms=match.end_ms,
            is_withdrawn=False,
            is_cut=match.is_cut,
        )
        kept.append((incident, after))
    return Reconciled(tuple(kept), tuple(left), tuple(withdrawn))


def cause_of(incident: Incident, domain: str | None = None) -> Cause:
    """Return what is known of why; `domain` is what somebody registered of the monitor's address, where that counts."""
    failing = [one for one in incident.evidence if one.status is Status.OFFLINE]
    return Cause(
        failure=incident.failure or "",
        since_ms=incident.start_ms,
        region_sets=frozenset((frozenset(region.value for region in incident.regions),)),
        addresses=frozenset(one.address for one in failing if one.address),
        domains=frozenset(() if domain is None else (domain,)),
    )


def grouped(incidents: Sequence[Incident]) -> list[IncidentGroup]:
    """Return groups of one cause, newest first; within a group by start. Every incident is in exactly one.

    A cause that is not known joins nobody, and two incidents of one monitor are two.
    """
    groups: list[tuple[Cause, list[Incident]]] = []
    for incident in sorted(incidents, key=lambda one: (one.start_ms, one.id)):
        cause = cause_of(incident)
        place = _place_of(incident, cause, groups) if incident.failure is not None else None
        if place is None:
            groups.append((cause, [incident]))
        else:
            known, together = groups[place]
            groups[place] = known.joined(cause), [*together, incident]
    found = [IncidentGroup(tuple(together)) for _cause, together in groups]
    return sorted(found, key=lambda group: (-group.start_ms, group.incidents[0].id))


def _place_of(incident: Incident, cause: Cause, groups: Sequence[tuple[Cause, list[Incident]]]) -> int | None:
    for place in range(len(groups) - 1, -1, -1):
        known, together = groups[place]
        if cause.since_ms - known.since_ms > SAME_CAUSE_MS:
            return None  # those before it began earlier still
        is_other = all(one.monitor != incident.monitor for one in together)
        if is_other and together[0].is_withdrawn == incident.is_withdrawn and known.is_shared_with(cause):
            return place
    return None


def open_at(incidents: Sequence[Incident], at_ms: int) -> list[Incident]:
    """Return the incidents that lasted at a moment, as if it were now: what ended later is open."""
    return [
        replace(one, end_ms=None)
        for one in incidents
        if not one.is_withdrawn and one.start_ms <= at_ms and (one.end_ms is None or one.end_ms > at_ms)
    ]


def noted(incident: Incident, at_ms: int, text: str) -> Incident:
    """Return the incident with one more line; the last line is not said twice. Raises InvalidInput."""
    line = " ".join(text.split())
    if not 0 < len(line) <= MAX_NOTE_CHARACTERS:
        raise InvalidInput(f"A note has 1 to {MAX_NOTE_CHARACTERS} characters.")
    if incident.notes and incident.notes[-1].text == line:
        return incident
    return replace(incident, notes=(*incident.notes, IncidentNote(at_ms, line)))


def remarked(incident: Incident, at_ms: int, text: str) -> Incident:
    """Return the incident with a line of Pingmon's own; it is not said twice."""
    if any(note.text == text for note in incident.notes):
        return incident
    return replace(incident, notes=(*incident.notes, IncidentNote(at_ms, text)))


def region_names(regions: Sequence[Region]) -> str:
    """Return `Europe`, `Europe and Asia`, `Europe, Asia and Oceania`; nothing for none."""
    return listed([REGION_NAMES[region] for region in regions])


def listed(names: Sequence[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`; nothing for none."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1] if names else "") if part)


_CAUSES = {
    "dns": ("the name is not resolved", "the name was not resolved"),
    "connect_refused": ("the connection is refused", "the connection was refused"),
    "connect_timeout": ("no connection is accepted", "no connection was accepted"),
    "tls_verify": ("the certificate is not valid", "the certificate was not valid"),
    "tls_handshake": ("the TLS handshake fails", "the TLS handshake failed"),
    "http_status": ("the server answers with an error", "the server answered with an error"),
    "content": ("the page does not hold what it should", "the page did not hold what it should"),
    "too_many_redirects": ("it redirects without end", "it redirected without end"),
    "protocol": ("the answer is not valid HTTP", "the answer was not valid HTTP"),
}
#: What a timeout is called by the last phase that was done.
_TIMEOUTS = (
    ("the name is not resolved in time", "the name was not resolved in time"),
    ("no connection is accepted in time", "no connection was accepted in time"),
    ("the TLS handshake times out", "the TLS handshake timed out"),
    ("no answer comes in time", "no answer came in time"),
    ("the answer does not end in time", "the answer did not end in time"),
)


def cause_phrase(incident: Incident, *, is_over: bool) -> str:
    """Return why, as half a sentence: from the failure that most probes saw; nothing where that is not known."""
    failure = incident.failure
    if failure is None:
        return ""
    if failure == "dns" and incident.lacks_family:
        return f"no IPv{incident.lacks_family} address {'was' if is_over else 'is'} found for the name"
    if failure == "timeout":
        first = next(one for one in incident.evidence if one.failure == failure)
        return _TIMEOUTS[_phase_of_timeout(first)][is_over]
    if failure == "http_status":
        statuses = Counter(one.http_status for one in incident.evidence if one.failure == failure and one.http_status)
        if statuses:
            return f"the server {'answered' if is_over else 'answers'} {statuses.most_common(1)[0][0]}"
    words = _CAUSES.get(failure)
    return words[is_over] if words else f"its checks {'failed' if is_over else 'fail'} ({failure})"


def _phase_of_timeout(evidence: Evidence) -> int:
    """Return in which phase time ran out: the one after the last that is known to have been done."""
    done = [place for place, ms in enumerate(evidence.phases_ms) if ms is not None]
    return min(done[-1], len(PHASES) - 1) if done else 0


def _overlap(incident: Incident, outage: Outage) -> bool:
    begins_before_end = outage.end_ms is None or incident.start_ms < outage.end_ms
    ends_after_begin = incident.end_ms is None or incident.end_ms > outage.start_ms
    return begins_before_end and ends_after_begin
