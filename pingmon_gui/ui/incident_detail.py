"""One cause of incidents in full: the sentence, its times, what each probe saw, and the notes."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from pingmon_gui.domain.incident import MAX_NOTE_CHARACTERS, Evidence, IncidentGroup
from pingmon_gui.domain.status import Status
from pingmon_gui.ui import sheet, status_shape, wording
from pingmon_gui.ui.incident_table import Titles, group_sentence, lasted, state_text
from pingmon_gui.ui.plain_label import PlainLabel
from pingmon_gui.ui.theme import current, scaled_font

#: So many of a group's domains are named.
_NAMED = 30


class IncidentDetail(QWidget):
    """`show_group` fills it. The signals carry the incidents that are meant; `note_asked` also the line."""

    acknowledge_asked = Signal(object, bool)
    note_asked = Signal(object, str)
    history_asked = Signal(object)

    def __init__(self, titles: Titles, now_ms: Callable[[], int], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._titles = titles
        self._now_ms = now_ms
        self._group: IncidentGroup | None = None
        self._body: QWidget | None = None
        self.sentence = PlainLabel(self)
        self.sentence.setFont(scaled_font(1.15, weight=self.sentence.font().Weight.DemiBold))
        self.times = PlainLabel(self)
        self.acknowledge = QPushButton(self.tr("&Acknowledge"), self)
        self.acknowledge.setToolTip(self.tr("Say that somebody looks after it (Ctrl+K)"))
        self.acknowledge.setShortcut("Ctrl+K")
        self.history = QPushButton(self.tr("&History"), self)
        self.history.setToolTip(self.tr("Charts of this domain around the incident (Ctrl+H)"))
        self.history.setShortcut("Ctrl+H")
        self.note = QLineEdit(self)
        self.note.setPlaceholderText(self.tr("Write a line about it, then Enter"))
        self.note.setAccessibleName(self.tr("Note"))
        self.note.setMaxLength(MAX_NOTE_CHARACTERS)
        for button in (self.acknowledge, self.history):
            button.setAutoDefault(False)  # Enter in the note is no click here
        buttons = QHBoxLayout()
        buttons.addWidget(self.acknowledge)
        buttons.addWidget(self.history)
        buttons.addWidget(self.note, 1)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(2, 10, 10, 4)
        self._column.setSpacing(8)
        for widget in (self.sentence, self.times):
            self._column.addWidget(widget)
        self._column.addLayout(buttons)
        self._column.addStretch(1)
        self.acknowledge.clicked.connect(self.on_acknowledge)
        self.history.clicked.connect(self.on_history)
        self.note.returnPressed.connect(self.on_note)
        self.show_group(None)

    def show_group(self, group: IncidentGroup | None) -> None:
        """Show a cause; None shows nothing."""
        self._group = group
        self.setVisible(group is not None)
        if group is None:
            return
        self.setStyleSheet(sheet.controls())
        now_ms = self._now_ms()
        self.sentence.setText(wording.plain(group_sentence(group, self._titles), 400) + ".")
        self.times.setText(self._times(group, now_ms))
        self.times.setStyleSheet(f"color: {current().muted}")
        is_acknowledged = all(one.acknowledged_at_ms is not None for one in group.incidents)
        self.acknowledge.setText(self.tr("&Take back") if is_acknowledged else self.tr("&Acknowledge"))
        self.acknowledge.setShortcut("Ctrl+K")
        self._fill(group)

    def _times(self, group: IncidentGroup, now_ms: int) -> str:
        first = group.incidents[0]
        parts = [self.tr("Began %1").replace("%1", wording.date_time(group.start_ms))]
        parts.append(
            self.tr("confirmed after %1").replace("%1", wording.duration(first.confirmed_at_ms - first.start_ms))
        )
        ends = [one.end_ms for one in group.incidents if one.end_ms is not None]
        if not group.is_open and ends:
            parts.append(self.tr("ended %1").replace("%1", wording.date_time(max(ends))))
        parts.append(self.tr("lasted %1").replace("%1", lasted(group, now_ms)))
        parts.append(state_text(group))
        return " · ".join(parts)

    def _fill(self, group: IncidentGroup) -> None:
        if self._body is not None:
            self._body.hide()
            self._body.deleteLater()
        self._body = QWidget(self)
        grid = QGridLayout(self._body)
        grid.setContentsMargins(0, 4, 0, 0)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(3, 1)
        row = 0
        if len(group.incidents) > 1:
            titles = [self._titles(one.monitor) for one in group.incidents[:_NAMED]]
            text = ", ".join(wording.plain(title, 80) for title in titles)
            if len(group.incidents) > _NAMED:
                text += self.tr(" and %1 more").replace("%1", wording.number(len(group.incidents) - _NAMED))
            row = self._add_wide(grid, row, text)
        for evidence in group.incidents[0].evidence:
            self._add_evidence(grid, row, evidence)
            row += 1
        for one in group.incidents:
            for note in one.notes:
                who = f"{self._titles(one.monitor)}: " if len(group.incidents) > 1 else ""
                line = wording.plain(note.text, MAX_NOTE_CHARACTERS)
                row = self._add_wide(grid, row, f"{wording.date_time(note.at_ms)}  {who}{line}")
        self._column.insertWidget(self._column.count() - 1, self._body)

    def _add_wide(self, grid: QGridLayout, row: int, text: str) -> int:
        label = PlainLabel(self._body)
        label.setText(text)
        grid.addWidget(label, row, 0, 1, 4)
        return row + 1

    def _add_evidence(self, grid: QGridLayout, row: int, evidence: Evidence) -> None:
        shape = QLabel(self._body)
        status = evidence.status
        shape.setPixmap(status_shape.icon(int(status)).pixmap(14, 14))
        shape.setAccessibleName(wording.status_word(status))
        place = PlainLabel(self._body, can_wrap=False)
        place.setText(f"{wording.region_name(evidence.region)} ({wording.plain(evidence.probe_name, 60)})")
        word = PlainLabel(self._body, can_wrap=False)
        word.setText(wording.status_word(status))
        what = PlainLabel(self._body)
        what.setText(self._seen(evidence))
        for column, widget in enumerate((shape, place, word, what)):
            grid.addWidget(widget, row, column, Qt.AlignmentFlag.AlignTop)

    @staticmethod
    def _seen(evidence: Evidence) -> str:
        parts = [wording.plain(evidence.message, 400)] if evidence.message else []
        if evidence.status is not Status.OFFLINE and evidence.total_ms is not None:
            parts.append(wording.latency(evidence.total_ms))
        if evidence.address:
            parts.append(wording.plain(evidence.address, 60))
        return " · ".join(parts)

    # Slots

    @Slot()
    def on_acknowledge(self) -> None:
        if self._group is not None:
            is_acknowledged = all(one.acknowledged_at_ms is not None for one in self._group.incidents)
            self.acknowledge_asked.emit(self._group.incidents, not is_acknowledged)

    @Slot()
    def on_history(self) -> None:
        if self._group is not None:
            self.history_asked.emit(self._group.incidents[0])

    @Slot()
    def on_note(self) -> None:
        if self._group is not None and self.note.text().strip():
            self.note_asked.emit(self._group.incidents[0], self.note.text())
            self.note.clear()
