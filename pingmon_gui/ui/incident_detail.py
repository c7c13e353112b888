"""One cause of incidents in full: the sentence, its times, what each probe saw, the chart around it, and the notes."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from pingmon_gui.domain.incident import MAX_NOTE_CHARACTERS, Evidence, Incident, IncidentGroup
from pingmon_gui.domain.status import Status
from pingmon_gui.ui import sheet, status_shape, wording
from pingmon_gui.ui.evidence_panel import EvidencePanel
from pingmon_gui.ui.incident_chart import IncidentChart
from pingmon_gui.ui.incident_table import Titles, group_sentence, lasted, state_text
from pingmon_gui.ui.latency_chart import region_colour
from pingmon_gui.ui.plain_label import PlainLabel
from pingmon_gui.ui.tab_order import follow_layout
from pingmon_gui.ui.theme import current, scaled_font

#: So many of a group's domains are named.
_NAMED = 30
#: With so much room the chart stands beside what each probe saw, else below it.
_BESIDE_CHARACTERS = 130
_BODY_SHARE, _CHART_SHARE = 4, 5
_COLOUR = 9
_WIDTH = 5  # columns
#: So much of the evidence is seen at first: that there is some, and its beginning.
_EVIDENCE_LINES = 7


class IncidentDetail(QWidget):
    """`show_group` fills it. The signals carry the incidents that are meant; `note_asked` also the line.

    Of a cause over several domains one is told in full, `chosen`: what its probes saw, and its chart.
    """

    acknowledge_asked = Signal(object, bool)
    note_asked = Signal(object, str)
    history_asked = Signal(object)

    def __init__(
        self,
        chart: IncidentChart,
        kept: EvidencePanel,
        titles: Titles,
        now_ms: Callable[[], int],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.chart = chart
        self.kept = kept
        self._titles = titles
        self._now_ms = now_ms
        self._group: IncidentGroup | None = None
        self.chosen: Incident | None = None
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
        self._beside = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._beside.setSpacing(18)
        self._beside.addWidget(chart, _CHART_SHARE)
        self._column.addLayout(self._beside, 1)
        self._column.addWidget(kept)
        self.acknowledge.clicked.connect(self.on_acknowledge)
        self.history.clicked.connect(self.on_history)
        self.note.returnPressed.connect(self.on_note)
        chart.plot_made.connect(self.on_plot_made)
        kept.filled.connect(self.on_plot_made)
        self.show_group(None, None)

    def show_group(self, group: IncidentGroup | None, chosen: Incident | None) -> None:
        """Show a cause, one of its incidents in full; None shows nothing."""
        self._group, self.chosen = group, chosen
        self.setVisible(group is not None)
        self.chart.show_incident(chosen, "" if chosen is None else self._titles(chosen.monitor))
        self.kept.show_incident(chosen)
        if group is None or chosen is None:
            return
        self.chart.refresh()
        self.kept.refresh()
        self.setStyleSheet(sheet.controls())
        now_ms = self._now_ms()
        self.sentence.setText(wording.plain(group_sentence(group, self._titles), 400) + ".")
        self.times.setText(self._times(group, now_ms))
        self.times.setStyleSheet(f"color: {current().muted}")
        is_acknowledged = all(one.acknowledged_at_ms is not None for one in group.incidents)
        self.acknowledge.setText(self.tr("&Take back") if is_acknowledged else self.tr("&Acknowledge"))
        self.acknowledge.setShortcut("Ctrl+K")
        self._fill(group, chosen)
        follow_layout(self)

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

    def _fill(self, group: IncidentGroup, chosen: Incident) -> None:
        if self._body is not None:
            self._body.hide()
            self._body.deleteLater()
        self._body = QWidget(self)
        grid = QGridLayout(self._body)
        grid.setContentsMargins(0, 4, 0, 0)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(_WIDTH - 1, 1)
        row = 0
        if len(group.incidents) > 1:
            titles = [self._titles(one.monitor) for one in group.incidents[:_NAMED]]
            text = ", ".join(wording.plain(title, 80) for title in titles)
            if len(group.incidents) > _NAMED:
                text += self.tr(" and %1 more").replace("%1", wording.number(len(group.incidents) - _NAMED))
            row = self._add_wide(grid, row, text)
            text = self.tr("What the regions saw of %1:")
            row = self._add_wide(grid, row, text.replace("%1", wording.plain(self._titles(chosen.monitor), 80)))
        for evidence in chosen.evidence:
            self._add_evidence(grid, row, evidence)
            row += 1
        for one in group.incidents:
            for note in one.notes:
                who = f"{self._titles(one.monitor)}: " if len(group.incidents) > 1 else ""
                line = wording.plain(note.text, MAX_NOTE_CHARACTERS)
                row = self._add_wide(grid, row, f"{wording.date_time(note.at_ms)}  {who}{line}")
        grid.setRowStretch(row, 1)
        self._beside.insertWidget(0, self._body)
        self._body.show()
        self._place_chart()

    def wanted_height(self) -> int:
        """Return the height at which only the evidence has to be scrolled, as wide as it is: that may be pages long."""
        self._column.activate()
        whole = max(self._column.totalHeightForWidth(self.width()), self._column.totalMinimumSize().height())
        evidence = self.kept.height_at(self.width()) if self.kept.isVisibleTo(self) else 0
        return whole - max(0, evidence - self.fontMetrics().lineSpacing() * _EVIDENCE_LINES)

    def _place_chart(self) -> None:
        """Put the chart beside the rest, or below it where there is little room."""
        unit, body = self.fontMetrics().averageCharWidth(), self._body
        needed = 0 if body is None else body.minimumSizeHint().width() + self.chart.minimumWidth()
        margins = self._column.contentsMargins()
        needed += margins.left() + margins.right() + self._beside.spacing()
        is_narrow = self.width() <= max(needed, unit * _BESIDE_CHARACTERS)
        direction = QBoxLayout.Direction.TopToBottom if is_narrow else QBoxLayout.Direction.LeftToRight
        self._beside.setDirection(direction)
        if body is not None:
            self._beside.setStretchFactor(body, 0 if is_narrow else _BODY_SHARE)

    def _add_wide(self, grid: QGridLayout, row: int, text: str) -> int:
        label = PlainLabel(self._body)
        label.setText(text)
        grid.addWidget(label, row, 0, 1, _WIDTH)
        return row + 1

    def _add_evidence(self, grid: QGridLayout, row: int, evidence: Evidence) -> None:
        shape = QLabel(self._body)
        status = evidence.status
        shape.setPixmap(status_shape.icon(int(status)).pixmap(14, 14))
        shape.setAccessibleName(wording.status_word(status))
        colour = QWidget(self._body)
        colour.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        line = self.fontMetrics().height()
        colour.setFixedSize(_COLOUR, line)
        around = (line - _COLOUR) // 2
        colour.setStyleSheet(f"background: {region_colour(evidence.region)}; border-radius: 2px; margin: {around}px 0")
        place = PlainLabel(self._body, can_wrap=False)
        family = f" · {wording.family_name(evidence.family)}" if evidence.family else ""
        place.setText(f"{wording.seen_from(evidence.region, evidence.probe_name)}{family}")
        word = PlainLabel(self._body, can_wrap=False)
        word.setText(wording.status_word(status))
        what = PlainLabel(self._body)
        what.setText(self._seen(evidence))
        for column, widget in enumerate((shape, colour, place, word, what)):
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
        if self.chosen is not None:
            self.history_asked.emit(self.chosen)

    @Slot()
    def on_note(self) -> None:
        if self.chosen is not None and self.note.text().strip():
            self.note_asked.emit(self.chosen, self.note.text())
            self.note.clear()

    @Slot()
    def on_plot_made(self) -> None:
        follow_layout(self)

    # Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_chart()
