"""Beside the chart: what its colours and marks mean, and the values of percentiles or phases at the cursor."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from pingmon_gui.ui.history_curves import Kind
from pingmon_gui.ui.history_drawing import Look
from pingmon_gui.ui.history_reading import Value
from pingmon_gui.ui.latency_chart import region_colour
from pingmon_gui.ui.phase_bar import phase_colours
from pingmon_gui.ui.plain_label import quiet_label
from pingmon_gui.ui.theme import current, mixed, scaled_font
from pingmon_gui.ui.wording import translate

_KEY = 9
_MOST_VALUES = 7


class HistoryLegend(QWidget):
    def __init__(self, width: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedWidth(width)
        self._when = quiet_label(self, can_wrap=True)
        self._when.setFont(scaled_font(1.0, weight=QFont.Weight.DemiBold, is_tabular=True))
        self._note = quiet_label(self, can_wrap=True)
        self._hint = quiet_label(self, can_wrap=True)
        self._rows = [self._row() for _ in range(_MOST_VALUES)]
        values = QGridLayout()
        values.setHorizontalSpacing(6)
        values.setVerticalSpacing(3)
        values.setColumnStretch(1, 1)
        for place, row in enumerate(self._rows):
            for column, label in enumerate(row):
                values.addWidget(label, place, column)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(12, 6, 0, 30)
        whole.setSpacing(8)
        whole.addWidget(self._when)
        whole.addLayout(values)
        whole.addWidget(self._note)
        whole.addStretch(1)
        whole.addWidget(self._hint)

    def show_values(
        self, look: Look, when: str, values: Sequence[Value], note: str, *, has_two_families: bool = False
    ) -> None:
        """Show values with the moment they are of; `note` says what happened then."""
        self._when.setText(when)
        self._when.setVisible(bool(when))
        self._note.setText(note)
        self._note.setVisible(bool(note))
        self._hint.setText("\n".join(marks(look, has_two_families=has_two_families)))
        shown = [*values, *[None] * (_MOST_VALUES - len(values))]
        for (key, name, figure), value in zip(self._rows, shown, strict=True):
            for label in (key, name, figure):
                label.setVisible(value is not None)
            if value is not None:
                name.setText(value.name)
                figure.setText(value.figure)
                key.setStyleSheet(_key_style(look, value.place))

    def refresh(self) -> None:
        """Take over the colours in use."""
        self._hint.setStyleSheet(f"color: {current().muted}")

    def _row(self) -> tuple[QLabel, QLabel, QLabel]:
        key, name, figure = QLabel(self), quiet_label(self, can_wrap=True), quiet_label(self)
        key.setFixedSize(_KEY, _KEY)
        figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        figure.setFont(scaled_font(1.0, is_tabular=True))
        return key, name, figure


def marks(look: Look, *, has_two_families: bool = False) -> list[str]:
    """Return what the marks, lines and shades of a chart mean."""
    lines = [
        translate("HistoryLegend", "✕ failed check"),
        translate("HistoryLegend", "hatched: paused, maintenance"),
        translate("HistoryLegend", "dotted: nothing known"),
        translate("HistoryLegend", "tinted: incident"),
    ]
    if look.kind is Kind.LATENCY:
        lines.insert(1, translate("HistoryLegend", "○ far longer than normal"))
        if has_two_families:
            lines.insert(0, translate("HistoryLegend", "pale: IPv6"))
    if look.with_normal and look.kind is not Kind.PHASES:
        lines.insert(0, translate("HistoryLegend", "- - normal; thick: slower"))
    return lines


def _key_style(look: Look, place: int) -> str:
    if place < 0:
        return "background: transparent"
    if look.kind is Kind.PHASES:
        return f"background: {phase_colours()[place]}; border-radius: 2px"
    colour = region_colour(look.region) if look.region is not None else current().muted
    shade = {0: QColor(colour), 1: mixed(colour, current().base, 0.35), 2: mixed(colour, current().base, 0.18)}[place]
    return f"background: {shade.name()}; border-radius: 2px"
