"""Tab goes through a dialog as the eye does: along its layouts, in whatever order the widgets were made."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLayout, QScrollArea, QWidget


def follow_layout(window: QWidget) -> None:
    """Set the order of a whole window, once all that it consists of stands in its layouts."""
    for before, after in itertools.pairwise(tab_stops(window)):
        QWidget.setTabOrder(before, after)


def tab_stops(widget: QWidget | None) -> Iterator[QWidget]:
    """Yield what Tab stops at within a widget, hidden parts as well, in the order of its layouts."""
    if widget is None:
        return
    if widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
        yield widget
    elif isinstance(widget, QScrollArea):
        yield from tab_stops(widget.widget())
    elif (layout := widget.layout()) is not None:
        yield from _stops_of(layout, widget)


def _stops_of(layout: QLayout, owner: QWidget) -> Iterator[QWidget]:
    """Yield what Tab stops at within a layout of a widget's.

    Its items are not asked for: nothing tells Python when one of them is gone, and what comes to lie in its place in
    memory is then taken for it, until the program crashes. Widgets and layouts do tell.
    """
    inner = [one for one in layout.children() if isinstance(one, QLayout)]
    children = [one for one in owner.children() if isinstance(one, QWidget)]
    parts: list[tuple[int, QLayout | QWidget]] = [(layout.indexOf(one), one) for one in inner]
    parts += [(layout.indexOf(one), one) for one in children]
    for place, part in sorted(parts, key=lambda one: one[0]):
        if place < 0:
            continue
        if isinstance(part, QLayout):
            yield from _stops_of(part, owner)
        else:
            yield from tab_stops(part)
