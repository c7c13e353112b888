"""Drawings as SVG inside of HTML; classes of the page's style sheet say how an ink looks."""

from __future__ import annotations

from html import escape

from pingmon_gui.report.drawing import Area, Box, Drawing, Label, Line, Point, Shape


def svg(drawing: Drawing, *, is_fluid: bool) -> str:
    """Return the picture; a fluid one is as wide as there is room."""
    width = "100%" if is_fluid else _number(drawing.width)
    height = "" if is_fluid else f' height="{_number(drawing.height)}"'
    words = escape(drawing.words)
    return (
        f'<svg role="img" aria-label="{words}" viewBox="0 0 {_number(drawing.width)} {_number(drawing.height)}" '
        f'width="{width}"{height}>{"".join(_shape(shape) for shape in drawing.shapes)}</svg>'
    )


def _shape(shape: Shape) -> str:
    match shape:
        case Box(x, y, width, height, ink, hint):
            place = f'x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" height="{_number(height)}"'
            return f'<rect class="{ink}" {place}><title>{escape(hint)}</title></rect>'
        case Line(points, ink):
            return f'<polyline class="{ink} line" points="{_points(points)}"/>'
        case Area(points, ink):
            return f'<polygon class="{ink}" points="{_points(points)}"/>'
        case Label(x, y, text, anchor):
            return f'<text x="{_number(x)}" y="{_number(y)}" text-anchor="{anchor}">{escape(text)}</text>'


def _points(points: tuple[Point, ...]) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in points)


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
