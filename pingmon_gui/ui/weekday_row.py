"""The days of the week as a row of buttons."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import QEvent, QLocale, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from pingmon_gui.ui.theme import current


class WeekdayRow(QWidget):
    """`days` reads which are pressed: 0 is Monday."""

    changed = Signal()

    def __init__(self, days: Collection[int], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons: list[QToolButton] = []
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for day in range(7):
            button = QToolButton(self)
            button.setCheckable(True)
            button.setChecked(day in days)
            button.setText(QLocale().standaloneDayName(day + 1, QLocale.FormatType.ShortFormat))
            button.setAccessibleName(QLocale().standaloneDayName(day + 1, QLocale.FormatType.LongFormat))
            button.toggled.connect(self.changed)
            self.buttons.append(button)
            row.addWidget(button)
        row.addStretch(1)
        self._dress()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ApplicationPaletteChange:
            self._dress()

    def _dress(self) -> None:
        """Let a pressed day be told from the others in the dark as well."""
        look = current()
        pressed = f"background: {look.accent}; color: {look.on_accent}; border: 1px solid {look.accent};"
        rest = f"border: 1px solid {look.field_line}; border-radius: 4px; padding: 3px 5px;"
        self.setStyleSheet(
            f"QToolButton {{ {rest} }} QToolButton:checked {{ {pressed} }}"
            f"QToolButton:focus {{ border: 1px solid {look.text}; }}"
        )

    def days(self) -> tuple[int, ...]:
        return tuple(day for day, button in enumerate(self.buttons) if button.isChecked())
