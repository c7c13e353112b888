"""What the map says of a board, in words and counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pingmon_gui.domain.monitor import MonitorId
from pingmon_gui.domain.probe import ProbeState
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.domain.verdict import Verdict
from pingmon_gui.engine.board import Board
from pingmon_gui.ui import wording
from pingmon_gui.ui.map_scene import Counts, map_scene, problem_rows
from tests.engine.fakes import FakeClock, monitor, voting
from tests.ui.map.conftest import OFF, SLOW, Live, abroad

SHOP, BLOG = MonitorId(10), MonitorId(11)


def test_one_domain_is_told_by_each_probe(live: Callable[..., Live]) -> None:
    made = live("shop", "blog")
    made.feed({(3, 10): OFF, (1, 10): SLOW})
    scene = map_scene(made.board, SHOP)
    assert [(mark.name, mark.value, mark.sign) for mark in scene.marks] == [
        ("North America", wording.latency(1_500), Verdict.SLOW),
        ("Europe", wording.latency(18), Verdict.ONLINE),
        ("Asia", "offline", Verdict.OFFLINE),
        ("This computer", wording.latency(9), Verdict.ONLINE),
    ]
    assert scene.headline == "shop" and "offline for Asia only" in scene.subline
    assert scene.empty == (Region.SA, Region.OC)
    assert scene.target is not None
    assert (scene.target.sign, scene.target.beside) == (Verdict.REGIONAL, ProbeId(2))
    assert "Where it stands is not known" in scene.legend and "Where it stands is not known" in scene.sentences
    assert "Asia: offline" in scene.sentences


def test_a_domain_is_drawn_beside_this_computer_only_for_want_of_others(live: Callable[..., Live]) -> None:
    made = live("shop")
    made.feed()
    placed = map_scene(made.board, SHOP, placed={ProbeId(4)}).target
    assert placed is not None and placed.beside == ProbeId(4)
    made = live("shop", probes=abroad()[3:])
    made.feed()
    alone = map_scene(made.board, SHOP)
    assert alone.target is not None and alone.target.beside == ProbeId(4)
    assert "Where either stands is not known" in alone.legend
    assert alone.subline == f"answers in {wording.latency(9)}"


def test_a_domain_that_nobody_reaches_is_drawn_in_the_middle(live: Callable[..., Live]) -> None:
    made = live("shop")
    made.feed({(probe, 10): OFF for probe in (1, 2, 3, 4)})
    scene = map_scene(made.board, SHOP, before=ProbeId(2))
    assert scene.target is not None and scene.target.beside is None
    assert scene.target.sign is Verdict.OFFLINE
    assert "drawn in the middle" in scene.legend


def test_all_domains_are_counted_at_each_probe(live: Callable[..., Live]) -> None:
    made = live("shop", "blog", "api")
    made.board.put_monitors([monitor(13, name="resting", is_paused=True)])
    made.feed({(3, 10): OFF, (3, 11): SLOW})
    scene = map_scene(made.board, None)
    asia = next(mark for mark in scene.marks if mark.region is Region.AS)
    assert asia.counts == Counts(online=1, slow=1, offline=1)
    assert (asia.sign, asia.value) == (Verdict.OFFLINE, "2 of 3 well")
    assert "1 offline" in asia.sentence and "1 slow" in asia.sentence
    assert scene.target is None and scene.legend == ""
    assert scene.subline == "2 of 3 domains are well, 1 regional problem, 1 paused"
    assert [made.board.ids[row] for row in problem_rows(made.board)] == [SHOP]


def test_a_probe_that_is_not_reached_says_so_and_counts_nothing_as_well(live: Callable[..., Live]) -> None:
    made = live("shop")
    made.feed()
    health = made.board.probes[ProbeId(2)]
    made.board.set_health(replace(health, state=ProbeState.UNREACHED, votes=False))
    europe = next(mark for mark in map_scene(made.board, SHOP).marks if mark.region is Region.EU)
    assert (europe.value, europe.sign, europe.total_ms) == ("not reached", Verdict.UNKNOWN, None)
    counted = next(mark for mark in map_scene(made.board, None).marks if mark.region is Region.EU)
    assert (counted.value, counted.sign, counted.counts) == ("not reached", Verdict.UNKNOWN, Counts(unknown=1))


def test_probes_of_one_region_are_told_apart_by_their_names() -> None:
    board = Board(FakeClock())
    board.set_probes([voting(1, Region.EU), voting(2, Region.EU), voting(3, Region.NA)])
    assert [mark.name for mark in map_scene(board, None).marks] == ["probe 1", "probe 2", "North America"]
    assert map_scene(board, None).subline == "There are none yet."


def test_a_domain_that_is_gone_leaves_all_of_them(live: Callable[..., Live]) -> None:
    made = live("shop")
    assert map_scene(made.board, MonitorId(999)).headline == "All domains"
