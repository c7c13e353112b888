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
        yield from _stops_of(layout)


def _stops_of(layout: QLayout) -> Iterator[QWidget]:
    place = 0
    while (item := layout.itemAt(place)) is not None:
        yield from tab_stops(item.widget())
        if (inner := item.layout()) is not None:
            yield from _stops_of(inner)
        place += 1
