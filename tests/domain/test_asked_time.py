from __future__ import annotations

from pingmon_gui.domain.asked_time import asked_time, region_availability
from pingmon_gui.domain.availability import Availability
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.timeline import Standing

EU, NA = Region.EU, Region.NA
BOTH, ONE = frozenset({EU, NA}), frozenset({NA})
STANDINGS = [Standing(10, ONE), Standing(20, BOTH), Standing(40, BOTH, is_paused=True), Standing(60, BOTH)]


def test_region_is_asked_from_when_it_watches_and_not_while_the_monitor_rests() -> None:
    found = asked_time(STANDINGS, EU, 0, 100)
    assert list(found.asked) == [(20, 40), (60, 100)]
    assert list(found.paused) == [(40, 60)]
    assert list(asked_time(STANDINGS, NA, 0, 100).asked) == [(10, 40), (60, 100)]
    assert list(asked_time(STANDINGS, Region.OC, 0, 100).asked) == []


def test_only_the_span_counts() -> None:
    found = asked_time(STANDINGS, EU, 30, 50)
    assert (list(found.asked), list(found.paused)) == ([(30, 40)], [(40, 50)])
    assert list(found.within(35, 45).asked) == [(35, 40)]


def test_without_standings_all_of_it_was_asked() -> None:
    assert list(asked_time([], EU, 5, 50).asked) == [(5, 50)]


def test_every_probe_of_a_region_is_asked_and_what_is_known_was() -> None:
    assert region_availability(50, 90, 60, 2) == Availability(50, 90, 120)
    assert region_availability(50, 90, 60, 1) == Availability(50, 90, 90)
    assert region_availability(0, 0, 60, 0) == Availability(0, 0, 60)
