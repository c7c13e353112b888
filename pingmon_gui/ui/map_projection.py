"""The Natural Earth projection: the round globe on a flat picture, with calm proportions.

Source: B. Šavrič, B. Jenny, T. Patterson, D. Petrovič, L. Hurni, "A polynomial equation for the Natural Earth
projection", Cartography and Geographic Information Science 38 (2011), table 2. Degrees in, units of the globe's
radius out: x to the east, y to the north.
"""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Number = TypeVar("Number", float, Floats)

#: In the middle of the picture; its edges then run through the Bering Strait, and no land is cut in two.
CENTRAL_MERIDIAN = 11.0
_NEWTON_STEPS = 12
_CLOSE = 1e-10


def project(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Return where points of the globe lie in the picture; longitudes run from the left edge to 360° beyond it."""
    phi: Floats = np.radians(latitude)
    return np.radians(longitude - CENTRAL_MERIDIAN) * _width(phi), _height(phi)


def project_point(longitude: float, latitude: float) -> tuple[float, float]:
    """Return where one point of the globe lies in the picture."""
    east = (longitude - CENTRAL_MERIDIAN + 180) % 360 - 180
    x, y = project(np.array([east + CENTRAL_MERIDIAN]), np.array([latitude]))
    return float(x[0]), float(y[0])


def unproject(x: float, y: float) -> tuple[float, float] | None:
    """Return longitude and latitude of a point of the picture, None beside the globe."""
    phi = y
    for _ in range(_NEWTON_STEPS):
        step = (_height(phi) - y) / _slope(phi)
        phi -= step
        if abs(step) < _CLOSE:
            break
    if abs(phi) > math.pi / 2:
        return None
    east = math.degrees(x / _width(phi))
    if abs(east) > 180:
        return None
    return (east + CENTRAL_MERIDIAN + 180) % 360 - 180, math.degrees(phi)


def _width(phi: Number) -> Number:
    """Return how far one radian of longitude reaches at a latitude."""
    square = phi * phi
    fourth = square * square
    return 0.8707 - 0.131979 * square + fourth * (-0.013791 + fourth * square * (0.003971 - 0.001529 * square))


def _height(phi: Number) -> Number:
    square = phi * phi
    fourth = square * square
    return phi * (1.007226 + square * (0.015085 + fourth * (-0.044475 + 0.028874 * square - 0.005916 * fourth)))


def _slope(phi: float) -> float:
    """Return how fast the height grows with the latitude."""
    square = phi * phi
    fourth = square * square
    return 1.007226 + square * (
        3 * 0.015085 + fourth * (-7 * 0.044475 + 9 * 0.028874 * square - 11 * 0.005916 * fourth)
    )
