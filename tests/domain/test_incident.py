"""Incidents: what spans come to, how corrections keep them, and the words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.domain.cause import SAME_CAUSE_MS
from pingmon_gui.domain.incident import (
    Evidence,
    Incident,
    IncidentId,
    Outage,
    grouped,
    outages,
    reconcile,
)
from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.timeline import VerdictSpan
from pingmon_gui.domain.verdict import Verdict

WORDS = {"o": Verdict.ONLINE, "s": Verdict.SLOW, "X": Verdict.OFFLINE, "r": Verdict.REGIONAL, "?": Verdict.UNKNOWN}
WORDS["p"] = Verdict.PAUSED


def spans(text: str) -> list[VerdictSpan]:
    return [VerdictSpan(place * 10, place * 10 + 10, WORDS[letter]) for place, letter in enumerate(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("oo", []),
        ("oXo", [Outage(10, 20, Verdict.OFFLINE)]),
        ("orXrs", [Outage(10, 40, Verdict.OFFLINE)]),
        ("oro", [Outage(10, 20, Verdict.REGIONAL)]),
        ("oX", [Outage(10, None, Verdict.OFFLINE)]),
        ("oX?Xo", [Outage(10, 40, Verdict.OFFLINE)]),  # not measured is not over
        ("oX?", [Outage(10, None, Verdict.OFFLINE)]),
        ("oXp", [Outage(10, 20, Verdict.OFFLINE, is_cut=True)]),
        ("oX?p", [Outage(10, 30, Verdict.OFFLINE, is_cut=True)]),
        ("?o?", []),
        ("XoX", [Outage(0, 10, Verdict.OFFLINE), Outage(20, None, Verdict.OFFLINE)]),
    ],
)
def test_outages(text: str, expected: list[Outage]) -> None:
    assert outages(spans(text)) == expected


def evidence(region: Region, status: Status = Status.OFFLINE, failure: str | None = "tls_handshake") -> Evidence:
    return Evidence(
        ProbeId(7), "vps", region, 1_000, status, failure if status is Status.OFFLINE else None, "It failed."
    )


def incident(start_ms: int = 0, end_ms: int | None = None, **values: object) -> Incident:
    one = Incident(
        id=IncidentId(start_ms + 1),
        monitor=MonitorId(5),
        kind=Verdict.REGIONAL,
        start_ms=start_ms,
        end_ms=end_ms,
        confirmed_at_ms=start_ms + 2_000,
        regions=(Region.EU,),
        evidence=(evidence(Region.EU), evidence(Region.NA, Status.ONLINE), evidence(Region.AS, Status.SLOW)),
    )
    return replace(one, **values)  # type: ignore[arg-type]


def test_sentence_names_who_for_whom_why_and_who_is_fine() -> None:
    assert (
        incident().sentence("shop.example")
        == "shop.example is offline for Europe only: the TLS handshake fails; North America and Asia are fine"
    )
    assert (
        incident(end_ms=9).sentence("shop.example")
        == "shop.example was offline for Europe only: the TLS handshake failed; North America and Asia were fine"
    )
    down = incident(
        kind=Verdict.OFFLINE, evidence=(replace(evidence(Region.EU, failure="http_status"), http_status=502),)
    )
    assert down.sentence("a.example") == "a.example is offline: the server answers 502"
    assert incident(evidence=()).sentence("a.example") == "a.example is offline for Europe only"


@pytest.mark.parametrize(
    ("phases", "words"),
    [
        ((None, None, None, None, None), "the name is not resolved in time"),
        ((5000.0, None, None, None, None), "the name is not resolved in time"),
        ((1.0, 4999.0, None, None, None), "no connection is accepted in time"),
        ((1.0, 1.0, 4998.0, None, None), "the TLS handshake times out"),
        ((1.0, 1.0, None, 4998.0, None), "no answer comes in time"),
        ((1.0, 1.0, 1.0, 1.0, 4996.0), "the answer does not end in time"),
    ],
)
def test_timeout_is_named_by_its_phase(phases: tuple[float | None, ...], words: str) -> None:
    one = replace(evidence(Region.EU, failure="timeout"), phases_ms=phases)
    assert words in incident(evidence=(one,)).sentence("a.example")


def test_evidence_comes_back_from_json() -> None:
    one = replace(evidence(Region.EU), phases_ms=(1.0, None, 2.5, None, None), certificate={"subject": "a"})
    assert Evidence.from_json(one.to_json()) == one


def test_correction_keeps_the_incident_that_it_overlaps() -> None:
    known = incident(start_ms=100, end_ms=200, acknowledged_at_ms=150)
    found = reconcile([known], [Outage(90, 260, Verdict.OFFLINE)])
    assert found.opened == () and found.withdrawn == ()
    before, after = found.kept[0]
    assert before is known
    assert (after.id, after.start_ms, after.end_ms, after.kind) == (known.id, 90, 260, Verdict.OFFLINE)
    assert after.acknowledged_at_ms == 150


def test_correction_withdraws_what_was_none_and_opens_what_is_new() -> None:
    known = incident(start_ms=100, end_ms=200)
    found = reconcile([known], [Outage(300, None, Verdict.OFFLINE)])
    assert found.withdrawn == (known,)
    assert found.opened == (Outage(300, None, Verdict.OFFLINE),)
    assert found.kept == ()


@given(st.lists(st.sampled_from("osXr?p"), max_size=30), st.lists(st.sampled_from("osXr?p"), max_size=30))
def test_reconciling_twice_changes_nothing_more(first: list[str], second: list[str]) -> None:
    known = [
        incident(outage.start_ms, outage.end_ms, kind=outage.kind, id=IncidentId(number))
        for number, outage in enumerate(outages(spans("".join(first))))
    ]
    found = outages(spans("".join(second)))
    once = reconcile(known, found)
    now = [after for _, after in once.kept] + [
        incident(o.start_ms, o.end_ms, kind=o.kind, id=IncidentId(100 + n), is_cut=o.is_cut)
        for n, o in enumerate(once.opened)
    ]
    assert len(now) == len(found)
    again = reconcile(now, found)
    assert not again.opened and not again.withdrawn
    assert all(before == after for before, after in again.kept)


def test_one_cause_over_many_monitors_is_one_group() -> None:
    seven = [incident(1_000 * n, id=IncidentId(n), monitor=MonitorId(10 + n)) for n in range(7)]
    other = incident(3_000, id=IncidentId(50), monitor=MonitorId(50), regions=(Region.NA,))
    later = incident(SAME_CAUSE_MS + 1, id=IncidentId(51), monitor=MonitorId(51))
    groups = grouped([*seven, other, later])
    assert [len(group.incidents) for group in groups] == [1, 1, 7]
    assert groups[-1].start_ms == 0
    assert groups[-1].is_open


def test_a_common_address_is_one_cause_also_where_other_regions_see_it() -> None:
    host = [replace(evidence(Region.EU), address="192.0.2.7")]
    seen = {"kind": Verdict.OFFLINE, "regions": (Region.EU, Region.NA), "evidence": (*host, evidence(Region.NA))}
    everywhere = incident(5_000, id=IncidentId(9), monitor=MonitorId(9), **seen)
    (both,) = grouped([incident(evidence=tuple(host)), everywhere])
    assert (len(both.incidents), both.kind, both.start_ms) == (2, Verdict.OFFLINE, 0)
    elsewhere = replace(everywhere, evidence=(replace(host[0], address="192.0.2.8"), evidence(Region.NA)))
    assert len(grouped([incident(evidence=tuple(host)), elsewhere])) == 2
    assert len(grouped([incident(evidence=tuple(host)), replace(everywhere, is_withdrawn=True)])) == 2


def test_a_monitor_is_once_in_a_group_and_an_unknown_cause_joins_nobody() -> None:
    twice = [incident(0, 10), incident(20, None, id=IncidentId(9))]
    assert [len(group.incidents) for group in grouped(twice)] == [1, 1]
    nameless = [incident(0, id=IncidentId(n), monitor=MonitorId(n), evidence=()) for n in (1, 2)]
    assert [len(group.incidents) for group in grouped(nameless)] == [1, 1]
