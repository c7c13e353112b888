"""How large the database is, what makes that up, and what it grows to with the values in the form beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from pingmon_gui.domain.preference import Preferences
from pingmon_gui.domain.size_forecast import Forecast, Load, SizeParts, forecast
from pingmon_gui.ui import wording
from pingmon_gui.ui.data_wording import file_size
from pingmon_gui.ui.sentence_label import SentenceLabel

_COLUMNS = 3


@dataclass(frozen=True)
class Usage:
    """What the forecast starts from: sizes now, the oldest result, and what is measured from how many regions."""

    parts: SizeParts
    oldest_at_ms: int | None
    measured: tuple[Load, ...]
    domains: int
    regions: int


class SizePanel(QWidget):
    """Empty until `show_usage`; then `show_forecast` follows every edit."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._usage: Usage | None = None
        self._is_wanted = True
        self._preferences = Preferences({})
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(28)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(_COLUMNS, 1)
        self._cells: list[tuple[QLabel, QLabel]] = []
        self.sentence = SentenceLabel(self)
        self.warning = SentenceLabel(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 4)
        column.addLayout(self._grid)
        column.addWidget(self.sentence)
        column.addWidget(self.warning)
        self.setAccessibleName(self.tr("Size of the database"))
        self.hide()

    def show_usage(self, usage: Usage) -> None:
        """Show how large everything is now."""
        if self._usage is None:
            self._fill(usage)
        self._usage = usage
        self.setVisible(self._is_wanted)
        self.show_forecast(self._preferences)

    def set_wanted(self, is_wanted: bool) -> None:
        """Hide while the settings that it is about are hidden."""
        self._is_wanted = is_wanted
        self.setVisible(is_wanted and self._usage is not None)

    def show_forecast(self, preferences: Preferences) -> None:
        """Show what the database grows to with other settings."""
        self._preferences = preferences
        usage = self._usage
        if usage is None:
            return
        told = forecast(usage.measured, usage.domains, preferences)
        for (now, later), size, size_later in zip(self._cells, _rows(usage.parts), _rows(told.parts), strict=True):
            now.setText(file_size(size))
            later.setText(file_size(size_later))
        self.sentence.say(self._told(usage, told))
        self.warning.say(self._capped(told, preferences), is_error=told.is_capped)

    def _fill(self, usage: Usage) -> None:
        oldest = self.tr("Every result")
        if usage.oldest_at_ms is not None:
            oldest = self.tr("Every result, since %1").replace("%1", wording.date_time(usage.oldest_at_ms))
        names = [
            oldest,
            self.tr("5-minute roll-ups"),
            self.tr("Hourly roll-ups"),
            self.tr("Daily roll-ups"),
            self.tr("Incidents and verdicts"),
            self.tr("Other, and free for what comes"),
            self.tr("All"),
        ]
        heads = ("", self.tr("now"), self.tr("after a year"))
        for place, text in enumerate(heads):
            head = self._label(text)
            head.setProperty("quiet", True)
            self._grid.addWidget(head, 0, place, _side(place))
        for row, name in enumerate(names, 1):
            cells = (self._label(name), self._label(""), self._label(""))
            for place, label in enumerate(cells):
                self._grid.addWidget(label, row, place, _side(place))
                if row == len(names):
                    font = label.font()
                    font.setBold(True)
                    label.setFont(font)
            self._cells.append((cells[1], cells[2]))

    def _told(self, usage: Usage, told: Forecast) -> str:
        if not usage.measured:
            return self.tr("Nothing is measured just now, so it stays as it is.")
        per_s = sum(load.series * load.results_per_hour for load in usage.measured) / 3600
        text = self.tr("With %1 from %2, %3 results a second, this grows to about %4 in a year;")
        regions = wording.counted(self.tr("%n region(s)", None, usage.regions), usage.regions)
        text = text.replace("%4", file_size(told.parts.total_bytes))
        text = text.replace("%3", wording.number(per_s, 0 if per_s >= 10 else 1))
        text = text.replace("%2", regions.replace("%n", wording.number(usage.regions)))
        text = text.replace("%1", wording.monitors_counted(usage.domains))
        if told.stays:
            return f"{text} {self.tr('with these settings it stays about there.')}"
        more = self.tr("with these settings it grows on by about %1 a year.")
        return f"{text} {more.replace('%1', file_size(told.bytes_per_year))}"

    def _capped(self, told: Forecast, preferences: Preferences) -> str:
        if not told.is_capped:
            return ""
        wanted = preferences.integer("keep_raw_days")
        if told.raw_days < 1 / 24:
            return self.tr("The largest size is too small for the roll-ups alone: no result would be kept beside them.")
        text = self.tr("The largest size comes first: every result is then kept for about %1 instead of %2.")
        return text.replace("%2", _days(wanted)).replace("%1", _days(told.raw_days))

    def _label(self, text: str) -> QLabel:
        label = QLabel(text, self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        return label


def _rows(parts: SizeParts) -> Sequence[int]:
    return (
        parts.raw_bytes,
        parts.fine_bytes,
        parts.hour_bytes,
        parts.day_bytes,
        parts.judged_bytes,
        parts.other_bytes + parts.free_bytes,
        parts.total_bytes,
    )


def _side(place: int) -> Qt.AlignmentFlag:
    return Qt.AlignmentFlag.AlignRight if place else Qt.AlignmentFlag.AlignLeft


def _days(days: float) -> str:
    if days < 1:
        return wording.duration(round(days * 24) * 3_600_000)
    whole = round(days)
    return wording.counted(wording.translate("Wording", "%n day(s)", None, whole), whole)
