"""Quiet hours as rows: from when to when, on which days."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QLocale, QTime, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QTimeEdit, QToolButton, QVBoxLayout, QWidget

from pingmon_gui.domain.error import InvalidInput
from pingmon_gui.domain.quiet_hours import MAX_SPANS, QuietSpan
from pingmon_gui.ui import resource
from pingmon_gui.ui.plain_label import caption
from pingmon_gui.ui.theme import current
from pingmon_gui.ui.weekday_row import WeekdayRow


class QuietEditor(QWidget):
    """`spans` reads them; `changed` says that one is different."""

    changed = Signal()

    def __init__(self, spans: Sequence[QuietSpan], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[_SpanRow] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self.add_button = QPushButton(self.tr("Add &quiet hours"), self)
        self.add_button.setAutoDefault(False)
        self.add_button.clicked.connect(self.on_add)
        below = QHBoxLayout()
        below.addWidget(self.add_button)
        below.addStretch(1)
        self._column.addLayout(below)
        for span in spans:
            self._add(span)

    def spans(self) -> tuple[QuietSpan, ...]:
        """Return what is set. Raises InvalidInput where a row has no day."""
        return tuple(row.span() for row in self._rows)

    @Slot()
    def on_add(self) -> None:
        self._add(QuietSpan(frozenset(range(7)), 22 * 60, 7 * 60))
        self._rows[-1].start.setFocus()
        self.changed.emit()

    def _add(self, span: QuietSpan) -> None:
        row = _SpanRow(span, self)
        row.removed.connect(self.on_removed)
        row.changed.connect(self.changed)
        self._rows.append(row)
        self._column.insertWidget(self._column.count() - 1, row)
        self.add_button.setEnabled(len(self._rows) < MAX_SPANS)

    @Slot()
    def on_removed(self) -> None:
        row = self.sender()
        assert isinstance(row, _SpanRow)
        self._rows.remove(row)
        row.deleteLater()
        self.add_button.setEnabled(True)
        self.add_button.setFocus()
        self.changed.emit()


class _SpanRow(QWidget):
    removed = Signal()
    changed = Signal()

    def __init__(self, span: QuietSpan, parent: QWidget) -> None:
        super().__init__(parent)
        self.start = self._time(span.from_minute, self.tr("Quiet from"))
        self.end = self._time(span.to_minute, self.tr("Quiet to"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.start)
        row.addWidget(caption("–", None, self))
        row.addWidget(self.end)
        row.addSpacing(6)
        self.week = WeekdayRow(span.days, self)
        self.week.changed.connect(self.changed)
        row.addWidget(self.week)
        remove = QToolButton(self)
        remove.setAutoRaise(True)
        remove.setIcon(resource.line_icon("close", current().muted))
        remove.setToolTip(self.tr("Remove these quiet hours"))
        remove.setAccessibleName(self.tr("Remove these quiet hours"))
        remove.clicked.connect(self.removed)
        row.addWidget(remove)
        row.addStretch(1)

    def span(self) -> QuietSpan:
        """Raises InvalidInput where no day is chosen."""
        days = frozenset(self.week.days())
        if not days:
            raise InvalidInput(self.tr("Quiet hours need at least one weekday."))
        return QuietSpan(days, _minute(self.start.time()), _minute(self.end.time()))

    def _time(self, minute: int, name: str) -> QTimeEdit:
        edit = QTimeEdit(QTime(minute // 60, minute % 60), self)
        edit.setDisplayFormat(QLocale().timeFormat(QLocale.FormatType.ShortFormat))
        edit.setAccessibleName(name)
        edit.timeChanged.connect(self.changed)
        return edit


def _minute(at: QTime) -> int:
    return at.hour() * 60 + at.minute()
