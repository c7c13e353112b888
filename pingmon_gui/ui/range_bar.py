"""The choice of a range of time: the last hour up to the last 90 days, or one's own from one moment to another."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QDateTime, Signal, Slot
from PySide6.QtWidgets import QButtonGroup, QDateTimeEdit, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from pingmon_gui.domain.history import DAY_MS, HOUR_MS
from pingmon_gui.domain.strip import bar_length_ms
from pingmon_gui.ui import time_grid, wording
from pingmon_gui.ui.plain_label import caption
from pingmon_gui.ui.sentence_label import SentenceLabel

RANGES_MS = (HOUR_MS, DAY_MS, 7 * DAY_MS, 30 * DAY_MS, 90 * DAY_MS)
_OWN = 99
LEAST_MS = 60_000


def last(span_ms: int, now_ms: int) -> tuple[int, int]:
    """Return the last hour, day, ... up to now: so many bars, the running one among them, so that each is whole."""
    step = time_grid.step_of(bar_length_ms(span_ms))
    edges = time_grid.edges(now_ms - span_ms, now_ms, step)
    return edges[1 if edges[-1] > now_ms or edges[0] < now_ms - span_ms else 0], now_ms


class RangeBar(QWidget):
    """`chosen` carries a range as (from_ms, to_ms, span_ms of a last one or 0)."""

    chosen = Signal(object)

    def __init__(self, now_ms: Callable[[], int], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._now_ms = now_ms
        self._span: tuple[float, float] = (0.0, 0.0)
        self._buttons = QButtonGroup(self)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for number, (text, name) in enumerate(
            (
                (self.tr("1 h"), self.tr("The last hour")),
                (self.tr("24 h"), self.tr("The last 24 hours")),
                (self.tr("7 d"), self.tr("The last 7 days")),
                (self.tr("30 d"), self.tr("The last 30 days")),
                (self.tr("90 d"), self.tr("The last 90 days")),
            )
        ):
            row.addWidget(self._pill(text, name, number, f"Ctrl+{number + 1}"))
        row.addWidget(self._pill(self.tr("Own…"), self.tr("A range of one's own"), _OWN, "Ctrl+6"))
        self._buttons.idClicked.connect(self.on_clicked)
        self.own = QWidget(self)
        self.first, self.last = QDateTimeEdit(self.own), QDateTimeEdit(self.own)
        self.show_button = QPushButton(self.tr("&Show"), self.own)
        self.show_button.setAutoDefault(False)
        self.error = SentenceLabel(self)
        own = QHBoxLayout(self.own)
        own.setContentsMargins(0, 0, 0, 0)
        for text, editor in ((self.tr("&From"), self.first), (self.tr("&to"), self.last)):
            editor.setCalendarPopup(True)
            own.addWidget(caption(text, editor, self.own))
            own.addWidget(editor)
        own.addWidget(self.show_button)
        self.show_button.clicked.connect(self.on_own)
        self.own.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(self.own)
        column.addWidget(self.error)

    def choose(self, span_ms: int) -> None:
        """Choose one of the last ranges."""
        self._buttons.button(RANGES_MS.index(span_ms)).setChecked(True)
        self.on_clicked(RANGES_MS.index(span_ms))

    def show_span(self, from_ms: float, to_ms: float) -> None:
        """Say where one looks after a move that no button made."""
        checked = self._buttons.checkedButton()
        if checked is not None and self._buttons.checkedId() != _OWN:
            self._buttons.setExclusive(False)
            checked.setChecked(False)
            self._buttons.setExclusive(True)
        self._span = (from_ms, to_ms)

    def _pill(self, text: str, name: str, number: int, key: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setCheckable(True)
        button.setAutoDefault(False)
        button.setAccessibleName(name)
        button.setToolTip(wording.tool_tip(f"{name} ({key})"))
        button.setShortcut(key)
        button.setProperty("pill", True)
        self._buttons.addButton(button, number)
        return button

    @Slot(int)
    def on_clicked(self, number: int) -> None:
        self.own.setVisible(number == _OWN)
        self.error.say("")
        if number == _OWN:
            for editor, at_ms in zip((self.first, self.last), self._span, strict=True):
                editor.setDateTime(QDateTime.fromMSecsSinceEpoch(int(at_ms)))
            self.first.setFocus()
            return
        from_ms, to_ms = self._span = last(RANGES_MS[number], self._now_ms())
        self.chosen.emit((from_ms, to_ms, RANGES_MS[number]))

    @Slot()
    def on_own(self) -> None:
        """Show the range that was typed, or say what is wrong with it."""
        from_ms = self.first.dateTime().toMSecsSinceEpoch()
        to_ms = self.last.dateTime().toMSecsSinceEpoch()
        if from_ms >= self._now_ms():
            self.error.say(self.tr("The beginning lies in the future: nothing was measured then."), is_error=True)
        elif to_ms - from_ms < LEAST_MS:
            self.error.say(self.tr("The end has to be at least a minute after the beginning."), is_error=True)
        else:
            self.error.say("")
            self.chosen.emit((from_ms, min(to_ms, self._now_ms()), 0))
