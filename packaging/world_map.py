"""Makes `resources/world.json`, the land of the map, from Natural Earth's coastlines at 1:50 million.

Usage: `npm pack world-atlas@2.0.2 && tar xf world-atlas-2.0.2.tgz`, then
`python packaging/world_map.py package/land-50m.json resources/world.json`. Needed again only for other coastlines.

The result holds rings of land as [longitude, latitude, then steps of both], in hundredths of a degree. Longitudes run
from WEST to WEST + 360, so that no land is cut in two. Land south of 60° S is left out, and islands too small to be
seen.
"""

from __future__ import annotations

import itertools
import json
import math
import sys
from pathlib import Path

Point = tuple[float, float]

#: A point that lies nearer than this to the line of its neighbours, in degrees, is not needed: a pixel of a 4K screen.
TOLERANCE = 0.09
#: Rings with less area, in square degrees at the equator, are left out.
LEAST_AREA = 0.12
SOUTH = -60.0
#: The map is cut here, through the Bering Strait.
WEST = -169.0
SCALE = 100


def main(source: Path, target: Path) -> None:
    topology = json.loads(source.read_text(encoding="utf-8"))
    arcs = [_unpacked(arc, topology["transform"]) for arc in topology["arcs"]]
    rings = []
    for geometry in topology["objects"]["land"]["geometries"]:
        polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
        rings += [_joined(ring, arcs) for polygon in polygons for ring in polygon]
    cut = [part for ring in rings for part in _cut(_unwrapped(ring))]
    kept = [_simplified(ring) for ring in cut if _is_seen(ring)]
    kept = sorted((ring for ring in kept if len(ring) > 3), key=lambda ring: -_area(ring))
    document = {
        "source": "Natural Earth 1:50m land (public domain), by way of world-atlas 2.0.2",
        "unit": "degrees / 100; each ring: longitude, latitude, then steps",
        "rings": [_packed(ring) for ring in kept],
    }
    target.write_text(json.dumps(document, separators=(",", ":")) + "\n", encoding="utf-8")
    points = sum(map(len, kept))
    print(f"{len(kept)} rings, {points} points, {target.stat().st_size} bytes")


def _unpacked(arc: list[list[int]], transform: dict[str, list[float]]) -> list[Point]:
    """Return the points of a TopoJSON arc: steps of quantised coordinates (TopoJSON specification, 2.1.3)."""
    (scale_x, scale_y), (left, bottom) = transform["scale"], transform["translate"]
    x = y = 0
    points = []
    for step_x, step_y in arc:
        x, y = x + step_x, y + step_y
        points.append((left + x * scale_x, bottom + y * scale_y))
    return points


def _joined(ring: list[int], arcs: list[list[Point]]) -> list[Point]:
    """Return the ring that these arcs make; a negative number is an arc walked backwards."""
    points: list[Point] = []
    for number in ring:
        part = arcs[number] if number >= 0 else arcs[~number][::-1]
        points += part[1:] if points else part
    return points


def _unwrapped(ring: list[Point]) -> list[Point]:
    """Return the ring with longitudes that run on where it crosses the antimeridian."""
    points = [ring[0]]
    for x, y in ring[1:]:
        turns = round((points[-1][0] - x) / 360)
        points.append((x + 360 * turns, y))
    return points


def _cut(ring: list[Point]) -> list[list[Point]]:
    """Return the parts of a ring, each moved into the map and cut off at its edges."""
    parts = []
    for turn in (-360, 0, 360):
        moved = [(x + turn, y) for x, y in ring]
        inside = _clipped(_clipped(moved, WEST, 1), WEST + 360, -1)
        if len(inside) > 2:
            parts.append([*inside, inside[0]])
    return parts


def _clipped(ring: list[Point], edge: float, side: int) -> list[Point]:
    """Return what of a ring lies east (side 1) or west (-1) of a meridian (Sutherland and Hodgman)."""
    kept: list[Point] = []
    for (x, y), (next_x, next_y) in zip(ring, [*ring[1:], *ring[:1]], strict=True):
        is_in, is_next_in = (x - edge) * side >= 0, (next_x - edge) * side >= 0
        if is_in:
            kept.append((x, y))
        if is_in != is_next_in:
            kept.append((edge, y + (next_y - y) * (edge - x) / (next_x - x)))
    return kept


def _is_seen(ring: list[Point]) -> bool:
    return max(y for _x, y in ring) > SOUTH and _area(ring) >= LEAST_AREA


def _area(ring: list[Point]) -> float:
    pairs = zip(ring, [*ring[1:], ring[0]], strict=True)
    doubled = sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in pairs)
    middle = sum(y for _x, y in ring) / len(ring)
    return abs(doubled) / 2 * math.cos(math.radians(middle))


def _simplified(ring: list[Point]) -> list[Point]:
    """Return the ring without the points that nobody would miss (Ramer, Douglas and Peucker), closed as it was."""
    keep = {0, len(ring) // 2, len(ring) - 1}
    spans = [(0, len(ring) // 2), (len(ring) // 2, len(ring) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        far, place = max((_distance(ring[at], ring[first], ring[last]), at) for at in range(first + 1, last))
        if far > TOLERANCE:
            keep.add(place)
            spans += [(first, place), (place, last)]
    return [ring[place] for place in sorted(keep)]


def _distance(point: Point, start: Point, end: Point) -> float:
    """Return how far a point is from a line, in degrees of latitude."""
    shrink = math.cos(math.radians(point[1]))
    px, py = (point[0] - start[0]) * shrink, point[1] - start[1]
    dx, dy = (end[0] - start[0]) * shrink, end[1] - start[1]
    length = math.hypot(dx, dy)
    if length == 0:
        return math.hypot(px, py)
    along = max(0.0, min(1.0, (px * dx + py * dy) / length**2))
    return math.hypot(px - along * dx, py - along * dy)


def _packed(ring: list[Point]) -> list[int]:
    whole = [(round(x * SCALE), round(y * SCALE)) for x, y in ring]
    flat = list(whole[0])
    for (x, y), (next_x, next_y) in itertools.pairwise(whole):
        if (next_x, next_y) != (x, y):
            flat += [next_x - x, next_y - y]
    return flat


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
