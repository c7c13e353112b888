"""Address families: what may be asked for, the second check's id, and the sentence about an outage of one family."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pingmon_probe.protocol import MAX_ID, CheckSpec

from pingmon_gui.domain import family
from pingmon_gui.domain.alert_rule import SlowCondition, SlowUnit
from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.incident import Evidence, Incident, IncidentId
from pingmon_gui.domain.monitor import Monitor, MonitorId, MonitorSettings
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.slowness import slow_by_results
from pingmon_gui.domain.status import Status
from pingmon_gui.domain.verdict import Verdict, worse
from tests.domain.test_timeline import track

ON, SLOW, OFF, UNKNOWN = Status.ONLINE, Status.SLOW, Status.OFFLINE, Status.UNKNOWN


@given(st.integers(2, MAX_ID))
def test_twin_of_an_id_is_another_one_on_the_wire_and_leads_back(id_: int) -> None:
    twin = family.twin_id(id_)
    assert twin != id_ and family.twin_id(twin) == id_
    assert 0 <= twin <= MAX_ID


@pytest.mark.parametrize(
    ("text", "setting"),
    [("auto", 0), ("4", 4), ("IPv4", 4), ("6", 6), (" ipv6 ", 6), ("both", family.EACH), ("Both", family.EACH)],
)
def test_words_of_settings_are_read_back(text: str, setting: int) -> None:
    assert family.setting_of(text) == setting
    assert family.setting_of(family.word(setting)) == setting


@pytest.mark.parametrize("text", ["", "5", "46", "ip", "4,6", "none"])
def test_what_is_no_family_is_refused_with_the_words_that_are(text: str) -> None:
    with pytest.raises(InvalidInput, match="4, 6, both or auto"):
        family.setting_of(text)


@pytest.mark.parametrize("setting", family.SETTINGS)
def test_checks_of_a_monitor_are_plain_ones_that_differ_in_family_and_id_alone(setting: int) -> None:
    one = Monitor(MonitorId(77), 3, "https://a.example/", "", MonitorSettings(family=setting, keyword="a"), 0)
    checks = one.check_specs()
    assert len(checks) == one.check_count == (2 if setting == family.EACH else 1)
    assert [check.family for check in checks] == ([4, 6] if setting == family.EACH else [setting])
    assert checks[0].monitor == 77 and len({check.monitor for check in checks}) == len(checks)
    assert {replace(check, monitor=0, family=0) for check in checks} == {replace(checks[0], monitor=0, family=0)}
    assert [CheckSpec.from_json(check.to_json()) for check in checks] == list(checks)


@pytest.mark.parametrize("setting", family.SETTINGS)
@pytest.mark.parametrize("checked", [0, 4, 6])
def test_series_is_of_the_setting_and_of_the_check_where_each_is_measured(setting: int, checked: int) -> None:
    expected = (6 if checked == 6 else 4) if setting == family.EACH else setting
    assert family.of_check(setting, checked) == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (ON, ON, ON),
        (ON, SLOW, SLOW),
        (SLOW, OFF, OFF),
        (OFF, ON, OFF),
        (ON, UNKNOWN, ON),
        (UNKNOWN, OFF, OFF),
        (UNKNOWN, UNKNOWN, UNKNOWN),
    ],
)
def test_worse_of_two_families_as_far_as_they_are_known(first: Status, second: Status, expected: Status) -> None:
    for one, other in ((first, second), (second, first)):
        assert worse(np.array([one], dtype=np.int8), np.array([other], dtype=np.int8))[0] == expected


def test_region_is_slow_by_results_when_it_is_over_one_family() -> None:
    condition = SlowCondition(SlowUnit.RESULTS, 2, 3)
    tracks = [track("......"), replace(track("...sss"), is_second=True)]
    now = np.array([55_000])
    assert slow_by_results(tracks, condition, now).tolist() == [True]
    assert slow_by_results(tracks[:1], condition, now).tolist() == [False]
    # Two probes of one family, of which one is not slow, are not.
    assert slow_by_results([tracks[0], replace(tracks[1], is_second=False)], condition, now).tolist() == [False]


def seen(region: Region, over: int, status: Status, failure: str | None = None, address: str | None = "a") -> Evidence:
    return Evidence(ProbeId(1), "p", region, 0, status, failure, address=address, family=over)


def told(*evidence: Evidence, kind: Verdict = Verdict.OFFLINE, end_ms: int | None = None) -> str:
    regions = tuple({one.region: None for one in evidence if one.status is OFF})
    incident = Incident(IncidentId(1), MonitorId(2), kind, 0, end_ms, 0, regions, evidence)
    return incident.sentence("shop.example")


REFUSED = "connect_refused"


@pytest.mark.parametrize(
    ("evidence", "sentence"),
    [
        (
            [seen(Region.EU, 4, ON), seen(Region.EU, 6, OFF, REFUSED)],
            "shop.example is offline over IPv6 only: the connection is refused; IPv4 is fine",
        ),
        (
            [seen(Region.EU, 4, OFF, "timeout"), seen(Region.EU, 6, SLOW)],
            "shop.example is offline over IPv4 only: the name is not resolved in time; IPv6 is fine",
        ),
        (
            [seen(Region.EU, 4, ON), seen(Region.EU, 6, OFF, "dns", None)],
            "shop.example is offline over IPv6 only: no IPv6 address is found for the name; IPv4 is fine",
        ),
        (
            [seen(Region.EU, 4, OFF, "dns", None), seen(Region.EU, 6, OFF, "dns", None)],
            "shop.example is offline: the name is not resolved",
        ),
        # Of IPv6 nothing is known: nobody can say that it is fine.
        ([seen(Region.EU, 4, OFF, REFUSED)], "shop.example is offline over IPv4: the connection is refused"),
        (
            [seen(Region.EU, 4, OFF, REFUSED), seen(Region.EU, 6, OFF, REFUSED)],
            "shop.example is offline: the connection is refused",
        ),
        ([seen(Region.EU, 0, OFF, REFUSED)], "shop.example is offline: the connection is refused"),
    ],
)
def test_sentence_of_an_outage_says_which_family_it_is_of(evidence: list[Evidence], sentence: str) -> None:
    assert told(*evidence) == sentence


def test_sentence_of_a_regional_problem_names_region_and_family() -> None:
    evidence = (
        seen(Region.EU, 4, ON),
        seen(Region.EU, 6, OFF, REFUSED),
        seen(Region.NA, 4, ON),
        seen(Region.NA, 6, ON),
    )
    assert told(*evidence, kind=Verdict.REGIONAL) == (
        "shop.example is offline for Europe only, over IPv6: the connection is refused; IPv4 and North America are fine"
    )
    over = told(*evidence[:2], kind=Verdict.REGIONAL, end_ms=9)
    assert over == "shop.example was offline for Europe only, over IPv6: the connection was refused; IPv4 was fine"


def test_evidence_reads_back_with_its_family_and_without_one() -> None:
    one = seen(Region.EU, 6, OFF, REFUSED)
    assert Evidence.from_json(one.to_json()) == one
    older = {name: value for name, value in one.to_json().items() if name != "family"}
    assert Evidence.from_json(older) == replace(one, family=0)
