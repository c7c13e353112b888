"""Where things are on the map: the rules of placing, without any painting.

A probe's place is known no better than its region, unless the user put it somewhere; a domain's place is not known at
all. Nothing here claims more than that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pingmon_gui.domain.probe import Probe
from pingmon_gui.domain.region import Region
from pingmon_gui.domain.result import ProbeId


@dataclass(frozen=True)
class Place:
    """A point of the globe in degrees. `is_known` is false where it is a place for want of a better one."""

    longitude: float
    latitude: float
    is_known: bool = True


#: The middle of each region's land. This computer may be anywhere: it stands in the open sea, at the picture's edge.
REGION_PLACES: dict[Region, Place] = {
    Region.LOCAL: Place(-18.0, -45.0, is_known=False),
    Region.NA: Place(-98.0, 40.0),
    Region.EU: Place(13.0, 50.0),
    Region.AS: Place(103.0, 30.0),
    Region.SA: Place(-58.0, -14.0),
    Region.OC: Place(134.0, -25.0),
}
#: Probes of one region stand on a circle of this radius around its middle, in degrees of latitude.
SPREAD_DEGREES = 8.0
#: Another probe has to be so much faster before a domain is drawn beside it instead: latencies jitter, pictures do not.
CLEARLY_FASTER = 0.7
#: Hiding where an arc begins is as bad as hiding so much of the label's size.
_ARC_WEIGHT = 0.4


def places(probes: Sequence[Probe], own: Mapping[ProbeId, Place]) -> dict[ProbeId, Place]:
    """Return where each probe stands: where the user put it, else around the middle of its region."""
    found: dict[ProbeId, Place] = {}
    for region in Region:
        here = [probe.id for probe in probes if probe.region is region]
        found.update(zip(here, spread(REGION_PLACES[region], len(here)), strict=True))
    return {probe: own.get(probe, place) for probe, place in found.items()}


def spread(centre: Place, count: int) -> list[Place]:
    """Return places for several around a centre, evenly, the first to the west; a single one stands in it."""
    if count == 1:
        return [centre]
    shrink = math.cos(math.radians(centre.latitude))
    around = []
    for number in range(count):
        angle = math.pi + 2 * math.pi * number / count
        longitude = centre.longitude + SPREAD_DEGREES * math.cos(angle) / shrink
        around.append(Place(longitude, centre.latitude + SPREAD_DEGREES * math.sin(angle), centre.is_known))
    return around


def nearest(latency_ms: Mapping[ProbeId, float], before: ProbeId | None) -> ProbeId | None:
    """Return the probe that reaches a domain fastest; the one from `before` until another is clearly faster.

    `latency_ms` has the probes from which the domain is reached. None where there are none.
    """
    if not latency_ms:
        return None
    fastest = min(latency_ms, key=lambda probe: latency_ms[probe])
    if before is not None and before in latency_ms and latency_ms[fastest] > CLEARLY_FASTER * latency_ms[before]:
        return before
    return fastest


@dataclass(frozen=True)
class Box:
    """A rectangle of the picture, in pixels."""

    left: float
    top: float
    width: float
    height: float

    def overlap(self, other: Box) -> float:
        """Return the area that both cover."""
        across = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        down = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        return max(0.0, across) * max(0.0, down)


@dataclass(frozen=True)
class Anchor:
    """What a label belongs to: a point, how much room its sign takes around it, and the way its arc leaves it."""

    x: float
    y: float
    gap: float
    leaves_x: float = 0.0
    leaves_y: float = 0.0


def label_boxes(anchors: Sequence[Anchor], sizes: Sequence[tuple[float, float]], bounds: Box) -> list[Box]:
    """Return a box for the label of each anchor: beside it, within the bounds, and over nothing where that can be.

    Tried are right, left, below and above; of those the one that hides least is taken, an arc counting as a little.
    """
    taken = [Box(one.x - one.gap, one.y - one.gap, 2 * one.gap, 2 * one.gap) for one in anchors]
    boxes: list[Box] = []
    for one, (width, height) in zip(anchors, sizes, strict=True):
        length = math.hypot(one.leaves_x, one.leaves_y)
        hidden: list[tuple[float, Box]] = []
        for side_x, side_y in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            left = one.x + side_x * one.gap + width * (side_x - 1) / 2
            top = one.y + side_y * one.gap + height * (side_y - 1) / 2
            box = _within(Box(left, top, width, height), bounds)
            area = sum(box.overlap(other) for other in [*taken, *boxes])
            if length > 0:
                towards = (side_x * one.leaves_x + side_y * one.leaves_y) / length
                area += max(0.0, towards - 0.4) * width * height * _ARC_WEIGHT
            hidden.append((float(round(area)), box))
        boxes.append(min(hidden, key=lambda found: found[0])[1])
    return boxes


def _within(box: Box, bounds: Box) -> Box:
    left = max(bounds.left, min(box.left, bounds.left + bounds.width - box.width))
    top = max(bounds.top, min(box.top, bounds.top + bounds.height - box.height))
    return Box(left, top, box.width, box.height)
