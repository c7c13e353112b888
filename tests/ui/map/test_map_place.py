"""Projection and placing: pure rules, held against known values and by properties."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId
from pingmon_gui.ui.map_place import (
    REGION_PLACES,
    Anchor,
    Box,
    Place,
    label_boxes,
    nearest,
    places,
    spread,
)
from pingmon_gui.ui.map_projection import CENTRAL_MERIDIAN, project_point, unproject
from tests.engine.fakes import probe

A, B, C = ProbeId(1), ProbeId(2), ProbeId(3)

#: By longitude from the middle and latitude, as another implementation (d3-geo 3.1) has them.
KNOWN = {
    (0, 90): (0.0, 1.422390506730596),
    (45, 30): (0.6546184983036702, 0.5291484743893574),
    (90, 60): (1.1200132677398522, 1.0445702651848194),
    (-120, -45): (-1.6426583706572218, -0.7930513944125289),
    (179.99, 75): (1.9604270979434046 * 179.99 / 180, 1.270834487485365),
}


@pytest.mark.parametrize(("place", "point"), KNOWN.items())
def test_projection_agrees_with_another_implementation(place: tuple[float, float], point: tuple[float, float]) -> None:
    assert project_point(CENTRAL_MERIDIAN + place[0], place[1]) == pytest.approx(point)


def test_picture_has_the_published_proportions() -> None:
    """Height to width is 0.52."""
    half_width, _ = project_point(CENTRAL_MERIDIAN + 179.999, 0)
    assert project_point(0, 90)[1] / half_width == pytest.approx(0.52, abs=1e-3)


@given(st.floats(-179, 179), st.floats(-84, 84))
def test_a_pixel_leads_back_to_its_place(longitude: float, latitude: float) -> None:
    found = unproject(*project_point(longitude, latitude))
    assert found is not None
    assert math.cos(math.radians(found[0] - longitude)) == pytest.approx(1, abs=1e-9)
    assert found[1] == pytest.approx(latitude, abs=1e-6)


def test_beside_the_globe_there_is_no_place() -> None:
    x, y = project_point(CENTRAL_MERIDIAN + 179.9, 60)
    assert unproject(x * 1.02, y) is None
    assert unproject(0, 1.6) is None
    assert unproject(0, 9.0) is None


@given(st.integers(1, 12), st.sampled_from(list(Region)))
def test_probes_of_a_region_stand_apart_around_its_middle(count: int, region: Region) -> None:
    centre = REGION_PLACES[region]
    found = spread(centre, count)
    assert len(set(found)) == count
    assert sum(one.latitude for one in found) / count == pytest.approx(centre.latitude)
    assert sum(one.longitude for one in found) / count == pytest.approx(centre.longitude)
    assert all(one.is_known == centre.is_known for one in found)


def test_only_this_computer_stands_where_it_stands_for_want_of_a_place() -> None:
    found = places([probe(1, Region.LOCAL), probe(2, Region.EU), probe(3, Region.EU)], {})
    assert [found[id_].is_known for id_ in (A, B, C)] == [False, True, True]
    own = Place(2.3, 48.9)
    moved = places([probe(1, Region.LOCAL), probe(2, Region.EU)], {A: own, ProbeId(99): own})
    assert moved == {A: own, B: REGION_PLACES[Region.EU]}


def test_a_domain_stays_where_it_was_drawn_until_another_probe_is_clearly_faster() -> None:
    assert nearest({}, A) is None
    assert nearest({A: 20.0, B: 30.0}, None) == A
    assert nearest({A: 20.0, B: 18.0}, A) == A
    assert nearest({A: 20.0, B: 13.9}, A) == B
    assert nearest({B: 500.0}, A) == B


SCREEN = Box(0, 0, 800, 500)


def test_a_label_stands_right_of_its_sign_where_there_is_room() -> None:
    assert label_boxes([Anchor(100, 100, 10)], [(60, 20)], SCREEN) == [Box(110, 90, 60, 20)]


def test_a_label_gives_way_to_the_edge_to_other_signs_and_to_its_arc() -> None:
    at_edge = Anchor(780, 100, 10)
    beside_another = [Anchor(100, 300, 10), Anchor(140, 300, 10)]
    with_arc = Anchor(400, 200, 10, leaves_x=30, leaves_y=-5)
    boxes = label_boxes([at_edge, *beside_another, with_arc], [(60, 20)] * 4, SCREEN)
    assert [box.left for box in boxes] == [710, 30, 150, 330]


@given(
    st.lists(
        st.tuples(st.floats(0, 800), st.floats(0, 500), st.floats(20, 200), st.floats(10, 40)), min_size=1, max_size=8
    )
)
def test_every_label_lies_on_the_screen_in_its_size(found: list[tuple[float, float, float, float]]) -> None:
    boxes = label_boxes([Anchor(x, y, 12) for x, y, _, _ in found], [(w, h) for _, _, w, h in found], SCREEN)
    for box, (_x, _y, width, height) in zip(boxes, found, strict=True):
        assert (box.width, box.height) == (width, height)
        assert replace(box).overlap(SCREEN) == pytest.approx(width * height)
