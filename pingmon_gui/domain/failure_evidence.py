"""Which of what probes kept of failures belongs to an incident."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pingmon_probe.protocol import EVIDENCE_PAUSE_S

from pingmon_gui.domain.incident import Incident
from pingmon_gui.domain.result import FailureEvidence, ProbeId

#: What belongs to one failure may differ by so much: a probe's clock is corrected anew with each connection.
_SAME_MS = 2_000
#: A probe leaves nothing new for so long: what an outage had to show may lie before its first confirmed result.
_EARLIER_MS = round(EVIDENCE_PAUSE_S * 1_000) + 60_000


def time_of(incident: Incident, now_ms: int) -> tuple[int, int]:
    """Return the span [from, to) in which the evidence of an incident may lie."""
    return incident.start_ms - _EARLIER_MS, (now_ms if incident.end_ms is None else incident.end_ms) + _SAME_MS


def of_incident(incident: Incident, found: Iterable[FailureEvidence]) -> tuple[FailureEvidence, ...]:
    """Return the evidence of an incident from what lies in its `time_of`, by time; routes joined to what they are of.

    Of a probe that saw the failure and left nothing in the incident itself, the newest from before is taken: it had
    failed just before, and leaves nothing twice.
    """
    by_probe: dict[ProbeId, list[FailureEvidence]] = {}
    for one in sorted(found, key=lambda one: (one.at_ms, one.is_route)):
        mine = by_probe.setdefault(one.probe, [])
        if one.is_route and mine and abs(mine[-1].at_ms - one.at_ms) <= _SAME_MS:
            before = mine[-1]
            mine[-1] = replace(before, document={**one.document, **before.document})
        else:
            mine.append(one)
    saw_it = {seen.probe for seen in incident.evidence if seen.failure is not None}
    chosen: list[FailureEvidence] = []
    for probe, mine in by_probe.items():
        inside = [one for one in mine if one.at_ms >= incident.start_ms - _SAME_MS]
        chosen += inside or (mine[-1:] if probe in saw_it else [])
    return tuple(sorted(chosen, key=lambda one: one.at_ms))
