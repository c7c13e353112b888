"""A length of time as a field of a form: a number and its unit."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSpinBox, QWidget

_UNITS_MS = {"s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}


class SpanEdit(QWidget):
    """`ms` reads it; `units` are some of `s`, `min`, `h` and `d`."""

    changed = Signal()

    def __init__(
        self,
        ms: int,
        name: str,
        *,
        nothing: str = "",
        units: tuple[str, ...] = ("s", "min", "h"),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.number = QSpinBox(self)
        self.number.setRange(0, 9_999)
        self.number.setSpecialValueText(nothing)
        self.number.setAccessibleName(name)
        self.unit = QComboBox(self)
        self.unit.setAccessibleName(self.tr("Unit of %1").replace("%1", name))
        texts = {"s": self.tr("seconds"), "min": self.tr("minutes"), "h": self.tr("hours"), "d": self.tr("days")}
        for word in units:
            self.unit.addItem(texts[word], word)
        word = next((w for w in reversed(units) if ms and ms % _UNITS_MS[w] == 0), "min")
        self.unit.setCurrentIndex(self.unit.findData(word))
        self.number.setValue(ms // _UNITS_MS[word])
        self.number.valueChanged.connect(self.changed)
        self.unit.currentIndexChanged.connect(self.changed)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.number)
        row.addWidget(self.unit)
        row.addStretch(1)
        self.setFocusProxy(self.number)

    @property
    def ms(self) -> int:
        return self.number.value() * _UNITS_MS[self.unit.currentData()]
